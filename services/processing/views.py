"""A case as it is shown: to officers in full, to its owner without logs and inner remarks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from services.common.calendar import WorkingCalendar
from services.processing import clock as clocks
from services.processing.case import FINAL, STATE_TEXT, Case, State, allowed, current_step, is_blocked

_LOG_FIELDS = ("at", "actor", "what", "rule", "step", "note", "sha256", "verdict", "granted")


def whole(
    case: Case, checks: Iterable[Mapping[str, Any]], *, now: datetime, calendar: WorkingCalendar, officer: bool
) -> dict[str, Any]:
    """The answer of `processing.case`. `checks` are the desk's checks before a return (RT-02)."""
    state = State(case["state"])
    vi, en = STATE_TEXT[state]
    clock = case["clock"]
    step = current_step(case)
    answer: dict[str, Any] = {
        "code": case["code"],
        "version": case["edition"],
        "state": state.value,
        "state_vi": vi,
        "state_en": en,
        "allowed": [command.value for command in allowed(state)],
        "procedure": case["procedure"],
        "unit": case["unit"],
        "desk": case["desk"],
        "current_step": step["step"] if step else None,
        "steps": [_step(item, clock, calendar, officer) for item in case["steps"]],
        "appointment": clock["appointment"],
        "original_appointment": clock["original"],
        "late": clocks.late(clock, now),
        "minutes_left": clocks.minutes_left(clock, now, calendar),
        "clock": {
            "policy": clock["policy"],
            "running": clocks.running(clock),
            "worked_minutes": clocks.minutes(clock, clocks.Kind.RUNNING, now, calendar),
            "waited_minutes": clocks.minutes(clock, clocks.Kind.STOPPED, now, calendar),
            "intervals": clock["intervals"],
            "appointments": clock["appointments"],
        },
        "supplement_blocked": is_blocked(case),
        "supplements": case["supplements"],
        "result": _result_for(case, officer),
        "results": case["results"] if officer else [],
        "asked_signed_at": [asked["at"] for asked in case["asked"]] if officer else [],
        "log": _log(case, checks) if officer else [],
    }
    return answer


def _result_for(case: Case, officer: bool) -> Mapping[str, Any] | None:
    """The owner sees the result only once it was released to her."""
    if not case["results"] or (not officer and case["state"] != State.RELEASED):
        return None
    newest: Mapping[str, Any] = case["results"][-1]
    return newest


def _step(step: Mapping[str, Any], clock: clocks.Clock, calendar: WorkingCalendar, officer: bool) -> dict[str, Any]:
    due = clocks.step_due(step["waiting_since"], step["minutes"], clock, calendar) if step["waiting_since"] else None
    state = "done" if step["finished_at"] else "running" if step["started_at"] else "waiting"
    return {**step, "state": state, "due": due, "note": step["note"] if officer else None}


def _log(case: Case, checks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    lines = [{name: line.get(name) for name in _LOG_FIELDS} for line in case["log"]]
    lines += [
        {
            **dict.fromkeys(_LOG_FIELDS),
            "at": check["at"],
            "actor": check["officer"],
            "what": "check_result",
            "rule": check["rule"],
            "sha256": check["sha256"],
            "verdict": check["verdict"],
            "granted": check["granted"],
        }
        for check in checks
    ]
    return sorted(lines, key=lambda line: line["at"])


def work_item(case: Case, *, now: datetime, calendar: WorkingCalendar) -> dict[str, Any]:
    """One line of a unit's worklist."""
    clock = case["clock"]
    step = current_step(case)
    due = clock["appointment"]
    if step is not None and step["waiting_since"] and case["state"] not in FINAL:
        due = clocks.step_due(step["waiting_since"], step["minutes"], clock, calendar)
    return {
        "code": case["code"],
        "version": case["edition"],
        "procedure": case["procedure"],
        "state": case["state"],
        "step": step["step"] if step else None,
        "step_name": step["name"] if step else None,
        "due": due,
        "appointment": clock["appointment"],
        "minutes_left": clocks.minutes_left(clock, now, calendar),
        "late": clocks.late(clock, now),
    }


def slip(
    case: Case,
    found: Mapping[str, Any],
    former: Iterable[Mapping[str, Any]],
    *,
    to_room: bool,
    seals: Iterable[str] = (),
) -> dict[str, Any]:
    """A supplement request with its former rounds; who its author is as a person, and who else may sign it, are told to
    rooms only."""
    whole = {**found, "code": case["code"], "unit": case["unit"], "desk": case["desk"], "former": list(former)}
    if to_room:
        return {**whole, "units": [case["unit"]], "seals": sorted(seals)}
    return {name: value for name, value in whole.items() if name != "officer_person"}
