"""Support cases: the five troubles of CV 2740/STTTT-IOC §2, each with what must be proven and what it may lead to.

One table of states for all, one row for each trouble. The hotline's officer opens a case about an account, records what
was verified, decides, closes. Nobody reads a password or a code here: a forgotten password ends with a code that the
system itself sends to the account's own phone (X-4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.common import problems
from services.common.problems import Problem, field_error
from services.common.rules import rule
from services.identity import account_states
from services.identity.accounts import HOTLINE
from services.identity.normalization import NO_MATCH_VI

Account = dict[str, Any]
Case = dict[str, Any]
_CITES = "CV 2740/STTTT-IOC §2, trường hợp {}"


class State(StrEnum):
    OPENED = "opened"
    VERIFIED = "verified"
    DECIDED = "decided"
    CLOSED = "closed"


class Step(StrEnum):
    VERIFY = "verify"
    DECIDE = "decide"
    CLOSE = "close"


class Verification(StrEnum):
    """What asking at the account's phone, or the papers shown, came to."""

    RIGHT = "verified_right"
    WRONG = "verified_wrong"
    NOT_REACHED = "not_reached"


class By(StrEnum):
    ACCOUNT_PHONE = "account_phone"
    DOCUMENTS = "documents"


class Outcome(StrEnum):
    CANCEL = "cancel"
    UNLOCK = "unlock"
    RESTORE = "restore"
    GUIDE = "guide"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: from, step, to, event."""

    source: State
    step: Step
    target: State
    event: str


TABLE: tuple[Row, ...] = (
    Row(State.OPENED, Step.VERIFY, State.VERIFIED, "support.verified"),
    Row(State.VERIFIED, Step.VERIFY, State.VERIFIED, "support.verified"),
    Row(State.OPENED, Step.DECIDE, State.DECIDED, "support.decided"),
    Row(State.VERIFIED, Step.DECIDE, State.DECIDED, "support.decided"),
    Row(State.OPENED, Step.CLOSE, State.CLOSED, "support.closed"),
    Row(State.VERIFIED, Step.CLOSE, State.CLOSED, "support.closed"),
    Row(State.DECIDED, Step.CLOSE, State.CLOSED, "support.closed"),
)

#: What an outcome needs to be verified as; a case may ask for nothing.
Needs = frozenset[Verification]
_NOTHING: Needs = frozenset()
_RIGHT: Needs = frozenset({Verification.RIGHT})
_WRONG: Needs = frozenset({Verification.WRONG})


@dataclass(frozen=True, slots=True)
class Trouble:
    """One of the five: what the citizen meets, what must be shown, what may come of it, what is freed and kept."""

    number: int
    rule: str
    met_vi: str
    met_en: str
    evidence_vi: str
    evidence_en: str
    guidance_vi: str
    guidance_en: str
    outcomes: Mapping[Outcome, Needs]

    @property
    def citation(self) -> str:
        return _CITES.format(self.number)


FREED = {Outcome.CANCEL: ("phone", "id_number"), Outcome.UNLOCK: (), Outcome.RESTORE: (), Outcome.GUIDE: ()}
KEPT = {
    Outcome.CANCEL: ("person", "dossiers", "history", "former_numbers"),
    Outcome.UNLOCK: ("account",),
    Outcome.RESTORE: ("account",),
    Outcome.GUIDE: ("account",),
}

TROUBLES: dict[int, Trouble] = {
    trouble.number: trouble
    for trouble in (
        Trouble(
            1, "ID-13",
            "Số điện thoại đã được dùng để đăng ký cho người khác",
            "The phone was used to register another person",
            "Gọi số điện thoại: người đang giữ số không phải là người của tài khoản",
            "Call the phone: who holds it is not the person of the account",
            "Hủy tài khoản cũ; công dân đăng ký lại bằng số điện thoại của mình.",
            "Cancel the old account; the citizen registers anew with the phone.",
            {Outcome.CANCEL: _WRONG, Outcome.GUIDE: _NOTHING},
        ),
        Trouble(
            2, "ID-14",
            "Số định danh đã đăng ký cho người khác, hoặc tài khoản bị khóa vì trùng",
            "The personal number is registered for another person, or the account was locked as a duplicate",
            "Kiểm tra thông tin đã đăng ký, xác minh theo số điện thoại của tài khoản đang tồn tại (nếu có)",
            "Check what is registered, verify by the phone of the existing account (if it has one)",
            "Đăng ký sai thì hủy để công dân đăng ký lại; đăng ký đúng thì giữ, đang bị khóa thì mở.",
            "Registered wrongly: cancel, the citizen registers anew; rightly: keep it, unlock it where it is locked.",
            {Outcome.CANCEL: _WRONG, Outcome.UNLOCK: _RIGHT, Outcome.GUIDE: _NOTHING},
        ),
        Trouble(
            3, "ID-15",
            "Tài khoản đăng ký đã lâu bằng CMND, quên mật khẩu",
            "An old account registered with a CMND, its password forgotten",
            "Xác minh chủ tài khoản theo số điện thoại của tài khoản",
            "Verify the owner by the account's phone",
            "Hệ thống gửi mã một lần về điện thoại của tài khoản; công dân tự đặt mật khẩu, rồi cập nhật CCCD.",
            "The system sends a one-time code to the account's phone; the citizen sets a password and gives the CCCD.",
            {Outcome.RESTORE: _RIGHT, Outcome.GUIDE: _NOTHING},
        ),
        Trouble(
            4, "ID-16",
            NO_MATCH_VI,
            "The form says that no population data matches",
            "Không cần",
            "None",
            "Công dân kiểm tra họ tên, ngày sinh, số định danh theo VNeID và nhập đúng. Tài khoản không bị khóa.",
            "The citizen compares name, birth date and number with VNeID and enters them rightly. Nothing is locked.",
            {Outcome.GUIDE: _NOTHING},
        ),
        Trouble(
            5, "ID-18",
            "Tài khoản đã chuẩn hóa bằng CCCD nhưng thiếu số điện thoại hoặc ngày sinh",
            "The account was normalized by CCCD and lacks phone or birth date",
            "Xác minh chủ tài khoản theo số điện thoại của tài khoản, hoặc theo giấy tờ",
            "Verify the owner by the account's phone, or by papers",
            "Hủy tài khoản; công dân đăng ký và chuẩn hóa lại bằng chính CCCD đó, hồ sơ cũ được nối lại.",
            "Cancel the account; the citizen registers and normalizes anew with the same CCCD and has the dossiers.",
            {Outcome.CANCEL: _RIGHT, Outcome.GUIDE: _NOTHING},
        ),
    )
}  # fmt: skip


def opened(case_id: str, number: int, account_id: str, *, by: str, now: datetime) -> Case:
    """A new case about an account."""
    return {
        "_id": case_id,
        "case": number,
        "account_id": account_id,
        "state": str(State.OPENED),
        "opened_by": by,
        "opened_at": now,
        "verification": None,
        "decision": None,
        "closed_by": None,
        "closed_at": None,
    }


def step(case: Case, wanted: Step) -> Row:
    """Takes a step of the table. Raises Problem 409."""
    for row in TABLE:
        if row.source == case["state"] and row.step is wanted:
            case["state"] = str(row.target)
            return row
    raise problems.conflict(rule=TROUBLES[case["case"]].rule, extra={"state": case["state"]})


@rule("ID-14", title="Xác minh theo số điện thoại của tài khoản đang tồn tại", cites=_CITES.format(2))
def verify(case: Case, account: Account, found: Verification, by: By, officer: str, now: datetime) -> Row:
    """Records what was verified. Raises Problem 409, or 422 where the account's phone must be asked."""
    if case["case"] in (1, 2, 3) and account["phone"] is not None and by is not By.ACCOUNT_PHONE:
        raise problems.invalid(
            field_error("by", "Tài khoản có số điện thoại: xác minh theo số đó.",
                        "The account has a phone: verify by it.", TROUBLES[case["case"]].rule)
        )  # fmt: skip
    row = step(case, Step.VERIFY)
    case["verification"] = {"outcome": str(found), "by": str(by), "officer": officer, "at": now}
    return row


