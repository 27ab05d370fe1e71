"""Reading calendars from data: the shipped file (`calendars.json`) or a document that an administrator edited.

Holidays, extra days and schedules are data because the Prime Minister fixes Tết, 2/9 and the swapped days each year.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, time
from functools import cache
from importlib.resources import files
from typing import Any

from services.common.calendar import CalendarError, ExtraDay, Named, Schedule, Session, WorkingCalendar

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def parse_calendars(document: Mapping[str, Any]) -> dict[str, WorkingCalendar]:
    """Build every calendar of a parsed JSON document, keyed by id. Raises CalendarError for anything malformed."""
    try:
        found = [_calendar(entry, document) for entry in document["calendars"]]
    except CalendarError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CalendarError(f"malformed calendar document: {error!r}") from error
    by_id = {calendar.id: calendar for calendar in found}
    if len(by_id) != len(found):
        raise CalendarError("a calendar id stands twice in the document")
    return by_id


def _calendar(entry: Mapping[str, Any], document: Mapping[str, Any]) -> WorkingCalendar:
    """One calendar; the document's national holidays and extra days hold for all of them."""
    return WorkingCalendar(
        id=str(entry["id"]),
        version=int(entry["version"]),
        name=Named(entry["name_vi"], entry["name_en"]),
        schedules=tuple(_schedule(schedule) for schedule in entry["schedules"]),
        holidays={date.fromisoformat(day): Named(name["vi"], name["en"]) for day, name in document["holidays"].items()},
        extra_days={
            date.fromisoformat(day): ExtraDay(Named(extra["vi"], extra["en"]), _WEEKDAYS.index(extra["like"]))
            for day, extra in document["extra_working_days"].items()
        },
        known_until=date.fromisoformat(document["known_until"]),
    )


def _schedule(entry: Mapping[str, Any]) -> Schedule:
    unknown = set(entry["sessions"]).difference(_WEEKDAYS)
    if unknown:
        raise CalendarError(f"no such weekday: {sorted(unknown)}")
    return Schedule(
        week=tuple(tuple(_session(session) for session in entry["sessions"].get(day, ())) for day in _WEEKDAYS),
        since=date.fromisoformat(entry["since"]) if entry.get("since") else None,
        until=date.fromisoformat(entry["until"]) if entry.get("until") else None,
        source=entry.get("source", ""),
    )


def _session(entry: list[str]) -> Session:
    opening, closing = entry
    return time.fromisoformat(opening), time.fromisoformat(closing)


@cache
def shipped_calendars() -> Mapping[str, WorkingCalendar]:
    """The calendars that come with the program: `hue-centres` (one-stop centres and desks) and `hue-offices`."""
    text = files("services.common").joinpath("calendars.json").read_text(encoding="utf-8")
    return parse_calendars(json.loads(text))
