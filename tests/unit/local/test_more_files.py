"""A login's limit of open files is raised to what may be had, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from deploy.local.paths import ROOT

PROGRAM = """
import resource
from deploy.local.processes import more_files
resource.setrlimit(resource.RLIMIT_NOFILE, (256, {hard}))
more_files()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def limits(hard: int) -> list[int]:
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(hard=hard)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [int(word) for word in said.stdout.split()]


def test_up_to_what_is_allowed_and_no_further():
    assert limits(800) == [800, 800]


def test_no_more_than_is_needed():
    assert limits(20_000) == [16_384, 20_000]
