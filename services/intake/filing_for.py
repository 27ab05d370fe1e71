"""Filing in somebody else's name: help, authorisation, at the desk, at the post office. Pure.

Whoever owns the dossier is settled by three data (DF-03), never by who typed them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common import problems
from services.common.filed_as import FiledAs
from services.common.problems import Problem, field_error
from services.common.rules import rule

_ID23 = "QĐ 08/2025/QĐ-UBND Đ7.3"
_DF = "CV 2658/UBND-CNTT §3"


@rule("DF-02", title="Ba thông tin của chủ hồ sơ: họ tên, ngày sinh, số CCCD/CMND", cites=_DF)
def for_whom(data: Mapping[str, Any]) -> tuple[FiledAs, str | None]:
    """How a citizen files, and the field that names the owner, None for herself. Raises Problem 422."""
    if data["beneficiary"] is not None and data["authorisation"] is not None:
        raise problems.invalid(
            field_error(
                "authorisation",
                "Hãy chọn một: nộp hộ hoặc nộp theo ủy quyền",
                "Either help somebody or act under an authorisation",
                "DF-02",
            ),
            citation=_DF,
        )
    if data["authorisation"] is not None:
        return FiledAs.AUTHORISED, "authorisation"
    return (FiledAs.HELP, "beneficiary") if data["beneficiary"] is not None else (FiledAs.SELF, None)


@rule("ID-23", title="Nộp theo ủy quyền phải có văn bản ủy quyền", cites=_ID23)
def need_paper(authorisation: Mapping[str, Any]) -> str:
    """The file of the authorisation. Raises Problem 422 where there is none."""
    if authorisation["file_id"] is None:
        raise problems.invalid(
            field_error(
                "authorisation.file_id",
                "Phải gửi kèm văn bản ủy quyền",
                "The paper that authorises you is needed",
                "ID-23",
            ),
            citation=_ID23,
        )
    return str(authorisation["file_id"])


@rule("DF-01", title="Nộp hộ bằng tài khoản cá nhân của chính người nộp hộ", cites=_DF)
def refuse_oneself(owner: str, filer: str, field: str) -> None:
    """Refuse somebody who would file for himself as for another. Raises Problem 422."""
    if owner == filer:
        raise problems.invalid(
            field_error(
                f"{field}.id_number",
                "Đây là số của chính bạn: hãy nộp cho bản thân",
                "This number is your own: file for yourself",
                "DF-01",
            ),
            citation=_DF,
        )


def named(problem: Problem, field: str) -> Problem:
    """Identity's refusal of somebody's data, with the fields as this command calls them."""
    told = problem.to_dict()
    told["errors"] = [{**error, "field": f"{field}.{error['field']}"} for error in problem.errors]
    return Problem.from_dict(told)
