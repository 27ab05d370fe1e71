"""The gateway's side of the bus, against a real broker: deadlines, rooms that are away, a broker that is killed."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pika
import pytest

from deploy.local.system import System
from services.common import problems, wire
from services.common.actors import Signer, Verifier
from services.common.clock import BusinessClock
from services.common.control_message import control_body
from services.common.problems import Problem
from services.gateway import admission
from services.gateway import bus as bus_module
from services.gateway.bus import Bus
from services.gateway.following import Follower

DEADLINE = 20.0


class Rooms:
    """Plays rooms: answers what is asked on `rpc-<room>` from a function, in a thread of its own."""

    def __init__(self, url: str, answer: Callable[[str, dict[str, Any]], Any]) -> None:
        self._url = url
        self._answer = answer
        self._stop = threading.Event()
        self.seen: list[str] = []
        self.ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self.ready.wait(10)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._serve()
            except pika.exceptions.AMQPError:
                time.sleep(0.1)

    def _serve(self) -> None:
        connection = pika.BlockingConnection(pika.URLParameters(self._url + "?heartbeat=0&socket_timeout=2"))
        channel = connection.channel()
        for room in ("identity", "oversight", "intake"):
            channel.queue_declare(
                f"rpc-{room}", durable=True, arguments=dict(wire.queue_declarations(room))[f"rpc-{room}"]
            )
            channel.queue_bind(f"rpc-{room}", wire.RPC_EXCHANGE, f"{room}.*")
            channel.basic_consume(f"rpc-{room}", self._take, auto_ack=True)
        self.ready.set()
        while not self._stop.is_set():
            connection.process_data_events(0.05)
        connection.close()

    def _take(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        self.seen.append(method.routing_key)
        try:
            answer = wire.encode_result(self._answer(method.routing_key, wire.decode_call(body)))
        except Problem as problem:
            answer = wire.encode_problem(problem)
        except TimeoutError:
            return  # a room that never answers
        channel.basic_publish(
            wire.RPC_EXCHANGE,
            properties.reply_to,
            answer,
            pika.BasicProperties(correlation_id=properties.correlation_id),
        )

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5)


@pytest.fixture
def rooms(stores: System) -> Iterator[Callable[..., Rooms]]:
    started: list[Rooms] = []

    def start(answer: Callable[[str, dict[str, Any]], Any]) -> Rooms:
        started.append(Rooms(stores.amqp_url("operator"), answer))
        return started[-1]

    yield start
    for room in started:
        room.stop()


@pytest.fixture
def url(stores: System) -> str:
    return stores.amqp_url("gateway")


async def nothing() -> None:
    return None


def with_bus(url: str, work: Callable[[Bus], Any]) -> Any:
    """Runs `work` with an open bus."""

    async def run() -> Any:
        bus = Bus(url, lambda _: "", nothing, lambda: None)
        bus.start()
        try:
            return await asyncio.wait_for(work(bus), 60)
        finally:
            await bus.stop()

    return asyncio.run(run())


def refused(excinfo: Any) -> Problem:
    problem: Problem = excinfo.value
    assert problem.status == 503
    assert problem.retry_after
    return problem


def test_answers_and_problems_come_back(url, rooms):
    def answer(method: str, kwargs: dict[str, Any]) -> Any:
        if kwargs.get("code") == "none":
            raise problems.not_found()
        return {"method": method, **kwargs}

    rooms(answer)

    async def work(bus: Bus) -> None:
        assert await bus.call("intake.lookup", {"code": "1"}, {}, 5) == {"method": "intake.lookup", "code": "1"}
        with pytest.raises(Problem) as missing:
            await bus.call("intake.lookup", {"code": "none"}, {}, 5)
        assert missing.value.status == 404
        many = await asyncio.gather(*(bus.call("intake.lookup", {"n": n}, {}, 10) for n in range(60)))
        assert [row["n"] for row in many] == list(range(60))
        assert bus.in_flight == 0

    with_bus(url, work)


def test_a_room_that_does_not_exist_fails_at_once(url):
    async def work(bus: Bus) -> float:
        started = time.monotonic()
        with pytest.raises(Problem) as gone:
            await bus.call("nobody.asks", {}, {}, 10)
        refused(gone)
        return time.monotonic() - started

    assert with_bus(url, work) < 5


def test_a_room_that_does_not_answer_costs_the_deadline_and_no_more(url, rooms):
    def silent(_: str, __: dict[str, Any]) -> Any:
        raise TimeoutError

    rooms(silent)

    async def work(bus: Bus) -> float:
        await bus._open.wait()
        started = time.monotonic()
        with pytest.raises(Problem) as late:
            await bus.call("intake.mine", {}, {}, 0.5)
        refused(late)
        assert bus.in_flight == 0
        return time.monotonic() - started

    assert 0.4 < with_bus(url, work) < 3


def test_calls_in_flight_are_bounded(url, rooms, monkeypatch):
    release = threading.Event()

    def slow(_: str, __: dict[str, Any]) -> Any:
        release.wait(10)
        return {}

    rooms(slow)
    monkeypatch.setattr(admission, "MOST_CALLS_OF_ROOM", 3)

    async def work(bus: Bus) -> None:
        waiting = [asyncio.create_task(bus.call("intake.mine", {}, {}, 10)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Problem) as full:
            await bus.call("intake.mine", {}, {}, 10)
        refused(full)
        release.set()
        await asyncio.gather(*waiting)
        assert await bus.call("intake.mine", {}, {}, 10) == {}

    with_bus(url, work)


def test_a_killed_broker_fails_or_repeats_what_is_in_flight(url, rooms, stores):
    """Nothing hangs until its deadline, nothing is a fault of ours; a question is asked again by itself."""
    hold = threading.Event()

    def answer(method: str, kwargs: dict[str, Any]) -> Any:
        if method == "intake.accept" or not hold.is_set():
            raise TimeoutError
        return {"asked": kwargs["n"]}

    room = rooms(answer)

    async def work(bus: Bus) -> None:
        question = asyncio.create_task(bus.call("intake.dossier", {"n": 1}, {}, 45, repeatable=True))
        command = asyncio.create_task(bus.call("intake.accept", {"n": 2}, {}, 45))
        limit = time.monotonic() + DEADLINE
        while len(room.seen) < 2 and time.monotonic() < limit:
            await asyncio.sleep(0.02)
        assert sorted(room.seen) == ["intake.accept", "intake.dossier"]
        hold.set()
        restart = asyncio.to_thread(stores.restart_broker)
        killed = time.monotonic()
        restarting = asyncio.create_task(restart)
        with pytest.raises(Problem) as lost:
            await command
        assert time.monotonic() - killed < 15, "it waited for its deadline"
        refused(lost)
        with pytest.raises(Problem) as waiting:
            await bus.call("intake.dossier", {"n": 3}, {}, 0.3)
        refused(waiting)
        assert await question == {"asked": 1}
        await restarting
        assert await bus.call("intake.dossier", {"n": 4}, {}, 20, repeatable=True) == {"asked": 4}
        assert room.seen.count("intake.accept") == 1

    with_bus(url, work)


def test_a_repeated_command_waits_for_the_first_ones_answer(url, rooms, monkeypatch):
    """The room still works on the first try when the second comes: its answer is what the caller gets."""
    tries: list[str] = []

    def answer(_: str, __: dict[str, Any]) -> Any:
        tries.append("x")
        if len(tries) == 1:
            raise problems.still_running(retry_after=1)
        return {"done": True}

    rooms(answer)

    async def work(bus: Bus) -> Any:
        first = bus._once

        async def once(*args: Any) -> bytes:
            monkeypatch.setattr(bus, "_once", first)
            raise bus_module._Lost

        monkeypatch.setattr(bus, "_once", once)
        return await bus.call("intake.file", {}, {wire.H_COMMAND: "k"}, 10, repeatable=True)

    assert with_bus(url, work) == {"done": True}
    assert len(tries) == 2


@pytest.fixture
def following(stores: System):
    """A follower with the system's own keys."""
    keys = stores.state.secrets / "keys"
    verifier = Verifier.load(stores.state.public_keys)
    signer = Signer.load("gateway", "gateway-1", keys / "gateway-1.pem")
    return Follower(verifier, signer, BusinessClock(0.0, rehearsal=True)), verifier, keys


