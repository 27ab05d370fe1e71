"""Third chapter: two steps, seven results that must not pass and one that must, and where it goes."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

from deploy.demo.client import Refused, eventually
from deploy.demo.people import all_pages, refused
from deploy.demo.story import Story, step
from deploy.demo.world import World
from deploy.rehearsal import papers

#: Codes at the national portal. Case and fee are told by two rooms: either may be first, and 4 may stand before 6.
STATUS_CODES = ([1, 5, 1, 2, 4, 6, 4, 9, 10], [1, 5, 1, 2, 6, 4, 9, 10])
#: What she hears of, one notice on the portal each.
NOTICES = (
    "dossier.filed", "dossier.guided", "dossier.amended", "dossier.accepted", "case.opened", "payment.ordered",
    "payment.settled", "result.ready", "dossier.returned", "holding.added", "postal.registered", "postal.collected",
    "postal.delivered",
)  # fmt: skip
#: Result files that must not pass, in turn: name, how it is made, rule of the refusal.
FORGERIES: tuple[tuple[str, str, str], ...] = (
    ("không ký / unsigned", "unsigned", "SG-04"),
    ("bị sửa sau khi ký / tampered", "tampered", "SG-04"),
    ("bọc chữ ký, chuỗi literal / wrapped, literal string", "wrapped-literal", "SG-04"),
    ("bọc chữ ký, object stream / wrapped, object stream", "wrapped-object-stream", "SG-04"),
    ("chứng thư đã thu hồi / revoked", "revoked", "SG-04"),
    ("CA lạ / foreign CA", "foreign", "X-22"),
    ("cơ quan khác ký / signed by another agency", "other-agency", "SG-03"),
)


@step("Cán bộ chuyên môn làm hai bước đúng thứ tự", "The specialist works the two steps in their order")
def the_specialist_works(s: Story) -> str:
    s.specialist.sign_in()
    case = eventually(lambda: case_or_none(s), what="the case at the specialist's")
    names = [row["step"] for row in case["steps"]]
    assert names == ["tham-dinh", "ky-phat-hanh"]
    early = refused(lambda: s.specialist.on_case(s.code, "steps/ky-phat-hanh/start"))
    assert early.status == 409 and early.rule == "PR-01", early
    s.during("steps", lambda: s.specialist.on_case(s.code, "steps/tham-dinh/start"))
    s.specialist.on_case(s.code, "steps/tham-dinh/finish", note="Đủ điều kiện")
    s.specialist.on_case(s.code, "steps/ky-phat-hanh/start")
    case = s.specialist.on_case(s.code, "steps/ky-phat-hanh/finish")
    assert [row["state"] for row in case["steps"]] == ["done", "done"]
    none = refused(lambda: s.desk.on_dossier(s.code, "return"))
    assert none.status == 409 and none.rule == "RT-01", none
    s.refusals.append(("no file", none.rule))
    return f"nhảy bước: {early.rule}; trả khi chưa có kết quả: {none.rule} / skipping and returning nothing are refused"


def case_or_none(s: Story) -> dict[str, Any] | None:
    try:
        return s.specialist.case(s.code)
    except Refused as refusal:
        if refusal.status == 404:
            return None
        raise


@step("Bảy kết quả giả hoặc không hợp lệ: lần nào trả cũng bị từ chối, nêu rõ quy tắc",
      "Seven results that are forged or not in order: each return is refused with its rule")  # fmt: skip
def forgeries_are_refused(s: Story) -> str:
    for name, how, rule in FORGERIES:
        stored = s.specialist.upload(forgery(s.world, how, s.code), f"{how}.pdf", "result")

        def attach(stored: dict[str, Any] = stored, how: str = how) -> Any:
            return s.specialist.on_case(s.code, "results", file_id=stored["file_id"], name=how)

        s.during(f"attach-{how}", attach)
        refusal = refused(lambda: s.desk.on_dossier(s.code, "return"))
        assert refusal.status == 409 and refusal.rule == rule, f"{name}: {refusal}"
        s.refusals.append((how, refusal.rule))
    assert s.citizen.dossier(s.code)["result"] is None
    s.outcome["refusals"] = list(s.refusals)
    return " · ".join(f"{name.split(' / ')[0]}: {rule}" for name, _, rule in FORGERIES)


def forgery(world: World, how: str, code: str) -> bytes:
    """A result file that must not pass; `right` is the one that must."""
    pdf = world.paper("Bản sao có xác nhận", code)
    if how == "unsigned":
        return pdf
    signer = {"revoked": "agency-revoked", "foreign": "foreign-quang-thai", "other-agency": "agency-other"}
    # what an agency hands out must be provable for decades: its time is stamped
    signed = world.signed(pdf, signer.get(how, "agency-quang-thai"), stamped=how == "right")
    match how:
        case "tampered":
            return papers.tampered(signed)
        case "wrapped-literal":
            return papers.wrapped(signed, "literal")
        case "wrapped-object-stream":
            return papers.wrapped(signed, "object-stream")
    return signed


@step("Kết quả đúng, do cơ quan có thẩm quyền ký số: một cửa trả kết quả",
      "The right result, signed by the competent agency: the desk returns it")  # fmt: skip
def the_desk_returns(s: Story) -> str:
    s.result = forgery(s.world, "right", s.code)
    stored = s.specialist.upload(s.result, "ban-sao-co-xac-nhan.pdf", "result")
    case = s.specialist.on_case(s.code, "results", file_id=stored["file_id"], name="Bản sao có xác nhận")
    assert case["result"]["standing"] == "hop_le", case["result"]
    dossier = s.during("return", lambda: s.desk.on_dossier(s.code, "return"))
    assert (dossier["status_code"], dossier["result"]["sha256"]) == (10, hashlib.sha256(s.result).hexdigest())
    checks = [line for line in s.desk.case(s.code)["log"] if line["what"] == "check_result"]
    assert [line["granted"] for line in checks] == [False] * (len(FORGERIES) + 1) + [True]
    return f"{len(checks)} lần kiểm tra được ghi tên cán bộ một cửa / checks on record (RT-02)"


@step("Kết quả nằm trong kho của công dân", "It lies in her store")
def it_lies_in_her_store(s: Story) -> str:
    mine = eventually(
        lambda: [row for row in all_pages(s.citizen.client, "/holdings") if row["code"] == s.code],
        what="the holding",
    )
    assert len(mine) == 1 and mine[0]["kind"] == "b"
    assert s.citizen.client.fetch(f"/holdings/{mine[0]['holding_id']}/content") == s.result
    s.outcome["holdings"] = len(mine)
    return "từng byte như cơ quan đã ký / byte for byte as the agency signed it"


@step("Lệnh phát qua bưu chính đến hàng đợi đối tác, tin đã phát quay về",
      "A delivery order reaches the partner's queue, its delivered message comes back")  # fmt: skip
def the_post_delivers(s: Story) -> str:
    def delivered() -> dict[str, Any] | None:
        rows = s.citizen.client.get(f"/dossiers/{s.code}/shipments")["items"]
        return rows[0] if rows and rows[0]["state"] == "DELIVERED" else None

    eventually(lambda: shipment_or_none(s), what="the shipment")
    shipment = eventually(delivered, what="the delivered message")
    order = next(row for row in s.world.ask("partner", "/orders")["items"] if row["order_number"] == s.code)
    assert order["item_code"] == shipment["waybill"] and order["has_receiver"]
    steps = [row["status"] for row in shipment["steps"]]
    assert steps == ["registered", "collected", "delivered"], steps
    s.outcome["shipment"] = (shipment["state"], steps)
    return f"vận đơn / waybill {shipment['waybill']}: {', '.join(steps)}"


def shipment_or_none(s: Story) -> Any:
    try:
        return s.citizen.client.get(f"/dossiers/{s.code}/shipments")["items"]
    except Refused as refusal:
        if refusal.status == 404:
            return None
        raise


@step("Cổng DVC quốc gia giữ các mã trạng thái đúng thứ tự", "The national portal holds the status codes in order")
def the_national_portal_knows(s: Story) -> str:
    def codes() -> list[int] | None:
        found: list[int] = s.world.ask("national", f"/dossiers/{s.code}")["codes"]
        return found if found[-1:] == [10] else None

    held = eventually(codes, within=90, what="code 10 at the national portal")
    assert held in STATUS_CODES, held
    s.outcome["status_ends"] = (held[:4], held[-2:])
    return " → ".join(str(code) for code in held)


@step("Công dân nhận thông báo ở mỗi thay đổi", "She got a notice at each change")
def she_got_notices(s: Story) -> str:
    def kinds() -> Counter[str] | None:
        found = Counter(row["kind"] for row in s.citizen.notices() if row["code"] == s.code)
        return found if set(NOTICES) <= set(found) else None

    try:
        found = eventually(kinds, within=45, what="all notices")
    except AssertionError:
        seen = {row["kind"] for row in s.citizen.notices() if row["code"] == s.code}
        raise AssertionError(f"no notice of {sorted(set(NOTICES) - seen)}; there are {sorted(seen)}") from None
    assert all(found[kind] == 1 for kind in NOTICES), found
    s.outcome["notices"] = sorted(found.items())
    return f"{sum(found.values())} thông báo, mỗi việc một lần / notices, one for each change"
