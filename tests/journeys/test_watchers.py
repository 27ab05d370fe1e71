"""What is told and kept: notices, the national portal's statuses, recognition, the ledger that shows tampering."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.demo.client import eventually
from deploy.demo.people import BIRTH, Citizen, Officer, all_pages, refused
from deploy.demo.watching import verify_ledger
from deploy.demo.world import World
from tests.journeys.scenes import Scenes


def kinds(citizen: Citizen, code: str) -> list[str]:
    return [row["kind"] for row in citizen.notices() if row["code"] == code]


@pytest.mark.req("NT-01")
def test_each_change_of_status_makes_one_notice_for_its_owner_alone(scenes: Scenes, resident, stranger, desk):
    code = scenes.filed(BIRTH)
    eventually(lambda: kinds(resident, code) == ["dossier.filed"], what="the first notice")
    desk.on_dossier(code, "refusal", reason="Không thuộc thẩm quyền")
    eventually(lambda: "dossier.refused" in kinds(resident, code), what="the notice of the refusal")
    assert sorted(kinds(resident, code)) == ["dossier.filed", "dossier.refused"]
    assert kinds(stranger, code) == []
    texts = [row["body_vi"] for row in resident.notices() if row["code"] == code]
    assert all(code in text for text in texts)


@pytest.mark.req("NT-01")
def test_the_same_news_goes_to_her_phone_without_any_name(scenes: Scenes, resident, world):
    code = scenes.filed(BIRTH)
    # SMS travel without diacritics; the code of the dossier is the same in both.
    messages = eventually(
        lambda: [m for m in resident.phone.messages() if code in m.text], what="the SMS about the dossier"
    )
    assert all(resident.person.full_name not in m.text for m in messages)


def codes_at_portal(world: World, code: str) -> list[int]:
    return list(world.ask("national", f"/dossiers/{code}")["codes"])


def all_delivered(desk: Officer, code: str) -> dict[str, Any] | None:
    state: dict[str, Any] = desk.client.get(f"/dossiers/{code}/sync")
    return state if all(row["delivered_at"] for row in state["statuses"]) else None


@pytest.mark.req("SY-02")
def test_statuses_reach_the_national_portal_in_order_after_failures_and_repeats_do_no_harm(
    scenes: Scenes, world, resident, desk
):
    world.tell("national", "/control", {"refuse": 3, "forget_sessions": True})
    code = scenes.filed(BIRTH)
    desk.on_dossier(code, "acceptance")
    eventually(lambda: codes_at_portal(world, code) == [1, 2, 4], within=60, what="1, 2, 4 at the portal")
    # The portal has a message before its answer is on our side: the state of each follows.
    state = eventually(lambda: all_delivered(desk, code), what="every status known as delivered")
    assert [row["status"] for row in state["statuses"]] == [1, 2, 4]
    # Control: a dossier of which nothing more happens stays where it is.
    other = scenes.filed(BIRTH)
    eventually(lambda: codes_at_portal(world, other) == [1], within=30, what="1 at the portal")
    resident.client.post(f"/dossiers/{code}/withdrawal", {"version": resident.dossier(code)["version"]})
    eventually(lambda: codes_at_portal(world, code) == [1, 2, 4, 7], within=30, what="7 at the portal")
    assert codes_at_portal(world, other) == [1]


@pytest.mark.req("SY-02")
def test_while_the_portal_is_away_nothing_is_lost(scenes: Scenes, world):
    world.tell("national", "/control", {"down": True})
    try:
        code = scenes.accepted(BIRTH)
    finally:
        world.tell("national", "/control", {"down": False})
    eventually(lambda: codes_at_portal(world, code) == [1, 2, 4], within=60, what="all statuses, in order")


def recognition(scenes: Scenes, ioc, code: str) -> str:
    return str(ioc.client.get(f"/recognition/{code}")["recognition"])


@pytest.mark.req("ST-04")
def test_recognition_under_the_2024_rule(scenes: Scenes, ioc, desk, resident):
    signed, pending, ended = scenes.returned(BIRTH), scenes.worked(BIRTH), scenes.filed(BIRTH)
    desk.on_dossier(ended, "refusal", reason="Không thuộc thẩm quyền")
    for code, wanted in ((signed, "ONLINE"), (pending, "PENDING"), (ended, "NOT")):
        eventually(lambda code=code, wanted=wanted: recognition(scenes, ioc, code) == wanted, what=f"{code} {wanted}")
    answer = ioc.client.get(f"/recognition/{signed}")
    assert (answer["rule_set"], answer["mode"], answer["has_signed_result"]) == ("2024", "SELF_PORTAL", True)
    assert refused(lambda: resident.client.get(f"/recognition/{signed}")).status == 403
    assert refused(lambda: desk.client.get(f"/recognition/{signed}")).status == 403


@pytest.mark.req("PR-06")
def test_every_event_of_a_dossier_is_in_the_ledger_in_order_with_actor_and_time(scenes: Scenes, ioc, auditor, desk):
    code = scenes.returned(BIRTH)
    auditor.rest()
    entries = all_pages(ioc.client, "/ledger", code=code)
    names = [entry["body"]["type"] for entry in entries]
    path = ["dossier.filed", "dossier.accepted", "case.opened", "result.released", "dossier.returned"]
    positions = [names.index(f"vn.motcua.{name}.v1") for name in path]
    assert positions == sorted(positions)
    accepted = entries[positions[1]]["body"]
    assert accepted["actor_id"] == "acc-officer-desk" and accepted["time"]
    sequences = [entry["sequence"] for entry in entries]
    assert sequences == sorted(set(sequences))
    assert "intact" in verify_ledger(scenes.world)
    for person in (desk, scenes.citizen):
        assert refused(lambda person=person: person.client.get("/ledger")).status == 403


@pytest.mark.req("PR-06")
def test_a_changed_entry_is_found_and_the_ledger_is_intact_again_when_it_is_put_back(scenes: Scenes, ioc, auditor):
    code = scenes.filed(BIRTH)
    auditor.rest()
    entry = all_pages(ioc.client, "/ledger", code=code)[0]
    ledger = auditor.databases["oversight"]["ledger"]
    # As somebody with the database's keys would: the only write of the journeys behind the system's back.
    where = {"_id": entry["sequence"]}
    ledger.update_one(where, {"$set": {"body.actor_id": "acc-somebody-else"}})
    try:
        with pytest.raises(AssertionError, match="changed"):
            verify_ledger(scenes.world)
    finally:
        ledger.update_one(where, {"$set": {"body.actor_id": entry["body"]["actor_id"]}})
    assert "intact" in verify_ledger(scenes.world)
