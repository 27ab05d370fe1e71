"""AsyncAPI 3 of the bus: events, calls, control messages, queues, and the postal partner's virtual host."""

from __future__ import annotations

from typing import Any

from deploy.contracts.rooms import Listener, Method, Room, teller_of
from deploy.contracts.shapes import Document, Shapes
from services.common import wire
from services.common.control_message import OWNERS
from services.postal.partner import DEAD, EVENTS, ORDERS
from services.postal.partner import queue_declarations as partner_queues
from services.postal.schemas import PartnerMessage
from services.postal.shipments import PARTNER_CODES, Status

VERSION = "1.0.0"
_AMQP = "0.3.0"  # of the binding
_ID: Document = {"type": "string", "minLength": 1}
_MOMENT: Document = {"type": "string", "format": "date-time"}
_DESCRIPTION = (
    "What the rooms tell and ask each other over RabbitMQ. Events are CloudEvents 1.0 in structured JSON; they carry "
    "ids, codes and hashes, never a person. They go to the topic exchange `motcua.events` under their name; each room "
    "has one durable quorum queue `evt.<room>`, retry queues and a dead-letter queue. Within one aggregate events are "
    "numbered (`sequence`); the same event may come more than once, under the same id. Calls go to the topic exchange "
    "`nameko-rpc` under `<room>.<method>` and expire at the caller's deadline; answers come to the caller's own queue."
)
#: kind of control message -> its data
_CONTROL: dict[str, Document] = {
    "clock.moved": {
        "type": "object",
        "required": ["offset"],
        "properties": {"offset": {"type": "number", "description": "seconds beside real time"}},
    },
    "session.revoked": {
        "type": "object",
        "required": ["session", "until"],
        "properties": {"session": _ID, "until": {"type": "number", "description": "epoch seconds"}},
    },
}
#: fields of the order to the postal partner (domain: VNPost connector)
ORDER_FIELDS = (
    "CustomerCode", "ItemCode", "OrderNumber", "OrderTime", "CODAmount", "SenderName", "SenderAddress", "SenderTel",
    "SenderEmail", "SenderProvince", "SenderDistrict", "SenderDesc", "Description", "ReceiverName", "ReceiverAddress",
    "ReceiverTel", "ReceiverEmail", "ReceiverProvince", "ReceiverDistrict", "FlagConfig",
)  # fmt: skip


def build(rooms: list[Room]) -> Document:
    """The whole document. Raises ValueError where two rooms tell one event."""
    shapes = Shapes()
    shapes.add("CloudEvent", _envelope())
    shapes.add("Problem", {"type": "object", "description": "RFC 9457, see openapi.json"})
    messages: Document = {}
    channels: Document = {}
    operations: Document = {}
    _events(rooms, shapes, messages, channels, operations)
    _calls(rooms, shapes, messages, channels, operations)
    _control(rooms, shapes, messages, channels, operations)
    _partner(shapes, messages, channels, operations)
    _queues(channels)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Một Cửa – bus", "version": VERSION, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": {
            "motcua": _server("/motcua", "the rooms"),
            "partner": _server("/partner", "the postal partner's own virtual host"),
        },
        "channels": dict(sorted(channels.items())),
        "operations": dict(sorted(operations.items())),
        "components": {"schemas": shapes.components(), "messages": dict(sorted(messages.items()))},
    }


def _server(pathname: str, text: str) -> Document:
    return {
        "host": "localhost:5672",
        "protocol": "amqp",
        "protocolVersion": "0.9.1",
        "pathname": pathname,
        "description": text,
    }


# --- events ----------------------------------------------------------------------------------------------------------


def _envelope() -> Document:
    texts = ("id", "source", "type", "subject", "aggregateid", "correlationid", "causationid", "actorid")
    return {
        "type": "object",
        "description": "CloudEvents 1.0 with our extensions. `time` is business time, `recordedtime` real time.",
        "required": ["specversion", *texts, "time", "recordedtime", "sequence", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            **dict.fromkeys(texts, _ID),
            "time": _MOMENT,
            "recordedtime": _MOMENT,
            "sequence": {"type": "integer", "minimum": 1},
            "channel": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,15}$", "description": "the actor's way in"},
            "datacontenttype": {"const": "application/json"},
            "data": {"type": "object"},
        },
    }


def _events(rooms: list[Room], shapes: Shapes, messages: Document, channels: Document, operations: Document) -> None:
    tellers = teller_of(rooms)
    for event, room in sorted(tellers.items()):
        messages[event] = {
            "name": f"vn.motcua.{event}.v1",
            "title": event,
            "contentType": "application/cloudevents+json",
            "payload": {
                "allOf": [
                    {"$ref": "#/components/schemas/CloudEvent"},
                    {
                        "type": "object",
                        "properties": {
                            "type": {"const": f"vn.motcua.{event}.v1"},
                            "source": {"const": f"/motcua/{room.name}"},
                            "data": shapes.ref(room.tells[event]),
                        },
                    },
                ]
            },
        }
        channels[f"events.{event}"] = {
            "address": event,
            "servers": [{"$ref": "#/servers/motcua"}],
            "messages": {event: {"$ref": f"#/components/messages/{event}"}},
            "bindings": {"amqp": _exchange(wire.EVENTS_EXCHANGE, "topic")},
        }
        operations[f"{room.name}.tells.{event}"] = _operation("send", f"events.{event}", room.name)
    channels["events.all"] = {
        "address": "#",
        "servers": [{"$ref": "#/servers/motcua"}],
        "messages": {event: {"$ref": f"#/components/messages/{event}"} for event in sorted(tellers)},
        "bindings": {"amqp": _exchange(wire.EVENTS_EXCHANGE, "topic")},
    }
    for room in rooms:
        for listener in room.listens:
            name, operation = _listening(listener)
            operations[name] = operation


