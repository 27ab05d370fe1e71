"""The event ledger: python -m deploy.operate.ledger verify | figures

verify   reads the whole ledger from oversight's database and the signed heads from outside it, and says in plain words
         what was changed, deleted, put in another order, cut off or rewritten, which events claim the same number of
         one aggregate, and which events that the rooms told have no entry. Exit status 0 only when there is nothing.
figures  counts oversight's figures from the ledger alone and compares them with those of its documents.

The system must run (./motcua up): events that were told a moment ago are waited for. Without ./motcua it takes the
settings MOTCUA_MONGO_URL_ADMIN, MOTCUA_LEDGER_HEADS, MOTCUA_PUBLIC_KEYS.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pymongo
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from services.common import wire
from services.oversight import figures
from services.oversight.heads import read, restorations
from services.oversight.ledger import Entry, Fault, Finding, Report, verify

ROOM = "oversight"
#: How long an event that was told may be on its way to the ledger.
ENTERED_WITHIN = 10.0
_BATCH = 1000
_SHOWN = 5
#: A head is written right after its entry's commit; an end that stays without one for longer was not written by us.
ANCHOR_WITHIN = 5.0

_WORDS: dict[Fault, tuple[str, str]] = {
    Fault.CHANGED: ("nội dung đã bị sửa", "was changed"),
    Fault.FORGED: (
        "không do hệ thống ghi (dấu niêm không hợp lệ)",
        "was not entered by oversight: its seal is not valid",
    ),
    Fault.MISSING: ("đã bị xóa", "was deleted"),
    Fault.REORDERED: ("đã bị đổi thứ tự", "was put in another place (reordered)"),
    Fault.DUPLICATE: ("xuất hiện hai lần", "stands there twice"),
    Fault.BROKEN_LINK: ("không nối tiếp mục trước", "does not continue the entry before it"),
    Fault.REWRITTEN: (
        "đã bị viết lại (mã băm được tính lại, trái với chữ ký lưu ngoài cơ sở dữ liệu)",
        "was rewritten: its hash was recomputed and contradicts the signed head kept outside the database",
    ),
    Fault.CUT_OFF: ("ở cuối nhật ký đã bị cắt bỏ", "at the end is cut off: a signed head knows it"),
    Fault.BAD_HEAD: ("có đầu chuỗi với chữ ký không hợp lệ", "has a head whose signature is not valid"),
    Fault.BAD_RESTORATION: (
        "được nói là khôi phục tới đây, nhưng lời khai không có chữ ký hợp lệ của người vận hành",
        "is named as the end of a restored ledger by a statement that the operator did not sign",
    ),
    Fault.UNANCHORED: ("không có đầu chuỗi nào được ký", "is covered by no valid signed head at all"),
}


class Keys:
    """Public keys by key id: only oversight's own may sign heads, only the operator's a statement about a restore."""

    def __init__(self, directory: Path, owner: str = ROOM) -> None:
        self._keys: dict[str, Ed25519PublicKey] = {}
        self.directory = directory
        for path in directory.glob(f"{owner}-*.pem"):
            key = load_pem_public_key(path.read_bytes())
            if isinstance(key, Ed25519PublicKey):
                self._keys[path.stem] = key

    def check(self, kid: str, message: bytes, signature: bytes) -> bool:
        """Whether it is the owner's signature."""
        key = self._keys.get(kid)
        if key is None:
            return False
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def entries(database: Any) -> Iterator[Entry]:
    """The ledger in stored order."""
    for row in database["ledger"].find({}, sort=[("_id", pymongo.ASCENDING)]):
        yield _entry(row)


def _entry(row: dict[str, Any]) -> Entry:
    """A stored row; what an editor removed from it reads as something that cannot be right."""
    body = row.get("body")
    sequence = row.get("sequence")
    return Entry(
        sequence if type(sequence) is int else 0,
        str(row.get("previous")),
        body if isinstance(body, dict) else {"": None},
        str(row.get("hash")),
        str(row.get("kid")),
        str(row.get("seal")),
    )


def examine(database: Any, heads_directory: Path, keys: Keys) -> tuple[Report, list[str]]:
    """The report, and in plain words what of the heads' folder could not be read."""
    limit = time.monotonic() + ANCHOR_WITHIN
    while True:
        lines = read(heads_directory)  # before the entries: a head is never older than its entry
        operator = Keys(keys.directory, "operator")
        stated, strange = restorations(heads_directory)
        report = verify(entries(database), lines.heads, keys.check, stated, operator.check)
        at_rest = report.anchored == report.last_sequence or not report.ok
        if at_rest or time.monotonic() > limit:
            return report, _unreadable(lines.unreadable, strange)
        time.sleep(0.5)


