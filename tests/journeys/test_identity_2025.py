"""The rules of an e-ID from 2025-02-17 (X-8). Comes after all others: it moves the journeys' clock on by a year."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from deploy.demo import vneid
from deploy.demo.client import Client
from deploy.demo.people import BIRTH, Citizen, refused
from deploy.demo.world import World
from services.common.calendar import local_date
from services.common.eid import EID_ONLY_SINCE
from tests.journeys.scenes import Scenes, somebody
from tests.journeys.test_working_hour import set_clock


def password(world: World, citizen: Citizen) -> tuple[Client, dict]:
    """A sign-in with the password in a browser of its own, which does not sign in again by itself."""
    client = world.client()
    answer = client.post("/sessions", {"phone": citizen.phone.number, "password": citizen.password})
    client.token = answer["access_token"]
    return client, answer


def roles(answer: dict) -> list[str]:
    return [grant["role"] for grant in answer["grants"]]


@dataclass
class Before:
    """Who was signed in on the last evening before the rule."""

    newcomer: Citizen
    normalized: Citizen
    code: str
    open_browser: Client
    refresh_token: str
    papers: dict[str, str]


@pytest.fixture(scope="module")
def before(world: World, scenes: Scenes) -> Before:
    """2025-02-16, a Sunday: an account that is not normalized still files (its control)."""
    set_clock(world, "2025-02-16T20:00:00")
    assert local_date(world.now()) < EID_ONLY_SINCE
    newcomer, normalized = Citizen(world, somebody()).enter(), Citizen(world, somebody()).enter()
    normalized.normalize()
    browser, answer = password(world, newcomer)
    assert roles(answer) == ["citizen"]
    papers = scenes.papers(newcomer, BIRTH)
    code = newcomer.file(BIRTH, papers)["code"]
    assert newcomer.dossier(code)["number_verified"] is False
    return Before(newcomer, normalized, code, browser, answer["refresh_token"], papers)


@pytest.fixture(scope="module")
def since(world: World, before: Before) -> Before:
    """2025-03-03, a Monday under the rule."""
    set_clock(world, "2025-03-03T09:00:00")
    assert local_date(world.now()) >= EID_ONLY_SINCE
    return before


@pytest.fixture(scope="module")
def forgotten(world: World, before: Before) -> tuple[Citizen, str]:
    """Somebody who asks for a recovery code on that evening and leaves it."""
    citizen = Citizen(world, somebody()).enter()
    newest = citizen.phone.newest()
    world.anybody.post("/account/recovery", {"phone": citizen.phone.number})
    return citizen, citizen.phone.code(after=newest)


@pytest.mark.req("ID-11")
def test_a_recovery_code_of_another_day_is_refused_and_a_fresh_one_serves(world, before, forgotten, since):
    """First of this file: the code is asked for before the clock goes on."""
    citizen, code = forgotten
    body = {"phone": citizen.phone.number, "code": code, "new_password": "Dien tap mat khau moi 2025"}
    assert world.anybody.refused("POST", "/account/recovery/confirmation", body).status == 422
    citizen.recover(body["new_password"])
    client, _ = password(world, citizen)
    assert client.once("GET", "/account").status_code == 200


@pytest.mark.req("ID-21", "X-8")
def test_a_session_of_before_files_no_more_and_loses_the_rest_when_it_is_renewed(world, since: Before):
    body = since.newcomer.dossier_body(BIRTH, since.papers)
    refusal = since.open_browser.refused("POST", "/dossiers", body)
    assert (refusal.status, refusal.rule) == (403, "X-8")
    renewed = world.anybody.post("/sessions/refresh", {"refresh_token": since.refresh_token})
    assert roles(renewed) == ["newcomer"]
    client = world.client()
    client.token = renewed["access_token"]
    assert client.refused("GET", "/dossiers").rule == "X-8"


@pytest.mark.req("ID-21", "X-8", "ID-02")
def test_a_password_opens_an_account_that_is_not_normalized_for_its_normalization_only(world, since: Before):
    client, answer = password(world, since.newcomer)
    assert roles(answer) == ["newcomer"]
    for method, path in (("GET", "/dossiers"), ("GET", f"/dossiers/{since.code}"), ("GET", "/holdings"),
                         ("GET", "/notices"), ("POST", "/dossiers")):  # fmt: skip
        refusal = client.refused(method, path, since.newcomer.dossier_body(BIRTH, since.papers))
        assert (refusal.status, refusal.rule) == (403, "X-8"), path
        assert refusal.problem["normalization"] == "/account/normalization"
    # What anybody may see stays, and the form with its four fields.
    assert client.get("/procedures")["items"]
    assert len(client.get("/account")["normalization_form"]["fields"]) == 4
    # VNeID is no way round.
    refusal = refused(lambda: vneid.sign_in(world, world.client(), since.newcomer.person.personal_number))
    assert (refusal.status, refusal.rule) == (403, "ID-08")


@pytest.mark.req("ID-21", "ID-04")
def test_once_normalized_everything_is_there_by_either_way_in(world, since: Before):
    """Runs after the refusals above, and takes them away for the same account."""
    citizen = since.newcomer
    citizen.sign_in()
    citizen.normalize()
    assert citizen.dossier(since.code)["owner_is_me"]
    by_password, answer = password(world, citizen)
    assert roles(answer) == ["citizen"]
    by_vneid = world.client()
    assert roles(vneid.sign_in(world, by_vneid, citizen.person.personal_number)) == ["citizen"]
    for client in (by_password, by_vneid):
        assert [row["code"] for row in client.get("/dossiers")["items"]] == [since.code]
    filed = by_vneid.post("/dossiers", citizen.dossier_body(BIRTH, since.papers))
    assert citizen.dossier(filed["code"])["number_verified"] is True


@pytest.mark.req("ID-21", "X-8")
def test_whoever_was_normalized_before_notices_nothing(world, since: Before, desk):
    client, answer = password(world, since.normalized)
    assert roles(answer) == ["citizen"] and client.get("/dossiers")["items"] == []
    assert [grant["role"] for grant in desk.sign_in()["grants"]] == ["desk_officer"]


@pytest.mark.req("X-8", "ID-24")
def test_a_new_account_is_registered_normalized_or_given_up(world, since: Before):
    citizen = Citizen(world, somebody())
    citizen.register()
    client, answer = password(world, citizen)
    assert roles(answer) == ["newcomer"]
    phone = citizen.phone.newest()
    client.post("/account/codes", {"act": "cancellation"})
    client.post("/account/cancellation", {"code": citizen.phone.code(after=phone)})
    body = {"phone": citizen.phone.number, "password": citizen.password}
    assert world.anybody.refused("POST", "/sessions", body).status == 401
