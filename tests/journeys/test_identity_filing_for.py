"""Filing for somebody else: as a helper, under an authorisation, at the desk, at the post office."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from deploy.demo.client import eventually, new_key
from deploy.demo.filing import NO_MATCH
from deploy.demo.people import BIRTH, COPY, QUANG_THAI, Citizen, Officer, all_pages, pay, refused, verdict_of
from deploy.demo.world import World
from deploy.rehearsal.cast import UNITS, Person
from tests.journeys.scenes import COMPONENTS, Scenes, somebody

STATEMENT_FIELDS = (
    "desk", "dossier_version", "filed_as", "owner", "pickup", "procedure", "procedure_version", "unit",
)  # fmt: skip


@pytest.fixture(scope="module")
def helper(world: World) -> Citizen:
    """A normalized citizen with an account of her own, who files for others."""
    citizen = Citizen(world, somebody()).enter()
    citizen.normalize()
    return citizen


def data_of(person: Person) -> dict[str, str]:
    """The three fields that say whose dossier it is."""
    return {
        "full_name": person.full_name,
        "birth_date": person.birth_date.isoformat(),
        "id_number": person.personal_number,
    }


def body_for(scenes: Scenes, who: Citizen, procedure: str = COPY, **for_whom: Any) -> dict[str, Any]:
    return who.dossier_body(procedure, scenes.papers(who, procedure)) | for_whom


def file_for(scenes: Scenes, who: Citizen, procedure: str = COPY, **for_whom: Any) -> str:
    """The code of a dossier just filed for another, its signatures checked."""
    code = str(who.client.post("/dossiers", body_for(scenes, who, procedure, **for_whom))["code"])
    for component in COMPONENTS[procedure]:
        verdict_of(who.client, code, component)
    return code


def listed(citizen: Citizen, path: str = "/dossiers") -> list[str]:
    return [row["code"] for row in citizen.client.get(path)["items"]]


def to_desk(scenes: Scenes, officer: Officer, applicant: dict[str, str], **more: Any) -> dict[str, Any]:
    """What an officer sends for an applicant, with scans of his own making."""
    files = {
        name: officer.upload(scenes.world.paper(name, applicant["id_number"]), f"{name}.pdf", "component")["file_id"]
        for name in COMPONENTS[COPY]
    }
    return {
        "procedure": COPY, "applicant": applicant, "pickup": "online", "statement": True,
        "components": [{"component": name, "file_id": file_id} for name, file_id in files.items()],
    } | more  # fmt: skip


# --- helping ---------------------------------------------------------------------------------------------------------


@pytest.mark.req("DF-01", "DF-03", "DF-04", "DF-06")
def test_what_a_helper_filed_is_the_owners_once_she_has_an_account(world, scenes, helper, stranger, desk, specialist):
    who = somebody()
    code = file_for(scenes, helper, BIRTH, beneficiary=data_of(who))
    seen = helper.dossier(code)
    assert (seen["filed_as"], seen["owner_is_me"], seen["mode"]) == ("help", False, "SELF_PORTAL")
    assert code in listed(helper, "/filed-for-others") and code not in listed(helper)
    desk.on_dossier(code, "acceptance")
    eventually(lambda: scenes.case(code), what="the case")
    specialist.work(code)
    scenes.attach(code, "right")
    desk.on_dossier(code, "return")

    owner = Citizen(world, who).enter()
    assert listed(owner) == []  # control: an account that nobody confirmed is not the person of that number
    owner.normalize()
    eventually(lambda: listed(owner) == [code], what="the dossier in its owner's list")
    eventually(
        lambda: [row["code"] for row in owner.client.get("/holdings")["items"]] == [code],
        what="her store",
    )
    eventually(lambda: owner.dossier(code)["number_verified"], what="intake hears that she is confirmed")
    mine = owner.dossier(code)
    assert (mine["code"], mine["owner_is_me"], mine["number_verified"]) == (code, True, True)
    assert mine["receipt_file_id"] and mine["result"]
    assert owner.client.fetch(f"/dossiers/{code}/receipt").startswith(b"%PDF-")
    assert listed(owner, "/filed-for-others") == []
    # What was told to nobody's phone while there was no account is there to read.
    assert {"dossier.filed", "dossier.accepted", "dossier.returned"} <= {row["kind"] for row in owner.notices()}

    after = helper.dossier(code)
    assert (after["status"], after["result"], after["receipt_file_id"]) == ("returned", None, None)
    assert helper.client.get("/holdings")["items"] == []
    assert code not in listed(helper)
    for path in (f"/dossiers/{code}/receipt", f"/dossiers/{code}/files/{mine['result']['file_id']}"):
        refusal = refused(lambda path=path: helper.client.fetch(path))
        assert (refusal.status, refusal.rule) == (403, "DF-03"), path
    assert stranger.client.refused("GET", f"/dossiers/{code}").status == 404  # control
    assert code not in listed(stranger)


@pytest.mark.req("DF-03", "DF-04", "X-23")
def test_a_wrong_name_leads_the_dossier_to_nobody_and_shuts_nobody_out(world, scenes, helper, desk):
    """The number alone decides nothing: a slip of the pen beside it is no claim on its owner's account."""
    who = somebody()
    wrong = file_for(scenes, helper, beneficiary=data_of(who) | {"full_name": who.full_name + " Khác"})
    right = file_for(scenes, helper, beneficiary=data_of(who))
    shouted = file_for(scenes, helper, beneficiary=data_of(who) | {"full_name": who.full_name.upper()})
    owner = Citizen(world, who).enter()
    owner.normalize()
    eventually(lambda: set(listed(owner)) == {right, shouted}, what="what was filed under her name")
    assert owner.client.refused("GET", f"/dossiers/{wrong}").status == 404
    # Whoever files for her now learns nothing of her account: right and wrong data are answered alike …
    answers = [
        helper.client.post("/dossiers", body_for(scenes, helper, beneficiary=data_of(who) | other))
        for other in ({}, {"birth_date": "1950-01-01"})
    ]
    assert [(answer["filed_as"], answer["number_verified"]) for answer in answers] == [("help", None)] * 2
    # … and only the right ones lead to her.
    good, bad = (answer["code"] for answer in answers)
    assert owner.dossier(good)["number_verified"] is True
    assert owner.client.refused("GET", f"/dossiers/{bad}").status == 404
    # The desk, which has her before it, is told.
    body = to_desk(scenes, desk, data_of(who) | {"birth_date": "1950-01-01"}, mode="DIRECT")
    refusal = desk.client.refused("POST", f"/desks/{QUANG_THAI}/dossiers", body)
    assert (refusal.status, refusal.rule, refusal.problem["title_vi"]) == (422, "ID-16", NO_MATCH)


