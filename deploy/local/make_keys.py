"""Makes Ed25519 key pairs: python -m deploy.local.make_keys PRIVATE_DIR PUBLIC_DIR OWNER…  (the environment's Python).

Key id = file name = `<owner>-1`. A private key that exists is kept and its public half written again.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from deploy.local.paths import write_atomically


def make(private_dir: Path, public_dir: Path, owner: str) -> None:
    private = private_dir / f"{owner}-1.pem"
    if private.exists():
        key = load_pem_private_key(private.read_bytes(), None)
    else:
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_atomically(private, pem, 0o600)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    write_atomically(public_dir / f"{owner}-1.pem", public)


if __name__ == "__main__":
    for name in sys.argv[3:]:
        make(Path(sys.argv[1]), Path(sys.argv[2]), name)
