"""Answers, from stored documents; what each audience gets. Pure.

Anonymous: code and progress. Owner, officers of desk and agency, IOC: the dossier. Rooms: its facts (`brief`). The
address of a delivery is in none of them: only the postal room asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.common.calendar import WorkingCalendar
from services.common.expected_signer import Signing
from services.common.rules import rule
from services.common.slips import Act, Verdict
from services.intake import amendments, catalogue, guidance, intake_clock, progress, submission
from services.intake.dossier import State, commands_from

Row = Mapping[str, Any]
Verdicts = Mapping[str, Row]
NOT_ASKED: Mapping[str, Signing] = {}


@rule("X-26", title="Tra cứu không đăng nhập: chỉ mã và tiến độ", cites="TT 01/2018/TT-VPCP Đ16.2d")
def public(dossier: Row, mirror: dict[str, Any]) -> dict[str, Any]:
    """What anybody with the code may know: how far it is."""
    state = State(dossier["state"])
    code = progress.status_code(state, mirror)
    vi, en = progress.names(code)
    return {
        "code": dossier["_id"],
        "status_code": code,
        "status_vi": vi,
        "status_en": en,
        "progress_percent": progress.percent(state, mirror),
    }


def item(dossier: Row, mirror: dict[str, Any]) -> dict[str, Any]:
    """One line of the owner's list."""
    fixed = dossier["fixed"]
    return {
        **public(dossier, mirror),
        "version": dossier["version"],
        "dossier_version": dossier["dossier_version"],
        "procedure": fixed["procedure"],
        "procedure_name_vi": fixed["name_vi"],
        "procedure_name_en": fixed["name_en"],
        "unit": dossier["unit"],
        "desk": dossier["desk"],
        "filed_as": dossier["filed_as"],
        "filed_at": dossier["filed_at"],
        "appointment": _appointment(dossier, mirror),
    }


def full(
    dossier: Row, mirror: dict[str, Any], verdicts: Verdicts, *, calendar: WorkingCalendar, now: datetime, mine: bool,
    papers: bool = True, verified: bool = True, signings: Mapping[str, Signing] = NOT_ASKED,
) -> dict[str, Any]:  # fmt: skip
    """The dossier as its owner and its officers see it; without `papers` as a helper does, who gets neither receipt nor
    result. Without `verified` nothing says whether its owner has an account (X-23)."""
    fixed, current = dossier["fixed"], dossier["intake_rounds"][-1]
    accepted, returned = dossier["accepted"] or {}, dossier["returned"] or {}
    state = State(dossier["state"])
    waits = state is State.REGISTERED
    return {
        **item(dossier, mirror),
        "status": state.value,
        "procedure_version": fixed["procedure_version"],
        "unit_name": dossier["unit_name"],
        "desk_name": dossier["desk_name"],
        "mode": dossier["mode"],
        "number_verified": dossier["number_verified"] if verified else None,
        "owner_is_me": mine,
        "authorisation": _authorisation(dossier, verdicts),
        "intake_due": dossier["intake_due"],
        "intake_answered_at": current["answered_at"],
        "intake_late": intake_clock.is_late(current["due"], now) if waits else bool(current["late"]),
        "minutes_left": intake_clock.minutes_left(calendar, current["due"], now) if waits else None,
        "components": components(dossier, mirror, verdicts, signings),
        "slips": slips(dossier, mirror, verdicts),
        "guidance_blocked": Act.GUIDANCE in progress.blocked_acts(mirror),
        "paper_asked": dossier["paper_asked"],
        "pickup": dossier["pickup"],
        "fee": fixed["fee"],
        "fee_owed": progress.owed(mirror),
        "limit": fixed["limit"],
        "accepted_at": accepted.get("at"),
        "appointment_explained": accepted.get("explained"),
        "refused": dossier["refused"],
        "withdrawn_at": (dossier["withdrawn"] or {}).get("at"),
        "returned_at": returned.get("at"),
        "receipt_file_id": (dossier["receipt"] or {}).get("file_id") if papers else None,
        "result": returned.get("result") if papers else None,
        "allowed": [command.value for command in commands_from(state)],
    }


def _authorisation(dossier: Row, verdicts: Verdicts) -> dict[str, Any] | None:
    paper = dossier["authorisation"]
    if paper is None:
        return None
    verdict = verdicts.get(paper["file_id"], {})
    return {**paper, "verdict": verdict.get("verdict"), "report_id": verdict.get("report_id")}


