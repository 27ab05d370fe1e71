"""Dashboards as files: what they ask for exists (that it has answers, tests/journeys/test_prometheus.py says)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.source import ROOT
from tests.architecture.test_alerts import FOREIGN, rules
from tests.architecture.test_catalogues import metrics

GRAFANA = ROOT / "deploy/grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))
#: Labels that Prometheus gives, or that a rule or a histogram has.
GIVEN = {"room", "job", "instance", "le", "alertstate", "alertname", "severity"}


def panels(path: Path) -> list[dict[str, Any]]:
    return [panel for panel in json.loads(path.read_text())["panels"] if panel["type"] != "row"]


def queries() -> list[tuple[str, str]]:
    """(dashboard: panel, query) of every panel of every dashboard."""
    return [
        (f"{path.stem}: {panel['title']}", target["expr"])
        for path in DASHBOARDS
        for panel in panels(path)
        for target in panel["targets"]
    ]


def test_there_is_one_for_each_role():
    assert [path.stem for path in DASHBOARDS] == ["bus", "desk", "operations"]
    assert len({json.loads(path.read_text())["uid"] for path in DASHBOARDS}) == 3


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda p: p.stem)
def test_panels_are_whole_and_do_not_overlap(path):
    whole = json.loads(path.read_text())
    assert re.search(r" / |·", whole["title"]) and whole["description"]
    ids = [panel["id"] for panel in whole["panels"]]
    assert len(ids) == len(set(ids))
    [source] = yaml.safe_load((GRAFANA / "provisioning/datasources/motcua.yml").read_text())["datasources"]
    taken: set[tuple[int, int]] = set()
    for panel in whole["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + dx, place["y"] + dy) for dx in range(place["w"]) for dy in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
    for panel in panels(path):
        assert panel["targets"], panel["title"]
        assert panel["datasource"] == {"type": source["type"], "uid": source["uid"]}, panel["title"]


@pytest.mark.parametrize(("where", "query"), queries(), ids=lambda v: v if ": " in v else "")
def test_a_query_names_metrics_and_labels_that_exist(where, query):
    recorded = {rule["record"] for rule in rules("record")}
    plain = re.sub(r'"[^"]*"', '""', query)
    names = set(re.findall(r"\b((?:motcua_|process_|room:|gateway:)[a-z0-9_:]+|up|ALERTS)\b", plain))
    assert names, where
    known = metrics()
    labels = set(GIVEN)
    for name in names - recorded - FOREIGN - {"ALERTS", "process_cpu_seconds_total"}:
        base = name if name in known else re.sub(r"_(bucket|count|sum)$", "", name)
        assert base in known, name
        labels |= set(known[base][1])
    used = {part for group in re.findall(r"\bby \(([^)]*)\)", plain) for part in re.split(r",\s*", group)}
    used |= {label for group in re.findall(r"\{([^}]*)\}", plain) for label in re.findall(r"(\w+)\s*[=!]", group)}
    assert used <= labels, where
