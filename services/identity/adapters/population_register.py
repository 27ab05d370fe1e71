"""The register behind the population simulator: the rehearsal's cast and a synthetic province of 100,000 people.

Nobody here exists. Synthetic person number n is the same in every run and worked out when asked for, so a test or a
load driver can be anyone of them without asking, and a register of any size costs no memory.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path

from services.identity.names import same_name

SYNTHETIC = 100_000
#: Below are the people whom tests and drivers play: all of their data are there. Of the others some lack a date.
COMPLETE = 10_000
_WITHOUT_ISSUE_DATE = 53  # every so many of the others

# In so many of a thousand, about as families are in the country; Tôn Thất and Tôn Nữ are Huế's own.
_FAMILY = (
    ("Nguyễn", 345), ("Trần", 120), ("Lê", 105), ("Phạm", 60), ("Hoàng", 50), ("Phan", 50), ("Võ", 45), ("Hồ", 45),
    ("Đặng", 35), ("Bùi", 25), ("Đỗ", 20), ("Ngô", 20), ("Dương", 15), ("Trương", 15), ("Huỳnh", 10), ("Lý", 10),
    ("Cao", 8), ("Mai", 7), ("Tôn", 10), ("Đoàn", 5),
)  # fmt: skip
_MIDDLE = {
    "male": ("Văn", "Văn", "Văn", "Đức", "Hữu", "Quang", "Minh", "Công", "Viết", "Thanh", "Xuân", "Quốc"),
    "female": ("Thị", "Thị", "Thị", "Thị Ngọc", "Thị Kim", "Ngọc", "Thanh", "Thu", "Kim", "Diệu", "Thị Mỹ", "Hoài"),
}
_GIVEN = {
    "male": ("Anh", "Bảo", "Cường", "Dũng", "Hải", "Khang", "Lâm", "Nam", "Phúc", "Sơn", "Tuấn", "Hòa", "Huy", "Khoẻ",
             "Long", "Nghĩa", "Phước", "Quý", "Thắng", "Trí", "Vinh", "Đạt", "Hiếu", "Toàn"),
    "female": ("Ánh", "Bích", "Diệp", "Giang", "Hoà", "Hương", "Lan", "Mai", "Nhung", "Thuý", "Yến", "Châu", "Hạnh",
               "Hằng", "Liên", "Loan", "Ngân", "Nhi", "Oanh", "Phượng", "Quỳnh", "Thảo", "Trang", "Vy"),
}  # fmt: skip
# Place of birth registration (NĐ 137/2015 Đ13): most here, some elsewhere in the country.
_PLACES = (("046", 850), ("045", 40), ("048", 30), ("049", 20), ("044", 20), ("001", 15), ("079", 15), ("040", 10))
#: Where people live: identifiers of communes. Below level 1 (H57) they are invented, as everywhere in the rehearsal.
COMMUNES = ("000.05.07.H57", "000.05.08.H57", "000.05.09.H57", "000.05.10.H57")

_RANDOM = 1_000_000  # what the last six digits of a number can be
_STEP, _FIRST = 7919, 104_729
_BACK = pow(_STEP, -1, _RANDOM)
_BORN_FROM, _BORN_DAYS = date(1935, 1, 1), 25_500  # up to 2004: all are of age in the rehearsal


@dataclass(frozen=True, slots=True)
class Entry:
    """One person as the population database holds it; `unit` is the commune of residence."""

    id_number: str
    full_name: str
    birth_date: date
    sex: str
    issue_date: date | None
    phone: str
    unit: str


def synthetic(n: int) -> Entry:
    """Person number n of the synthetic people, 0 ≤ n < 1,000,000, with a number and a phone that nobody else has."""
    sex = "female" if n % 2 else "male"
    birth = _BORN_FROM + timedelta(days=_mixed(n, 1) % _BORN_DAYS)
    century = 2 * (birth.year // 100 - 19) + (sex == "female")
    number = f"{_weighted(_PLACES, n, 2)}{century}{birth.year % 100:02d}{(n * _STEP + _FIRST) % _RANDOM:06d}"
    issued: date | None = date(2021, 1, 4) + timedelta(days=_mixed(n, 3) % 900)
    if n >= COMPLETE and n % _WITHOUT_ISSUE_DATE == 0:
        issued = None
    return Entry(number, _name(n, sex), birth, sex, issued, f"0977{n:06d}", COMMUNES[_mixed(n, 7) % len(COMMUNES)])


def _name(n: int, sex: str) -> str:
    family = _weighted(_FAMILY, n, 4)
    given = _GIVEN[sex]
    middle: tuple[str, ...] = _MIDDLE[sex]
    if family == "Tôn":
        family = "Tôn Nữ" if sex == "female" else "Tôn Thất"
        middle = tuple(word for word in middle if not word.startswith("Thị"))
    return f"{family} {middle[_mixed(n, 5) % len(middle)]} {given[_mixed(n, 6) % len(given)]}"


def _mixed(n: int, salt: int) -> int:
    """A number that looks drawn at random, always the same for n and salt (the finish of splitmix64)."""
    mask = (1 << 64) - 1
    value = (n * 0x9E3779B97F4A7C15 + salt * 0xBF58476D1CE4E5B9) & mask
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
    return value ^ (value >> 31)


def _weighted(table: tuple[tuple[str, int], ...], n: int, salt: int) -> str:
    sums = list(accumulate(weight for _, weight in table))
    drawn = _mixed(n, salt) % sums[-1]
    return next(word for (word, _), upto in zip(table, sums, strict=True) if drawn < upto)


class Register:
    """People by personal number: those of the seed file, and `size` synthetic ones."""

    def __init__(self, seed: Path | None, size: int = SYNTHETIC) -> None:
        if not 0 <= size <= _RANDOM:
            raise ValueError(f"a register has 0 to {_RANDOM} synthetic people")
        self._size = size
        rows = json.loads(seed.read_text(encoding="utf-8"))["people"] if seed is not None else []
        self._people = {
            row["id_number"]: Entry(
                row["id_number"],
                row["full_name"],
                date.fromisoformat(row["birth_date"]),
                row["sex"],
                date.fromisoformat(row["issue_date"]) if row["issue_date"] else None,
                row["phone"],
                COMMUNES[0],
            )
            for row in rows
        }

    def __len__(self) -> int:
        return len(self._people) + self._size

    def find(self, id_number: str) -> Entry | None:
        """The person of a number, or None."""
        known = self._people.get(id_number)
        if known is not None or not (len(id_number) == 12 and id_number.isascii() and id_number.isdigit()):
            return known
        n = (int(id_number[6:]) - _FIRST) * _BACK % _RANDOM
        if n >= self._size:
            return None
        entry = synthetic(n)
        return entry if entry.id_number == id_number else None

    def judge(self, id_number: str, full_name: str, birth_date: str, issued: str | None) -> tuple[str, Entry | None]:
        """MATCH with the entry, NO_MATCH or NOT_FOUND. The issue date counts where both sides give one."""
        entry = self.find(id_number)
        if entry is None:
            return "NOT_FOUND", None
        same = same_name(entry.full_name, full_name) and entry.birth_date.isoformat() == birth_date
        if issued is not None and entry.issue_date is not None:
            same = same and entry.issue_date.isoformat() == issued
        return ("MATCH", entry) if same else ("NO_MATCH", None)
