"""One stored event of each type and version, as it was told when the type was new.

They are written once and then kept: a later program must still read them (tests/contract). A changed schema does not
change a stored example; a breaking change needs a new version of the type, with an example of its own.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from marshmallow import Schema, fields, validate

from deploy.contracts.rooms import Room, teller_of
from services.common.envelope import Event

_MOMENT = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
_CODE = "000.05.07.H57-240311-0001"
#: values where the name says more than the type
_BY_NAME: dict[str, Any] = {
    "code": _CODE,
    "unit": "000.05.07.H57",
    "desk": "000.05.07.H57",
    "centre": "000.00.07.H57",
    "procedure": "9.000001",
    "procedure_version": 1,
    "sequence": 1,
    "act": "guidance",
    "verdict": "TOTAL_PASSED",
    "mode": "SELF_PORTAL",
    "stage": "before_acceptance",
    "pickup": "post",
    "rules_on": "2024-03-11",
    "minutes": 480,
    "amount": 20000,
    "unit_tax_number": "3301234567",
    "round": 1,
    "step": "tham-dinh",
    "next": "ky-phat-hanh",
    "name": "Thẩm định",
    "name_vi": "Phí cấp bản sao",
    "name_en": "Fee for a copy",
    "role": "specialist",
    "component": "don",
    "item": "phi",
    "kind": "b",
    "clock_policy": "RESTART",
    "calendar.id": "vn",
    "limit.unit": "working_day",
    "limit.value": 3,
    "fee.mode": "thu_sau",
    "recognition_rule": "2024",
    "channel": "portal",
    "method": "vnpay",
    "moment": "thu_sau",
    "receipt_no": "BL-2024-000001",
    "response_code": "24",
    "post_office": "530000",
    "waybill": "RR123456789VN",
    "reason": "example",
    "media_type": "application/pdf",
    "purpose": "component",
    "size": 36,
    "sub_indication": "OK",
    "status": 2,
}


def write_missing(rooms: list[Room], folder: Path) -> list[Path]:
    """Writes an example for every event type that has none; returns what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for event, room in sorted(teller_of(rooms).items()):
        path = folder / f"{event}.v1.json"
        if not path.exists():
            document = make(event, room.name, room.tells[event]).to_dict()
            path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
            written.append(path)
    return written


def make(event: str, room: str, schema: type[Schema]) -> Event:
    """An event with every field of its schema set. Raises ValidationError where a value could not be guessed."""
    instance = schema()
    data = {name: _value(f"{event}.{name}", name, field) for name, field in instance.fields.items()}
    instance.load(data)
    return Event(
        id=_hex(event)[:32],
        source=f"/motcua/{room}",
        name=event,
        version=1,
        time=_MOMENT,
        recorded=_MOMENT + timedelta(milliseconds=7),
        subject=str(data.get("code", _hex(event)[:24])),
        aggregate_id=str(data.get("code", _hex(event)[:24])),
        sequence=1,
        correlation_id=_hex(event + "c")[:24],
        causation_id=_hex(event + "k")[:24],
        actor_id=f"acc-{_hex('actor')[:32]}",
        data=data,
    )


def _hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _value(path: str, name: str, field: fields.Field) -> Any:
    if isinstance(field, fields.Nested):
        inner = {key: _value(f"{path}.{key}", key, below) for key, below in field.schema.fields.items()}
        return [inner] if field.many else inner
    if isinstance(field, fields.List):
        return [_value(path, name.removesuffix("s"), field.inner)]
    for rule in field.validators:
        if isinstance(rule, validate.OneOf):
            return next(iter(rule.choices))
    if isinstance(field, fields.Boolean):
        return False
    if isinstance(field, fields.AwareDateTime):
        return "2024-03-11T02:00:00.000Z"
    if isinstance(field, fields.Date):
        return "2024-03-11"
    if isinstance(field, (fields.Integer, fields.Float)):
        known = _known(path, name)
        return known if isinstance(known, int) else 1
    if isinstance(field, fields.Dict):
        return {}
    return _text(path, name, field)


def _known(path: str, name: str) -> Any:
    return _BY_NAME.get(".".join(path.split(".")[-2:]), _BY_NAME.get(name))


def _text(path: str, name: str, field: fields.Field) -> str:
    known = _known(path, name)
    guesses = [str(known)] if known is not None else []
    guesses += [_hex(path), _hex(path)[:32], "example", "1"]
    if "sha256" not in name and "hash" not in name:
        guesses = [guess for guess in guesses if guess != _hex(path)] + [_hex(path)]
    for guess in guesses:
        if all(_passes(rule, guess) for rule in field.validators):
            return guess
    raise ValueError(f"{path}: no example fits")


def _passes(rule: Any, value: str) -> bool:
    if isinstance(rule, validate.Regexp):
        return re.match(str(rule.regex.pattern), value) is not None
    try:
        rule(value)
    except validate.ValidationError:
        return False
    return True
