"""Bindings that no longer hold are taken away: definitions only add, so a key that a room stopped listening to would
stay at a broker that keeps its data, and bring the room events that it calls unknown. So would exchanges that a room's
user made and exchanges that it bound to each other: its rights cannot refuse either (docs/decisions/0010).

What this system ever bound is remembered beside the broker's data, before the broker hears of it. Run as a program with
the virtual environment's Python, it takes away what is left over; it reads the operator's address and the rest as JSON
from standard input, so that no password appears in a list of processes:  python -m deploy.local.bindings
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from deploy.local import containers, keys
from deploy.local.bootstrap import clean_environment
from deploy.local.broker import VHOST, Node, event_bindings
from deploy.local.paths import ROOT, VENV_PYTHON, State, read_json, write_json
from deploy.local.table import Ports
from deploy.local.trouble import Trouble, say
from services.common.queues import CONTROL_EXCHANGE, EVENTS_EXCHANGE, RPC_EXCHANGE

Binding = tuple[str, str]  # queue, routing key
_RECORD = "broker.bindings"
_NOT_FOUND = 404
_EXCHANGES = (RPC_EXCHANGE, EVENTS_EXCHANGE, CONTROL_EXCHANGE)


def remember(state: State) -> set[Binding]:
    """Notes what is about to be bound beside what was; returns the bindings that hold no longer."""
    now = set(event_bindings())
    before = {(queue, key) for queue, key in read_json(state.data / _RECORD) or []}
    write_json(state.data / _RECORD, sorted(before | now))
    return before - now


def end(state: State, former: set[Binding], amqp_url: str) -> None:
    """Takes these bindings away and forgets them, and whatever foreign stands beside. `amqp_url` is the operator's.

    Raises Trouble.
    """
    try:
        exchanges, links = foreign(_standing(state))
    except Trouble as trouble:  # no reason to leave a province without its system
        print(f"broker: foreign exchanges were not looked for. {trouble}", flush=True)
        exchanges, links = [], []
    if not (former or exchanges or links):
        return
    given = {"url": amqp_url, "bindings": sorted(former), "exchanges": exchanges, "links": links}
    done = subprocess.run(
        [str(VENV_PYTHON), "-m", "deploy.local.bindings"], cwd=ROOT, env=clean_environment(), text=True,
        input=json.dumps(given), capture_output=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise Trouble(
            f"Bindings that no longer hold could not be taken away: {done.stderr.strip()[-800:]}",
            f"read {state.logs / 'broker.log'} and start again",
        )
    with contextlib.suppress(OSError):  # a log on a full disk is no reason to end the system
        for name in exchanges:
            say(f"broker: took away the exchange {name}, which is none of this system's")
        for link in links:
            say(
                f"broker: took away the binding of {link['destination']} to {link['source']} with the key "
                f"{link['routing_key']!r}: this system binds no exchange to another"
            )
    write_json(state.data / _RECORD, sorted(event_bindings()))


def foreign(standing: dict[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """The exchanges of our virtual host that are not the system's, and every binding of one exchange to another."""
    exchanges = [
        row["name"]
        for row in standing["exchanges"]
        if row.get("vhost", VHOST) == VHOST and row["name"] not in _EXCHANGES and not row["name"].startswith("amq.")
    ]
    links = [
        row
        for row in standing["bindings"]
        if row.get("vhost", VHOST) == VHOST and row["destination_type"] == "exchange"
    ]
    return exchanges, links


def _standing(state: State) -> dict[str, Any]:
    """What the broker would export: everything durable. The rest ended with the broker."""
    external = os.environ.get("MOTCUA_BROKER_URL")
    try:
        if external:
            parts = urlsplit(external)
            base = f"{parts.scheme}://{parts.hostname}:{parts.port or 15672}{parts.path.rstrip('/')}"
            login = base64.b64encode(f"{parts.username or ''}:{parts.password or ''}".encode()).decode()
            request = urllib.request.Request(
                f"{base}/api/definitions/{VHOST}", headers={"Authorization": f"Basic {login}"}
            )
            with urllib.request.urlopen(request, timeout=15) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        export = ["-q", "export_definitions", "-"]
        if containers.in_use(state):
            argv, env = [*containers.inside_broker(state), "rabbitmqctl", *export], dict(os.environ)
        else:
            node = Node(state, Ports(state), keys.ensure(state))
            argv, env = [str(node.server.with_name("rabbitmqctl")), *export], node.env()
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=True)
        found = json.loads(done.stdout)
        return found
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise Trouble(
            f"The broker does not say which exchanges it has: {error}",
            f"read {state.logs / 'broker.log'} and start again",
        ) from error


def _take_away(given: dict[str, Any]) -> None:
    import pika
    from pika.exceptions import ChannelClosedByBroker

    connection = pika.BlockingConnection(pika.URLParameters(given["url"]))
    for queue, key in given["bindings"]:
        channel = connection.channel()
        try:
            channel.queue_unbind(queue, EVENTS_EXCHANGE, routing_key=key)
        except ChannelClosedByBroker as refused:
            if refused.reply_code != _NOT_FOUND:  # the queue is gone, and its bindings with it
                raise
    channel = connection.channel()
    for link in given["links"]:
        channel.exchange_unbind(link["destination"], link["source"], link["routing_key"], link["arguments"])
    for name in given["exchanges"]:
        channel.exchange_delete(name)
    connection.close()


if __name__ == "__main__":
    _take_away(json.load(sys.stdin))
