"""Data that a person digitised and signed (QĐ 08/2025 Đ8.2e): judged before they come into the store. Pure.

accepted  the owner alone signed validly: a holding of kind e
held      the signature cannot be determined yet (X-22): kept apart, judged again when signing has another verdict
refused   everything else, with the reason; nothing is kept of what is refused at once

A decision needs the report of these bytes and the answer of identity; how they are asked for is `owning.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.common import expected_signer, problems
from services.common.expected_signer import Signing
from services.common.problems import Problem
from services.common.rules import rule

KIND = "e"
_CITES = "QĐ 08/2025/QĐ-UBND Đ8.2e"


class State(StrEnum):
    """Where data of one's own stand."""

    HELD = "HELD"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"


@rule("SG-08", title="Không ký, ký sai người hoặc chữ ký không hợp lệ thì không vào kho", cites=_CITES)
@rule("X-22", title="Chữ ký chưa xác định: giữ lại, chưa vào kho", cites=_CITES)
def state_of(signing: Signing) -> State:
    """What becomes of data under such a signature."""
    if signing is Signing.BY_OWNER:
        return State.ACCEPTED
    return State.HELD if signing is Signing.INDETERMINATE else State.REFUSED


def refusal(signing: Signing, report: Mapping[str, Any]) -> Problem:
    """409 that says what signing and identity said of the file."""
    vi, en = _REFUSALS[signing]
    return problems.conflict(
        vi, en, rule="SG-08", citation=_CITES,
        extra={
            "signing": signing.value,
            **{name: report[name] for name in ("verdict", "sub_indication", "reason_vi", "reason_en")
               if report.get(name) is not None},
        },
    )  # fmt: skip


_REFUSALS = {
    Signing.NO_SIGNATURE: (
        "Dữ liệu tự số hóa phải có chữ ký số của chủ dữ liệu",
        "Data of one's own must carry the owner's digital signature",
    ),
    Signing.TOTAL_FAILED: ("Chữ ký số của tệp không hợp lệ", "The signature of the file is not valid"),
    Signing.WRONG_SIGNER: (
        "Chữ ký số hợp lệ nhưng không phải của chủ dữ liệu",
        "The signature is valid, but it is not the owner's",
    ),
}


def holding_id(person_id: str, sha256: str) -> str:
    """The same bytes come into a person's store once, however often they are brought."""
    return hashlib.sha256(f"own\0{person_id}\0{sha256}".encode()).hexdigest()[:32]


@rule("KO-08", title="Kho có dữ liệu do chủ số hóa và ký số", cites=_CITES)
def holding(file: Mapping[str, Any], *, owner: str, report_id: str, terms: str, now: datetime) -> dict[str, Any]:
    """The holding that accepted data become; no dossier, agency or procedure stands behind them."""
    return {
        "_id": holding_id(owner, file["sha256"]),
        "person_id": owner,
        "kind": KIND,
        "code": None,
        "procedure": None,
        "unit": None,
        "file_id": file["_id"],
        "sha256": file["sha256"],
        "report_id": report_id,
        "terms": terms,
        "returned_at": None,
        "added_at": now,
    }


def held_id(file_id: str) -> str:
    """Not the file's own: what is told of an aggregate is numbered by its id, and the file tells of itself."""
    return hashlib.sha256(f"held\0{file_id}".encode()).hexdigest()[:32]


def held(file: Mapping[str, Any], *, owner: str, report_id: str, terms: str, now: datetime) -> dict[str, Any]:
    """What is kept of data that wait for a verdict."""
    return {
        "_id": held_id(file["_id"]),
        "file_id": file["_id"],
        "person_id": owner,
        "sha256": file["sha256"],
        "state": State.HELD.value,
        "signing": Signing.INDETERMINATE.value,
        "report_id": report_id,
        "terms": terms,
        "holding_id": None,
        "asked_at": now,
        "decided_at": None,
    }


def signing_of(report: Mapping[str, Any], sha256: str, holders: Any, owner: str) -> Signing:
    """Whose signature the file carries; a report about other bytes decides nothing."""
    if report.get("sha256") != sha256:
        return Signing.INDETERMINATE
    return expected_signer.own(report, holders, owner)
