"""A certificate that names nobody is registered by who proves to hold its key, and attributed from then on (SG-06)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from deploy.demo.client import Refused, eventually
from deploy.demo.people import BIRTH, Citizen, verdict_of
from deploy.demo.world import World
from deploy.local.paths import PKI
from deploy.rehearsal import papers
from deploy.rehearsal.authority import Authority, Token, subject
from tests.journeys.scenes import Scenes, somebody


def nameless(text: str = "Chữ ký số cá nhân") -> Token:
    """A certificate of the public authority without any number."""
    return Authority(PKI).made("nameless", subject(text))


@pytest.fixture
def owner(world: World) -> Citizen:
    """Somebody new for each test: only so many codes go to one phone."""
    citizen = Citizen(world, somebody()).enter()
    citizen.normalize()
    return citizen


def asked(citizen: Citizen) -> tuple[bytes, str]:
    """The document to be signed, and the code that came to the phone."""
    before = citizen.phone.newest()
    answer = citizen.client.post("/account/certificates/challenge")
    return base64.b64decode(answer["document"]), citizen.phone.code(after=before)


def proof(citizen: Citizen, data: bytes, token: Token) -> str:
    signed = papers.sign(data, token, at=citizen.world.now())
    return str(citizen.upload(signed, "dang-ky.pdf", "own")["file_id"])


def register(citizen: Citizen, token: Token, **more: Any) -> dict[str, Any]:
    data, code = asked(citizen)
    body = {"file_id": proof(citizen, data, token), "code": code, "terms": True, **more}
    answer: dict[str, Any] = citizen.client.post("/account/certificates", body)
    return answer


def refused(
    citizen: Citizen, given: tuple[bytes, str], token: Token | None, *, document: bytes | None = None, **more: Any
) -> Refused:
    """The refusal of a proof; what was given stays good until it is used."""
    data, code = given
    pdf = document or data
    file_id = proof(citizen, pdf, token) if token else citizen.upload(pdf, "chua-ky.pdf", "own")["file_id"]
    body = {"file_id": file_id, "code": code, "terms": True, **more}
    return citizen.client.refused("POST", "/account/certificates", body)


def mine(citizen: Citizen) -> list[str]:
    return [row["certificate_id"] for row in citizen.client.get("/account/certificates")["items"]]


def own_data(citizen: Citizen, token: Token, text: str) -> str:
    """What the store says of data of one's own under this certificate."""
    data = papers.sign(citizen.world.paper("Giấy tờ", text), token, at=citizen.world.now())
    file_id = citizen.upload(data, "giay-to.pdf", "own")["file_id"]
    try:
        answer = citizen.client.post("/holdings", {"file_id": file_id, "terms": True})
    except Refused as refusal:
        return str(refusal.problem["signing"])
    return str(answer["signing"])


@pytest.mark.req("SG-06", "KO-08", "IN-03")
def test_what_is_signed_with_a_registered_certificate_is_the_owners(world, scenes: Scenes, owner: Citizen, stranger):
    token = nameless()
    assert own_data(owner, token, "trước khi đăng ký") == "WRONG_SIGNER"  # control: it names nobody
    row = register(owner, token)
    assert row["active"] and row["certificate_id"] in mine(owner)
    named = owner.client.get("/account/certificates")["items"][0]
    assert named["common_name"] == "Chữ ký số cá nhân" and named["sha256"] == row["sha256"]
    assert own_data(owner, token, "sau khi đăng ký") == "SIGNED_BY_OWNER"
    assert own_data(stranger, token, "người khác") == "WRONG_SIGNER"
    # A component under it is signed by its applicant: no paper for it.
    form = papers.sign(world.paper("Tờ khai", owner.phone.number, "SG-06"), token, at=world.now())
    files = scenes.papers(owner, BIRTH) | {"to-khai": owner.upload(form, "to-khai.pdf")["file_id"]}
    code = str(owner.file(BIRTH, files)["code"])
    verdict_of(owner.client, code, "to-khai")
    refusal = scenes.desk.client.refused(
        "POST", f"/dossiers/{code}/paper-requests",
        {"version": scenes.desk.dossier(code)["version"], "component": "to-khai", "reason": "Cần bản giấy"},
    )  # fmt: skip
    assert (refusal.status, refusal.rule, refusal.problem["signing"]) == (409, "IN-03", "SIGNED_BY_APPLICANT")


