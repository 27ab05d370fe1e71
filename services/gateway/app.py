"""The ASGI application: the table of routes, the pages, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.routing import Route as Mounted
from starlette.routing import Router

from services.common import problems
from services.gateway import answers
from services.gateway.api import Api
from services.gateway.pages import Pages
from services.gateway.routes import ROUTES, Kind, Route
from services.gateway.shell import Shell

Answer = Callable[[Any, Any, Any], Awaitable[None]]


class Path:
    """All methods of one path. HEAD is answered like GET, without the body, but for downloads: a ticket for a file is
    written into its owner's access log, so it is not drawn for a look at the headers."""

    def __init__(self, pattern: str, methods: dict[str, Answer], *, head: bool = True) -> None:
        self._pattern = pattern
        self._methods = dict(methods)
        if "GET" in methods and head:
            self._methods["HEAD"] = methods["GET"]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope["motcua"].route = self._pattern
        answer = self._methods.get(scope["method"])
        if answer is None:
            raise answers.method_not_allowed(sorted(self._methods))
        await answer(scope, receive, send)


async def _nowhere(scope: Any, receive: Any, send: Any) -> None:
    raise problems.not_found("there is no such address")


def _answering(api: Api, route: Route) -> Answer:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await api.answer(route, scope, receive, send)

    return answer


def build(api: Api, pages: Pages, origins: tuple[str, ...], *, https: bool) -> Shell:
    """The whole application."""
    by_path: dict[str, dict[str, Answer]] = defaultdict(dict)
    downloads = set()
    for route in ROUTES:
        by_path[route.pattern][route.method] = pages.paid if route.kind is Kind.RETURN_PAGE else _answering(api, route)
        if route.kind is Kind.DOWNLOAD:
            downloads.add(route.pattern)
    mounted = [
        Mounted(pattern, Path(pattern, methods, head=pattern not in downloads)) for pattern, methods in by_path.items()
    ]
    for pattern, page in pages.table(api).items():
        mounted.append(Mounted(pattern, Path(pattern, {"GET": page})))
    return Shell(Router(mounted, redirect_slashes=False, default=_nowhere), origins, https=https)