def _unreadable(lines: int, statements: list[str]) -> list[str]:
    found = []
    if lines:
        found.append(
            f"  {lines} dòng trong tệp đầu chuỗi không đọc được / {lines} lines of the heads' file are unreadable"
        )
    for name in statements:
        found.append(f"  {name} không phải lời khai về khôi phục / {name} is no statement about a restore")
    return found


def not_entered(client: Any, database: Any) -> list[str]:
    """Ids of events that a room has told and that have no entry; looked at again while they may be on their way."""
    limit = time.monotonic() + ENTERED_WITHIN
    now = datetime.now(UTC)
    missing = [event for room in wire.ROOMS for event in _without_entry(database, _told(client[room], now))]
    while missing and time.monotonic() < limit:
        time.sleep(0.5)
        missing = list(_without_entry(database, missing))
    return missing


def _told(database: Any, until: datetime) -> Iterator[str]:
    for row in database["told"].find({"told_at": {"$lte": until}}, {"_id": 1}):
        yield str(row["_id"])


def _without_entry(database: Any, events: Iterable[str]) -> Iterator[str]:
    rest = iter(events)
    while batch := list(islice(rest, _BATCH)):
        rows = database["ledger"].find({"body.id": {"$in": batch}}, {"_id": 0, "body.id": 1})
        known = {row["body"]["id"] for row in rows}
        yield from (event for event in batch if event not in known)


def contested(database: Any) -> Iterator[tuple[str, list[int]]]:
    """Places in an aggregate's order that more than one event has: what it is, and the entries that claim it.

    A room counts its own events, so two with one number are a room's fault or somebody else's word in its name.
    """
    place = {"source": "$body.source", "aggregate": "$body.aggregate_id", "sequence": "$body.sequence"}
    stages: list[dict[str, Any]] = [
        {"$group": {"_id": place, "entries": {"$push": "$_id"}, "ids": {"$addToSet": "$body.id"}}},
        {"$match": {"ids.1": {"$exists": True}}},
        {"$sort": {"entries": 1}},
    ]
    for row in database["ledger"].aggregate(stages, allowDiskUse=True):
        at = row["_id"]
        yield f"{at.get('source')} {at.get('aggregate')} {at.get('sequence')}", sorted(row["entries"])


def told_of_restores(report: Report) -> list[str]:
    """What the operator stated about restores, in plain words: it is never passed over."""
    said = []
    for stated, heads in zip(report.restorations, report.lost_heads, strict=True):
        first, last = stated.sequence + 1, stated.lost_to
        vi, en = "không đầu chuỗi nào ở đây biết mục về sau", "no signed head here knows a later entry"
        if last >= first:
            vi = f"mất mục {first}–{last} ({heads} đầu chuỗi đã ký còn biết), các số đó nay thuộc sự kiện khác"
            en = f"entries {first}–{last} were lost ({heads} signed heads know them), others bear their numbers now"
        said.append(
            f"  ĐÃ KHÔI PHỤC tới mục {stated.sequence} lúc {stated.declared_at}: {vi}\n"
            f"  RESTORED to entry {stated.sequence} from the backup {stated.backup} of {stated.taken_at}: {en}"
        )
    return said


def sentence(finding: Finding) -> str:
    """One finding in plain words."""
    where = str(finding.sequence) if finding.sequence == finding.until else f"{finding.sequence}–{finding.until}"
    vi, en = _WORDS[finding.fault]
    return f"  mục {where} {vi} / entry {where} {en}"


