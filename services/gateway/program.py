"""The gateway's program: two ports in one process, an orderly stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from typing import Any

import uvicorn

from services.common import logs
from services.common.actors import Signer, Verifier
from services.common.clock import BusinessClock
from services.common.settings import Settings, SettingsError
from services.gateway import app
from services.gateway.api import Api
from services.gateway.bus import ROOM, Bus
from services.gateway.config import HEAD_LIMIT, KEEP_ALIVE_SECONDS, STOP_SECONDS, Config
from services.gateway.following import Follower
from services.gateway.health import Health
from services.gateway.limits import Buckets, Near
from services.gateway.pages import Pages
from services.gateway.protocol import DoorProtocol
from services.gateway.transfers import Transfers


class Server(uvicorn.Server):
    """Leaves signals to the program, which ends its two servers in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main() -> int:
    """Runs until told to stop; returns the exit status."""
    try:
        settings = Settings.from_env()
        config = Config.from_env()
        if settings.http_port is None:
            raise SettingsError("MOTCUA_HTTP_PORT is not set")
    except SettingsError as exc:
        print(f"{ROOM}: {exc}", file=sys.stderr)
        return 2
    logs.configure(ROOM, settings.log_level)
    return asyncio.run(_run(settings, config))


async def _run(settings: Settings, config: Config) -> int:
    signer = Signer.load(ROOM, settings.kid, settings.key_path)
    verifier = Verifier.load(settings.public_keys)
    clock = BusinessClock(settings.clock_offset, rehearsal=settings.rehearsal)
    follower = Follower(verifier, signer, clock)
    transfers = Transfers(settings.vault_url)
    bus = Bus(settings.amqp_url, follower.take, lambda: follower.load(bus), follower.lost)
    api = Api(bus, follower, verifier, Buckets(config.rate), Near(signer), transfers)
    shell = app.build(api, Pages(), settings.cors_origins, https=settings.public_url.startswith("https:"))
    stopping = asyncio.Event()

    def missing() -> list[str]:
        found = follower.missing
        if not bus.up:
            found = ["broker", *found]
        return ["stopping", *found] if stopping.is_set() else found

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    health = _server(Health(missing), settings.health_host, settings.health_port)
    public = _server(
        shell,
        config.host,
        settings.http_port or 0,
        http=DoorProtocol,
        h11_max_incomplete_event_size=HEAD_LIMIT,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        proxy_headers=bool(config.proxies),
        forwarded_allow_ips=list(config.proxies),
    )
    bus.start()
    serving = [asyncio.create_task(health.serve()), asyncio.create_task(public.serve())]
    waiting = asyncio.create_task(stopping.wait())
    logs.info("started", port=settings.http_port)
    await asyncio.wait([waiting, *serving], return_when=asyncio.FIRST_COMPLETED)
    failed = not stopping.is_set()
    stopping.set()
    logs.info("stopping", in_hand=shell.in_hand)
    public.should_exit = True
    await asyncio.gather(serving[1], return_exceptions=True)
    await transfers.stop()
    await bus.stop()
    health.should_exit = True
    await asyncio.gather(serving[0], return_exceptions=True)
    logs.info("stopped")
    return 1 if failed else 0


def _server(application: Any, host: str, port: int, **options: Any) -> Server:
    options = {"http": "h11", "timeout_graceful_shutdown": 2, "proxy_headers": False, **options}
    return Server(
        uvicorn.Config(
            application,
            host=host,
            port=port,
            loop="asyncio",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            backlog=512,
            **options,
        )
    )
