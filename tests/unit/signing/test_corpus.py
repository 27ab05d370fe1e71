"""Files with expected verdicts: valid ones, forged ones, and for each forgery the control that it was made from."""

from __future__ import annotations

import asyncio
import io
import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pypdf import PdfReader, PdfWriter

from deploy.rehearsal import authority, papers

pytestmark = pytest.mark.req("SG-07")

BASES = ("b_b", "b_t", "two")


def words(report: dict[str, Any]) -> tuple[str, str | None]:
    return report["verdict"], report["sub_indication"]


def gap(signed: bytes) -> tuple[int, int, int]:
    found = re.findall(rb"/ByteRange\s*\[\s*0\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", signed)[-1]
    start, stop, length = map(int, found)
    return start, stop, stop + length


def with_contents(signed: bytes, contents: bytes) -> bytes:
    """The signed file with another signature container of the same room."""
    start, stop, _ = gap(signed)
    digits = contents.hex().encode().ljust(stop - start - 2, b"0")
    assert len(digits) == stop - start - 2, "the container does not fit"
    return signed[: start + 1] + digits + signed[stop - 1 :]


def contents_of(signed: bytes) -> bytes:
    start, stop, _ = gap(signed)
    return bytes.fromhex(signed[start + 1 : stop - 1].decode())


@pytest.mark.parametrize("base", BASES)
def test_valid_files_pass(world: Any, base: str) -> None:
    report = world.check(getattr(world, base))
    assert words(report) == ("TOTAL_PASSED", None)
    assert report["verdict_vi"] == "HOP_LE"
    assert [s["revocation"] for s in report["signatures"]] == ["good"] * (2 if base == "two" else 1)


def test_report_says_who_signed_what_and_when(world: Any) -> None:
    signature = world.check(world.b_b)["signatures"][0]
    assert signature["signer"] == {
        "common_name": "Nguyễn Thị An",
        "organization": None,
        "personal_number": "046190000123",
        "tax_number": None,
        "kind": "public",
    }
    assert signature["signing_time"] == "2024-03-11T02:00:00+00:00"
    assert signature["time_basis"] == "claimed+receipt"
    assert signature["issuer"] == "CA công cộng DIỄN TẬP"
    assert signature["covers_whole_document"]
    assert signature["integrity_ok"]
    assert signature["chain_ok"]
    assert signature["algorithm"] == "sha256_ecdsa+sha256"


def test_agency_is_told_by_its_tax_number_and_kind(world: Any) -> None:
    signer = world.check(world.signed("agency-quang-thai"))["signatures"][0]["signer"]
    assert (signer["tax_number"], signer["organization"], signer["kind"]) == (
        "3300100018",
        "UBND xã Quảng Thái",
        "government",
    )


def test_timestamp_is_the_basis_of_time_where_it_is_trusted(world: Any) -> None:
    signature = world.check(world.b_t)["signatures"][0]
    assert (signature["timestamped"], signature["time_basis"]) == (True, "timestamp")


def test_older_form_of_signature_passes(world: Any) -> None:
    assert words(world.check(world.signed(pades=False))) == ("TOTAL_PASSED", None)


def test_unsigned_file_has_no_signature(world: Any) -> None:
    report = world.check(world.paper)
    assert (report["verdict"], report["verdict_vi"], report["signatures"]) == ("NO_SIGNATURE", "KHONG_CO_CHU_KY", [])


@pytest.mark.parametrize("base", BASES)
def test_changed_byte_fails(world: Any, base: str) -> None:
    assert words(world.check(papers.tampered(getattr(world, base)))) == ("TOTAL_FAILED", "HASH_FAILURE")


@pytest.mark.parametrize("how", ["comment", "zip", "loose-object", "update"])
@pytest.mark.parametrize("base", BASES)
def test_appended_bytes_fail(world: Any, base: str, how: papers.Appending) -> None:
    report = world.check(papers.appended(getattr(world, base), how))
    assert words(report) == ("TOTAL_FAILED", "FORMAT_FAILURE")
    assert report["signatures"][-1]["code"] == "modified"


@pytest.mark.parametrize("how", ["field", "annotation"])
@pytest.mark.parametrize("base", BASES)
def test_overlay_after_the_last_signature_fails(world: Any, base: str, how: papers.Overlay) -> None:
    assert words(world.check(papers.overlay(getattr(world, base), how))) == ("TOTAL_FAILED", "FORMAT_FAILURE")


@pytest.mark.parametrize("base", BASES)
def test_an_empty_field_between_two_signatures_fails(world: Any, base: str) -> None:
    forged = world.signed("citizen-chi", pdf=papers.overlay(getattr(world, base), "field"), field="ChuKy9")
    assert words(world.check(forged)) == ("TOTAL_FAILED", "FORMAT_FAILURE")


def test_an_empty_field_prepared_before_the_first_signature_passes(world: Any) -> None:
    prepared = papers.overlay(world.paper, "field")  # drawn before anybody signed: the signer saw it
    assert words(world.check(world.signed("agency-quang-thai", pdf=prepared))) == ("TOTAL_PASSED", None)


