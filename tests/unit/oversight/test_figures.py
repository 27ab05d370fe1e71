"""Figures from documents and from the ledger agree, for any life of any number of dossiers."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.calendar_data import shipped_calendars
from services.common.deadlines import intake_due
from services.oversight.figures import NAMES, facts_of_document, facts_of_ledger, from_facts, nothing
from services.oversight.lateness import DESK_CALENDAR, Kind, Mark, start, with_mark

AS_OF = datetime(2024, 4, 1, 2, 0, tzinfo=UTC)
BEGIN = datetime(2024, 3, 1, 2, 0, tzinfo=UTC)
CALENDAR = shipped_calendars()[DESK_CALENDAR]
STEPS = ("guided", "amended", "accepted", "refused", "withdrawn", "returned", "stopped", "supplement", "ready",
         "violated", "confirmed")  # fmt: skip
MODES = ("SELF_PORTAL", "SELF_HUES", "OFFICER_ASSISTED", "DIRECT", "BCCI")

Life = tuple[str, str, int, list[tuple[str, int]]]
lives = st.lists(
    st.tuples(
        st.sampled_from(["unit-a", "unit-b"]),
        st.sampled_from(MODES),
        st.integers(0, 20_000),
        st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 3000)), max_size=10),
    ),
    max_size=6,
)


def document(code: str, unit: str, mode: str, at: datetime) -> dict[str, Any]:
    return {
        "_id": code, "code": code, "unit": unit, "mode": mode, "filed_at": at, "signed_result": False,
        "accepted_at": None, "ended": None, "marks": [],
    }  # fmt: skip


class World:
    """Plays lives twice: as oversight would keep them, and as bodies of a ledger."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.documents: list[dict[str, Any]] = []
        self.reviews: dict[str, list[dict[str, Any]]] = {}

    def body(self, name: str, sequence: int, data: dict[str, Any]) -> None:
        plain = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in data.items()}
        self.bodies.append({"type": f"vn.motcua.{name}.v1", "sequence": sequence, "data": plain})

    def live(self, code: str, life: Life) -> None:
        unit, mode, minutes, steps = life
        at = BEGIN + timedelta(minutes=minutes)
        row = document(code, unit, mode, at)
        self.documents.append(row)
        slips = self.reviews.setdefault(code, [])
        due = intake_due(CALENDAR, at).due
        marks = [start(1, Kind.FILED, at, due)]
        self.body("dossier.filed", 1, {"code": code, "unit": unit, "mode": mode, "filed_at": at, "intake_due": due})
        for sequence, (step, later) in enumerate(steps, 2):
            at += timedelta(minutes=later)
            about: dict[str, Any] = {"code": code, "at": at}
            if step in ("guided", "supplement"):
                act = "guidance" if step == "guided" else "supplement"
                slip = {"_id": f"{code}-{sequence}", "act": act, "state": "AWAITING_IOC", "version": 1}
                slips.append(slip)
                about |= {"slip_id": slip["_id"], "act": act, "round": 1, "components": ["don"]}
                about |= {"officer": "o", "unit": unit}
            if step in ("guided", "accepted", "refused", "withdrawn"):
                marks = with_mark(marks, Mark(sequence, Kind(step), at))
                self.body(f"dossier.{step}", sequence, about | {"accepted_at": at})
            elif step == "amended":
                marks = with_mark(marks, start(sequence, Kind.AMENDED, at))
                self.body("dossier.amended", sequence, about | {"stage": "before_acceptance"})
            elif step == "supplement":
                self.body("supplement.requested", sequence, about)
            elif step == "ready":
                row["signed_result"] = True
                self.body("result.ready", sequence, about)
            elif step == "returned":
                self.body("dossier.returned", sequence, about | {"result": {"report_id": "r"}})
            elif step == "stopped":
                self.body("case.stopped", sequence, about)
            elif slips:
                slip = slips[-1]
                slip.update(state="VIOLATION" if step == "violated" else "CONFIRMED", version=slip["version"] + 1)
                self.body(f"slip.{step}", slip["version"], about | {"slip_id": slip["_id"]})
            if step == "accepted":
                row["accepted_at"] = at
            if step in ("refused", "withdrawn", "returned", "stopped"):
                row["ended"] = step
        row["marks"] = [mark.to_dict() for mark in marks]


