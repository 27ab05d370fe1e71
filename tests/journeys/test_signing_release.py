"""No command of any room releases a result without a report that passed (X-27, SG-04): every one of them is tried.

The commands are read from the tables of routes and of permissions, so that a new one is tried as well. Each is given by
everybody whose role may give it, with what it needs to go on to its rules, against dossiers whose result is missing,
unsigned, tampered, another agency's, and of an unknown authority.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from deploy.demo.client import eventually, new_key
from deploy.demo.people import BIRTH, QUANG_THAI, Citizen, Officer, all_pages
from deploy.demo.watching import settled_ledger
from deploy.local.system import System
from services.common import permissions
from services.common.problems import Problem
from services.gateway.routes import INTERNAL, ROUTES, Kind, Route
from tests.journeys.scenes import Scenes, somebody
from tests.support.bus import Bus

BAD = ("missing", "unsigned", "tampered", "other-agency", "foreign")
#: What refuses to return each of them.
RULE = {"missing": "RT-01", "unsigned": "SG-04", "tampered": "SG-04", "other-agency": "SG-03", "foreign": "X-22"}
OFFICERS = {
    "desk_officer": "officer-desk", "specialist": "officer-specialist", "leader": "officer-leader",
    "control_officer": "officer-control", "office": "officer-office", "ioc": "officer-ioc",
    "support": "officer-support", "postal_officer": "officer-postal", "police": "officer-police",
}  # fmt: skip
#: Events of a release, whoever tells them.
RELEASES = {"result.ready", "result.released", "dossier.returned", "holding.added"}
RETURN = next(route for route in ROUTES if route.rpc == "intake.return_result")
COMMANDS = [route for route in ROUTES if route.rpc and route.method != "GET"]
_PLACE = re.compile(r"\{(\w+)\}")
#: They end the dossier or the account of who asks: tried last, and by people who are made for it.
_ENDING = {"processing.stop", "intake.withdraw"}
_OF_ACCOUNTS = {
    "identity.sign_out", "identity.sign_out_everywhere", "identity.suspend", "identity.cancel", "identity.lock",
    "identity.block", "identity.normalize", "identity.change_password",
}  # fmt: skip


class Dossier:
    """One whose steps are finished, and what its bodies are made of."""

    def __init__(self, scenes: Scenes, how: str) -> None:
        self.scenes, self.how = scenes, how
        self.code = scenes.worked(BIRTH, pickup="online")
        self.scan = scenes.scan(f"{self.code} bổ sung")
        self.result: dict[str, Any] | None = None
        if how != "missing":
            self.result = scenes.attach(self.code, how)["result"]

    def versions(self) -> tuple[int, int]:
        return int(self.scenes.desk.dossier(self.code)["version"]), int(
            self.scenes.specialist.case(self.code)["version"]
        )

    def body(self, route: Route) -> dict[str, Any]:
        """What a command needs to be refused by its rules alone."""
        of_dossier, of_case = self.versions()
        version = of_case if route.rpc.startswith("processing.") else of_dossier
        file_id = self.result["file_id"] if self.result else "0" * 32
        bodies: dict[str, dict[str, Any]] = {
            "intake.guide": {"text": "Chụp lại.", "components": ["giay-chung-sinh"]},
            "intake.accept": {"note": "Đủ"},
            "intake.refuse": {"reason": "Không thuộc thẩm quyền"},
            "intake.ask_paper": {"component": "giay-chung-sinh", "reason": "Đối chiếu"},
            "intake.return_result": {},
            "intake.amend": {"components": [{"component": "giay-chung-sinh", "file_id": self.scan}]},
            "intake.withdraw": {},
            "processing.start_step": {}, "processing.finish_step": {},
            "processing.request_supplement": {"text": "Thiếu.", "components": ["giay-chung-sinh"]},
            "processing.attach_result": {"file_id": file_id, "name": "Giấy khai sinh"},
            "processing.reschedule": {"new_appointment": "2024-05-02T09:00:00+07:00", "reason": "Xác minh thêm"},
            "processing.stop": {"reason": "Không đủ điều kiện"},
        }  # fmt: skip
        if route.rpc in bodies:
            return {"version": version, **bodies[route.rpc]}
        if route.rpc == "oversight.unblock":
            return {"reason": "Đã chấn chỉnh"}
        if route.rpc == "vault.add_own":
            return {"file_id": file_id, "terms": True}
        return {}

    def path(self, route: Route) -> str:
        step = self.scenes.specialist.case(self.code)["steps"][0]["step"]
        known = {"code": self.code, "unit": QUANG_THAI, "step": step, "act": "guidance"}
        component = self.scenes.desk.dossier(self.code)["components"][0]["file_id"]
        known["file_id"] = self.result["file_id"] if self.result and route.rpc.startswith("processing.") else component
        return _PLACE.sub(lambda place: known.get(place[1], "unknown"), route.path)

    def is_kept_back(self, ioc: Officer) -> None:
        """Nothing of a release is anywhere: states, the file, the store, the events."""
        scenes, code = self.scenes, self.code
        for shown in (scenes.citizen.dossier(code), scenes.desk.dossier(code)):
            assert shown["status"] not in ("returned",) and shown["result"] is None and shown["returned_at"] is None
        assert scenes.specialist.case(code)["state"] != "RELEASED"
        assert [row for row in all_pages(scenes.citizen.client, "/holdings") if row["code"] == code] == []
        if self.result is not None:
            file_id = self.result["file_id"]
            for path in (f"/dossiers/{code}/files/{file_id}", f"/files/{file_id}/content"):
                assert scenes.citizen.client.refused("GET", path).status == 404
        told = [name for name, _ in settled_ledger(ioc, code, None)]  # what was told just now is on its way there
        assert told and not [name for name in told if any(end in name for end in RELEASES)], told


@pytest.fixture(scope="module")
def people(scenes: Scenes, officer: Callable[[str], Officer]) -> dict[str, Any]:
    """Everybody who may give a command, by role."""
    found: dict[str, Any] = {role: officer(key) for role, key in OFFICERS.items()}
    for person in found.values():
        person.sign_in()
    return found | {"citizen": scenes.citizen}


def givers(route: Route, people: dict[str, Any], passing: Citizen) -> list[Any]:
    may = permissions.roles_of(route.rpc)
    if permissions.ANYBODY in may:
        return [passing]
    named = [person for role, person in people.items() if role in may]
    if route.rpc in _OF_ACCOUNTS:
        return [passing]
    return named or [passing]


def give(route: Route, dossier: Dossier, who: Any) -> httpx.Response:
    options: dict[str, Any] = {}
    if route.kind is Kind.UPLOAD:
        options = {"params": {"purpose": "result", "filename": "x.pdf"}, "content": b"x",
                   "headers": {"Content-Type": "application/octet-stream"}}  # fmt: skip
    elif route.has_body:
        options = {"json": dossier.body(route)}
    answer: httpx.Response = who.client.once(route.method, dossier.path(route), key=new_key(), **options)
    return answer


@pytest.mark.req("SG-04", "X-27", "RT-01", "RT-02", "SG-03", "X-22")
@pytest.mark.parametrize("how", BAD)
def test_no_command_of_anybody_releases_a_result_without_a_report_that_passed(
    scenes: Scenes, people: dict[str, Any], journeys: System, how: str
):
    dossier = Dossier(scenes, how)
    passing = Citizen(scenes.world, somebody()).enter()
    about, others = [r for r in COMMANDS if "{code}" in r.path], [r for r in COMMANDS if "{code}" not in r.path]
    tried: dict[str, list[int]] = {}
    # First as it was left by the specialist: nothing but the result stands against its return.
    refusal = give(RETURN, dossier, scenes.desk)
    assert (refusal.status_code, refusal.json()["rule"]) == (409, RULE[how])
    dossier.is_kept_back(people["ioc"])
    order = [r for r in about if r.rpc not in _ENDING] + [r for r in about if r.rpc in _ENDING]
    for route in [*(others if how == "unsigned" else []), *order]:  # what is about no dossier is tried with one
        for who in givers(route, people, passing):
            tried.setdefault(route.rpc, []).append(give(route, dossier, who).status_code)
        if route.rpc not in _ENDING and route.rpc in ("intake.return_result", "processing.attach_result"):
            dossier.is_kept_back(people["ioc"])
        if route is order[-len(_ENDING) - 1]:
            straight_to_the_rooms(scenes, journeys, dossier)
            dossier.is_kept_back(people["ioc"])
    assert all(status not in (500, 502) for statuses in tried.values() for status in statuses), tried
    assert set(tried["intake.return_result"]) == {409}
    reached = {rpc for rpc, found in tried.items() if set(found) - {400, 401, 403, 404, 405, 415, 422}}
    without_file = {"processing.attach_result", "processing.recheck_file"} if how == "missing" else set()
    assert {route.rpc for route in about} - reached <= without_file, (
        "a command that no body of this test brings to its rules"
    )
    assert {route.rpc for route in about} <= set(tried) and len(about) > 10
    dossier.is_kept_back(people["ioc"])


def straight_to_the_rooms(scenes: Scenes, journeys: System, dossier: Dossier) -> None:
    """Methods that the gateway has no route for, as their caller would give them: by the people's own tokens."""
    bus = Bus(journeys.amqp_url("operator"))
    given = {
        "processing.release": (scenes.desk, {"code": dossier.code}),
        "processing.accept_amendment": (scenes.citizen, {"code": dossier.code, "components": []}),
        "intake.return_result": (
            scenes.desk,
            {"code": dossier.code, "version": dossier.versions()[0], "collector": None},
        ),
    }
    try:
        for method, (who, body) in given.items():
            who.sign_in()
            with pytest.raises(Problem) as refused:
                bus.call(method, who.client.token, key=new_key(), **body)
            assert refused.value.status == 409, method
    finally:
        bus.close()