def possible(case: Case, account: Account) -> tuple[Outcome, ...]:
    """What the case may be decided as, now."""
    return tuple(wanted for wanted in Outcome if _refusal(case, account, wanted) is None)


@rule("ID-13", title="Hủy tài khoản để công dân đăng ký lại", cites=_CITES.format(1))
@rule("ID-14", title="Chỉ hủy khi đã xác minh tài khoản đăng ký không đúng", cites=_CITES.format(2))
@rule("ID-15", title="Khôi phục tài khoản CMND bằng mã một lần", cites=_CITES.format(3))
@rule("ID-18", title="Hủy tài khoản thiếu số điện thoại, ngày sinh để đăng ký lại", cites=_CITES.format(5))
@rule("X-4", title="Tổng đài không biết mật khẩu, chỉ gửi mã một lần", cites=_CITES.format(3))
def decide(case: Case, account: Account, wanted: Outcome, officer: str, now: datetime) -> Row:
    """Decides a case. Raises Problem 409 naming the rule where the case or the account does not allow it."""
    refused = _refusal(case, account, wanted)
    if refused is not None:
        raise refused
    row = step(case, Step.DECIDE)
    case["decision"] = {
        "outcome": str(wanted),
        "officer": officer,
        "at": now,
        "freed": list(FREED[wanted]),
        "kept": list(KEPT[wanted]),
    }
    return row


