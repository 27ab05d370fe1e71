"""Who tells and who listens agree; events carry no person; old events stay readable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from marshmallow import Schema, fields

from deploy.contracts import rooms
from services.common import envelope, queues
from services.oversight import schemas as oversight

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "contracts" / "examples").glob("*.json"))
ROOMS = rooms.load()
TOLD = rooms.teller_of(ROOMS)
LISTENERS = [listener for room in ROOMS for listener in room.listens if listener.event != "*"]

#: Oversight reads these inside its one handler of all events.
READ_BY_OVERSIGHT: dict[str, type[Schema]] = {
    "dossier.filed": oversight.FiledSeen,
    "dossier.guided": oversight.SlipSeen,
    "dossier.accepted": oversight.AcceptedSeen,
    "dossier.refused": oversight.AnsweredSeen,
    "dossier.withdrawn": oversight.AnsweredSeen,
    "dossier.amended": oversight.AmendedSeen,
    "dossier.returned": oversight.OnlyCode,
    "supplement.requested": oversight.SlipSeen,
    "result.ready": oversight.OnlyCode,
    "case.stopped": oversight.OnlyCode,
    "file.checked": oversight.CheckedSeen,
}
CONSUMERS = [(f"{x.room}:{x.event}", x.event, x.schema) for x in LISTENERS] + [
    (f"oversight:{event}", event, schema) for event, schema in READ_BY_OVERSIGHT.items()
]

#: Names that a person's data would have. An event has ids, codes and hashes.
PERSONAL = {
    "full_name", "phone", "id_number", "birth_date", "address", "receiver", "email", "password", "otp", "token",
    "personal_number", "issue_date", "id_card", "gender", "signer", "filename", "text", "note", "officer_name",
}  # fmt: skip

#: Optional fields that no event of the reader has: "room:schema" -> paths. Each with what the room does without.
UNTOLD: dict[str, set[str]] = {
    "notifier:LateSeen": {"owner"},  # lateness is told to the unit; where an owner is needed intake is asked
    "oversight:AmendedSeen": {"calendar"},  # the calendar that the dossier was filed under goes on
}


def label(row: Any) -> str:
    return str(row[0])


@pytest.mark.parametrize("event", sorted(TOLD))
def test_the_broker_lets_its_room_tell_the_event(event: str):
    """Else the relay of the whole room stands still at the first one."""
    assert queues.teller_of(event) == TOLD[event].name


def test_oversights_reactions_are_those_that_are_read_here():
    reacts = next(room for room in ROOMS if room.name == "oversight").reacts
    assert set(READ_BY_OVERSIGHT) == set(reacts)


@pytest.mark.parametrize("row", CONSUMERS, ids=label)
def test_somebody_tells_what_a_room_listens_to(row):
    assert row[1] in TOLD


@pytest.mark.parametrize("row", CONSUMERS, ids=label)
def test_what_a_listener_reads_is_what_the_teller_tells(row):
    """Every field, of the same kind; what is needed is always told; what may be null may be read as null."""
    _, event, schema = row
    assert differences(schema(), TOLD[event].tells[event](), event) == []


def differences(reader: Schema, teller: Schema, path: str) -> list[str]:
    told = {field.data_key or name: field for name, field in teller.fields.items()}
    found = []
    for name, field in reader.fields.items():
        key = field.data_key or name
        here = f"{path}.{key}"
        if key not in told:
            # optional fields may be of another event that the same schema reads
            found += [f"{here}: not told"] if field.required else []
            continue
        other = told[key]
        if field.required and not other.required:
            found.append(f"{here}: needed, but not always told")
        if other.allow_none and not field.allow_none:
            found.append(f"{here}: may be told as null, not read as null")
        found += kinds(field, other, here)
    return found


READERS = sorted(
    {(room.partition(":")[0], schema) for room, _, schema in CONSUMERS}, key=lambda x: (x[0], x[1].__name__)
)


@pytest.mark.parametrize("row", READERS, ids=lambda row: f"{row[0]}:{row[1].__name__}")
def test_no_room_reads_a_field_that_nobody_tells(row):
    """One schema may read several events: each of its fields is told by one of them."""
    name, schema = row
    events = [event for room, event, read in CONSUMERS if read is schema and room.startswith(f"{name}:")]
    told: set[str] = set()
    for event in events:
        told |= paths(TOLD[event].tells[event]())
    assert paths(schema()) - told - UNTOLD.get(f"{name}:{schema.__name__}", set()) == set()


def paths(schema: Schema, prefix: str = "") -> set[str]:
    found = set()
    for name, field in schema.fields.items():
        path = f"{prefix}{field.data_key or name}"
        inner = field.inner if isinstance(field, fields.List) else field
        found.add(path)
        if isinstance(inner, fields.Nested):
            found |= paths(inner.schema, path + ".")
    return found


def kinds(reader: fields.Field, teller: fields.Field, path: str) -> list[str]:
    if type(reader) is fields.Raw:
        return []
    if isinstance(reader, fields.List) and isinstance(teller, fields.List):
        return kinds(reader.inner, teller.inner, path + "[]")
    if isinstance(reader, fields.Nested) and isinstance(teller, fields.Nested):
        return differences(reader.schema, teller.schema, path)
    if isinstance(reader, fields.Dict) and isinstance(teller, (fields.Nested, fields.Dict)):
        return []
    plain = (fields.String, fields.Integer, fields.Float, fields.Boolean, fields.AwareDateTime)
    same = [kind for kind in plain if isinstance(reader, kind) and isinstance(teller, kind)]
    return [] if same else [f"{path}: {type(teller).__name__} told, {type(reader).__name__} read"]


@pytest.mark.parametrize("event", sorted(TOLD))
def test_events_carry_no_field_that_is_called_like_a_persons_data(event):
    assert names_in(TOLD[event].tells[event]()) & PERSONAL == set()


def names_in(schema: Schema) -> set[str]:
    found = set()
    for name, field in schema.fields.items():
        inner = field.inner if isinstance(field, fields.List) else field
        found.add(field.data_key or name)
        if isinstance(inner, fields.Nested):
            found |= names_in(inner.schema)
    return found


#: Strings of events are ids, words of fixed lists, hashes and codes. Another name is another look at what it holds.
IDS = {
    "certificate_id",
    "account_id", "case_id", "code", "component", "components", "file_id", "filer", "former_person_id", "holding_id",
    "id", "item", "notice_id", "officer", "order_id", "owner", "person_id", "procedure", "report_id", "slip_id", "step",
    "next", "unit", "desk", "centre", "decided_by", "post_office", "waybill", "receipt_no",
    "unit_tax_number", "replaced",
}  # fmt: skip
WORDS = {
    "act", "change", "channel", "clock_policy", "filed_as", "ground", "grounds", "kind", "media_type", "method", "mode",
    "moment", "on", "outcome", "pickup", "purpose", "recognition_rule", "response_code", "role", "rules_on", "stage",
    "signing", "sub_indication", "verdict",
}  # fmt: skip
HASHES = {"file_sha256", "reason_hash", "sha256", "submission_sha256", "text_hash"}
#: Published texts of the catalogue, the same for everybody.
PUBLISHED = {
    "case.opened.steps.name", "dossier.accepted.workflow.steps.name", "dossier.accepted.workflow.steps.name_en",
    *(f"{event}.items.{name}" for event in ("dossier.accepted.fee", "dossier.filed.fee", "payment.ordered")
      for name in ("name_vi", "name_en")),
}  # fmt: skip

#: A word of identity's own; what was typed beside it stays sealed in that room.
REASONS = {
    f"account.{name}.reason"
    for name in ("locked", "unlocked", "suspended", "resumed", "cancelled", "blocked", "unblocked")
}


@pytest.mark.req("X-26")
@pytest.mark.parametrize("event", sorted(TOLD))
def test_events_carry_no_free_text(event):
    """What somebody typed may name anybody: it stays in the room, an event has its hash at most."""
    open_ended = set(strings(TOLD[event].tells[event](), event)) - PUBLISHED - REASONS
    assert {path for path in open_ended if path.rpartition(".")[2] not in IDS | WORDS | HASHES} == set()


def strings(schema: Schema, prefix: str) -> list[str]:
    """Paths of fields that could hold a text."""
    found = []
    for name, field in schema.fields.items():
        inner: Any = field
        while isinstance(inner, fields.List):
            inner = inner.inner
        path = f"{prefix}.{field.data_key or name}"
        if isinstance(inner, fields.Nested):
            found += strings(inner.schema, path)
        elif not isinstance(inner, (fields.Number, fields.Boolean, fields.DateTime)):
            found.append(path)
    return found


def test_what_a_result_was_called_stays_at_home():
    returned = TOLD["dossier.returned"].tells["dossier.returned"]()
    assert [path for path in strings(returned, "") if path.startswith(".result.")] == [
        ".result.file_id", ".result.sha256", ".result.report_id",
    ]  # fmt: skip


def test_every_event_of_a_dossier_says_which():
    """What is told about a dossier can be found under its code."""
    about_none = ("account.", "unit.", "activity.", "eid.", "file.", "owndata.", "session.", "support.")
    for event, room in TOLD.items():
        assert ("code" in room.tells[event]().fields) == (not event.startswith(about_none)), event


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_a_stored_event_is_still_read_by_everybody(path: Path):
    body = path.read_bytes()
    event = envelope.decode(body)
    assert f"{event.name}.v{event.version}.json" == path.name
    assert event.room == TOLD[event.name].name
    readers = [schema for _, name, schema in CONSUMERS if name == event.name]
    for schema in (*readers, TOLD[event.name].tells[event.name]):
        schema().load(event.data)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_a_newer_event_with_more_fields_is_still_read(path: Path):
    document = json.loads(path.read_text())
    document["data"]["a_field_of_tomorrow"] = {"x": 1}
    document["an_attribute_of_tomorrow"] = "y"
    event = envelope.decode(json.dumps(document).encode())
    for _, name, schema in CONSUMERS:
        if name == event.name:
            schema().load(event.data)
