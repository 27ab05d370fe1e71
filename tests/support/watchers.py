"""A system of oversight, exchange and postal alone, with the rooms that they ask played by the test.

One system for the tests of all three rooms (`watchers`, taken over by tests/service/conftest.py); each of their
conftest files takes the other fixtures over.
"""

from __future__ import annotations

import itertools
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo
import pytest

from deploy.local.system import System
from services.common.calendar_data import shipped_calendars
from services.common.deadlines import intake_due
from tests.conftest import NAME, STATES
from tests.support.bus import Bus, Tokens, eventually
from tests.support.neighbours import Neighbour

PROCESSES = ["oversight", "exchange", "postal", "national-simulator", "partner-simulator"]
UNIT, CENTRE, POST = "000.05.07.H57", "000.00.07.H57", "000.00.30.H57"
_codes = itertools.count(1)


@dataclass
class Watchers:
    """The system and the played rooms."""

    system: System
    intake: Neighbour
    identity: Neighbour
    processing: Neighbour
    signing: Neighbour

    @property
    def tokens(self) -> Tokens:
        return Tokens(self.system.state.secrets / "keys")

    def http(self, process: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Asks a simulator."""
        url = f"http://127.0.0.1:{self.system.process(process).http_port}{path}"
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data), timeout=15) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read() or b"{}")


@pytest.fixture(scope="session")
def watchers() -> Iterator[Watchers]:
    """The one system, fresh."""
    system = System(STATES / f"{NAME}-watchers", rehearsal=True)
    system.start(PROCESSES, fresh=True)
    rooms = {name: Neighbour(system, name).start() for name in ("intake", "identity", "processing", "signing")}
    yield Watchers(system, **rooms)
    system.stop()  # first: a room that asks a played one at its end would wait for the answer
    for room in rooms.values():
        room.stop()


@pytest.fixture(autouse=True)
def neighbours_as_usual(watchers: Watchers) -> None:
    """Each test begins with rooms that are there and know nothing but that officers sign what they are asked about."""
    for room in (watchers.intake, watchers.identity, watchers.processing, watchers.signing):
        room.answers.clear()
        room.asked.clear()
        room.away = False
    watchers.signing.answers["report"] = lambda asked: signed_by("government")
    watchers.identity.answers["signers"] = of_the_unit


def of_the_unit(asked: dict[str, Any]) -> dict[str, Any]:
    """Identity says that every signer with a number is an officer of the unit."""
    return {"items": [{"persons": [], "officer": bool(s["personal_number"])} for s in asked["signers"]]}


def signed_by(kind: str) -> dict[str, Any]:
    """A report of signing about a file that somebody of this kind signed validly, and nobody after."""
    signature = {
        "verdict": "TOTAL_PASSED", "covers_whole_document": True,
        "signer": {"kind": kind, "personal_number": "046190000123"},
    }  # fmt: skip
    return {"report_id": "rep-0", "verdict": "TOTAL_PASSED", "signatures": [signature]}


@pytest.fixture
def line(watchers: Watchers) -> Iterator[Bus]:
    bus = Bus(watchers.system.amqp_url("operator"))
    yield bus
    bus.close()


@pytest.fixture(scope="session")
def data(watchers: Watchers) -> Iterator[pymongo.MongoClient]:
    """All databases, to look."""
    client: pymongo.MongoClient = pymongo.MongoClient(watchers.system.mongo_url("operator"), tz_aware=True)
    yield client
    client.close()


@pytest.fixture
def story(watchers: Watchers, line: Bus) -> Story:
    return Story(watchers, line)


class Story:
    """One dossier's events, told as its rooms would tell them, in their own sequences."""

    def __init__(self, watchers: Watchers, line: Bus) -> None:
        self.watchers = watchers
        self.line = line
        self.code = f"{UNIT}-240311-{next(_codes):04d}"
        self.owner = f"per-{self.code}"
        self.now = self.clock()
        self._sequences: dict[str, int] = {}

    def clock(self) -> datetime:
        """Business time."""
        answer = self.line.call("oversight.clock", self.watchers.tokens.operator())
        return datetime.fromisoformat(answer["now"])

    def number(self, source: str) -> int:
        """The next sequence number of this dossier in one room."""
        self._sequences[source] = self._sequences.get(source, 0) + 1
        return self._sequences[source]

    def tell(self, name: str, source: str = "intake", *, sequence: int | None = None, **fields: Any) -> str:
        about = {"code": self.code, "owner": self.owner, "unit": UNIT, "desk": UNIT, "procedure": "9.000001"}
        at = fields.pop("at", self.now)
        body = about | {"at": at.isoformat()} | fields
        return self.line.tell(
            name, body, subject=self.code, source=source, sequence=sequence or self.number(source), time=at
        )

    def filed(self, at: datetime | None = None, mode: str = "SELF_PORTAL", pickup: str = "post", **more: Any) -> str:
        at = at or self.now
        due = intake_due(shipped_calendars()["hue-centres"], at).due
        fields = {"mode": mode, "pickup": pickup, "filed_at": at.isoformat(), "intake_due": due.isoformat()}
        return self.tell("dossier.filed", at=at, **(fields | more))

    def accepted(self, at: datetime | None = None, **more: Any) -> str:
        at = at or self.now
        appointment = at + timedelta(days=3)
        return self.tell(
            "dossier.accepted", at=at, accepted_at=at.isoformat(), appointment=appointment.isoformat(), **more
        )

    def slip(self, act: str = "guidance", round: int = 1, text: str = "Bổ sung bản chụp", file: bool = True,
             verdict: str | None = "TOTAL_PASSED", statement: str | None = None,
             components: tuple[str, ...] = ("ban-chup",), officer: str = "acc-desk", person: str = "per-desk",
             **more: Any) -> str:  # fmt: skip
        """Tells of a slip, and lays it down where it is asked for; returns its id."""
        slip_id = f"slip-{self.code}-{act}-{round}"
        home = self.watchers.intake if act == "guidance" else self.watchers.processing
        known = home.answers.get("slip")
        own = {"slip_id": slip_id, "text": text, "failure_statement": statement, "components": list(components)}
        own["officer_person"] = person
        home.answers["slip"] = lambda asked: own if asked["slip_id"] == slip_id else known(asked)  # type: ignore[misc]
        name, source = ("dossier.guided", "intake") if act == "guidance" else ("supplement.requested", "processing")
        self.tell(
            name, source, slip_id=slip_id, act=act, round=round, components=list(components),
            file_id=f"file-{slip_id}" if file else None, file_sha256="0" * 64 if file else None,
            verdict=verdict if file else None, text_hash="1" * 64, has_statement=bool(statement), officer=officer,
            **more,
        )  # fmt: skip
        return slip_id

    def returned(self, signed: bool = True, pickup: str = "post", **more: Any) -> str:
        result = {"file_id": "f-result", "sha256": "2" * 64, "report_id": "r-1", "name": "Kết quả"} if signed else None
        return self.tell("dossier.returned", pickup=pickup, result=result, **more)


def wait_ledger(data: pymongo.MongoClient, event_id: str, within: float = 20.0) -> dict[str, Any]:
    """The ledger entry of an event, when it is there."""
    ledger = data["oversight"]["ledger"]
    return eventually(lambda: ledger.find_one({"body.id": event_id}), within=within, what="ledger entry")  # type: ignore[no-any-return]


def real_now() -> datetime:
    return datetime.now(UTC)
