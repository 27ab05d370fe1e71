"""Settings that outlive a terminal, what a production start says, where the ledger's heads lie, first data."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from deploy.local import commands, production, seeding
from deploy.local.paths import PKI, ROOT, State, write_json
from deploy.local.supervise import Supervisor
from deploy.local.system import System
from deploy.local.trouble import Trouble
from tests.support.trust import signed_folder


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    for name in [n for n in os.environ if n.startswith("MOTCUA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MOTCUA_TRUST_KEYS", (PKI / "trust-keys").read_text())
    made = State(tmp_path / "state")
    made.make()
    return made


def test_settings_written_down_count_until_the_environment_says_otherwise(state, monkeypatch):
    monkeypatch.setenv("MOTCUA_SMS_URL", "https://sms.now")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    (state.top / "settings.env").write_text("# ours\nMOTCUA_SMS_URL=https://sms.then\n\nMOTCUA_RATE_LIMIT = 2\n")
    production.read_settings(state)
    assert (os.environ["MOTCUA_SMS_URL"], os.environ["MOTCUA_RATE_LIMIT"]) == ("https://sms.now", "2")


@pytest.mark.parametrize("line", ["MOTCUA_SMSURL=x", "PATH=/tmp", "MOTCUA_STATE=/x", "nonsense"])
def test_a_line_that_is_no_setting_is_named(state, line):
    (state.top / "settings.env").write_text("MOTCUA_RATE_LIMIT=1\n" + line + "\n")
    with pytest.raises(Trouble, match="line 2"):
        production.read_settings(state)


def test_a_production_start_warns_of_each_thing_that_is_missing(state, monkeypatch):
    said = "\n".join(production.warnings())
    for name in production._MISSING:
        assert name in said
        monkeypatch.setenv(name, "https://x")
    assert production.warnings() == []
    monkeypatch.setenv("MOTCUA_PUBLIC_URL", "http://portal")
    assert len(production.warnings()) == 1


def test_a_production_start_without_trust_anchors_is_refused_before_anything_runs(state, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(commands, "set_up", lambda *_: None)
    monkeypatch.setattr(System, "start", lambda *_, **__: pytest.fail("started"))
    assert commands.main(["up", "--detach", "--state", str(state.top)]) == 1
    assert "anchors holds none" in capsys.readouterr().err
    signed_folder(tmp_path / "given")
    monkeypatch.setenv("MOTCUA_TRUST", str(tmp_path / "given"))
    production.refuse_without_trust(state)


@pytest.mark.parametrize("rehearsal", [True, False])
def test_up_says_so_before_it_starts_and_a_rehearsal_has_nothing_to_say(state, monkeypatch, capsys, rehearsal):
    monkeypatch.setattr(commands, "set_up", lambda *_: None)
    monkeypatch.setattr(commands.broker, "fetched", lambda: None)
    monkeypatch.setattr(System, "start", lambda *_, **__: None)
    monkeypatch.setattr(commands.showing, "status", lambda _: 0)
    signed_folder(state.top / "trust")
    line = ["up", "--detach", "--state", str(state.top), *(["--rehearsal"] if rehearsal else [])]
    assert commands.main(line) == 0
    assert ("warning: MOTCUA_SMS_URL" in capsys.readouterr().err) is not rehearsal


def test_heads_are_kept_where_the_operator_says(state, tmp_path, monkeypatch):
    elsewhere = tmp_path / "vault" / "heads"
    elsewhere.parent.mkdir()
    monkeypatch.setenv("MOTCUA_LEDGER_HEADS", str(elsewhere))
    production.place_heads(state, fresh=False)
    (state.ledger_heads / "heads.jsonl").write_text("1\n")
    assert (elsewhere / "heads.jsonl").read_text() == "1\n"
    production.place_heads(state, fresh=False)  # again: nothing to do
    with pytest.raises(Trouble, match="so far"):
        production.place_heads(state, fresh=True)
    monkeypatch.setenv("MOTCUA_LEDGER_HEADS", str(tmp_path / "third"))
    with pytest.raises(Trouble, match="lie in"):
        production.place_heads(state, fresh=False)
    assert (elsewhere / "heads.jsonl").read_text() == "1\n"


def test_heads_that_are_there_already_are_never_left_behind(state, tmp_path, monkeypatch):
    (state.ledger_heads / "heads.jsonl").write_text("1\n")
    monkeypatch.setenv("MOTCUA_LEDGER_HEADS", str(tmp_path / "elsewhere"))
    with pytest.raises(Trouble, match=r"\./motcua down --state \S+, move"):
        production.place_heads(state, fresh=False)


def test_a_place_for_heads_that_is_not_there_is_never_made_by_the_way(state, tmp_path, monkeypatch):
    monkeypatch.setenv("MOTCUA_LEDGER_HEADS", str(tmp_path / "unmounted" / "heads"))
    with pytest.raises(Trouble, match=r"unmounted is not there(?s:.*)mounted"):
        production.place_heads(state, fresh=False)
    assert not (tmp_path / "unmounted").exists()


def test_heads_on_a_disk_that_is_away_are_named(state, tmp_path, monkeypatch, capsys):
    (tmp_path / "disk").mkdir()
    monkeypatch.setenv("MOTCUA_LEDGER_HEADS", str(tmp_path / "disk" / "heads"))
    production.place_heads(state, fresh=False)
    shutil.rmtree(tmp_path / "disk")
    said = rf"are kept in {tmp_path}/disk/heads, and that is not there(?s:.*)mounted"
    for fresh in (True, False):
        with pytest.raises(Trouble, match=said):
            production.place_heads(state, fresh)
    system = System(state.top, rehearsal=False)  # to look at it, or to end it, is still possible
    with pytest.raises(Trouble, match=said):
        system.start()
    assert commands.main(["status", "--state", str(state.top)]) == 1
    assert "runs here" in capsys.readouterr().err
    with pytest.raises(Trouble, match=said):
        Supervisor(state, False, None, None).run()


WRONG = {
    "MOTCUA_MAX_WORKERS": ("many", "is not a whole number"),
    "MOTCUA_RATE_LIMIT": ("-1", "is a number from 0 upwards"),
    "MOTCUA_RETRY_SCHEDULE": ("x", "must list delays"),
    "MOTCUA_PUBLIC_URL": ("portal.example.vn", "must begin with one of http, https://"),
    "MOTCUA_TRUSTED_PROXIES": ("proxy", "is a list of addresses"),
    "MOTCUA_LOG_LEVEL": ("LOUD", "must be one of DEBUG, INFO, WARNING, ERROR"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_setting_that_no_room_would_take_is_refused_before_anything_starts(state, monkeypatch, capsys, name):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(commands, "set_up", lambda *_: None)
    monkeypatch.setattr(System, "start", lambda *_, **__: pytest.fail("started"))
    value, rule = WRONG[name]
    (state.top / "settings.env").write_text(f"# ours\n{name}={value}\n")
    assert commands.main(["up", "--rehearsal", "--detach", "--state", str(state.top)]) == 1
    said = capsys.readouterr().err
    assert f"{name}={value} {rule}" in said
    assert "settings.env, line 2" in said


def test_what_rooms_take_is_taken(state, monkeypatch):
    for name, value in {
        "MOTCUA_MAX_WORKERS": "8", "MOTCUA_RATE_LIMIT": "0.5", "MOTCUA_PUBLIC_URL": "https://x", "MOTCUA_SMS_URL": "",
        "MOTCUA_TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8", "MOTCUA_LOG_LEVEL": "debug",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    production.check_settings(state, rehearsal=True)


def test_an_anchor_that_cannot_be_read_is_named_at_once(state):
    signed_folder(state.top / "trust")
    production.check_settings(state, rehearsal=False)
    (state.top / "trust" / "anchors" / "public" / "root.pem").write_text("no certificate")
    with pytest.raises(Trouble, match="root.pem"):
        production.check_settings(state, rehearsal=False)
    production.check_settings(state, rehearsal=True)  # there it counts for nothing


def test_a_production_system_believes_only_what_two_people_have_signed(state, monkeypatch):
    folder = state.top / "trust"
    signed_folder(folder)
    signature = folder / "signatures" / "1.minh.sig"
    right = signature.read_bytes()
    signature.write_bytes(bytes(64))
    with pytest.raises(Trouble, match="is signed by lan: 2 people must sign"):
        production.check_settings(state, rehearsal=False)
    signature.write_bytes(right)
    production.check_settings(state, rehearsal=False)
    monkeypatch.delenv("MOTCUA_TRUST_KEYS")
    with pytest.raises(Trouble, match="MOTCUA_TRUST_KEYS is not set"):
        production.check_settings(state, rehearsal=False)


def test_real_data_are_never_forgotten_by_an_option(state, monkeypatch, capsys):
    monkeypatch.setattr(commands, "set_up", lambda *_: None)
    started: list[bool] = []
    monkeypatch.setattr(System, "start", lambda *_, **given: started.append(given["fresh"]))
    monkeypatch.setattr(commands.showing, "status", lambda _: 0)
    monkeypatch.setattr(commands.broker, "fetched", lambda: None)
    signed_folder(state.top / "trust")
    line = ["up", "--fresh", "--detach", "--state", str(state.top)]
    assert commands.main(line) == 0  # there is nothing yet
    write_json(state.system, {"rehearsal": False})
    (state.data / "database").mkdir()
    assert commands.main(line) == 1
    said = capsys.readouterr().err
    assert "its data are real" in said
    assert f"./motcua backup DIR --state {state.top}" in said
    assert f"remove {state.data}" in said
    assert started == [True]
    write_json(state.system, {"rehearsal": True})
    assert commands.main([*line, "--rehearsal"]) == 0


@pytest.mark.parametrize("room", seeding.SHAPES)
def test_the_rehearsals_own_seeds_have_the_right_shape(room):
    assert seeding.check(room, ROOT / "deploy/rehearsal/seeds" / f"{room}.json")


def test_a_rooms_last_words_are_told_without_the_name_of_their_class(tmp_path):
    (tmp_path / "log").write_text("Traceback:\nservices.intake.catalogue.CatalogueError: 9.1@1: missing name_vi\n")
    assert seeding._last_words(tmp_path / "log") == "9.1@1: missing name_vi"


def test_what_is_wrong_with_a_seed_is_said_before_any_room_sees_it(tmp_path):
    file = tmp_path / "officers.json"
    right = json.loads((ROOT / "deploy/rehearsal/seeds/identity.json").read_text())
    officer = right["officers"][0]
    for change, said in (
        ({"grants": [["desk_officer", "*"]]}, "grants"),
        ({"grants": [["king", "000.05.07.H57"]]}, "grants"),
        ({"password": "short"}, "12 signs"),
        ({"phone": None}, ""),
    ):
        row = {**officer, **change}
        if change == {"phone": None}:
            del row["phone"]
            said = "phone missing"
        file.write_text(json.dumps({"officers": [row], "citizens": []}))
        with pytest.raises(Trouble, match=said):
            seeding.check("identity", file)
    file.write_text("[")
    with pytest.raises(Trouble, match="JSON"):
        seeding.check("identity", file)
    with pytest.raises(Trouble, match="takes no such file"):
        seeding.check("vault", file)
