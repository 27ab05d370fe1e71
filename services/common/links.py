"""Whose a thing is since an account was normalized: a room's links from given-up person ids to lasting ones.

A room that keeps a person id beside its things moves them when `account.normalized` comes. What is written in that
very moment, by somebody who read the link before, would keep the former id for ever: so every such write holds the
person's row in its own transaction, and a link that was made meanwhile refuses it (the handler runs again and reads
the link). A row without `person_id` is a person of whom no link is known.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.common.actors import Actor
from services.common.store import Document, Index, Store
from services.common.unit import UnitOfWork
from services.common.writes import Kind, StaleVersion, Write


class Links:
    """The links of one room, in the collection of that name."""

    def __init__(self, collection: str) -> None:
        self.collection = collection
        #: Links are looked up by their key alone; named so that the collection is there before the first transaction.
        self.index = Index(collection, [("_id", 1)])

    def current(self, store: Store, person_id: str) -> str:
        """The person id that a person has now; an event or a session may still carry one that was given up."""
        return self.follow(store, person_id, store.get(self.collection, person_id)) if person_id else ""

    def follow(self, store: Store, person_id: str, row: Document | None) -> str:
        """The same where the person's own row was read already."""
        seen = {person_id}
        while row is not None:
            following = row["person_id"]
            if following is None or following in seen:
                break
            person_id = str(following)
            seen.add(person_id)
            row = store.get(self.collection, person_id)
        return person_id

    def actor(self, store: Store, actor: Actor) -> Actor:
        """The actor as the person whom he or she is now."""
        return dataclasses.replace(actor, person_id=self.current(store, actor.person_id))

    def hold(self, unit: UnitOfWork, person_id: str) -> None:
        """What the unit writes for this person is written only while the id is the current one.

        Commit raises StaleVersion where it was given up since it was read.
        """

        unit.add(self._write({"_id": person_id, "person_id": None}, {"$inc": {"holds": 1}}))

    def give_up(self, store: Store, unit: UnitOfWork, former: str, person_id: str, at: datetime) -> bool:
        """Links a former id to the lasting one; False where there is nothing to link, or it would lead in a circle.

        To be called before the things of the former id are looked for: commit raises StaleVersion where somebody
        wrote for that id in between.
        """
        if not former or former == person_id or self.current(store, person_id) == former:
            return False
        row = store.get(self.collection, former) or {}
        read = {"_id": former, "holds": row.get("holds")}

        unit.add(self._write(read, {"$set": {"person_id": person_id, "at": at}}))
        return True

    def move_owned(
        self, store: Store, unit: UnitOfWork, collection: str, data: Mapping[str, Any], at: datetime
    ) -> None:
        """What `account.normalized` (`data`) asks of a room whose things carry their `owner`: all move along."""
        former, person_id = data["former_person_id"] or "", data["person_id"]
        if not self.give_up(store, unit, former, person_id, at):
            return
        for row in store.find(collection, {"owner": former}):
            row["owner"] = person_id
            unit.save(collection, row)

    def _write(self, query: dict[str, Any], change: dict[str, Any]) -> Write:
        # a row that is there and not as it was read meets the upsert as a key that exists
        return Write(self.collection, Kind.UPDATE, query, lambda: change, upsert=True, duplicate=StaleVersion)
