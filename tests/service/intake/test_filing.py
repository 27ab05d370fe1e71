"""Filing: the code, what is fixed, what is refused and leaves nothing behind."""

from __future__ import annotations

import re
import threading
import uuid
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from services.common.calendar import local_date
from services.intake import catalogue, intake_clock
from services.intake.codes import parse
from tests.service.intake.conftest import OTHER_UNIT, UNIT, Citizen, paper
from tests.support.bus import Bus, eventually

ADDRESS = {"receiver": "Nguyễn Thị An", "phone": "0914000123", "address": "12 Lê Lợi, Huế"}


@pytest.mark.req("IN-15", "IN-01", "X-21", "X-27")
def test_a_dossier_gets_its_code_and_its_hour(citizen: Any, told: Any) -> None:
    an = citizen()
    answer = an.file()
    code = parse(answer["code"])
    filed_at = datetime.fromisoformat(answer["filed_at"])
    assert (code.prefix, code.day) == (UNIT, local_date(filed_at))
    assert (answer["status"], answer["status_code"], answer["version"], answer["dossier_version"]) == (
        "registered", 1, 1, 1,
    )  # fmt: skip
    assert answer["owner_is_me"]
    due = intake_clock.open_round(catalogue.calendar_of("hue-centres"), filed_at)["due"]
    assert datetime.fromisoformat(answer["intake_due"]) == due
    events = eventually(lambda: told(answer["code"]), what="dossier.filed")
    assert [event["type"] for event in events] == ["vn.motcua.dossier.filed.v1"]
    data = events[0]["data"]
    assert data["owner"] == an.person_id
    assert data["recognition_rule"] == "2024"
    assert [(row["component"], row["phai_ky_so"]) for row in data["components"]] == [("don", True), ("ban-chup", False)]


@pytest.mark.req("IN-20")
def test_the_mode_is_the_channels_and_stays(citizen: Any, officer: Any) -> None:
    hues = citizen(channel="hue-s")
    filed = hues.file()
    assert filed["mode"] == "SELF_HUES"
    refused = hues.refused("intake.withdraw", code=filed["code"], version=1, mode="DIRECT")
    assert (refused.status, refused.errors[0]["field"]) == (422, "mode")
    hues.channel = "portal"
    withdrawn = hues.do("intake.withdraw", code=filed["code"], version=1)
    assert withdrawn["mode"] == "SELF_HUES"
    assert officer().call("intake.dossier", code=filed["code"])["mode"] == "SELF_HUES"
    fax = citizen(channel="fax")
    assert fax.refused("intake.file", **fax.body()).rule == "IN-20"


def test_the_same_key_files_once(citizen: Any, database: Any) -> None:
    an = citizen()
    body, key = an.body(), uuid.uuid4().hex
    first = an.do("intake.file", key=key, **body)
    assert an.do("intake.file", key=key, **body) == first
    other = an.refused("intake.file", key=key, **(body | {"pickup": "desk"}))
    assert (other.status, other.type) == (422, "/problems/idempotency-key-reused")
    assert database["intake"]["dossiers"].count_documents({"owner": an.person_id}) == 1


@pytest.mark.req("X-21")
def test_no_two_dossiers_get_one_code(citizen: Any, system: Any) -> None:
    people = [citizen() for _ in range(4)]
    bodies = [[person.body() for _ in range(5)] for person in people]
    codes: list[str] = []

    def file_all(person: Citizen, own: list[dict[str, Any]]) -> None:
        line = Bus(system.amqp_url("operator"))
        mine = Citizen(line, person.token)
        codes.extend(mine.do("intake.file", **body)["code"] for body in own)
        line.close()

    threads = [threading.Thread(target=file_all, args=pair) for pair in zip(people, bodies, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(codes) == 20
    assert Counter(codes).most_common(1)[0][1] == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"procedure": "7.000001"}, "procedure"),
        ({"desk": "000.00.99.H57"}, "desk"),
        ({"unit": "000.00.01.H57"}, "unit"),
        ({"statement": False}, "statement"),
        ({"statement": "yes"}, "statement"),
        ({"pickup": "pigeon"}, "pickup"),
        ({"pickup": "post"}, "delivery"),
        ({"pickup": "desk", "delivery": ADDRESS}, "delivery"),
        ({"pickup": "post", "delivery": ADDRESS | {"phone": "call me"}}, "delivery.phone"),
        ({"components": "don"}, "components"),
        ({"colour": "red"}, "colour"),
        ({"desk": 7}, "desk"),
    ],
)
def test_bad_input_is_refused_by_field_and_files_nothing(
    change: dict[str, Any], field: str, citizen: Any, database: Any
) -> None:
    an = citizen()
    refused = an.refused("intake.file", **an.body(components=an.components()) | change)
    assert refused.status == 422
    assert field in {error["field"] for error in refused.errors}
    assert database["intake"]["dossiers"].find_one({"owner": an.person_id}) is None


