"""The population adapter against its simulator and against servers that misbehave."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deploy.rehearsal import cast
from deploy.rehearsal.make_people_seeds import SEEDS
from services.identity.adapters import population
from services.identity.adapters.population import Population
from services.identity.adapters.population_register import Register
from services.identity.adapters.population_simulator import WRONG, Simulator
from services.identity.normalization import Outcome

AN = cast.PEOPLE["citizen-an"]


def ask(url: str, **changed: object) -> Outcome:
    question = {
        "id_number": AN.personal_number,
        "full_name": AN.full_name,
        "birth_date": AN.birth_date,
        "issue_date": AN.issue_date,
    }
    return Population(url).ask(**{**question, **changed}).outcome  # type: ignore[arg-type]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    server = Simulator(0, Register(SEEDS / "population_simulator.json"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def odd(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that answers every question with the given status and bytes."""
    status, body = request.param

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield url(server)
    server.shutdown()
    thread.join()
    server.server_close()


def url(server: HTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


@pytest.mark.req("ID-03", "ID-17")
def test_outcomes(simulator: Simulator) -> None:
    here = url(simulator)
    assert ask(here) is Outcome.MATCH
    assert ask(here, full_name=f"  {AN.full_name.lower()} ") is Outcome.MATCH
    assert ask(here, full_name="Nguyễn Thị Ân") is Outcome.NO_MATCH
    assert ask(here, birth_date=date(1990, 5, 13)) is Outcome.NO_MATCH
    assert ask(here, issue_date=date(2021, 7, 16)) is Outcome.NO_MATCH
    assert ask(here, id_number="001090000001") is Outcome.NOT_FOUND


def test_down_is_unavailable_and_heals(simulator: Simulator) -> None:
    simulator.control({"down": True})
    assert ask(url(simulator)) is Outcome.UNAVAILABLE
    simulator.control({})
    assert ask(url(simulator)) is Outcome.MATCH


@pytest.mark.parametrize("way", WRONG)
def test_a_wrong_answer_is_unavailable(simulator: Simulator, way: str) -> None:
    simulator.control({"wrong": way})
    assert ask(url(simulator)) is Outcome.UNAVAILABLE
    simulator.control({})
    assert ask(url(simulator)) is Outcome.MATCH


def test_a_match_names_the_commune_of_residence(simulator: Simulator) -> None:
    question = {"id_number": AN.personal_number, "full_name": AN.full_name, "birth_date": AN.birth_date}
    answer = Population(url(simulator)).ask(**question, issue_date=AN.issue_date)  # type: ignore[arg-type]
    assert (answer.outcome, answer.unit) == (Outcome.MATCH, "000.05.07.H57")


def test_too_slow_is_unavailable(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(population, "TIMEOUT", 0.2)
    simulator.control({"delay": 1.0})
    assert ask(url(simulator)) is Outcome.UNAVAILABLE


@pytest.mark.parametrize("order", [{"down": 1}, {"delay": -1}, {"delay": "x"}, {"delay": 1e9}, {"wrong": "x"}])
def test_a_nonsense_order_changes_nothing(simulator: Simulator, order: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="order"):
        simulator.control(order)
    assert ask(url(simulator)) is Outcome.MATCH


@pytest.mark.parametrize(
    "odd",
    [
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"match": true}'),
        (200, b'{"match": true, "code": "NO_MATCH"}'),
        (200, b'{"match": "yes", "code": "MATCH"}'),
        (200, b'{"match": false, "code": "UNAVAILABLE"}'),
        (404, b'{"match": false, "code": "NOT_FOUND"}'),
        (500, b'{"match": true, "code": "MATCH"}'),
    ],
    indirect=True,
)
def test_what_is_no_clear_answer_is_unavailable(odd: str) -> None:
    assert ask(odd) is Outcome.UNAVAILABLE


def closed() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.parametrize("address", [closed, lambda: "", lambda: "http://"])
def test_nobody_there_is_unavailable(address: Callable[[], str]) -> None:
    assert ask(address()) is Outcome.UNAVAILABLE
