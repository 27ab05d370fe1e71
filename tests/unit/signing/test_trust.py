"""The trust store: issuers chosen by key, kinds kept apart, versions, unusable folders."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from deploy.rehearsal import authority, papers
from services.signing import paths, trust

pytestmark = pytest.mark.req("SG-07")


def certificate(token: authority.Token) -> trust.Certificate:
    return trust.Certificate.load(token.certificate.public_bytes(serialization.Encoding.DER))


def test_second_root_of_the_same_name_changes_nothing(world: Any) -> None:
    """A re-keyed national root: both names alike, the key decides."""
    twin = certificate(world.authority.found("twin-root", "Root chuyên dùng công vụ DIỄN TẬP"))
    own = world.snapshot.anchors["government"]
    signed = world.signed("agency-quang-thai")
    for anchors in ((twin, *own), (*own, twin)):
        snapshot = dataclasses.replace(world.snapshot, anchors={**world.snapshot.anchors, "government": anchors})
        assert world.check(signed, snapshot=snapshot)["verdict"] == "TOTAL_PASSED"
    only_twin = dataclasses.replace(world.snapshot, anchors={**world.snapshot.anchors, "government": (twin,)})
    assert world.check(signed, snapshot=only_twin)["sub_indication"] == "NO_CERTIFICATE_CHAIN_FOUND"


def test_look_alike_authorities_inside_the_file_change_nothing(world: Any) -> None:
    """Same names and key identifiers, other keys: in the unsigned part of a container anybody can put them."""
    signer = world.token("agency-quang-thai")
    root, issuer = (world.authority.authority(n).certificate for n in ("government-root", "government-ca"))
    forger = authority.new_key()
    fakes = tuple(look_alike(real, forger) for real in (issuer, root))
    for chain in ((*fakes, *signer.chain), (*signer.chain, *fakes), fakes):
        crowded = authority.Token("crowded", signer.certificate, signer.key, chain)
        assert world.check(papers.sign(world.paper, crowded, at=world.monday))["verdict"] == "TOTAL_PASSED"


def look_alike(real: x509.Certificate, key: authority.PrivateKey) -> x509.Certificate:
    builder = x509.CertificateBuilder(
        real.issuer, real.subject, key.public_key(), real.serial_number + 1, real.not_valid_before_utc,
        real.not_valid_after_utc,
    )  # fmt: skip
    for extension in real.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(key, hashes.SHA256())


def test_certificates_from_the_file_are_no_issuers_to_search(world: Any) -> None:
    chosen, offered = (certificate(world.token(name)).asn1 for name in ("citizen-an", "citizen-binh"))
    registry = paths._ChosenOnly([chosen])
    assert not registry.register(offered)
    assert list(registry) == [chosen]


def test_timestamp_anchor_vouches_for_no_signer(world: Any) -> None:
    leaf = certificate(world.token("timestamp"))
    assert world.snapshot.chain(leaf, trust.SIGNER_KINDS, at=world.monday) is None
    found = world.snapshot.chain(leaf, trust.TIMESTAMP_KINDS, at=world.monday)
    assert found is not None
    assert found.kind == "timestamp"


def test_kind_is_that_of_the_anchor(world: Any) -> None:
    kinds = {}
    for name in ("citizen-an", "officer-desk"):
        chain = world.snapshot.chain(certificate(world.token(name)), trust.SIGNER_KINDS, at=world.monday)
        kinds[name] = chain.kind if chain else None
    assert kinds == {"citizen-an": "public", "officer-desk": "government"}


def test_version_follows_the_content(world: Any, tmp_path: Path) -> None:
    copy = tmp_path / "trust"
    shutil.copytree(world.trust_folder, copy)
    store = trust.Store(copy)
    first = store.current()
    assert first.version == world.snapshot.version
    assert store.current() is first
    (copy / "crls" / "public-ca.crl").unlink()
    second = store.current()
    assert second.version != first.version
    assert len(second.lists) == len(first.lists) - 1


def test_half_written_folder_keeps_the_old_snapshot(world: Any, tmp_path: Path) -> None:
    copy = tmp_path / "trust"
    shutil.copytree(world.trust_folder, copy)
    store = trust.Store(copy)
    first = store.current()
    (copy / "crls" / "broken.crl").write_bytes(b"\x30\x03\x02\x01")
    assert store.current() is first


def test_folder_without_anchors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(trust.TrustError, match="no trust anchor"):
        trust.load(tmp_path)


def test_unreadable_anchor_is_named(world: Any, tmp_path: Path) -> None:
    copy = tmp_path / "trust"
    shutil.copytree(world.trust_folder, copy)
    (copy / "anchors" / "public" / "odd.pem").write_bytes(b"not a certificate")
    with pytest.raises(trust.TrustError, match=r"odd\.pem"):
        trust.load(copy)