@pytest.mark.req("DF-04")
def test_many_who_file_at_once_for_somebody_unknown_file_for_one_person(world, scenes, helper):
    who = somebody()
    body = body_for(scenes, helper, beneficiary=data_of(who))
    with ThreadPoolExecutor(8) as pool:
        codes = set(pool.map(lambda _: helper.client.post("/dossiers", body)["code"], range(8)))
    owner = Citizen(world, who).enter()
    owner.normalize()
    assert len(codes) == 8
    eventually(lambda: set(listed(owner)) == codes, what="all of them in her list")


@pytest.mark.req("DF-01")
def test_only_a_citizens_own_account_files_for_another(scenes, helper, desk, officer):
    body = body_for(scenes, helper, beneficiary=data_of(somebody()))
    for who in (desk, officer("officer-postal"), officer("officer-support")):
        assert who.client.refused("POST", "/dossiers", body).status == 403
    assert scenes.world.anybody.refused("POST", "/dossiers", body).status == 401
    assert helper.client.post("/dossiers", body)["filed_as"] == "help"  # control: her own account may
    refusal = helper.client.refused("POST", "/dossiers", body | {"beneficiary": data_of(helper.person)})
    assert (refusal.status, refusal.rule) == (422, "DF-01")
    assert refusal.problem["errors"][0]["field"] == "beneficiary.id_number"


