"""Settings of a process, read once from the environment and validated at start.

A process that cannot be configured says which variable is wrong and ends. Beside it only the gateway's own settings
(gateway/config.py), the simulators and the worker programs read the environment (tests/architecture/test_source.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from services.common import wire
from services.common.logs import LEVELS


class SettingsError(Exception):
    """A variable is missing or malformed; the message names it and never shows a secret value."""


@dataclass(frozen=True)
class Settings:
    """What one process needs to know. Times in seconds, sizes in bytes."""

    room: str
    amqp_url: str
    mongo_url: str | None
    health_host: str
    health_port: int
    http_port: int | None
    vault_url: str
    public_url: str
    key_path: Path
    public_keys: Path
    data_key_path: Path | None
    rehearsal: bool
    clock_offset: float
    trust: Path | None
    trust_keys: str
    population_url: str
    sms_url: str
    national_url: str
    provider_url: str
    provider_secret_path: Path | None
    vneid_url: str
    vneid_client_id: str
    vneid_secret_path: Path | None
    vneid_from: datetime | None
    partner_amqp_url: str
    scanner: str
    seed_path: Path | None
    ledger_heads: Path | None
    fonts: Path | None
    log_level: str
    max_workers: int
    event_prefetch: int
    retry_schedule: tuple[int, ...]
    events_days: int
    cors_origins: tuple[str, ...]

    @property
    def kid(self) -> str:
        """Key id of the process's own signing key."""
        return self.key_path.stem if self.key_path.stem != "key" else f"{self.room}-1"

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Reads and checks the variables MOTCUA_*.

        Raises SettingsError naming the variable at fault.
        """
        source = os.environ if env is None else env

        def text(name: str, default: str | None = None) -> str:
            value = source.get(f"MOTCUA_{name}", default)
            if value is None or (value == "" and default is None):
                raise SettingsError(f"MOTCUA_{name} is not set")
            return value

        def number(name: str, default: str | None = None) -> int:
            value = text(name, default)
            try:
                return int(value)
            except ValueError:
                raise SettingsError(f"MOTCUA_{name} is not a whole number") from None

        def real(name: str, default: str) -> float:
            try:
                return float(text(name, default))
            except ValueError:
                raise SettingsError(f"MOTCUA_{name} is not a number") from None

        def delays(name: str) -> tuple[int, ...]:
            given = text(name, ",".join(str(d) for d in wire.RETRY_SCHEDULE)).split(",")
            if not given or any(d not in [str(known) for known in wire.RETRY_DELAYS] for d in given):
                raise SettingsError(f"MOTCUA_{name} must list delays of {wire.RETRY_DELAYS}, in seconds")
            return tuple(int(d) for d in given)

        def optional_path(name: str) -> Path | None:
            value = source.get(f"MOTCUA_{name}")
            return Path(value) if value else None

        def address(name: str, scheme: tuple[str, ...], default: str | None = None) -> str:
            value = text(name, default)
            if value and urlsplit(value).scheme not in scheme:
                raise SettingsError(f"MOTCUA_{name} must begin with one of {', '.join(scheme)}://")
            return value

        def scanner() -> str:
            value = text("SCANNER", "")
            if value and not re.fullmatch(r"unix:/.+|tcp://(?:127\.0\.0\.1|localhost):\d{1,5}", value):
                raise SettingsError("MOTCUA_SCANNER must be unix:/path or tcp://127.0.0.1:port, on this machine")
            return value

        def moment(name: str) -> datetime | None:
            value = text(name, "")
            try:
                found = datetime.fromisoformat(value) if value else None
            except ValueError:
                found = None
            if value and (found is None or found.tzinfo is None):
                raise SettingsError(f"MOTCUA_{name} is not a time with its zone, such as 2024-07-01T00:00:00+07:00")
            return found

        level = text("LOG_LEVEL", "INFO")
        if level.upper() not in LEVELS:
            raise SettingsError(f"MOTCUA_LOG_LEVEL must be one of {', '.join(LEVELS)}")
        rehearsal = text("REHEARSAL", "0")
        if rehearsal not in ("0", "1"):
            raise SettingsError("MOTCUA_REHEARSAL must be 0 or 1")
        offset = real("CLOCK_OFFSET", "0")
        if offset and rehearsal != "1":
            raise SettingsError("MOTCUA_CLOCK_OFFSET is only allowed where MOTCUA_REHEARSAL=1")
        key = Path(text("KEY"))
        if not key.is_file():
            raise SettingsError("MOTCUA_KEY names no file")
        public = Path(text("PUBLIC_KEYS"))
        if not public.is_dir():
            raise SettingsError("MOTCUA_PUBLIC_KEYS names no directory")
        room = text("ROOM")
        mongo = source.get("MOTCUA_MONGO_URL") or None
        if mongo is None and room != "gateway":
            raise SettingsError("MOTCUA_MONGO_URL is not set")
        if room != "gateway" and not source.get("MOTCUA_DATA_KEY"):
            raise SettingsError("MOTCUA_DATA_KEY is not set")
        return cls(
            room=room,
            amqp_url=address("AMQP_URL", ("amqp", "amqps")),
            mongo_url=mongo,
            health_host=text("HEALTH_HOST", "127.0.0.1"),
            health_port=number("HEALTH_PORT"),
            http_port=number("HTTP_PORT") if source.get("MOTCUA_HTTP_PORT") else None,
            vault_url=address("VAULT_URL", ("http", "https"), "http://127.0.0.1:1"),
            public_url=address("PUBLIC_URL", ("http", "https"), "https://dichvucong.hue.gov.vn"),
            key_path=key,
            public_keys=public,
            data_key_path=optional_path("DATA_KEY"),
            rehearsal=rehearsal == "1",
            clock_offset=offset,
            trust=optional_path("TRUST"),
            trust_keys=text("TRUST_KEYS", ""),
            population_url=text("POPULATION_URL", ""),
            sms_url=text("SMS_URL", ""),
            national_url=text("NATIONAL_URL", ""),
            provider_url=text("PROVIDER_URL", ""),
            provider_secret_path=optional_path("PROVIDER_SECRET"),
            vneid_url=address("VNEID_URL", ("http", "https"), "").rstrip("/"),
            vneid_client_id=text("VNEID_CLIENT_ID", ""),
            vneid_secret_path=optional_path("VNEID_SECRET"),
            vneid_from=moment("VNEID_FROM"),
            partner_amqp_url=text("PARTNER_AMQP_URL", ""),
            scanner=scanner(),
            seed_path=optional_path("SEED"),
            ledger_heads=optional_path("LEDGER_HEADS"),
            fonts=optional_path("FONTS"),
            log_level=level,
            max_workers=number("MAX_WORKERS", "32"),
            event_prefetch=number("EVENT_PREFETCH", "16"),
            retry_schedule=delays("RETRY_SCHEDULE"),
            events_days=number("EVENTS_DAYS", "800"),
            cors_origins=tuple(o for o in text("CORS_ORIGINS", "").split(",") if o),
        )
