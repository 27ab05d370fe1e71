"""The fetcher: allow-listed addresses only, nothing believed that is not signed, nothing older, nothing lost."""

from __future__ import annotations

import dataclasses
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from deploy.rehearsal import trust_folder
from services.signing import trust
from services.signing.adapters import authorities
from services.signing.adapters.authority_simulator import Pki, Responders, Simulator
from services.signing.fetcher import lists, shelf
from services.signing.fetcher.rounds import FIRST_PAUSE, Fetcher
from services.signing.trust_configuration import Keys, read_keys

pytestmark = pytest.mark.req("SG-07")
OFFSET = (datetime(2024, 3, 11, 3, 30, tzinfo=UTC) - datetime.now(UTC)).total_seconds()


@dataclasses.dataclass
class Scene:
    """Responders, a trust folder signed for their address, and a fetcher with a clock of its own."""

    server: Simulator
    folder: Path
    pki: Path
    fetcher: Fetcher
    clock: list[float]

    def order(self, **order: Any) -> dict[str, Any]:
        answer = httpx.post(f"{self.url}/control", json=order, trust_env=False)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def certificate(self, name: str = "government-ca") -> x509.Certificate:
        return Pki(self.pki).certificate(name)

    def number(self, name: str = "government-ca") -> int | None:
        found = shelf.Shelf(self.folder).list_in_use(self.certificate(name))
        return found.number if found else None

    def archived(self, name: str = "government-ca") -> list[str]:
        return sorted(
            p.name for p in (self.folder / "archive" / shelf.key_identifier(self.certificate(name))).glob("*.crl")
        )

    def revoke(self, issuer: str, serial: int) -> None:
        body = {"issuer": issuer, "serial": str(serial), "at": "2024-03-11T03:00:00+00:00"}
        assert httpx.post(f"{self.url}/revoke", json=body, trust_env=False).status_code == 200

    def work(self) -> None:
        self.fetcher.work(at_once=True)


@pytest.fixture
def keys(world: Any) -> Keys:
    return read_keys((world.folder / "trust-keys").read_text())


@pytest.fixture
def scene(world: Any, keys: Keys, tmp_path: Path) -> Iterator[Scene]:
    responders = Responders(Pki(world.folder), tmp_path / "journal.json", OFFSET)
    server = Simulator(0, responders)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    folder, clock = tmp_path / "trust", [0.0]
    trust_folder.build(world.folder, world.trust_folder, folder, f"http://127.0.0.1:{server.server_address[1]}", 1)
    fetcher = Fetcher(folder, keys, responders.now, lambda: clock[0])
    yield Scene(server, folder, world.folder, fetcher, clock)
    server.shutdown()
    server.server_close()


def test_lists_come_are_archived_and_take_the_place_of_older_ones(scene: Scene, keys: Keys) -> None:
    before = trust.load(scene.folder, keys)
    scene.work()
    after = trust.load(scene.folder, keys)
    assert scene.number() == 2
    assert len(after.lists) == len(before.lists) and after.version != before.version
    assert len(scene.archived()) == 2, "the one that lay there and the new one"
    assert len(list((scene.folder / "ocsps").iterdir())) == 2
    scene.work()
    assert trust.load(scene.folder, keys).version == after.version, "the same lists are no new version"


def test_a_revocation_comes_with_the_next_list(scene: Scene, keys: Keys, world: Any) -> None:
    scene.work()
    token = world.authority.issue(
        "fetched-revoked", world.token("officer-desk").certificate.subject, issuer="government-ca"
    )
    signed = world.signed("fetched-revoked", at=datetime(2024, 3, 11, 3, 10, tzinfo=UTC))
    times = {"received": datetime(2024, 3, 11, 3, 20, tzinfo=UTC), "now": datetime(2024, 3, 11, 4, 0, tzinfo=UTC)}
    assert world.check(signed, snapshot=trust.load(scene.folder, keys), **times)["verdict"] == "TOTAL_PASSED"
    scene.revoke("government-ca", token.certificate.serial_number)
    scene.work()
    assert scene.number() == 3
    assert world.check(signed, snapshot=trust.load(scene.folder, keys), **times)["sub_indication"] == "REVOKED"


