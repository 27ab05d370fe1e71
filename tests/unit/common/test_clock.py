"""The business clock: forward only, and only where rehearsal was switched on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.common.calendar import VIETNAM
from services.common.clock import BusinessClock, ClockError

ROOT = Path(__file__).resolve().parents[3]


def near(moment: datetime, other: datetime) -> bool:
    return abs((moment - other).total_seconds()) < 5


def test_without_rehearsal_it_is_the_real_time_and_stays_so():
    clock = BusinessClock()
    assert near(clock.now(), datetime.now(UTC))
    assert not clock.adopt(3600)
    assert clock.offset == 0
    with pytest.raises(ClockError):
        clock.offset_for(datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(ClockError):
        BusinessClock(3600)


@pytest.mark.req("X-15")
def test_it_moves_forward_only():
    start = datetime(2024, 3, 11, 9, tzinfo=VIETNAM)
    clock = BusinessClock((start - datetime.now(UTC)).total_seconds(), rehearsal=True)
    assert near(clock.now(), start)
    offset = clock.offset_for(start + timedelta(days=3))
    assert clock.adopt(offset)
    assert near(clock.now(), start + timedelta(days=3))
    with pytest.raises(ClockError):
        clock.offset_for(start + timedelta(days=2))
    # an announcement that comes late or twice changes nothing
    assert not clock.adopt(offset)
    assert not clock.adopt(offset - 60)
    assert near(clock.now(), start + timedelta(days=3))


def test_timers_are_woken_by_a_move_and_by_nothing_else():
    clock = BusinessClock(rehearsal=True)
    looks: list[int] = []
    clock.on_move(lambda: looks.append(1))
    clock.adopt(60)
    clock.adopt(60)
    clock.adopt(30)
    assert len(looks) == 1


def test_time_goes_on_in_between():
    clock = BusinessClock(1000.0, rehearsal=True)
    assert clock.now() <= clock.now()
    assert clock.now().tzinfo is UTC


def test_it_says_what_the_database_can_keep():
    clock = BusinessClock(1000.0005, rehearsal=True)
    assert {clock.now().microsecond % 1000 for _ in range(50)} == {0}


def test_no_room_needs_time_zone_files_of_the_machine():
    """Vietnam has one fixed offset; services.common.calendar has it without files."""
    asking = [str(file) for file in ROOT.glob("services/**/*.py") if "zoneinfo" in file.read_text(encoding="utf-8")]
    assert asking == []
