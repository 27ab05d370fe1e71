"""What an account did: each transaction with time and channel, for its owner, and for IOC with a reason (ID-25)."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.demo.client import eventually
from deploy.demo.people import BIRTH, Citizen, Officer
from deploy.demo.watching import verify_ledger
from deploy.demo.world import World
from tests.journeys.scenes import Scenes, somebody

REASON = "Công dân phản ánh có người đăng nhập tài khoản"


def activity(citizen: Citizen | Officer) -> list[dict[str, Any]]:
    """All transactions, newest first."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = citizen.client.get("/account/activity", cursor=cursor, limit=5)
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def heard(citizen: Citizen | Officer, event: str, count: int) -> list[dict[str, Any]]:
    """The transactions, once the ledger has heard of so many of that kind."""

    def there() -> list[dict[str, Any]] | None:
        rows = activity(citizen)
        return rows if sum(row["event"] == event for row in rows) >= count else None

    return eventually(there, what=f"{count} × {event}")


@pytest.fixture(scope="module")
def active(world: World, scenes: Scenes) -> Citizen:
    """Registered, signed in, normalized, filed, signed out and in again through Hue-S."""
    citizen = Citizen(world, somebody()).enter()
    citizen.normalize()
    citizen.file(BIRTH, scenes.papers(citizen, BIRTH))
    citizen.client.send("DELETE", "/sessions/current")
    citizen.channel = citizen.client.channel = "hue-s"
    citizen.sign_in()
    return citizen


@pytest.mark.req("ID-25", "ID-11")
def test_a_password_that_was_set_anew_is_a_transaction_of_the_account(world: World):
    citizen = Citizen(world, somebody()).enter()
    citizen.change_password("Dien tap mat khau khac 2024")
    citizen.sign_in()
    heard(citizen, "account.password_changed", 1)


@pytest.mark.req("ID-25")
def test_the_owner_reads_each_transaction_with_time_and_channel(active: Citizen):
    rows = heard(active, "session.opened", 2)
    assert [row["sequence"] for row in rows] == sorted((row["sequence"] for row in rows), reverse=True)
    done = [(row["event"], row["channel"]) for row in reversed(rows) if row["event"] != "file.stored"]
    assert done == [
        ("account.registered", "portal"), ("session.opened", "portal"), ("account.normalized", "portal"),
        ("dossier.filed", "portal"), ("session.ended", "portal"), ("session.opened", "hue-s"),
    ]  # fmt: skip
    assert {row["by"] for row in rows} == {"owner"}
    assert all(row["at"] and row["recorded_at"] and row["what_vi"] and len(row["hash"]) == 64 for row in rows)
    filed = next(row for row in rows if row["event"] == "dossier.filed")
    assert active.dossier(filed["subject"])["code"] == filed["subject"]


@pytest.mark.req("ID-25")
def test_nobody_reads_anothers_and_a_wrong_password_is_no_transaction(active: Citizen, stranger: Citizen):
    before = heard(active, "session.opened", 2)
    refusal = stranger.world.anybody.refused(
        "POST", "/sessions", {"phone": active.phone.number, "password": "not her password"}
    )
    assert refusal.status == 401
    mine = {row["hash"] for row in activity(stranger)}
    assert mine and not mine & {row["hash"] for row in before}
    account = active.home()["account"]["account_id"]
    path = f"/accounts/{account}/activity"
    assert stranger.client.refused("POST", path, {"reason": REASON}).status == 403
    assert stranger.world.anybody.refused("GET", "/account/activity").status == 401
    assert [row["hash"] for row in activity(active)] == [row["hash"] for row in before]


@pytest.mark.req("ID-25", "SE-03")
def test_ioc_reads_it_with_a_reason_and_the_owner_sees_that(active: Citizen, ioc: Officer, desk: Officer):
    account = active.home()["account"]["account_id"]
    path = f"/accounts/{account}/activity"
    heard(active, "session.opened", 2)
    for body in ({}, {"reason": "x"}):
        refusal = ioc.client.refused("POST", path, body)
        assert (refusal.status, refusal.problem["errors"][0]["field"]) == (422, "reason")
    assert desk.client.refused("POST", path, {"reason": REASON}).status == 403
    assert not any(row["event"] == "activity.disclosed" for row in activity(active))
    read = ioc.client.post(path, {"reason": REASON, "limit": 100})["items"]
    assert {row["event"] for row in read} >= {"session.opened", "session.ended", "dossier.filed"}
    rows = heard(active, "activity.disclosed", 1)
    [disclosed] = [row for row in rows if row["event"] == "activity.disclosed"]
    assert (disclosed["by"], disclosed["channel"]) == ("office", "portal")
    assert any(row["hash"] == disclosed["hash"] for row in heard(ioc, "activity.disclosed", 1)), "and in IOC's own"
    unknown = ioc.client.refused("POST", "/accounts/acc-nobody/activity", {"reason": REASON})
    assert unknown.status == 404


@pytest.mark.req("ID-25")
def test_a_transaction_that_is_altered_is_found(active: Citizen, auditor, world: World):
    rows = heard(active, "session.opened", 2)
    auditor.rest()
    ledger = auditor.databases["oversight"]["ledger"]
    where = {"_id": rows[0]["sequence"]}
    genuine = ledger.find_one(where)["body"]
    assert genuine["channel"]
    # As somebody with the database's keys would.
    ledger.update_one(where, {"$set": {"body.channel": "counter"}})
    try:
        with pytest.raises(AssertionError, match="changed"):
            verify_ledger(world)
    finally:
        ledger.update_one(where, {"$set": {"body": genuine}})
    assert "intact" in verify_ledger(world)
