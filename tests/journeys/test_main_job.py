"""The main job, step by step, as the demo tells it (first round)."""

from __future__ import annotations

import pytest

from deploy.demo.main_job import STEPS, Story
from deploy.demo.world import World


@pytest.fixture(scope="module")
def story(world: World) -> Story:
    return Story(world, "citizen-an")


@pytest.mark.req("SY-02", "ST-04", "NT-01", "KO-04", "PO-02", "PY-11", "PR-06")
def test_a_signed_dossier_goes_in_and_a_signed_result_comes_out(story):
    story.walk(STEPS)
    assert set(story.outcome) >= {"verdicts", "refusals", "orders", "shipment", "notices", "recognition", "events"}
    assert len(story.refusals) == 9


def test_nothing_was_lost_or_doubled(story, auditor):
    auditor.rest()
    assert auditor.faults() == []
    effects = auditor.effects(story.code)
    assert effects == dict.fromkeys(effects, 1) | {"doubled notices": 0}


def test_every_sentence_of_the_job_is_a_step():
    assert len(STEPS) == len({each.name for each in STEPS}) == 25
