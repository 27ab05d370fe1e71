"""Normalization against the running room and the population simulator."""

from __future__ import annotations

import threading
import unicodedata
import uuid
from typing import Any

import pymongo
import pytest

from deploy.local.system import System
from services.common.problems import Problem
from tests.support.bus import Bus, Tokens, eventually
from tests.support.people import Citizen, Phones, citizen, normalized, population, somebody

TEXT = (
    "Không tìm thấy dữ liệu dân cư trùng khớp với các thông tin họ tên, ngày sinh, số định danh mà bạn cung cấp. "
    "Bạn có chắc chắn các thông tin trên chính xác không?"
)


def refused(person: Citizen, **changed: Any) -> Problem:
    return person.bus.refused("identity.normalize", person.token, key=uuid.uuid4().hex, **person.form(**changed))


@pytest.mark.req("ID-01")
def test_home_shows_four_fields_until_normalized(bus: Bus, system: System) -> None:
    person = citizen(bus, system)
    form = person.home()["normalization_form"]
    assert [field["name"] for field in form["fields"]] == ["full_name", "id_number", "issue_date", "phone"]
    assert all(field["required"] for field in form["fields"])
    person.ask_code().normalize()
    home = person.home()
    assert home["normalization_form"] is None
    assert home["account"]["normalized"] is True
    assert home["account"]["id_number"] != person.entry.id_number, "masked"


@pytest.mark.req("ID-02")
def test_form_stays_until_all_is_complete_and_right(bus: Bus, system: System) -> None:
    person = citizen(bus, system).ask_code()
    for field in ("full_name", "id_number", "issue_date", "phone"):
        form = person.form()
        del form[field]
        problem = bus.refused("identity.normalize", person.token, key=uuid.uuid4().hex, **form)
        assert (problem.status, [e["field"] for e in problem.errors]) == (422, [field])
        assert person.home()["normalization_form"] is not None
    for field, value in (("id_number", "123456789"), ("issue_date", "2999-01-01"), ("full_name", "12")):
        problem = refused(person, **{field: value})
        assert ([e["field"] for e in problem.errors], problem.rule) == ([field], "ID-02")
    assert person.home()["normalization_form"] is not None
    person.normalize()
    assert person.home()["normalization_form"] is None


@pytest.mark.req("ID-03", "ID-16", "ID-17", "X-6")
def test_each_difference_is_rejected_and_the_exact_match_accepted(bus: Bus, system: System) -> None:
    person, other = citizen(bus, system).ask_code(), somebody()
    differing: list[dict[str, str]] = [
        {"full_name": other.full_name + " Khác"},
        {"id_number": other.id_number},
        {"issue_date": "2021-12-31"},
        {"birth_date": "1999-12-31"},
    ]
    for changed in differing:
        problem = refused(person, **changed)
        assert (problem.status, problem.rule) == (422, "ID-16")
        assert problem.title_vi == TEXT
        assert unicodedata.is_normalized("NFC", problem.title_vi)
    person.sign_in()  # not locked
    answer = person.normalize(full_name=person.entry.full_name.upper())
    assert answer["normalized"] is True


@pytest.mark.req("ID-16")
def test_unknown_number_has_the_same_text(bus: Bus, system: System) -> None:
    problem = refused(citizen(bus, system).ask_code(), id_number="001099000001")
    assert (problem.rule, problem.title_vi) == ("ID-16", TEXT)


@pytest.mark.req("ID-04")
def test_nobody_normalizes_without_signing_in(bus: Bus, system: System) -> None:
    person = citizen(bus, system).ask_code()
    problem = bus.refused("identity.normalize", None, key=uuid.uuid4().hex, **person.form())
    assert problem.status == 401
    assert person.home()["normalization_form"] is not None


