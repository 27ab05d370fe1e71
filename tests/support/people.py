"""Citizens and officers as tests need them: registered, signed in and normalized through the real rooms."""

from __future__ import annotations

import itertools
import json
import re
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import Any

from deploy.local.system import System
from deploy.rehearsal import cast
from services.identity.adapters.population_register import Entry, synthetic
from tests.support.bus import Bus

_CODE = re.compile(r" la ([0-9]{6}),")
# Everybody below is taken by load drivers, which count from 0.
_next = itertools.count(2000)


def somebody() -> Entry:
    """A synthetic person of the population register whom no other test of this run is."""
    return synthetic(next(_next))


@dataclass
class Phones:
    """The SMS simulator: what arrived at a phone."""

    system: System

    def messages(self, phone: str) -> list[dict[str, Any]]:
        """Messages to a phone, oldest first: number, to, text, reference."""
        with urllib.request.urlopen(f"{self._url}/messages?to={phone}", timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)["messages"]
        return found

    def codes(self, phone: str) -> list[str]:
        """One-time codes that arrived at a phone, oldest first."""
        return [match[1] for message in self.messages(phone) if (match := _CODE.search(message["text"]))]

    def code(self, phone: str) -> str:
        """The newest code."""
        return self.codes(phone)[-1]

    def control(self, **order: Any) -> None:
        """Tells the simulator how to behave; without an order it is healed."""
        order_simulator(self._url, order)

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self.system.process('sms-simulator').http_port}"


def population(system: System, **order: Any) -> None:
    """Tells the population simulator how to behave; without an order it is healed."""
    order_simulator(f"http://127.0.0.1:{system.process('population-simulator').http_port}", order)


def order_simulator(url: str, order: dict[str, Any]) -> None:
    request = urllib.request.Request(f"{url}/control", json.dumps(order).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=5) as answer:
        answer.read()


@dataclass
class Citizen:
    """One person with an account; `token` is the present access token."""

    bus: Bus
    phones: Phones
    entry: Entry
    password: str = "Mat khau rat dai 1"
    phone: str = ""
    token: str = ""
    account_id: str = ""
    person_id: str = ""
    signed_in: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.phone = self.phone or self.entry.phone

    def register(self, **changed: Any) -> Citizen:
        """Registers with the code from the phone."""
        made = self.bus.call("identity.register", **self.registration(**changed))
        answer = self.bus.call(
            "identity.confirm_registration",
            key=uuid.uuid4().hex,
            registration_id=made["registration_id"],
            code=self.phones.code(self.phone),
        )
        self.account_id, self.person_id = answer["account_id"], answer["person_id"]
        return self

    def registration(self, **changed: Any) -> dict[str, Any]:
        """Input of identity.register."""
        return {
            "phone": self.phone,
            "password": self.password,
            "full_name": self.entry.full_name,
            "birth_date": self.entry.birth_date.isoformat(),
        } | changed

    def sign_in(self, channel: str = "portal") -> Citizen:
        self.signed_in = self.bus.call("identity.sign_in", phone=self.phone, password=self.password, channel=channel)
        self.token = self.signed_in["access_token"]
        return self

    def home(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.bus.call("identity.home", self.token)
        return answer

    def form(self, **changed: Any) -> dict[str, Any]:
        """Input of identity.normalize with the newest code of the phone."""
        form = {
            "full_name": self.entry.full_name,
            "id_number": self.entry.id_number,
            "issue_date": self.entry.issue_date.isoformat() if self.entry.issue_date else "",
            "phone": self.phone,
        } | changed
        return form if "code" in form else form | {"code": self.phones.code(form["phone"])}

    def ask_code(self, phone: str | None = None) -> Citizen:
        self.bus.call("identity.request_normalization_code", self.token, phone=phone or self.phone)
        return self

    def normalize(self, **changed: Any) -> dict[str, Any]:
        """Normalizes with the newest code; takes over the new access token."""
        answer: dict[str, Any] = self.bus.call(
            "identity.normalize", self.token, key=uuid.uuid4().hex, **self.form(**changed)
        )
        self.token, self.person_id = answer["access_token"], answer["person_id"]
        return answer


def citizen(bus: Bus, system: System, entry: Entry | None = None) -> Citizen:
    """Somebody registered and signed in, not normalized."""
    return Citizen(bus, Phones(system), entry or somebody()).register().sign_in()


def normalized(bus: Bus, system: System, entry: Entry | None = None) -> Citizen:
    """Somebody registered, signed in and normalized."""
    person = citizen(bus, system, entry)
    person.ask_code().normalize()
    return person


def officer(bus: Bus, system: System, key: str) -> str:
    """The access token of an officer of the cast, signed in with password and code."""
    person = cast.PEOPLE[key]
    challenge = bus.call("identity.officer_sign_in", username=person.username, password=cast.rehearsal_password(person))
    answer = bus.call(
        "identity.officer_confirm", challenge_id=challenge["challenge_id"], code=Phones(system).code(person.phone)
    )
    return str(answer["access_token"])