@pytest.mark.parametrize("wrong", ["signature", "stale", "redirect", "huge", "broken", "down", "slow", "withheld"])
def test_whatever_is_wrong_the_list_that_lies_there_stays(scene: Scene, monkeypatch: Any, wrong: str) -> None:
    scene.work()
    before = {path: path.read_bytes() for path in scene.folder.rglob("*") if path.is_file()}
    monkeypatch.setattr(authorities, "LARGEST", 1024 * 1024)
    monkeypatch.setattr(authorities.fetch_list, "__kwdefaults__", {"seconds": 0.2, "largest": 1024 * 1024})
    monkeypatch.setattr(authorities.ask_status, "__kwdefaults__", {"seconds": 0.2})
    orders = {"down": {"down": True}, "slow": {"delay": 0.5}, "withheld": {"withhold": ["government-ca", "public-ca"]}}
    scene.order(**orders.get(wrong, {"wrong": wrong}))
    scene.work()
    assert {path: path.read_bytes() for path in scene.folder.rglob("*") if path.is_file()} == before
    scene.order(renew=True)
    scene.work()
    assert scene.number() == 3, "the control: it takes the next good one"


def test_a_list_that_was_replaced_is_not_taken_again(scene: Scene) -> None:
    scene.work()
    scene.revoke("government-ca", 4711)
    scene.work()
    newest = scene.number()
    assert newest == 3
    scene.order(wrong="old")  # rightly signed, once: it would bring the revoked back to life
    scene.work()
    assert scene.number() == newest
    # and neither where the one in use was taken away: the archive knows
    for path in (scene.folder / "crls").iterdir():
        path.unlink()
    scene.work()
    assert scene.number() == newest


def test_another_authority_of_the_same_name_is_told_by_its_key(scene: Scene) -> None:
    twin, own = Pki(scene.pki), scene.certificate("government-ca")
    foreign = twin.certificate("foreign-ca")
    assert foreign.subject == own.subject
    der = scene.server.responders.list_of("foreign-ca")
    assert lists.read(der, foreign).number == 2
    with pytest.raises(lists.NotTaken, match="issuer"):
        lists.read(der, own)


def test_only_addresses_of_the_configuration_are_asked(scene: Scene) -> None:
    scene.work()
    asked = scene.order()["asked"]
    assert set(asked) == {"public-root", "public-ca", "government-root", "government-ca", "timestamp-root"}
    # certificates name crl.rehearsal.invalid: nobody went there, and a configuration without addresses asks nobody
    manifest = scene.fetcher._manifest
    assert manifest is not None
    bare = dataclasses.replace(
        manifest, number=2,
        anchors=tuple(dataclasses.replace(a, lists=(), answers=()) for a in manifest.anchors),
        intermediates=tuple(dataclasses.replace(a, lists=(), answers=()) for a in manifest.intermediates),
    )  # fmt: skip
    put(scene, bare)
    scene.work()
    assert scene.order()["asked"] == asked


def put(scene: Scene, manifest: Any, *names: str) -> None:
    raw = manifest.dump()
    for name in names or trust_folder.SIGNERS:
        signature = trust_folder.signer(scene.pki, name).sign(raw)
        (scene.folder / "signatures" / f"{manifest.number}.{name}.sig").write_bytes(signature)
    (scene.folder / "manifest.json").write_bytes(raw)


def test_a_configuration_that_one_has_signed_sends_it_nowhere(scene: Scene) -> None:
    scene.work()
    manifest = scene.fetcher._manifest
    assert manifest is not None
    elsewhere = dataclasses.replace(
        manifest, number=2,
        anchors=tuple(dataclasses.replace(a, lists=(f"{scene.url}/crl/foreign-root.crl",)) for a in manifest.anchors),
    )  # fmt: skip
    put(scene, elsewhere, "lan")
    scene.work()
    assert "foreign-root" not in scene.order()["asked"]
    put(scene, elsewhere, "minh")
    scene.work()
    assert "foreign-root" in scene.order()["asked"], "the control"


