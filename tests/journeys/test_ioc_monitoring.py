"""Oversight of slips: what IOC sees, what is a violation by itself, what a block covers, who may decide."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.demo.client import eventually
from deploy.demo.people import Officer, refused
from tests.journeys.scenes import Scenes

TEXT = "Bản chụp thiếu trang hai, đề nghị chụp đủ."


def review_of(ioc: Officer, code: str, *states: str) -> dict[str, Any]:
    """The dossier's newest review once it is in one of the states."""

    def look() -> dict[str, Any] | None:
        rows = ioc.client.get("/reviews", code=code)["items"]
        return rows[-1] if rows and rows[-1]["state"] in states else None

    return eventually(look, what=f"a review of {code} in {states}")


def decide(officer: Officer, review: dict[str, Any], decision: str, **more: Any) -> dict[str, Any]:
    body = {"version": review["version"], "decision": decision, **more}
    return officer.client.post(f"/reviews/{review['review_id']}/decision", body)


@pytest.mark.req("MO-01")
def test_the_queue_shows_content_components_file_and_signature(scenes: Scenes, ioc, desk):
    code = scenes.filed()
    file_id = scenes.guided(code, TEXT, ["ban-chup"])["slips"][0]["file_id"]
    review = review_of(ioc, code, "AWAITING_IOC")
    assert (review["text"], review["components"], review["file_id"]) == (TEXT, ["ban-chup"], file_id)
    signature = review["signature"]
    assert signature["verdict"] == "TOTAL_PASSED"
    assert signature["signatures"][0]["signer"]["common_name"] == desk.person.full_name
    assert ioc.client.fetch(f"/dossiers/{code}/files/{file_id}").startswith(b"%PDF-")
    # Control: a dossier without guidance has no item.
    assert ioc.client.get("/reviews", code=scenes.filed())["items"] == []


@pytest.mark.req("MO-02")
def test_a_first_clear_signed_guidance_waits_for_ioc_and_is_confirmed_without_a_block(scenes: Scenes, ioc, desk):
    code = scenes.filed()
    scenes.guided(code, TEXT, ["ban-chup"])
    confirmed = decide(ioc, review_of(ioc, code, "AWAITING_IOC"), "CONFIRMED")
    assert (confirmed["state"], confirmed["blocked"]) == ("CONFIRMED", False)
    assert confirmed["decided_by"] == "acc-officer-ioc"
    assert desk.dossier(code)["guidance_blocked"] is False
    assert ioc.client.get("/violations", code=code)["items"] == []


@pytest.fixture(scope="module")
def unsigned_violation(scenes: Scenes, ioc, resident) -> str:
    """A dossier whose first guidance came with an unsigned file; the citizen has answered."""
    code = scenes.filed()
    scenes.guided(code, TEXT, ["ban-chup"], signer=None)
    review_of(ioc, code, "VIOLATION")
    eventually(lambda: scenes.desk.dossier(code)["guidance_blocked"], what="the block")
    resident.amend(code, {"ban-chup": scenes.scan(f"{code} bổ sung")})
    return code


@pytest.mark.req("MO-03", "SG-05")
def test_an_unsigned_guidance_is_a_violation_by_itself_and_the_centre_hears_of_it(
    unsigned_violation, ioc, desk, officer
):
    code = unsigned_violation
    found = ioc.client.get("/violations", code=code)["items"]
    assert [row["grounds"][0]["ground"] for row in found] == ["UNSIGNED"]
    assert (found[0]["officer"], found[0]["centre"]) == ("acc-officer-desk", "000.00.07.H57")
    centre = officer("officer-centre")

    def told() -> bool:
        rows = centre.client.get(f"/units/{centre.unit}/notices", limit=100)["items"]
        return any(row["code"] == code and row["kind"] == "slip.violated" for row in rows)

    eventually(told, what="the centre's notice")
    refusal = refused(lambda: desk.on_dossier(code, "guidance", text=TEXT, components=["ban-chup"]))
    assert (refusal.status, refusal.rule) == (409, "MO-11")


