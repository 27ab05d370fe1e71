"""Reports of signatures as officers see them: each check in words, on paper, checked again, and who did so (SG-01)."""

from __future__ import annotations

import io
from typing import Any

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from deploy.demo.people import Citizen, Officer
from deploy.demo.story import moment
from services.signing.verdict import POLICY
from tests.journeys.scenes import Scenes

pytestmark = pytest.mark.req("SG-01", "SG-07")


@pytest.fixture(scope="module")
def filed(scenes: Scenes) -> tuple[str, str, str]:
    """A dossier with a signed form and a scan without signature: code and both file ids."""
    code = scenes.filed()
    components = {row["component"]: row["file_id"] for row in scenes.desk.dossier(code)["components"]}
    return code, components["don"], components["ban-chup"]


def _outcomes(signature: dict[str, Any]) -> set[str]:
    return {check["outcome"] for check in signature["checks"]}


def test_an_officer_sees_each_check_of_each_signature(desk: Officer, filed):
    code, form, scan = filed
    report = desk.client.get(f"/dossiers/{code}/files/{form}/report")
    assert (report["verdict"], report["policy"]) == ("TOTAL_PASSED", POLICY)
    [signature] = report["signatures"]
    assert [check["check"] for check in signature["checks"]][:3] == ["structure", "integrity", "chain"]
    assert _outcomes(signature) == {"passed"}
    assert signature["signer"]["personal_number"].startswith("********")
    unsigned = desk.client.get(f"/dossiers/{code}/files/{scan}/report")
    assert (unsigned["verdict"], unsigned["signatures"]) == ("NO_SIGNATURE", [])


def test_a_look_and_a_new_check_are_on_record_and_no_report_changes(world, desk: Officer, filed):
    code, form, scan = filed
    file = f"/dossiers/{code}/files/{form}"
    first = desk.client.get(f"{file}/report")
    desk.client.get(f"{file}/report")  # the same officer, the same report: one record
    before = desk.client.get(f"{file}/checks")["items"]
    assert [(row["how"], row["verdict"], row["report_id"]) for row in before] == [
        ("looked", "TOTAL_PASSED", first["report_id"])
    ]
    asked = world.now()
    again = desk.client.post(f"{file}/checks", key=f"recheck-{code}")
    repeated = desk.client.post(f"{file}/checks", key=f"recheck-{code}")
    named, unnamed = again.pop("signatures"), repeated.pop("signatures")
    assert repeated == again
    assert named[0]["signer"]["common_name"] and unnamed[0]["signer"]["common_name"] is None  # no names are kept
    assert again["report_id"] != first["report_id"]
    assert (again["verdict"], again["received_at"]) == ("TOTAL_PASSED", first["received_at"])
    records = desk.client.get(f"{file}/checks")
    latest, *earlier = records["items"]
    assert earlier == before
    assert (latest["how"], latest["tool"], latest["policy"]) == ("rechecked", "motcua", POLICY)
    assert latest["trust_version"] == again["trust_version"]
    assert latest["officer"] == before[0]["officer"] and moment(latest["at"]) >= asked
    assert records["report_id"] == latest["report_id"] == again["report_id"]
    assert desk.client.get(f"{file}/report", report_id=first["report_id"]) == first
    # of the other file nobody has asked, and its reports are none of this one
    other = f"/dossiers/{code}/files/{scan}"
    report = desk.client.get(f"{other}/report")["report_id"]
    assert desk.client.refused("GET", f"{file}/report", report_id=report).status == 404
    assert desk.client.refused("GET", f"{file}/report", report_id="0" * 32).status == 404


def test_a_report_is_printed_with_its_numbers_masked(desk: Officer, resident: Citizen, filed):
    code, form, _ = filed
    file = f"/dossiers/{code}/files/{form}"
    shown = desk.client.get(f"{file}/report")
    pdf = desk.client.fetch(f"{file}/report/print")
    reader = PdfFileReader(io.BytesIO(pdf))
    assert shown["report_id"] in str(reader.trailer["/Info"]["/Title"])
    assert resident.person.personal_number.encode() not in pdf
    assert desk.client.fetch(f"{file}/report/print", report_id=shown["report_id"]) == pdf
    again = desk.client.post(f"{file}/checks")["report_id"]
    assert desk.client.fetch(f"{file}/report/print", report_id=again) != pdf


def test_citizens_get_none_of_it(stranger: Citizen, resident: Citizen, filed):
    code, form, _ = filed
    file = f"/dossiers/{code}/files/{form}"
    for who in (stranger, resident):
        for method, what in (("GET", "report"), ("GET", "report/print"), ("GET", "checks"), ("POST", "checks")):
            assert who.client.refused(method, f"{file}/{what}").status in (403, 404)


def test_the_same_holds_for_slips_and_results(scenes: Scenes, specialist: Officer):
    code = scenes.worked()
    right = scenes.attach(code, "right")["results"][-1]["file_id"]
    file = f"/cases/{code}/files/{right}"
    report = specialist.client.get(f"{file}/report")
    assert report["verdict"] == "TOTAL_PASSED" and _outcomes(report["signatures"][0]) == {"passed"}
    again = specialist.client.post(f"{file}/checks")
    assert specialist.client.fetch(f"{file}/report/print").startswith(b"%PDF-")
    rows = specialist.client.get(f"{file}/checks")["items"]
    assert [row["how"] for row in rows] == ["rechecked", "looked"]
    assert [row["report_id"] for row in rows] == [again["report_id"], report["report_id"]]
    broken = scenes.attach(code, "tampered")["results"][-1]["file_id"]
    failed = specialist.client.get(f"/cases/{code}/files/{broken}/report")
    assert failed["verdict"] == "TOTAL_FAILED"
    assert "failed" in _outcomes(failed["signatures"][0])
