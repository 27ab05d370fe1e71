"""An upload that is ended while its commit is under way: file and bytes are both there, or neither."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import eventlet
import pytest
from eventlet.event import Event
from pymongo.errors import AutoReconnect

from deploy.local.system import System
from services.common import commits
from services.common.commits import GroupCommit
from services.common.store import Store
from services.vault import bytes as file_bytes
from services.vault import store as vault
from services.vault import uploads

DATA = b"%PDF-1.7\n" + b"x" * 300_000


@pytest.fixture
def store(stores: System) -> Iterator[Store]:
    """The vault's database, beside which no vault runs."""
    made = Store(stores.env("vault")["MOTCUA_MONGO_URL"], application="test")
    made.group = GroupCommit(made)
    made.prepare(vault.INDEXES, vault.AGGREGATES, 800)
    yield made
    for name in made.db.list_collection_names():
        made.collection(name).drop()
    made.close()


def receive(store: Store) -> dict[str, Any]:
    kernel: Any = SimpleNamespace(
        store=store,
        data_key=SimpleNamespace(open=lambda sealed, _field: sealed),
        settings=SimpleNamespace(room="vault", scanner=""),
        now=lambda: datetime.now(UTC),
        check_event=lambda _name, data: data,
    )
    opening = dict.fromkeys(("person_id", "correlation_id", "causation_id", "purpose"))
    opening |= {"_id": uuid.uuid4().hex, "uploader": "acc-1", "filename": "a.pdf"}
    store.collection("openings").insert_one(opening)
    return uploads.receive(kernel, opening["_id"], "acc-1", BytesIO(DATA).read, len(DATA))


def agrees(store: Store, *, kept: bool) -> None:
    files = list(store.find("files", {}))
    assert len(files) == kept
    for file in files:
        assert b"".join(file_bytes.read(store, file["bytes_id"], 0, file["size"])) == DATA
    for collection, left in (("bytes.files", 1), ("bytes.chunks", 2), ("uploads", 1)):
        assert store.collection(collection).count_documents({}) == left * kept


@pytest.mark.parametrize("written", [False, True], ids=["before it is written", "after it is written"])
def test_a_deadline_within_the_commit(store: Store, monkeypatch: pytest.MonkeyPatch, written: bool) -> None:
    """The commit is made by another greenlet: a deadline ends who waits for it, not the commit."""
    held, go_on, ended = Event(), Event(), Event()
    write = commits.write_alone

    def slow(*unit: Any) -> None:
        try:
            if written:
                write(*unit)
            held.send()
            go_on.wait()
            if not written:
                write(*unit)
        finally:
            ended.send()

    monkeypatch.setattr(commits, "write_alone", slow)
    upload = eventlet.spawn(receive, store)
    with eventlet.Timeout(20):
        held.wait()
        eventlet.kill(upload, eventlet.Timeout())
        go_on.send()
        ended.wait()
    agrees(store, kept=written)


def test_a_commit_whose_answer_is_lost(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write = commits.write_alone

    def lost(*unit: Any) -> None:
        write(*unit)
        raise AutoReconnect("connection closed")

    monkeypatch.setattr(commits, "write_alone", lost)
    with pytest.raises(AutoReconnect):
        receive(store)
    agrees(store, kept=True)