@pytest.mark.req("DF-02", "DF-05")
def test_the_three_fields_are_needed_and_a_number_has_nine_or_twelve_digits(scenes, helper):
    who = data_of(somebody())
    for name in who:
        missing = {key: value for key, value in who.items() if key != name}
        refusal = helper.client.refused("POST", "/dossiers", body_for(scenes, helper, beneficiary=missing))
        assert refusal.status == 422
        assert [error["field"] for error in refusal.problem["errors"]] == [f"beneficiary.{name}"]
    for digits in ("1234567890", "12345678", "04619000012x", ""):
        wrong = body_for(scenes, helper, beneficiary=who | {"id_number": digits})
        refusal = helper.client.refused("POST", "/dossiers", wrong)
        assert refusal.status == 422, digits
        assert [error["field"] for error in refusal.problem["errors"]] == ["beneficiary.id_number"], digits
        if digits:
            assert refusal.rule == "DF-05", digits
    for digits in ("191234567", who["id_number"]):  # control: CMND and CCCD
        given = body_for(scenes, helper, beneficiary=who | {"id_number": digits})
        assert helper.client.post("/dossiers", given)["filed_as"] == "help"


@pytest.mark.req("DF-06", "RO-07")
def test_a_helpers_filing_counts_as_her_own_channel_says(world, scenes, helper, ioc):
    phone = Citizen(world, helper.person, channel="hue-s")
    phone.sign_in()
    for client, mode in ((helper, "SELF_PORTAL"), (phone, "SELF_HUES")):
        body = body_for(scenes, helper, beneficiary=data_of(somebody()))
        code = client.client.post("/dossiers", body)["code"]
        assert helper.dossier(code)["mode"] == mode
        judged = eventually(lambda code=code: recognition(ioc, code), what="oversight's judgement")
        assert judged["recognition"] == "PENDING", mode  # on the way to be counted: a signed result is missing


def recognition(ioc: Officer, code: str) -> dict[str, Any] | None:
    """Whether a dossier counts as filed online; None until oversight has heard of it."""
    try:
        answer: dict[str, Any] = ioc.client.get(f"/recognition/{code}")
    except Exception as refusal:
        if getattr(refusal, "status", 0) != 404:
            raise
        return None
    return answer


@pytest.mark.req("DF-03")
def test_a_helper_answers_slips_and_pays_but_ends_nothing(world, scenes, helper, stranger, desk, specialist):
    code = file_for(scenes, helper, beneficiary=data_of(somebody()))
    scenes.guided(code, "Bổ sung trang một.", ["ban-chup"])
    helper.amend(code, {"ban-chup": scenes.scan(f"{code} trang một", helper)})
    desk.on_dossier(code, "acceptance")
    eventually(lambda: scenes.case(code), what="the case")
    specialist.on_case(code, "steps/tham-dinh/start")
    slip = scenes.slip(f"{code} yêu cầu bổ sung", "officer-specialist", specialist)
    asked = specialist.on_case(code, "supplements", text="Bổ sung trang hai.", components=["ban-chup"], file_id=slip)
    eventually(lambda: helper.dossier(code)["components"][1]["requested"], what="the request in her view")
    assert helper.client.get(f"/slips/{asked['supplements'][-1]['slip_id']}")["text"] == "Bổ sung trang hai."
    helper.amend(code, {"ban-chup": scenes.scan(f"{code} trang hai", helper)})
    assert helper.dossier(code)["dossier_version"] == 3
    kinds = {"dossier.guided", "dossier.accepted", "supplement.requested"}
    eventually(lambda: kinds <= {row["kind"] for row in helper.notices() if row["code"] == code}, what="her notices")

    orders = eventually(lambda: helper.orders(code), what="the order of the fee")
    pay(world, helper, orders[0]["order_id"])
    eventually(lambda: helper.orders(code)[0]["receipt_ready"], what="the receipt of the fee")
    assert stranger.client.refused("GET", f"/dossiers/{code}/orders").status == 404  # control

    refusal = helper.client.refused(
        "POST", f"/dossiers/{code}/withdrawal", {"version": helper.dossier(code)["version"]}
    )
    assert (refusal.status, refusal.rule) == (403, "DF-03")
    assert helper.dossier(code)["status"] == "accepted"


# --- authorised ------------------------------------------------------------------------------------------------------


