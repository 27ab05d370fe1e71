"""Signing over RPC and events: the verdict is told once, asked for at any time, and an open one is looked at again."""

from __future__ import annotations

import os
import shutil
import signal
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.local.paths import PKI
from deploy.local.system import System
from deploy.rehearsal import authority, papers
from tests.support.bus import eventually
from tests.support.files import Files
from tests.support.trust import change

# The Friday before the rehearsal begins.
SIGNED_AT = datetime(2024, 3, 8, 3, 0, tzinfo=UTC)
NUMBER = "046190000123"


@pytest.fixture
def files(bus: Any) -> Files:
    return Files(bus)


def paper() -> bytes:
    """A new paper each time, so that no test meets another's reports."""
    return papers.paper("Tờ khai", [uuid.uuid4().hex])


def signed(by: str = "citizen-an", folder: Path = PKI) -> bytes:
    return papers.sign(paper(), authority.token(folder, by), at=SIGNED_AT)


@pytest.fixture
def told(database: Any) -> Callable[[str], list[dict[str, Any]]]:
    """`told(file_id)`: the file.checked events of a file, in order."""

    def look(file_id: str) -> list[dict[str, Any]]:
        rows = database["signing"]["told"].find({"aggregateid": file_id}, sort=[("sequence", 1)])
        return [row["data"] for row in rows]

    return look


@pytest.mark.req("SG-07")
@pytest.mark.parametrize(
    ("make", "verdict", "sub_indication"),
    [
        (paper, "NO_SIGNATURE", None),
        (signed, "TOTAL_PASSED", None),
        (lambda: signed("agency-quang-thai"), "TOTAL_PASSED", None),
        (lambda: papers.tampered(signed()), "TOTAL_FAILED", "HASH_FAILURE"),
        (lambda: papers.appended(signed(), "comment"), "TOTAL_FAILED", "FORMAT_FAILURE"),
        (lambda: papers.wrapped(signed()), "TOTAL_FAILED", "FORMAT_FAILURE"),
        (lambda: signed("agency-revoked"), "TOTAL_FAILED", "REVOKED"),
        (lambda: signed("foreign-quang-thai"), "INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND"),
    ],
    ids=["plain", "citizen", "agency", "tampered", "appended", "wrapped", "revoked", "foreign"],
)
def test_a_stored_file_is_checked_and_told_once(
    files: Files, actor: Any, tokens: Any, rpc: Any, told: Any, make: Any, verdict: str, sub_indication: str | None
) -> None:
    file_id = files.put(actor("citizen"), make())
    events = eventually(lambda: told(file_id))
    report = rpc("signing.report", tokens.service("processing"), file_id=file_id)
    assert (report["verdict"], report["sub_indication"]) == (verdict, sub_indication)
    assert (
        events
        == told(file_id)
        == [{name: report[name] for name in ("file_id", "sha256", "verdict", "sub_indication", "report_id")}]
    )
    assert report["reason_vi"] != report["reason_en"]


def test_who_asks_before_the_event_was_handled_gets_the_same_answer(
    files: Files, actor: Any, tokens: Any, rpc: Any, told: Any
) -> None:
    for _ in range(5):
        file_id = files.put(actor("citizen"), signed())
        report = rpc("signing.report", tokens.service("intake"), file_id=file_id)
        assert report["verdict"] == "TOTAL_PASSED"
        again = rpc("signing.report", tokens.service("intake"), file_id=file_id)
        assert again == report
        eventually(lambda file_id=file_id: told(file_id))
        assert len(told(file_id)) == 1


def test_forms_are_checked_only_when_asked_for(files: Files, actor: Any, tokens: Any, rpc: Any, told: Any) -> None:
    form = files.put(tokens.service("intake"), paper(), "bien-nhan.pdf", "form")
    other = files.put(actor("citizen"), paper())
    eventually(lambda: told(other))
    assert told(form) == []
    assert rpc("signing.report", tokens.service("intake"), file_id=form)["verdict"] == "NO_SIGNATURE"


def test_the_same_bytes_twice_have_one_report(files: Files, actor: Any, told: Any, database: Any) -> None:
    data = signed()
    first, second = files.put(actor("citizen"), data), files.put(actor("citizen"), data)
    told_first, told_second = eventually(lambda: told(first)), eventually(lambda: told(second))
    assert told_first[0]["report_id"] == told_second[0]["report_id"]
    assert database["signing"]["reports"].count_documents({"sha256": told_first[0]["sha256"]}) == 1


