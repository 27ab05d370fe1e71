"""Who signed, and which files can carry a signature at all."""

from __future__ import annotations

import io
import logging
import zipfile
from typing import Any

import pytest

from services.signing import signers
from services.signing.formats import cannot_carry_signature, sniff

UID = "0.9.2342.19200300.100.1.1"

pytestmark = pytest.mark.req("SG-07")


@pytest.mark.parametrize(
    ("value", "personal", "tax"),
    [
        ("CCCD:046190000123", "046190000123", None),
        ("cccd : 046190000123", "046190000123", None),
        ("CMND:191234567", "191234567", None),
        ("MST:3300100018", None, "3300100018"),
        ("MST:3300100018-001", None, "3300100018-001"),
        ("CCCD:04619000012", None, None),
        ("CCCD:046190000123 MST:3300100018", None, None),
        ("046190000123", None, None),
        ("CCCD:０４６１９００００１２３", None, None),  # digits, but not those of any register
    ],
)
def test_numbers(value: str, personal: str | None, tax: str | None) -> None:
    for oid in (UID, "2.5.4.5"):
        found = signers.signer_of([(oid, value)], "public")
        assert (found.personal_number, found.tax_number) == (personal, tax)


def test_contradicting_numbers_name_nobody() -> None:
    pairs = [(UID, "CCCD:046190000123"), ("2.5.4.5", "CCCD:046085000456"), ("2.5.4.3", "A"), ("2.5.4.3", "B")]
    found = signers.signer_of(pairs, "public")
    assert (found.personal_number, found.common_name) == (None, None)


def archive(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name in names:
            packed.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "kind", "plain"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "other", True),
        (b"\xff\xd8\xff\xe0\0", "other", True),
        ("Đơn đề nghị".encode(), "other", True),
        (b"", "other", True),
        (b"\x30\x82\x01\x00\x06\x09", "other", False),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "other", False),
        (b"-----BEGIN PKCS7-----\nAAAA", "other", False),
        (archive("mimetype"), "other", False),
        (archive("[Content_Types].xml"), "ooxml", False),
        (b"<?xml version='1.0'?><a/>", "xml", True),
        (b"\xef\xbb\xbf\n <a/>", "xml", True),
        (b"\xff\xd8\xff\xe0 %PDF-1.4", "pdf", False),
        ("<?xml version='1.0' encoding='utf-16'?><a/>".encode("utf-16"), "xml", True),
        ("<?xml version='1.0' encoding='utf-16'?><a/>".encode("utf-16-be"), "xml", True),
        (b"\xff\xd8\xff\xe0" + archive("[Content_Types].xml"), "other", False),
        (b"\x89PNG\r\n\x1a\n" + b" " * 2000 + b"%PDF-1.4", "other", False),
        (b"+ADw-Signature xmlns=http://www.w3.org/2000/09/xmldsig#", "other", False),
        (("a" * 4095 + "ậ").encode(), "other", True),
    ],
)
def test_formats(world: Any, data: bytes, kind: str, plain: bool) -> None:
    assert sniff(data) == kind
    if kind == "other":
        assert cannot_carry_signature(data) is plain
    report = world.check(data)
    assert report["format"] == kind
    if kind == "pdf":
        assert report["verdict"] == "TOTAL_FAILED"
    else:
        assert report["verdict"] == ("NO_SIGNATURE" if plain else "INDETERMINATE")


def test_names_and_numbers_never_reach_the_log(world: Any, caplog: Any, capfd: Any) -> None:
    with caplog.at_level(logging.DEBUG):
        for token in ("agency-revoked", "foreign-quang-thai", "server-only"):
            assert world.check(world.signed(token))["verdict"] != "TOTAL_PASSED"
    seen = capfd.readouterr()
    for text in (caplog.text, seen.out, seen.err):
        assert "Quảng Thái" not in text
        assert "3300100018" not in text
