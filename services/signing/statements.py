"""What one list or answer says about one certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.signing.certificates import Certificate


@dataclass(frozen=True, slots=True)
class Statement:
    """`revoked_at` None: nothing stands against the certificate, as far as the source can know.

    `source`: SHA-256 of the list or answer.
    """

    issued: datetime
    until: datetime | None
    revoked_at: datetime | None = None
    reason: str | None = None
    # Certificates that expired at or after this moment are still told of; None: those that expire leave.
    keeps_since: datetime | None = None
    # The source tells of some reasons only: it can revoke, but not vouch.
    partial: bool = False
    source: str = ""

    @property
    def hold(self) -> bool:
        """A suspension, which can be lifted again; every other revocation is for good."""
        return self.reason == "certificate_hold"

    def vouches(self, certificate: Certificate) -> bool:
        """Whether silence is a good word: an expired certificate may have left a later list."""
        if self.revoked_at is not None or self.partial:
            return False
        until = certificate.not_after
        return self.issued <= until or (self.keeps_since is not None and self.keeps_since <= until)
