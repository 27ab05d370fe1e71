"""Clients that file dossiers and see them through whatever happens to the system, and note what they were told.

A client is a citizen at a browser of her own, with the officers who serve her at theirs: each from a loopback address
of its own, so that the gateway's limits stay as `up` sets them.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx

from deploy.demo.client import Client, eventually, new_key
from deploy.demo.people import BIRTH, Citizen, Officer, verdict_of
from deploy.demo.result import forgery
from deploy.demo.world import World
from tests.journeys.scenes import somebody

PATIENCE = 90.0  # seconds for which a client repeats one request
#: Events that a fate must have told exactly once.
WANTED: dict[str, tuple[str, ...]] = {
    "returned": (
        "dossier.filed", "dossier.accepted", "case.opened", "step.started", "step.finished", "result.attached",
        "result.ready", "result.released", "dossier.returned", "holding.added",
    ),
    "refused": ("dossier.filed", "dossier.refused"),
    "withdrawn": ("dossier.filed", "dossier.withdrawn"),
    "accepted": ("dossier.filed", "dossier.accepted", "case.opened"),
    "registered": ("dossier.filed",),
}  # fmt: skip
#: Statuses at the national portal. 4 goes before 9 and 10 whatever overtakes what; each code is there once.
CODES = {
    "returned": [1, 2, 4, 9, 10], "refused": [1, 3], "withdrawn": [1, 7], "accepted": [1, 2, 4], "registered": [1],
}  # fmt: skip
_addresses = itertools.count()


@dataclass(frozen=True)
class Plan:
    """How many dossiers by how many clients of how many people; dossier n gets `fates[n % len(fates)]`, and each
    number in `own` comes with papers of its own, which signing has never seen."""

    dossiers: int
    clients: int
    people: int
    fates: tuple[str, ...]
    own: frozenset[int] = frozenset()


@dataclass
class Notes:
    """What one client was told: code → fate, for requests that were accepted, and what it failed at."""

    fates: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


@dataclass
class Worker:
    """One client: a citizen and, for what follows, officers with sessions of their own."""

    world: World
    citizen: Citizen
    papers: dict[str, str]
    desk: Client
    specialist: Client
    notes: Notes = field(default_factory=Notes)

    def work(self, numbers: Iterator[int], plan: Plan) -> Notes:
        for number in numbers:
            try:
                self.one(plan.fates[number % len(plan.fates)], own=f"{number}" if number in plan.own else "")
            except Exception as exc:
                self.notes.faults.append(f"{number}: {exc!r}")
        return self.notes

    def one(self, fate: str, own: str = "") -> str:
        """One dossier to that end; `own` makes papers of its own. Its code."""
        papers = uploaded(self.citizen, own) if own else self.papers
        code = str(self.citizen.file(BIRTH, papers, key=new_key())["code"])
        self.notes.fates[code] = "registered"
        if fate == "withdrawn":
            self._send(self.citizen.client, f"/dossiers/{code}", "withdrawal")
        elif fate == "refused":
            self._send(self.desk, f"/dossiers/{code}", "refusal", reason="Không thuộc thẩm quyền")
        elif fate != "registered":
            self._send(self.desk, f"/dossiers/{code}", "acceptance")
        if fate == "returned":
            self.notes.fates[code] = "accepted"
            self._return(code)
        self.notes.fates[code] = fate
        return code

    def _return(self, code: str) -> None:
        eventually(lambda: self._exists(f"/cases/{code}"), within=PATIENCE, what=f"the case of {code}")
        paper = forgery(self.world, "right", code)  # a paper is the result of one dossier only
        stored = self.specialist.send_bytes("/uploads", paper, key=new_key(), purpose="result", filename="ket-qua.pdf")
        step = self.specialist.get(f"/cases/{code}")["steps"][0]["step"]
        for what, body in ((f"steps/{step}/start", {}), (f"steps/{step}/finish", {}),
                           ("results", {"file_id": stored["file_id"], "name": "Giấy khai sinh"})):  # fmt: skip
            self._send(self.specialist, f"/cases/{code}", what, **body)
        self._send(self.desk, f"/dossiers/{code}", "return")

    def _send(self, client: Client, thing: str, what: str, **body: object) -> None:
        """A command against the present version, under one key however often it is sent."""
        client.post(f"{thing}/{what}", {"version": client.get(thing)["version"], **body}, key=new_key())

    def _exists(self, path: str) -> bool:
        try:
            return self.specialist.once("GET", path).status_code == 200
        except httpx.TransportError:  # the gateway is being killed too
            return False


def new_worker(world: World) -> Worker:
    """A citizen with papers that were checked before, officers signed in."""
    return workers(world, 1, 1)[0]


def workers(world: World, clients: int, people: int) -> list[Worker]:
    """So many clients; where there are fewer people, the first ones have a second session, and the same two papers."""
    made = [_first(world) for _ in range(people)]
    for place in range(clients - people):
        first = made[place % people]
        again = Citizen(world, first.citizen.person, client=_client(world))
        again.sign_in()
        made.append(_served(world, again, first.papers))
    return made


def _first(world: World) -> Worker:
    citizen = Citizen(world, somebody(), client=_client(world)).enter()
    one = _served(world, citizen, uploaded(citizen, citizen.phone.number))
    code = str(citizen.file(BIRTH, one.papers)["code"])
    for component in one.papers:
        verdict_of(citizen.client, code, component)
    citizen.client.post(f"/dossiers/{code}/withdrawal", {"version": citizen.dossier(code)["version"]})
    one.notes.fates[code] = "withdrawn"
    return one


def _served(world: World, citizen: Citizen, papers: dict[str, str]) -> Worker:
    desk, specialist = (_officer(world, key) for key in ("officer-desk", "officer-specialist"))
    return Worker(world, citizen, papers, desk.client, specialist.client)


def uploaded(citizen: Citizen, text: str) -> dict[str, str]:
    """A signed form and a scan that say `text`: component → file id."""
    world = citizen.world
    form = world.signed(world.paper("Tờ khai", citizen.phone.number, text), "citizen-chi")
    scan = world.paper("Giấy chứng sinh", citizen.phone.number, text)
    return {
        "to-khai": citizen.upload(form, "to-khai.pdf", key=new_key())["file_id"],
        "giay-chung-sinh": citizen.upload(scan, "gcs.pdf", key=new_key())["file_id"],
    }


def _client(world: World) -> Client:
    number = next(_addresses)
    return world.client(local_address=f"127.4.{number // 250}.{number % 250 + 1}")


def _officer(world: World, key: str) -> Officer:
    officer = Officer(world, key)
    officer.client = _client(world)
    officer.client.renew = officer.sign_in
    return officer.enter()


class Numbers:
    """Numbers that several clients draw from: until the end is told, and then still until `least` were drawn."""

    def __init__(self, least: int = 0) -> None:
        self._least = least
        self._next = 0
        self._lock = threading.Lock()
        self._ended = False

    def end(self, *, at_once: bool = False) -> None:
        """No more than are needed; `at_once`: no more at all."""
        self._ended = True
        if at_once:
            self._least = 0

    @property
    def drawn(self) -> int:
        return self._next

    def __iter__(self) -> Iterator[int]:
        while True:
            with self._lock:
                number = self._next
                if self._ended and number >= self._least:
                    return
                self._next += 1
            yield number
