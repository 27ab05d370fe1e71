"""One walk through every operation of the public interface, each by somebody who may and with what it needs.

What it leaves behind (codes, slips, orders, files …) is the seed of generated requests: without real ids a random
request learns no more of most operations than that nothing is there.
"""

from __future__ import annotations

from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from deploy.demo import vneid
from deploy.demo.client import Client, eventually
from deploy.demo.organisations import Organisation
from deploy.demo.people import BIRTH, COPY, QUANG_THAI, Citizen, Officer, pay
from deploy.demo.story import moment
from deploy.demo.world import World
from services.common.calendar_data import shipped_calendars
from tests.journeys.scenes import Scenes, next_organisation, somebody

TEXT = "Bản chụp thiếu trang hai, đề nghị chụp đủ."


@dataclass
class Seeds:
    """Ids by the name of their place in a path; the keys of `clients` are roles."""

    ids: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    clients: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, *values: Any) -> None:
        self.ids[name] += [value for value in values if value and value not in self.ids[name]]


def walk(scenes: Scenes, officer: Callable[[str], Officer], stranger: Citizen) -> Seeds:
    """Walks; returns what is there afterwards. Raises Refused or AssertionError where an operation cannot be done."""
    seeds = Seeds()
    _accounts(scenes, officer, seeds)
    _own_signature(scenes.world, seeds)
    _organisation(scenes, officer, seeds)
    _before_acceptance(scenes, officer, seeds)
    code = _case(scenes, officer, seeds)
    _payment(scenes, code, seeds)
    _return(scenes, officer, seeds)
    _watchers(scenes, officer, code, seeds)
    seeds.add("unit", QUANG_THAI)
    seeds.add("act", "guidance", "supplement")
    seeds.add("procedure", COPY, BIRTH)
    newcomer = Citizen(scenes.world, somebody()).enter()
    seeds.clients = {"anonymous": scenes.world.client(), "citizen": newcomer.client, "owner": scenes.citizen.client,
                     "stranger": stranger.client} | {
        role: officer(key).client for role, key in {
            "desk_officer": "officer-desk", "specialist": "officer-specialist", "leader": "officer-leader",
            "control_officer": "officer-centre", "ioc": "officer-ioc", "support": "officer-support",
            "postal_officer": "officer-postal", "police": "officer-police", "office": "officer-office",
        }.items()
    }  # fmt: skip
    return seeds


def _accounts(scenes: Scenes, officer: Callable[[str], Officer], seeds: Seeds) -> None:
    world = scenes.world
    citizen = Citizen(world, somebody())
    asked = citizen.register()
    seeds.add("registration_id", asked.get("registration_id"))
    signed_in = citizen.sign_in()
    account = citizen.account["account_id"]
    seeds.add("account_id", account)
    citizen.client.token = world.anybody.post(
        "/sessions/refresh", {"refresh_token": signed_in["refresh_token"]})["access_token"]  # fmt: skip
    citizen.normalize()
    citizen.home()
    before = citizen.phone.newest()
    world.anybody.post("/account/recovery", {"phone": citizen.phone.number})
    code = citizen.phone.code(after=before)
    body = {"phone": citizen.phone.number, "code": code, "new_password": citizen.password}
    world.anybody.post("/account/recovery/confirmation", body)
    citizen.sign_in()
    citizen.client.send("DELETE", "/sessions/current")
    begun = vneid.begin(citizen.client)
    seeds.add("sign_in_id", begun["sign_in_id"])
    vneid.sign_in(world, citizen.client, citizen.person.personal_number)
    citizen.client.get("/sessions")
    citizen.client.get("/account/disclosures")
    eventually(lambda: citizen.client.get("/account/activity")["items"], what="what she did")
    ioc = officer("officer-ioc").client
    ioc.post(f"/accounts/{account}/activity", {"reason": "Diễn tập xem giao dịch của tài khoản"})
    ioc.get("/disclosures/report")
    citizen.client.send("DELETE", "/sessions")
    Organisation(world, next_organisation()).enter().normalize()
    _life_of_an_account(world, officer, seeds)
    _eid(officer("officer-desk"), seeds)
    officer("officer-support").client.post(f"/accounts/{account}/lock", {"reason": "Diễn tập khóa tài khoản"})
    officer("officer-support").sign_in()


