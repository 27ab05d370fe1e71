"""Plays VNeID: an OpenID provider over the people of the population register.

    python -m services.identity.adapters.vneid_simulator

    GET  /.well-known/openid-configuration, /jwks
    GET  /authorize?...&login_hint=<personal number>   -> back to the client with a code, as that person
    GET  /authorize?...                                -> a page that asks for the personal number
    POST /authorize                                    that page's form; `refuse`: the person does not agree
    POST /token, GET /userinfo
    POST /control {"down": true} | {"delay": 2.0} | {"wrong": "signature"} | {"rotate": true} | {}
    GET  /healthz/ready

Authorization code flow with PKCE (S256) and client_secret_basic, as RFC 6749, RFC 7636 and OpenID Connect Core say; a
code is good once and for a minute. Nobody proves anything here: whoever knows a personal number is that person.
Nothing that is asked is written anywhere.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import html
import json
import os
import secrets
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from services.common.simulator_program import serve_until_told
from services.identity.adapters.population_register import SYNTHETIC, Entry, Register

LARGEST_BODY = 64 * 1024
LONGEST_DELAY = 60.0
CODE_LIFETIME = 60.0  # seconds
TOKEN_LIFETIME = 300  # seconds
#: What can be wrong with an answer: of the ID token, but for `subject` and `number`, which are of the user info.
WRONGS = ("signature", "algorithm", "issuer", "audience", "nonce", "expired", "subject", "number", "level")
_PAGE = """<!doctype html><html lang="vi"><meta charset="utf-8"><title>VNeID (diễn tập)</title>
<h1>VNeID – diễn tập</h1><form method="post" action="/authorize">{hidden}
<label>Số định danh cá nhân <input name="login_hint" inputmode="numeric" autofocus></label>
<button>Đồng ý đăng nhập</button> <button name="refuse" value="1">Từ chối</button></form></html>"""


class Key:
    """A signing key, and the number under which it is published."""

    def __init__(self) -> None:
        self.kid = secrets.token_hex(8)
        self.private = ec.generate_private_key(ec.SECP256R1())

    def published(self) -> dict[str, str]:
        point = self.private.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid,
                "x": _plain(point.x.to_bytes(32, "big")), "y": _plain(point.y.to_bytes(32, "big"))}  # fmt: skip


class Simulator(ThreadingHTTPServer):
    """The provider with its present behaviour. `issuer` is the address by which clients know it."""

    daemon_threads = True

    def __init__(self, port: int, register: Register, client_id: str, secret: str, issuer: str = "") -> None:
        super().__init__((os.environ.get("MOTCUA_HTTP_HOST") or "127.0.0.1", port), _Handler)
        self.issuer = issuer or f"http://127.0.0.1:{self.server_address[1]}"
        self.register, self.client_id, self.secret = register, client_id, secret
        self.down, self.delay, self.wrong = False, 0.0, ""
        self.key = Key()
        self.asked = 0
        self.lock = threading.Lock()
        self.codes: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, tuple[Entry, float]] = {}

    def control(self, order: dict[str, Any]) -> dict[str, Any]:
        """Takes an order: what it does not name goes back to normal. Raises ValueError."""
        down, delay, wrong = order.get("down", False), order.get("delay", 0.0), order.get("wrong", "")
        if not isinstance(down, bool) or not isinstance(delay, (int, float)) or not 0 <= delay <= LONGEST_DELAY:
            raise ValueError("an order is {down: bool, delay: seconds, wrong: word, rotate: bool}")
        if wrong and wrong not in WRONGS:
            raise ValueError(f"wrong is one of {', '.join(WRONGS)}")
        self.down, self.delay, self.wrong = down, float(delay), str(wrong)
        if order.get("rotate") is True:
            self.key = Key()
        return {"down": self.down, "delay": self.delay, "wrong": self.wrong, "asked": self.asked}

    def new_code(self, asked: dict[str, str], person: Entry) -> str:
        """A code for this person and this request, in place of any that are too old."""
        code, now = secrets.token_urlsafe(24), time.monotonic()
        with self.lock:
            self.codes = {c: row for c, row in self.codes.items() if row["until"] > now}
            self.codes[code] = {"asked": asked, "person": person, "until": now + CODE_LIFETIME}
        return code

    def take_code(self, code: str) -> dict[str, Any] | None:
        """What a code was given for; a second time nothing."""
        with self.lock:
            row = self.codes.pop(code, None)
        return row if row is not None and row["until"] > time.monotonic() else None

    def new_token(self, person: Entry) -> str:
        token, now = secrets.token_urlsafe(24), time.monotonic()
        with self.lock:
            self.tokens = {t: row for t, row in self.tokens.items() if row[1] > now}
            self.tokens[token] = (person, now + TOKEN_LIFETIME)
        return token

    def id_token(self, person: Entry, nonce: str, access_token: str) -> str:
        """The signed statement of who signed in, wrong where it was ordered so."""
        now, wrong = int(time.time()), self.wrong
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        claims: dict[str, Any] = {
            "iss": "https://elsewhere.example" if wrong == "issuer" else self.issuer,
            "aud": "another-client" if wrong == "audience" else self.client_id,
            "sub": subject_of(person),
            "nonce": "another-nonce" if wrong == "nonce" else nonce,
            "iat": now - 7200 if wrong == "expired" else now,
            "exp": now - 3600 if wrong == "expired" else now + TOKEN_LIFETIME,
            "acr": "0" if wrong == "level" else "2",
            "at_hash": _plain(half),
        }
        if wrong == "algorithm":
            return jwt.encode(claims, "", algorithm="none", headers={"kid": self.key.kid})
        key = Key().private if wrong == "signature" else self.key.private
        return jwt.encode(claims, key, algorithm="ES256", headers={"kid": self.key.kid})

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no error of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def subject_of(person: Entry) -> str:
    """The provider's own id of a person, which is not the personal number."""
    return "vneid-" + hashlib.sha256(f"subject/{person.id_number}".encode()).hexdigest()[:24]