@pytest.mark.parametrize("how", ["literal", "object-stream", "hex"])
@pytest.mark.parametrize("base", BASES)
def test_wrapped_signature_fails(world: Any, base: str, how: papers.Wrapping) -> None:
    forged = papers.wrapped(getattr(world, base), how)
    assert PdfReader(io.BytesIO(forged)).pages[0].extract_text().strip() == "FORGED"
    report = world.check(forged)
    assert words(report) == ("TOTAL_FAILED", "FORMAT_FAILURE")
    assert report["signatures"][-1]["code"] == "byte_range"


@pytest.mark.parametrize("how", ["literal", "object-stream"])
def test_our_own_gap_check_is_needed(world: Any, how: papers.Wrapping) -> None:
    """The library alone calls these forgeries intact and whole; should that change, this test says so."""
    forged = PdfFileReader(io.BytesIO(papers.wrapped(world.b_b, how)))
    anchors = [c.asn1 for c in world.snapshot.anchors["public"]]
    context = ValidationContext(trust_roots=anchors, moment=world.monday, allow_fetching=False)
    status = asyncio.run(async_validate_pdf_signature(forged.embedded_signatures[0], context))
    assert status.bottom_line


def test_worst_signature_decides(world: Any) -> None:
    later = world.signed("foreign-quang-thai", pdf=world.b_b, field="La")
    report = world.check(later)
    assert words(report) == ("INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND")
    assert [s["verdict"] for s in report["signatures"]] == ["TOTAL_PASSED", "INDETERMINATE"]


def test_certification_forbids_what_it_forbids(world: Any) -> None:
    open_ = world.signed("agency-quang-thai", certify=MDPPerm.FILL_FORMS)
    closed = world.signed("agency-quang-thai", certify=MDPPerm.NO_CHANGES)
    assert words(world.check(open_)) == ("TOTAL_PASSED", None)
    assert words(world.check(closed)) == ("TOTAL_PASSED", None)
    assert words(world.check(world.signed(pdf=open_, field="Them"))) == ("TOTAL_PASSED", None)
    # The signing library refuses to break a certification; an attacker's does not.
    forged = papers.appended(closed, "update")
    assert words(world.check(forged)) == ("TOTAL_FAILED", "FORMAT_FAILURE")


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("server-only", ("INDETERMINATE", "CHAIN_CONSTRAINTS_FAILURE")),
        ("no-usage", ("INDETERMINATE", "CHAIN_CONSTRAINTS_FAILURE")),
        ("short-key", ("INDETERMINATE", "CRYPTO_CONSTRAINTS_FAILURE")),
        ("foreign-quang-thai", ("INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND")),
        ("plain-usage", ("TOTAL_PASSED", None)),
    ],
)
def test_certificates_that_may_not_sign(world: Any, token: str, expected: tuple[str, str | None]) -> None:
    assert words(world.check(world.signed(token))) == expected


def test_sha1_is_too_weak(world: Any) -> None:
    assert words(world.check(world.signed("citizen-binh", md_algorithm="sha1"))) == (
        "INDETERMINATE",
        "CRYPTO_CONSTRAINTS_FAILURE",
    )


def test_foreign_signer_is_of_unknown_kind(world: Any) -> None:
    signature = world.check(world.signed("foreign-quang-thai"))["signatures"][0]
    assert (signature["signer"]["kind"], signature["chain_ok"]) == ("unknown", False)
    assert signature["signer"]["tax_number"] == "3300100018"


def test_anchor_itself_may_not_sign(world: Any) -> None:
    root = world.authority.authority("government-root")
    signed = papers.sign(world.paper, root, at=world.monday)
    assert words(world.check(signed)) == ("INDETERMINATE", "CHAIN_CONSTRAINTS_FAILURE")


def test_signature_without_signed_attributes_fails(world: Any) -> None:
    start, stop, end = gap(world.b_b)
    container = cms.ContentInfo.load(contents_of(world.b_b))
    info = container["content"]["signer_infos"][0]
    key = world.token("citizen-an").key
    value = key.sign(world.b_b[:start] + world.b_b[stop:end], ec.ECDSA(hashes.SHA256()))
    bare = cms.SignerInfo({k: info[k] for k in ("version", "sid", "digest_algorithm", "signature_algorithm")})
    bare["signature"] = value
    container["content"]["signer_infos"] = [bare]
    report = world.check(with_contents(world.b_b, container.dump(force=True)))
    assert words(report) == ("TOTAL_FAILED", "FORMAT_FAILURE")
    assert report["signatures"][0]["code"] == "cms_shape"


def test_wrong_signature_value_fails(world: Any) -> None:
    container = cms.ContentInfo.load(contents_of(world.b_b))
    info = container["content"]["signer_infos"][0]
    info["signature"] = world.token("citizen-an").key.sign(b"something else", ec.ECDSA(hashes.SHA256()))
    report = world.check(with_contents(world.b_b, container.dump(force=True)))
    assert words(report) == ("TOTAL_FAILED", "SIG_CRYPTO_FAILURE")


