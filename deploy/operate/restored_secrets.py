"""Keys of a restored system: those of the backup, or, where they were left out, those that are here if they fit.

Identity's signing key is made anew: every access token of before ends with it, whoever it was given to.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from deploy.local.make_keys import make
from deploy.local.paths import State, write_atomically
from deploy.operate import archive

_MADE_ANEW = "identity-1.pem"


def look(state: State, folder: Path, manifest: archive.Manifest, key_file: Path | None) -> None:
    """Raises archive.Damaged where the keys for this backup are missing or belong to another."""
    _keys(state, folder, manifest, key_file)


def _keys(state: State, folder: Path, manifest: archive.Manifest, key_file: Path | None) -> dict[str, bytes]:
    if not manifest.secrets:
        for room, known in manifest.key_prints.items():
            file = state.secrets / "data" / f"{room}.key"
            if not file.is_file() or archive.key_print(file.read_bytes()) != known:
                raise archive.Damaged(
                    f"the backup was taken without keys, and the data key of {room} here is another one: what is "
                    "sealed in it could never be read; restore where the secrets of that system are"
                )
        signer = (state.public_keys / "operator-1.pem").read_bytes()
        if signer.decode() != manifest.public_key:
            raise archive.Damaged("the backup was not signed by the operator of this system")
        return {}
    if key_file is None or not key_file.is_file():
        raise archive.Damaged(f"{archive.SECRETS} needs its key: name the file with --key (looked for {key_file})")
    try:
        bundle = archive.unseal((folder / archive.SECRETS).read_bytes(), key_file.read_bytes())
    except archive.WrongKey:
        raise archive.Damaged(
            f"{archive.SECRETS} does not open with {key_file.name}: it is another backup's key"
        ) from None
    # who can seal the secrets is who made the backup: so its signature proves something
    if bundle.get("public-keys/operator-1.pem", b"").decode() != manifest.public_key:
        raise archive.Damaged("the manifest was not signed by the operator whose keys lie in the backup")
    return bundle


def place(state: State, folder: Path, manifest: archive.Manifest, key_file: Path | None) -> None:
    """Puts the keys where the rooms look for them; others that were there are kept beside."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    for name, content in _keys(state, folder, manifest, key_file).items():
        target = state.top / name
        if ".." in Path(name).parts or not name.startswith(("secrets/", "public-keys/")):
            raise archive.Damaged(f"{archive.SECRETS} holds a strange name")
        if target.name == _MADE_ANEW or (target.is_file() and target.read_bytes() == content):
            continue
        if target.is_file() and name.startswith("secrets/"):
            aside = state.secrets / f"before-restore-{stamp}" / target.parent.name / target.name
            aside.parent.mkdir(parents=True, exist_ok=True)
            target.rename(aside)
        write_atomically(target, content, 0o600 if name.startswith("secrets/") else 0o644)
    (state.secrets / "keys" / _MADE_ANEW).unlink(missing_ok=True)
    make(state.secrets / "keys", state.public_keys, "identity")
