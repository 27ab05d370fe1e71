"""One file of the corpus and what must be said of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

#: When most files are signed (claimed), came in, and are checked.
SIGNED = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
RECEIVED = SIGNED + timedelta(hours=1)
#: After all the late revocations and ends of certificates.
LATE = datetime(2024, 4, 2, 2, 0, tzinfo=UTC)

PASSED = ("TOTAL_PASSED",)
FAILED = ("TOTAL_FAILED",)
OPEN = ("INDETERMINATE",)
#: Where the reason to refuse it may be seen in more than one way; never valid, never "unsigned".
REFUSED = ("TOTAL_FAILED", "INDETERMINATE")
#: A file that may as well be said to carry no signature; never valid.
NOT_VALID = (*REFUSED, "NO_SIGNATURE")


@dataclass(frozen=True)
class Case:
    """`verdicts`: any of these is right. `sub`, where decided, must be exact. `control`: the honest file under it."""

    name: str
    data: bytes = field(repr=False)
    group: str = "honest"
    verdicts: tuple[str, ...] = PASSED
    sub: str | None = None
    control: str | None = None
    producer: str = "pyhanko"
    received: datetime = RECEIVED
    now: datetime | None = None
    level: str | None = None

    @property
    def expected(self) -> dict[str, Any]:
        return {
            "group": self.group,
            "verdicts": list(self.verdicts),
            "sub_indication": self.sub,
            "control": self.control,
            "producer": self.producer,
            "received": self.received.isoformat(),
            "now": (self.now or self.received + timedelta(minutes=1)).isoformat(),
            "level": self.level,
        }
