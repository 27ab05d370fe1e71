"""Whose file it is, who opened it, and what lies in people's stores."""

from __future__ import annotations

import time
import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from services.common import files as room_files
from services.common.problems import Problem
from tests.support.bus import eventually
from tests.support.files import Files, pdf

STRANGER_ID = "0" * 32


def person() -> str:
    return f"per-{uuid.uuid4().hex[:12]}"


def code() -> str:
    return f"000.05.07.H57-240311-{uuid.uuid4().int % 10_000:04}{uuid.uuid4().hex[:4]}"


@pytest.fixture
def returned(files: Files, rpc: Any, actor: Any, tokens: Any, tell: Any):
    """`returned(owner)`: an officer's result, returned to the owner; answers the event's data."""

    def make(owner: str, name: str = "Bản sao có xác nhận", pickup: str = "post") -> dict[str, Any]:
        file_id = files.put(actor("specialist", "000.05.07.H57"), pdf(), f"{name}.pdf", "result")
        meta = rpc("vault.file", tokens.service("processing"), file_id=file_id)
        data = {
            "code": code(), "owner": owner, "unit": "000.05.07.H57", "desk": "000.05.07.H57",
            "procedure": "9.000001", "pickup": pickup, "at": "2024-03-14T03:00:00+00:00",
            "result": {"file_id": file_id, "sha256": meta["sha256"], "report_id": "r1"},
        }  # fmt: skip
        tell("dossier.returned", data, subject=data["code"], source="intake")
        return data

    return make


@pytest.mark.req("RT-04", "KO-04")
@pytest.mark.parametrize("pickup", ["online", "desk", "post"])
def test_a_returned_result_lies_in_its_owners_store_once(
    files: Files, rpc: Any, actor: Any, bus: Any, tell: Any, returned: Any, database: Any, pickup: str
) -> None:
    owner = person()
    citizen = actor("citizen", person_id=owner)
    data = returned(owner, pickup=pickup)
    eventually(lambda: rpc("vault.holdings", citizen)["items"])
    for _ in range(2):
        tell("dossier.returned", data, subject=data["code"], source="intake")
    marker = returned(owner, "Sau cùng")
    items = eventually(lambda: (p := rpc("vault.holdings", citizen)["items"]) and len(p) == 2 and p)
    assert [item["name"] for item in items] == ["Sau cùng.pdf", "Bản sao có xác nhận.pdf"]
    holding = items[1]
    assert (holding["kind"], holding["code"], holding["report_id"]) == ("b", data["code"], "r1")
    told = {"data.code": {"$in": [data["code"], marker["code"]]}}
    eventually(lambda: database["vault"]["told"].count_documents(told) == 2)
    opened = rpc("vault.open_holding", citizen, holding_id=holding["holding_id"])
    assert files.get(opened).status_code == 200
    by_file = rpc("vault.open_download", citizen, file_id=holding["file_id"])
    assert by_file["sha256"] == data["result"]["sha256"]
    stranger = actor("citizen")
    assert bus.refused("vault.open_holding", stranger, holding_id=holding["holding_id"]).status == 404
    assert bus.refused("vault.open_download", stranger, file_id=holding["file_id"]).status == 404
    assert rpc("vault.holdings", stranger) == {"items": [], "next_cursor": None}


