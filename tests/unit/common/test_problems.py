import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import problems
from services.common.problems import Problem, field_error, invalid

ALL = [
    (problems.invalid(field_error("text", "Thiếu", "Missing", "GU-02")), 422),
    (problems.malformed(), 400),
    (problems.unauthorized(), 401),
    (problems.forbidden(), 403),
    (problems.not_found(), 404),
    (problems.conflict(), 409),
    (problems.stale_version(3, 4), 409),
    (problems.too_large(1024), 413),
    (problems.too_many(2), 429),
    (problems.unavailable(), 503),
    (problems.idempotency_missing(), 400),
    (problems.idempotency_mismatch(), 422),
    (problems.still_running(), 409),
    (problems.internal(), 500),
]


@pytest.mark.parametrize(("problem", "status"), ALL, ids=lambda value: getattr(value, "type", None))
def test_each_kind_has_its_status_and_both_languages(problem: Problem, status: int) -> None:
    document = problem.to_dict()
    assert document["status"] == status
    assert document["title"] == f"{document['title_vi']} / {document['title_en']}"
    assert document["type"].startswith("/problems/")


def test_each_kind_has_a_type_of_its_own() -> None:
    types = [problem.type for problem, _ in ALL]
    assert len(set(types)) == len(types)


def test_those_that_may_be_retried_say_when() -> None:
    assert [p.type for p, _ in ALL if p.retry_after is not None] == [
        "/problems/too-many-requests",
        "/problems/unavailable",
        "/problems/still-running",
    ]


def test_the_document_of_a_refusal_names_field_and_rule() -> None:
    problem = invalid(field_error("components", "Chọn thành phần", "Select components", "GU-02"), citation="TB 94 §3")
    assert problem.to_dict() == {
        "type": "/problems/invalid",
        "title": "Dữ liệu chưa hợp lệ / The data is not valid",
        "title_vi": "Dữ liệu chưa hợp lệ",
        "title_en": "The data is not valid",
        "status": 422,
        "rule": "GU-02",
        "citation": "TB 94 §3",
        "errors": [
            {
                "field": "components",
                "rule": "GU-02",
                "message_vi": "Chọn thành phần",
                "message_en": "Select components",
            }
        ],
    }


def test_two_rules_at_fault_leave_the_problem_itself_without_one() -> None:
    assert invalid(field_error("a", "x", "x", "GU-02"), field_error("b", "x", "x", "MO-03")).rule is None


def test_an_internal_problem_says_nothing_of_its_cause() -> None:
    assert set(problems.internal().to_dict()) == {"type", "title", "title_vi", "title_en", "status"}


@pytest.mark.parametrize("status", [200, 399, 600])
def test_a_problem_is_an_error(status: int) -> None:
    with pytest.raises(ValueError, match="error status"):
        Problem("/problems/x", "a", "b", status)


def test_extra_may_not_replace_a_member() -> None:
    with pytest.raises(ValueError, match="status"):
        Problem("/problems/x", "a", "b", 409, extra={"status": 200})


def test_a_negative_pause_is_refused() -> None:
    with pytest.raises(ValueError, match="seconds"):
        problems.too_many(-1)


def test_the_message_for_logs_is_short() -> None:
    assert str(problems.not_found("somebody's detail")) == "404 /problems/not-found: Not found"


def test_a_problem_survives_pickling() -> None:
    problem = problems.stale_version(3, 4)
    assert pickle.loads(pickle.dumps(problem)).to_dict() == problem.to_dict()


def test_something_else_is_not_a_problem() -> None:
    with pytest.raises(KeyError):
        Problem.from_dict({"status": 409})


texts = st.text(max_size=20)


@given(
    status=st.integers(400, 599),
    detail=st.none() | texts,
    rule=st.none() | st.just("IN-01"),
    errors=st.lists(st.builds(field_error, texts, texts, texts, st.none() | st.just("GU-02")), max_size=3),
    retry_after=st.none() | st.integers(0, 3600),
    instance=st.none() | texts,
    extra=st.dictionaries(st.sampled_from(["ground", "remaining"]), st.integers() | texts),
)
def test_round_trip_through_json(
    status: int,
    detail: str | None,
    rule: str | None,
    errors: list[Any],
    retry_after: int | None,
    instance: str | None,
    extra: dict[str, Any],
) -> None:
    problem = Problem(
        "/problems/x",
        "một",
        "one",
        status,
        detail=detail,
        rule=rule,
        errors=errors,
        retry_after=retry_after,
        instance=instance,
        extra=extra,
    )
    document = problem.to_dict()
    assert Problem.from_dict(json.loads(json.dumps(document))).to_dict() == document
