"""The check of one file, whatever it is: bytes in, report out. The worker and the command line call this.

Pure but for CPU time; hostile input is answered by a verdict and never by an exception, but it may take arbitrarily
long or much memory: run it in a worker with limits.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.signing import formats, office, pdf, trust, xml_forms
from services.signing.digests import Digests
from services.signing.verdict import FINDINGS, NO_SIGNATURE, file_report


def check_file(data: bytes, *, snapshot: trust.Snapshot, received: datetime, now: datetime) -> dict[str, Any]:
    """Judge a file that came in at `received`, checked at `now`, by one version of the trust store.

    Both times are aware business times. Raises ValueError for naive ones. A `received` after `now` counts as `now`.
    """
    if received.utcoffset() is None or now.utcoffset() is None:
        raise ValueError("received and now need a time zone")
    known_since = min(received, now)
    kind, digests = formats.sniff(data), Digests(data)
    if kind == "pdf":
        result = pdf.check_pdf(data, snapshot=snapshot, received=known_since, now=now, digests=digests)
    elif kind == "other" and formats.cannot_carry_signature(data):
        result = pdf.Result((NO_SIGNATURE,))
    elif kind == "xml":
        result = xml_forms.check_xml(data, snapshot=snapshot, received=known_since, now=now)
    elif kind == "ooxml":
        result = office.check_office(data, snapshot=snapshot, received=known_since, now=now)
    else:
        result = pdf.Result((FINDINGS["unsupported"],))
    return file_report(
        sha256=digests.whole(),
        size=len(data),
        format=kind,
        trust_version=snapshot.version,
        checked_at=now,
        received_at=received,
        signatures=result.signatures,
        timestamps=result.timestamps,
        findings=result.findings,
        parser=result.parser,
    )
