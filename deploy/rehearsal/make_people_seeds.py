"""Writes the seeds that are about people: identity's accounts and the population register's cast.

    python -m deploy.rehearsal.make_people_seeds

The files are checked in; a test fails when they differ from the cast.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deploy.rehearsal import cast, units
from services.identity.adapters.population_register import synthetic

SEEDS = Path(__file__).parent / "seeds"

# An account of the years before birth dates were asked: its form has a fifth field. The person behind it is
# one of the population register's synthetic people.
OLD_ACCOUNT = {
    "account_id": "acc-old-account",
    "person_id": "per-old-account",
    "full_name": synthetic(0).full_name,
    "birth_date": None,
    "phone": synthetic(0).phone,
    "password": "Dien tap 0977000000 2024",
}


def _old(key: str, number: int, **facts: Any) -> dict[str, Any]:
    """An account of the years before; the person behind it is that one of the register's synthetic people."""
    person = synthetic(number)
    return {
        "account_id": f"acc-{key}",
        "person_id": f"per-{key}",
        "full_name": person.full_name,
        "birth_date": person.birth_date.isoformat(),
        "phone": person.phone,
        "password": f"Dien tap {person.phone} 2024",
    } | facts


#: Numbers in the synthetic register of those who have an account of the years before.
OLD_CMND, NO_BIRTH_DATE, NO_PHONE = 1, 2, 3
CMND = "191000123"
OLD_ACCOUNTS = [
    OLD_ACCOUNT,
    # Support case 3: registered with a CMND.
    _old("old-cmnd", OLD_CMND, old_number=CMND),
    # Support case 5: normalized, and without birth date or phone.
    _old("no-birth-date", NO_BIRTH_DATE, birth_date=None, id_number=synthetic(NO_BIRTH_DATE).id_number),
    _old("no-phone", NO_PHONE, phone=None, id_number=synthetic(NO_PHONE).id_number),
]


def files() -> dict[str, dict[str, Any]]:
    """File name -> content."""
    people = cast.PEOPLE.values()
    return {
        "identity.json": {
            "units": units.rows(),
            "officers": [
                {
                    "account_id": f"acc-{person.key}",
                    "person_id": f"per-{person.key}",
                    "username": person.username,
                    "password": cast.rehearsal_password(person),
                    "full_name": person.full_name,
                    "birth_date": person.birth_date.isoformat(),
                    "id_number": person.personal_number,
                    "phone": person.phone,
                    "grants": [[person.role, cast.UNITS[person.unit].identifier]],
                }
                for person in people
                if person.username
            ],
            "citizens": OLD_ACCOUNTS,
        },
        "population_simulator.json": {
            "people": [
                {
                    "id_number": person.personal_number,
                    "full_name": person.full_name,
                    "birth_date": person.birth_date.isoformat(),
                    "sex": person.sex,
                    "issue_date": person.issue_date.isoformat(),
                    "phone": person.phone,
                }
                for person in people
            ]
        },
    }


def text(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    SEEDS.mkdir(exist_ok=True)
    for name, content in files().items():
        (SEEDS / name).write_text(text(content), encoding="utf-8")


if __name__ == "__main__":
    main()
