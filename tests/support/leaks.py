"""What people said in confidence, and the search for it where it must not stand.

`Confided` notes passwords, one-time codes, personal numbers, phones, names and tokens as they go over the journeys'
own connections; `found_in` finds them in a text. `places_of` reads everything a system keeps or shows: every document
of every database, every log, every figure, every message that lies in a queue, the ledger's heads.
"""

from __future__ import annotations

import json
import re
import unicodedata
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pika
import pymongo

from deploy.local.broker import PARTNER_VHOST
from deploy.local.system import System
from deploy.local.table import ROOMS
from services.common import wire
from services.common.queues import PARTNER_DEAD

#: One thing that was found: what kind, and where.
Leak = tuple[str, str]
_DIGITS = re.compile(r"(?<![0-9A-Za-z])(?:\+?84|0)?[0-9](?:[ .-]?[0-9]){7,11}(?![0-9A-Za-z])")
#: A code standing alone: not the fraction of a second or of a figure, not a piece of an id.
_CODE = re.compile(r"(?<![\w.,:#/-])[0-9]{6}(?![\w:/-])")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43,}")
_WORDS = re.compile(r"[^\W\d_]+(?: [^\W\d_]+)+")
_SHORTEST_PASSWORD = 8
_BEGINNING = 6  # letters of a password by which it is looked for


def _sent(request: httpx.Request) -> Any:
    """What a request said. Nothing where it was sent in pieces or is no readable JSON, as only what is refused is."""
    try:
        return json.loads(request.content or b"{}")
    except (httpx.RequestNotRead, ValueError, RecursionError):
        return {}


@dataclass
class Confided:
    """What was said in confidence so far."""

    passwords: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)

    def look(self, response: httpx.Response) -> None:
        """Notes what one request and its answer held; names and numbers only of requests that were taken."""
        if response.request.headers.get("content-type", "").startswith("application/json"):
            self._said(_sent(response.request), taken=response.is_success)
        if response.headers.get("content-type", "").startswith("application/json"):
            answer = response.json()
            if isinstance(answer, dict):
                for name in ("access_token", "refresh_token"):
                    self.token(answer.get(name))

    def _said(self, body: Any, *, taken: bool) -> None:
        if not isinstance(body, dict):
            return
        for name, value in body.items():
            if isinstance(value, dict):
                self._said(value, taken=taken)
            if not isinstance(value, str):
                continue
            if name in ("password", "new_password") and len(value) >= _SHORTEST_PASSWORD:
                self.passwords.add(value)
            elif name == "refresh_token":
                self.token(value)
            elif taken and name == "code" and re.fullmatch("[0-9]{6}", value):
                self.codes.add(value)
            elif taken and name == "full_name" and " " in value:
                self.name(value)
            elif taken and name == "phone":
                self.phone(value)
            elif taken and name in ("id_number", "tax_number"):
                self.number(value)

    def token(self, value: Any) -> None:
        """A token's secret part: an access token's signature, what follows a refresh token's id. What has no such form
        (bad input that a test sends) is no secret."""
        secret = value.rpartition(".")[2] if isinstance(value, str) else ""
        if _TOKEN.fullmatch(secret):
            self.tokens.add(secret)

    def phone(self, value: str) -> None:
        """A mobile number, in whichever form: kept are its last nine digits."""
        self.phones.add(re.sub(r"\D", "", value)[-9:])

    def number(self, value: str) -> None:
        self.numbers.add(re.sub(r"\D", "", value))

    def name(self, value: str) -> None:
        self.names.add(_folded(value))

    def messages(self, rows: list[dict[str, Any]]) -> None:
        """What the SMS service delivered: codes, and to whom."""
        for row in rows:
            self.codes |= set(re.findall(r"(?<![0-9])[0-9]{6}(?![0-9])", row["text"]))
            self.phone(row["to"])

    def found_in(self, text: str, *, codes: bool = True) -> Iterator[str]:
        """Kinds of what the text holds. `codes` False: the text is no string of its own, six digits prove nothing."""
        for match in _DIGITS.finditer(text):
            digits = re.sub(r"\D", "", match[0])
            if digits in self.numbers:
                yield "number"
            if digits[-9:] in self.phones and digits.removesuffix(digits[-9:]) in ("", "0", "84", "840"):
                yield "phone"
        if codes and any(match[0] in self.codes for match in _CODE.finditer(text)):
            yield "code"
        if any(match[0] in self.tokens for match in _TOKEN.finditer(text)):
            yield "token"
        beginnings = {password[:_BEGINNING] for password in self.passwords}
        if any(beginning in text for beginning in beginnings) and any(p in text for p in self.passwords):
            yield "password"
        for match in _WORDS.finditer(_folded(text)):
            words = match[0].split()
            if any(" ".join(words[a:b]) in self.names for a in range(len(words)) for b in range(a + 2, a + 7)):
                yield "name"


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split(" "))


