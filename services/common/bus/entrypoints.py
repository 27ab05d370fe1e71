"""What a room answers and listens to, declared on the methods of its nameko service.

@command("dossier may be accepted", schema=Accept, answer=DossierAnswer, idempotent=True)
def accept(self, ctx, data): ...

@on_event("payment.settled", schema=PaymentSettled)
def on_settled(self, ctx, event, data): ...

@every(seconds=30)
def flag_late(self, ctx): ...
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema
from nameko.extensions import Entrypoint

from services.common.bus.consumer import RoomConsumer


class CommandEntrypoint(Entrypoint):
    """An RPC method. Input is loaded by `schema` (unknown fields refused), output dumped by `answer`.

    `idempotent`: the caller must send a command key; same key and body give the same answer. Who may call is said
    in services/common/permissions.py. `private` keeps the method out of the public contract.
    """

    consumer = RoomConsumer()

    def __init__(
        self,
        schema: type[Schema],
        answer: type[Schema] | None = None,
        *,
        idempotent: bool = False,
        many: bool = False,
        **kwargs: Any,
    ) -> None:
        self.schema = schema
        self.answer = answer
        self.idempotent = idempotent
        self.many = many
        super().__init__(**kwargs)

    @property
    def method(self) -> str:
        return f"{self.container.service_name}.{self.method_name}"

    def setup(self) -> None:
        self.consumer.add_command(self)


class EventEntrypoint(Entrypoint):
    """A handler of one event type. `ordered` streams: events of an aggregate are handled in its own order."""

    consumer = RoomConsumer()

    def __init__(self, name: str, schema: type[Schema], *, ordered: bool = False, **kwargs: Any) -> None:
        self.name = name
        self.schema = schema
        self.ordered = ordered
        super().__init__(**kwargs)

    def setup(self) -> None:
        self.consumer.add_event(self)


class TimerEntrypoint(Entrypoint):
    """Runs every `seconds` of business time, once for all replicas together."""

    consumer = RoomConsumer()

    def __init__(self, seconds: float, **kwargs: Any) -> None:
        self.seconds = seconds
        super().__init__(**kwargs)

    def setup(self) -> None:
        self.consumer.add_timer(self)


command = CommandEntrypoint.decorator
query = CommandEntrypoint.decorator
on_event = EventEntrypoint.decorator
every = TimerEntrypoint.decorator
