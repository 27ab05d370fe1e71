from pathlib import Path
from typing import Any

import pytest

from services.exchange.adapters.national_portal_simulator import Portal


@pytest.fixture
def portal() -> Portal:
    return Portal(None, {"us": "secret"})


def session(portal: Portal) -> str:
    return str(portal.login({"username": "us", "password": "secret"})["session"])


def send(portal: Portal, service: str, *rows: dict[str, Any], key: str | None = None) -> str:
    envelope = {"session": key or session(portal), "service": service, "data": list(rows)}
    return str(portal.service(envelope)["error_code"])


def step(code: str, status: int, number: int) -> dict[str, Any]:
    return {"MaHoSo": code, "TrangThai": str(status), "NoiDungXuLy": f"{number}."}


def test_who_is_not_known_gets_no_session_and_no_session_no_service(portal: Portal) -> None:
    assert portal.login({"username": "us", "password": "wrong"})["error_code"] == "01"
    assert send(portal, "DongBoHoSoMC", {"MaHoSo": "c"}, key="forged") == "05"
    assert portal.dossier("c") is None


def test_a_dossier_comes_before_its_steps(portal: Portal) -> None:
    assert send(portal, "CapNhatTienDoHoSoMC", step("c", 1, 1)) == "04"
    assert send(portal, "DongBoHoSoMC", {"MaHoSo": "c", "TrangThaiHoSo": "1"}) == "00"
    assert send(portal, "CapNhatTienDoHoSoMC", step("c", 1, 1)) == "00"


@pytest.mark.req("SY-02")
def test_repeats_change_nothing_and_are_counted(portal: Portal, tmp_path: Path) -> None:
    kept = Portal(tmp_path / "journal.jsonl", {})
    for number, status in enumerate((1, 5, 1), 1):
        for _ in range(2):
            send(kept, "DongBoHoSoMC", {"MaHoSo": "c", "TrangThaiHoSo": str(status)})
            send(kept, "CapNhatTienDoHoSoMC", step("c", status, number))
    found = kept.dossier("c")
    assert found is not None
    assert found["codes"] == [1, 5, 1]
    assert found["repeats"] > 0
    again = Portal(tmp_path / "journal.jsonl", {}).dossier("c")
    assert again == found, "it remembers over a restart"


@pytest.mark.parametrize("data", [None, [], ["x"], "x"])
def test_an_envelope_without_rows_is_refused(portal: Portal, data: Any) -> None:
    answer = portal.service({"session": session(portal), "service": "DongBoHoSoMC", "data": data})
    assert answer["error_code"] == "02"


def test_an_unknown_service_and_a_told_refusal(portal: Portal) -> None:
    assert send(portal, "XoaHoSo", {"MaHoSo": "c"}) == "03"
    portal.refuse = 1
    assert [send(portal, "DongBoHoSoMC", {"MaHoSo": "c"}) for _ in range(2)] == ["99", "00"]
