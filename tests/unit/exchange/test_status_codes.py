import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.exchange.status_codes import EFFECTS, EVENTS, NAMES, TRANSITIONS, Code, TooEarly, codes_after


def story(*events: str, prepaid: bool = False) -> list[int]:
    sent: list[Code] = []
    for event in events:
        sent += codes_after(sent[-1] if sent else None, event, accepted=Code.ACCEPTED in sent, prepaid=prepaid)
    return [int(code) for code in sent]


def test_the_ten_codes_and_their_names() -> None:
    assert [int(code) for code in Code] == list(range(1, 11))
    assert set(NAMES) == set(TRANSITIONS) == set(Code)
    assert Code(2).names == ("Được tiếp nhận", "Accepted") and Code(10).names[0] == "Đã trả kết quả"
    assert {int(code) for code in Code if code.is_terminal} == {3, 7, 8, 10}


def test_the_transitions_of_the_reference() -> None:
    table = {int(code): sorted(int(after) for after in TRANSITIONS[code]) for code in Code if TRANSITIONS[code]}
    assert table == {
        1: [2, 3, 5, 7],
        2: [4, 5, 6, 7],
        4: [5, 6, 7, 8, 9],
        5: [1, 4, 7, 8],
        6: [2, 4, 7, 8],
        9: [10],
    }


def test_each_effect_follows_the_transitions() -> None:
    for event, paths in EFFECTS.items():
        for current, path in paths.items():
            for before, after in zip((current, *path), path, strict=False):
                assert Code(after) in TRANSITIONS[Code(before)], (event, current, path)


@pytest.mark.req("SY-02")
def test_the_whole_journey() -> None:
    events = (
        "dossier.filed",
        "dossier.guided",
        "dossier.amended",
        "dossier.accepted",
        "case.opened",
        "payment.ordered",
        "payment.settled",
        "step.finished",
        "supplement.requested",
        "dossier.amended",
        "step.finished",
        "result.ready",
        "dossier.returned",
    )
    assert story(*events) == [1, 5, 1, 2, 4, 6, 4, 5, 4, 9, 10]


@pytest.mark.req("SY-02")
@pytest.mark.parametrize(
    ("events", "codes"),
    [
        (("dossier.filed", "dossier.refused"), [1, 3]),
        (("dossier.filed", "dossier.guided", "dossier.withdrawn"), [1, 5, 7]),
        (("dossier.filed", "dossier.accepted", "result.ready", "dossier.returned"), [1, 2, 4, 9, 10]),
        (("dossier.filed", "dossier.accepted", "case.opened", "case.stopped"), [1, 2, 4, 8]),
        (("dossier.filed", "dossier.accepted", "case.opened", "dossier.returned", "result.ready"), [1, 2, 4, 9, 10]),
        (("dossier.filed", "dossier.accepted", "payment.ordered", "case.opened", "payment.settled"), [1, 2, 6, 4]),
        (("dossier.filed", "dossier.accepted", "case.opened", "dossier.accepted"), [1, 2, 4]),
    ],
)
def test_other_journeys(events: tuple[str, ...], codes: list[int]) -> None:
    assert story(*events) == codes


def test_a_prepaid_fee_has_no_code() -> None:
    assert story("dossier.filed", "payment.ordered", "payment.settled", "dossier.accepted", prepaid=True) == [1, 2]


@pytest.mark.parametrize("event", sorted(EVENTS - {"dossier.filed"}))
def test_nothing_comes_before_the_filing(event: str) -> None:
    with pytest.raises(TooEarly):
        codes_after(None, event)


@pytest.mark.parametrize("current", [Code.REGISTERED, Code.SUPPLEMENT])
@pytest.mark.parametrize("event", ["case.opened", "supplement.requested", "result.ready", "payment.ordered"])
def test_what_overtook_the_acceptance_is_tried_again(current: Code, event: str) -> None:
    with pytest.raises(TooEarly) as early:
        codes_after(current, event, accepted=False)
    assert early.value.current is current and early.value.event == event


def test_what_is_not_ours_to_tell_sends_nothing() -> None:
    assert codes_after(None, "account.registered") == codes_after(Code.PROCESSING, "slip.confirmed") == ()


@given(
    events=st.lists(st.sampled_from([*sorted(EVENTS), "slip.confirmed"]), max_size=30),
    prepaid=st.booleans(),
)
def test_whatever_happens_the_portal_sees_a_legal_sequence(events: list[str], prepaid: bool) -> None:
    sent: list[Code] = []
    for event in ["dossier.filed", *events]:
        current = sent[-1] if sent else None
        try:
            new = codes_after(current, event, accepted=Code.ACCEPTED in sent, prepaid=prepaid)
        except TooEarly:
            continue
        sent += new
        if sent[-1].is_terminal:
            repeated = codes_after(sent[-1], event, accepted=Code.ACCEPTED in sent, prepaid=prepaid)
            assert repeated == ()
    assert sent[0] is Code.REGISTERED
    assert all(after in TRANSITIONS[before] for before, after in zip(sent, sent[1:], strict=False))


@given(current=st.sampled_from([code for code in Code if code.is_terminal]), event=st.sampled_from(sorted(EVENTS)))
def test_nothing_follows_an_end(current: Code, event: str) -> None:
    assert codes_after(current, event, accepted=True) == ()
