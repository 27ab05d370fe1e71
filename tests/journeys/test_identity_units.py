"""Units and officers from outside: the tree by day, grants for some days, and what their end ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from deploy.demo import vneid
from deploy.demo.client import Client, Refused
from deploy.demo.people import QUANG_THAI, refused
from tests.journeys.scenes import somebody

A_NGO = "000.05.08.H57"
REASON = "Diễn tập cấp quyền cho cán bộ"


def names_on(world, day: str) -> dict[str, str]:
    return {row["unit"]: row["name_vi"] for row in world.anybody.get("/units", on=day)["items"]}


@pytest.mark.req("RO-06", "X-11", "OP-03")
def test_one_system_serves_units_of_every_kind_each_by_its_name_of_the_day(world, desk, officer):
    tree = world.anybody.get("/units")["items"]
    kinds = {row["kind"] for row in tree}
    assert {"province", "district", "commune", "vertical", "board", "service", "centre", "postal"} <= kinds
    by_id = {row["unit"]: row for row in tree}
    for row in tree:
        assert row["parent"] is None or row["parent"] in by_id
    assert (names_on(world, "2024-12-31")["H57"], names_on(world, "2025-01-01")["H57"]) == (
        "Tỉnh Thừa Thiên Huế", "Thành phố Huế")  # fmt: skip
    below = world.anybody.get("/units", parent="000.05.00.H57", kind="commune")["items"]
    assert QUANG_THAI in {row["unit"] for row in below} and A_NGO not in {row["unit"] for row in below}
    # two of them work side by side, each with its own queue
    other = officer("officer-desk-a-ngo")
    assert (desk.unit, other.unit) == (QUANG_THAI, A_NGO)
    mine, theirs = ({row["code"] for row in each.queue()} for each in (desk, other))
    assert not mine & theirs
    assert desk.client.refused("GET", f"/desks/{A_NGO}/dossiers").status == 403


@pytest.mark.req("RO-06", "RO-03")
def test_ioc_opens_renames_moves_and_closes_units_and_the_past_stays(world, ioc, desk, resident):
    today = world.now().date()
    body = {"unit": "000.05.77.H57", "kind": "commune", "parent": "000.05.00.H57", "name_vi": "UBND xã Diễn Tập",
            "name_en": "Rehearsal commune", "on": today.isoformat()}  # fmt: skip
    for nobody in (desk.client, resident.client):
        assert nobody.refused("POST", "/units", body).status == 403
    assert world.anybody.refused("POST", "/units", body).status == 401
    made = ioc.client.post("/units", body)
    assert ioc.client.refused("POST", "/units", body).rule == "RO-06"
    later = (today + timedelta(days=30)).isoformat()
    path = f"/units/{made['unit']}/changes"
    change = {"version": made["version"], "change": "rename", "on": later, "name_vi": "UBND phường Diễn Tập",
              "name_en": "Rehearsal ward", "reason": REASON}  # fmt: skip
    renamed = ioc.client.post(path, change)
    assert ioc.client.refused("POST", path, change).status == 409, "written against an older version"
    unit = f"/units/{made['unit']}"
    assert world.anybody.get(unit)["name_vi"] == "UBND xã Diễn Tập"
    assert world.anybody.get(unit, on=later)["name_vi"] == "UBND phường Diễn Tập"
    wrong = {**change, "version": renamed["version"], "change": "move", "parent": made["unit"]}
    assert [e["field"] for e in refused(lambda: ioc.client.post(path, wrong)).problem["errors"]] == ["parent"]
    closing = {"version": renamed["version"], "change": "close", "on": later, "reason": REASON}
    ioc.client.post(path, closing)
    assert world.anybody.get(unit)["open"] is True and world.anybody.get(unit, on=later)["open"] is False
    assert made["unit"] not in names_on(world, later)
    parent = world.anybody.get("/units/000.05.00.H57")
    busy = {"version": parent["version"], "change": "close", "on": later, "reason": REASON}
    assert ioc.client.refused("POST", "/units/000.05.00.H57/changes", busy).status == 409


@pytest.fixture(scope="module")
def newcomer(world, ioc) -> dict[str, Any]:
    """An officer whom IOC gave an account for today: a specialist in Quảng Thái."""
    person = somebody()
    today = world.now().date().isoformat()
    made = ioc.client.post("/officers", {
        "username": "dien.tap", "phone": person.phone, "full_name": person.full_name,
        "birth_date": person.birth_date.isoformat(), "id_number": person.personal_number, "role": "specialist",
        "unit": QUANG_THAI, "since": today, "until": today, "reason": REASON,
    })  # fmt: skip
    return {"account": made, "person": person}


def enter(world, person) -> Client:
    client: Client = world.client()
    client.token = vneid.sign_in(world, client, person.personal_number, "officer")["access_token"]
    return client


@pytest.mark.req("RO-04", "RO-02")
def test_an_officer_works_where_he_was_granted_a_role_and_while_it_holds(world, ioc, newcomer, scenes):
    account, person = newcomer["account"], newcomer["person"]
    assert [(g["role"], g["unit"], g["holds"]) for g in account["grants"]] == [("specialist", QUANG_THAI, True)]
    client = enter(world, person)
    assert client.get(f"/units/{QUANG_THAI}/cases")["items"] is not None
    assert client.refused("GET", f"/units/{A_NGO}/cases").status == 403
    assert client.refused("GET", f"/desks/{QUANG_THAI}/dossiers").status == 403
    grants = f"/officers/{account['account_id']}/grants"
    given = {"role": "desk_officer", "unit": QUANG_THAI, "reason": REASON}
    ioc.client.post(grants, given)
    assert client.refused("GET", f"/units/{QUANG_THAI}/cases").status == 401, "tokens of before end at once"
    client = enter(world, person)
    assert client.get(f"/desks/{QUANG_THAI}/dossiers")["items"] is not None
    for grant in ({"role": "desk_officer"}, {"role": "specialist"}):
        ioc.client.post(f"{grants}/removal", {**grant, "unit": QUANG_THAI, "reason": REASON})
    assert client.refused("GET", f"/desks/{QUANG_THAI}/dossiers").status == 401
    refusal = refused(lambda: enter(world, person))
    assert (refusal.status, refusal.rule) == (403, "RO-04")
    listed = {row["account_id"]: row for row in ioc.client.get(f"/units/{QUANG_THAI}/officers", limit=200)["items"]}
    assert account["account_id"] not in listed and len(listed) > 3
    log = ioc.client.get("/account-log", account_id=account["account_id"])["items"]
    assert [row["action"] for row in log] == ["open_officer", "grant", "ungrant", "ungrant"]
    assert all(row["reason"] == REASON for row in log)


@pytest.mark.req("RO-04")
def test_grants_are_given_by_ioc_alone_for_open_units_and_never_to_oneself(world, ioc, officer, newcomer):
    path = f"/officers/{newcomer['account']['account_id']}/grants"
    given = {"role": "leader", "unit": QUANG_THAI, "reason": REASON}
    for key in ("officer-leader", "officer-support", "officer-control"):
        assert officer(key).client.refused("POST", path, given).status == 403
    bad = [({"unit": "000.99.99.H57"}, "unit"), ({"role": "citizen"}, "role"), ({"until": "2024-01-01"}, "until"),
           ({"unit": "everywhere"}, "unit"), ({"unit": "*"}, "unit")]  # fmt: skip
    for wrong, field in bad:
        refusal = refused(lambda wrong=wrong: ioc.client.post(path, {**given, **wrong}))
        assert (refusal.status, [e["field"] for e in refusal.problem["errors"]]) == (422, [field]), wrong
    assert ioc.client.refused("POST", "/officers/acc-officer-ioc/grants", given).rule == "RO-04"
    citizen = world.client()
    assert citizen.refused("POST", path, given).status == 401
    tomorrow = (world.now().date() + timedelta(days=1)).isoformat()
    later = ioc.client.post(path, {**given, "since": tomorrow})
    assert [g["holds"] for g in later["grants"]] == [False]
    assert refused(lambda: enter(world, newcomer["person"])).rule == "RO-04", "not yet"


@pytest.mark.req("RO-04", "RP-07")
def test_an_officers_account_is_that_of_a_person_whom_the_population_database_knows(world, ioc, officer):
    person = somebody()
    body = {"username": "dien.tap.hai", "phone": person.phone, "full_name": "Không Phải Người Này",
            "birth_date": person.birth_date.isoformat(), "id_number": person.personal_number, "role": "specialist",
            "unit": QUANG_THAI, "reason": REASON}  # fmt: skip
    refusal = refused(lambda: ioc.client.post("/officers", body))
    assert (refusal.status, refusal.rule) == (422, "ID-16")
    police = officer("officer-police").client
    asked = police.get("/population-queries", purpose="officer_account")["items"][0]
    assert (asked["officer"], asked["agency"], asked["outcome"]) == ("acc-officer-ioc", ioc.unit, "NO_MATCH")
    report = police.get("/population-queries/report", agency=ioc.unit)
    assert report["total"] >= 1 and {row["officer"] for row in report["rows"]} == {"acc-officer-ioc"}
    with pytest.raises(Refused):
        enter(world, person)