@pytest.mark.req("MO-03", "SG-05")
def test_a_guidance_without_a_file_is_a_violation_by_itself(scenes: Scenes, ioc, desk):
    code = scenes.filed()
    desk.on_dossier(code, "guidance", text=TEXT, components=["ban-chup"])
    review = review_of(ioc, code, "VIOLATION")
    assert [row["ground"] for row in review["grounds"]] == ["NO_FILE"]
    assert review["blocked"] is True


@pytest.mark.req("MO-03")
@pytest.mark.parametrize("ground", ["UNCLEAR", "OFF_FOCUS"])
def test_an_unclear_or_off_focus_guidance_is_a_violation_by_iocs_decision(scenes: Scenes, ioc, desk, resident, ground):
    code = scenes.filed()
    scenes.guided(code, "Hoàn thiện hồ sơ.", ["ban-chup"])
    review = review_of(ioc, code, "AWAITING_IOC")
    without_reason = refused(lambda: decide(ioc, review, "VIOLATION", ground=ground))
    assert without_reason.status == 422
    decided = decide(ioc, review, "VIOLATION", ground=ground, reason="Người dân không biết phải làm gì")
    assert (decided["state"], decided["blocked"]) == ("VIOLATION", True)
    resident.amend(code, {"ban-chup": scenes.scan(f"{code} bổ sung")})
    eventually(lambda: desk.dossier(code)["guidance_blocked"], what="the block at the desk")
    refusal = refused(lambda: scenes.guided(code, TEXT, ["ban-chup"]))
    assert (refusal.status, refusal.rule) == (409, "MO-11")


@pytest.mark.req("MO-11")
def test_a_block_covers_the_next_guidance_and_not_the_dossier(unsigned_violation, scenes: Scenes, desk, specialist):
    code = unsigned_violation
    refusal = refused(lambda: scenes.guided(code, TEXT, ["ban-chup"]))
    assert (refusal.status, refusal.rule, refusal.problem["act"]) == (409, "MO-11", "GUIDANCE")
    desk.on_dossier(code, "acceptance")
    eventually(lambda: scenes.case(code), what="the case")
    # The other act is not blocked, and the case goes its way to the return.
    specialist.on_case(code, "steps/tham-dinh/start")
    slip = scenes.slip(f"{code} bổ sung", "officer-specialist", specialist)
    asked = specialist.on_case(code, "supplements", text="Bổ sung trang ba.", components=["ban-chup"], file_id=slip)
    assert asked["state"] and asked["supplement_blocked"] is False
    scenes.citizen.amend(code, {"ban-chup": scenes.scan(f"{code} trang ba")})
    specialist.work(code)
    scenes.attach(code, "right")
    order = eventually(lambda: scenes.citizen.orders(code), what="the order")[0]
    desk.client.post(f"/orders/{order['order_id']}/cash", {"amount": order["amount"]})
    assert desk.on_dossier(code, "return")["status"] == "returned"


@pytest.mark.req("MO-16")
def test_officers_neither_see_the_queue_nor_confirm_their_own_guidance(scenes: Scenes, ioc, desk, specialist, officer):
    code = scenes.filed()
    scenes.guided(code, TEXT, ["ban-chup"])
    review = review_of(ioc, code, "AWAITING_IOC")
    for person in (desk, specialist, officer("officer-leader"), officer("officer-centre")):
        assert refused(lambda person=person: decide(person, review, "CONFIRMED")).status == 403
        assert refused(lambda person=person: person.client.get("/reviews")).status == 403
    assert refused(lambda: scenes.world.anybody.get("/reviews")).status == 401
    assert review_of(ioc, code, "AWAITING_IOC")["version"] == review["version"]
    assert decide(ioc, review, "CONFIRMED")["state"] == "CONFIRMED"
