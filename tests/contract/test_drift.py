"""What is checked in is what the program says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.contracts import examples, rooms
from deploy.contracts.files import EXAMPLES, generated

ROOT = Path(__file__).resolve().parents[2]
ADVICE = "run: python -m deploy.contracts, and look at the difference before committing it"


@pytest.mark.parametrize("path", sorted(generated()), ids=lambda path: path.name)
def test_generated_file_is_checked_in_as_it_is_now(path: Path):
    assert path.exists(), f"{path} is missing; {ADVICE}"
    assert path.read_bytes() == generated()[path], f"{path.relative_to(ROOT)} has drifted; {ADVICE}"


def test_every_event_type_has_a_stored_example():
    told = {event for room in rooms.load() for event in room.tells}
    stored = {path.name.rsplit(".v", 1)[0] for path in EXAMPLES.glob("*.json")}
    assert stored >= told, f"missing: {sorted(told - stored)}; {ADVICE}"


def test_a_second_run_of_another_process_says_the_same():
    """Sets have another order in each process; the contract has not."""
    script = "from deploy.contracts.files import generated; import hashlib, sys;"
    script += "sys.stdout.write(hashlib.sha256(b''.join(generated().values())).hexdigest())"

    def run(seed: str) -> str:
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONWARNINGS": "ignore"}
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, capture_output=True, check=True)
        return done.stdout.decode()

    assert run("1") == run("2")


def test_examples_are_not_written_over(tmp_path: Path):
    first = examples.write_missing(rooms.load(), tmp_path)
    first[0].write_text("{}")
    assert examples.write_missing(rooms.load(), tmp_path) == []
    assert first[0].read_text() == "{}"
