"""XML e-forms: what a signature covers, who signed, when; and the ways in which forms are forged."""

from __future__ import annotations

import random
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from deploy.rehearsal import forms
from services.signing import xml_value
from services.signing.xml_reading import XML_LIMITS

pytestmark = [pytest.mark.req("SG-01"), pytest.mark.req("SG-07")]

VALUES = {
    "Họ và tên": "Nguyễn Thị An",
    "Nội dung": "Đăng ký khai sinh & trích lục",
    "Ghi chú": 'chữ xmlns="" trong văn bản',
}
FORM = forms.form("Tờ khai", VALUES, id="toKhai")
DS = f"{{{forms.DS}}}"


@pytest.fixture(scope="module")
def signed(world: Any) -> bytes:
    return forms.sign_form(FORM, world.token("citizen-an"), at=world.monday)


@pytest.fixture(scope="module")
def plain(world: Any) -> bytes:
    return forms.sign_form(FORM, world.token("citizen-an"), at=None, exclusive=True)


def verdict(world: Any, data: bytes, **times: datetime) -> tuple[str, str]:
    report = world.check(data, **times)
    assert report["format"] == "xml"
    return report["verdict"], report["code"]


def changed(data: bytes, change: Callable[[Any], Any]) -> bytes:
    """The form with its tree changed; what `change` returns becomes the root."""
    root = etree.fromstring(data)
    return bytes(
        etree.tostring(change(root) if change(root) is not None else root, encoding="UTF-8", xml_declaration=True)
    )


@pytest.mark.parametrize("by", ["citizen-an", "citizen-binh"])
@pytest.mark.parametrize("reference", [None, "#toKhai"])
def test_good_forms(world: Any, by: str, reference: str | None) -> None:
    token = world.token(by)
    report = world.check(forms.sign_form(FORM, token, at=world.monday, reference=reference))
    (signature,) = report["signatures"]
    assert report["verdict"] == "TOTAL_PASSED"
    assert signature["signing_time"] == world.monday.isoformat()
    assert (signature["time_basis"], signature["level"]) == ("claimed+receipt", "B-B")
    assert signature["covers_whole_document"] and signature["integrity_ok"] and signature["chain_ok"]
    assert signature["signer"]["kind"] == "public"
    assert signature["signer"]["personal_number"].startswith("046")
    for exclusive in (True, False):
        assert (
            verdict(world, forms.sign_form(FORM, token, at=None, exclusive=exclusive, reference=reference))[0]
            == "TOTAL_PASSED"
        )


def test_no_stated_time_means_our_receipt(world: Any, plain: bytes) -> None:
    (signature,) = world.check(plain)["signatures"]
    assert (signature["signing_time"], signature["time_basis"]) == (None, "receipt")
    late = forms.sign_form(FORM, world.token("short"), at=None)
    assert verdict(world, late)[1] == "expired"
    revoked = forms.sign_form(FORM, world.token("late"), at=None)
    assert verdict(world, revoked) == ("TOTAL_FAILED", "revoked")
    assert verdict(world, revoked, received=world.late_revocation - timedelta(days=1))[0] == "TOTAL_PASSED"


def test_a_trusted_timestamp_proves_the_time(world: Any) -> None:
    before = world.late_revocation - timedelta(days=2)
    data = forms.sign_form(FORM, world.token("late"), at=before, timestamp=world.token("timestamp"))
    report = world.check(data)
    assert report["verdict"] == "TOTAL_PASSED"
    assert (report["signatures"][0]["level"], report["signatures"][0]["timestamped"]) == ("B-T", True)
    foreign = forms.sign_form(FORM, world.token("late"), at=before, timestamp=world.token("foreign-stamp"))
    assert verdict(world, foreign)[1] == "revoked_no_poe"
    moved = re.sub(rb"(?<=SignatureTimeStamp>).*(?=</xades:SignatureTimeStamp)", _stamp_of(world), data, flags=re.S)
    assert verdict(world, moved)[1] == "revoked_no_poe"


