"""The vault's byte door and its database, for the tests of this room."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.bus import Bus
from tests.support.files import Files


@pytest.fixture
def files(bus: Bus) -> Files:
    return Files(bus)


@pytest.fixture
def left(database: Any):
    """`left(file_id)`: what the database holds of a file: documents, uploads under way, pieces."""
    vault = database["vault"]

    def look(file_id: str) -> dict[str, int]:
        uploads = [row["_id"] for row in vault["uploads"].find({"file_id": file_id, "ended_at": None})]
        kept = [row["_id"] for row in vault["bytes.files"].find({"metadata.file_id": file_id})]
        return {
            "files": vault["files"].count_documents({"_id": file_id}),
            "unfinished": len(uploads),
            "pieces": vault["bytes.chunks"].count_documents({"files_id": {"$in": uploads + kept}}),
        }

    return look


NOTHING = {"files": 0, "unfinished": 0, "pieces": 0}


@pytest.fixture
def nothing() -> dict[str, int]:
    return NOTHING
