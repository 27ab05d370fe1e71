"""Registering, signing in and coming back, against the running room."""

from __future__ import annotations

import uuid
from typing import Any

import pymongo
import pytest

from deploy.local.system import System
from services.common.problems import Problem
from tests.support.bus import Bus, Tokens, eventually
from tests.support.people import Citizen, Phones, citizen, officer, somebody


def refused(bus: Bus, method: str, token: str | None = None, **kwargs: Any) -> Problem:
    return bus.refused(method, token, key=uuid.uuid4().hex, **kwargs)


def test_an_account_exists_once_the_code_of_its_phone_came_back(bus: Bus, system: System) -> None:
    person = Citizen(bus, Phones(system), somebody())
    made = bus.call("identity.register", **person.registration())
    assert refused(bus, "identity.sign_in", phone=person.phone, password=person.password).status == 401
    wrong = "000000" if person.phones.code(person.phone) != "000000" else "111111"
    problem = refused(bus, "identity.confirm_registration", registration_id=made["registration_id"], code=wrong)
    assert (problem.status, problem.errors[0]["field"]) == (422, "code")
    key = uuid.uuid4().hex
    right = {"registration_id": made["registration_id"], "code": person.phones.code(person.phone)}
    first = bus.call("identity.confirm_registration", key=key, **right)
    assert bus.call("identity.confirm_registration", key=key, **right) == first
    assert refused(bus, "identity.confirm_registration", **right).status == 422, "a code is good once"
    answer = bus.call("identity.sign_in", phone=person.phone, password=person.password, channel="hue-s")
    assert answer["account"] == {**first, "normalized": False}
    assert answer["token_type"] == "Bearer"
    assert bus.call("identity.home", answer["access_token"])["account"]["account_id"] == first["account_id"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "02343822222"),
        ("phone", "12"),
        ("birth_date", "2999-01-01"),
        ("birth_date", "not a day"),
        ("full_name", "123"),
        ("password", "short"),
    ],
)
def test_a_field_at_fault_is_named_and_nothing_is_sent(bus: Bus, system: System, field: str, value: str) -> None:
    person = Citizen(bus, Phones(system), somebody())
    problem = refused(bus, "identity.register", **person.registration(**{field: value}))
    assert problem.status == 422
    assert [error["field"] for error in problem.errors] == [field]
    assert person.phones.messages(person.phone) == []


@pytest.mark.req("ID-13", "ID-19", "X-23")
def test_a_taken_phone_is_told_only_to_whom_holds_it(bus: Bus, system: System) -> None:
    there = citizen(bus, system)
    second = Citizen(bus, there.phones, somebody(), phone=there.phone)
    made = bus.call("identity.register", **second.registration())
    wrong = "000000" if there.phones.code(there.phone) != "000000" else "111111"
    stranger = refused(bus, "identity.confirm_registration", registration_id=made["registration_id"], code=wrong)
    assert stranger.type == "/problems/invalid"
    holder = refused(
        bus,
        "identity.confirm_registration",
        registration_id=made["registration_id"],
        code=there.phones.code(there.phone),
    )
    assert (holder.status, holder.rule, holder.extra["hotline"]) == (409, "ID-13", "19001075")
    assert there.home()["account"]["account_id"] == there.account_id


def test_too_many_codes_are_not_sent(bus: Bus, system: System) -> None:
    person = Citizen(bus, Phones(system), somebody())
    for _ in range(5):
        bus.call("identity.register", **person.registration())
    problem = refused(bus, "identity.register", **person.registration())
    assert problem.status == 429
    assert problem.retry_after is not None
    assert 0 < problem.retry_after <= 901
    assert len(person.phones.messages(person.phone)) == 5


def test_too_many_wrong_passwords_must_wait(bus: Bus, system: System) -> None:
    person = citizen(bus, system)
    for _ in range(10):
        assert refused(bus, "identity.sign_in", phone=person.phone, password="wrong password").status == 401
    problem = refused(bus, "identity.sign_in", phone=person.phone, password=person.password)
    assert problem.status == 429


def test_a_code_that_cannot_be_sent_is_the_callers_problem(bus: Bus, system: System) -> None:
    person = Citizen(bus, Phones(system), somebody())
    person.phones.control(down=True)
    try:
        assert refused(bus, "identity.register", **person.registration()).status == 503
    finally:
        person.phones.control()
    assert person.register().account_id


def test_refresh_rotates_and_signing_out_ends_it(bus: Bus, system: System, tokens: Tokens) -> None:
    person = citizen(bus, system)
    first = person.signed_in["refresh_token"]
    second = bus.call("identity.refresh", refresh_token=first)
    assert second["refresh_token"] != first
    token = second["access_token"]
    assert bus.call("identity.home", token)["account"]["account_id"] == person.account_id
    assert bus.call("identity.sign_out", token) == {"signed_out": True}
    assert refused(bus, "identity.home", token).status == 401
    assert refused(bus, "identity.refresh", refresh_token=second["refresh_token"]).status == 401
    listed = bus.call("identity.revoked_sessions", tokens.service("gateway"))["sessions"]
    assert listed
    assert all(row["until"] > 0 and row["session"] for row in listed)


