"""A person's electronic store: what lies in it and how it came there. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from services.common.rules import rule

#: Kinds of QĐ 08/2025 Đ8.2; only results come in by themselves so far.
RESULT = "b"


def holding_id(code: str, sha256: str) -> str:
    """One dossier's result is one holding, however often it is announced."""
    return hashlib.sha256(f"holding\0{code}\0{sha256}".encode()).hexdigest()[:32]


@rule(
    "RT-04",
    title="Kết quả đã ký số mặc định trả trực tuyến vào kho của chủ hồ sơ, dù chọn cách nhận nào",
    cites="CV 2658/UBND-CNTT §6",
)
@rule("KO-04", title="Kho dữ liệu có kết quả giải quyết TTHC", cites="QĐ 08/2025/QĐ-UBND Đ8.2b")
def result_holding(returned: dict[str, Any], *, owner: str, now: datetime) -> dict[str, Any]:
    """The holding that a returned dossier adds to its owner's store; how the owner wished to collect is no matter."""
    result = returned["result"]
    return {
        "_id": holding_id(returned["code"], result["sha256"]),
        "person_id": owner,
        "kind": RESULT,
        "code": returned["code"],
        "procedure": returned["procedure"],
        "unit": returned["unit"],
        "file_id": result["file_id"],
        "sha256": result["sha256"],
        "report_id": result.get("report_id"),
        "returned_at": returned["at"],
        "added_at": now,
    }
