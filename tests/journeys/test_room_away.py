"""A room that is away: whoever needs it is told when to ask again, nobody else notices, and it comes back by itself."""

from __future__ import annotations

from deploy.demo.client import eventually
from deploy.demo.people import BIRTH, Citizen, Officer
from deploy.local.system import System
from tests.journeys.scenes import Scenes


def test_a_room_that_is_away_is_503_and_comes_back(
    scenes: Scenes, journeys: System, desk: Officer, resident: Citizen
) -> None:
    def known(code: str) -> bool:
        return desk.client.once("GET", f"/dossiers/{code}/sync").status_code == 200

    code = scenes.filed(BIRTH)
    eventually(lambda: known(code), what="exchange knows the dossier")
    journeys.hold("exchange")
    try:
        away = desk.client.once("GET", f"/dossiers/{code}/sync")
        assert away.status_code == 503
        assert away.headers["content-type"].startswith("application/problem+json")
        assert int(away.headers["retry-after"]) >= 1
        assert resident.dossier(code)["code"] == code  # control: who needs another room notices nothing
        also = scenes.filed(BIRTH)
    finally:
        journeys.release("exchange")
        journeys.wait_ready("exchange")
    assert known(code)
    eventually(lambda: known(also), what="exchange hears of what was filed meanwhile")
