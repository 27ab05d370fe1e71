"""Who may put and open what; what a returned result becomes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.common.actors import Actor, Grant
from services.common.problems import Problem
from services.vault import access, holdings

FILE = {"_id": "f", "uploader": "acc-1", "person_id": "per-1"}
NOW = datetime(2024, 3, 14, 3, 0, tzinfo=UTC)


def actor(role: str, subject: str = "acc-9") -> Actor:
    return Actor(role if role.startswith("service:") else subject, f"per-{subject}", (Grant(role, "*"),))


CITIZEN, DESK, ROOM = actor("citizen"), actor("desk_officer"), actor("service:intake")


def opened(who: Actor, *, holds: bool = False, reason: str | None = None, on_behalf: str | None = None) -> Any:
    return access.may_open(who, FILE, holds=holds, reason=reason, on_behalf=on_behalf)


def refusal(who: Actor, **how: Any) -> int:
    with pytest.raises(Problem) as caught:
        opened(who, **how)
    return caught.value.status


def test_uploader_holder_and_rooms_with_a_reason_open_a_file() -> None:
    assert opened(actor("citizen", "acc-1")).reason == "uploader"
    assert opened(CITIZEN, holds=True).reason == "owner"
    assert opened(ROOM, reason="check", on_behalf="acc-7") == access.Opening("check", "acc-7")


def test_strangers_do_not() -> None:
    assert refusal(CITIZEN) == 404
    assert refusal(DESK) == 403
    assert refusal(ROOM) == 422
    assert refusal(actor("citizen", "acc-1"), on_behalf="acc-2") == 403


@pytest.mark.parametrize(
    ("who", "purpose", "allowed"),
    [
        (CITIZEN, "component", True), (CITIZEN, "own", True), (CITIZEN, "slip", False), (CITIZEN, "result", False),
        (CITIZEN, "form", False), (DESK, "slip", True), (actor("specialist"), "result", True), (DESK, "form", False),
        (actor("postal_officer"), "component", True), (actor("postal_officer"), "result", False), (ROOM, "form", True),
    ],
)  # fmt: skip
def test_purposes_belong_to_roles(who: Actor, purpose: str, allowed: bool) -> None:
    if allowed:
        access.check_purpose(who, purpose)
        return
    with pytest.raises(Problem) as caught:
        access.check_purpose(who, purpose)
    assert caught.value.status == 403


def test_whose_data_an_upload_is() -> None:
    assert access.owner_at_upload(CITIZEN, None) == "per-acc-9"
    assert access.owner_at_upload(DESK, None) is None
    assert access.owner_at_upload(ROOM, "per-3") == "per-3"
    with pytest.raises(Problem):
        access.owner_at_upload(CITIZEN, "per-3")


@pytest.mark.req("RT-04", "KO-04")
@pytest.mark.parametrize("pickup", ["online", "desk", "post"])
def test_a_result_goes_into_the_store_whatever_pickup_was_chosen(pickup: str) -> None:
    result = {"file_id": "f" * 32, "sha256": "a" * 64, "report_id": "r", "name": "Bản sao"}
    returned = {"code": "000.05.07.H57-240311-0001", "procedure": "9.000001", "unit": "u", "at": NOW, "result": result}
    holding = holdings.result_holding({**returned, "pickup": pickup}, owner="per-1", now=NOW)
    assert holding["kind"] == "b"
    assert holding["person_id"] == "per-1"
    assert (holding["file_id"], holding["sha256"]) == (result["file_id"], result["sha256"])
    assert holding["_id"] == holdings.holding_id(returned["code"], result["sha256"])
    assert holding["_id"] != holdings.holding_id(returned["code"], "b" * 64)
