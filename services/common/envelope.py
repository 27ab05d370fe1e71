"""Events as CloudEvents 1.0 in structured JSON.

An event says what happened to one aggregate: `subject` is the code people know it by, `aggregateid` and
`sequence` order it, `correlationid` and `causationid` tie it to the command behind it. `time` is business
time, `recordedtime` real time; `channel` is the way by which the actor came, where somebody came. No event carries a
person: ids, codes and hashes only.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

TYPE = re.compile(r"^vn\.motcua\.([a-z]+\.[a-z_]+)\.v([1-9][0-9]{0,5})\Z")
_CHANNEL = re.compile(r"[a-z][a-z0-9-]{0,15}")
_LARGEST = 2**63 - 1  # that a database holds


class EnvelopeError(ValueError):
    """The bytes are not an event that this system understands; the message names the attribute."""


@dataclass(frozen=True)
class Event:
    """One event. `name` is the short type (`dossier.filed`), `version` its major version."""

    id: str
    source: str
    name: str
    version: int
    time: datetime
    recorded: datetime
    subject: str
    aggregate_id: str
    sequence: int
    correlation_id: str
    causation_id: str
    actor_id: str
    data: dict[str, Any] = field(default_factory=dict)
    channel: str = ""

    @property
    def type(self) -> str:
        return f"vn.motcua.{self.name}.v{self.version}"

    @property
    def room(self) -> str:
        return self.source.rsplit("/", 1)[-1]

    def to_dict(self) -> dict[str, Any]:
        """The event as a CloudEvents JSON object."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "time": _stamp(self.time),
            "recordedtime": _stamp(self.recorded),
            "subject": self.subject,
            "aggregateid": self.aggregate_id,
            "sequence": self.sequence,
            "correlationid": self.correlation_id,
            "causationid": self.causation_id,
            "actorid": self.actor_id,
            **({"channel": self.channel} if self.channel else {}),
            "datacontenttype": "application/json",
            "data": self.data,
        }

    def encode(self) -> bytes:
        return orjson.dumps(self.to_dict())


def name_of(kind: str) -> str:
    """The short name of an event's type: `dossier.filed` of `vn.motcua.dossier.filed.v1`."""
    return kind.removeprefix("vn.motcua.").rsplit(".", 1)[0]


def passes(bindings: Iterable[str], name: str) -> bool:
    """Whether one of these routing keys lets an event of that name through: `#`, `dossier.*`, `dossier.filed`."""
    return any(key in ("#", name) or (key.endswith(".*") and name.startswith(key[:-1])) for key in bindings)


def channel_of(value: Any) -> str:
    """A word for a way in, or "" for what is none: it is kept for ever, so nothing else is taken over."""
    return value if isinstance(value, str) and _CHANNEL.fullmatch(value) else ""


def new_event_id() -> str:
    return uuid.uuid4().hex


def decode(body: bytes) -> Event:
    """Reads an event; attributes that this version does not know are ignored.

    Raises EnvelopeError.
    """
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise EnvelopeError("body is not JSON") from None
    if not isinstance(message, dict):
        raise EnvelopeError("body is not an object")
    return from_dict(message)


def from_dict(message: dict[str, Any]) -> Event:
    """Reads an event from its JSON object. Raises EnvelopeError."""
    if message.get("specversion") != "1.0":
        raise EnvelopeError("specversion is not 1.0")
    texts = {}
    for name in ("id", "source", "type", "subject", "aggregateid", "correlationid", "causationid", "actorid"):
        value = message.get(name)
        if not isinstance(value, str) or not value:
            raise EnvelopeError(f"{name} is missing")
        texts[name] = value
    kind = TYPE.match(texts["type"])
    if kind is None:
        raise EnvelopeError("type is not one of ours")
    sequence = message.get("sequence")
    if not isinstance(sequence, int) or isinstance(sequence, bool) or not 1 <= sequence <= _LARGEST:
        raise EnvelopeError("sequence is not a positive whole number")
    data = message.get("data")
    if not isinstance(data, dict):
        raise EnvelopeError("data is not an object")
    return Event(
        id=texts["id"],
        source=texts["source"],
        name=kind.group(1),
        version=int(kind.group(2)),
        time=_moment(message, "time"),
        recorded=_moment(message, "recordedtime"),
        subject=texts["subject"],
        aggregate_id=texts["aggregateid"],
        sequence=sequence,
        correlation_id=texts["correlationid"],
        causation_id=texts["causationid"],
        actor_id=texts["actorid"],
        data=data,
        channel=channel_of(message.get("channel")),
    )


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(message: dict[str, Any], name: str) -> datetime:
    value = message.get(name)
    try:
        moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        if moment.tzinfo is None:
            raise EnvelopeError(f"{name} has no time zone")
        return moment.astimezone(UTC)
    except EnvelopeError:
        raise
    except (ValueError, OverflowError):  # also a time that its zone carries out of the calendar
        raise EnvelopeError(f"{name} is not a time") from None
