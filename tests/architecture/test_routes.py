"""Every address of the gateway asks who you are, or is listed here as public with its reason."""

from __future__ import annotations

import ast
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from services.common import permissions
from services.common.roles import SIGNED_IN
from services.gateway import pages
from services.gateway.routes import INTERNAL, ROUTES, Audience, Route

#: What anybody may reach, and why. A public route that is not here, and one here that is not public, fail.
PUBLIC = {
    "POST /api/v1/registrations": "nobody has an account yet",
    "POST /api/v1/organisation-registrations": "nobody has an account yet",
    "POST /api/v1/registrations/{registration_id}/confirmation": "the code is the proof",
    "POST /api/v1/sessions": "signing in",
    "POST /api/v1/sessions/vneid": "signing in",
    "POST /api/v1/sessions/vneid/{sign_in_id}/completion": "the provider's code is the proof",
    "POST /api/v1/sessions/refresh": "the refresh token is the proof",
    "POST /api/v1/officer-sessions": "signing in",
    "POST /api/v1/officer-sessions/{challenge_id}/confirmation": "the code is the proof",
    "POST /api/v1/account/recovery": "whoever forgot the password",
    "POST /api/v1/account/recovery/confirmation": "the code is the proof",
    "POST /api/v1/account/resumption": "whoever cannot sign in, by the password",
    "POST /api/v1/account/resumption/{resumption_id}/confirmation": "the code is the proof",
    "GET /api/v1/procedures": "the catalogue is published by law",
    "GET /api/v1/procedures/{code}": "the catalogue is published by law",
    "GET /api/v1/lookups/{code}": "status by code, without any person",
    "GET /api/v1/payments/vnpay/ipn": "signed by the provider",
    "GET /api/v1/payments/vnpay/return": "shows, records nothing",
    "GET /api/v1/units": "agencies and their names are published",
    "GET /api/v1/units/{unit}": "agencies and their names are published",
    "GET /api/v1/help": "guides, before anybody has an account",
    "GET /api/v1/clock": "the time",
}
#: Pages beside the API.
PAGES = {"/", "/docs", "/huong-dan", "/openapi.json", "/tra-cuu/{code}"}


def name_of(route: Route) -> str:
    return f"{route.method} {route.pattern}"


def test_public_routes_are_those_that_are_listed():
    assert {name_of(r) for r in ROUTES if r.audience is Audience.PUBLIC} == set(PUBLIC)


def test_gateway_and_rooms_agree_on_what_is_public():
    for route in ROUTES:
        if route.rpc:
            anybody = permissions.ANYBODY in permissions.roles_of(route.rpc)
            assert anybody == (route.audience is Audience.PUBLIC), name_of(route)


def test_every_route_calls_a_method_that_people_may_call():
    people = SIGNED_IN | {permissions.ANYBODY}
    for route in ROUTES:
        if route.rpc:
            assert permissions.roles_of(route.rpc) & people, name_of(route)


def test_every_method_is_reached_by_a_route_or_is_internal():
    routed = {route.rpc for route in ROUTES if route.rpc}
    assert set(permissions.ALLOWED) - routed == set(INTERNAL)
    assert not routed & set(INTERNAL)


def test_addresses_are_not_given_twice():
    names = [name_of(route) for route in ROUTES]
    assert len(names) == len(set(names))


def test_whatever_changes_something_and_may_be_repeated_needs_a_key():
    """POST that files, pays, issues or returns (architecture §5); what is left out is listed here."""
    without = {name_of(r) for r in ROUTES if r.method == "POST" and not r.idempotent}
    assert without == {
        "POST /api/v1/organisation-registrations",
        "POST /api/v1/registrations",  # sends a code; a second one is another code
        "POST /api/v1/account/certificates/challenge",  # likewise
        "POST /api/v1/sessions",
        "POST /api/v1/sessions/vneid",
        "POST /api/v1/sessions/vneid/{sign_in_id}/completion",  # good once
        "POST /api/v1/sessions/refresh",
        "POST /api/v1/officer-sessions",
        "POST /api/v1/officer-sessions/{challenge_id}/confirmation",
        "POST /api/v1/account/normalization/code",
        "POST /api/v1/account/recovery",
        "POST /api/v1/account/recovery/confirmation",  # its code is good once
        "POST /api/v1/account/codes",
        "POST /api/v1/account/password",  # its code is good once
        "POST /api/v1/account/resumption",
        "POST /api/v1/account/resumption/{resumption_id}/confirmation",  # its code is good once
        "POST /api/v1/accounts/{account_id}/activity",  # a reading: each is told
        "POST /api/v1/accounts/{account_id}/lock",  # locking the locked changes nothing
        "POST /api/v1/support/lookups",  # read and logged, as often as asked
        "POST /api/v1/support/cases/{case_id}/contact",
        "POST /api/v1/uploads",  # a file that nobody files is swept
    }


def ask(base: str, route: Route, headers: dict[str, str]) -> tuple[int, str]:
    path = re.sub(r"\{\w+\}", "x", route.pattern)
    body = b"{}" if route.method == "POST" else None
    request = urllib.request.Request(f"{base}{path}", body, headers, method=route.method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, str(answer.headers.get("Content-Type"))
    except urllib.error.HTTPError as error:
        with error:
            return error.code, str(error.headers.get("Content-Type"))


HEADERS = {"Content-Type": "application/json", "Idempotency-Key": "architecture-1"}


@pytest.mark.parametrize("route", [r for r in ROUTES if r.audience is Audience.SIGNED_IN], ids=name_of)
def test_nobody_gets_in_without_a_token(system, route):
    for headers in (HEADERS, {**HEADERS, "Authorization": "Bearer rubbish"}):
        status, content = ask(system.base_url, route, headers)
        assert status == 401
        assert content.startswith("application/problem+json")


def test_pages_beside_the_api_are_those_that_are_listed():
    [table] = [
        node
        for node in ast.walk(ast.parse(Path(pages.__file__).read_text()))
        if isinstance(node, ast.FunctionDef) and node.name == "table"
    ]
    [answer] = [node for node in ast.walk(table) if isinstance(node, ast.Dict)]
    assert {key.value for key in answer.keys if isinstance(key, ast.Constant)} == PAGES


def test_what_is_for_operators_is_not_on_the_public_port(system):
    for page in PAGES - {"/tra-cuu/{code}"}:
        with urllib.request.urlopen(f"{system.base_url}{page}", timeout=20) as answer:
            assert answer.status == 200
    for secret in ("/metrics", "/healthz/ready", "/admin", "/api/v1", "/.env"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{system.base_url}{secret}", timeout=20)
        assert refused.value.code == 404
        refused.value.close()
