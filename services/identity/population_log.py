"""Questions to the population database: each is written down before it leaves, with purpose, agency and officer.

Police check how agencies use the population data (RP-07) and what is connected to it (SE-07). Rows hold ids and words:
neither what was asked nor what came back beside the outcome. A citizen who normalizes asks about herself: such a row
names her account, no agency and no officer.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from services.common import cursors
from services.common.context import Context
from services.common.rules import rule
from services.common.store import Document, Index
from services.identity import figures
from services.identity.adapters.population import Answer, Population
from services.identity.normalization import Outcome

COLLECTION = "population_queries"
INDEXES = [
    Index(COLLECTION, [("at", 1), ("_id", 1)], {"name": "by_time"}),
    Index(COLLECTION, [("agency", 1), ("at", 1), ("_id", 1)], {"name": "by_agency"}),
    Index(COLLECTION, [("purpose", 1), ("at", 1)], {"name": "by_purpose"}),
]
_ORDER: cursors.Order = {"at": datetime, "_id": str}
_FILTERS = ("agency", "officer", "purpose", "outcome")


class Purpose(StrEnum):
    """Why the database may be asked; there is no other."""

    NORMALIZATION = "normalization"
    OFFICER = "officer_account"
    ORGANISATION_NORMALIZATION = "organisation_normalization"  # names its representative


#: In which role an officer asks; for other purposes a person asks about herself.
_ROLES = {Purpose.OFFICER: "ioc"}
#: Whoever asks the population database in this system, and the legal ground: the inventory of SE-07.
CLIENTS: dict[Purpose, dict[str, str]] = {
    Purpose.NORMALIZATION: {
        "room": "identity",
        "adapter": "services/identity/adapters/population.py",
        "operation": "POST /dancu/xac-thuc",
        "data_vi": "Họ tên, ngày sinh, số định danh, ngày cấp; nhận lại: khớp hay không, giới tính, xã cư trú",
        "data_en": "Name, birth date, number, date of issue; back: whether they match, sex, commune of residence",
        "ground": "TB 94/TB-UBND §1; QĐ 08/2025/QĐ-UBND Đ7",
    },
    Purpose.OFFICER: {
        "room": "identity",
        "adapter": "services/identity/adapters/population.py",
        "operation": "POST /dancu/xac-thuc",
        "data_vi": "Họ tên, ngày sinh, số định danh của cán bộ được cấp tài khoản; nhận lại: khớp hay không",
        "data_en": "Name, birth date and number of an officer who gets an account; back: whether they match",
        "ground": "QĐ 08/2025/QĐ-UBND Đ3.4, Đ20.2",
    },
    Purpose.ORGANISATION_NORMALIZATION: {
        "room": "identity",
        "adapter": "services/identity/adapters/business_register.py",
        "operation": "POST /doanhnghiep/xac-thuc",
        "data_vi": "Mã số thuế, tên tổ chức; họ tên, ngày sinh, số định danh người đại diện; nhận lại: khớp hay không,"
        " xã nơi đặt trụ sở",
        "data_en": "Tax number, organisation's name; representative's name, birth date, number; back: whether they"
        " match, commune of the seat",
        "ground": "QĐ 08/2025/QĐ-UBND Đ2.5, Đ8",
    },
}


def ask(
    ctx: Context, population: Population, purpose: Purpose, person_id: str | None, *, id_number: str, full_name: str,
    birth_date: date, issue_date: date | None,
) -> Answer:  # fmt: skip
    """Asks the population database about a person, in the log (`logged`)."""
    return logged(
        ctx,
        purpose,
        person_id,
        lambda: population.ask(id_number=id_number, full_name=full_name, birth_date=birth_date, issue_date=issue_date),
    )


@rule("RP-07", title="Ghi lại mọi lượt khai thác dữ liệu dân cư", cites="QĐ 08/2025/QĐ-UBND Đ25.4c")
def logged(ctx: Context, purpose: Purpose, person_id: str | None, question: Callable[[], Answer]) -> Answer:
    """Puts a question to a national database, writing down before that it is asked and afterwards what came of it.

    `person_id`: whom it is about, where he or she has an id already. A question without an answer stays in the log as
    UNAVAILABLE; one that a crash ended has no outcome.
    """
    row_id = uuid.uuid4().hex
    role = _ROLES.get(purpose)
    unit = ctx.unit()
    unit.insert(
        COLLECTION,
        {
            "_id": row_id,
            "at": ctx.now,
            "purpose": str(purpose),
            "agency": min(ctx.actor.units(role), default=None) if role else None,
            "officer": ctx.actor.subject if role else None,
            "account_id": ctx.actor.subject,
            "person_id": person_id,
            "outcome": None,
            "milliseconds": None,
            "correlation_id": ctx.correlation_id,
        },
    )
    unit.commit()
    started = time.monotonic()
    answer = question()
    took = int((time.monotonic() - started) * 1000)
    unit = ctx.unit()
    unit.change(COLLECTION, {"_id": row_id}, {"$set": {"outcome": str(answer.outcome), "milliseconds": took}})
    unit.commit()
    return answer


def page(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Questions, newest first. Raises Problem 422 for strange days or a strange cursor."""
    asked = _asked(ctx, data)
    rows, following = cursors.read(
        ctx.store, COLLECTION, asked, _ORDER, data["cursor"], data["limit"], newest_first=True
    )
    return {"items": [{**row, "query_id": row["_id"]} for row in rows], "next_cursor": following}


