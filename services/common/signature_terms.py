"""The terms on digital signatures that a person accepts before a signature of his or her own counts for anything here
that the owner alone does: registering a certificate, putting own data into the store (SG-09). Pure.

The texts that were ever shown stay, by the name that is kept beside what was done under them.
"""

from __future__ import annotations

from services.common import problems
from services.common.rules import rule

_CITES = "QĐ 08/2025/QĐ-UBND Đ26.2đ"

TERMS = {
    "2024": (
        "Tôi giữ khóa bí mật và thiết bị ký an toàn, chỉ tự mình ký, báo ngay khi mất hoặc lộ khóa, và chịu trách "
        "nhiệm trước pháp luật về nội dung đã ký số.",
        "I keep my private key and signing device safe, sign in person only, report at once when a key is lost or "
        "known to others, and answer before the law for what I sign.",
    )
}
CURRENT = "2024"


@rule("SG-09", title="Phải chấp nhận điều khoản về chữ ký số; không có đường vòng", cites=_CITES)
def accepted(answer: bool) -> str:
    """The name of the terms that are accepted with a command. Raises Problem 422 where they are not."""
    if answer is not True:
        vi, en = TERMS[CURRENT]
        raise problems.invalid(
            problems.field_error(
                "terms", f"Phải chấp nhận điều khoản: {vi}", f"These terms must be accepted: {en}", "SG-09"
            ),
            citation=_CITES,
        )
    return CURRENT
