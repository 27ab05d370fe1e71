"""A figure: its name, unit, what was measured, its baseline of the same run, and their ratio."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

ROUNDS = 5
IN_FLIGHT = 16


@dataclass(frozen=True)
class Figure:
    """`baseline` None: a figure that stands for itself. `limit`: what the ratio (else the figure) should not exceed;
    `floor`: what it should reach."""

    name: str
    unit: str
    figure: float
    baseline: float | None = None
    limit: float | None = None
    note: str = ""
    floor: float | None = None

    @property
    def ratio(self) -> float | None:
        return None if self.baseline is None else self.figure / self.baseline

    @property
    def held(self) -> bool | None:
        """Whether limit and floor are kept; None where there is neither."""
        if self.limit is None and self.floor is None:
            return None
        value = self.figure if self.ratio is None else self.ratio
        return (self.limit is None or value <= self.limit) and (self.floor is None or value >= self.floor)

    def row(self) -> dict[str, object]:
        """What --json prints."""
        return {
            "name": self.name,
            "unit": self.unit,
            "figure": round(self.figure, 3),
            "baseline": None if self.baseline is None else round(self.baseline, 3),
            "ratio": None if self.ratio is None else round(self.ratio, 3),
        }

    def line(self) -> str:
        baseline = "–" if self.baseline is None else f"{self.baseline:.1f}"
        ratio = "–" if self.ratio is None else f"{self.ratio:.2f}×"
        sign, bound = ("≥", self.floor) if self.limit is None else ("≤", self.limit)
        limit = "" if bound is None else f"{sign} {bound:g}{'' if self.ratio is None else '×'}"
        verdict = {True: "ok", False: "MISSED", None: ""}[self.held]
        measured = f"{self.name:20} {self.figure:10.2f} {self.unit:14} {baseline:>10} {ratio:>8}"
        return f"{measured}  {limit:9} {verdict:7} {self.note}"


def alternating(*measures: Callable[[], float]) -> list[float]:
    """The median of each measure over ROUNDS rounds; each is taken once a round, in an order that turns."""
    taken: list[list[float]] = [[] for _ in measures]
    for number in range(ROUNDS):
        places = list(range(len(measures)))
        for place in places if number % 2 == 0 else reversed(places):
            taken[place].append(measures[place]())
    return [median(values) for values in taken]
