"""What the gateway needs to know beside the settings of every process, and its limits in one place."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.common.settings import SettingsError

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"

JSON_LIMIT = 1024 * 1024  # bytes of a JSON body
UPLOAD_LIMIT = 20 * 1024 * 1024  # bytes of one file, as in the vault
JSON_SECONDS = 10.0  # to send a whole JSON body
SILENCE_SECONDS = 30.0  # without a byte of a file, in either direction
LEAST_BYTES = 64 * 1024  # of a file that is sent to us, in each SILENCE_SECONDS, unless it ends
TRANSFER_SECONDS = 300.0  # for one file
HEAD_SECONDS = 10.0  # to send a request line and its headers
HEAD_LIMIT = 16 * 1024  # bytes of a request line and its headers
KEEP_ALIVE_SECONDS = 30
MOST_CONNECTIONS = 2000
MOST_CONNECTIONS_OF_ADDRESS = 500  # many citizens may come from one; not behind a proxy that we trust
MOST_CALLS = 256  # calls to rooms in flight
MOST_CALLS_OF_ROOM = 64
LEAST_CALLS_OF_METHOD = 16  # however late its answers come
MOST_TRANSFERS = 32
MOST_TRANSFERS_OF_ONE = 10  # of one account
STOP_SECONDS = 20  # for what is in hand at SIGTERM


@dataclass(frozen=True)
class Config:
    """`host`: where the public port listens. `rate`: multiplies every rate limit, 0 switches them off.

    `proxies`: addresses of our own reverse proxies, whose X-Forwarded-For is believed.
    """

    host: str
    rate: float
    proxies: tuple[str, ...]

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Config:
        """Reads MOTCUA_HTTP_HOST, MOTCUA_RATE_LIMIT and MOTCUA_TRUSTED_PROXIES. Raises SettingsError."""
        source = os.environ if env is None else env
        try:
            rate = float(source.get("MOTCUA_RATE_LIMIT") or "1")
        except ValueError:
            raise SettingsError("MOTCUA_RATE_LIMIT is not a number") from None
        if not 0 <= rate < 1e9:
            raise SettingsError("MOTCUA_RATE_LIMIT is a number from 0 upwards")
        proxies = tuple(p.strip() for p in source.get("MOTCUA_TRUSTED_PROXIES", "").split(",") if p.strip())
        for proxy in proxies:
            try:
                ipaddress.ip_network(proxy, strict=False)
            except ValueError:
                raise SettingsError("MOTCUA_TRUSTED_PROXIES is a list of addresses") from None
        return cls(host=source.get("MOTCUA_HTTP_HOST") or "127.0.0.1", rate=rate, proxies=proxies)