def report(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """How often was asked, by agency, officer, purpose, outcome and local day. Raises Problem 422 for strange days."""
    grouped: list[Document] = [
        {"$match": _asked(ctx, data)},
        {
            "$group": {
                "_id": {
                    "day": {"$dateToString": {"date": "$at", "format": "%Y-%m-%d", "timezone": "+07:00"}},
                    **{name: f"${name}" for name in _FILTERS},
                },
                "number": {"$sum": 1},
            }
        },
        {"$sort": {"_id.day": 1, "_id.agency": 1, "_id.officer": 1, "_id.purpose": 1, "_id.outcome": 1}},
    ]
    rows = [{**row["_id"], "number": row["number"]} for row in ctx.store.collection(COLLECTION).aggregate(grouped)]
    return {"total": sum(row["number"] for row in rows), "rows": rows}


@rule("SE-07", title="Danh mục đầu mối kết nối với CSDL quốc gia về dân cư", cites="QĐ 08/2025/QĐ-UBND Đ25.4b")
def clients(ctx: Context) -> dict[str, Any]:
    """What is connected to the population database: which part, for what, on what ground, and how much it asks."""
    items = []
    for purpose, about in CLIENTS.items():
        asked = {"purpose": str(purpose)}
        first = ctx.store.find_one(COLLECTION, asked, sort=[("at", 1)])
        last = ctx.store.find_one(COLLECTION, asked, sort=[("at", -1)])
        lately = {**asked, "at": {"$gt": ctx.now - timedelta(days=1)}}
        unanswered = {**lately, "outcome": {"$in": [None, str(Outcome.UNAVAILABLE)]}}
        items.append(
            {
                "purpose": str(purpose),
                **about,
                "secure": ctx.kernel.settings.population_url.startswith("https://"),
                "first_asked_at": first["at"] if first else None,
                "last_asked_at": last["at"] if last else None,
                "asked_last_day": ctx.store.collection(COLLECTION).count_documents(lately),
                "unanswered_last_day": ctx.store.collection(COLLECTION).count_documents(unanswered),
            }
        )
    return {"items": items}


def _asked(ctx: Context, data: dict[str, Any]) -> Document:
    since, until = figures.period(data["since"], data["until"], ctx.now)
    named = {name: data[name] for name in _FILTERS if data[name] is not None}
    return {"at": {"$gte": since, "$lt": until}, **named}
