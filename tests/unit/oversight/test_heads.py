import hashlib
import json
from pathlib import Path

import pytest

from services.oversight import heads as module
from services.oversight.heads import FILE, HIGHEST, HeadsFile, read, restorations, take_back
from services.oversight.ledger import Entry, Restoration, append


def sign(message: bytes) -> bytes:
    return hashlib.sha256(message).digest()


def chain(size: int) -> list[Entry]:
    entries: list[Entry] = []
    for number in range(size):
        entries.append(append(entries[-1] if entries else None, {"n": number}, "oversight-1", sign))
    return entries


def caught_up(heads: HeadsFile, tail: Entry | None) -> str:
    found, end = heads.catch_up(lambda: tail)
    assert end is tail
    return found


@pytest.fixture
def heads(tmp_path: Path) -> HeadsFile:
    return HeadsFile(tmp_path / "heads", "oversight-1", sign)


@pytest.mark.req("PR-06")
def test_a_head_per_entry_is_read_back(heads: HeadsFile, tmp_path: Path) -> None:
    for entry in chain(3):
        heads.append(entry)
    lines = read(tmp_path / "heads")
    assert [head.sequence for head in lines.heads] == [1, 2, 3]
    assert lines.unreadable == 0
    assert (tmp_path / "heads" / FILE).stat().st_mode & 0o077 == 0


@pytest.mark.req("PR-06")
def test_a_missing_head_of_the_present_end_is_written_at_start(heads: HeadsFile, tmp_path: Path) -> None:
    entries = chain(3)
    assert caught_up(heads, None) == "empty"
    heads.append(entries[0])
    assert caught_up(heads, entries[2]) == "written"
    assert caught_up(heads, entries[2]) == "in order"
    assert [head.sequence for head in read(tmp_path / "heads").heads] == [1, 3]


@pytest.mark.req("PR-06")
def test_nothing_is_signed_over_a_ledger_that_contradicts_its_heads(heads: HeadsFile, tmp_path: Path) -> None:
    entries = chain(3)
    for entry in entries:
        heads.append(entry)
    other = append(entries[1], {"n": "another"}, "oversight-1", sign)
    for tail in (None, entries[1], other):
        assert caught_up(heads, tail) == "contradicted"
    assert len(read(tmp_path / "heads").heads) == 3


@pytest.mark.req("PR-06")
def test_an_entry_that_another_process_makes_meanwhile_is_no_contradiction(heads: HeadsFile, tmp_path: Path) -> None:
    entries = chain(2)
    heads.append(entries[0])

    def end() -> Entry:
        # by then the other has made one more, and its head
        HeadsFile(tmp_path / "heads", "oversight-1", sign).append(entries[1])
        return entries[1]

    assert heads.catch_up(end) == ("written", entries[1])
    assert not (tmp_path / "heads" / HIGHEST).exists()


def test_a_line_that_another_process_is_writing_is_not_torn(
    heads: HeadsFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = chain(2)
    path = tmp_path / "heads" / FILE
    for entry in entries:
        heads.append(entry)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    # the other holds the lock until its line is whole
    monkeypatch.setattr(module.fcntl, "flock", lambda *_: path.write_bytes(whole))
    assert caught_up(heads, entries[1]) == "in order"
    assert path.read_bytes() == whole


@pytest.mark.req("PR-06")
@pytest.mark.parametrize("keep", [0, 1, 40])
def test_a_torn_last_line_is_no_head_and_is_made_good(heads: HeadsFile, tmp_path: Path, keep: int) -> None:
    entries = chain(2)
    for entry in entries:
        heads.append(entry)
    path = tmp_path / "heads" / FILE
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:keep])
    assert [head.sequence for head in read(tmp_path / "heads").heads] == [1]
    assert caught_up(heads, entries[1]) == "written"
    lines = read(tmp_path / "heads")
    assert ([head.sequence for head in lines.heads], lines.unreadable) == ([1, 2], 0)


@pytest.mark.parametrize("line", [
    b"{}\n", b"nonsense\n", b"[1]\n", b'{"sequence":"1","hash":"","signed_at":"","kid":"","signature":""}\n',
])  # fmt: skip
def test_a_line_that_is_no_head_is_counted(heads: HeadsFile, tmp_path: Path, line: bytes) -> None:
    heads.append(chain(1)[0])
    with open(tmp_path / "heads" / FILE, "ab") as file:
        file.write(line)
    lines = read(tmp_path / "heads")
    assert (len(lines.heads), lines.unreadable) == (1, 1)


