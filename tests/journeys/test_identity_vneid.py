"""Signing in through VNeID: for whom it opens, into which account, and what protects the way there and back."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator

import pytest

from deploy.demo import vneid
from deploy.demo.client import eventually
from deploy.demo.people import Citizen, refused
from deploy.demo.world import World
from deploy.rehearsal.cast import PEOPLE
from tests.journeys.scenes import Scenes, somebody


@pytest.fixture(scope="module")
def owner(world) -> Citizen:
    citizen = Citizen(world, somebody()).enter()
    citizen.normalize()
    return citizen


@pytest.fixture
def provider(world) -> Iterator[World]:
    """The world, whose provider is healed afterwards."""
    yield world
    world.tell("vneid", "/control", {})


def came_back(world: World, number: str) -> tuple[str, dict[str, str]]:
    """Somebody has agreed at the provider: the address of the completion, and what the browser sends there."""
    begun = vneid.begin(world.client())
    body = vneid.completion(begun, vneid.agree(world, begun, number))
    return f"/sessions/vneid/{begun['sign_in_id']}/completion", body


@pytest.mark.req("ID-08")
def test_who_is_not_normalized_is_told_to_normalize_first_and_afterwards_lands_in_the_same_account(
    world, scenes: Scenes
):
    citizen = Citizen(world, somebody()).enter()
    code = scenes.filed(citizen=citizen)
    browser = world.client()
    refusal = refused(lambda: vneid.sign_in(world, browser, citizen.person.personal_number))
    assert (refusal.status, refusal.rule) == (403, "ID-08")
    assert refusal.problem["normalization"] == "/account/normalization"
    assert browser.token is None
    citizen.normalize()
    answer = vneid.sign_in(world, browser, citizen.person.personal_number)
    assert answer["account"] == {**citizen.account, "normalized": True}
    assert browser.get("/account") == citizen.home()
    assert [row["code"] for row in browser.get("/dossiers")["items"]] == [code]
    assert [row["method"] for row in browser.get("/sessions")["items"] if row["current"]] == ["vneid"]


@pytest.mark.req("ID-08")
def test_a_person_without_any_account_is_told_the_same(world, owner):
    refusal = refused(lambda: vneid.sign_in(world, world.client(), somebody().personal_number))
    assert (refusal.status, refusal.rule) == (403, "ID-08")
    # Control: the same way for somebody who has one.
    assert vneid.sign_in(world, world.client(), owner.person.personal_number)["account"] == owner.account


@pytest.mark.req("ID-07", "ID-08")
def test_on_hue_s_the_same_sign_in_files_as_hue_s(world, owner, scenes: Scenes):
    hues = world.client("hue-s")
    vneid.sign_in(world, hues, owner.person.personal_number)
    assert [row["channel"] for row in hues.get("/sessions")["items"] if row["current"]] == ["hue-s"]


@pytest.mark.req("ID-08", "ID-27")
def test_a_locked_account_is_told_why_and_whom_to_call(world, officer):
    citizen = Citizen(world, somebody()).enter()
    citizen.normalize()
    path = f"/accounts/{citizen.account['account_id']}/lock"
    officer("officer-support").client.post(path, {"reason": "Diễn tập khóa tài khoản"})
    refusal = refused(lambda: vneid.sign_in(world, world.client(), citizen.person.personal_number))
    assert (refusal.status, refusal.rule) == (403, "ID-27")
    assert refusal.problem["hotline"] == "19001075"


@pytest.mark.req("ID-08")
def test_only_the_browser_that_began_can_complete(world, owner):
    """Login CSRF: a victim's browser is lured to a way back that somebody else began."""
    path, body = came_back(world, owner.person.personal_number)
    other = vneid.begin(world.client())
    for wrong in ({"binding": other["binding"]}, {"state": "x" * 43}, {"code": "invented"}):
        refusal = world.anybody.refused("POST", path, {**body, **wrong})
        assert refusal.status == 401, wrong
    assert world.anybody.refused("POST", f"/sessions/vneid/{other['sign_in_id']}/completion", body).status == 401
    path, body = came_back(world, owner.person.personal_number)
    assert world.anybody.post(path, body)["account"] == owner.account


@pytest.mark.req("ID-08")
def test_an_answer_of_the_provider_is_good_once(world, owner):
    path, body = came_back(world, owner.person.personal_number)

    def complete(_: int) -> int:
        return int(world.anybody.once("POST", path, json=body).status_code)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(complete, range(8)))
    assert statuses[0] == 200 and set(statuses[1:]) <= {401, 409}, statuses
    assert complete(0) == 401


@pytest.mark.req("ID-08")
@pytest.mark.parametrize("wrong", ["signature", "algorithm", "issuer", "audience", "nonce", "expired", "subject"])
def test_a_provider_that_says_something_wrong_opens_no_session(provider, owner, wrong):
    path, body = came_back(provider, owner.person.personal_number)
    provider.tell("vneid", "/control", {"wrong": wrong})
    assert provider.anybody.refused("POST", path, body).status == 401
    provider.tell("vneid", "/control", {})
    assert vneid.sign_in(provider, provider.client(), owner.person.personal_number)["account"] == owner.account


