"""The gateway on its port: files both ways, memory, what is no HTTP, sessions that end, an orderly stop."""

from __future__ import annotations

import functools
import hashlib
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from deploy.local.system import System
from services.common import wire
from services.gateway.config import MOST_CONNECTIONS_OF_ADDRESS
from tests.support.bus import eventually

API = "/api/v1"
MB = 1024 * 1024
TWENTY = 20 * MB
UPLOAD = f"{API}/uploads?purpose=component&filename=ban-chup.pdf"


@pytest.fixture
def client(system: System):
    with httpx.Client(base_url=system.base_url, timeout=30, trust_env=False) as opened:
        yield opened


@pytest.fixture
def headers(actor) -> dict[str, str]:
    return {"Authorization": f"Bearer {actor('citizen')}"}


def pdf(size: int) -> bytes:
    return b"%PDF-1.7\n" + os.urandom(size - 9)


def is_problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    return document


class Wire:
    """A socket to the gateway's port."""

    def __init__(self, system: System) -> None:
        address = urlsplit(system.base_url)
        self.socket = socket.create_connection((address.hostname or "", address.port or 0), timeout=20)

    def answer(self) -> tuple[int, bytes]:
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        return response.status, response.read()

    def say(self, text: bytes) -> tuple[int, bytes]:
        self.socket.sendall(text)
        return self.answer()

    def closed(self) -> bool:
        """Whether the other side has ended the connection; waits for it."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


class Silent:
    """A client that begins a request and says no more; waits for its answer while other tests run."""

    def __init__(self, system: System) -> None:
        self._line = Wire(system)
        self._line.socket.sendall(b"GET /api/v1/clock HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        self._started = time.monotonic()
        self.status, self.seconds = 0, 0.0
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()

    def _wait(self) -> None:
        self.status, _ = self._line.answer()
        self.seconds = time.monotonic() - self._started

    def sent_away(self) -> bool:
        """Waits until the gateway has answered, or no longer than the socket does."""
        self._thread.join(30)
        return self.status != 0


@pytest.fixture(scope="module", autouse=True)
def silent(system: System) -> Silent:
    """Begins with the first test of this file, so that nothing stands still for the ten seconds of its limit."""
    return Silent(system)


class TestFiles:
    def test_a_file_goes_in_and_comes_out_as_it_was(self, client, headers):
        data = pdf(3 * MB + 17)
        stored = client.post(UPLOAD, headers=headers, content=data)
        assert stored.status_code == 201
        assert stored.json()["sha256"] == hashlib.sha256(data).hexdigest()
        path = f"{API}/files/{stored.json()['file_id']}/content"
        fetched = client.get(path, headers=headers)
        assert fetched.content == data
        assert fetched.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in fetched.headers["content-security-policy"]
        part = client.get(path, headers={**headers, "Range": "bytes=100-199"})
        assert (part.status_code, part.content) == (206, data[100:200])
        assert part.headers["content-range"] == f"bytes 100-199/{len(data)}"
        beyond = client.get(path, headers={**headers, "Range": f"bytes={len(data)}-"})
        is_problem(beyond, 416)

    def test_without_a_stated_length(self, client, headers):
        data = pdf(2 * MB)
        pieces = (data[start : start + 70_000] for start in range(0, len(data), 70_000))
        stored = client.post(UPLOAD, headers=headers, content=pieces)
        assert stored.json()["sha256"] == hashlib.sha256(data).hexdigest()

    def test_the_same_key_is_the_same_file(self, client, headers):
        data = pdf(5000)
        keyed = {**headers, "Idempotency-Key": os.urandom(8).hex()}
        first, second = (client.post(UPLOAD, headers=keyed, content=data).json() for _ in range(2))
        assert first == second
        is_problem(client.post(UPLOAD, headers=keyed, content=pdf(5000)), 409)

    def test_strangers_do_not_get_it(self, client, headers, actor):
        stored = client.post(UPLOAD, headers=headers, content=pdf(5000)).json()
        other = {"Authorization": f"Bearer {actor('citizen')}"}
        is_problem(client.get(f"{API}/files/{stored['file_id']}/content", headers=other), 404)

    def test_what_is_no_document_is_refused_by_its_rule(self, client, headers):
        document = is_problem(client.post(UPLOAD, headers=headers, content=b"MZ" + b"\0" * 5000), 422)
        assert document["rule"] == "SE-04"

    @pytest.mark.parametrize(
        ("query", "more", "content", "status"),
        [
            ("purpose=result&filename=a.pdf", {}, b"%PDF-1.7\n", 403),
            ("purpose=rubbish&filename=a.pdf", {}, b"%PDF-1.7\n", 422),
            ("filename=a.pdf", {}, b"%PDF-1.7\n", 422),
            ("purpose=component&filename=a.pdf&person_id=per-1", {}, b"%PDF-1.7\n", 422),
            ("purpose=component&filename=a.pdf", {"Content-Type": "multipart/form-data; boundary=x"}, b"--x--", 415),
            ("purpose=component&filename=a.pdf", {"Content-Encoding": "gzip"}, b"\x1f\x8b", 415),
            ("purpose=component&filename=a.pdf", {}, b"", 400),
        ],
    )
    def test_uploads_that_are_refused_before_a_byte_goes_on(self, client, headers, query, more, content, status):
        is_problem(client.post(f"{API}/uploads?{query}", headers={**headers, **more}, content=content), status)

    def test_too_large_is_said_before_it_was_sent(self, system, headers):
        line = Wire(system)
        head = f"POST {UPLOAD} HTTP/1.1\r\nHost: x\r\nAuthorization: {headers['Authorization']}\r\n"
        status, body = line.say(f"{head}Content-Length: {TWENTY + 1}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert status == 413
        assert json.loads(body)["limit_bytes"] == TWENTY
        assert line.closed()

    def test_too_large_is_counted_on_the_way(self, system, headers, database):
        """The length is not stated: at 20 MB it ends, and the vault keeps nothing of it."""
        line = Wire(system)
        unfinished = database["vault"]["uploads"]
        before = unfinished.count_documents({"ended_at": None})
        head = f"POST {UPLOAD} HTTP/1.1\r\nHost: x\r\nAuthorization: {headers['Authorization']}\r\n"
        line.socket.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        piece = pdf(MB)
        for _ in range(21):
            line.socket.sendall(b"%x\r\n" % len(piece) + piece + b"\r\n")
        status, _ = line.answer()
        assert status == 413
        eventually(lambda: unfinished.count_documents({"ended_at": None}) <= before, what="the vault to let go")

    def test_a_sender_that_goes_away_leaves_nothing(self, system, headers, database):
        line = Wire(system)
        unfinished = database["vault"]["uploads"]
        before = unfinished.count_documents({"ended_at": None})
        head = f"POST {UPLOAD} HTTP/1.1\r\nHost: x\r\nAuthorization: {headers['Authorization']}\r\n"
        line.socket.sendall(f"{head}Content-Length: {5 * MB}\r\n\r\n".encode() + pdf(MB))
        eventually(lambda: unfinished.count_documents({"ended_at": None}) > before, what="the upload to begin")
        line.socket.close()
        eventually(lambda: unfinished.count_documents({"ended_at": None}) <= before, what="the vault to let go")


def rss(pid: int) -> float:
    """Resident memory of a process in MiB."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))


