"""./motcua rehearse sign: soft tokens for people who play a rehearsal, and never anywhere else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.operate import rehearse
from deploy.rehearsal import authority, papers
from services.signing import trust
from services.signing.check import check_file

MONDAY = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[Path, Path]:
    top = tmp_path_factory.mktemp("rehearse")
    authority.build(top / "pki", top / "trust")
    return top / "pki", top / "trust"


@pytest.fixture
def call(folders, monkeypatch, tmp_path):
    monkeypatch.setenv("MOTCUA_REHEARSAL", "1")
    monkeypatch.setenv("MOTCUA_PKI", str(folders[0]))
    monkeypatch.setattr(rehearse, "business_now", lambda: MONDAY)
    for name in ("a.pdf", "b.pdf"):
        (tmp_path / name).write_bytes(papers.paper(name))
    (tmp_path / "note.txt").write_text("no PDF")
    monkeypatch.chdir(tmp_path)
    return rehearse.main


def levels(folders: tuple[Path, Path], path: str) -> list[str]:
    snapshot = trust.load(folders[1])
    report = check_file(Path(path).read_bytes(), snapshot=snapshot, received=MONDAY, now=MONDAY)
    assert report["verdict"] == "TOTAL_PASSED"
    return [signature["level"] for signature in report["signatures"]]


@pytest.mark.req("SG-05", "SG-07")
def test_several_papers_are_signed_at_once_with_or_without_a_timestamp(call, folders):
    assert call(["sign", "a.pdf", "b.pdf", "--as", "officer-desk"]) == 0
    assert levels(folders, "a-signed.pdf") == levels(folders, "b-signed.pdf") == ["B-B"]
    assert call(["sign", "a.pdf", "--as", "officer-desk", "--timestamp", "--out", "stamped.pdf"]) == 0
    assert levels(folders, "stamped.pdf") == ["B-T"]
    assert call(["sign", "a-signed.pdf", "--as", "officer-leader", "--out", "both.pdf"]) == 0
    assert levels(folders, "both.pdf") == ["B-B", "B-B"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["a.pdf", "note.txt", "--as", "officer-desk"],
        ["a.pdf", "missing.pdf", "--as", "officer-desk"],
        ["a.pdf", "b.pdf", "--as", "officer-desk", "--out", "one.pdf"],
        ["a.pdf", "--as", "nobody"],
    ],
)
def test_what_cannot_be_signed_is_named_and_nothing_is_written(call, arguments, capsys):
    assert call(["sign", *arguments]) == 2
    assert capsys.readouterr().err.startswith("motcua rehearse: ")
    assert list(Path().glob("*-signed.pdf")) == [] and not Path("one.pdf").exists()


def test_a_production_system_has_no_soft_tokens(call, monkeypatch, capsys):
    monkeypatch.delenv("MOTCUA_REHEARSAL")
    assert call(["sign", "a.pdf", "--as", "officer-desk"]) == 2
    assert "production" in capsys.readouterr().err
    assert not Path("a-signed.pdf").exists()
