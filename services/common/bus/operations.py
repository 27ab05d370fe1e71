"""What every room answers for the operator: what it is, and telling a consumer again what it ever told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import eventlet
from marshmallow import Schema, fields, validate
from pymongo.errors import PyMongoError

from services.common import logs, wire
from services.common.bus.publisher import PublishFailed
from services.common.bus.relay import replay
from services.common.rules import all_rules
from services.common.schemas import CommandSchema

if TYPE_CHECKING:
    from services.common.context import Context
    from services.common.kernel import Kernel


class Describe(CommandSchema):
    """No input."""


class Replay(CommandSchema):
    to = fields.String(required=True, validate=validate.OneOf(wire.ROOMS))


@dataclass(frozen=True)
class Operation:
    """Stands where a service's own methods have their entrypoint."""

    schema: type[Schema]
    answer: type[Schema] | None = None
    idempotent: bool = False
    many: bool = False


def operations(kernel: Kernel) -> dict[str, tuple[Operation, Callable[[Context, dict[str, Any]], Any]]]:
    """The methods by full name."""
    room = kernel.settings.room

    def describe(_: Context, __: dict[str, Any]) -> Any:
        rules = [
            {
                "id": rule.id,
                "title": rule.title,
                "cites": rule.cites,
                "since": rule.since.isoformat() if rule.since else None,
                "until": rule.until.isoformat() if rule.until else None,
                "where": rule.where,
            }
            for rule in all_rules()
        ]
        return {"room": room, **kernel.describe(), "tells": sorted(kernel.spec.events), "rules": rules}

    def again(ctx: Context, data: dict[str, Any]) -> Any:
        bindings = ctx.call(f"{data['to']}.describe", timeout=5)["bindings"]
        eventlet.spawn(tell_again, data["to"], bindings)
        return {"events": kernel.store.collection("told").estimated_document_count(), "bindings": bindings}

    def tell_again(to: str, bindings: list[str]) -> None:
        # In the background: it may take longer than anybody waits. One that is cut short is asked for again, from the
        # beginning: the consumer drops what it has.
        try:
            logs.info("replayed", to=to, count=replay(kernel.store, kernel.publisher, to, bindings))
        except (PublishFailed, PyMongoError) as exc:
            logs.fault("replay_cut_short", exc, to=to)

    return {f"{room}.describe": (Operation(Describe), describe), f"{room}.replay": (Operation(Replay), again)}
