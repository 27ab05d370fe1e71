"""Timestamps over the whole document: who made them, and that they are listed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from deploy.rehearsal import authority, papers

pytestmark = pytest.mark.req("SG-07")


def stamped(world: Any, by: str, pdf: bytes | None = None, **options: Any) -> bytes:
    return papers.document_timestamp(pdf or world.b_b, world.token(by), at=options.pop("at", world.monday), **options)


def test_a_recognised_authoritys_stamp_passes_and_is_listed(world: Any) -> None:
    report = world.check(stamped(world, "timestamp"))
    assert (report["verdict"], len(report["signatures"])) == ("TOTAL_PASSED", 1)
    (stamp,) = report["timestamps"]
    assert (stamp["verdict"], stamp["signer"]["kind"], stamp["timestamped"]) == ("TOTAL_PASSED", "timestamp", True)
    assert stamp["signer"]["common_name"] == "Dấu thời gian DIỄN TẬP"
    assert stamp["signing_time"] == world.monday.isoformat()


@pytest.mark.parametrize("by", ["citizen-binh", "foreign-stamp"])
def test_a_stamp_by_anybody_else_does_not_pass_and_is_listed(world: Any, by: str) -> None:
    report = world.check(stamped(world, by))
    assert (report["verdict"], report["code"]) == ("INDETERMINATE", "stamp_untrusted")
    assert [stamp["code"] for stamp in report["timestamps"]] == ["stamp_untrusted"]
    assert [signature["verdict"] for signature in report["signatures"]] == ["TOTAL_PASSED"]


def test_a_stamping_certificate_without_the_purpose_does_not_pass(world: Any) -> None:
    under = world.authority.issue(
        "stamp-no-purpose", authority.subject("Không phải dấu thời gian"), issuer="timestamp-root", key="rsa"
    )
    report = world.check(papers.document_timestamp(world.b_b, under, at=world.monday))
    assert (report["verdict"], report["code"]) == ("INDETERMINATE", "stamp_untrusted")


def test_a_stamp_of_the_future_does_not_pass(world: Any) -> None:
    report = world.check(stamped(world, "timestamp", at=world.received + timedelta(days=1)))
    assert (report["verdict"], report["code"]) == ("INDETERMINATE", "time_order")


def test_one_bad_stamp_behind_a_good_one_decides(world: Any) -> None:
    report = world.check(stamped(world, "citizen-binh", pdf=stamped(world, "timestamp")))
    assert [stamp["code"] for stamp in report["timestamps"]] == ["passed", "stamp_untrusted"]
    assert report["verdict"] == "INDETERMINATE"


def test_a_stamp_alone_is_no_signature(world: Any) -> None:
    report = world.check(stamped(world, "timestamp", pdf=world.paper))
    assert (report["verdict"], report["signatures"], len(report["timestamps"])) == ("NO_SIGNATURE", [], 1)


@pytest.mark.parametrize("how", ["field", "annotation", "visible"])
def test_a_true_stamp_does_not_cover_what_was_drawn_over_the_page(world: Any, how: str) -> None:
    """Anybody can have any file stamped: a stamp vouches for a time, not for what stands before it."""
    if how == "visible":
        forged = stamped(world, "timestamp", box=(60, 700, 400, 790))
    else:
        forged = stamped(world, "timestamp", pdf=papers.overlay(world.b_b, how))  # type: ignore[arg-type]
    assert world.check(forged)["verdict"] in ("TOTAL_FAILED", "INDETERMINATE")


def test_a_changed_byte_before_the_stamp_fails(world: Any) -> None:
    report = world.check(papers.tampered(stamped(world, "timestamp", pdf=world.paper)))
    assert (report["verdict"], report["timestamps"][0]["code"]) == ("TOTAL_FAILED", "hash")
