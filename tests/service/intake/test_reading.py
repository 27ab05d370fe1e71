"""Who sees what."""

from __future__ import annotations

from typing import Any

import pytest

from services.common.problems import Problem
from tests.service.intake.conftest import OTHER_UNIT, fetch, paper, signed
from tests.support.bus import eventually


@pytest.mark.req("X-26")
def test_anybody_with_the_code_sees_code_and_progress_only(citizen: Any, bus: Any) -> None:
    filed = citizen().file()
    for typed in (filed["code"], f" {filed['code'].lower().replace('-', ' – ')} "):
        assert bus.call("intake.lookup", code=typed) == {
            "code": filed["code"], "status_code": 1, "status_vi": "Mới đăng ký", "status_en": "Newly registered",
            "progress_percent": 10,
        }  # fmt: skip
    for unknown in ("000.05.07.H57-240311-9999", "nothing", "' || 1"):
        assert bus.refused("intake.lookup", code=unknown).status == 404
    assert bus.refused("intake.dossier", code=filed["code"]).status == 401


def test_a_dossier_is_for_its_owner_its_officers_and_ioc(citizen: Any, officer: Any) -> None:
    an = citizen()
    code = an.file()["code"]
    for reader in (an, officer(), officer("specialist"), officer("leader"), officer("ioc", "*")):
        seen = reader.call("intake.dossier", code=code)
        assert seen["code"] == code
        assert seen["owner_is_me"] == (reader is an)
    assert citizen().refused("intake.dossier", code=code).status == 404
    assert officer(unit=OTHER_UNIT).refused("intake.dossier", code=code).status == 403
    assert officer("specialist", OTHER_UNIT).refused("intake.versions", code=code).status == 403


def test_ones_own_list_is_paged_newest_first(citizen: Any) -> None:
    an = citizen()
    codes = [an.file()["code"] for _ in range(3)]
    first = an.call("intake.mine", limit=2)
    second = an.call("intake.mine", limit=2, cursor=first["next_cursor"])
    assert [item["code"] for item in first["items"] + second["items"]] == codes[::-1]
    assert second["next_cursor"] is None
    assert citizen().call("intake.mine")["items"] == []


@pytest.mark.req("GU-12")
def test_a_guidance_file_is_for_the_owner_not_for_a_stranger(citizen: Any, officer: Any, room: Any) -> None:
    an, desk = citizen(), officer()
    filed = an.file()
    data = paper("Phiếu hướng dẫn")
    file_id = desk.upload("slip", data)
    desk.do(
        "intake.guide", code=filed["code"], version=1, text="Chụp lại", components=["ban-chup"], file_id=file_id,
        failure_statement="",
    )  # fmt: skip
    wanted = {"code": filed["code"], "file_id": file_id}
    for reader in (an, desk, officer("ioc", "*")):
        assert fetch(reader.call("intake.open_file", **wanted)) == data
    assert citizen().refused("intake.open_file", **wanted).status == 404
    assert officer(unit=OTHER_UNIT).refused("intake.open_file", **wanted).status == 403
    foreign = citizen().upload("component", paper())
    assert an.refused("intake.open_file", code=filed["code"], file_id=foreign).status == 404
    slip_id = an.call("intake.dossier", code=filed["code"])["slips"][0]["slip_id"]
    watching = room("oversight")
    for reader in (an, desk, officer("ioc", "*"), watching):
        slip = reader.call("intake.slip", slip_id=slip_id)
        assert (slip["text"], slip["components"], slip["file_id"]) == ("Chụp lại", ["ban-chup"], file_id)
        assert slip["former"] == []
        assert slip.get("officer_person") == (None if reader is not watching else desk.person_id)
    assert citizen().refused("intake.slip", slip_id=slip_id).status == 404
    checked = eventually(lambda: (s := room("oversight").call("intake.slip", slip_id=slip_id))["verdict"] and s)
    assert checked["verdict"] == "NO_SIGNATURE"


