import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.intake import catalogue, filing

SEED = Path(__file__).parents[3] / "deploy" / "rehearsal" / "seeds" / "intake.json"
#: Monday 2024-03-11 09:00 in Vietnam.
MONDAY = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def seed() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SEED.read_text(encoding="utf-8"))
    return document


@pytest.fixture
def procedure(seed: dict[str, Any]) -> dict[str, Any]:
    """The fictional procedure, a copy that a test may spoil."""
    return copy.deepcopy(next(row for row in seed["procedures"] if row["code"] == "9.000001"))


@pytest.fixture
def dossier(seed: dict[str, Any], procedure: dict[str, Any]) -> dict[str, Any]:
    """The dossier of the story, filed Monday at nine."""
    document = filing.new_dossier(
        "000.05.07.H57-240311-0001",
        procedure=procedure,
        unit=seed["agencies"][0],
        desk=seed["desks"][0],
        calendar=catalogue.calendar_of("hue-centres"),
        owner="per-an",
        filer="per-an",
        by="acc-an",
        verified=True,
        mode="SELF_PORTAL",
        components=[
            {"component": "don", "file_id": "a" * 32, "sha256": "1" * 64},
            {"component": "ban-chup", "file_id": "b" * 32, "sha256": "2" * 64},
        ],
        pickup="online",
        sealed_delivery=None,
        now=MONDAY,
    )
    document["version"] = 1
    return document
