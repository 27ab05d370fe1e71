"""What the vault takes, answers, tells and listens to."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.schemas import AnswerSchema, CommandSchema, EventSchema, Moment, Text
from services.vault import own_schemas

PURPOSES = ("component", "slip", "result", "own", "form")
_FILE_ID = validate.Regexp(r"^[0-9a-f]{32}$")
_SHA256 = validate.Regexp(r"^[0-9a-f]{64}$")


class OpenUpload(CommandSchema):
    """`person_id`: whose file it is, where a room stores for somebody; people store for themselves."""

    purpose = fields.String(required=True, validate=validate.OneOf(PURPOSES))
    filename = Text(required=True, validate=validate.Length(min=1, max=255))
    person_id = fields.String(validate=validate.Length(min=1, max=64))


class StoredFile(AnswerSchema):
    """The same as the answer of the HTTP upload."""

    file_id = fields.String(required=True)
    sha256 = fields.String(required=True)
    size = fields.Integer(required=True)
    media_type = fields.String(required=True)


class UploadAnswer(AnswerSchema):
    """`stored` is set where this very command stored its file before: nothing need be sent again."""

    file_id = fields.String(required=True)
    ticket = fields.String(required=True)
    url = fields.String(required=True)
    expires_in = fields.Integer(required=True)
    stored = fields.Nested(StoredFile, allow_none=True)


class OpenDownload(CommandSchema):
    """`reason` is required of services; `on_behalf` names the account for whom a room asks."""

    file_id = fields.String(required=True, validate=_FILE_ID)
    reason = Text(validate=validate.Length(min=1, max=200))
    on_behalf = fields.String(validate=validate.Length(min=1, max=64))


class DownloadAnswer(AnswerSchema):
    file_id = fields.String(required=True)
    url = fields.String(required=True)
    ticket = fields.String(required=True)
    expires_in = fields.Integer(required=True)
    filename = fields.String(required=True)
    media_type = fields.String(required=True)
    size = fields.Integer(required=True)
    sha256 = fields.String(required=True)


class FileQuery(CommandSchema):
    file_id = fields.String(required=True, validate=_FILE_ID)


class FileAnswer(StoredFile):
    filename = fields.String(required=True)
    purpose = fields.String(required=True)
    uploader = fields.String(required=True)
    person_id = fields.String(allow_none=True)
    stored_at = Moment(required=True)


class Page(CommandSchema):
    cursor = fields.String(validate=validate.Length(min=1, max=200))
    limit = fields.Integer(load_default=20, validate=validate.Range(min=1, max=100))


class HoldingItem(AnswerSchema):
    holding_id = fields.String(required=True)
    kind = fields.String(required=True)
    name = fields.String(required=True, metadata={"description": "the name under which its file was stored"})
    code = fields.String(required=True, allow_none=True, metadata={"description": "null for data of one's own"})
    procedure = fields.String(required=True, allow_none=True)
    unit = fields.String(required=True, allow_none=True)
    file_id = fields.String(required=True)
    sha256 = fields.String(required=True)
    report_id = fields.String(allow_none=True)
    returned_at = Moment(required=True, allow_none=True)
    added_at = Moment(required=True)


class HoldingsAnswer(AnswerSchema):
    items = fields.List(fields.Nested(HoldingItem), required=True)
    next_cursor = fields.String(allow_none=True)


class OpenHolding(CommandSchema):
    holding_id = fields.String(required=True, validate=validate.Regexp(r"^[0-9a-f]{32}$"))


class AccessItem(AnswerSchema):
    """One opening of a file. `served`: how often its bytes were really sent under that ticket."""

    file_id = fields.String(required=True)
    actor = fields.String(required=True)
    on_behalf = fields.String(allow_none=True)
    reason = fields.String(required=True)
    at = Moment(required=True)
    served = fields.Integer(required=True)


class AccessLogAnswer(AnswerSchema):
    items = fields.List(fields.Nested(AccessItem), required=True)
    next_cursor = fields.String(allow_none=True)


class FileStored(EventSchema):
    """The bytes of a file are durable. `stored_at` is the business time at which they came in."""

    file_id = fields.String(required=True)
    sha256 = fields.String(required=True, validate=_SHA256)
    size = fields.Integer(required=True)
    media_type = fields.String(required=True)
    purpose = fields.String(required=True, validate=validate.OneOf(PURPOSES))
    stored_at = Moment(required=True)


class HoldingAdded(EventSchema):
    """Something new lies in a person's store."""

    holding_id = fields.String(required=True)
    person_id = fields.String(required=True)
    kind = fields.String(required=True)
    code = fields.String(required=True, allow_none=True)
    file_id = fields.String(required=True)
    sha256 = fields.String(required=True, validate=_SHA256)


class ReturnedResult(EventSchema):
    """The result inside dossier.returned."""

    file_id = fields.String(required=True)
    sha256 = fields.String(required=True)
    report_id = fields.String(allow_none=True, load_default=None)


class DossierReturnedSeen(EventSchema):
    """What the vault needs of dossier.returned."""

    code = fields.String(required=True)
    owner = fields.String(required=True)
    unit = fields.String(required=True)
    procedure = fields.String(required=True)
    result = fields.Nested(ReturnedResult, required=True, allow_none=True)
    at = Moment(required=True)


class AccountNormalizedSeen(EventSchema):
    """What the vault needs of account.normalized."""

    person_id = fields.String(required=True)
    former_person_id = fields.String(allow_none=True, load_default=None)


EVENTS: dict[str, type[Schema]] = {
    "file.stored": FileStored,
    "holding.added": HoldingAdded,
    **own_schemas.EVENTS,
}
