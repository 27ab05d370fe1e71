"""Makes the replica set and the users: one per room with rights on its own database only, and the operator.

Run with the virtual environment's Python. Safe to repeat, also after a kill at any point. Reads passwords as a JSON
object from standard input, so that none appears in a list of processes:
  python -m deploy.local.prepare_database --port 27017 ROOM…      our own mongod
  python -m deploy.local.prepare_database --url mongodb://… ROOM…  one given by address
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

_ALREADY_INITIALIZED, _UNAUTHORIZED, _AUTHENTICATION_FAILED = 23, 13, 18
_USER_EXISTS = 51003
_DEADLINE_SECONDS = 60.0


def _connect(port: int, **login: Any) -> MongoClient[dict[str, Any]]:
    return MongoClient("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=20_000, **login)


def _wait_for_primary(client: MongoClient[dict[str, Any]]) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not client.admin.command("hello")["isWritablePrimary"]:
        if time.monotonic() > deadline:
            raise TimeoutError("mongod did not become primary")
        time.sleep(0.05)


def operator_of_own(port: int, replica_set: str, password: str, host: str) -> MongoClient[dict[str, Any]]:
    """A client logged in as the operator of our own mongod; makes replica set and operator on the first start.

    A mongod with no user yet lets the local machine make the first one. Here the operator is root: it makes the rooms'
    users and, when the ports were drawn anew, the replica set again, and this mongod holds nothing but our databases.
    `host`: the address under which others reach it.
    """
    first = _connect(port)
    try:
        first.admin.command("replSetInitiate", {"_id": replica_set, "members": [{"_id": 0, "host": host}]})
    except OperationFailure as error:
        if error.code not in (_ALREADY_INITIALIZED, _UNAUTHORIZED):
            raise
    login: dict[str, Any] = {"username": "operator", "password": password, "authSource": "admin"}
    client = _connect(port, **login)
    try:
        client.admin.command("ping")
    except OperationFailure as error:
        if error.code != _AUTHENTICATION_FAILED:
            raise
        _wait_for_primary(first)
        first.admin.command("createUser", "operator", pwd=password, roles=["root"])
        client = _connect(port, **login)
    first.close()
    config = client.admin.command("replSetGetConfig")["config"]
    if config["members"][0]["host"] != host:  # the ports of this system were drawn anew
        config["members"][0]["host"] = host
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)
    _wait_for_primary(client)
    return client


def roles_on(databases: list[str]) -> list[dict[str, str]]:
    """Rights on the named databases and on nothing else: documents, collections, indexes; no users, no server."""
    return [{"role": role, "db": database} for database in databases for role in ("readWrite", "dbAdmin")]


def make_user(
    client: MongoClient[dict[str, Any]], database: str, user: str, password: str, roles: list[dict[str, str]]
) -> None:
    """Makes the user, who logs in at `database`, or gives one that is there this password and these roles only."""
    try:
        client[database].command("createUser", user, pwd=password, roles=roles)
    except OperationFailure as error:
        if error.code != _USER_EXISTS:
            raise
        client[database].command("updateUser", user, pwd=password, roles=roles)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--url")
    parser.add_argument("--replica-set", default="motcua")
    parser.add_argument("--member", help="host:port under which others reach it (default: 127.0.0.1 and the port)")
    parser.add_argument("rooms", nargs="+")
    given = parser.parse_args()
    passwords: dict[str, str] = json.load(sys.stdin)
    try:
        if given.url:
            client: MongoClient[dict[str, Any]] = MongoClient(given.url, serverSelectionTimeoutMS=20_000)
            # somebody else administers that server: our operator works on our databases and nowhere else
            make_user(client, "admin", "operator", passwords["operator"], roles_on(given.rooms))
        else:
            member = given.member or f"127.0.0.1:{given.port}"
            client = operator_of_own(given.port, given.replica_set, passwords["operator"], member)
        for room in given.rooms:
            make_user(client, room, room, passwords[room], roles_on([room]))
    except (PyMongoError, TimeoutError) as error:
        print(f"prepare_database: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
