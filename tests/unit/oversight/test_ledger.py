import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.oversight.ledger import (
    GENESIS,
    Entry,
    Fault,
    Finding,
    Head,
    Report,
    Restoration,
    append,
    canonical,
    entry_hash,
    sign_head,
    verify,
)

NOW = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
SECRET = b"the key that the editor of the database does not hold"


def sign(message: bytes) -> bytes:
    return hmac.digest(SECRET, message, "sha256")


def check(kid: str, message: bytes, signature: bytes) -> bool:
    return kid == "oversight-1" and hmac.compare_digest(signature, sign(message))


def ledger(size: int) -> list[Entry]:
    entries: list[Entry] = []
    for number in range(size):
        body = {"type": "vn.motcua.dossier.filed.v1", "subject": f"H57-240311-{number + 1:04}", "số": number}
        entries.append(append(entries[-1] if entries else None, body, "oversight-1", sign))
    return entries


def head(entry: Entry) -> Head:
    return sign_head(entry, NOW, "oversight-1", sign)


def recomputed(bodies: list[Any], genuine: list[Entry]) -> list[Entry]:
    """What an editor makes who knows the algorithm but holds no key: genuine seals stay where the hash is the same."""
    seals = {entry.hash: entry.seal for entry in genuine}
    entries: list[Entry] = []
    for body in bodies:
        made = append(entries[-1] if entries else None, body, "oversight-1", lambda _: b"invented")
        entries.append(replace(made, seal=seals.get(made.hash, made.seal)))
    return entries


def found(report: Report) -> list[tuple[Fault, int, int]]:
    return [(finding.fault, finding.sequence, finding.until) for finding in report.findings]


@pytest.mark.req("PR-06")
def test_an_untouched_ledger_verifies() -> None:
    entries = ledger(20)
    report = verify(entries, [head(entries[4]), head(entries[19])], check)
    assert report.ok and (report.entries, report.heads, report.last_sequence, report.anchored) == (20, 2, 20, 20)
    assert report.last_hash == entries[-1].hash


def test_entries_after_the_last_head_are_said_to_be_unanchored_yet() -> None:
    entries = ledger(20)
    report = verify(entries, [head(entries[9])], check)
    assert report.ok and report.anchored == 10


def test_an_empty_ledger_is_in_order() -> None:
    assert verify([], [], check).ok


@pytest.mark.req("PR-06")
def test_a_changed_entry() -> None:
    entries = ledger(10)
    heads = [head(entries[9])]
    entries[4] = replace(entries[4], body={**entries[4].body, "subject": "H57-240311-9999"})
    assert found(verify(entries, heads, check)) == [(Fault.CHANGED, 5, 5)]


@pytest.mark.req("PR-06")
def test_a_changed_entry_with_its_own_hash_recomputed() -> None:
    entries = ledger(10)
    heads = [head(entries[9])]
    body = {**entries[4].body, "subject": "H57-240311-9999"}
    entries[4] = replace(entries[4], body=body, hash=entry_hash(5, entries[4].previous, body))
    assert found(verify(entries, heads, check)) == [(Fault.FORGED, 5, 5), (Fault.BROKEN_LINK, 6, 6)]


@pytest.mark.req("PR-06")
def test_an_invented_entry_onto_which_genuine_ones_follow() -> None:
    entries = ledger(5)
    invented = recomputed([*(entry.body for entry in entries), {"type": "invented"}], entries)
    for number in range(3):  # the room goes on, unaware, and signs its heads over it
        invented.append(append(invented[-1], {"type": "genuine", "number": number}, "oversight-1", sign))
    report = verify(invented, [head(entries[4]), *(head(entry) for entry in invented[6:])], check)
    assert found(report) == [(Fault.FORGED, 6, 6)]


@pytest.mark.req("PR-06")
@pytest.mark.parametrize(("deleted", "missing"), [(slice(4, 5), (5, 5)), (slice(0, 1), (1, 1)), (slice(2, 8), (3, 8))])
def test_deleted_entries(deleted: slice, missing: tuple[int, int]) -> None:
    entries = ledger(10)
    heads = [head(entries[9])]
    del entries[deleted]
    assert found(verify(entries, heads, check)) == [(Fault.MISSING, *missing)]


@pytest.mark.req("PR-06")
def test_reordered_entries() -> None:
    entries = ledger(10)
    heads = [head(entries[9])]
    entries[3], entries[6] = entries[6], entries[3]
    report = verify(entries, heads, check)
    assert (Fault.REORDERED, 4, 4) in found(report) and not any(f.fault is Fault.MISSING for f in report.findings)


@pytest.mark.req("PR-06")
def test_entries_whose_numbers_were_swapped() -> None:
    entries = ledger(10)
    heads = [head(entries[9])]
    entries[3], entries[6] = replace(entries[6], sequence=4), replace(entries[3], sequence=7)
    assert {(Fault.CHANGED, 4, 4), (Fault.CHANGED, 7, 7)} <= set(found(verify(entries, heads, check)))


