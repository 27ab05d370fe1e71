from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange import portal
from services.exchange.status_codes import TRANSITIONS, Code
from services.exchange.sync import new_sync, note_facts, pause_after, pending, take, waiting_entry

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
FILED = {"owner": "p", "unit": "u", "desk": "u", "procedure": "9.000001", "mode": "SELF_PORTAL", "filed_at": NOW,
         "pickup": "post", "fee": {"mode": "thu_sau"}}  # fmt: skip
ACCEPTED = {"accepted_at": NOW, "appointment": NOW}

#: name, stream, data – the main job as its rooms tell it
Told = tuple[str, str, dict[str, Any]]
MAIN_JOB: list[Told] = [
    ("dossier.filed", "intake", FILED),
    ("dossier.guided", "intake", {}),
    ("dossier.amended", "intake", {"stage": "before_acceptance", "slip_id": "s-0"}),
    ("dossier.accepted", "intake", ACCEPTED),
    ("case.opened", "processing", {}),
    ("payment.ordered", "payment", {}),
    ("payment.settled", "payment", {}),
    ("supplement.requested", "processing", {"slip_id": "s-1"}),
    ("dossier.amended", "intake", {"stage": "processing", "slip_id": "s-1"}),
    ("result.ready", "processing", {}),
    ("dossier.returned", "intake", {}),
]
IN_ORDER = [1, 5, 1, 2, 4, 6, 4, 5, 4, 9, 10]


def run(events: list[Told], sync: dict[str, Any] | None = None) -> dict[str, Any]:
    sync = sync or new_sync("c")
    for name, stream, data in events:
        tell(sync, name, stream, data)
    return sync


def tell(sync: dict[str, Any], name: str, stream: str, data: dict[str, Any], sequence: int | None = None) -> int:
    note_facts(sync, name, data, NOW)
    key = f"{name}/{stream}/{data.get('slip_id')}/{data.get('stage')}"
    told = [*sync["statuses"], *sync["waiting"]]
    number = len(told) + 1 if sequence is None else sequence
    return take(sync, waiting_entry(name, data, event_id=key, stream=stream, sequence=number, at=NOW, now=NOW))


def codes(sync: dict[str, Any]) -> list[int]:
    return [status["status"] for status in sync["statuses"]]


@pytest.mark.req("SY-02")
def test_the_main_job_in_order() -> None:
    sync = run(MAIN_JOB)
    assert codes(sync) == IN_ORDER
    assert sync["waiting"] == []
    assert [status["number"] for status in sync["statuses"]] == list(range(1, 12))


def interleavings(draw: Any) -> list[Told]:
    """Each room's events in their own order, the rooms in any."""
    streams: dict[str, list[Told]] = {}
    for told in MAIN_JOB:
        streams.setdefault(told[1], []).append(told)
    order: list[Told] = []
    while streams:
        name = draw(st.sampled_from(sorted(streams)))
        order.append(streams[name].pop(0))
        if not streams[name]:
            del streams[name]
    return order


@pytest.mark.req("SY-02")
@given(st.data())
def test_rooms_may_overtake_each_other_and_nothing_is_lost(data: st.DataObject) -> None:
    sync = run(interleavings(data.draw))
    found = codes(sync)
    assert sync["waiting"] == [], found
    assert (found[0], found[-1]) == (1, 10)
    assert {Code.SUPPLEMENT, Code.DONE} <= {Code(code) for code in found}
    for earlier, later in zip(found, found[1:], strict=False):
        assert Code(later) in TRANSITIONS[Code(earlier)], found


@pytest.mark.req("SY-02")
def test_four_waits_for_two_and_ten_for_nine() -> None:
    sync = new_sync("c")
    assert tell(sync, "result.ready", "processing", {}) == 0
    assert tell(sync, "case.opened", "processing", {}) == 0
    assert pending(sync) is None
    assert [entry["event"] for entry in sync["waiting"]] == ["result.ready", "case.opened"]
    assert sync["waits_since"] == NOW
    tell(sync, "dossier.filed", "intake", FILED)
    assert codes(sync) == [1]
    tell(sync, "dossier.accepted", "intake", ACCEPTED)
    assert codes(sync) == [1, 2, 4, 9]
    assert sync["waits_since"] is None
    tell(sync, "dossier.returned", "intake", {})
    assert codes(sync) == [1, 2, 4, 9, 10]


