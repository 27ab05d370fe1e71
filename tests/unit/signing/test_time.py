"""Valid at the time of signing: revocation, validity, timestamps and our own receipt."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives import hashes

from deploy.rehearsal import authority, papers
from services.signing import trust

pytestmark = pytest.mark.req("SG-07")

BEFORE = datetime(2024, 3, 4, 2, 0, tzinfo=UTC)
AFTER = datetime(2024, 3, 6, 2, 0, tzinfo=UTC)


def words(report: dict[str, Any]) -> tuple[str, str | None]:
    return report["verdict"], report["sub_indication"]


@pytest.mark.req("SG-03")
def test_revoked_before_signing_fails(world: Any) -> None:
    report = world.check(world.signed("agency-revoked"))
    assert words(report) == ("TOTAL_FAILED", "REVOKED")
    signature = report["signatures"][0]
    assert signature["revocation"] == "revoked"
    assert signature["revoked_at"] == authority.REVOKED_ON.isoformat()
    assert signature["revocation_reason"] == "key_compromise"
    good = world.check(world.signed("agency-quang-thai"))
    assert words(good) == ("TOTAL_PASSED", None)
    assert (good["signatures"][0]["revoked_at"], good["signatures"][0]["revocation_reason"]) == (None, None)


@pytest.mark.req("SG-01")
def test_a_report_names_the_lists_that_spoke_of_the_chain_and_no_other(world: Any) -> None:
    named = world.check(world.b_b)["signatures"][0]["revocation_sources"]
    lists = {item.fingerprint: item for item in world.snapshot.lists}
    issuers = {world.authority.authority(name).certificate.subject for name in ("public-ca", "public-root")}
    assert {lists[source].native.issuer for source in named} == issuers
    assert list(named) == sorted(set(named)) and len(lists) > len(named)
    none = dataclasses.replace(world.snapshot, lists=())
    assert not world.check(world.b_b, snapshot=none)["signatures"][0]["revocation_sources"]


def test_revoked_after_signing_passes_only_with_proof(world: Any) -> None:
    bare, stamped = world.signed("late", at=BEFORE), world.signed("late", at=BEFORE, timestamp=world.token("timestamp"))
    assert words(world.check(bare)) == ("INDETERMINATE", "REVOKED_NO_POE")
    assert words(world.check(stamped)) == ("TOTAL_PASSED", None)
    assert words(world.check(bare, received=BEFORE + timedelta(hours=1))) == ("TOTAL_PASSED", None)


def test_signing_after_revocation_fails_with_and_without_timestamp(world: Any) -> None:
    stamp = world.token("timestamp")
    assert words(world.check(world.signed("late", at=AFTER))) == ("TOTAL_FAILED", "REVOKED")
    assert words(world.check(world.signed("late", at=AFTER, timestamp=stamp))) == ("TOTAL_FAILED", "REVOKED")
    # At that very second the certificate counts as revoked.
    exactly = world.signed("late", at=world.late_revocation, timestamp=stamp)
    assert words(world.check(exactly)) == ("TOTAL_FAILED", "REVOKED")
    one_second_before = world.signed("late", at=world.late_revocation - timedelta(seconds=1), timestamp=stamp)
    assert words(world.check(one_second_before)) == ("TOTAL_PASSED", None)


def test_revoked_authority_fails(world: Any) -> None:
    report = world.check(world.signed("under-withdrawn"))
    # Its own certificate came with the file: the store does not know that authority.
    assert words(report) == ("TOTAL_FAILED", "REVOKED")
    assert report["code"] == "revoked_ca"


def test_foreign_timestamp_proves_nothing(world: Any) -> None:
    signed = world.signed("late", at=BEFORE, timestamp=world.token("foreign-stamp"))
    report = world.check(signed)
    assert words(report) == ("INDETERMINATE", "REVOKED_NO_POE")
    assert not report["signatures"][0]["timestamped"]
    good = world.signed("agency-quang-thai", timestamp=world.token("foreign-stamp"))
    assert words(world.check(good)) == ("TOTAL_PASSED", None)


def test_forged_timestamp_beside_a_real_one_proves_nothing(world: Any) -> None:
    """T is the time of the timestamp that was trusted, not of the one that stands first."""
    real = world.signed("late", at=AFTER, timestamp=world.token("timestamp"), room=20_000)
    start = real.rindex(b"/Contents <") + len(b"/Contents <")
    stop = real.index(b">", start)
    container = cms.ContentInfo.load(bytes.fromhex(real[start:stop].decode()))
    info = container["content"]["signer_infos"][0]
    digest = hashes.Hash(hashes.SHA256())
    digest.update(info["signature"].native)
    stamper = papers._timestamper(world.token("foreign-stamp"), BEFORE)
    assert stamper is not None
    forged = asyncio.run(stamper.async_timestamp(digest.finalize(), "sha256"))
    fake = cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [forged]})
    info["unsigned_attrs"] = [fake, info["unsigned_attrs"][0]]
    der = container.dump(force=True)
    attributes = cms.ContentInfo.load(der)["content"]["signer_infos"][0]["unsigned_attrs"]
    first = attributes[0]["values"][0]["content"]["encap_content_info"]["content"].parsed
    assert first["gen_time"].native == BEFORE, "the forged timestamp has to stand first"
    report = world.check(real[:start] + der.hex().encode().ljust(stop - start, b"0") + real[stop:])
    assert words(report) == ("TOTAL_FAILED", "REVOKED")
    assert report["signatures"][0]["signing_time"] == AFTER.isoformat()


def test_expired_when_we_got_it_needs_proof(world: Any) -> None:
    bare, stamped = world.signed("short", at=AFTER), world.signed("short", at=AFTER, timestamp=world.token("timestamp"))
    assert words(world.check(bare)) == ("INDETERMINATE", "OUT_OF_BOUNDS_NO_POE")
    assert words(world.check(stamped)) == ("TOTAL_PASSED", None)
    # Received in time, checked later: our receipt is the proof.
    assert words(world.check(bare, received=AFTER + timedelta(hours=1))) == ("TOTAL_PASSED", None)


def test_expired_when_signed(world: Any) -> None:
    stamp = world.token("timestamp")
    assert words(world.check(world.signed("short"))) == ("INDETERMINATE", "EXPIRED")
    assert words(world.check(world.signed("short", timestamp=stamp))) == ("INDETERMINATE", "EXPIRED")


def test_list_from_after_the_expiry_says_nothing_about_an_expired_certificate(world: Any) -> None:
    january = datetime(2024, 1, 15, tzinfo=UTC)
    signed = world.signed("gone-before-list", at=january, timestamp=world.token("timestamp"))
    assert words(world.check(signed)) == ("INDETERMINATE", "TRY_LATER")


def test_not_yet_valid_when_signed(world: Any) -> None:
    early = datetime(2024, 3, 9, 12, 0, tzinfo=UTC)
    stamp = world.token("timestamp")
    assert words(world.check(world.signed("young", at=early))) == ("INDETERMINATE", "NOT_YET_VALID")
    assert words(world.check(world.signed("young", at=early, timestamp=stamp))) == ("INDETERMINATE", "NOT_YET_VALID")
    assert words(world.check(world.signed("young"))) == ("TOTAL_PASSED", None)


def test_time_from_the_future_is_not_believed(world: Any) -> None:
    stamp = world.token("timestamp")
    future = world.received + timedelta(minutes=11)
    assert words(world.check(world.signed(at=future))) == ("INDETERMINATE", "SIG_CONSTRAINTS_FAILURE")
    assert words(world.check(world.signed(at=future, timestamp=stamp))) == ("INDETERMINATE", "SIG_CONSTRAINTS_FAILURE")
    assert words(world.check(world.signed(at=world.received + timedelta(minutes=9)))) == ("TOTAL_PASSED", None)


def test_missing_or_stale_revocation_data_is_never_valid(world: Any, tmp_path: Any) -> None:
    without = dataclasses.replace(world.snapshot, lists=())
    report = world.check(world.b_b, snapshot=without)
    assert words(report) == ("INDETERMINATE", "TRY_LATER")
    assert report["signatures"][0]["revocation"] == "unknown"
    for issuer in ("public-root", "public-ca"):
        world.authority.write_list(issuer, tmp_path, next_update=datetime(2024, 3, 1, tzinfo=UTC))
    old = tuple(trust.RevocationList.load(path.read_bytes()) for path in sorted(tmp_path.glob("*.crl")))
    assert words(world.check(world.b_b, snapshot=dataclasses.replace(world.snapshot, lists=old))) == (
        "INDETERMINATE",
        "TRY_LATER",
    )


@pytest.mark.parametrize("year", [2024, 2025, 2027])
def test_rehearsal_covers_later_business_days(world: Any, year: int) -> None:
    moment = datetime(year, 12, 1, tzinfo=UTC)
    signed = world.signed("agency-quang-thai", at=moment)
    assert words(world.check(signed, received=moment, now=moment)) == ("TOTAL_PASSED", None)


def test_times_need_a_zone(world: Any) -> None:
    with pytest.raises(ValueError, match="time zone"):
        world.check(world.b_b, received=datetime(2024, 3, 11))
