"""`motcua backup` and what `restore` looks at before it changes anything, on a real database."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import bson
import pytest

from deploy.local.paths import State
from deploy.operate import archive, backup, migrate, restore
from deploy.operate.migrate import room_url
from services.common import wire
from services.common.restored import begin, finish
from services.common.store import Store

ROW = "counted"


@pytest.fixture
def databases(stores, data, monkeypatch):
    """All rooms' databases, each with its kernel's row, as rooms make it."""
    for name, value in stores.env("operator").items():
        if name.startswith("MOTCUA_"):
            monkeypatch.setenv(name, value)
    for room in wire.ROOMS:
        data[room]["kernel"].update_one({"_id": "backup-test"}, {"$set": {"is": room}}, upsert=True)
    yield data
    for room in wire.ROOMS:
        data[room]["kernel"].delete_one({"_id": "backup-test"})
    for room in ("intake", "payment"):
        data[room].drop_collection(ROW)


@pytest.fixture
def state(stores) -> State:
    return stores.state


def take(databases, state: State, place: Path, key: bytes | None = b"a key of the test") -> archive.Manifest:
    return backup.take(databases, state, place, key, rehearsal=True)


def documents(folder: Path, room: str, collection: str) -> list[dict]:
    return [bson.decode(raw) for raw in archive.documents(folder, room, collection)]


def test_all_databases_are_read_at_one_point_in_time(databases, state, tmp_path):
    """A writer counts in two databases in turn: at every point in time they differ by one at most."""
    ended = threading.Event()
    for room in ("intake", "payment"):
        databases[room].create_collection(ROW)
    databases["intake"][ROW].create_index([("zeta", 1), ("alpha", -1)], name="order_counts", unique=True)

    def count() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            for room in ("intake", "payment"):
                databases[room][ROW].insert_one({"_id": number, "zeta": number, "pad": "x" * 300})

    writer = threading.Thread(target=count)
    writer.start()
    try:
        while databases["payment"][ROW].estimated_document_count() < 300:
            pass
        for number in range(3):
            take(databases, state, tmp_path / f"taken-{number}")
    finally:
        ended.set()
        writer.join()
    sizes = []
    for number in range(3):
        first = {row["_id"] for row in documents(tmp_path / f"taken-{number}", "intake", ROW)}
        second = {row["_id"] for row in documents(tmp_path / f"taken-{number}", "payment", ROW)}
        assert second <= first
        assert len(first) - len(second) in (0, 1)
        assert first == set(range(1, len(first) + 1))
        sizes.append(len(first))
    assert sizes == sorted(set(sizes)), "the writer went on meanwhile"
    manifest = archive.read(tmp_path / "taken-0")
    (index,) = manifest.indexes["intake"][ROW]
    assert index == {"key": [["zeta", 1], ["alpha", -1]], "name": "order_counts", "unique": True}
    assert manifest.rehearsal is True and manifest.schemas.keys() == set(wire.ROOMS)


def test_the_history_is_kept_longer_only_while_a_backup_is_taken(databases, state, tmp_path):
    name = "minSnapshotHistoryWindowInSeconds"
    before = databases.admin.command({"getParameter": 1, name: 1})[name]
    with backup.longer_history(databases):
        assert databases.admin.command({"getParameter": 1, name: 1})[name] == backup.HISTORY
    assert databases.admin.command({"getParameter": 1, name: 1})[name] == before


def test_one_that_is_cut_short_has_no_name(databases, state, tmp_path, monkeypatch):
    place = tmp_path / "taken"
    monkeypatch.setattr(archive.Writer, "finish", lambda *_: (_ for _ in ()).throw(OSError("the disk is full")))
    with pytest.raises(OSError, match="disk is full"):
        take(databases, state, place)
    assert not place.exists()
    with pytest.raises(archive.Damaged, match="cut short"):
        archive.read(place.with_name("taken.unfinished"))
    monkeypatch.undo()
    take(databases, state, place)  # what lies there does not stand in the way
    assert archive.read(place).backup
    assert not place.with_name("taken.unfinished").exists()


@pytest.fixture
def whole(databases, state, tmp_path) -> Path:
    place = tmp_path / "whole"
    take(databases, state, place)
    (tmp_path / "whole.key").write_bytes(b"a key of the test")
    return place


def inspected(state, folder: Path) -> dict:
    return restore.inspect(state, folder, folder.with_name("whole.key"))


def test_a_whole_one_is_accepted_and_readable_by_its_owner_only(databases, state, whole):
    assert inspected(state, whole)["documents"] >= len(wire.ROOMS)
    for file in [whole, *whole.rglob("*")]:
        assert file.stat().st_mode & 0o077 == 0, file
    sealed = (whole / archive.SECRETS).read_bytes()
    assert b"PRIVATE KEY" not in sealed
    for key in (state.secrets / "data").iterdir():
        for file in whole.rglob("*"):
            assert file.is_dir() or key.read_bytes().strip() not in file.read_bytes()


@pytest.mark.parametrize("name", ["intake/kernel.bson.gz", archive.SECRETS])
def test_a_changed_file_is_named(databases, state, whole, name):
    file = whole / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(archive.Damaged, match=f"{name} was changed"):
        inspected(state, whole)


def test_a_file_that_is_missing_or_short_is_named(databases, state, whole):
    file = whole / "vault/kernel.bson.gz"
    content = file.read_bytes()
    file.write_bytes(content[:-1])
    with pytest.raises(archive.Damaged, match=r"vault/kernel.bson.gz has \d+ bytes"):
        inspected(state, whole)
    file.unlink()
    with pytest.raises(archive.Damaged, match=r"vault/kernel.bson.gz is missing"):
        inspected(state, whole)


def test_a_changed_manifest_is_found_even_where_the_hashes_fit(databases, state, whole):
    manifest = json.loads((whole / archive.MANIFEST).read_text())
    manifest["files"].pop("intake/kernel.bson.gz")
    (whole / archive.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(archive.Damaged, match="its signature is not valid"):
        inspected(state, whole)


def test_one_that_somebody_else_signed_anew_is_refused(databases, state, whole):
    """He knows the format and has a key of his own, but not the key that sealed the secrets."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    stranger = Ed25519PrivateKey.generate()
    manifest = archive.read(whole)
    manifest.public_key = archive.public_text(stranger)
    manifest.signature = stranger.sign(manifest.message()).hex()
    (whole / archive.MANIFEST).write_text(json.dumps(vars(manifest)))
    with pytest.raises(archive.Damaged, match="not signed by the operator"):
        inspected(state, whole)


