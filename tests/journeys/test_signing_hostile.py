"""Hostile files among honest ones, through the running system: every one gets its answer, none is lost, none passes."""

from __future__ import annotations

import uuid

import pytest

from deploy.demo.people import COPY, Citizen, verdict_of
from deploy.demo.world import World
from deploy.rehearsal import papers
from tests.corpus import hostile
from tests.journeys.scenes import Scenes

pytestmark = [pytest.mark.req("SG-07"), pytest.mark.req("SE-04")]

#: A check of a hostile file takes the patient lane's whole time, twice where it is asked again.
_WITHIN = 180.0


def filed(scenes: Scenes, citizen: Citizen, form: bytes) -> str:
    """The code of a dossier with that form."""
    don = citizen.upload(form, "don.pdf")["file_id"]
    return str(citizen.file(COPY, {"don": don, "ban-chup": scenes.papers(citizen, COPY)["ban-chup"]})["code"])


def verdict_now(citizen: Citizen, code: str) -> str | None:
    rows = citizen.dossier(code)["components"]
    verdict: str | None = next(row["verdict"] for row in rows if row["component"] == "don")
    return verdict


def test_hostile_files_hold_nobody_up_and_never_pass(world: World, scenes: Scenes, resident: Citizen) -> None:
    killed = world.metric("signing", "motcua_signing_killed_total") or 0.0
    told = world.metric("signing", "motcua_signing_verdicts_total") or 0.0

    def honest() -> bytes:
        return world.signed_by(world.paper("Đơn đề nghị", uuid.uuid4().hex), resident.person)

    endless = {  # different bytes each time: what was judged once is not judged again
        name: filed(scenes, resident, make + b"%% %s\n" % uuid.uuid4().hex.encode())
        for name, make in {"tree": hostile.field_dag(), "chain": hostile.field_chain(5_000)}.items()
    }
    control = honest()
    forged = {how: filed(scenes, resident, papers.wrapped(control, how)) for how in ("literal", "object-stream")}
    good = [filed(scenes, resident, pdf) for pdf in (control, honest())]
    for code in good:
        assert verdict_of(resident.client, code, "don", within=_WITHIN)["verdict"] == "TOTAL_PASSED"
    # One after the other they take half a minute: who waits for them is held up.
    assert None in [verdict_now(resident, code) for code in endless.values()], "honest files waited for hostile ones"
    for how, code in forged.items():
        assert verdict_of(resident.client, code, "don", within=_WITHIN)["verdict"] == "TOTAL_FAILED", how
    for name, code in endless.items():
        assert verdict_of(resident.client, code, "don", within=_WITHIN)["verdict"] == "INDETERMINATE", name
    assert (world.metric("signing", "motcua_signing_killed_total") or 0.0) >= killed + len(endless)
    assert (world.metric("signing", "motcua_signing_verdicts_total") or 0.0) >= told + len(endless) + len(good) + len(
        forged
    )
