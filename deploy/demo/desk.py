"""Second chapter: the desk reads, guides and accepts; she answers and pays."""

from __future__ import annotations

from typing import Any

from deploy.demo.client import eventually
from deploy.demo.filing import FEE
from deploy.demo.people import QUANG_THAI, Officer, pay, refused, verdict_of
from deploy.demo.story import Story, minutes, moment, step


@step("Cán bộ một cửa đăng nhập bằng mật khẩu và mã", "The desk officer signs in with password and code")
def the_officer_signs_in(s: Story) -> str:
    answer = s.desk.sign_in()
    assert {"role": "desk_officer", "unit": QUANG_THAI} in answer["grants"]
    stranger = Officer(s.world, "officer-desk-a-ngo").enter()
    foreign = refused(lambda: stranger.dossier(s.code))
    assert foreign.status == 403
    return "cán bộ nơi khác bị từ chối 403 / an officer of another desk is refused"


@step("Thấy hồ sơ với số phút còn lại của giờ làm việc", "He sees the dossier with the minutes left of the hour")
def he_sees_the_minutes_left(s: Story) -> str:
    mine = [row for row in s.desk.queue() if row["code"] == s.code]
    assert len(mine) == 1
    assert 50 <= mine[0]["minutes_left"] <= 60 and not mine[0]["late"], mine[0]
    verdicts = {row["component"]: row["verdict"] for row in mine[0]["components"]}
    assert verdicts == {"don": "TOTAL_PASSED", "ban-chup": "NO_SIGNATURE"}
    return f"còn {mine[0]['minutes_left']} phút / minutes left"


@step("Đòi bản giấy của thành phần đã ký số: bị từ chối", "He demands paper for the signed component: refused")
def paper_is_refused(s: Story) -> str:
    refusal = refused(lambda: s.desk.on_dossier(s.code, "paper-requests", component="don", reason="Nộp bản giấy"))
    assert refusal.status == 409 and refusal.rule == "IN-03", refusal
    s.refusals.append(("paper", refusal.rule))
    return f"409 {refusal.rule}: {refusal.problem['title_vi']}"


@step("Hướng dẫn một lần, có ký số, nêu đúng thành phần", "He gives one signed guidance naming a component")
def he_guides(s: Story) -> str:
    text = "Bản chụp bị mờ ở góc phải, đề nghị chụp lại rõ nét toàn bộ trang giấy."
    slip = s.world.signed(s.world.paper("Phiếu hướng dẫn", s.code, text), "officer-desk")
    stored = s.during("slip", lambda: s.desk.upload(slip, "huong-dan.pdf", "slip"))
    dossier = s.desk.on_dossier(s.code, "guidance", text=text, components=["ban-chup"], file_id=stored["file_id"])
    assert (dossier["status"], dossier["status_code"], len(dossier["slips"])) == ("guided", 5, 1)
    seen = s.citizen.dossier(s.code)
    assert seen["slips"][0]["components"] == ["ban-chup"] and seen["slips"][0]["text"] == text
    assert s.citizen.client.fetch(f"/dossiers/{s.code}/files/{stored['file_id']}") == slip
    return "phiếu nằm trong hồ sơ, người nộp mở được / the slip is in the dossier, she can open it"


@step("Công dân trả lời hướng dẫn: phiên bản 2, mã không đổi", "She answers it: version 2 under the same code")
def she_answers(s: Story) -> str:
    scan = s.world.paper("Bản chụp giấy tờ", s.citizen.person.key, "rõ nét / sharp")
    stored = s.citizen.upload(scan, "ban-chup-2.pdf")
    dossier = s.during("answer", lambda: s.citizen.amend(s.code, {"ban-chup": stored["file_id"]}))
    assert (dossier["code"], dossier["dossier_version"], dossier["status_code"]) == (s.code, 2, 1)
    log = s.citizen.client.get(f"/dossiers/{s.code}/history")["items"]
    assert [(row["component"], row["dossier_version"]) for row in log if row["stage"] != "filing"] == [("ban-chup", 2)]
    versions = s.citizen.client.get(f"/dossiers/{s.code}/versions")["items"]
    old = next(row["file_id"] for row in versions[0]["components"] if row["component"] == "ban-chup")
    assert s.citizen.client.fetch(f"/dossiers/{s.code}/files/{old}")
    s.outcome["versions"] = len(versions)
    return f"{len(versions)} phiên bản, tệp cũ còn nguyên / versions, the old file is intact"


@step("Tiếp nhận: giấy tiếp nhận (PDF có mã QR) và hẹn trả theo lịch làm việc",
      "He accepts: receipt (PDF with QR) and appointment on the working calendar")  # fmt: skip
def he_accepts(s: Story) -> str:
    verdict_of(s.desk.client, s.code, "ban-chup")
    dossier = s.during("accept", lambda: s.desk.on_dossier(s.code, "acceptance"))
    accepted, due = moment(dossier["accepted_at"]), moment(dossier["appointment"])
    # Three working days from a Monday morning: the same time on Thursday.
    assert (due.date() - accepted.date()).days == 3 and abs(minutes(due) - minutes(accepted)) <= 1, (accepted, due)
    receipt = s.citizen.client.fetch(f"/dossiers/{s.code}/receipt")
    assert receipt.startswith(b"%PDF-") and len(receipt) > 3_000
    s.outcome["appointment_days"] = (due.date() - accepted.date()).days
    return f"hẹn trả / promised {due:%d/%m/%Y %H:%M}, Mẫu 01 {len(receipt) // 1000} kB"


@step("Phí được tính sau tiếp nhận; nhà cung cấp gửi thông báo có chữ ký hai lần: một biên lai",
      "The fee is ordered and paid; the provider's signed message comes twice: one receipt")  # fmt: skip
def she_pays(s: Story) -> str:
    order = eventually(lambda: s.citizen.orders(s.code), what="the fee's order")[0]
    assert (order["amount"], order["state"]) == (FEE, "DUE") and order["receipt_no"] is None
    forged = pay(s.world, s.citizen, order["order_id"], forge=True)
    assert forged["answers"][0]["body"]["RspCode"] == "97", forged["answers"]
    assert s.citizen.orders(s.code)[0]["receipt_no"] is None
    told = s.during("pay", lambda: pay(s.world, s.citizen, order["order_id"], times=2))
    codes = [answer["body"]["RspCode"] for answer in told["answers"]]
    # Where the room was killed after its commit and before its answer, the first message was the one repeated.
    assert codes in (["00", "02"], ["02", "02"]), told["answers"]

    def settled() -> dict[str, Any] | None:
        row = s.citizen.orders(s.code)[0]
        return row if row["receipt_ready"] else None

    paid = eventually(settled, what="the receipt of the fee")
    assert len(s.citizen.orders(s.code)) == 1
    assert s.citizen.client.fetch(f"/orders/{order['order_id']}/receipt").startswith(b"%PDF-")
    s.outcome["orders"] = [(paid["amount"], paid["state"], paid["method"])]
    return f"97 khi sai chữ ký, rồi {' và '.join(codes)}; biên lai / receipt {paid['receipt_no']}"
