"""Returning a result: it must be there, signed by the competent agency, checked by the desk, and every fee paid."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from deploy.demo.client import eventually
from deploy.demo.people import BIRTH, COPY, Citizen, Officer, all_pages, refused
from deploy.demo.result import forgery
from deploy.demo.world import World
from deploy.local.system import System
from deploy.rehearsal import papers
from tests.conftest import NAME, STATES
from tests.journeys.scenes import Scenes, somebody
from tests.support.documented import Operations


@pytest.fixture(scope="module")
def worked(scenes: Scenes) -> str:
    """A free dossier whose one step is finished, without a result."""
    return scenes.worked(BIRTH)


@pytest.mark.req("RT-01")
def test_from_march_2024_a_return_without_a_file_is_refused(scenes: Scenes, worked, desk):
    refusal = refused(lambda: desk.on_dossier(scenes.worked(BIRTH), "return"))
    assert (refusal.status, refusal.rule) == (409, "RT-01")


@pytest.fixture(scope="module")
def february(spoken: Operations) -> Iterator[World]:
    """A system of its own on a day before the rule: Friday 2024-03-01 (X-15)."""
    system = System(STATES / f"{NAME}-before", rehearsal=True)
    system.start(fresh=True, env={"MOTCUA_REHEARSAL_START": "2024-03-01T09:00:00+07:00"})
    world = World(system)
    yield world
    world.close()
    system.stop()
    assert spoken.undocumented == []  # where it runs in another process than the test that looks at all answers


@pytest.mark.req("RT-01", "ST-04")
def test_before_that_day_it_is_allowed_and_the_dossier_counts_by_the_older_rule(february: World):
    citizen = Citizen(february, somebody()).enter()
    desk, specialist = Officer(february, "officer-desk").enter(), Officer(february, "officer-specialist").enter()
    before = Scenes(february, citizen, desk, specialist)
    code = before.worked(BIRTH)
    assert "-240301-" in code
    dossier = desk.on_dossier(code, "return")
    assert (dossier["status"], dossier["status_code"]) == ("returned", 10)
    row = Officer(february, "officer-ioc").enter().client.get(f"/recognition/{code}")
    assert (row["recognition"], row["has_signed_result"], row["rule_set"]) == ("ONLINE", False, "2023")


@pytest.mark.req("SG-03")
def test_an_unsigned_result_stays_not_valid_and_a_signed_one_does_not(scenes: Scenes, worked):
    assert scenes.attach(worked, "unsigned")["result"]["standing"] == "chua_hop_le"
    assert scenes.attach(worked, "other-agency")["result"]["standing"] == "chua_hop_le"
    assert scenes.attach(worked, "right")["result"]["standing"] == "hop_le"


@pytest.mark.req("SG-04")
@pytest.mark.parametrize(
    ("how", "rule"), [("unsigned", "SG-04"), ("tampered", "SG-04"), ("wrapped-literal", "SG-04"), ("foreign", "X-22")]
)
def test_a_result_whose_signature_is_not_in_order_is_not_returned(scenes: Scenes, worked, desk, how, rule):
    scenes.attach(worked, how)
    refusal = refused(lambda: desk.on_dossier(worked, "return"))
    assert (refusal.status, refusal.rule) == (409, rule)
    assert desk.dossier(worked)["status"] == "accepted"


@pytest.mark.req("SG-04", "SG-03")
def test_one_that_another_agency_signed_is_not_returned(scenes: Scenes, worked, desk):
    scenes.attach(worked, "other-agency")
    refusal = refused(lambda: desk.on_dossier(worked, "return"))
    assert (refusal.status, refusal.rule) == (409, "SG-03")


@pytest.mark.req("SG-04", "RT-04", "KO-04")
@pytest.mark.parametrize("pickup", ["online", "desk"])
def test_a_signed_result_is_returned_into_the_owners_store_whichever_way_was_chosen(
    scenes: Scenes, resident, stranger, pickup
):
    before = {row["holding_id"] for row in all_pages(resident.client, "/holdings")}
    waiting = scenes.worked(BIRTH, pickup=pickup)
    scenes.attach(waiting, "right")
    # Control: as long as it is not returned, it does not lie there.
    assert {row["holding_id"] for row in all_pages(resident.client, "/holdings")} == before
    dossier = scenes.desk.on_dossier(waiting, "return")

    def mine() -> list[dict]:
        return [row for row in all_pages(resident.client, "/holdings") if row["code"] == waiting]

    rows = eventually(mine, what="the holding")
    assert [(row["kind"], row["sha256"]) for row in rows] == [("b", dossier["result"]["sha256"])]
    data = resident.client.fetch(f"/holdings/{rows[0]['holding_id']}/content")
    assert hashlib.sha256(data).hexdigest() == dossier["result"]["sha256"]
    foreign = refused(lambda: stranger.client.fetch(f"/holdings/{rows[0]['holding_id']}/content"))
    assert foreign.status == 404
    assert all(row["code"] != waiting for row in all_pages(stranger.client, "/holdings"))


@pytest.mark.req("RT-02")
def test_the_desks_check_is_on_record_before_the_return_with_account_time_and_bytes(scenes: Scenes, desk):
    code = scenes.worked(BIRTH)
    scenes.attach(code, "unsigned")
    refused(lambda: desk.on_dossier(code, "return"))
    right = scenes.attach(code, "right")["result"]
    dossier = desk.on_dossier(code, "return")
    checks = [line for line in desk.case(code)["log"] if line["what"] == "check_result"]
    assert [(line["granted"], line["rule"]) for line in checks] == [(False, "SG-04"), (True, None)]
    assert {line["actor"] for line in checks} == {"acc-officer-desk"}
    assert checks[-1]["sha256"] == right["sha256"] and checks[-1]["verdict"] == "TOTAL_PASSED"
    assert checks[-1]["at"] <= dossier["returned_at"]
    # Control: where nobody asked for a return, nothing is recorded.
    untouched = scenes.worked(BIRTH)
    assert not [line for line in desk.case(untouched)["log"] if line["what"] == "check_result"]


@pytest.mark.req("RT-10")
def test_a_due_fee_holds_the_result_back_until_it_is_paid(scenes: Scenes, resident, desk):
    code = scenes.worked(COPY)
    scenes.attach(code, "right")
    order = eventually(lambda: resident.orders(code), what="the order")[0]
    refusal = refused(lambda: desk.on_dossier(code, "return"))
    assert (refusal.status, refusal.rule) == (409, "RT-10")
    desk.client.post(f"/orders/{order['order_id']}/cash", {"amount": order["amount"]})
    assert desk.on_dossier(code, "return")["status"] == "returned"


@pytest.mark.req("RT-10")
def test_where_no_fee_is_due_nothing_holds_it_back(scenes: Scenes, resident):
    code = scenes.returned(BIRTH)
    assert resident.orders(code) == []


@pytest.mark.req("SG-07")
@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("valid", "TOTAL_PASSED"),
        ("altered", "TOTAL_FAILED"),
        ("appended", "TOTAL_FAILED"),
        ("unsigned", "NO_SIGNATURE"),
        ("revoked", "TOTAL_FAILED"),
        ("unknown-ca", "INDETERMINATE"),
        ("expired", "INDETERMINATE"),
    ],
)
def test_the_verdict_tells_valid_invalid_unsigned_and_undetermined_apart(world, specialist, worked, name, verdict):
    pdf = world.paper("Tập mẫu", name)
    signed = world.signed(pdf, "agency-quang-thai")
    match name:
        case "valid":
            data = signed
        case "altered":
            data = papers.tampered(signed)
        case "appended":
            data = papers.appended(signed)
        case "unsigned":
            data = pdf
        case "expired":
            data = world.signed(pdf, expired_token(world))
        case _:
            data = forgery(world, {"revoked": "revoked", "unknown-ca": "foreign"}[name], name)
    stored = specialist.upload(data, f"{name}.pdf", "result")
    specialist.on_case(worked, "results", file_id=stored["file_id"], name=name)
    report = specialist.client.get(f"/cases/{worked}/files/{stored['file_id']}/report")
    assert (report["verdict"], report["sha256"]) == (verdict, stored["sha256"])
    assert report["verdict_vi"] and report["reason_vi"]


def expired_token(world: World) -> str:
    """A soft token of the competent agency that ended before the rehearsal's day; made where it is missing."""
    from datetime import UTC, datetime

    from deploy.local.paths import PKI
    from deploy.rehearsal.authority import Authority, subject
    from deploy.rehearsal.cast import COMPETENT_AGENCY

    name = "agency-expired"
    if not (PKI / "tokens" / f"{name}.pem").exists():
        Authority(PKI).issue(
            name,
            subject(COMPETENT_AGENCY.name, organization=COMPETENT_AGENCY.name,
                    user_id=f"MST:{COMPETENT_AGENCY.tax_number}"),
            issuer="government-ca",
            not_after=datetime(2024, 3, 1, tzinfo=UTC),
        )  # fmt: skip
    world.token(name)
    return name
