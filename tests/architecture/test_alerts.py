"""Alerts: promtool finds the rules right; each fires when it should, else is silent, and leads to a page.

promtool is the distribution's, brought by `deploy.local.observability` where it is not installed.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local import observability
from services.common import wire
from services.gateway.routes import ROUTES, Kind
from services.postal.partner import queue_declarations
from tests.architecture.alert_cases import CASES
from tests.architecture.source import ROOMS, ROOT, files
from tests.architecture.test_catalogues import metrics

RULES = sorted(observability.RULES.glob("*.yml"))
RUNBOOKS = ROOT / "docs/operations/runbooks"
#: Metrics that a rule may use beside ours: Prometheus' own and those of every Python process.
FOREIGN = {"up", "process_start_time_seconds", "process_resident_memory_bytes"}


def rules(kind: str) -> list[dict[str, Any]]:
    loaded = [yaml.safe_load(path.read_text()) for path in RULES]
    return [rule for file in loaded for group in file["groups"] for rule in group["rules"] if kind in rule]


ALERTS = {rule["alert"]: rule for rule in rules("alert")}


def promtool(*arguments: Any) -> subprocess.CompletedProcess[str]:
    command = [str(observability.program("promtool")), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def page_of(alert: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", alert).lower() + ".md"


def run_cases(tests: list[dict[str, Any]], folder: Path) -> None:
    cases = folder / "cases.yml"
    cases.write_text(yaml.safe_dump({"rule_files": [str(path) for path in RULES], "tests": tests}, sort_keys=False))
    done = promtool("test", "rules", cases)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def case(series: dict[str, str], minute: int, firing: dict[str, list[dict[str, str]]]) -> dict[str, Any]:
    """One promtool test: how often each of the alerts fires under `series`, and with exactly which labels."""
    questions = []
    for alert, expected in firing.items():
        samples = []
        for labels in expected:
            pairs = {"alertname": alert, "alertstate": "firing", **labels}.items()
            samples.append({"labels": "ALERTS{" + ",".join(f'{k}="{v}"' for k, v in pairs) + "}", "value": 1})
        question = f'ALERTS{{alertname="{alert}", alertstate="firing"}}'
        questions.append({"expr": question, "eval_time": f"{minute}m", "exp_samples": samples})
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": questions,
    }


def test_promtool_finds_the_rules_right():
    done = promtool("check", "rules", "--lint=all", *RULES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_fault_with_a_broken_rule(tmp_path):
    broken = tmp_path / "broken.yml"
    broken.write_text(RULES[0].read_text().replace("expr: ", "expr: sum(", 1))
    assert promtool("check", "rules", broken).returncode != 0


def test_promtool_finds_both_scrape_configurations_right(tmp_path):
    made = tmp_path / "prometheus.yml"
    targets = [(room, f"127.0.0.1:{20000 + n}") for n, room in enumerate(ROOMS)]
    made.write_text(observability.scrape_configuration(targets, f"{observability.RULES}/*.yml", 5))
    assert promtool("check", "config", made).returncode == 0
    shipped = ROOT / "deploy/prometheus/prometheus.yml"
    # rules lie elsewhere in the container
    here = tmp_path / "shipped.yml"
    here.write_text(shipped.read_text().replace("/etc/prometheus/rules", str(observability.RULES)))
    done = promtool("check", "config", here)
    assert done.returncode == 0 and "rules found" in done.stdout, done.stdout + done.stderr


def test_every_alert_has_a_case():
    assert sorted(case.alert for case in CASES) == sorted(ALERTS)


def test_each_alert_fires_and_is_silent_in_the_control(tmp_path):
    tests = []
    for one in CASES:
        tests.append(case(one.fires, one.at, {one.alert: [{**one.labels, "severity": one.severity}]}))
        tests.append(case(one.control, one.at, {one.alert: []}))
    run_cases(tests, tmp_path)


def test_a_case_that_expects_the_wrong_thing_fails(tmp_path):
    one = next(each for each in CASES if each.alert == "DeadLetters")
    with pytest.raises(AssertionError):
        run_cases([case(one.control, one.at, {one.alert: [{**one.labels, "severity": one.severity}]})], tmp_path)


def listens(room: str) -> bool:
    return any(name == "on_event" for file in files() if file.room == room for name, _ in file.calls())


def test_each_queue_has_an_alert_when_it_grows_and_when_nobody_takes_from_it(tmp_path):
    names = [(room, name) for room in wire.ROOMS for name, _ in wire.queue_declarations(room)]
    names += [("postal", name) for name, _ in queue_declarations()]
    assert len(names) > 60
    expected: dict[str, list[str]] = {
        alert: [] for alert in ("DeadLetters", "RetriesPile", "QueueGrows", "QueueWithoutConsumer")
    }
    for room, name in names:
        waits, dead = ".retry." in name, name.endswith(".dead")
        expected["DeadLetters" if dead else "RetriesPile" if waits else "QueueGrows"].append(name)
        if not waits and not dead and (name != wire.event_queue(room) or listens(room)):
            expected["QueueWithoutConsumer"].append(name)
    series = {f'motcua_queue_messages{{room="{room}",queue="{name}"}}': "2000x30" for room, name in names}
    series |= {f'motcua_queue_consumers{{room="{room}",queue="{name}"}}': "0x30" for room, name in names}
    firing = {
        alert: [{"queue": queue, "severity": ALERTS[alert]["labels"]["severity"]} for queue in queues]
        for alert, queues in expected.items()
    }
    run_cases([case(series, 20, firing)], tmp_path)


def test_halves_of_the_bounds_are_those_of_the_queues():
    limits = {name: arguments["x-max-length"] for name, arguments in wire.queue_declarations("intake")}
    limits |= {name: arguments["x-max-length"] for name, arguments in queue_declarations()}
    halves = {
        pattern.replace("\\\\", "\\"): int(number)
        for pattern, number in re.findall(r'queue=~"([^"]+)"\}\) > (\d+)', ALERTS["QueueNearlyFull"]["expr"])
    }
    for name, limit in limits.items():
        assert [half for pattern, half in halves.items() if re.fullmatch(pattern, name)] == [limit // 2], name


def test_the_time_of_answers_leaves_out_what_moves_files_and_nothing_else():
    [rule] = [r for r in rules("record") if r["record"] == "gateway:motcua_http_seconds:p95_5m"]
    [left_out] = re.findall(r'route!~"([^"]+)"', rule["expr"])
    moved = {route.pattern for route in ROUTES if route.kind in (Kind.UPLOAD, Kind.DOWNLOAD)}
    assert {route.pattern for route in ROUTES if re.fullmatch(left_out, route.pattern)} == moved


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_an_alert_is_complete(alert):
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "runbook"}
    assert rule["annotations"]["runbook"] == f"docs/operations/runbooks/{page_of(alert)}"
    assert (ROOT / rule["annotations"]["runbook"]).is_file()


@pytest.mark.parametrize("rule", [*rules("alert"), *rules("record")], ids=lambda r: r.get("alert") or r["record"])
def test_rules_use_metrics_that_exist(rule):
    recorded = {each["record"] for each in rules("record")}
    text = re.sub(r'"[^"]*"', "", re.sub(r"\b(by|on|without)\s*\([^)]*\)", "", rule["expr"]))
    names = set(re.findall(r"\b((?:motcua|process|room:|gateway:)[a-z0-9_:]+|up)\b", text))
    known = set(metrics()) | FOREIGN | recorded
    assert names
    assert {
        name for name in names if name not in known and re.sub(r"_(bucket|count|sum)$", "", name) not in known
    } == set()


PAGES = sorted(RUNBOOKS.glob("*.md"))


def test_each_page_is_of_an_alert():
    assert {page.name for page in PAGES} == {page_of(alert) for alert in ALERTS} | {"index.md"}


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_a_page_says_what_whoever_is_called_at_night_needs(alert):
    text = (RUNBOOKS / page_of(alert)).read_text()
    assert text.startswith(f"# {alert}\n")
    for part in ("**Means.**", "**For citizens.**", "**Look.**", "**Mend.**", "**Over when.**"):
        assert part in text, part
    assert "`./motcua " in text.partition("**Look.**")[2].partition("**Mend.**")[0]
    index = (RUNBOOKS / "index.md").read_text()
    assert f"| [{alert}]({page_of(alert)}) | {ALERTS[alert]['labels']['severity']} |" in index


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_metrics_and_log_events_of_a_page_exist(page):
    text = page.read_text()
    known = set(metrics())
    for name in re.findall(r"\bmotcua_[a-z_]+[a-z]\b", text):
        assert {name, re.sub(r"_(bucket|count|sum)$", "", name)} & known, name
    catalogue = (ROOT / "docs/operations/logs.md").read_text()
    for pattern in re.findall(r"\| grep (?:-E )?'?([a-z_|]{6,})'?", text):
        for event in pattern.split("|"):
            assert f"| `{event}" in catalogue, event
