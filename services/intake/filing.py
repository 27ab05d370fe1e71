"""Filing: what a citizen may put in, and what is fixed from that moment on (X-27). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from services.common import problems
from services.common.calendar import WorkingCalendar, local_date
from services.common.eid import EID_ONLY_SINCE
from services.common.filed_as import FiledAs
from services.common.problems import FieldError, field_error
from services.common.rules import rule
from services.intake import amendments, intake_clock, submission
from services.intake.dossier import Command, move

Row = Mapping[str, Any]

#: Modes of what an officer registers (IN-20); nobody's channel is one of them.
DIRECT, ASSISTED, BY_POST = "DIRECT", "OFFICER_ASSISTED", "BCCI"
#: How a channel of the gateway is registered; the portal is the door that a call comes through when none is named.
_MODES = {"": "SELF_PORTAL", "portal": "SELF_PORTAL", "hue-s": "SELF_HUES"}
#: Names of the recognition rule sets by filing day (the rules themselves are oversight's).
_RECOGNITION: tuple[tuple[date | None, str], ...] = ((date(2024, 3, 4), "2024"), (None, "2023"))


@rule("IN-20", title="Hình thức đăng ký ghi một lần, không đổi", cites="CV 2658/UBND-CNTT §7; CV 2740/STTTT-IOC §3")
@rule("RO-07", title="Người dân chọn kênh: cổng, Hue-S, một cửa hoặc bưu chính", cites="QĐ 08/2025/QĐ-UBND Đ26.1c")
@rule("IN-09", title="Nộp trên Cổng tỉnh và Hue-S", cites="CV 2658/UBND-CNTT §3")
def mode_of(channel: str) -> str:
    """The registration mode, from the channel that the client named when it signed in, which identity then signed.
    Nothing proves which program it is (docs/decisions/0018-channel.md). Raises Problem 422."""
    try:
        return _MODES[channel]
    except KeyError:
        raise problems.invalid(
            field_error("channel", "Kênh nộp không được biết đến", "Unknown channel", "IN-20")
        ) from None


@rule("ID-04", title="Nộp hồ sơ trước khi chuẩn hóa tài khoản", cites="TB 94/TB-UBND §1", until=date(2025, 2, 16))
@rule("X-8", title="Từ 17/02/2025 chỉ tài khoản định danh điện tử", cites="QĐ 08/2025/QĐ-UBND Đ7.2",
      since=EID_ONLY_SINCE)  # fmt: skip
def refuse_unnormalized(*, normalized: bool, on: date) -> None:
    """Refuse an account that is not matched with the population database, from that day on. Raises Problem 403."""
    if not normalized and on >= EID_ONLY_SINCE:
        raise problems.forbidden(
            "Tài khoản chưa chuẩn hóa / The account is not normalized.",
            rule="X-8",
            citation="QĐ 08/2025/QĐ-UBND Đ7.2",
        )


def choose_unit(procedure: Row, asked: str | None, desk: Row) -> str:
    """The competent agency: the one asked for, else the desk's own, else the only one. Raises Problem 422."""
    units = procedure["units"]
    if asked is not None:
        if asked in units:
            return asked
        raise problems.invalid(
            field_error("unit", "Cơ quan không giải quyết thủ tục này", "This agency does not handle the procedure")
        )
    if desk["agency"] in units:
        return str(desk["agency"])
    if len(units) == 1:
        return str(units[0])
    raise problems.invalid(field_error("unit", "Hãy chọn cơ quan giải quyết", "Choose the competent agency"))


@rule("CA-21", title="Thành phần theo danh mục của thủ tục", cites="QĐ 08/2025/QĐ-UBND Đ25.1g; NĐ 61/2018/NĐ-CP Đ6.1")
def check_components(given: Sequence[Row], procedure: Row) -> None:
    """Refuse unknown, repeated and missing components. Raises Problem 422 naming each."""
    known = {entry["component"] for entry in procedure["components"]}
    errors: list[FieldError] = []
    seen: set[str] = set()
    for number, entry in enumerate(given):
        if entry["component"] not in known:
            errors.append(_component_fault(number, "Thành phần không thuộc thủ tục này", "Not of this procedure"))
        elif entry["component"] in seen:
            errors.append(_component_fault(number, "Thành phần lặp lại", "The component stands twice"))
        seen.add(entry["component"])
    errors += [
        field_error("components", f"Thiếu thành phần: {entry['name_vi']}", f"Missing: {entry['name_en']}")
        for entry in procedure["components"]
        if entry["mandatory"] and entry["component"] not in seen
    ]
    if errors:
        raise problems.invalid(*errors)


