"""The VNeID adapter against its simulator: the right way, and every way in which an answer may be wrong."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from deploy.rehearsal import cast
from deploy.rehearsal.make_people_seeds import SEEDS
from services.common.problems import Problem
from services.identity.adapters import vneid
from services.identity.adapters.population_register import Register
from services.identity.adapters.vneid import NotProved, Registration, Vneid
from services.identity.adapters.vneid_simulator import WRONGS, Simulator

AN = cast.PEOPLE["citizen-an"]
BINH = cast.PEOPLE["citizen-binh"]
BACK = "http://127.0.0.1:1/vneid"


@dataclass
class Way:
    """One sign-in under way: the client, and the secrets with which it began."""

    client: Vneid
    state: str
    nonce: str
    verifier: str
    url: str

    def agree(self, number: str = AN.personal_number) -> dict[str, str]:
        """What the browser is sent back with."""
        answer = requests.get(f"{self.url}&{urlencode({'login_hint': number})}", allow_redirects=False, timeout=5)
        assert answer.status_code == 302 and answer.headers["Location"].startswith(BACK + "?")
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}

    def number(self, code: str) -> str:
        return self.client.personal_number(code, self.nonce, self.verifier)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    server = Simulator(0, Register(SEEDS / "population_simulator.json"), "motcua", "a secret/with: signs")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def known_as(simulator: Simulator, tmp_path: Path) -> Registration:
    secret = tmp_path / "vneid.secret"
    secret.write_text("a secret/with: signs\n")
    return Registration(simulator.issuer, "motcua", secret, BACK)


def begun(client: Vneid) -> Way:
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Way(client, state, nonce, verifier, client.authorization_url(state, nonce, verifier))


@pytest.fixture
def way(known_as: Registration) -> Way:
    return begun(Vneid(known_as))


@pytest.mark.req("ID-08")
def test_the_browser_is_sent_with_pkce_state_and_nonce_and_without_secrets(way: Way) -> None:
    asked = {name: values[0] for name, values in parse_qs(urlsplit(way.url).query).items()}
    assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
    assert (asked["state"], asked["nonce"], asked["redirect_uri"]) == (way.state, way.nonce, BACK)
    assert set(asked["scope"].split()) == {"openid", "personal_number"}
    assert way.verifier not in way.url and "secret" not in way.url


@pytest.mark.req("ID-08")
def test_who_agreed_is_named_by_number_once(way: Way) -> None:
    back = way.agree()
    assert back["state"] == way.state
    assert way.number(back["code"]) == AN.personal_number
    with pytest.raises(NotProved):
        way.number(back["code"])


def test_who_is_not_known_there_or_does_not_agree_comes_back_without_a_code(way: Way) -> None:
    assert way.agree("046199999999")["error"] == "access_denied"


@pytest.mark.req("ID-08")
@pytest.mark.parametrize("wrong", WRONGS)
def test_a_wrong_answer_proves_nobody(simulator: Simulator, way: Way, wrong: str) -> None:
    code = way.agree()["code"]
    simulator.control({"wrong": wrong})
    with pytest.raises(NotProved):
        way.number(code)
    simulator.control({})  # control: the same client, asked again, is answered right
    assert way.number(way.agree()["code"]) == AN.personal_number


def test_a_code_is_nobodys_without_its_own_verifier_and_nonce(way: Way) -> None:
    other = begun(way.client)
    with pytest.raises(NotProved):
        other.number(way.agree()["code"])
    swapped = replace(way, nonce=other.nonce)
    with pytest.raises(NotProved):
        swapped.number(way.agree()["code"])
    with pytest.raises(NotProved):
        way.number("invented")


def test_keys_may_change_at_any_time(simulator: Simulator, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vneid, "KEYS_AGAIN", 0.0)
    assert way.number(way.agree()["code"]) == AN.personal_number
    simulator.control({"rotate": True})
    assert way.number(way.agree(BINH.personal_number)["code"]) == BINH.personal_number


def refused(call) -> Problem:
    with pytest.raises(Problem) as raised:
        call()
    return raised.value


@pytest.mark.parametrize("order", [{"down": True}, {"delay": 2.0}])
def test_a_provider_that_is_away_or_slow_is_unavailable(
    simulator: Simulator, known_as: Registration, way: Way, order: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vneid, "TIMEOUT", (0.2, 0.2))
    code = way.agree()["code"]
    simulator.control(order)
    assert refused(lambda: way.number(code)).status == 503
    assert refused(lambda: begun(Vneid(known_as))).status == 503


def test_our_own_secret_being_wrong_is_not_the_citizens_fault(known_as: Registration, way: Way, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.secret"
    wrong.write_text("another")
    stranger = replace(way, client=Vneid(replace(known_as, secret_path=wrong)))
    code = way.agree()["code"]
    assert refused(lambda: stranger.number(code)).status == 503


@pytest.mark.parametrize("missing", [{"issuer": ""}, {"client_id": ""}, {"secret_path": None}])
def test_without_settings_there_is_no_provider(known_as: Registration, missing: dict) -> None:
    assert refused(lambda: begun(Vneid(replace(known_as, **missing)))).status == 503


def test_another_provider_than_the_one_that_was_meant_is_not_believed(known_as: Registration) -> None:
    elsewhere = replace(known_as, issuer=known_as.issuer.replace("127.0.0.1", "localhost"))
    assert refused(lambda: begun(Vneid(elsewhere))).status == 503
