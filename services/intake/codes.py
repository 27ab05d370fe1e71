"""Dossier codes (mã hồ sơ): `000.05.07.H57-240311-0001`.

Left the electronic identifier of the competent agency, then the local date of filing, then that agency's serial of
the day. The code is given at filing and never changes afterwards (X-21). Two digits of the year mean 2000–2099.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from services.common.calendar import local_date
from services.common.rules import rule

_PREFIX = re.compile(r"(?:(?:[0-9]{3}\.)?[0-9]{2}\.[0-9]{2}\.)?[A-Z][0-9]{2}(?:\.[0-9]{1,3})*")
_CODE = re.compile(rf"(?P<prefix>{_PREFIX.pattern})-(?P<day>[0-9]{{6}})-(?P<serial>[0-9]{{4,5}})")
#: Dashes that people and word processors type instead of the hyphen.
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
LAST_SERIAL = 99999


@dataclass(frozen=True, slots=True)
class DossierCode:
    """A valid code, in parts; `str()` gives it as printed. Raises ValueError for parts that make no code."""

    prefix: str
    day: date
    serial: int

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.prefix):
            raise ValueError("not an agency's electronic identifier")
        if not 2000 <= self.day.year <= 2099:
            raise ValueError("a code has two digits for a year of this century")
        if not 1 <= self.serial <= LAST_SERIAL:
            raise ValueError("the serial of a day runs from 1 to 99999")

    @rule(
        "X-21", title="Mã hồ sơ: cơ quan, ngày nộp, số thứ tự; sau 9999 dùng 5 chữ số", cites="TT 01/2018/TT-VPCP Đ19"
    )
    def __str__(self) -> str:
        return f"{self.prefix}-{self.day:%y%m%d}-{self.serial:04d}"


@rule("IN-15", title="Biên nhận mang mã hồ sơ", cites="NĐ 61/2018/NĐ-CP Đ17.3; QĐ 08/2025/QĐ-UBND Đ13.2")
@rule("X-21", title="Mã cấp khi nộp, theo ngày nộp của địa phương", cites="TT 01/2018/TT-VPCP Đ19")
def code_for(prefix: str, filed_at: datetime, serial: int) -> DossierCode:
    """The code of the `serial`-th dossier that the agency `prefix` got on the local day of `filed_at`."""
    return DossierCode(prefix, local_date(filed_at), serial)


@rule("X-21", title="Bộ đếm theo cơ quan và ngày", cites="TT 01/2018/TT-VPCP Đ19")
def counter_key(prefix: str, filed_at: datetime) -> str:
    """Key of the counter from which the serial is taken: one per competent agency and local day."""
    return f"{prefix}-{local_date(filed_at):%y%m%d}"


def parse(text: str) -> DossierCode:
    """Read a code exactly as printed. Raises ValueError for anything else, an impossible date or a padded serial."""
    found = _CODE.fullmatch(text)
    if found is None:
        raise ValueError("not a dossier code")
    digits = found["day"]
    day = date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    code = DossierCode(found["prefix"], day, int(found["serial"]))
    # Five digits begin after 9999: "00001" would be a second spelling of "0001".
    if str(code) != text:
        raise ValueError("not a dossier code")
    return code


def as_typed(text: str) -> DossierCode:
    """Read a code as a citizen types it: any case, spaces around or inside, other dashes. Raises ValueError."""
    return parse("".join(text.split()).upper().translate(_DASHES))
