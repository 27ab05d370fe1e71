"""What every room answers for the operator: what it is, and telling a consumer again what it ever told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields, validate

from services.common import wire
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

    def again(_: Context, data: dict[str, Any]) -> Any:
        return {"replayed": replay(kernel.store, kernel.publisher, data["to"])}

    return {f"{room}.describe": (Operation(Describe), describe), f"{room}.replay": (Operation(Replay), again)}
