"""Slips: guidance (hướng dẫn hoàn thiện) before acceptance, supplement requests (yêu cầu bổ sung) after it.

Shared by intake (guidance), processing (supplement requests) and oversight (review): who may be asked what and how
often, how a slip is judged by itself, what a person of IOC may decide, and what a violation blocks. Pure: the business
day of the act is an argument, because a rule about an act is that of the act's day (X-27).

Where the sources leave it open: a later round is compared with the round directly before it; an INDETERMINATE (or not
yet known) signature suspends only the question of the signature, faults that do not hang on it are judged at once.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.common.problems import Problem, conflict, field_error, forbidden, invalid
from services.common.rules import rule

#: CV 252/UBND-HCC: monitoring of slips starts on this business day (MO-14).
MONITORED_SINCE = date(2024, 3, 4)

_S0 = "TB 94/TB-UBND §3"
_S3 = "CV 252/UBND-HCC, phụ lục"
_ND61 = "NĐ 61/2018/NĐ-CP Đ11.2c"


class Act(StrEnum):
    """The two acts; each has its own counter, review and block."""

    GUIDANCE = "GUIDANCE"
    SUPPLEMENT_REQUEST = "SUPPLEMENT_REQUEST"


class Verdict(StrEnum):
    """What signing says of a file; `None` beside it means that the check has not ended."""

    TOTAL_PASSED = "TOTAL_PASSED"
    TOTAL_FAILED = "TOTAL_FAILED"
    INDETERMINATE = "INDETERMINATE"
    NO_SIGNATURE = "NO_SIGNATURE"


class Review(StrEnum):
    """State of a slip's review. Only a person of IOC makes it CONFIRMED."""

    NOT_EVALUATED = "NOT_EVALUATED"
    AWAITING_CHECK = "AWAITING_CHECK"
    AWAITING_IOC = "AWAITING_IOC"
    PENDING = "PENDING"
    VIOLATION = "VIOLATION"
    CONFIRMED = "CONFIRMED"


class Ground(StrEnum):
    """Why a slip is a violation. The last three need a person."""

    NO_FILE = "NO_FILE"
    UNSIGNED = "UNSIGNED"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    NOT_BY_OFFICER = "NOT_BY_OFFICER"
    REPEATED_WITHOUT_STATEMENT = "REPEATED_WITHOUT_STATEMENT"
    TEXT_CHANGED = "TEXT_CHANGED"
    COMPONENTS_CHANGED = "COMPONENTS_CHANGED"
    UNCLEAR = "UNCLEAR"
    OFF_FOCUS = "OFF_FOCUS"
    REPEAT_UNJUSTIFIED = "REPEAT_UNJUSTIFIED"


GROUND_TEXT: dict[Ground, tuple[str, str]] = {
    Ground.NO_FILE: ("Không đính kèm file", "No file is attached"),
    Ground.UNSIGNED: ("File không có ký số", "The file is not signed"),
    Ground.SIGNATURE_INVALID: ("Chữ ký số của file không hợp lệ", "The file's signature is not valid"),
    Ground.NOT_BY_OFFICER: (
        "File không do cán bộ hoặc con dấu của đơn vị ký số",
        "The file is not signed by an officer of the unit or with its seal",
    ),
    Ground.REPEATED_WITHOUT_STATEMENT: (
        "Hướng dẫn quá một lần, không nêu nội dung công dân chưa đảm bảo",
        "Asked more than once without stating what the citizen failed to ensure",
    ),
    Ground.TEXT_CHANGED: ("Nội dung không trùng lần trước", "The text differs from the former round"),
    Ground.COMPONENTS_CHANGED: (
        "Thành phần hồ sơ không trùng lần trước",
        "The components differ from the former round",
    ),
    Ground.UNCLEAR: ("Nội dung khó hiểu", "The text is hard to understand"),
    Ground.OFF_FOCUS: (
        "Nội dung không đúng trọng tâm với thành phần hồ sơ",
        "The text does not fit the selected components",
    ),
    Ground.REPEAT_UNJUSTIFIED: (
        "Công dân đã cập nhật theo yêu cầu lần trước",
        "The citizen had updated what the former round asked",
    ),
}

