"""The people of a rehearsal as they sit before their screens: a citizen, officers, the payment provider.

Everything here goes over HTTP: to the gateway as that person, or to the simulators of outside systems.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from deploy.demo.client import Client, Refused, eventually
from deploy.demo.world import Phone, World
from deploy.rehearsal import cast
from deploy.rehearsal.cast import Person
from services.identity.adapters.population_register import synthetic

QUANG_THAI = "000.05.07.H57"
COPY = "9.000001"  # Cấp bản sao có xác nhận, a fictional procedure
BIRTH = "1.001193"  # Đăng ký khai sinh

_MADE_UP = {"receiver": "Người nhận diễn tập", "phone": "0914000123", "address": "Thôn 1, xã Quảng Thái, Quảng Điền"}


class Citizen:
    """A citizen at the portal or in Hue-S. `phone`: another than the cast's, for accounts made in passing."""

    def __init__(
        self, world: World, person: Person, *, channel: str = "portal", phone: str = "", client: Client | None = None
    ) -> None:
        self.world = world
        self.person = person
        self.channel = channel
        self.phone = Phone(world, phone or person.phone)
        self.password = cast.rehearsal_password(person)
        self.client = client or world.client(channel)
        self.client.renew = self.sign_in
        self.account: dict[str, Any] = {}

    def register(self) -> dict[str, Any]:
        """Registers with the code from her phone; an account and a person of her own."""
        asked = self.client.post("/registrations", {
            "phone": self.phone.number, "password": self.password, "full_name": self.person.full_name,
            "birth_date": self.person.birth_date.isoformat(),
        })  # fmt: skip
        code = self.phone.code(reference=asked["registration_id"])
        made: dict[str, Any] = self.client.post(
            f"/registrations/{asked['registration_id']}/confirmation", {"code": code}
        )
        return made

    def sign_in(self) -> dict[str, Any]:
        body = {"phone": self.phone.number, "password": self.password, "channel": self.channel}
        answer: dict[str, Any] = self.client.post("/sessions", body)
        self.client.token = answer["access_token"]
        self.account = answer["account"]
        return answer

    def enter(self) -> Citizen:
        """Registers and signs in."""
        self.register()
        self.sign_in()
        return self

    def normalization(self, **other: Any) -> dict[str, Any]:
        """The form filled as on her card, with a code that came to the phone; `other` replaces fields."""
        form: dict[str, Any] = {
            "full_name": self.person.full_name, "id_number": self.person.personal_number,
            "issue_date": self.person.issue_date.isoformat(), "phone": self.phone.number, **other,
        }  # fmt: skip
        if "code" not in form:
            phone = Phone(self.world, form["phone"])
            before = phone.newest()
            self.client.post("/account/normalization/code", {"phone": phone.number})
            form["code"] = phone.code(after=before)
        return form

    def normalize(self, form: dict[str, Any] | None = None, key: str | None = None) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.post("/account/normalization", form or self.normalization(), key=key)
        if answer["access_token"] is None:  # the first answer was lost; a repeated one holds no token
            self.sign_in()
        else:
            self.client.token = answer["access_token"]
        self.account = {**self.account, "person_id": answer["person_id"], "normalized": True}
        return answer

    def home(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get("/account")
        return answer

    def own_code(self, act: str) -> str:
        """The code for an act on the own account: suspension, cancellation, password."""
        before = self.phone.newest()
        self.client.post("/account/codes", {"act": act})
        return self.phone.code(after=before)

    def change_password(self, new_password: str) -> None:
        self.client.post("/account/password", {"code": self.own_code("password"), "new_password": new_password})
        self.password = new_password

    def suspend(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.post("/account/suspension", {"code": self.own_code("suspension")})
        return answer

    def resume(self) -> str:
        """Takes the account up again; the id of the code's challenge."""
        asked = self.client.post("/account/resumption", {"phone": self.phone.number, "password": self.password})
        resumption = str(asked["resumption_id"])
        code = self.phone.code(reference=resumption)
        self.client.post(f"/account/resumption/{resumption}/confirmation", {"code": code})
        return resumption

    def cancel(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.post("/account/cancellation", {"code": self.own_code("cancellation")})
        return answer

    def recover(self, new_password: str, *, ask: bool = True) -> None:
        """A new password by a code to the phone; without `ask`, by one that support has started."""
        before = self.phone.newest() if ask else 0
        if ask:
            self.client.post("/account/recovery", {"phone": self.phone.number})
        body = {"phone": self.phone.number, "code": self.phone.code(after=before), "new_password": new_password}
        self.client.post("/account/recovery/confirmation", body)
        self.password = new_password

    def upload(
        self, data: bytes | Callable[[], Iterable[bytes]], filename: str, purpose: str = "component",
        key: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        return upload(self.client, data, filename, purpose, key)

    def file(self, procedure: str, components: dict[str, str], *, pickup: str = "online", key: str | None = None,
             desk: str = QUANG_THAI) -> dict[str, Any]:  # fmt: skip
        """Files a dossier; `components`: component → file id."""
        answer: dict[str, Any] = self.client.post(
            "/dossiers", self.dossier_body(procedure, components, pickup, desk), key=key
        )
        return answer

    def dossier_body(
        self, procedure: str, components: dict[str, str], pickup: str = "online", desk: str = QUANG_THAI
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "procedure": procedure, "desk": desk, "pickup": pickup, "statement": True,
            "components": [{"component": name, "file_id": file_id} for name, file_id in components.items()],
        }  # fmt: skip
        return body | ({"delivery": _MADE_UP} if pickup == "post" else {})

    def dossier(self, code: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get(f"/dossiers/{code}")
        return answer

    def amend(self, code: str, components: dict[str, str], **more: Any) -> dict[str, Any]:
        version = self.dossier(code)["version"]
        given = [{"component": name, "file_id": file_id} for name, file_id in components.items()]
        answer: dict[str, Any] = self.client.post(
            f"/dossiers/{code}/amendments", {"version": version, "components": given}, **more
        )
        return answer

    def notices(self) -> list[dict[str, Any]]:
        """All her notices, newest first as the system gives them."""
        return all_pages(self.client, "/notices")

    def orders(self, code: str) -> list[dict[str, Any]]:
        answer = self.client.get(f"/dossiers/{code}/orders")
        return list(answer["items"])


class Officer:
    """An officer at his screen: seeded account and grants, password and a code to his phone."""

    def __init__(self, world: World, key: str) -> None:
        self.world = world
        self.person = cast.PEOPLE[key]
        self.unit = cast.UNITS[self.person.unit].identifier
        self.phone = Phone(world, self.person.phone)
        self.client = world.client()
        self.client.renew = self.sign_in

    def sign_in(self) -> dict[str, Any]:
        password = cast.rehearsal_password(self.person)
        asked = self.client.post("/officer-sessions", {"username": self.person.username, "password": password})
        code = self.phone.code(reference=asked["challenge_id"])
        answer: dict[str, Any] = self.client.post(
            f"/officer-sessions/{asked['challenge_id']}/confirmation", {"code": code}
        )
        self.client.token = answer["access_token"]
        return answer

    def enter(self) -> Officer:
        self.sign_in()
        return self

    def dossier(self, code: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get(f"/dossiers/{code}")
        return answer

    def case(self, code: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get(f"/cases/{code}")
        return answer

    def queue(self) -> list[dict[str, Any]]:
        """Everything that waits at the desk."""
        return all_pages(self.client, f"/desks/{self.unit}/dossiers")

    def on_dossier(self, code: str, what: str, *, key: str | None = None, **body: Any) -> dict[str, Any]:
        """A command on a dossier against its present version: guidance, acceptance, refusal, paper-requests, return."""
        version = self.dossier(code)["version"]
        answer: dict[str, Any] = self.client.post(f"/dossiers/{code}/{what}", {"version": version, **body}, key=key)
        return answer

    def on_case(self, code: str, what: str, *, key: str | None = None, **body: Any) -> dict[str, Any]:
        """A command on a case against its present version: steps/<step>/start, results, supplements …"""
        version = self.case(code)["version"]
        answer: dict[str, Any] = self.client.post(f"/cases/{code}/{what}", {"version": version, **body}, key=key)
        return answer

    def upload(self, data: bytes, filename: str, purpose: str, key: str | None = None) -> dict[str, Any]:
        return upload(self.client, data, filename, purpose, key)

    def work(self, code: str) -> None:
        """Starts and finishes every step of a case that is not done, in the approved order."""
        for step in self.case(code)["steps"]:
            if step["state"] == "waiting":
                self.on_case(code, f"steps/{step['step']}/start")
            if step["state"] != "done":
                self.on_case(code, f"steps/{step['step']}/finish")


def from_register(number: int) -> Person:
    """The person of that number in the population simulator's synthetic register, as one of the cast."""
    entry = synthetic(number)
    return Person(
        "somebody", entry.full_name, "citizen", entry.id_number, entry.birth_date,
        "female" if entry.sex == "female" else "male", entry.issue_date or date(2021, 1, 4), entry.phone,
    )  # fmt: skip


def refused(call: Callable[[], Any]) -> Refused:
    """The refusal of a call that must be refused. Raises AssertionError when it is not."""
    try:
        answer = call()
    except Refused as refusal:
        return refusal
    raise AssertionError(f"not refused: {str(answer)[:300]}")


def upload(
    client: Client, data: bytes | Callable[[], Iterable[bytes]], filename: str, purpose: str, key: str | None
) -> dict[str, Any]:
    answer: dict[str, Any] = client.send_bytes("/uploads", data, key=key, purpose=purpose, filename=filename)
    return answer


def all_pages(client: Client, path: str, **query: Any) -> list[dict[str, Any]]:
    """Every row of a list, over its cursor pages."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = client.get(path, limit=100, cursor=cursor, **query)
        rows += page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            return rows


def verdict_of(client: Client, code: str, component: str, within: float = 30.0) -> dict[str, Any]:
    """A component of a dossier once its signature was checked."""

    def look() -> dict[str, Any] | None:
        rows = client.get(f"/dossiers/{code}")["components"]
        row: dict[str, Any] = next(r for r in rows if r["component"] == component)
        return row if row["verdict"] else None

    found: dict[str, Any] = eventually(look, within=within, what=f"verdict of {component}")
    return found


def pay(world: World, payer: Citizen, order_id: str, *, times: int = 1, **options: Any) -> dict[str, Any]:
    """Opens the payment page and lets the provider take the money and send its signed message that often."""
    page = payer.client.post(f"/orders/{order_id}/payment")
    body = {"url": page["url"], "times": times, "patience": 30, **options}
    answer: dict[str, Any] = world.tell("provider", "/pay", body)
    return {**answer, "page": page}
