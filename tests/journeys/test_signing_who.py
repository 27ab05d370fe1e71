"""Who must have signed: a component its applicant, a slip the unit that speaks (IN-03, SG-01, SG-02, SG-05, SG-10)."""

from __future__ import annotations

import os
import signal
import uuid
from typing import Any

import pytest

from deploy.demo.client import eventually
from deploy.demo.people import COPY, Citizen, Officer, refused
from deploy.rehearsal import papers
from tests.journeys.scenes import Scenes

TEXT = "Bản chụp thiếu trang hai, đề nghị chụp đủ."
WRONG_VI = "không phải của người phải ký"


def filed(scenes: Scenes, citizen: Citizen, form: bytes) -> str:
    """A dossier whose form is these bytes, its signatures checked."""
    files = scenes.papers(citizen, COPY) | {"don": citizen.upload(form, "don.pdf")["file_id"]}
    code = str(citizen.file(COPY, files)["code"])
    eventually(lambda: part(citizen, code)["verdict"], what="the verdict")
    return code


def part(who: Citizen | Officer, code: str, component: str = "don") -> dict[str, Any]:
    rows = who.dossier(code)["components"]
    return next(row for row in rows if row["component"] == component)


def form_by(scenes: Scenes, how: str, text: str) -> bytes:
    """The form, signed by whom it says."""
    world, pdf = scenes.world, scenes.world.paper("Đơn", text, how)
    match how:
        case "applicant":
            return world.signed_by(pdf, scenes.citizen.person)
        case "stranger":
            return world.signed(pdf, "citizen-an")
        case "officer":
            return world.signed(pdf, "officer-desk")
        case "agency":
            return world.signed(pdf, "agency-quang-thai")
        case "tampered":
            return papers.tampered(world.signed_by(pdf, scenes.citizen.person))
    return pdf


@pytest.mark.req("SG-01")
@pytest.mark.parametrize("signed", ["don", "ban-chup"])
def test_no_dossier_is_accepted_before_its_signatures_were_checked(scenes: Scenes, signed):
    """Also where no signature is asked for: whether a file is signed is known after the check only."""
    world, citizen, desk = scenes.world, scenes.citizen, scenes.desk
    room = world.system.pid("signing")
    os.kill(room, signal.SIGSTOP)
    try:
        pdf = world.signed_by(world.paper("Đơn", "chưa kiểm tra", uuid.uuid4().hex), citizen.person)
        files = scenes.papers(citizen, COPY) | {signed: citizen.upload(pdf, "ky.pdf")["file_id"]}
        code = str(citizen.file(COPY, files)["code"])
        body = {"version": desk.dossier(code)["version"], "note": "Đã xem bản giấy"}
        early = desk.client.once("POST", f"/dossiers/{code}/acceptance", key=uuid.uuid4().hex, json=body)
        assert (early.status_code, early.json().get("rule")) == (503, "SG-01")
        assert early.headers["retry-after"] and "chưa được kiểm tra" in early.json()["detail"]
        assert desk.dossier(code)["status"] == "registered"
    finally:
        os.kill(room, signal.SIGCONT)
    assert desk.on_dossier(code, "acceptance", note="Đã xem bản giấy")["status"] == "accepted"  # control


@pytest.mark.req("IN-03", "SG-02", "SG-10")
@pytest.mark.parametrize(("how", "signing"), [("applicant", "SIGNED_BY_APPLICANT"), ("agency", "SIGNED_BY_AGENCY")])
def test_what_the_right_one_signed_is_accepted_and_no_paper_may_be_asked(scenes: Scenes, how, signing):
    code = filed(scenes, scenes.citizen, form_by(scenes, how, "được ký"))
    for who in (scenes.citizen, scenes.desk):
        assert part(who, code)["signing"] == signing
    refusal = refused(
        lambda: scenes.desk.on_dossier(code, "paper-requests", component="don", reason="Cần bản giấy để lưu")
    )
    assert (refusal.status, refusal.rule, refusal.problem["signing"]) == (409, "IN-03", signing)
    asked = scenes.desk.on_dossier(code, "paper-requests", component="ban-chup", reason="Đối chiếu")  # control
    assert [row["component"] for row in asked["paper_asked"]] == ["ban-chup"]
    assert scenes.desk.on_dossier(code, "acceptance")["status"] == "accepted"


@pytest.mark.req("IN-03", "SG-02", "SG-10", "SG-01")
@pytest.mark.parametrize(
    ("how", "signing"),
    [
        ("stranger", "WRONG_SIGNER"), ("officer", "WRONG_SIGNER"), ("unsigned", "NO_SIGNATURE"),
        ("tampered", "TOTAL_FAILED"),
    ],
)  # fmt: skip
def test_what_a_stranger_or_nobody_signed_is_a_plain_copy_and_paper_may_be_asked(scenes: Scenes, how, signing):
    code = filed(scenes, scenes.citizen, form_by(scenes, how, "bản chụp"))
    for who in (scenes.citizen, scenes.desk):
        shown = part(who, code)
        assert shown["signing"] == signing and shown["signing_vi"] and shown["signing_en"]
        assert (WRONG_VI in shown["signing_vi"]) == (signing == "WRONG_SIGNER")
    queued = next(item["components"] for item in scenes.desk.queue() if item["code"] == code)
    assert next(row["signing"] for row in queued if row["component"] == "don") == signing
    # It must be signed: it is not accepted as if it were.
    refusal = refused(lambda: scenes.desk.on_dossier(code, "acceptance"))
    assert (refusal.status, refusal.rule) == (422, "SG-10")
    assert [error["field"] for error in refusal.problem["errors"]] == ["note"]
    assert scenes.desk.dossier(code)["status"] == "registered"
    asked = scenes.desk.on_dossier(code, "paper-requests", component="don", reason="Chưa được ký đúng")
    assert [(row["component"], row["signing"]) for row in asked["paper_asked"]] == [("don", signing)]
    assert scenes.desk.on_dossier(code, "acceptance")["status"] == "accepted"  # its paper was asked for