def _stamp_of(world: Any) -> bytes:
    """A good timestamp, over another signature."""
    other = forms.sign_form(FORM, world.token("citizen-an"), at=world.monday, timestamp=world.token("timestamp"))
    found = re.search(rb"(?<=SignatureTimeStamp>).*(?=</xades:SignatureTimeStamp)", other, re.S)
    assert found
    return found[0]


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("agency-revoked", "revoked"),
        ("foreign-quang-thai", "no_chain"),
        ("server-only", "chain_constraints"),
        ("no-usage", "chain_constraints"),
        ("short", "expired"),
        ("young", "passed"),
        ("short-key", "weak"),
        ("under-withdrawn", "revoked_ca"),
    ],
)
def test_the_certificate_is_judged_as_in_a_pdf(world: Any, token: str, code: str) -> None:
    data = forms.sign_form(FORM, world.token(token), at=world.monday)
    assert verdict(world, data)[1] == code
    assert world.check(world.signed(token))["code"] == code


def test_stated_times_are_held_against_our_receipt(world: Any) -> None:
    token = world.token("citizen-an")
    assert verdict(world, forms.sign_form(FORM, token, at=datetime(2027, 1, 1, tzinfo=UTC)))[1] == "time_order"
    young = forms.sign_form(FORM, world.token("young"), at=world.monday - timedelta(days=3))
    assert verdict(world, young)[1] == "not_yet_valid"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Nguyễn Thị An", "Nguyễn Thị Ân"),
        ('xmlns="" ', ""),
        ("<TieuDe>", "<TieuDe them='1'>"),
        ("</ToKhai>", "<them/></ToKhai>"),
        ("</ToKhai>", "chữ</ToKhai>"),
        ('Id="toKhai"', 'Id="toKhai" z="1"'),
    ],
)
def test_changes_are_seen(world: Any, signed: bytes, plain: bytes, old: str, new: str) -> None:
    for data in (signed, plain):
        assert old.encode() in data
        assert verdict(world, data.replace(old.encode(), new.encode(), 1)) == ("TOTAL_FAILED", "hash")


def test_signed_properties_are_covered(world: Any, signed: bytes) -> None:
    assert verdict(world, signed.replace(b"2024-03-11T02:00:00Z", b"2024-03-11T02:00:01Z"))[1] == "hash"
    value = re.search(rb"<ds:SignatureValue>(.)", signed)
    assert value
    other = b"A" if value[1] != b"A" else b"B"
    assert verdict(world, signed[: value.start(1)] + other + signed[value.end(1) :])[1] == "crypto"


def test_the_same_key_under_another_certificate(world: Any, signed: bytes) -> None:
    own = world.token("citizen-an").certificate
    other = b64encode(_der(world.token("citizen-binh").certificate))
    assert b64encode(_der(own))[:40] in signed.replace(b"\n", b"")
    swapped = re.sub(
        rb"<ds:X509Certificate>.*?</ds:X509Certificate>",
        b"<ds:X509Certificate>" + other + b"</ds:X509Certificate>",
        signed,
        count=1,
        flags=re.S,
    )
    assert verdict(world, swapped)[0] != "TOTAL_PASSED"


