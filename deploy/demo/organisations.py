"""An organisation of the rehearsal's business register, as its people use the portal."""

from __future__ import annotations

from datetime import date
from typing import Any

from deploy.demo.people import Citizen
from deploy.demo.world import World
from deploy.rehearsal.cast import Person, Sex
from services.identity.adapters import organisation_register
from services.identity.adapters.population_register import Entry

#: Ten digits that begin so are the phones of organisations; synthetic people have 0977….
_PHONES = "0967"


class Organisation(Citizen):
    """Signs in and files as a citizen does; registers and normalizes by its own forms. `phone`: not its own."""

    def __init__(self, world: World, known: organisation_register.Organisation, *, phone: str = "") -> None:
        # A branch has the parent's digits: one phone more.
        own = f"{_PHONES}{int(known.tax_number[2:8]) + 500_000 * ('-' in known.tax_number):06d}"
        super().__init__(world, person_of(known.representative, phone or own), phone=phone or own)
        self.known = known

    def registration(self, **other: Any) -> dict[str, Any]:
        """What it gives to register; `other` replaces fields."""
        return {
            "tax_number": self.known.tax_number, "organisation_name": self.known.name, "phone": self.phone.number,
            "password": self.password, "full_name": self.person.full_name,
            "birth_date": self.person.birth_date.isoformat(), **other,
        }  # fmt: skip

    def register(self) -> dict[str, Any]:
        asked = self.client.post("/organisation-registrations", self.registration())
        code = self.phone.code(reference=asked["registration_id"])
        made: dict[str, Any] = self.client.post(
            f"/registrations/{asked['registration_id']}/confirmation", {"code": code}
        )
        return made

    def normalization(self, **other: Any) -> dict[str, Any]:
        form = {
            "organisation_name": self.known.name, "tax_number": self.known.tax_number,
            "full_name": self.person.full_name, "id_number": self.person.personal_number,
            "phone": self.phone.number, **other,
        }  # fmt: skip
        if "code" not in form:
            before = self.phone.newest()
            self.client.post("/account/normalization/code", {"phone": form["phone"]})
            form["code"] = self.phone.code(after=before)
        return form

    def normalize(self, form: dict[str, Any] | None = None, key: str | None = None) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.post(
            "/account/organisation-normalization", form or self.normalization(), key=key
        )
        if answer["access_token"] is None:
            self.sign_in()
        else:
            self.client.token = answer["access_token"]
        self.account = {**self.account, "person_id": answer["person_id"], "normalized": True}
        return answer


def person_of(entry: Entry, phone: str = "") -> Person:
    """Somebody of the population register as one of the cast, with a phone of one's choice."""
    sex: Sex = "female" if entry.sex == "female" else "male"
    issued = entry.issue_date or date(2021, 1, 4)
    return Person(
        "somebody", entry.full_name, "citizen", entry.id_number, entry.birth_date, sex, issued, phone or entry.phone
    )