def test_sessions_and_clock_are_asked_for_then_followed(url, rooms, stores, following):
    follower, verifier, keys = following
    until = time.time() + 60

    def answer(method: str, _: dict[str, Any]) -> Any:
        if method == "identity.revoked_sessions":
            return {"sessions": [{"session": "ended-before", "until": until}]}
        return {"offset": 100.0, "now": "2024-03-11T02:00:00Z"}

    rooms(answer)
    identity = Signer.load("identity", "identity-1", keys / "identity-1.pem")
    oversight = Signer.load("oversight", "oversight-1", keys / "oversight-1.pem")

    def token(session: str) -> str:
        return identity.sign({"sub": "acc-1", "pid": "p", "grants": [["citizen", "*"]], "sid": session}, 60)

    async def run() -> None:
        bus = Bus(url, follower.take, lambda: follower.load(bus), follower.lost)
        assert follower.missing == ["sessions", "clock"]
        bus.start()
        try:
            await eventually(lambda: follower.missing == [])
            assert follower.clock.offset == 100.0
            with pytest.raises(Problem):
                verifier.verify(token("ended-before"))
            verifier.verify(token("alive"))
            answers = await asyncio.to_thread(
                broadcast,
                stores.amqp_url("operator"),
                [
                    control_body(identity, "session.revoked", {"session": "alive", "until": until}),
                    control_body(identity, "clock.moved", {"offset": 999.0}),  # not its owner
                    b"rubbish",
                    control_body(oversight, "clock.moved", {"offset": 200.0}),
                ],
            )
            assert answers == [
                {"room": "gateway", "kind": "session.revoked"},
                {"room": "gateway", "kind": "clock.moved"},
            ]
            with pytest.raises(Problem):
                verifier.verify(token("alive"))
            assert follower.clock.offset == 200.0
            follower.lost()
            with pytest.raises(Problem) as unknown:
                await follower.wait_sessions(asyncio.get_running_loop().time() + 0.05)
            refused(unknown)
        finally:
            await bus.stop()

    asyncio.run(run())


async def eventually(look: Callable[[], bool]) -> None:
    limit = time.monotonic() + DEADLINE
    while not look():
        assert time.monotonic() < limit, "not in time"
        await asyncio.sleep(0.02)


def broadcast(url: str, bodies: list[bytes]) -> list[Any]:
    """Tells every process and returns what comes back: two answers are asked for."""
    connection = pika.BlockingConnection(pika.URLParameters(url + "?heartbeat=0"))
    channel = connection.channel()
    queue = f"rpc.reply-operator-{uuid.uuid4().hex}"
    channel.queue_declare(queue, exclusive=True)
    for body in bodies:
        channel.basic_publish(wire.CONTROL_EXCHANGE, "", body, pika.BasicProperties(reply_to=queue))
    answers: list[Any] = []
    limit = time.monotonic() + DEADLINE
    while len(answers) < 2 and time.monotonic() < limit:
        method, _, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            connection.sleep(0.02)
        else:
            answers.append(orjson.loads(body))
    connection.close()
    return answers
