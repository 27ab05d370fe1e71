"""What an applicant declares with every version of a dossier, as a digest that he is held to (SE-08). Pure.

The digest is the SHA-256 of the canonical JSON (sorted keys, no spaces, UTF-8) of `content`: everybody who may read the
versions of a dossier can compute it again, and the event that is in the ledger keeps it. Where a result is sent is not
declared, and is not in it: an address could be guessed from a digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from services.common.rules import rule

_CITES = "QĐ 08/2025/QĐ-UBND Đ26.2a"
#: The statements that were ever shown, by the name that stands in a version.
STATEMENTS = {
    "2024": (
        "Tôi xin cam đoan những nội dung kê khai là đúng sự thật và chịu trách nhiệm trước pháp luật về nội dung đã "
        "kê khai.",
        "I declare that what I have stated is true, and answer for it before the law.",
    )
}
STATEMENT = "2024"


def content(dossier: Mapping[str, Any], version: Mapping[str, Any]) -> dict[str, Any]:
    """What one version of a dossier declares: for whom, what is applied for, where, and the bytes of every paper."""
    return {
        "components": [{"component": entry["component"], "sha256": entry["sha256"]} for entry in version["components"]],
        "desk": dossier["desk"],
        "dossier_version": version["dossier_version"],
        "filed_as": dossier["filed_as"],
        "owner": dossier["owner"],
        "pickup": dossier["pickup"],
        "procedure": dossier["procedure"],
        "procedure_version": dossier["fixed"]["procedure_version"],
        "unit": dossier["unit"],
    }


@rule("SE-08", title="Lưu lời cam đoan cùng mã băm của nội dung đã nộp", cites=_CITES)
def submission(dossier: Mapping[str, Any], version: Mapping[str, Any], *, confirmed: bool) -> dict[str, Any]:
    """The digest of a version with the statement under it, None where none was asked for.

    `owner` stays as it was declared, also when an account turns out to be another person's (the digest is over it).
    """
    text = json.dumps(content(dossier, version), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return {
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "owner": dossier["owner"],
        "statement": STATEMENT if confirmed else None,
    }


def shown(kept: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """As the reader of a version sees it; None for what was filed before this was kept."""
    if kept is None:
        return None
    vi, en = STATEMENTS[kept["statement"]] if kept["statement"] else (None, None)
    return {**kept, "statement_vi": vi, "statement_en": en}
