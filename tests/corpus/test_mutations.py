"""Random changes of signed files: none passes unless all that counts is byte-identical (see `mutations`)."""

from __future__ import annotations

import os
import secrets
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from tests.corpus import mutations
from tests.corpus.case import RECEIVED
from tests.corpus.conftest import Corpus
from tests.corpus.workers import check_all

pytestmark = pytest.mark.req("SG-07")

BASES = ("b-b", "b-t", "b-lt", "b-lta", "pkcs7", "two", "three", "two-long-term", "certified-then-signed", "form",
         "writer-streams", "writer-hybrid", "writer-linearised-two")  # fmt: skip

_VERDICTS = ("TOTAL_PASSED", "TOTAL_FAILED", "INDETERMINATE", "NO_SIGNATURE")
_BY_LIMIT = (signal.SIGPROF, signal.SIGALRM)


def _seed() -> int:
    """A fresh one each run; MOTCUA_MUTATION_SEED repeats a run."""
    return int(os.environ.get("MOTCUA_MUTATION_SEED") or secrets.randbelow(1 << 32))


def _passing(corpus: Corpus, folder: Path, count: int, seed: int) -> list[str]:
    bases = {name: corpus.cases[f"honest/{name}.pdf"].data for name in BASES}
    jobs, files = [], {}
    for name, base, mutant in mutations.mutants(seed, bases, count):
        path = folder / f"{name}.pdf"
        path.write_bytes(mutant)
        files[name] = (base, mutant)
        jobs.append((name, path, RECEIVED, RECEIVED + timedelta(minutes=1)))
    reports = check_all(jobs, corpus.trust)
    assert len(reports) == count
    for name, report in reports.items():
        # a check that comes to nothing would let every mutant "not pass"
        assert report.get("verdict") in _VERDICTS or report.get("killed") in _BY_LIMIT, (name, report)
        assert "-letters-" not in name or report.get("verdict") == "TOTAL_PASSED", f"{name}: nothing that counts"
    passed = [name for name, report in reports.items() if report.get("verdict") == "TOTAL_PASSED"]
    same = {mutations.core(data) for data in bases.values()}
    # A cut-back file may be an earlier, complete revision of another base: that one passes by its own right.
    return [name for name in passed if mutations.core(files[name][1]) not in same]


def test_no_mutant_passes(corpus: Corpus, tmp_path: Path) -> None:
    seed = _seed()
    print(f"MOTCUA_MUTATION_SEED={seed}")
    assert _passing(corpus, tmp_path, 200, seed) == [], f"MOTCUA_MUTATION_SEED={seed}"


@pytest.mark.full
def test_no_mutant_of_many_passes(corpus: Corpus, tmp_path: Path) -> None:
    seed = _seed()
    print(f"MOTCUA_MUTATION_SEED={seed}")
    assert _passing(corpus, tmp_path, 2_000, seed) == [], f"MOTCUA_MUTATION_SEED={seed}"


def test_what_does_not_count_is_only_that(corpus: Corpus) -> None:
    """`core` calls the same what differs in digits' case or white space at the end, and nothing else."""
    signed = corpus.kit.b_b
    assert mutations.core(signed + b"\n\n") == mutations.core(signed)
    start = signed.rindex(b"/Contents <") + 11
    stop = signed.index(b">", start)
    assert mutations.core(signed[:start] + signed[start:stop].swapcase() + signed[stop:]) == mutations.core(signed)
    assert mutations.core(signed[:100] + b"#" + signed[101:]) != mutations.core(signed)
    assert mutations.core(signed + b"%") != mutations.core(signed)


def test_only_what_is_offered_behind_the_last_signature_does_not_count(corpus: Corpus) -> None:
    def changed(name: str, before: bytes) -> bool:
        data = corpus.cases[f"honest/{name}.pdf"].data
        place = data.rindex(before) + len(before) + 100
        mutant = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        return mutations.core(mutant) != mutations.core(data)

    assert not changed("b-lt", b">>\nstream\n")
    assert changed("b-lta", b">>\nstream\n")  # a timestamp follows and covers it
    assert changed("b-lt", b"/DSS")
    assert changed("b-b", b"stream\n")
