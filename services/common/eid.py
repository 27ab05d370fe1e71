"""The day from which acts at the portal need an e-ID account: one place for the rooms that ask."""

from __future__ import annotations

from datetime import date, datetime

from services.common.calendar import local_date

#: Local accounts that are not matched with the population database act until the day before (X-8).
EID_ONLY_SINCE = date(2025, 2, 17)
CITES = "QĐ 08/2025/QĐ-UBND Đ7.2"


def eid_only(now: datetime) -> bool:
    """Whether the business day of `now` is one on which only e-ID accounts act (X-27: the day of the act counts)."""
    return local_date(now) >= EID_ONLY_SINCE
