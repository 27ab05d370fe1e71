"""The byte door: streaming in and out, limits, tickets, what is left of uploads that fail."""

from __future__ import annotations

import hashlib
import http.client
import re
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.system import System
from services.common.store import Store
from services.vault import bytes as file_bytes
from tests.support.bus import eventually
from tests.support.files import Files, pdf

LIMIT = 20 * 1024 * 1024
MIB = 1024 * 1024
TEST_VIRUS = b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE"


def pieces(data: bytes, size: int = 10_007) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize("size", [10, 255 * 1024, 255 * 1024 + 1, 700_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_bytes_come_back_as_they_went_in(files: Files, rpc: Any, actor: Any, size: int, chunked: bool) -> None:
    citizen, data = actor("citizen"), pdf(size)
    response = files.send(files.open(citizen, "Đơn đề nghị.pdf"), pieces(data) if chunked else data)
    assert response.status_code == 201
    meta = response.json()
    digest = hashlib.sha256(data).hexdigest()
    assert meta == {
        "file_id": meta["file_id"], "sha256": digest, "size": len(data), "media_type": "application/pdf",
    }  # fmt: skip
    opened = rpc("vault.open_download", citizen, file_id=meta["file_id"])
    assert (opened["filename"], opened["size"], opened["sha256"]) == ("Đơn đề nghị.pdf", len(data), digest)
    answer = files.get(opened)
    assert answer.content == data
    assert answer.headers["content-length"] == str(len(data))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-store"
    assert "filename*=UTF-8''%C4%90%C6%A1n%20" in answer.headers["content-disposition"]


def test_ranges(files: Files, rpc: Any, actor: Any) -> None:
    citizen, data = actor("citizen"), pdf(600_000)
    opened = rpc("vault.open_download", citizen, file_id=files.put(citizen, data))
    inside, tail, rest = ("261110-261130", 261_110, 261_131), ("-7", 599_993, 600_000), ("599999-", 599_999, 600_000)
    for asked, start, stop in (inside, tail, rest):
        part = files.get(opened, Range=f"bytes={asked}")
        assert part.status_code == 206
        assert part.content == data[start:stop]
        assert part.headers["content-range"] == f"bytes {start}-{stop - 1}/600000"
    assert files.get(opened, Range="bytes=600000-").status_code == 416
    assert files.get(opened, **{"Range": "bytes=0-1", "If-Range": '"other"'}).content == data


def test_the_same_bytes_again_are_answered_as_before_and_others_refused(
    files: Files, actor: Any, database: Any
) -> None:
    opened, data = files.open(actor("citizen")), pdf()
    first, second = files.send(opened, data), files.send(opened, data)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    other = files.send(opened, pdf())
    assert other.status_code == 409
    assert other.headers["content-type"] == "application/problem+json"
    told = {"data.file_id": opened["file_id"]}
    eventually(lambda: database["vault"]["told"].count_documents(told))
    assert database["vault"]["told"].count_documents(told) == 1


def test_two_at_once_under_one_ticket_make_one_file(files: Files, actor: Any, left: Any) -> None:
    opened, data = files.open(actor("citizen")), pdf(3 * MIB)
    answers: list[httpx.Response] = []
    senders = [threading.Thread(target=lambda: answers.append(files.send(opened, data))) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(30)
    assert [answer.status_code for answer in answers] == [201] * 4
    assert left(opened["file_id"]) == {"files": 1, "unfinished": 0, "pieces": 13}


def test_too_large_is_refused_announced_or_counted(files: Files, actor: Any, left: Any, nothing: Any) -> None:
    citizen = actor("citizen")
    for content in (pdf(LIMIT + 1), pieces(pdf(LIMIT + 1), 65_536)):
        opened = files.open(citizen)
        answer = files.send(opened, content)
        assert answer.status_code == 413
        assert answer.json()["limit_bytes"] == LIMIT
        assert left(opened["file_id"]) == nothing
    assert files.send(files.open(citizen), pdf(LIMIT)).status_code == 201


@pytest.mark.req("SE-04")
@pytest.mark.parametrize("data", [b"MZ" + b"\0" * 3_000_000, b"", b"%PDF-1.7\n" + b"x" * 400_000 + TEST_VIRUS])
def test_refused_content_leaves_nothing(files: Files, actor: Any, left: Any, nothing: Any, data: bytes) -> None:
    opened = files.open(actor("citizen"))
    answer = files.send(opened, data)
    assert (answer.status_code, answer.json()["rule"]) == (422, "SE-04")
    assert left(opened["file_id"]) == nothing


@pytest.mark.req("SE-04")
def test_names_of_programs_are_refused_at_once(bus: Any, actor: Any) -> None:
    problem = bus.refused("vault.open_upload", actor("citizen"), purpose="component", filename="hoso.exe")
    assert (problem.status, problem.rule, problem.errors[0]["field"]) == (422, "SE-04", "filename")


def test_a_broken_off_upload_leaves_nothing_and_may_be_repeated(
    files: Files, actor: Any, left: Any, nothing: Any
) -> None:
    opened, data = files.open(actor("citizen")), pdf(2 * MIB)
    connection = files.begin(opened, len(data))
    connection.send(data[:MIB])
    eventually(lambda: left(opened["file_id"])["unfinished"], what="the upload began")
    connection.close()
    eventually(lambda: left(opened["file_id"]) == nothing, what="the pieces are gone")
    assert files.send(opened, data).status_code == 201


def test_tickets_open_nothing_else(files: Files, rpc: Any, actor: Any, tokens: Any) -> None:
    citizen = actor("citizen")
    mine, other = files.open(citizen), files.open(citizen)
    assert httpx.put(mine["url"], content=pdf()).status_code == 401
    assert httpx.put(mine["url"], content=pdf()).headers["www-authenticate"] == "Ticket"
    assert files.send({**mine, "ticket": other["ticket"]}, pdf()).status_code == 403
    assert files.send({**mine, "ticket": citizen}, pdf()).status_code == 401
    assert files.get(mine).status_code == 403
    opened = rpc("vault.open_download", citizen, file_id=files.put(citizen, pdf()))
    assert files.send(opened, pdf()).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("PUT", "/files/../x", 404),
        ("GET", f"/files/{'g' * 32}", 404),
        ("DELETE", None, 405),
        ("POST", None, 405),
    ],
)
def test_nothing_else_is_behind_the_door(files: Files, actor: Any, method: str, path: str | None, status: int) -> None:
    opened = files.open(actor("citizen"))
    url = opened["url"] if path is None else opened["url"].rpartition("/files/")[0] + path
    answer = httpx.request(method, url, headers={"Authorization": f"Ticket {opened['ticket']}"}, content=b"x")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_without_length_or_in_an_encoding_is_refused(files: Files, actor: Any) -> None:
    opened = files.open(actor("citizen"))
    assert files.send(opened, pdf(), **{"Content-Encoding": "gzip"}).status_code == 400
    connection = http.client.HTTPConnection(httpx.URL(opened["url"]).host, httpx.URL(opened["url"]).port, timeout=10)
    connection.putrequest("PUT", httpx.URL(opened["url"]).path)
    connection.putheader("Authorization", f"Ticket {opened['ticket']}")
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()


def test_eight_large_uploads_and_downloads_cost_little_memory(
    files: Files, rpc: Any, actor: Any, system: System
) -> None:
    citizen, data = actor("citizen"), pdf(LIMIT)
    process = Path(f"/proc/{system.pid('vault')}")

    def kib(name: str) -> int:
        found = re.search(rf"^{name}:\s+(\d+) kB", (process / "status").read_text(), re.MULTILINE)
        assert found is not None
        return int(found[1])

    def eight(work: Any, tickets: list[dict[str, Any]]) -> float:
        """MiB by which the vault grew at most."""
        (process / "clear_refs").write_text("5")
        before, answers = kib("VmRSS"), []
        threads = [threading.Thread(target=lambda t=ticket: answers.append(work(t).status_code)) for ticket in tickets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert answers in ([201] * 8, [200] * 8)
        return (kib("VmHWM") - before) / 1024

    opened = [files.open(citizen, f"{number}.pdf") for number in range(8)]
    assert eight(lambda ticket: files.send(ticket, data), opened) < 16
    downloads = [rpc("vault.open_download", citizen, file_id=ticket["file_id"]) for ticket in opened]
    assert eight(files.get, downloads) < 16


def test_told_to_stop_the_vault_finishes_the_upload_in_hand(
    files: Files, actor: Any, system: System, left: Any
) -> None:
    opened, other, data = files.open(actor("citizen")), files.open(actor("citizen")), pdf(2 * MIB)
    connection = files.begin(opened, len(data))
    connection.send(data[:MIB])
    eventually(lambda: left(opened["file_id"])["unfinished"])
    stopping = threading.Thread(target=system.kill, args=("vault", signal.SIGTERM))
    stopping.start()
    refused = eventually(lambda: (answer := files.send(other, pdf())).status_code == 503 and answer, every=0.2)
    assert refused.headers["retry-after"] == "2"
    connection.send(data[MIB:])
    assert connection.getresponse().status == 201
    stopping.join(30)
    system.wait_ready("vault")
    assert left(opened["file_id"])["files"] == 1


def test_killed_in_the_middle_the_upload_is_repeated_and_its_rest_swept(
    files: Files, actor: Any, system: System, left: Any
) -> None:
    opened, data = files.open(actor("citizen")), pdf(2 * MIB)
    connection = files.begin(opened, len(data))
    connection.send(data[:MIB])
    eventually(lambda: left(opened["file_id"])["pieces"] >= 2)
    system.kill("vault", signal.SIGKILL)
    connection.close()
    system.wait_ready("vault")
    assert files.send(opened, data).status_code == 201
    assert left(opened["file_id"])["unfinished"] == 1
    store = Store(system.mongo_url("operator").replace("/admin?", "/vault?"), application="test")
    try:
        # The room's own sweep, some time later.
        assert file_bytes.sweep(store, datetime.now(UTC)) == 0
        assert file_bytes.sweep(store, datetime.now(UTC) + timedelta(minutes=20)) >= 1
    finally:
        store.close()
    assert left(opened["file_id"]) == {"files": 1, "unfinished": 0, "pieces": 9}
