"""What only the broker itself can tell about its queues: rabbitmqctl of the system's own node."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from deploy.local.broker import Node
from deploy.local.system import System

_COLUMNS = ("name", "type", "durable", "auto_delete", "exclusive", "arguments", "consumers", "messages")


def queues(system: System, vhost: str) -> list[dict[str, Any]]:
    """Every queue of a virtual host; `arguments` as a plain object."""
    rows: list[dict[str, Any]] = ask(system, "list_queues", "-p", vhost, *_COLUMNS)
    for row in rows:
        row["arguments"] = {name: value for name, _, value in row["arguments"]} if row["arguments"] else {}
    return rows


def bindings(system: System, vhost: str) -> list[tuple[str, str, str]]:
    """(exchange, queue, routing key) of every binding to a named exchange."""
    rows = ask(system, "list_bindings", "-p", vhost, "source_name", "destination_name", "routing_key")
    return [(r["source_name"], r["destination_name"], r["routing_key"]) for r in rows if r["source_name"]]


def ask(system: System, *arguments: str) -> Any:
    """The answer of rabbitmqctl, as JSON."""
    node = Node(system.state, system.ports, system.passwords)
    command = [str(node.server.with_name("rabbitmqctl")), "-q", "--formatter", "json", *arguments]
    done = subprocess.run(command, env=node.env(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)
