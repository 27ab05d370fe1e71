"""After the journeys: nothing that anybody said in confidence stands in a database, log, figure, queue or head."""

from __future__ import annotations

import json

import httpx
import pytest

from deploy.local.system import System
from deploy.rehearsal.cast import PEOPLE
from tests.support.leaks import Confided, House, Leak

#: The bytes that people upload are kept as they came, readable to whom the vault opens them.
SPARED = frozenset({"vault.bytes.chunks", "vault.fs.chunks"})


@pytest.fixture(scope="module")
def all_confided(confided: Confided, world, resident) -> Confided:
    """What the journeys' clients said, what the SMS service delivered, and everybody of the cast."""
    rows = httpx.get(f"{world.simulator('sms')}/messages", trust_env=False, timeout=30).json()["messages"]
    confided.messages(rows)
    for person in PEOPLE.values():
        if person.personal_number:
            confided.number(person.personal_number)
        if person.phone:
            confided.phone(person.phone)
        confided.name(person.full_name)
    return confided


@pytest.fixture(scope="module")
def house(journeys: System, auditor) -> House:
    return House(journeys, auditor.databases, SPARED)


@pytest.mark.req("ID-12", "X-26", "SE-03")
def test_nothing_confided_stands_anywhere(all_confided: Confided, house: House, auditor, world, resident):
    """What was typed wrongly is looked for, too: it may be the right password of another place."""
    wrong = {"phone": resident.phone.number, "password": "mật khẩu của một nơi khác"}
    assert world.anybody.refused("POST", "/sessions", wrong).status == 401
    assert wrong["password"] in all_confided.passwords
    auditor.rest()
    assert all_confided.passwords and all_confided.codes and all_confided.tokens
    assert all_confided.numbers and all_confided.phones and all_confided.names
    assert house.leaks(all_confided) == {}
    assert set(house.looked_at) == {"_databases", "_logs", "_metrics", "_queues", "_heads"}
    assert house.looked_at["_databases"] > 1000 and house.looked_at["_metrics"] >= 11, house.looked_at


CANARIES = {
    "password": lambda c: sorted(c.passwords)[0],
    "code": lambda c: f"ma la {sorted(c.codes)[0]}, hieu luc",
    "number": lambda c: sorted(c.numbers)[0],
    "phone": lambda c: "+84 " + sorted(c.phones)[0],
    "name": lambda c: f"Ông {sorted(c.names)[0].upper()}, Huế",
    "token": lambda c: "Bearer abc." + sorted(c.tokens)[0],
}


def test_the_search_finds_each_kind_in_each_place(all_confided: Confided, house: House, journeys: System):
    """The control: canaries in documents and in logs, and as labels of figures."""
    canaries = {kind: canary(all_confided) for kind, canary in CANARIES.items()}
    documents, log = house.databases["oversight"]["canaries"], journeys.state.logs / "canary.log"
    documents.insert_many([{"_id": kind, kind: [{"deep": text.encode()}]} for kind, text in canaries.items()])
    lines = [json.dumps({"event": "x", kind: {"deep": text}}) for kind, text in canaries.items()]
    log.write_text("\n".join([*lines, *(f"plain {text} text" for text in canaries.values())]))
    try:
        found = {place for place in house.leaks(all_confided) if "canar" in place[1]}
    finally:
        documents.drop()
        log.unlink()
    for kind, canary in canaries.items():
        wanted: set[Leak] = {
            (kind, f"oversight.canaries.{kind}.deep"), (kind, f"log canary.log .{kind}.deep"), (kind, "log canary.log"),
        }  # fmt: skip
        assert found >= wanted, kind
        figure = f'motcua_rpc_total{{method="{canary}"}} 1.0'
        assert kind == "code" or kind in set(all_confided.found_in(figure, codes=False))
        assert not set(all_confided.found_in(figure.replace(canary, "identity.sign_in"), codes=False))
