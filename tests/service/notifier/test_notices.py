"""Notices against the running room: what each event makes, once, and how it is delivered."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pymongo
import pytest

from deploy.local.system import System
from services.common.queues import teller_of
from tests.support.bus import Bus, Tokens, eventually
from tests.support.people import Citizen, Phones, citizen, officer, somebody

QUEUE = "evt.notifier"
UNIT, CENTRE, OTHER = "000.05.07.H57", "000.00.07.H57", "000.05.08.H57"
_number = itertools.count(1)


def new_code() -> str:
    """A dossier's code that no other test of this run has."""
    return f"{UNIT}-240311-{8000 + next(_number)}"


def tell(bus: Bus, name: str, code: str, *, event_id: str | None = None, **data: Any) -> str:
    return bus.tell(
        name, {"code": code, "unit": UNIT, **data}, subject=code, source=teller_of(name) or "", event_id=event_id,
        queue=QUEUE,
    )  # fmt: skip


def notices(bus: Bus, token: str, code: str) -> list[dict[str, Any]]:
    page = bus.call("notifier.notices", token, limit=100)
    return [notice for notice in page["items"] if notice["code"] == code]


def sent(person: Citizen, code: str) -> list[str]:
    return [m["text"] for m in person.phones.messages(person.phone) if code in m["text"]]


@pytest.fixture
def person(bus: Bus, system: System) -> Citizen:
    return citizen(bus, system)


CHANGES: list[tuple[str, dict[str, Any], str]] = [
    (
        "dossier.filed",
        {"filed_at": "2024-03-11T02:00:00Z", "intake_due": "2024-03-11T03:00:00Z"},
        "10:00 11/03/2024",
    ),
    ("dossier.guided", {"act": "guidance", "round": 1}, "lần 1"),
    ("dossier.accepted", {"appointment": "2024-03-14T09:30:00Z"}, "16:30 14/03/2024"),
    ("dossier.refused", {}, "không được tiếp nhận"),
    ("supplement.requested", {"act": "supplement", "round": 2}, "lần 2"),
    ("case.rescheduled", {"appointment": "2024-03-15T09:30:00Z"}, "16:30 15/03/2024"),
    ("case.stopped", {}, "dừng giải quyết"),
    ("payment.ordered", {"amount": 20000, "order_id": "o"}, "20.000 đồng"),
    ("payment.settled", {"amount": 20000, "receipt_no": "BL-7"}, "BL-7"),
    ("result.ready", {}, "ký số"),
    ("dossier.returned", {}, "đã được trả"),
    ("postal.delivered", {"waybill": "EC123VN"}, "EC123VN"),
]


@dataclass
class Told:
    """One citizen and, by event name, the dossier of which she was told."""

    person: Citizen
    codes: dict[str, str]


@pytest.fixture(scope="module")
def told(system: System) -> Iterator[Told]:
    """Every status change, told twice under the same event id, as after a broker's redelivery."""
    bus = Bus(system.amqp_url("operator"))
    person = citizen(bus, system)
    codes = {name: new_code() for name, _, _ in CHANGES}
    for name, data, _ in CHANGES:
        event_id = uuid.uuid4().hex
        for _ in range(2):
            tell(bus, name, codes[name], event_id=event_id, owner=person.person_id, **data)
    yield Told(person, codes)
    bus.close()


@pytest.mark.req("NT-01", "NT-02")
@pytest.mark.parametrize(("name", "said"), [(name, said) for name, _, said in CHANGES])
def test_each_status_change_is_told_once_on_portal_and_phone(told: Told, name: str, said: str) -> None:
    person, code = told.person, told.codes[name]
    (text,) = eventually(lambda: sent(person, code))
    assert text.isascii()
    assert person.entry.full_name.split()[-1] not in text
    (notice,) = notices(person.bus, person.token, code)
    assert (notice["kind"], notice["state"], notice["channel"]) == (name, "delivered", "portal")
    assert said in notice["body_vi"], notice["body_vi"]
    assert code in notice["body_en"]
    assert notice["title_vi"]
    assert notice["title_en"]


@pytest.mark.req("NT-02")
def test_one_row_a_channel_and_both_are_told(bus: Bus, person: Citizen, database: pymongo.MongoClient) -> None:
    code = new_code()
    tell(bus, "dossier.accepted", code, owner=person.person_id)

    def both() -> Any:
        rows = list(database["notifier"]["notices"].find({"dossier": code}))
        return rows if len(rows) == 2 and all(row["state"] == "delivered" for row in rows) else None

    rows = eventually(both)
    assert {row["channel"] for row in rows} == {"portal", "sms"}
    ids = {row["_id"] for row in rows}
    published = eventually(
        lambda: (
            found
            if len(found := list(database["notifier"]["told"].find({"data.notice_id": {"$in": list(ids)}}))) == 2
            else None
        )
    )
    assert {event["type"] for event in published} == {"vn.motcua.notice.delivered.v1"}
    assert {event["data"]["notice_id"] for event in published} == ids