@pytest.mark.req("ST-04")
@given(lives)
def test_figures_of_documents_and_of_the_ledger_agree(given_lives: list[Life]) -> None:
    world = World()
    for number, life in enumerate(given_lives):
        world.live(f"c-{number}", life)
    kept = from_facts((facts_of_document(row, world.reviews[row["code"]]) for row in world.documents), AS_OF)
    told = from_facts(facts_of_ledger(world.bodies), AS_OF)
    assert kept == told
    everything, units = kept
    assert everything["filed"] == len(given_lives)
    assert everything["online"] + everything["online_pending"] + everything["not_online"] == everything["filed"]
    ended = sum(everything[name] for name in ("refused", "withdrawn", "stopped", "returned"))
    assert everything["in_progress"] + ended == everything["filed"]
    for name in NAMES:
        assert everything[name] == sum(figures[name] for figures in units.values())


def test_the_order_of_entries_of_different_rooms_does_not_matter() -> None:
    world = World()
    steps = [("guided", 30), ("amended", 30), ("accepted", 30), ("ready", 9)]
    world.live("c", ("unit-a", "SELF_PORTAL", 15_000, steps))
    wanted = from_facts(facts_of_ledger(world.bodies), AS_OF)
    assert wanted[0]["online"] == 1
    for seed in range(20):
        shuffled = list(world.bodies)
        random.Random(seed).shuffle(shuffled)
        assert from_facts(facts_of_ledger(shuffled), AS_OF) == wanted


@pytest.mark.req("ST-04")
@pytest.mark.parametrize(("mode", "filed", "steps", "figure"), [
    ("SELF_PORTAL", 15_000, [("accepted", 5), ("ready", 5)], "online"),
    ("SELF_PORTAL", 15_000, [("accepted", 5)], "online_pending"),
    ("SELF_PORTAL", 15_000, [("accepted", 5), ("stopped", 5)], "not_online"),
    ("OFFICER_ASSISTED", 15_000, [("accepted", 5), ("ready", 5)], "not_online"),
    ("OFFICER_ASSISTED", 0, [("accepted", 5)], "online"),  # filed on 2024-03-01, under the rules of 2023
])  # fmt: skip
def test_a_dossier_counts_by_the_rules_of_its_filing_day(
    mode: str, filed: int, steps: list[tuple[str, int]], figure: str
) -> None:
    world = World()
    world.live("c", ("unit-a", mode, filed, steps))
    figures, _ = from_facts(facts_of_ledger(world.bodies), AS_OF)
    assert figures[figure] == 1


def test_figures_of_a_period_and_of_a_unit() -> None:
    world = World()
    world.live("c-1", ("unit-a", "SELF_PORTAL", 0, []))
    world.live("c-2", ("unit-b", "SELF_PORTAL", 15_000, []))
    facts = facts_of_ledger(world.bodies)
    march_11 = (BEGIN + timedelta(minutes=15_000)).date()
    assert from_facts(facts, AS_OF, since=march_11)[0]["filed"] == 1
    assert from_facts(facts, AS_OF, until=march_11 - timedelta(days=1))[1] == {"unit-a": nothing() | {
        "filed": 1, "in_progress": 1, "online": 1, "intake_late": 1, "intake_answers_due": 1}}  # fmt: skip
    assert from_facts(facts, AS_OF, unit="unit-b")[0]["filed"] == 1
    assert from_facts(facts, AS_OF, unit="unit-c") == (nothing(), {})


def test_a_dossier_whose_filing_is_not_known_yet_counts_nothing() -> None:
    bodies = [{"type": "vn.motcua.result.ready.v1", "sequence": 1, "data": {"code": "c"}}]
    assert from_facts(facts_of_ledger(bodies), AS_OF) == (nothing(), {})


@pytest.mark.parametrize("data", [
    {}, {"code": "d"}, {"code": "d", "unit": "u", "mode": "NO_SUCH_MODE", "filed_at": "2024-03-11T02:00:00+00:00",
                        "intake_due": "2024-03-11T03:00:00+00:00"},
    {"code": "d", "unit": "u", "mode": "SELF_PORTAL", "filed_at": "yesterday", "intake_due": 7},
])  # fmt: skip
def test_an_entry_that_cannot_be_read_counts_nothing_and_spoils_nothing(data: dict[str, Any]) -> None:
    world = World()
    world.live("c", ("unit-a", "SELF_PORTAL", 15_000, [("accepted", 5)]))
    wanted = from_facts(facts_of_ledger(world.bodies), AS_OF)
    for name in ("dossier.filed", "dossier.guided", "dossier.returned", "slip.violated"):
        world.body(name, 1, data | {"result": "no object"})
    assert from_facts(facts_of_ledger(world.bodies), AS_OF) == wanted
