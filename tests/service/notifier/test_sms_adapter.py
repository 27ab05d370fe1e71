"""The SMS adapter against its simulator."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from services.notifier.adapters import sms
from services.notifier.adapters.sms import Sms, SmsRefused, SmsUnavailable
from services.notifier.adapters.sms_simulator import Simulator, national


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    server = Simulator(0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def gateway(simulator: Simulator) -> Sms:
    return Sms(f"http://127.0.0.1:{simulator.server_address[1]}")


def test_one_message_a_reference(simulator: Simulator) -> None:
    for _ in range(3):
        gateway(simulator).send("+84914000123", "Mot", "r1")
    gateway(simulator).send("0914000123", "Hai", "r2")
    assert [m["text"] for m in simulator.sent_to("84914000123", 0)] == ["Mot", "Hai"]
    assert [m["text"] for m in simulator.sent_to("0914000123", 1)] == ["Hai"]
    assert simulator.sent_to("0905000456", 0) == []


def test_down_may_be_tried_again_and_refused_may_not(simulator: Simulator) -> None:
    simulator.control({"down": True})
    with pytest.raises(SmsUnavailable):
        gateway(simulator).send("0914000123", "Mot", "r1")
    simulator.control({"refuse": "0914000123"})
    with pytest.raises(SmsRefused):
        gateway(simulator).send("0914000123", "Mot", "r1")
    simulator.control({})
    gateway(simulator).send("0914000123", "Mot", "r1")
    assert len(simulator.sent_to(None, 0)) == 1


@pytest.mark.parametrize(("to", "text"), [("12", "x"), ("", "x"), ("0914000123", ""), ("hello", "x")])
def test_what_is_no_message_is_refused(simulator: Simulator, to: str, text: str) -> None:
    with pytest.raises(SmsRefused):
        gateway(simulator).send(to, text, "r")


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:1"])
def test_nobody_there_may_be_tried_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sms, "TIMEOUT", 0.5)
    with pytest.raises(SmsUnavailable):
        Sms(url).send("0914000123", "x", "r")


def test_national_form() -> None:
    assert {national(t) for t in ("0914000123", "+84914000123", "84 914.000-123", " 84914000123")} == {"0914000123"}
