"""Who is trusted changes while the system runs: by two people's signatures, and by what authorities revoke.

Seen from outside: papers are filed and their verdicts read; the operator's command changes the trust folder; the
authorities' responders are told to be silent, or to revoke.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.demo.client import eventually
from deploy.demo.people import COPY, Citizen, all_pages, verdict_of
from deploy.demo.world import World
from deploy.local.paths import PKI
from deploy.rehearsal.authority import ROOTS, Authority, Token, subject
from tests.journeys.scenes import Scenes
from tests.support.trust import change

pytestmark = pytest.mark.req("SG-07")


@dataclass
class Issuer:
    """A root with an authority under it, of this module alone; the root's name is that of a root that is trusted."""

    made: Authority
    name: str
    world: World

    @property
    def pems(self) -> list[str]:
        return [str(PKI / "authorities" / f"{name}.pem") for name in (self.name, f"{self.name}-ca")]

    def lists(self) -> list[str]:
        url = self.world.simulator("authority")
        return [f"{url}/crl/{name}.crl" for name in (self.name, f"{self.name}-ca")]

    def token(self, who: Citizen) -> Token:
        """A soft token of that citizen's."""
        name = f"{self.name}-{uuid.uuid4().hex[:8]}"
        about = subject(who.person.full_name, user_id=f"CCCD:{who.person.personal_number}")
        return self.made.issue(name, about, issuer=f"{self.name}-ca")

    def add(self, *signers: str) -> list[int]:
        """Into the next version, signed by these."""
        (root, below), (roots_list, list_below) = self.pems, self.lists()
        return change(
            self.world.system,
            ["add", root, "--as", "public", "--list", roots_list],
            ["add", below, "--as", "intermediate", "--list", list_below],
            signers=signers,
        )


@pytest.fixture(scope="module")
def issuer(world: World) -> Issuer:
    name = f"journey-{uuid.uuid4().hex[:8]}"
    made = Authority(PKI)
    # a re-keyed national root keeps its name: only the key tells the two apart
    made.found(name, "Root chứng thực công cộng DIỄN TẬP")
    made.found(f"{name}-ca", f"CA {name}", parent=name)
    return Issuer(made, name, world)


def filed(scenes: Scenes, citizen: Citizen, token: str) -> str:
    """The code of a dossier whose form was signed just now by that token."""
    world = scenes.world
    pdf = world.signed(world.paper("Đơn đề nghị", uuid.uuid4().hex), token)
    don = citizen.upload(pdf, "don.pdf")["file_id"]
    return str(citizen.file(COPY, {"don": don, "ban-chup": scenes.papers(citizen, COPY)["ban-chup"]})["code"])


def verdict(citizen: Citizen, code: str) -> str:
    return str(verdict_of(citizen.client, code, "don")["verdict"])


def fetch_now(world: World) -> None:
    os.kill(world.system.pid("fetcher"), signal.SIGHUP)


def becomes(citizen: Citizen, code: str, wanted: str) -> None:
    """By itself: nobody asks for a report here."""
    eventually(lambda: verdict(citizen, code) == wanted, within=60, what=f"{wanted} of {code}")


@contextlib.contextmanager
def withheld(world: World, *names: str) -> Iterator[None]:
    world.tell("authority", "/control", {"withhold": list(names)})
    try:
        yield
    finally:
        world.tell("authority", "/control", {})


def own_data(citizen: Citizen, world: World, token: str) -> tuple[str, str]:
    """File and hash of data that a citizen brings as his own, signed by that token: nobody can say yet whether so."""
    data = world.signed(world.paper("Bằng tốt nghiệp", uuid.uuid4().hex), token)
    file_id = str(citizen.upload(data, "bang.pdf", "own")["file_id"])
    answer = citizen.client.post("/holdings", {"file_id": file_id, "terms": True})
    assert (answer["state"], answer["holding_id"]) == ("HELD", None)
    return file_id, hashlib.sha256(data).hexdigest()


def decided(citizen: Citizen, file_id: str, wanted: str) -> None:
    """By itself: nobody brings the file again."""

    def state() -> str:
        return next(row["state"] for row in all_pages(citizen.client, "/own-data") if row["file_id"] == file_id)

    eventually(lambda: state() == wanted, within=60, what=f"{wanted} of {file_id}")


def in_store(citizen: Citizen, sha256: str) -> int:
    return sum(row["sha256"] == sha256 for row in all_pages(citizen.client, "/holdings"))


