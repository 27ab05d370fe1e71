"""The trust folder of one rehearsal: the test authority's certificates under a manifest that two people have signed.

    python -m deploy.rehearsal.trust_folder --pki PKI --from TRUST --to DIR --authority URL --number N

TRUST is what the test authority wrote; DIR becomes a copy of its certificates and lists, with a manifest that allows
the lists and answers of the authority's own responders at URL. The two signers are the rehearsal's: their keys lie in
PKI/trust-signers, and PKI/trust-keys is what MOTCUA_TRUST_KEYS says of them.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.local.paths import write_atomically
from deploy.operate.trust_versions import der_of, public_text, write_key
from services.signing.trust_configuration import (
    MANIFEST,
    SIGNATURES,
    SIGNER,
    STAMPER,
    Anchor,
    Authority,
    Fetching,
    Manifest,
    digest_of,
)

SIGNERS = ("lan", "minh")
#: A rehearsal sees a list that has changed within seconds of asking for it.
EVERY_MINUTES = 1


def make_signers(pki: Path) -> None:
    """The keys of the rehearsal's two signers, made where they are missing."""
    folder = pki / "trust-signers"
    folder.mkdir(parents=True, exist_ok=True)
    for name in SIGNERS:
        if not (folder / f"{name}.pem").exists():
            write_key(folder / f"{name}.pem")
    setting = ",".join(f"{name}:{public_text(signer(pki, name).public_key())}" for name in SIGNERS)
    write_atomically(pki / "trust-keys", setting)


def signer(pki: Path, name: str) -> Ed25519PrivateKey:
    """The key of one of the two."""
    key = serialization.load_pem_private_key((pki / "trust-signers" / f"{name}.pem").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def build(pki: Path, template: Path, folder: Path, url: str, number: int) -> Manifest:
    """Make the folder anew; it appears whole or not at all."""
    make_signers(pki)  # of a test authority that was built before there were any
    made = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(template, made)
    anchors, intermediates = [], []
    for file in sorted([*made.glob("anchors/*/*.pem"), *made.glob("intermediates/*.pem")]):
        name, digest = file.relative_to(made).as_posix(), digest_of(der_of(file.read_bytes()))
        lists, answers = (f"{url}/crl/{file.stem}.crl",), (f"{url}/ocsp/{file.stem}",)
        kind = file.parent.name
        if kind == "intermediates":
            intermediates.append(Authority(name, digest, lists, answers))
        else:
            roles = (STAMPER,) if kind == "timestamp" else (SIGNER,)
            anchors.append(Anchor(name, digest, lists, answers, kind, roles))
    manifest = Manifest(number, datetime.now(UTC), tuple(anchors), tuple(intermediates), Fetching(EVERY_MINUTES))
    raw = manifest.dump()
    for name in SIGNERS:
        write_atomically(made / SIGNATURES / f"{number}.{name}.sig", signer(pki, name).sign(raw))
    write_atomically(made / MANIFEST, raw)
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
    return manifest


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.rehearsal.trust_folder", description=(__doc__ or "")[:116])
    parser.add_argument("--pki", type=Path, required=True)
    parser.add_argument("--from", dest="template", type=Path, required=True, metavar="TRUST")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR")
    parser.add_argument("--authority", required=True, metavar="URL")
    parser.add_argument("--number", type=int, default=1)
    given = parser.parse_args(arguments)
    build(given.pki, given.template, given.to, given.authority.rstrip("/"), given.number)
    return 0


if __name__ == "__main__":
    sys.exit(main())