@pytest.mark.parametrize("text", ["", "x", "a.b", "a" * 200, "00000000000000000000000000000000.secret"])
def test_a_refresh_token_that_was_never_given_is_refused(bus: Bus, text: str) -> None:
    assert refused(bus, "identity.refresh", refresh_token=text).status in (401, 422)


@pytest.mark.req("X-28", "ID-11")
def test_recovery_answers_alike_and_sends_only_to_an_accounts_phone(bus: Bus, system: System) -> None:
    person, nobody = citizen(bus, system), somebody()
    known = bus.call("identity.request_recovery", phone=person.phone)
    unknown = bus.call("identity.request_recovery", phone=nobody.phone)
    assert known.keys() == unknown.keys() == {"accepted", "expires_at"}
    codes = eventually(lambda: c if len(c := person.phones.codes(person.phone)) == 2 else None)
    assert person.phones.messages(nobody.phone) == []
    new = {"phone": person.phone, "new_password": "Mot mat khau khac 2"}
    guess = "000000" if codes[1] != "000000" else "111111"
    assert refused(bus, "identity.recover", code=guess, **new).status == 422
    assert refused(bus, "identity.recover", code=guess, **{**new, "phone": nobody.phone}).status == 422
    assert bus.call("identity.recover", code=codes[1], **new) == {"recovered": True}
    assert refused(bus, "identity.recover", code=codes[1], **new).status == 422, "a code is good once"
    assert refused(bus, "identity.home", person.token).status == 401, "sessions of the old password end"
    assert refused(bus, "identity.sign_in", phone=person.phone, password=person.password).status == 401
    person.password = new["new_password"]
    assert person.sign_in().home()


def test_a_code_serves_the_purpose_it_was_sent_for(bus: Bus, system: System) -> None:
    person = citizen(bus, system)
    made = bus.call("identity.register", **person.registration())
    code = person.phones.code(person.phone)
    assert refused(bus, "identity.officer_confirm", challenge_id=made["registration_id"], code=code).status == 422
    assert (
        refused(bus, "identity.recover", phone=person.phone, code=code, new_password="Mot mat khau khac 2").status
        == 422
    )


def test_officers_sign_in_with_password_and_code(bus: Bus, system: System) -> None:
    problem = refused(bus, "identity.officer_sign_in", username="desk.duc", password="Dien tap khac")
    assert problem.status == 401
    assert refused(bus, "identity.officer_sign_in", username="nobody", password="Dien tap khac").status == 401
    challenge = bus.call("identity.officer_sign_in", username="desk.duc", password="Dien tap desk.duc 2024")
    code = Phones(system).code("0913000101")
    answer = bus.call("identity.officer_confirm", challenge_id=challenge["challenge_id"], code=code)
    assert answer["grants"] == [{"role": "desk_officer", "unit": "000.05.07.H57"}]
    again = refused(bus, "identity.officer_confirm", challenge_id=challenge["challenge_id"], code=code)
    assert again.status == 422
    assert refused(bus, "identity.home", answer["access_token"]).status == 403, "an officer is no citizen"


@pytest.mark.req("ID-26")
def test_support_locks_no_officer_and_nobody_themselves(bus: Bus, system: System) -> None:
    support, ioc = officer(bus, system, "officer-support"), officer(bus, system, "officer-ioc")
    for token, account in ((support, "acc-officer-ioc"), (support, "acc-officer-centre"), (ioc, "acc-officer-ioc")):
        problem = refused(bus, "identity.lock", token, account_id=account, reason="kiểm tra quyền")
        assert (problem.status, problem.rule) == (403, "ID-26")
    assert officer(bus, system, "officer-ioc")  # she signs in as before


@pytest.mark.req("ID-27")
def test_a_locked_account_dies_at_once_and_says_why_after_the_password(
    bus: Bus, system: System, tokens: Tokens, database: pymongo.MongoClient
) -> None:
    person, other = citizen(bus, system), citizen(bus, system)
    order = {"account_id": person.account_id, "reason": "Gây hại cho hệ thống"}
    desk = officer(bus, system, "officer-desk")
    assert refused(bus, "identity.lock", desk, **order).status == 403
    assert person.home()
    answer = bus.call("identity.lock", officer(bus, system, "officer-ioc"), **order)
    assert answer["state"] == "locked"
    assert refused(bus, "identity.home", person.token).status in (401, 403)
    assert refused(bus, "identity.refresh", refresh_token=person.signed_in["refresh_token"]).status == 401
    assert refused(bus, "identity.sign_in", phone=person.phone, password="wrong password").status == 401
    told = refused(bus, "identity.sign_in", phone=person.phone, password=person.password)
    assert (told.status, told.rule, told.extra["hotline"]) == (403, "ID-27", "19001075")
    assert other.home(), "another account is as before"
    event = eventually(
        lambda: database["identity"]["told"].find_one(
            {"type": "vn.motcua.account.locked.v1", "data.account_id": person.account_id}
        )
    )
    assert event["data"]["reason"] == "locked_by_office", "a word, not what the officer wrote"
