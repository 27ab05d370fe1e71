"""The catalogue's own consistency, levels and search."""

import copy
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from deploy.rehearsal.cast import UNITS, tax_number_valid
from services.common import permissions
from services.intake import catalogue
from services.intake.catalogue import CatalogueError, Level
from services.processing.clock import Policy

Row = dict[str, Any]


@pytest.mark.req("CA-06")
def test_the_rehearsals_catalogue_is_complete(seed: Row) -> None:
    for row in seed["procedures"]:
        catalogue.check_procedure(row)
    agencies = {row["_id"]: row for row in seed["agencies"]}
    assert all(unit in agencies for row in seed["procedures"] for unit in row["units"])
    assert all(desk["agency"] in agencies and catalogue.calendar_of(desk["calendar"]) for desk in seed["desks"])
    assert all(tax_number_valid(row["tax_number"]) and row["centre"] in agencies for row in agencies.values())
    assert agencies["000.05.07.H57"]["tax_number"] == UNITS["ubnd-quang-thai"].tax_number


@pytest.mark.req("CA-06")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: row.pop("subjects_vi"),
        lambda row: row.update(sequence_vi=[]),
        lambda row: row.pop("conditions_vi"),
        lambda row: row.update(_id="9.000001@2"),
        lambda row: row["components"].append(dict(row["components"][0])),
        lambda row: row["fee"].update(amount=1),
        lambda row: row["fee"].update(mode="khong_thu"),
        lambda row: row["limit"].update(value=4),
        lambda row: row["limit"].update(unit="moons"),
        lambda row: row["workflow"].update(steps=[]),
        lambda row: row["workflow"].pop("version"),
        lambda row: row["workflow"]["steps"].append(dict(row["workflow"]["steps"][0], minutes=0)),
        lambda row: row["workflow"]["steps"][0].pop("role"),
        lambda row: row["workflow"]["steps"][0].update(role="boss"),
        lambda row: row["workflow"]["steps"][0].pop("name"),
        lambda row: row.pop("workflow"),
        lambda row: row.pop("clock_policy"),
        lambda row: row.update(clock_policy="WHENEVER"),
        lambda row: row.update(pickups=["drone"]),
        lambda row: row.update(level="MOT_PHAN"),
    ],
)
def test_an_incomplete_or_contradictory_entry_is_refused(spoil: Callable[[Row], Any], procedure: Row) -> None:
    row = copy.deepcopy(procedure)
    catalogue.check_procedure(row)
    spoil(row)
    with pytest.raises(CatalogueError):
        catalogue.check_procedure(row)


def test_processing_knows_every_policy_and_role_that_the_catalogue_allows() -> None:
    assert set(catalogue.CLOCK_POLICIES) == {policy.value for policy in Policy}
    assert set(catalogue.STEP_ROLES) <= set(permissions.ALLOWED["processing.start_step"])


@pytest.mark.req("CA-01", "CA-02", "CA-03", "X-13")
@pytest.mark.parametrize(
    ("flags", "level"),
    [
        ({}, Level.FULL),
        ({"site_verification": True}, Level.FULL),
        ({"presence_at_resolution": True}, Level.PARTIAL),
        ({"applicant_at_site_verification": True}, Level.PARTIAL),
        ({"paper_or_presence_at_intake": True}, Level.INFORMATION),
        ({"paper_or_presence_at_intake": True, "presence_at_resolution": True}, Level.INFORMATION),
    ],
)
def test_levels(flags: dict[str, bool], level: Level) -> None:
    assert catalogue.level_of(flags) is level


@pytest.mark.req("CA-20")
def test_the_version_in_force_is_that_of_the_day() -> None:
    old = {"version": 1, "effective_from": "2023-01-01", "effective_to": "2024-06-30"}
    new = {"version": 2, "effective_from": "2024-07-01", "effective_to": None}
    for day, found in ((date(2022, 12, 31), None), (date(2024, 6, 30), old), (date(2024, 7, 1), new)):
        assert catalogue.in_force([old, new], day) is found


@pytest.mark.req("CA-16")
@pytest.mark.parametrize("typed", ["ĐĂNG KÝ  khai sinh", "dang ky khai", "1.001193", "ho tich", "khai sinh"])
def test_search_with_and_without_marks(typed: str, seed: Row) -> None:
    found = [row["code"] for row in seed["procedures"] if catalogue.folded(typed) in catalogue.search_text(row)]
    assert found == ["1.001193"]
