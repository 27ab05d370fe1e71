"""Checks per second of one core, against the PDF library alone on the same files with the same revocation lists."""

from __future__ import annotations

import asyncio
import io
import statistics
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy

from bench.figures import Figure, alternating
from bench.signing.files import RECEIVED, Files
from services.signing import reports, trust, worker
from services.signing.check import check_file
from services.signing.verdict import POLICY

#: Name of the file, checks a round, and what the ratio should reach.
_TAKEN = (("200kb", 20, 0.9), ("5mb_scan", 10, 0.9), ("5mb_text_two", 1, None), ("20mb_scan", 4, 0.9),
          ("20mb_500_pages", 4, None))  # fmt: skip
_ENTRIES = 200_000
_LOOKUPS = 500
_Lookup = Callable[[], Any]


def measure(files: Files) -> list[Figure]:
    """The files; what a large revocation list adds to each check."""
    return in_room(lambda: [*(_against_library(files, *row) for row in _TAKEN), _large_list(files)])


def in_room(work: Callable[[], Any]) -> Any:
    """Runs it as a worker does: with its depth of recursion, on a thread with its stack."""
    found: list[Any] = []
    depth, stack = sys.getrecursionlimit(), threading.stack_size(worker.STACK_BYTES)
    sys.setrecursionlimit(worker.RECURSION_LIMIT)
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    sys.setrecursionlimit(depth)
    threading.stack_size(stack)
    if not found:
        raise RuntimeError("the measure ended with an error; it stands above")
    return found[0]


def _against_library(files: Files, name: str, checks: int, floor: float | None) -> Figure:
    data = files.data(name)
    ours, library = _rate(lambda: _check(files.snapshot, data), checks), _rate(lambda: bare(files, data), checks)
    figure, baseline = alternating(ours, library)
    return Figure(f"signing_{name}", "checks/s/core", figure, baseline, floor=floor, note=f"{len(data) / 1e6:.1f} MB")


def cached(files: Files, look_up: _Lookup) -> Figure:
    """A verdict that stands, looked up by the content's hash, as the room does before it asks a worker."""
    data = files.data("200kb")
    figure, baseline = alternating(_rate(look_up, _LOOKUPS), _rate(lambda: bare(files, data), 20))
    return Figure("signing_cached", "verdicts/s/core", figure, baseline, floor=50, note="room's side of the look-up")


def kept_report(files: Files) -> dict[str, Any]:
    """The report of the 200 KB file as the room keeps it."""
    report = _check(files.snapshot, files.data("200kb"))
    return {"_id": reports.report_id(report), "schema_version": 1, **report}


def key_of(report: dict[str, Any]) -> tuple[str, str, str, datetime]:
    return report["sha256"], POLICY, report["trust_version"], RECEIVED


def _check(snapshot: trust.Snapshot, data: bytes) -> dict[str, Any]:
    report = check_file(data, snapshot=snapshot, received=RECEIVED, now=RECEIVED)
    if report["verdict"] != "TOTAL_PASSED":
        raise RuntimeError(f"the measured file is {report['verdict']} ({report['code']})")
    return report


def bare(files: Files, data: bytes) -> None:
    """What a program with the library alone does: one context a file, lists and certificates read before."""
    snapshot = files.snapshot
    context = ValidationContext(
        trust_roots=[c.asn1 for kind in trust.KINDS for c in snapshot.anchors[kind]],
        other_certs=[c.asn1 for c in snapshot.intermediates],
        crls=_library_lists(files),
        moment=RECEIVED,
        allow_fetching=False,
        revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO, retroactive_revinfo=True),
    )
    for signature in PdfFileReader(io.BytesIO(data)).embedded_signatures:
        status = asyncio.run(async_validate_pdf_signature(signature, context))
        if not status.bottom_line:
            raise RuntimeError("the library refuses the measured file")


def _library_lists(files: Files) -> list[Any]:
    """The two lists that speak of the signers' chains, parsed once."""
    from asn1crypto import crl

    found = _lists.get(id(files))
    if found is None:
        paths = (files.trust_folder / "crls" / f"{name}.crl" for name in _ISSUERS)
        found = _lists[id(files)] = [crl.CertificateList.load(path.read_bytes()) for path in paths]
    return found


_ISSUERS = ("public-root", "public-ca", "government-root", "government-ca")
_lists: dict[int, list[Any]] = {}


def _rate(work: Callable[[], Any], times: int) -> Callable[[], float]:
    work()

    def measure() -> float:
        before = time.process_time()
        for _ in range(times):
            work()
        return times / (time.process_time() - before)

    return measure


def _large_list(files: Files) -> Figure:
    """CPU that a list of 200,000 entries adds to a check of the 200 KB file, once it was read."""
    data, folder = files.data("200kb"), files.big_list(_ENTRIES)
    before = time.process_time()
    large = trust.load(folder)
    _check(large, data)
    first = time.process_time() - before
    slow, quick = alternating(_cost(lambda: _check(large, data)), _cost(lambda: _check(files.snapshot, data)))
    note = f"{quick:.1f} ms with a short list; loading it {first:.1f} s, once"
    return Figure("signing_large_list", "ms CPU/check", max(0.0, slow - quick), limit=50, note=note)


def _cost(work: Callable[[], Any]) -> Callable[[], float]:
    def measure() -> float:
        taken = []
        for _ in range(10):
            before = time.process_time()
            work()
            taken.append((time.process_time() - before) * 1e3)
        return statistics.median(taken)

    return measure
