"""A thing that is written while its person's id is given up does not keep the former id."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from services.common.actors import Actor, Grant
from services.common.links import Links
from services.common.store import Index, Store
from services.common.unit import Origin, UnitOfWork
from services.common.writes import StaleVersion

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
LINKS = Links("links_tried")
THINGS = "things_tried"


@pytest.fixture(scope="module")
def kept(stores: Any) -> Iterator[Store]:
    store = Store(stores.mongo_url("payment"), application="links")
    for index in (LINKS.index, Index(THINGS, [("owner", 1)])):
        store.collection(index.collection).create_index(index.keys)
    yield store
    for name in (LINKS.collection, THINGS):
        store.collection(name).drop()
    store.close()


@pytest.fixture
def person() -> str:
    return f"per-{uuid.uuid4().hex[:12]}"


def unit_of(store: Store) -> UnitOfWork:
    return UnitOfWork(store, Origin("payment", "corr", "cause", "acc-1", NOW), lambda name, data: data)


def thing(store: Store, owner: str) -> tuple[UnitOfWork, dict[str, Any]]:
    """A handler that read the owner and has not committed."""
    unit = unit_of(store)
    made = {"_id": uuid.uuid4().hex, "owner": LINKS.current(store, owner)}
    unit.insert(THINGS, made)
    LINKS.hold(unit, made["owner"])
    return unit, made


def relink(store: Store, former: str, person_id: str) -> UnitOfWork:
    """A handler of account.normalized that has not committed."""
    unit = unit_of(store)
    assert LINKS.give_up(store, unit, former, person_id, NOW)
    for row in store.find(THINGS, {"owner": former}):
        unit.save(THINGS, row | {"owner": person_id})
    return unit


def test_what_was_read_before_the_link_and_written_after_it_is_refused(kept: Store, person: str) -> None:
    late, made = thing(kept, person)
    relink(kept, person, "per-lasting").commit()
    with pytest.raises(StaleVersion):
        late.commit()
    assert kept.get(THINGS, made["_id"]) is None
    again, made = thing(kept, person)
    again.commit()
    stored = kept.get(THINGS, made["_id"])
    assert stored and stored["owner"] == "per-lasting"


def test_a_link_that_did_not_see_what_was_written_meanwhile_is_refused(kept: Store, person: str) -> None:
    for _ in range(2):  # with and without a row of the person's
        early = relink(kept, person, "per-lasting")
        written, made = thing(kept, person)
        written.commit()
        with pytest.raises(StaleVersion):
            early.commit()
    relink(kept, person, "per-lasting").commit()
    assert kept.find_one(THINGS, {"owner": person}) is None
    assert LINKS.current(kept, person) == "per-lasting"


def test_of_things_of_one_person_none_refuses_another(kept: Store, person: str) -> None:
    first, second = thing(kept, person)[0], thing(kept, person)[0]
    first.commit()
    second.commit()
    assert kept.collection(THINGS).count_documents({"owner": person}) == 2


def test_links_are_followed_and_make_no_circle(kept: Store, person: str) -> None:
    middle, last = f"{person}-2", f"{person}-3"
    relink(kept, person, middle).commit()
    relink(kept, middle, last).commit()
    assert LINKS.current(kept, person) == last
    actor = Actor("acc-1", person, (Grant("citizen", "*"),))
    assert LINKS.actor(kept, actor).person_id == last
    assert not LINKS.give_up(kept, unit_of(kept), last, person, NOW)
    assert not LINKS.give_up(kept, unit_of(kept), "", person, NOW)
    assert not LINKS.give_up(kept, unit_of(kept), person, person, NOW)
    assert LINKS.current(kept, "") == ""