def test_an_entry_stored_twice() -> None:
    entries = ledger(5)
    heads = [head(entries[4])]
    assert found(verify([*entries, entries[2]], heads, check)) == [(Fault.DUPLICATE, 3, 3)]


@pytest.mark.req("PR-06")
def test_a_cut_off_tail() -> None:
    entries = ledger(10)
    assert found(verify(entries[:7], [head(entries[9])], check)) == [(Fault.CUT_OFF, 8, 10)]
    assert found(verify([], [head(entries[9])], check)) == [(Fault.CUT_OFF, 1, 10)]


@pytest.mark.req("PR-06")
@pytest.mark.parametrize("edit", ["change", "delete", "reorder", "insert"])
def test_a_rewrite_with_every_hash_recomputed(edit: str) -> None:
    entries = ledger(10)
    heads = [head(entries[2]), head(entries[9])]
    bodies = [dict(entry.body) for entry in entries]
    if edit == "change":
        bodies[5]["subject"] = "H57-240311-9999"
    elif edit == "delete":
        bodies[5:6] = []
        bodies.append({"type": "filler"})
    elif edit == "reorder":
        bodies[5], bodies[6] = bodies[6], bodies[5]
    else:
        bodies.insert(5, {"type": "invented"})
    report = found(verify(recomputed(bodies, entries), heads, check))
    assert (Fault.REWRITTEN, 10, 10) in report
    forged = {number for fault, number, _ in report if fault is Fault.FORGED}
    assert forged == set(range(6, 12 if edit == "insert" else 11))


@pytest.mark.req("PR-06")
def test_a_recomputed_rewrite_that_is_also_shorter() -> None:
    entries = ledger(10)
    bodies = [entry.body for entry in entries]
    del bodies[5]
    report = found(verify(recomputed(bodies, entries), [head(entries[9])], check))
    assert (Fault.CUT_OFF, 10, 10) in report and (Fault.FORGED, 6, 6) in report


@pytest.mark.parametrize(
    "forge",
    [
        lambda h: replace(h, hash=GENESIS),
        lambda h: replace(h, sequence=h.sequence - 1),
        lambda h: replace(h, signed_at="2024-03-12T00:00:00+00:00"),
        lambda h: replace(h, kid="intake-1"),
        lambda h: replace(h, signature=""),
        lambda h: replace(h, signature="not hex"),
    ],
)
def test_a_forged_head_is_no_anchor(forge: Callable[[Head], Head]) -> None:
    entries = ledger(5)
    forged = forge(head(entries[4]))
    report = verify(entries, [forged], check)
    assert [f.fault for f in report.findings if f.sequence == forged.sequence][-1:] == [Fault.BAD_HEAD]
    assert Finding(Fault.UNANCHORED, 1, 5) in report.findings


def test_a_ledger_without_any_head_does_not_verify() -> None:
    assert found(verify(ledger(3), [], check)) == [(Fault.UNANCHORED, 1, 3)]


def test_two_heads_that_contradict_each_other_show_a_rewrite() -> None:
    entries = ledger(3)
    other = recomputed([{"type": "other"}, {"type": "other"}, {"type": "other"}], entries)
    report = verify(entries, [head(entries[2]), head(other[2])], check)
    assert found(report) == [(Fault.REWRITTEN, 3, 3)]


def test_a_body_that_could_never_have_been_recorded_is_a_change() -> None:
    entries = ledger(3)
    heads = [head(entries[2])]
    entries[1] = replace(entries[1], body={"amount": 1.5})
    assert found(verify(entries, heads, check)) == [(Fault.CHANGED, 2, 2)]


def test_entries_and_heads_survive_storage() -> None:
    entries = ledger(3)
    stored = json.loads(json.dumps([{**entry.to_dict(), "_id": "x"} for entry in entries]))
    heads = [Head.from_dict(json.loads(json.dumps(head(entries[2]).to_dict())))]
    assert verify([Entry.from_dict(entry) for entry in stored], heads, check).ok


def test_the_hash_is_one_that_others_can_recompute() -> None:
    (entry,) = ledger(1)
    text = (
        '{"body":{"subject":"H57-240311-0001","số":0,"type":"vn.motcua.dossier.filed.v1"},"previous":"%s","sequence":1}'
    )
    expected = hashlib.sha256(b"motcua ledger entry v1\n" + (text % GENESIS).encode()).hexdigest()
    assert entry.hash == expected


@pytest.mark.parametrize("value", [1.5, float("nan"), {1: "a"}, {"a": [b"x"]}, {"a": NOW}, ("a",)])
def test_what_has_no_safe_spelling_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="ledger keeps"):
        canonical(value)


def test_a_head_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        sign_head(ledger(1)[0], datetime(2024, 3, 11), "oversight-1", sign)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
bodies = st.lists(st.dictionaries(st.text(max_size=5), values, max_size=3), min_size=2, max_size=12)


@given(values, values)
def test_one_spelling_per_value(one: Any, other: Any) -> None:
    assert json.loads(canonical(one)) == one
    same_text = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (canonical(one) == canonical(other)) == same_text


