"""docs/signing-policy.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.signing import structure, syntax, trust, worker
from services.signing.findings import FINDINGS, POLICY, VIETNAMESE, Finding

pytestmark = pytest.mark.req("SG-07")

TEXT = (Path(__file__).parents[3] / "docs/signing-policy.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    section = TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def told(finding: Finding) -> list[str]:
    return [f"`{finding.code}`", str(finding.verdict), finding.sub_indication or "–", finding.en, finding.vi]


def test_the_table_of_findings_is_that_of_the_code() -> None:
    assert {row[0]: row for row in rows("Findings")} == {f"`{code}`": told(f) for code, f in FINDINGS.items()}


def test_the_version_and_the_four_answers_are_those_of_the_code() -> None:
    assert f"Version `{POLICY}`" in TEXT
    assert {row[0]: row[1].split(",")[0] for row in rows("The question")} == {
        str(verdict): word for verdict, word in VIETNAMESE.items()
    }


def test_the_limits_are_those_of_the_code() -> None:
    limits, said = structure.LIMITS, {row[0]: row[1] for row in rows("Limits")}

    def numbers(start: str) -> list[int]:
        [value] = [v for name, v in said.items() if name.startswith(start)]
        return [int(n.replace(",", "")) for n in re.findall(r"[\d,]*\d", value)]

    assert numbers("file") == [limits.file_bytes >> 20]
    assert numbers("revisions") == [limits.revisions, limits.signatures]
    assert numbers("certificates in") == [limits.certificates, limits.contents_bytes >> 20]
    assert numbers("certificates, lists") == [limits.brought]
    assert numbers("objects when") == [limits.diff_objects]
    assert numbers("chains") == [trust._MOST_CHAINS, trust._LONGEST_CHAIN]
    assert numbers("processor time") == [
        int(worker.CPU_LIMIT_SECONDS), int(worker.WALL_LIMIT_SECONDS), worker.MEMORY_LIMIT >> 30,
    ]  # fmt: skip
    assert numbers("nesting") == [syntax._DEPTH]
    assert numbers("one object") == [syntax._UNPACKED >> 20]
    assert len(said) == 9, "a row of the document that is not looked at"
