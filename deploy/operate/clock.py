"""The business clock of a rehearsal: python -m deploy.operate.clock show | set TIME

TIME is ISO 8601; without a zone it is Vietnamese time ("2024-03-11T15:00", "2024-03-12 08:01"). The clock moves forward
only, and only where rehearsal was switched on at set-up. `set` returns when every running process has followed. The way
back is a fresh rehearsal: ./motcua down, then ./motcua up --rehearsal --fresh.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from datetime import datetime
from typing import Any

import orjson

from deploy.local.advice import here
from deploy.operate.calls import Operator, explain
from services.common import wire
from services.common.calendar import VIETNAM, local
from services.common.problems import Problem

FOLLOW_WITHIN = 20.0  # seconds
GATEWAY_WITHIN = 1.0
FORMAT = 'write 2024-03-12T08:01 or "2024-03-12 08:01" (day and time; Vietnamese time where no zone is given)'
IN_PRODUCTION = (
    "Hệ thống thật chạy theo giờ thật / this system is production: its business time is real time and is never moved.\n"
    "  What to do: try it in a rehearsal beside it: ./motcua up --state practice --rehearsal --detach"
)


def read_time(text: str) -> datetime:
    """An instant; Vietnamese time where no zone is given. Raises ValueError, also for a day without a time."""
    if ":" not in text:
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=VIETNAM)


def show(operator: Operator) -> int:
    """Prints business time."""
    _print(operator.call("oversight.clock"))
    return 0


def move(operator: Operator, to: datetime) -> int:
    """Moves the clock and waits for every process; 1 when one has not said so in time."""
    expected = Counter({room: operator.replicas(room) for room in wire.ROOMS})
    queue = operator.channel.queue_declare("", exclusive=True, auto_delete=True).method.queue
    answers: Counter[str] = Counter()

    def followed(_channel: Any, _method: Any, _properties: Any, body: bytes) -> None:
        answers[orjson.loads(body)["room"]] += 1

    operator.channel.basic_consume(queue, followed, auto_ack=True)
    answer = operator.call("oversight.move_clock", to=to.isoformat(), reply_to=queue)
    limit = time.monotonic() + FOLLOW_WITHIN
    while expected - answers and time.monotonic() < limit:
        operator.connection.process_data_events(time_limit=0.05)
    # The gateway has no queue of requests by which it could be counted: it is given a moment, where it runs.
    limit = min(limit, time.monotonic() + GATEWAY_WITHIN)
    while not answers["gateway"] and time.monotonic() < limit:
        operator.connection.process_data_events(time_limit=0.05)
    _print(answer)
    missing = expected - answers
    if missing:
        rooms = ", ".join(sorted(missing))
        print(
            f"Chưa theo kịp: {rooms} / have not followed yet: {rooms}. They ask for the clock when they reconnect; "
            f"look at {here('status')}.",
            file=sys.stderr,
        )
        return 1
    print(f"{sum(answers.values())} tiến trình đã theo / processes have followed")
    return 0


def _print(answer: dict[str, Any]) -> None:
    now = local(datetime.fromisoformat(answer["now"]))
    print(
        f"{now.isoformat(sep=' ', timespec='seconds')}  ({answer['offset']:+.0f} s so với giờ thật / beside real time)"
    )


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; the exit status is 0 only when it was done."""
    parser = argparse.ArgumentParser(
        prog="motcua clock", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("show", help="print business time")
    commands.add_parser("set", help="move it forward").add_argument("time", metavar="TIME", help=FORMAT)
    given = parser.parse_args(arguments)
    try:
        to = read_time(given.time) if given.command == "set" else None
    except ValueError:
        print(f"Không đọc được thời điểm / not a time: {given.time}\n  What to do: {FORMAT}", file=sys.stderr)
        return 2
    if to is not None and os.environ.get("MOTCUA_REHEARSAL") != "1":
        print(IN_PRODUCTION, file=sys.stderr)
        return 1
    try:
        with Operator() as operator:
            return show(operator) if to is None else move(operator, to)
    except Problem as problem:
        print(explain(problem), file=sys.stderr)
        if problem.rule == "X-15":
            print(
                f"  What to do: begin again with {here('down')}, then {here('up --rehearsal --fresh')}", file=sys.stderr
            )
        return 1


if __name__ == "__main__":
    sys.exit(main())
