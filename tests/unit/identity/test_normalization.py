"""The normalization form, what its outcomes mean, and which accounts a match locks."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.common.problems import Problem
from services.identity import accounts, normalization
from services.identity.normalization import Outcome

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
TODAY = date(2024, 3, 11)
# As issued, letter by letter (CV 2740/STTTT-IOC §2, trường hợp 4).
PRESCRIBED = (
    "Không tìm thấy dữ liệu dân cư trùng khớp với các thông tin họ tên, ngày sinh, số định danh mà bạn cung cấp. "
    "Bạn có chắc chắn các thông tin trên chính xác không?"
)


def account(account_id: str = "acc-1", **changed: Any) -> dict[str, Any]:
    made = accounts.citizen(
        account_id, f"per-of-{account_id}", phone="sealed", phone_blind="p", password_hash="h", now=NOW
    )
    return made | changed


def names(form: dict[str, Any] | None) -> list[str]:
    assert form is not None
    return [field["name"] for field in form["fields"]]


@pytest.mark.req("ID-01")
def test_four_fields() -> None:
    form = normalization.form(account(), has_birth_date=True)
    assert names(form) == ["full_name", "id_number", "issue_date", "phone"]
    assert form is not None
    assert [field["label_vi"] for field in form["fields"]] == ["Họ và tên", "Số CCCD", "Ngày cấp", "Số điện thoại"]


@pytest.mark.req("X-28")
def test_a_fifth_only_without_birth_date() -> None:
    assert names(normalization.form(account(), has_birth_date=False))[4:] == ["birth_date"]


@pytest.mark.req("ID-01", "ID-02")
def test_no_form_once_normalized_nor_for_officers() -> None:
    assert normalization.form(account(normalized=True), has_birth_date=True) is None
    assert normalization.form(account(kind="officer"), has_birth_date=True) is None


@pytest.mark.req("ID-16")
def test_the_prescribed_text_letter_by_letter() -> None:
    problem = normalization.no_match()
    assert problem.title_vi == PRESCRIBED
    assert unicodedata.normalize("NFC", problem.title_vi) == problem.title_vi
    assert (problem.status, problem.rule) == (422, "ID-16")


@pytest.mark.req("ID-03", "ID-16")
@pytest.mark.parametrize("outcome", [Outcome.NO_MATCH, Outcome.NOT_FOUND])
def test_no_match_and_not_found_say_the_same(outcome: Outcome) -> None:
    problem = normalization.refusal(outcome)
    assert problem is not None
    assert problem.to_dict() == normalization.no_match().to_dict()


@pytest.mark.req("ID-03")
def test_a_match_is_accepted() -> None:
    assert normalization.refusal(Outcome.MATCH) is None


def test_unavailable_is_tried_again_later() -> None:
    problem = normalization.refusal(Outcome.UNAVAILABLE)
    assert problem is not None
    assert (problem.status, problem.retry_after) == (503, 30)


@pytest.mark.req("ID-02")
@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"full_name": "   "}, "full_name"),
        ({"full_name": "Nguyễn 1"}, "full_name"),
        ({"id_number": "046190"}, "id_number"),
        ({"id_number": "123456789"}, "id_number"),
        ({"id_number": "04619000012x"}, "id_number"),
        ({"issue_date": date(2024, 3, 12)}, "issue_date"),
        ({"issue_date": date(1800, 1, 1)}, "issue_date"),
        ({"birth_date": None}, "birth_date"),
        ({"birth_date": date(2024, 3, 12)}, "birth_date"),
    ],
)
def test_each_fault_names_its_field(changed: dict[str, Any], field: str) -> None:
    entered: dict[str, Any] = {
        "full_name": "Nguyễn Thị An",
        "id_number": "046190000123",
        "issue_date": date(2021, 7, 15),
        "birth_date": date(1990, 5, 12),
    }
    assert normalization.faults(**entered, today=TODAY) == []
    assert [fault["field"] for fault in normalization.faults(**{**entered, **changed}, today=TODAY)] == [field]


@pytest.mark.req("ID-04")
def test_adopting_a_person_keeps_account_and_names_the_former_person() -> None:
    mine = account()
    former = normalization.adopt(
        mine, "per-of-number", "n", phone="new phone", phone_blind="np", unit="000.05.07.H57", now=NOW
    )
    assert (former, mine["person_id"], mine["_id"]) == ("per-of-acc-1", "per-of-number", "acc-1")
    assert mine["normalized"]
    assert mine["holds_number"]
    assert (mine["phone_blind"], mine["unit"]) == ("np", "000.05.07.H57")


@pytest.mark.req("ID-15")
def test_a_number_that_was_known_before_stays_once_as_a_former_one() -> None:
    person = accounts.person("per-1", full_name="sealed", birth_date=None)
    for _ in range(2):  # however often
        normalization.keep_former_number(person, "old sealed", "cmnd")
    assert person["former_numbers"] == [{"number": "old sealed", "blind": "cmnd"}]


@pytest.mark.req("ID-05")
def test_an_account_that_stands_for_the_person_without_having_matched_is_locked() -> None:
    winner = account("winner", number_blind="n", claimed_blind="n", normalized=True, person_id="per-n")
    old = account("of the years before", person_id="per-n")
    officer = account("of the same person", person_id="per-n", kind="officer")
    locked = normalization.lock_rivals(winner, [winner, old, officer], NOW)
    assert [rival["_id"] for rival in locked] == ["of the years before"]


@pytest.mark.req("ID-05")
def test_only_active_claimants_of_the_number_are_locked() -> None:
    winner = account("winner", number_blind="n", claimed_blind="n", normalized=True)
    claimant = account("claimant", claimed_blind="n")
    resting = account("suspended", claimed_blind="n", state="suspended")
    spared = [
        account("other number", claimed_blind="m"),
        account("no claim"),
        account("locked before", claimed_blind="n", state="locked", lock={"reason": "locked_by_office"}),
        account("normalized itself", claimed_blind="n", normalized=True),
    ]
    locked = normalization.lock_rivals(winner, [winner, claimant, resting, *spared], NOW)
    assert [rival["_id"] for rival in locked] == ["claimant", "suspended"]
    assert claimant["lock"]["reason"] == accounts.DUPLICATE
    assert winner["state"] == "active"
    assert spared[2]["lock"] == {"reason": "locked_by_office"}


@pytest.mark.req("ID-27", "ID-19")
@pytest.mark.parametrize("reason", [accounts.DUPLICATE, accounts.BY_OFFICE])
def test_a_locked_account_is_told_why_and_whom_to_call(reason: str) -> None:
    locked = account()
    accounts.refuse_locked(locked)
    accounts.lock(locked, reason, "acc-ioc", NOW)
    with pytest.raises(Problem) as refused:
        accounts.refuse_locked(locked)
    assert refused.value.status == 403
    assert refused.value.extra == {"reason": reason, "hotline": "19001075"}
    assert "19001075" in refused.value.title_vi


@pytest.mark.req("ID-13", "ID-19")
def test_a_taken_phone_points_to_support_case_1() -> None:
    problem = accounts.taken_phone()
    assert (problem.status, problem.rule, problem.extra["support_case"]) == (409, "ID-13", 1)
    assert problem.extra["hotline"] == "19001075"


def test_a_masked_number_shows_only_what_is_not_random() -> None:
    assert accounts.masked_number("046190000123") == "0461••••••23"
    assert accounts.masked_number(None) is None
