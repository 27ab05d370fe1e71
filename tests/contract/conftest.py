"""Contracts as they are checked in, and the rooms as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.contracts import rooms

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def every_room() -> list[rooms.Room]:
    return rooms.load()


@pytest.fixture(scope="session")
def openapi() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ROOT / "contracts" / "openapi.json").read_text())
    return document


@pytest.fixture(scope="session")
def asyncapi() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ROOT / "contracts" / "asyncapi.json").read_text())
    return document
