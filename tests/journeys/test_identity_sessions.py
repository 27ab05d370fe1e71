"""One account on both channels: its sessions, what one changes in the other, and signing out everywhere."""

from __future__ import annotations

import pytest

from deploy.demo.client import Client, eventually
from deploy.demo.people import Citizen
from deploy.demo.world import World
from tests.journeys.scenes import Scenes, somebody


def follow(world: World, citizen: Citizen, channel: str) -> tuple[Client, str]:
    """The same person with the same credential on another channel: a client that is signed in, its refresh token."""
    client = world.client(channel)
    body = {"phone": citizen.phone.number, "password": citizen.password, "channel": channel}
    answer = client.post("/sessions", body)
    client.token = answer["access_token"]
    return client, str(answer["refresh_token"])


@pytest.fixture(scope="module")
def owner(world) -> Citizen:
    citizen = Citizen(world, somebody()).enter()
    citizen.normalize()
    return citizen


@pytest.mark.req("ID-07")
def test_one_credential_opens_portal_and_hue_s_with_one_profile_and_the_same_dossiers(world, owner, scenes: Scenes):
    hues, _ = follow(world, owner, "hue-s")
    assert hues.get("/account") == owner.home()
    code = scenes.filed(citizen=owner)
    assert [row["code"] for row in hues.get("/dossiers")["items"]] == [code]
    # Control: somebody else in Hue-S has another profile and none of the dossiers.
    other, _ = follow(world, Citizen(world, somebody()).enter(), "hue-s")
    assert other.get("/account")["account"]["account_id"] != owner.account["account_id"]
    assert other.get("/dossiers")["items"] == []


@pytest.mark.req("ID-07")
def test_what_is_changed_on_one_channel_is_seen_on_the_other(world):
    citizen = Citizen(world, somebody()).enter()
    hues, _ = follow(world, citizen, "hue-s")
    assert hues.get("/account")["normalization_form"] is not None
    citizen.normalize()
    again, _ = follow(world, citizen, "hue-s")
    assert again.get("/account")["normalization_form"] is None
    assert again.get("/account")["account"]["normalized"] is True


@pytest.mark.req("ID-07")
def test_an_owner_sees_where_she_is_signed_in(world, owner):
    hues, _ = follow(world, owner, "hue-s")
    seen = hues.get("/sessions")["items"]
    assert {row["channel"] for row in seen} == {"portal", "hue-s"}
    assert {row["method"] for row in seen} == {"password"}
    assert [row["channel"] for row in seen if row["current"]] == ["hue-s"]
    assert all(set(row) == {"channel", "method", "opened_at", "last_used_at", "expires_at", "current"} for row in seen)


@pytest.mark.req("ID-07")
def test_signing_out_everywhere_ends_every_session_at_once(world, owner, stranger):
    hues, refresh = follow(world, owner, "hue-s")
    portal, _ = follow(world, owner, "portal")
    assert portal.send("DELETE", "/sessions").json()["ended"] >= 2
    eventually(lambda: hues.once("GET", "/account").status_code == 401, what="the other channel is signed out")
    assert portal.refused("GET", "/account").status == 401
    assert world.anybody.refused("POST", "/sessions/refresh", {"refresh_token": refresh}).status == 401
    # Control: the password still opens a new session, and nobody else was signed out.
    anew, _ = follow(world, owner, "hue-s")
    assert len(anew.get("/sessions")["items"]) == 1
    assert stranger.home()["account"]["normalized"] is True


@pytest.mark.req("ID-07")
def test_signing_out_of_one_channel_leaves_the_other(world, owner):
    hues, _ = follow(world, owner, "hue-s")
    portal, _ = follow(world, owner, "portal")
    hues.send("DELETE", "/sessions/current")
    eventually(lambda: hues.once("GET", "/account").status_code == 401, what="Hue-S is signed out")
    assert portal.get("/account")["account"]["account_id"] == owner.account["account_id"]
