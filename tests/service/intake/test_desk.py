"""The desk: its queue, its three answers, guidance and the citizen's answer to it."""

from __future__ import annotations

import io
import uuid
from datetime import datetime
from typing import Any

import pytest
from pypdf import PdfReader

from services.common.calendar import local
from services.intake import acceptance, catalogue
from tests.service.intake.conftest import OTHER_UNIT, UNIT, fetch, paper, signed
from tests.support.bus import eventually

TEXT = "Bản chụp bị mờ ở trang 2, đề nghị chụp lại rõ nét."


def guide(desk: Any, filed: dict[str, Any], **changes: Any) -> dict[str, Any]:
    body = {"code": filed["code"], "version": filed["version"], "text": TEXT, "components": ["ban-chup"]}
    answer: dict[str, Any] = desk.do("intake.guide", **body | changes)
    return answer


@pytest.mark.req("IN-02")
def test_the_queue_shows_working_minutes_the_earliest_first(citizen: Any, officer: Any) -> None:
    an, desk = citizen(), officer()
    codes = [an.file()["code"] for _ in range(3)]
    items, cursor = [], None
    while True:
        page = desk.call("intake.desk_queue", unit=UNIT, limit=2, cursor=cursor)
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    mine = [item for item in items if item["code"] in codes]
    assert [item["code"] for item in mine] == codes
    assert len({item["code"] for item in items}) == len(items)
    assert [item["intake_due"] for item in items] == sorted(item["intake_due"] for item in items)
    for item in mine:
        assert item["late"] == (item["minutes_left"] < 0)
        assert item["minutes_left"] <= 60
    elsewhere = desk.refused("intake.desk_queue", unit=OTHER_UNIT)
    assert (elsewhere.status, "không phải đơn vị của bạn" in str(elsewhere.detail)) == (403, True)
    assert an.refused("intake.desk_queue", unit=UNIT).status == 403
    assert desk.refused("intake.desk_queue", unit=UNIT, cursor="%%%").status == 422


@pytest.mark.req("IN-03", "SG-02")
def test_paper_is_refused_for_the_signed_component_and_granted_for_the_other(
    citizen: Any, officer: Any, business_now: Any
) -> None:
    an, desk = citizen(cast="citizen-an"), officer()
    filed = an.file(components=an.components(don=signed("citizen-an", business_now())))
    ask = {"code": filed["code"], "version": 1, "reason": "Cần lưu trữ"}
    refused = desk.refused("intake.ask_paper", component="don", **ask)
    assert (refused.status, refused.rule, refused.extra["verdict"]) == (409, "IN-03", "TOTAL_PASSED")
    assert refused.citation
    assert desk.call("intake.dossier", code=filed["code"])["version"] == 1
    asked = desk.do("intake.ask_paper", component="ban-chup", **ask)
    assert [(row["component"], row["reason"]) for row in asked["paper_asked"]] == [("ban-chup", "Cần lưu trữ")]
    verdicts = {row["component"]: row["verdict"] for row in asked["components"]}
    assert verdicts["ban-chup"] in (None, "NO_SIGNATURE")
    assert desk.refused("intake.ask_paper", component="ho-chieu", **ask | {"version": 2}).status == 422


@pytest.mark.req("IN-03")
@pytest.mark.parametrize(
    ("token", "whose"), [("citizen-chi", None), ("officer-desk", None), ("agency-quang-thai", "SIGNED_BY_AGENCY")]
)
def test_a_strangers_valid_signature_keeps_no_paper_away_and_an_agencys_does(
    citizen: Any, officer: Any, business_now: Any, token: str, whose: str | None
) -> None:
    an, desk = citizen(cast="citizen-an"), officer()
    filed = an.file(components=an.components(don=signed(token, business_now())))
    ask = {"code": filed["code"], "version": 1, "component": "don", "reason": "Người khác ký"}
    if whose:
        refused = desk.refused("intake.ask_paper", **ask)
        assert (refused.status, refused.rule, refused.extra["signing"]) == (409, "IN-03", whose)
        return
    asked = desk.do("intake.ask_paper", **ask)
    assert [row["signing"] for row in asked["paper_asked"]] == ["WRONG_SIGNER"]
    assert {row["component"]: row["verdict"] for row in asked["components"]}["don"] in (None, "TOTAL_PASSED")