def components(
    dossier: Row, mirror: Row, verdicts: Verdicts, signings: Mapping[str, Signing] = NOT_ASKED
) -> list[dict[str, Any]]:
    """The present set of components with verdicts and whose signatures they carry, as far as that is known, and whether
    an open slip asks for them."""
    known = {entry["component"]: entry for entry in dossier["fixed"]["components"]}
    asked = requested(dossier, mirror)
    rows = []
    for entry in dossier["versions"][-1]["components"]:
        meant = known[entry["component"]]
        verdict = verdicts.get(entry["file_id"], {})
        signing = signings.get(entry["file_id"])
        vi, en = signing.text if signing else _not_compared(verdict.get("verdict"))
        rows.append(
            {
                "component": entry["component"],
                "name": meant["name_vi"],
                "name_en": meant["name_en"],
                "phai_ky_so": meant["phai_ky_so"],
                "file_id": entry["file_id"],
                "sha256": entry["sha256"],
                "verdict": verdict.get("verdict"),
                "report_id": verdict.get("report_id"),
                "signing": signing and signing.value,
                "signing_vi": vi,
                "signing_en": en,
                "requested": entry["component"] in asked,
            }
        )
    return rows


def _not_compared(verdict: str | None) -> tuple[str | None, str | None]:
    """What is said of a valid signature whose signer was not compared: "valid" alone would be read as "settled"."""
    if verdict != Verdict.TOTAL_PASSED:
        return None, None
    return (
        "Chữ ký số hợp lệ nhưng chưa đối chiếu người ký: mở hồ sơ để xem.",
        "The signature is valid, whose it is has not been compared: open the dossier.",
    )


def requested(dossier: Row, mirror: Row) -> frozenset[str]:
    """Components that the open guidance, or the open supplement request, asks for."""
    if dossier["state"] == State.GUIDED:
        slip = guidance.open_slip(dossier["slips"])
        return frozenset(slip["components"]) if slip else frozenset()
    open_requests = (slip for slip in mirror["supplements"] if slip["slip_id"] == mirror["waiting"])
    return frozenset(component for slip in open_requests for component in slip["components"])


def slips(dossier: Row, mirror: Row, verdicts: Verdicts) -> list[dict[str, Any]]:
    """All slips of the dossier in order of time; the text of a supplement request is processing's."""
    own = [slip(row, verdicts) for row in dossier["slips"]]
    theirs = [
        {
            "slip_id": row["slip_id"],
            "act": "supplement",
            "round": row["round"],
            "text": None,
            "components": row["components"],
            "failure_statement": None,
            "file_id": row["file_id"],
            "verdict": verdicts.get(row["file_id"] or "", {}).get("verdict"),
            "at": row["at"],
            "answered": row["slip_id"] != mirror["waiting"],
        }
        for row in mirror["supplements"]
    ]
    return own + theirs


def slip(row: Row, verdicts: Verdicts) -> dict[str, Any]:
    """One guidance."""
    return {
        **{name: row[name] for name in ("slip_id", "act", "round", "text", "components", "failure_statement")},
        "file_id": row["file_id"],
        "verdict": verdicts.get(row["file_id"] or "", {}).get("verdict"),
        "at": row["at"],
        "answered": row["answered_by_version"] is not None,
    }


@rule("MO-01", title="Nội dung, thành phần, file hướng dẫn và chữ ký của phiếu", cites="CV 252/UBND-HCC §2.1")
def slip_detail(
    dossier: Row, slip_id: str, verdicts: Verdicts, *, to_room: bool, seals: Sequence[str] = ()
) -> dict[str, Any]:
    """A guidance with the former ones, as its reviewer reads it; the author's person id, and who else may sign it, are
    told to rooms only."""
    position = next(n for n, row in enumerate(dossier["slips"]) if row["slip_id"] == slip_id)
    row = dossier["slips"][position]
    return {
        **slip(row, verdicts),
        "code": dossier["_id"],
        "unit": dossier["unit"],
        "desk": dossier["desk"],
        "centre": dossier["centre"],
        "officer": row["officer"],
        **(
            {"officer_person": row.get("officer_person", ""), "units": [dossier["desk"]], "seals": seals}
            if to_room
            else {}
        ),
        "file_sha256": row["file_sha256"],
        "dossier_version": row["dossier_version"],
        "component_names": {key: vi for key, (vi, _) in catalogue.component_names(dossier["fixed"]).items()},
        "former": [slip(former, verdicts) for former in dossier["slips"][:position]],
    }


