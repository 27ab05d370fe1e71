"""Putting an event's facts into sentences, and sentences into an SMS."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.common.calendar import local
from services.common.slips import GROUND_TEXT, Ground

#: Characters of an SMS. Longer ones would cost a third segment of the GSM alphabet.
LONGEST_SMS = 306

#: The act as events write it.
_ACTS = {
    "guidance": ("hướng dẫn hoàn thiện", "guidance"),
    "supplement": ("yêu cầu chỉnh sửa, bổ sung", "supplement request"),
}
_LOCKS = {
    "duplicate_identity": (
        "thông tin không đúng hoặc trùng với người đã chuẩn hóa tài khoản khác",
        "its data is incorrect about, or duplicates, a person who has normalized another account",
    ),
    "locked_by_office": ("đơn vị quản lý hệ thống khóa", "locked by the office that runs the system"),
}


def facts(data: Mapping[str, Any]) -> dict[str, str]:
    """The words that an event's data puts into sentences."""
    found = {name: str(data[name]) for name in ("code", "round", "waybill", "receipt_no") if data.get(name)}
    for name in ("filed_at", "intake_due", "appointment", "appointment_before", "due", "active_from"):
        if data.get(name) is not None:
            found[name] = local_time(data[name])
    if data.get("amount") is not None:
        grouped = f"{int(data['amount']):,}"
        found |= {"amount_vi": grouped.replace(",", ".") + " đồng", "amount_en": f"{grouped} VND"}
    if data.get("act") in _ACTS:
        found["act_vi"], found["act_en"] = _ACTS[data["act"]]
    if data.get("ground") in list(Ground):
        found["ground_vi"], found["ground_en"] = GROUND_TEXT[Ground(data["ground"])]
    if data.get("reason") in _LOCKS:
        found["lock_vi"], found["lock_en"] = _LOCKS[data["reason"]]
    return found


def sentences(rows: tuple[str, ...], known: Mapping[str, str]) -> str:
    """The sentences whose facts are all known, in one text."""
    said = []
    for row in rows:
        try:
            said.append(row.format_map(known))
        except KeyError:
            continue  # this event does not say that much
    return " ".join(said)


def local_time(moment: datetime) -> str:
    """A moment as people read it: `09:00 11/03/2024`, in the country's time."""
    return local(moment).strftime("%H:%M %d/%m/%Y")


def sms_text(body_vi: str) -> str:
    """The Vietnamese text without diacritics, so that it is sent in the GSM alphabet, cut at a whole word."""
    plain = unaccented(f"Mot Cua: {body_vi}")
    return plain if len(plain) <= LONGEST_SMS else plain[:LONGEST_SMS].rsplit(" ", 1)[0]


def unaccented(text: str) -> str:
    """Latin letters without their marks: `Hồ sơ đã được` -> `Ho so da duoc`."""
    letters = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