@given(bodies=bodies, data=st.data())
def test_any_single_edit_before_a_head_is_found(bodies: list[dict[str, Any]], data: st.DataObject) -> None:
    entries: list[Entry] = []
    for body in bodies:
        entries.append(append(entries[-1] if entries else None, body, "oversight-1", sign))
    heads = [head(entries[-1])]
    assert verify(entries, heads, check).ok
    place = data.draw(st.integers(0, len(entries) - 1))
    edit = data.draw(st.sampled_from(["change", "delete", "swap", "cut", "recompute"]))
    if edit == "change":
        entries[place] = replace(entries[place], body={**entries[place].body, "forged": 1})
    elif edit == "delete":
        del entries[place]
    elif edit == "swap":
        other = data.draw(st.integers(0, len(entries) - 1).filter(lambda number: number != place))
        entries[place], entries[other] = entries[other], entries[place]
    elif edit == "cut":
        del entries[place:]
    else:
        entries = recomputed([{**b, "forged": 1} if n == place else b for n, b in enumerate(bodies)], entries)
    assert not verify(entries, heads, check).ok


# --- restores --------------------------------------------------------------------------------------------------------

OPERATOR = b"the operator's key"


def check_operator(kid: str, message: bytes, signature: bytes) -> bool:
    return kid == "operator-1" and hmac.compare_digest(signature, hmac.digest(OPERATOR, message, "sha256"))


def stated(kept: Entry | None, lost_to: int, hours: float, key: bytes = OPERATOR) -> Restoration:
    at = (NOW + timedelta(hours=hours)).isoformat()
    sequence, hash = (kept.sequence, kept.hash) if kept else (0, GENESIS)
    bare = Restoration(sequence, hash, lost_to, "a-backup", NOW.isoformat(), at, "operator-1")
    return replace(bare, signature=hmac.digest(key, bare.message(), "sha256").hex())


def later(entry: Entry, hours: float) -> Head:
    return sign_head(entry, NOW + timedelta(hours=hours), "oversight-1", sign)


def other_history(kept: list[Entry], size: int) -> list[Entry]:
    entries = list(kept)
    for number in range(size):
        entries.append(append(entries[-1], {"subject": f"after the restore {number}"}, "oversight-1", sign))
    return entries


def test_a_stated_restore_excuses_the_heads_that_it_took_back():
    before = ledger(6)
    now = other_history(before[:3], 2)
    heads = [*map(head, before), *(later(entry, 2) for entry in now[3:])]
    restoration = stated(before[2], 6, hours=1)
    report = verify(now, heads, check, [restoration], check_operator)
    assert report.ok and report.anchored == 5
    assert (report.restorations, report.lost_heads) == ([restoration], [3])
    # without the statement the same ledger is a rewritten one
    faults = {finding.fault for finding in verify(now, heads, check).findings}
    assert faults == {Fault.REWRITTEN, Fault.CUT_OFF}


def test_a_restore_is_stated_by_the_operator_alone():
    before = ledger(6)
    forged = stated(before[2], 6, hours=1, key=SECRET)
    for told in (forged, replace(stated(before[2], 6, hours=1), sequence=2)):
        report = verify(before[:3], map(head, before), check, [told], check_operator)
        assert {finding.fault for finding in report.findings} == {Fault.BAD_RESTORATION, Fault.CUT_OFF}
        assert report.restorations == []


def test_a_restore_excuses_nothing_that_is_done_afterwards():
    before = ledger(6)
    now = other_history(before[:3], 4)
    heads = [*map(head, before), *(later(entry, 2) for entry in now[3:])]
    restoration = stated(before[2], 6, hours=1)

    def found(entries: list[Entry]) -> set[Fault]:
        return {each.fault for each in verify(entries, heads, check, [restoration], check_operator).findings}

    assert found(now) == set()
    assert found(now[:5]) == {Fault.CUT_OFF}, "the end of the new history is cut off"
    assert found(now[:2]) == {Fault.CUT_OFF}, "and so is what the restore had kept"
    assert Fault.REWRITTEN in found(other_history(before[:2], 5)), "the restored part was rewritten"


def test_the_restored_part_must_be_what_the_statement_says():
    before = ledger(4)
    other = other_history(before[:1], 2)
    report = verify(other, [later(other[-1], 2)], check, [stated(before[2], 4, hours=1)], check_operator)
    assert Finding(Fault.REWRITTEN, 3, 3) in report.findings


def test_of_two_restores_the_second_may_go_back_further():
    first = ledger(6)
    second = other_history(first[:4], 2)
    third = other_history(second[:2], 1)
    heads = [*map(head, first), *(later(e, 2) for e in second[4:]), *(later(e, 4) for e in third[2:])]
    told = [stated(second[1], 6, hours=3), stated(first[3], 6, hours=1)]
    report = verify(third, heads, check, told, check_operator)
    assert report.ok and report.lost_heads == [2, 4], "each head is counted where it was lost first"


def test_a_restore_of_a_ledger_without_entries_can_be_stated():
    report = verify([], map(head, ledger(2)), check, [stated(None, 2, hours=1)], check_operator)
    assert report.ok and report.lost_heads == [2]
