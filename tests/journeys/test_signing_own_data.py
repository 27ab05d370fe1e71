"""Data that a citizen digitised: into the store under the own signature, and under no other (SG-08, KO-08)."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import pytest

from deploy.demo.client import eventually, new_key
from deploy.demo.people import Citizen, all_pages
from deploy.demo.world import World
from deploy.local.paths import PKI
from deploy.rehearsal import papers
from deploy.rehearsal.authority import Authority, subject

_numbers = itertools.count(1)


def scan(world: World) -> bytes:
    return world.paper("Bằng tốt nghiệp", f"bản số hóa {next(_numbers)}")


def uploaded(citizen: Citizen, data: bytes) -> str:
    return str(citizen.upload(data, "bang.pdf", "own")["file_id"])


def did(citizen: Citizen) -> set[str]:
    """What the ledger holds of the account, as its owner reads it."""
    return {row["what_vi"] for row in citizen.client.get("/account/activity", limit=100)["items"]}


def store_of(citizen: Citizen) -> list[dict[str, Any]]:
    return [row for row in all_pages(citizen.client, "/holdings") if row["kind"] == "e"]


@pytest.mark.req("SG-08", "KO-08")
def test_what_the_owner_signed_lies_in_the_store_and_is_told(world: World, resident: Citizen, stranger: Citizen):
    data = world.signed_by(scan(world), resident.person)
    file_id = uploaded(resident, data)
    before = {row["holding_id"] for row in store_of(resident)}
    key = new_key()
    answer = resident.client.post("/holdings", {"file_id": file_id, "terms": True}, key=key)
    assert (answer["state"], answer["signing"]) == ("ACCEPTED", "SIGNED_BY_OWNER")
    rows = [row for row in store_of(resident) if row["holding_id"] not in before]
    assert [(row["holding_id"], row["sha256"], row["code"]) for row in rows] == [
        (answer["holding_id"], hashlib.sha256(data).hexdigest(), None)
    ]
    assert rows[0]["report_id"] == answer["report_id"]
    assert resident.client.fetch(f"/holdings/{answer['holding_id']}/content") == data
    assert stranger.client.refused("GET", f"/holdings/{answer['holding_id']}/content").status == 404
    # Brought again, with the key or without, it lies there once.
    assert resident.client.post("/holdings", {"file_id": file_id, "terms": True}, key=key) == answer
    again = resident.client.post("/holdings", {"file_id": uploaded(resident, data), "terms": True})
    assert again["holding_id"] == answer["holding_id"]
    assert len(store_of(resident)) == len(before) + 1
    eventually(
        lambda: [n for n in resident.notices() if n["kind"] == "holding.added" and n["code"] is None], what="the notice"
    )


def others_token(world: World) -> Any:
    return world.token("citizen-an")


@pytest.mark.req("SG-08", "KO-08", "SG-07")
@pytest.mark.parametrize(
    ("how", "signing"),
    [
        ("unsigned", "NO_SIGNATURE"), ("another", "WRONG_SIGNER"), ("agency", "WRONG_SIGNER"),
        ("both", "WRONG_SIGNER"), ("tampered", "TOTAL_FAILED"),
    ],
)  # fmt: skip
def test_what_anybody_else_or_nobody_signed_is_refused_and_leaves_nothing(world, resident, how, signing):
    pdf = scan(world)
    data = {
        "unsigned": lambda: pdf,
        "another": lambda: world.signed(pdf, "citizen-an"),
        "agency": lambda: world.signed(pdf, "agency-quang-thai"),
        "both": lambda: papers.sign(world.signed_by(pdf, resident.person), world.token("citizen-an"),
                                    at=world.now(), field="Thu2"),
        "tampered": lambda: papers.tampered(world.signed_by(pdf, resident.person)),
    }[how]()  # fmt: skip
    before = store_of(resident)
    refusal = resident.client.refused("POST", "/holdings", {"file_id": uploaded(resident, data), "terms": True})
    assert (refusal.status, refusal.rule, refusal.problem["signing"]) == (409, "SG-08", signing)
    assert refusal.media_type == "application/problem+json" and refusal.problem["citation"]
    assert store_of(resident) == before


@pytest.mark.req("SG-08", "X-22")
def test_a_signature_that_cannot_be_determined_is_held_and_not_in_the_store(world, resident):
    name = subject(resident.person.full_name, user_id=f"CCCD:{resident.person.personal_number}")
    token = Authority(PKI).made("foreign", name, issuer="foreign-ca")
    data = papers.sign(scan(world), token, at=world.now())
    before = store_of(resident)
    file_id = uploaded(resident, data)
    answer = resident.client.post("/holdings", {"file_id": file_id, "terms": True})
    assert (answer["state"], answer["signing"], answer["holding_id"]) == ("HELD", "INDETERMINATE", None)
    assert store_of(resident) == before
    rows = {row["file_id"]: row["state"] for row in all_pages(resident.client, "/own-data")}
    assert rows[file_id] == "HELD"
    eventually(lambda: "Dữ liệu tự số hóa chờ xác định chữ ký" in did(resident), what="its event in the ledger")


@pytest.mark.req("SG-09", "SG-08")
def test_without_the_terms_nothing_comes_in(world, resident):
    file_id = uploaded(resident, world.signed_by(scan(world), resident.person))
    before = store_of(resident)
    for body in ({"file_id": file_id, "terms": False}, {"file_id": file_id}):
        refusal = resident.client.refused("POST", "/holdings", body)
        assert refusal.status == 422
        assert [error["field"] for error in refusal.problem["errors"]] == ["terms"]
    assert store_of(resident) == before
    accepted = resident.client.post("/holdings", {"file_id": file_id, "terms": True})  # control
    assert accepted["state"] == "ACCEPTED"


@pytest.mark.req("SG-08", "SE-05")
def test_a_file_that_another_sent_or_that_was_sent_for_something_else_is_none_of_ones_own(world, resident, stranger):
    foreign = uploaded(stranger, world.signed_by(scan(world), stranger.person))
    component = resident.upload(world.signed_by(scan(world), resident.person), "don.pdf")["file_id"]
    for file_id in (foreign, component, "0" * 32):
        refusal = resident.client.refused("POST", "/holdings", {"file_id": file_id, "terms": True})
        assert (refusal.status, refusal.rule) == (422, "SG-08")
    assert stranger.client.post("/holdings", {"file_id": foreign, "terms": True})["state"] == "ACCEPTED"  # control
