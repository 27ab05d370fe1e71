"""Bindings that no longer hold are taken away: definitions only add, so a key that a room stopped listening to would
stay at a broker that keeps its data, and bring the room events that it calls unknown.

What this system ever bound is remembered beside the broker's data, before the broker hears of it. Run as a program with
the virtual environment's Python, it unbinds what is left over; it reads the operator's address and the bindings as JSON
from standard input, so that no password appears in a list of processes:  python -m deploy.local.bindings
"""

from __future__ import annotations

import json
import subprocess
import sys

from deploy.local.bootstrap import clean_environment
from deploy.local.broker import event_bindings
from deploy.local.paths import ROOT, VENV_PYTHON, State, read_json, write_json
from deploy.local.trouble import Trouble
from services.common.queues import EVENTS_EXCHANGE

Binding = tuple[str, str]  # queue, routing key
_RECORD = "broker.bindings"
_NOT_FOUND = 404


def remember(state: State) -> set[Binding]:
    """Notes what is about to be bound beside what was; returns the bindings that hold no longer."""
    now = set(event_bindings())
    before = {(queue, key) for queue, key in read_json(state.data / _RECORD) or []}
    write_json(state.data / _RECORD, sorted(before | now))
    return before - now


def end(state: State, former: set[Binding], amqp_url: str) -> None:
    """Takes these bindings away and forgets them. `amqp_url` is the operator's. Raises Trouble."""
    if not former:
        return
    done = subprocess.run(
        [str(VENV_PYTHON), "-m", "deploy.local.bindings"], cwd=ROOT, env=clean_environment(), text=True,
        input=json.dumps({"url": amqp_url, "bindings": sorted(former)}), capture_output=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise Trouble(
            f"Bindings that no longer hold could not be taken away: {done.stderr.strip()[-800:]}",
            f"read {state.logs / 'broker.log'} and start again",
        )
    write_json(state.data / _RECORD, sorted(event_bindings()))


def _unbind(amqp_url: str, bindings: list[Binding]) -> None:
    import pika
    from pika.exceptions import ChannelClosedByBroker

    connection = pika.BlockingConnection(pika.URLParameters(amqp_url))
    for queue, key in bindings:
        channel = connection.channel()
        try:
            channel.queue_unbind(queue, EVENTS_EXCHANGE, routing_key=key)
        except ChannelClosedByBroker as refused:
            if refused.reply_code != _NOT_FOUND:  # the queue is gone, and its bindings with it
                raise
    connection.close()


if __name__ == "__main__":
    given = json.load(sys.stdin)
    _unbind(given["url"], [(queue, key) for queue, key in given["bindings"]])
