"""After a restore no receipt number is given a second time: people hold receipts that the backup does not know."""

from __future__ import annotations

from services.common.restored import Restored, skip_numbers
from services.common.store import Store
from services.payment import receipt
from services.payment import store as payment


def after_restore(store: Store, restored: Restored) -> list[str]:
    """Moves the counters of every series beyond what may have been given since the backup."""
    registered = [*store.find(payment.SERIES, {}), receipt.DEFAULT_SERIES]
    keys = {receipt.series_of(row, at)[1] for row in registered for at in (restored.since, restored.until)}
    moved = skip_numbers(store, payment.COUNTERS, keys, restored)
    return [
        f"{moved} counters of receipts moved on by {restored.gap}",
        "what the provider was paid since is asked for orders that the backup knows as begun; compare its daily list",
    ]
