"""A run of the tests in several processes: each system is one process's own."""

from types import SimpleNamespace

import pytest

from deploy.local import calling, commands, observability, ownership, testing
from deploy.local.system import System
from tests.support import pieces


def _test(name, *fixtures):
    return SimpleNamespace(nodeid=f"tests/{name}::test_it", fixturenames=fixtures)


def _pieces(*items):
    together = pieces.together(items)
    return [pieces.piece_of(item, together) for item in items]


def test_the_tests_of_a_system_are_one_piece_in_whatever_folder_they_lie():
    rooms, rights = _test("service/intake/test_desk.py", "system"), _test("architecture/test_access.py", "system")
    assert {name for _, name in _pieces(rooms, rights)} == {"system"}


def test_systems_that_one_test_needs_at_once_are_in_one_process():
    both = _test("service/exchange/test_deliveries.py", "watchers", "stores")
    one, other = _test("service/kernel/test_relay.py", "stores"), _test("service/postal/test_shipments.py", "watchers")
    assert len(set(_pieces(one, other))) == 2
    assert len(set(_pieces(one, other, both))) == 1
    assert len(set(_pieces(both, one, other))) == 1


def test_all_journeys_are_one_piece_and_the_first():
    looks = _test("journeys/test_x.py")  # it speaks to the system without asking for it
    found = _pieces(_test("journeys/test_main_job.py", "world", "journeys"), looks, _test("unit/local/test_x.py"))
    assert found == [(0, "journeys"), (0, "journeys"), (1, "tests/unit/local")]


def test_faults_with_a_system_of_their_own_are_a_piece_per_file_and_come_last():
    found = _pieces(
        _test("faults/test_restore.py"), _test("faults/test_first_release.py"), _test("faults/x.py", "faulty")
    )
    assert len(set(found)) == 3
    assert max(found[:2])[0] == min(found[:2])[0] > found[2][0]


@pytest.mark.parametrize(
    ("line", "cores", "spread"),
    [
        (["test"], 2, True),
        (["test", "--full"], 2, True),
        (["test"], 1, False),
        (["test", "tests/unit/local/test_pieces.py::test_x"], 2, False),
        (["test", "-k", "broker"], 2, False),
        (["test", "--pdb"], 2, False),
    ],
)
def test_everything_runs_in_two_processes_what_is_chosen_in_one(line, cores, spread, monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(testing, "set_up", lambda *_: None)
    monkeypatch.setattr(observability, "program", lambda *_: None)
    monkeypatch.setattr(ownership, "STATES", tmp_path)
    monkeypatch.setattr(System, "stop", lambda self: None)
    monkeypatch.setattr(testing.os, "sched_getaffinity", lambda _: set(range(cores)))
    monkeypatch.setattr(calling, "call", lambda arguments, *_: calls.append(arguments) or 0)
    assert commands.main(line) == 0
    assert ("-n" in calls[-1]) is spread
