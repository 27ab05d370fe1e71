"""Messages that a room gave up: list them, read one, send them again. python -m deploy.operate.dead_letters …

  list [--room R] [--limit N] [--json]     what lies there, by room
  show ID [--room R]                       headers and body of one
  replay ID | --all [--room R]             back into the room's own queue, with a fresh count of attempts: every letter
                                           of this id, or all, in every room or in R alone
  drop ID --room R                         takes those of this id away for good: what another put there is never to be
                                           believed

Listing takes messages without acknowledging them and gives them back by closing the channel: nothing is lost, but what
one operator looks at is hidden from another for that moment. A replay is confirmed by the broker before the dead letter
is acknowledged: a crash in between leaves it in both places, and the room's inbox drops the second. The event id names
a message; one that is no event is named by its content ("sha256:…"), and so are its copies, wherever they lie.

Every room can publish straight into the queue of dead letters of another, and a replay makes a message believed. So a
letter is sent again only where the broker vouches that the room itself, the teller of the event or the operator
published it (docs/decisions/0010-broker-permissions.md); others are named and stay. `--all` leaves out what the room
held to be forged: that is sent by its id only, after somebody has read it.

Of a message of the postal partner only the ids are kept (X-26): `partner` can be listed and shown, and the partner is
asked to send that message again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPConnectionError, ChannelClosedByBroker, NackError, UnroutableError

from deploy.local.advice import here
from services.common import wire
from services.common.bus.origin import OPERATOR
from services.common.envelope import name_of
from services.common.queues import PARTNER_DEAD, teller_of

MOST_LISTED = 1000
#: Not a room: messages of the postal partner, on its own virtual host.
PARTNER, PARTNER_VHOST = "partner", "partner"
PLACES = (*wire.ROOMS, PARTNER)
PARTNER_STAYS = "motcua dead-letters: only ids of it are kept; ask the partner to send it again"


@dataclass(frozen=True)
class Letter:
    """One dead letter as it lies in its queue. `tag` is good on the channel that took it."""

    room: str
    tag: int
    properties: pika.BasicProperties
    body: bytes

    @property
    def headers(self) -> dict[str, Any]:
        return dict(self.properties.headers or {})

    @property
    def event(self) -> dict[str, Any]:
        """The body where it is a JSON object, else empty."""
        try:
            content = json.loads(self.body)
        except (ValueError, RecursionError):  # a dead letter may be anything, also ten thousand brackets
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def id(self) -> str:
        known = self.event.get("message_id" if self.room == PARTNER else "id")
        return _text(known) or f"sha256:{hashlib.sha256(self.body).hexdigest()[:16]}"

    def row(self) -> dict[str, Any]:
        """What a list shows. `first_failed` is real time, ISO 8601."""
        headers, event = self.headers, self.event
        reason, failed = headers.get(wire.H_REASON), headers.get(wire.H_FIRST_FAILED)
        by_broker = headers.get("x-death") or [{}]
        if reason is None:  # not put here by the room: the broker gave it up, after too many crashes of its consumer
            reason = f"broker: {by_broker[0].get('reason', 'unknown')}"
            moment = by_broker[0].get("time")
            failed = moment.isoformat() if isinstance(moment, datetime) else None
        attempts = headers.get(wire.H_ATTEMPT)
        return {
            "room": self.room,
            "id": self.id,
            "type": _text(event.get("type")),
            "subject": _text(event.get("order_number" if self.room == PARTNER else "subject")),
            "reason": str(reason),
            "attempts": attempts if isinstance(attempts, int) else 0,
            "first_failed": failed,
            "by": self.by,
        }

    @property
    def by(self) -> str:
        """The broker's user that put it where it lies, or in the queue that it died in; empty: nobody said."""
        return _text(self.properties.user_id)

    def objection(self) -> str | None:
        """Why it must not be sent again in the operator's name, whom every room believes; None where it may."""
        believed = {self.room, teller_of(name_of(self.row()["type"])), OPERATOR}
        if self.by in believed:
            return None
        return f"{self.by or 'nobody that the broker knows'} put it there, not {self.room}"

    @property
    def forged(self) -> bool:
        """Whether the room gave it up as told by another than its teller."""
        return str(self.row()["reason"]).startswith("forged")


def _text(value: Any) -> str:
    """What can be shown in a line: a text that is one; anything else a foreign message may have put there is not."""
    return value if isinstance(value, str) and value.isprintable() else ""


