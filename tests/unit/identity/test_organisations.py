"""Organisations: tax numbers, names, the form, what a match changes, and the register behind the simulator."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.problems import Problem
from services.identity import accounts, normalization, numbers, organisations
from services.identity.adapters import organisation_register
from services.identity.adapters.organisation_register import ORGANISATIONS, has_branch, synthetic_organisation
from services.identity.adapters.population_register import SYNTHETIC, Register
from services.identity.normalization import Outcome

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
TODAY = date(2024, 3, 11)
RIGHT = "0100109106"
NAME = "Công ty TNHH Hoà Bình"


def account(account_id: str = "acc-1", **changed: Any) -> dict[str, Any]:
    made = accounts.citizen(
        account_id, f"per-of-{account_id}", phone="sealed", phone_blind="p", password_hash="h", now=NOW
    )
    return made | {"kind": organisations.KIND, "claimed_blind": "tax"} | changed


def won(account_id: str = "acc-1") -> dict[str, Any]:
    winner = account(account_id, claimed_blind=None)
    normalization.adopt(winner, "per-of-it", "tax", phone="new", phone_blind="q", unit="u", now=NOW)
    return winner


@pytest.mark.req("ID-28")
@pytest.mark.parametrize("text", [RIGHT, "01 0010 9106", f"{RIGHT}-001", f"{RIGHT}001"])
def test_a_tax_number_whose_check_digit_fits_is_taken(text: str) -> None:
    assert organisations.check_declared(NAME, text) == []


@pytest.mark.req("ID-28")
@pytest.mark.parametrize(
    "text", [f"010010910{n}" for n in range(10) if n != 6] + ["010010910", f"{RIGHT}-000", "x", ""]
)
def test_another_is_refused_at_its_field_in_both_languages(text: str) -> None:
    [fault] = organisations.check_declared(NAME, text)
    assert fault["field"] == "tax_number" and fault["rule"] == "ID-28"
    assert fault["message_vi"] and fault["message_en"] and (len(text) < 2 or text not in str(fault))


@pytest.mark.req("ID-28")
def test_every_field_at_fault_is_named() -> None:
    found = organisations.faults("123", "1", "", "046190", date(2999, 1, 1), TODAY)
    assert [f["field"] for f in found] == ["organisation_name", "tax_number", "full_name", "id_number", "birth_date"]
    assert {f["rule"] for f in found} == {"ID-28"}
    assert organisations.faults(NAME, RIGHT, "Nguyễn Thị An", "046190000123", date(1990, 5, 20), TODAY) == []


@pytest.mark.parametrize(
    "other",
    [NAME.upper(), f"  {NAME} ".replace(" ", "  "), unicodedata.normalize("NFD", NAME), "công ty tnhh hòa bình"],
)
def test_the_same_name_however_written(other: str) -> None:
    assert organisations.same_organisation(NAME, other)


@pytest.mark.parametrize("other", ["Công ty TNHH Hoa Bình", "Công ty Hoà Bình", f"{NAME} 2", f"{NAME}.", "", "  "])
def test_another_name(other: str) -> None:
    assert not organisations.same_organisation(NAME, other)
    assert not organisations.same_organisation(other, other) or other.strip()


@given(st.text(max_size=40), st.text(max_size=40))
def test_the_comparison_is_symmetric_and_blind_to_case_form_and_spaces(one: str, other: str) -> None:
    assert organisations.same_organisation(one, other) == organisations.same_organisation(other, one)
    spaced = f" {unicodedata.normalize('NFD', one)} "
    assert organisations.same_organisation(one, spaced) == organisations.same_organisation(one, one)


@pytest.mark.req("ID-28")
def test_outcomes() -> None:
    assert organisations.refusal(Outcome.MATCH) is None
    away = organisations.refusal(Outcome.UNAVAILABLE)
    assert away is not None and (away.status, away.retry_after) == (503, 30)
    refused = [organisations.refusal(outcome) for outcome in (Outcome.NO_MATCH, Outcome.NOT_FOUND)]
    assert all(problem is not None and (problem.status, problem.rule) == (422, "ID-28") for problem in refused)
    assert refused[0] is not None and refused[1] is not None and refused[0].to_dict() == refused[1].to_dict()


@pytest.mark.req("ID-28")
def test_each_kind_has_its_own_door() -> None:
    organisations.must_be_one(account())
    organisations.must_not_be_one(account(kind="citizen"))
    for call, kind in ((organisations.must_be_one, "citizen"), (organisations.must_not_be_one, organisations.KIND)):
        with pytest.raises(Problem) as refused:
            call(account(kind=kind))
        assert (refused.value.status, refused.value.rule) == (409, "ID-28")
    assert normalization.form(account(), has_birth_date=True) is None, "a citizen's form is not an organisation's"
    names = [field["name"] for field in organisations.form()["fields"]]
    assert names == ["organisation_name", "tax_number", "full_name", "id_number", "phone"]


@pytest.mark.req("ID-28", "ID-06")
def test_a_match_holds_the_tax_number_and_no_personal_one() -> None:
    winner = won()
    assert (winner["holds_tax_number"], winner["tax_blind"], winner["person_id"]) == (True, "tax", "per-of-it")
    assert (winner["holds_number"], winner["number_blind"]) == (False, None)
    assert (winner["normalized"], winner["normalized_at"], winner["unit"]) == (True, NOW, "u")


@pytest.mark.req("ID-28", "ID-05")
def test_rivals_are_organisations_that_claim_the_same_number() -> None:
    spared = [
        account("other-number", claimed_blind="another"),
        account("a-person", kind="citizen"),
        account("normalized", normalized=True),
        account("cancelled", state="cancelled"),
        account("unclaimed", claimed_blind=None),
    ]
    rival = account("rival")
    winner = won()
    assert normalization.lock_rivals(winner, [winner, rival, *spared], NOW) == [rival]
    assert rival["state"] == "locked" and rival["lock"]["reason"] == "duplicate_identity"
    assert all(one["state"] != "locked" for one in spared)


@pytest.mark.req("ID-28")
def test_the_register_is_deterministic_and_its_numbers_are_valid_and_its_own() -> None:
    known = [synthetic_organisation(n) for n in range(ORGANISATIONS)]
    branches = [synthetic_organisation(n, branch=True) for n in range(ORGANISATIONS) if has_branch(n)]
    everyone = known + branches
    assert known == [synthetic_organisation(n) for n in range(ORGANISATIONS)] and len(branches) == ORGANISATIONS / 10
    assert len({o.tax_number for o in everyone}) == len({o.name for o in everyone}) == len(everyone)
    assert len({o.representative.id_number for o in everyone}) == len(everyone)
    people = Register(None, SYNTHETIC)
    for organisation in everyone:
        assert numbers.normalized_tax_number(organisation.tax_number) == organisation.tax_number
        assert organisation_register.find(organisation.tax_number) == organisation
        assert people.find(organisation.representative.id_number) == organisation.representative
    assert organisation_register.find(f"{known[1].tax_number}-001") is None, "has no branch"
    assert organisation_register.find(synthetic_organisation(ORGANISATIONS).tax_number) is None
    assert organisation_register.find(RIGHT) is None and organisation_register.find("x") is None


def _judged(asked: organisation_register.Organisation) -> str:
    who = asked.representative
    birth_date = who.birth_date.isoformat()
    return organisation_register.judge(asked.tax_number, asked.name, who.id_number, who.full_name, birth_date)[0]


@pytest.mark.req("ID-28")
def test_the_register_confirms_number_name_and_representative_together() -> None:
    right, other = synthetic_organisation(7), synthetic_organisation(8)
    assert _judged(right) == "MATCH"
    assert _judged(replace(right, name=right.name.upper())) == "MATCH"
    assert _judged(replace(right, tax_number=RIGHT)) == "NOT_FOUND"
    assert _judged(replace(right, name=other.name)) == "NO_MATCH"
    for field in ("id_number", "full_name", "birth_date"):
        wrong = {field: getattr(other.representative, field)}
        assert _judged(replace(right, representative=replace(right.representative, **wrong))) == "NO_MATCH", field