def queue_item(
    dossier: Row, verdicts: Verdicts, signings: Mapping[str, Signing], *, calendar: WorkingCalendar, now: datetime
) -> dict[str, Any]:
    """One line of the desk's queue."""
    fixed = dossier["fixed"]
    return {
        "code": dossier["_id"],
        "version": dossier["version"],
        "dossier_version": dossier["dossier_version"],
        "procedure": fixed["procedure"],
        "procedure_name_vi": fixed["name_vi"],
        "procedure_name_en": fixed["name_en"],
        "filed_at": dossier["filed_at"],
        "intake_due": dossier["intake_due"],
        "minutes_left": intake_clock.minutes_left(calendar, dossier["intake_due"], now),
        "late": intake_clock.is_late(dossier["intake_due"], now),
        "guidance_rounds": len(dossier["slips"]),
        "components": components(dossier, progress.empty(dossier["_id"]), verdicts, signings),
    }


def history(dossier: Row) -> dict[str, Any]:
    """The citizen's update log, and the desk's rounds beside it."""
    names = catalogue.component_names(dossier["fixed"])
    return {
        "code": dossier["_id"],
        "items": amendments.update_log(dossier["versions"], names),
        "desk_rounds": dossier["intake_rounds"],
    }


def versions(dossier: Row) -> dict[str, Any]:
    """Every version with its whole set of components, oldest first."""
    names = catalogue.component_names(dossier["fixed"])
    return {
        "code": dossier["_id"],
        "items": [
            {
                **row,
                "submission": submission.shown(row["submission"]),
                "components": [{**entry, "name": names[entry["component"]][0]} for entry in row["components"]],
            }
            for row in dossier["versions"]
        ],
    }


def brief(dossier: Row, mirror: dict[str, Any], verdicts: Verdicts) -> dict[str, Any]:
    """The facts of a dossier for other rooms."""
    fixed = dossier["fixed"]
    same = (
        "unit_name", "unit_tax_number", "centre", "desk_name", "mode", "owner", "filer", "filed_as", "number_verified",
        "pickup",
    )  # fmt: skip
    return {
        **item(dossier, mirror),
        **{name: dossier[name] for name in same},
        "status": dossier["state"],
        "procedure_version": fixed["procedure_version"],
        "accepted_at": (dossier["accepted"] or {}).get("at"),
        "returned_at": (dossier["returned"] or {}).get("at"),
        "fee": fixed["fee"],
        "rules_on": fixed["rules_on"],
        "recognition_rule": fixed["recognition_rule"],
        "components": components(dossier, mirror, verdicts),
    }


def files_of(dossier: Row, mirror: Row) -> set[str]:
    """Every file that belongs to the dossier and may be opened with it; a result only once it was returned."""
    returned = dossier["returned"] or {}
    single = [
        (dossier["receipt"] or {}).get("file_id"),
        (dossier["refused"] or {}).get("file_id"),
        (dossier["authorisation"] or {}).get("file_id"),
        (returned.get("result") or {}).get("file_id"),
    ]
    named = {file_id for file_id in single if file_id}
    return named | amendments.all_files(dossier["versions"]) | slip_files(dossier, mirror)


def slip_files(dossier: Row, mirror: Row) -> set[str]:
    """Files of guidance and supplement requests, which are what IOC reviews."""
    given = {row["file_id"] for row in dossier["slips"] if row["file_id"]}
    return given | set(progress.supplement_files(mirror))


def procedure_item(row: Row) -> dict[str, Any]:
    """One line of the catalogue."""
    vi, en = catalogue.limit_text(row["limit"])
    return {**row, "limit_vi": vi, "limit_en": en}


def procedure(row: Row, units: Sequence[Row], desks: Sequence[Row]) -> dict[str, Any]:
    """A procedure with where it is handled and where it may be filed."""
    return {
        **procedure_item(row),
        "units": [{"unit": unit["_id"], "name_vi": unit["name_vi"], "name_en": unit["name_en"]} for unit in units],
        "desks": [{"desk": desk["_id"], "name_vi": desk["name_vi"], "name_en": desk["name_en"]} for desk in desks],
    }


def _appointment(dossier: Row, mirror: dict[str, Any]) -> datetime | None:
    return progress.appointment((dossier["accepted"] or {}).get("appointment"), mirror)
