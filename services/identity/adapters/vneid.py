"""VNeID as an OpenID provider: authorization code flow with PKCE, spoken by Authlib over HTTP.

Asked for: that somebody signed in just now (ID token: signature, issuer, audience, nonce, life), and the personal
number (user info, of the same subject). Whatever cannot be reached is 503, whatever is not right proves nobody; nothing
asked or answered is logged. Token life is real time. One client a process: what the provider publishes is kept a while.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from services.common import logs, problems
from services.common.problems import Problem
from services.identity import numbers

TIMEOUT = (2.0, 3.0)  # seconds for the connection, and for each read
KEPT = 600.0  # seconds for which addresses and keys are believed
KEYS_AGAIN = 5.0  # seconds between two looks for a key that is not known
LEEWAY = 30  # seconds by which clocks may differ
SCOPE = "openid personal_number"
ALGORITHMS = ["ES256", "RS256"]
#: Levels of an e-ID account as the ID token's `acr` names them.
LEVELS = ("1", "2")
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")


class Unreachable(Exception):
    """The provider does not answer, or not as a provider does."""


class NotProved(Exception):
    """Nobody was proved to have signed in."""


class Wrong(Exception):
    """The provider, or who came from it, does not prove what it should; the message is a fixed word."""


@dataclass(frozen=True)
class Registration:
    """What the provider knows this system by. `redirect_uri`: where it sends people back to."""

    issuer: str
    client_id: str
    secret_path: Path | None
    redirect_uri: str


class Vneid:
    """Client of one provider."""

    def __init__(self, known_as: Registration) -> None:
        self._known_as = known_as
        self._found: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._found_at = self._keys_at = float("-inf")

    def authorization_url(self, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes. Raises Problem 503."""
        started = time.monotonic()
        try:
            with self._session() as session:
                endpoint = self._discovered(session)["authorization_endpoint"]
                url, _ = session.create_authorization_url(endpoint, state=state, code_verifier=verifier, nonce=nonce)
        except (Unreachable, requests.RequestException, ValueError, OSError) as exc:
            raise _away(started, exc) from None
        return str(url)

    def personal_number(self, code: str, nonce: str, verifier: str) -> str:
        """The personal number of whom the code stands for. Raises NotProved, or Problem 503."""
        started = time.monotonic()
        try:
            with self._session() as session:
                number = self._redeem(session, code, nonce, verifier)
        except (Wrong, JoseError) as exc:
            # a word of ours or of the library's: its descriptions may quote the token
            why = str(exc) if isinstance(exc, Wrong) else type(exc).__name__
            logs.warning("vneid_refused", why=why, milliseconds=_since(started))
            raise NotProved from None
        except (Unreachable, requests.RequestException, ValueError, OSError) as exc:
            raise _away(started, exc) from None
        logs.info("vneid_asked", milliseconds=_since(started))
        return number

    def _redeem(self, session: OAuth2Session, code: str, nonce: str, verifier: str) -> str:
        found = self._discovered(session)
        try:
            answer = session.fetch_token(
                found["token_endpoint"], grant_type="authorization_code", code=code, code_verifier=verifier
            )
        except OAuthError as exc:
            if exc.error == "invalid_grant":  # the code is another's, used, too old or invented
                raise Wrong("code") from None
            raise Unreachable(str(exc.error)) from None  # that we are not let in is no fault of who signs in
        if not isinstance(answer.get("id_token"), str) or not isinstance(answer.get("access_token"), str):
            raise Unreachable("no tokens")
        subject = self._subject(session, answer, nonce)
        said = self._read(session, found["userinfo_endpoint"])
        if said.get("sub") != subject:
            raise Wrong("another_subject")
        try:
            return numbers.parse_personal_number(str(said.get("personal_number"))).digits
        except numbers.NumberError:
            raise Wrong("no_personal_number") from None

    def _subject(self, session: OAuth2Session, answer: dict[str, Any], nonce: str) -> str:
        """Who signed in, by the provider's own id, if the ID token says so to us, now, and to this request."""
        try:
            token = jwt.decode(answer["id_token"], self._published(session), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            # Signed with a key that is not known yet, perhaps: asked once, then judged.
            keys = self._published(session, again=True)
            try:
                token = jwt.decode(answer["id_token"], keys, algorithms=ALGORITHMS)
            except ValueError:
                raise Wrong("key") from None
        claims = CodeIDToken(
            token.claims,
            token.header,
            {
                "iss": {"essential": True, "value": self._known_as.issuer},
                "aud": {"essential": True, "value": self._known_as.client_id},
                "exp": {"essential": True},
                "iat": {"essential": True},
            },
            {"nonce": nonce, "client_id": self._known_as.client_id, "access_token": answer["access_token"]},
        )
        claims.validate(now=int(time.time()), leeway=LEEWAY)
        if str(claims.get("acr")) not in LEVELS:
            raise Wrong("level")
        return str(claims["sub"])

    def _session(self) -> OAuth2Session:
        """A connection of one request; the machine's proxy settings are not the province's."""
        if not self._known_as.issuer or not self._known_as.client_id or self._known_as.secret_path is None:
            raise Unreachable("not configured")
        session = OAuth2Session(
            self._known_as.client_id,
            self._known_as.secret_path.read_text(encoding="utf-8").strip(),
            scope=SCOPE,
            redirect_uri=self._known_as.redirect_uri,
            code_challenge_method="S256",
            default_timeout=TIMEOUT,
        )
        session.trust_env = False
        return session

    def _discovered(self, session: OAuth2Session) -> dict[str, Any]:
        """What the provider says of itself, if it is the one that was meant."""
        if time.monotonic() - self._found_at > KEPT:
            found = self._read(session, self._known_as.issuer + "/.well-known/openid-configuration", open_to_all=True)
            if found.get("issuer") != self._known_as.issuer or not all(
                isinstance(found.get(e), str) for e in _ENDPOINTS
            ):
                raise Unreachable("another provider")
            self._found, self._found_at = found, time.monotonic()
        return self._found

    def _published(self, session: OAuth2Session, *, again: bool = False) -> KeySet:
        """The provider's keys; asked anew now and then, and for a key that is not among them."""
        age = time.monotonic() - self._keys_at
        if self._keys is None or age > KEPT or (again and age > KEYS_AGAIN):
            answer = self._read(session, self._discovered(session)["jwks_uri"], open_to_all=True)
            self._keys, self._keys_at = KeySet.import_key_set(answer), time.monotonic()  # type: ignore[arg-type]
        return self._keys

    def _read(self, session: OAuth2Session, url: str, *, open_to_all: bool = False) -> dict[str, Any]:
        response = session.get(url, allow_redirects=False, withhold_token=open_to_all)
        if response.status_code != 200:
            raise Unreachable(f"status {response.status_code}")
        document = response.json()
        if not isinstance(document, dict):
            raise Unreachable("no object")
        return document


def _away(started: float, exc: Exception) -> Problem:
    logs.warning("vneid_unreachable", fault=type(exc).__name__, milliseconds=_since(started))
    return problems.unavailable(retry_after=30, detail="VNeID")


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
