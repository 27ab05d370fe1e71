"""One running system; a citizen who uploads and files, a desk that answers."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy.local.paths import PKI
from deploy.rehearsal import authority, papers
from deploy.rehearsal.cast import PEOPLE
from services.common.problems import Problem
from tests.support.bus import Bus, Tokens, eventually

UNIT = "000.05.07.H57"
OTHER_UNIT = "000.05.08.H57"
Answer = dict[str, Any]


def put(opened: Answer, data: bytes) -> Answer:
    """Sends the bytes of a file to the vault's door."""
    address = urlsplit(opened["url"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
    connection.request("PUT", address.path, data, {"Authorization": f"Ticket {opened['ticket']}"})
    response = connection.getresponse()
    answer: Answer = json.loads(response.read())
    connection.close()
    assert response.status == 201, answer
    return answer


def fetch(ticket: Answer) -> bytes:
    """Fetches the bytes of a file from the vault's door."""
    address = urlsplit(ticket["url"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
    connection.request("GET", address.path, None, {"Authorization": f"Ticket {ticket['ticket']}"})
    response = connection.getresponse()
    data = response.read()
    connection.close()
    assert response.status == 200, data
    return data


@dataclass
class Somebody:
    """A person with a token, who speaks to rooms."""

    bus: Bus
    token: str
    subject: str = ""
    person_id: str = ""
    channel: str = "portal"

    def call(self, method: str, **kwargs: Any) -> Any:
        """A query."""
        return self.bus.call(method, self.token, channel=self.channel, **kwargs)

    def do(self, method: str, *, key: str | None = None, **kwargs: Any) -> Answer:
        """A command under a key of its own, asked again while the system says that it is not ready for it."""
        key = key or uuid.uuid4().hex
        given: list[Answer] = []

        def attempt() -> bool:
            try:
                given.append(self.bus.call(method, self.token, key=key, channel=self.channel, timeout=20, **kwargs))
            except Problem as problem:
                if problem.status != 503:
                    raise
            return bool(given)

        eventually(attempt, within=40, every=0.3, what=method)
        return given[0]

    def refused(self, method: str, **kwargs: Any) -> Problem:
        """The problem that a command or query is refused with."""
        try:
            answer = self.do(method, **kwargs)
        except Problem as problem:
            return problem
        raise AssertionError(f"{method} was not refused: {answer}")

    def upload(self, purpose: str, data: bytes) -> str:
        """Stores a file; returns its id."""
        opened = self.bus.call(
            "vault.open_upload", self.token, key=uuid.uuid4().hex, purpose=purpose, filename="giay-to.pdf"
        )
        return str(put(opened, data)["file_id"])


def paper(title: str = "Bản chụp") -> bytes:
    """A PDF that nobody signed, each another."""
    return papers.paper(title, [uuid.uuid4().hex])


def signed(name: str, at: datetime, title: str = "Đơn đề nghị") -> bytes:
    """A PDF signed by somebody of the cast, with a timestamp."""
    return papers.sign(paper(title), authority.token(PKI, name), at=at, timestamp=authority.token(PKI, "timestamp"))


@dataclass
class Citizen(Somebody):
    """Files dossiers."""

    filed: list[str] = field(default_factory=list)

    def components(self, don: bytes | None = None, copy: bytes | None = None) -> list[dict[str, str]]:
        return [
            {"component": "don", "file_id": self.upload("component", don or paper("Đơn"))},
            {"component": "ban-chup", "file_id": self.upload("component", copy or paper())},
        ]

    def body(self, **changes: Any) -> dict[str, Any]:
        given = changes.pop("components", None) or self.components()
        return {
            "procedure": "9.000001", "desk": UNIT, "components": given, "pickup": "online", "statement": True,
        } | changes  # fmt: skip

    def file(self, **changes: Any) -> Answer:
        answer = self.do("intake.file", **self.body(**changes))
        self.filed.append(answer["code"])
        return answer


Make = Callable[..., Any]


@pytest.fixture
def citizen(bus: Bus, tokens: Tokens) -> Make:
    """`citizen(channel="portal", normalized=True, cast="")`: somebody new, or one of the cast whom identity knows."""

    def make(channel: str = "portal", *, normalized: bool = True, cast: str = "") -> Citizen:
        subject, person = f"acc-{uuid.uuid4().hex[:12]}", f"per-{uuid.uuid4().hex[:12]}"
        if cast:
            who = PEOPLE[cast]
            person = bus.call(
                "identity.resolve_person", tokens.service("intake"), key=uuid.uuid4().hex,
                id_number=who.personal_number, full_name=who.full_name, birth_date=who.birth_date.isoformat(),
            )["person_id"]  # fmt: skip
        token = tokens.person("citizen", subject=subject, person_id=person, channel=channel, normalized=normalized)
        return Citizen(bus, token, subject, person, channel)

    return make


@pytest.fixture
def officer(bus: Bus, tokens: Tokens) -> Make:
    """`officer(role="desk_officer", unit=UNIT)`: somebody of an agency."""

    def make(role: str = "desk_officer", unit: str = UNIT) -> Somebody:
        subject = f"acc-{uuid.uuid4().hex[:12]}"
        person = f"per-{subject}"
        return Somebody(bus, tokens.person(role, unit, subject=subject, person_id=person), subject, person)

    return make


@pytest.fixture
def room(bus: Bus, tokens: Tokens) -> Make:
    """`room("oversight")`: a room as a caller."""
    return lambda name: Somebody(bus, tokens.service(name))


@pytest.fixture
def told(database: Any) -> Callable[[str], list[Answer]]:
    """`told(code)`: the events of a dossier that intake has told, in order."""
    return lambda code: list(database["intake"]["told"].find({"aggregateid": code}).sort("sequence", 1))


@pytest.fixture
def business_now(bus: Bus, tokens: Tokens) -> Callable[[], datetime]:
    """The system's business time."""
    return lambda: datetime.fromisoformat(bus.call("oversight.clock", tokens.operator())["now"])