def test_anything_behind_the_container_fails(world: Any) -> None:
    contents = bytearray(contents_of(world.b_b))
    assert contents[-1] == 0
    contents[-1] = 1
    assert words(world.check(with_contents(world.b_b, bytes(contents)))) == ("TOTAL_FAILED", "FORMAT_FAILURE")


def test_too_many_certificates_are_not_looked_at(world: Any) -> None:
    signer = world.token("citizen-an")
    many = tuple(world.authority.issue(f"extra-{n}", authority.subject(f"Thừa {n}")).certificate for n in range(25))
    crowded = authority.Token("crowded", signer.certificate, signer.key, many)
    report = world.check(papers.sign(world.paper, crowded, at=world.monday))
    assert (words(report), report["code"]) == (("INDETERMINATE", "GENERIC"), "limit")


def test_too_many_signatures_or_revisions_are_not_looked_at(world: Any) -> None:
    for filler in (b"\n/ByteRange [", b"\nstartxref"):
        report = world.check(world.b_b + filler * 101)
        assert (report["verdict"], report["code"]) == ("INDETERMINATE", "limit")


def test_signature_of_unknown_make_is_never_called_unsigned(world: Any) -> None:
    hidden = world.b_b.replace(b"/ETSI.CAdES.detached", b"/ETSI.CAdES.detachee")
    assert hidden != world.b_b
    report = world.check(hidden)
    assert (report["verdict"], report["code"]) == ("INDETERMINATE", "hidden_signature")


def test_signature_dropped_from_the_form_is_never_called_unsigned(world: Any) -> None:
    writer = papers.IncrementalPdfFileWriter(io.BytesIO(world.b_b))
    del writer.root["/AcroForm"]
    writer.update_root()
    out = io.BytesIO()
    writer.write(out)
    report = world.check(out.getvalue())
    assert (report["verdict"], report["code"]) == ("INDETERMINATE", "hidden_signature")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda pdf: pdf[: len(pdf) // 2], ("TOTAL_FAILED", "FORMAT_FAILURE")),
        (lambda pdf: b"%PDF-1.7\nnothing else", ("TOTAL_FAILED", "FORMAT_FAILURE")),
        (lambda pdf: b"GIF89a" + pdf, ("TOTAL_FAILED", "FORMAT_FAILURE")),
        (lambda pdf: pdf.replace(b"/ByteRange [0 ", b"/ByteRange [1 "), ("TOTAL_FAILED", "FORMAT_FAILURE")),
        (lambda pdf: re.sub(rb"/ByteRange \[0 \d", b"/ByteRange [0 -", pdf), ("TOTAL_FAILED", "FORMAT_FAILURE")),
    ],
    ids=["truncated", "empty", "header-not-first", "range-from-one", "negative-range"],
)
def test_broken_files_fail(world: Any, make: Callable[[bytes], bytes], expected: tuple[str, str | None]) -> None:
    assert words(world.check(make(world.b_b))) == expected


@pytest.mark.parametrize("value", [b"null", b"[]", b"[0 1 2]", b"(0 1 2 3)", b"99 0 R"])
@pytest.mark.parametrize("key", [b"/ByteRange", b"/Contents"])
def test_universal_forgery_does_not_pass(world: Any, key: bytes, value: bytes) -> None:
    if key == b"/ByteRange":
        forged = re.sub(rb"/ByteRange \[[^\]]*\]", b"/ByteRange " + value, world.b_b)
    else:
        forged = re.sub(rb"/Contents <[0-9a-fA-F]+>", b"/Contents " + value, world.b_b)
    assert forged != world.b_b
    assert world.check(forged)["verdict"] in ("TOTAL_FAILED", "INDETERMINATE")


def test_encrypted_file_cannot_be_determined(world: Any) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(world.paper)))
    writer.encrypt("mật khẩu", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    assert words(world.check(out.getvalue())) == ("INDETERMINATE", "SIGNED_DATA_NOT_FOUND")


@pytest.mark.parametrize("base", BASES)
def test_random_changes_never_pass(world: Any, base: str) -> None:
    """Bytes outside the gaps; inside, unsigned parts may change without touching what was signed."""
    signed = getattr(world, base)
    gaps = [(m.start() + 10, m.end()) for m in re.finditer(rb"/Contents <[0-9a-fA-F]+>", signed)]
    choice = random.Random(f"mutations of {base}")
    tried = 0
    while tried < 25:
        place, value = choice.randrange(len(signed)), choice.randrange(256)
        if signed[place] == value or any(start <= place < stop for start, stop in gaps):
            continue
        tried += 1
        mutant = signed[:place] + bytes([value]) + signed[place + 1 :]
        assert world.check(mutant)["verdict"] != "TOTAL_PASSED", f"byte {place} -> {value}"
