"""Scenes that journeys begin from: a dossier that is filed, accepted, worked to its end, with this or that result."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from deploy.demo.client import Refused, eventually
from deploy.demo.people import BIRTH, COPY, Citizen, Officer, from_register, verdict_of
from deploy.demo.result import forgery
from deploy.demo.world import World
from deploy.rehearsal.cast import Person
from services.identity.adapters.organisation_register import Organisation as Registered
from services.identity.adapters.organisation_register import has_branch, synthetic_organisation

#: Synthetic people of the population register whom only journeys are (tests of rooms begin at 2000).
_numbers = itertools.count(4000)
_organisations = itertools.count()
COMPONENTS = {COPY: ("don", "ban-chup"), BIRTH: ("to-khai", "giay-chung-sinh")}


def somebody() -> Person:
    """A person of the population register whom no other journey is."""
    return from_register(next(_numbers))


def next_organisation(*, branch: bool = False) -> Registered:
    """An organisation of the business register whom no other journey is; or a branch, if one is asked for."""
    return next(synthetic_organisation(n, branch=branch) for n in _organisations if not branch or has_branch(n))


@dataclass
class Scenes:
    """Made once: uploaded papers are shared among dossiers, as a citizen files the same scan twice."""

    world: World
    citizen: Citizen
    desk: Officer
    specialist: Officer
    _papers: dict[tuple[int, str], dict[str, str]] = field(default_factory=dict)

    def papers(self, citizen: Citizen, procedure: str) -> dict[str, str]:
        """Component → file id: the form signed, the scan not."""
        key = (id(citizen), procedure)
        if key not in self._papers:
            form, scan = COMPONENTS[procedure]
            at = self.world.now()
            signed = self.world.signed_by(self.world.paper(form, citizen.phone.number), citizen.person, at)
            plain = self.world.paper(scan, citizen.phone.number)
            self._papers[key] = {
                form: citizen.upload(signed, f"{form}.pdf")["file_id"],
                scan: citizen.upload(plain, f"{scan}.pdf")["file_id"],
            }
        return dict(self._papers[key])

    def scan(self, text: str, citizen: Citizen | None = None) -> str:
        """A fresh unsigned scan of the citizen's; its file id."""
        who = citizen or self.citizen
        return str(who.upload(self.world.paper("Bản chụp", text), "ban-chup.pdf")["file_id"])

    def filed(self, procedure: str = COPY, citizen: Citizen | None = None, pickup: str = "online") -> str:
        """The code of a dossier just filed, its signatures checked."""
        who = citizen or self.citizen
        code = str(who.file(procedure, self.papers(who, procedure), pickup=pickup)["code"])
        for component in COMPONENTS[procedure]:
            verdict_of(who.client, code, component)
        return code

    def accepted(self, procedure: str = COPY, citizen: Citizen | None = None, pickup: str = "online") -> str:
        code = self.filed(procedure, citizen, pickup)
        self.desk.on_dossier(code, "acceptance")
        eventually(lambda: self.case(code), what=f"the case of {code}")
        return code

    def worked(self, procedure: str = BIRTH, citizen: Citizen | None = None, pickup: str = "online") -> str:
        """Accepted, and every step finished."""
        code = self.accepted(procedure, citizen, pickup)
        self.specialist.work(code)
        return code

    def returned(self, procedure: str = BIRTH, citizen: Citizen | None = None, pickup: str = "online") -> str:
        """With the right result, handed over."""
        code = self.worked(procedure, citizen, pickup)
        self.attach(code, "right")
        self.desk.on_dossier(code, "return")
        return code

    def attach(self, code: str, how: str) -> dict[str, Any]:
        """Attaches a result file of that kind (deploy.demo.result); the case as answered."""
        stored = self.specialist.upload(forgery(self.world, how, code), f"{how}.pdf", "result")
        return self.specialist.on_case(code, "results", file_id=stored["file_id"], name=how)

    def slip(self, text: str, signer: str | None = "officer-desk", officer: Officer | None = None) -> str:
        """A guidance file, signed or (None) not; its file id."""
        pdf = self.world.paper("Phiếu hướng dẫn", text)
        data = self.world.signed(pdf, signer) if signer else pdf
        return str((officer or self.desk).upload(data, "huong-dan.pdf", "slip")["file_id"])

    def guided(self, code: str, text: str, components: list[str], signer: str | None = "officer-desk",
               **more: Any) -> dict[str, Any]:  # fmt: skip
        """A guidance with a file; the dossier as answered."""
        file_id = self.slip(f"{code} {text}", signer)
        return self.desk.on_dossier(code, "guidance", text=text, components=components, file_id=file_id, **more)

    def case(self, code: str) -> dict[str, Any] | None:
        """The case at the specialist's, None while processing has not heard of it."""
        try:
            return self.specialist.case(code)
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise
