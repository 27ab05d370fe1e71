"""The five trouble cases at the hotline: found masked, verified, decided, carried out, and written down."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.demo.client import Client, Refused, eventually
from deploy.demo.filing import NO_MATCH
from deploy.demo.people import COPY, Citizen, all_pages, from_register, refused
from deploy.rehearsal.make_people_seeds import CMND, NO_BIRTH_DATE, OLD_CMND
from tests.journeys.scenes import Scenes, somebody

HOTLINE = "19001075"
NEW_PASSWORD = "Dien tap mat khau moi 2024"


class Hotline:
    """The support officer, as a journey needs him."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def find(self, **data: Any) -> list[dict[str, Any]]:
        answer = self.client.post("/support/lookups", {"reason": "Công dân gọi tổng đài", **data})
        assert answer["hotline"] == HOTLINE
        return list(answer["items"])

    def open(self, case: int, account_id: str) -> str:
        body = {"case": case, "account_id": account_id, "reason": f"Công dân gọi, trường hợp {case}"}
        return str(self.client.post("/support/cases", body)["case_id"])

    def case(self, case_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get(f"/support/cases/{case_id}")
        assert answer["hotline"] == HOTLINE
        return answer

    def verify(self, case_id: str, outcome: str, by: str = "account_phone") -> dict[str, Any]:
        body = {"outcome": outcome, "by": by, "evidence": "Đã gọi số điện thoại của tài khoản"}
        return self._step(case_id, "verification", body)

    def decide(self, case_id: str, outcome: str) -> dict[str, Any]:
        return self._step(case_id, "decision", {"outcome": outcome, "reason": "Theo kết quả xác minh"})

    def refuses(self, case_id: str, outcome: str) -> Refused:
        return refused(lambda: self.decide(case_id, outcome))

    def close(self, case_id: str) -> dict[str, Any]:
        return self._step(case_id, "closure", {"reason": "Đã hướng dẫn công dân"})

    def log(self, **asked: Any) -> list[dict[str, Any]]:
        return all_pages(self.client, "/account-log", **asked)

    def _step(self, case_id: str, what: str, body: dict[str, Any]) -> dict[str, Any]:
        version = self.case(case_id)["version"]
        answer: dict[str, Any] = self.client.post(f"/support/cases/{case_id}/{what}", {"version": version, **body})
        return answer


@pytest.fixture
def hotline(officer) -> Hotline:
    return Hotline(officer("officer-support").client)


def cannot_sign_in(citizen: Citizen) -> Refused:
    body = {"phone": citizen.phone.number, "password": citizen.password}
    return citizen.world.anybody.refused("POST", "/sessions", body)


@pytest.mark.req("ID-13", "ID-19", "ID-20", "X-23", "X-28")
def test_case_1_a_phone_that_another_has_registered_is_freed_and_registers_again(world, hotline):
    first = Citizen(world, somebody()).enter()
    second = Citizen(world, somebody(), phone=first.phone.number)
    body = {
        "phone": first.phone.number, "password": second.password, "full_name": second.person.full_name,
        "birth_date": second.person.birth_date.isoformat(),
    }  # fmt: skip
    asked = world.anybody.post("/registrations", body)  # says nothing about the phone yet
    confirmation = f"/registrations/{asked['registration_id']}/confirmation"
    assert world.anybody.refused("POST", confirmation, {"code": "000000"}).status == 422
    taken = refused(second.register)
    assert (taken.status, taken.rule) == (409, "ID-13")
    assert (taken.problem["support_case"], taken.problem["hotline"]) == (1, HOTLINE)
    found = hotline.find(phone=first.phone.number, case=1)
    assert [row["account_id"] for row in found] == [first.account["account_id"]]
    case = hotline.open(1, found[0]["account_id"])
    assert hotline.refuses(case, "cancel").rule == "ID-13"
    hotline.verify(case, "verified_wrong")
    hotline.decide(case, "cancel")
    assert hotline.close(case)["state"] == "closed"
    assert first.client.once("GET", "/account").status_code == 401
    second.enter()
    assert second.home()["account"]["account_id"] != first.account["account_id"]
    log = hotline.log(case_id=case)
    assert [row["action"] for row in log] == ["open_case", "verify_case", "decide_case", "cancel", "close_case"]
    assert all(row["case"] == 1 and row["actor"] == "acc-officer-support" and row["reason"] for row in log)
    looked = hotline.log(account_id=first.account["account_id"])[0]
    assert (looked["action"], looked["case"], looked["reason"]) == ("look_up", 1, "Công dân gọi tổng đài")


@pytest.mark.req("ID-14", "ID-19", "ID-20")
def test_case_2_an_identity_is_freed_only_when_it_was_verified_wrong(world, hotline, scenes: Scenes):
    impostor, owner = Citizen(world, somebody()).enter(), None
    impostor.normalize()
    owner = Citizen(world, impostor.person, phone=somebody().phone).enter()
    taken = refused(owner.normalize)
    assert (taken.status, taken.problem["support_case"], taken.problem["hotline"]) == (409, 2, HOTLINE)
    found = hotline.find(id_number=impostor.person.personal_number, full_name=impostor.person.full_name, case=2)
    mine = next(row for row in found if row["normalized"])
    assert mine["same_name"] is True
    account = mine["account_id"]
    unverified, right, wrong = (hotline.open(2, account) for _ in range(3))
    refusal = hotline.refuses(unverified, "cancel")
    assert (refusal.status, refusal.rule, refusal.problem["hotline"]) == (409, "ID-14", HOTLINE)
    hotline.verify(unverified, "not_reached")
    assert hotline.refuses(unverified, "cancel").status == 409
    hotline.verify(right, "verified_right")
    assert hotline.refuses(right, "cancel").status == 409
    papers = refused(lambda: hotline.verify(wrong, "verified_wrong", by="documents"))
    assert (papers.status, papers.problem["errors"][0]["field"]) == (422, "by")
    called = hotline.client.post(f"/support/cases/{wrong}/contact", {"reason": "Gọi xác minh"})
    assert called == {"phone": impostor.phone.number}
    impostor.home()  # untouched so far
    hotline.verify(wrong, "verified_wrong")
    assert "cancel" in hotline.case(wrong)["possible"]
    assert hotline.decide(wrong, "cancel")["account_state"] == "cancelled"
    assert impostor.client.once("GET", "/account").status_code == 401
    assert "read_phone" in {row["action"] for row in hotline.log(case_id=wrong)}


@pytest.mark.req("ID-14", "ID-27", "X-24")
def test_case_2_gives_a_locked_account_back_when_it_was_right(world, hotline, officer):
    citizen = Citizen(world, somebody()).enter()
    account = citizen.account["account_id"]
    hotline.client.post(f"/accounts/{account}/lock", {"reason": "Diễn tập khóa tài khoản"})
    told = cannot_sign_in(citizen)
    assert (told.status, told.problem["reason"], told.problem["hotline"]) == (403, "locked_by_office", HOTLINE)
    case = hotline.open(2, account)
    assert hotline.refuses(case, "unlock").rule == "ID-14"
    assert cannot_sign_in(citizen).status == 403
    hotline.verify(case, "verified_right")
    assert hotline.decide(case, "unlock")["account_state"] == "active"
    citizen.sign_in()
    again = hotline.open(2, account)
    hotline.verify(again, "verified_right")
    assert hotline.refuses(again, "unlock").status == 409  # nothing to unlock


@pytest.mark.req("ID-15", "ID-12", "ID-11", "X-4", "DF-05")
def test_case_3_an_old_cmnd_account_is_restored_by_a_code_to_its_phone_and_must_give_the_cccd(
    world, hotline, scenes, stranger
):
    citizen = Citizen(world, from_register(OLD_CMND))
    named = {"full_name": citizen.person.full_name, "birth_date": citizen.person.birth_date.isoformat()}
    for_her = {"beneficiary": {**named, "id_number": CMND}}  # a helper files for the number that she had
    code_of_hers = stranger.client.post(
        "/dossiers", stranger.dossier_body(COPY, scenes.papers(stranger, COPY)) | for_her
    )["code"]
    found = hotline.find(id_number=CMND, full_name=citizen.person.full_name, case=3)
    assert [row["account_id"] for row in found] == ["acc-old-cmnd"]
    assert found[0]["same_name"] is True
    case = hotline.open(3, "acc-old-cmnd")
    assert hotline.refuses(case, "restore").rule == "ID-15"
    hotline.verify(case, "verified_right")
    before = citizen.phone.newest()
    hotline.decide(case, "restore")
    code = citizen.phone.code(after=before)
    seen = str(hotline.case(case)) + str(hotline.log(case_id=case))
    assert code not in seen and citizen.phone.number not in seen and CMND not in seen
    body = {"phone": citizen.phone.number, "code": code, "new_password": NEW_PASSWORD}
    wrong = {**body, "code": "000000" if code != "000000" else "111111"}
    assert world.anybody.refused("POST", "/account/recovery/confirmation", wrong).status == 422
    world.anybody.post("/account/recovery/confirmation", body)
    assert world.anybody.refused("POST", "/account/recovery/confirmation", body).status == 422  # good once
    assert cannot_sign_in(citizen).status == 401  # the forgotten one
    citizen.password = NEW_PASSWORD
    citizen.sign_in()
    home = citizen.home()
    assert "CCCD" in home["normalization_form"]["notice_vi"]
    assert home["account"]["former_id_numbers"] == []
    nine = refused(lambda: citizen.normalize(citizen.normalization(id_number=CMND)))
    assert (nine.status, nine.problem["errors"][0]["field"]) == (422, "id_number")
    assert citizen.home()["normalization_form"] is not None
    citizen.normalize()
    home = citizen.home()
    assert home["normalization_form"] is None
    assert home["account"]["id_number"].endswith(citizen.person.personal_number[-2:])
    assert [number[-2:] for number in home["account"]["former_id_numbers"]] == [CMND[-2:]]
    assert [row["account_id"] for row in hotline.find(id_number=CMND)] == ["acc-old-cmnd"]
    assert hotline.find(id_number="299999999") == []  # control: a CMND that nobody had
    eventually(
        lambda: [row["code"] for row in citizen.client.get("/dossiers")["items"]] == [code_of_hers],
        what="what was filed for her CMND",
    )


@pytest.mark.req("ID-16", "ID-19")
def test_case_4_shows_the_prescribed_words_guides_and_touches_no_account(world, hotline):
    citizen = Citizen(world, somebody()).enter()
    told = refused(lambda: citizen.normalize(citizen.normalization(id_number=somebody().personal_number)))
    assert told.problem["title_vi"] == NO_MATCH
    assert (told.problem["support_case"], told.problem["hotline"]) == (4, HOTLINE)
    case = hotline.open(4, citizen.account["account_id"])
    seen = hotline.case(case)
    assert seen["met_vi"] == NO_MATCH
    assert seen["possible"] == ["guide"]
    hotline.verify(case, "verified_wrong")
    for outcome in ("cancel", "unlock", "restore"):
        assert hotline.refuses(case, outcome).rule == "ID-16"
    assert hotline.decide(case, "guide")["account_state"] == "active"
    citizen.normalize()


@pytest.mark.req("ID-18", "ID-19", "X-7")
def test_case_5_a_normalized_account_without_birth_date_is_cancelled_and_comes_back_with_its_dossiers(
    world, hotline, scenes: Scenes
):
    citizen = Citizen(world, from_register(NO_BIRTH_DATE))
    citizen.sign_in()
    code = scenes.filed(citizen=citizen)
    listed = {row["account_id"]: row for row in all_pages(hotline.client, "/support/incomplete-accounts")}
    assert listed["acc-no-birth-date"]["lacks"] == ["birth_date"]
    assert listed["acc-no-phone"]["lacks"] == ["phone"]
    whole = Citizen(world, somebody()).enter()
    whole.normalize()
    assert whole.account["account_id"] not in listed
    control = hotline.open(5, whole.account["account_id"])
    hotline.verify(control, "verified_right")
    assert hotline.refuses(control, "cancel").rule == "ID-18"  # it lacks nothing
    case = hotline.open(5, "acc-no-birth-date")
    assert hotline.refuses(case, "cancel").rule == "ID-18"
    hotline.verify(case, "verified_right")
    assert hotline.decide(case, "cancel")["account_state"] == "cancelled"
    assert "acc-no-birth-date" not in {
        row["account_id"] for row in all_pages(hotline.client, "/support/incomplete-accounts")
    }
    assert cannot_sign_in(citizen).status == 401
    citizen.enter()
    citizen.normalize()

    def back() -> bool:
        return code in {row["code"] for row in citizen.client.get("/dossiers")["items"]}

    eventually(back, what="the dossiers of the same number")
    assert citizen.dossier(code)["owner_is_me"]


@pytest.mark.req("ID-20", "ID-12")
def test_only_support_does_support_work(world, officer, hotline):
    citizen = Citizen(world, somebody()).enter()
    account = citizen.account["account_id"]
    case = hotline.open(2, account)
    others = ("officer-ioc", "officer-desk", "officer-specialist", "officer-leader", "officer-centre",
              "officer-postal")  # fmt: skip
    clients = [officer(key).client for key in others] + [citizen.client]
    reason = {"reason": "Diễn tập quyền hạn"}
    step = {"version": 1, "outcome": "guide", **reason}
    for client in clients:
        assert client.refused("POST", "/support/lookups", {"phone": citizen.phone.number, **reason}).status == 403
        assert client.refused("GET", "/support/incomplete-accounts").status == 403
        assert client.refused("POST", "/support/cases", {"case": 2, "account_id": account, **reason}).status == 403
        assert client.refused("GET", f"/support/cases/{case}").status == 403
        assert client.refused("POST", f"/support/cases/{case}/contact", reason).status == 403
        assert client.refused("POST", f"/support/cases/{case}/decision", step).status == 403
    assert world.anybody.refused("GET", f"/support/cases/{case}").status == 401
    hotline.decide(case, "guide")
    for officers in ("acc-officer-desk", "acc-officer-support"):
        body = {"case": 2, "account_id": officers, **reason}
        assert hotline.client.refused("POST", "/support/cases", body).status == 403


@pytest.mark.req("ID-12", "X-26")
def test_a_look_up_shows_no_datum_in_clear_and_needs_a_reason(world, hotline):
    citizen = Citizen(world, somebody()).enter()
    citizen.normalize()
    found = hotline.find(phone=citizen.phone.number, full_name="Người Khác Hẳn", birth_date="1950-01-01")
    assert (found[0]["same_name"], found[0]["same_birth_date"]) == (False, False)
    right = hotline.find(phone=citizen.phone.number, birth_date=citizen.person.birth_date.isoformat())
    assert right[0]["same_birth_date"] is True
    shown = str(found)
    for secret in (citizen.person.full_name, citizen.phone.number, citizen.phone.number[1:],
                   citizen.person.personal_number, citizen.person.birth_date.isoformat()):  # fmt: skip
        assert secret not in shown
    for body in (
        {"phone": citizen.phone.number},
        {"reason": "Công dân gọi"},
        {"phone": citizen.phone.number, "id_number": citizen.person.personal_number, "reason": "Công dân gọi"},
        {"phone": "12", "reason": "Công dân gọi"},
    ):
        assert hotline.client.refused("POST", "/support/lookups", body).status == 422
