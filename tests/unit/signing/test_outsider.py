"""Somebody else's certificate authority: honest files of any usual shape pass, and nothing is accepted by habit."""

from __future__ import annotations

import dataclasses
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from services.signing import trust
from tests.unit.signing import outsider
from tests.unit.signing.outsider import DAY, END, HOUR, START, Ca, T, World, answer, certificate, point, revocations

pytestmark = pytest.mark.req("SG-07", "SG-04")

PASSED = ("TOTAL_PASSED", "passed")
NO_DATA = ("INDETERMINATE", "no_revocation_data")
check, verdict, with_data = outsider.check, outsider.verdict, outsider.with_data


@pytest.fixture(scope="module")
def them() -> World:
    return World()


@pytest.fixture(scope="module")
def b_b(them: World) -> bytes:
    return them.sign()


@pytest.fixture(scope="module")
def b_t(them: World) -> bytes:
    return them.sign(stamped=True)


# --- shapes of honest certificates ------------------------------------------------------------------------------------

SHAPES: dict[str, dict[str, Any]] = {
    "ec": {},
    "p384": {"kind": "p384"},
    "rsa": {"kind": "rsa"},
    "ed25519": {"kind": "ed25519", "sha512": True},
    "no-identifiers": {"identifiers": False},
    "no-usage-extension": {"usages": ("digital_signature",), "purposes": [Purpose.EMAIL_PROTECTION]},
    "adobe-purpose": {"purposes": [x509.ObjectIdentifier("1.2.840.113583.1.1.5")]},
    "client-and-mail": {"purposes": [Purpose.CLIENT_AUTH, Purpose.EMAIL_PROTECTION]},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_usual_certificates_pass(them: World, shape: str) -> None:
    made = dict(SHAPES[shape])
    hashed = {"md_algorithm": "sha512" if made.pop("sha512", False) else "sha256"}
    holder, snapshot = certificate(f"Holder {shape}", them.ca, **made), them.snapshot()
    assert verdict(them.sign(holder, **hashed), snapshot) == PASSED
    assert verdict(them.sign(holder, stamped=True, pades=False, **hashed), snapshot) == PASSED
    assert verdict(them.sign(holder, **hashed), them.snapshot(lists=[])) == NO_DATA


@pytest.mark.parametrize(
    "wrong",
    [
        {"purposes": [Purpose.SERVER_AUTH]},
        {"purposes": [Purpose.CODE_SIGNING, Purpose.CLIENT_AUTH]},
        {"usages": ("key_encipherment",)},
        {"usages": ("key_cert_sign", "crl_sign")},
    ],
)
def test_certificates_for_other_purposes_do_not_pass(them: World, wrong: dict[str, Any]) -> None:
    holder = certificate("Other purpose", them.ca, **wrong)
    assert verdict(them.sign(holder), them.snapshot()) == ("INDETERMINATE", "chain_constraints")


def test_weak_keys_and_certificates_do_not_pass(them: World) -> None:
    short = certificate("Short", them.ca, kind="rsa1024")
    assert verdict(them.sign(short), them.snapshot()) == ("INDETERMINATE", "weak")
    root = certificate("RSA root", None, ca=True, kind="rsa")
    ca = certificate("RSA CA", root, ca=True, kind="rsa")
    data = [revocations(root), revocations(ca)]
    known, strong = them.snapshot(data, roots=[root], authorities=[ca]), certificate("Signed over", ca, kind="rsa")
    for holder, expected in ((outsider.signed_over_sha1(strong), "weak"), (strong, "passed")):
        assert verdict(them.sign(holder), known)[1] == expected
    assert verdict(them.sign(md_algorithm="sha1"), them.snapshot())[0] != "TOTAL_PASSED"


def test_authority_only_in_the_file_and_a_holder_right_under_the_root(them: World) -> None:
    assert verdict(them.sign(), them.snapshot(authorities=[])) == PASSED
    assert verdict(them.sign(chain=False), them.snapshot()) == PASSED
    assert verdict(them.sign(chain=False), them.snapshot(authorities=[])) == ("INDETERMINATE", "no_chain")
    direct = certificate("Direct", them.root)
    assert verdict(them.sign(direct), them.snapshot()) == PASSED


def test_an_end_certificate_is_no_authority(them: World, b_b: bytes) -> None:
    under = certificate("Under a holder", them.holder)
    known = them.snapshot([*them.lists(), revocations(them.holder)], authorities=[them.ca, them.holder])
    assert verdict(them.sign(under), known)[0] == "INDETERMINATE"
    assert verdict(b_b, known) == PASSED


def test_cross_signed_and_renewed_authorities_pass_by_whichever_chain_holds(them: World, b_b: bytes) -> None:
    """The same name and key under two roots, and once renewed: the order in the folder decides nothing."""
    other = certificate("Old root", None, ca=True)
    cross = certificate("CA of somebody", other, ca=True, until=T - DAY)
    late = certificate("CA of somebody", them.root, ca=True, since=T + 30 * HOUR)
    for authorities in ([cross, them.ca, late], [late, cross, them.ca]):
        known = them.snapshot([*them.lists(), revocations(other)], roots=[other, them.root], authorities=authorities)
        assert verdict(b_b, known) == PASSED
    dead = them.snapshot([*them.lists(), revocations(other)], roots=[other, them.root], authorities=[cross])
    assert verdict(them.sign(chain=False), dead)[0] == "INDETERMINATE"
    # One authority's certificate was revoked, its other one was not.
    data = [revocations(them.root), revocations(them.ca), revocations(other, [(cross, START + DAY, None)])]
    alive = certificate("CA of somebody", other, ca=True)
    revoked = [*data, revocations(other, [(alive, START + DAY, None)])]
    for authorities in ([alive, them.ca], [them.ca, alive]):
        assert verdict(b_b, them.snapshot(revoked, roots=[other, them.root], authorities=authorities)) == PASSED
    only = them.snapshot(revoked, roots=[other], authorities=[alive])
    assert verdict(them.sign(chain=False), only) == ("TOTAL_FAILED", "revoked_ca")


def test_two_roots_of_one_name(them: World, b_b: bytes) -> None:
    twin = Ca(certificate("Root of somebody", None, ca=True, same_key_as="twin").certificate, outsider.key("twin"))
    for roots in ([twin, them.root], [them.root, twin]):
        data = [*them.lists(), revocations(twin, [(them.ca, START + DAY, None)])]
        # The twin's list bears the name of the issuer but not its key.
        assert verdict(b_b, them.snapshot(data, roots=roots)) == PASSED


# --- sources of revocation data ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["issuer", "delegated", "delegated-nocheck"])
@pytest.mark.parametrize("revoked", [None, T - DAY])
def test_answers_as_the_only_source(them: World, b_b: bytes, how: str, revoked: datetime | None) -> None:
    responder = None
    if how != "issuer":
        responder = certificate("Responder", them.ca, purposes=[Purpose.OCSP_SIGNING], no_check="nocheck" in how)
    said = answer(them.holder, responder=responder, revoked=revoked)
    known = them.snapshot([revocations(them.root)], [said])
    assert verdict(b_b, known) == (PASSED if revoked is None else ("TOTAL_FAILED", "revoked"))
    assert verdict(b_b, them.snapshot([revocations(them.root)])) == NO_DATA


def test_answers_of_the_wrong_responder_say_nothing(them: World, b_b: bytes) -> None:
    no_purpose = certificate("No responder", them.ca)
    foreign = certificate("Foreign CA", None, ca=True)
    stranger = certificate("Stranger", foreign, purposes=[Purpose.OCSP_SIGNING])
    revoked = certificate("Lost responder", them.ca, purposes=[Purpose.OCSP_SIGNING])
    expired = certificate("Old responder", them.ca, purposes=[Purpose.OCSP_SIGNING], until=T)
    root = revocations(them.root)
    for responder in (no_purpose, stranger, expired):
        known = them.snapshot([root], [answer(them.holder, responder=responder)])
        assert verdict(b_b, known) == NO_DATA
    elsewhere = them.snapshot([root], [answer(certificate("Somebody else", them.ca))])
    assert verdict(b_b, elsewhere) == NO_DATA
    # The list speaks of the responder; the holder's word must come from the answer, so the list is of another scope.
    listed = revocations(them.ca, [(revoked, T - DAY, "keyCompromise")], until=T - HOUR)
    assert verdict(b_b, them.snapshot([root, listed], [answer(them.holder, responder=revoked)])) == NO_DATA
    good = certificate("Kept responder", them.ca, purposes=[Purpose.OCSP_SIGNING])
    assert verdict(b_b, them.snapshot([root, listed], [answer(them.holder, responder=good)])) == PASSED


def test_an_answer_without_next_update_holds_for_some_days(them: World, b_b: bytes) -> None:
    root = revocations(them.root)
    for at, expected in ((T - DAY, PASSED), (T - 30 * DAY, NO_DATA), (T + 2 * HOUR, PASSED)):
        said = answer(them.holder, at=at, until=None)
        assert verdict(b_b, them.snapshot([root], [said])) == expected


def test_lists_without_a_key_identifier_count_and_others_keys_do_not(them: World, b_b: bytes) -> None:
    root = revocations(them.root)
    assert verdict(b_b, them.snapshot([root, revocations(them.ca, identifier=False)])) == PASSED
    forged = revocations(them.ca, signer=outsider.key("forger"))
    assert verdict(b_b, them.snapshot([root, forged])) == NO_DATA


def test_stale_lists_and_lists_of_the_future_say_nothing(them: World, b_b: bytes) -> None:
    root = revocations(them.root)
    stale = revocations(them.ca, at=T - 60 * DAY, until=T - 30 * DAY)
    assert verdict(b_b, them.snapshot([root, stale])) == NO_DATA
    later = revocations(them.ca, at=T + 5 * DAY)
    assert verdict(b_b, them.snapshot([root, later]), now=T + 4 * DAY) == NO_DATA
    assert verdict(b_b, them.snapshot([root, later]), now=T + 6 * DAY) == PASSED
    # A check "as of" then does not know what was revoked since, and one of today does.
    told = revocations(them.ca, [(them.holder, T - HOUR, None)], at=T + 5 * DAY)
    known = them.snapshot([root, told, revocations(them.ca)])
    assert verdict(b_b, known, now=T + 4 * DAY) == PASSED
    assert verdict(b_b, known, now=T + 6 * DAY) == ("TOTAL_FAILED", "revoked")


def test_kinds_of_lists_that_are_not_supported_say_nothing(them: World, b_b: bytes) -> None:
    root = revocations(them.root)
    delta = revocations(them.ca, extensions=[x509.DeltaCRLIndicator(1)])
    indirect = revocations(them.ca, extensions=[point("http://x.invalid/a", indirect_crl=True)])
    unknown = revocations(them.ca, extensions=[x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")])
    for odd in (delta, indirect, unknown):
        assert verdict(b_b, them.snapshot([root, odd])) == NO_DATA
    harmless = revocations(
        them.ca,
        extensions=[x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), x509.CRLNumber(7)],
        critical=False,
    )
    assert verdict(b_b, them.snapshot([root, harmless])) == PASSED


def test_a_list_speaks_for_its_own_distribution_point_and_scope_only(them: World) -> None:
    here, there = "http://x.invalid/1.crl", "http://x.invalid/2.crl"
    holder = certificate("Shard", them.ca, points=[here])
    signed, root = them.sign(holder), revocations(them.root)
    for scope, expected in (
        (point(here), PASSED),
        (point(there), NO_DATA),
        (point("", only_contains_user_certs=True), PASSED),
        (point("", only_contains_ca_certs=True), NO_DATA),
        (point("", only_contains_attribute_certs=True), NO_DATA),
    ):
        assert verdict(signed, them.snapshot([root, revocations(them.ca, extensions=[scope])])) == expected


# --- revocation in time -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stamped", [False, True])
@pytest.mark.parametrize("reason", [None, "keyCompromise", "superseded"])
def test_revoked_before_and_after(them: World, b_b: bytes, b_t: bytes, stamped: bool, reason: str | None) -> None:
    signed = b_t if stamped else b_b
    before = them.snapshot(them.lists([(them.holder, T - HOUR, reason)], at=T + HOUR))
    after = them.snapshot(them.lists([(them.holder, T + 20 * timedelta(minutes=1), reason)], at=T + HOUR))
    assert verdict(signed, before) == ("TOTAL_FAILED", "revoked")
    assert verdict(signed, after) == (PASSED if stamped else ("INDETERMINATE", "revoked_no_poe"))
    # Our receipt is a proof, too.
    assert verdict(b_b, after, received=T + timedelta(minutes=10)) == PASSED


def test_authority_revoked_before_and_after(them: World, b_b: bytes, b_t: bytes) -> None:
    def known(when: datetime) -> trust.Snapshot:
        root = revocations(them.root, [(them.ca, when, "cACompromise")], at=T + HOUR)
        return them.snapshot([root, revocations(them.ca), revocations(them.stamp_root)])

    assert verdict(b_t, known(T - HOUR)) == ("TOTAL_FAILED", "revoked_ca")
    assert verdict(b_b, known(T - HOUR)) == ("TOTAL_FAILED", "revoked_ca")
    assert verdict(b_t, known(T + timedelta(minutes=20))) == PASSED
    assert verdict(b_b, known(T + timedelta(minutes=20))) == ("INDETERMINATE", "revoked_ca_no_poe")


def test_a_hold_counts_while_it_lasts_even_when_the_newest_list_forgot_it(them: World) -> None:
    held = revocations(them.ca, [(them.holder, T - 3 * DAY, "certificateHold")], at=T - 2 * DAY)
    lifted = revocations(them.ca, at=T + 2 * HOUR)
    others = [revocations(them.root), revocations(them.stamp_root)]
    during, before, after = (them.sign(stamped=True, at=at) for at in (T - DAY, T - 4 * DAY, T + 3 * HOUR))
    known = them.snapshot([*others, held, lifted])
    late = {"received": T + 4 * HOUR}
    assert verdict(during, known, **late) == ("INDETERMINATE", "on_hold")
    assert verdict(before, known, **late) == PASSED
    assert verdict(after, known, **late) == PASSED
    assert verdict(after, them.snapshot([*others, held]), **late) == ("INDETERMINATE", "on_hold")
    # The lifting itself may be told.
    told = revocations(them.ca, [(them.holder, T + HOUR, "removeFromCRL")], at=T + 2 * HOUR)
    assert verdict(after, them.snapshot([*others, held, told]), **late) == PASSED
    assert verdict(during, them.snapshot([*others, held, told]), **late) == ("INDETERMINATE", "on_hold")


def test_a_revocation_stays_when_the_entry_leaves_the_list(them: World, b_t: bytes) -> None:
    lists = [*them.lists([(them.holder, T - HOUR, None)], at=T - HOUR), revocations(them.ca, at=T + HOUR)]
    assert verdict(b_t, them.snapshot(lists)) == ("TOTAL_FAILED", "revoked")


def test_times_outside_the_certificates_validity(them: World) -> None:
    early = certificate("Early", them.ca, since=T + HOUR)
    late = certificate("Late", them.ca, until=T - HOUR)
    soon = certificate("Soon", them.ca, until=T + timedelta(minutes=30))
    known = them.snapshot(them.lists(at=T - 2 * DAY))
    for stamped in (False, True):
        assert verdict(them.sign(early, stamped=stamped), known, received=T + 2 * HOUR)[1] == "not_yet_valid"
        assert verdict(them.sign(late, stamped=stamped), known)[1] == "expired"
    assert verdict(them.sign(soon), known) == ("INDETERMINATE", "expired_no_poe")
    assert verdict(them.sign(soon, stamped=True), known) == PASSED
    assert verdict(them.sign(at=T + HOUR), known, received=T) == ("INDETERMINATE", "time_order")


# --- timestamps -------------------------------------------------------------------------------------------------------


def test_untrusted_expired_and_revoked_stampers_prove_nothing(them: World) -> None:
    soon = certificate("Soon", them.ca, until=T + timedelta(minutes=30))
    foreign = certificate(
        "Foreign stamps", certificate("Foreign root", None, ca=True), purposes=[Purpose.TIME_STAMPING]
    )
    over = certificate("Old stamps", them.stamp_root, purposes=[Purpose.TIME_STAMPING], until=T + timedelta(minutes=40))
    no_purpose = certificate("No stamps", them.stamp_root, kind="rsa")
    lost = certificate("Lost stamps", them.stamp_root, purposes=[Purpose.TIME_STAMPING])
    left = certificate("Left stamps", them.stamp_root, purposes=[Purpose.TIME_STAMPING])
    revoked = [(lost, T + HOUR / 2, "keyCompromise"), (left, T + HOUR / 2, "cessationOfOperation")]
    stamps = revocations(them.stamp_root, revoked, at=T + HOUR / 2)
    known = them.snapshot([revocations(them.root), revocations(them.ca), stamps])
    for stamper in (foreign, over, no_purpose, lost):
        signed = them.sign(soon, stamped=True, stamper=stamper)
        assert verdict(signed, known) == ("INDETERMINATE", "expired_no_poe")
        # Not fatal either: the holder was good when we got it.
        assert verdict(signed, known, received=T + timedelta(minutes=20)) == PASSED or stamper is lost
    assert verdict(them.sign(soon, stamped=True, stamper=left), known) == PASSED
    assert verdict(them.sign(soon, stamped=True), known) == PASSED


def test_a_stampers_own_certificate_may_be_the_anchor(them: World) -> None:
    pinned = certificate("Pinned", None, purposes=[Purpose.TIME_STAMPING])
    soon = certificate("Soon", them.ca, until=T + timedelta(minutes=30))
    signed = them.sign(soon, stamped=True, stamper=pinned)
    assert verdict(signed, them.snapshot(stamps=[pinned])) == PASSED
    assert verdict(signed, them.snapshot()) == ("INDETERMINATE", "expired_no_poe")


# --- long-term data ---------------------------------------------------------------------------------------------------

YEARS = datetime(2029, 6, 1, tzinfo=UTC)


def test_levels(them: World, b_b: bytes, b_t: bytes) -> None:
    known = them.snapshot()
    lt = with_data(b_t, lists=them.lists(at=T + HOUR), certificates=[them.ca])
    lta = them.stamp(lt, at=T + HOUR)
    for data, level in ((b_b, "B-B"), (b_t, "B-T"), (lt, "B-LT"), (lta, "B-LTA")):
        report = check(data, known, received=T + 2 * HOUR)
        assert (report["verdict"], report["signatures"][0]["level"]) == ("TOTAL_PASSED", level)


def test_data_in_the_file_prove_old_signatures_and_only_true_ones_do(them: World) -> None:
    """Received years later: the holder has expired, the lists of the folder do not know it any more."""
    soon = certificate("Soon", them.ca, until=T + 30 * DAY)
    now = [revocations(c, at=YEARS - DAY, until=YEARS + DAY) for c in (them.root, them.ca, them.stamp_root)]
    known, signed = them.snapshot(now), them.sign(soon, stamped=True)
    times = {"received": YEARS, "now": YEARS}
    assert verdict(signed, known, **times) == NO_DATA
    good = revocations(them.ca, at=T + HOUR)
    assert verdict(with_data(signed, lists=[good]), known, **times) == PASSED
    assert verdict(with_data(signed, answers=[answer(soon)]), known, **times) == PASSED
    forged = revocations(them.ca, at=T + HOUR, signer=outsider.key("forger"))
    assert verdict(with_data(signed, lists=[forged]), known, **times) == NO_DATA
    bad = revocations(them.ca, [(soon, T - HOUR, None)], at=T + HOUR)
    assert verdict(with_data(signed, lists=[good, bad]), known, **times) == ("TOTAL_FAILED", "revoked")
    # And what the folder knows counts against what the file says.
    told = revocations(them.ca, [(soon, T - HOUR, None)], at=T + DAY)
    assert verdict(with_data(signed, lists=[good]), them.snapshot([*now, told]), **times) == ("TOTAL_FAILED", "revoked")


def test_a_chain_of_document_timestamps_proves_the_time(them: World, b_b: bytes) -> None:
    """The holder and the first timestamp authority have expired; a newer stamp proves the older one."""
    soon = certificate("Soon", them.ca, until=T + 30 * DAY)
    first = certificate("First stamps", them.stamp_root, purposes=[Purpose.TIME_STAMPING], until=T + 60 * DAY)
    then = them.lists(at=T + HOUR)
    now = [revocations(c, at=YEARS - DAY, until=YEARS + DAY) for c in (them.root, them.ca, them.stamp_root)]
    known, times = them.snapshot(now), {"received": YEARS, "now": YEARS}
    lt = with_data(them.sign(soon, stamped=True, stamper=first), lists=then, certificates=[them.ca])
    assert verdict(lt, known, **times)[0] == "INDETERMINATE"
    lta = them.stamp(lt, at=T + 2 * HOUR)
    report = check(lta, known, **times)
    assert (report["verdict"], report["signatures"][0]["level"]) == ("TOTAL_PASSED", "B-LTA")
    assert report["signatures"][0]["signing_time"] == T.isoformat()
    # A file without timestamps of its own: the document's is T.
    plain = them.stamp(with_data(them.sign(soon), lists=then), at=T + 2 * HOUR)
    report = check(plain, known, **times)
    assert (report["verdict"], report["signatures"][0]["signing_time"]) == (
        "TOTAL_PASSED",
        (T + 2 * HOUR).isoformat(),
    )
    # Two stamps, the older one by an authority that has expired since.
    fresh = [revocations(them.stamp_root, at=T + 41 * DAY, until=T + 70 * DAY)]
    renewed = them.stamp(with_data(them.stamp(lt, at=T + 2 * HOUR, by=first), lists=fresh), at=T + 40 * DAY)
    assert check(renewed, known, **times)["verdict"] == "TOTAL_PASSED"
    # Too late: stamped when the holder had expired.
    late = them.stamp(with_data(them.sign(soon), lists=then), at=T + 40 * DAY)
    assert verdict(late, known, **times) == ("INDETERMINATE", "expired")


def test_a_document_timestamp_that_has_run_out_is_listed_and_does_no_harm(them: World, b_b: bytes) -> None:
    over = certificate("Old stamps", them.stamp_root, purposes=[Purpose.TIME_STAMPING], until=T + timedelta(minutes=10))
    report = check(them.stamp(b_b, at=T, by=over), them.snapshot())
    assert (report["verdict"], report["signatures"][0]["timestamped"]) == ("TOTAL_PASSED", False)
    assert [stamp["code"] for stamp in report["timestamps"]] == ["expired_no_poe"]


def test_look_alikes_in_the_security_store_change_nothing(them: World, b_t: bytes) -> None:
    fakes = [
        Ca(certificate("CA of somebody", fake, ca=True, same_key_as="fake").certificate, outsider.key("fake"), fake)
        for fake in (certificate("Root of somebody", None, ca=True, same_key_as="forger"),)
    ]
    ring = [
        certificate("CA of somebody", certificate("CA of somebody", them.root, ca=True, same_key_as=a), same_key_as=b)
        for a in ("r1", "r2", "r3") for b in ("r1", "r2", "r3")
    ]  # fmt: skip
    crowded = with_data(b_t, certificates=[*fakes, *ring, them.root])
    assert verdict(crowded, them.snapshot()) == PASSED
    stranger = certificate("Holder", fakes[0])
    assert verdict(with_data(them.sign(stranger), certificates=fakes), them.snapshot()) == ("INDETERMINATE", "no_chain")


def test_the_end_of_an_anchor_is_an_end(them: World) -> None:
    root = certificate("Ended root", None, ca=True, until=T - DAY)
    ca = certificate("Ended CA", root, ca=True)
    holder = certificate("Ended holder", ca, until=END)
    known = them.snapshot(
        [revocations(root, at=START + DAY, until=END), revocations(ca)], roots=[root], authorities=[ca]
    )
    assert verdict(them.sign(holder), known)[0] == "INDETERMINATE"
    assert verdict(them.sign(holder, at=T - 3 * DAY), known, received=T - 2 * DAY, now=T)[0] == "TOTAL_PASSED"
    assert dataclasses.is_dataclass(known)


def test_behind_the_last_signature_stands_nothing_that_nobody_refers_to(them: World, b_b: bytes) -> None:
    loose, titled = IncrementalPdfFileWriter(io.BytesIO(b_b)), IncrementalPdfFileWriter(io.BytesIO(b_b))
    loose.add_object(generic.StreamObject(stream_data=b"another page"))
    titled.set_info(generic.DictionaryObject({generic.pdf_name("/Title"): generic.TextStringObject("Another")}))
    for writer in (loose, titled):
        out = io.BytesIO()
        writer.write(out)
        assert verdict(out.getvalue(), them.snapshot()) == ("TOTAL_FAILED", "modified")