#: Grounds that IOC may name, by the state in which the slip waits for it.
_DECIDABLE: dict[Review, frozenset[Ground]] = {
    Review.AWAITING_IOC: frozenset({Ground.UNCLEAR, Ground.OFF_FOCUS}),
    Review.PENDING: frozenset({Ground.UNCLEAR, Ground.OFF_FOCUS, Ground.REPEAT_UNJUSTIFIED}),
    Review.CONFIRMED: frozenset({Ground.UNCLEAR, Ground.OFF_FOCUS, Ground.REPEAT_UNJUSTIFIED}),
}


@dataclass(frozen=True, slots=True)
class Slip:
    """One guidance or supplement request as given; `acted_on`: its business day, `verdict`: counts with a file only,
    `by_officer`: whose the valid signature is."""

    act: Act
    text: str
    components: frozenset[str]
    acted_on: date
    has_file: bool
    verdict: Verdict | None = None
    failure_statement: str | None = None
    by_officer: bool = True

    @property
    def states_failure(self) -> bool:
        """Whether it says what the citizen failed to ensure from the former round."""
        return bool(normalized_text(self.failure_statement or ""))


# --- giving a slip ---------------------------------------------------------------------------------------------------


@rule("GU-02", title="Hướng dẫn phải rõ ràng, cụ thể và chọn thành phần", cites=_S0)
@rule("GU-06", title="Yêu cầu chỉnh sửa, bổ sung theo cùng quy tắc", cites=_S0)
@rule("X-17", title="Chỉ từ chối phiếu không có nội dung hoặc không chọn thành phần", cites=_S0)
def validate(text: str, components: Collection[str], of_procedure: Collection[str]) -> None:
    """Refuse a slip that says nothing or selects nothing; everything else is stored and judged later.

    `of_procedure` are the component ids of the dossier's procedure version. Raises Problem 422 naming field and rule.
    The statement of the citizen's failure is never looked at here (X-17).
    """
    errors = []
    if not normalized_text(text):
        errors.append(
            field_error("text", "Nội dung hướng dẫn không được để trống", "Say what is to be completed", "GU-02")
        )
    if not components:
        errors.append(
            field_error("components", "Phải chọn ít nhất một thành phần", "Select at least one component", "GU-02")
        )
    unknown = set(components).difference(of_procedure)
    if unknown:
        errors.append(
            field_error(
                "components",
                "Thành phần không thuộc thủ tục này",
                "Not a component of this procedure",
                "GU-02",
            )
        )
    if errors:
        raise invalid(*errors, rule="GU-02", citation=_S0)


@rule("GU-07", title="Hướng dẫn và yêu cầu bổ sung được đếm riêng", cites=f"{_S0}; {_S3}")
def round_number(act: Act, given_before: Iterable[Act]) -> int:
    """Which round of its kind the next slip of a dossier is, 1 for the first."""
    return 1 + sum(former is act for former in given_before)


# --- comparison ------------------------------------------------------------------------------------------------------


@rule("MO-17", title="So sánh nội dung đã chuẩn hóa", cites=_S3)
def normalized_text(text: str) -> str:
    """Text as compared: NFC, lower case, single spaces, no invisible format characters. Words and marks stay."""
    visible = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFC", " ".join(unicodedata.normalize("NFC", visible).casefold().split()))


