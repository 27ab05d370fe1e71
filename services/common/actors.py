"""Who acts: short-lived signed assertions, verified by the room that owns the data.

People's assertions are signed by identity when they sign in; rooms and the operator sign their own. An
assertion is a JWT (EdDSA only) with a key id; a room trusts identity for people, and every other key only
for its own service. Lifetimes are real time: a rehearsal that moves the business clock neither prolongs
nor ends a session.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from services.common import problems

AUDIENCE = "motcua"
TOKEN_TYPE = "actor+jwt"
SERVICE_LIFETIME = 120  # seconds
MOST_KEPT = 4096  # verdicts kept per process


@dataclass(frozen=True)
class Grant:
    """One role in one unit (`*` where the role is not bound to a unit)."""

    role: str
    unit: str


@dataclass(frozen=True)
class Actor:
    """A proven actor. `subject` is an account id, `service:<room>` or `operator`; no name, no number."""

    subject: str
    person_id: str
    grants: tuple[Grant, ...]
    session: str = ""
    normalized: bool = False
    channel: str = ""
    expires: float = 0.0
    token: str = field(default="", repr=False)

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(g.role for g in self.grants)

    def units(self, role: str) -> frozenset[str]:
        """Units in which the actor holds the role."""
        return frozenset(g.unit for g in self.grants if g.role == role)

    def holds(self, role: str, unit: str) -> bool:
        """Whether the actor holds the role in this unit."""
        return any(g.role == role and g.unit in (unit, "*") for g in self.grants)

    @property
    def is_service(self) -> bool:
        return self.subject.startswith("service:")


class Signer:
    """Signs assertions with the process's own key."""

    def __init__(self, issuer: str, kid: str, key: Ed25519PrivateKey) -> None:
        self.issuer = issuer
        self.kid = kid
        self._key = key
        self._own: tuple[str, float] = ("", 0.0)

    @classmethod
    def load(cls, issuer: str, kid: str, path: Path) -> Signer:
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("the signing key is not an Ed25519 key")
        return cls(issuer, kid, key)

    def sign_bytes(self, message: bytes) -> bytes:
        """A raw Ed25519 signature over message."""
        return self._key.sign(message)

    def sign(self, claims: Mapping[str, Any], lifetime: float, token_type: str = TOKEN_TYPE) -> str:
        """A token over claims, valid for lifetime seconds of real time."""
        now = time.time()
        body = {"iss": self.issuer, "aud": AUDIENCE, "iat": int(now), "exp": int(now + lifetime), **claims}
        return jwt.encode(body, self._key, algorithm="EdDSA", headers={"kid": self.kid, "typ": token_type})

    def own(self) -> str:
        """The assertion of this service itself, renewed when half its life is over."""
        token, renew = self._own
        now = time.monotonic()
        if now >= renew:
            subject = "operator" if self.issuer == "operator" else f"service:{self.issuer}"
            token = self.sign({"sub": subject, "pid": subject, "grants": [[subject, "*"]]}, SERVICE_LIFETIME)
            self._own = (token, now + SERVICE_LIFETIME / 2)
        return token


class Verifier:
    """Verifies assertions against the public keys of all rooms; keeps verdicts until they expire."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self._keys = dict(keys)
        self._kept: dict[str, Actor] = {}
        self._revoked_sessions: dict[str, float] = {}

    @classmethod
    def load(cls, directory: Path) -> Verifier:
        keys: dict[str, Ed25519PublicKey] = {}
        for path in sorted(directory.glob("*.pem")):
            key = load_pem_public_key(path.read_bytes())
            if isinstance(key, Ed25519PublicKey):
                keys[path.stem] = key
        return cls(keys)

    def claims(self, token: str, token_type: str) -> dict[str, Any]:
        """Checks signature, algorithm, type, audience, issuer and life. Raises Problem 401."""
        try:
            header = jwt.get_unverified_header(token)
            kid = str(header.get("kid", ""))
            key = self._keys.get(kid)
            if key is None or header.get("typ") != token_type:
                raise problems.unauthorized()
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError:
            raise problems.unauthorized() from None
        if kid.rsplit("-", 1)[0] != claims["iss"]:
            raise problems.unauthorized()
        return claims

    def verify(self, token: str) -> Actor:
        """The actor that the assertion proves. Raises Problem 401 when it proves none."""
        actor = self._kept.get(token)
        if actor is None:
            actor = self._read(token)
            if len(self._kept) >= MOST_KEPT:
                for known in list(itertools.islice(self._kept, MOST_KEPT // 2)):  # the oldest: those that expire first
                    del self._kept[known]
            self._kept[token] = actor
        now = time.time()
        if actor.expires <= now:
            self._kept.pop(token, None)
            raise problems.unauthorized()
        if actor.session and actor.session in self._revoked_sessions:
            raise problems.unauthorized()
        return actor

    def _read(self, token: str) -> Actor:
        claims = self.claims(token, TOKEN_TYPE)
        issuer, subject = claims["iss"], claims["sub"]
        grants = tuple(Grant(str(role), str(unit)) for role, unit in claims.get("grants", []))
        if issuer != "identity" or subject == "service:identity":
            expected = "operator" if issuer == "operator" else f"service:{issuer}"
            if subject != expected or any(g.role != expected for g in grants):
                raise problems.unauthorized()
        elif (
            subject == "operator"
            or subject.startswith("service:")
            or any(g.role.startswith("service:") for g in grants)
        ):
            raise problems.unauthorized()
        return Actor(
            subject=subject,
            person_id=str(claims.get("pid", "")),
            grants=grants,
            session=str(claims.get("sid", "")),
            normalized=bool(claims.get("nrm", False)),
            channel=str(claims.get("chn", "")),
            expires=float(claims["exp"]),
            token=token,
        )

    def revoke_session(self, session: str, until: float) -> None:
        """Refuses a session from now on; `until` (epoch seconds) is when its last token expires anyway."""
        now = time.time()
        for known in [s for s, end in self._revoked_sessions.items() if end < now]:
            del self._revoked_sessions[known]
        self._revoked_sessions[session] = until


ANONYMOUS = Actor(subject="anonymous", person_id="", grants=(Grant("anonymous", "*"),))
