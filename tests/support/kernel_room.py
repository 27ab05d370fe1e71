"""A room made for the kernel's tests: it keeps things, counts effects, and can be told to fail or to be slow.

Started as a program by the tests under a real room's name (tests/support/programs.py).
"""

from __future__ import annotations

import eventlet

eventlet.monkey_patch()

import os  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from typing import Any  # noqa: E402

from marshmallow import fields  # noqa: E402

from services.common import permissions  # noqa: E402
from services.common.bus.entrypoints import command, every, on_event, query  # noqa: E402
from services.common.kernel import RoomSpec  # noqa: E402
from services.common.run import KernelProvider, run  # noqa: E402
from services.common.schemas import CommandSchema, EventSchema  # noqa: E402

ROOM = os.environ["MOTCUA_ROOM"]


class Ping(CommandSchema):
    text = fields.String(required=True)


class Make(CommandSchema):
    thing = fields.String(required=True)
    hold = fields.Float(load_default=0.0)


class Bump(CommandSchema):
    thing = fields.String(required=True)
    times = fields.Integer(load_default=1)


class Relay(CommandSchema):
    room = fields.String(required=True)
    thing = fields.String(required=True)


class Nothing(CommandSchema):
    pass


class Made(EventSchema):
    thing = fields.String(required=True)
    number = fields.Integer(required=True)


for _method in ("ping", "make", "bump", "pass_on", "crash", "clock", "tell_wrong"):
    permissions.ALLOWED[f"{ROOM}.{_method}"] = frozenset({"operator", "service:intake", "service:oversight"})


class KernelRoom:
    name = ROOM
    kernel = KernelProvider()

    @query(Ping)
    def ping(self, ctx: Any, data: dict[str, Any]) -> dict[str, Any]:
        return {"text": data["text"], "now": ctx.now.isoformat(), "subject": ctx.actor.subject}

    @command(Make, idempotent=True)
    def make(self, ctx: Any, data: dict[str, Any]) -> dict[str, Any]:
        if data["hold"]:
            eventlet.sleep(data["hold"])
        unit = ctx.unit()
        thing = {"_id": data["thing"], "number": 1}
        unit.insert("things", thing)
        unit.tell(thing, "thing.made", {"thing": data["thing"], "number": 1})
        return ctx.commit(unit, {"made": data["thing"]})

    @command(Bump, idempotent=True)
    def bump(self, ctx: Any, data: dict[str, Any]) -> dict[str, Any]:
        thing = self.kernel.store.get("things", data["thing"])
        unit = ctx.unit()
        for _ in range(data["times"]):
            thing["number"] += 1
            unit.tell(thing, "thing.made", {"thing": data["thing"], "number": thing["number"]})
        unit.save("things", thing)
        return ctx.commit(unit, {"number": thing["number"]})

    @command(Relay, idempotent=True)
    def pass_on(self, ctx: Any, data: dict[str, Any]) -> dict[str, Any]:
        return ctx.call(f"{data['room']}.make", as_service=True, thing=data["thing"])

    @query(Nothing)
    def clock(self, ctx: Any, data: dict[str, Any]) -> dict[str, Any]:
        return {"offset": self.kernel.clock.offset, "now": ctx.now.isoformat()}

    @query(Nothing)
    def crash(self, ctx: Any, data: dict[str, Any]) -> None:
        raise RuntimeError("0914000123 must not be seen anywhere")

    @command(Bump, idempotent=True)
    def tell_wrong(self, ctx: Any, data: dict[str, Any]) -> None:
        unit = ctx.unit()
        thing = self.kernel.store.get("things", data["thing"])
        unit.tell(thing, "thing.made", {"thing": data["thing"], "number": 1, "phone": "0914000123"})
        unit.save("things", thing)
        ctx.commit(unit)

    @on_event("thing.made", Made, ordered=True)
    def on_made(self, ctx: Any, event: Any, data: dict[str, Any]) -> None:
        if data["thing"].startswith("poison"):
            raise ValueError("cannot be handled")
        if data["thing"].startswith("slow"):
            eventlet.sleep(0.5)
        unit = ctx.unit()
        unit.change(
            "effects",
            {"_id": data["thing"]},
            {"$inc": {"count": 1}, "$push": {"numbers": data["number"]}, "$set": {"at": time.time()}},
            upsert=True,
        )
        ctx.commit(unit)

    @every(60)
    def tick(self, ctx: Any) -> None:
        self.kernel.store.collection("ticks").insert_one({"at": ctx.now, "pid": os.getpid()})


if __name__ == "__main__":
    spec = RoomSpec(name=ROOM, aggregates=["things"], indexes=[], events={"thing.made": Made})
    sys.exit(run(KernelRoom, spec))