def close(case: Case, officer: str, now: datetime) -> Row:
    """Closes a case, decided or given up. Raises Problem 409."""
    row = step(case, Step.CLOSE)
    case["closed_by"], case["closed_at"] = officer, now
    return row


def _refusal(case: Case, account: Account, wanted: Outcome) -> Problem | None:
    trouble = TROUBLES[case["case"]]
    if not any(row.source == case["state"] and row.step is Step.DECIDE for row in TABLE):
        return _no(trouble, "Vụ việc đã có kết luận", "The case is decided already")
    if wanted not in trouble.outcomes:
        return _no(trouble, "Trường hợp này không cho phép kết luận đó", "This case does not allow that outcome")
    needs = trouble.outcomes[wanted]
    verification = case["verification"]
    if needs and (verification is None or verification["outcome"] not in needs):
        return _no(
            trouble,
            "Chưa có kết quả xác minh cho phép kết luận đó",
            "No verification is recorded that allows that outcome",
        )
    return _unfit(trouble, account, wanted)


def _unfit(trouble: Trouble, account: Account, wanted: Outcome) -> Problem | None:
    """What the account itself has against it."""
    allowed = account_states.allowed(account["state"], account_states.Who.SUPPORT)
    if wanted is Outcome.CANCEL and account_states.Command.CANCEL not in allowed:
        return _no(trouble, "Trạng thái của tài khoản không cho phép hủy", "The account's state forbids cancelling")
    if wanted is Outcome.CANCEL and trouble.number == 5 and not account["lacks"]:
        return _no(trouble, "Tài khoản không thiếu thông tin", "The account lacks nothing")
    if wanted is Outcome.UNLOCK and account_states.Command.UNLOCK not in allowed:
        return _no(trouble, "Tài khoản không bị khóa", "The account is not locked")
    if wanted is Outcome.RESTORE and not (account["state"] == account_states.State.ACTIVE and account["holds_phone"]):
        return _no(trouble, "Tài khoản không dùng được hoặc không có số điện thoại", "Not active, or without a phone")
    return None


def _no(trouble: Trouble, vi: str, en: str) -> Problem:
    return problems.conflict(
        vi, en, rule=trouble.rule, citation=trouble.citation,
        extra={"support_case": trouble.number, "hotline": HOTLINE},
    )  # fmt: skip


def diagram() -> str:
    """The table as a diagram for the documents."""
    rows = ["stateDiagram-v2", "    [*] --> opened: open / support.opened"]
    rows += [f"    {row.source} --> {row.target}: {row.step} / {row.event}" for row in TABLE]
    return "\n".join([*rows, "    closed --> [*]"])


def outcomes_table() -> str:
    """The five troubles as rows for the documents."""
    rows = ["| case | met with | may be decided as (needs) |", "|---|---|---|"]
    for trouble in TROUBLES.values():
        found = "; ".join(
            f"{outcome} ({' or '.join(sorted(needs))})" if needs else f"{outcome}"
            for outcome, needs in trouble.outcomes.items()
        )
        rows.append(f"| {trouble.number} ({trouble.rule}) | {trouble.met_en} | {found} |")
    return "\n".join(rows)
