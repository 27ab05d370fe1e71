"""Every setting that a document names has an effect: a process gets it, or the command line reads it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy.local import table
from deploy.local.paths import State
from deploy.local.table import GATEWAY_ONLY, HANDED_ON, OUTSIDE, READ_HERE, Addresses, Ports
from tests.architecture.source import ROOT

FOLDERS = ("docs", "tests", "services", "deploy", "bench")
DOCUMENTS = [ROOT / "README.md", *(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.md"))]
NAMES = re.compile(r"MOTCUA_[A-Z_]*[A-Z]")
#: What the supervisor gives each process itself; an operator's value would be another room's, or a wrong address.
MADE = {
    "MOTCUA_AMQP_URL", "MOTCUA_CLOCK_OFFSET", "MOTCUA_DATA_KEY", "MOTCUA_HEALTH_PORT", "MOTCUA_HTTP_PORT", "MOTCUA_KEY",
    "MOTCUA_MONGO_URL", "MOTCUA_MONGO_URL_ADMIN", "MOTCUA_PARTNER_AMQP_URL", "MOTCUA_PROVIDER_SECRET",
    "MOTCUA_PUBLIC_KEYS", "MOTCUA_REHEARSAL", "MOTCUA_ROOM", "MOTCUA_SEED", "MOTCUA_STATE_DIR", "MOTCUA_VAULT_URL",
    "MOTCUA_VNEID_SECRET",
}  # fmt: skip
#: Where the name stands in a file of its own, read there.
READ_ELSEWHERE = {
    "MOTCUA_PUBLISH": "docker-compose.yml",
    "MOTCUA_FUZZ_SEED": "tests/journeys/test_queue_fuzz.py",
    "MOTCUA_SEED_OF_CHAOS": "tests/faults/walk.py",
}


def named() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for document in DOCUMENTS:
        for name in NAMES.findall(document.read_text()):
            found.setdefault(name, set()).add(str(document.relative_to(ROOT)))
    return found


def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rehearsal: bool) -> dict[str, dict[str, str]]:
    monkeypatch.delenv("MOTCUA_PORT_BASE", raising=False)
    monkeypatch.setattr(table, "fonts", lambda: Path("/fonts"))
    state = State(tmp_path / "state")
    state.make()
    passwords = {f"{store}.{user}": "x" for store in ("broker", "database")
                 for user in (*table.ROOMS, "partner", "operator")}  # fmt: skip
    rows = table.table(state, Ports(state), Addresses("a:1", "b:2"), passwords, rehearsal)
    return {row.name: row.env for row in rows}


def test_every_setting_of_the_documents_is_known():
    known = {*HANDED_ON, *GATEWAY_ONLY, *OUTSIDE, *READ_HERE, *MADE, *READ_ELSEWHERE}
    unknown = {name: sorted(where) for name, where in named().items() if name not in known}
    assert unknown == {}


def test_what_the_command_line_reads_it_reads():
    code = "\n".join(f.read_text() for f in [*(ROOT / "deploy/local").glob("*.py"), ROOT / "tests/conftest.py"])
    for name in READ_HERE:
        assert re.search(rf'environ(\.get\(|\[)"{name}"', code), name
    for name, file in READ_ELSEWHERE.items():
        assert name in (ROOT / file).read_text()


def test_what_is_handed_on_reaches_the_process_that_reads_it(tmp_path, monkeypatch):
    for name in (*HANDED_ON, *GATEWAY_ONLY, *OUTSIDE, "MOTCUA_PUBLIC_URL", "MOTCUA_TRUST", "MOTCUA_LOG_LEVEL"):
        monkeypatch.setenv(name, f"given-{name}")
    found = environments(tmp_path, monkeypatch, rehearsal=False)
    for room, env in found.items():
        for name in (*HANDED_ON, *OUTSIDE, "MOTCUA_PUBLIC_URL", "MOTCUA_TRUST", "MOTCUA_LOG_LEVEL"):
            assert env[name] == f"given-{name}", (room, name)
        # the vault's byte door stays on loopback whatever the gateway's does
        assert ("MOTCUA_HTTP_HOST" in env) is (room == "gateway"), room


def test_what_is_handed_on_is_read_by_a_process():
    code = "\n".join(f.read_text() for f in (ROOT / "services").rglob("*.py"))
    for name in (*HANDED_ON, *GATEWAY_ONLY, *OUTSIDE):
        short = name.removeprefix("MOTCUA_")
        assert name in code or f'"{short}"' in code, name


def test_a_production_system_never_trusts_the_rehearsals_authority(tmp_path, monkeypatch):
    monkeypatch.delenv("MOTCUA_TRUST", raising=False)
    monkeypatch.delenv("MOTCUA_TRUST_KEYS", raising=False)
    for rehearsal in (True, False):
        for room, env in environments(tmp_path, monkeypatch, rehearsal).items():
            assert env["MOTCUA_TRUST"].endswith("/rehearsal-trust" if rehearsal else "/state/trust"), room
            assert bool(env["MOTCUA_TRUST_KEYS"]) is rehearsal, room
