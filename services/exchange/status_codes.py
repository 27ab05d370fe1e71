"""Status codes 1–10 of the national portal, their allowed transitions, and what our events mean in them.

The table of effects says for each of our events which codes are to be sent from the present code. Sometimes two: the
portal knows no way from 2 to 9, so 4 goes first. Events of different rooms may overtake each other: what is late has
no effect, what comes before its predecessor raises `TooEarly` and is tried again.
"""

from __future__ import annotations

from enum import IntEnum

from services.common.rules import rule


class Code(IntEnum):
    """TrangThaiHoSo."""

    REGISTERED = 1
    ACCEPTED = 2
    REFUSED = 3
    PROCESSING = 4
    SUPPLEMENT = 5
    FINANCIAL_OBLIGATION = 6
    WITHDRAWN = 7
    STOPPED = 8
    DONE = 9
    RETURNED = 10

    @property
    def names(self) -> tuple[str, str]:
        """Official Vietnamese name and English beside it."""
        return NAMES[self]

    @property
    def is_terminal(self) -> bool:
        """Whether nothing follows."""
        return not TRANSITIONS[self]


NAMES: dict[Code, tuple[str, str]] = {
    Code.REGISTERED: ("Mới đăng ký", "Newly registered"),
    Code.ACCEPTED: ("Được tiếp nhận", "Accepted"),
    Code.REFUSED: ("Không được tiếp nhận", "Not accepted"),
    Code.PROCESSING: ("Đang xử lý", "In processing"),
    Code.SUPPLEMENT: ("Yêu cầu bổ sung giấy tờ", "Supplement requested"),
    Code.FINANCIAL_OBLIGATION: ("Yêu cầu thực hiện nghĩa vụ tài chính", "Financial obligation due"),
    Code.WITHDRAWN: ("Công dân yêu cầu rút hồ sơ", "Withdrawn by the citizen"),
    Code.STOPPED: ("Dừng xử lý", "Stopped"),
    Code.DONE: ("Đã xử lý xong", "Done"),
    Code.RETURNED: ("Đã trả kết quả", "Result returned"),
}


def _codes(*numbers: int) -> frozenset[Code]:
    return frozenset(Code(number) for number in numbers)


TRANSITIONS: dict[Code, frozenset[Code]] = {
    Code.REGISTERED: _codes(2, 3, 5, 7),
    Code.ACCEPTED: _codes(4, 5, 6, 7),
    Code.REFUSED: _codes(),
    Code.PROCESSING: _codes(5, 6, 7, 8, 9),
    Code.SUPPLEMENT: _codes(1, 4, 7, 8),
    Code.FINANCIAL_OBLIGATION: _codes(2, 4, 7, 8),
    Code.WITHDRAWN: _codes(),
    Code.STOPPED: _codes(),
    Code.DONE: _codes(10),
    Code.RETURNED: _codes(),
}


class TooEarly(Exception):
    """The event's predecessor has not been seen yet: try again later. Holds no dossier's data."""

    def __init__(self, event: str, current: Code | None) -> None:
        super().__init__(f"{event} cannot follow {'nothing' if current is None else current.name}")
        self.event = event
        self.current = current


Paths = dict[int, tuple[int, ...]]

#: Event → present code → codes to send. A present code that is not named means: late or without meaning, send nothing.
EFFECTS: dict[str, Paths] = {
    "dossier.filed": {},
    "dossier.accepted": {1: (2,), 5: (1, 2)},
    "dossier.refused": {1: (3,), 5: (1, 3)},
    "dossier.guided": {1: (5,)},
    "dossier.withdrawn": {1: (7,), 2: (7,), 4: (7,), 5: (7,), 6: (7,)},
    "dossier.returned": {2: (4, 9, 10), 4: (9, 10), 5: (4, 9, 10), 6: (4, 9, 10), 9: (10,)},
    "case.opened": {2: (4,)},
    "step.finished": {2: (4,)},
    "supplement.requested": {2: (5,), 4: (5,), 6: (4, 5)},
    "case.stopped": {2: (4, 8), 4: (8,), 5: (8,), 6: (8,)},
    "result.ready": {2: (4, 9), 4: (9,), 5: (4, 9), 6: (4, 9)},
    "payment.ordered": {2: (6,), 4: (6,)},
    "payment.settled": {6: (4,)},
}
#: What can only happen to an accepted dossier: at code 1 the acceptance is still on its way to us.
_AFTER_ACCEPTANCE = frozenset(
    {"dossier.returned", "case.opened", "step.finished", "supplement.requested", "case.stopped", "result.ready"}
)
EVENTS = frozenset(EFFECTS) | {"dossier.amended"}


@rule("SY-02", title="Đồng bộ trạng thái hồ sơ lên Cổng DVCQG", cites="QĐ 08/2025/QĐ-UBND Đ28.2")
def codes_after(current: Code | None, event: str, *, accepted: bool = False, prepaid: bool = False) -> tuple[Code, ...]:
    """Codes to send, in order, when `event` has happened to a dossier whose last code is `current` (None: unknown yet).

    `accepted`: code 2 was sent for it before; decides where an amendment leads. `prepaid`: a fee ordered at filing,
    for which the portal has no code. An event that is not ours to tell (`EVENTS`) gives nothing.
    Raises TooEarly where the predecessor is missing.
    """
    if event not in EVENTS:
        return ()
    if current is None:
        if event != "dossier.filed":
            raise TooEarly(event, None)
        return (Code.REGISTERED,)
    if event == "dossier.amended":
        after = Code.PROCESSING if accepted else Code.REGISTERED
        return (after,) if current is Code.SUPPLEMENT else ()
    unaccepted = current is Code.REGISTERED or (current is Code.SUPPLEMENT and not accepted)
    if unaccepted and (event in _AFTER_ACCEPTANCE or (event == "payment.ordered" and not prepaid)):
        raise TooEarly(event, current)
    if accepted and event in ("dossier.accepted", "dossier.refused", "dossier.guided"):
        return ()
    return tuple(Code(number) for number in EFFECTS[event].get(current, ()))
