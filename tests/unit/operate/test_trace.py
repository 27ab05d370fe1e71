"""`motcua trace` on a small checkout made here: which rules and marks it sees, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.paths import ROOT
from deploy.operate import trace

CODE = """
from services.common.rules import rule
import services.common.rules as rules

@rule("IN-01", title="t", cites="c")
@rule("IN-02", title="t", cites="c")
def due(): ...

class Desk:
    @rules.rule("SG-04", title="t", cites="c")
    async def give(self): ...

def not_a_rule():
    return rule("GU-02", title="t", cites="c")
"""
TESTS = """
import pytest
pytestmark = [pytest.mark.full, pytest.mark.req("SY-02")]
both = pytest.mark.req("IN-01", "IN-02")

@both
def test_alias(): ...

@pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.req("MO-01")), 2])
def test_parametrized(n): ...

@pytest.mark.req("SG-04")
class TestDesk:
    pytestmark = pytest.mark.req("RT-01")

    @pytest.mark.req("RT-02")
    def test_give(self): ...

    @pytest.mark.req("RT-04")
    def helper(self): ...

@pytest.mark.req("GU-02")
def helper(): ...
"""
IDS = ["IN-01", "IN-02", "SG-04", "GU-02", "SY-02", "MO-01", "RT-01", "RT-02", "RT-04"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    write(tmp_path / "docs/requirements-ids.txt", "\n".join(IDS) + "\n")
    write(tmp_path / "services/intake/desk.py", CODE)
    write(tmp_path / "tests/unit/test_desk.py", TESTS)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_rules_are_found_with_line_and_function(checkout):
    rows = trace.trace(checkout).rows
    assert rows["IN-01"].code == rows["IN-02"].code == ["services/intake/desk.py:7 due"]
    assert rows["SG-04"].code == ["services/intake/desk.py:11 Desk.give"]
    assert rows["GU-02"].code == []


def test_marks_of_tests_classes_modules_parameters_and_aliases_are_found(checkout):
    rows = trace.trace(checkout).rows
    file = "tests/unit/test_desk.py"
    all_three = [f"{file}::test_alias", f"{file}::test_parametrized", f"{file}::TestDesk::test_give"]
    assert rows["SY-02"].tests == all_three
    assert rows["IN-01"].tests == rows["IN-02"].tests == all_three[:1]
    assert rows["MO-01"].tests == all_three[1:2]
    assert rows["SG-04"].tests == rows["RT-01"].tests == rows["RT-02"].tests == all_three[2:]
    assert rows["RT-04"].tests == rows["GU-02"].tests == []  # helpers prove nothing


def test_json_has_every_id_in_order_and_nothing_else(checkout, monkeypatch, capsys):
    result = trace.trace(checkout)
    monkeypatch.setattr(trace, "trace", lambda: result)
    assert trace.main(["--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == IDS
    assert all(set(row) == {"code", "tests"} for row in printed.values())


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        ("tests/unit/test_x.py", "import pytest\n@pytest.mark.req('ID-99')\ndef test_x(): ...\n", "unknown id ID-99"),
        ("tests/unit/test_x.py", "import pytest\n@pytest.mark.req(X)\ndef test_x(): ...\n", "not written as a literal"),
        ("services/a.py", "@rule('IN-99', title='t', cites='c')\ndef f(): ...\n", "unknown id IN-99"),
        ("services/a.py", "@rule(PREFIX + '1', title='t', cites='c')\ndef f(): ...\n", "not written as a literal"),
    ],
)
def test_unknown_and_computed_ids_fail(checkout, monkeypatch, capsys, path, text, fault):
    write(checkout / path, text)
    result = trace.trace(checkout)
    monkeypatch.setattr(trace, "trace", lambda: result)
    assert len(result.faults) == 1
    monkeypatch.setattr(trace, "FINISHED", {})
    assert trace.main([]) == 1
    assert fault in capsys.readouterr().err


def test_the_table_names_what_the_finished_issue_lacks(checkout, monkeypatch, capsys):
    monkeypatch.setattr(trace, "FINISHED", {"3": ("IN-01", "GU-02")})
    result = trace.trace(checkout)
    monkeypatch.setattr(trace, "trace", lambda: result)
    trace.main([])
    assert "issue 3: 2 rows, without a test: GU-02" in capsys.readouterr().out


def test_the_list_of_ids_is_whole():
    ids = trace.known_ids()
    assert len(ids) == len(set(ids)) == 281
    assert [i for i in ids if i.startswith("X-")] == [f"X-{n}" for n in range(1, 29)]
    assert all(set(issue) <= set(ids) for issue in trace.FINISHED.values())


def test_who_reads_a_part_only_is_served():
    program = [sys.executable, "-m", "deploy.operate.trace", "--json"]
    running = subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None and running.stderr is not None
    running.stdout.close()
    assert running.stderr.read() == b""
    running.stderr.close()
    running.wait()
