"""The same files through pdfsig: every disagreement is explained in docs/signing-crosscheck.md."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.corpus import crosscheck, tools
from tests.corpus.conftest import Corpus

pytestmark = pytest.mark.req("SG-07")


@pytest.mark.full
def test_programs_of_other_makers_are_there() -> None:
    """Else files and opinions of theirs are left out without anybody noticing."""
    assert tools.why() == "" and tools.has_openssl()


def test_disagreements_with_pdfsig_are_explained(corpus: Corpus, reports: dict[str, dict[str, Any]]) -> None:
    if tools.why():
        pytest.skip(f"pdfsig cannot be had here: {tools.why()}")
    rows = crosscheck.explained()
    assert rows
    with ThreadPoolExecutor(2) as pool:
        opinions = dict(
            zip(
                corpus.cases, pool.map(lambda name: crosscheck.opinion(corpus.folder / name), corpus.cases), strict=True
            )
        )
    agreed, unexplained, used = 0, [], set()
    for name, theirs in opinions.items():
        own = crosscheck.ours(reports[name]["verdict"])
        fitting = [row for row in rows if row.fits(name, own, theirs)]
        used |= set(fitting)
        if crosscheck.agree(own, theirs):
            agreed += 1
        elif not fitting:
            unexplained.append(f"{name}: we {own}, pdfsig {theirs}")
    assert unexplained == []
    assert agreed > 150
    # Other versions may have learned something; of the one that the document names, no row is idle.
    if crosscheck.version() == crosscheck.explained_version():
        assert [row for row in rows if row not in used] == []
