"""Honest oddities of other producers, and bounds: indefinite lengths, lists without nextUpdate, crowded stores."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asn1crypto import cms, parser
from asn1crypto import crl as asn1_crl
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

from services.signing import structure
from services.signing.container import SignedData
from services.signing.lists import RevocationList
from tests.corpus.forgeries import contents_of
from tests.unit.signing import outsider
from tests.unit.signing.outsider import DAY, HOUR, Ca, T, World, answer, certificate, revocations, verdict, with_data

pytestmark = pytest.mark.req("SG-07")

PASSED = ("TOTAL_PASSED", "passed")


@pytest.fixture(scope="module")
def them() -> World:
    return World()


def rewritten(signed: bytes, change: object) -> bytes:
    """The file with another container in its gap."""
    start = signed.rindex(b"/Contents <") + len(b"/Contents <")
    stop = signed.index(b">", start)
    der = change(bytes.fromhex(signed[start:stop].decode()))  # type: ignore[operator]
    return signed[:start] + der.hex().encode().ljust(stop - start, b"0") + signed[stop:]


def indefinite(container: bytes) -> bytes:
    """BER as many signing libraries write it: the outer values end where they end."""
    outer = parser.parse(container[: parser.peek(container)])[4]
    after = parser.peek(outer)
    signed = parser.parse(parser.parse(outer[after:])[4])[4]
    return b"\x30\x80" + outer[:after] + b"\xa0\x80\x30\x80" + signed + 6 * b"\0"


def without_next_update(issuer: Ca, **options: object) -> bytes:
    raw = asn1_crl.CertificateList.load(revocations(issuer, **options))  # type: ignore[arg-type]
    raw["tbs_cert_list"]["next_update"] = None
    over = raw["tbs_cert_list"].dump(force=True)
    raw["signature"] = issuer.key.sign(over, ec.ECDSA(hashes.SHA256()))
    return bytes(raw.dump(force=True))


def test_a_container_of_indefinite_length_is_read(them: World) -> None:
    signed = them.sign(room=20_000)
    assert verdict(rewritten(signed, lambda der: der), them.snapshot()) == PASSED
    assert verdict(rewritten(signed, indefinite), them.snapshot()) == PASSED


def test_a_list_without_next_update_holds_for_some_days(them: World) -> None:
    signed, root = them.sign(), revocations(them.root)
    for at, expected in ((T - DAY, PASSED), (T - 60 * DAY, ("INDETERMINATE", "no_revocation_data"))):
        assert verdict(signed, them.snapshot([root, without_next_update(them.ca, at=at)])) == expected


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_an_odd_certificate_in_the_store_is_no_change(them: World) -> None:
    """A serial number below zero, which a library may refuse: nobody needs it."""
    odd = bytearray(certificate("Odd", them.ca).der)
    place = odd.index(b"\x02\x01\x02\x02\x02") + 5  # behind the version: the serial number, two bytes long
    odd[place] |= 0x80
    strange = Ca.__new__(Ca)
    object.__setattr__(strange, "certificate", _Raw(bytes(odd)))
    assert verdict(with_data(them.sign(), certificates=[strange]), them.snapshot()) == PASSED


class _Raw:
    def __init__(self, der: bytes) -> None:
        self.der = der

    def public_bytes(self, _: object) -> bytes:
        return self.der


def test_a_crowded_store_is_a_limit(them: World) -> None:
    # The store counts each item once, however often it is named.
    signed, one = them.sign(), certificate("Many", them.ca)
    many = [certificate("Many", them.ca) for _ in range(structure.LIMITS.brought + 1)]
    assert verdict(with_data(signed, certificates=[one] * 3), them.snapshot()) == PASSED
    assert verdict(with_data(signed, certificates=many), them.snapshot()) == ("INDETERMINATE", "limit")


def test_authorities_that_vouch_for_each_other_in_rings_end(them: World) -> None:
    """Each signed each: the number of ways through them is beyond any limit, and all end nowhere."""
    above = [certificate("Ring", None, ca=True, same_key_as=f"ring{n}") for n in range(8)]
    ring = [
        certificate("Ring", Ca(above[n].certificate, above[n].key, None), ca=True, same_key_as=f"ring{m}")
        for n in range(8) for m in range(8) if n != m
    ]  # fmt: skip
    other = [certificate(f"Way {n}", above[n], ca=True) for n in range(8)]
    crossed = [certificate("Ring", way, ca=True, same_key_as=f"ring{n}") for n, way in enumerate(other)]
    holder = certificate("In the ring", above[0])
    signed = with_data(them.sign(holder), certificates=[*ring, *other, *crossed])
    assert verdict(signed, them.snapshot()) == ("INDETERMINATE", "no_chain")


def test_a_list_is_verified_once_and_looked_up_by_number(them: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten checks, two keys of one name: one verification for each."""
    verified, counted = RevocationList._verify, []

    def counting(own: RevocationList, issuer: object) -> bool:
        counted.append(own)
        return verified(own, issuer)  # type: ignore[arg-type]

    monkeypatch.setattr(RevocationList, "_verify", counting)
    others = [(certificate("Revoked", them.ca), T - DAY, None) for _ in range(50)]
    known, signed = them.snapshot(them.lists(others)), them.sign()
    for _ in range(10):
        assert verdict(signed, known) == PASSED
    assert verdict(them.sign(others[7][0]), known) == ("TOTAL_FAILED", "revoked")
    assert len(counted) == len(set(map(id, counted))) == 2


