"""Who asked the population database for what: written before the question leaves, open to the police alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.demo.people import Citizen, Officer, all_pages, refused
from tests.journeys.scenes import somebody


@pytest.fixture(scope="module")
def police(officer) -> Officer:
    entered: Officer = officer("officer-police")
    return entered


@pytest.fixture
def down(world) -> Iterator[None]:
    world.tell("population", "/control", {"down": True})
    yield
    world.tell("population", "/control", {})


def questions(police: Officer, citizen: Citizen) -> list[dict[str, Any]]:
    """What was asked for a citizen's account, newest first."""
    rows = all_pages(police.client, "/population-queries")
    return [row for row in rows if row["account_id"] == citizen.account["account_id"]]


@pytest.mark.req("RP-07")
def test_every_question_is_in_the_log_with_its_purpose_and_outcome(world, police):
    citizen = Citizen(world, somebody()).enter()
    right = citizen.normalization()
    assert questions(police, citizen) == []
    bad = {**right, "id_number": "12"}
    assert refused(lambda: citizen.normalize(bad)).status == 422
    assert questions(police, citizen) == [], "what is not asked is not in the log"
    assert refused(lambda: citizen.normalize({**right, "full_name": "Sai Tên"})).rule == "ID-16"
    citizen.normalize(right)
    rows = questions(police, citizen)
    assert [(row["purpose"], row["outcome"]) for row in rows] == [
        ("normalization", "MATCH"),
        ("normalization", "NO_MATCH"),
    ]
    assert all(row["agency"] is None and row["officer"] is None for row in rows), "she asked about herself"
    text = json.dumps(rows, ensure_ascii=False)
    for personal in (citizen.person.personal_number, citizen.person.full_name, citizen.phone.number):
        assert personal not in text


@pytest.mark.req("RP-07", "SY-04")
def test_a_question_that_nobody_answered_is_in_the_log_as_well(world, police, down):
    citizen = Citizen(world, somebody()).enter()
    form = citizen.normalization()
    client = citizen.client
    client.patience = 0.0
    assert refused(lambda: citizen.normalize(form)).status == 503
    assert [row["outcome"] for row in questions(police, citizen)] == ["UNAVAILABLE"]
    connected = police.client.get("/population-clients")["items"][0]
    assert connected["unanswered_last_day"] >= 1


@pytest.mark.req("RP-07")
def test_the_report_adds_up_what_the_log_holds(world, police):
    citizen = Citizen(world, somebody()).enter()
    before = police.client.get("/population-queries/report")
    citizen.normalize()
    report = police.client.get("/population-queries/report")
    assert report["total"] == before["total"] + 1 == len(all_pages(police.client, "/population-queries"))
    assert report["total"] == sum(row["number"] for row in report["rows"])
    today = world.now().date().isoformat()
    assert any(row["day"] == today and row["outcome"] == "MATCH" for row in report["rows"])
    only = police.client.get("/population-queries/report", outcome="MATCH")
    assert {row["outcome"] for row in only["rows"]} == {"MATCH"} and only["total"] < report["total"]
    assert police.client.get("/population-queries/report", purpose="curiosity")["total"] == 0
    assert police.client.get("/population-queries/report", agency="000.05.07.H57")["total"] == 0
    refusal = police.client.refused("GET", "/population-queries", since="2024-03-11", until="2024-03-01")
    assert (refusal.status, [e["field"] for e in refusal.problem["errors"]]) == (422, ["until"])


@pytest.mark.req("SE-07")
def test_the_inventory_names_what_is_connected_why_and_how_much_it_asks(world, police, ioc):
    for watcher in (police, ioc):
        items = watcher.client.get("/population-clients")["items"]
        assert {"normalization", "officer_account", "organisation_normalization"} == {item["purpose"] for item in items}
        assert all(item["room"] == "identity" and item["ground"] and item["data_vi"] for item in items)
        connected = next(item for item in items if item["purpose"] == "normalization")
        assert connected["asked_last_day"] >= 1
        assert connected["first_asked_at"] <= connected["last_asked_at"]


@pytest.mark.req("RP-07", "SE-07", "RO-04")
def test_nobody_else_reads_them(world, police, desk, ioc, officer, resident):
    for path in ("/population-queries", "/population-queries/report", "/population-clients"):
        for client in (desk.client, resident.client, officer("officer-support").client):
            assert client.refused("GET", path).status == 403
        assert world.anybody.refused("GET", path).status == 401
    assert ioc.client.refused("GET", "/population-queries").status == 403
    # and the police read nothing else: no dossier, no account
    assert police.client.refused("GET", "/reviews").status == 403
    assert police.client.refused("GET", "/reports/accounts").status == 403
