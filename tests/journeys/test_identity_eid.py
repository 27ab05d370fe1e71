"""An e-ID of level 1 for somebody who has none: guided, recorded and traced by the desk."""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.scenes import somebody


def registration(**other: Any) -> dict[str, Any]:
    person = somebody()
    return {
        "full_name": person.full_name, "id_number": person.personal_number, "consent": True,
        "birth_date": person.birth_date.isoformat(), **other,
    }  # fmt: skip


@pytest.mark.req("ID-22")
def test_a_desk_traces_a_registration_until_it_is_active_and_other_desks_do_not_see_it(desk, officer, stranger):
    address = f"/desks/{desk.unit}/eid-cases"
    body = registration(note="Công dân chưa có tài khoản VNeID")
    made = desk.client.post(address, body)
    case = made["case_id"]
    assert made["state"] == "guided"
    again = desk.client.refused("POST", address, body)
    assert (again.status, again.problem["case_id"]) == (409, case)
    listed = {row["case_id"]: row for row in desk.client.get(address, state="guided", limit=100)["items"]}
    assert body["full_name"] not in str(listed) and body["id_number"] not in str(listed)
    assert desk.client.get(f"{address}/{case}")["full_name"] == body["full_name"]
    assert desk.client.refused("POST", f"{address}/{case}/progress", {"version": 1, "state": "active"}).status == 409
    desk.client.post(f"{address}/{case}/progress", {"version": 1, "state": "submitted"})
    assert desk.client.refused("POST", f"{address}/{case}/progress", {"version": 1, "state": "active"}).status == 409
    desk.client.post(f"{address}/{case}/progress", {"version": 2, "state": "active"})
    seen = desk.client.get(f"{address}/{case}")
    assert seen["state"] == "active"
    assert [step["state"] for step in seen["history"]] == ["guided", "submitted", "active"]
    assert {step["by"] for step in seen["history"]} == {"acc-officer-desk"}
    other = officer("officer-desk-a-ngo")
    assert other.client.refused("GET", f"{address}/{case}").status == 403
    assert other.client.refused("GET", address).status == 403
    mine = f"/desks/{other.unit}/eid-cases"
    assert other.client.refused("GET", f"{mine}/{case}").status == 404
    assert case not in {row["case_id"] for row in other.client.get(mine, limit=100)["items"]}
    for client in (stranger.client, officer("officer-specialist").client, officer("officer-ioc").client):
        assert client.refused("GET", f"{address}/{case}").status == 403
    logged = officer("officer-ioc").client.get("/account-log", case_id=case)["items"]
    assert [row["action"] for row in logged][:2] == ["open_eid_case", "read_eid_case"]
    assert logged[0]["reason"] == body["note"]


@pytest.mark.req("ID-22")
def test_without_consent_or_with_a_wrong_number_nothing_is_recorded(desk):
    address = f"/desks/{desk.unit}/eid-cases"
    wrong = {
        "consent": registration(consent=False),
        "id_number": registration(id_number="12345"),
        "birth_date": registration(birth_date=None),
    }
    for field, body in wrong.items():
        refusal = desk.client.refused("POST", address, body)
        assert refusal.status == 422
        assert [error["field"] for error in refusal.problem["errors"]] == [field]
    organisation = {"kind": "organisation", "full_name": "Công ty Diễn tập", "consent": True}
    assert desk.client.refused("POST", address, {**organisation, "id_number": "3300100088"}).status == 422
    assert desk.client.post(address, {**organisation, "id_number": "0100109106"})["state"] == "guided"
