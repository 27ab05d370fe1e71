"""`path`: whole main paths per second, from the upload of signed papers to the result in the owner's store.

The share of each process is told with it; signature checks (signing workers) and PDFs (intake workers) apart.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.figures import Figure
from bench.journey.house import BIRTH, House, Officer, citizens
from deploy.demo.client import Client, eventually, new_key
from deploy.demo.people import Citizen
from deploy.demo.result import forgery

DOSSIERS = 12  # per client
CLIENTS = (1, 8)


@dataclass
class Walker:
    """One client: a citizen, the desk and the specialist who serve her."""

    house: House
    citizen: Citizen
    desk: Client
    specialist: Client

    def walk(self, number: int) -> None:
        """One dossier from its papers to the holding."""
        world, phone = self.house.world, self.citizen.phone.number
        form = world.signed(world.paper("Tờ khai", f"{phone} {number}"), "citizen-chi")
        papers = {
            "to-khai": self.citizen.upload(form, "to-khai.pdf")["file_id"],
            "giay-chung-sinh": self.citizen.upload(world.paper("Giấy chứng sinh", f"{phone} {number}"), "gcs.pdf")[
                "file_id"
            ],
        }
        code = self.citizen.file(BIRTH, papers)["code"]
        self._send(self.desk, f"/dossiers/{code}", "acceptance")
        self._seen(self.specialist, f"/cases/{code}")
        step = self.specialist.get(f"/cases/{code}")["steps"][0]["step"]
        self._send(self.specialist, f"/cases/{code}", f"steps/{step}/start")
        self._send(self.specialist, f"/cases/{code}", f"steps/{step}/finish")
        result = self.specialist.send_bytes(
            "/uploads", forgery(world, "right", f"{phone} {number}"), purpose="result", filename="giay-khai-sinh.pdf"
        )
        self._send(self.specialist, f"/cases/{code}", "results", file_id=result["file_id"], name="Giấy khai sinh")
        self._send(self.desk, f"/dossiers/{code}", "return")

    def walk_all(self) -> None:
        for number in range(DOSSIERS):
            self.walk(number)

    def _send(self, client: Client, thing: str, what: str, **body: object) -> None:
        client.post(f"{thing}/{what}", {"version": client.get(thing)["version"], **body}, key=new_key())

    def _seen(self, client: Client, path: str) -> None:
        eventually(lambda: client.once("GET", path).status_code == 200, every=0.05, what=path)


def measure(house: House) -> list[Figure]:
    house.look()
    people = citizens(house, max(CLIENTS))
    walkers = []
    for place, person in enumerate(people):
        officers = [Officer(house.world, key) for key in ("officer-desk", "officer-specialist")]
        for officer in officers:
            officer.client = house.world.client(local_address=f"127.3.0.{place + 1}", renew=officer.sign_in)
            officer.enter()
        walkers.append(Walker(house, person, officers[0].client, officers[1].client))
    walkers[0].walk(-1)
    house.rest()
    return [figure for clients in CLIENTS for figure in _run(house, walkers[:clients])]


def _run(house: House, walkers: list[Walker]) -> list[Figure]:
    house.look()
    before, started, own = house.cpu(), time.monotonic(), time.process_time()
    with ThreadPoolExecutor(len(walkers)) as pool:
        for job in [pool.submit(walker.walk_all) for walker in walkers]:
            job.result()
    passed = time.monotonic() - started
    house.rest()
    used = {name: seconds - before.get(name, 0.0) for name, seconds in house.cpu().items()}
    total, count = sum(used.values()), DOSSIERS * len(walkers)
    shares = ", ".join(f"{n} {used[n] / total:.0%}" for n in sorted(used, key=lambda n: -used[n])[:9])
    return [
        Figure(f"path_{len(walkers)}", "dossiers/s", count / passed, note=f"client {time.process_time() - own:.1f} s"),
        Figure(f"path_{len(walkers)}_cpu", "ms CPU/dossier", total / count * 1000, note=shares),
    ]
