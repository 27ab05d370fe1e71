"""What documents of earlier releases lack.

1  `filed_as`, `authorisation`: everybody filed for himself. `submission` of a version: nobody kept a digest.
"""

from __future__ import annotations

from services.common.filed_as import FiledAs
from services.common.migrations import Migration
from services.common.store import Store
from services.intake import store as intake


def say_for_whom(store: Store) -> None:
    """Safe to repeat, and while the rooms of the earlier release run."""
    dossiers = store.collection(intake.DOSSIERS)
    dossiers.update_many(
        {"filed_as": {"$exists": False}}, {"$set": {"filed_as": FiledAs.SELF.value, "authorisation": None}}
    )
    dossiers.update_many({"versions.submission": {"$exists": False}}, {"$set": {"versions.$[].submission": None}})


MIGRATIONS = [Migration(1, "say in whose name each dossier was filed", say_for_whom)]
