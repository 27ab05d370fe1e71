"""Every role on every route, own and foreign unit: generated from the tables, tried from outside.

What a role has no row for is refused before anything is looked at (401 for nobody, 403 for somebody). What it has a
row for is open at home and shut elsewhere. Requests carry the ids of things that are really there; the things that
were asked for are read again afterwards: nothing of them has changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from deploy.demo.client import API, eventually, new_key
from deploy.demo.people import COPY, QUANG_THAI, Citizen
from deploy.rehearsal.cast import PEOPLE
from services.common import permissions
from services.common.roles import OFFICERS, ROLES, Scope
from services.gateway.routes import ROUTES, Audience, Kind, Route
from tests.journeys.scenes import Scenes, somebody

A_NGO = "000.05.08.H57"
#: By role: who holds it where the things lie, and who holds it elsewhere.
HOME = {
    "desk_officer": "officer-desk", "specialist": "officer-specialist", "leader": "officer-leader",
    "control_officer": "officer-control", "office": "officer-office", "ioc": "officer-ioc",
    "support": "officer-support", "postal_officer": "officer-postal", "police": "officer-police",
}  # fmt: skip
ELSEWHERE = {
    "desk_officer": "officer-desk-a-ngo", "specialist": "officer-specialist-a-ngo", "leader": "officer-leader-a-ngo",
    "control_officer": "officer-centre", "postal_officer": "officer-postal-a-luoi",
}  # fmt: skip
_PLACE = re.compile(r"\{(\w+)\}")
CALLING = [route for route in ROUTES if route.rpc]


def signed_in(person: Any) -> Any:
    """The client with a token of this minute: it is used once per route, not renewed where it is refused."""
    person.sign_in()
    return person.client


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


@dataclass(frozen=True)
class Things:
    """What lies at Quảng Thái, by the name of its place in a path."""

    ids: dict[str, str]
    codes: tuple[str, ...]
    owner: Citizen

    def path(self, route: Route, unit: str) -> str:
        return _PLACE.sub(lambda place: unit if place[1] == "unit" else self.ids.get(place[1], "unknown"), route.path)


@pytest.fixture(scope="module")
def things(scenes: Scenes, officer) -> Things:
    """A dossier in intake with a slip, one in processing with an order, one returned; an account."""
    ioc = officer("officer-ioc")
    waiting = scenes.filed()
    slip = scenes.guided(waiting, "Bản chụp mờ, đề nghị chụp lại.", ["ban-chup"])["slips"][0]
    review = eventually(lambda: ioc.client.get("/reviews", code=waiting)["items"], what="the review")[-1]
    working = scenes.accepted(COPY)
    order = eventually(lambda: scenes.citizen.orders(working), what="the order")[0]
    account = Citizen(scenes.world, somebody()).enter().account["account_id"]
    ids = {
        "code": working, "slip_id": slip["slip_id"], "file_id": slip["file_id"],
        "review_id": review["review_id"], "order_id": order["order_id"], "account_id": account, "act": "guidance",
        "step": scenes.specialist.case(working)["steps"][0]["step"],
    }  # fmt: skip
    return Things(ids, (waiting, working), scenes.citizen)


def state_of(things: Things) -> list[Any]:
    working = things.codes[1]
    return [
        *(things.owner.dossier(code) for code in things.codes),
        things.owner.client.get(f"/cases/{working}"),
        things.owner.orders(working),
        things.owner.client.get(f"/slips/{things.ids['slip_id']}"),
    ]


@pytest.fixture(scope="module", autouse=True)
def nothing_changed(things) -> Iterator[None]:
    """What all refused requests of this module were about is as it was."""
    before = state_of(things)
    yield
    assert state_of(things) == before


def ask(client: Any, things: Things, route: Route, body: Any = None, unit: str = QUANG_THAI) -> httpx.Response:
    """One try of a route as it stands, with an empty body unless one is given."""
    query = {"purpose": "component", "filename": "x.pdf"} if route.kind is Kind.UPLOAD else {}
    options: dict[str, Any] = {"params": query} if query else {}
    if route.kind is Kind.UPLOAD:
        options |= {"content": b"x", "headers": {"Content-Type": "application/octet-stream"}}
    elif route.has_body:
        options["json"] = body or {}
    response: httpx.Response = client.once(route.method, things.path(route, unit), key=new_key(), **options)
    return response


def allowed(role: str, route: Route) -> bool:
    also = permissions.roles_of(route.also) if route.also else frozenset()
    may = permissions.roles_of(route.rpc) | also
    return role in may or permissions.ANYBODY in may


@pytest.mark.req("SE-02", "SE-01")
@pytest.mark.parametrize("route", [r for r in CALLING if r.audience is Audience.SIGNED_IN], ids=name_of)
def test_nobody_uses_a_route_without_signing_in(world, things, route):
    assert ask(world.anybody, things, route).status_code == 401


@pytest.mark.req("SE-02", "RO-02", "RO-03", "RO-04")
@pytest.mark.parametrize("role", sorted(OFFICERS))
def test_an_officer_is_refused_every_route_that_his_role_has_no_row_for(things, officer, role):
    client = signed_in(officer(HOME[role]))
    shut = [route for route in CALLING if not allowed(role, route)]
    assert len(shut) > 20
    answers = {name_of(route): ask(client, things, route).status_code for route in shut}
    assert {name: status for name, status in answers.items() if status != 403} == {}


@pytest.mark.req("SE-02", "RO-01")
def test_a_citizen_is_refused_every_route_of_officers(things, stranger):
    shut = [route for route in CALLING if not allowed("citizen", route)]
    assert len(shut) > 20
    client = signed_in(stranger)
    answers = {name_of(route): ask(client, things, route).status_code for route in shut}
    assert {name: status for name, status in answers.items() if status != 403} == {}


#: Ends the session or the account of who asks: tried elsewhere, with people made for it.
_ENDING = {"identity.sign_out", "identity.sign_out_everywhere", "identity.suspend", "identity.cancel"}


@pytest.mark.req("SE-02", "RO-04")
@pytest.mark.parametrize("role", sorted(OFFICERS))
def test_an_officer_is_let_in_wherever_his_role_has_a_row(things, officer, role):
    """At home: an empty body may be refused as one, a thing of another kind as not found, but never the officer."""
    home = officer(HOME[role])
    client = signed_in(home)
    answers = {
        name_of(route): ask(client, things, route, unit=home.unit)
        for route in CALLING
        if allowed(role, route) and route.rpc not in _ENDING and not _about_own_files(route)
    }
    assert answers
    refused = {name: a.json() for name, a in answers.items() if a.status_code in (401, 403) and not _of_code(a)}
    assert refused == {}


def _about_own_files(route: Route) -> bool:
    # Who opens a file by its bare id must have uploaded it; a dossier's files have a route of their own.
    return route.rpc == "vault.open_download" or route.kind is Kind.UPLOAD


def _of_code(answer: httpx.Response) -> bool:
    """A wrong password or code is refused as such, on public routes."""
    return answer.json()["type"].endswith(("wrong-credentials",))


_SOMEBODY = {"full_name": "Nguyễn Thị An", "birth_date": "1990-05-12", "id_number": "046190000123"}
_FILING = {
    "procedure": COPY, "pickup": "desk", "statement": True,
    "components": [{"component": "don", "file_id": "unknown"}],
}  # fmt: skip
#: Bodies with which a command at home would go on to its rules, so that elsewhere only the unit can refuse it.
BODIES: dict[str, dict[str, Any]] = {
    "intake.guide": {"version": 1, "text": "Đề nghị chụp lại.", "components": ["ban-chup"]},
    "intake.accept": {"version": 1},
    "intake.refuse": {"version": 1, "reason": "Không thuộc thẩm quyền"},
    "intake.ask_paper": {"version": 1, "component": "ban-chup", "reason": "Đối chiếu"},
    "intake.return_result": {"version": 1},
    "processing.start_step": {"version": 1},
    "processing.finish_step": {"version": 1},
    "processing.request_supplement": {"version": 1, "text": "Thiếu trang hai.", "components": ["ban-chup"]},
    "processing.reschedule": {
        "version": 1, "new_appointment": "2024-04-01T09:00:00+07:00", "reason": "Cần xác minh thêm",
    },
    "processing.attach_result": {"version": 1, "file_id": "unknown", "name": "Kết quả"},
    "processing.stop": {"version": 1, "reason": "Không đủ điều kiện"},
    "payment.cash": {"amount": 10_000},
    "identity.open_eid_case": {**_SOMEBODY, "consent": True},
    "identity.advance_eid_case": {"version": 1, "state": "submitted"},
    "intake.file_at_desk": _FILING | {"applicant": _SOMEBODY, "mode": "DIRECT"},
    "intake.file_by_post": _FILING | {"applicant": _SOMEBODY, "desk": QUANG_THAI},
}  # fmt: skip
OF_APPLICANTS: dict[str, dict[str, Any]] = {
    "intake.amend": {"version": 1, "components": [{"component": "ban-chup", "file_id": "unknown"}]},
    "intake.withdraw": {"version": 1},
}
#: Lists and pages that show each officer his own part, whoever asks.
_OWN_PART = {"vault.open_upload", "oversight.late", "postal.orders", "oversight.violations", "oversight.figures"}


def bound(role: str) -> list[Route]:
    """Routes of a role that are about things of one unit."""
    return [
        route
        for route in CALLING
        if role in permissions.roles_of(route.rpc)
        and permissions.ANYBODY not in permissions.roles_of(route.rpc)
        and _PLACE.search(route.path)
        and route.rpc not in _ENDING | _OWN_PART
    ]


@pytest.mark.req("SE-02", "RO-02", "RO-05", "GU-12")
@pytest.mark.parametrize("role", sorted(ELSEWHERE))
def test_an_officer_of_another_unit_is_refused_everything_about_this_one(things, officer, role):
    assert ROLES[role].scope is Scope.UNIT
    client = signed_in(officer(ELSEWHERE[role]))
    places = {place for route in bound(role) for place in _PLACE.findall(route.path)} - {"unit"}
    assert places <= set(things.ids) | {"case_id"}, "a thing that is not there is refused to everybody"
    answers = {name_of(route): ask(client, things, route, BODIES.get(route.rpc)) for route in bound(role)}
    open_ = {name: (a.status_code, a.text[:200]) for name, a in answers.items() if a.status_code not in (403, 404)}
    assert open_ == {}


@pytest.mark.req("RO-05")
def test_a_control_officer_elsewhere_gets_no_lists_and_figures_of_this_unit(things, officer):
    client = signed_in(officer("officer-centre"))
    for path in ("/late", "/figures", "/reports/accounts"):
        assert client.refused("GET", path, unit=QUANG_THAI).status == 403, path
    listed = client.get("/violations", limit=100)["items"] + client.get("/late", limit=100)["items"]
    assert not {row["code"] for row in listed} & set(things.codes)


@pytest.mark.req("RO-01", "SE-05")
def test_a_stranger_is_told_of_nobody_elses_things(things, stranger):
    client, answers = signed_in(stranger), {}
    for route in bound("citizen"):
        if not set(_PLACE.findall(route.path)) <= set(things.ids):
            continue  # his own store: journeys of the result try a foreign holding
        answers[name_of(route)] = ask(client, things, route, OF_APPLICANTS.get(route.rpc))
    open_ = {name: (a.status_code, a.text[:200]) for name, a in answers.items() if a.status_code != 404}
    assert open_ == {}


def test_who_runs_the_system_decides_no_dossier():
    deciding = {method for method in BODIES if method.startswith("processing.")} | {
        "intake.guide", "intake.accept", "intake.refuse", "intake.ask_paper", "intake.return_result",
        "processing.release",
    }  # fmt: skip
    for role in ("ioc", "support", "office", "police", "control_officer", "postal_officer"):
        assert not [method for method in deciding if role in permissions.roles_of(method)], role


@pytest.mark.req("RO-05")
def test_a_control_officer_follows_all_dossiers_of_the_own_agency_and_changes_nothing(things, officer):
    control = signed_in(officer("officer-control"))
    listed = control.get(f"/agencies/{QUANG_THAI}/dossiers", limit=100)["items"]
    assert set(things.codes) <= {row["code"] for row in listed}
    assert control.get(f"/dossiers/{things.codes[0]}")["code"] == things.codes[0]
    assert control.refused("GET", f"/agencies/{A_NGO}/dossiers").status == 403
    commands = [route for route in CALLING if route.method == "POST" and route.audience is Audience.SIGNED_IN]
    mine = [name_of(route) for route in commands if "control_officer" in permissions.roles_of(route.rpc)]
    assert mine == [name_of(route) for route in commands if route.kind is Kind.UPLOAD]
    assert ask(control, things, next(r for r in commands if r.kind is Kind.UPLOAD)).status_code == 403


def test_every_role_has_somebody_who_is_tried():
    assert set(HOME) == set(OFFICERS)
    assert set(ELSEWHERE) == {name for name in OFFICERS if ROLES[name].scope is Scope.UNIT}
    assert all(PEOPLE[key].role == role for table in (HOME, ELSEWHERE) for role, key in table.items())
    assert all(route.pattern.startswith(API) for route in CALLING)
