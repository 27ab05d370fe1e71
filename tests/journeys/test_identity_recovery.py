"""A forgotten password, and one that is to be changed: by a code to the account's own phone, and no other way."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.demo.client import Refused, eventually
from deploy.demo.people import Citizen
from deploy.demo.world import Phone
from tests.journeys.scenes import somebody

CONFIRMATION = "/account/recovery/confirmation"
NEW = "Dien tap mat khau moi 2024"


@pytest.fixture
def citizen(world) -> Citizen:
    return Citizen(world, somebody()).enter()


def sign_in_refused(citizen: Citizen, password: str) -> Refused:
    return citizen.world.anybody.refused("POST", "/sessions", {"phone": citizen.phone.number, "password": password})


def other_than(code: str) -> str:
    return "000000" if code != "000000" else "111111"


@pytest.mark.req("ID-11", "X-28", "X-23")
def test_a_recovery_code_goes_to_the_accounts_own_phone_alone_and_is_good_once(world, citizen):
    anybody, phone, old = world.anybody, citizen.phone, citizen.password
    nobody = Phone(world, somebody().phone)
    before = phone.newest()
    unknown = anybody.post("/account/recovery", {"phone": nobody.number})
    known = anybody.post("/account/recovery", {"phone": phone.number})
    assert set(unknown) == set(known)
    assert unknown["accepted"] is known["accepted"] is True
    code = phone.code(after=before)
    assert nobody.messages() == []
    body = {"phone": phone.number, "code": code, "new_password": NEW}
    assert anybody.refused("POST", CONFIRMATION, {**body, "code": other_than(code)}).status == 422
    assert anybody.refused("POST", CONFIRMATION, {**body, "phone": nobody.number}).status == 422
    assert anybody.refused("POST", CONFIRMATION, {**body, "new_password": "ngan"}).status == 422
    citizen.home()  # nothing has happened yet
    anybody.post(CONFIRMATION, body)
    assert citizen.client.once("GET", "/account").status_code == 401  # sessions of the old password end
    assert anybody.refused("POST", CONFIRMATION, {**body, "new_password": NEW + "5"}).status == 422  # reused
    assert sign_in_refused(citizen, old).status == 401
    assert sign_in_refused(citizen, NEW + "5").status == 401
    citizen.password = NEW
    citizen.sign_in()


@pytest.mark.req("ID-11")
def test_five_wrong_tries_and_a_newer_code_end_a_recovery_code(world, citizen):
    anybody, phone = world.anybody, citizen.phone

    def asked() -> str:
        before = phone.newest()
        anybody.post("/account/recovery", {"phone": phone.number})
        return phone.code(after=before)

    first, second = asked(), asked()
    body = {"phone": phone.number, "new_password": NEW}
    if first != second:
        assert anybody.refused("POST", CONFIRMATION, {**body, "code": first}).status == 422
    for _ in range(5):
        assert anybody.refused("POST", CONFIRMATION, {**body, "code": other_than(second)}).status == 422
    assert anybody.refused("POST", CONFIRMATION, {**body, "code": second}).status == 422
    citizen.sign_in()
    anybody.post(CONFIRMATION, {**body, "code": asked()})


@pytest.mark.req("ID-11", "ID-12")
def test_no_officer_is_shown_a_code_or_password(world, citizen, officer):
    before = citizen.phone.newest()
    world.anybody.post("/account/recovery", {"phone": citizen.phone.number})
    code = citizen.phone.code(after=before)
    support, ioc = officer("officer-support").client, officer("officer-ioc").client
    account = citizen.account["account_id"]
    answers = [
        support.post("/support/lookups", {"phone": citizen.phone.number, "reason": "Công dân quên mật khẩu"}),
        support.post("/support/cases", {"case": 3, "account_id": account, "reason": "Công dân quên mật khẩu"}),
        support.get("/account-log", account_id=account),
        ioc.get("/account-log", account_id=account),
    ]
    case = answers[1]["case_id"]
    answers.append(support.get(f"/support/cases/{case}"))
    for answer in answers:
        assert code not in str(answer)
        assert citizen.password not in str(answer) and "$argon2" not in str(answer)


@pytest.mark.req("ID-11", "ID-12")
def test_no_answer_of_the_document_has_a_place_for_a_password_or_a_code_of_an_account(world):
    document = world.anybody.send("GET", "/openapi.json").json()
    answered = {
        f"{method} {path}": _names(document, operation["responses"])
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in ("get", "post", "delete")
    }
    assert "access_token" in answered["post /api/v1/sessions"]  # control: names are found
    for operation, names in answered.items():
        assert not {name for name in names if "password" in name or "otp" in name or "digest" in name}, operation
        if "/account" in operation or "/support/" in operation or "session" in operation:
            assert "code" not in names, operation


def _names(document: dict[str, Any], node: Any, seen: frozenset[str] = frozenset()) -> set[str]:
    """Names of all properties below a part of the document."""
    if isinstance(node, list):
        return set().union(*(_names(document, inner, seen) for inner in node))
    if not isinstance(node, dict):
        return set()
    found = set(node.get("properties", {}))
    reference = node.get("$ref", "")
    if reference and reference not in seen:
        target: Any = document
        for key in reference.removeprefix("#/").split("/"):
            target = target[key]
        found |= _names(document, target, seen | {reference})
    return found.union(*(_names(document, inner, seen) for inner in node.values()))


@pytest.mark.req("UX-02")
def test_a_password_is_changed_by_a_code_and_other_sessions_end(world, citizen):
    old = citizen.password
    elsewhere = Citizen(world, citizen.person, channel="hue-s")
    elsewhere.sign_in()
    code = citizen.own_code("password")
    body = {"code": code, "new_password": NEW}
    assert citizen.client.refused("POST", "/account/password", {**body, "code": other_than(code)}).status == 422
    assert citizen.client.refused("POST", "/account/password", {**body, "new_password": "ngan"}).status == 422
    assert citizen.client.refused("POST", "/account/suspension", {"code": code}).status == 422  # of another purpose
    assert world.anybody.refused("POST", "/account/password", body).status == 401
    assert elsewhere.client.once("GET", "/account").status_code == 200
    citizen.client.post("/account/password", body)
    assert citizen.client.once("GET", "/account").status_code == 200  # this one goes on
    eventually(lambda: elsewhere.client.once("GET", "/account").status_code == 401, what="the other session's end")
    assert sign_in_refused(citizen, old).status == 401
    citizen.password = NEW
    citizen.sign_in()
