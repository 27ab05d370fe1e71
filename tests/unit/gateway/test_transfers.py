"""Streaming between a client and the vault, with a vault made of a transport: faults of either side."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.common import problems
from services.common.problems import Problem
from services.gateway import metrics, requests, transfers
from services.gateway.transfers import Transfers

SHE = "acc-1"
VAULT = "http://vault.internal:9"
OPENED = {"url": f"{VAULT}/files/f1", "ticket": "t-1"}
SCOPE: dict[str, Any] = {"headers": [(b"content-length", b"6")]}


def moving(answer: Any) -> Transfers:
    """Transfers to a vault that is `answer(request) -> httpx.Response`."""

    async def streamed(request: httpx.Request) -> httpx.Response:
        response = answer(request)
        if inspect.isawaitable(response):
            response = await response
        if not hasattr(response, "_content"):
            return response
        headers = {name: value for name, value in response.headers.items() if name != "content-length"}
        return httpx.Response(response.status_code, headers=headers, content=once(response.content))

    made = Transfers(VAULT)
    made._client = httpx.AsyncClient(transport=httpx.MockTransport(streamed))
    return made


async def once(content: bytes) -> AsyncIterator[bytes]:
    """As bytes come from a socket: they can be read one time."""
    yield content


def sender(*messages: dict[str, Any], then: str = "http.disconnect") -> Any:
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop(0)
        if then == "silence":
            await asyncio.sleep(3600)
        return {"type": then}

    return receive


def piece(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


class Sent(list[dict[str, Any]]):
    async def __call__(self, message: dict[str, Any]) -> None:
        self.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self)


def upload(answer: Any, receive: Any, sent: Sent | None = None) -> None:
    asyncio.run(moving(answer).upload(SHE, OPENED, SCOPE, receive, sent if sent is not None else Sent()))


async def stored(request: httpx.Request) -> httpx.Response:
    body = await request.aread()
    return httpx.Response(201, json={"size": len(body), "ticket_given": request.headers["authorization"]})


def test_the_ticket_goes_along_and_the_vaults_answer_comes_back():
    sent = Sent()
    upload(stored, sender(piece(b"abc"), piece(b"def", more=False)), sent)
    assert sent[0]["status"] == 201
    assert json.loads(sent.body) == {"size": 6, "ticket_given": "Ticket t-1"}


def test_a_refusal_of_the_vault_comes_through():
    refusal = problems.invalid(problems.field_error("filename", "vi", "en", "SE-04"))
    with pytest.raises(Problem) as refused:
        upload(lambda _: httpx.Response(422, json=refusal.to_dict()), sender(piece(b"abcdef", more=False)))
    assert refused.value.rule == "SE-04"


@pytest.mark.parametrize("status", [401, 403])
def test_a_ticket_that_the_vault_does_not_take_is_our_fault(status):
    document = Problem("/problems/x", "vi", "en", status).to_dict()
    with pytest.raises(Problem) as refused:
        upload(lambda _: httpx.Response(status, json=document), sender(piece(b"abcdef", more=False)))
    assert refused.value.status == 503


def test_a_vault_that_is_away_is_503():
    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(Problem) as refused:
        upload(away, sender(piece(b"abcdef", more=False)))
    assert (refused.value.status, refused.value.retry_after) == (503, 2)


def test_rubbish_from_the_vault_is_503():
    with pytest.raises(Problem) as refused:
        upload(lambda _: httpx.Response(500, content=b"<html>"), sender(piece(b"abcdef", more=False)))
    assert refused.value.status == 503


def test_a_sender_that_falls_silent_is_sent_away(monkeypatch):
    monkeypatch.setattr(transfers, "SILENCE_SECONDS", 0.05)
    with pytest.raises(Problem) as refused:
        upload(stored, sender(piece(b"abc"), then="silence"))
    assert refused.value.status == 408


def test_a_sender_that_drips_is_sent_away_in_the_end(monkeypatch):
    monkeypatch.setattr(transfers, "TRANSFER_SECONDS", 0.2)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return piece(b"x")

    with pytest.raises(Problem) as refused:
        upload(stored, receive)
    assert refused.value.status == 408


def test_a_sender_that_goes_away_is_not_answered():
    with pytest.raises(requests.ClientGone):
        upload(stored, sender(piece(b"abc")))


def test_bytes_are_counted(monkeypatch):
    monkeypatch.setattr(transfers, "UPLOAD_LIMIT", 5)
    with pytest.raises(Problem) as refused:
        upload(stored, sender(piece(b"abc"), piece(b"def", more=False)))
    assert refused.value.status == 413


def test_an_address_outside_the_vault_is_never_called():
    def never(_: httpx.Request) -> httpx.Response:
        raise AssertionError("called")

    opened = {**OPENED, "url": "http://169.254.169.254/latest"}
    with pytest.raises(Problem) as refused:
        asyncio.run(moving(never).upload(SHE, opened, SCOPE, sender(piece(b"abcdef", more=False)), Sent()))
    assert refused.value.status == 500


@pytest.mark.parametrize("kind", ["upload", "download"])
def test_one_account_does_not_take_all_places(monkeypatch, kind):
    """Ten that never end, of one account: the eleventh is hers to wait for, and another's goes through."""

    async def scene() -> tuple[int, int | None]:
        made = moving(stored)
        monkeypatch.setattr(transfers, "MOST_TRANSFERS_OF_ONE", 2)
        never = [asyncio.ensure_future(made.upload(SHE, OPENED, SCOPE, sender(then="silence"), Sent())) for _ in "12"]
        await asyncio.sleep(0)
        one_more = made.upload if kind == "upload" else made.download
        with pytest.raises(Problem) as refused:
            await one_more(SHE, OPENED, SCOPE, sender(piece(b"abcdef", more=False)), Sent())
        made.check_upload("another", SCOPE)
        for each in never:
            each.cancel()
        await asyncio.gather(*never, return_exceptions=True)
        made.check_upload(SHE, SCOPE)  # her places came back
        return refused.value.status, refused.value.retry_after

    assert asyncio.run(scene()) == (429, 2)