def test_only_ones_own_stored_files_are_filed(citizen: Any, officer: Any) -> None:
    an, binh = citizen(), citizen()
    theirs = binh.upload("component", paper())
    never_sent = an.bus.call(
        "vault.open_upload", an.token, key=uuid.uuid4().hex, purpose="component", filename="x.pdf"
    )["file_id"]
    mine = an.components()
    for file_id in (theirs, never_sent, "0" * 32, "nonsense"):
        refused = an.refused("intake.file", **an.body(components=[mine[0], mine[1] | {"file_id": file_id}]))
        assert refused.status == 422
        assert [error["field"] for error in refused.errors] == ["components.1.file_id"]


def test_a_missing_component_is_named(citizen: Any) -> None:
    an = citizen()
    refused = an.refused("intake.file", **an.body(components=an.components()[:1]))
    assert "Bản chụp giấy tờ" in refused.errors[0]["message_vi"]


@pytest.mark.req("ID-04", "X-8")
def test_an_account_that_is_not_normalized_files_with_an_unverified_number(citizen: Any, tell: Any) -> None:
    an = citizen(normalized=False)
    filed = an.file()
    assert filed["number_verified"] is False
    person = f"per-{uuid.uuid4().hex[:12]}"
    tell(
        "account.normalized",
        {"account_id": an.subject, "person_id": person, "former_person_id": an.person_id},
        subject=an.subject,
        source="identity",
    )
    seen = eventually(
        lambda: (d := an.call("intake.dossier", code=filed["code"]))["number_verified"] and d, what="relinked"
    )
    assert seen["owner_is_me"]
    assert [item["code"] for item in an.call("intake.mine")["items"]] == [filed["code"]]


@pytest.mark.req("X-26")
def test_the_address_is_sealed_and_for_the_postal_room_only(citizen: Any, room: Any, database: Any, told: Any) -> None:
    an = citizen()
    filed = an.file(pickup="post", delivery=ADDRESS)
    kept = database["intake"]["dossiers"].find_one({"_id": filed["code"]})
    stored = str(kept) + str(list(database["intake"]["idempotency"].find({})))
    assert not re.search("0914000123|Lê Lợi|Nguyễn Thị An", stored)
    assert not re.search("0914000123|Lê Lợi|Nguyễn Thị An", str(eventually(lambda: told(filed["code"]))))
    assert room("postal").call("intake.delivery", code=filed["code"]) == {
        "code": filed["code"], "sender_name": "Bộ phận Tiếp nhận và Trả kết quả UBND xã Quảng Thái", **ADDRESS,
    }  # fmt: skip
    for stranger in (an, room("notifier")):
        assert stranger.refused("intake.delivery", code=filed["code"]).status == 403
    online = an.file()
    assert room("postal").refused("intake.delivery", code=online["code"]).status == 404


def test_another_desk_receives_for_the_competent_agency(citizen: Any, officer: Any) -> None:
    an = citizen()
    filed = an.file(desk=OTHER_UNIT, unit=UNIT)
    assert filed["code"].startswith(UNIT)
    assert (filed["unit"], filed["desk"]) == (UNIT, OTHER_UNIT)
    assert officer(unit=UNIT).refused("intake.refuse", code=filed["code"], version=1, reason="x").status == 403
    assert officer("specialist").call("intake.dossier", code=filed["code"])["code"] == filed["code"]
    desk = officer(unit=OTHER_UNIT)
    refused = desk.do("intake.refuse", code=filed["code"], version=1, reason="Không thuộc thẩm quyền")
    assert refused["status_code"] == 3
