"""The corpus, built once per run in a temporary folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.build import build
from tests.corpus.case import Case
from tests.corpus.kit import Kit
from tests.corpus.workers import Job, check_all

FIRST_SEED = 0


@dataclass
class Corpus:
    folder: Path
    kit: Kit
    cases: dict[str, Case]

    @property
    def trust(self) -> Path:
        return self.folder / "trust"

    def jobs(self) -> list[Job]:
        return [
            (name, self.folder / name, case.received, case.now or case.received + timedelta(minutes=1))
            for name, case in self.cases.items()
        ]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder, kit = tmp_path_factory.mktemp("corpus"), Kit()
    return Corpus(folder, kit, build(folder, kit))


@pytest.fixture(scope="session")
def reports(corpus: Corpus) -> dict[str, dict[str, Any]]:
    """What two workers say of every file."""
    return check_all(corpus.jobs(), corpus.trust, hash_seed=FIRST_SEED)