def _listening(listener: Listener) -> tuple[str, Document]:
    event = "all" if listener.event == "*" else listener.event
    operation = _operation("receive", f"events.{event}", listener.room)
    operation["bindings"] = {"amqp": {"ack": True, "bindingVersion": _AMQP}}
    operation["x-motcua-queue"] = wire.event_queue(listener.room)
    operation["x-motcua-ordered"] = listener.ordered
    return f"{listener.room}.hears.{event}", operation


def _exchange(name: str, kind: str, vhost: str = "motcua") -> Document:
    return {
        "is": "routingKey",
        "exchange": {"name": name, "type": kind, "durable": True, "autoDelete": False, "vhost": vhost},
        "bindingVersion": _AMQP,
    }


def _operation(action: str, channel: str, room: str) -> Document:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "tags": [{"name": room}]}


# --- calls -----------------------------------------------------------------------------------------------------------


def _calls(rooms: list[Room], shapes: Shapes, messages: Document, channels: Document, operations: Document) -> None:
    shapes.add("CallHeaders", _call_headers())
    answers: Document = {}
    for room in rooms:
        for method in room.methods:
            call, answer = f"{method.full}.call", f"{method.full}.answer"
            messages[call] = _call(method, shapes)
            messages[answer] = _answer(method, shapes)
            answers[answer] = {"$ref": f"#/components/messages/{answer}"}
            channels[f"calls.{method.full}"] = {
                "address": method.full,
                "servers": [{"$ref": "#/servers/motcua"}],
                "messages": {call: {"$ref": f"#/components/messages/{call}"}},
                "bindings": {"amqp": _exchange(wire.RPC_EXCHANGE, "topic")},
            }
            operation = _operation("receive", f"calls.{method.full}", room.name)
            operation["reply"] = {
                "address": {"location": "$message.header#/reply_to"},
                "channel": {"$ref": "#/channels/answers"},
                "messages": [{"$ref": f"#/channels/answers/messages/{answer}"}],
            }
            operation["x-motcua-queue"] = wire.rpc_queue(room.name)
            operation["x-motcua-idempotent"] = method.idempotent
            operations[f"{room.name}.answers.{method.name}"] = operation
    channels["answers"] = {
        "address": None,
        "description": "the caller's own exclusive queue, named in reply_to",
        "servers": [{"$ref": "#/servers/motcua"}],
        "messages": dict(sorted(answers.items())),
    }


def _call_headers() -> Document:
    text: Document = {"type": "string"}
    return {
        "type": "object",
        "required": [wire.H_TIMEOUT],
        "properties": {
            wire.H_ACTOR: {"type": "string", "description": "signed assertion of who acts; none: anonymous"},
            wire.H_CORRELATION: text,
            wire.H_CAUSATION: text,
            wire.H_COMMAND: {"type": "string", "description": "key of the command; required where it is idempotent"},
            wire.H_CHANNEL: {"type": "string", "enum": ["portal", "hue-s"]},
            wire.H_NEAR: {
                "type": "string",
                "description": "digest of the caller's neighbourhood, where tries are counted",
            },
            wire.H_TIMEOUT: {"type": "integer", "minimum": 1, "description": "also the message's expiration"},
        },
    }


def _call(method: Method, shapes: Shapes) -> Document:
    return {
        "name": f"{method.full}.call",
        "title": method.full,
        "headers": {"$ref": "#/components/schemas/CallHeaders"},
        "correlationId": {"location": "$message.header#/correlation_id"},
        "payload": {
            "type": "object",
            "required": ["kwargs"],
            "properties": {"args": {"type": "array", "maxItems": 0}, "kwargs": shapes.ref(method.schema)},
        },
    }


def _answer(method: Method, shapes: Shapes) -> Document:
    result = shapes.ref(method.answer, many=method.many) if method.answer else {}
    return {
        "name": f"{method.full}.answer",
        "title": method.full,
        "correlationId": {"location": "$message.header#/correlation_id"},
        "payload": {
            "type": "object",
            "required": ["result", "error"],
            "properties": {
                "result": {"anyOf": [result, {"type": "null"}]},
                "error": {
                    "anyOf": [
                        {"type": "null"},
                        {
                            "type": "object",
                            "required": ["exc_type", "data"],
                            "properties": {
                                "exc_type": {"type": "string"},
                                "data": {"$ref": "#/components/schemas/Problem"},
                            },
                        },
                    ]
                },
            },
        },
    }


