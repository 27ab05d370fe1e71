"""How set-up speaks to the person at the terminal: progress lines, and failures that say what to do."""

from __future__ import annotations

import sys
import time

_STARTED = time.monotonic()


class Trouble(Exception):
    """Something that the person at the terminal can act on; `advice` says how."""

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.what}\n  What to do: {self.advice}"


def say(text: str) -> None:
    """Print one progress line with the seconds since the program started, beside what a command answers on stdout."""
    print(f"[{time.monotonic() - _STARTED:6.1f} s] {text}", file=sys.stderr, flush=True)


def complain(text: str) -> None:
    """Print a failure on standard error."""
    print(f"motcua: {text}", file=sys.stderr, flush=True)
