"""Who must have signed: a component its applicant, a slip the unit that speaks (IN-03, SG-01, SG-02, SG-05, SG-10)."""

from __future__ import annotations

import os
import signal
import uuid
from typing import Any

import pytest

from deploy.demo.client import Refused, eventually
from deploy.demo.people import COPY, Citizen, Officer, all_pages, refused
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


#: How a repeated slip may be wrong; the first one was in order. `None` as signer: not signed; "no file": none at all.
REPEATED = [
    ("the unit", {}, []),
    ("another unit", {}, ["NOT_BY_OFFICER"]),
    (None, {}, ["UNSIGNED"]),
    ("no file", {}, ["NO_FILE"]),
    ("the unit", {"text": "Đề nghị nộp thêm giấy ủy quyền."}, ["TEXT_CHANGED"]),
    ("the unit", {"components": ["ban-chup", "don"]}, ["COMPONENTS_CHANGED"]),
]


def grounds_of(review: dict[str, Any]) -> list[str]:
    return [row["ground"] for row in review["grounds"]]


@pytest.mark.req("SG-05", "MO-06")
@pytest.mark.parametrize(("signer", "other", "grounds"), REPEATED)
def test_a_second_guidance_too_and_it_must_ask_for_the_same(scenes: Scenes, ioc, signer, other, grounds):
    code = scenes.filed(COPY)
    scenes.guided(code, TEXT, ["ban-chup"])
    scenes.citizen.amend(code, {"ban-chup": scenes.scan(f"{code} lần hai")})
    body = {"text": TEXT, "components": ["ban-chup"], "failure_statement": "Trang hai vẫn thiếu", **other}
    if signer != "no file":
        key = {"the unit": "officer-desk", "another unit": "officer-desk-a-ngo", None: None}[signer]
        body["file_id"] = scenes.slip(f"{code} {body['text']}", key)
    scenes.desk.on_dossier(code, "guidance", **body)
    review = review_of(ioc, code, 2)
    assert grounds_of(review) == grounds
    assert review["state"] == ("VIOLATION" if grounds else "PENDING")


def requested(scenes: Scenes, specialist: Officer, code: str, signer: str | None, **more: Any) -> None:
    """A supplement request with a file, signed or (None) not, or without one ("no file")."""
    body = {"text": TEXT, "components": ["ban-chup"], **more}
    if signer != "no file":
        pdf = scenes.world.paper("Yêu cầu bổ sung", code, body["text"], uuid.uuid4().hex)
        signed = scenes.world.signed(pdf, signer) if signer else pdf
        body["file_id"] = specialist.upload(signed, "yeu-cau.pdf", "slip")["file_id"]
    specialist.on_case(code, "supplements", **body)


@pytest.mark.req("SG-05", "MO-08")
@pytest.mark.parametrize(
    ("signer", "grounds"),
    [
        ("officer-specialist", []), ("agency-quang-thai", []), ("officer-specialist-a-ngo", ["NOT_BY_OFFICER"]),
        (None, ["UNSIGNED"]), ("no file", ["NO_FILE"]),
    ],
)  # fmt: skip
def test_a_first_supplement_request_counts_under_the_units_signature_only(
    scenes: Scenes, ioc, officer, specialist, signer, grounds
):
    code = scenes.accepted(COPY)
    with pytest.raises(Refused) as unticked:
        requested(scenes, specialist, code, "officer-specialist", components=[])
    assert unticked.value.status == 422
    requested(scenes, specialist, code, signer)
    review = review_of(ioc, code)
    assert grounds_of(review) == grounds
    assert review["state"] == ("VIOLATION" if grounds else "AWAITING_IOC")
    blocked_and_told(scenes, officer, specialist, code, bool(grounds))


@pytest.mark.req("MO-08")
@pytest.mark.parametrize("ground", ["UNCLEAR", "OFF_FOCUS"])
def test_an_unclear_or_off_focus_request_is_a_violation_by_iocs_decision(
    scenes: Scenes, ioc, officer, specialist, ground
):
    code = scenes.accepted(COPY)
    requested(scenes, specialist, code, "officer-specialist", text="Hoàn thiện hồ sơ.")
    review = review_of(ioc, code)
    body = {"version": review["version"], "decision": "VIOLATION", "ground": ground, "reason": "Không rõ phải làm gì"}
    decided = ioc.client.post(f"/reviews/{review['review_id']}/decision", body)
    assert (decided["state"], decided["blocked"], grounds_of(decided)) == ("VIOLATION", True, [ground])
    blocked_and_told(scenes, officer, specialist, code, blocked=True)


def blocked_and_told(scenes: Scenes, officer: Any, specialist: Officer, code: str, blocked: bool) -> None:
    """A violation blocks the next request and the centre hears of it; without one the next request goes out."""
    scenes.citizen.amend(code, {"ban-chup": scenes.scan(f"{code} bổ sung")})
    again = {"failure_statement": "Trang hai vẫn thiếu"}
    if not blocked:
        requested(scenes, specialist, code, "officer-specialist", **again)
        return
    eventually(lambda: specialist.case(code)["supplement_blocked"], what="the block")
    with pytest.raises(Refused) as refusal:
        requested(scenes, specialist, code, "officer-specialist", **again)
    assert (refusal.value.status, refusal.value.rule) == (409, "MO-11")
    centre = officer("officer-centre")

    def told() -> bool:
        return any(row.get("code") == code for row in all_pages(centre.client, f"/units/{centre.unit}/notices"))

    eventually(told, what="the centre's notice")


@pytest.mark.req("SG-05", "MO-10")
@pytest.mark.parametrize(("signer", "other", "grounds"), REPEATED)
def test_a_second_supplement_request_must_be_signed_and_ask_for_the_same(
    scenes: Scenes, ioc, specialist, signer, other, grounds
):
    code = scenes.accepted(COPY)
    requested(scenes, specialist, code, "officer-specialist")
    assert review_of(ioc, code)["state"] == "AWAITING_IOC"
    scenes.citizen.amend(code, {"ban-chup": scenes.scan(f"{code} bổ sung")})
    keys = {"the unit": "officer-specialist", "another unit": "officer-specialist-a-ngo"}
    requested(
        scenes, specialist, code, keys.get(signer, signer), failure_statement="Trang hai vẫn thiếu", **other
    )  # fmt: skip
    review = review_of(ioc, code, 2)
    assert grounds_of(review) == grounds
    assert review["state"] == ("VIOLATION" if grounds else "PENDING")
