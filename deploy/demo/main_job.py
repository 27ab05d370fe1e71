"""The chapters of the main job in their order; importing this module fills `STEPS`."""

from __future__ import annotations

from deploy.demo import filing, desk, result, watching  # isort: skip  # the order of the steps
from deploy.demo.story import STEPS, Step, StepFailed, Story

CHAPTERS = (filing, desk, result, watching)

__all__ = ["CHAPTERS", "STEPS", "Step", "StepFailed", "Story"]
