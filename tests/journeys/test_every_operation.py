"""The public interface as its document says: every operation done, then asked for at random by everybody who may or
may not. Runs after the other journeys, whose answers it looks at as well.

`MOTCUA_FUZZ_SEED` repeats a run, `MOTCUA_FUZZ_EXAMPLES` says how many requests; a failure says which seed it was.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from schemathesis import checks
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as openapi_checks

from deploy.demo.client import API, TRAFFIC
from tests.journeys.scenes import Scenes
from tests.journeys.walk import Seeds, walk
from tests.support.documented import Operations, openapi

SEED = int(os.environ.get("MOTCUA_FUZZ_SEED") or 20240311)
#: Requests per operation and kind of generation (what the document allows, what it forbids).
EXAMPLES = int(os.environ.get("MOTCUA_FUZZ_EXAMPLES") or (60 if os.environ.get("MOTCUA_FULL") == "1" else 6))
CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.response_headers_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(openapi())
OPERATIONS = {found.label: found for found in (result.ok() for result in SCHEMA.get_all_operations())}
BUSY = frozenset({429, 503})


@pytest.fixture(scope="module")
def seeds(scenes: Scenes, officer, stranger) -> Seeds:
    return walk(scenes, officer, stranger)


@pytest.fixture(scope="module")
def session():
    with requests.Session() as made:
        made.trust_env = False
        yield made


def test_every_operation_of_the_document_has_been_done(seeds: Seeds, spoken: Operations):
    assert sorted(set(spoken.names) - spoken.done()) == []


def test_the_journeys_were_answered_as_the_document_says(seeds: Seeds, spoken: Operations):
    assert sum(sum(statuses.values()) for statuses in spoken.seen.values()) > 100
    assert spoken.undocumented == []


def test_an_answer_that_is_not_documented_would_be_seen(seeds: Seeds, spoken: Operations):
    """Control: the same answers held against a document that promises less."""
    poorer = openapi()
    poorer["paths"][f"{API}/clock"]["get"]["responses"].pop("200")
    page = poorer["paths"][f"{API}/procedures"]["get"]["responses"]["200"]["content"]["application/json"]
    page["schema"] = {"required": ["a_field_that_is_never_there"]}
    other = Operations(poorer)
    anybody = seeds.clients["anonymous"]
    for path in ("/clock", "/procedures"):
        other.look(anybody.once("GET", path))
    assert [fault.partition(": ")[0] for fault in other.undocumented] == [
        f"GET {API}/clock", f"GET {API}/procedures",
    ]  # fmt: skip


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_random_requests_are_answered_as_documented(label, mode, seeds: Seeds, session):
    operation = OPERATIONS[label]
    asker = Asker(operation, seeds, random.Random(f"{SEED} {label} {mode.value}"))

    @hypothesis.seed(SEED)
    @hypothesis.settings(
        max_examples=EXAMPLES, database=None, deadline=None, phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        asker.ask(case, session, change=mode is GenerationMode.POSITIVE)

    try:
        ask()
    except hypothesis.errors.Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "nothing that the document allows could be made"
        pytest.skip("nothing of this operation can be wrong")
    print(f"seed {SEED}: {label}: {dict(asker.statuses)}")
    assert asker.statuses


class Asker:
    """Sends generated requests of one operation, by turns as each role, with ids that exist in every other one."""

    def __init__(self, operation: Any, seeds: Seeds, chance: random.Random) -> None:
        self._seeds = seeds
        self._chance = chance
        self.statuses: Counter[int] = Counter()
        roles = operation.definition.raw.get("x-motcua-roles", ["anonymous"])
        known = sorted(seeds.clients)
        may = [role for role in known if role in roles] + (["owner", "stranger"] if "citizen" in roles else [])
        # those who may as often as all the others together
        self._roles = [role for pair in zip(may * len(known), known * len(may), strict=True) for role in pair]
        self._roles = self._roles or known
        self._turn = chance.randrange(len(self._roles))

    def ask(self, case: Any, session: requests.Session, *, change: bool) -> None:
        """One request. Raises schemathesis' FailureGroup where the answer is not what the document says."""
        client = self._seeds.clients[self._roles[self._turn % len(self._roles)]]
        self._turn += 1
        if change:
            self._make_real(case)
        headers = {"Authorization": f"Bearer {client.token}"} if client.token else {}
        response = self._patiently(case, client.base_url, session, headers)
        self.statuses[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)
        if (
            case.operation.label.startswith("DELETE ")
            and "/sessions" in case.operation.label
            and response.status_code < 300
        ):
            client.renew()

    def _patiently(self, case: Any, base_url: str, session: requests.Session, headers: dict[str, str]) -> Any:
        """The answer; one that says "later" is no answer yet, for half a minute."""
        limit = time.monotonic() + 30
        while True:
            TRAFFIC.count(requests=1)
            response = case.call(base_url=base_url, session=session, headers=headers, timeout=30)
            if response.status_code not in BUSY or time.monotonic() > limit:
                return response
            assert response.headers.get("retry-after"), f"{response.status_code} without Retry-After"
            time.sleep(float(response.headers["retry-after"][0]))

    def _make_real(self, case: Any) -> None:
        """Puts ids of the walk in the places of a request, and the version that is in force into a command."""
        if self._chance.random() < 0.25:
            return
        for place in list(case.path_parameters or {}):
            if self._seeds.ids.get(place):
                case.path_parameters[place] = self._chance.choice(self._seeds.ids[place])
        for name in ("code", "unit"):
            if name in (case.query or {}):
                case.query[name] = self._chance.choice(self._seeds.ids[name])
        if not isinstance(case.body, dict):
            return
        if "file_id" in case.body:
            case.body["file_id"] = self._chance.choice(self._seeds.ids["file_id"])
        if "version" in case.body:
            case.body["version"] = self._version(case)

    def _version(self, case: Any) -> int:
        kind = "cases" if "/cases/" in case.operation.path else "dossiers"
        found = self._seeds.clients["specialist"].once("GET", f"/{kind}/{case.path_parameters.get('code', 'x')}")
        return int(found.json().get("version", 1)) if found.status_code == 200 else self._chance.randrange(1, 9)