def run_verify(database: Any, heads_directory: Path, keys: Keys, client: Any = None) -> int:
    """Prints the findings; 0 when there are none.

    `client` reads the databases of all rooms, to see that every event that was told has its entry; without it only
    what the ledger says of itself is judged.
    """
    report, unreadable = examine(database, heads_directory, keys)
    found = [*(sentence(finding) for finding in report.findings), *unreadable]
    if report.ok and report.anchored < report.last_sequence:
        first = report.anchored + 1
        found.append(
            f"  mục {first}–{report.last_sequence} chưa có đầu chuỗi được ký / "
            f"entries {first}–{report.last_sequence} carry no signed head: they were not written by oversight, "
            "or it was killed in between and has not started again"
        )
    print(
        f"{report.entries} mục, {report.heads} đầu chuỗi đã ký / "
        f"{report.entries} entries, {report.heads} signed heads; "
        f"cuối / end: {report.last_sequence} {report.last_hash[:16]}"
    )
    for line in told_of_restores(report):
        print(line)
    if found:
        print("NHẬT KÝ ĐÃ BỊ CAN THIỆP / THE LEDGER IS NOT INTACT")
        print("\n".join(found))
        return 1
    rivals = list(contested(database))
    if rivals:
        print("NHẬT KÝ CÓ SỰ KIỆN TRANH CHỖ / EVENTS CLAIM ONE PLACE")
        for where, numbers in rivals[:_SHOWN]:
            among = ", ".join(map(str, numbers))
            print(f"  mục {among} cùng số thứ tự / entries {among} bear the same number: {where}")
        if len(rivals) > _SHOWN:
            print(f"  … {len(rivals)} chỗ / {len(rivals)} places in all")
        return 1
    lacking = not_entered(client, database) if client is not None else []
    if lacking:
        print("NHẬT KÝ CHƯA ĐẦY ĐỦ / THE LEDGER IS NOT COMPLETE")
        print(
            f"  {len(lacking)} sự kiện đã phát chưa có trong nhật ký / "
            f"{len(lacking)} events that were told have no entry (yet): {', '.join(lacking[:_SHOWN])}"
        )
        return 1
    if any(stated.lost_to > stated.sequence for stated in report.restorations):
        print("Nhật ký nguyên vẹn, trừ phần đã mất khi khôi phục nêu trên")
        print("The ledger is intact, but for what the restores above lost")
        return 0
    print("Nhật ký nguyên vẹn / The ledger is intact")
    return 0


def _counted(database: Any) -> list[tuple[dict[str, int], Any]]:
    """Figures, in total and by unit, counted from the ledger alone, and from oversight's documents."""
    as_of = datetime.now(UTC)
    row = database["kernel"].find_one({"_id": "clock"})
    if row is not None:
        as_of = datetime.fromtimestamp(as_of.timestamp() + float(row["offset"]), UTC)
    bodies = (entry.body for entry in entries(database))
    told = figures.from_facts(figures.facts_of_ledger(bodies), as_of)
    slips: dict[str, list[dict[str, Any]]] = {}
    for review in database["reviews"].find({}):
        slips.setdefault(review["code"], []).append(review)
    documents = (figures.facts_of_document(row, slips.get(row["code"], [])) for row in database["dossiers"].find({}))
    return [told, figures.from_facts(documents, as_of)]


def figures_agree(database: Any) -> bool:
    """Whether the events say the same as the documents, to the last digit."""
    told, kept = _counted(database)
    return told == kept


def run_figures(database: Any) -> int:
    """Prints the figures counted from the ledger; 0 when the documents give the same."""
    (told, told_units), (kept, kept_units) = _counted(database)
    width = max(len(name) for name in figures.NAMES)
    for name in figures.NAMES:
        mark = "" if told[name] == kept[name] else f"   tài liệu / documents: {kept[name]}"
        print(f"{name:{width}} {told[name]:8}{mark}")
    if told == kept and told_units == kept_units:
        print("Khớp từng con số / The documents agree to the last digit")
        return 0
    print("SỐ LIỆU KHÔNG KHỚP / THE FIGURES DIFFER")
    return 1


def main(arguments: list[str] | None = None) -> int:
    """Runs one command."""
    parser = argparse.ArgumentParser(
        prog="motcua ledger", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["verify", "figures"])
    given = parser.parse_args(arguments)
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
        os.environ["MOTCUA_MONGO_URL_ADMIN"], tz_aware=True, serverSelectionTimeoutMS=5_000
    )
    try:
        database = client[ROOM]
        if given.command == "figures":
            return run_figures(database)
        return run_verify(
            database,
            Path(os.environ["MOTCUA_LEDGER_HEADS"]),
            Keys(Path(os.environ["MOTCUA_PUBLIC_KEYS"])),
            client,
        )
    except pymongo.errors.PyMongoError as exc:
        print(f"Không đọc được cơ sở dữ liệu / the database cannot be read: {type(exc).__name__}", file=sys.stderr)
        return 2
    finally:
        client.close()


if __name__ == "__main__":
    sys.exit(main())