def test_personal_numbers_are_whole_for_rooms_masked_for_people_sealed_at_rest(
    files: Files, actor: Any, tokens: Any, rpc: Any, bus: Any, database: Any, told: Any
) -> None:
    citizen = actor("citizen")
    file_id = files.put(citizen, signed())

    def signer(**masked: bool) -> dict[str, Any]:
        return rpc("signing.report", tokens.service("oversight"), file_id=file_id, **masked)["signatures"][0]["signer"]

    assert signer()["personal_number"] == NUMBER
    assert signer(masked=True)["personal_number"] == "********0123"
    assert signer(masked=True)["common_name"] == "Nguyễn Thị An"
    stored = database["signing"]["reports"].find_one({"sha256": told(file_id)[0]["sha256"]})
    assert all(stored["signatures"][0]["signer"][name].startswith("v1:") for name in ("personal_number", "common_name"))
    assert NUMBER not in str(stored) + str(told(file_id))
    for role in ("citizen", "desk_officer", "specialist", "leader", "control_officer", "ioc"):
        assert bus.refused("signing.report", actor(role), file_id=file_id).status == 403
    assert bus.refused("signing.report", file_id=file_id).status == 401
    agency = files.put(actor("specialist"), signed("agency-quang-thai"), "a.pdf", "result")
    tax = rpc("signing.report", tokens.service("processing"), file_id=agency)["signatures"][0]["signer"]
    assert (tax["tax_number"], tax["kind"]) == ("3300100018", "government")


def test_bad_questions_are_refused(bus: Any, tokens: Any) -> None:
    room = tokens.service("intake")
    assert bus.refused("signing.report", room, file_id="0" * 32).status == 404
    for bad in ({"file_id": "x"}, {"file_id": 1}, {}, {"file_id": "0" * 32, "more": 1}):
        assert bus.refused("signing.report", room, **bad).status == 422


@pytest.mark.req("SG-07")
def test_an_open_verdict_is_looked_at_again_when_the_trust_store_changes(
    files: Files, actor: Any, tokens: Any, rpc: Any, told: Any, database: Any, tmp_path: Path, system: System
) -> None:
    # An authority of this test alone: its keys end with the test, so what it leaves behind vouches for nobody.
    made = authority.Authority(tmp_path)
    root = f"late-{uuid.uuid4().hex[:8]}"
    made.found(root, f"Root đến sau {root}")
    made.found(f"{root}-ca", f"CA đến sau {root}", parent=root)
    made.issue("late", authority.subject("Người ký", user_id=f"CCCD:{NUMBER}"), issuer=f"{root}-ca")
    file_id = files.put(actor("citizen"), signed("late", tmp_path))
    assert eventually(lambda: told(file_id))[0]["verdict"] == "INDETERMINATE"
    assert database["signing"]["files"].find_one({"_id": file_id})["next_check_at"] is not None
    pems = [str(tmp_path / "authorities" / f"{name}.pem") for name in (root, f"{root}-ca")]
    for name in (root, f"{root}-ca"):
        made.write_list(name, system.state.rehearsal_trust / "crls")
    change(system, ["add", pems[0], "--as", "public"], ["add", pems[1], "--as", "intermediate"])
    report = eventually(
        lambda: (r := rpc("signing.report", tokens.service("processing"), file_id=file_id))["verdict"]
        == "TOTAL_PASSED" and r
    )  # fmt: skip
    shutil.rmtree(tmp_path)
    events = eventually(lambda: len(told(file_id)) == 2 and told(file_id))
    assert [event["verdict"] for event in events] == ["INDETERMINATE", "TOTAL_PASSED"]
    assert events[1]["report_id"] == report["report_id"] != events[0]["report_id"]
    # A verdict that stands is not taken back because the trust store moved on.
    assert rpc("signing.report", tokens.service("processing"), file_id=file_id) == report


def test_killed_workers_are_replaced(files: Files, actor: Any, told: Any, system: System) -> None:
    warm = files.put(actor("citizen"), signed())
    eventually(lambda: told(warm))
    for pid in _workers(system):
        os.kill(pid, signal.SIGKILL)
    file_id = files.put(actor("citizen"), signed())
    assert eventually(lambda: told(file_id))[0]["verdict"] == "TOTAL_PASSED"


@pytest.mark.full
@pytest.mark.req("SG-07")
def test_a_hung_worker_gives_an_open_verdict_and_no_lost_message(
    files: Files, actor: Any, told: Any, system: System, tokens: Any, rpc: Any, bus: Any
) -> None:
    warm = files.put(actor("citizen"), signed())
    eventually(lambda: told(warm))
    for pid in _workers(system):
        os.kill(pid, signal.SIGSTOP)
    file_id = files.put(actor("citizen"), signed())
    assert bus.refused("signing.report", tokens.service("intake"), file_id=file_id, timeout=3.0).status == 503
    event = eventually(lambda: told(file_id), within=60)[0]
    assert event["verdict"] == "INDETERMINATE"
    assert rpc("signing.report", tokens.service("intake"), file_id=file_id)["code"] == "limit"
    assert bus.depth("evt.signing.dead") == 0


@pytest.mark.full
def test_a_vault_that_is_away_delays_the_verdict(files: Files, actor: Any, told: Any, system: System) -> None:
    system.hold("signing")
    file_id = files.put(actor("citizen"), signed())
    system.hold("vault")
    system.release("signing")
    try:
        system.wait_ready("signing")
        assert told(file_id) == []
    finally:
        system.release("vault")
    assert eventually(lambda: told(file_id), within=90)[0]["verdict"] == "TOTAL_PASSED"


def _workers(system: System) -> list[int]:
    room = system.pid("signing")
    children = Path(f"/proc/{room}/task/{room}/children").read_text().split()
    return [int(pid) for pid in children if "signing.worker" in Path(f"/proc/{pid}/cmdline").read_text()]