@pytest.mark.req("ID-23")
def test_an_authorised_person_acts_on_a_paper_and_the_dossier_is_the_other_partys(
    world, scenes, helper, stranger, desk
):
    who = Citizen(world, somebody()).enter()
    who.normalize()
    without = helper.client.refused("POST", "/dossiers", body_for(scenes, helper, authorisation=data_of(who.person)))
    assert (without.status, without.rule) == (422, "ID-23")
    assert without.problem["errors"][0]["field"] == "authorisation.file_id"
    foreign = scenes.scan("Giấy ủy quyền của người khác", stranger)
    for file_id in (foreign, "0" * 32):
        body = body_for(scenes, helper, authorisation=data_of(who.person) | {"file_id": file_id})
        refusal = helper.client.refused("POST", "/dossiers", body)
        assert (refusal.status, refusal.problem["errors"][0]["field"]) == (422, "authorisation.file_id")

    paper = helper.upload(
        world.signed(world.paper("Giấy ủy quyền", who.person.full_name), "citizen-chi"), "uy-quyen.pdf"
    )["file_id"]  # fmt: skip
    under = data_of(who.person) | {"file_id": paper}
    both = body_for(scenes, helper, authorisation=under, beneficiary=data_of(who.person))
    assert helper.client.refused("POST", "/dossiers", both).status == 422
    code = file_for(scenes, helper, authorisation=under)
    assert listed(who) == [code] and who.dossier(code)["owner_is_me"]
    assert code in listed(helper, "/filed-for-others") and code not in listed(helper)
    shown = eventually(lambda: signed_paper(desk, code), what="the verdict on the authorisation")
    assert (shown["file_id"], shown["verdict"]) == (paper, "TOTAL_PASSED")
    assert desk.client.fetch(f"/dossiers/{code}/files/{paper}").startswith(b"%PDF-")
    assert stranger.client.refused("GET", f"/dossiers/{code}").status == 404  # control

    desk.on_dossier(code, "acceptance")
    assert helper.client.fetch(f"/dossiers/{code}/receipt").startswith(b"%PDF-")
    eventually(lambda: scenes.case(code), what="the case")
    helper.client.post(f"/dossiers/{code}/withdrawal", {"version": helper.dossier(code)["version"]})
    assert who.dossier(code)["status"] == "withdrawn"


def signed_paper(officer: Officer, code: str) -> dict[str, Any] | None:
    paper: dict[str, Any] = officer.dossier(code)["authorisation"]
    return paper if paper["verdict"] else None


# --- at the desk and at the post -------------------------------------------------------------------------------------


@pytest.mark.req("ID-10", "RO-07", "IN-20")
def test_what_the_desk_digitised_is_listed_when_its_owner_normalizes(world, scenes, desk, officer, stranger, ioc):
    who = somebody()
    path, key = f"/desks/{QUANG_THAI}/dossiers", new_key()
    body = to_desk(scenes, desk, data_of(who), mode="DIRECT")
    made = desk.client.post(path, body, key=key)
    code = made["code"]
    assert desk.client.post(path, body, key=key)["code"] == code  # repeated: the same dossier
    assert (made["mode"], made["filed_as"], made["owner_is_me"]) == ("DIRECT", "desk", False)
    assert code in [row["code"] for row in desk.queue()]
    for component in COMPONENTS[COPY]:
        verdict_of(desk.client, code, component)
    desk.on_dossier(code, "acceptance", note="Bản chụp từ giấy")
    assert desk.client.fetch(f"/dossiers/{code}/receipt").startswith(b"%PDF-")
    assert eventually(lambda: recognition(ioc, code), what="oversight's judgement")["recognition"] == "NOT"

    owner = Citizen(world, who).enter()
    owner.normalize()
    eventually(lambda: listed(owner) == [code], what="the paper dossier in its owner's list")
    mine = owner.dossier(code)
    assert (mine["owner_is_me"], mine["mode"], mine["status"]) == (True, "DIRECT", "accepted")
    assert stranger.client.refused("GET", f"/dossiers/{code}").status == 404  # control
    assert code not in listed(stranger)
    assert officer("officer-desk-a-ngo").client.refused("GET", f"/dossiers/{code}").status == 403


