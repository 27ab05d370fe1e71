"""Kills, outages and orderly stops of one room: nothing lost, nothing doubled."""

from __future__ import annotations

import re
import signal
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

from services.common import wire
from services.common.problems import Problem
from tests.support.bus import Bus, eventually
from tests.support.programs import Program


def make(stores, operator, thing, hold=0.0, key=None, within=40.0):
    """Asks until the answer is there, as an honest client does: same key, same body."""
    key = key or uuid.uuid4().hex

    def attempt():
        bus = Bus(stores.amqp_url("operator"))
        try:
            return bus.call("oversight.make", operator, key=key, timeout=4, thing=thing, hold=hold)
        except (Problem, TimeoutError):
            return None
        finally:
            bus.close()

    return eventually(attempt, within=within, what=f"answer for {thing}")


def settled(data, prefix, count):
    """Whether every thing with this prefix exists once and had its effect once."""
    query = {"_id": {"$regex": f"^{prefix}"}}
    things = data["oversight"]["things"].count_documents(query)
    rows = list(data["oversight"]["effects"].find(query))
    unsent = data["oversight"]["things"].count_documents({"outbox_mark": {"$exists": True}})
    return things == count and len(rows) == count and all(r["count"] == 1 for r in rows) and unsent == 0


def test_sigterm_under_load_finishes_what_is_in_hand_and_doubles_nothing(keeper, stores, operator, data):
    prefix = f"term-{uuid.uuid4().hex[:8]}-"
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(make, stores, operator, f"{prefix}{n}", 0.05) for n in range(60)]
        eventually(lambda: sum(job.done() for job in jobs) >= 10, what="ten done")
        assert keeper.end(signal.SIGTERM) == 0
        keeper.start()
        assert all(job.result() == {"made": f"{prefix}{n}"} for n, job in enumerate(jobs))
    eventually(lambda: settled(data, prefix, 60), what="60 things, 60 effects")
    assert '"event":"stopped_with_work_in_hand"' not in keeper.log.read_text()


def test_kill_in_the_middle_of_a_handler(keeper, stores, operator, data):
    prefix = f"kill-{uuid.uuid4().hex[:8]}-"
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(make, stores, operator, f"{prefix}{n}", 1.0) for n in range(8)]
        eventually(
            lambda: data["oversight"]["idempotency"].count_documents({"state": "running"}) >= 8, what="eight in hand"
        )
        keeper.end(signal.SIGKILL)
        keeper.start()
        assert all(job.result() == {"made": f"{prefix}{n}"} for n, job in enumerate(jobs))
    eventually(lambda: settled(data, prefix, 8), what="8 things, 8 effects")


def test_the_broker_killed_under_load(keeper, stores, operator, data):
    prefix = f"broker-{uuid.uuid4().hex[:8]}-"
    stop = threading.Event()
    made: list[str] = []

    def client(name):
        number = 0
        while not stop.is_set():
            thing = f"{prefix}{name}-{number}"
            key = uuid.uuid4().hex
            while True:
                try:
                    bus = Bus(stores.amqp_url("operator"))
                    bus.call("oversight.make", operator, key=key, timeout=3, thing=thing)
                    break
                except Exception:
                    if stop.wait(0.2) and number > 3:
                        return
            made.append(thing)
            number += 1

    threads = [threading.Thread(target=client, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(made) >= 20, what="twenty made")
    stores.restart_broker(signal.SIGKILL)
    before = len(made)
    eventually(lambda: len(made) >= before + 20, within=60, what="twenty more after the restart")
    stop.set()
    for thread in threads:
        thread.join(60)
    count = data["oversight"]["things"].count_documents({"_id": {"$regex": f"^{prefix}"}})
    assert count >= len(made)
    eventually(lambda: settled(data, prefix, count), within=60, what="each effect once")


def test_the_database_killed_under_load(keeper, stores, operator, data):
    prefix = f"mongo-{uuid.uuid4().hex[:8]}-"
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(make, stores, operator, f"{prefix}{n}", 0.05) for n in range(40)]
        eventually(lambda: sum(job.done() for job in jobs) >= 8, what="eight done")
        stores.restart_database(signal.SIGKILL)
        assert all(job.result() == {"made": f"{prefix}{n}"} for n, job in enumerate(jobs))
    eventually(lambda: settled(data, prefix, 40), within=60, what="40 things, 40 effects")


def test_two_replicas_one_relay_one_timer_no_doubles(keeper, stores, operator, data):
    second = Program(stores, "oversight", port_of="intake").start()
    try:
        prefix = f"twin-{uuid.uuid4().hex[:8]}-"
        leaders = [
            int(re.search(r"^motcua_relay_leader (\d)", p.http("/metrics")[1], re.M)[1]) for p in (keeper, second)
        ]
        assert sum(leaders) == 1
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda n: make(stores, operator, f"{prefix}{n}"), range(40)))
        eventually(lambda: settled(data, prefix, 40), what="40 things, 40 effects")
        before = data["oversight"]["ticks"].count_documents({})
        timer = data["oversight"]["timers"].find_one({"_id": "tick"})
        data["oversight"]["timers"].update_one(
            {"_id": "tick"}, {"$set": {"next_at": timer["next_at"].replace(year=2020)}}
        )
        eventually(lambda: data["oversight"]["ticks"].count_documents({}) > before, what="one run")
        assert data["oversight"]["ticks"].count_documents({}) == before + 1
    finally:
        second.end()


def test_the_relay_changes_hands_when_its_leader_dies(keeper, stores, operator, data):
    second = Program(stores, "oversight", port_of="intake").start()
    try:
        keeper.end(signal.SIGKILL)
        thing = f"hands-{uuid.uuid4().hex}"
        make(stores, operator, thing)
        eventually(lambda: settled(data, thing, 1), within=30, what="published by the other")
    finally:
        keeper.start()
        second.end()


def test_metrics_and_health_tell(keeper, stores, operator, line, data):
    line.call("oversight.ping", operator, text="a")
    text = keeper.http("/metrics")[1]
    for name in (
        "motcua_rpc_seconds_count",
        "motcua_event_seconds",
        "motcua_outbox_lag_seconds",
        "motcua_relay_leader",
    ):
        assert name in text
    for queue, _ in wire.queue_declarations("oversight"):
        eventually(lambda q=queue: f'motcua_queue_messages{{queue="{q}"}}' in keeper.http("/metrics")[1], within=40)
    assert keeper.http("/healthz/live")[0] == 200
    assert keeper.http("/healthz/ready")[0] == 200


def test_not_ready_without_database_alive_all_the_same(keeper, stores):
    stores.hold("database")
    try:
        eventually(lambda: keeper.http("/healthz/ready")[0] == 503, within=30, what="not ready")
        assert keeper.http("/healthz/live")[0] == 200
    finally:
        stores.release("database")
    eventually(lambda: keeper.http("/healthz/ready")[0] == 200, within=30, what="ready again")
