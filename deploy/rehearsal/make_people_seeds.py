"""Writes the seeds that are about people: identity's accounts and the population register's cast.

    python -m deploy.rehearsal.make_people_seeds

The files are checked in; a test fails when they differ from the cast.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deploy.rehearsal import cast
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


def files() -> dict[str, dict[str, Any]]:
    """File name -> content."""
    people = cast.PEOPLE.values()
    return {
        "identity.json": {
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
            "citizens": [OLD_ACCOUNT],
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
