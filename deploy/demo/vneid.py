"""Signing in through VNeID, as a browser goes: to the provider (its simulator), and back with a code."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from deploy.demo.client import Client
from deploy.demo.world import World


def begin(client: Client, wanted: str = "citizen") -> dict[str, Any]:
    """A request: its id, the address to go to, the binding that stays here."""
    answer: dict[str, Any] = client.post("/sessions/vneid", {"as": wanted, "channel": client.channel})
    return answer


def agree(world: World, begun: dict[str, Any], number: str) -> dict[str, str]:
    """What the provider sends back with the browser of whoever has this personal number: code and state, or error."""
    answer = world.simulators.get(f"{begun['authorization_url']}&login_hint={number}", follow_redirects=False)
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return {name: values[0] for name, values in query.items()}


def completion(begun: dict[str, Any], back: dict[str, str]) -> dict[str, str]:
    """What the browser then sends here."""
    return {"code": back.get("code", ""), "state": back["state"], "binding": begun["binding"]}


def sign_in(world: World, client: Client, number: str, wanted: str = "citizen") -> dict[str, Any]:
    """All of it; the client is signed in. Raises Refused."""
    begun = begin(client, wanted)
    body = completion(begun, agree(world, begun, number))
    answer: dict[str, Any] = client.post(f"/sessions/vneid/{begun['sign_in_id']}/completion", body)
    client.token = answer["access_token"]
    return answer