def test_a_timestamp_of_the_future_contradicts_our_receipt(them: World) -> None:
    known, signed = them.snapshot(), them.sign(stamped=True)
    early = them.sign(at=T - HOUR)
    assert verdict(signed, known, received=T - timedelta(minutes=30)) == ("INDETERMINATE", "time_order")
    assert verdict(early, known, received=T - timedelta(minutes=30)) == PASSED


def test_of_several_timestamps_the_earliest_trusted_one_counts(them: World) -> None:
    soon = certificate("Soon", them.ca, until=T + 2 * HOUR)
    lists = them.lists(at=T + HOUR)
    late = them.stamp(with_data(them.sign(soon, stamped=True), lists=lists), at=T + 3 * HOUR)
    report = outsider.check(late, them.snapshot(), received=T + 4 * HOUR)
    assert (report["verdict"], report["signatures"][0]["signing_time"]) == ("TOTAL_PASSED", T.isoformat())
    strangers = certificate("Strangers", certificate("Elsewhere", None, ca=True), purposes=[Purpose.TIME_STAMPING])
    late = them.stamp(with_data(them.sign(soon, stamped=True, stamper=strangers), lists=lists), at=T + 3 * HOUR)
    assert verdict(late, them.snapshot(), received=T + 4 * HOUR) == ("INDETERMINATE", "expired")


def test_answers_in_the_file_alone_make_a_long_term_signature(them: World) -> None:
    stamp_list = revocations(them.stamp_root, at=T + HOUR)
    signed = with_data(
        them.sign(stamped=True), lists=[revocations(them.root, at=T + HOUR), stamp_list], answers=[answer(them.holder)]
    )
    report = outsider.check(signed, them.snapshot([revocations(them.stamp_root)]))
    assert (report["verdict"], report["signatures"][0]["level"]) == ("TOTAL_PASSED", "B-LT")


@pytest.mark.parametrize("kind", ["signing_time", "message_digest", "content_type"])
def test_an_attribute_that_says_two_things_is_no_container(world: object, kind: str) -> None:
    """RFC 5652 §11: one instance with one value. Readers might take either."""
    container = contents_of(world.signed(pades=False))  # type: ignore[attr-defined]
    assert SignedData.load(container).problem(len(container)) is None
    doubled = cms.ContentInfo.load(container)
    attributes = doubled["content"]["signer_infos"][0]["signed_attrs"]
    attributes.append(next(item for item in attributes if item["type"].native == kind).copy())
    twice = doubled.dump(force=True)
    assert SignedData.load(twice).problem(len(twice)) == "cms_shape"
