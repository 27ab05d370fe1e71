"""JSON logs, one object a line, with the correlation id of the work in hand.

A log event has a name from a fixed list per room (docs/operations/logs.md) and ids; free text with a person's
data has no way in: only keyword values of plain types are written, and exceptions by type and place, not by message.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from datetime import UTC, datetime
from typing import Any

import orjson

_room = "?"
_lock = threading.Lock()
LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}
_threshold = 20


def configure(room: str, level: str) -> None:
    """Sets the process's room and threshold; other libraries' warnings are written by logger name alone."""
    global _room, _threshold
    _room = room
    _threshold = LEVELS.get(level.upper(), 20)
    root = logging.getLogger()
    root.handlers[:] = [_LibraryHandler()]
    root.setLevel(logging.WARNING)


def log(level: str, event: str, **fields: Any) -> None:
    """Writes one log line. `fields` are ids, counts and codes; never names, numbers, phones or codes of people."""
    if LEVELS[level] < _threshold:
        return
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": level,
        "room": _room,
        "event": event,
        **fields,
    }
    data = orjson.dumps(line, default=str) + b"\n"
    with _lock:
        sys.stderr.buffer.write(data)
        sys.stderr.buffer.flush()


def info(event: str, **fields: Any) -> None:
    log("INFO", event, **fields)


def warning(event: str, **fields: Any) -> None:
    log("WARNING", event, **fields)


def error(event: str, **fields: Any) -> None:
    log("ERROR", event, **fields)


def fault(event: str, exc: BaseException, **fields: Any) -> None:
    """Logs an exception by type and place. Its message may quote data of a person, so it is left out."""
    places = [
        f"{'/'.join(frame.filename.rsplit('/', 2)[-2:])}:{frame.lineno}"
        for frame in traceback.extract_tb(exc.__traceback__)[-4:]
    ]
    log("ERROR", event, fault=type(exc).__name__, at=places, **fields)


class _LibraryHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"logger": record.name, "place": f"{record.module}:{record.lineno}"}
        if record.exc_info and record.exc_info[1] is not None:
            fields["fault"] = type(record.exc_info[1]).__name__
        level = "ERROR" if record.levelno >= 40 else "WARNING"
        log(level, "library", **fields)
