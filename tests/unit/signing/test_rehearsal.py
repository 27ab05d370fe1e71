"""The rehearsal's cast and authority: what seeds, demo and tests rely on."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from deploy.rehearsal import authority, cast, papers
from services.signing import trust


def test_cast_is_consistent() -> None:
    people = cast.PEOPLE.values()
    assert all(cast.personal_number_matches(person) for person in people)
    assert all(cast.tax_number_valid(unit.tax_number) for unit in cast.UNITS.values())
    assert all(person.unit in cast.UNITS for person in people if person.unit)
    assert all(bool(person.username) == (person.role != "citizen") for person in people)
    for values in ([p.personal_number for p in people], [p.phone for p in people]):
        assert len(set(values)) == len(values)


@pytest.mark.parametrize(("number", "valid"), [("0100109106", True), ("0301464823", True), ("3300100088", False)])
def test_tax_number_check_digit(number: str, valid: bool) -> None:
    assert cast.tax_number_valid(number) is valid


def test_cast_is_plain_json() -> None:
    people = json.loads(json.dumps(cast.as_json()))["people"]
    assert {p["key"]: p["birth_date"] for p in people}["citizen-an"] == "1990-05-12"


def test_building_twice_keeps_keys_and_writes_trust_again(tmp_path: Path) -> None:
    out, trusted = tmp_path / "out", tmp_path / "trust"
    started = time.monotonic()
    authority.build(out, trusted)
    assert time.monotonic() - started < 5
    first = authority.token(out, "citizen-an").certificate
    version = trust.load(trusted).version
    assert authority.main(["build", "--out", str(out), "--trust", str(tmp_path / "other")]) == 0
    assert authority.token(out, "citizen-an").certificate == first
    # Lists are signed anew with ECDSA; anchors and issuers are the same.
    again = trust.load(tmp_path / "other")
    assert again.anchors == trust.load(trusted).anchors
    assert again.version != version
    assert (out / "tokens" / "citizen-an.key").stat().st_mode & 0o077 == 0


def test_foreign_authority_is_not_trusted(tmp_path: Path) -> None:
    authority.build(tmp_path / "out", tmp_path / "trust")
    assert not [p for p in (tmp_path / "trust").rglob("*") if "foreign" in p.name]


def test_unknown_token_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        authority.token(tmp_path, "nobody")


def test_papers_are_repeatable_and_carry_vietnamese_or_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    assert papers.paper("Tờ khai", ["Đặng Quốc Long"]) == papers.paper("Tờ khai", ["Đặng Quốc Long"])
    monkeypatch.setenv("MOTCUA_FONTS", "/nowhere")
    papers._font.cache_clear()
    try:
        assert b"Helvetica" in papers.paper("Tờ khai", ["Đặng Quốc Long"])
    finally:
        papers._font.cache_clear()
    assert papers.plain("Đặng Quốc Long, Phường Thuận Hòa") == "Dang Quoc Long, Phuong Thuan Hoa"
