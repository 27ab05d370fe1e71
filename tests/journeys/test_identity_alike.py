"""Answers that do not tell a stranger who has an account: the same status, headers and words, after the same work."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from deploy.demo.client import new_key
from deploy.demo.people import Citizen
from deploy.demo.world import World
from deploy.local.system import System
from tests.journeys.scenes import somebody

#: Of an answer about nobody in particular: ids and times, which are new each time.
NEW = frozenset({"registration_id", "challenge_id", "resumption_id", "expires_at", "instance", "correlation_id"})
MOVING = frozenset({"date", "x-correlation-id", "content-length"})


def answer(world: World, path: str, body: dict[str, Any], address: str) -> dict[str, Any]:
    """Status, headers and body of one request, without what is new each time; `new` says which fields those were."""
    got = world.client(local_address=address).once("POST", path, json=body, key=new_key())
    document = got.json()
    return {
        "status": got.status_code,
        "headers": sorted((k, v) for k, v in got.headers.items() if k not in MOVING),
        "body": {k: v for k, v in document.items() if k not in NEW},
        "new": sorted(NEW & set(document)),
    }


@pytest.fixture(scope="module")
def holder(world: World) -> Citizen:
    return Citizen(world, somebody()).enter()


@pytest.fixture(scope="module")
def locked(world: World, officer) -> Citizen:
    citizen = Citizen(world, somebody()).enter()
    path = f"/accounts/{citizen.account['account_id']}/lock"
    officer("officer-support").client.post(path, {"reason": "Diễn tập khóa tài khoản"})
    return citizen


ASKED = {
    "register": ("/registrations", lambda phone: {
        "phone": phone, "password": "mot mat khau du dai", "full_name": "Trần Văn Thử", "birth_date": "1990-01-02"}),
    "sign in": ("/sessions", lambda phone: {"phone": phone, "password": "mot mat khau sai"}),
    "recover": ("/account/recovery", lambda phone: {"phone": phone}),
    "set a password": ("/account/recovery/confirmation", lambda phone: {
        "phone": phone, "code": "000000", "new_password": "mot mat khau du dai"}),
    "resume": ("/account/resumption", lambda phone: {"phone": phone, "password": "mot mat khau sai"}),
}  # fmt: skip


@pytest.mark.req("X-23", "ID-13")
@pytest.mark.parametrize("asked", ASKED)
def test_a_stranger_is_answered_alike_about_holders_and_nobodies(world, holder, locked, asked: str):
    path, body = ASKED[asked]
    phones = {"nobody": somebody().phone, "holder": holder.phone.number, "locked": locked.phone.number}
    if asked == "set a password":  # once a code was asked for; what was asked for is no secret
        for phone in phones.values():
            assert answer(world, "/account/recovery", {"phone": phone}, "127.4.0.1")["status"] < 300
    found = {who: answer(world, path, body(phone), "127.4.0.1") for who, phone in phones.items()}
    assert found["holder"] == found["nobody"]
    assert found["locked"] == found["nobody"]
    # Control: what is another question is answered otherwise.
    assert answer(world, path, body("12"), "127.4.0.1") != found["nobody"]


@pytest.mark.req("X-23", "ID-27")
def test_only_who_has_the_right_password_hears_of_a_lock(world, locked: Citizen, holder: Citizen):
    right = {"phone": locked.phone.number, "password": locked.password}
    told = answer(world, "/sessions", right, "127.4.0.2")
    assert (told["status"], told["body"]["rule"]) == (403, "ID-27")
    assert answer(world, "/sessions", {**right, "password": "sai mat khau"}, "127.4.0.2")["status"] == 401
    assert answer(world, "/sessions", {"phone": holder.phone.number, "password": holder.password}, "127.4.0.2")[
        "status"
    ] == 201  # fmt: skip


@pytest.mark.req("X-23")
def test_officers_names_are_no_secret_that_an_answer_tells(world: World, desk):
    def asked(name: str) -> dict[str, Any]:
        return answer(world, "/officer-sessions", {"username": name, "password": "mot mat khau sai"}, "127.4.0.3")

    assert asked(desk.person.username) == asked("khong.co.ai")
    assert asked("khong.co.ai")["status"] == 401


@pytest.mark.req("X-23")
def test_tokens_and_codes_of_nobody_are_refused_like_wrong_ones(world: World, holder: Citizen):
    genuine = holder.sign_in()["refresh_token"]
    session, _, _ = genuine.partition(".")
    wrong = [answer(world, "/sessions/refresh", {"refresh_token": token}, "127.4.0.4")
             for token in (f"{session}.{'x' * 43}", f"{'0' * 32}.{'x' * 43}", "x")]  # fmt: skip
    assert wrong[0] == wrong[1] == wrong[2]
    assert wrong[0]["status"] == 401
    assert answer(world, "/sessions/refresh", {"refresh_token": genuine}, "127.4.0.4")["status"] == 200


def work(journeys: System) -> dict[str, float]:
    """Work that identity has done so far: password checks, and calls of its methods by outcome."""
    row = next(row for row in journeys.rows() if row.name == "identity")
    page = httpx.get(f"http://127.0.0.1:{row.health_port}/metrics", trust_env=False, timeout=10).text
    found = {}
    for line in page.splitlines():
        if line.startswith("motcua_worker_jobs_total{") and "argon2" in line:
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


@pytest.mark.req("X-23")
@pytest.mark.parametrize("who", ["holder", "locked", "nobody"])
def test_a_password_is_worked_on_alike_whoever_is_behind_the_phone(world, journeys, holder, locked, who: str):
    """The same number of hashing jobs: what would differ in time is done in every case."""
    phone = {"holder": holder.phone.number, "locked": locked.phone.number}.get(who) or somebody().phone
    for path in ("/sessions", "/account/resumption"):
        before = work(journeys)
        assert answer(world, path, {"phone": phone, "password": "mot mat khau sai"}, "127.4.0.5")["status"] == 401
        after = work(journeys)
        assert sum(after.values()) - sum(before.values()) == 1, path


@pytest.mark.req("SE-04", "X-23")
def test_who_guesses_uses_up_his_own_tries_and_not_the_owners(world: World):
    owner = Citizen(world, somebody()).enter()
    guess = {"phone": owner.phone.number, "password": "mot mat khau sai"}
    assert [answer(world, "/sessions", guess, "127.4.1.1")["status"] for _ in range(11)] == [401] * 10 + [429]
    right = {"phone": owner.phone.number, "password": owner.password}
    assert answer(world, "/sessions", right, "127.4.1.1")["status"] == 429, "there even the right one must wait"
    assert answer(world, "/sessions", right, "127.4.1.2")["status"] == 201
    # A phone without an account is guessed at under the same limit.
    nobody = {**guess, "phone": somebody().phone}
    assert [answer(world, "/sessions", nobody, "127.4.1.1")["status"] for _ in range(11)] == [401] * 10 + [429]


@pytest.mark.req("SE-04", "X-23")
def test_codes_to_one_phone_are_few_whoever_holds_it(world: World):
    for phone, near in (
        (somebody().phone, "127.4.1.3"),
        (Citizen(world, somebody()).enter().phone.number, "127.4.1.4"),
    ):
        asked = [answer(world, "/account/recovery", {"phone": phone}, near)["status"] for _ in range(6)]
        assert asked[5] == 429 and len(set(asked[:5])) == 1 and asked[0] < 300
    assert answer(world, "/account/recovery", {"phone": somebody().phone}, "127.4.1.3")["status"] < 300
