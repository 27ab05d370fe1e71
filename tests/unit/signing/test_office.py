"""Office files: signatures are shown and never decide."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from deploy.rehearsal import office_files

pytestmark = pytest.mark.req("SG-07")

PLAIN = office_files.document("Đơn đề nghị của bà Nguyễn Thị An")


@pytest.fixture(scope="module")
def signed(world: Any) -> bytes:
    return office_files.sign_document(PLAIN, world.token("citizen-an"), at=world.monday)


def repacked(package: bytes, changes: dict[str, bytes | None]) -> bytes:
    parts = office_files.unpacked(package) | changes
    return office_files.packed({name: data for name, data in parts.items() if data is not None})


def test_unsigned_is_certain(world: Any) -> None:
    report = world.check(PLAIN)
    assert (report["format"], report["verdict"]) == ("ooxml", "NO_SIGNATURE")


@pytest.mark.parametrize("by", ["citizen-an", "citizen-binh"])
def test_signed_is_shown_and_is_never_valid(world: Any, by: str) -> None:
    report = world.check(office_files.sign_document(PLAIN, world.token(by), at=world.monday))
    assert (report["verdict"], report["code"]) == ("INDETERMINATE", "office_information")
    (signature,) = report["signatures"]
    assert (signature["verdict"], signature["integrity_ok"], signature["chain_ok"]) == ("INDETERMINATE", True, True)
    assert signature["signing_time"] == world.monday.isoformat()
    assert signature["signer"]["personal_number"].startswith("046")
    assert signature["revocation"] == "good"


def test_changed_parts_are_told(world: Any, signed: bytes) -> None:
    document = office_files.unpacked(signed)["word/document.xml"]
    for change in (
        {"word/document.xml": document.replace(b"An", "Ân".encode())},
        {"word/footer1.xml": b"<x/>"},
        {"_rels/.rels": office_files.unpacked(signed)["_rels/.rels"].replace(b"word/document.xml", b"word/other.xml")},
    ):
        report = world.check(repacked(signed, dict(change)))
        assert (report["verdict"], report["code"]) == ("INDETERMINATE", "office_changed")
        assert report["signatures"][0]["integrity_ok"] is False
        assert report["signatures"][0]["signer"]["common_name"]


def test_the_certificate_is_judged_for_information(world: Any) -> None:
    report = world.check(office_files.sign_document(PLAIN, world.token("agency-revoked"), at=world.monday))
    assert report["code"] == "office_information"
    assert report["signatures"][0]["revocation"] == "revoked"


def test_what_is_not_certain_is_never_called_unsigned(world: Any, signed: bytes) -> None:
    gone = repacked(signed, {"_xmlsignatures/sig1.xml": None})
    renamed = repacked(signed, {"_xmlsignatures/sig1.xml": b"<x/>"})
    appended, before = PLAIN + b"\0", b"PK\x03\x04" + PLAIN
    twice = io.BytesIO(PLAIN)
    with zipfile.ZipFile(twice, "a") as more, pytest.warns(UserWarning, match="Duplicate name"):
        more.writestr("word/document.xml", "<x/>")
    macro = repacked(PLAIN, {"word/vbaProjectSignature.bin": b"x"})
    for data in (gone, renamed, appended, before, twice.getvalue(), macro, PLAIN[:-30]):
        assert world.check(data)["verdict"] == "INDETERMINATE"


def test_bombs_are_bounded(world: Any) -> None:
    bomb = repacked(PLAIN, {"word/media/a.bin": b"\0" * (129 * 1024 * 1024)})
    assert len(bomb) < 1024 * 1024
    assert world.check(bomb)["code"] == "limit"
    many = office_files.packed({**office_files.unpacked(PLAIN), **{f"word/{n}": b"" for n in range(5_001)}})
    assert world.check(many)["code"] == "limit"