# --- slips -----------------------------------------------------------------------------------------------------------


def review_of(ioc: Officer, code: str, number: int = 1) -> dict[str, Any]:
    """The review of a round, once its signature was looked at."""

    def look() -> dict[str, Any] | None:
        rows = ioc.client.get("/reviews", code=code)["items"]
        return next((row for row in rows if row["round"] == number and row["state"] != "AWAITING_CHECK"), None)

    found: dict[str, Any] = eventually(look, what=f"review {number} of {code}")
    return found


SIGNERS = [
    ("officer-desk", []),  # the officer who gave it
    ("agency-quang-thai", []),  # the unit's seal
    ("officer-desk-a-ngo", ["NOT_BY_OFFICER"]),  # another unit's officer: a government certificate all the same
    ("agency-other", ["NOT_BY_OFFICER"]),
    ("citizen-chi", ["NOT_BY_OFFICER"]),
    (None, ["UNSIGNED"]),
]


@pytest.mark.req("SG-05", "MO-03")
@pytest.mark.parametrize(("signer", "grounds"), SIGNERS)
def test_a_first_guidance_counts_as_signed_under_the_units_signature_only(scenes: Scenes, ioc, signer, grounds):
    code = scenes.filed(COPY)
    scenes.guided(code, TEXT, ["ban-chup"], signer)
    review = review_of(ioc, code)
    assert [row["ground"] for row in review["grounds"]] == grounds
    assert review["state"] == ("VIOLATION" if grounds else "AWAITING_IOC")
    violations = ioc.client.get("/violations", code=code)["items"]
    assert len(violations) == (1 if grounds else 0)
    if not grounds:
        return
    scenes.citizen.amend(code, {"ban-chup": scenes.scan(f"{code} bổ sung")})
    eventually(lambda: scenes.desk.dossier(code)["guidance_blocked"], what="the block")
    refusal = refused(lambda: scenes.guided(code, TEXT, ["ban-chup"]))
    assert (refusal.status, refusal.rule) == (409, "MO-11")


@pytest.mark.req("SG-05", "MO-06")
@pytest.mark.parametrize(("signer", "grounds"), [("officer-desk", []), ("officer-desk-a-ngo", ["NOT_BY_OFFICER"])])
def test_a_second_guidance_too(scenes: Scenes, ioc, signer, grounds):
    code = scenes.filed(COPY)
    scenes.guided(code, TEXT, ["ban-chup"])
    scenes.citizen.amend(code, {"ban-chup": scenes.scan(f"{code} lần hai")})
    scenes.guided(code, TEXT, ["ban-chup"], signer, failure_statement="Trang hai vẫn thiếu")
    review = review_of(ioc, code, 2)
    assert [row["ground"] for row in review["grounds"]] == grounds
    assert review["state"] == ("VIOLATION" if grounds else "PENDING")


@pytest.mark.req("SG-05", "MO-08", "MO-10")
@pytest.mark.parametrize(
    ("signer", "grounds"),
    [("officer-specialist", []), ("agency-quang-thai", []), ("officer-specialist-a-ngo", ["NOT_BY_OFFICER"])],
)
def test_a_supplement_request_is_the_units_as_well_in_every_round(scenes: Scenes, ioc, specialist, signer, grounds):
    def ask(code: str, text: str, who: str, **more: Any) -> None:
        pdf = scenes.world.signed(scenes.world.paper("Yêu cầu bổ sung", code, text), who)
        file_id = specialist.upload(pdf, "yeu-cau.pdf", "slip")["file_id"]
        specialist.on_case(code, "supplements", text=TEXT, components=["ban-chup"], file_id=file_id, **more)

    code = scenes.accepted(COPY)
    ask(code, "lần một", signer)
    first = review_of(ioc, code)
    assert [row["ground"] for row in first["grounds"]] == grounds
    assert first["state"] == ("VIOLATION" if grounds else "AWAITING_IOC")
    if grounds:  # MO-10: in order at first, by another unit's officer the second time
        code = scenes.accepted(COPY)
        ask(code, "lần một", "officer-specialist")
        assert review_of(ioc, code)["state"] == "AWAITING_IOC"
    scenes.citizen.amend(code, {"ban-chup": scenes.scan(f"{code} bổ sung")})
    ask(code, "lần hai", signer, failure_statement="Trang hai vẫn thiếu")
    second = review_of(ioc, code, 2)
    assert [row["ground"] for row in second["grounds"]] == grounds
    assert second["state"] == ("VIOLATION" if grounds else "PENDING")
