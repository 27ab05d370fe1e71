"""What the ledger keeps of an event: its envelope and its data, without a person's data. Pure.

Events carry no person by contract; a field that would is dropped here all the same, because the ledger can never be
corrected. Numbers with a fraction are kept as text: the ledger knows one spelling per value.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from services.common.envelope import Event

#: Names of fields that hold a person's data wherever they stand.
PERSONAL = frozenset({
    "full_name", "id_number", "personal_number", "phone", "email", "address", "birth_date", "issue_date", "receiver",
    "password", "one_time_code", "otp",
})  # fmt: skip
WITHHELD = "withheld"
_LONGEST = 2**63  # a longer whole number has no place in the database, and an event is never left out for that


def body_of(event: Event, recorded_at: datetime) -> dict[str, Any]:
    """The body of an event's ledger entry; `recorded_at` is real time. `time` is the business time of the event.
    `channel`: the way by which the actor came (ID-25); entries about what no person did have none."""
    return {
        **({"channel": event.channel} if event.channel else {}),
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "aggregate_id": event.aggregate_id,
        "sequence": event.sequence,
        "time": _stamp(event.time),
        "told_at": _stamp(event.recorded),
        "entered_at": _stamp(recorded_at),
        "actor_id": event.actor_id,
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
        "data": safe(event.data),
    }


def safe(value: Any) -> Any:
    """The value as the ledger may keep it."""
    if isinstance(value, dict):
        return {_key(name): WITHHELD if name in PERSONAL and member else safe(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [safe(member) for member in value]
    if isinstance(value, float) or (type(value) is int and not -_LONGEST <= value < _LONGEST):
        return repr(value)
    return value


def _key(name: Any) -> str:
    return str(name).replace("\x00", "\\0")


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
