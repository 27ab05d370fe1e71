"""The desk's check: three outcomes, no paper for signed components, guidance that says and selects something."""

from __future__ import annotations

import pytest

from deploy.demo.client import eventually
from deploy.demo.people import refused
from tests.journeys.scenes import Scenes

TEXT = "Bản chụp bị mờ ở góc phải, đề nghị chụp lại."


@pytest.mark.req("IN-03")
def test_paper_is_refused_for_a_validly_signed_component_and_may_be_asked_for_an_unsigned_one(scenes: Scenes, desk):
    code = scenes.filed()
    signed = refused(lambda: desk.on_dossier(code, "paper-requests", component="don", reason="Nộp bản giấy"))
    assert (signed.status, signed.rule) == (409, "IN-03")
    assert signed.problem["citation"]
    assert desk.dossier(code)["paper_asked"] == []
    asked = desk.on_dossier(code, "paper-requests", component="ban-chup", reason="Đối chiếu bản chính")
    assert [row["component"] for row in asked["paper_asked"]] == ["ban-chup"]


@pytest.mark.req("IN-03")
def test_a_dossier_of_signed_files_is_accepted_without_paper(scenes: Scenes, desk):
    dossier = desk.on_dossier(scenes.filed(), "acceptance")
    assert (dossier["status"], dossier["paper_asked"]) == ("accepted", [])


@pytest.mark.req("IN-19")
@pytest.mark.parametrize(
    ("what", "body", "status", "code"),
    [
        ("acceptance", {}, "accepted", {2, 4, 6}),
        ("guidance", {"text": TEXT, "components": ["ban-chup"]}, "guided", {5}),
        ("refusal", {"reason": "Không thuộc thẩm quyền"}, "refused", {3}),
    ],
)
def test_each_of_the_three_outcomes_is_stamped_with_officer_and_time(scenes: Scenes, desk, what, body, status, code):
    dossier_code = scenes.filed()
    more = {"file_id": scenes.slip(dossier_code)} if what == "guidance" else {}
    assert set(desk.dossier(dossier_code)["allowed"]) >= {"accept", "guide", "refuse"}
    dossier = desk.on_dossier(dossier_code, what, **body, **more)
    assert dossier["status"] == status and dossier["status_code"] in code
    done = desk.client.get(f"/dossiers/{dossier_code}/history")["desk_rounds"][-1]
    assert done["outcome"] and done["answered_by"] == "acc-officer-desk" and done["answered_at"]


@pytest.mark.req("IN-19")
def test_none_of_them_is_taken_from_another_state(scenes: Scenes, desk):
    code = scenes.filed()
    desk.on_dossier(code, "refusal", reason="Không thuộc thẩm quyền")
    for what, body in (
        ("acceptance", {}),
        ("guidance", {"text": TEXT, "components": ["ban-chup"]}),
        ("refusal", {"reason": "Một lần nữa"}),
    ):
        refusal = refused(lambda what=what, body=body: desk.on_dossier(code, what, **body))
        assert (refusal.status, refusal.rule) == (409, "IN-19"), what
    assert desk.dossier(code)["status"] == "refused"


@pytest.mark.req("GU-02")
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": "  \n\u200b ", "components": ["ban-chup"]}, "text"),
        ({"text": TEXT, "components": []}, "components"),
        ({"text": TEXT, "components": ["khong-co"]}, "components"),
    ],
)
def test_guidance_without_text_or_component_is_refused_and_nothing_is_kept(scenes: Scenes, desk, body, field):
    code = scenes.filed()
    refusal = refused(lambda: desk.on_dossier(code, "guidance", **body))
    assert (refusal.status, refusal.rule) == (422, "GU-02")
    assert field in {error["field"] for error in refusal.problem["errors"]}
    dossier = desk.dossier(code)
    assert (dossier["status"], dossier["slips"]) == ("registered", [])


@pytest.mark.req("GU-07")
def test_one_guidance_and_one_supplement_request_are_both_the_first(scenes: Scenes, resident, desk, specialist, ioc):
    code = scenes.filed()
    scenes.guided(code, TEXT, ["ban-chup"])
    resident.amend(code, {"ban-chup": scenes.scan(f"{code} sau hướng dẫn")})
    desk.on_dossier(code, "acceptance")
    eventually(lambda: scenes.case(code), what="the case")
    specialist.on_case(code, "steps/tham-dinh/start")
    slip = scenes.slip(f"{code} yêu cầu bổ sung", "officer-specialist", specialist)
    specialist.on_case(code, "supplements", text="Bổ sung trang hai.", components=["ban-chup"], file_id=slip)

    def both() -> list[dict]:
        rows = ioc.client.get("/reviews", code=code)["items"]
        return rows if len(rows) == 2 and all(r["state"] == "AWAITING_IOC" for r in rows) else []

    rows = eventually(both, what="both slips with IOC")
    assert sorted((row["act"], row["round"]) for row in rows) == [("guidance", 1), ("supplement", 1)]
    assert ioc.client.get("/violations", code=code)["items"] == []
    # Control: a second guidance in another dossier is the second.
    other = scenes.filed()
    scenes.guided(other, TEXT, ["ban-chup"])
    resident.amend(other, {"ban-chup": scenes.scan(f"{other} lần 2")})
    second = scenes.guided(other, TEXT, ["ban-chup"], failure_statement="Góc phải vẫn mờ.")
    assert [slip["round"] for slip in second["slips"]] == [1, 2]
