"""A citizen's dossier: mode, receipt, amendments, versions, the update log, who may open its files."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader

from deploy.demo.client import API
from deploy.demo.people import COPY, Citizen, refused, verdict_of
from tests.journeys.scenes import Scenes, somebody


@pytest.mark.req("IN-20")
@pytest.mark.parametrize(("channel", "mode"), [("portal", "SELF_PORTAL"), ("hue-s", "SELF_HUES")])
def test_the_mode_is_that_of_the_channel_and_cannot_be_chosen_or_changed(scenes: Scenes, resident, channel, mode):
    body = resident.dossier_body(COPY, scenes.papers(resident, COPY))
    other = "hue-s" if channel == "portal" else "portal"
    there = Citizen(resident.world, resident.person, channel=channel, phone=resident.phone.number)
    there.sign_in()
    # The channel is the one of the session that identity signed, whatever a client says beside it.
    said = {"X-Channel": other}
    code = there.client.send("POST", "/dossiers", json=body, key=f"mode-{channel}", headers=said).json()["code"]
    assert resident.dossier(code)["mode"] == mode
    chosen = refused(lambda: resident.client.post("/dossiers", body | {"mode": "BCCI"}))
    assert (chosen.status, chosen.problem["errors"][0]["field"]) == (422, "mode")
    version = resident.dossier(code)["version"]
    changed = {"version": version, "mode": "OFFICER_ASSISTED", "components": body["components"]}
    assert refused(lambda: resident.client.post(f"/dossiers/{code}/amendments", changed)).status == 422
    assert resident.client.once("PATCH", f"{API}/dossiers/{code}", json={"mode": "BCCI"}).status_code in (404, 405)
    # Later commands through the other channel leave it as it was recorded.
    resident.client.send("POST", f"/dossiers/{code}/withdrawal", json={"version": version}, key=f"out-{channel}",
                         headers={"X-Channel": other})  # fmt: skip
    assert resident.dossier(code)["mode"] == mode


@pytest.mark.req("IN-15")
def test_the_receipt_carries_the_code_and_only_of_its_own_dossier(scenes: Scenes, resident, stranger):
    code, other = scenes.accepted(), scenes.filed()
    pdf = resident.client.fetch(f"/dossiers/{code}/receipt")
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    assert code in text and other not in text
    assert refused(lambda: resident.client.fetch(f"/dossiers/{other}/receipt")).status == 404
    assert refused(lambda: stranger.client.fetch(f"/dossiers/{code}/receipt")).status == 404


@pytest.fixture(scope="module")
def thrice_amended(scenes: Scenes, resident) -> tuple[str, list[str]]:
    """A dossier that was guided and amended three times; the scans in their order, the filed one first."""
    code = scenes.filed()
    scans = [scenes.papers(resident, COPY)["ban-chup"]]
    text = "Bản chụp chưa rõ, đề nghị chụp lại."
    for number in (1, 2, 3):
        statement = f"Bản chụp lần {number - 1} vẫn chưa rõ." if number > 1 else None
        scenes.guided(code, text, ["ban-chup"], failure_statement=statement)
        scans.append(scenes.scan(f"{code} lần {number}"))
        resident.amend(code, {"ban-chup": scans[-1]})
    return code, scans


@pytest.mark.req("GU-10")
def test_after_three_amendments_the_code_is_the_same_and_four_versions_are_there(thrice_amended, resident, scenes):
    code, scans = thrice_amended
    dossier = resident.dossier(code)
    assert (dossier["code"], dossier["dossier_version"]) == (code, 4)
    versions = resident.client.get(f"/dossiers/{code}/versions")["items"]
    assert [row["dossier_version"] for row in versions] == [1, 2, 3, 4]
    assert [row["changed"] for row in versions[1:]] == [["ban-chup"]] * 3
    for row, scan in zip(versions, scans, strict=True):
        files = {entry["component"]: entry["file_id"] for entry in row["components"]}
        assert files == {"don": scenes.papers(resident, COPY)["don"], "ban-chup": scan}
        assert resident.client.fetch(f"/dossiers/{code}/files/{scan}").startswith(b"%PDF-")
    untouched = scenes.filed()
    assert [r["dossier_version"] for r in resident.client.get(f"/dossiers/{untouched}/versions")["items"]] == [1]


@pytest.mark.req("GU-13")
def test_the_update_log_says_who_when_which_component_and_version(thrice_amended, resident, desk, ioc):
    code, scans = thrice_amended
    log = resident.client.get(f"/dossiers/{code}/history")["items"]
    updates = [row for row in log if row["stage"] != "filing"]
    assert [(row["component"], row["dossier_version"], row["file_id"]) for row in updates] == [
        ("ban-chup", number, scans[number - 1]) for number in (2, 3, 4)
    ]
    assert {row["who"] for row in updates} == {resident.account["account_id"]}
    times = [row["at"] for row in updates]
    assert times == sorted(times) and all(times)
    assert [row["former_file_id"] for row in updates] == scans[:-1]
    for officer in (desk, ioc):
        assert officer.client.get(f"/dossiers/{code}/history")["items"] == log
    # Control: the form was never touched after filing.
    assert not [row for row in updates if row["component"] == "don"]


@pytest.mark.req("GU-12")
def test_the_guidance_file_is_opened_by_the_owner_and_not_by_a_stranger(scenes: Scenes, resident, stranger, officer):
    code = scenes.filed()
    dossier = scenes.guided(code, "Bản chụp thiếu trang hai.", ["ban-chup"])
    file_id = dossier["slips"][0]["file_id"]
    path = f"/dossiers/{code}/files/{file_id}"
    assert resident.client.fetch(path).startswith(b"%PDF-")
    slip = resident.client.get(f"/slips/{dossier['slips'][0]['slip_id']}")
    assert slip["text"] == "Bản chụp thiếu trang hai."
    assert refused(lambda: stranger.client.fetch(path)).status == 404
    assert refused(lambda: stranger.client.fetch(f"/files/{file_id}/content")).status == 404
    assert refused(lambda: officer("officer-desk-a-ngo").client.fetch(path)).status == 403
    assert refused(lambda: scenes.world.anybody.fetch(path)).status == 401


@pytest.mark.req("GU-12")
def test_a_file_of_another_dossier_is_not_opened_through_ones_own(scenes: Scenes, world, resident):
    other = Citizen(world, somebody()).enter()
    code = scenes.filed(citizen=other)
    verdict_of(other.client, code, "don")
    foreign = scenes.papers(resident, COPY)["don"]
    assert refused(lambda: other.client.fetch(f"/dossiers/{code}/files/{foreign}")).status == 404
