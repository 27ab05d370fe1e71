from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.postal.shipments import TEXT, Contradiction, State, Status, new_shipment, status_of, take

AT = datetime(2024, 3, 14, 2, 0, tzinfo=UTC)


def shipment() -> dict[str, Any]:
    return new_shipment(code="c", owner="p", unit="u", desk="d", procedure="9.000001", post_office="o", ordered_at=AT)


def step(number: int = 0, waybill: str | None = "RH100000001VN") -> dict[str, Any]:
    return {"message_id": f"m-{number}", "at": AT + timedelta(hours=number), "post_office": "533000",
            "waybill": waybill, "note": None}  # fmt: skip


@pytest.mark.req("PO-02")
def test_a_new_shipment_is_ordered_and_has_no_waybill_yet() -> None:
    row = shipment()
    assert (row["_id"], row["state"], row["waybill"], row["sent_at"]) == ("c:result", "ORDERED", None, None)


@pytest.mark.req("PO-05")
@pytest.mark.parametrize(("reported", "status"), [
    ("registered", Status.REGISTERED), (" Delivered ", Status.DELIVERED), ("100", Status.REGISTERED),
    ("101", Status.REGISTERED), ("6", Status.COLLECTED), ("12", Status.HANDED_OVER), ("14", Status.DELIVERED),
    ("15", Status.ATTEMPTED), ("16", Status.RETURNED), ("19", Status.RETURNED), ("20", None), ("", None),
    ("ORDERED", None),
])  # fmt: skip
def test_statuses_of_the_partner_are_mapped(reported: str, status: Status | None) -> None:
    assert status_of(reported) is status


@pytest.mark.req("PO-05")
def test_steps_in_any_order_lead_to_the_same_place() -> None:
    for order in permutations([Status.REGISTERED, Status.COLLECTED, Status.HANDED_OVER, Status.DELIVERED]):
        row = shipment()
        assert all(take(row, status, step(number)) for number, status in enumerate(order))
        assert (row["state"], row["waybill"]) == ("DELIVERED", "RH100000001VN")
        assert len(row["steps"]) == 4


@pytest.mark.req("PO-05")
def test_a_step_reported_again_is_not_told_again_but_each_attempt_is() -> None:
    row = shipment()
    assert take(row, Status.REGISTERED, step(0))
    assert not take(row, Status.REGISTERED, step(1))
    assert take(row, Status.ATTEMPTED, step(2))
    assert not take(row, Status.ATTEMPTED, step(2) | {"message_id": "other"})
    assert take(row, Status.ATTEMPTED, step(3))
    assert [known["status"] for known in row["steps"]] == ["registered", "attempted", "attempted"]


@pytest.mark.req("PO-05")
@pytest.mark.parametrize(
    ("first", "second"), [(Status.DELIVERED, Status.RETURNED), (Status.RETURNED, Status.DELIVERED)]
)
def test_delivered_and_returned_contradict_each_other(first: Status, second: Status) -> None:
    row = shipment()
    take(row, first, step(0))
    with pytest.raises(Contradiction):
        take(row, second, step(1))
    assert len(row["steps"]) == 1


def test_the_first_waybill_stays() -> None:
    row = shipment()
    take(row, Status.REGISTERED, step(0, None))
    assert row["waybill"] is None
    take(row, Status.COLLECTED, step(1))
    take(row, Status.DELIVERED, step(2, "RH999999999VN"))
    assert row["waybill"] == "RH100000001VN"


@given(st.lists(st.tuples(st.sampled_from(list(Status)), st.integers(0, 3)), max_size=12))
def test_a_shipment_never_goes_back(reports: list[tuple[Status, int]]) -> None:
    row = shipment()
    ranks = {state: number for number, state in enumerate(State)} | {State.RETURNED: list(State).index(State.DELIVERED)}
    rank = 0
    for status, number in reports:
        try:
            take(row, status, step(number))
        except Contradiction:
            continue
        assert ranks[State(row["state"])] >= rank
        rank = ranks[State(row["state"])]
    told = [known["status"] for known in row["steps"] if known["status"] != "attempted"]
    assert len(told) == len(set(told))


def test_every_state_has_its_words() -> None:
    assert set(TEXT) == set(State)
