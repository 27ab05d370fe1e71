"""What each event says, from the dossier as it stands after its transition. Ids, codes and hashes only. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.intake.guidance import text_hash

Row = Mapping[str, Any]


def _common(dossier: Row) -> dict[str, Any]:
    return {
        "code": dossier["_id"],
        "owner": dossier["owner"],
        "filer": dossier["filer"],
        "filed_as": dossier["filed_as"],
        "unit": dossier["unit"],
        "desk": dossier["desk"],
        "procedure": dossier["procedure"],
    }


def filed(dossier: Row) -> dict[str, Any]:
    """dossier.filed"""
    fixed = dossier["fixed"]
    must_sign = {entry["component"]: entry["phai_ky_so"] for entry in fixed["components"]}
    return {
        **_common(dossier),
        "procedure_version": fixed["procedure_version"],
        "mode": dossier["mode"],
        "submission_sha256": dossier["versions"][-1]["submission"]["sha256"],
        "components": [
            {**_file(entry), "phai_ky_so": must_sign[entry["component"]]}
            for entry in dossier["versions"][-1]["components"]
        ],
        "pickup": dossier["pickup"],
        "filed_at": dossier["filed_at"],
        "intake_due": dossier["intake_due"],
        "fee": fixed["fee"],
        "rules_on": fixed["rules_on"],
        "recognition_rule": fixed["recognition_rule"],
    }


def guided(dossier: Row, verdict: str | None) -> dict[str, Any]:
    """dossier.guided"""
    slip = dossier["slips"][-1]
    same = ("slip_id", "act", "round", "components", "file_id", "file_sha256", "officer", "at")
    return {
        **_common(dossier),
        **{name: slip[name] for name in same},
        "verdict": verdict,
        "text_hash": text_hash(slip["text"]),
        "has_statement": slip["failure_statement"] is not None,
        "centre": dossier["centre"],
        "late": dossier["intake_rounds"][-1]["late"],
    }


def amended(dossier: Row, given: Sequence[Row]) -> dict[str, Any]:
    """dossier.amended"""
    version = dossier["versions"][-1]
    return {
        **_common(dossier),
        "dossier_version": version["dossier_version"],
        "components": [_file(entry) for entry in given],
        "submission_sha256": version["submission"]["sha256"],
        "stage": version["stage"],
        "slip_id": version["slip_id"],
        "intake_due": dossier["intake_due"] if version["stage"] == "before_acceptance" else None,
        "at": version["at"],
    }


def accepted(dossier: Row) -> dict[str, Any]:
    """dossier.accepted"""
    fixed, accepted = dossier["fixed"], dossier["accepted"]
    return {
        **_common(dossier),
        "procedure_version": fixed["procedure_version"],
        "workflow": fixed["workflow"],
        "components": [entry["component"] for entry in fixed["components"]],
        "unit_tax_number": dossier["unit_tax_number"],
        "accepted_at": accepted["at"],
        "appointment": accepted["appointment"],
        "clock_policy": fixed["clock_policy"],
        "limit": fixed["limit"],
        "fee": fixed["fee"],
        "pickup": dossier["pickup"],
        "calendar": fixed["calendar"],
        "mode": dossier["mode"],
        "officer": accepted["officer"],
        "late": dossier["intake_rounds"][-1]["late"],
    }


def refused(dossier: Row) -> dict[str, Any]:
    """dossier.refused"""
    refusal = dossier["refused"]
    return {
        **_common(dossier),
        "reason_hash": text_hash(refusal["reason"]),
        "officer": refusal["officer"],
        "late": dossier["intake_rounds"][-1]["late"],
        "at": refusal["at"],
    }


def withdrawn(dossier: Row) -> dict[str, Any]:
    """dossier.withdrawn"""
    return {**_common(dossier), "stage": dossier["withdrawn"]["stage"], "at": dossier["withdrawn"]["at"]}


def returned(dossier: Row) -> dict[str, Any]:
    """dossier.returned"""
    end = dossier["returned"]
    return {
        **_common(dossier),
        "pickup": dossier["pickup"],
        "result": end["result"] and {name: end["result"][name] for name in ("file_id", "sha256", "report_id")},
        "officer": end["officer"],
        "at": end["at"],
    }


def paper_asked(dossier: Row) -> dict[str, Any]:
    """dossier.paper_asked"""
    asked = dossier["paper_asked"][-1]
    return {**_common(dossier), **{name: asked[name] for name in ("component", "officer", "at")}}


def _file(entry: Row) -> dict[str, Any]:
    return {name: entry[name] for name in ("component", "file_id", "sha256")}
