"""What a route is, and rows that several rooms have alike. The table itself is in routes.py."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

API = "/api/v1"


class Audience(StrEnum):
    PUBLIC = "public"
    SIGNED_IN = "signed-in"


class Kind(StrEnum):
    """How a route is answered."""

    JSON = "json"
    DOWNLOAD = "download"  # the room answers {url, ticket}; the bytes are streamed from the vault
    UPLOAD = "upload"  # the body is streamed to the vault
    PROVIDER = "provider"  # the payment provider's own protocol
    CLOCK = "clock"  # the gateway's own clock
    RETURN_PAGE = "return-page"  # a page that only displays
    HELP = "help"  # the gateway's own index of guides


class Limit(StrEnum):
    """Which bucket a request draws from beside the general one (limits.py)."""

    GENERAL = "general"
    SIGN_IN = "sign-in"
    CODE = "code"
    LOOKUP = "lookup"


@dataclass(frozen=True, slots=True)
class Route:
    """One row. `query`: names, with `:int` where the value is a whole number, `:bool` where it is true or false.
    `also`: who is asked where that room knows no such thing. `location`: filled from the answer. `hidden`: inputs of
    the method that are for rooms, refused from people. `deadline` in seconds."""

    method: str
    path: str
    rpc: str
    summary_vi: str
    summary_en: str
    audience: Audience = Audience.SIGNED_IN
    idempotent: bool = False
    query: tuple[str, ...] = ()
    status: int = 200
    tag: str = ""
    kind: Kind = Kind.JSON
    limit: Limit = Limit.GENERAL
    location: str = ""
    also: str = ""
    hidden: tuple[str, ...] = ()
    deadline: float = 10.0

    @property
    def has_body(self) -> bool:
        return self.method == "POST" and self.kind is Kind.JSON

    @property
    def pattern(self) -> str:
        return API + self.path


def file_checks(top: str, room: str, vi: str, en: str) -> tuple[Route, ...]:
    """What officers ask about the signatures of a file."""
    file = f"{top}/{{code}}/files/{{file_id}}"
    return (
        Route("GET", f"{file}/report", f"{room}.file_report",
              f"Kết quả kiểm tra chữ ký số của {vi}", f"Signature report of {en}", query=("report_id",), deadline=30),
        Route("GET", f"{file}/report/print", f"{room}.printed_file_report",
              f"Báo cáo kiểm tra chữ ký số của {vi} (PDF)", f"Signature report of {en} (PDF)",
              query=("report_id",), kind=Kind.DOWNLOAD, deadline=30),
        Route("GET", f"{file}/checks", f"{room}.file_checks",
              f"Các lần kiểm tra chữ ký số của {vi}", f"Who checked the signatures of {en}"),
        Route("POST", f"{file}/checks", f"{room}.recheck_file",
              f"Kiểm tra lại chữ ký số của {vi}", f"Check the signatures of {en} again", idempotent=True, deadline=30),
    )  # fmt: skip