def test_a_head_is_one_json_line(heads: HeadsFile, tmp_path: Path) -> None:
    heads.append(chain(1)[0])
    (line,) = (tmp_path / "heads" / FILE).read_text().splitlines()
    assert set(json.loads(line)) == {"sequence", "hash", "signed_at", "kid", "signature"}


@pytest.mark.req("PR-06")
@pytest.mark.parametrize("block", [7, 300, 64 * 1024])
def test_the_newest_head_is_found_from_the_end_whatever_the_block(
    heads: HeadsFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(module, "_READ_BACK", block)
    entries = chain(40)
    for entry in entries:
        heads.append(entry)
    with open(tmp_path / "heads" / FILE, "ab") as file:
        file.write(b"\n" + b"x" * 1000 + b"\n{}\n")
    assert caught_up(heads, entries[-1]) == "in order"
    assert caught_up(heads, entries[-2]) == "contradicted"


def test_a_long_file_is_not_read_whole(heads: HeadsFile, tmp_path: Path) -> None:
    entries = chain(2)
    heads.append(entries[0])
    path = tmp_path / "heads" / FILE
    line = path.read_bytes()
    heads.append(entries[1])
    end = path.read_bytes()[len(line) :]
    with open(path, "wb") as file:  # a gigabyte, nearly all of it never written
        file.seek(1 << 30)
        file.write(b"\n" + end)
    assert caught_up(heads, entries[1]) == "in order"


@pytest.mark.req("PR-06")
def test_a_contradiction_is_not_forgotten_when_lower_numbers_follow(heads: HeadsFile, tmp_path: Path) -> None:
    entries = chain(5)
    for entry in entries:
        heads.append(entry)
    assert caught_up(heads, entries[1]) == "contradicted"
    other = append(entries[1], {"n": "another"}, "oversight-1", sign)
    heads.append(other)
    assert caught_up(HeadsFile(tmp_path / "heads", "oversight-1", sign), other) == "contradicted"


def test_lines_come_to_the_disk_at_intervals_and_at_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    synced: list[int] = []
    heads = HeadsFile(tmp_path, "oversight-1", sign, fsync=synced.append)
    entries = chain(2 * module.SYNC_ENTRIES + 2)
    heads.append(entries[0])
    assert len(synced) == 1, "after a pause at once"
    for entry in entries[1 : module.SYNC_ENTRIES]:
        heads.append(entry)
    assert len(synced) == 1
    heads.append(entries[module.SYNC_ENTRIES])
    assert len(synced) == 2, "after so many"
    heads.sync()
    assert len(synced) == 2, "nothing is left"
    heads.append(entries[module.SYNC_ENTRIES + 1])
    heads.sync()
    assert len(synced) == 3, "at stop"
    clock[0] += module.SYNC_SECONDS
    heads.append(entries[module.SYNC_ENTRIES + 2])
    assert len(synced) == 4, "after so long"


# --- restores --------------------------------------------------------------------------------------------------------


def statement(kept: Entry, lost_to: int) -> Restoration:
    at = "2026-11-22T10:00:00+00:00"
    return Restoration(kept.sequence, kept.hash, lost_to, "a-backup", at, at, "operator-1", "00")


def test_heads_of_entries_that_a_restore_took_back_are_put_aside(tmp_path: Path):
    made = chain(5)
    file = HeadsFile(tmp_path, "oversight-1", sign)
    for entry in made:
        file.append(entry)
    (tmp_path / HIGHEST).write_text("{}")
    before = read(tmp_path).heads
    take_back(tmp_path, statement(made[2], 5))
    assert len((tmp_path / FILE).read_bytes().splitlines()) == 3
    assert {head.sequence for head in read(tmp_path).heads} == {1, 2, 3, 4, 5}, "nothing that was signed is thrown away"
    assert sorted(read(tmp_path).heads, key=lambda head: head.sequence) == before
    assert restorations(tmp_path) == ([statement(made[2], 5)], [])
    # the room goes on from the restored end as if nothing had been there
    assert caught_up(HeadsFile(tmp_path, "oversight-1", sign), made[2]) == "in order"
    take_back(tmp_path, statement(made[2], 5))
    assert len((tmp_path / FILE).read_bytes().splitlines()) == 3


@pytest.mark.parametrize("content", ['{"sequence": "three"}', "[]", "{", "[" * 100_000])
def test_a_statement_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path: Path, content: str):
    take_back(tmp_path, statement(chain(3)[2], 5))
    (tmp_path / "restored-1.json").write_text(content)
    found, strange = restorations(tmp_path)
    assert (len(found), strange) == (1, ["restored-1.json"])
