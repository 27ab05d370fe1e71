"""One running rehearsal as its people meet it: addresses, the clock, the test authority, phones and their messages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import httpx

from deploy.demo.client import Client, eventually
from deploy.local.paths import PKI
from deploy.local.system import System
from deploy.local.table import Process
from deploy.rehearsal import authority, cast, papers
from deploy.rehearsal.cast import Person

_CODE = re.compile(r"\bla (\d{6})\b")


class World:
    """A running system and everything around it, by address."""

    def __init__(self, system: System, *, patience: float = 60.0) -> None:
        self.system = system
        self.patience = patience
        self.base_url = system.base_url
        self.clients: list[Client] = []
        self.simulators = httpx.Client(trust_env=False, timeout=15.0)
        self._tokens: dict[str, authority.Token] = {}
        self._rows: dict[str, Process] = {}

    def close(self) -> None:
        for client in self.clients:
            client.close()
        self.simulators.close()

    def client(self, channel: str = "portal", **options: Any) -> Client:
        """A new client of the gateway; closed with the world."""
        options.setdefault("patience", self.patience)
        made = Client(self.base_url, channel=channel, **options)
        self.clients.append(made)
        return made

    def simulator(self, name: str) -> str:
        """The address of an outside system's simulator: population, sms, national, provider, partner."""
        return f"http://127.0.0.1:{self._row(f'{name}-simulator').http_port}"

    def _row(self, process: str) -> Process:
        """A row of the process table, made once: addresses stay while a system runs."""
        if process not in self._rows:
            self._rows[process] = self.system.process(process)
        return self._rows[process]

    def ask(self, name: str, path: str, **query: Any) -> Any:
        """GET of a simulator's own door."""
        response = self.simulators.get(self.simulator(name) + path, params=query)
        return response.json()

    def tell(self, name: str, path: str, body: Any) -> Any:
        """POST to a simulator's own door. Raises httpx.HTTPStatusError."""
        response = self.simulators.post(self.simulator(name) + path, json=body)
        response.raise_for_status()
        return response.json()

    @cached_property
    def anybody(self) -> Client:
        """A client of somebody who has not signed in."""
        return self.client()

    def now(self) -> datetime:
        """Business time, as the gateway tells it."""
        return datetime.fromisoformat(self.anybody.get("/clock")["now"])

    def token(self, name: str) -> authority.Token:
        """A soft token of the test authority."""
        if name not in self._tokens:
            self._tokens[name] = authority.token(PKI, name)
        return self._tokens[name]

    def token_of(self, person: Person) -> authority.Token:
        """The soft token of a person: the cast's own, or one that is made now and kept while the world lasts."""
        if person.key in cast.PEOPLE:
            return self.token(person.key)
        name = person.personal_number
        if name not in self._tokens:
            who = authority.subject(person.full_name, user_id=f"CCCD:{name}")
            self._tokens[name] = authority.Authority(PKI).made(name, who)
        return self._tokens[name]

    def signed_by(self, pdf: bytes, person: Person, at: datetime | None = None) -> bytes:
        """The paper signed by this person, now in business time."""
        return papers.sign(pdf, self.token_of(person), at=at or self.now())

    def paper(self, title: str, *lines: str) -> bytes:
        return papers.paper(title, lines)

    def signed(self, pdf: bytes, token: str, at: datetime | None = None, *, stamped: bool = False) -> bytes:
        """The paper signed with PAdES by a member of the cast, now in business time; `stamped` by the authority's
        timestamp responder (B-T)."""
        moment = at or self.now()
        stamp = f"{self.simulator('authority')}/tsa?{urlencode({'at': moment.isoformat()})}" if stamped else None
        return papers.sign(pdf, self.token(token), at=moment, timestamp=stamp)

    def metric(self, process: str, name: str) -> float | None:
        """The sum of a metric of a process; None while it does not answer."""
        try:
            port = self._row(process).health_port
            text = self.simulators.get(f"http://127.0.0.1:{port}/metrics", timeout=1.0).text
        except httpx.HTTPError:
            return None
        values = [float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
                  if line.startswith((name + "{", name + " "))]  # fmt: skip
        return sum(values) if values else None


@dataclass(frozen=True)
class Sms:
    """One message on a phone."""

    number: int
    text: str
    reference: str


class Phone:
    """A mobile phone, as far as the SMS simulator plays it."""

    def __init__(self, world: World, number: str) -> None:
        self._world = world
        self.number = number

    def messages(self, after: int = 0) -> list[Sms]:
        found = self._world.ask("sms", "/messages", to=self.number, after=after)["messages"]
        return [Sms(m["number"], m["text"], m["reference"]) for m in found]

    def newest(self) -> int:
        """The number of the newest message, 0 without one."""
        return max((m.number for m in self.messages()), default=0)

    def code(self, *, reference: str = "", after: int = 0) -> str:
        """The code of the message that came for a request. Raises AssertionError when none comes."""

        def look() -> str | None:
            for message in reversed(self.messages(after)):
                found = _CODE.search(message.text)
                if found and (not reference or message.reference == f"code-{reference}"):
                    return found[1]
            return None

        return str(eventually(look, within=15, what=f"a code by SMS ({reference or 'any'})"))
