"""Organisations from outside: registered by tax number, confirmed by the business register, each one account alone."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from deploy.demo import vneid
from deploy.demo.client import Refused, new_key
from deploy.demo.organisations import Organisation, person_of
from deploy.demo.people import COPY, Citizen, all_pages, refused
from services.identity.accounts import HOTLINE
from services.identity.adapters.organisation_register import Organisation as Registered
from tests.journeys.scenes import Scenes, next_organisation, somebody

FIELDS = ["organisation_name", "tax_number", "full_name", "id_number", "phone"]
OWN_NORMALIZATION, OWN_REGISTRATION = "/account/organisation-normalization", "/organisation-registrations"


def form_of(account: Citizen) -> list[str] | None:
    form = account.home()["normalization_form"]
    return None if form is None else [field["name"] for field in form["fields"]]


def wrong_digit(tax_number: str) -> str:
    return tax_number[:9] + str((int(tax_number[9]) + 1) % 10) + tax_number[10:]


@pytest.mark.req("ID-28")
def test_a_tax_number_with_a_wrong_check_digit_is_refused_and_a_right_one_is_an_account(world):
    organisation = Organisation(world, next_organisation())
    right = organisation.known.tax_number
    for bad in (wrong_digit(right), right[:9], right + "1", f"{right}-000", f"{right}-01", "công ty", "3" * 32):
        refusal = world.anybody.refused("POST", OWN_REGISTRATION, organisation.registration(tax_number=bad))
        assert (refusal.status, refusal.rule) == (422, "ID-28"), bad
        [error] = refusal.problem["errors"]
        assert error["field"] == "tax_number" and error["message_vi"] and error["message_en"]
    for field, bad in (
        ("organisation_name", "123"), ("organisation_name", ""), ("full_name", "Nguyễn 1"), ("phone", "0123"),
        ("birth_date", "2999-01-01"), ("password", "short"), ("favourite_colour", "red"),
    ):  # fmt: skip
        refusal = world.anybody.refused("POST", OWN_REGISTRATION, organisation.registration(**{field: bad}))
        assert (refusal.status, [e["field"] for e in refusal.problem["errors"]]) == (422, [field])
    assert organisation.phone.newest() == 0, "not one of these sent a code"
    organisation.enter()
    shown = organisation.home()["account"]
    assert (shown["kind"], shown["tax_number"], shown["full_name"]) == ("organisation", right, organisation.known.name)
    assert shown["id_number"] is None and shown["normalized"] is False
    assert form_of(organisation) == FIELDS


@pytest.mark.req("ID-28")
def test_a_branch_has_a_number_and_an_account_of_its_own(world):
    branch = next_organisation(branch=True)
    assert len(branch.tax_number.replace("-", "")) == 13
    bare = Registered(branch.tax_number.replace("-", ""), branch.name, branch.representative, branch.unit)
    organisation = Organisation(world, bare, phone="0967999001").enter()
    assert organisation.home()["account"]["tax_number"] == branch.tax_number, "written with or without its hyphen"
    organisation.normalize()
    assert form_of(organisation) is None


@pytest.mark.req("ID-28", "RP-07")
def test_it_is_normalized_once_number_name_and_representative_are_those_of_the_register(world, officer):
    organisation, other = Organisation(world, next_organisation()).enter(), next_organisation()
    before = organisation.account["person_id"]
    right = organisation.normalization()
    for field in FIELDS:
        missing = {name: value for name, value in right.items() if name != field}
        refusal = refused(lambda missing=missing: organisation.normalize(missing))
        assert (refusal.status, [e["field"] for e in refusal.problem["errors"]]) == (422, [field])
    refusal = refused(lambda: organisation.normalize({**right, "tax_number": wrong_digit(right["tax_number"])}))
    assert (refusal.status, refusal.rule, refusal.problem["errors"][0]["field"]) == (422, "ID-28", "tax_number")
    for field, wrong in (
        ("organisation_name", other.name), ("full_name", other.representative.full_name + " Sai"),
        ("id_number", other.representative.id_number),
    ):  # fmt: skip
        refusal = refused(lambda field=field, wrong=wrong: organisation.normalize({**right, field: wrong}))
        assert (refusal.status, refusal.problem["type"]) == (422, "/problems/no-business-match"), field
        assert refusal.rule == "ID-28" and refusal.problem["title_vi"] and refusal.problem["title_en"]
        assert form_of(organisation) == FIELDS
    organisation.normalize({**right, "organisation_name": f"  {right['organisation_name'].upper()} "})
    assert form_of(organisation) is None
    assert organisation.account["person_id"] == before, "one person, confirmed"
    assert organisation.sign_in()["account"]["normalized"] is True
    assert refused(lambda: organisation.normalize({**right, "code": "123456"})).status == 409
    rows = all_pages(officer("officer-police").client, "/population-queries")
    mine = [(r["purpose"], r["outcome"]) for r in rows if r["account_id"] == organisation.account["account_id"]]
    assert mine == [("organisation_normalization", outcome) for outcome in ("MATCH", *["NO_MATCH"] * 3)]


@pytest.mark.req("ID-28")
def test_each_kind_of_account_has_its_own_form(world):
    organisation, citizen = Organisation(world, next_organisation()).enter(), Citizen(world, somebody()).enter()
    citizens_form = citizen.normalization()
    refusal = organisation.client.refused("POST", "/account/normalization", citizens_form, key=new_key())
    assert (refusal.status, refusal.rule) == (409, "ID-28")
    assert refusal.problem["normalization"] == OWN_NORMALIZATION
    refusal = citizen.client.refused("POST", OWN_NORMALIZATION, organisation.normalization(), key=new_key())
    assert (refusal.status, refusal.rule) == (409, "ID-28")
    assert citizen.home()["account"]["kind"] == "citizen"
    citizen.normalize(citizens_form)  # neither door took anything away
    organisation.normalize()


@pytest.mark.req("ID-28", "SY-04")
def test_a_register_that_is_away_locks_and_normalizes_nobody(world):
    organisation = Organisation(world, next_organisation()).enter()
    right = organisation.normalization()
    organisation.client.patience, patience = 0.0, organisation.client.patience
    try:
        for order in ({"down": True}, {"wrong": "garbage"}):
            world.tell("population", "/control", order)
            refusal = refused(lambda: organisation.normalize(right))
            assert refusal.status == 503 and int(refusal.headers["retry-after"]) > 0
    finally:
        world.tell("population", "/control", {})
        organisation.client.patience = patience
    assert form_of(organisation) == FIELDS
    organisation.normalize(right)


@pytest.mark.req("ID-28", "ID-05", "ID-06")
def test_one_account_a_tax_number_and_the_others_are_locked_with_a_way_out(world):
    known = next_organisation()
    owner = Organisation(world, known).enter()
    claimant, late = (Organisation(world, known, phone=f"096799910{n}") for n in range(2))
    bystander = Organisation(world, next_organisation()).enter()
    claimant.enter()
    owner.sign_in()
    owner.normalize()
    refusal = refused(claimant.sign_in)
    assert (refusal.status, refusal.rule, refusal.problem["reason"]) == (403, "ID-27", "duplicate_identity")
    late.enter()  # registering tells nothing of who has an account
    told = refused(late.normalize)
    assert (told.status, told.rule, told.problem["hotline"]) == (409, "ID-06", HOTLINE)
    assert refused(late.sign_in).status == 403
    bystander.sign_in()
    assert owner.sign_in()["account"]["normalized"] is True


@pytest.mark.req("ID-28", "ID-06")
def test_of_eight_at_once_with_one_tax_number_one_is_normalized(world):
    known = next_organisation()
    rivals = [Organisation(world, known, phone=f"096799920{n}") for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        forms = list(pool.map(lambda rival: rival.enter().normalization(), rivals))
    start = threading.Barrier(len(rivals))

    def run(n: int) -> Any:
        rivals[n].client.renew = None
        start.wait(timeout=30)
        try:
            return rivals[n].client.post(OWN_NORMALIZATION, forms[n], key=new_key())
        except Refused as refusal:
            return refusal

    with ThreadPoolExecutor(len(rivals)) as pool:
        answers = list(pool.map(run, range(len(rivals))))
    lost = [answer for answer in answers if isinstance(answer, Refused)]
    assert len(lost) == len(rivals) - 1, Counter(str(answer) for answer in answers)
    # 401: the winner's lock had ended the session before its request came
    clear = [r.status == 401 or (r.status, r.rule) in {(409, "ID-06"), (403, "ID-27")} for r in lost]
    assert all(clear), [str(r) for r in lost]
    for rival, answer in zip(rivals, answers, strict=True):
        if isinstance(answer, Refused):
            assert refused(rival.sign_in).status == 403
        else:
            assert rival.sign_in()["account"]["normalized"] is True


@pytest.mark.req("ID-28", "ID-08")
def test_vneid_leads_its_representative_to_his_own_account_and_never_to_it(world):
    organisation = Organisation(world, next_organisation()).enter()
    organisation.normalize()
    representative = person_of(organisation.known.representative)
    client = world.client()
    assert refused(lambda: vneid.sign_in(world, client, representative.personal_number)).status == 403
    private = Citizen(world, representative).enter()
    private.normalize()
    answer = vneid.sign_in(world, client, representative.personal_number)
    assert answer["account"]["account_id"] == private.account["account_id"] != organisation.account["account_id"]


@pytest.mark.req("SE-05", "ID-28")
def test_what_an_organisation_files_is_seen_by_nobody_else_not_even_its_representatives_own_account(
    world, scenes: Scenes
):
    organisation = Organisation(world, next_organisation()).enter()
    organisation.normalize()
    private = Citizen(world, person_of(organisation.known.representative)).enter()
    private.normalize()
    rival = Organisation(world, next_organisation()).enter()
    rival.normalize()
    assert private.account["person_id"] != organisation.account["person_id"]
    code = scenes.filed(citizen=organisation)
    # it sees itself, and the desk where it filed does
    assert organisation.dossier(code)["code"] == code
    assert code in [row["code"] for row in all_pages(organisation.client, "/dossiers")]
    assert scenes.desk.dossier(code)["code"] == code
    file_id = scenes.papers(organisation, COPY)["don"]
    assert organisation.client.send("GET", f"/files/{file_id}/content").status_code == 200
    for other in (private, rival):
        for path in (f"/dossiers/{code}", f"/dossiers/{code}/history", f"/dossiers/{code}/versions",
                     f"/files/{file_id}/content", f"/dossiers/{code}/orders"):  # fmt: skip
            assert other.client.refused("GET", path).status in (403, 404), path
        assert code not in [row["code"] for row in all_pages(other.client, "/dossiers")]
        body = {"version": organisation.dossier(code)["version"]}
        assert other.client.refused("POST", f"/dossiers/{code}/withdrawal", body).status in (403, 404)
    # and the organisation sees nothing of what its representative files for himself
    own = scenes.filed(citizen=private)
    assert organisation.client.refused("GET", f"/dossiers/{own}").status in (403, 404)
