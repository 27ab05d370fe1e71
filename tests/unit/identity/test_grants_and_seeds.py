"""Officers' grants, the seeds of the rehearsal, and the population register behind its simulator."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest

from deploy.rehearsal import cast, make_people_seeds
from services.common.problems import Problem
from services.identity import accounts, grants, numbers, phones
from services.identity.adapters.population_register import COMPLETE, SYNTHETIC, Register, synthetic

NOW = datetime(2024, 3, 11, 18, 0, tzinfo=UTC)
SEED = make_people_seeds.SEEDS / "population_simulator.json"


@pytest.mark.parametrize(
    "wrong",
    [[], [["citizen", "u"]], [["operator", "u"]], [["service:intake", "u"]], [["ioc", "*"]], [["ioc", ""]]],
)
def test_no_officer_holds_such_a_grant(wrong: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="grant|role"):
        grants.checked(wrong)


def test_grants_are_kept_once() -> None:
    given = grants.checked([["leader", "u"], ("leader", "u"), ["ioc", "v"]])
    assert given == [grants.grant("leader", "u"), grants.grant("ioc", "v")]


def test_checked_in_seeds_are_those_of_the_cast() -> None:
    for name, content in make_people_seeds.files().items():
        stored = (make_people_seeds.SEEDS / name).read_text(encoding="utf-8")
        assert stored == make_people_seeds.text(content), f"python -m deploy.rehearsal.make_people_seeds ({name})"


def test_seeded_officers_can_sign_in_somewhere() -> None:
    officers = make_people_seeds.files()["identity.json"]["officers"]
    assert len({row["username"] for row in officers}) == len(officers) > 5
    for row in officers:
        assert grants.checked(row["grants"])
        assert phones.normal_mobile(row["phone"])


def test_synthetic_people_are_many_valid_and_always_the_same() -> None:
    entries = [synthetic(n) for n in range(SYNTHETIC)]
    assert entries[:500] == [synthetic(n) for n in range(500)]
    assert len(entries) == 100_000
    assert len({e.id_number for e in entries}) == len({e.phone for e in entries}) == SYNTHETIC
    taken = {person.personal_number for person in cast.PEOPLE.values()}
    assert not taken & {e.id_number for e in entries}
    for entry in entries[::7]:
        parsed = numbers.parse_personal_number(entry.id_number)
        assert (parsed.birth_year, parsed.sex) == (entry.birth_date.year, entry.sex)
        assert phones.normal_mobile(entry.phone) and accounts.is_name(entry.full_name)
    assert all(e.issue_date for e in entries[:COMPLETE])
    assert 1_000 < sum(e.issue_date is None for e in entries) < 3_000
    families = Counter(e.full_name.split()[0] for e in entries)
    assert families.most_common(3)[0][0] == "Nguyễn" and families["Nguyễn"] > 30_000 and len(families) > 15
    assert len({e.id_number[:3] for e in entries}) == 8 and len({e.full_name for e in entries}) > 5_000


@pytest.mark.parametrize("size", [0, 1, 1_000, 100_000])
def test_a_register_of_any_size_finds_its_people_by_number(size: int) -> None:
    register = Register(None, size)
    assert len(register) == size
    for n in {0, 1, 17, size - 1} - {-1}:
        assert register.find(synthetic(n).id_number) == (synthetic(n) if n < size else None)
    assert register.find(synthetic(size).id_number) is None
    right = synthetic(0).id_number
    for wrong in ("", right[:11], right + "0", "x" * 12, f"{(int(right[:6]) + 1):06d}{right[6:]}", right[:11] + "٣"):
        assert register.find(wrong) is None


@pytest.mark.req("RO-04")
@pytest.mark.parametrize(
    ("since", "until", "holds"),
    [
        (None, None, True),
        (date(2024, 3, 12), None, True),
        (date(2024, 3, 13), None, False),
        (None, date(2024, 3, 12), True),
        (None, date(2024, 3, 11), False),
    ],
)
def test_a_grant_holds_on_its_local_days_both_ends_included(since: Any, until: Any, holds: bool) -> None:
    given = [grants.grant("leader", "u", since, until)]
    assert bool(grants.held(given, {}, NOW)) is holds


@pytest.mark.req("RO-04")
def test_a_grant_ends_with_its_unit_and_a_token_with_its_grant() -> None:
    given = [grants.grant("leader", "u"), grants.grant("specialist", "v", None, date(2024, 3, 12))]
    assert grants.held(given, {"u": date(2024, 3, 12)}, NOW) == given[1:]
    assert grants.held(given, {"u": date(2024, 3, 13)}, NOW) == given
    assert grants.seconds_left(given, {}, NOW) == 23 * 3600  # NOW is one o'clock on the 12th in Huế
    assert grants.seconds_left(given[:1], {}, NOW) is None
    assert grants.seconds_left(given[:1], {"u": date(2024, 3, 13)}, NOW) == 23 * 3600
    assert grants.rights([*given, *given]) == [["leader", "u"], ["specialist", "v"]]


@pytest.mark.req("RO-04")
def test_a_grant_is_given_for_days_to_come_and_taken_once() -> None:
    today = date(2024, 3, 12)
    given = grants.add([], "leader", "u", None, None, by="acc-ioc", today=today)
    again = grants.add(given, "leader", "u", today, today, by="acc-ioc", today=today)
    assert [(row["since"], row["until"], row["by"]) for row in again] == [("2024-03-12", "2024-03-12", "acc-ioc")]
    for wrong in (("citizen", None, None), ("leader", None, date(2024, 3, 11)), ("leader", date(2024, 4, 2), today)):
        with pytest.raises(Problem):
            grants.add([], wrong[0], "u", wrong[1], wrong[2], by="acc-ioc", today=today)
    assert grants.remove(again, "leader", "u") == []
    with pytest.raises(Problem):
        grants.remove([], "leader", "u")


@pytest.mark.req("ID-03", "X-6")
def test_the_register_judges_each_value() -> None:
    register = Register(SEED)
    an = cast.PEOPLE["citizen-an"]
    right = (an.personal_number, an.full_name, an.birth_date.isoformat())
    issued = an.issue_date.isoformat()
    assert register.judge(*right, issued)[0] == "MATCH"
    assert register.judge(*right, None)[0] == "MATCH", "no issue date is asked"
    assert register.judge(*right, "2000-01-01")[0] == "NO_MATCH"
    assert register.judge(right[0], "Nguyễn Thị Ân", right[2], issued)[0] == "NO_MATCH"
    assert register.judge(right[0], right[1].upper(), right[2], issued)[0] == "MATCH"
    assert register.judge(right[0], right[1], "1990-05-13", issued)[0] == "NO_MATCH"
    assert register.judge("046190999999", *right[1:], issued)[0] == "NOT_FOUND"


def test_officers_have_the_numbers_by_which_vneid_names_them() -> None:
    officers = make_people_seeds.files()["identity.json"]["officers"]
    given = [numbers.parse_personal_number(row["id_number"]).digits for row in officers]
    assert len(set(given)) == len(officers)
