"""Normalization from outside: the form until all is right, one winner however many ask, and what is locked then."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from deploy.demo.client import Refused, new_key
from deploy.demo.filing import NO_MATCH
from deploy.demo.people import Citizen, refused
from deploy.demo.world import World
from deploy.rehearsal.cast import Person
from services.identity.adapters.population_simulator import WRONG
from tests.journeys.scenes import Scenes, somebody

RIVALS = 20
HOTLINE = "19001075"


@pytest.fixture
def population(world: World) -> Iterator[Any]:
    """Orders to the population database; healed afterwards."""
    yield lambda **order: world.tell("population", "/control", order)
    world.tell("population", "/control", {})


def newcomer(world: World) -> Citizen:
    return Citizen(world, somebody()).enter()


def as_(citizen: Citizen, person: Person) -> dict[str, Any]:
    """The form filled with another person's card, the code from the citizen's own phone."""
    return citizen.normalization(
        full_name=person.full_name, id_number=person.personal_number, issue_date=person.issue_date.isoformat()
    )


def form_of(citizen: Citizen) -> list[str] | None:
    form = citizen.home()["normalization_form"]
    return None if form is None else [field["name"] for field in form["fields"]]


FIELDS = ["full_name", "id_number", "issue_date", "phone"]
BAD = [
    ("full_name", "   ", None), ("full_name", "Nguyễn 1", "ID-02"), ("full_name", 7, None),
    ("id_number", "046190", "ID-02"), ("id_number", "123456789", "ID-02"), ("id_number", "04619000012x", "ID-02"),
    ("issue_date", "2999-01-01", "ID-02"), ("issue_date", "12/07/2021", None), ("issue_date", "1800-01-01", "ID-02"),
    ("phone", "0123", None), ("phone", "02343822822", None),
    ("birth_date", "2999-01-01", "ID-02"), ("code", "12345", None), ("code", "abcdef", None),
    ("favourite_colour", "red", None),
]  # fmt: skip


@pytest.mark.req("ID-02")
def test_the_form_stays_at_every_access_until_all_four_are_complete_and_right(world):
    citizen = newcomer(world)
    right = citizen.normalization()
    for field in FIELDS:
        missing = {name: value for name, value in right.items() if name != field}
        refusal = refused(lambda missing=missing: citizen.normalize(missing))
        assert (refusal.status, [e["field"] for e in refusal.problem["errors"]]) == (422, [field])
        assert form_of(citizen) == FIELDS
    for field, value, rule in BAD:
        refusal = refused(lambda field=field, value=value: citizen.normalize({**right, field: value}))
        assert (refusal.status, [e["field"] for e in refusal.problem["errors"]]) == (422, [field]), (field, value)
        assert all(e["message_vi"] and e["message_en"] for e in refusal.problem["errors"])
        assert refusal.rule == rule, (field, value)
        assert form_of(citizen) == FIELDS
    citizen.normalize(right)  # not one of these cost a try of the code
    assert form_of(citizen) is None


@pytest.mark.req("ID-17")
def test_the_birth_date_belongs_to_the_key_although_the_form_does_not_ask_it(world):
    person = somebody()
    other = Person(**{**_values(person), "birth_date": person.birth_date.replace(day=person.birth_date.day % 27 + 1)})
    citizen = Citizen(world, other).enter()  # registered with another birth date than the card's
    right = citizen.normalization()
    refusal = refused(lambda: citizen.normalize(right))
    assert (refusal.status, refusal.rule, refusal.problem["title_vi"]) == (422, "ID-16", NO_MATCH)
    citizen.normalize({**right, "birth_date": person.birth_date.isoformat()})


def _values(person: Person) -> dict[str, Any]:
    return {name: getattr(person, name) for name in Person.__slots__}


@pytest.mark.req("ID-05", "ID-27", "ID-19")
def test_all_other_accounts_that_claim_the_identity_are_locked_and_say_why(world, scenes: Scenes):
    wrong, early, late, bystander = (newcomer(world) for _ in range(4))
    owner = Citizen(world, somebody()).enter()
    misspelt = {**as_(wrong, owner.person), "full_name": owner.person.full_name + " Sai"}
    assert refused(lambda: wrong.normalize(misspelt)).rule == "ID-16"
    assert refused(lambda: early.normalize(as_(early, owner.person))).rule == "ID-16"  # another birth date
    code = scenes.filed(citizen=wrong)
    assert form_of(wrong) == form_of(early) == FIELDS  # a claim alone locks nobody
    owner.normalize()
    # one that comes afterwards with every datum right duplicates the identity
    right = {**as_(late, owner.person), "birth_date": owner.person.birth_date.isoformat()}
    told = refused(lambda: late.normalize(right))
    assert (told.status, told.rule, told.problem["support_case"]) == (409, "ID-06", 2)
    assert told.problem["hotline"] == HOTLINE
    for rival in (wrong, early, late):
        rival.client.renew = None
        assert rival.client.refused("GET", "/account").status in (401, 403), "the session died at once"
        refusal = refused(rival.sign_in)
        assert (refusal.status, refusal.rule) == (403, "ID-27")
        assert (refusal.problem["reason"], refusal.problem["hotline"]) == ("duplicate_identity", HOTLINE)
        assert HOTLINE in refusal.problem["title_vi"]
        assert rival.client.refused("POST", "/dossiers", wrong.dossier_body("9.000001", {})).status in (401, 403)
    bystander.sign_in()
    assert form_of(bystander) == FIELDS
    assert form_of(owner) is None
    assert scenes.desk.dossier(code)["code"] == code  # what was filed before stays with the desk


@pytest.mark.req("X-24")
def test_who_has_only_seen_a_card_locks_nobody_but_himself(world):
    thief, owner = newcomer(world), newcomer(world)
    for _ in range(3):
        assert refused(lambda: thief.normalize(as_(thief, owner.person))).rule == "ID-16"
    owner.sign_in()
    owner.normalize()
    assert refused(thief.sign_in).status == 403


@pytest.mark.req("SY-04", "ID-03")
@pytest.mark.parametrize("order", [{"down": True}, *({"wrong": way} for way in WRONG)], ids=str)
def test_a_population_database_that_is_down_or_wrong_locks_and_normalizes_nobody(world, population, order):
    citizen = newcomer(world)
    right = citizen.normalization()
    client = citizen.client
    client.patience, patience = 0.0, client.patience
    try:
        population(**order)
        for _ in range(6):  # more often than a code may be tried
            refusal = refused(lambda: citizen.normalize(right))
            assert refusal.status == 503
            assert int(refusal.headers["retry-after"]) > 0
        population()
        assert form_of(citizen) == FIELDS
    finally:
        client.patience = patience
    citizen.sign_in()
    citizen.normalize(right)  # the same code still serves
    assert form_of(citizen) is None


def race(world: World) -> tuple[list[Citizen], list[Any]]:
    """RIVALS citizens normalize the number of one person at the same moment; what each was answered."""
    prize = somebody()
    with ThreadPoolExecutor(8) as pool:
        rivals = list(pool.map(lambda person: _as_prize(world, person, prize), [somebody() for _ in range(RIVALS)]))
        forms = list(pool.map(lambda rival: as_(rival, prize), rivals))
    start = threading.Barrier(RIVALS)

    def run(n: int) -> Any:
        rivals[n].client.renew = None
        start.wait(timeout=30)
        try:
            return rivals[n].client.post("/account/normalization", forms[n], key=new_key())
        except Refused as refusal:
            return refusal

    with ThreadPoolExecutor(RIVALS) as pool:
        return rivals, list(pool.map(run, range(RIVALS)))


def _as_prize(world: World, person: Person, prize: Person) -> Citizen:
    """Somebody with a phone of his own who registers under the prize's name and birth date."""
    twin = Person(**{**_values(prize), "phone": person.phone})
    return Citizen(world, twin).enter()


