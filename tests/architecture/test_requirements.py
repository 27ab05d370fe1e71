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

#: Rows of issue 5; of the security rows what concerns accounts and permissions.
ISSUE_5 = [
    "ID-01", "ID-02", "ID-03", "ID-04", "ID-05", "ID-06", "ID-07", "ID-08", "ID-09", "ID-10", "ID-11", "ID-12",
    "ID-13", "ID-14", "ID-15", "ID-16", "ID-17", "ID-18", "ID-19", "ID-20", "ID-21", "ID-22", "ID-23", "ID-24",
    "ID-25", "ID-26", "ID-27", "ID-28", "RO-01", "RO-02", "RO-03", "RO-04", "RO-05", "RO-06", "RO-07", "SE-01",
    "SE-02", "SE-03", "SE-04", "SE-05", "SE-06", "SE-07", "SE-08", "OP-03", "NT-03", "RP-07", "SY-04", "UX-01",
    "UX-02",
]  # fmt: skip

#: Rows of issue 6.
ISSUE_6 = [
    "SG-01", "SG-02", "SG-03", "SG-04", "SG-05", "SG-06", "SG-07", "SG-08", "SG-09", "SG-10", "IN-03", "MO-03",
    "MO-06", "MO-08", "MO-10", "RT-02", "RT-04", "KO-08", "SE-04",
]  # fmt: skip


@pytest.fixture(scope="module")
def traced() -> trace.Trace:
    return trace.trace()


def test_every_id_that_is_named_exists(traced):
    assert traced.faults == []


def test_the_lists_of_finished_rows_are_the_issues_own():
    assert list(trace.FINISHED["3"]) == ISSUE_3
    assert list(trace.FINISHED["5"]) == ISSUE_5
    assert list(trace.FINISHED["6"]) == ISSUE_6


@pytest.mark.parametrize("id", dict.fromkeys(ISSUE_3 + ISSUE_5 + ISSUE_6))
def test_each_row_of_a_finished_issue_is_carried_by_a_journey(traced, id):
    journeys = [test for test in traced.rows[id].tests if test.startswith("tests/journeys/")]
    assert journeys, f"{id} has no journey; it has: {traced.rows[id].tests}"


def test_rules_name_their_source(traced):
    with_code = [id for id, row in traced.rows.items() if row.code]
    assert len(with_code) > 80
