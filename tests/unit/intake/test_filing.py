"""What may be filed, and what is fixed at filing."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.common.calendar import local
from services.common.problems import Problem
from services.intake import filing
from tests.unit.intake.conftest import MONDAY

Row = dict[str, Any]


@pytest.mark.req("IN-20")
@pytest.mark.parametrize(("channel", "mode"), [("portal", "SELF_PORTAL"), ("hue-s", "SELF_HUES"), ("", "SELF_PORTAL")])
def test_the_mode_follows_from_the_channel(channel: str, mode: str) -> None:
    assert filing.mode_of(channel) == mode


@pytest.mark.req("IN-20")
def test_an_unknown_channel_is_no_mode() -> None:
    with pytest.raises(Problem) as refused:
        filing.mode_of("fax")
    assert (refused.value.status, refused.value.rule) == (422, "IN-20")


@pytest.mark.req("ID-04", "X-8")
def test_unnormalized_accounts_file_until_16_february_2025() -> None:
    filing.refuse_unnormalized(normalized=False, on=date(2025, 2, 16))
    with pytest.raises(Problem) as refused:
        filing.refuse_unnormalized(normalized=False, on=date(2025, 2, 17))
    assert (refused.value.status, refused.value.rule) == (403, "X-8")
    filing.refuse_unnormalized(normalized=True, on=date(2025, 2, 17))


def test_the_competent_agency(procedure: Row, seed: Row) -> None:
    here, there = seed["desks"]
    assert filing.choose_unit(procedure, None, there) == "000.05.08.H57"
    assert filing.choose_unit(procedure, "000.05.07.H57", there) == "000.05.07.H57"
    only = {**procedure, "units": ["000.05.07.H57"]}
    assert filing.choose_unit(only, None, there) == "000.05.07.H57"
    for asked, desk, rows in (
        ("000.00.01.H57", here, procedure),
        (None, {"agency": "000.00.07.H57"}, procedure),
    ):
        with pytest.raises(Problem) as refused:
            filing.choose_unit(rows, asked, desk)
        assert [error["field"] for error in refused.value.errors] == ["unit"]


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        (["don", "ban-chup"], []),
        (["don"], ["components"]),
        ([], ["components", "components"]),
        (["don", "don", "ban-chup"], ["components.1.component"]),
        (["don", "ban-chup", "ho-chieu"], ["components.2.component"]),
    ],
)
def test_components_are_those_of_the_procedure(given: list[str], fields: list[str], procedure: Row) -> None:
    rows = [{"component": component, "file_id": "x"} for component in given]
    if not fields:
        filing.check_components(rows, procedure)
        return
    with pytest.raises(Problem) as refused:
        filing.check_components(rows, procedure)
    assert refused.value.status == 422
    assert [error["field"] for error in refused.value.errors] == fields


@pytest.mark.parametrize(
    ("pickup", "delivery", "field"),
    [
        ("online", None, None),
        ("post", {"receiver": "x"}, None),
        ("post", None, "delivery"),
        ("desk", {"receiver": "x"}, "delivery"),
    ],
)
def test_an_address_is_asked_for_post_only(
    pickup: str, delivery: Row | None, field: str | None, procedure: Row
) -> None:
    if field is None:
        filing.check_pickup(pickup, delivery, procedure)
        return
    with pytest.raises(Problem) as refused:
        filing.check_pickup(pickup, delivery, procedure)
    assert [error["field"] for error in refused.value.errors] == [field]


def test_a_pickup_that_the_procedure_does_not_offer_is_refused(procedure: Row) -> None:
    with pytest.raises(Problem):
        filing.check_pickup("post", {"receiver": "x"}, {**procedure, "pickups": ["online"]})


@pytest.mark.req("X-27")
@pytest.mark.parametrize(("day", "name"), [(date(2024, 3, 3), "2023"), (date(2024, 3, 4), "2024")])
def test_the_recognition_rule_is_that_of_the_filing_day(day: date, name: str) -> None:
    assert filing.recognition_rule(day) == name


@pytest.mark.req("X-27")
def test_what_was_fixed_stays_when_the_catalogue_changes(dossier: Row, procedure: Row) -> None:
    before = str(dossier["fixed"])
    procedure["fee"]["items"].clear()
    procedure["components"][0]["name_vi"] = "Khác"
    procedure["workflow"]["steps"][0]["minutes"] = 1
    procedure["limit"]["value"] = 30
    assert str(dossier["fixed"]) == before


def test_the_fixed_versions_of_the_story(dossier: Row) -> None:
    fixed = dossier["fixed"]
    assert (fixed["procedure"], fixed["procedure_version"]) == ("9.000001", 1)
    assert fixed["workflow"]["version"] == 1
    assert [(step["step"], step["unit"]) for step in fixed["workflow"]["steps"]] == [
        ("tham-dinh", "000.05.07.H57"),
        ("ky-phat-hanh", "000.05.07.H57"),
    ]
    assert fixed["fee"]["amount"] == 20000
    assert fixed["calendar"] == {"id": "hue-centres", "version": 1}
    assert (fixed["rules_on"], fixed["recognition_rule"]) == ("2024-03-11", "2024")


@pytest.mark.req("IN-01")
def test_filing_opens_the_desks_hour(dossier: Row) -> None:
    assert dossier["state"] == "registered"
    assert local(dossier["intake_due"]) == local(MONDAY) + timedelta(hours=1)
    assert dossier["intake_rounds"][-1]["answered_at"] is None
