"""Whether a certificate was revoked, by lists and OCSP answers that its issuer signed.

Judged here and not by the PDF library: that reads a list of 200,000 entries anew for every check, needs addresses in
the certificate before it looks at an answer, and takes the latest word for all times. Here each list is verified once
per key and looked up by serial number, and every statement about a certificate counts, earlier ones too: a hold that
was lifted since, or an entry that left the list when the certificate expired, is not forgotten.

Data count whoever brought them, the trust folder or the file: the issuer's signature makes them true, nothing else.
What we do not support says nothing: delta lists, indirect lists, lists for another distribution point.

Pure: bytes and moments in, a standing out. Nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.signing.answers import Answer
from services.signing.archive import Archive
from services.signing.certificates import Certificate
from services.signing.lists import RevocationList
from services.signing.statements import Statement

__all__ = ["Answer", "Evidence", "RevocationList", "Standing", "Statement", "standing"]

# Data without nextUpdate say "newer is always to be had": they hold for as long as a usual list would.
_WITHOUT_NEXT = timedelta(days=7)
# After these reasons the key is still its owner's: what it did before stays good (RFC 3161 §4 asks for the reason).
HARMLESS = frozenset({"affiliation_changed", "superseded", "cessation_of_operation"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a certificate at one moment: good, revoked (since when, why), on_hold or unknown."""

    kind: str
    since: datetime | None = None
    reason: str | None = None


GOOD, UNKNOWN = Standing("good"), Standing("unknown")


class Evidence:
    """All lists and answers that are known at `now`, asked about certificates one at a time."""

    def __init__(
        self,
        lists: Iterable[RevocationList],
        answers: Iterable[Answer],
        now: datetime,
        archive: Archive | None = None,
    ) -> None:
        # A check "as of" a moment must not know what was issued after it.
        self._lists = [item for item in lists if item.issued <= now]
        self._answers = tuple(answers)
        self._archive, self._now = archive, now
        self._known: dict[tuple[bytes, bytes], tuple[Statement, ...]] = {}

    def about(self, certificate: Certificate, issuer: Certificate) -> tuple[Statement, ...]:
        """What the issuer says of the certificate, in whatever was signed by its key or a responder it named."""
        key = (certificate.der, issuer.key)
        if key not in self._known:
            self._known[key] = tuple(self._collect(certificate, issuer))
        return self._known[key]

    def _collect(self, certificate: Certificate, issuer: Certificate) -> Iterable[Statement]:
        for item in self._lists:
            said = item.statement(certificate, issuer)
            if said:
                yield said
        if self._archive is not None and certificate.not_after < self._now:
            for item in self._archive.about(certificate, issuer):
                once = item.statement(certificate, issuer) if item.issued <= self._now else None
                if once:
                    yield once
        for answer in self._answers:
            for said in answer.statements(certificate, issuer, self._responder_is_good):
                if said.issued <= self._now:
                    yield said

    def _responder_is_good(self, responder: Certificate, issuer: Certificate, at: datetime) -> bool:
        """By lists alone: an answer about the responder would need a responder. No data at all is no objection."""
        said = [s for s in (item.statement(responder, issuer) for item in self._lists) if s]
        return standing(said, responder, at).kind in ("good", "unknown")


def standing(statements: Sequence[Statement], certificate: Certificate, moment: datetime) -> Standing:
    """What the statements amount to at `moment`."""
    final = [s for s in statements if s.revoked_at and not s.hold]
    first = min(final, key=_revoked_at, default=None)
    if first is not None and _revoked_at(first) <= moment:
        return Standing("revoked", first.revoked_at, first.reason)
    for held in (s for s in statements if s.hold and s.revoked_at and s.revoked_at <= moment):
        # Lifted at the latest when the issuer next says that nothing stands against the certificate.
        lifted = min((s.issued for s in statements if s.issued > held.issued and s.vouches(certificate)), default=None)
        if lifted is None or moment < lifted:
            return Standing("on_hold", held.revoked_at, held.reason)
    if any(_speaks_for(s, certificate, moment) for s in statements):
        return GOOD
    return UNKNOWN


def _revoked_at(statement: Statement) -> datetime:
    assert statement.revoked_at is not None
    return statement.revoked_at


def _speaks_for(statement: Statement, certificate: Certificate, moment: datetime) -> bool:
    """Whether the statement proves that the certificate was not revoked at `moment`."""
    if statement.revoked_at is not None:
        return statement.revoked_at > moment
    if not statement.vouches(certificate):
        return False
    until = statement.until or statement.issued + _WITHOUT_NEXT
    return statement.issued >= moment or moment <= until
