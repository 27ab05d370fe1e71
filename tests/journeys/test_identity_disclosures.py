"""Who read a person's data, for what, on what legal ground: for herself, and counted for police and IOC."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.demo.client import eventually
from deploy.demo.people import BIRTH, Citizen, Officer
from deploy.demo.world import World
from tests.journeys.scenes import Scenes, somebody


def readings(citizen: Citizen) -> list[dict[str, Any]]:
    return list(citizen.client.get("/account/disclosures", limit=100)["items"])


@pytest.mark.req("SE-03", "SE-06")
def test_she_sees_who_read_her_data_for_what_and_on_what_ground(world: World, scenes: Scenes, stranger: Citizen):
    citizen = Citizen(world, somebody()).enter()
    assert readings(citizen) == []
    citizen.normalize()
    code = scenes.filed(BIRTH, citizen=citizen)
    scenes.desk.on_dossier(code, "acceptance")

    def read() -> list[dict[str, Any]] | None:
        rows = readings(citizen)
        return rows if {"receipt", "sms notice", "national_portal_sync"} <= {row["purpose"] for row in rows} else None

    rows = eventually(read, what="three purposes")
    assert all(row["legal_ground"] and row["purpose_vi"] and row["at"] for row in rows)
    assert {(row["reader"], row["purpose"]) for row in rows} >= {("intake", "receipt"), ("notifier", "sms notice")}
    assert [row["at"] for row in rows] == sorted((row["at"] for row in rows), reverse=True)
    # Control: what was read of her is none of the stranger's.
    mine = {(row["at"], row["purpose"]) for row in rows}
    assert not mine & {(row["at"], row["purpose"]) for row in readings(stranger)}
    assert world.anybody.refused("GET", "/account/disclosures").status == 401


@pytest.mark.req("SE-03")
def test_the_report_counts_by_purpose_and_ground_and_names_nobody(scenes: Scenes, ioc: Officer, desk: Officer, officer):
    scenes.accepted(BIRTH)
    police = officer("officer-police")
    today = scenes.world.now().date().isoformat()
    for watcher in (ioc, police):
        answer = watcher.client.get("/disclosures/report", until=today)
        assert answer["total"] == sum(row["number"] for row in answer["rows"]) > 0
        assert {row["purpose"] for row in answer["rows"]} >= {"receipt"}
        assert all(set(row) == {"reader", "purpose", "purpose_vi", "purpose_en", "legal_ground", "number"}
                   for row in answer["rows"])  # fmt: skip
    assert ioc.client.get("/disclosures/report", until="2024-03-10")["total"] == 0
    for person in (desk, scenes.citizen):
        assert person.client.refused("GET", "/disclosures/report").status == 403
