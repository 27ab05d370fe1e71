"""The corpus: a test authority and signed files, made once per run in a temporary folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from deploy.rehearsal import authority, papers
from services.signing import trust
from services.signing.check import check_file

# Monday of the rehearsal, 09:00 local time.
MONDAY = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
RECEIVED = MONDAY + timedelta(hours=1)
LATE_REVOCATION = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)


@dataclass
class World:
    """What a test needs: tokens, a paper, files made once, and the check with sensible times."""

    folder: Path
    trust_folder: Path
    authority: authority.Authority
    snapshot: trust.Snapshot
    monday: datetime = MONDAY
    received: datetime = RECEIVED
    late_revocation: datetime = LATE_REVOCATION
    paper: bytes = field(default_factory=lambda: papers.paper("Tờ khai", ["Họ và tên: Nguyễn Thị An"], pages=2))
    _made: dict[str, bytes] = field(default_factory=dict)

    def token(self, name: str) -> authority.Token:
        return authority.token(self.folder, name)

    def signed(self, by: str = "citizen-an", **options: Any) -> bytes:
        options.setdefault("at", self.monday)
        return papers.sign(options.pop("pdf", self.paper), self.token(by), **options)

    def once(self, name: str, make: Callable[[], bytes]) -> bytes:
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    @property
    def b_b(self) -> bytes:
        return self.once("b_b", self.signed)

    @property
    def b_t(self) -> bytes:
        return self.once("b_t", lambda: self.signed("citizen-binh", timestamp=self.token("timestamp")))

    @property
    def two(self) -> bytes:
        later = self.monday + timedelta(minutes=20)
        return self.once("two", lambda: self.signed("officer-desk", pdf=self.b_b, field="CanBo", at=later))

    def check(self, data: bytes, *, snapshot: trust.Snapshot | None = None, **times: datetime) -> dict[str, Any]:
        return check_file(
            data,
            snapshot=snapshot or self.snapshot,
            received=times.get("received", self.received),
            now=times.get("now", self.received + timedelta(minutes=1)),
        )


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder, trusted = tmp_path_factory.mktemp("authority"), tmp_path_factory.mktemp("trust")
    built = authority.build(folder, trusted)
    who = authority.subject("UBND xã Quảng Thái", organization="UBND xã Quảng Thái", user_id="MST:3300100018")
    signing, stamping = ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.TIME_STAMPING
    government: dict[str, Any] = {"issuer": "government-ca"}
    late = built.issue("late", who, **government)
    built.revoke("government-ca", late.certificate, LATE_REVOCATION)
    built.issue("short", who, **government, not_after=datetime(2024, 3, 9, tzinfo=UTC))
    built.issue("gone-before-list", who, **government, not_after=datetime(2024, 2, 1, tzinfo=UTC))
    built.issue("young", who, **government, not_before=datetime(2024, 3, 10, tzinfo=UTC))
    built.issue("server-only", who, **government, extended=(ExtendedKeyUsageOID.SERVER_AUTH,))
    built.issue("no-usage", who, **government, usages=(), extended=(signing,))
    built.issue("plain-usage", who, **government, usages=("digitalSignature",), extended=None)
    built.issue("short-key", who, **government, key="rsa", bits=1024)
    # A short name: its timestamps sort before genuine ones in a container's set of attributes.
    built.issue(
        "foreign-stamp",
        authority.subject("T"),
        issuer="foreign-ca",
        key="rsa",
        extended=(stamping,),
        critical_extended=True,
    )
    # An issuing authority that was revoked in January, with one certificate under it.
    above = built.found("withdrawn-ca", "CA đã thu hồi", parent="government-root")
    built.revoke("government-root", above.certificate, datetime(2024, 1, 10, tzinfo=UTC))
    built.issue("under-withdrawn", who, issuer="withdrawn-ca")
    built.write_list("withdrawn-ca", trusted / "crls")
    for issuer in ("government-ca", "government-root"):
        built.write_list(issuer, trusted / "crls", issued=datetime(2024, 3, 6, tzinfo=UTC))
    return World(folder, trusted, built, trust.load(trusted))