@pytest.mark.req("MO-01")
def test_ioc_opens_slips_and_no_papers_of_citizens(citizen: Any, officer: Any, business_now: Any) -> None:
    an, desk, ioc = citizen(), officer(), officer("ioc", "*")
    filed = an.file()
    scan = filed["components"][1]["file_id"]
    slip = desk.upload("slip", signed("officer-desk", business_now(), "Phiếu hướng dẫn"))
    desk.do(
        "intake.guide", code=filed["code"], version=1, text="Chụp lại", components=["ban-chup"], file_id=slip,
    )  # fmt: skip
    assert ioc.call("intake.open_file", code=filed["code"], file_id=slip)
    for method in ("intake.open_file", "intake.file_report"):
        assert ioc.refused(method, code=filed["code"], file_id=scan).status == 403
        assert ioc.refused(method, code=filed["code"], file_id="0" * 32).status == 404
    for reader in (desk, officer("control_officer"), ioc):
        report = reader.call("intake.file_report", code=filed["code"], file_id=slip)
        assert report["verdict"] == "TOTAL_PASSED"
        number = report["signatures"][0]["signer"]["personal_number"]
        assert number.startswith("********") and len(number) == 12
    assert desk.call("intake.file_report", code=filed["code"], file_id=scan)["verdict"] == "NO_SIGNATURE"
    assert officer(unit=OTHER_UNIT).refused("intake.file_report", code=filed["code"], file_id=slip).status == 403
    for person in (an, citizen()):
        assert person.refused("intake.file_report", code=filed["code"], file_id=slip).status == 403


def test_a_slip_that_another_officer_sent_is_not_attached(citizen: Any, officer: Any) -> None:
    filed = citizen().file()
    theirs = officer().upload("slip", paper())
    refused = officer().refused(
        "intake.guide", code=filed["code"], version=1, text="x", components=["don"], file_id=theirs
    )
    assert (refused.status, refused.errors[0]["field"]) == (422, "file_id")


def test_the_verdict_comes_to_the_dossier_by_itself(citizen: Any, officer: Any) -> None:
    an = citizen()
    filed = an.file()

    def verdicts() -> set[Any]:
        return {row["verdict"] for row in an.call("intake.dossier", code=filed["code"])["components"]}

    eventually(lambda: verdicts() == {"NO_SIGNATURE"}, what="verdicts")
    # News about files is no reason to refuse the desk's command.
    assert officer().call("intake.dossier", code=filed["code"])["version"] == filed["version"]


def test_rooms_get_facts_without_names(citizen: Any, room: Any) -> None:
    an = citizen()
    code = an.file()["code"]
    brief = room("notifier").call("intake.brief", code=code)
    assert (brief["owner"], brief["unit_tax_number"], brief["recognition_rule"]) == (an.person_id, "3300100018", "2024")
    assert brief["centre"] == "000.00.07.H57"
    assert an.refused("intake.brief", code=code).status == 403


@pytest.mark.req("CA-16")
@pytest.mark.parametrize("q", ["khai sinh", "DANG KY KHAI", "1.001193"])
def test_procedures_are_found_by_anybody(q: str, bus: Any) -> None:
    assert [row["code"] for row in bus.call("intake.procedures", q=q)["items"]] == ["1.001193"]


@pytest.mark.req("CA-06")
def test_a_procedure_shows_what_must_be_published(bus: Any) -> None:
    row = bus.call("intake.procedure", code="9.000001")
    for part in ("name_vi", "sequence_vi", "manner_vi", "components", "sets", "limit", "subjects_vi", "units", "desks"):
        assert row[part], part
    assert {"forms_vi", "result_vi", "conditions_vi", "fee"} <= set(row)
    assert bus.refused("intake.procedure", code="7.000001").status == 404
    page = bus.call("intake.procedures", limit=1)
    rest = bus.call("intake.procedures", limit=1, cursor=page["next_cursor"])
    assert [page["items"][0]["code"], rest["items"][0]["code"]] == ["1.001193", "9.000001"]
    with pytest.raises(Problem):
        bus.call("intake.procedures", limit=101)