@pytest.mark.req("ID-04")
def test_what_was_filed_before_follows_to_the_person_of_the_number(
    bus: Bus, system: System, tokens: Tokens, database: pymongo.MongoClient
) -> None:
    entry = somebody()
    known = {
        "id_number": entry.id_number,
        "full_name": entry.full_name,
        "birth_date": entry.birth_date.isoformat(),
    }
    minted = bus.call("identity.resolve_person", tokens.service("intake"), **known)
    assert bus.call("identity.resolve_person", tokens.service("intake"), **known) == {**minted, "minted": False}
    person = citizen(bus, system, entry)
    former, old_token = person.person_id, person.token
    assert former != minted["person_id"]
    answer = person.ask_code().normalize()
    assert answer["person_id"] == minted["person_id"]
    event = eventually(
        lambda: database["identity"]["told"].find_one(
            {"type": "vn.motcua.account.normalized.v1", "data.account_id": person.account_id}
        )
    )
    assert event["data"] == {
        "account_id": person.account_id,
        "person_id": minted["person_id"],
        "former_person_id": former,
    }
    assert bus.refused("identity.home", old_token).status == 401, "tokens of the former person end"
    for person_id in (former, minted["person_id"]):
        read = bus.call("identity.person", tokens.service("intake"), person_id=person_id, purpose="receipt")
        assert (read["person_id"], read["has_account"]) == (minted["person_id"], True)
    again = bus.call("identity.refresh", refresh_token=person.signed_in["refresh_token"])
    assert again["account"] == {
        "account_id": person.account_id,
        "person_id": minted["person_id"],
        "normalized": True,
    }


@pytest.mark.req("ID-05", "ID-27")
def test_accounts_that_claimed_the_number_are_locked(bus: Bus, system: System) -> None:
    owner, bystander = citizen(bus, system), normalized(bus, system)
    rivals = [citizen(bus, system), citizen(bus, system)]
    for rival in rivals:
        rival.ask_code()
        assert refused(rival, id_number=owner.entry.id_number).rule == "ID-16"
        assert rival.home()
    owner.ask_code().normalize()
    for rival in rivals:
        assert bus.refused("identity.home", rival.token).status in (401, 403)
        told = bus.refused("identity.sign_in", phone=rival.phone, password=rival.password)
        assert (told.status, told.extra["reason"], told.extra["hotline"]) == (
            403,
            "duplicate_identity",
            "19001075",
        )
    assert owner.home()
    assert bystander.home()


