"""The main job: its chapters in their order."""

from __future__ import annotations

from deploy.demo import desk, filing, result, watching
from deploy.demo.story import CHAPTERS, Step, StepFailed, Story

STEPS: tuple[Step, ...] = tuple(
    each for chapter in (filing, desk, result, watching) for each in CHAPTERS[chapter.__name__]
)

__all__ = ["STEPS", "Step", "StepFailed", "Story"]
