"""After a restore no code is given a second time: people hold receipts of codes that the backup does not know."""

from __future__ import annotations

from datetime import datetime, time

from services.common.calendar import VIETNAM
from services.common.restored import Restored, skip_numbers
from services.common.store import Store
from services.intake import codes
from services.intake import store as intake


def after_restore(store: Store, restored: Restored) -> list[str]:
    """Moves the day's counters of every agency beyond what may have been given since the backup."""
    agencies = [row["_id"] for row in store.find("agencies", {}, projection={"_id": 1})]
    keys = {
        codes.counter_key(agency, datetime.combine(day, time(12), VIETNAM))
        for day in restored.days()
        for agency in agencies
    }
    moved = skip_numbers(store, intake.COUNTERS, keys, restored)
    return [
        f"{moved} counters of dossier codes moved on by {restored.gap}: a code may be left out, none is given twice"
    ]
