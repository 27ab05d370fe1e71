"""RPC: who asks, what is refused and how, and that a command with a key takes effect once."""

from __future__ import annotations

import concurrent.futures
import uuid

import jwt
import pytest

from services.common import wire
from tests.support.bus import Bus, eventually


def test_answers_with_business_time_and_the_proven_actor(keeper, line, operator):
    answer = line.call("oversight.ping", operator, text="xin chào")
    assert answer["text"] == "xin chào"
    assert answer["subject"] == "operator"
    assert answer["now"].startswith("2024-03-11T")


def test_unknown_field_is_named(keeper, line, operator):
    problem = line.refused("oversight.ping", operator, text="a", colour="red")
    assert problem.status == 422
    assert [e["field"] for e in problem.errors] == ["colour"]


def test_wrong_type_is_named(keeper, line, operator):
    problem = line.refused("oversight.ping", operator, text=5)
    assert problem.status == 422
    assert problem.errors[0]["field"] == "text"
    assert problem.errors[0]["message_vi"]


def test_without_an_assertion_401_with_the_wrong_role_403(keeper, line, makers):
    assert line.refused("oversight.ping", None, text="a").status == 401
    assert line.refused("oversight.ping", makers.person("citizen"), text="a").status == 403


def test_forged_assertions_are_refused(keeper, line, makers, stores):
    # signed by intake, but claiming to be the operator; signed by nobody; another algorithm; a person signed by intake
    from services.common.actors import Signer

    keys = stores.state.secrets / "keys"
    intake = Signer.load("intake", "intake-1", keys / "intake-1.pem")
    claims = {"sub": "operator", "pid": "operator", "grants": [["operator", "*"]]}
    posing = Signer.load("operator", "intake-1", keys / "intake-1.pem").sign(claims, 60)
    unsigned = jwt.encode(
        {**claims, "iss": "operator", "aud": "motcua", "iat": 1, "exp": 2**31}, None, algorithm="none"
    )
    shared = jwt.encode(
        {**claims, "iss": "operator", "aud": "motcua", "iat": 1, "exp": 2**31},
        "x" * 32,
        algorithm="HS256",
        headers={"kid": "operator-1", "typ": "actor+jwt"},
    )
    citizen = intake.sign({"sub": "acc-1", "pid": "p", "grants": [["operator", "*"]]}, 60)
    expired = Signer.load("operator", "operator-1", keys / "operator-1.pem").sign(claims, -1)
    for token in (posing, unsigned, shared, citizen, expired, "rubbish"):
        assert line.refused("oversight.ping", token, text="a").status == 401


def test_unknown_method_and_unknown_room(keeper, line, operator):
    assert line.refused("oversight.nothing", operator).status == 404


def test_a_fault_says_nothing_of_its_data(keeper, line, operator):
    problem = line.refused("oversight.crash", operator)
    assert problem.status == 500
    assert "0914000123" not in str(problem.to_dict())
    assert "0914000123" not in keeper.log.read_text()
    assert '"fault":"RuntimeError"' in keeper.log.read_text()


def test_same_key_and_body_same_answer_once(keeper, line, operator, data):
    key, thing = uuid.uuid4().hex, f"once-{uuid.uuid4().hex}"
    first = line.call("oversight.make", operator, key=key, **_make(thing))
    second = line.call("oversight.make", operator, key=key, **_make(thing))
    assert first == second == {"made": thing}
    assert data["oversight"]["things"].count_documents({"_id": thing}) == 1
    problem = line.refused("oversight.make", operator, key=key, **_make(thing + "-other"))
    assert problem.status == 422
    assert data["oversight"]["things"].count_documents({"_id": thing + "-other"}) == 0


def test_a_callers_key_is_no_id_of_ours_and_belongs_to_its_caller(keeper, line, operator, makers, data):
    key = "0914000123"  # a well-formed key; a phone number, too
    things = {token: f"own-{uuid.uuid4().hex}" for token in (operator, makers.service("intake"))}
    for token, thing in things.items():  # both make the room call as itself: the nested commands must not be one
        answer = line.call("oversight.pass_on", token, key=key, room="oversight", thing=thing)
        assert answer == {"made": thing}
    for thing in things.values():
        told = eventually(lambda t=thing: data["oversight"]["told"].find_one({"subject": t}), what="told")
        assert told["causationid"]
        assert key not in str(told)