class Sameness(StrEnum):
    """How something stands to the former round; SUBSET = some of the former components, none new (X-16)."""

    SAME = "SAME"
    SUBSET = "SUBSET"
    DIFFERENT = "DIFFERENT"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Text and components of a slip beside a former round (MO-04)."""

    text: Sameness
    components: Sameness

    @property
    def same(self) -> bool:
        """Whether nothing new is asked: unchanged text, and the former components or some of them."""
        return self.text is Sameness.SAME and self.components is not Sameness.DIFFERENT


@rule("MO-04", title="So sánh với các lần trước về nội dung và thành phần", cites=_S3)
@rule("X-14", title="So cả nội dung đã chuẩn hóa và tập thành phần", cites=_S3)
@rule("X-16", title="Tập con thành phần với nội dung không đổi là chưa khắc phục hết", cites=_S3)
def compare(slip: Slip, former: Slip) -> Comparison:
    """Compare content and components only; the statement of the citizen's failure never counts (X-16)."""
    text = Sameness.SAME if normalized_text(slip.text) == normalized_text(former.text) else Sameness.DIFFERENT
    if slip.components == former.components:
        components = Sameness.SAME
    elif slip.components < former.components:
        components = Sameness.SUBSET
    else:
        components = Sameness.DIFFERENT
    return Comparison(text, components)


# --- assessment by itself --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the system says of a slip without a person. `grounds` is empty unless it is a violation."""

    state: Review
    round: int
    grounds: tuple[Ground, ...] = ()
    comparison: Comparison | None = None
    rules: tuple[str, ...] = ()


#: Rule that a slip in order and one at fault fall under.
_FIRST_ROUND = {Act.GUIDANCE: ("MO-02", "MO-03"), Act.SUPPLEMENT_REQUEST: ("MO-07", "MO-08")}
_LATER_ROUND = {Act.GUIDANCE: ("MO-05", "MO-06"), Act.SUPPLEMENT_REQUEST: ("MO-09", "MO-10")}


def _signature_faults(slip: Slip) -> tuple[Ground, ...]:
    if not slip.has_file:
        return (Ground.NO_FILE,)
    if slip.verdict is Verdict.NO_SIGNATURE:
        return (Ground.UNSIGNED,)
    if slip.verdict is Verdict.TOTAL_PASSED and not slip.by_officer:
        return (Ground.NOT_BY_OFFICER,)
    return (Ground.SIGNATURE_INVALID,) if slip.verdict is Verdict.TOTAL_FAILED else ()


@rule("MO-14", title="Giám sát nghiệp vụ từ 04/3/2024", cites="CV 252/UBND-HCC §2", since=MONITORED_SINCE)
@rule("MO-02", title="Hướng dẫn lần 1 đúng quy định: chờ IOC xác nhận", cites=_S3, since=MONITORED_SINCE)
@rule("MO-03", title="Hướng dẫn lần 1 không có file ký số là vi phạm", cites=_S3, since=MONITORED_SINCE)
@rule("MO-05", title="Lần 2 trùng nội dung, thành phần: xem nhật ký", cites=_S3, since=MONITORED_SINCE)
@rule("MO-06", title="Lần 2 không trùng hoặc không ký số là vi phạm", cites=_S3, since=MONITORED_SINCE)
@rule("MO-07", title="Yêu cầu bổ sung lần 1 đúng quy định: chờ IOC xác nhận", cites=_S3, since=MONITORED_SINCE)
@rule("MO-08", title="Yêu cầu bổ sung lần 1 không có file ký số là vi phạm", cites=_S3, since=MONITORED_SINCE)
@rule("MO-09", title="Yêu cầu lần 2 trùng nội dung, thành phần: xem nhật ký", cites=_S3, since=MONITORED_SINCE)
@rule("MO-10", title="Yêu cầu lần 2 không trùng hoặc không ký số là vi phạm", cites=_S3, since=MONITORED_SINCE)
@rule("SG-05", title="File hướng dẫn, yêu cầu phải được ký số", cites="CV 252/UBND-HCC §2", since=MONITORED_SINCE)
@rule("GU-01", title="Chỉ được yêu cầu bổ sung một lần", cites=_ND61)
@rule("GU-03", title="Hướng dẫn từ lần thứ 2 là vi phạm", cites=_S0)
@rule("GU-04", title="Ngoại lệ: nêu rõ nội dung công dân chưa đảm bảo", cites=_S0)
@rule("GU-05", title="Không nêu nội dung công dân chưa đảm bảo là vi phạm", cites=_S0)
@rule("X-22", title="Chữ ký chưa xác định: chờ kiểm tra lại", cites=_S3)
def assess(slip: Slip, former: Sequence[Slip]) -> Assessment:
    """Judge a slip by itself; the same function judges it again when the signature's verdict has come.

    `former` are the dossier's earlier slips in order of time; those of the other act are not looked at (GU-07).
    """
    own = [earlier for earlier in former if earlier.act is slip.act]
    number = round_number(slip.act, [earlier.act for earlier in own])
    comparison = compare(slip, own[-1]) if own else None
    if slip.acted_on < MONITORED_SINCE:
        return Assessment(Review.NOT_EVALUATED, number, comparison=comparison, rules=("MO-14",))

    faults = list(_signature_faults(slip))
    if comparison is None:
        fine, at_fault = _FIRST_ROUND[slip.act]
        waiting = Review.AWAITING_IOC
    else:
        fine, at_fault = _LATER_ROUND[slip.act]
        waiting = Review.PENDING
        if not slip.states_failure:
            faults.append(Ground.REPEATED_WITHOUT_STATEMENT)
        if comparison.text is Sameness.DIFFERENT:
            faults.append(Ground.TEXT_CHANGED)
        if comparison.components is Sameness.DIFFERENT:
            faults.append(Ground.COMPONENTS_CHANGED)

    if faults:
        rules = ("GU-05",) if faults == [Ground.REPEATED_WITHOUT_STATEMENT] else (at_fault,)
        return Assessment(Review.VIOLATION, number, tuple(faults), comparison, rules)
    if slip.verdict is not Verdict.TOTAL_PASSED:
        return Assessment(Review.AWAITING_CHECK, number, comparison=comparison, rules=("X-22",))
    return Assessment(waiting, number, comparison=comparison, rules=(fine,))