def _component_fault(number: int, vi: str, en: str) -> FieldError:
    return field_error(f"components.{number}.component", vi, en)


def check_pickup(pickup: str, delivery: Row | None, procedure: Row) -> None:
    """An address is asked for delivery by post, and only for it. Raises Problem 422."""
    if pickup not in procedure["pickups"]:
        raise problems.invalid(
            field_error("pickup", "Thủ tục không trả kết quả theo cách này", "Not offered for this procedure")
        )
    if pickup == "post" and delivery is None:
        raise problems.invalid(field_error("delivery", "Cần địa chỉ nhận", "An address is needed"))
    if pickup != "post" and delivery is not None:
        raise problems.invalid(
            field_error("delivery", "Chỉ cần địa chỉ khi nhận qua bưu chính", "Only delivery by post needs an address")
        )


@rule("X-27", title="Quy tắc công nhận theo ngày nộp", cites="CV 252/UBND-HCC §1")
def recognition_rule(on: date) -> str:
    """Name of the recognition rule set for dossiers filed on that local day."""
    return next(name for since, name in _RECOGNITION if since is None or on >= since)


@rule("X-27", title="Cố định thủ tục, quy trình, phí, lịch làm việc khi nộp", cites="QĐ 08/2025/QĐ-UBND Đ25.1d")
@rule("CA-20", title="Hồ sơ đang giải quyết theo phiên bản khi nộp", cites="QĐ 08/2025/QĐ-UBND Đ25.1d")
def fix_versions(procedure: Row, unit: str, calendar: WorkingCalendar, on: date) -> dict[str, Any]:
    """What holds for a dossier whatever the catalogue becomes: copied, not referred to."""
    workflow = procedure["workflow"]
    return {
        "procedure": procedure["code"],
        "procedure_version": procedure["version"],
        "name_vi": procedure["name_vi"],
        "name_en": procedure["name_en"],
        "sets": procedure["sets"],
        "components": [dict(entry) for entry in procedure["components"]],
        "workflow": {
            "version": workflow["version"],
            "steps": [{**step, "unit": step.get("unit") or unit} for step in workflow["steps"]],
        },
        "limit": dict(procedure["limit"]),
        "clock_policy": procedure["clock_policy"],
        "fee": {**procedure["fee"], "items": [dict(item) for item in procedure["fee"]["items"]]},
        "calendar": {"id": calendar.id, "version": calendar.version},
        "rules_on": on.isoformat(),
        "recognition_rule": recognition_rule(on),
    }


def new_dossier(
    code: str,
    *,
    procedure: Row,
    unit: Row,
    desk: Row,
    calendar: WorkingCalendar,
    owner: str,
    filer: str,
    by: str,
    verified: bool,
    mode: str,
    components: Sequence[Row],
    pickup: str,
    sealed_delivery: dict[str, str] | None,
    now: datetime,
    filed_as: FiledAs = FiledAs.SELF,
    authorisation: Row | None = None,
) -> dict[str, Any]:
    """The document of a dossier filed now. `by` is the account, `owner` and `filer` person ids; `authorisation` the
    file that authorises the filer, with its hash."""
    first = intake_clock.open_round(calendar, now)
    dossier: dict[str, Any] = {
        "_id": code,
        "state": move(None, Command.FILE).target.value,
        "dossier_version": 1,
        "procedure": procedure["code"],
        "unit": unit["_id"],
        "unit_name": unit["name_vi"],
        "unit_tax_number": unit["tax_number"],
        "centre": unit["centre"],
        "desk": desk["_id"],
        "desk_name": desk["name_vi"],
        "fixed": fix_versions(procedure, unit["_id"], calendar, local_date(now)),
        "owner": owner,
        "filer": filer,
        "filed_as": filed_as.value,
        "authorisation": None if authorisation is None else dict(authorisation),
        "number_verified": verified,
        "mode": mode,
        "filed_at": now,
        "intake_due": first["due"],
        "intake_rounds": [first],
        "versions": [amendments.first_version(components, by=by, at=now)],
        "slips": [],
        "paper_asked": [],
        "pickup": pickup,
        "delivery": sealed_delivery,
        "accepted": None,
        "refused": None,
        "withdrawn": None,
        "returned": None,
        "receipt": None,
    }
    first_version = dossier["versions"][0]
    first_version["submission"] = submission.submission(dossier, first_version, confirmed=True)
    return dossier
