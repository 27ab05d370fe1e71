"""An accepted dossier, filed and accepted through the real rooms, and the people who work on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from deploy.local.paths import PKI
from deploy.rehearsal import authority, papers
from services.common.problems import Problem
from tests.service.intake.conftest import UNIT, Citizen, Somebody, business_now, citizen, officer, paper, room
from tests.support.bus import eventually

__all__ = ["accepted", "business_now", "citizen", "officer", "result_paper", "room"]


@dataclass
class Story:
    """One accepted dossier and its people."""

    code: str
    dossier: dict[str, Any]
    an: Citizen
    desk: Somebody
    specialist: Somebody
    leader: Somebody

    def case(self, who: Somebody | None = None) -> dict[str, Any]:
        answer: dict[str, Any] = (who or self.specialist).call("processing.case", code=self.code)
        return answer

    def do(self, who: Somebody, command: str, **kwargs: Any) -> dict[str, Any]:
        """A command of somebody against the newest version of the case."""
        return who.do(f"processing.{command}", code=self.code, version=self.case()["version"], **kwargs)

    def refused(self, who: Somebody, command: str, **kwargs: Any) -> Problem:
        return who.refused(f"processing.{command}", code=self.code, version=self.case()["version"], **kwargs)

    def work_all_steps(self) -> None:
        for step in [step["step"] for step in self.case()["steps"]]:
            self.do(self.specialist, "start_step", step=step)
            self.do(self.specialist, "finish_step", step=step)

    def attach(self, data: bytes) -> dict[str, Any]:
        file_id = self.specialist.upload("result", data)
        return self.do(self.specialist, "attach_result", file_id=file_id, name="Bản sao có xác nhận")

    def pay(self) -> None:
        """Pays the fee in cash at the desk, as soon as it is ordered."""
        ordered = eventually(lambda: self.desk.call("payment.orders", code=self.code)["items"], what="order")
        self.desk.do("payment.cash", order_id=ordered[0]["order_id"], amount=ordered[0]["amount"])


@pytest.fixture
def accepted(citizen: Any, officer: Any) -> Callable[..., Story]:
    """`accepted(procedure=…)`: a story at its beginning, the case opened."""

    def make(**changes: Any) -> Story:
        an, desk = citizen(), officer()
        filed = an.file(**changes)
        dossier = desk.do("intake.accept", code=filed["code"], version=1, note="Đã đối chiếu bản giấy")
        story = Story(filed["code"], dossier, an, desk, officer("specialist", UNIT), officer("leader", UNIT))

        def opened() -> bool:
            try:
                return bool(story.case())
            except Problem as problem:
                if problem.status != 404:
                    raise
                return False

        eventually(opened, what="case opened")
        return story

    return make


@pytest.fixture
def result_paper(business_now: Callable[[], datetime]) -> Callable[..., bytes]:
    """`result_paper(signer="agency-quang-thai")`: a signed PDF; `signer=None` signs nothing."""

    def make(signer: str | None = "agency-quang-thai") -> bytes:
        plain = paper("Bản sao có xác nhận")
        if signer is None:
            return plain
        token, stamp = authority.token(PKI, signer), authority.token(PKI, "timestamp")
        return papers.sign(plain, token, at=business_now(), timestamp=stamp)

    return make