# --- decision of IOC -------------------------------------------------------------------------------------------------


class Decision(StrEnum):
    """What a person of IOC may decide on a slip."""

    CONFIRM = "CONFIRM"
    VIOLATE = "VIOLATE"


#: State, decision → next state. A verdict stays editable, with a reason (X-14); the register keeps both entries.
DECISIONS: dict[tuple[Review, Decision], Review] = {
    (Review.AWAITING_IOC, Decision.CONFIRM): Review.CONFIRMED,
    (Review.AWAITING_IOC, Decision.VIOLATE): Review.VIOLATION,
    (Review.PENDING, Decision.CONFIRM): Review.CONFIRMED,
    (Review.PENDING, Decision.VIOLATE): Review.VIOLATION,
    (Review.VIOLATION, Decision.CONFIRM): Review.CONFIRMED,
    (Review.CONFIRMED, Decision.VIOLATE): Review.VIOLATION,
}


def decisions_from(state: Review) -> tuple[Decision, ...]:
    """What IOC may decide while a slip's review is in that state."""
    return tuple(decision for decision in Decision if (state, decision) in DECISIONS)


@rule("MO-02", title="IOC xác nhận đúng quy định", cites=_S3, since=MONITORED_SINCE)
@rule("MO-03", title="IOC xác định khó hiểu, không đúng trọng tâm", cites=_S3, since=MONITORED_SINCE)
@rule("MO-05", title="IOC xem nhật ký cập nhật rồi quyết định", cites=_S3, since=MONITORED_SINCE)
@rule("MO-08", title="IOC xác định yêu cầu khó hiểu, không đúng trọng tâm", cites=_S3, since=MONITORED_SINCE)
@rule("MO-09", title="IOC xem nhật ký cập nhật rồi quyết định (yêu cầu)", cites=_S3, since=MONITORED_SINCE)
@rule("MO-16", title="Cán bộ không tự xác nhận phiếu của mình", cites="CV 252/UBND-HCC §2", since=MONITORED_SINCE)
@rule("X-14", title="Kết luận sửa được, có lý do", cites=_S3)
def decide(
    state: Review,
    decision: Decision,
    *,
    own: bool,
    ground: Ground | None = None,
    reason: str = "",
    log_read: bool = False,
) -> Review:
    """The state after a decision of IOC. That the decider holds IOC's role is checked by the room before this.

    `own`: who decides wrote the slip, under whatever account. VIOLATE needs a ground that a person may find and a
    reason; changing an earlier verdict needs a reason; a PENDING slip needs `log_read`, the citizen's update log having
    been opened.
    Raises Problem 403 (own slip), 409 (nothing to decide in this state), 422 (a field is missing).
    """
    if own:
        raise forbidden("The author of a slip does not decide on it.", rule="MO-16", citation="CV 252/UBND-HCC §2")
    target = DECISIONS.get((state, decision))
    if target is None:
        raise conflict(
            "Phiếu không ở trạng thái chờ quyết định này",
            "The slip does not await this decision",
            rule="MO-14" if state is Review.NOT_EVALUATED else "X-22" if state is Review.AWAITING_CHECK else "MO-02",
            citation=_S3,
            extra={"state": state.value, "allowed": [allowed.value for allowed in decisions_from(state)]},
        )
    errors = []
    if state is Review.PENDING and not log_read:
        errors.append(
            field_error("log_read", "Phải xem nhật ký cập nhật của công dân", "Read the citizen's update log", "MO-05")
        )
    if decision is Decision.VIOLATE and ground not in _DECIDABLE[state]:
        errors.append(
            field_error("ground", "Căn cứ vi phạm không phù hợp", "Not a ground that may be found here", "MO-03")
        )
    if decision is Decision.CONFIRM and ground is not None:
        errors.append(field_error("ground", "Xác nhận thì không nêu căn cứ", "A confirmation has no ground", "MO-02"))
    revised = state in (Review.VIOLATION, Review.CONFIRMED)
    if (revised or decision is Decision.VIOLATE) and not reason.strip():
        errors.append(field_error("reason", "Phải nêu lý do", "Give a reason", "X-14" if revised else "MO-03"))
    if errors:
        raise invalid(*errors, citation=_S3)
    return target


