"""A citizen's account: the form of four fields, matching, and what was filed before."""

from __future__ import annotations

import unicodedata

import pytest

from deploy.demo.client import eventually
from deploy.demo.filing import NO_MATCH
from deploy.demo.people import Citizen, refused
from deploy.rehearsal.cast import PEOPLE
from tests.journeys.scenes import Scenes, somebody


@pytest.fixture(scope="module")
def newcomer(world) -> Citizen:
    return Citizen(world, somebody()).enter()


@pytest.mark.req("ID-01")
def test_the_form_has_exactly_four_fields_until_the_account_is_normalized(newcomer, resident):
    form = newcomer.home()["normalization_form"]
    assert [(f["name"], f["label_vi"]) for f in form["fields"]] == [
        ("full_name", "Họ và tên"), ("id_number", "Số CCCD"), ("issue_date", "Ngày cấp"), ("phone", "Số điện thoại"),
    ]  # fmt: skip
    assert resident.home()["normalization_form"] is None


@pytest.mark.req("ID-03", "ID-16")
def test_each_differing_datum_is_refused_in_the_prescribed_words_and_the_right_ones_match(world):
    citizen = Citizen(world, somebody()).enter()
    other = somebody()
    right = citizen.normalization()
    wrong = (
        {"full_name": other.full_name + " Khác"},
        {"id_number": other.personal_number},
        {"issue_date": "2020-01-02"},
    )
    for differing in wrong:
        refusal = refused(lambda differing=differing: citizen.normalize({**right, **differing}))
        assert (refusal.status, refusal.rule) == (422, "ID-16"), differing
        assert unicodedata.is_normalized("NFC", refusal.problem["title_vi"])
        assert refusal.problem["title_vi"] == NO_MATCH
    assert citizen.home()["normalization_form"] is not None
    citizen.sign_in()  # not locked
    citizen.normalize(right)
    assert citizen.home()["normalization_form"] is None


@pytest.mark.req("ID-16")
def test_a_wrong_birth_date_is_refused_in_the_same_words(world):
    citizen = Citizen(world, somebody()).enter()
    refusal = refused(lambda: citizen.normalize(citizen.normalization(birth_date="1950-01-01")))
    assert (refusal.status, refusal.problem["title_vi"]) == (422, NO_MATCH)
    citizen.normalize()


@pytest.mark.req("ID-04")
def test_nobody_normalizes_without_signing_in(world):
    person = PEOPLE["citizen-binh"]
    form = {
        "full_name": person.full_name, "id_number": person.personal_number, "phone": person.phone, "code": "000000",
        "issue_date": person.issue_date.isoformat(),
    }  # fmt: skip
    assert world.anybody.refused("POST", "/account/normalization", form).status == 401
    assert world.anybody.refused("POST", "/account/normalization/code", {"phone": person.phone}).status == 401


@pytest.mark.req("ID-04")
def test_what_was_filed_before_normalization_is_listed_after_it_with_the_same_codes(newcomer, scenes: Scenes):
    codes = {scenes.filed(citizen=newcomer), scenes.filed(citizen=newcomer)}
    assert all(newcomer.dossier(code)["number_verified"] is False for code in codes)
    newcomer.normalize()

    def mine() -> bool:
        return {row["code"] for row in newcomer.client.get("/dossiers")["items"]} == codes

    eventually(mine, what="the same dossiers under the person that she now is")
    assert all(newcomer.dossier(code)["owner_is_me"] for code in codes)


@pytest.mark.req("ID-04")
def test_another_citizen_does_not_see_them(newcomer, stranger):
    codes = [row["code"] for row in newcomer.client.get("/dossiers")["items"]]
    assert codes
    assert all(stranger.client.refused("GET", f"/dossiers/{code}").status == 404 for code in codes)