def _own_signature(world: World, seeds: Seeds) -> None:
    """A certificate is registered and removed; data of one's own come into the store."""
    citizen = Citizen(world, somebody()).enter()
    citizen.normalize()
    before = citizen.phone.newest()
    document = b64decode(citizen.client.post("/account/certificates/challenge")["document"])
    code = citizen.phone.code(after=before)
    file_id = citizen.upload(world.signed_by(document, citizen.person), "dang-ky.pdf", "own")["file_id"]
    made = citizen.client.post("/account/certificates", {"file_id": file_id, "code": code, "terms": True})
    citizen.client.get("/account/certificates")
    citizen.client.post(f"/account/certificates/{made['certificate_id']}/removal")
    own = citizen.upload(world.signed_by(world.paper("Bằng cấp"), citizen.person), "bang.pdf", "own")["file_id"]
    seeds.add("holding_id", citizen.client.post("/holdings", {"file_id": own, "terms": True})["holding_id"])
    citizen.client.get("/own-data")
    seeds.add("certificate_id", made["certificate_id"])
    seeds.add("file_id", own)


def _organisation(scenes: Scenes, officer: Callable[[str], Officer], seeds: Seeds) -> None:
    """A unit opens and is renamed; an officer is granted a role and loses it; police and watchers read."""
    world, ioc, person = scenes.world, officer("officer-ioc").client, somebody()
    today = world.now().date()
    made = ioc.post("/units", {
        "unit": "000.05.78.H57", "kind": "commune", "parent": "000.05.00.H57", "name_vi": "UBND xã Đi Bộ",
        "name_en": "Walk commune", "on": today.isoformat(),
    })  # fmt: skip
    ioc.post(f"/units/{made['unit']}/changes", {
        "version": made["version"], "change": "rename", "on": (today + timedelta(days=9)).isoformat(),
        "name_vi": "UBND phường Đi Bộ", "name_en": "Walk ward", "reason": "Diễn tập đổi tên",
    })  # fmt: skip
    grant = {"role": "specialist", "unit": made["unit"], "reason": "Diễn tập cấp quyền"}
    account = ioc.post("/officers", {
        "username": "di.bo", "phone": person.phone, "full_name": person.full_name,
        "birth_date": person.birth_date.isoformat(), "id_number": person.personal_number, **grant,
    })["account_id"]  # fmt: skip
    ioc.post(f"/officers/{account}/grants", {**grant, "role": "leader"})
    ioc.post(f"/officers/{account}/grants/removal", grant)
    ioc.get(f"/units/{made['unit']}/officers")
    world.anybody.get("/units")
    world.anybody.get(f"/units/{made['unit']}")
    seeds.add("account_id", account)
    ioc.get("/reports/accounts")
    ioc.get(f"/agencies/{QUANG_THAI}/dossiers")
    world.anybody.get("/help")
    police = officer("officer-police").client
    for path in ("/population-queries", "/population-queries/report", "/population-clients"):
        police.get(path)


def _life_of_an_account(world: World, officer: Callable[[str], Officer], seeds: Seeds) -> None:
    """Another password, rest, resumption, block and the end of an account."""
    citizen = Citizen(world, somebody()).enter()
    citizen.change_password("Dien tap mat khau moi 2024")
    citizen.suspend()
    seeds.add("resumption_id", citizen.resume())
    citizen.sign_in()
    account = citizen.account["account_id"]
    ioc = officer("officer-ioc").client
    ioc.post(f"/accounts/{account}/block", {"reason": "Diễn tập chặn tài khoản"})
    ioc.post(f"/accounts/{account}/unblock", {"reason": "Diễn tập bỏ chặn tài khoản"})
    ioc.get("/account-log", account_id=account)
    citizen.sign_in()
    citizen.cancel()
    seeds.add("account_id", account)
    _support(Citizen(world, somebody()).enter(), officer("officer-support").client, seeds)


def _eid(desk: Officer, seeds: Seeds) -> None:
    """A registration of an e-ID from guidance to activation."""
    person = somebody()
    body = {"full_name": person.full_name, "id_number": person.personal_number, "consent": True,
            "birth_date": person.birth_date.isoformat()}  # fmt: skip
    address = f"/desks/{desk.unit}/eid-cases"
    case = desk.client.post(address, body)["case_id"]
    desk.client.get(address)
    desk.client.get(f"{address}/{case}")
    desk.client.post(f"{address}/{case}/progress", {"version": 1, "state": "submitted"})
    desk.client.post(f"{address}/{case}/progress", {"version": 2, "state": "active"})
    seeds.add("case_id", case)


def _support(citizen: Citizen, support: Client, seeds: Seeds) -> None:
    """A case of the hotline from the call to its end, and the lists."""
    account = citizen.account["account_id"]
    support.post("/support/lookups", {"phone": citizen.phone.number, "reason": "Diễn tập tra cứu"})
    support.get("/support/incomplete-accounts")
    body = {"case": 2, "account_id": account, "reason": "Diễn tập trường hợp 2"}
    case = support.post("/support/cases", body)
    address = f"/support/cases/{case['case_id']}"
    support.get("/support/cases", account_id=account)
    support.get(address)
    support.post(f"{address}/contact", {"reason": "Gọi xác minh"})
    found = {"outcome": "verified_wrong", "by": "account_phone", "evidence": "Người nghe máy không phải chủ tài khoản"}
    support.post(f"{address}/verification", {"version": 1, **found})
    support.post(f"{address}/decision", {"version": 2, "outcome": "cancel", "reason": "Đăng ký không đúng"})
    support.post(f"{address}/closure", {"version": 3, "reason": "Công dân đã đăng ký lại"})
    seeds.add("account_id", account)
    seeds.add("case_id", case["case_id"])


def _before_acceptance(scenes: Scenes, officer: Callable[[str], Officer], seeds: Seeds) -> None:
    """Filed, guided, amended; refused; withdrawn; asked for paper."""
    desk, citizen, anybody = scenes.desk, scenes.citizen, scenes.world.anybody
    anybody.get("/procedures")
    anybody.get(f"/procedures/{COPY}")
    refused, withdrawn, waiting = scenes.filed(), scenes.filed(), scenes.filed()
    desk.on_dossier(refused, "refusal", reason="Không thuộc thẩm quyền")
    version = citizen.dossier(withdrawn)["version"]
    citizen.client.post(f"/dossiers/{withdrawn}/withdrawal", {"version": version})
    desk.on_dossier(waiting, "paper-requests", component="ban-chup", reason="Đối chiếu bản chính")
    citizen.client.get("/dossiers")
    desk.client.get(f"/desks/{desk.unit}/dossiers")
    anybody.get(f"/lookups/{refused}")
    seeds.add("code", waiting, refused, withdrawn)
    _guidance(scenes, officer, seeds)


def _checks(officer: Officer, file: str) -> None:
    """All that an officer may ask about the signatures of a file."""
    officer.client.get(f"{file}/report")
    officer.client.fetch(f"{file}/report/print")
    officer.client.post(f"{file}/checks")
    officer.client.get(f"{file}/checks")


def _guidance(scenes: Scenes, officer: Callable[[str], Officer], seeds: Seeds) -> None:
    """A guidance that IOC confirms, and one without a file: a violation, whose block IOC removes."""
    desk, citizen, ioc = scenes.desk, scenes.citizen, officer("officer-ioc")
    confirmed, blocked = scenes.filed(), scenes.filed()
    slip = scenes.guided(confirmed, TEXT, ["ban-chup"])["slips"][0]
    citizen.client.get(f"/slips/{slip['slip_id']}")
    _checks(desk, f"/dossiers/{confirmed}/files/{slip['file_id']}")

    def review(code: str, state: str) -> dict[str, Any] | None:
        rows = ioc.client.get("/reviews", code=code)["items"]
        return rows[-1] if rows and rows[-1]["state"] == state else None

    found = eventually(lambda: review(confirmed, "AWAITING_IOC"), what="the review")
    body = {"version": found["version"], "decision": "CONFIRMED"}
    ioc.client.post(f"/reviews/{found['review_id']}/decision", body)
    citizen.amend(confirmed, {"ban-chup": scenes.scan(f"{confirmed} bổ sung")})
    desk.on_dossier(blocked, "guidance", text=TEXT, components=["ban-chup"])
    eventually(lambda: review(blocked, "VIOLATION"), what="the violation")
    eventually(lambda: desk.dossier(blocked)["guidance_blocked"], what="the block")
    ioc.client.post(f"/dossiers/{blocked}/blocks/guidance/removal", {"reason": "Diễn tập gỡ chặn"})
    seeds.add("code", confirmed, blocked)
    seeds.add("slip_id", slip["slip_id"])
    seeds.add("file_id", slip["file_id"])
    seeds.add("review_id", found["review_id"])


