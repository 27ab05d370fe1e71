"""Who acts: what a token proves, and every way to prove nothing."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.common import actors
from services.common.actors import ANONYMOUS, Actor, Grant, Signer, Verifier
from services.common.problems import Problem

KEYS = {name: Ed25519PrivateKey.generate() for name in ("identity", "intake", "operator", "stranger")}
CITIZEN: dict[str, Any] = {
    "sub": "acc-1", "pid": "per-1", "grants": [["citizen", "*"]], "sid": "ses-1", "nrm": True, "chn": "portal",
}  # fmt: skip


def signer(issuer: str, kid: str | None = None, key: str | None = None) -> Signer:
    return Signer(issuer, kid or f"{issuer}-1", KEYS[key or issuer])


@pytest.fixture
def verifier() -> Verifier:
    return Verifier({f"{name}-1": KEYS[name].public_key() for name in ("identity", "intake", "operator")})


def refused(verifier: Verifier, token: str) -> None:
    with pytest.raises(Problem) as caught:
        verifier.verify(token)
    assert caught.value.status == 401


def test_a_person_is_whom_identity_says(verifier):
    actor = verifier.verify(signer("identity").sign(CITIZEN, 600))
    assert (actor.subject, actor.person_id, actor.session) == ("acc-1", "per-1", "ses-1")
    assert actor.roles == {"citizen"}
    assert actor.normalized
    assert actor.channel == "portal"
    assert not actor.is_service


def test_a_service_and_the_operator_speak_for_themselves(verifier):
    assert verifier.verify(signer("intake").own()).grants == (Grant("service:intake", "*"),)
    assert verifier.verify(signer("operator").own()).roles == {"operator"}
    assert verifier.verify(signer("identity").own()).subject == "service:identity"


@pytest.mark.parametrize(
    "claims",
    [
        {**CITIZEN},  # intake may not say who a person is
        {**CITIZEN, "sub": "service:identity"},
        {**CITIZEN, "sub": "service:intake"},  # itself, but with a person's role
        {"sub": "operator", "pid": "", "grants": [["operator", "*"]]},
    ],
)
def test_a_room_speaks_for_nobody_else(verifier, claims):
    refused(verifier, signer("intake").sign(claims, 600))


@pytest.mark.parametrize(
    "claims",
    [
        {**CITIZEN, "sub": "operator"},
        {**CITIZEN, "sub": "service:vault"},
        {**CITIZEN, "grants": [["service:vault", "*"]]},
    ],
)
def test_identity_makes_people_only(verifier, claims):
    refused(verifier, signer("identity").sign(claims, 600))


def test_key_and_issuer_belong_together(verifier):
    refused(verifier, Signer("identity", "intake-1", KEYS["intake"]).sign(CITIZEN, 600))
    refused(verifier, Signer("identity", "identity-1", KEYS["stranger"]).sign(CITIZEN, 600))
    refused(verifier, Signer("identity", "identity-2", KEYS["identity"]).sign(CITIZEN, 600))


def test_expired_other_audience_other_type(verifier):
    identity = signer("identity")
    refused(verifier, identity.sign(CITIZEN, -1))
    refused(verifier, identity.sign({**CITIZEN, "aud": "elsewhere"}, 600))
    refused(verifier, identity.sign(CITIZEN, 600, "control+jwt"))
    for missing in ("exp", "iat", "sub", "iss", "aud"):
        body = {"iss": "identity", "aud": actors.AUDIENCE, "iat": 1, "exp": time.time() + 60, "sub": "acc-1"}
        del body[missing]
        headers = {"kid": "identity-1", "typ": actors.TOKEN_TYPE}
        refused(verifier, jwt.encode(body, KEYS["identity"], algorithm="EdDSA", headers=headers))


@pytest.mark.parametrize("token", ["", "a.b.c", "rubbish", "e30.e30.e30"])
def test_rubbish_is_a_problem_not_a_fault(verifier, token):
    refused(verifier, token)


def test_a_kept_verdict_ends_with_its_token(verifier, monkeypatch):
    token = signer("identity").sign(CITIZEN, 600)
    verifier.verify(token)
    later = time.time() + 601
    monkeypatch.setattr(actors.time, "time", lambda: later)
    refused(verifier, token)


def test_a_revoked_session_is_refused_until_its_tokens_are_gone(verifier):
    ended, other = signer("identity").sign(CITIZEN, 600), signer("identity").sign({**CITIZEN, "sid": "ses-2"}, 600)
    verifier.verify(ended)
    verifier.revoke_session("ses-1", time.time() + 600)
    refused(verifier, ended)
    assert verifier.verify(other).session == "ses-2"
    verifier.revoke_session("ses-9", time.time() - 1)  # long over: forgotten at the next one
    verifier.revoke_session("ses-8", time.time() + 600)
    assert verifier.verify(signer("identity").sign({**CITIZEN, "sid": "ses-9"}, 600)).session == "ses-9"


def test_verdicts_kept_are_bounded(verifier, monkeypatch):
    monkeypatch.setattr(actors, "MOST_KEPT", 3)
    for number in range(10):
        verifier.verify(signer("identity").sign({**CITIZEN, "sid": f"s{number}"}, 600))
    assert len(verifier._kept) <= 3


def test_a_token_never_shows_in_a_representation(verifier):
    token = signer("identity").sign(CITIZEN, 600)
    assert token not in repr(verifier.verify(token))


def test_own_assertion_is_renewed_at_half_its_life(monkeypatch):
    own = signer("intake")
    first = own.own()
    assert own.own() == first
    half = actors.SERVICE_LIFETIME / 2 + 1
    later, stamp = time.monotonic() + half, time.time() + half
    monkeypatch.setattr(actors.time, "monotonic", lambda: later)
    monkeypatch.setattr(actors.time, "time", lambda: stamp)
    assert own.own() != first


def test_grants_are_bound_to_their_unit():
    officer = Actor("acc-2", "per-2", (Grant("desk_officer", "000.05.07.H57"), Grant("leader", "000.05.08.H57")))
    assert officer.holds("desk_officer", "000.05.07.H57")
    assert not officer.holds("desk_officer", "000.05.08.H57")
    assert officer.units("leader") == {"000.05.08.H57"}
    assert Actor("a", "p", (Grant("ioc", "*"),)).holds("ioc", "000.00.01.H57")
    assert ANONYMOUS.roles == {"anonymous"}