def one_wins(world: World) -> None:
    rivals, answers = race(world)
    won = [answer for answer in answers if isinstance(answer, dict)]
    lost = [answer for answer in answers if isinstance(answer, Refused)]
    assert (len(won), len(lost)) == (1, RIVALS - 1), Counter(str(answer) for answer in answers)
    assert won[0]["normalized"] is True
    for refusal in lost:
        # taken; or locked while its own request was under way; each says why and whom to call
        clear = (refusal.status, refusal.rule) in {(409, "ID-06"), (403, "ID-27")}
        assert clear and refusal.problem["hotline"] == HOTLINE, str(refusal)
    [winner] = [rival for rival, answer in zip(rivals, answers, strict=True) if isinstance(answer, dict)]
    assert winner.sign_in()["account"]["normalized"] is True
    for rival in rivals:
        if rival is not winner:
            refusal = refused(rival.sign_in)
            assert (refusal.status, refusal.problem["reason"]) == (403, "duplicate_identity")


@pytest.mark.req("ID-06", "ID-05")
@pytest.mark.parametrize("_", range(10))
def test_of_twenty_at_once_one_is_normalized_and_nineteen_are_told_why(world, _):
    one_wins(world)


@pytest.mark.full
@pytest.mark.req("ID-06")
@pytest.mark.parametrize("_", range(40))
def test_it_is_so_in_fifty_repetitions(world, _):
    one_wins(world)