@pytest.mark.req("GU-02", "X-17")
def test_a_guidance_that_says_or_selects_nothing_leaves_nothing(citizen: Any, officer: Any, told: Any) -> None:
    an, desk = citizen(), officer()
    filed = an.file()
    body = {"code": filed["code"], "version": 1, "text": TEXT, "components": ["ban-chup"]}
    blanks = ({"text": text} for text in (" \n", "\u3164\u2800", "\u200b\u2060\u00ad"))
    for change in (*blanks, {"components": []}, {"components": ["x"]}):
        field = next(iter(change))
        refused = desk.refused("intake.guide", **body | change)
        assert (refused.status, refused.rule) == (422, "GU-02")
        assert [error["field"] for error in refused.errors] == [field]
    assert desk.call("intake.dossier", code=filed["code"])["slips"] == []
    desk.do("intake.refuse", code=filed["code"], version=1, reason="Không đủ điều kiện")
    events = eventually(lambda: len(told(filed["code"])) == 2 and told(filed["code"]))
    assert [event["type"].split(".")[3] for event in events] == ["filed", "refused"]


@pytest.mark.req("X-17", "GU-07")
def test_an_unsigned_guidance_is_kept_sent_and_told_as_it_is(citizen: Any, officer: Any, told: Any) -> None:
    an, desk = citizen(), officer()
    filed = an.file()
    file_id = desk.upload("slip", paper("Phiếu hướng dẫn"))
    guided = guide(desk, filed, file_id=file_id)
    assert (guided["status"], guided["status_code"]) == ("guided", 5)
    assert (guided["slips"][0]["round"], guided["slips"][0]["text"]) == (1, TEXT)
    assert guided["intake_answered_at"] is not None
    event = eventually(lambda: told(filed["code"])[1:])[0]
    assert event["type"] == "vn.motcua.dossier.guided.v1"
    assert (event["data"]["act"], event["data"]["round"], event["data"]["components"]) == ("guidance", 1, ["ban-chup"])
    assert event["data"]["verdict"] in (None, "NO_SIGNATURE")
    assert event["data"]["officer"] == desk.subject
    assert TEXT not in str(event)


@pytest.mark.req("GU-08", "GU-10", "GU-13", "IN-19")
def test_the_answer_makes_version_two_under_the_same_code(citizen: Any, officer: Any, told: Any) -> None:
    an, desk = citizen(), officer()
    filed = an.file()
    guided = guide(desk, filed)
    for command in ("intake.accept", "intake.guide", "intake.refuse"):
        extra = {"reason": "x"} if command == "intake.refuse" else {}
        extra |= {"text": TEXT, "components": ["don"]} if command == "intake.guide" else {}
        refused = desk.refused(command, code=filed["code"], version=guided["version"], **extra)
        assert (refused.status, refused.rule) == (409, "IN-19")
    version = {"code": filed["code"], "version": guided["version"]}
    fresh = an.upload("component", paper())
    not_asked = an.refused("intake.amend", components=[{"component": "don", "file_id": fresh}], **version)
    assert (not_asked.status, not_asked.rule) == (422, "GU-08")
    old = filed["components"][1]["file_id"]
    unchanged = an.refused("intake.amend", components=[{"component": "ban-chup", "file_id": old}], **version)
    assert (unchanged.status, unchanged.rule) == (422, "GU-08")
    answer = [{"component": "ban-chup", "file_id": fresh}]
    amended = an.do("intake.amend", components=answer, note="Đã chụp lại", **version)
    assert (amended["code"], amended["dossier_version"], amended["status_code"]) == (filed["code"], 2, 1)
    assert amended["intake_answered_at"] is None
    assert amended["slips"][0]["answered"]
    history = an.call("intake.history", code=filed["code"])
    last = history["items"][-1]
    assert (last["who"], last["component"], last["dossier_version"]) == (an.subject, "ban-chup", 2)
    assert (last["former_file_id"], last["file_id"], last["note"]) == (old, fresh, "Đã chụp lại")
    assert [(row["outcome"], row["answered_by"]) for row in history["desk_rounds"]] == [
        ("guide", desk.subject),
        (None, None),
    ]
    versions = an.call("intake.versions", code=filed["code"])["items"]
    assert [[entry["file_id"] for entry in row["components"]] for row in versions] == [
        [entry["file_id"] for entry in filed["components"]],
        [filed["components"][0]["file_id"], fresh],
    ]
    assert fetch(an.call("intake.open_file", code=filed["code"], file_id=old)).startswith(b"%PDF")
    event = eventually(lambda: told(filed["code"])[2:])[0]
    assert (event["data"]["dossier_version"], event["data"]["stage"]) == (2, "before_acceptance")
    assert [event["sequence"] for event in told(filed["code"])] == [1, 2, 3]