class DeadLetters:
    """The dead-letter queues of all rooms, over one connection as the operator."""

    def __init__(self, amqp_url: str) -> None:
        self._url = amqp_url
        self._connections = {False: pika.BlockingConnection(pika.URLParameters(amqp_url))}

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def _channel(self, room: str) -> BlockingChannel:
        partner = room == PARTNER
        if partner not in self._connections:
            parameters = pika.URLParameters(self._url)
            parameters.virtual_host = PARTNER_VHOST
            self._connections[partner] = pika.BlockingConnection(parameters)
        return self._connections[partner].channel()

    def look(self, rooms: tuple[str, ...], limit: int = MOST_LISTED) -> Iterator[Letter]:
        """At most `limit` letters of each room, oldest first, one at a time; all stay where they are."""
        for room in rooms:
            channel = self._channel(room)
            try:
                yield from self._take(channel, room, limit)
            finally:
                _close(channel)

    def find(self, id: str, rooms: tuple[str, ...]) -> list[Letter]:
        """Every letter of this id (one event may have died in several rooms); the others are not kept."""
        return [letter for letter in self.look(rooms, limit=wire.EVENT_QUEUE_LIMIT) if letter.id == id]

    def replay(self, rooms: tuple[str, ...], id: str | None = None) -> Iterator[tuple[Letter, str | None]]:
        """Sends letters back to their room, the one with this id or all that lie there now; gives each with None where
        it was sent, else with the reason for which it stays.

        Raises NackError or UnroutableError when the broker does not take one; that one stays a dead letter.
        """
        for room in (room for room in rooms if room != PARTNER):
            channel = self._channel(room)
            channel.confirm_delivery()
            for letter in self._take(channel, room, wire.EVENT_QUEUE_LIMIT):
                if id is not None and letter.id != id:
                    continue
                stays = letter.objection()
                if stays is None and id is None and letter.forged:
                    stays = "the room held it to be forged; replay it by its id where you know better"
                if stays is None:
                    channel.basic_publish(
                        "", wire.event_queue(room), letter.body, _as_new(letter.properties), mandatory=True
                    )
                    channel.basic_ack(letter.tag)
                yield letter, stays
            _close(channel)

    def drop(self, room: str, id: str) -> Iterator[Letter]:
        """Takes the letters of this id away for good; gives each before it goes."""
        channel = self._channel(room)
        for letter in self._take(channel, room, wire.EVENT_QUEUE_LIMIT):
            if letter.id == id:
                yield letter
                channel.basic_ack(letter.tag)
        _close(channel)

    def _take(self, channel: BlockingChannel, room: str, limit: int) -> Iterator[Letter]:
        queue = PARTNER_DEAD if room == PARTNER else wire.dead_queue(room)
        try:
            lying = channel.queue_declare(queue, passive=True).method.message_count
        except ChannelClosedByBroker as refused:
            if refused.reply_code == 404:  # this room has never run here
                return
            raise
        # no more than lay there at the start: a letter that dies again at once must not be sent round and round
        for _ in range(min(lying, limit)):
            method, properties, body = channel.basic_get(queue, auto_ack=False)
            if method is None:
                return
            yield Letter(room, method.delivery_tag, properties, body)


def _as_new(properties: pika.BasicProperties) -> pika.BasicProperties:
    """The message's own properties without the marks of its failures, in the operator's name: rooms believe him."""
    fresh = pika.BasicProperties(
        user_id=OPERATOR,
        content_type=properties.content_type,
        message_id=properties.message_id,
        type=properties.type,
        delivery_mode=2,
    )
    marks = (wire.H_ATTEMPT, wire.H_FAULTS, wire.H_REASON, wire.H_FIRST_FAILED)
    fresh.headers = {
        name: value
        for name, value in (properties.headers or {}).items()
        if name.startswith("x-motcua-") and name not in marks
    }
    return fresh


def _close(channel: BlockingChannel) -> None:
    # closing gives back what was taken and not acknowledged
    if channel.is_open:
        channel.close()


def _print_list(letters: list[Letter]) -> None:
    if not letters:
        print("no dead letters")
        return
    print(f"{'room':11} {'first failed':26} {'tries':>5}  {'type':34} {'subject':26} id")
    for row in (letter.row() for letter in letters):
        print(
            f"{row['room']:11} {row['first_failed'] or '–':26} {row['attempts']:>5}  "
            f"{row['type'] or '–':34} {row['subject'] or '–':26} {row['id']}"
        )
        stranger = "" if row["by"] == row["room"] else f" (published by {row['by'] or 'nobody'})"
        print(f"{'':11} {row['reason']}{stranger}")


