"""In whose name a dossier was filed, and what whoever filed it may do with it afterwards.

The owner of a dossier may always do everything that an applicant may. This table is about the other one: a helper
lends a hand (đăng ký hộ, CV 2658 §3), an authorised person acts for the owner (ủy quyền, QĐ 08/2025 Đ7.3), an officer
or the post only types in. Intake, processing and payment judge by the same rows.
"""

from __future__ import annotations

from enum import StrEnum

from services.common.rules import rule


class FiledAs(StrEnum):
    """Who filed, seen from the owner."""

    SELF = "self"
    HELP = "help"
    AUTHORISED = "authorised"
    DESK = "desk"
    POST = "post"


class Right(StrEnum):
    """What an applicant may do with a dossier."""

    READ = "read"
    AMEND = "amend"
    PAY = "pay"
    WITHDRAW = "withdraw"
    #: Receipt, result and every file of the dossier; a helper opens what he sent himself, and the slips.
    PAPERS = "papers"


_HELP = frozenset({Right.READ, Right.AMEND, Right.PAY})
_RIGHTS: dict[FiledAs, frozenset[Right]] = {
    FiledAs.SELF: frozenset(),  # the filer is the owner
    FiledAs.HELP: _HELP,
    FiledAs.AUTHORISED: _HELP | {Right.WITHDRAW, Right.PAPERS},
    FiledAs.DESK: frozenset(),  # officers act by their grants, never as applicants
    FiledAs.POST: frozenset(),
}


@rule("DF-03", title="Hồ sơ và kết quả thuộc về chủ hồ sơ, người nộp hộ chỉ theo dõi, bổ sung và nộp tiền",
      cites="CV 2658/UBND-CNTT §3")  # fmt: skip
@rule("ID-23", title="Người được ủy quyền làm được mọi việc của người nộp, tài khoản vẫn là của bên ủy quyền",
      cites="QĐ 08/2025/QĐ-UBND Đ7.3")  # fmt: skip
def filer_may(filed_as: str, right: Right) -> bool:
    """Whether the filer of a dossier, who is not its owner, may do this."""
    return right in _RIGHTS[FiledAs(filed_as)]
