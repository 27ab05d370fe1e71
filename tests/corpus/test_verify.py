"""The command line says the same as the room's workers: ./motcua verify --json --trust."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.case import RECEIVED
from tests.corpus.conftest import Corpus

pytestmark = pytest.mark.req("SG-07")

_PROGRAM = Path(__file__).parents[2] / "motcua"
_GROUPS = ("wrapping", "revocation", "authority", "algorithm", "shadow", "encrypted")


def test_command_line_gives_the_verdicts_of_the_room(corpus: Corpus, reports: dict[str, dict[str, Any]]) -> None:
    names = [
        name
        for name, case in corpus.cases.items()
        if (case.group in _GROUPS or name in ("honest/b-b.pdf", "honest/b-lta.pdf", "honest/two.pdf"))
        and (case.received, case.now) == (RECEIVED, None)
    ]
    assert len(names) > 40
    done = subprocess.run(
        [sys.executable, str(_PROGRAM), "verify", "--json", "--trust", str(corpus.trust),
         "--received", RECEIVED.isoformat(), "--now", (RECEIVED + timedelta(minutes=1)).isoformat(),
         *(str(corpus.folder / name) for name in names)],
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    rows = json.loads(done.stdout)
    keys = ("verdict", "sub_indication")
    assert [row["file"] for row in rows] == [str(corpus.folder / name) for name in names]
    assert {n: [row[k] for k in keys] for n, row in zip(names, rows, strict=True)} == {
        n: [reports[n][k] for k in keys] for n in names
    }