def _der(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return bytes(certificate.public_bytes(Encoding.DER))


# --- wrapping: the signed part is moved aside, a forged one takes its place ---


def _forged(root: Any) -> tuple[Any, Any, Any]:
    """The form with a forged name, the signature, and the form as it was signed (with the signature in it)."""
    genuine = etree.fromstring(etree.tostring(root))
    signature = root.find(f"{DS}Signature")
    root.remove(signature)
    for field in root.iter(f"{{{forms.SPACE}}}TruongDuLieu"):
        field.text = "Kẻ giả mạo"
    return root, signature, genuine


def aside_in_root(root: Any) -> Any:
    forged, signature, genuine = _forged(root)
    forged.set("Id", "khac")
    forged.append(genuine)
    return forged


def aside_in_object(root: Any) -> Any:
    forged, signature, genuine = _forged(root)
    genuine.remove(genuine.find(f"{DS}Signature"))
    forged.set("Id", "khac")
    etree.SubElement(signature, f"{DS}Object").append(genuine)
    forged.append(signature)
    return forged


def aside_without_its_signature(root: Any) -> Any:
    forged, signature, genuine = _forged(root)
    genuine.remove(genuine.find(f"{DS}Signature"))
    forged.set("Id", "khac")
    forged.append(genuine)
    forged.append(signature)
    return forged


def doubled_id(root: Any) -> Any:
    forged = aside_without_its_signature(root)
    forged.set("Id", "toKhai")
    return forged


def doubled_id_of_another_kind(root: Any) -> Any:
    forged = aside_without_its_signature(root)
    del forged.attrib["Id"]
    forged.set("ID", "toKhai")
    return forged


def doubled_xml_id(root: Any) -> Any:
    forged = aside_without_its_signature(root)
    del forged.attrib["Id"]
    forged.set("{http://www.w3.org/XML/1998/namespace}id", "toKhai")
    return forged


def signature_deeper(root: Any) -> Any:
    signature = root.find(f"{DS}Signature")
    etree.SubElement(root, "hop").append(signature)
    return root


def hidden_in_key_info(root: Any) -> Any:
    etree.SubElement(root.find(f"{DS}Signature/{DS}KeyInfo"), f"{{{forms.SPACE}}}TruongDuLieu").text = "không ai ký"
    return root


def hidden_in_object(root: Any) -> Any:
    signature = root.find(f"{DS}Signature")
    etree.SubElement(etree.SubElement(signature, f"{DS}Object"), "them").text = "không ai ký"
    return root


@pytest.mark.parametrize("reference", [None, "#toKhai"])
@pytest.mark.parametrize(
    "wrap",
    [
        aside_in_root,
        aside_in_object,
        aside_without_its_signature,
        doubled_id,
        doubled_id_of_another_kind,
        doubled_xml_id,
        signature_deeper,
        hidden_in_object,
        hidden_in_key_info,
    ],
)
@pytest.mark.parametrize("time", [True, False])
def test_wrapping_is_never_accepted(world: Any, reference: str | None, wrap: Callable[[Any], Any], time: bool) -> None:
    data = forms.sign_form(FORM, world.token("citizen-an"), at=world.monday if time else None, reference=reference)
    assert verdict(world, data)[0] == "TOTAL_PASSED"
    forged = bytes(etree.tostring(wrap(etree.fromstring(data)), encoding="UTF-8", xml_declaration=True))
    assert verdict(world, forged)[0] in ("INDETERMINATE", "TOTAL_FAILED")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (f'"{forms.DS}enveloped-signature"', '"http://www.w3.org/TR/1999/REC-xslt-19991116"', "unsupported"),
        (f'"{forms.DS}enveloped-signature"', '"http://www.w3.org/TR/1999/REC-xpath-19991116"', "unsupported"),
        (f'"{forms.DS}enveloped-signature"', f'"{forms.DS}base64"', "unsupported"),
        ('URI=""', 'URI="http://example.invalid/form.xml"', "unsupported"),
        ('URI=""', 'URI="file:///etc/passwd"', "unsupported"),
        ('URI=""', 'URI="#xpointer(/)"', "unsupported"),
        ('URI=""', 'URI="#nowhere"', "hash"),
        ("xmlenc#sha256", "xmlenc#sha257", "unsupported"),
        ("http://www.w3.org/2001/04/xmlenc#sha256", f"{forms.DS}sha1", "weak"),
        (
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1",
            "weak",
        ),
        ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", f"{forms.DS}hmac-sha1", "unsupported"),
    ],
)
def test_foreign_transforms_references_and_methods(world: Any, plain: bytes, old: str, new: str, code: str) -> None:
    assert old.encode() in plain
    assert verdict(world, plain.replace(old.encode(), new.encode(), 1))[1] == code


