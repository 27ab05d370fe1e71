"""The business register behind the population simulator: synthetic organisations, every tenth with a branch.

None of them exists. Organisation number n is the same in every run and worked out when asked for; its representative
is a synthetic person of population_register.
"""

from __future__ import annotations

from dataclasses import dataclass

from stdnum.vn import mst

from services.identity.adapters.population_register import COMMUNES, Entry, synthetic
from services.identity.names import same_name
from services.identity.organisations import same_organisation

ORGANISATIONS = 2_000
_WITH_BRANCH = 10  # every so many have one, -001, with a representative of its own
_PROVINCE = "33"  # tax numbers of the province begin so
_REPRESENTATIVES, _OF_BRANCHES = 8_000, 10_000  # numbers of the synthetic people who represent them
_FORMS = ("Công ty TNHH", "Công ty Cổ phần", "Hợp tác xã", "Doanh nghiệp tư nhân")
_TRADES = ("Xây dựng", "Thương mại", "Du lịch", "Thủy sản", "Dệt may", "Vận tải", "Nông sản", "Cơ khí")
_PLACES = ("Hương Giang", "Phú Xuân", "Tam Giang", "Ngự Bình", "Quảng Thái", "Bạch Mã", "Lăng Cô", "Thuận Hóa")


@dataclass(frozen=True, slots=True)
class Organisation:
    """One organisation as the business register holds it; `unit` is the commune of its seat."""

    tax_number: str
    name: str
    representative: Entry
    unit: str


def synthetic_organisation(n: int, *, branch: bool = False) -> Organisation:
    """Organisation number n, 0 ≤ n < 999,999, or its branch."""
    form, trade, place = _FORMS[n % 4], _TRADES[n // 4 % 8], _PLACES[n // 32 % 8]
    name = f"{form} {trade} {place} {n + 1}"
    number, unit = _tax_number(n), COMMUNES[n % len(COMMUNES)]
    if branch:
        return Organisation(f"{number}-001", f"Chi nhánh {name}", synthetic(_OF_BRANCHES + n), unit)
    return Organisation(number, name, synthetic(_REPRESENTATIVES + n), unit)


def has_branch(n: int) -> bool:
    """Whether organisation number n has one."""
    return n % _WITH_BRANCH == 0


def _tax_number(n: int) -> str:
    """No number has the check digit 10: one of two neighbours always has another (weight 3 of the last digit)."""
    bases = (f"{_PROVINCE}{n + 1:06d}{last}" for last in range(2))
    base = next(base for base in bases if len(mst.calc_check_digit(base)) == 1)
    return f"{base}{mst.calc_check_digit(base)}"


def find(tax_number: str, size: int = ORGANISATIONS) -> Organisation | None:
    """The organisation of a number in its written form, or None."""
    digits = tax_number[2:8]
    if not (len(digits) == 6 and digits.isascii() and digits.isdigit()) or not 1 <= int(digits) <= size:
        return None
    n = int(digits) - 1
    for branch in (False, True) if has_branch(n) else (False,):
        known = synthetic_organisation(n, branch=branch)
        if known.tax_number == tax_number:
            return known
    return None


def judge(
    tax_number: str, name: str, id_number: str, full_name: str, birth_date: str
) -> tuple[str, Organisation | None]:
    """MATCH with the organisation, NO_MATCH or NOT_FOUND."""
    known = find(tax_number)
    if known is None:
        return "NOT_FOUND", None
    who = known.representative
    same = (
        same_organisation(known.name, name)
        and who.id_number == id_number
        and same_name(who.full_name, full_name)
        and who.birth_date.isoformat() == birth_date
    )
    return ("MATCH", known) if same else ("NO_MATCH", None)
