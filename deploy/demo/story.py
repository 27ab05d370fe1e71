"""The main job as a list of steps: a signed dossier goes in at the gateway, a signed result comes out in her store.

Each step is a function over a `Story`; it acts as people do (HTTP to the gateway, to the simulators of outside systems)
and asserts what must come of it. The tests run the same steps. `story.during(point, call)` marks the places at which
the second round kills a process in the middle of the work; in the first round it is only the call.

The steps themselves are in filing, desk, result and watching; main_job puts them together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deploy.demo.people import Citizen, Officer
from deploy.demo.world import World
from deploy.rehearsal.cast import PEOPLE
from services.common.calendar import local

Run = Callable[["Story"], str]
During = Callable[[str, Callable[[], Any]], Any]


@dataclass(frozen=True)
class Step:
    """One sentence of the story: `run` does it, asserts it and returns what was proven."""

    name: str
    vi: str
    en: str
    run: Run


#: Steps of each chapter (module) in the order in which they are written; main_job puts the chapters in order.
CHAPTERS: dict[str, list[Step]] = {}


def step(vi: str, en: str) -> Callable[[Run], Run]:
    def register(run: Run) -> Run:
        CHAPTERS.setdefault(run.__module__, []).append(Step(run.__name__, vi, en, run))
        return run

    return register


class StepFailed(Exception):
    """A step did not come out as it must; the cause is chained."""

    def __init__(self, number: int, failed: Step) -> None:
        super().__init__(f"step {number}, {failed.name}")
        self.number = number
        self.step = failed


@dataclass
class Story:
    """One walk through the main job with one citizen; `outcome` is what two rounds must have in common."""

    world: World
    citizen_key: str = "citizen-an"
    during: During = lambda point, call: call()
    slowly: Callable[[str, bytes], bytes | Callable[[], Iterable[bytes]]] = lambda point, data: data
    say: Callable[[int, Step, str | None, float], None] = lambda number, told, proven, seconds: None
    #: Events of an earlier round about its dossier, which this one must come to as well.
    expected: list[tuple[str, int]] | None = None
    outcome: dict[str, Any] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    code: str = ""
    control: str = ""
    result: bytes = b""
    refusals: list[tuple[str, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.citizen = Citizen(self.world, PEOPLE[self.citizen_key])
        self.desk = Officer(self.world, "officer-desk")
        self.specialist = Officer(self.world, "officer-specialist")
        self.ioc = Officer(self.world, "officer-ioc")

    def walk(self, steps: Sequence[Step], upto: str | None = None) -> Story:
        """Runs the steps in order, to and including `upto`. Raises StepFailed."""
        for number, each in enumerate(steps, 1):
            self.say(number, each, None, 0.0)
            started = time.monotonic()
            try:
                proven = each.run(self)
            except Exception as exc:
                raise StepFailed(number, each) from exc
            self.say(number, each, proven, time.monotonic() - started)
            if each.name == upto:
                break
        return self


def moment(text: str) -> datetime:
    """An instant of an answer in local time."""
    return local(datetime.fromisoformat(text))


def minutes(at: datetime) -> int:
    return at.hour * 60 + at.minute


def hour(text: str) -> str:
    return f"{moment(text):%H:%M}"
