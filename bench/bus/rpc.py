"""`rpc`: CPU of the service process per call, with everything on, against a bare loop on the same broker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.bus.load import Caller
from bench.bus.programs import ROOM, bare_service, room
from bench.cpu import cpu_of
from bench.figures import IN_FLIGHT, Figure, alternating
from deploy.local.system import System
from services.common import wire
from services.common.actors import Signer

CALLS = 3000
WARM = 500
QUEUE = "bench.bare"


def measure(system: System) -> list[Figure]:
    """`system`: broker and database alone."""
    url = system.amqp_url("operator")
    env = system.env("operator")
    token = Signer.load("operator", "operator-1", Path(env["MOTCUA_KEY"])).own()
    headers: dict[str, object] = {
        wire.H_ACTOR: token, wire.H_TIMEOUT: 10_000, wire.H_CORRELATION: "bench", wire.H_CHANNEL: "portal",
    }  # fmt: skip
    body = wire.encode_call({"text": "xin chào"})
    with bare_service(system, QUEUE) as bare:
        base = Caller(url, "", QUEUE, body, {})
        with room(system, "bare") as thin:
            lean = Caller(url, wire.RPC_EXCHANGE, f"{ROOM}.ping", body, headers)
            extensions, loop = alternating(_cost(lean, thin), _cost(base, bare))
            lean.close()
        with room(system) as full:
            whole = Caller(url, wire.RPC_EXCHANGE, f"{ROOM}.ping", body, headers)
            everything, loop_again = alternating(_cost(whole, full), _cost(base, bare))
            wire.decode_reply(whole.last)  # raises where the answers were refusals
            whole.close()
        base.close()
    return [
        Figure("rpc", "µs CPU/call", everything, loop_again, 1.5, "service process, all on"),
        Figure("rpc_extensions", "µs CPU/call", extensions, loop, 1.1, "no actor, log, metric"),
    ]


def _cost(caller: Caller, pid: int) -> Callable[[], float]:
    caller.run(WARM, IN_FLIGHT)

    def measure() -> float:
        before = cpu_of([pid])
        caller.run(CALLS, IN_FLIGHT)
        return (cpu_of([pid]) - before) / CALLS * 1e6

    return measure
