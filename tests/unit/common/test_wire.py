"""Names and bodies on the wire, and the keys of idempotent commands."""

from __future__ import annotations

import re

import orjson
import pytest

from services.common import idempotency, problems, wire
from services.common.crypto import DataKey
from services.common.problems import Problem


def test_a_call_and_its_answer_survive():
    assert wire.decode_call(wire.encode_call({"code": "c", "n": 1})) == {"code": "c", "n": 1}
    assert wire.decode_reply(wire.encode_result({"ok": True})) == {"ok": True}
    assert wire.decode_reply(wire.encode_result(None)) is None


def test_a_problem_arrives_as_it_was_raised():
    sent = problems.stale_version(3, 4)
    with pytest.raises(Problem) as caught:
        wire.decode_reply(wire.encode_problem(sent))
    assert caught.value.to_dict() == sent.to_dict()


def test_a_fault_of_a_stock_nameko_service_is_a_fault():
    body = orjson.dumps({"result": None, "error": {"exc_type": "KeyError", "value": "x"}})
    with pytest.raises(RuntimeError, match="KeyError"):
        wire.decode_reply(body)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b'{"kwargs": []}', b'{"args": [1], "kwargs": {}}', b"\xff"])
def test_what_is_no_call_is_refused(body):
    with pytest.raises(ValueError):  # noqa: PT011 - orjson's own message is not ours
        wire.decode_call(body)


def test_nameko_itself_can_read_our_bodies():
    assert set(orjson.loads(wire.encode_call({"a": 1}))) == {"args", "kwargs"}
    error = orjson.loads(wire.encode_problem(problems.not_found()))["error"]
    assert {"exc_type", "exc_path", "exc_args", "value"} <= set(error)


@pytest.mark.parametrize("room", wire.ROOMS)
def test_queues_of_a_room_have_their_kind(room):
    declared = dict(wire.queue_declarations(room))
    assert set(declared) == {
        wire.rpc_queue(room), wire.event_queue(room), wire.dead_queue(room),
        *(wire.retry_queue(room, delay) for delay in wire.RETRY_DELAYS),
    }  # fmt: skip
    for name, arguments in declared.items():
        assert arguments["x-overflow"] == "reject-publish", name
        assert arguments["x-max-length"] > 0, name
    assert declared[wire.event_queue(room)]["x-dead-letter-routing-key"] == wire.dead_queue(room)
    for delay in wire.RETRY_DELAYS:
        retry = declared[wire.retry_queue(room, delay)]
        assert retry["x-message-ttl"] == delay * 1000
        assert retry["x-dead-letter-routing-key"] == wire.event_queue(room)
        assert retry["x-dead-letter-strategy"] == "at-least-once"


def test_the_schedule_uses_queues_that_exist():
    assert set(wire.RETRY_SCHEDULE) <= set(wire.RETRY_DELAYS)


def test_ids_are_not_given_twice_and_fit_a_header():
    ids = {wire.new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"[0-9a-f-]{10,40}", name) for name in ids)


def test_keys_are_scoped_to_actor_and_route():
    keys = {
        idempotency.key_of("acc-1", "intake.file", "k"),
        idempotency.key_of("acc-2", "intake.file", "k"),
        idempotency.key_of("acc-1", "intake.amend", "k"),
        idempotency.key_of("acc-1", "intake.file", "l"),
        idempotency.key_of("acc-1intake.file", "", "k"),
    }
    assert len(keys) == 5
    assert idempotency.key_of("a", "b", "c") == idempotency.key_of("a", "b", "c")


def test_the_same_body_is_recognised_whatever_the_order_of_its_fields():
    key = DataKey(b"k" * 32, "intake")
    assert idempotency.body_hash({"a": 1, "b": {"c": 2, "d": 3}}, key) == idempotency.body_hash(
        {"b": {"d": 3, "c": 2}, "a": 1}, key
    )
    assert idempotency.body_hash({"a": 1}, key) != idempotency.body_hash({"a": "1"}, key)
    assert idempotency.body_hash({"a": [1, 2]}, key) != idempotency.body_hash({"a": [2, 1]}, key)


def test_a_bodys_digest_is_keyed_by_room():
    body = {"id_number": "046190000123"}
    one, other = DataKey(b"k" * 32, "intake"), DataKey(b"k" * 32, "identity")
    assert idempotency.body_hash(body, one) != idempotency.body_hash(body, other)