def test_every_method_without_a_route_that_people_may_give_is_tried_or_changes_nothing_of_a_result():
    mine = {m for m in INTERNAL if permissions.roles_of(m) & {"desk_officer", "citizen", "specialist", "leader", "ioc"}}
    assert mine == {"processing.release", "processing.accept_amendment", "processing.withdraw"}


@pytest.mark.req("SG-04", "X-27", "RT-04", "RT-02")
@pytest.mark.parametrize("pickup", ["online", "desk", "post"])
def test_the_one_that_passed_is_released_by_name_of_its_report_whichever_way_it_is_collected(
    scenes: Scenes, people: dict[str, Any], pickup: str
):
    """Control: the same dossier with a result in order, as event, as document and in the owner's store."""
    code = scenes.worked(BIRTH, pickup=pickup)
    scenes.attach(code, "unsigned")
    assert scenes.desk.client.refused(
        "POST", f"/dossiers/{code}/return", {"version": scenes.desk.dossier(code)["version"]}
    ).status == 409  # fmt: skip
    right = scenes.attach(code, "right")["result"]
    dossier = scenes.desk.on_dossier(code, "return")
    report = scenes.specialist.client.get(f"/cases/{code}/files/{right['file_id']}/report")
    assert report["verdict"] == "TOTAL_PASSED" and report["sha256"] == dossier["result"]["sha256"]
    assert dossier["result"]["report_id"] == report["report_id"]
    rows = eventually(
        lambda: [row for row in all_pages(scenes.citizen.client, "/holdings") if row["code"] == code], what="holding"
    )
    assert [(row["kind"], row["report_id"]) for row in rows] == [("b", report["report_id"])]

    def released() -> list[dict[str, Any]]:
        entries = all_pages(people["ioc"].client, "/ledger", code=code)
        found = [entry["body"] for entry in entries]
        return [body for body in found if "result.released" in body["type"]]

    told = eventually(released, what="the event of the release")
    assert [body["data"]["report_id"] for body in told] == [report["report_id"]]
