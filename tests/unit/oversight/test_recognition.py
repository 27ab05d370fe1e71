from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.requests import CHANNELS
from services.intake.filing import mode_of
from services.oversight.recognition import RULE_SETS, Mode, Recognition, recognise, rule_set_on

OLD, NEW = date(2024, 3, 3), date(2024, 3, 4)
ONLINE, PENDING, NOT = Recognition.ONLINE, Recognition.PENDING, Recognition.NOT


def judged(mode: Mode, filed_on: date, signed: bool = False, ended: bool = False) -> Recognition:
    return recognise(mode, filed_on, has_signed_result=signed, ended=ended).recognition


@pytest.mark.req("ST-01", "ST-02", "ST-03", "ST-05")
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Mode.SELF_PORTAL, ONLINE),
        (Mode.SELF_HUES, ONLINE),
        (Mode.OFFICER_ASSISTED, ONLINE),
        (Mode.BCCI, ONLINE),
        (Mode.SELF_DVCQG, NOT),
        (Mode.DIRECT, NOT),
    ],
)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("ended", [False, True])
def test_until_the_third_of_march_the_mode_alone_decides(
    mode: Mode, expected: Recognition, signed: bool, ended: bool
) -> None:
    assert judged(mode, OLD, signed, ended) is expected


@pytest.mark.req("ST-04")
@pytest.mark.parametrize("mode", [Mode.SELF_PORTAL, Mode.SELF_HUES, Mode.SELF_DVCQG, Mode.BCCI])
def test_from_the_fourth_a_signed_result_is_needed(mode: Mode) -> None:
    assert judged(mode, NEW, signed=True) is ONLINE
    assert judged(mode, NEW, signed=True, ended=True) is ONLINE
    assert judged(mode, NEW) is PENDING
    assert judged(mode, NEW, ended=True) is NOT


@pytest.mark.req("ST-04", "ST-05")
@pytest.mark.parametrize("mode", [Mode.OFFICER_ASSISTED, Mode.DIRECT])
@pytest.mark.parametrize("signed", [False, True])
def test_from_the_fourth_the_officers_help_no_longer_counts(mode: Mode, signed: bool) -> None:
    assert judged(mode, NEW, signed, ended=True) is NOT
    assert judged(mode, NEW, signed) is NOT


@pytest.mark.req("IN-20")
def test_no_rule_set_weighs_one_mode_that_a_client_may_name_more_than_another() -> None:
    """Which program a citizen uses is her client's word (docs/decisions/0018-channel.md): nothing may hang on it."""
    named = {Mode(mode_of(channel)) for channel in ("", *CHANNELS)}
    assert named == {Mode.SELF_PORTAL, Mode.SELF_HUES}
    for rules in RULE_SETS:
        assert named <= rules.modes or not named & rules.modes, rules.name


@pytest.mark.req("ST-09")
def test_an_old_dossier_keeps_its_rule_however_late_it_is_judged() -> None:
    answer = recognise(Mode.OFFICER_ASSISTED, date(2023, 10, 2), has_signed_result=False, ended=True)
    assert (answer.recognition, answer.rule_set) == (ONLINE, "2023") and "2658" in answer.cites


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_each_day_has_exactly_one_rule_set(day: date) -> None:
    applying = [r for r in RULE_SETS if (r.since or date.min) <= day <= (r.until or date.max)]
    assert applying == [rule_set_on(day)]


@given(
    st.sampled_from(Mode),
    st.dates(NEW - timedelta(days=400), NEW + timedelta(days=400)),
    st.booleans(),
    st.booleans(),
)
def test_a_signed_result_never_hurts_and_the_end_leaves_nothing_pending(
    mode: Mode, day: date, signed: bool, ended: bool
) -> None:
    rank = {NOT: 0, PENDING: 1, ONLINE: 2}
    assert rank[judged(mode, day, True, ended)] >= rank[judged(mode, day, signed, ended)]
    assert judged(mode, day, signed, True) is not PENDING
    answer = recognise(mode, day, has_signed_result=signed, ended=ended)
    assert answer.reason_vi and answer.reason_en