def test_without_a_key_400_and_nothing_changes(keeper, line, operator, data):
    thing = f"nokey-{uuid.uuid4().hex}"
    assert _refused_make(line, operator, None, thing).status == 400
    assert data["oversight"]["things"].count_documents({"_id": thing}) == 0


def test_refusals_free_the_key(keeper, line, operator):
    key = uuid.uuid4().hex
    assert line.refused("oversight.make", operator, key=key, **{"hold": "x"}).status == 422
    thing = f"free-{key}"
    assert line.call("oversight.make", operator, key=key, **_make(thing)) == {"made": thing}


def test_two_at_once_with_one_key_run_once(keeper, stores, operator, data):
    key, thing = uuid.uuid4().hex, f"race-{uuid.uuid4().hex}"

    def attempt(_: int) -> object:
        bus = Bus(stores.amqp_url("operator"))
        try:
            return bus.call("oversight.make", operator, key=key, hold=0.5, **_make(thing))
        except Exception as problem:
            return problem
        finally:
            bus.close()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = list(pool.map(attempt, range(4)))
    assert results.count({"made": thing}) >= 1
    for other in results:
        if other != {"made": thing}:
            assert other.status == 409
            assert other.retry_after is not None
    assert data["oversight"]["things"].count_documents({"_id": thing}) == 1


def test_concurrent_changes_lose_no_update(keeper, stores, operator, data, line):
    thing = f"bump-{uuid.uuid4().hex}"
    line.call("oversight.make", operator, key=uuid.uuid4().hex, **_make(thing))

    def bump(number: int) -> None:
        bus = Bus(stores.amqp_url("operator"))
        try:
            eventually(lambda: _bumped(bus, operator, f"{thing}-{number}", thing), what="bump")
        finally:
            bus.close()

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(bump, range(12)))
    assert data["oversight"]["things"].find_one({"_id": thing})["number"] == 13
    effects = eventually(
        lambda: (e := data["oversight"]["effects"].find_one({"_id": thing})) and e["count"] == 13 and e, what="effects"
    )
    assert effects["numbers"] == sorted(effects["numbers"])  # in the aggregate's own order


def test_requests_expire_and_are_never_left_in_the_queue(keeper, stores, line, operator):
    with pytest.raises(TimeoutError):
        line.call("intake.ping", operator, text="nobody there", timeout=0.5)


def test_undeclared_event_data_is_refused_and_nothing_is_written(keeper, line, operator, data):
    thing = f"wrong-{uuid.uuid4().hex}"
    line.call("oversight.make", operator, key=uuid.uuid4().hex, **_make(thing))
    before = data["oversight"]["things"].find_one({"_id": thing})["version"]
    problem = _call_refused(line, "oversight.tell_wrong", operator, thing)
    assert problem.status == 500
    assert data["oversight"]["things"].find_one({"_id": thing})["version"] == before


def test_each_queue_has_its_kind(keeper, stores):
    declared = dict(wire.queue_declarations("oversight"))
    for name, arguments in declared.items():
        if name.startswith("evt."):
            assert arguments["x-queue-type"] == "quorum"
            assert arguments["x-overflow"] == "reject-publish"
        else:
            assert "x-queue-type" not in arguments


def _make(thing: str) -> dict[str, str]:
    return {"thing": thing}


def _refused_make(line, operator, key, thing):
    return line.refused("oversight.make", operator, key=key, **_make(thing))


def _bumped(bus, operator, key, thing):
    try:
        return bus.call("oversight.bump", operator, key=key, **_make(thing))
    except Exception:
        return None


def _call_refused(line, method, operator, thing):
    return line.refused(method, operator, key=uuid.uuid4().hex, **_make(thing))