def test_what_failed_is_asked_again_after_growing_pauses(scene: Scene) -> None:
    scene.order(down=True)
    asked = lambda: scene.order(down=True)["asked"].get("timestamp-root", 0)  # noqa: E731
    scene.fetcher.work()
    assert asked() == 1
    for pause in (FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE):
        count = asked()
        scene.clock[0] += pause - 0.5
        scene.fetcher.work()
        assert asked() == count
        scene.clock[0] += 0.5
        scene.fetcher.work()
        assert asked() == count + 1
    scene.order()
    scene.clock[0] += 8 * FIRST_PAUSE
    scene.fetcher.work()
    assert scene.number("timestamp-root") == 2
    count = scene.order()["asked"]["timestamp-root"]
    scene.clock[0] += 59.0  # the configuration says every minute
    scene.fetcher.work()
    assert scene.order()["asked"]["timestamp-root"] == count
    scene.clock[0] += 1.0
    scene.fetcher.work()
    assert scene.order()["asked"]["timestamp-root"] == count + 1


@pytest.mark.parametrize("step", range(6))
def test_a_kill_at_any_write_leaves_a_folder_that_can_be_used(
    scene: Scene, keys: Keys, monkeypatch: Any, step: int
) -> None:
    real, count = shelf.os.replace, [0]

    class Killed(BaseException):
        pass

    def replace(*arguments: Any) -> None:
        if threading.current_thread() is threading.main_thread():  # not the responders'
            if count[0] == step:
                raise Killed
            count[0] += 1
        real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(shelf.os, "replace", replace)
        with pytest.raises(Killed):
            scene.work()
    assert len(trust.load(scene.folder, keys).lists) >= 5
    again = Fetcher(scene.folder, keys, scene.server.responders.now, lambda: 0.0)
    again.work()
    assert scene.number() == 2


def test_the_responders_remember_what_was_revoked_and_count_on(scene: Scene, tmp_path: Path) -> None:
    scene.revoke("public-ca", 99)
    first = lists.read(scene.server.responders.list_of("public-ca"), scene.certificate("public-ca"))
    again = Responders(Pki(scene.pki), tmp_path / "journal.json", OFFSET)
    der = again.list_of("public-ca")
    second = lists.read(der, scene.certificate("public-ca"))
    assert first.number is not None and second.number == first.number + 1
    assert x509.load_der_x509_crl(der).get_revoked_certificate_by_serial_number(99) is not None


def test_an_expired_certificate_is_judged_by_what_was_said_while_it_was_valid(
    scene: Scene, keys: Keys, world: Any
) -> None:
    """The newest list may have dropped it; the archive has one from before its end."""
    scene.work()
    january = datetime(2024, 1, 15, tzinfo=UTC)
    signed = world.signed("gone-before-list", at=january, timestamp=world.token("timestamp"))
    now = datetime(2024, 3, 11, 4, 0, tzinfo=UTC)
    assert world.check(signed, snapshot=trust.load(scene.folder, keys), now=now)["sub_indication"] == "TRY_LATER"
    der = world.authority.write_list("government-ca", scene.folder / "made", issued=datetime(2024, 1, 31, tzinfo=UTC))
    place = scene.folder / "archive" / shelf.key_identifier(scene.certificate())
    shutil.copy(der, place / "20240131T000000Z-0.crl")
    assert world.check(signed, snapshot=trust.load(scene.folder, keys), now=now)["verdict"] == "TOTAL_PASSED"


