"""What anybody may have written into the folder of the ledger's heads: told in plain words, believed never."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.local.make_keys import make
from deploy.local.paths import State
from deploy.operate import archive, restored_ledger
from deploy.operate.ledger import Keys, run_verify
from services.oversight import heads
from services.oversight.ledger import GENESIS, append


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(tmp_path / "state")
    made.make()
    (made.secrets / "keys").mkdir()
    for owner in ("oversight", "operator"):
        make(made.secrets / "keys", made.public_keys, owner)
    return made


@pytest.fixture
def signed(state: State) -> Any:
    """The last of three entries; heads of all three lie in the folder."""
    signer = archive.load_key(state.secrets / "keys" / "oversight-1.pem")
    file, last = heads.HeadsFile(state.ledger_heads, "oversight-1", signer.sign), None
    for number in range(3):
        last = append(last, {"n": number}, "oversight-1", signer.sign)
        file.append(last)
    return last


def line(state: State, **given: Any) -> None:
    row = {"sequence": 1, "hash": GENESIS, "signed_at": datetime.now(UTC).isoformat(), "kid": "oversight-1",
           "signature": "00" * 64, **given}  # fmt: skip
    with open(state.ledger_heads / heads.FILE, "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def taken_back(state: State, last: Any) -> dict[str, Any]:
    """The statement that a restore to the first of the three entries signs."""
    first = {"sequence": 1, "hash": last.hash}
    client: Any = {"oversight": {"ledger": SimpleNamespace(find_one=lambda *_, **__: first)}}
    manifest: Any = SimpleNamespace(files={}, backup="b", taken_at="2026-11-22T00:00:00+00:00", kid="operator-1")
    restored_ledger.take_back(client, state, state.top, manifest)
    (file,) = state.ledger_heads.glob("restored-*.json")
    found: dict[str, Any] = json.loads(file.read_bytes())
    return found


@pytest.mark.req("PR-06")
@pytest.mark.parametrize(
    "given",
    [{}, {"sequence": 10**9}, {"signed_at": "2999-01-01T00:00:00+00:00"}, {"signed_at": "x"},
     {"signed_at": "2026-11-22T00:00:00"}, {"sequence": 10**9, "kid": "nobody-1", "signature": "x"}],
)  # fmt: skip
def test_the_operator_signs_what_signed_heads_know_and_nothing_else(state, signed, given):
    if given:
        line(state, **given)
    stated = taken_back(state, signed)
    assert (stated["sequence"], stated["lost_to"]) == (1, 3)


@pytest.mark.req("PR-06")
def test_a_file_that_is_no_statement_about_a_restore_is_a_finding(state, capsys):
    empty: Any = {"ledger": SimpleNamespace(find=lambda *_, **__: iter(()))}
    (state.ledger_heads / "restored-x.json").write_text("{")
    assert run_verify(empty, state.ledger_heads, Keys(state.public_keys)) == 1
    said = capsys.readouterr().out
    assert "THE LEDGER IS NOT INTACT" in said
    assert "restored-x.json is no statement about a restore" in said
