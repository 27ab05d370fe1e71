"""What a process sees of the environment in which the system was started."""

import re
from pathlib import Path

import pytest

from deploy.local import table
from deploy.local.paths import State
from deploy.local.table import Addresses, Ports

FOREIGN = {
    "AWS_SECRET_ACCESS_KEY": "foreign",
    "GITHUB_TOKEN": "foreign",
    "HTTPS_PROXY": "http://name:foreign@proxy:3128",
    "PIP_INDEX_URL": "https://name:foreign@index/simple",
    "SSH_AUTH_SOCK": "foreign",
    "PGPASSWORD": "foreign",
    "MOTCUA_BROKER_URL": "http://admin:foreign@broker:15672",
    "MOTCUA_DATABASE_URL": "mongodb://admin:foreign@database:27017/?replicaSet=x",
    "MOTCUA_KEY": "foreign",
    "PYTHONPATH": "foreign",
    "VIRTUAL_ENV": "foreign",
}
WANTED = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "Asia/Ho_Chi_Minh"}
OURS = ("MOTCUA_", "LC_", "PYTHON")
ALLOWED = {"PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"}


@pytest.fixture
def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    for name, value in (FOREIGN | WANTED).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MOTCUA_PORT_BASE", raising=False)
    monkeypatch.setattr(table, "fonts", lambda: Path("/usr/share/fonts"))
    state = State(tmp_path / "state")
    state.make()
    names = [f"{store}.{user}" for store in ("broker", "database") for user in (*table.ROOMS, "partner", "operator")]
    given = (
        state,
        Ports(state),
        Addresses("127.0.0.1:1", "127.0.0.1:2"),
        {name: f"pw-of-{name.split('.')[1]}" for name in names},
    )
    rows = {row.name: row.env for row in table.table(*given, rehearsal=True)}
    return {**rows, "operator": table.operator_env(*given, rehearsal=True)}


def test_no_process_sees_the_callers_environment(environments: dict[str, dict[str, str]]) -> None:
    assert set(environments) >= {*table.ROOMS, "operator", "sms-simulator"}
    for name, env in environments.items():
        assert [k for k in env if k not in ALLOWED and not k.startswith(OURS)] == [], name
        assert [k for k, v in env.items() if "foreign" in v] == [], name


def test_every_process_gets_what_it_needs_to_run(environments: dict[str, dict[str, str]]) -> None:
    for name, env in environments.items():
        assert {k: env.get(k) for k in WANTED} == WANTED, name
        assert env["PYTHONUNBUFFERED"] == "1", name
        assert env["TMPDIR"].endswith("/tmp"), name
        assert env["MOTCUA_HEALTH_PORT"], name


def test_a_process_holds_its_own_passwords_only(environments: dict[str, dict[str, str]]) -> None:
    owner = {"partner-simulator": "partner"}
    for name, env in environments.items():
        found = {user for value in env.values() for user in re.findall(r"pw-of-(\w+)", value)}
        assert found <= {owner.get(name, name)}, name
    assert "pw-of-intake" in environments["intake"]["MOTCUA_AMQP_URL"]
