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
    units.rename(root, "Thành phố Huế", "Huế city", CITY)
    names = [units.on_day(root, day)["name_vi"] for day in (date(1990, 1, 1), date(2024, 12, 31), CITY)]
    assert names == ["Tỉnh Thừa Thiên Huế", "Tỉnh Thừa Thiên Huế", "Thành phố Huế"]
    with pytest.raises(Problem):
        units.rename(root, "Huế", "Huế", CITY)  # not after the last change


@pytest.mark.req("RO-06")
def test_a_unit_belongs_to_another_from_a_day_on_and_never_below_itself() -> None:
    known = tree()
    commune = known["000.05.08.H57"]
    for parent in ("000.09.00.H57", "000.05.08.H57", "999.99.99.H57"):
        with pytest.raises(Problem) as refused:
            units.move(known["000.09.00.H57"], parent, CITY, known)
        assert refused.value.errors[0]["field"] == "parent"
    units.move(commune, "000.05.00.H57", CITY, known)
    assert [units.on_day(commune, day)["parent"] for day in (DAY, CITY)] == ["000.09.00.H57", "000.05.00.H57"]
    below = units.unit("000.05.11.H57", "commune", "000.05.08.H57", "Một xã", "A commune", CITY)
    known[below["_id"]] = below | {"version": 1}
    with pytest.raises(Problem):
        units.move(commune, "000.05.11.H57", date(2025, 2, 1), known)


@pytest.mark.req("RO-06")
def test_a_unit_closes_once_and_not_while_others_belong_to_it() -> None:
    known = tree()
    with pytest.raises(Problem) as refused:
        units.close(known["000.09.00.H57"], CITY, known)
    assert (refused.value.status, refused.value.extra["units"]) == (409, ["000.05.08.H57"])
    units.close(known["000.05.08.H57"], CITY, known)
    assert [units.is_open(known["000.05.08.H57"], day) for day in (DAY, date(2024, 12, 31), CITY)] == [
        True,
        True,
        False,
    ]
    units.close(known["000.09.00.H57"], CITY, known)
    assert units.closed(known.values()) == {"000.05.08.H57": CITY, "000.09.00.H57": CITY}
    with pytest.raises(Problem):
        units.close(known["000.09.00.H57"], CITY, known)


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
