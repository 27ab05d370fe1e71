"""The life of an account: its owner rests, resumes or cancels it; IOC blocks it; whoever cannot use it is told why."""

from __future__ import annotations

import pytest

from deploy.demo.client import Refused, eventually
from deploy.demo.people import BIRTH, Citizen, Officer, refused
from tests.journeys.scenes import Scenes, somebody

REASON = {"reason": "Diễn tập: gửi hàng nghìn yêu cầu mỗi phút"}


@pytest.fixture
def citizen(world) -> Citizen:
    return Citizen(world, somebody()).enter()


def dead(citizen: Citizen) -> bool:
    """Whether the token that the citizen holds is refused; nobody renews it here."""
    return citizen.client.once("GET", "/account").status_code == 401


def wrong_password(citizen: Citizen) -> Refused:
    body = {"phone": citizen.phone.number, "password": "mat khau khac 2024"}
    return citizen.world.anybody.refused("POST", "/sessions", body)


@pytest.mark.req("ID-24", "ID-27", "X-23")
def test_a_suspended_account_says_so_after_the_right_password_and_is_resumed_by_a_code(world, citizen):
    other = Citizen(world, somebody()).enter()
    assert refused(lambda: citizen.client.post("/account/suspension", {"code": "000000"})).status == 422
    assert citizen.suspend()["state"] == "suspended"
    assert dead(citizen)
    assert not dead(other)
    told = refused(citizen.sign_in)
    assert (told.status, told.rule, told.problem["reason"]) == (403, "ID-24", "by_owner")
    assert told.problem["hotline"] == "19001075"
    assert told.problem["resume"].endswith("/account/resumption")
    assert wrong_password(citizen).problem == wrong_password(Citizen(world, somebody())).problem
    body = {"phone": citizen.phone.number, "password": "mat khau khac 2024"}
    assert world.anybody.refused("POST", "/account/resumption", body).status == 401
    mine = {"phone": citizen.phone.number, "password": citizen.password}
    asked = world.anybody.post("/account/resumption", mine)
    confirmation = f"/account/resumption/{asked['resumption_id']}/confirmation"
    code = citizen.phone.code(reference=asked["resumption_id"])
    wrong = "111111" if code != "111111" else "222222"
    assert world.anybody.refused("POST", confirmation, {"code": wrong}).status == 422
    assert refused(citizen.sign_in).status == 403
    assert world.anybody.post(confirmation, {"code": code})["state"] == "active"
    citizen.sign_in()
    assert citizen.home()["account"]["account_id"] == citizen.account["account_id"]
    assert world.anybody.refused("POST", "/account/resumption", mine).status == 409


@pytest.mark.req("ID-24", "X-7", "ID-18")
def test_a_cancelled_account_is_gone_its_dossier_goes_on_and_comes_back_with_the_number(world, scenes: Scenes):
    citizen = Citizen(world, somebody()).enter()
    citizen.normalize()
    code = scenes.filed(BIRTH, citizen=citizen)
    former = citizen.account["account_id"]
    assert citizen.cancel()["state"] == "cancelled"
    assert dead(citizen)
    mine = {"phone": citizen.phone.number, "password": citizen.password}
    assert world.anybody.refused("POST", "/sessions", mine).status == 401
    # The office goes on with it as if nothing had happened.
    scenes.desk.on_dossier(code, "acceptance")
    eventually(lambda: scenes.case(code), what="the case")
    scenes.specialist.work(code)
    scenes.attach(code, "right")
    scenes.desk.on_dossier(code, "return")
    # The phone is free, and whoever normalizes with the same number has the dossiers again.
    citizen.enter()
    assert citizen.account["account_id"] != former
    assert citizen.client.get("/dossiers")["items"] == []
    citizen.normalize()

    def listed() -> bool:
        return code in {row["code"] for row in citizen.client.get("/dossiers")["items"]}

    eventually(listed, what="the dossier under the person of the number")
    assert citizen.dossier(code)["owner_is_me"]
    holdings = eventually(lambda: citizen.client.get("/holdings")["items"], what="the result in the store")
    assert {row["code"] for row in holdings} == {code}


@pytest.mark.req("ID-26")
def test_ioc_alone_blocks_an_account_and_its_sessions_die_at_once(world, citizen, officer, ioc: Officer):
    account = citizen.account["account_id"]
    address = f"/accounts/{account}/block"
    others = ("officer-support", "officer-desk", "officer-specialist", "officer-leader", "officer-centre",
              "officer-postal")  # fmt: skip
    for key in others:
        assert officer(key).client.refused("POST", address, REASON).status == 403, key
    assert world.anybody.refused("POST", address, REASON).status == 401
    assert Citizen(world, somebody()).enter().client.refused("POST", address, REASON).status == 403
    assert ioc.client.refused("POST", address, {"reason": ""}).status == 422
    assert not dead(citizen)
    ioc.client.post(address, REASON)
    assert dead(citizen)
    eventually(lambda: any("bi chan" in m.text for m in citizen.phone.messages()), what="a message of the block")
    told = refused(citizen.sign_in)
    assert (told.status, told.rule, told.problem["reason"]) == (403, "ID-26", "harmful_behaviour")
    assert told.problem["hotline"] == "19001075"
    assert wrong_password(citizen).status == 401
    assert ioc.client.refused("POST", address, REASON).status == 409
    assert officer("officer-support").client.refused("POST", f"/accounts/{account}/unblock", REASON).status == 403
    assert refused(citizen.sign_in).status == 403
    ioc.client.post(f"/accounts/{account}/unblock", {"reason": "Diễn tập: đã khắc phục"})
    citizen.sign_in()
    rows = ioc.client.get("/account-log", account_id=account)["items"]
    assert [row["action"] for row in rows] == ["block", "unblock"]
    assert {row["actor"] for row in rows} == {"acc-officer-ioc"}
    assert [row["reason"] for row in rows] == [REASON["reason"], "Diễn tập: đã khắc phục"]
    assert all("ioc" in row["roles"] and row["at"] for row in rows)


@pytest.mark.req("ID-26")
def test_an_officer_who_is_blocked_works_no_more_until_unblocked(world, ioc: Officer):
    harmful = Officer(world, "officer-desk-a-ngo").enter()
    harmful.client.get(f"/desks/{harmful.unit}/dossiers")
    ioc.client.post("/accounts/acc-officer-desk-a-ngo/block", REASON)
    try:
        assert harmful.client.once("GET", f"/desks/{harmful.unit}/dossiers").status_code == 401
        assert refused(harmful.sign_in).status == 403
        assert ioc.client.refused("POST", "/accounts/acc-officer-ioc/block", REASON).status == 403  # nobody themselves
    finally:
        ioc.client.post("/accounts/acc-officer-desk-a-ngo/unblock", REASON)
    harmful.sign_in()
    harmful.client.get(f"/desks/{harmful.unit}/dossiers")


@pytest.mark.req("ID-20", "ID-26")
def test_the_account_log_is_read_by_ioc_and_support_alone(world, officer, citizen, ioc: Officer):
    for key in ("officer-desk", "officer-specialist", "officer-leader", "officer-centre", "officer-postal"):
        assert officer(key).client.refused("GET", "/account-log").status == 403, key
    assert citizen.client.refused("GET", "/account-log").status == 403
    first = ioc.client.get("/account-log", limit=1)
    assert len(first["items"]) <= 1
    assert officer("officer-support").client.get("/account-log", limit=1)["items"] == first["items"]
