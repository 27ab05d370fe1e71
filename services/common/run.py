"""Starts one room as a nameko service: settings, kernel, container, and an orderly stop at SIGTERM or SIGINT."""

from __future__ import annotations

import signal
import sys
from typing import Any

import eventlet
from nameko.containers import ServiceContainer
from nameko.extensions import DependencyProvider

from services.common import logs
from services.common.health import HealthServer
from services.common.kernel import Kernel, RoomSpec
from services.common.migrations import OtherDatabase
from services.common.settings import Settings, SettingsError


class KernelProvider(DependencyProvider):
    """Gives a service its kernel as `self.kernel`."""

    def get_dependency(self, worker_ctx: Any) -> Kernel:
        kernel: Kernel = self.container.config["kernel"]
        return kernel


def run(service: type, spec: RoomSpec) -> int:
    """Runs until told to stop; returns the exit status. The caller patched the standard library before importing us."""
    try:
        settings = Settings.from_env()
    except SettingsError as exc:
        print(f"{spec.name}: {exc}", file=sys.stderr)
        return 2
    logs.configure(spec.name, settings.log_level)
    stop = eventlet.event.Event()

    def on_signal(*_: Any) -> None:
        if not stop.ready():
            stop.send(True)

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    kernel = Kernel(settings, spec)
    health = HealthServer(settings.health_host, settings.health_port, kernel.missing)
    health.start()
    opening = eventlet.spawn(kernel.open)
    while not opening.dead and not stop.ready():
        eventlet.sleep(0.05)
    if stop.ready():
        return 0
    try:
        opening.wait()
    except OtherDatabase as exc:
        logs.error("other_database", reason=str(exc))
        return 3
    container = ServiceContainer(service, {"kernel": kernel})
    container.start()
    kernel.run()
    logs.info("started", **{name: len(items) for name, items in kernel.describe().items()})
    stop.wait()
    logs.info("stopping")
    container.stop()
    kernel.close()
    health.stop()
    logs.info("stopped")
    return 0
