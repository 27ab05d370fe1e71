"""`up --observability`: a Prometheus beside the running system, and every question of every dashboard has an answer."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.parse
import urllib.request
from typing import Any

import pytest

from deploy.demo.main_job import STEPS, Story
from deploy.local import observability
from deploy.local.paths import ROOT
from deploy.local.table import JOBS, ROOMS
from tests.architecture.test_alerts import ALERTS
from tests.architecture.test_dashboards import queries
from tests.support.bus import eventually

#: Dossiers returned: told last in the main job, so all other series of a whole day are there too.
RETURNED = 'motcua_events_published_total{type="vn.motcua.dossier.returned.v1"}'


@pytest.fixture(scope="module")
def ask(journeys, world):
    """`ask(path, **parameters)`: what the system's own Prometheus answers. There was one dossier from end to end."""

    def get(path: str, **parameters: str) -> Any:
        port = journeys.ports["prometheus"]
        url = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            content = json.loads(answer.read())
        assert content["status"] == "success", content
        return content["data"]

    eventually(lambda: journeys.is_ready("prometheus"), within=60, what="Prometheus")
    if not get("query", query=RETURNED)["result"]:  # these tests run alone
        Story(world, "citizen-binh").walk(STEPS)
    return get


def test_it_scrapes_every_room_and_has_every_rule(ask):
    def up() -> bool:
        rows = {row["labels"]["room"]: row["health"] for row in ask("targets")["activeTargets"]}
        return rows == dict.fromkeys((*ROOMS, *JOBS), "up")

    eventually(up, within=60, every=0.5, what="all rooms up")

    def evaluated() -> dict[str, str]:
        rows = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
        found = {row["name"]: row["health"] for row in rows if row["type"] == "alerting"}
        return found if "unknown" not in found.values() else {}

    assert eventually(evaluated, within=60, every=0.5, what="all rules evaluated") == dict.fromkeys(ALERTS, "ok")


def test_status_shows_it(journeys):
    [row] = [row for row in journeys.status() if row["name"] == observability.NAME]
    assert row["state"] == "ready" and row["http"] == f"http://127.0.0.1:{journeys.ports['prometheus']}"
    command = [sys.executable, str(ROOT / "motcua"), "status", "--state", str(journeys.state.top)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"http://127.0.0.1:{journeys.ports['prometheus']}" in done.stdout


def test_its_pages_are_there(journeys):
    port = journeys.ports["prometheus"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
        assert page.status == 200


def test_a_query_of_nothing_has_no_series(ask):
    assert ask("query", query='motcua_ready{room="nowhere"}')["result"] == []


def test_every_panel_has_an_answer(ask):
    left = dict(queries())
    assert len(left) > 40

    def without() -> list[str]:
        for where, query in list(left.items()):
            if ask("query", query=query)["result"]:
                del left[where]
        return sorted(left)

    # a rate needs two scrapes, five seconds apart
    eventually(lambda: not without(), within=60, every=1, what="panels without a series")