@pytest.mark.req("SG-06")
def test_a_certificate_is_one_accounts_at_a_time_replaced_and_removed(owner: Citizen, stranger: Citizen):
    first, second = nameless(), nameless()
    row = register(owner, first)
    assert register(owner, first)["certificate_id"] == row["certificate_id"]  # once, however often
    taken = refused(stranger, asked(stranger), first)
    assert (taken.status, taken.rule) == (409, "SG-06")
    assert mine(stranger) == []
    other = register(owner, second, replaces=row["certificate_id"])
    assert other["certificate_id"] in mine(owner) and row["certificate_id"] not in mine(owner)
    assert own_data(owner, first, "đã thay") == "WRONG_SIGNER"
    assert own_data(owner, second, "mới") == "SIGNED_BY_OWNER"
    path = f"/account/certificates/{other['certificate_id']}/removal"
    assert stranger.client.refused("POST", path).status == 404
    assert owner.client.post(path)["active"] is False
    assert own_data(owner, second, "đã gỡ") == "WRONG_SIGNER"

    def told() -> list[str]:
        items = owner.client.get("/account/activity", limit=100)["items"]
        return sorted(row["event"] for row in items if row["event"].startswith("account.certificate"))

    eventually(lambda: told() == ["account.certificate_registered"] * 2 + ["account.certificate_removed"], what="told")
    assert register(stranger, first)["active"]  # free again
    stranger.client.post(f"/account/certificates/{mine(stranger)[0]}/removal")


@pytest.mark.req("SG-06")
def test_without_proof_of_the_key_nothing_is_registered(world: World, owner: Citizen, stranger: Citizen):
    token, given = nameless(), asked(owner)
    elsewhere = world.paper("Đơn của người khác", "đã công bố")
    assert refused(owner, given, token, document=elsewhere).status == 409  # signed with it, for something else
    assert refused(owner, given, token, document=asked(stranger)[0]).status == 409  # another's challenge
    assert refused(owner, given, None).problem["signing"] == "NO_SIGNATURE"
    foreign = Authority(PKI).made("foreign", subject("Ai đó"), issuer="foreign-ca")
    assert refused(owner, given, foreign).problem["signing"] == "INDETERMINATE"
    official = Authority(PKI).made("official", subject("Ai đó"), issuer="government-ca")
    assert refused(owner, given, official).status == 409  # no public authority's
    wrong = f"{(int(given[1]) + 1) % 1_000_000:06d}"
    assert refused(owner, (given[0], wrong), token).status == 422
    assert mine(owner) == []
    body = {"file_id": proof(owner, given[0], token), "code": given[1], "terms": True}
    assert owner.client.post("/account/certificates", body)["active"]  # control
    assert refused(owner, given, nameless()).status == 422  # the code was good once


@pytest.mark.req("SG-06")
def test_a_certificate_that_bears_anothers_number_is_never_registered(world: World, owner: Citizen):
    other = refused(owner, asked(owner), world.token("citizen-an"))
    assert (other.status, other.rule, other.problem["signing"]) == (409, "SG-06", "WRONG_SIGNER")
    assert register(owner, world.token_of(owner.person))["active"]  # control: the own number


@pytest.mark.req("SG-09", "SG-06")
def test_without_the_terms_nothing_is_registered(owner: Citizen):
    refusal = refused(owner, asked(owner), nameless(), terms=False)
    assert (refusal.status, refusal.rule) == (422, "SG-09")
    assert mine(owner) == []
