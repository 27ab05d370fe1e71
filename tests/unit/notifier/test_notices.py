"""Which notices an event makes, what they say, and how a delivery ends."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.notifier import notices, wording
from services.notifier.notices import Recipient
from services.notifier.template import Channel, Template, To
from services.notifier.templates import TEMPLATES

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
CODE = "000.05.07.H57-240311-0001"
ALL = [(name, template) for name, rows in TEMPLATES.items() for template in rows]


def made(name: str, owner: str | None = "per-1", **data: Any) -> list[dict[str, Any]]:
    return notices.notices_of("event-1", name, {"code": CODE, **data}, owner, NOW)


@pytest.mark.parametrize(("name", "template"), ALL, ids=[f"{name}-{t.to}" for name, t in ALL])
def test_every_text_stands_without_any_other_fact(name: str, template: Template) -> None:
    for text in (template.title_vi, template.title_en):
        assert text
        assert "{" not in text
    for rows in (template.vi, template.en):
        assert set(re.findall(r"{(\w+)}", rows[0])) <= {"code"}, "the first sentence needs the code alone"
        assert wording.sentences(rows, {"code": CODE})
    assert len(template.vi) == len(template.en), "both languages say the same"
    if not name.startswith(("account.", "owndata.")):  # about no dossier
        assert "{code}" in " ".join(template.vi)


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_no_fact_of_a_person_has_a_way_in(name: str) -> None:
    allowed = {
        "code",
        "round",
        "waybill",
        "receipt_no",
        "filed_at",
        "intake_due",
        "appointment",
        "appointment_before",
        "due",
        "active_from",
        "amount_vi",
        "amount_en",
        "act_vi",
        "act_en",
        "ground_vi",
        "ground_en",
        "lock_vi",
        "lock_en",
    }
    for template in TEMPLATES[name]:
        assert set(re.findall(r"{(\w+)}", " ".join([*template.vi, *template.en]))) <= allowed


@pytest.mark.req("NT-01")
@pytest.mark.parametrize(
    "name",
    [
        "dossier.filed",
        "dossier.guided",
        "dossier.accepted",
        "dossier.refused",
        "dossier.withdrawn",
        "dossier.returned",
        "case.opened",
        "supplement.requested",
        "case.rescheduled",
        "case.stopped",
        "result.ready",
        "payment.ordered",
        "payment.settled",
        "postal.registered",
        "postal.delivered",
    ],
)
def test_each_status_change_has_a_notice_for_the_owner(name: str) -> None:
    mine = [notice for notice in made(name) if notice["person_id"] == "per-1"]
    assert [notice["channel"] for notice in mine][:1] == ["portal"]
    assert all(notice["kind"] == name and notice["dossier"] == CODE for notice in mine)


@pytest.mark.req("NT-02")
def test_a_row_a_channel() -> None:
    portal, sms = made("dossier.accepted", appointment=NOW)
    assert (portal["channel"], portal["state"], portal["delivered_at"]) == ("portal", "delivered", NOW)
    assert (sms["channel"], sms["state"], sms["delivered_at"]) == ("sms", "waiting", None)
    assert portal["_id"] != sms["_id"]
    assert "09:00 11/03/2024" in portal["body_vi"], "Asia/Ho_Chi_Minh"


@pytest.mark.req("NT-01", "DF-03")
@pytest.mark.parametrize(
    "name", ["dossier.guided", "dossier.accepted", "dossier.refused", "dossier.returned", "supplement.requested"]
)
def test_whoever_filed_for_the_owner_hears_of_what_she_may_see(name: str) -> None:
    def others(**data: Any) -> set[str]:
        return {notice["person_id"] for notice in made(name, **data) if notice["person_id"]} - {"per-1"}

    assert others(filer="per-2", filed_as="help") == {"per-2"}
    assert others(filer="per-2", filed_as="authorised") == {"per-2"}
    for nobody in ({"filer": "per-1", "filed_as": "self"}, {"filer": "per-2", "filed_as": "desk"}, {}):
        assert others(**nobody) == set(), nobody


def test_the_same_event_makes_the_same_notices() -> None:
    assert [n["_id"] for n in made("dossier.filed")] == [n["_id"] for n in made("dossier.filed")]
    ids = {
        notices.notice_id(event, recipient, channel)
        for event in ("e1", "e2")
        for recipient in (Recipient(person_id="x"), Recipient(unit="x"), Recipient(person_id="y"))
        for channel in Channel
    }
    assert len(ids) == 12


@pytest.mark.req("MO-12", "NT-04")
def test_a_violation_goes_to_unit_and_centre_once_each() -> None:
    facts = {"unit": "u", "act": "supplement", "round": 1, "ground": "UNSIGNED"}
    both = made("slip.violated", None, centre="c", **facts)
    assert [notice["unit"] for notice in both] == ["u", "c"]
    assert "File không có ký số" in both[0]["body_vi"]
    assert [n["unit"] for n in made("slip.violated", None, centre=None, **facts)] == ["u"]
    assert [n["unit"] for n in made("slip.violated", None, centre="u", **facts)] == ["u"]


def test_an_event_nobody_must_hear_of_makes_nothing() -> None:
    assert made("step.started") == []
    assert not notices.needs_owner("slip.violated")
    assert notices.needs_owner("dossier.guided")


def test_a_locked_account_is_told_the_reason_without_a_dossier() -> None:
    rows = notices.notices_of("e", "account.locked", {"person_id": "per-1", "reason": "duplicate_identity"}, None, NOW)
    assert [row["channel"] for row in rows] == ["portal", "sms"]
    assert "19001075" in rows[0]["body_vi"]
    assert "trùng" in rows[0]["body_vi"]
    assert rows[0]["dossier"] is None


@pytest.mark.req("ID-24", "ID-26")
@pytest.mark.parametrize("name", ["unlocked", "suspended", "resumed", "blocked", "unblocked", "cancelled"])
def test_a_change_of_an_account_is_told_and_by_sms_only_while_the_phone_is_its_own(name: str) -> None:
    rows = notices.notices_of("e", f"account.{name}", {"person_id": "per-1", "reason": "by_owner"}, None, NOW)
    assert [row["channel"] for row in rows] == (["portal"] if name == "cancelled" else ["portal", "sms"])


def test_sms_texts_are_plain_short_and_carry_the_code() -> None:
    for name, rows in TEMPLATES.items():
        for template in rows:
            if not template.sms:
                continue
            text = wording.sms_text(wording.sentences(template.vi, {"code": CODE}))
            assert text.isascii(), (name, text)
            assert len(text) <= wording.LONGEST_SMS
            if template.to is To.OWNER:
                assert CODE in text, name


def test_a_long_sms_is_cut_at_a_word() -> None:
    text = wording.sms_text("từ ngữ " * 100)
    assert len(text) <= wording.LONGEST_SMS
    assert text.endswith(("tu", "ngu"))


def test_pauses_grow_and_the_last_failure_ends_it() -> None:
    notice = made("dossier.accepted")[1]
    before = timedelta(0)
    for pause in notices.PAUSES:
        assert notices.failed_once(notice, "unavailable", NOW, final=False) is False
        assert notice["next_try_at"] - NOW == timedelta(seconds=pause) > before
        before = timedelta(seconds=pause)
    assert notices.failed_once(notice, "unavailable", NOW, final=False) is True
    assert (notice["state"], notice["next_try_at"]) == ("failed", None)


def test_what_can_never_succeed_ends_at_once() -> None:
    notice = made("dossier.accepted")[1]
    assert notices.failed_once(notice, "no_phone", NOW, final=True) is True
    assert (notice["state"], notice["attempts"]) == ("failed", 1)


def test_another_rooms_outage_is_not_counted() -> None:
    notice = made("dossier.accepted")[1]
    notices.put_off(notice, NOW)
    assert (notice["state"], notice["attempts"]) == ("waiting", 0)
    assert notice["next_try_at"] > NOW


def test_what_is_told_of_a_notice_are_ids() -> None:
    notice = made("dossier.accepted")[0]
    assert set(notices.delivered_event(notice)) == {"notice_id", "person_id", "unit", "kind", "channel", "code"}
