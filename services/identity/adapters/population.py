"""The population database (CSDLQG về dân cư), asked over HTTP whether a person's data match.

One question, `POST /dancu/xac-thuc {soDinhDanh, hoTen, ngaySinh, ngayCap}`; whatever goes wrong on the way is
UNAVAILABLE, never "no match": an account is judged by an answer, not by its absence. Nothing asked is logged.
"""

from __future__ import annotations

import http.client
import re
import time
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

import orjson

from services.common import logs
from services.identity.normalization import Outcome

TIMEOUT = 3.0  # seconds for the connection, and again for each read
LARGEST_ANSWER = 64 * 1024  # bytes
_UNIT = re.compile(r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `unit`: the commune of residence, of a match that names one."""

    outcome: Outcome
    unit: str | None = None


class Door:
    """Client of one address and path; connections are not kept, questions are rare."""

    PATH = ""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port
        self._secure = parts.scheme == "https"
        self._path = parts.path.rstrip("/") + self.PATH

    def _asked(self, question: dict[str, str]) -> Answer:
        """The answer to a question, whatever goes wrong."""
        started = time.monotonic()
        try:
            status, body = self._post(question)
            answer = _read(status, body)
        except (OSError, http.client.HTTPException, ValueError) as exc:
            logs.warning("population_unreachable", fault=type(exc).__name__)
            answer = Answer(Outcome.UNAVAILABLE)
        milliseconds = int((time.monotonic() - started) * 1000)
        logs.info("population_asked", outcome=str(answer.outcome), milliseconds=milliseconds)
        return answer

    def _post(self, question: dict[str, str]) -> tuple[int, bytes]:
        if not self._host:
            raise OSError("no address of the population database")
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=TIMEOUT)
        try:
            connection.request("POST", self._path, orjson.dumps(question), {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read(LARGEST_ANSWER)
        finally:
            connection.close()


class Population(Door):
    """The population database."""

    PATH = "/dancu/xac-thuc"

    def ask(self, *, id_number: str, full_name: str, birth_date: date, issue_date: date | None) -> Answer:
        """Whether the database knows exactly this person."""
        question = {"soDinhDanh": id_number, "hoTen": full_name, "ngaySinh": birth_date.isoformat()}
        if issue_date is not None:
            question["ngayCap"] = issue_date.isoformat()
        return self._asked(question)


def _read(status: int, body: bytes) -> Answer:
    if status != 200:
        return Answer(Outcome.UNAVAILABLE)
    answer = orjson.loads(body)
    if not isinstance(answer, dict):
        return Answer(Outcome.UNAVAILABLE)
    match, code = answer.get("match"), answer.get("code")
    if match is True and code == Outcome.MATCH:
        unit = answer.get("maDonVi")
        return Answer(Outcome.MATCH, unit if isinstance(unit, str) and _UNIT.fullmatch(unit) else None)
    if match is False and code in (Outcome.NO_MATCH, Outcome.NOT_FOUND):
        return Answer(Outcome(code))
    return Answer(Outcome.UNAVAILABLE)