# --- blocks ----------------------------------------------------------------------------------------------------------


@rule("MO-11", title="Vi phạm chặn chức năng tiếp theo, không chặn cả hồ sơ", cites="CV 252/UBND-HCC §2.1–2.2",
      since=MONITORED_SINCE)  # fmt: skip
@rule("MO-13", title="Chặn hướng dẫn và chặn yêu cầu bổ sung độc lập", cites="CV 252/UBND-HCC §2",
      since=MONITORED_SINCE)  # fmt: skip
@rule("X-18", title="Chặn theo hồ sơ và loại phiếu; IOC gỡ chặn có lý do", cites="CV 252/UBND-HCC §2")
def refuse_if_blocked(act: Act, acts: Collection[Act]) -> None:
    """Refuse the next slip of an act that is blocked for this dossier (Problem 409); no other command asks this."""
    if act in acts:
        raise blocked(act)


def blocked(act: Act) -> Problem:
    """The refusal of a blocked act's next slip: 409."""
    if act is Act.GUIDANCE:
        title = ("Chức năng hướng dẫn đã bị chặn do vi phạm", "Guidance is blocked after a violation")
    else:
        title = ("Chức năng yêu cầu bổ sung đã bị chặn do vi phạm", "Supplement requests are blocked after a violation")
    return conflict(*title, rule="MO-11", citation="CV 252/UBND-HCC §2.1–2.2", extra={"act": act.value})


@rule("MO-03", title="Vi phạm thì hệ thống chặn lần tiếp theo", cites=_S3, since=MONITORED_SINCE)
@rule("X-18", title="IOC đổi kết luận thì gỡ chặn", cites="CV 252/UBND-HCC §2")
def block_after(before: Review | None, after: Review) -> bool | None:
    """What a change of a slip's review does to its act's block: True sets it, False lifts it, None leaves it.

    Only a confirmation that overturns this slip's violation lifts; the room keeps the block while another slip of the
    act is still a violation. An explicit unblock by IOC, with its reason, stands beside this.
    """
    if after is Review.VIOLATION:
        return True if before is not Review.VIOLATION else None
    return False if before is Review.VIOLATION and after is Review.CONFIRMED else None
