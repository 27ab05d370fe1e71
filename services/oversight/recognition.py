"""Is a dossier recognised as filed online? Two dated rule sets, chosen by the filing date (X-27).

2023 (CV 2658/UBND-CNTT §7, CV 2740/STTTT-IOC §3): who registered is enough. From 2024-03-04 (CV 252/UBND-HCC §1) the
officer's help no longer counts, the national portal does, and a result signed by the handling unit must be attached.
Postal delivery, way of payment, originals and pick-up change nothing here (ST-06 … ST-08): they are not even arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.common.rules import rule

CHANGED_ON = date(2024, 3, 4)


class Mode(StrEnum):
    """How a dossier was registered; recorded once (IN-20). Filing on behalf by a person is a SELF mode."""

    SELF_PORTAL = "SELF_PORTAL"
    SELF_HUES = "SELF_HUES"
    SELF_DVCQG = "SELF_DVCQG"
    OFFICER_ASSISTED = "OFFICER_ASSISTED"
    BCCI = "BCCI"
    DIRECT = "DIRECT"


class Recognition(StrEnum):
    """PENDING is on the way to ONLINE but not in the figure."""

    ONLINE = "ONLINE"
    PENDING = "PENDING"
    NOT = "NOT"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What counts from `since` to `until` (filing dates, both inclusive, None = open)."""

    name: str
    modes: frozenset[Mode]
    needs_signed_result: bool
    cites: str
    since: date | None = None
    until: date | None = None


RULE_SETS: tuple[RuleSet, ...] = (
    RuleSet(
        "2023",
        frozenset({Mode.SELF_PORTAL, Mode.SELF_HUES, Mode.OFFICER_ASSISTED, Mode.BCCI}),
        needs_signed_result=False,
        cites="CV 2658/UBND-CNTT §7; CV 2740/STTTT-IOC §3",
        until=date(2024, 3, 3),
    ),
    RuleSet(
        "2024",
        frozenset({Mode.SELF_PORTAL, Mode.SELF_HUES, Mode.SELF_DVCQG, Mode.BCCI}),
        needs_signed_result=True,
        cites="CV 252/UBND-HCC §1",
        since=CHANGED_ON,
    ),
)

#: Why, in both languages, by what decided.
_REASONS = {
    "mode": ("Hình thức đăng ký không được tính", "This way of registering does not count"),
    "registered": ("Đăng ký trực tuyến", "Registered online"),
    "signed": ("Đăng ký trực tuyến, kết quả đã ký số", "Registered online, the result is signed"),
    "waiting": ("Chưa có kết quả ký số", "No signed result yet"),
    "unsigned": ("Kết thúc không có kết quả ký số", "Ended without a signed result"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Recognition with the rule set that gave it and the reason in both languages."""

    recognition: Recognition
    rule_set: str
    cites: str
    reason_vi: str
    reason_en: str


@rule("ST-09", title="Bộ quy tắc chọn theo ngày nộp, các bộ cũ vẫn dùng được", cites="CV 252/UBND-HCC §1")
@rule("X-27", title="Quy tắc công nhận cố định từ ngày nộp", cites="CV 252/UBND-HCC §1")
def rule_set_on(filed_on: date) -> RuleSet:
    """The rule set for dossiers filed on that local day."""
    for found in RULE_SETS:
        if (found.since is None or found.since <= filed_on) and (found.until is None or filed_on <= found.until):
            return found
    raise ValueError(f"no rule set for {filed_on}")


@rule("ST-01", title="2023: tự đăng ký trên Cổng tỉnh hoặc Hue-S", cites="CV 2658/UBND-CNTT §7", until=date(2024, 3, 3))
@rule("ST-02", title="2023: cán bộ hỗ trợ đăng ký", cites="CV 2658/UBND-CNTT §7", until=date(2024, 3, 3))
@rule("ST-03", title="BCCI đăng ký thay", cites="CV 2658/UBND-CNTT §7; CV 252/UBND-HCC §1")
@rule("ST-04", title="2024: đăng ký trực tuyến và có kết quả ký số", cites="CV 252/UBND-HCC §1", since=CHANGED_ON)
@rule("ST-05", title="Hỗ trợ ngoài các hình thức này không tính", cites="CV 2658/UBND-CNTT §7; CV 252/UBND-HCC §1")
@rule("X-1", title="Hỗ trợ của cán bộ: tính đến 03/3/2024", cites="CV 252/UBND-HCC §1")
@rule("X-2", title="Kết quả ký số: điều kiện từ 04/3/2024", cites="CV 252/UBND-HCC §1")
def recognise(mode: Mode, filed_on: date, *, has_signed_result: bool, ended: bool) -> Answer:
    """Judge one dossier as it stands now.

    `has_signed_result`: a result is attached whose signature of the competent agency is TOTAL_PASSED. `ended`: the
    dossier is returned, refused, withdrawn or stopped, so that no signed result can come any more.
    """
    rules = rule_set_on(filed_on)
    if mode not in rules.modes:
        return _answer(Recognition.NOT, rules, "mode")
    if not rules.needs_signed_result:
        return _answer(Recognition.ONLINE, rules, "registered")
    if has_signed_result:
        return _answer(Recognition.ONLINE, rules, "signed")
    return _answer(Recognition.NOT, rules, "unsigned") if ended else _answer(Recognition.PENDING, rules, "waiting")


def _answer(recognition: Recognition, rules: RuleSet, why: str) -> Answer:
    return Answer(recognition, rules.name, rules.cites, *_REASONS[why])
