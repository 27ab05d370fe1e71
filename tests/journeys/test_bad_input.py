"""Bad input at every route of the contract: a problem document, no change of state, never a 5xx."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from deploy.demo.client import API, PROBLEM, Client, new_key
from deploy.demo.people import BIRTH, QUANG_THAI, Citizen, refused
from services.gateway.config import CONTRACTS, JSON_LIMIT
from tests.journeys.scenes import Scenes

CONTRACT: dict[str, Any] = json.loads((CONTRACTS / "openapi.json").read_text())
#: Values for places in a path: well formed, and of nothing that exists.
NOBODYS = {
    "code": "000.05.07.H57-240311-9999", "step": "tham-dinh", "act": "guidance", "unit": QUANG_THAI,
    "file_id": "0" * 32, "holding_id": "0" * 32,
}  # fmt: skip
ACTORS = {
    "citizen": "stranger", "desk_officer": "officer-desk", "specialist": "officer-specialist", "ioc": "officer-ioc",
    "leader": "officer-leader", "support": "officer-support", "control_officer": "officer-centre",
    "postal_officer": "officer-postal", "police": "officer-police", "office": "officer-office", "anonymous": "anybody",
}  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """One operation of the contract."""

    method: str
    path: str
    roles: tuple[str, ...]
    keyed: bool
    body: dict[str, Any] | None

    @property
    def address(self) -> str:
        return self.path.format_map(Filling())

    def __str__(self) -> str:
        return f"{self.method} {self.path.removeprefix(API)}"


class Filling(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return NOBODYS.get(name, "khong-co-1")


def operations(method: str, json_body: bool | None = None) -> list[Operation]:
    """Operations of the contract by method, and by whether they take a JSON body."""
    found = []
    for path, item in CONTRACT["paths"].items():
        for name, operation in item.items():
            if name != method or not path.startswith(API):
                continue
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if json_body is not None and bool(content) is not json_body:
                continue
            references = [p.get("$ref", "") for p in operation.get("parameters", [])]
            schema = CONTRACT["components"]["schemas"][content["schema"]["$ref"].rsplit("/", 1)[1]] if content else None
            found.append(Operation(
                method.upper(), path, tuple(operation.get("x-motcua-roles", ["anonymous"])),
                "#/components/parameters/IdempotencyKey" in references, schema,
            ))  # fmt: skip
    return found


COMMANDS = operations("post", json_body=True)
READS = operations("get")


@pytest.fixture(scope="module")
def client_of(world, officer, stranger) -> Callable[[Operation], Client]:
    def client(operation: Operation) -> Client:
        role = next(role for role in operation.roles if role in ACTORS)
        who = ACTORS[role]
        if who == "anybody":
            return world.anybody
        return stranger.client if who == "stranger" else officer(who).client

    return client


@pytest.fixture(scope="module")
def mark(auditor, officer, stranger, scenes: Scenes) -> dict[str, Any]:
    """What the rooms keep before the first test, once everybody is signed in and all has come to rest."""
    for key in ACTORS.values():
        if key.startswith("officer-"):
            officer(key)
    scenes.papers(scenes.citizen, BIRTH)
    auditor.rest()
    return auditor.fingerprint()


@pytest.fixture(autouse=True)
def nothing_changes(request, auditor, mark) -> Iterator[None]:
    """No test of this file leaves a trace in what the rooms keep; what comes late is seen by the test after it.

    Tests that make something on purpose ask for `made`; from then on that is the state that must not change.
    """
    if "made" in request.fixturenames:
        request.getfixturevalue("made")
        mark.update(auditor.fingerprint())
    yield
    changed = {room for room, digest in auditor.fingerprint().items() if mark[room] != digest}
    assert not changed, f"bad input changed {sorted(changed)}"


def assert_problem(response: httpx.Response, *statuses: int) -> dict[str, Any]:
    told = f"{response.request.method} {response.request.url}: {response.status_code} {response.text[:300]}"
    assert response.status_code in statuses, told
    assert response.headers["content-type"].partition(";")[0] == PROBLEM, told
    document: dict[str, Any] = response.json()
    assert document["status"] == response.status_code, told
    assert document["type"] and document["title_vi"] and document["title_en"], told
    return document


UNREADABLE = {
    "broken": b'{"a": ',
    "latin-1": '{"text": "hướng"}'.encode("utf-16-le"),
    "not utf-8": b'{"text": "h\xe9"}',
    "array": b"[]",
    "text": b'"x"',
    "too deep": b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "half a pair": b'{"text": "\\ud800"}',
}


@pytest.mark.parametrize("operation", COMMANDS, ids=str)
def test_a_body_that_cannot_be_read_is_refused(operation, client_of):
    client = client_of(operation)
    for name, content in UNREADABLE.items():
        response = client.once(
            "POST", operation.address, content=content, key=new_key(), headers={"Content-Type": "application/json"}
        )
        assert_problem(response, *((400, 422) if name == "half a pair" else (400,)))


@pytest.mark.parametrize("operation", COMMANDS, ids=str)
def test_other_media_types_and_oversized_bodies_are_refused(operation, client_of):
    client = client_of(operation)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16"):
        response = client.once("POST", operation.address, content=b"{}", key=new_key(), headers={"Content-Type": kind})
        assert_problem(response, 415)
    large = b'{"text": "' + b"x" * JSON_LIMIT + b'"}'
    named = {"Content-Type": "application/json"}
    assert_problem(client.once("POST", operation.address, content=large, key=new_key(), headers=named), 413)
    pieces = client.once("POST", operation.address, content=lambda: iter([large]), key=new_key(), headers=named)
    assert_problem(pieces, 413)


@pytest.mark.req("SE-01")
@pytest.mark.parametrize("operation", COMMANDS, ids=str)
def test_unknown_fields_are_refused_by_name(operation, client_of):
    response = client_of(operation).once("POST", operation.address, json={"khong_co": 1}, key=new_key())
    document = assert_problem(response, 422)
    assert "khong_co" in {error["field"] for error in document["errors"]}


@pytest.mark.parametrize("operation", [o for o in COMMANDS if o.body and o.body["properties"]], ids=str)
def test_wrong_types_are_refused_field_by_field(operation, client_of):
    assert operation.body is not None
    client = client_of(operation)
    for wrong in ({"sai": [1]}, [[[]]], -1.5, True):
        names = [name for name, kind in operation.body["properties"].items() if not _fits(kind, wrong)]
        body = dict.fromkeys(names, wrong)
        if not body:
            continue
        document = assert_problem(client.once("POST", operation.address, json=body, key=new_key()), 422)
        told = {error["field"].partition(".")[0] for error in document["errors"]}
        assert told >= set(names), f"{wrong!r}: not told {set(names) - told}"


def _fits(kind: dict[str, Any], value: Any) -> bool:
    """Whether a value could be meant by this schema: only `true` for a boolean, and an object for an open one."""
    types = json.dumps(kind)
    if value is True:
        return '"boolean"' in types
    return isinstance(value, dict) and kind.get("type") == "object"


def broken_bounds(operation: Operation) -> dict[str, list[Any]]:
    """Field → values just beyond what the document allows: too short, too long, no such word, no such day."""
    found: dict[str, list[Any]] = {}
    for name, kind in (operation.body or {}).get("properties", {}).items():
        if name == "channel":  # held against X-Channel before the room hears of it (IN-20)
            continue
        values: list[Any] = []
        if kind.get("minLength"):
            values.append("x" * (kind["minLength"] - 1))
        if "maxLength" in kind:
            values.append("x" * (kind["maxLength"] + 1))
        if "pattern" in kind:
            values.append("không khớp")
        if "enum" in kind:
            values.append("khong-co")
        if kind.get("format") == "date":
            values += ["2024-02-30", "11/03/2024"]
        if "maximum" in kind:
            values.append(kind["maximum"] + 1)
        if "minimum" in kind:
            values.append(kind["minimum"] - 1)
        if values:
            found[name] = values
    return found


@pytest.mark.req("SE-01")
@pytest.mark.parametrize("operation", [o for o in COMMANDS if broken_bounds(o)], ids=str)
def test_each_bound_of_each_field_is_held_and_the_field_and_its_rule_are_named(operation, client_of):
    """From the document, so that a new field is tried without being written down here."""
    client = client_of(operation)
    bounds = broken_bounds(operation)
    for place in range(max(len(values) for values in bounds.values())):
        body = {name: values[place] for name, values in bounds.items() if place < len(values)}
        document = assert_problem(client.once("POST", operation.address, json=body, key=new_key()), 422)
        told = {error["field"].partition(".")[0]: error["rule"] for error in document["errors"]}
        assert told.keys() >= body.keys(), f"{body}: not told {body.keys() - told.keys()}"
        assert all(told.values()), told
        # Control: what is missing is another fault of the same answer, a field that is not there is none.
        assert not told.keys() - set((operation.body or {})["properties"])


@pytest.mark.parametrize("operation", [o for o in COMMANDS if o.keyed], ids=str)
def test_a_command_without_a_key_or_with_a_malformed_one_is_refused(operation, client_of):
    client = client_of(operation)
    assert_problem(client.once("POST", operation.address, json={}), 400)
    for key in ("kurz", "x" * 129, "có dấu cách"):
        named = {"Idempotency-Key": key.encode()}
        assert_problem(client.once("POST", operation.address, json={}, headers=named), 400)  # type: ignore[arg-type]


@pytest.mark.parametrize("operation", [o for o in COMMANDS if "anonymous" not in o.roles], ids=str)
def test_nobody_and_a_forged_token_are_refused(operation, world, stranger):
    assert_problem(world.anybody.once("POST", operation.address, json={}, key=new_key()), 401)
    token = stranger.client.token
    forged = {"Authorization": f"Bearer {token[:-4]}AAAA"}
    assert_problem(world.anybody.once("POST", operation.address, json={}, key=new_key(), headers=forged), 401)


@pytest.mark.parametrize("operation", [o for o in COMMANDS if "citizen" not in o.roles and "anonymous" not in o.roles],
                         ids=str)  # fmt: skip
def test_a_citizen_may_not_do_what_officers_do(operation, stranger):
    assert_problem(stranger.client.once("POST", operation.address, json={}, key=new_key()), 403)


@pytest.mark.parametrize("operation", [o for o in READS if "{" in o.path and "lookups" not in o.path], ids=str)
def test_ids_of_nothing_and_of_others_lead_nowhere(operation, client_of, stranger):
    client = client_of(operation)
    for value in ("khong-co-1", "..%2f..%2fadmin", "%00", "a" * 201, "%F0%9F%98%80"):
        path = operation.path
        for name in NOBODYS | {"slip_id": "", "order_id": "", "review_id": ""}:
            path = path.replace("{" + name + "}", value)
        response = client.once("GET", path)
        assert response.status_code in (400, 403, 404, 414, 422) or response.json().get("items") == [], response.text
        assert response.status_code == 200 or response.headers["content-type"].startswith(PROBLEM)


# The provider's own protocol takes what the provider sends.
@pytest.mark.parametrize("operation", [o for o in READS if not o.path.startswith(f"{API}/payments/")], ids=str)
def test_unknown_and_wrong_query_parameters_are_refused(operation, client_of):
    document = assert_problem(client_of(operation).once("GET", operation.address, params={"khong_co": "1"}), 422)
    assert document["errors"][0]["field"] == "khong_co"
    for name, value in (("limit", "nhieu"), ("limit", "-1"), ("limit", "101"), ("cursor", "\x00")):
        response = client_of(operation).once("GET", operation.address, params={name: value})
        assert response.status_code < 500, response.text
        if response.status_code >= 400:
            assert_problem(response, response.status_code)


# --- on a dossier that exists ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(scenes: Scenes, mark, auditor) -> dict[str, Any]:
    """A dossier, filed by a command whose key is known."""
    body = scenes.citizen.dossier_body(BIRTH, scenes.papers(scenes.citizen, BIRTH))
    key = new_key()
    answer = scenes.citizen.client.post("/dossiers", body, key=key)
    auditor.rest()
    return {"body": body, "key": key, "answer": answer, "code": answer["code"]}


def test_a_strangers_dossier_is_not_there(made, stranger, officer):
    dossier = made["code"]
    for path in ("", "/history", "/versions", "/receipt", "/orders", "/shipments"):
        assert_problem(stranger.client.once("GET", f"/dossiers/{dossier}{path}"), 404)
    components = {"components": [{"component": "to-khai", "file_id": "0" * 32}]}
    for what, more in (("amendments", components), ("withdrawal", {})):
        body = {"version": 1, **more}
        assert_problem(stranger.client.once("POST", f"/dossiers/{dossier}/{what}", json=body, key=new_key()), 404)
    foreign = officer("officer-desk-a-ngo").client
    assert_problem(foreign.once("GET", f"/dossiers/{dossier}"), 403)
    assert_problem(foreign.once("POST", f"/dossiers/{dossier}/acceptance", json={"version": 1}, key=new_key()), 403)
    assert_problem(foreign.once("GET", f"/desks/{QUANG_THAI}/dossiers"), 403)


def test_a_stale_version_is_refused_and_not_merged(made, desk):
    dossier = made["code"]
    present = desk.dossier(dossier)["version"]
    for version in (present - 1, present + 1, present + 1000):
        if version < 1:
            continue
        response = desk.client.once("POST", f"/dossiers/{dossier}/acceptance", json={"version": version}, key=new_key())
        document = assert_problem(response, 409)
        assert document["actual_version"] == present
    assert desk.dossier(dossier)["version"] == present


def test_files_of_others_and_of_nothing_are_not_filed(scenes: Scenes, stranger: Citizen, resident):
    theirs = scenes.papers(resident, BIRTH)
    for files in (theirs, dict.fromkeys(theirs, "0" * 32)):
        refusal = refused(lambda files=files: stranger.file(BIRTH, files))
        assert refusal.status == 422 and len(refusal.problem["errors"]) == 2


def test_a_replayed_key_gives_the_same_answer_and_another_body_is_refused(made, scenes: Scenes, stranger):
    client = scenes.citizen.client
    again = client.once("POST", "/dossiers", json=made["body"], key=made["key"])
    assert (again.status_code, again.json()) == (201, made["answer"])
    other = client.once("POST", "/dossiers", json=made["body"] | {"pickup": "desk"}, key=made["key"])
    assert_problem(other, 422)
    # Keys are each person's own: a stranger's command under the same key is another command.
    assert_problem(stranger.client.once("POST", "/dossiers", json=made["body"], key=made["key"]), 422)


# --- uploads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "query", "statuses"),
    [
        (b"", {"purpose": "component", "filename": "a.pdf"}, (400,)),
        (b"MZ\x90\x00" + b"\x00" * 200, {"purpose": "component", "filename": "a.pdf"}, (422,)),
        (b"#!/bin/sh\necho x\n", {"purpose": "component", "filename": "a.txt"}, (422,)),
        (b"%PDF-1.7 x", {"purpose": "khong-co", "filename": "a.pdf"}, (422,)),
        (b"%PDF-1.7 x", {"purpose": "result", "filename": "a.pdf"}, (403, 422)),
        (b"%PDF-1.7 x", {"purpose": "component"}, (422,)),
        (b"%PDF-1.7 x", {"purpose": "component", "filename": "a.pdf", "khong_co": "1"}, (422,)),
    ],
    ids=["empty", "executable", "script", "unknown purpose", "an officer's purpose", "no name", "unknown parameter"],
)
def test_bad_uploads_are_refused(stranger, content, query, statuses):
    headers = {"Content-Type": "application/octet-stream"}
    response = stranger.client.once("POST", "/uploads", content=content, params=query, headers=headers)
    assert_problem(response, *statuses)