@pytest.mark.req("ID-06")
def test_of_two_at_once_one_is_normalized(bus: Bus, system: System, database: pymongo.MongoClient) -> None:
    entry = somebody()
    rivals = [citizen(bus, system, entry), Citizen(bus, Phones(system), entry, phone=somebody().phone)]
    rivals[1].register().sign_in()
    forms = [rival.ask_code().form() for rival in rivals]
    outcomes: list[Any] = [None, None]
    start = threading.Barrier(2)

    def run(n: int) -> None:
        line = Bus(system.amqp_url("operator"))
        try:
            start.wait(timeout=10)
            outcomes[n] = line.call("identity.normalize", rivals[n].token, key=uuid.uuid4().hex, **forms[n])
        except Problem as problem:
            outcomes[n] = problem
        finally:
            line.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    won = [outcome for outcome in outcomes if isinstance(outcome, dict)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    assert (len(won), len(lost)) == (1, 1)
    assert lost[0].rule == "ID-06" or lost[0].status in (401, 403), lost[0].to_dict()
    owned = database["identity"]["accounts"].count_documents(
        {"_id": {"$in": [rival.account_id for rival in rivals]}, "holds_number": True}
    )
    assert owned == 1


@pytest.mark.req("X-24", "X-28")
def test_the_code_goes_to_the_claimed_phone_and_is_needed(
    bus: Bus, system: System, database: pymongo.MongoClient
) -> None:
    person, new_phone = citizen(bus, system), somebody().phone
    assert refused(person, code="000000").errors[0]["field"] == "code", "none was asked for"
    person.ask_code(new_phone)
    code = person.phones.code(new_phone)
    assert refused(person, code=code).errors[0]["field"] == "code", "a code proves the phone it was sent to"
    key = uuid.uuid4().hex
    form = person.form(phone=new_phone)
    first = bus.call("identity.normalize", person.token, key=key, **form)
    person.token = first["access_token"]
    again = bus.refused("identity.normalize", person.token, key=uuid.uuid4().hex, **form)
    assert again.status == 409
    repeated = bus.call("identity.normalize", person.token, key=key, **form)
    assert repeated == first | {"access_token": None}, "same key, same answer, but for the token, which is kept nowhere"
    for row in database["identity"]["idempotency"].find({}):
        assert first["access_token"] not in str(row)
    fresh = bus.call("identity.refresh", refresh_token=person.signed_in["refresh_token"])
    assert fresh["account"]["normalized"] is True
    person.phone = new_phone
    assert person.sign_in().home()["account"]["normalized"] is True


@pytest.mark.req("X-24")
def test_five_tries_end_a_code(bus: Bus, system: System) -> None:
    person = citizen(bus, system).ask_code()
    right = person.form()
    wrong = "000000" if right["code"] != "000000" else "111111"
    for _ in range(5):
        assert refused(person, code=wrong).status == 422
    assert refused(person).errors[0]["field"] == "code"
    person.ask_code().normalize()


@pytest.mark.req("X-28")
def test_only_an_old_account_without_birth_date_sees_a_fifth_field(bus: Bus, system: System) -> None:
    token = bus.call("identity.sign_in", phone="0977000000", password="Dien tap 0977000000 2024")["access_token"]
    form = bus.call("identity.home", token)["normalization_form"]
    assert [field["name"] for field in form["fields"]] == [
        "full_name",
        "id_number",
        "issue_date",
        "phone",
        "birth_date",
    ]


def test_an_unreachable_population_database_changes_nothing(bus: Bus, system: System) -> None:
    person = citizen(bus, system).ask_code()
    population(system, down=True)
    try:
        problem = refused(person)
        assert (problem.status, problem.retry_after) == (503, 30)
    finally:
        population(system)
    assert person.home()["normalization_form"] is not None
    person.normalize()


def test_a_slow_population_database_is_not_waited_for(bus: Bus, system: System) -> None:
    person = citizen(bus, system).ask_code()
    population(system, delay=6)
    try:
        assert refused(person).status == 503
    finally:
        population(system)
    person.normalize()


def test_persons_are_read_by_rooms_with_a_purpose_and_logged(
    bus: Bus, system: System, tokens: Tokens, database: pymongo.MongoClient
) -> None:
    person = normalized(bus, system)
    asked = {"person_id": person.person_id, "purpose": "receipt"}
    read = bus.call("identity.person", tokens.service("intake"), **asked)
    assert read == {
        "person_id": person.person_id,
        "kind": "person",
        "full_name": person.entry.full_name,
        "id_number": person.entry.id_number,
        "birth_date": person.entry.birth_date.isoformat(),
        "tax_number": None,
        "phone": person.phone,
        "has_account": True,
        "verified": True,
    }
    row = database["identity"]["access_log"].find_one({"person_id": person.person_id, "purpose": "receipt"})
    assert row is not None
    assert row["caller"] == "service:intake"
    assert bus.refused("identity.person", person.token, **asked).status == 403
    assert bus.refused("identity.person", tokens.service("vault"), **asked).status == 403
    unknown = bus.refused("identity.person", tokens.service("intake"), person_id="per-nobody", purpose="receipt")
    assert unknown.status == 404


@pytest.mark.req("X-26")
def test_no_personal_data_stands_in_clear(bus: Bus, system: System, database: pymongo.MongoClient) -> None:
    person = normalized(bus, system)
    code = person.phones.code(person.phone)
    secrets = {
        "name": person.entry.full_name,
        "number": person.entry.id_number,
        "phone": person.phone[1:],
        "password": person.password,
    }
    everything = "".join(
        str(row)
        for room in ("identity", "notifier")
        for name in database[room].list_collection_names()
        for row in database[room][name].find()
    )
    logs = "".join((system.state.logs / f"{room}.log").read_text(encoding="utf-8") for room in ("identity", "notifier"))
    for what, secret in secrets.items():
        assert secret not in everything, what
        assert secret not in logs, what
    assert f"'{code}'" not in everything
