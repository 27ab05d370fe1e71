"""Answering one RPC request: who asks, may they, is the input right, was it asked before, then the handler."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pymongo.errors import PyMongoError

from services.common import idempotency, logs, metrics, permissions, problems, schemas, wire
from services.common.actors import ANONYMOUS, Actor
from services.common.bus.client import DEFAULT_TIMEOUT
from services.common.bus.operations import operations
from services.common.context import Context
from services.common.idempotency import Hold, LostHold
from services.common.problems import Problem
from services.common.unit import UnitOfWork
from services.common.writes import Duplicate, StaleVersion

if TYPE_CHECKING:
    from services.common.kernel import Kernel

RERUNS = 6  # a handler that lost an optimistic race is run again this often


class RequestDesk:
    """Answers the requests of one room. `commands` maps `room.method` to its entrypoint."""

    def __init__(self, kernel: Kernel, instance: Any, commands: dict[str, Any]) -> None:
        self._kernel = kernel
        self._handlers: dict[str, tuple[Any, Any]] = {
            name: (entry, getattr(instance, entry.method_name)) for name, entry in commands.items()
        }
        self._handlers.update(operations(kernel))

    def answer(self, method: str, body: bytes, headers: dict[str, Any], *, redelivered: bool) -> bytes:
        """The reply's body, whatever happens inside."""
        started = time.monotonic()
        outcome = "ok"
        try:
            return wire.encode_result(self._answer(method, body, headers, started, redelivered))
        except Problem as problem:
            outcome = "refused" if problem.status < 500 else "unavailable"
            return wire.encode_problem(problem)
        except PyMongoError as exc:
            outcome = "unavailable"
            logs.fault("database_fault", exc, method=method)
            return wire.encode_problem(problems.unavailable(retry_after=2))
        except Exception as exc:
            outcome = "fault"
            logs.fault("request_fault", exc, method=method, correlation=headers.get(wire.H_CORRELATION))
            return wire.encode_problem(problems.internal())
        finally:
            known = method if method in self._handlers else "unknown"
            metrics.record_rpc(known, outcome, time.monotonic() - started)

    def _answer(self, method: str, body: bytes, headers: dict[str, Any], started: float, redelivered: bool) -> Any:
        entry, handler = self._find(method)
        try:
            kwargs = wire.decode_call(body)
        except ValueError:
            raise problems.malformed("the body is not an RPC call") from None
        actor = self._actor(headers)
        permissions.check(actor, method)
        data = schemas.load(entry.schema, kwargs)
        # From here on the key is a digest of who asks, what and the key itself. It becomes the id of events, slips and
        # calls to other rooms: it must not say what the caller wrote, and the same key of two people is two commands.
        given = str(headers.get(wire.H_COMMAND) or "")
        command_id = idempotency.key_of(actor.subject, method, given) if given else ""
        if not entry.idempotent:
            return self._run(entry, handler, data, actor, headers, started, command_id, None)
        if not command_id:
            raise problems.idempotency_missing()
        store = self._kernel.store
        hold = idempotency.begin(
            store,
            command_id,
            idempotency.body_hash(kwargs, self._kernel.data_key),
            seconds=_timeout(headers),
            redelivered=redelivered,
        )
        if hold.done:
            return hold.answer
        try:
            return self._run(entry, handler, data, actor, headers, started, command_id, hold)
        except LostHold:
            raise problems.still_running(retry_after=1) from None
        except Exception:
            # Refused, or failed before its commit: nothing was changed, so the key is free again.
            idempotency.forget(store, hold)
            raise

    def _find(self, method: str) -> tuple[Any, Any]:
        found = self._handlers.get(method)
        if found is None:
            raise problems.not_found("no such method")
        return found

    def _actor(self, headers: dict[str, Any]) -> Actor:
        token = headers.get(wire.H_ACTOR)
        return self._kernel.verifier.verify(str(token)) if token else ANONYMOUS

    def _run(
        self,
        entry: Any,
        handler: Any,
        data: dict[str, Any],
        actor: Actor,
        headers: dict[str, Any],
        started: float,
        command_id: str,
        hold: Hold | None,
    ) -> Any:
        kernel = self._kernel
        timeout = _timeout(headers)
        correlation = str(headers.get(wire.H_CORRELATION) or wire.new_id())
        for attempt in range(RERUNS):
            context = Context(
                kernel=kernel,
                actor=actor,
                now=kernel.clock.now(),
                correlation_id=correlation,
                causation_id=str(headers.get(wire.H_CAUSATION) or correlation),
                command_id=command_id,
                deadline=started + timeout,
                channel=actor.channel or str(headers.get(wire.H_CHANNEL) or ""),  # what identity signed goes first
                near=str(headers.get(wire.H_NEAR) or "")[:64],
            )
            if hold is not None:
                context.on_commit.append(_finishing(hold, entry))
            try:
                answer = _shape(entry, handler(context, dict(data)))
            except StaleVersion:
                if attempt + 1 == RERUNS or time.monotonic() > context.deadline:
                    raise problems.conflict(
                        "Dữ liệu đang được người khác cập nhật", "Somebody else is updating this just now"
                    ) from None
                continue
            except Duplicate as duplicate:
                raise problems.conflict("Đã tồn tại", "It exists already", detail=duplicate.collection) from None
            if hold is not None and not context.committed:
                kernel.store.commit([idempotency.finishing(hold, answer)])
            return answer
        raise AssertionError("unreachable")


def _timeout(headers: dict[str, Any]) -> float:
    """Seconds that the caller waits, at most what any caller may."""
    given = headers.get(wire.H_TIMEOUT)
    milliseconds = given if isinstance(given, int) and given > 0 else DEFAULT_TIMEOUT * 1000
    return min(milliseconds / 1000, wire.LONGEST_DEADLINE)


def _shape(entry: Any, answer: Any) -> Any:
    return schemas.instance(entry.answer).dump(answer, many=entry.many) if entry.answer is not None else answer


def _finishing(hold: Hold, entry: Any) -> Any:
    def hook(unit: UnitOfWork, answer: Any) -> None:
        unit.add(idempotency.finishing(hold, _shape(entry, answer)))

    return hook