def test_a_body_that_drips_is_sent_away(monkeypatch):
    monkeypatch.setattr(transfers, "SILENCE_SECONDS", 0.05)

    async def drip() -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return piece(b"x")

    with pytest.raises(Problem) as refused:
        asyncio.run(moving(stored).upload(SHE, OPENED, {"headers": []}, drip, Sent()))
    assert refused.value.status == 408


def test_a_body_that_is_only_waited_for_by_the_vault_is_not_too_slow(monkeypatch):
    """What the vault takes its time for is not the sender's fault."""
    monkeypatch.setattr(transfers, "SILENCE_SECONDS", 0.05)

    async def slow(request: httpx.Request) -> httpx.Response:
        async for _ in request.stream:  # type: ignore[union-attr]
            await asyncio.sleep(0.02)
        return httpx.Response(201, json={})

    said = Sent()
    body = [piece(b"x") for _ in range(8)] + [piece(b"x", more=False)]
    asyncio.run(moving(slow).upload(SHE, OPENED, {"headers": []}, sender(*body), said))


def test_more_than_so_many_at_once_are_refused(monkeypatch):
    monkeypatch.setattr(transfers, "MOST_TRANSFERS", 0)
    counted: list[str] = []
    monkeypatch.setattr(metrics, "record_refused", counted.append)
    with pytest.raises(Problem) as refused:
        moving(stored).check_upload(SHE, SCOPE)
    assert refused.value.status == 503
    with pytest.raises(Problem) as refused:
        asyncio.run(moving(stored).download(SHE, OPENED, SCOPE, sender(), Sent()))
    assert refused.value.status == 503
    assert counted == ["vault", "vault"]


def download(answer: Any, receive: Any, sent: Sent) -> None:
    asyncio.run(moving(answer).download(SHE, OPENED, {"headers": [(b"range", b"bytes=0-2")]}, receive, sent))


def test_a_download_hands_on_what_a_browser_needs_and_nothing_else():
    def part(request: httpx.Request) -> httpx.Response:
        assert request.headers["range"] == "bytes=0-2"
        headers = {"Content-Type": "application/pdf", "Content-Range": "bytes 0-2/6", "X-Inner": "secret"}
        return httpx.Response(206, headers=headers, content=b"abc")

    sent = Sent()
    download(part, sender(then="silence"), sent)
    names = {name for name, _ in sent[0]["headers"]}
    assert sent[0]["status"] == 206
    assert sent.body == b"abc"
    assert b"content-range" in names
    assert b"x-inner" not in names


def test_a_vault_that_breaks_off_breaks_the_download():
    """The receiver counts bytes: an answer that ends early must not look complete."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"abc"
        raise httpx.ReadError("gone")

    sent = Sent()
    with pytest.raises(Problem):
        download(lambda _: httpx.Response(200, content=broken()), sender(then="silence"), sent)
    assert sent.body == b"abc"
    assert sent[-1].get("more_body") is True


def test_a_receiver_that_goes_away_ends_the_download():
    async def long() -> AsyncIterator[bytes]:
        for _ in range(1000):
            await asyncio.sleep(0)
            yield b"x" * 1000

    sent = Sent()
    with pytest.raises(requests.ClientGone):
        download(lambda _: httpx.Response(200, content=long()), sender(), sent)
    assert len(sent.body) < 100_000


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_is_told_what_to_send(kind: str) -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", b"5")]
    with pytest.raises(Problem) as refused:
        moving(stored).check_upload(SHE, {"headers": headers})
    assert refused.value.status == 415
    assert "application/octet-stream" in str(refused.value.detail)
