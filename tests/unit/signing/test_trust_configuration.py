"""Who is trusted is signed by two people: what counts, what is refused, and that nothing bad replaces what is good."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.operate import trust as command
from deploy.operate.trust_versions import Configuration, Refused, der_of, public_text, read_key
from deploy.rehearsal import authority, trust_folder
from services.signing import trust
from services.signing.trust_configuration import (
    MANIFEST,
    Anchor,
    Manifest,
    TrustError,
    digest_of,
    parse,
    read_keys,
    verified,
)
from services.signing.trust_keeper import TrustKeeper

pytestmark = pytest.mark.req("SG-07")


@dataclasses.dataclass
class Place:
    """A signed folder of its own, and what changes it."""

    folder: Path
    pki: Path

    @property
    def keys(self) -> Any:
        return read_keys((self.pki / "trust-keys").read_text())

    @property
    def manifest(self) -> Manifest:
        return parse((self.folder / MANIFEST).read_bytes())

    def run(self, *words: str) -> int:
        before = dict(os.environ)
        os.environ.update(MOTCUA_TRUST=str(self.folder), MOTCUA_TRUST_KEYS=(self.pki / "trust-keys").read_text())
        try:
            return command.main(list(words))
        finally:
            os.environ.clear()
            os.environ.update(before)

    def sign(self, *names: str) -> None:
        for name in names:
            assert self.run("sign", "--key", str(self.pki / "trust-signers" / f"{name}.pem")) == 0

    def write(self, manifest: Manifest, *names: str) -> None:
        """Puts a manifest into the folder by hand, signed by these."""
        raw = manifest.dump()
        for name in names:
            signature = trust_folder.signer(self.pki, name).sign(raw)
            (self.folder / "signatures" / f"{manifest.number}.{name}.sig").write_bytes(signature)
        (self.folder / MANIFEST).write_bytes(raw)

    def next_manifest(self, change: Callable[[Manifest], Manifest]) -> None:
        """Changes what lies in next by hand."""
        file = self.folder / "next" / MANIFEST
        file.write_bytes(change(parse(file.read_bytes())).dump())


@pytest.fixture
def place(world: Any, tmp_path: Path) -> Place:
    folder = tmp_path / "trust"
    trust_folder.build(world.folder, world.trust_folder, folder, "http://ca.example.vn", 1)
    return Place(folder, world.folder)


def test_two_people_sign_and_openssl_could_check_it(place: Place) -> None:
    assert verified(place.folder, place.keys).number == 1
    raw = (place.folder / MANIFEST).read_bytes()
    for name, key in place.keys.items():
        key.verify((place.folder / "signatures" / f"1.{name}.sig").read_bytes(), raw)


def remove(path: Path) -> Callable[[Place], None]:
    return lambda place: (place.folder / path).unlink()


def same_person_twice(place: Place) -> None:
    right = (place.folder / "signatures/1.lan.sig").read_bytes()
    (place.folder / "signatures/1.minh.sig").write_bytes(right)


def one_byte(place: Place) -> None:
    file = place.folder / MANIFEST
    file.write_bytes(file.read_bytes().replace(b'"number": 1', b'"number": 1 '))


def a_stranger(place: Place) -> None:
    raw = (place.folder / MANIFEST).read_bytes()
    (place.folder / "signatures/1.minh.sig").unlink()
    (place.folder / "signatures/1.ba.sig").write_bytes(Ed25519PrivateKey.generate().sign(raw))


def another_certificate(place: Place) -> None:
    shutil.copy(place.folder / "intermediates/public-ca.pem", place.folder / "anchors/public/public-root.pem")


BAD: dict[str, Callable[[Place], None]] = {
    "unsigned": lambda place: shutil.rmtree(place.folder / "signatures"),
    "signed once": remove(Path("signatures/1.minh.sig")),
    "one person twice": same_person_twice,
    "changed by a space": one_byte,
    "a stranger signs": a_stranger,
    "no manifest": remove(Path(MANIFEST)),
    "an anchor is missing": remove(Path("anchors/government/government-root.pem")),
    "an anchor is another": another_certificate,
}


@pytest.mark.parametrize("how", BAD)
def test_a_folder_that_two_have_not_signed_is_refused_at_start(place: Place, how: str) -> None:
    BAD[how](place)
    with pytest.raises(TrustError):
        trust.load(place.folder, place.keys)
    with pytest.raises(TrustError):
        TrustKeeper(place.folder, place.keys)


@pytest.mark.parametrize("how", BAD)
def test_what_turns_bad_changes_nothing_for_room_and_workers(place: Place, how: str) -> None:
    keeper, store = TrustKeeper(place.folder, place.keys), trust.Store(place.folder, place.keys)
    good, kept = keeper.version, store.current()
    BAD[how](place)
    assert keeper.look() == good
    assert store.current() is kept
    # a worker that starts now reads the copy
    late = trust.Store(keeper.folder, place.keys)
    assert late.current().version == good
    keeper.close()
    assert not keeper.folder.exists()


def test_a_bad_folder_is_read_once_and_a_lost_copy_is_made_again(place: Place, monkeypatch: Any) -> None:
    keeper = TrustKeeper(place.folder, place.keys)
    good = keeper.version
    copied: list[Path] = []
    real = TrustKeeper._copy_to
    monkeypatch.setattr(TrustKeeper, "_copy_to", lambda self, copy: (copied.append(copy), real(self, copy)))
    one_byte(place)
    assert [keeper.look() for _ in range(5)] == [good] * 5
    assert len(copied) == 1
    place.write(place.manifest, "lan", "minh")
    assert keeper.look() == good
    shutil.rmtree(keeper.folder.parent)
    assert keeper.look() == good
    assert trust.load(keeper.folder, place.keys).version == good
    keeper.close()


def test_rotation_reaches_a_running_worker_and_names_its_version(place: Place, tmp_path: Path) -> None:
    keeper = TrustKeeper(place.folder, place.keys)
    worker = trust.Store(keeper.folder, place.keys)
    before = worker.current()
    made = authority.Authority(tmp_path / "other")
    made.found("new-root", "Root chứng thực công cộng DIỄN TẬP")  # the very name of another root
    root = tmp_path / "other" / "authorities" / "new-root.pem"
    assert place.run("add", str(root), "--as", "public", "--list", "http://new.example.vn/root.crl") == 0
    place.sign("lan")
    assert keeper.look() == before.version, "one signature is none"
    place.sign("minh")
    assert keeper.look() != before.version and keeper.number == 2
    after = worker.current()
    assert (after.number, after.version) == (2, keeper.version)
    assert after.version.startswith("2-")
    assert len(after.anchors["public"]) == len(before.anchors["public"]) + 1
    assert not (place.folder / "next").exists()
    keeper.close()


def test_an_older_version_is_refused_also_after_a_restart(place: Place, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(place.folder, old)
    used: list[int] = []
    keeper = TrustKeeper(place.folder, place.keys, in_use=used.append)
    store = trust.Store(place.folder, place.keys)
    place.write(dataclasses.replace(place.manifest, number=5), "lan", "minh")
    newest = keeper.look()
    assert store.current().number == 5
    shutil.copy(old / MANIFEST, place.folder / MANIFEST)  # rightly signed, once
    assert keeper.look() == newest
    assert store.current().number == 5
    assert used == [1, 5]
    keeper.close()
    with pytest.raises(TrustError, match="older than 5"):
        TrustKeeper(place.folder, place.keys, least=used[-1])


def test_a_change_takes_signatures_off(place: Place, world: Any) -> None:
    extra = world.folder / "authorities" / "foreign-root.pem"
    assert place.run("add", str(extra), "--as", "public") == 0
    place.sign("lan")
    digest = next(a.sha256 for a in place.manifest.anchors if a.kind == "timestamp")
    assert place.run("retire", digest[:16], "--until", "2024-03-01T00:00") == 0
    assert list((place.folder / "next").glob("*.sig")) == []
    place.sign("minh")
    assert place.manifest.number == 1
    place.sign("lan")
    assert place.manifest.number == 2
    verified(place.folder, place.keys)


def test_nothing_is_built_on_what_two_people_have_not_signed(place: Place, world: Any, capsys: Any) -> None:
    """Somebody who can write to the folder lays a root of his there: it must not come in under the next change."""
    evil = world.folder / "authorities" / "foreign-root.pem"
    digest = digest_of(der_of(evil.read_bytes()))
    good = (place.folder / MANIFEST).read_bytes()
    root = Anchor(f"anchors/public/{digest[:16]}.pem", digest)
    shutil.copy(evil, place.folder / root.file)
    forged = dataclasses.replace(place.manifest, anchors=(*place.manifest.anchors, root))
    extra = world.folder / "authorities" / "foreign-ca.pem"
    for names in ((), ("lan",)):
        place.write(forged, *names)
        capsys.readouterr()
        for line in (["add", str(extra), "--as", "intermediate"], ["renew"], ["show"], ["check"]):
            assert place.run(*line) == 1, line
            assert "2 people must sign" in capsys.readouterr().err
    assert not (place.folder / "next").exists()
    (place.folder / MANIFEST).write_bytes(good)
    place.write(place.manifest, "lan", "minh")
    assert place.run("add", str(extra), "--as", "intermediate") == 0  # control
    # what lies in next is anybody's, and shown as new
    place.next_manifest(lambda made: dataclasses.replace(made, anchors=(*made.anchors, root)))
    capsys.readouterr()
    assert place.run("show") == 0
    assert f"+   {digest}" in capsys.readouterr().out


def test_a_version_that_was_put_back_does_not_stop_the_next_one(place: Place, tmp_path: Path) -> None:
    old = (place.folder / MANIFEST).read_bytes()
    for _ in range(2):
        assert place.run("renew") == 0
        place.sign("lan", "minh")
    assert place.manifest.number == 3
    (place.folder / MANIFEST).write_bytes(old)
    assert place.manifest.number == 1
    assert place.run("renew") == 0
    place.sign("lan", "minh")
    assert place.manifest.number == 4


def test_what_is_signed_is_what_was_shown(place: Place, world: Any, capsys: Any) -> None:
    assert place.run("add", str(world.folder / "authorities" / "foreign-root.pem"), "--as", "public") == 0
    said = capsys.readouterr().out
    digest = digest_of(der_of((world.folder / "authorities" / "foreign-root.pem").read_bytes()))
    assert digest in said and "Foreign" in said and "WRONG" not in said
    [staged] = (place.folder / "next" / "anchors" / "public").iterdir()
    kept = staged.read_bytes()
    staged.write_bytes((world.folder / "authorities" / "public-root.pem").read_bytes())  # a harmless name
    assert place.run("show") == 0
    assert "SAI TỆP" in capsys.readouterr().out
    staged.write_bytes(kept)
    configuration = Configuration(place.folder, place.keys)
    read = configuration.proposal()
    assert place.run("renew") == 0
    place.next_manifest(lambda made: dataclasses.replace(made, anchors=made.anchors[:-1]))
    with pytest.raises(Refused, match="has changed"):
        configuration.sign(read_key(place.pki / "trust-signers" / "lan.pem"), read)
    assert not list((place.folder / "next").glob("*.sig"))


def test_a_root_is_retired_and_an_intermediate_removed(place: Place, capsys: Any) -> None:
    root, below = place.manifest.anchors[0], place.manifest.intermediates[0]
    assert place.run("retire", below.sha256, "--until", "2030-01-01") == 1
    assert place.run("remove", root.sha256) == 1
    assert not (place.folder / "next" / MANIFEST).exists()
    assert place.run("remove", below.sha256[:12]) == 0
    place.sign("lan", "minh")
    assert below not in place.manifest.intermediates and root in place.manifest.anchors


def test_who_is_not_on_the_list_signs_nothing(place: Place, world: Any, tmp_path: Path, capsys: Any) -> None:
    assert place.run("add", str(world.folder / "authorities" / "foreign-root.pem"), "--as", "public") == 0
    assert command.main(["key", str(tmp_path / "eve.pem"), "--plain"]) == 0
    assert place.run("sign", "--key", str(tmp_path / "eve.pem")) == 1
    assert "may not sign" in capsys.readouterr().err
    assert place.run("check") == 0 and place.manifest.number == 1


def test_a_certificate_that_is_swapped_after_the_first_signature_is_seen(place: Place, world: Any) -> None:
    assert place.run("add", str(world.folder / "authorities" / "foreign-root.pem"), "--as", "public") == 0
    place.sign("lan")
    [staged] = (place.folder / "next" / "anchors" / "public").iterdir()
    shutil.copy(world.folder / "authorities" / "foreign-ca.pem", staged)
    assert place.run("sign", "--key", str(place.pki / "trust-signers" / "minh.pem")) == 1
    assert place.manifest.number == 1


@pytest.mark.parametrize("kind", ["leaf", "text"])
def test_what_is_no_authority_is_not_added(place: Place, world: Any, tmp_path: Path, kind: str) -> None:
    file = world.folder / "tokens" / "citizen-an.pem" if kind == "leaf" else tmp_path / "text.pem"
    if kind == "text":
        file.write_text("no certificate")
    assert place.run("add", str(file), "--as", "public") == 1
    assert not (place.folder / "next" / MANIFEST).exists()


def test_a_file_that_no_manifest_names_is_not_believed(place: Place, world: Any, capsys: Any) -> None:
    shutil.copy(world.folder / "authorities/foreign-root.pem", place.folder / "anchors/government/foreign.pem")
    shutil.copy(place.folder / MANIFEST, place.folder / "kept.json")
    snapshot = trust.load(place.folder, place.keys)
    assert len(snapshot.anchors["government"]) == 1
    assert trust.load(place.folder).version == snapshot.version, "also where nobody asks who has signed"
    (place.folder / MANIFEST).unlink()
    assert len(trust.load(place.folder).anchors["government"]) == 2, "without a manifest all that lies there counts"
    shutil.copy(place.folder / "kept.json", place.folder / MANIFEST)
    assert place.run("check") == 0
    assert "not believed" in capsys.readouterr().out


def test_a_root_that_ended_counts_for_what_was_signed_before(place: Place, world: Any) -> None:
    digest = next(a.sha256 for a in place.manifest.anchors if a.kind == "government")
    early, late = world.monday - timedelta(days=3), world.monday
    assert place.run("retire", digest, "--until", (world.monday - timedelta(days=1)).isoformat()) == 0
    place.sign("lan", "minh")
    snapshot = trust.load(place.folder, place.keys)
    stamp = world.token("timestamp")
    before = world.signed("agency-quang-thai", at=early, timestamp=stamp)
    after = world.signed("agency-quang-thai", at=late, timestamp=stamp)
    unproven = world.signed("agency-quang-thai", at=early)
    assert world.check(before, snapshot=snapshot)["verdict"] == "TOTAL_PASSED"
    assert world.check(after, snapshot=snapshot)["verdict"] == "INDETERMINATE"
    assert world.check(unproven, snapshot=snapshot)["verdict"] == "INDETERMINATE"
    # received before the end is proof as well
    assert world.check(unproven, snapshot=snapshot, received=early)["verdict"] == "TOTAL_PASSED"
    for signed in (before, after, unproven):
        assert world.check(signed)["verdict"] == "TOTAL_PASSED", "the control: a root that has not ended"


@pytest.mark.parametrize(("roles", "verdict"), [((), "INDETERMINATE"), (("timestamp",), "TOTAL_PASSED")])
def test_a_root_vouches_for_what_its_roles_say(place: Place, world: Any, roles: tuple[str, ...], verdict: str) -> None:
    """A government root that also stands behind timestamps, and the same without that role."""
    issuer = world.authority.issue(
        "government-stamp", authority.subject("TSA chính phủ"), issuer="government-root", key="rsa",
        extended=(authority.ExtendedKeyUsageOID.TIME_STAMPING,), critical_extended=True, usages=("digitalSignature",),
    )  # fmt: skip
    anchors = tuple(
        dataclasses.replace(a, roles=("signer", *roles)) if a.kind == "government" else a
        for a in place.manifest.anchors
    )
    place.write(dataclasses.replace(place.manifest, number=2, anchors=anchors), "lan", "minh")
    snapshot = trust.load(place.folder, place.keys)
    signed = world.signed("short", at=datetime(2024, 3, 8, tzinfo=UTC), timestamp=issuer)
    assert world.check(signed, snapshot=snapshot)["verdict"] == verdict


WRONG: dict[str, Callable[[dict[str, Any]], Any]] = {
    "number": lambda m: m | {"number": 0},
    "number as text": lambda m: m | {"number": "1"},
    "more": lambda m: m | {"comment": ""},
    "less": lambda m: {k: v for k, v in m.items() if k != "fetching"},
    "no anchor": lambda m: m | {"anchors": []},
    "twice": lambda m: m | {"anchors": m["anchors"] * 2},
    "path": lambda m: m | {"anchors": [m["anchors"][0] | {"file": "anchors/public/../../x"}]},
    "kind": lambda m: m | {"anchors": [m["anchors"][0] | {"kind": "private"}]},
    "another folder": lambda m: m | {"anchors": [m["anchors"][0] | {"kind": "timestamp"}]},
    "role": lambda m: m | {"anchors": [m["anchors"][0] | {"roles": []}]},
    "zone": lambda m: m | {"made_at": "2024-03-11T09:00:00"},
    "ends before": lambda m: m | {"anchors": [m["anchors"][0] | {"until": "1960-01-01T00:00:00+00:00"}]},
    "file address": lambda m: m | {"anchors": [m["anchors"][0] | {"lists": ["file:///etc/passwd"]}]},
    "user address": lambda m: m | {"anchors": [m["anchors"][0] | {"lists": ["http://a:b@host/"]}]},
}


@pytest.mark.parametrize("what", WRONG)
def test_a_manifest_is_read_strictly(place: Place, what: str) -> None:
    raw = (place.folder / MANIFEST).read_bytes()
    content = json.loads(raw)
    assert parse(raw).dump() == raw
    with pytest.raises(TrustError):
        parse(json.dumps(WRONG[what](content)).encode())


def test_a_manifest_that_says_something_twice_is_refused(place: Place) -> None:
    raw = (place.folder / MANIFEST).read_bytes()
    for bad in (raw.replace(b'"number": 1', b'"number": 9,\n "number": 1'), b"[]", b"", b"{", b"9" * 2**21):
        with pytest.raises(TrustError):
            parse(bad)


def test_keys_of_the_setting_are_of_different_people() -> None:
    one, two = (public_text(Ed25519PrivateKey.generate().public_key()) for _ in range(2))
    assert set(read_keys(f"lan:{one}, minh:{two}")) == {"lan", "minh"}
    assert read_keys("") == {}
    for wrong in (f"lan:{one}", f"lan:{one},minh:{one}", f"lan:{one},lan:{two}", f"Lan!:{one},minh:{two}", "lan:x,b:y"):
        with pytest.raises(ValueError, match="."):
            read_keys(wrong)


def test_a_key_is_its_owners_alone(tmp_path: Path) -> None:
    assert command.main(["key", str(tmp_path / "lan.pem"), "--plain"]) == 0
    assert (tmp_path / "lan.pem").stat().st_mode & 0o077 == 0
    key = serialization.load_pem_private_key((tmp_path / "lan.pem").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    assert command.main(["key", str(tmp_path / "lan.pem"), "--plain"]) == 2, "a key is never written over"
