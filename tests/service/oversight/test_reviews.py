"""Reviews of slips: assessment by itself, decisions of IOC, register, blocks; other rooms played by the test."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import orjson
import pymongo
import pytest

from services.common.problems import Problem
from tests.service.oversight.test_clock_and_lateness import command
from tests.support.bus import Bus, eventually
from tests.support.watchers import CENTRE, UNIT, Story, Watchers, signed_by


@pytest.fixture
def ioc(watchers: Watchers) -> str:
    return watchers.tokens.person("ioc", subject="acc-ioc")


def review_of(line: Bus, ioc: str, slip_id: str, code: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        items = line.call("oversight.reviews", ioc, code=code, limit=100)["items"]
        return next((item for item in items if item["review_id"] == slip_id), None)

    return eventually(look, what="review")  # type: ignore[no-any-return]


def told(data: pymongo.MongoClient, name: str, code: str) -> list[dict[str, Any]]:
    """Events of this dossier in the ledger, by name."""
    rows = data["oversight"]["ledger"].find({"body.type": f"vn.motcua.{name}.v1", "body.subject": code})
    return [row["body"]["data"] for row in rows]


def decide(line: Bus, token: str, review: dict[str, Any], decision: str, **more: Any) -> dict[str, Any]:
    return line.call(  # type: ignore[no-any-return]
        "oversight.decide", token, key=uuid.uuid4().hex, review_id=review["review_id"], version=review["version"],
        decision=decision, **more,
    )  # fmt: skip


@pytest.mark.req("MO-01", "MO-02")
def test_a_first_signed_guidance_waits_for_a_person_of_ioc_who_confirms_it(
    story: Story, line: Bus, ioc: str, data: pymongo.MongoClient
) -> None:
    story.watchers.signing.answers["report"] = lambda asked: {
        "file_id": asked["file_id"], **signed_by("government"),
    }  # fmt: skip
    story.filed()
    slip_id = story.slip(text="Bổ sung bản chụp có chứng thực")
    review = review_of(line, ioc, slip_id, story.code)
    assert (review["state"], review["round"], review["decisions"]) == ("AWAITING_IOC", 1, ["CONFIRMED", "VIOLATION"])
    assert review["text"] == "Bổ sung bản chụp có chứng thực"
    assert review["components"] == ["ban-chup"]
    assert review["signature"]["verdict"] == "TOTAL_PASSED"
    assert review["signature"]["signatures"]
    answer = decide(line, ioc, review, "CONFIRMED")
    assert (answer["state"], answer["decided_by"], answer["blocked"]) == ("CONFIRMED", "acc-ioc", False)
    eventually(lambda: told(data, "slip.confirmed", story.code), what="slip.confirmed")
    assert not told(data, "slips.blocked", story.code)
    stored = data["oversight"]["reviews"].find_one({"_id": slip_id})
    assert stored is not None
    assert "Bổ sung" not in str(stored), "the text lies sealed"


@pytest.mark.req("MO-03", "MO-11", "MO-12", "MO-15", "SG-05")
@pytest.mark.parametrize(("file", "verdict", "ground"), [
    (False, None, "NO_FILE"), (True, "NO_SIGNATURE", "UNSIGNED"), (True, "TOTAL_FAILED", "SIGNATURE_INVALID"),
])  # fmt: skip
def test_a_guidance_without_a_valid_signature_is_a_violation_at_once(
    story: Story, line: Bus, ioc: str, data: pymongo.MongoClient, file: bool, verdict: str | None, ground: str
) -> None:
    story.filed()
    slip_id = story.slip(file=file, verdict=verdict)
    items = eventually(lambda: line.call("oversight.violations", ioc, code=story.code)["items"], what="register")
    (violation,) = items
    assert violation["slip_id"] == slip_id
    assert [found["ground"] for found in violation["grounds"]] == [ground]
    assert violation["decided_by"] == "system"
    assert (violation["officer"], violation["unit"], violation["round"]) == ("acc-desk", UNIT, 1)
    (event,) = eventually(lambda: told(data, "slip.violated", story.code), what="slip.violated")
    assert (event["unit"], event["centre"], event["ground"]) == (UNIT, CENTRE, ground)
    (block,) = eventually(lambda: told(data, "slips.blocked", story.code), what="slips.blocked")
    assert (block["act"], block["slip_id"]) == ("guidance", slip_id)


@pytest.mark.req("MO-03", "MO-15", "X-14", "X-18")
def test_ioc_finds_a_violation_overturns_it_and_the_register_keeps_both(
    story: Story, line: Bus, ioc: str, data: pymongo.MongoClient
) -> None:
    story.filed()
    review = review_of(line, ioc, story.slip(), story.code)
    with pytest.raises(Problem) as refused:
        decide(line, ioc, review, "VIOLATION", ground="UNCLEAR")
    assert refused.value.status == 422
    assert [error["field"] for error in refused.value.errors] == ["reason"]
    answer = decide(line, ioc, review, "VIOLATION", ground="UNCLEAR", reason="Không rõ phải bổ sung gì")
    assert (answer["state"], answer["blocked"], answer["version"]) == ("VIOLATION", True, review["version"] + 1)
    answer = decide(line, ioc, answer, "CONFIRMED", reason="Đọc lại: rõ ràng")
    assert (answer["state"], answer["blocked"]) == ("CONFIRMED", False)
    lines = line.call("oversight.violations", ioc, code=story.code)["items"]
    assert [entry["kind"] for entry in lines] == ["OVERTURNED", "VIOLATION"]
    assert all(entry["grounds"][0]["ground"] == "UNCLEAR" for entry in lines)
    assert all(entry["decided_by"] == "acc-ioc" for entry in lines)
    eventually(lambda: told(data, "slips.unblocked", story.code), what="slips.unblocked")


@pytest.mark.req("MO-16")
def test_only_ioc_decides_and_never_on_the_own_slip(story: Story, line: Bus, ioc: str, watchers: Watchers) -> None:
    story.filed()
    review = review_of(line, ioc, story.slip(officer="acc-both", person="per-both"), story.code)
    for role in ("desk_officer", "specialist", "leader", "control_officer", "office", "support", "citizen"):
        token = watchers.tokens.person(role, UNIT)
        with pytest.raises(Problem) as refused:
            decide(line, token, review, "CONFIRMED")
        assert refused.value.status == 403, role
    same_account = watchers.tokens.person("ioc", subject="acc-both", person_id="per-other")
    same_person = watchers.tokens.person("ioc", subject="acc-ioc-of-both", person_id="per-both")
    for token in (same_account, same_person):
        with pytest.raises(Problem) as refused:
            decide(line, token, review, "CONFIRMED")
        assert (refused.value.status, refused.value.rule) == (403, "MO-16")
    with pytest.raises(Problem) as refused:
        decide(line, ioc, review | {"version": review["version"] + 1}, "CONFIRMED")
    assert refused.value.status == 409
    assert review_of(line, ioc, review["review_id"], story.code)["state"] == "AWAITING_IOC"


@pytest.mark.req("MO-01")
def test_the_queue_is_oldest_first_whatever_the_slips_are_called(story: Story, line: Bus, ioc: str) -> None:
    story.filed()
    # by its id the guidance would come first; the supplement request was made an hour before it
    newer = story.slip("guidance", at=story.now)
    older = story.slip("supplement", at=story.now - timedelta(hours=1))
    for slip_id in (newer, older):
        review_of(line, ioc, slip_id, story.code)
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        page = line.call("oversight.reviews", ioc, code=story.code, limit=1, cursor=cursor)
        seen += [item["review_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [older, newer]
    assert line.refused("oversight.reviews", ioc, cursor="khong phai").status == 422


@pytest.mark.req("MO-04", "MO-05", "MO-17", "GU-04")
def test_a_second_same_round_shows_its_comparison_and_needs_the_update_log(
    story: Story, line: Bus, ioc: str, watchers: Watchers
) -> None:
    watchers.intake.answers["history"] = lambda asked: {
        "code": asked["code"],
        "items": [{"component": "ban-chup", "dossier_version": 2}],
    }
    story.filed()
    story.slip(text="Bổ sung bản chụp rõ nét", components=("ban-chup", "don"))
    second = story.slip(
        round=2, text="  BỔ SUNG bản chụp\u200b  rõ nét ", statement="Bản chụp lần trước còn mờ",
        components=("ban-chup",),
    )  # fmt: skip
    review = review_of(line, ioc, second, story.code)
    assert review["state"] == "PENDING"
    assert review["comparison"] == {"with_round": 1, "text": "SAME", "components": "SUBSET", "same": True}
    assert review["update_log"] == [{"component": "ban-chup", "dossier_version": 2}]
    assert review["failure_statement"] == "Bản chụp lần trước còn mờ"
    with pytest.raises(Problem) as refused:
        decide(line, ioc, review, "CONFIRMED")
    assert refused.value.errors[0]["field"] == "log_read"
    assert decide(line, ioc, review, "CONFIRMED", log_read=True)["state"] == "CONFIRMED"


@pytest.mark.req("MO-06", "MO-10", "MO-13", "GU-07")
def test_each_act_has_its_own_rounds_and_its_own_block(
    story: Story, line: Bus, ioc: str, watchers: Watchers, data: pymongo.MongoClient
) -> None:
    story.filed()
    story.slip(text="Bổ sung bản chụp")
    different = story.slip(round=2, text="Bổ sung giấy ủy quyền", statement="Chưa bổ sung")
    supplement = story.slip("supplement", text="Bổ sung bản chụp")
    assert review_of(line, ioc, supplement, story.code)["state"] == "AWAITING_IOC"
    (violation,) = eventually(lambda: line.call("oversight.violations", ioc, code=story.code)["items"], what="register")
    assert violation["slip_id"] == different
    assert [found["ground"] for found in violation["grounds"]] == ["TEXT_CHANGED"]
    eventually(lambda: told(data, "slips.blocked", story.code), what="slips.blocked")
    assert [event["act"] for event in told(data, "slips.blocked", story.code)] == ["guidance"]


@pytest.mark.req("X-18")
def test_ioc_lifts_a_block_with_a_reason_once(story: Story, line: Bus, ioc: str, data: pymongo.MongoClient) -> None:
    story.filed()
    story.slip(file=False)
    eventually(lambda: line.call("oversight.violations", ioc, code=story.code)["items"], what="register")
    unblock = {"code": story.code, "act": "guidance"}
    assert line.refused("oversight.unblock", ioc, key="k1" + story.code, **unblock, reason="  ").status == 422
    first = line.call("oversight.unblock", ioc, key="k2" + story.code, **unblock, reason="Đã chấn chỉnh")
    again = line.call("oversight.unblock", ioc, key="k2" + story.code, **unblock, reason="Đã chấn chỉnh")
    assert first == again
    assert first["blocked"] is False
    refused = line.refused("oversight.unblock", ioc, key="k3" + story.code, **unblock, reason="Đã chấn chỉnh")
    assert (refused.status, refused.rule) == (409, "X-18")
    eventually(lambda: told(data, "slips.unblocked", story.code), what="slips.unblocked")
    assert len(line.call("oversight.violations", ioc, code=story.code)["items"]) == 1, "the violation stays"


@pytest.mark.req("X-22")
def test_an_indeterminate_signature_waits_and_is_judged_when_its_check_ends(
    story: Story, line: Bus, ioc: str, watchers: Watchers
) -> None:
    story.filed()
    slip_id = story.slip(verdict="INDETERMINATE")
    waiting = eventually(
        lambda: line.call("oversight.reviews", ioc, state="AWAITING_CHECK", code=story.code)["items"], what="waiting"
    )
    assert [item["review_id"] for item in waiting] == [slip_id]
    line.tell(
        "file.checked",
        {"file_id": f"file-{slip_id}", "sha256": "0" * 64, "verdict": "NO_SIGNATURE", "report_id": "rep-2"},
        subject=f"file-{slip_id}", source="signing",
    )  # fmt: skip
    eventually(lambda: line.call("oversight.violations", ioc, code=story.code)["items"], what="register")


@pytest.mark.req("MO-03", "SG-05")
def test_a_slip_under_a_citizens_signature_is_a_violation_also_when_its_check_ends_later(
    story: Story, line: Bus, ioc: str, watchers: Watchers
) -> None:
    watchers.signing.answers["report"] = lambda asked: signed_by("public")
    story.filed()
    first = story.slip()
    later = story.slip(act="supplement", verdict="INDETERMINATE")
    review = review_of(line, ioc, first, story.code)
    assert (review["state"], [ground["ground"] for ground in review["grounds"]]) == ("VIOLATION", ["NOT_BY_OFFICER"])
    assert review_of(line, ioc, later, story.code)["state"] == "AWAITING_CHECK"
    line.tell(
        "file.checked",
        {"file_id": f"file-{later}", "sha256": "0" * 64, "verdict": "TOTAL_PASSED", "report_id": "rep-0"},
        subject=f"file-{later}", source="signing",
    )  # fmt: skip
    eventually(lambda: review_of(line, ioc, later, story.code)["state"] == "VIOLATION", what="judged")


@pytest.mark.req("X-22")
def test_a_valid_signature_waits_until_signing_says_whose_it_is(
    story: Story, line: Bus, ioc: str, watchers: Watchers
) -> None:
    watchers.signing.answers.pop("report")  # it cannot say
    story.filed()
    slip_id = story.slip()
    assert review_of(line, ioc, slip_id, story.code)["state"] == "AWAITING_CHECK"
    watchers.signing.answers["report"] = lambda asked: signed_by("government")
    line.call(
        "oversight.move_clock", watchers.tokens.operator(), to=(story.clock() + timedelta(seconds=61)).isoformat()
    )
    eventually(lambda: review_of(line, ioc, slip_id, story.code)["state"] == "AWAITING_IOC", what="judged")


@pytest.mark.req("PR-06")
def test_a_slip_waits_for_a_room_that_is_away_and_its_event_is_in_the_ledger_before(
    story: Story, line: Bus, ioc: str, watchers: Watchers, data: pymongo.MongoClient
) -> None:
    story.filed()
    watchers.intake.away = True
    slip_id = story.slip()
    eventually(lambda: ("slip", {"slip_id": slip_id}) in watchers.intake.asked, what="asked")
    eventually(lambda: told(data, "dossier.guided", story.code), what="entered")
    assert data["oversight"]["reviews"].find_one({"_id": slip_id}) is None
    watchers.intake.away = False
    assert review_of(line, ioc, slip_id, story.code)["state"] == "AWAITING_IOC"
    assert len(told(data, "dossier.guided", story.code)) == 1


@pytest.mark.req("PR-06")
def test_an_event_whose_reaction_never_succeeds_is_in_the_ledger_once(
    story: Story, line: Bus, watchers: Watchers, data: pymongo.MongoClient
) -> None:
    event = story.filed(mode="NO_SUCH_MODE")
    dead = eventually(lambda: buried(line, event), what="dead letter")
    assert dead[0]["x-motcua-reason"].startswith("schema: dossier.filed")
    assert data["oversight"]["ledger"].count_documents({"body.id": event}) == 1
    assert data["oversight"]["dossiers"].find_one({"_id": story.code}) is None
    line.publish("", "evt.oversight", orjson.dumps(dead[1]))  # an operator puts it back
    eventually(lambda: buried(line, event), what="dead letter again")
    assert data["oversight"]["ledger"].count_documents({"body.id": event}) == 1
    done = command(watchers, "ledger", "verify")
    assert done.returncode == 0, done.stdout + done.stderr


def buried(line: Bus, event: str) -> Any:
    """The dead letter of this event; those that other tests left are taken off on the way."""
    while (found := line.get("evt.oversight.dead")) is not None:
        if found[1].get("id") == event:
            return found
    return None


@pytest.mark.req("PR-06")
def test_a_later_round_is_in_the_ledger_before_the_round_that_it_follows(
    story: Story, line: Bus, ioc: str, data: pymongo.MongoClient
) -> None:
    story.filed()
    second = story.slip(round=2, statement="Bản chụp lần trước còn mờ")
    eventually(lambda: told(data, "dossier.guided", story.code), what="entered")
    assert data["oversight"]["reviews"].find_one({"_id": second}) is None
    story.slip(round=1)
    assert review_of(line, ioc, second, story.code)["state"] == "PENDING"
    assert len(told(data, "dossier.guided", story.code)) == 2


@pytest.mark.req("X-22")
def test_no_slip_starves_behind_others_that_cannot_be_judged(
    story: Story, line: Bus, watchers: Watchers, data: pymongo.MongoClient
) -> None:
    reviews = data["oversight"]["reviews"]
    rows = [
        {"_id": f"slip-starve-{n:03}", "code": story.code, "act": "guidance", "round": 1, "version": 1, "seq": 0,
         "state": "AWAITING_CHECK", "file_id": f"file-starve-{n:03}", "verdict": None, "report_id": None}
        for n in range(70)
    ]  # fmt: skip
    watchers.signing.answers["report"] = lambda asked: {"verdict": "INDETERMINATE", "report_id": None}
    reviews.insert_many(rows)
    try:
        wanted = {row["file_id"] for row in rows}

        def all_asked() -> bool:
            asked = {arguments["file_id"] for method, arguments in watchers.signing.asked if method == "report"}
            return wanted <= asked

        for _ in range(3):
            to = story.clock() + timedelta(seconds=61)
            line.call("oversight.move_clock", watchers.tokens.operator(), to=to.isoformat())
            due = {"state": "AWAITING_CHECK", "next_check_at": {"$not": {"$gt": to}}}
            eventually(lambda due=due: reviews.count_documents(due) <= 20, what="a run of the timer")
        eventually(all_asked, what="every slip was asked about")
    finally:
        reviews.delete_many({"_id": {"$regex": "^slip-starve-"}})
