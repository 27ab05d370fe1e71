"""After acceptance: the status follows the other rooms, and nothing is returned that processing does not release."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.intake.conftest import fetch, paper, signed
from tests.support.bus import eventually


@pytest.fixture
def accepted(citizen: Any, officer: Any) -> Any:
    """A citizen and her accepted dossier."""
    an = citizen()
    filed = an.file()
    return an, officer().do("intake.accept", code=filed["code"], version=1, note="Đã đối chiếu bản giấy")


def status_of(person: Any, code: str) -> int:
    return int(person.call("intake.lookup", code=code)["status_code"])


@pytest.mark.req("SY-02")
def test_the_status_follows_the_case(accepted: Any, officer: Any) -> None:
    an, dossier = accepted
    eventually(lambda: status_of(an, dossier["code"]) in (4, 6), what="case opened")
    specialist = officer("specialist")
    case = specialist.call("processing.case", code=dossier["code"])
    assert [step["step"] for step in case["steps"]] == ["tham-dinh", "ky-phat-hanh"]
    started = specialist.do("processing.start_step", code=dossier["code"], version=case["version"], step="tham-dinh")
    specialist.do(
        "processing.request_supplement", code=dossier["code"], version=started["version"], text="Bổ sung bản chụp",
        components=["ban-chup"],
    )  # fmt: skip
    eventually(lambda: status_of(an, dossier["code"]) == 5, what="supplement")
    seen = an.call("intake.dossier", code=dossier["code"])
    assert [(slip["act"], slip["answered"]) for slip in seen["slips"]] == [("supplement", False)]
    assert [row["component"] for row in seen["components"] if row["requested"]] == ["ban-chup"]
    fresh = an.upload("component", paper())
    amended = an.do(
        "intake.amend", code=dossier["code"], version=seen["version"],
        components=[{"component": "ban-chup", "file_id": fresh}],
    )  # fmt: skip
    assert (amended["dossier_version"], amended["status"]) == (2, "accepted")
    eventually(lambda: status_of(an, dossier["code"]) in (4, 6), what="resumed")


@pytest.mark.req("X-19", "GU-08")
def test_what_processing_does_not_grant_changes_nothing(accepted: Any, officer: Any) -> None:
    an, dossier = accepted
    eventually(lambda: status_of(an, dossier["code"]) in (4, 6), what="case opened")
    components = [{"component": "ban-chup", "file_id": an.upload("component", paper())}]
    wanted = {"code": dossier["code"], "version": dossier["version"]}
    assert an.refused("intake.amend", components=components, **wanted).status in (409, 422)
    assert officer().refused("intake.return_result", **wanted).status == 409
    seen = an.call("intake.dossier", code=dossier["code"])
    assert (seen["version"], seen["dossier_version"], seen["status"]) == (dossier["version"], 1, "accepted")


def test_a_withdrawal_that_processing_grants(accepted: Any) -> None:
    an, dossier = accepted
    eventually(lambda: status_of(an, dossier["code"]) in (4, 6), what="case opened")
    withdrawn = an.do("intake.withdraw", code=dossier["code"], version=dossier["version"])
    assert withdrawn["status_code"] == 7
    assert withdrawn["withdrawn_at"]


def test_a_fee_shows_until_it_is_settled(citizen: Any, officer: Any, tell: Any) -> None:
    an = citizen()
    components = [
        {"component": name, "file_id": an.upload("component", paper())} for name in ("to-khai", "giay-chung-sinh")
    ]
    filed = an.file(procedure="1.001193", components=components)  # free: payment itself orders nothing
    officer().do("intake.accept", code=filed["code"], version=1, note="Đã đối chiếu bản giấy")
    eventually(lambda: status_of(an, filed["code"]) == 4, what="case opened")
    order = {"code": filed["code"], "order_id": f"{filed['code']}-X", "owner": an.person_id, "amount": 1000}
    for sequence, (name, owed, status) in enumerate(
        (("payment.ordered", True, 6), ("payment.settled", False, 4)), start=1
    ):
        tell(name, order, subject=order["order_id"], source="payment", sequence=sequence, queue="evt.intake")
        eventually(lambda wanted=status: status_of(an, filed["code"]) == wanted, what=name)
        assert an.call("intake.dossier", code=filed["code"])["fee_owed"] is owed


@pytest.mark.req("X-19", "SG-04", "RT-01")
def test_only_the_result_that_processing_releases_is_returned(
    citizen: Any, officer: Any, told: Any, business_now: Any
) -> None:
    an, desk, specialist = citizen(), officer(), officer("specialist")
    components = [
        {"component": name, "file_id": an.upload("component", paper())} for name in ("to-khai", "giay-chung-sinh")
    ]
    code = an.file(procedure="1.001193", components=components)["code"]
    dossier = desk.do("intake.accept", code=code, version=1, note="Đã đối chiếu bản giấy")
    eventually(lambda: status_of(an, code) == 4, what="case opened")
    back = {"code": code, "version": dossier["version"]}
    assert desk.refused("intake.return_result", **back).rule == "RT-01"

    def case() -> Any:
        return specialist.call("processing.case", code=code)

    def attach(data: bytes) -> str:
        file_id = specialist.upload("result", data)
        specialist.do(
            "processing.attach_result", code=code, version=case()["version"], file_id=file_id, name="Giấy khai sinh"
        )
        return file_id

    specialist.do("processing.start_step", code=code, version=case()["version"], step="ghi-so-cap-giay")
    unsigned = attach(paper("Giấy khai sinh"))
    assert desk.refused("intake.return_result", **back).rule == "SG-04"
    assert an.refused("intake.open_file", code=code, file_id=unsigned).status == 404
    data = signed("agency-quang-thai", business_now(), "Giấy khai sinh")
    result = attach(data)
    specialist.do("processing.finish_step", code=code, version=case()["version"], step="ghi-so-cap-giay")
    eventually(lambda: status_of(an, code) == 9, what="result ready")
    collector = {"full_name": "Nguyễn Thị An", "id_number": "046190000123"}
    returned = desk.do("intake.return_result", collector=collector, **back)
    assert (returned["status_code"], returned["progress_percent"], returned["result"]["file_id"]) == (10, 100, result)
    assert fetch(an.call("intake.open_file", code=code, file_id=result)) == data
    event = eventually(lambda: told(code)[2:])[0]
    assert event["type"] == "vn.motcua.dossier.returned.v1"
    assert event["data"]["result"]["sha256"] == returned["result"]["sha256"]
    assert event["data"]["owner"] == an.person_id
    assert "046190000123" not in str(event)
