"""The register behind the population simulator: the rehearsal's cast and some thousand synthetic people.

Nobody here exists. Synthetic person number n is the same in every run, so a test or a load driver can be anyone of
them without asking.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from services.identity.names import same_name

SYNTHETIC = 5000
_FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Phan", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lý")
_MIDDLE = {"male": ("Văn", "Đức", "Hữu", "Quang", "Minh"), "female": ("Thị", "Ngọc", "Thanh", "Thu", "Kim")}
_GIVEN = {
    "male": ("Anh", "Bảo", "Cường", "Dũng", "Hải", "Khang", "Lâm", "Nam", "Phúc", "Sơn", "Tuấn"),
    "female": ("Ánh", "Bích", "Diệp", "Giang", "Hoà", "Hương", "Lan", "Mai", "Nhung", "Thuý", "Yến"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One person as the population database holds it."""

    id_number: str
    full_name: str
    birth_date: date
    sex: str
    issue_date: date | None
    phone: str


def synthetic(n: int) -> Entry:
    """Person number n of the synthetic people, 0 ≤ n < SYNTHETIC, with a phone that nobody else has."""
    sex = "female" if n % 2 else "male"
    birth = date(1950, 1, 1) + timedelta(days=(n * 733) % 19_700)
    century = 2 * (birth.year // 100 - 19) + (sex == "female")
    number = f"046{century}{birth.year % 100:02d}{(n * 7919 + 104_729) % 1_000_000:06d}"
    name = " ".join(
        (
            _FAMILY[n % len(_FAMILY)],
            _MIDDLE[sex][(n // 2) % len(_MIDDLE[sex])],
            _GIVEN[sex][(n // 7) % len(_GIVEN[sex])],
        )
    )
    issued = date(2021, 1, 4) + timedelta(days=(n * 37) % 900)
    return Entry(number, name, birth, sex, issued, f"0977{n:06d}")


class Register:
    """People by personal number."""

    def __init__(self, seed: Path | None) -> None:
        entries = [synthetic(n) for n in range(SYNTHETIC)]
        if seed is not None:
            entries += [
                Entry(
                    row["id_number"],
                    row["full_name"],
                    date.fromisoformat(row["birth_date"]),
                    row["sex"],
                    date.fromisoformat(row["issue_date"]) if row["issue_date"] else None,
                    row["phone"],
                )
                for row in json.loads(seed.read_text(encoding="utf-8"))["people"]
            ]
        self._people = {entry.id_number: entry for entry in entries}

    def __len__(self) -> int:
        return len(self._people)

    def judge(self, id_number: str, full_name: str, birth_date: str, issued: str | None) -> tuple[str, Entry | None]:
        """MATCH with the entry, NO_MATCH or NOT_FOUND. The issue date counts where both sides give one."""
        entry = self._people.get(id_number)
        if entry is None:
            return "NOT_FOUND", None
        same = same_name(entry.full_name, full_name) and entry.birth_date.isoformat() == birth_date
        if issued is not None and entry.issue_date is not None:
            same = same and entry.issue_date.isoformat() == issued
        return ("MATCH", entry) if same else ("NO_MATCH", None)
