"""Builds the corpus: `python -m tests.corpus.build OUT`.

    OUT/<group>/<name>.pdf    the files
    OUT/trust/                what a verifier is given: ./motcua verify --trust OUT/trust
    OUT/expected.json         {file: {group, verdicts, sub_indication, control, producer, received, now, level}}

Keys are made afresh and are gone when the build ends; nothing signed is kept from one run to the next.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.corpus import broken, certificates, forgeries, honest, later_changes, tools
from tests.corpus.case import Case
from tests.corpus.kit import Kit
from tests.corpus.pki import write_trust


def cases(kit: Kit) -> Iterator[Case]:
    """Every file of the corpus but the hostile ones, which `hostile` makes."""
    with tempfile.TemporaryDirectory() as scratch:
        yield from honest.cases(kit, Path(scratch))
    yield from certificates.cases(kit)
    yield from later_changes.cases(kit)
    yield from forgeries.cases(kit)
    yield from broken.cases(kit)


def build(out: Path, kit: Kit | None = None) -> dict[str, Case]:
    """Write everything to `out`; the cases by name. Raises ValueError for a name given twice or an unknown control."""
    kit = kit or Kit()
    found: dict[str, Case] = {}
    for case in cases(kit):
        if case.name in found:
            raise ValueError(f"two files of the name {case.name}")
        found[case.name] = case
        path = out / case.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(case.data)
    for case in found.values():
        if case.control is not None and found[case.control].verdicts != ("TOTAL_PASSED",):
            raise ValueError(f"{case.name}: {case.control} is no honest file")
    write_trust(kit.pki, out / "trust")
    expected = {name: case.expected for name, case in found.items()}
    (out / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.corpus.build", description="Build the corpus of signed files."
    )
    parser.add_argument("out", type=Path, metavar="OUT")
    given = parser.parse_args(arguments)
    found = build(given.out)
    passing = sum(case.verdicts == ("TOTAL_PASSED",) for case in found.values())
    print(f"{len(found)} files, {passing} of them honest, in {given.out}")
    if tools.why():
        print(f"left out: files of pdfsig, qpdf and cairo ({tools.why()})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