def peak(pids: dict[str, int], work: Callable[[], None]) -> dict[str, float]:
    """By how many MiB each process grew at most while `work` ran."""
    before = {name: rss(pid) for name, pid in pids.items()}
    most = dict(before)
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.02):
            for name, pid in pids.items():
                most[name] = max(most[name], rss(pid))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        work()
    finally:
        stop.set()
        watcher.join()
    return {name: round(most[name] - before[name], 1) for name in pids}


def together(jobs: list[Callable[[], Any]]) -> list[Any]:
    done: list[Any] = [None] * len(jobs)

    def run(number: int) -> None:
        done[number] = jobs[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done


@pytest.mark.full  # journeys/test_streaming.py shows the same of both, vault/test_byte_door.py of the vault by its peak
def test_eight_large_files_at_once_cost_little_memory(system, client, headers):
    pids = {"gateway": system.pid("gateway"), "vault": system.pid("vault")}
    data = pdf(TWENTY)
    digest = hashlib.sha256(data).hexdigest()
    client.post(UPLOAD, headers=headers, content=pdf(MB))  # what is made at the first use is no cost of these

    def up() -> httpx.Response:
        return httpx.post(system.base_url + UPLOAD, headers=headers, content=data, timeout=120, trust_env=False)

    def down(file_id: str) -> str:
        seen = hashlib.sha256()
        url = f"{system.base_url}{API}/files/{file_id}/content"
        with httpx.stream("GET", url, headers=headers, timeout=120, trust_env=False) as answer:
            for piece in answer.iter_raw():
                seen.update(piece)
        return seen.hexdigest()

    stored: list[httpx.Response] = []
    grown = peak(pids, lambda: stored.extend(together([up] * 8)))
    assert [answer.status_code for answer in stored] == [201] * 8
    assert max(grown.values()) <= 16, grown
    fetched: list[str] = []
    jobs = [functools.partial(down, answer.json()["file_id"]) for answer in stored]
    grown = peak(pids, lambda: fetched.extend(together(jobs)))
    assert fetched == [digest] * 8
    assert max(grown.values()) <= 16, grown


class TestWhatIsNoRequest:
    @pytest.mark.parametrize(
        "text",
        [
            b"rubbish\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nBad header\r\n\r\n",
            b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
            b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        ],
    )
    def test_is_a_problem_document_too(self, system, text):
        status, body = Wire(system).say(text)
        assert status == 400
        assert json.loads(body)["type"] == "/problems/malformed"

    @pytest.mark.parametrize("head", [
        b"HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked",
        b"HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 0",
        b"HTTP/1.0\r\nTransfer-Encoding: chunked",
    ])  # fmt: skip
    def test_a_request_with_two_ends_is_refused_and_nothing_behind_it_is_read(self, system, head):
        line = Wire(system)
        text = b"POST /api/v1/sessions " + head + b"\r\nHost: x\r\nContent-Type: application/json\r\n\r\n"
        line.socket.sendall(text + b"2\r\n{}\r\n0\r\n\r\nGET /api/v1/clock HTTP/1.1\r\nHost: x\r\n\r\n")
        said = b""
        while piece := line.socket.recv(65536):  # until the line is closed
            said += piece
        assert said.startswith(b"HTTP/1.1 400 ")
        assert said.count(b"HTTP/1.1 ") == 1
        assert b"connection: close" in said.lower()

    def test_headers_without_end(self, system):
        line = Wire(system)
        line.socket.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        status, body = line.say(b"X-Long: " + b"a" * 40_000)
        assert status == 431
        assert json.loads(body)["status"] == 431

    def test_a_broken_body_ends_the_connection_and_nothing_else(self, system, client):
        head = b"POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        line = Wire(system)
        status, _ = line.say(head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
        assert status == 400
        assert client.get(f"{API}/clock").status_code == 200


class TestLife:
    def test_a_session_that_ends_is_refused_here_within_moments(self, system, client, actor, tokens, bus):
        session = f"ses-{os.urandom(8).hex()}"
        headers = {"Authorization": f"Bearer {actor('citizen', session=session)}"}
        assert client.get(f"{API}/dossiers", headers=headers).status_code == 200
        from services.common.actors import Signer
        from services.common.control_message import control_body

        signer = Signer.load("identity", "identity-1", system.state.secrets / "keys" / "identity-1.pem")
        data = {"session": session, "until": time.time() + 60}
        bus.publish(wire.CONTROL_EXCHANGE, "", control_body(signer, "session.revoked", data))
        eventually(lambda: client.get(f"{API}/dossiers", headers=headers).status_code == 401)

    def test_a_silent_client_is_sent_away(self, silent):
        assert silent.sent_away()
        assert silent.status == 408
        assert silent.seconds < 15

    def test_told_to_stop_it_finishes_what_is_in_hand(self, system, headers):
        """An upload is half sent when SIGTERM comes: it is stored, and nobody new is let in."""
        data = pdf(4 * MB)
        line = Wire(system)
        head = f"POST {UPLOAD} HTTP/1.1\r\nHost: x\r\nAuthorization: {headers['Authorization']}\r\n"
        line.socket.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data[: 2 * MB])
        pid = system.pid("gateway")
        health = system.process("gateway").health_port
        os.kill(pid, 15)
        eventually(lambda: not ready(health), what="the gateway to say that it stops")
        line.socket.sendall(data[2 * MB :])
        status, body = line.answer()
        assert status == 201
        assert json.loads(body)["sha256"] == hashlib.sha256(data).hexdigest()
        line.socket.close()
        eventually(lambda: system.pid("gateway") != pid if alive(system) else False, within=40, what="the next one")
        system.wait_ready("gateway")

    def test_metrics_know_patterns_and_no_ids(self, system, client):
        client.get(f"{API}/lookups/H57-0912345678")
        text = httpx.get(f"http://127.0.0.1:{system.process('gateway').health_port}/metrics", trust_env=False).text
        assert 'route="/api/v1/lookups/{code}"' in text
        assert "0912345678" not in text


def ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz/ready", timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def alive(system: System) -> bool:
    from deploy.local.trouble import Trouble

    try:
        return bool(system.pid("gateway"))
    except Trouble:
        return False


def test_one_address_does_not_take_all_connections(system):
    """Half-sent heads from one address: beyond its share it is told 503, another address is served."""
    port = system.ports["gateway.http"]
    held: list[socket.socket] = []

    def opened(address: str) -> socket.socket:
        line = socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(address, 0))
        held.append(line)
        return line

    try:
        for _ in range(MOST_CONNECTIONS_OF_ADDRESS):
            opened("127.99.0.9")
        assert opened("127.99.0.9").recv(100).startswith(b"HTTP/1.1 503")
        other = opened("127.99.0.10")
        other.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert other.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        for line in held:
            line.close()