@pytest.mark.req("MO-11", "X-18")
def test_a_block_stops_the_next_guidance_and_nothing_else(citizen: Any, officer: Any, tell: Any) -> None:
    an, desk = citizen(), officer()
    blocked, free = an.file(), an.file()
    tell(
        "slips.blocked", {"code": blocked["code"], "act": "guidance", "slip_id": "s"},
        subject=blocked["code"], source="oversight",
    )  # fmt: skip
    eventually(lambda: desk.call("intake.dossier", code=blocked["code"])["guidance_blocked"], what="block")
    refused = desk.refused("intake.guide", code=blocked["code"], version=1, text=TEXT, components=["don"])
    assert (refused.status, refused.rule) == (409, "MO-11")
    assert guide(desk, free)["status"] == "guided"
    assert (
        desk.do("intake.accept", code=blocked["code"], version=1, note="Đã đối chiếu bản giấy")["status"] == "accepted"
    )


@pytest.mark.req("X-18")
def test_an_unblocked_guidance_is_open_again(citizen: Any, officer: Any, tell: Any) -> None:
    an, desk = citizen(), officer()
    filed = an.file()
    for sequence, (name, blocked) in enumerate((("slips.blocked", True), ("slips.unblocked", False)), start=1):
        news = {"code": filed["code"], "act": "guidance"}
        tell(name, news, subject=filed["code"], source="oversight", sequence=sequence)

        def seen(wanted: bool = blocked) -> bool:
            return desk.call("intake.dossier", code=filed["code"])["guidance_blocked"] is wanted

        eventually(seen, what=name)
    assert guide(desk, filed)["status"] == "guided"


@pytest.mark.req("IN-15", "IN-19", "PR-07")
def test_acceptance_gives_receipt_and_appointment(citizen: Any, officer: Any, told: Any, database: Any) -> None:
    an, desk = citizen(), officer()
    filed = an.file()
    early = an.refused("intake.receipt", code=filed["code"])
    assert (early.status, "before acceptance" in str(early.detail)) == (404, True)
    key = uuid.uuid4().hex
    accepted = desk.do("intake.accept", key=key, code=filed["code"], version=1, note="Đã đối chiếu bản giấy")
    assert desk.do("intake.accept", key=key, code=filed["code"], version=1, note="Đã đối chiếu bản giấy") == accepted
    at, appointment = (datetime.fromisoformat(accepted[name]) for name in ("accepted_at", "appointment"))
    kept = database["intake"]["dossiers"].find_one({"_id": filed["code"]})
    assert appointment == acceptance.promise(catalogue.calendar_of("hue-centres"), kept["fixed"], at).due
    assert accepted["appointment_explained"]["day_model"]["agrees"] in (True, False)
    minutes = [step["minutes"] for step in accepted["appointment_explained"]["steps"]]  # each in hundredths
    assert sum(minutes) == pytest.approx(3 * 480, abs=0.005 * len(minutes))
    pdf = fetch(an.call("intake.receipt", code=filed["code"]))
    text = " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())
    assert filed["code"] in text
    assert f"{local(appointment):%H} giờ {local(appointment):%M} phút, ngày {local(appointment):%d}" in text
    event = eventually(lambda: told(filed["code"])[1:])[0]["data"]
    assert [step["step"] for step in event["workflow"]["steps"]] == ["tham-dinh", "ky-phat-hanh"]
    assert (event["fee"]["mode"], event["fee"]["amount"]) == ("thu_sau", 20000)
    assert event["limit"] == {"value": 3, "unit": "working_days"}
    assert event["components"] == ["don", "ban-chup"]
    rounds = an.call("intake.history", code=filed["code"])["desk_rounds"]
    assert [(row["outcome"], row["answered_by"]) for row in rounds] == [("accept", desk.subject)]
    again = desk.refused("intake.refuse", code=filed["code"], version=accepted["version"], reason="x")
    assert (again.status, again.rule) == (409, "IN-19")