def test_the_wrong_key_and_no_key_are_told_apart(databases, state, whole):
    whole.with_name("whole.key").write_bytes(b"another")
    with pytest.raises(archive.Damaged, match="another backup's key"):
        inspected(state, whole)
    whole.with_name("whole.key").unlink()
    with pytest.raises(archive.Damaged, match="needs its key"):
        inspected(state, whole)


def test_without_secrets_it_fits_only_where_the_same_keys_are(databases, state, tmp_path):
    place = tmp_path / "bare"
    take(databases, state, place, None)
    assert not (place / archive.SECRETS).exists()
    restore.inspect(state, place, None)
    other = State(tmp_path / "other")
    other.make()
    (other.secrets / "data").mkdir()
    with pytest.raises(archive.Damaged, match="data key of exchange here is another one"):
        restore.inspect(other, place, None)


def test_a_backup_of_a_newer_release_is_refused(databases, state, tmp_path):
    schema = databases["intake"]["kernel"].find_one({"_id": "schema"})
    databases["intake"]["kernel"].replace_one({"_id": "schema"}, {"number": 999}, upsert=True)
    try:
        take(databases, state, tmp_path / "newer")
    finally:
        databases["intake"]["kernel"].delete_one({"_id": "schema"})
        if schema is not None:
            databases["intake"]["kernel"].insert_one(schema)
    with pytest.raises(restore.Refused, match="newer release: intake is at 999"):
        restore.inspect(state, tmp_path / "newer", None)


@pytest.fixture
def half(databases, state) -> Iterator[None]:
    """One room's database as a restore leaves it that was cut short."""
    store = Store(room_url(os.environ["MOTCUA_MONGO_URL_ADMIN"], "vault"), application="test")
    begin(store, "a-backup")
    yield
    finish(store)
    store.close()


def test_half_a_restore_is_not_backed_up(half, tmp_path, capsys):
    place = tmp_path / "half"
    assert backup.main([str(place)]) == 1
    assert "not taken: a restore into this system was begun and not completed" in capsys.readouterr().err
    assert not place.exists()


def test_half_a_restore_is_not_migrated(half, capsys):
    assert migrate.main(["plan"], os.environ["MOTCUA_MONGO_URL_ADMIN"]) == 1
    (refused,) = [line for line in capsys.readouterr().err.splitlines() if "not migrated" in line]
    assert refused.startswith("vault") and "the restore of backup a-backup into this database" in refused


def test_one_that_was_taken_of_half_a_restore_is_refused(half, databases, state, tmp_path, monkeypatch):
    """As a release took them that did not look: it is signed and whole."""
    monkeypatch.setattr(backup, "UNFINISHED", "not that row")
    take(databases, state, tmp_path / "half")
    with pytest.raises(restore.Refused, match="a system whose restore was not completed"):
        restore.inspect(state, tmp_path / "half", None)


def test_the_command_says_where_the_key_lies_and_takes_no_place_twice(databases, state, tmp_path, capsys):
    place = tmp_path / "by-command"
    assert backup.main([str(place)]) == 0
    said = capsys.readouterr().out
    assert str(place.with_name("by-command.key")) in said and "Keep that file apart" in said
    assert os.stat(place.with_name("by-command.key")).st_mode & 0o077 == 0
    assert backup.main([str(place)]) == 1
    assert "is there already" in capsys.readouterr().err
    assert backup.main([str(tmp_path / "bare"), "--without-secrets"]) == 0
    assert "WITHOUT the rooms' keys" in capsys.readouterr().out
