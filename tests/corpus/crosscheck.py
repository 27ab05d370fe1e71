"""What pdfsig (poppler) says of the corpus, next to what we say.

It is asked about digests and signature values alone (-nocert): it knows no revocation lists, no time but now and no
policy of ours. Where the two disagree, docs/signing-crosscheck.md says why, class by class; the table there is read by
the test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from tests.corpus import tools

DOCUMENT = Path(__file__).parents[2] / "docs/signing-crosscheck.md"
_VALUE = re.compile(r"- Signature Validation: (.+?)\.?$", re.MULTILINE)
_ROW = re.compile(
    r"^\| (.+?) \| (valid|valid, not total|invalid|unsigned|error) \| (passed|refused|unsigned) \| (.+) \|$",
    re.MULTILINE,
)


def opinion(path: Path) -> str:
    """`valid`, `valid, not total` (something follows the last signed byte), `invalid`, `unsigned` or `error`."""
    done = tools.run("pdfsig", "-nocert", path)
    said = (done.stdout + done.stderr).decode(errors="replace")
    values = _VALUE.findall(said)
    if not values:
        return "unsigned" if "does not contain any signatures" in said else "error"
    if any(word != "Signature is Valid" for word in values):
        return "invalid"
    # Of several signatures only the last can cover all.
    return "valid" if "- Total document signed" in said else "valid, not total"


def version() -> str:
    found = re.search(rb"version (\S+)", tools.run("pdfsig", "-v").stderr)
    return found[1].decode() if found else ""


def ours(verdict: str) -> str:
    return {"TOTAL_PASSED": "passed", "NO_SIGNATURE": "unsigned"}.get(verdict, "refused")


_AGREE = {
    ("passed", "valid"), ("refused", "invalid"), ("refused", "error"), ("unsigned", "unsigned"), ("unsigned", "error"),
}  # fmt: skip


def agree(own: str, theirs: str) -> bool:
    return (own, theirs) in _AGREE


@dataclass(frozen=True)
class Explained:
    """One row of the document."""

    files: tuple[str, ...]
    theirs: str
    own: str
    why: str

    def fits(self, name: str, own: str, theirs: str) -> bool:
        return (own, theirs) == (self.own, self.theirs) and any(fnmatchcase(name, pattern) for pattern in self.files)


def explained() -> list[Explained]:
    rows = _ROW.findall(DOCUMENT.read_text())
    return [Explained(tuple(re.findall(r"`([^`]+)`", files)), theirs, own, why) for files, theirs, own, why in rows]


def explained_version() -> str:
    found = re.search(r"pdfsig (\d+\.\d+\.\d+)", DOCUMENT.read_text())
    assert found is not None
    return found[1]