@pytest.mark.req("SG-07", "SG-08", "KO-08", "X-22")
def test_a_new_root_of_an_old_name_counts_when_two_have_signed_it_and_its_lists_are_there(
    world: World, scenes: Scenes, resident: Citizen, stranger: Citizen, issuer: Issuer
) -> None:
    token = issuer.token(resident).name
    held, foreign = own_data(resident, world, token), own_data(stranger, world, token)
    ours, strangers = filed(scenes, resident, token), filed(scenes, resident, "foreign-quang-thai")
    assert verdict(resident, ours) == "INDETERMINATE"
    number = world.metric("signing", "motcua_signing_trust_number")
    with withheld(world, issuer.name, f"{issuer.name}-ca"):
        assert issuer.add("lan") == [0, 0, 0]
        assert verdict(resident, filed(scenes, resident, token)) == "INDETERMINATE"
        assert world.metric("signing", "motcua_signing_trust_number") == number, "one signature is none"
        assert change(world.system, signers=("minh",)) == [0]
        # the chain stands now, and nothing is known of what was revoked: never valid
        late = filed(scenes, resident, token)
        report = scenes.desk.client.get(f"/dossiers/{late}/files/{form_of(resident, late)}/report")
        assert (report["verdict"], report["sub_indication"]) == ("INDETERMINATE", "TRY_LATER")
        assert report["trust_version"].startswith(f"{int((number or 0) + 1)}-")
    fetch_now(world)
    for code in (ours, late):
        becomes(resident, code, "TOTAL_PASSED")
    decided(resident, held[0], "ACCEPTED")
    decided(stranger, foreign[0], "REFUSED")
    eventually(lambda: in_store(resident, held[1]) == 1, what="what was held, in the store")
    assert in_store(stranger, foreign[1]) == 0, "signed by somebody else"
    assert verdict(resident, strangers) == "INDETERMINATE", "the control: nobody vouches for that one"
    assert verdict(resident, filed(scenes, resident, "citizen-chi")) == "TOTAL_PASSED", "the old root of that name"


def form_of(citizen: Citizen, code: str) -> str:
    return str(next(row["file_id"] for row in citizen.dossier(code)["components"] if row["component"] == "don"))


def test_what_the_authority_revokes_fails_from_its_next_list_on(
    world: World, scenes: Scenes, resident: Citizen, issuer: Issuer
) -> None:
    revoked, kept = issuer.token(resident), issuer.token(resident)
    before = filed(scenes, resident, revoked.name)
    becomes(resident, before, "TOTAL_PASSED")
    serial = str(revoked.certificate.serial_number)
    revocation = {"issuer": f"{issuer.name}-ca", "serial": serial, "at": world.now().isoformat()}
    world.tell("authority", "/revoke", revocation)
    fetch_now(world)
    eventually(
        lambda: verdict(resident, filed(scenes, resident, revoked.name)) == "TOTAL_FAILED", within=60,
        what="a failure for the revoked certificate",
    )  # fmt: skip
    assert verdict(resident, filed(scenes, resident, kept.name)) == "TOTAL_PASSED", "the control"
    assert verdict(resident, before) == "TOTAL_PASSED", "what was signed and received before stands"


def test_a_configuration_that_two_have_not_signed_changes_nothing(
    world: World, scenes: Scenes, resident: Citizen, issuer: Issuer
) -> None:
    """Whoever can write to the folder lays a root of his own into it, or the version of yesterday."""
    folder = world.system.state.rehearsal_trust
    manifest, good = folder / "manifest.json", (folder / "manifest.json").read_bytes()
    newest = world.metric("signing", "motcua_signing_trust_number")
    laid = folder / "anchors" / "government" / "laid.pem"
    token = issuer.token(resident).name
    for how in ("unsigned", "signed once", "older"):
        try:
            if how == "older":
                write(manifest, (folder / "versions" / f"{int(newest or 0) - 1}.json").read_bytes())
            else:
                forged(world, folder, laid, sign=how == "signed once")
            # the room looks at the folder with every check
            assert verdict(resident, filed(scenes, resident, "foreign-quang-thai")) == "INDETERMINATE", how
            assert verdict(resident, filed(scenes, resident, token)) == "TOTAL_PASSED", how
            assert world.metric("signing", "motcua_signing_trust_refused") == 1.0, how
            assert world.metric("signing", "motcua_signing_trust_number") == newest, how
        finally:
            laid.unlink(missing_ok=True)
            shutil.rmtree(folder / "next", ignore_errors=True)
            write(manifest, good)
        assert verdict(resident, filed(scenes, resident, token)) == "TOTAL_PASSED", "the control"
        assert world.metric("signing", "motcua_signing_trust_refused") == 0.0, how


def forged(world: World, folder: Path, laid: Path, *, sign: bool) -> None:
    """The next version with the foreign root, put into force by hand."""
    assert ROOTS["foreign-root"] == ""
    signers = ("lan",) if sign else ()
    root = str(PKI / "authorities" / "foreign-root.pem")
    assert set(change(world.system, ["add", root, "--as", "government"], signers=signers)) == {0}
    [staged] = (folder / "next" / "anchors" / "government").iterdir()
    shutil.copy(staged, laid)
    number = int(world.metric("signing", "motcua_signing_trust_number") or 0) + 1
    for signature in (folder / "next").glob("*.sig"):
        write(folder / "signatures" / f"{number}.{signature.stem}.sig", signature.read_bytes())
    write(folder / "manifest.json", (folder / "next" / "manifest.json").read_bytes())


def write(file: Path, data: bytes) -> None:
    new = file.with_name(f".{file.name}.new")
    new.write_bytes(data)
    new.replace(file)
