"""Answering one request of the table: who asks, what with, the call, the answer."""

from __future__ import annotations

import asyncio
import hmac
from typing import Any

from services.common import problems, wire
from services.common.actors import Actor, Verifier
from services.common.problems import Problem
from services.gateway import answers, help, requests
from services.gateway.bus import Bus
from services.gateway.following import Follower
from services.gateway.limits import Buckets, Near
from services.gateway.routes import API, Audience, Kind, Limit, Route
from services.gateway.transfers import Transfers

OPERATOR = "operator"
_GUIDES = help.index()


class Api:
    """What every request of the table goes through."""

    def __init__(
        self, bus: Bus, follower: Follower, verifier: Verifier, buckets: Buckets, near: Near, transfers: Transfers
    ) -> None:
        self.bus = bus
        self.follower = follower
        self.verifier = verifier
        self.buckets = buckets
        self.near = near
        self.transfers = transfers

    async def answer(self, route: Route, scope: Any, receive: Any, send: Any) -> None:
        """Raises Problem where the request is refused."""
        if route.rpc:
            self.bus.check(route.rpc)  # first of all: where there is too much to do a refusal must cost little
        limit = asyncio.get_running_loop().time() + route.deadline
        self.buckets.check_address((scope.get("client") or ("?",))[0], route.limit)
        if route.kind is Kind.CLOCK:
            await self._clock(route, scope, send)
            return
        if route.kind is Kind.HELP:
            requests.query_parameters(scope, route.query)
            await answers.send_json(send, 200, _GUIDES)
            return
        if route.kind is Kind.PROVIDER:
            await self._provider(route, scope, send)
            return
        headers = await self._headers(route, scope, limit)
        if route.kind is Kind.UPLOAD:
            await self._upload(route, headers, scope, receive, send)
            return
        kwargs = await requests.arguments(route, scope, receive)
        answer = await self._call(route, kwargs, headers, limit)
        if route.kind is Kind.DOWNLOAD:
            await self.transfers.download(scope["motcua"].caller, answer, scope, receive, send)
            return
        created = [(b"location", (API + route.location.format_map(answer)).encode())] if route.location else []
        await answers.send_json(send, route.status, answer, created)

    async def lookup(self, code: str, scope: Any) -> Any:
        """The public status of a dossier, for the page. Raises Problem."""
        self.buckets.check_address((scope.get("client") or ("?",))[0], Limit.LOOKUP)
        headers = {wire.H_CORRELATION: scope["motcua"].correlation, wire.H_CHANNEL: "portal"}
        return await self.bus.call("intake.lookup", {"code": code}, headers, 8.0, repeatable=True)

    # --- who asks ----------------------------------------------------------------------------------------------------

    async def _headers(self, route: Route, scope: Any, limit: float) -> dict[str, str]:
        headers = {wire.H_CORRELATION: scope["motcua"].correlation, wire.H_CHANNEL: requests.channel(scope)}
        if route.limit in (Limit.SIGN_IN, Limit.CODE):
            headers[wire.H_NEAR] = self.near((scope.get("client") or ("?",))[0])
        if route.audience is Audience.SIGNED_IN:
            actor = await self._actor(scope, limit)
            self.buckets.check_actor(actor.subject, route.limit)
            scope["motcua"].caller = actor.subject
            headers[wire.H_ACTOR] = actor.token
        key = requests.command_key(scope, required=route.idempotent)
        if key:
            headers[wire.H_COMMAND] = key
        return headers

    async def _actor(self, scope: Any, limit: float) -> Actor:
        token = requests.bearer(scope)
        await self.follower.wait_sessions(limit)
        actor = self.verifier.verify(token)
        # keys of rooms and of the operator are for the bus; nobody comes in from the street with them
        if actor.is_service or hmac.compare_digest(actor.subject.encode(), OPERATOR.encode()):
            raise problems.unauthorized()
        return actor

    async def _call(self, route: Route, kwargs: dict[str, Any], headers: dict[str, str], limit: float) -> Any:
        left = limit - asyncio.get_running_loop().time()
        if left <= 0:
            raise problems.unavailable(retry_after=1)
        repeatable = route.method == "GET" or wire.H_COMMAND in headers and route.idempotent
        try:
            return await self.bus.call(route.rpc, kwargs, headers, left, repeatable=repeatable)
        except Problem as problem:
            left = limit - asyncio.get_running_loop().time()
            if problem.status != 404 or not route.also or left <= 0:
                raise
        return await self.bus.call(route.also, kwargs, headers, left, repeatable=repeatable)

    # --- what is not plain JSON --------------------------------------------------------------------------------------

    async def _upload(self, route: Route, headers: dict[str, str], scope: Any, receive: Any, send: Any) -> None:
        query = requests.query_parameters(scope, route.query)
        caller = scope["motcua"].caller
        self.transfers.check_upload(caller, scope)
        # the bytes come after the ticket, so the deadline of the call starts here
        limit = asyncio.get_running_loop().time() + route.deadline
        opened = await self._call(route, query, headers, limit)
        await self.transfers.upload(caller, opened, scope, receive, send)

    async def _clock(self, route: Route, scope: Any, send: Any) -> None:
        requests.query_parameters(scope, route.query)
        clock = self.follower.clock
        answer = {
            "now": clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "offset": clock.offset,
            "rehearsal": clock.rehearsal,
        }
        await answers.send_json(send, 200, answer)

    async def _provider(self, route: Route, scope: Any, send: Any) -> None:
        """The provider's protocol knows one status and its own codes; it asks again after 99."""
        params: dict[str, str] = {}
        for name, value in requests.query_pairs(scope):
            if name in params:
                raise problems.malformed("a parameter is given more than once")
            params[name] = value
        headers = {wire.H_CORRELATION: scope["motcua"].correlation, wire.H_CHANNEL: "portal"}
        try:
            answer = await self.bus.call(route.rpc, {"params": params}, headers, route.deadline, repeatable=True)
        except Problem as problem:
            if problem.status < 500:
                raise
            scope["motcua"].note = problem.type
            answer = {"RspCode": "99", "Message": "Unknown error"}
        await answers.send_json(send, 200, answer)
