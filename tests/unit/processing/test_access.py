"""Who may know of a case, and who may work on it."""

import pytest

from services.common.actors import ANONYMOUS, Actor, Grant
from services.common.filed_as import Right
from services.common.problems import Problem
from services.processing import access
from tests.unit.processing.papers import UNIT, opened

ELSEWHERE = "000.05.08.H57"


def actor(role: str, unit: str = "*", person: str = "person-x", subject: str = "account-x") -> Actor:
    return Actor(subject, person, (Grant(role, unit),))


@pytest.mark.parametrize(
    "who",
    [
        actor("citizen", person="person-an"),
        actor("desk_officer", UNIT),
        actor("specialist", UNIT),
        actor("leader", UNIT),
        actor("ioc", "000.00.01.H57"),
        actor("control_officer", UNIT),
        actor("office", ELSEWHERE),
        actor("service:exchange", subject="service:exchange"),
    ],
)
def test_those_concerned_see_a_case(who: Actor) -> None:
    case = opened()
    assert access.known(who, case) is case


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (actor("citizen", person="person-binh"), 404),
        (actor("citizen", person=""), 404),
        (ANONYMOUS, 404),
        (actor("specialist", ELSEWHERE), 403),
        (actor("desk_officer", ELSEWHERE), 403),
        (actor("control_officer", ELSEWHERE), 403),
        (actor("postal_officer", UNIT), 403),
        (actor("specialist", ELSEWHERE, person="person-an"), 403),  # an officer's grant does not make her the owner
    ],
)
def test_others_do_not(who: Actor, status: int) -> None:
    with pytest.raises(Problem) as refused:
        access.known(who, opened())
    assert refused.value.status == status
    assert status == 404 or "không phải đơn vị của bạn" in str(refused.value.detail)


@pytest.mark.req("X-19")
def test_only_the_owner_and_the_desk_bring_their_commands() -> None:
    case = opened()
    assert access.need_applicant(actor("citizen", person="person-an"), case, Right.WITHDRAW) is case
    for who in (actor("citizen"), actor("desk_officer", UNIT)):
        with pytest.raises(Problem) as refused:
            access.need_applicant(who, case, Right.AMEND)
        assert refused.value.status == 404
    access.need_desk(actor("desk_officer", UNIT), case)
    for who in (actor("desk_officer", ELSEWHERE), actor("specialist", UNIT)):
        with pytest.raises(Problem) as refused:
            access.need_desk(who, case)
        assert refused.value.status == 403


def test_an_unknown_case_is_not_found() -> None:
    with pytest.raises(Problem) as refused:
        access.known(actor("ioc"), None)
    assert refused.value.status == 404


@pytest.mark.parametrize(
    ("who", "file_id", "status"),
    [
        (actor("specialist", UNIT), "result", 200),
        (actor("control_officer", UNIT), "slip", 200),
        (actor("ioc", "*"), "slip", 200),
        (actor("ioc", "*"), "result", 403),
        (actor("office", "*"), "slip", 403),
        (actor("specialist", UNIT), "of-another-case", 404),
    ],
)
def test_ioc_looks_into_slips_and_officers_into_all_of_their_case(who: Actor, file_id: str, status: int) -> None:
    case = {**opened(), "supplements": [{"file_id": "slip"}, {"file_id": None}], "results": [{"file_id": "result"}]}
    if status == 200:
        access.need_file(who, case, file_id)
        return
    with pytest.raises(Problem) as refused:
        access.need_file(who, case, file_id)
    assert refused.value.status == status