def test_holdings_come_in_pages(rpc: Any, bus: Any, actor: Any, returned: Any) -> None:
    owner = person()
    citizen = actor("citizen", person_id=owner)
    codes = {returned(owner)["code"] for _ in range(5)}
    eventually(lambda: len(rpc("vault.holdings", citizen)["items"]) == 5)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = rpc("vault.holdings", citizen, limit=2, **cursor)
        seen += [item["code"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert page["next_cursor"] is None
    assert len(seen) == 5
    assert set(seen) == codes
    for bad in ("x", "Zm9v", "é"):
        assert bus.refused("vault.holdings", citizen, cursor=bad).status == 422
        assert bus.refused("vault.access_log", citizen, cursor=bad).status == 422
    assert bus.refused("vault.holdings", citizen, limit=101).status == 422


def test_normalization_moves_what_a_person_has(files: Files, rpc: Any, actor: Any, tell: Any, returned: Any) -> None:
    former, lasting = person(), person()
    before, after = actor("citizen", person_id=former), actor("citizen", person_id=lasting)
    own = files.put(before, pdf())
    rpc("vault.open_download", before, file_id=own)
    returned(former)
    eventually(lambda: rpc("vault.holdings", before)["items"])
    account = {"account_id": "acc", "person_id": lasting, "former_person_id": former}
    tell("account.normalized", account, subject="acc", source="identity")
    held = eventually(lambda: rpc("vault.holdings", after)["items"])
    assert rpc("vault.holdings", before)["items"] == held, "a token from before still names the same person"
    assert own in [row["file_id"] for row in rpc("vault.access_log", after)["items"]]
    late = returned(former, "Đến sau")
    eventually(lambda: late["code"] in [item["code"] for item in rpc("vault.holdings", after)["items"]])


def test_every_opening_is_in_the_owners_log(files: Files, rpc: Any, actor: Any, tokens: Any, bus: Any) -> None:
    citizen = actor("citizen", subject="acc-own", person_id=(owner := person()))
    file_id = files.put(citizen, pdf())
    intake, desk = tokens.service("intake"), actor("desk_officer", "000.05.07.H57")
    assert bus.refused("vault.open_download", intake, file_id=file_id).status == 422
    assert bus.refused("vault.open_download", actor("citizen"), file_id=file_id).status == 404
    assert bus.refused("vault.open_download", desk, file_id=file_id).status == 403
    assert bus.refused("vault.open_download", desk, file_id=STRANGER_ID).status == 403
    assert bus.refused("vault.open_download", actor("citizen"), file_id=STRANGER_ID).status == 404
    assert bus.refused("vault.open_download", intake, file_id=STRANGER_ID, reason="x").status == 404
    assert bus.refused("vault.file", citizen, file_id=file_id).status == 403
    opened = rpc("vault.open_download", intake, file_id=file_id, reason="dossier", on_behalf="acc-desk")
    files.get(opened)
    files.get(opened)
    log = eventually(lambda: len(rows := rpc("vault.access_log", citizen)["items"]) == 2 and rows)
    assert {(row["actor"], row["on_behalf"], row["reason"], row["served"]) for row in log} == {
        ("service:intake", "acc-desk", "dossier", 2),
        ("service:signing", None, "signature check", 1),
    }
    assert rpc("vault.access_log", actor("citizen"))["items"] == []
    assert rpc("vault.file", intake, file_id=file_id)["person_id"] == owner


def test_the_name_of_a_file_is_encrypted_at_rest(files: Files, actor: Any, database: Any) -> None:
    file_id = files.put(actor("citizen"), pdf(), "Khai sinh Nguyễn Thị An.pdf")
    stored = database["vault"]["files"].find_one({"_id": file_id})
    assert "An" not in str(stored["filename"])
    assert stored["filename"].startswith("v1:")


def test_a_command_that_is_repeated_gets_the_same_file(files: Files, actor: Any) -> None:
    citizen, key = actor("citizen"), uuid.uuid4().hex
    first, again = files.open(citizen, key=key), files.open(citizen, key=key)
    assert first["file_id"] == again["file_id"]
    assert files.open(citizen, "b.pdf", key=key)["file_id"] != first["file_id"]
    assert files.open(actor("citizen"), key=key)["file_id"] != first["file_id"]
    assert again["stored"] is None
    meta = files.send(again, pdf()).json()
    assert files.open(citizen, key=key)["stored"] == meta


def test_rooms_put_and_get_bytes(rpc: Any, tokens: Any, actor: Any) -> None:
    key, owner = uuid.uuid4().hex, person()

    def handler() -> SimpleNamespace:
        """A context as every run of the same handler gets it."""

        def call(method: str, *, as_service: bool, timeout: float | None = None, **kwargs: Any) -> Any:
            assert as_service
            return rpc(method, tokens.service("payment"), key=f"{key}:{method}:1", **kwargs)

        return SimpleNamespace(call=call, deadline=time.monotonic() + 20)

    data = pdf(300_000)
    first = room_files.put_bytes(handler(), data, "bien-lai.pdf", "form", person_id=owner)  # type: ignore[arg-type]
    again = room_files.put_bytes(handler(), pdf(), "bien-lai.pdf", "form", person_id=owner)  # type: ignore[arg-type]
    assert again == first
    assert room_files.get_bytes(handler(), first["file_id"], "receipt") == data  # type: ignore[arg-type]
    log = rpc("vault.access_log", actor("citizen", person_id=owner))["items"]
    assert [row["reason"] for row in log] == ["receipt"]
    with pytest.raises(Problem) as caught:
        room_files.get_bytes(handler(), STRANGER_ID, "receipt")  # type: ignore[arg-type]
    assert caught.value.status == 404
    key = uuid.uuid4().hex
    with pytest.raises(Problem) as caught:
        room_files.put_bytes(handler(), b"MZ" + data, "x.pdf", "form")  # type: ignore[arg-type]
    assert (caught.value.status, caught.value.rule) == (422, "SE-04")


@pytest.mark.parametrize(
    ("role", "given", "status"),
    [
        ("citizen", {"purpose": "slip", "filename": "a.pdf"}, 403),
        ("citizen", {"purpose": "component", "filename": "a.pdf", "person_id": "p"}, 403),
        ("desk_officer", {"purpose": "form", "filename": "a.pdf"}, 403),
        ("citizen", {"purpose": "else", "filename": "a.pdf"}, 422),
        ("citizen", {"purpose": "component"}, 422),
        ("citizen", {"purpose": "component", "filename": 3}, 422),
        ("citizen", {"purpose": "component", "filename": "a.pdf", "more": 1}, 422),
        ("citizen", {"purpose": "component", "filename": "a\0.pdf"}, 422),
    ],
)
def test_bad_input_is_refused(bus: Any, actor: Any, role: str, given: dict[str, Any], status: int) -> None:
    assert bus.refused("vault.open_upload", actor(role), **given).status == status


def test_nobody_opens_nothing(bus: Any) -> None:
    assert bus.refused("vault.open_upload", purpose="component", filename="a.pdf").status == 401
    assert bus.refused("vault.open_download", file_id=STRANGER_ID).status == 401