@pytest.mark.req("SY-02")
def test_a_payment_that_was_settled_while_its_order_waited_is_not_left_open() -> None:
    sync = run([("payment.ordered", "payment", {}), ("payment.settled", "payment", {}),
                ("dossier.filed", "intake", FILED), ("dossier.accepted", "intake", ACCEPTED)])  # fmt: skip
    assert codes(sync) == [1, 2]
    tell(sync, "case.opened", "processing", {})
    assert codes(sync) == [1, 2, 4, 6, 4]


@pytest.mark.req("SY-02")
def test_the_same_event_twice_is_one() -> None:
    for order in permutations(range(3)):
        sync = new_sync("c")
        told: list[Told] = [("dossier.filed", "intake", FILED), ("dossier.accepted", "intake", ACCEPTED),
                            ("case.opened", "processing", {})]  # fmt: skip
        for index in [*order, *order]:
            tell(sync, *told[index], sequence=index + 1)
        assert codes(sync) == [1, 2, 4], order
        assert sync["waiting"] == []


def test_a_prepaid_fee_has_no_code_of_its_own() -> None:
    sync = run([("dossier.filed", "intake", FILED | {"fee": {"mode": "thu_truoc"}}), ("payment.ordered", "payment", {}),
                ("payment.settled", "payment", {})])  # fmt: skip
    assert codes(sync) == [1]
    assert sync["waiting"] == []


def test_pauses_grow_and_stay_bounded() -> None:
    assert [pause_after(attempts) for attempts in (1, 2, 3, 6, 7, 1000)] == [1, 2, 4, 32, 60, 60]


@pytest.mark.req("SY-02")
def test_the_record_tells_nothing_before_its_turn() -> None:
    sync = run(MAIN_JOB)
    owner = {"full_name": "Nguyễn Thị An", "id_number": "046190000123", "phone": "0914000123"}
    first = portal.record_of(sync, sync["statuses"][0], owner, {"name_vi": "Cấp bản sao"})
    assert (first["TrangThaiHoSo"], first["NgayTiepNhan"], first["NgayTra"]) == ("1", "", "")
    assert (first["ChuHoSo"], first["LoaiDinhDanh"], first["TenTTHC"]) == ("Nguyễn Thị An", "1", "Cấp bản sao")
    last = portal.record_of(sync, sync["statuses"][-1], {}, {})
    assert (last["TrangThaiHoSo"], last["NgayTiepNhan"], last["NgayTra"]) == ("10", "20240311090000", "20240311090000")
    assert (last["HinhThucTra"], last["ChuHoSo"], last["TenTTHC"]) == ("1", "", "9.000001")


@pytest.mark.req("SY-02", "ID-28")
def test_a_business_is_told_by_its_tax_number() -> None:
    sync = run(MAIN_JOB)
    owner = {"kind": "organisation", "full_name": "Công ty TNHH An", "id_number": None, "tax_number": "0100109106"}
    record = portal.record_of(sync, sync["statuses"][0], owner, {})
    assert (record["LoaiDoiTuong"], record["MaDoiTuong"], record["ChuHoSo"]) == ("2", "0100109106", "Công ty TNHH An")
    assert (record["LoaiDinhDanh"], record["SoDinhDanh"]) == ("", "")


@pytest.mark.req("SY-02")
def test_two_steps_of_the_same_code_are_different_messages() -> None:
    sync = run(MAIN_JOB)
    steps = [portal.step_of(sync, status) for status in sync["statuses"]]
    assert len({str(step) for step in steps}) == len(steps)
    assert portal.step_of(sync, sync["statuses"][4]) == steps[4]
