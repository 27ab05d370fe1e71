"""The fictional cast of rehearsals: citizens, officers and agencies, used by the test authority, seeds, demo and tests.

Nobody here exists. Personal numbers follow NĐ 137/2015 Đ13 (three digits of the province, one digit for century and
sex, two of the birth year, six free), tax numbers carry a correct check digit, unit identifiers below level 1
(`H57`) are invented. Standard library only: set-up reads this file before anything is installed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Literal

Role = Literal[
    "citizen", "desk_officer", "specialist", "leader", "control_officer", "ioc", "support", "postal_officer",
    "police", "office",
]  # fmt: skip
Sex = Literal["male", "female"]


@dataclass(frozen=True, slots=True)
class Person:
    """One person. `username` is empty for citizens, who sign in with their phone; `unit` is a key of UNITS."""

    key: str
    full_name: str
    role: Role
    personal_number: str
    birth_date: date
    sex: Sex
    issue_date: date
    phone: str
    username: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """An agency or one of its desks. `identifier` is the left part of dossier codes that the unit gives out."""

    key: str
    name: str
    identifier: str
    tax_number: str
    parent: str = ""


_UNITS = (
    Unit("ubnd-quang-thai", "UBND xã Quảng Thái", "000.05.07.H57", "3300100018"),
    Unit(
        "desk-quang-thai",
        "Bộ phận Tiếp nhận và Trả kết quả UBND xã Quảng Thái",
        "000.05.07.H57",
        "3300100018",
        parent="ubnd-quang-thai",
    ),
    Unit("ubnd-a-ngo", "UBND xã A Ngo", "000.05.08.H57", "3300100025"),
    Unit("desk-a-ngo", "Bộ phận Tiếp nhận và Trả kết quả UBND xã A Ngo", "000.05.08.H57", "3300100025",
         parent="ubnd-a-ngo"),
    # Told of violations at desks of its district.
    Unit("hcc-quang-dien", "Trung tâm Phục vụ hành chính công huyện Quảng Điền", "000.00.07.H57", "3300100064"),
    Unit("ioc", "Trung tâm Giám sát, điều hành đô thị thông minh", "000.00.01.H57", "3300100032"),
    Unit("postal", "Bưu điện thành phố Huế", "000.00.30.H57", "3300100057"),
    Unit("postal-a-luoi", "Bưu điện huyện A Lưới", "000.00.31.H57", "3300100089"),
    Unit("office", "Văn phòng Ủy ban nhân dân thành phố Huế", "000.00.02.H57", "3300100096"),
    # Checks how the population data are used (RP-07).
    Unit("police", "Công an thành phố Huế", "000.00.40.H57", "3300100071"),
)  # fmt: skip

_PEOPLE = (
    Person("citizen-an", "Nguyễn Thị An", "citizen", "046190000123", date(1990, 5, 12), "female", date(2021, 7, 15),
           "0914000123"),
    Person("citizen-binh", "Trần Văn Bình", "citizen", "046085000456", date(1985, 11, 3), "male", date(2022, 2, 21),
           "0905000456"),
    # Files on behalf of others; also the one whose certificate must not pass for An's.
    Person("citizen-chi", "Hồ Thị Chi", "citizen", "046195000789", date(1995, 8, 21), "female", date(2021, 9, 6),
           "0986000789"),
    Person("officer-desk", "Lê Văn Đức", "desk_officer", "046088000789", date(1988, 3, 9), "male", date(2021, 4, 12),
           "0913000101", "desk.duc", "desk-quang-thai"),
    Person("officer-specialist", "Phan Thị Hạnh", "specialist", "046192000211", date(1992, 10, 30), "female",
           date(2021, 5, 18), "0913000102", "specialist.hanh", "ubnd-quang-thai"),
    Person("officer-specialist-2", "Võ Minh Khôi", "specialist", "046090000322", date(1990, 1, 17), "male",
           date(2022, 6, 8), "0913000103", "specialist.khoi", "ubnd-quang-thai"),
    Person("officer-leader", "Đặng Quốc Long", "leader", "046076000433", date(1976, 7, 2), "male", date(2021, 3, 25),
           "0913000104", "leader.long", "ubnd-quang-thai"),
    Person("officer-ioc", "Hoàng Thị Mai", "ioc", "046191000544", date(1991, 12, 5), "female", date(2022, 8, 11),
           "0913000105", "ioc.mai", "ioc"),
    Person("officer-support", "Cao Văn Nam", "support", "046093000655", date(1993, 6, 14), "male", date(2022, 9, 1),
           "0913000106", "support.nam", "ioc"),
    Person("officer-postal", "Bùi Thị Oanh", "postal_officer", "046194000766", date(1994, 2, 28), "female",
           date(2021, 12, 20), "0913000107", "postal.oanh", "postal"),
    Person("officer-centre", "Tôn Nữ Quỳnh Giao", "control_officer", "046189000877", date(1989, 9, 9), "female",
           date(2021, 10, 4), "0913000108", "centre.giao", "hcc-quang-dien"),
    # The desk of another agency: what its officer may not see.
    Person("officer-desk-a-ngo", "Hồ Văn Thiết", "desk_officer", "046087000988", date(1987, 4, 21), "male",
           date(2022, 3, 3), "0913000109", "desk.thiet", "desk-a-ngo"),
    Person("officer-control", "Lê Thị Thanh Thủy", "control_officer", "046186000266", date(1986, 4, 30), "female",
           date(2021, 6, 7), "0913000111", "control.thuy", "ubnd-quang-thai"),
    Person("officer-office", "Trương Công Huy", "office", "046080000355", date(1980, 12, 1), "male", date(2021, 1, 20),
           "0913000112", "office.huy", "office"),
    # In the same roles elsewhere: what they may not see and do.
    Person("officer-specialist-a-ngo", "Ra Pát Thị Lan", "specialist", "046193000444", date(1993, 2, 14), "female",
           date(2021, 8, 8), "0913000113", "specialist.lan", "ubnd-a-ngo"),
    Person("officer-leader-a-ngo", "Hồ Văn Sáp", "leader", "046079000533", date(1979, 11, 11), "male",
           date(2021, 8, 9), "0913000114", "leader.sap", "ubnd-a-ngo"),
    Person("officer-postal-a-luoi", "Lê Văn Hợp", "postal_officer", "046091000622", date(1991, 5, 5), "male",
           date(2021, 8, 10), "0913000115", "postal.hop", "postal-a-luoi"),
    Person("officer-police", "Nguyễn Quang Vũ", "police", "046084000177", date(1984, 8, 19), "male",
           date(2021, 2, 2), "0913000110", "police.vu", "police"),
)  # fmt: skip

UNITS: dict[str, Unit] = {unit.key: unit for unit in _UNITS}
PEOPLE: dict[str, Person] = {person.key: person for person in _PEOPLE}

# The agency that is competent for the rehearsal's procedures, and one that is not.
COMPETENT_AGENCY = UNITS["ubnd-quang-thai"]
OTHER_AGENCY = UNITS["ubnd-a-ngo"]


def rehearsal_password(person: Person) -> str:
    """What a member of the cast signs in with. No secret: seeds are read in rehearsals only."""
    return f"Dien tap {person.username or person.phone} 2024"


def tax_number_valid(number: str) -> bool:
    """Tell whether ten digits form a tax number: check digit d10 = 10 - (sum of d_i * w_i mod 11); 10 is no digit."""
    if len(number) != 10 or not (number.isascii() and number.isdigit()):
        return False
    weights = (31, 29, 23, 19, 17, 13, 7, 5, 3)
    check = 10 - sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False)) % 11
    return check == int(number[9])


def personal_number_matches(person: Person) -> bool:
    """Tell whether the number's fourth to sixth digit agree with birth date and sex (NĐ 137/2015 Đ13)."""
    century = 2 * (person.birth_date.year // 100 - 19)
    expected = f"{century + (person.sex == 'female')}{person.birth_date.year % 100:02d}"
    return len(person.personal_number) == 12 and person.personal_number[3:6] == expected


def as_json() -> dict[str, list[dict[str, object]]]:
    """The whole cast as plain JSON values (dates as ISO text), for seeds and simulators."""

    def plain(item: Person | Unit) -> dict[str, object]:
        return {k: v.isoformat() if isinstance(v, date) else v for k, v in asdict(item).items()}

    return {"people": [plain(p) for p in _PEOPLE], "units": [plain(u) for u in _UNITS]}