def _case(scenes: Scenes, officer: Callable[[str], Officer], seeds: Seeds) -> str:
    """A case with a supplement request, a new appointment and a result; another that is stopped."""
    specialist, leader, citizen = scenes.specialist, officer("officer-leader"), scenes.citizen
    code, stopped = scenes.accepted(COPY), scenes.accepted(BIRTH)
    specialist.client.get(f"/units/{specialist.unit}/cases")
    leader.on_case(stopped, "stop", reason="Không đủ điều kiện")
    specialist.on_case(code, "steps/tham-dinh/start")
    day = moment(scenes.case(code)["appointment"]) + timedelta(days=1)  # type: ignore[index]
    new = shipped_calendars()["hue-centres"].next_opening(day).isoformat()
    leader.on_case(code, "reschedule", new_appointment=new, reason="Cần xác minh thêm")
    file_id = scenes.slip(f"{code} bổ sung", "officer-specialist", specialist)
    asked = specialist.on_case(code, "supplements", text=TEXT, components=["ban-chup"], file_id=file_id)
    slip = asked["supplements"][-1]["slip_id"]
    specialist.client.get(f"/supplements/{slip}")
    _checks(specialist, f"/cases/{code}/files/{file_id}")
    citizen.amend(code, {"ban-chup": scenes.scan(f"{code} trang ba")})
    seeds.add("code", code, stopped)
    seeds.add("slip_id", slip)
    seeds.add("step", *(step["step"] for step in specialist.case(code)["steps"]))
    return code


def _payment(scenes: Scenes, code: str, seeds: Seeds) -> None:
    citizen, desk = scenes.citizen, scenes.desk
    order = eventually(lambda: citizen.orders(code), what="the order")[0]
    told = pay(scenes.world, citizen, order["order_id"])
    scenes.world.anybody.get("/payments/vnpay/ipn", **told["message"])
    scenes.world.anybody.send("GET", "/payments/vnpay/return", params={"vnp_ResponseCode": "00"})
    eventually(lambda: citizen.orders(code)[0]["receipt_ready"], what="the receipt")
    citizen.client.fetch(f"/orders/{order['order_id']}/receipt")
    other = scenes.accepted(COPY)
    cash = eventually(lambda: citizen.orders(other), what="the other order")[0]
    desk.client.post(f"/orders/{cash['order_id']}/cash", {"amount": cash["amount"]})
    seeds.add("code", other)
    seeds.add("order_id", order["order_id"], cash["order_id"])


def _return(scenes: Scenes, officer: Callable[[str], Officer], seeds: Seeds) -> None:
    citizen, desk = scenes.citizen, scenes.desk
    code = scenes.worked(BIRTH, pickup="post")
    scenes.attach(code, "unsigned")
    desk.client.post(f"/cases/{code}/signed-result-requests")
    scenes.attach(code, "right")
    desk.on_dossier(code, "return")
    eventually(lambda: _there(citizen, f"/dossiers/{code}/shipments"), what="the shipment")
    officer("officer-postal").client.get("/postal/orders")

    def holding() -> dict[str, Any] | None:
        rows = citizen.client.get("/holdings", limit=100)["items"]
        return next((row for row in rows if row["code"] == code), None)

    kept = eventually(holding, what="the holding")
    citizen.client.fetch(f"/holdings/{kept['holding_id']}/content")
    citizen.client.get("/access-log")
    citizen.client.get(f"/dossiers/{code}/history")
    citizen.client.get(f"/dossiers/{code}/versions")
    component = citizen.dossier(code)["components"][0]["file_id"]
    citizen.client.fetch(f"/dossiers/{code}/files/{component}")
    citizen.client.fetch(f"/files/{component}/content")
    eventually(lambda: _there(citizen, f"/dossiers/{code}/receipt"), what="the receipt of the dossier")
    seeds.add("code", code)
    seeds.add("file_id", component)
    seeds.add("holding_id", kept["holding_id"])


def _there(person: Citizen | Officer, path: str) -> bool:
    """Whether it can be read by now: other rooms hear of it a moment later."""
    return person.client.once("GET", path).status_code == 200


def _watchers(scenes: Scenes, officer: Callable[[str], Officer], code: str, seeds: Seeds) -> None:
    ioc, centre = officer("officer-ioc"), officer("officer-centre")
    ioc.client.post("/broadcasts/vneid-activation")
    scenes.citizen.notices()
    centre.client.get(f"/units/{centre.unit}/notices")
    ioc.client.get("/violations")
    eventually(lambda: _there(ioc, f"/recognition/{code}"), what="the recognition")
    ioc.client.get("/figures", unit=QUANG_THAI)
    ioc.client.get("/late")
    ioc.client.get("/ledger", code=code)
    eventually(lambda: _there(ioc, f"/dossiers/{code}/sync"), what="the sync")
    scenes.world.now()
