"""Ids: every one that a rule or test names exists, every row of a finished issue is carried by a journey."""

from __future__ import annotations

import pytest

from deploy.operate import trace

#: Rows of issue 3, as the issue lists them: kept here too, so that the list of the program cannot shrink unseen.
ISSUE_3 = [
    "ID-01", "ID-03", "ID-04", "ID-16", "IN-01", "IN-02", "IN-03", "IN-15", "IN-19", "IN-20", "GU-02", "GU-07",
    "GU-10", "GU-12", "GU-13", "MO-01", "MO-02", "MO-03", "MO-11", "MO-16", "SG-03", "SG-04", "SG-05", "SG-07",
    "RT-01", "RT-02", "RT-04", "RT-10", "PY-03", "PY-11", "PO-02", "PO-05", "NT-01", "KO-04", "ST-04", "PR-06",
    "SY-02",
]  # fmt: skip


@pytest.fixture(scope="module")
def traced() -> trace.Trace:
    return trace.trace()


def test_every_id_that_is_named_exists(traced):
    assert traced.faults == []


def test_the_list_of_finished_rows_is_the_issues_own():
    assert list(trace.FINISHED["3"]) == ISSUE_3


@pytest.mark.parametrize("id", ISSUE_3)
def test_each_row_of_a_finished_issue_is_carried_by_a_journey(traced, id):
    journeys = [test for test in traced.rows[id].tests if test.startswith("tests/journeys/")]
    assert journeys, f"{id} has no journey; it has: {traced.rows[id].tests}"


def test_rules_name_their_source(traced):
    with_code = [id for id, row in traced.rows.items() if row.code]
    assert len(with_code) > 80