def _print_letter(letter: Letter) -> None:
    for name, value in letter.row().items():
        print(f"{name:13} {value if value not in ('', None) else '–'}")
    for name, value in sorted(letter.headers.items()):
        if name not in (wire.H_REASON, wire.H_ATTEMPT, wire.H_FIRST_FAILED):
            print(f"{name:13} {value}")
    print(_readable(letter))


def _readable(letter: Letter) -> str:
    """The body, indented where it is an object that can be; else as it is."""
    try:
        if event := letter.event:
            text = json.dumps(event, indent=1, ensure_ascii=False)
            text.encode()
            return text
    except (RecursionError, UnicodeEncodeError):  # nested deeper than it can be printed; half a pair of UTF-16
        pass
    return letter.body.decode(errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="motcua dead-letters", description="Messages that a room gave up.")
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="what lies there, by room")
    listing.add_argument("--limit", type=int, default=MOST_LISTED, help="at most so many of each room")
    listing.add_argument("--json", action="store_true")
    show = commands.add_parser("show", help="headers and body of each letter of this id")
    show.add_argument("id")
    about = "send every letter of this id, or all, back into its room's own queue"
    replay = commands.add_parser("replay", help=about, description=about)
    replay.add_argument("id", nargs="?")
    replay.add_argument("--all", action="store_true")
    drop = commands.add_parser("drop", help="take those of this id away for good; their bodies are printed")
    drop.add_argument("id")
    for command in (listing, show, replay, drop):
        where = "there alone" if command is drop else "there alone, else everywhere"
        command.add_argument("--room", choices=PLACES, required=command is drop, help=where)
    return parser


def main(arguments: list[str], amqp_url: str | None = None) -> int:
    """Run one command; 1 when nothing of that id lies there, when one is left that was to be replayed, or the broker
    refuses."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.command == "replay" and bool(given.id) == given.all:
        parser.error("replay takes one ID or --all, not both" if given.all else "replay takes one ID, or --all")
    rooms: tuple[str, ...] = (given.room,) if given.room else PLACES
    try:
        letters = DeadLetters(amqp_url or os.environ["MOTCUA_AMQP_URL"])
    except AMQPConnectionError as error:
        print(f"motcua dead-letters: the broker does not answer ({type(error).__name__})", file=sys.stderr)
        return 1
    try:
        return _run(given, letters, rooms)
    except (NackError, UnroutableError) as error:
        print(f"motcua dead-letters: the broker did not take it ({type(error).__name__}); try again", file=sys.stderr)
        return 1
    finally:
        letters.close()


def _run(given: argparse.Namespace, letters: DeadLetters, rooms: tuple[str, ...]) -> int:
    if given.command == "list":
        listed = list(letters.look(rooms, given.limit))
        if given.json:
            print(json.dumps([letter.row() for letter in listed], indent=1))
        else:
            _print_list(listed)
        return 0
    if given.command == "show":
        letters_found = letters.find(given.id, rooms)
        for letter in letters_found:
            _print_letter(letter)
        found = bool(letters_found)
    elif given.command == "drop":
        found = False
        for letter in letters.drop(given.room, given.id):
            _print_letter(letter)
            found = True
    else:
        if given.room == PARTNER:
            print(PARTNER_STAYS, file=sys.stderr)
            return 1
        return _replay(given, letters, rooms)
    if not found:
        _say_missing(given.id)
    return 0 if found else 1


def _replay(given: argparse.Namespace, letters: DeadLetters, rooms: tuple[str, ...]) -> int:
    sent = left = 0
    for letter, stays in letters.replay(rooms, given.id):
        about = f"{letter.room}: {letter.id} {letter.row()['type']}".rstrip()
        if stays is None:
            sent += 1
            print(f"replayed to {about}")
        else:
            left += 1
            print(f"not replayed to {about}: {stays}", file=sys.stderr)
    if given.all:
        print(f"{sent} replayed" + (f", {left} left where they are" if left else ""))
    elif not sent and not left:
        if letters.find(given.id, (PARTNER,)):
            print(PARTNER_STAYS, file=sys.stderr)
        else:
            _say_missing(given.id)
        return 1
    return 1 if left else 0


def _say_missing(id: str) -> None:
    print(
        f"motcua dead-letters: no dead letter {id}\n"
        f"  What to do: {here('dead-letters list')} shows what lies there, the id at the end of a line",
        file=sys.stderr,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
