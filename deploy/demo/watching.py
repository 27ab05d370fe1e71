"""Last chapter: oversight confirms, recognises, and the ledger verifies."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from typing import Any

from deploy.demo.client import Refused, eventually
from deploy.demo.people import BIRTH, QUANG_THAI, Officer, all_pages, refused, verdict_of
from deploy.demo.story import Story, moment, step
from deploy.demo.world import World
from deploy.local.paths import ROOT


@step("IOC xem phiếu hướng dẫn và xác nhận đúng quy định", "A person of IOC reads the guidance and confirms it")
def ioc_confirms(s: Story) -> str:
    s.ioc.sign_in()

    def waiting() -> dict[str, Any] | None:
        rows = all_pages(s.ioc.client, "/reviews", code=s.code)
        return rows[0] if rows and rows[0]["state"] == "AWAITING_IOC" else None

    review = eventually(waiting, what="the slip in IOC's queue")
    assert review["components"] == ["ban-chup"] and review["signature"]["verdict"] == "TOTAL_PASSED"
    own = refused(lambda: s.desk.client.post(f"/reviews/{review['review_id']}/decision",
                                             {"version": review["version"], "decision": "CONFIRMED"}))  # fmt: skip
    assert own.status == 403
    body = {"version": review["version"], "decision": "CONFIRMED"}
    decided = s.during("decide", lambda: s.ioc.client.post(f"/reviews/{review['review_id']}/decision", body))
    assert (decided["state"], decided["blocked"]) == ("CONFIRMED", False)
    s.outcome["review"] = decided["state"]
    return "nội dung, thành phần, tệp đã ký; cán bộ không tự xác nhận được (403) / officers cannot confirm their own"


@step("Đối chứng: Đăng ký khai sinh, miễn phí, hẹn trả trong ngày",
      "The control: registration of birth, free, promised for the same day")  # fmt: skip
def the_control_is_filed(s: Story) -> str:
    form = s.world.signed(s.world.paper("Tờ khai đăng ký khai sinh", s.citizen.person.key), s.citizen_key)
    given = {
        "to-khai": s.citizen.upload(form, "to-khai.pdf")["file_id"],
        "giay-chung-sinh": s.citizen.upload(s.world.paper("Giấy chứng sinh", s.code), "gcs.pdf")["file_id"],
    }
    s.control = s.citizen.file(BIRTH, given)["code"]
    verdict_of(s.desk.client, s.control, "to-khai")
    dossier = s.desk.on_dossier(s.control, "acceptance")
    accepted, due = moment(dossier["accepted_at"]), moment(dossier["appointment"])
    assert due.date() == accepted.date() and dossier["fee"]["amount"] == 0
    refusal = refused(lambda: eventually_returned(s))
    assert refusal.status == 409 and refusal.rule == "RT-01", refusal
    return f"{s.control}, hẹn / promised {due:%H:%M %d/%m}, trả không có kết quả: {refusal.rule}"


def eventually_returned(s: Story) -> Any:
    """A return of the control; processing may not have heard of it for a moment."""

    def look() -> Any:
        try:
            return s.desk.on_dossier(s.control, "return")
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    return eventually(look, what="the control's case")


@step("Công nhận trực tuyến theo quy tắc 2024; đối chứng còn chờ",
      "Recognised as online under the 2024 rule; the control is pending")  # fmt: skip
def it_is_recognised(s: Story) -> str:
    def recognised() -> dict[str, Any] | None:
        row: dict[str, Any] = s.ioc.client.get(f"/recognition/{s.code}")
        return row if row["recognition"] != "PENDING" else None

    row = eventually(recognised, what="recognition")
    control = s.ioc.client.get(f"/recognition/{s.control}")
    assert (row["recognition"], row["has_signed_result"]) == ("ONLINE", True), row
    assert control["recognition"] == "PENDING" and row["rule_set"] == control["rule_set"], control
    s.outcome["recognition"] = [row["recognition"], control["recognition"], row["rule_set"]]
    figures = s.ioc.client.get("/figures", unit=QUANG_THAI)
    assert figures["total"]
    return f"{row['recognition']} / {control['recognition']} ({row['cites']})"


@step("Sổ cái khớp với các đầu sổ đã ký", "The ledger verifies against its signed heads")
def the_ledger_verifies(s: Story) -> str:
    events = settled_ledger(s.ioc, s.code, s.expected)
    s.outcome["events"] = events
    return f"{sum(number for _, number in events)} sự kiện của hồ sơ / events of the dossier; {verify_ledger(s.world)}"


def settled_ledger(
    ioc: Officer, code: str, expected: list[tuple[str, int]] | None, quiet: float = 1.5
) -> list[tuple[str, int]]:
    """The dossier's events in the ledger by type and number, once nothing was added for `quiet` seconds.

    `expected` is waited for: deliveries that a kill cut short are repeated when their lease has ended. Statuses at the
    national portal may take either of two ways and are left out.
    """
    known: list[tuple[str, int]] = []
    since = time.monotonic()
    limit = since + 90
    while time.monotonic() - since < quiet or (expected is not None and known != expected):
        types = Counter(entry["body"]["type"] for entry in all_pages(ioc.client, "/ledger", code=code))
        found = sorted((name, number) for name, number in types.items() if "exchange.delivered" not in name)
        if found != known:
            known, since = found, time.monotonic()
        assert time.monotonic() < limit, f"the ledger does not come to rest at what is expected: {known}"
        time.sleep(0.2)
    return known


def verify_ledger(world: World) -> str:
    """Runs the operator's check. Raises AssertionError with what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.operate.ledger", "verify"], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, **world.system.env("operator")}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"ledger verify: {done.stdout}{done.stderr}"
    return done.stdout.strip().splitlines()[-1]