def test_several_references_to_documents(world: Any, plain: bytes) -> None:
    found = re.search(rb"<ds:Reference .*?</ds:Reference>", plain, re.S)
    assert found
    assert verdict(world, plain.replace(found[0], found[0] * 2))[1] == "unsupported"


def test_two_signatures_each_judged(world: Any, plain: bytes) -> None:
    """As the standard has it, a second enveloped signature changes what the first one covers."""
    twice = forms.sign_form(plain, world.token("citizen-binh"), at=None)
    report = world.check(twice)
    assert [s["code"] for s in report["signatures"]] == ["hash", "passed"]
    assert report["verdict"] == "TOTAL_FAILED"


def test_two_signatures_that_leave_each_other_out(world: Any) -> None:
    first = forms.sign_form(FORM, world.token("citizen-an"), at=None, all_but_signatures=True)
    both = forms.sign_form(first, world.token("citizen-binh"), at=None, all_but_signatures=True)
    report = world.check(both)
    assert [s["code"] for s in report["signatures"]] == ["passed", "passed"]
    assert report["verdict"] == "TOTAL_PASSED"
    assert verdict(world, both.replace("Nguyễn Thị An".encode(), "Nguyễn Thị Ân".encode()))[1] == "hash"
    revoked = forms.sign_form(first, world.token("agency-revoked"), at=None, all_but_signatures=True)
    assert [s["code"] for s in world.check(revoked)["signatures"]] == ["passed", "revoked"]
    assert verdict(world, revoked)[0] == "TOTAL_FAILED"
    other = both.replace(b"not(ancestor-or-self::ds:Signature)", b"not(ancestor-or-self::ds:Signature) and 1=1")
    assert verdict(world, other)[1] == "unsupported"


def test_a_time_may_be_stated_in_a_signed_property(world: Any) -> None:
    """As forms after the pattern of e-invoices do: an Object of the signature with the time, covered by a reference."""
    data = forms.sign_form(FORM, world.token("citizen-an"), at=None, stated=world.monday)
    (signature,) = world.check(data)["signatures"]
    assert (signature["code"], signature["signing_time"]) == ("passed", world.monday.isoformat())
    assert verdict(world, data.replace(b"<SigningTime", b"<Khac/><SigningTime"))[1] == "hash"
    unsigned = data.replace(b'URI="#thoiGianKy"', b'URI=""')
    assert verdict(world, unsigned)[0] != "TOTAL_PASSED"


def mutated(data: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    place, kind = chance.randrange(len(data)), chance.randrange(4)
    if kind == 0:
        return data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]
    if kind == 1:
        return data[:place] + data[place + chance.randrange(1, 40) :]
    if kind == 2:
        start = chance.randrange(len(data))
        return data[:place] + data[start : start + chance.randrange(1, 200)] + data[place:]
    return data[:place] + chance.choice([b"<a/>", b" ", b"x", b"<!-- x -->", b"&#10;", b' id="a"']) + data[place:]


def shown(data: bytes) -> bytes:
    """What readers of a form see: its canonical form without comments and without the signature."""
    root = etree.fromstring(data)
    for item in root.findall(f"{DS}Signature"):
        xml_value.take_out(item)
    return bytes(etree.tostring(root, method="c14n", with_comments=False))


@pytest.mark.parametrize("count", [200, pytest.param(2_000, marks=pytest.mark.full)])
def test_no_mutation_passes_that_changes_what_is_shown(world: Any, signed: bytes, plain: bytes, count: int) -> None:
    passed = 0
    for seed in range(count):
        original = (signed, plain)[seed % 2]
        data = mutated(original, seed)
        report = world.check(data)
        if report["verdict"] == "TOTAL_PASSED":
            passed += 1
            assert shown(data) == shown(original), seed
        if report["format"] == "xml":
            assert report["verdict"] != "NO_SIGNATURE", seed
    # white space in certificates, comments; a check that refuses everything shows nothing
    assert 0 < passed < count / 4


