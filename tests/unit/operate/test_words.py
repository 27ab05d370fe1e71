"""What operator's commands say where they cannot do what they are asked: what it was, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.paths import PKI, State
from deploy.operate import backup, clock, dead_letters, rehearse
from services.common.problems import conflict


@pytest.fixture(autouse=True)
def rehearsal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTCUA_REHEARSAL", "1")
    monkeypatch.setenv("MOTCUA_PKI", str(PKI))


class Refusing:
    """An operator whose every call is refused: the time asked for has passed."""

    def __enter__(self) -> Refusing:
        raise conflict("Đồng hồ chỉ tiến, không lùi", "The clock moves forward only", rule="X-15")

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize("text", ["yesterday", "11:00", "2024-03-12", "12/03/2024 08:00"])
def test_what_is_no_time_is_answered_with_the_format(text, capsys):
    assert clock.main(["set", text]) == 2
    said = capsys.readouterr().err
    assert text in said
    assert "2024-03-12T08:01" in said


def test_the_way_back_is_named(monkeypatch, capsys):
    monkeypatch.setattr(clock, "Operator", Refusing)
    assert clock.main(["set", "2024-03-12 08:01"]) == 1
    said = capsys.readouterr().err
    assert "moves forward only" in said
    assert "up --rehearsal --fresh" in said


def test_production_says_why_its_clock_stays(monkeypatch, capsys):
    monkeypatch.setenv("MOTCUA_REHEARSAL", "0")
    monkeypatch.setattr(clock, "Operator", lambda: pytest.fail("asked all the same"))
    assert clock.main(["set", "2024-03-12 08:01"]) == 1
    assert "this system is production" in capsys.readouterr().err


def test_an_unknown_dead_letter_names_the_next_step(monkeypatch, capsys):
    class None_:
        def __init__(self, _: str) -> None: ...

        def find(self, *_: object) -> list[object]:
            return []

        def close(self) -> None: ...

    monkeypatch.setattr(dead_letters, "DeadLetters", None_)
    assert dead_letters.main(["show", "abc"], "amqp://nowhere") == 1
    said = capsys.readouterr().err
    assert "no dead letter abc" in said
    assert "dead-letters list" in said


def test_a_paper_is_signed_by_one_of_the_cast(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(rehearse, "business_now", lambda: clock.read_time("2024-03-11T09:00"))
    paper = tmp_path / "don.pdf"
    assert rehearse.main(["paper", str(paper)]) == 0
    assert rehearse.main(["sign", str(paper), "--as", "citizen-an"]) == 0
    signed = (tmp_path / "don-signed.pdf").read_bytes()
    assert signed.startswith(paper.read_bytes())
    assert b"ETSI.CAdES.detached" in signed
    capsys.readouterr()
    assert rehearse.main(["sign", str(paper), "--as", "nobody"]) == 2
    assert "citizen-an" in capsys.readouterr().err
    (tmp_path / "x.pdf").write_text("no paper")
    assert rehearse.main(["sign", str(tmp_path / "x.pdf"), "--as", "citizen-an"]) == 2
    assert "is no PDF" in capsys.readouterr().err
    assert rehearse.main(["sign", str(tmp_path / "y.pdf"), "--as", "citizen-an"]) == 2


def test_nobody_signs_for_others_in_production(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("MOTCUA_REHEARSAL", "0")
    assert rehearse.main(["people"]) == 2
    assert rehearse.main(["paper", str(tmp_path / "x.pdf")]) == 2
    assert not (tmp_path / "x.pdf").exists()
    assert "production" in capsys.readouterr().err


def test_a_paper_that_cannot_be_written_names_the_next_step(tmp_path, capsys):
    assert rehearse.main(["paper", str(tmp_path / "nope" / "a.pdf")]) == 2
    said = capsys.readouterr().err
    assert "nope/a.pdf: No such file or directory" in said
    assert "What to do: name a file in a folder that is there" in said


@pytest.fixture
def no_database(tmp_path, monkeypatch) -> State:
    """What a backup needs to begin; nothing answers at the address of its database."""
    monkeypatch.setenv("MOTCUA_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("MOTCUA_MONGO_URL_ADMIN", "mongodb://127.0.0.1:1")
    state = State(tmp_path / "state")
    state.make()
    return state


def test_a_place_that_takes_no_backup_is_named_in_words(no_database, capsys):
    assert backup.main(["/proc/x/y"]) == 1
    said = capsys.readouterr().err
    assert "not taken: /proc/x: No such file or directory" in said
    assert "What to do: name a new folder" in said
    assert "Error" not in said


def test_no_backup_is_taken_without_the_heads_that_belong_to_it(no_database, tmp_path, capsys):
    no_database.ledger_heads.rmdir()
    no_database.ledger_heads.symlink_to(tmp_path / "disk")
    assert backup.main([str(tmp_path / "away")]) == 1
    said = capsys.readouterr().err
    assert f"kept in {tmp_path}/disk, and that is not there" in said
    assert not (tmp_path / "away.key").exists()