# --- control ---------------------------------------------------------------------------------------------------------


def _control(rooms: list[Room], shapes: Shapes, messages: Document, channels: Document, operations: Document) -> None:
    kinds: Document = {}
    for kind, owner in sorted(OWNERS.items()):
        messages[f"control.{kind}"] = {
            "name": f"control.{kind}",
            "title": kind,
            "payload": {
                "type": "object",
                "required": ["token"],
                "properties": {"token": {"type": "string", "description": f"JWT (EdDSA) of {owner}, one minute"}},
            },
            "x-motcua-data": shapes.add(f"Control{kind.title().replace('.', '')}", _CONTROL[kind]),
        }
        kinds[kind] = {"$ref": f"#/components/messages/control.{kind}"}
    channels["control"] = {
        "address": "",
        "description": "fan-out to every process, each on an exclusive queue of its own",
        "servers": [{"$ref": "#/servers/motcua"}],
        "messages": kinds,
        "bindings": {"amqp": _exchange(wire.CONTROL_EXCHANGE, "fanout")},
    }
    for kind, owner in sorted(OWNERS.items()):
        operation = _operation("send", "control", owner)
        operation["messages"] = [{"$ref": f"#/channels/control/messages/{kind}"}]
        operations[f"{owner}.broadcasts.{kind}"] = operation
    for name in (*(room.name for room in rooms), "gateway"):
        operations[f"{name}.follows.control"] = _operation("receive", "control", name)


_PARTNER_MESSAGE = (
    "`order_number` is the order's OrderNumber, `item_code` the partner's own waybill, given with the first message. "
    "`status` is one of the codes in x-motcua-statuses. A message comes once under its `message_id`, however often it "
    "is sent, and in any order. What cannot be taken (no JSON, a field amiss, a status or an order that is not known, "
    "an end after another end) goes to the queue partner.events.dead as ids and a digest."
)


# --- the postal partner ----------------------------------------------------------------------------------------------


def _partner(shapes: Shapes, messages: Document, channels: Document, operations: Document) -> None:
    order: Document = {
        "type": "object",
        "required": list(ORDER_FIELDS),
        "properties": {
            name: {"type": "integer"} if name == "CODAmount" else {"type": "string"} for name in ORDER_FIELDS
        },
    }
    messages["partner.order"] = {
        "name": "delivery.order",
        "title": "order of one delivery",
        "payload": shapes.add("PartnerOrder", order),
    }
    messages["partner.message"] = {
        "name": "partner.message",
        "title": "what happened to a delivery",
        "description": _PARTNER_MESSAGE,
        "payload": shapes.ref(PartnerMessage),
        "x-motcua-statuses": {
            **{status.value: status.value for status in Status},
            **{code: status.value for code, status in sorted(PARTNER_CODES.items())},
        },
    }
    dead: Document = {
        "type": "object",
        "description": "of a message that could not be taken: ids and a digest, never its content",
        "required": ["sha256"],
        "properties": {"sha256": {"type": "string"}},
        "additionalProperties": {"type": "string"},
    }
    messages["partner.dead"] = {"name": "partner.dead", "payload": shapes.add("PartnerDead", dead)}
    arguments = dict(partner_queues())
    for queue in arguments:
        channels[f"queue.{queue}"] = _queue(queue, arguments[queue], "partner")
    for queue, message, action in (
        (ORDERS, "partner.order", "send"),
        (EVENTS, "partner.message", "receive"),
        (DEAD, "partner.dead", "send"),
    ):
        channels[f"queue.{queue}"] = {
            **_queue(queue, arguments[queue], "partner"),
            "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        }
        operations[f"postal.{'takes' if action == 'receive' else 'puts'}.{message}"] = _operation(
            action, f"queue.{queue}", "postal"
        )
    # The partner's own side: it may read its orders and write to this exchange, which fills postal's queue.
    channels["partner.events"] = {
        "address": "message",
        "description": "any routing key: every one leads to the queue partner.events",
        "servers": [{"$ref": "#/servers/partner"}],
        "messages": {"partner.message": {"$ref": "#/components/messages/partner.message"}},
        "bindings": {"amqp": _exchange(EVENTS, "topic", "partner")},
    }
    operations["partner.tells.partner.message"] = _operation("send", "partner.events", "partner")
    operations["partner.takes.partner.order"] = _operation("receive", f"queue.{ORDERS}", "partner")


# --- queues ----------------------------------------------------------------------------------------------------------


def _queues(channels: Document) -> None:
    for room in wire.ROOMS:
        for name, arguments in wire.queue_declarations(room):
            channels[f"queue.{name}"] = _queue(name, arguments, "motcua")


def _queue(name: str, arguments: dict[str, Any], vhost: str) -> Document:
    return {
        "address": name,
        "servers": [{"$ref": f"#/servers/{vhost}"}],
        "bindings": {
            "amqp": {
                "is": "queue",
                "queue": {"name": name, "durable": True, "exclusive": False, "autoDelete": False, "vhost": vhost},
                "bindingVersion": _AMQP,
            }
        },
        "x-motcua-arguments": dict(sorted(arguments.items())),
    }