@pytest.mark.req("ID-08")
def test_while_the_provider_is_away_the_password_still_opens_the_account(provider, owner):
    path, body = came_back(provider, owner.person.personal_number)
    provider.tell("vneid", "/control", {"down": True})
    assert provider.anybody.once("POST", path, json=body).status_code == 503
    assert owner.sign_in()["account"] == owner.account


@pytest.mark.req("RO-04")
def test_an_officer_signs_in_through_vneid_with_the_grants_and_no_more(world, scenes: Scenes):
    person = PEOPLE["officer-desk"]
    screen = world.client()
    answer = vneid.sign_in(world, screen, person.personal_number, "officer")
    assert answer["grants"] == [{"role": "desk_officer", "unit": scenes.desk.unit}]
    code = scenes.filed()
    assert code in {row["code"] for row in screen.get(f"/desks/{scenes.desk.unit}/dossiers", limit=100)["items"]}
    # Control: another unit's desk, and what only another role may do.
    assert screen.refused("GET", "/desks/000.05.08.H57/dossiers").status == 403
    assert screen.refused("GET", "/reviews").status == 403


@pytest.mark.req("RO-04")
def test_who_holds_no_grant_does_not_enter_as_an_officer(world, owner):
    refusal = refused(lambda: vneid.sign_in(world, world.client(), owner.person.personal_number, "officer"))
    assert (refusal.status, refusal.rule) == (403, "RO-04")
    assert vneid.sign_in(world, world.client(), owner.person.personal_number)["grants"][0]["role"] == "citizen"


@pytest.mark.req("RO-04", "ID-05")
def test_an_officer_is_also_a_citizen_with_an_account_of_his_own(world):
    """Both accounts are the same person's; neither locks the other, and each sign-in gives its own rights only."""
    person = PEOPLE["officer-specialist-2"]
    as_officer = vneid.sign_in(world, world.client(), person.personal_number, "officer")
    assert refused(lambda: vneid.sign_in(world, world.client(), person.personal_number)).rule == "ID-08"
    citizen = Citizen(world, person, phone="0935000103").enter()
    citizen.normalize(citizen.normalization())
    assert citizen.account["person_id"] == as_officer["account"]["person_id"]
    assert vneid.sign_in(world, world.client(), person.personal_number)["grants"] == [{"role": "citizen", "unit": "*"}]
    again = vneid.sign_in(world, world.client(), person.personal_number, "officer")
    assert again["account"]["account_id"] == as_officer["account"]["account_id"] != citizen.account["account_id"]


@pytest.mark.req("ID-08")
def test_a_session_of_vneid_dies_with_the_account(world, officer):
    citizen = Citizen(world, somebody()).enter()
    citizen.normalize()
    browser = world.client()
    vneid.sign_in(world, browser, citizen.person.personal_number)
    path = f"/accounts/{citizen.account['account_id']}/lock"
    officer("officer-support").client.post(path, {"reason": "Diễn tập khóa tài khoản"})
    eventually(lambda: browser.once("GET", "/account").status_code in (401, 403), what="the session is over")


def told(citizen: Citizen) -> list[str]:
    """What a citizen was told of VNeID."""
    return [n["body_vi"] for n in citizen.notices() if n["kind"] == "account.vneid_announced"]


@pytest.mark.req("NT-03")
def test_every_normalized_citizen_is_told_once_from_when_vneid_opens_and_nobody_else(world, owner, stranger, officer):
    newcomer = Citizen(world, somebody()).enter()
    ioc = officer("officer-ioc").client
    assert owner.client.refused("POST", "/broadcasts/vneid-activation").status == 403
    assert officer("officer-support").client.refused("POST", "/broadcasts/vneid-activation").status == 403
    said = ioc.post("/broadcasts/vneid-activation")
    assert said["active_from"].startswith("2024-03-01T00:00:00")
    for citizen in (owner, stranger):
        [text] = eventually(lambda citizen=citizen: told(citizen), what="the notice")
        assert "00:00 01/03/2024" in text
    # Announced again, nobody is left to be told; once all are, who is not normalized has heard nothing.
    eventually(lambda: ioc.post("/broadcasts/vneid-activation")["to_be_told"] == 0, what="everybody told")
    assert told(newcomer) == []
    newcomer.normalize()
    eventually(lambda: told(newcomer), what="the notice, after normalization")
    hues = world.client("hue-s")
    vneid.sign_in(world, hues, owner.person.personal_number)
    assert [n["kind"] for n in hues.get("/notices", limit=100)["items"]].count("account.vneid_announced") == 1
    assert [len(told(citizen)) for citizen in (owner, stranger, newcomer)] == [1, 1, 1]
