"""A journey mark without traffic fails; without a mark, or with traffic, nothing is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CASES = """
import pytest
from deploy.demo.client import TRAFFIC

@pytest.mark.req("IN-01")
def test_silent():
    assert True

@pytest.mark.req("IN-01")
def test_speaks():
    TRAFFIC.count(requests=1)

@pytest.mark.req("IN-01")
def test_queue():
    TRAFFIC.count(messages=1)

def test_unmarked():
    assert True
"""


def test_only_the_silent_journey_fails(tmp_path):
    (tmp_path / "test_cases.py").write_text(CASES)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = req: ids\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "tests.support.traffic", "-p", "no:nameko",
         "-p", "no:cacheprovider", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "3 passed" in done.stdout and "1 failed" in done.stdout, done.stdout
    assert "FAILED" in done.stdout and "test_silent" in done.stdout and "sent nothing through" in done.stdout
