"""Operators never read code: every log event and metric stands in docs/operations, as the code writes it."""

from __future__ import annotations

import ast
import functools
import re
from collections import defaultdict

import pytest

from services.common import wire
from tests.architecture.source import ROOMS, ROOT, files

OPERATIONS = ROOT / "docs/operations"
LEVELS = {"info": "INFO", "warning": "WARNING", "error": "ERROR", "fault": "ERROR"}
METRIC_TYPES = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}


@functools.cache
def table(name: str, first: str) -> list[list[str]]:
    """Rows of a document's tables whose first cell matches, as plain cells."""
    rows = []
    for line in (OPERATIONS / name).read_text().splitlines():
        if re.match(rf"\| `{first}` ", line):
            rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def words(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def log_calls() -> list[tuple[str, str, str, list[ast.keyword], str]]:
    """(event, level, room, keywords, place) of every line that the code may write."""
    found = []
    for file in files():
        for name, call in file.calls():
            if re.fullmatch(r"logs\.(info|warning|error|fault|log)", name):
                place = f"{file.name}:{call.lineno}"
                event = call.args[0]
                assert isinstance(event, ast.Constant), f"{place}: the event's name is not a literal"
                assert name != "logs.log", f"{place}: say the level by the function's name"
                found.append((str(event.value), name.split(".")[1], file.room, call.keywords, place))
    return found


class Written:
    """One event as the code writes it, in all its places together."""

    def __init__(self) -> None:
        self.levels: set[str] = set()
        self.rooms: set[str] = set()
        self.fields: set[str] = set()
        self.open = False


@functools.cache
def written() -> dict[str, Written]:
    events: dict[str, Written] = defaultdict(Written)
    for event, function, room, keywords, _ in log_calls():
        row = events[event]
        row.levels.add(LEVELS[function])
        row.rooms.add("every room" if room == "common" else room)
        row.fields |= {k.arg for k in keywords if k.arg} | ({"fault", "at"} if function == "fault" else set())
        row.open |= any(k.arg is None for k in keywords)
    # written by the log itself, for libraries
    library = events["library"]
    library.levels, library.rooms = {"WARNING", "ERROR"}, {"every room"}
    library.fields = {"logger", "place", "fault"}
    return events


@functools.cache
def documented() -> dict[str, list[str]]:
    rows = {next(iter(words(row[0]))): row for row in table("logs.md", r"[a-z_]+")}
    return {name: row for name, row in rows.items() if len(row) == 5}


def test_every_log_event_is_in_the_catalogue_and_no_other():
    assert set(documented()) == set(written())


@pytest.mark.parametrize("event", sorted(written()))
def test_the_catalogue_says_what_the_code_writes(event):
    code, row = written()[event], documented().get(event)
    assert row is not None, f"{event} is not in docs/operations/logs.md"
    _, levels, rooms, fields, meaning = row
    assert set(levels.split(", ")) == code.levels
    assert set(rooms.split(", ")) == code.rooms
    if code.open:  # further fields come from a mapping
        assert code.fields <= words(fields)
    else:
        assert code.fields == words(fields)
    assert len(meaning) > 20


@functools.cache
def metrics() -> dict[str, tuple[str, list[str], str]]:
    """name -> (type, labels, room) of every metric that the code makes."""
    found: dict[str, tuple[str, list[str], str]] = {}
    for file in files():
        if "prometheus_client" not in file.imports():
            continue
        for name, call in file.calls():
            kind = name.split(".")[-1]
            if kind in METRIC_TYPES and call.args and isinstance(call.args[0], ast.Constant):
                labels = call.args[2] if len(call.args) > 2 else None
                names = [str(e.value) for e in labels.elts if isinstance(e, ast.Constant)] if isinstance(
                    labels, ast.List
                ) else []  # fmt: skip
                assert str(call.args[0].value) not in found, call.args[0].value
                found[str(call.args[0].value)] = (kind, names, file.room)
    return found


def test_every_metric_is_in_the_catalogue_and_no_other():
    rows = table("metrics.md", r"motcua_[a-z_]+")
    catalogue = {next(iter(words(row[0]))): row for row in rows}
    assert len(catalogue) == len(rows)
    assert set(catalogue) == set(metrics())


@pytest.mark.parametrize("metric", sorted(metrics()))
def test_the_catalogue_says_what_the_metric_is(metric):
    kind, labels, room = metrics()[metric]
    [row] = [row for row in table("metrics.md", r"motcua_[a-z_]+") if metric in words(row[0])]
    assert row[1] == kind
    assert re.findall(r"`([^`]+)`", row[2]) == labels
    if room != "common":
        assert row[3] == room


def test_metrics_are_named_as_prometheus_wants_them():
    for name, (kind, labels, _) in metrics().items():
        assert name.startswith("motcua_")
        assert name.endswith("_total") == (kind == "Counter"), name
        if kind == "Histogram":
            assert name.endswith(("_seconds", "_size")), name
        assert not set(labels) & {"code", "person", "person_id", "account", "phone", "user", "id", "subject"}, name


def test_metrics_of_sample_queries_exist():
    known = set(metrics())
    for document in OPERATIONS.glob("*.md"):
        for name in re.findall(r"\bmotcua_[a-z_]+[a-z]\b", document.read_text()):
            assert {name, re.sub(r"_(bucket|count|sum)$", "", name)} & known, f"{document.name}: {name}"


def test_every_queue_of_the_documents_exists_and_every_kind_is_described():
    text = (OPERATIONS / "queues.md").read_text()
    for kind in ("rpc-<room>", "evt.<room>", "evt.<room>.dead", "rpc.reply-<room>-…", "fan.<room>.…", "partner.orders",
                 "partner.events", "partner.events.dead"):  # fmt: skip
        assert f"`{kind}`" in text, kind
    for delay in wire.RETRY_DELAYS:
        assert f"`evt.<room>.retry.{delay}s`" in text
    assert ", ".join(str(delay) for delay in wire.RETRY_SCHEDULE) in text


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_says_on_one_page_what_it_is(room):
    path = ROOT / "services" / room / "README.md"
    assert path.exists(), f"{room} has no README.md"
    text = path.read_text()
    # a section, or a paragraph that begins in bold with that word
    parts = re.findall(r"^#+ (.*)$|\*\*([^*]+)\*\*", text, re.MULTILINE)
    headings = " ".join(heading or bold for heading, bold in parts).lower()
    assert re.search(r"\bowns\b", text, re.IGNORECASE), "what it owns"
    # the gateway answers addresses, keeps nothing and tells nothing
    needed = ("addresses",) if room == "gateway" else ("answers", "tells", "listens", "personal data")
    for part in needed:
        assert part in headings, f"{room}/README.md has no section about: {part}"