def test_many_signatures_of_a_large_form_are_bounded(world: Any, plain: bytes) -> None:
    filled = plain.replace(b"</TieuDe>", b"x" * (1024 * 1024) + b"</TieuDe>")
    signature = re.search(rb"<ds:Signature.*</ds:Signature>", filled, re.S)
    assert signature
    assert verdict(world, filled.replace(signature[0], signature[0] * 18))[1] == "limit"


def test_countersignatures_are_not_passed_over(world: Any, plain: bytes) -> None:
    root = etree.fromstring(plain)
    outer = root.find(f"{DS}Signature")
    inner = etree.fromstring(etree.tostring(outer))
    etree.SubElement(outer, f"{DS}Object").append(inner)
    assert world.check(etree.tostring(root))["verdict"] == "INDETERMINATE"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (FORM, ("NO_SIGNATURE", "no_signature")),
        (FORM.decode().replace("UTF-8", "UTF-16").encode("utf-16"), ("NO_SIGNATURE", "no_signature")),
        (b"<a><Signature/></a>", ("INDETERMINATE", "unsupported")),
        (b"<a><s:SignedInfo xmlns:s='urn:x'/></a>", ("INDETERMINATE", "unsupported")),
        (
            b"<a>&lt;ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'/&gt;</a>",
            ("INDETERMINATE", "unsupported"),
        ),
        (b"<a><!-- <SignatureValue/> --></a>", ("INDETERMINATE", "unsupported")),
        (b"<a>" + b"MIIB" * 400 + b"</a>", ("INDETERMINATE", "unsupported")),
        (b"<a><b></a>", ("INDETERMINATE", "unparsable")),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', ("INDETERMINATE", "unparsable")),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', ("INDETERMINATE", "xml_dtd")),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', ("INDETERMINATE", "xml_dtd")),
        (b"<a>" * 300 + b"</a>" * 300, ("INDETERMINATE", "limit")),
        (b"<a " + b" ".join(b"a%d='1'" % n for n in range(200)) + b"/>", ("INDETERMINATE", "limit")),
        (b"<a>" + b"<b/>" * (XML_LIMITS.elements + 1) + b"</a>", ("INDETERMINATE", "limit")),
        (b"<a>" + b" " * XML_LIMITS.file_bytes + b"</a>", ("INDETERMINATE", "limit")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_forms_without_signature_and_broken_ones(world: Any, data: bytes, expected: tuple[str, str]) -> None:
    assert verdict(world, data) == expected


def test_signatures_of_other_shapes_are_never_absent(world: Any, plain: bytes) -> None:
    root = etree.fromstring(plain)
    alone = etree.tostring(root.find(f"{DS}Signature"))
    assert verdict(world, alone)[0] == "INDETERMINATE"
    other_prefix = plain.replace(b"ds:", b"q:").replace(b"xmlns:ds", b"xmlns:q")
    assert world.check(other_prefix)["signatures"]
    dressed = plain.replace(b"<ToKhai", b"<?xml-stylesheet href='x.xsl'?><ToKhai", 1)
    assert verdict(world, dressed)[1] == "ambiguous"


def test_entities_in_a_signed_form(world: Any, plain: bytes) -> None:
    body = plain.split(b"?>", 1)[1]
    bomb = (
        b"<!DOCTYPE ToKhai ["
        + b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10 if n else b"x") for n in range(9))
        + b"]>"
    )
    assert verdict(world, bomb + body)[1] == "xml_dtd"


def test_a_comment_within_a_text_parts_it_and_is_in_no_digest(world: Any, signed: bytes) -> None:
    """Readers that take the first piece of the text see another name than was signed."""
    name = "Nguyễn Thị An".encode()
    parted = signed.replace(name, name[:7] + b"<!-- -->" + name[7:])
    assert verdict(world, parted) == ("INDETERMINATE", "ambiguous")
    root = etree.fromstring(signed)
    root.insert(0, etree.Comment(" between two fields "))
    assert verdict(world, bytes(etree.tostring(root, encoding="UTF-8"))) == ("TOTAL_PASSED", "passed")
