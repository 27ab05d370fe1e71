"""What a control message says and who may say it. No input or output here: eventlet rooms and the asyncio gateway
share it, as they share `wire`.

A control message goes to every process by fan-out. It is signed by its sender like an assertion, and each kind is
believed from its owner only.
"""

from __future__ import annotations

from typing import Any

import orjson

from services.common.actors import Signer, Verifier

CONTROL_TYPE = "control+jwt"
OWNERS = {"clock.moved": "oversight", "session.revoked": "identity"}
LIFETIME = 60  # seconds


def control_body(signer: Signer, kind: str, data: dict[str, Any]) -> bytes:
    """The body of a signed control message."""
    claims = {"sub": f"service:{signer.issuer}", "kind": kind, "data": data}
    return orjson.dumps({"token": signer.sign(claims, LIFETIME, CONTROL_TYPE)})


def read_control(verifier: Verifier, body: bytes) -> tuple[str, dict[str, Any]]:
    """Kind and data of a control message from its rightful owner. Raises Problem, ValueError, KeyError or TypeError."""
    claims = verifier.claims(str(orjson.loads(body)["token"]), CONTROL_TYPE)
    kind = str(claims.get("kind"))
    if OWNERS.get(kind) != claims["iss"]:
        raise ValueError("not its owner")
    return kind, dict(claims["data"])


def control_answer(room: str, kind: str) -> bytes:
    """What a process says to `reply_to` when it has followed."""
    return orjson.dumps({"room": room, "kind": kind})