def strings_of(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a document with its path: keys, strings, bytes, whole numbers."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield f"{path}.{name}", str(name)
            yield from strings_of(member, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for member in value:
            yield from strings_of(member, path)
    elif isinstance(value, bytes):
        yield path, value.decode("utf-8", "replace")
    elif isinstance(value, str):
        yield path, value
    elif type(value) is int:
        yield path, f"#{value}"  # a number of its own is no code


@dataclass
class House:
    """Everything that a running system keeps and shows. `spared`: collections whose contents are what people handed in
    to be kept as it is."""

    system: System
    databases: pymongo.MongoClient[dict[str, Any]]
    spared: frozenset[str] = frozenset()
    looked_at: dict[str, int] = field(default_factory=dict)

    def leaks(self, confided: Confided) -> dict[Leak, int]:
        """What was found and how often, by kind and place."""
        found: dict[Leak, int] = {}
        for place, text, whole in self.texts():
            for kind in confided.found_in(text, codes=whole):
                found[kind, place] = found.get((kind, place), 0) + 1
        return found

    def texts(self) -> Iterator[tuple[str, str, bool]]:
        """Place, text, and whether the text is a string of its own."""
        self.looked_at = {}
        for source in (self._databases, self._logs, self._metrics, self._queues, self._heads):
            for place, text, whole in source():
                self.looked_at[source.__name__] = self.looked_at.get(source.__name__, 0) + 1
                yield place, text, whole

    def _databases(self) -> Iterator[tuple[str, str, bool]]:
        for database in self.databases.list_database_names():
            if database in ("admin", "config", "local"):
                continue  # the database's own; `local` repeats what the others hold
            for name in self.databases[database].list_collection_names():
                if f"{database}.{name}" in self.spared:
                    continue
                for document in self.databases[database][name].find():
                    for path, text in strings_of(document):
                        yield f"{database}.{name}{path}", text, True

    def _logs(self) -> Iterator[tuple[str, str, bool]]:
        for file in sorted([*self.system.state.logs.rglob("*"), self.system.state.top / "supervisor.log"]):
            if not file.is_file():
                continue
            for line in file.read_text("utf-8", "replace").splitlines():
                try:
                    document = json.loads(line)
                except ValueError:
                    document = None
                if isinstance(document, dict):
                    for path, text in strings_of(document):
                        yield f"log {file.name} {path}", text, True
                else:
                    yield f"log {file.name}", line, True

    def _metrics(self) -> Iterator[tuple[str, str, bool]]:
        for process in self.system.rows():
            if process.health_port and process.name in ROOMS:
                with urllib.request.urlopen(f"http://127.0.0.1:{process.health_port}/metrics", timeout=10) as page:
                    yield f"metrics {process.name}", page.read().decode(), False

    def _queues(self) -> Iterator[tuple[str, str, bool]]:
        for vhost in ("motcua", PARTNER_VHOST):
            yield from self._queues_of(vhost)

    def _queues_of(self, vhost: str) -> Iterator[tuple[str, str, bool]]:
        names = [name for room in wire.ROOMS for name, _ in wire.queue_declarations(room)]
        connection = pika.BlockingConnection(pika.URLParameters(self.system.amqp_url("operator", vhost)))
        try:
            channel = connection.channel()
            for name in names if vhost == "motcua" else [PARTNER_DEAD]:
                yield f"queue {name}", name, False
                while True:  # what is taken goes back when the channel closes
                    method, properties, body = channel.basic_get(name)
                    if method is None:
                        break
                    yield f"queue {name}", body.decode("utf-8", "replace"), False
                    yield f"queue {name} headers", json.dumps(properties.headers or {}, default=str), False
        finally:
            connection.close()

    def _heads(self) -> Iterator[tuple[str, str, bool]]:
        for file in sorted(self.system.state.ledger_heads.rglob("*")):
            if file.is_file():
                yield f"heads {file.name}", file.read_text(), False