@pytest.mark.req("X-20")
def test_the_same_day_procedure_is_promised_for_a_closing(citizen: Any, officer: Any) -> None:
    an, desk = citizen(), officer()
    components = [
        {"component": name, "file_id": an.upload("component", paper())} for name in ("to-khai", "giay-chung-sinh")
    ]
    filed = an.file(procedure="1.001193", components=components)
    accepted = desk.do("intake.accept", code=filed["code"], version=1, note="Đã đối chiếu bản giấy")
    appointment = local(datetime.fromisoformat(accepted["appointment"]))
    assert (appointment.hour, appointment.minute) == (17, 0)
    assert accepted["fee"]["amount"] == 0


def test_a_stale_version_changes_nothing(citizen: Any, officer: Any) -> None:
    an, desk = citizen(), officer()
    filed = an.file()
    guided = guide(desk, filed)
    stale = an.refused("intake.withdraw", code=filed["code"], version=filed["version"])
    assert (stale.status, stale.type) == (409, "/problems/stale-version")
    assert an.do("intake.withdraw", code=filed["code"], version=guided["version"])["status_code"] == 7


def test_officers_of_elsewhere_and_strangers_do_nothing(citizen: Any, officer: Any) -> None:
    an, desk = citizen(), officer()
    filed = an.file()
    elsewhere, stranger, specialist = officer(unit=OTHER_UNIT), citizen(), officer("specialist")
    answer = {"code": filed["code"], "version": 1}
    guidance = {"text": TEXT, "components": ["don"]}
    for command, extra in (("accept", {}), ("refuse", {"reason": "x"}), ("guide", guidance)):
        assert elsewhere.refused(f"intake.{command}", **answer, **extra).status == 403
        assert specialist.refused(f"intake.{command}", **answer, **extra).status == 403
        assert an.refused(f"intake.{command}", **answer, **extra).status == 403
    assert stranger.refused("intake.withdraw", **answer).status == 404
    components = [{"component": "don", "file_id": "0" * 32}]
    assert stranger.refused("intake.amend", components=components, **answer).status == 404
    unknown = {"code": f"{UNIT}-240311-9998", "version": 1}
    assert desk.refused("intake.accept", **unknown).status == 404
    assert desk.call("intake.dossier", code=filed["code"])["version"] == 1


def test_a_refusal_needs_a_reason_and_ends_the_dossier(citizen: Any, officer: Any, told: Any) -> None:
    an, desk = citizen(), officer()
    filed = an.file()
    for blank in (" ", "\u3164", "\u2800\ufe0f", "?!"):
        refusal = desk.refused("intake.refuse", code=filed["code"], version=1, reason=blank)
        assert (refusal.status, [error["field"] for error in refusal.errors]) == (422, ["reason"])
    refused = desk.do("intake.refuse", code=filed["code"], version=1, reason="Không thuộc thẩm quyền")
    assert (refused["status_code"], refused["refused"]["reason"]) == (3, "Không thuộc thẩm quyền")
    event = eventually(lambda: told(filed["code"])[1:])[0]
    assert "thẩm quyền" not in str(event)
    ended = an.refused("intake.withdraw", code=filed["code"], version=refused["version"])
    assert (ended.status, ended.extra["allowed"]) == (409, [])
