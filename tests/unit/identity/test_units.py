"""The unit tree: names, places and existence by day."""

from __future__ import annotations

from datetime import date

import pytest

from deploy.rehearsal import units as seeded
from deploy.rehearsal.cast import UNITS
from services.common.problems import Problem
from services.identity import units
from services.identity.adapters.population_register import COMMUNES

DAY = date(2024, 3, 11)
CITY = date(2025, 1, 1)


def tree() -> dict[str, units.Unit]:
    rows = [
        units.unit("H57", "province", None, "Tỉnh Thừa Thiên Huế", "Thừa Thiên Huế province"),
        units.unit("000.09.00.H57", "district", "H57", "UBND huyện A Lưới", "A Lưới"),
        units.unit("000.05.00.H57", "district", "H57", "UBND huyện Quảng Điền", "Quảng Điền"),
        units.unit("000.05.08.H57", "commune", "000.09.00.H57", "UBND xã A Ngo", "A Ngo"),
    ]
    return {row["_id"]: row | {"version": 1} for row in rows}


@pytest.mark.req("X-11", "RO-06")
def test_a_unit_is_called_what_it_is_called_on_the_day() -> None:
    root = tree()["H57"]
    units.rename(root, "Thành phố Huế", "Huế city", CITY, today=DAY)
    names = [units.on_day(root, day)["name_vi"] for day in (date(1990, 1, 1), date(2024, 12, 31), CITY)]
    assert names == ["Tỉnh Thừa Thiên Huế", "Tỉnh Thừa Thiên Huế", "Thành phố Huế"]
    with pytest.raises(Problem):
        units.rename(root, "Huế", "Huế", CITY, today=DAY)  # not after the last change


@pytest.mark.req("RO-06")
def test_a_unit_belongs_to_another_from_a_day_on_and_never_below_itself() -> None:
    known = tree()
    commune = known["000.05.08.H57"]
    for parent in ("000.09.00.H57", "000.05.08.H57", "999.99.99.H57"):
        with pytest.raises(Problem) as refused:
            units.move(known["000.09.00.H57"], parent, CITY, known, today=DAY)
        assert refused.value.errors[0]["field"] == "parent"
    units.move(commune, "000.05.00.H57", CITY, known, today=DAY)
    assert [units.on_day(commune, day)["parent"] for day in (DAY, CITY)] == ["000.09.00.H57", "000.05.00.H57"]
    below = units.unit("000.05.11.H57", "commune", "000.05.08.H57", "Một xã", "A commune", CITY)
    known[below["_id"]] = below | {"version": 1}
    with pytest.raises(Problem):
        units.move(commune, "000.05.11.H57", date(2025, 2, 1), known, today=DAY)


@pytest.mark.req("RO-06")
def test_a_unit_closes_once_and_not_while_others_belong_to_it() -> None:
    known = tree()
    with pytest.raises(Problem) as refused:
        units.close(known["000.09.00.H57"], CITY, known, today=DAY)
    assert (refused.value.status, refused.value.extra["units"]) == (409, ["000.05.08.H57"])
    units.close(known["000.05.08.H57"], CITY, known, today=DAY)
    assert [units.is_open(known["000.05.08.H57"], day) for day in (DAY, date(2024, 12, 31), CITY)] == [
        True,
        True,
        False,
    ]
    units.close(known["000.09.00.H57"], CITY, known, today=DAY)
    assert units.closed(known.values()) == {"000.05.08.H57": CITY, "000.09.00.H57": CITY}
    with pytest.raises(Problem):
        units.close(known["000.09.00.H57"], CITY, known, today=DAY)


@pytest.mark.req("RO-06")
def test_moves_written_down_for_later_days_make_no_circle_and_nothing_is_left_in_the_air() -> None:
    known = tree()
    district, other = known["000.09.00.H57"], known["000.05.00.H57"]
    units.move(other, "000.09.00.H57", date(2024, 3, 30), known, today=DAY)
    with pytest.raises(Problem) as refused:
        units.move(district, "000.05.00.H57", date(2024, 3, 20), known, today=DAY)
    assert refused.value.errors[0]["field"] == "parent"
    known["000.05.08.H57"]["closed_on"] = DAY.isoformat()
    later = units.unit("000.05.12.H57", "commune", "000.09.00.H57", "Một xã", "A commune", date(2024, 9, 1))
    known[later["_id"]] = later | {"version": 1}
    with pytest.raises(Problem) as refused:
        units.close(district, date(2024, 8, 1), known, today=DAY)
    assert refused.value.extra["units"] == ["000.05.00.H57", "000.05.12.H57"]


@pytest.mark.req("RO-06", "X-11")
def test_the_past_is_not_changed_and_a_closed_unit_not_at_all() -> None:
    known = tree()
    commune = known["000.05.08.H57"]
    early = date(2024, 3, 10)
    for change in (
        lambda: units.rename(commune, "Tên", "Name", early, today=DAY),
        lambda: units.move(commune, "000.05.00.H57", early, known, today=DAY),
        lambda: units.close(commune, early, known, today=DAY),
    ):
        with pytest.raises(Problem) as refused:
            change()
        assert refused.value.errors[0]["field"] == "on"
    units.close(commune, DAY, known, today=DAY)
    with pytest.raises(Problem) as refused:
        units.rename(commune, "Tên", "Name", CITY, today=DAY)
    assert refused.value.status == 409
    planned = units.unit("000.05.13.H57", "commune", "H57", "Một xã", "A commune", CITY) | {"version": 1}
    with pytest.raises(Problem):
        units.close(planned, DAY, known, today=DAY)


def test_the_seeded_tree_is_a_tree_of_known_kinds_with_the_casts_units() -> None:
    rows = seeded.rows()
    known: set[object] = {None}
    for row in rows:
        assert row["parent"] in known and row["kind"] in units.KINDS
        assert row["unit"] not in known
        known.add(row["unit"])
    assert {unit.identifier for unit in UNITS.values()} <= known
    assert set(COMMUNES) <= known
    assert {row["kind"] for row in rows} == set(units.KINDS)
