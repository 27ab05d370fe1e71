"""What reports say of valid and forged files, in our own codes. The whole corpus of verdicts is tests/corpus."""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pypdf import PdfReader

from deploy.rehearsal import authority, papers
from tests.corpus import hostile

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


def test_unsigned_file_has_no_signature(world: Any) -> None:
    report = world.check(world.paper)
    assert (report["verdict"], report["verdict_vi"], report["signatures"]) == ("NO_SIGNATURE", "KHONG_CO_CHU_KY", [])


@pytest.mark.parametrize("how", ["comment", "zip", "loose-object", "update"])
@pytest.mark.parametrize("base", BASES)
def test_appended_bytes_fail(world: Any, base: str, how: papers.Appending) -> None:
    report = world.check(papers.appended(getattr(world, base), how))
    assert words(report) == ("TOTAL_FAILED", "FORMAT_FAILURE")
    assert report["signatures"][-1]["code"] == "modified"


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


def test_foreign_signer_is_of_unknown_kind(world: Any) -> None:
    signature = world.check(world.signed("foreign-quang-thai"))["signatures"][0]
    assert (signature["signer"]["kind"], signature["chain_ok"]) == ("unknown", False)
    assert signature["signer"]["tax_number"] == "3300100018"


def test_too_many_certificates_are_not_looked_at(world: Any) -> None:
    signer = world.token("citizen-an")
    many = tuple(world.authority.issue(f"extra-{n}", authority.subject(f"Thừa {n}")).certificate for n in range(25))
    crowded = authority.Token("crowded", signer.certificate, signer.key, many)
    report = world.check(papers.sign(world.paper, crowded, at=world.monday))
    assert (words(report), report["code"]) == (("INDETERMINATE", "GENERIC"), "limit")


def test_too_many_signatures_or_revisions_are_not_looked_at(world: Any) -> None:
    for many in (hostile.revisions(world, 101), hostile.signatures(world, 21)):
        report = world.check(many)
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
