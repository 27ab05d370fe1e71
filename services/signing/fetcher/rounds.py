"""The fetcher's work: addresses of the signed configuration are asked when they are due, sooner where it failed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from services.common import logs
from services.signing import trust
from services.signing.adapters import authorities
from services.signing.adapters.authorities import Unreachable
from services.signing.fetcher import answers, lists, metrics
from services.signing.fetcher.lists import NotTaken
from services.signing.fetcher.shelf import Shelf
from services.signing.trust_configuration import Authority, Keys, Manifest, TrustError

FIRST_PAUSE = 5.0  # seconds, doubled with each failure, at most the usual time between two rounds


@dataclass(frozen=True, slots=True)
class Source:
    """What one authority of the manifest is asked for. `issuer` None: its own list; else its status at the issuer."""

    authority: Authority
    certificate: x509.Certificate
    issuer: x509.Certificate | None
    addresses: tuple[str, ...]

    @property
    def kind(self) -> str:
        return "list" if self.issuer is None else "answer"


@dataclass
class _Turn:
    """When a source is due next, in monotonic seconds."""

    due: float = 0.0
    failures: int = 0


@dataclass
class Fetcher:
    """Works on one trust folder. `keys`: who may sign its configuration; None where it is believed as it lies there."""

    folder: Path
    keys: Keys | None
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    _sources: list[Source] = field(default_factory=list)
    _turns: dict[tuple[str, str], _Turn] = field(default_factory=dict)
    _manifest: Manifest | None = None
    _seen: object = None
    _number: int = 0

    @property
    def ready(self) -> bool:
        return self._manifest is not None or self.keys is None

    def work(self, *, at_once: bool = False) -> None:
        """Ask whatever is due; `at_once`: everything."""
        self._follow()
        if self._manifest is None:
            return
        if at_once:
            self._turns.clear()
        pause = self._manifest.fetching.every_minutes * 60.0
        for source in self._sources:
            turn = self._turns.setdefault((source.authority.sha256, source.kind), _Turn())
            if self.monotonic() < turn.due:
                continue
            if self._ask(source):
                turn.failures, turn.due = 0, self.monotonic() + pause
            else:
                turn.due = self.monotonic() + min(FIRST_PAUSE * 2**turn.failures, pause)
                turn.failures = min(turn.failures + 1, 20)
        self._tell()

    def _follow(self) -> None:
        """Take over a new configuration; keep the last good one where there is none that may be used."""
        seen = trust.state_of(self.folder)
        if seen == self._seen:
            return
        try:
            found = trust.read(self.folder, self.keys)
            if found.manifest is None:
                raise TrustError("there is no manifest, so there is no address that may be asked")
            if found.manifest.number < self._number:
                raise TrustError(f"number {found.manifest.number} is older than {self._number}, which was in use")
            sources = _sources_of(found)
        except (TrustError, OSError, ValueError) as fault:
            self._seen = seen
            metrics.record_configuration(None)
            logs.error("fetcher_trust_refused", reason=str(fault))
            return
        self._seen = seen
        metrics.record_configuration(found.manifest.fetching.warn_hours)
        if found.manifest != self._manifest:
            self._manifest, self._number, self._sources = found.manifest, found.manifest.number, sources
            self._turns.clear()  # new addresses are asked at once
            metrics.forget_lists()
            logs.info("fetcher_follows", configuration=self._number, sources=len(sources))

    def _ask(self, source: Source) -> bool:
        """Whether one of the source's addresses gave what can be used."""
        shelf, good = Shelf(self.folder), False
        for address in source.addresses:
            try:
                good, outcome = True, self._take(source, address, shelf)
            except Unreachable as fault:
                good, outcome = False, "unreachable"
                self._say("list_unreachable", source, fault.why)
            except NotTaken as fault:
                good, outcome = False, "refused"
                self._say("list_refused", source, fault.why)
            metrics.record_fetch(source.kind, outcome)
            if good:
                break
        if source.issuer is None:
            newest, used = shelf.newest_list(source.certificate), shelf.list_in_use(source.certificate)
            if newest is not None and (used is None or used.is_before(newest)):
                shelf.restore_list(source.certificate)
        return good

    @staticmethod
    def _say(event: str, source: Source, why: str) -> None:
        issuer = source.authority.sha256[:16]
        if event == "list_refused":
            logs.error("list_refused", issuer=issuer, kind=source.kind, why=why)
        else:
            logs.warning("list_unreachable", issuer=issuer, kind=source.kind, why=why)

    def _take(self, source: Source, address: str, shelf: Shelf) -> str:
        """Fetch, judge and shelve; `new` or `same`. Raises Unreachable and NotTaken."""
        digest = source.authority.sha256
        if source.issuer is None:
            newest = shelf.newest_list(source.certificate)
            der = authorities.fetch_list(address)
            known = lists.take(der, source.certificate, newest, self.now())
            if known is not None:
                shelf.put_list(der, source.certificate, known)
        else:
            newest = shelf.newest_answer(source.certificate, source.issuer, digest)
            # an answer that has more than half of its time left is not asked for again
            if newest is not None and self.now() - newest.issued < (newest.ends - newest.issued) / 2:
                return "same"
            der = authorities.ask_status(address, answers.question(source.certificate, source.issuer))
            known = answers.take(der, source.certificate, source.issuer, newest, self.now())
            if known is not None:
                shelf.put_answer(der, source.issuer, digest, known)
        if known is None:
            return "same"
        logs.info("list_taken", issuer=digest[:16], kind=source.kind, issued=known.issued.isoformat())
        return "new"

    def _tell(self) -> None:
        shelf = Shelf(self.folder)
        for source in self._sources:
            if source.issuer is None:
                known = shelf.list_in_use(source.certificate)
                metrics.record_list(source.authority.sha256[:16], known, self.now())


def _sources_of(found: trust.Folder) -> list[Source]:
    """What is to be asked: every list that has an address, and our issuing authorities at their issuers' responders."""
    assert found.manifest is not None
    ders = {file.sha256: file.der for part in found.parts.values() for file in part}
    loaded = {a.sha256: x509.load_der_x509_certificate(ders[a.sha256]) for a in found.manifest.authorities}
    sources = [Source(a, loaded[a.sha256], None, a.lists) for a in found.manifest.authorities if a.lists]
    for authority in found.manifest.intermediates:
        for above in found.manifest.authorities:
            if above.answers and _issued(loaded[above.sha256], loaded[authority.sha256]):
                sources.append(Source(authority, loaded[authority.sha256], loaded[above.sha256], above.answers))
                break
    return sources


def _issued(above: x509.Certificate, below: x509.Certificate) -> bool:
    if above.subject != below.issuer or _digest(above) == _digest(below):
        return False
    der = [c.public_bytes(serialization.Encoding.DER) for c in (above, below)]
    return trust.Certificate.load(der[0]).issued(trust.Certificate.load(der[1]))


def _digest(certificate: x509.Certificate) -> str:
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()