class _Handler(BaseHTTPRequestHandler):
    server: Simulator

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/healthz/ready":
            self._json(200, {"ready": True})
        elif not self._serves():
            return
        elif parts.path == "/.well-known/openid-configuration":
            self._json(200, self._configuration())
        elif parts.path == "/jwks":
            self._json(200, {"keys": [self.server.key.published()]})
        elif parts.path == "/authorize":
            self._authorize(dict(parse_qsl(parts.query)))
        elif parts.path == "/userinfo":
            self._userinfo()
        else:
            self._json(404, {})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= LARGEST_BODY:
            self._json(413, {"error": "length"})
            return
        body = self.rfile.read(length)
        try:
            if self.path == "/control":
                order = json.loads(body or b"{}")
                if not isinstance(order, dict):
                    raise ValueError("not an object")
                self._json(200, self.server.control(order))
            elif not self._serves():
                return
            elif self.path == "/authorize":
                self._authorize(dict(parse_qsl(body.decode())))
            elif self.path == "/token":
                self._token(dict(parse_qsl(body.decode())))
            else:
                self._json(404, {})
        except ValueError:
            self._json(400, {"error": "invalid_request"})

    def _serves(self) -> bool:
        with self.server.lock:
            self.server.asked += 1
        if self.server.delay:
            time.sleep(self.server.delay)
        if self.server.down:
            self._json(503, {"error": "temporarily_unavailable"})
        return not self.server.down

    def _configuration(self) -> dict[str, Any]:
        at = self.server.issuer
        return {
            "issuer": at,
            "authorization_endpoint": f"{at}/authorize",
            "token_endpoint": f"{at}/token",
            "userinfo_endpoint": f"{at}/userinfo",
            "jwks_uri": f"{at}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "scopes_supported": ["openid", "profile", "personal_number"],
        }

    def _authorize(self, asked: dict[str, str]) -> None:
        if asked.get("client_id") != self.server.client_id or not asked.get("redirect_uri"):
            self._json(400, {"error": "invalid_client"})  # nobody to send back to
            return
        fault = _fault_of(asked)
        if not fault and asked.get("refuse"):
            fault = "access_denied"
        if not fault and "login_hint" not in asked:
            hidden = "".join(f'<input type="hidden" name="{html.escape(k)}" value="{html.escape(v)}">'
                             for k, v in asked.items())  # fmt: skip
            self._answer(200, "text/html; charset=utf-8", _PAGE.format(hidden=hidden).encode())
            return
        person = self.server.register.find(asked.get("login_hint", ""))
        if not fault and person is None:
            fault = "access_denied"
        back: dict[str, str] = {"state": asked.get("state", ""), "iss": self.server.issuer}
        if fault or person is None:
            back["error"] = fault
        else:
            back["code"] = self.server.new_code(asked, person)
        self.send_response(302)
        self.send_header("Location", f"{asked['redirect_uri']}?{urlencode(back)}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _token(self, form: dict[str, str]) -> None:
        if not self._is_client():
            self._json(401, {"error": "invalid_client"})
            return
        row = self.server.take_code(form.get("code", ""))
        if form.get("grant_type") != "authorization_code" or row is None:
            self._json(400, {"error": "invalid_grant"})
            return
        challenge = _plain(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        same = hmac.compare_digest(challenge, row["asked"]["code_challenge"])
        if not same or form.get("redirect_uri") != row["asked"]["redirect_uri"]:
            self._json(400, {"error": "invalid_grant"})
            return
        token = self.server.new_token(row["person"])
        self._json(200, {
            "access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFETIME,
            "id_token": self.server.id_token(row["person"], row["asked"].get("nonce", ""), token),
        })  # fmt: skip

    def _is_client(self) -> bool:
        kind, _, given = self.headers.get("Authorization", "").partition(" ")
        try:
            name, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        right = hmac.compare_digest(unquote_plus(secret).encode(), self.server.secret.encode())
        return kind == "Basic" and unquote_plus(name) == self.server.client_id and right

    def _userinfo(self) -> None:
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        person, until = self.server.tokens.get(token, (None, 0.0))
        if kind != "Bearer" or person is None or until < time.monotonic():
            self._json(401, {"error": "invalid_token"})
            return
        wrong = self.server.wrong
        self._json(200, {
            "sub": "vneid-somebody-else" if wrong == "subject" else subject_of(person),
            "personal_number": "12" if wrong == "number" else person.id_number,
            "name": person.full_name,
            "birthdate": person.birth_date.isoformat(),
        })  # fmt: skip

    def _json(self, status: int, body: dict[str, Any]) -> None:
        self._answer(status, "application/json", json.dumps(body).encode())

    def _answer(self, status: int, kind: str, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged: they are about people."""


def _fault_of(asked: dict[str, str]) -> str:
    """The error word for a request that no provider should take; empty where it is right."""
    if asked.get("response_type") != "code":
        return "unsupported_response_type"
    if "openid" not in asked.get("scope", "").split():
        return "invalid_scope"
    if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge") or not asked.get("nonce"):
        return "invalid_request"
    return ""


def _plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def main() -> int:
    """Serves until SIGTERM or SIGINT."""
    seed = os.environ.get("MOTCUA_SEED")
    size = int(os.environ.get("MOTCUA_POPULATION_SIZE") or SYNTHETIC)
    secret = Path(os.environ["MOTCUA_VNEID_SECRET"]).read_text(encoding="utf-8").strip()
    server = Simulator(
        int(os.environ["MOTCUA_HTTP_PORT"]), Register(Path(seed) if seed else None, size),
        os.environ["MOTCUA_VNEID_CLIENT_ID"], secret, os.environ["MOTCUA_VNEID_URL"],
    )  # fmt: skip
    return serve_until_told(server)


if __name__ == "__main__":
    sys.exit(main())
