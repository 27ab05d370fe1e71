"""A room of one method, on the kernel as it is, or (`bare`) on its extensions alone. A program.

python -m bench.bus.room [bare]: with the environment of a room whose queues it takes.
"""

from __future__ import annotations

import eventlet

eventlet.monkey_patch()

import os  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from typing import Any  # noqa: E402

from marshmallow import fields  # noqa: E402

from services.common import permissions, wire  # noqa: E402
from services.common.bus.entrypoints import command, on_event, query  # noqa: E402
from services.common.bus.requests import RequestDesk  # noqa: E402
from services.common.kernel import RoomSpec  # noqa: E402
from services.common.run import KernelProvider, run  # noqa: E402
from services.common.schemas import CommandSchema, EventSchema  # noqa: E402

ROOM = os.environ["MOTCUA_ROOM"]


class Ping(CommandSchema):
    text = fields.String(required=True)


class Write(CommandSchema):
    thing = fields.String(required=True)


class Made(EventSchema):
    thing = fields.String(required=True)


for _method in ("ping", "write", "latency"):
    permissions.ALLOWED[f"{ROOM}.{_method}"] = frozenset({"operator"})


_committed: dict[str, float] = {}
_handled: dict[str, float] = {}


class BenchRoom:
    name = ROOM
    kernel = KernelProvider()

    @query(Ping)
    def ping(self, ctx: Any, data: dict[str, Any]) -> dict[str, Any]:
        return {"text": data["text"]}

    @command(Write, idempotent=True)
    def write(self, ctx: Any, data: dict[str, Any]) -> dict[str, Any]:
        unit = ctx.unit()
        thing = {"_id": data["thing"]}
        unit.insert("things", thing)
        unit.tell(thing, "bench.made", {"thing": data["thing"]}, subject=data["thing"])
        answer: dict[str, Any] = ctx.commit(unit, {})
        _committed[data["thing"]] = time.monotonic()
        return answer

    @on_event("bench.made", Made)
    def on_made(self, ctx: Any, event: Any, data: dict[str, Any]) -> None:
        _handled[data["thing"]] = time.monotonic()

    @query(Write)
    def latency(self, ctx: Any, data: dict[str, Any]) -> dict[str, Any]:
        thing = data["thing"]
        return {"seconds": _handled[thing] - _committed[thing] if thing in _handled and thing in _committed else None}


def without_desk(self: RequestDesk, method: str, body: bytes, headers: dict[str, Any], *, redelivered: bool) -> bytes:
    """No actor, no permission, no schema, no deadline, no log, no metric: what the extensions cost by themselves."""
    return wire.encode_result({"text": wire.decode_call(body)["text"]})


if __name__ == "__main__":
    if sys.argv[1:] == ["bare"]:
        RequestDesk.answer = without_desk  # type: ignore[method-assign]
    sys.exit(run(BenchRoom, RoomSpec(name=ROOM, aggregates=["things"], indexes=[], events={"bench.made": Made})))
