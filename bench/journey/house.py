"""The running system as the figures see it: its processes, whether it is at rest, and citizens who use it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from bench.cpu import cpu_of, family
from bench.http_load import request
from deploy.demo.audit import Auditor
from deploy.demo.client import API
from deploy.demo.people import BIRTH, Citizen, Officer, from_register, verdict_of
from deploy.demo.world import World
from deploy.local import processes
from deploy.local.system import System
from deploy.local.table import ROOMS
from deploy.operate import at_rest
from services.common.actors import Signer

STORES = ("broker", "database")
TOKEN_SECONDS = 3600


@dataclass
class House:
    """One running system in rehearsal. CPU is counted over our processes, broker and database; simulators stand for
    outside systems and are not counted."""

    system: System
    groups: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.auditor = Auditor(self.system)
        self.world = World(self.system)
        self.look()

    def look(self) -> None:
        """Learns the process ids, workers included."""
        record = processes.record_of(self.system.state, "supervisor")
        roots = {name: self.system.pid(name) for name in (*ROOMS, *STORES)}
        self.groups = family(roots)
        if record:
            self.groups["supervisor"] = [int(record["pid"])]

    def pids(self, names: Iterable[str] | None = None) -> list[int]:
        return [pid for name in (self.groups if names is None else names) for pid in self.groups[name]]

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far, by room, broker, database and supervisor."""
        return {name: cpu_of(pids) for name, pids in self.groups.items()}

    def rest(self, within: float = 120.0) -> None:
        """Returns when every inbox is settled. Looks at little: what looking costs is measured with the rest."""
        limit = time.monotonic() + within
        before: object = None
        while True:
            now = self._standing()
            if now is not None and now == before:
                return
            if time.monotonic() > limit:
                raise RuntimeError(f"not at rest: {self.auditor.moving()}")
            before = now
            time.sleep(0.4)

    def _standing(self) -> object:
        """How much was told and handled so far; None while something is known to be on its way."""
        databases = self.auditor.databases
        if at_rest.open_work(databases):
            return None
        if any(self.auditor.depths().values()):
            return None
        return [databases[room][name].estimated_document_count() for room in ROOMS if room != "gateway"
                for name in ("told", "inbox")]  # fmt: skip

    def settled(self) -> None:
        """Asks the auditor, event by event, whether all is handled. Raises RuntimeError."""
        moving = self.auditor.moving()
        if moving:
            raise RuntimeError(f"not at rest: {moving}")

    def close(self) -> None:
        self.auditor.close()
        self.world.close()


#: Synthetic people of the register whom only benches are (journeys begin at 4000).
_numbers = itertools.count(8000)


@dataclass
class Shares:
    """Where the CPU of some pieces of work went, process by process."""

    seconds: dict[str, float] = field(default_factory=dict)
    pieces: int = 0

    def add(self, before: dict[str, float], after: dict[str, float], pieces: int) -> float:
        """Microseconds per piece of this round, over all processes."""
        for name in after:
            self.seconds[name] = self.seconds.get(name, 0.0) + after[name] - before.get(name, 0.0)
        self.pieces += pieces
        return (sum(after.values()) - sum(before.values())) / pieces * 1e6

    def __str__(self) -> str:
        shares = {name: seconds / self.pieces * 1e6 for name, seconds in self.seconds.items()}
        return ", ".join(
            f"{name} {shares[name]:.0f}" for name in sorted(shares, key=lambda n: -shares[n]) if shares[name] >= 50
        )


def citizens(house: House, number: int) -> list[Citizen]:
    """Registered citizens with sessions; each from a loopback address of its own, for the limits per address."""
    found = []
    for place in range(number):
        client = house.world.client(local_address=f"127.2.{len(house.world.clients) // 250}.{place + 1}")
        found.append(Citizen(house.world, from_register(next(_numbers)), client=client).enter())
    return found


def checked_papers(house: House, citizen: Citizen) -> dict[str, str]:
    """Components of a birth registration whose files were checked before: one signed, one not."""
    form = house.world.signed(house.world.paper("Tờ khai", citizen.phone.number), "citizen-chi")
    papers = {
        "to-khai": citizen.upload(form, "to-khai.pdf")["file_id"],
        "giay-chung-sinh": citizen.upload(house.world.paper("Giấy chứng sinh", citizen.phone.number), "gcs.pdf")[
            "file_id"
        ],
    }
    code = citizen.file(BIRTH, papers)["code"]
    for component in papers:
        verdict_of(citizen.client, code, component)
    return papers


class Tokens:
    """Access tokens as identity signs them, so that a figure about reading does not begin with sixty sign-ins.

    Each names an actor of its own (the limits per actor stay as they are) and the person whose dossiers are read.
    """

    def __init__(self, system: System) -> None:
        self._signer = Signer.load("identity", "identity-1", system.state.secrets / "keys" / "identity-1.pem")
        self._numbers = itertools.count()

    def citizen(self, person_id: str, account: str | None = None) -> str:
        claims = {
            "sub": account or f"acc-bench-{next(self._numbers)}", "pid": person_id, "grants": [["citizen", "*"]],
            "nrm": True, "chn": "portal",
        }  # fmt: skip
        return self._signer.sign(claims, TOKEN_SECONDS)


def authorized(method: str, path: str, token: str, body: bytes = b"", **headers: str) -> bytes:
    """The bytes of one request to the gateway's API."""
    named = {"Authorization": f"Bearer {token}", "X-Channel": "portal", "Accept": "application/json", **headers}
    return request(method, API + path, named, body)


__all__ = ["BIRTH", "House", "Officer", "Tokens", "authorized", "checked_papers", "citizens"]