@pytest.mark.req("MO-12", "NT-04")
def test_a_violation_is_told_to_unit_and_centre(bus: Bus, system: System) -> None:
    code = new_code()
    tell(bus, "slip.violated", code, act="guidance", round=2, ground="TEXT_CHANGED", centre=CENTRE, slip_id="s")
    desk, centre = officer(bus, system, "officer-desk"), officer(bus, system, "officer-centre")
    for token, unit in ((desk, UNIT), (centre, CENTRE)):

        def listed(token: str = token, unit: str = unit) -> Any:
            page = bus.call("notifier.unit_notices", token, unit=unit, limit=100)
            return [notice for notice in page["items"] if notice["code"] == code]

        (notice,) = eventually(listed)
        assert notice["kind"] == "slip.violated"
        assert "lần 2" in notice["body_vi"]
        assert "Nội dung không trùng lần trước" in notice["body_vi"]
    assert bus.refused("notifier.unit_notices", desk, unit=CENTRE).status == 403
    assert bus.refused("notifier.unit_notices", desk, unit=OTHER).status == 403


def test_a_message_waits_while_the_gateway_is_down_and_comes_once(
    bus: Bus, person: Citizen, database: pymongo.MongoClient
) -> None:
    code = new_code()
    person.phones.control(down=True)
    try:
        tell(bus, "dossier.accepted", code, owner=person.person_id)
        row = eventually(
            lambda: database["notifier"]["notices"].find_one(
                {"dossier": code, "channel": "sms", "attempts": {"$gt": 0}}
            )
        )
        assert (row["state"], row["last_fault"]) == ("waiting", "unavailable")
        assert notices(bus, person.token, code)
    finally:
        person.phones.control()
    assert len(eventually(lambda: sent(person, code), within=30)) == 1


def test_a_refused_phone_ends_the_delivery_and_is_told(
    bus: Bus, person: Citizen, database: pymongo.MongoClient
) -> None:
    code = new_code()
    person.phones.control(refuse=person.phone)
    try:
        tell(bus, "dossier.accepted", code, owner=person.person_id)
        row = eventually(
            lambda: database["notifier"]["notices"].find_one({"dossier": code, "channel": "sms", "state": "failed"})
        )
    finally:
        person.phones.control()
    assert row["last_fault"] == "refused"
    event = eventually(lambda: database["notifier"]["told"].find_one({"data.notice_id": row["_id"]}))
    assert event["type"] == "vn.motcua.notice.failed.v1"
    assert notices(bus, person.token, code), "the portal has it all the same"


def test_a_person_without_account_is_no_reason_to_try_for_ever(
    bus: Bus, tokens: Tokens, database: pymongo.MongoClient
) -> None:
    entry, code = somebody(), new_code()
    minted = bus.call(
        "identity.resolve_person",
        tokens.service("intake"),
        id_number=entry.id_number,
        full_name=entry.full_name,
        birth_date=entry.birth_date.isoformat(),
    )
    tell(bus, "dossier.accepted", code, owner=minted["person_id"])
    row = eventually(
        lambda: database["notifier"]["notices"].find_one({"dossier": code, "channel": "sms", "state": "failed"})
    )
    assert row["last_fault"] == "no_phone"


def test_notices_follow_the_person_through_normalization(bus: Bus, system: System, tokens: Tokens) -> None:
    entry, code = somebody(), new_code()
    bus.call(
        "identity.resolve_person",
        tokens.service("intake"),
        id_number=entry.id_number,
        full_name=entry.full_name,
        birth_date=entry.birth_date.isoformat(),
    )
    person = citizen(bus, system, entry)
    tell(bus, "dossier.accepted", code, owner=person.person_id)
    assert eventually(lambda: notices(bus, person.token, code))
    former = person.person_id
    person.ask_code().normalize()
    assert person.person_id != former
    assert eventually(lambda: notices(bus, person.token, code)), "what came before is still listed"
    late = new_code()
    tell(bus, "dossier.returned", late, owner=former)
    assert eventually(lambda: notices(bus, person.token, late)), "also what is told late under the former id"


def test_pages_hold_every_notice_once(bus: Bus, person: Citizen) -> None:
    codes = [new_code() for _ in range(7)]
    for code in codes:
        tell(bus, "dossier.refused", code, owner=person.person_id)
    eventually(lambda: all(notices(bus, person.token, code) for code in codes))
    seen: list[str] = []
    cursor = None
    while True:
        page = bus.call("notifier.notices", person.token, limit=3, cursor=cursor)
        assert len(page["items"]) <= 3
        seen += [notice["code"] for notice in page["items"] if notice["code"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(codes)


@pytest.mark.parametrize("cursor", ["x", "WzEsMl0", "bnVsbA", "W10", "eyJhIjoxfQ", "\u00e9"])
def test_a_cursor_of_somebody_elses_making_is_refused(bus: Bus, person: Citizen, cursor: str) -> None:
    problem = bus.refused("notifier.notices", person.token, cursor=cursor)
    assert (problem.status, problem.errors[0]["field"]) == (422, "cursor")


def test_nobody_sees_anothers_notices(bus: Bus, system: System, person: Citizen) -> None:
    code = new_code()
    tell(bus, "dossier.refused", code, owner=person.person_id)
    assert eventually(lambda: notices(bus, person.token, code))
    assert notices(bus, citizen(bus, system).token, code) == []


def test_only_identity_sends_codes(bus: Bus, system: System, tokens: Tokens) -> None:
    phones, phone, reference = Phones(system), somebody().phone, uuid.uuid4().hex
    order = {
        "phone": phone,
        "purpose": "registration",
        "text": "Mot Cua: ma thu la 123456, het.",
        "reference": reference,
    }
    assert bus.refused("notifier.send_code", tokens.service("intake"), **order).status == 403
    assert bus.refused("notifier.send_code", None, **order).status == 401
    for _ in range(2):
        assert bus.call("notifier.send_code", tokens.service("identity"), **order) == {"sent": True}
    assert phones.codes(phone) == ["123456"], "one reference, one message"
