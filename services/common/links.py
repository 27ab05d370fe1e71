"""Whose a thing is since an account was normalized: a room's links from given-up person ids to lasting ones.

A room that keeps a person id beside its things moves them when `account.normalized` comes. What is written in that
very moment, by somebody who read the link before, would keep the former id for ever: so every such write holds the
person's row in its own transaction, and a link that was made meanwhile refuses it (the handler runs again and reads
the link). A row without `person_id` is a person of whom no link is known.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from services.common.actors import Actor
from services.common.store import Store
from services.common.unit import StaleVersion, UnitOfWork


class Links:
    """The links of one room, in the collection of that name."""

    def __init__(self, collection: str) -> None:
        self.collection = collection

    def current(self, store: Store, person_id: str) -> str:
        """The person id that a person has now; an event or a session may still carry one that was given up."""
        seen = {person_id}
        while person_id and (row := store.get(self.collection, person_id)) is not None:
            following = row["person_id"]
            if following is None or following in seen:
                break
            person_id = str(following)
            seen.add(person_id)
        return person_id

    def actor(self, store: Store, actor: Actor) -> Actor:
        """The actor as the person whom he or she is now."""
        return dataclasses.replace(actor, person_id=self.current(store, actor.person_id))

    def hold(self, store: Store, unit: UnitOfWork, person_id: str) -> None:
        """What the unit writes for this person is written only while the id is the current one.

        Commit raises StaleVersion where it was given up since it was read.
        """

        def run(session: ClientSession | None) -> None:
            self._update(store, {"_id": person_id, "person_id": None}, {"$inc": {"holds": 1}}, session)

        unit.add(self.collection, run)

    def give_up(self, store: Store, unit: UnitOfWork, former: str, person_id: str, at: datetime) -> bool:
        """Links a former id to the lasting one; False where there is nothing to link, or it would lead in a circle.

        To be called before the things of the former id are looked for: commit raises StaleVersion where somebody
        wrote for that id in between.
        """
        if not former or former == person_id or self.current(store, person_id) == former:
            return False
        row = store.get(self.collection, former) or {}
        read = {"_id": former, "holds": row.get("holds")}

        def run(session: ClientSession | None) -> None:
            self._update(store, read, {"$set": {"person_id": person_id, "at": at}}, session)

        unit.add(self.collection, run)
        return True

    def _update(
        self, store: Store, query: dict[str, Any], change: dict[str, Any], session: ClientSession | None
    ) -> None:
        try:
            store.collection(self.collection).update_one(query, change, upsert=True, session=session)
        except DuplicateKeyError:  # the row is there and not as it was read
            raise StaleVersion(self.collection) from None