def test_answers_are_signed_by_the_issuer_and_about_our_authority(scene: Scene) -> None:
    from services.signing.fetcher import answers

    issuer, below, other = (scene.certificate(n) for n in ("government-root", "government-ca", "public-ca"))
    asked = answers.question(below, issuer)
    good = httpx.post(f"{scene.url}/ocsp/government-root", content=asked, trust_env=False).content
    now = scene.server.responders.now()
    assert answers.take(good, below, issuer, None, now) is not None
    with pytest.raises(lists.NotTaken, match="unknown_certificate"):
        answers.take(good, other, issuer, None, now)
    scene.order(wrong="signature")
    forged = httpx.post(f"{scene.url}/ocsp/government-root", content=asked, trust_env=False).content
    with pytest.raises(lists.NotTaken, match="signature"):
        answers.take(forged, below, issuer, None, now)
    with pytest.raises(lists.NotTaken, match="ended"):
        answers.take(good, below, issuer, None, datetime(2040, 1, 1, tzinfo=UTC))


def test_a_responder_answers_by_get_and_knows_what_was_revoked(scene: Scene) -> None:
    import base64
    from urllib.parse import quote

    from cryptography.x509 import ocsp

    from services.signing.fetcher import answers

    issuer, below = scene.certificate("government-root"), scene.certificate("government-ca")
    asked = quote(base64.b64encode(answers.question(below, issuer)).decode(), safe="")
    get = lambda: ocsp.load_der_ocsp_response(  # noqa: E731
        httpx.get(f"{scene.url}/ocsp/government-root/{asked}", trust_env=False).content
    )
    assert get().certificate_status is ocsp.OCSPCertStatus.GOOD
    scene.revoke("government-root", below.serial_number)
    assert get().certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert httpx.get(f"{scene.url}/crl/../tokens/x.crl", trust_env=False).status_code == 404


def test_the_timestamp_responder_is_accepted_by_the_pdf_library(scene: Scene, world: Any) -> None:
    """pyHanko's own client asks it; the file is B-T at the time that was asked for."""
    from deploy.rehearsal import papers

    at = world.monday + timedelta(minutes=5)
    url = f"{scene.url}/tsa?at={at.isoformat().replace('+00:00', 'Z')}"
    signed = papers.sign(world.paper, world.token("citizen-an"), at=world.monday, timestamp=url)
    report = world.check(signed)
    assert report["verdict"] == "TOTAL_PASSED"
    assert report["signatures"][0]["level"] == "B-T"
    scene.order(wrong="signature")
    bad = papers.sign(world.paper, world.token("citizen-an"), at=world.monday, timestamp=url)
    assert world.check(bad)["signatures"][0]["level"] != "B-T"


def test_partial_and_delta_lists_are_not_taken(scene: Scene) -> None:
    issuer, key = scene.certificate(), Pki(scene.pki).key("government-ca")
    now = scene.server.responders.now().replace(microsecond=0)

    def made(*extensions: tuple[x509.ExtensionType, bool], ends: bool = True) -> bytes:
        builder = x509.CertificateRevocationListBuilder(issuer.subject, now, now + timedelta(days=1))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        from cryptography.hazmat.primitives import hashes

        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    users = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
    everything = x509.IssuingDistributionPoint(
        [x509.UniformResourceIdentifier("http://ca/x.crl")], None, False, False, None, False, False
    )
    assert lists.read(made((everything, True)), issuer).number is None
    for extensions, why in (
        ([(users, True)], "partial"),
        ([(x509.DeltaCRLIndicator(1), True)], "partial"),
        ([(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)], "unknown_extension"),
    ):
        with pytest.raises(lists.NotTaken, match=why):
            lists.read(made(*extensions), issuer)
    future = scene.server.responders.now() + timedelta(hours=1)
    with pytest.raises(lists.NotTaken, match="future"):
        lists.take(made(), issuer, None, future - timedelta(hours=3))


def test_time_is_not_waited_for(scene: Scene) -> None:
    """A slow authority ends at its limit, not at its own pace."""
    scene.order(delay=5.0)
    began = time.monotonic()
    with pytest.raises(authorities.Unreachable, match="slow"):
        authorities.fetch_list(f"{scene.url}/crl/public-ca.crl", seconds=0.2)
    assert time.monotonic() - began < 5
