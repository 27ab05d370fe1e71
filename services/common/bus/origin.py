"""Who told an event: what the broker vouches for, against what the event says of itself. Pure.

A publisher names itself in a message's `user_id`, and RabbitMQ refuses a name other than that of the connection's user;
expiry and dead-lettering keep it. So it holds also where an event came through the default exchange, where no right
narrows who may publish (docs/decisions/0010-broker-permissions.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from services.common.envelope import Event
from services.common.queues import EVENTS_EXCHANGE, teller_of

#: The broker's user who may do everything, and replays dead letters.
OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Origin:
    """How a delivery came: exchange ("" is the default one), routing key, and the user that the broker vouches for."""

    exchange: str
    key: str
    user: str


def objection(event: Event, origin: Origin, room: str) -> str | None:
    """Why `room` must not believe that an event is its teller's word; None where it may. Names that nobody tells have
    no teller to be compared with.

    A room believes the one that tells the event, the operator, and itself where it put off an event by a retry.
    """
    teller = teller_of(event.name)
    if teller is None:
        return None
    if event.source != f"/motcua/{teller}":
        return f"{event.name} is told by {teller} alone"
    if origin.exchange == EVENTS_EXCHANGE:
        if origin.key != event.name:
            return f"{event.name} was told under another name"
        believed = {teller, OPERATOR}
    else:
        believed = {teller, OPERATOR, room}
    return None if origin.user in believed else f"{event.name} was published by {_known(origin.user)}, not by {teller}"


def _known(user: str) -> str:
    return user if user.isidentifier() and len(user) <= 40 else "nobody"