@pytest.mark.req("RO-07", "IN-20")
def test_who_may_file_at_a_desk_and_as_what(scenes, desk, officer, helper, ioc):
    who = data_of(somebody())
    path = f"/desks/{QUANG_THAI}/dossiers"
    body = to_desk(scenes, desk, who, mode="OFFICER_ASSISTED")
    for person in (officer("officer-desk-a-ngo"), officer("officer-specialist"), helper):
        assert person.client.refused("POST", path, body).status == 403
    for mode in ("SELF_PORTAL", "BCCI", ""):
        refusal = desk.client.refused("POST", path, body | {"mode": mode})
        assert (refusal.status, refusal.problem["errors"][0]["field"]) == (422, "mode")
    refusal = desk.client.refused("POST", path, body | {"applicant": who | {"id_number": "1234567890"}})
    assert (refusal.rule, refusal.problem["errors"][0]["field"]) == ("DF-05", "applicant.id_number")
    code = desk.client.post(path, body)["code"]  # control
    assert desk.dossier(code)["mode"] == "OFFICER_ASSISTED"
    judged = eventually(lambda: recognition(ioc, code), what="oversight's judgement")
    assert judged["recognition"] == "NOT"  # an officer's help counts no longer


@pytest.mark.req("RO-07", "IN-20")
def test_the_post_registers_for_an_applicant(scenes, officer, desk, ioc):
    postal = officer("officer-postal")
    path = f"/post-offices/{UNITS['postal'].identifier}/dossiers"
    body = to_desk(scenes, postal, data_of(somebody()), desk=QUANG_THAI)
    made = postal.client.post(path, body)
    assert (made["mode"], made["filed_as"]) == ("BCCI", "post")
    code = made["code"]
    assert desk.dossier(code)["mode"] == "BCCI"
    judged = eventually(lambda: recognition(ioc, code), what="oversight's judgement")
    assert judged["recognition"] == "PENDING"  # counts, once a signed result is there (ST-03)
    assert postal.client.refused("GET", f"/dossiers/{code}").status == 403
    assert desk.client.refused("POST", path, body).status == 403  # control: a desk is no post office
    assert postal.client.refused("POST", "/post-offices/000.00.31.H57/dossiers", body).status == 403


# --- the statement ---------------------------------------------------------------------------------------------------


def digest(dossier: dict[str, Any], version: dict[str, Any]) -> str:
    """The digest of a submission, computed by who reads the versions of a dossier."""
    known = {
        **{name: dossier[name] for name in STATEMENT_FIELDS if name in dossier},
        "dossier_version": version["dossier_version"],
        "owner": version["submission"]["owner"],
        "components": [{name: row[name] for name in ("component", "sha256")} for row in version["components"]],
    }
    assert set(known) == {*STATEMENT_FIELDS, "components"}
    text = json.dumps(known, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.req("SE-08")
def test_the_statement_is_kept_with_the_digest_of_what_was_declared(scenes, helper, resident, ioc):
    body = resident.dossier_body(COPY, scenes.papers(resident, COPY))
    for wrong in (False, None):
        refusal = resident.client.refused("POST", "/dossiers", body | {"statement": wrong})
        assert [error["field"] for error in refusal.problem["errors"]] == ["statement"]
    code = scenes.filed(COPY)
    scenes.guided(code, "Bổ sung trang chín.", ["ban-chup"])
    resident.amend(code, {"ban-chup": scenes.scan(f"{code} trang chín")})
    dossier = resident.dossier(code)
    first, second = resident.client.get(f"/dossiers/{code}/versions")["items"]
    assert first["submission"]["statement_vi"].startswith("Tôi xin cam đoan")
    assert second["submission"]["statement"] is None  # an amendment that did not carry it
    assert first["submission"]["sha256"] == digest(dossier, first)
    assert second["submission"]["sha256"] == digest(dossier, second)
    changed = {**first, "components": [{**row, "sha256": "0" * 64} for row in first["components"]]}
    assert digest(dossier, changed) != first["submission"]["sha256"]  # control: other bytes, another digest

    def told() -> list[str]:
        bodies = [row["body"] for row in all_pages(ioc.client, "/ledger", code=code)]
        return [body["data"]["submission_sha256"] for body in bodies if "submission_sha256" in body["data"]]

    eventually(
        lambda: told() == [first["submission"]["sha256"], second["submission"]["sha256"]],
        what="both digests in the ledger",
    )
