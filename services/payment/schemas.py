"""What payment takes, answers and tells. Amounts are whole đồng."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from services.common.filed_as import FiledAs
from services.common.schemas import AnswerSchema, CommandSchema, EventSchema, Moment

IDENTIFIER = validate.Length(min=1, max=128)

# --- commands and queries --------------------------------------------------------------------------------------------


class OfDossier(CommandSchema):
    code = fields.String(required=True, validate=validate.Length(min=1, max=64))


class OfOrder(CommandSchema):
    order_id = fields.String(required=True, validate=IDENTIFIER)


class Pay(OfOrder):
    locale = fields.String(load_default="vn", validate=validate.OneOf(["vn", "en"]))


class ProviderMessage(CommandSchema):
    """The parameters of a provider message as they came; what else the provider sends is signed too and kept."""

    params = fields.Dict(
        keys=fields.String(validate=validate.Length(max=64)),
        values=fields.String(validate=validate.Length(max=1_000)),
        required=True,
        validate=validate.Length(max=60),
    )


class Cash(OfOrder):
    amount = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=10**12))


# --- answers ---------------------------------------------------------------------------------------------------------


class ItemAnswer(AnswerSchema):
    item = fields.String()
    name_vi = fields.String()
    name_en = fields.String()
    amount = fields.Integer()


class OrderAnswer(AnswerSchema):
    order_id = fields.String()
    code = fields.String()
    moment = fields.String(metadata={"description": "thu_truoc | thu_sau"})
    amount = fields.Integer()
    items = fields.List(fields.Nested(ItemAnswer))
    state = fields.String()
    state_vi = fields.String()
    state_en = fields.String()
    ordered_at = Moment()
    method = fields.String(allow_none=True)
    settled_at = Moment(allow_none=True)
    settled_late = fields.Boolean(allow_none=True)
    receipt_no = fields.String(allow_none=True)
    receipt_ready = fields.Boolean()
    last_response = fields.String(allow_none=True)
    last_response_vi = fields.String(allow_none=True)
    last_response_en = fields.String(allow_none=True)


class OrdersAnswer(AnswerSchema):
    items = fields.List(fields.Nested(OrderAnswer))


class PayAnswer(AnswerSchema):
    order_id = fields.String()
    url = fields.String()
    txn_ref = fields.String()
    qr = fields.String(allow_none=True)
    amount = fields.Integer()
    expires_at = Moment()


class ProviderAnswer(AnswerSchema):
    RspCode = fields.String()
    Message = fields.String()


class DueAnswer(AnswerSchema):
    due = fields.Boolean()
    amount = fields.Integer()
    ordered = fields.Boolean(metadata={"description": "whether any order of the dossier exists"})


class Ticket(AnswerSchema):
    url = fields.String()
    ticket = fields.String()
    filename = fields.String()
    media_type = fields.String()
    size = fields.Integer()
    sha256 = fields.String()


# --- events that are listened to -------------------------------------------------------------------------------------


class FeeItemSeen(EventSchema):
    item = fields.String()
    name_vi = fields.String()
    name_en = fields.String()
    amount = fields.Integer(required=True)


class FeeSeen(EventSchema):
    mode = fields.String(load_default="khong_thu")
    amount = fields.Integer(load_default=0)
    items = fields.List(fields.Nested(FeeItemSeen), load_default=list)


class ChargedSeen(EventSchema):
    """dossier.filed and dossier.accepted."""

    code = fields.String(required=True)
    procedure = fields.String(load_default="")
    unit = fields.String(required=True)
    desk = fields.String(required=True)
    owner = fields.String(required=True)
    filer = fields.String(load_default=None)
    filed_as = fields.String(load_default=FiledAs.SELF.value)
    fee = fields.Nested(FeeSeen, load_default=None, allow_none=True)


class EndedSeen(EventSchema):
    """dossier.refused and dossier.withdrawn."""

    code = fields.String(required=True)


class SettledSeen(EventSchema):
    order_id = fields.String(required=True)


class AccountNormalizedSeen(EventSchema):
    person_id = fields.String(required=True)
    former_person_id = fields.String(load_default=None, allow_none=True)


# --- events that are told --------------------------------------------------------------------------------------------


class _Told(EventSchema):
    order_id = fields.String(required=True)
    code = fields.String(required=True)
    owner = fields.String(required=True)
    unit = fields.String(required=True)
    desk = fields.String()
    moment = fields.String()


class ItemTold(EventSchema):
    item = fields.String()
    name_vi = fields.String()
    name_en = fields.String()
    amount = fields.Integer(required=True)


class PaymentOrdered(_Told):
    amount = fields.Integer(required=True)
    items = fields.List(fields.Nested(ItemTold), required=True)


class PaymentSettled(_Told):
    amount = fields.Integer(required=True)
    method = fields.String(required=True)
    receipt_no = fields.String(required=True)
    late = fields.Boolean()


class PaymentFailed(_Told):
    response_code = fields.String(required=True)


class PaymentClosed(_Told):
    amount = fields.Integer(required=True)


class ReceiptIssued(_Told):
    receipt_no = fields.String(required=True)
    file_id = fields.String(required=True)
    sha256 = fields.String()


EVENTS: dict[str, type[Schema]] = {
    "payment.ordered": PaymentOrdered,
    "payment.settled": PaymentSettled,
    "payment.failed": PaymentFailed,
    "payment.held": PaymentFailed,
    "payment.attempt_ended": PaymentFailed,
    "payment.cancelled": PaymentClosed,
    "payment.refunded": PaymentClosed,
    "payment.overpaid": PaymentClosed,
    "receipt.issued": ReceiptIssued,
}
