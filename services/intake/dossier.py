"""The life of a dossier as intake decides it: one table. Pure; nothing here reads a clock or a database.

Before acceptance intake alone decides. After it processing does (X-19): the commands stay here, but their guard is
what processing granted. What the citizen sees of the work after acceptance is in `progress`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

from services.common import problems
from services.common.rules import rule
from services.common.slips import Act, refuse_if_blocked


class State(StrEnum):
    """Where a dossier stands for intake."""

    REGISTERED = "registered"
    GUIDED = "guided"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    RETURNED = "returned"


class Command(StrEnum):
    """What may be asked of a dossier."""

    FILE = "file"
    GUIDE = "guide"
    ACCEPT = "accept"
    REFUSE = "refuse"
    AMEND = "amend"
    WITHDRAW = "withdraw"
    RETURN_RESULT = "return_result"


@dataclass(frozen=True, slots=True)
class Facts:
    """What guards look at. `granted`: processing's answer; `undecided`, `unsigned`: components whose signature needs a
    note, because it is open or because there is none that counts."""

    blocked: Collection[Act] = ()
    granted: bool = False
    undecided: Collection[str] = ()
    unsigned: Collection[str] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition of a transition: its text for the diagram, and the check, which raises Problem."""

    text: str
    check: Callable[[Facts], None]


@rule("X-22", title="Chữ ký chưa xác định: tiếp nhận được khi có ghi chú", cites="CV 252/UBND-HCC, phụ lục")
def _undecided_signatures_noted(facts: Facts) -> None:
    if facts.undecided and not facts.note.strip():
        raise problems.invalid(
            problems.field_error(
                "note",
                "Chữ ký số chưa xác định được, cần ghi chú khi tiếp nhận: " + ", ".join(sorted(facts.undecided)),
                "A signature could not be determined, accept with a note: " + ", ".join(sorted(facts.undecided)),
                "X-22",
            ),
            citation="CV 252/UBND-HCC, phụ lục",
        )


@rule("SG-10", title="Thành phần phải ký số mà là bản chụp: tiếp nhận phải có ghi chú", cites="CV 2658/UBND-CNTT §4")
def _plain_copies_noted(facts: Facts) -> None:
    if facts.unsigned and not facts.note.strip():
        raise problems.invalid(
            problems.field_error(
                "note",
                "Thành phần phải ký số chưa được người nộp hoặc cơ quan ký hợp lệ; yêu cầu bản giấy, hoặc ghi chú khi "
                "tiếp nhận: " + ", ".join(sorted(facts.unsigned)),
                "A component that must be signed is not validly signed by the applicant or an agency; ask for paper, "
                "or accept with a note: " + ", ".join(sorted(facts.unsigned)),
                "SG-10",
            ),
            citation="CV 2658/UBND-CNTT §4",
        )


def _signatures_noted(facts: Facts) -> None:
    _undecided_signatures_noted(facts)
    _plain_copies_noted(facts)


@rule("X-19", title="Sau khi tiếp nhận, khâu giải quyết quyết định", cites="NĐ 61/2018/NĐ-CP Đ19–20")
def _granted(facts: Facts) -> None:
    if not facts.granted:
        raise problems.conflict(
            "Khâu giải quyết chưa đồng ý", "Processing has not granted this", rule="X-19",
            citation="NĐ 61/2018/NĐ-CP Đ19–20",
        )  # fmt: skip


ALWAYS = Guard("", lambda facts: None)
GUIDANCE_OPEN = Guard("hướng dẫn không bị chặn", lambda facts: refuse_if_blocked(Act.GUIDANCE, facts.blocked))
SIGNATURES_NOTED = Guard("chữ ký chưa xác định hoặc thiếu có ghi chú", _signatures_noted)
GRANTED = Guard("khâu giải quyết đồng ý", _granted)


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: from (None: not there yet), command, guard, to, and the one event that it tells."""

    source: State | None
    command: Command
    guard: Guard
    target: State
    event: str


TABLE: tuple[Transition, ...] = (
    Transition(None, Command.FILE, ALWAYS, State.REGISTERED, "dossier.filed"),
    # The three answers of the desk, from "newly registered" only (IN-19).
    Transition(State.REGISTERED, Command.ACCEPT, SIGNATURES_NOTED, State.ACCEPTED, "dossier.accepted"),
    Transition(State.REGISTERED, Command.GUIDE, GUIDANCE_OPEN, State.GUIDED, "dossier.guided"),
    Transition(State.REGISTERED, Command.REFUSE, ALWAYS, State.REFUSED, "dossier.refused"),
    # While a correction is open the desk does not move the dossier on.
    Transition(State.GUIDED, Command.AMEND, ALWAYS, State.REGISTERED, "dossier.amended"),
    Transition(State.REGISTERED, Command.WITHDRAW, ALWAYS, State.WITHDRAWN, "dossier.withdrawn"),
    Transition(State.GUIDED, Command.WITHDRAW, ALWAYS, State.WITHDRAWN, "dossier.withdrawn"),
    Transition(State.ACCEPTED, Command.AMEND, GRANTED, State.ACCEPTED, "dossier.amended"),
    Transition(State.ACCEPTED, Command.WITHDRAW, GRANTED, State.WITHDRAWN, "dossier.withdrawn"),
    Transition(State.ACCEPTED, Command.RETURN_RESULT, GRANTED, State.RETURNED, "dossier.returned"),
)

_ROWS = {(row.source, row.command): row for row in TABLE}

#: Rule and citation that a command out of its place is refused with.
_REFUSED_BY: dict[Command, tuple[str, str]] = {
    Command.GUIDE: ("IN-19", "NĐ 61/2018/NĐ-CP Đ17.1–2"),
    Command.ACCEPT: ("IN-19", "NĐ 61/2018/NĐ-CP Đ17.1–2"),
    Command.REFUSE: ("IN-19", "NĐ 61/2018/NĐ-CP Đ17.1–2"),
    Command.AMEND: ("GU-08", "QĐ 08/2025/QĐ-UBND Đ11.1"),
    Command.WITHDRAW: ("X-19", "NĐ 61/2018/NĐ-CP Đ17–20"),
    Command.RETURN_RESULT: ("X-19", "NĐ 61/2018/NĐ-CP Đ20"),
}


def commands_from(state: State | None) -> tuple[Command, ...]:
    """What may be asked of a dossier in that state."""
    return tuple(row.command for row in TABLE if row.source is state)


@rule("IN-19", title="Ba kết quả kiểm tra từ \"mới đăng ký\": tiếp nhận, hướng dẫn, từ chối",
      cites="NĐ 61/2018/NĐ-CP Đ17.1–2")  # fmt: skip
def find(state: State | None, command: Command) -> Transition:
    """The row for a command in a state, guard not yet asked. Raises Problem 409 naming the rule and what is allowed."""
    row = _ROWS.get((state, command))
    if row is None:
        refused_by, citation = _REFUSED_BY.get(command, ("IN-19", "NĐ 61/2018/NĐ-CP Đ17"))
        raise problems.conflict(
            rule=refused_by,
            citation=citation,
            extra={
                "state": state.value if state else None,
                "command": command.value,
                "allowed": [allowed.value for allowed in commands_from(state)],
            },
        )
    return row


def move(state: State | None, command: Command, facts: Facts = Facts()) -> Transition:
    """The transition that a command makes now, its guard passed. Raises Problem."""
    row = find(state, command)
    row.guard.check(facts)
    return row


def needs_processing(row: Transition) -> bool:
    """Whether processing must be asked before this transition (X-19)."""
    return row.guard is GRANTED


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    for row in TABLE:
        guard = f" [{row.guard.text}]" if row.guard.text else ""
        source = row.source.value if row.source else "[*]"
        lines.append(f"    {source} --> {row.target.value}: {row.command.value}{guard} / {row.event}")
    final = [state for state in State if not commands_from(state)]
    lines += [f"    {state.value} --> [*]" for state in final]
    return "\n".join(lines)
