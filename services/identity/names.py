"""Comparing persons' names as the population database does (domain reference §5.1).

Equal after normalising: Unicode form (with look-alikes of Đ), case, spaces, and the place of the tone in oa, oe, uy
(hoà = hòa, thuý = thúy).
Diacritics count otherwise: "Hoa" is not "Hòa". Explanations name what differed, never the names themselves, so that
they may be logged.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from services.common.rules import rule

# Letters of other alphabets that look like ours and come from old fonts and keyboards: Ð (eth), Ɖ (African D).
_LOOKALIKES = str.maketrans({"\u00d0": "Đ", "\u00f0": "đ", "\u0189": "Đ", "\u0256": "đ"})
_TONES = "\u0300\u0301\u0303\u0309\u0323"  # huyền, sắc, ngã, hỏi, nặng
_LETTER = "[^\\W\\d_]"


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _placements() -> dict[str, str]:
    """Both spellings of each toned oa, oe, uy → the spelling that we compare with (tone on the first vowel)."""
    found = {}
    for first, second in ("oa", "oe", "uy"):
        for tone in _TONES:
            chosen = _nfc(first + tone + second)
            found[chosen] = found[_nfc(first + second + tone)] = chosen
    return found


_PLACED = _placements()
# Only open syllables have two spellings: "hoàn" has one.
_OPEN_SYLLABLE = re.compile(f"(?:{'|'.join(_PLACED)})(?!{_LETTER})")


class Bridged(StrEnum):
    """A difference that does not count."""

    UNICODE = "UNICODE"
    CASE = "CASE"
    SPACES = "SPACES"
    TONE_PLACEMENT = "TONE_PLACEMENT"


class Differs(StrEnum):
    """Why two names are not the same, the plainest reason first."""

    EMPTY = "EMPTY"
    NUMBER_OF_WORDS = "NUMBER_OF_WORDS"
    DIACRITICS = "DIACRITICS"
    LETTERS = "LETTERS"


_TEXT = {
    Differs.EMPTY: ("Chưa có họ tên", "There is no name"),
    Differs.NUMBER_OF_WORDS: ("Số từ trong họ tên khác nhau", "The names have different numbers of words"),
    Differs.DIACRITICS: ("Dấu trong họ tên khác nhau", "The names differ in diacritics"),
    Differs.LETTERS: ("Chữ trong họ tên khác nhau", "The names differ in letters"),
}


def _unicode(text: str) -> str:
    return _nfc("".join(letter for letter in text if unicodedata.category(letter) != "Cf").translate(_LOOKALIKES))


def _case(text: str) -> str:
    return text.casefold()


def _spaces(text: str) -> str:
    return " ".join(text.split())


def _tone(text: str) -> str:
    return _OPEN_SYLLABLE.sub(lambda found: _PLACED[found[0]], text)


_STAGES = {
    Bridged.UNICODE: _unicode,
    Bridged.CASE: _case,
    Bridged.SPACES: _spaces,
    Bridged.TONE_PLACEMENT: _tone,
}


def normalized_name(name: str) -> str:
    """The form that is compared and indexed; normalising it again changes nothing."""
    for stage in _STAGES.values():
        name = stage(name)
    return _nfc(name)


@dataclass(frozen=True, slots=True)
class NameMatch:
    """Outcome of a comparison, the same in both directions. `words` are positions (from 1) of words that differ."""

    same: bool
    bridged: frozenset[Bridged] = frozenset()
    differs: Differs | None = None
    words: tuple[int, ...] = ()

    @property
    def text(self) -> tuple[str, str]:
        """The reason in both languages; of a match that it is one."""
        return ("Họ tên trùng khớp", "The names match") if self.differs is None else _TEXT[self.differs]


@rule(
    "ID-03", title="Họ tên phải khớp dữ liệu dân cư (dạng đã chuẩn hóa)", cites="TB 94/TB-UBND §1; CV 2740/STTTT-IOC §1"
)
def compare_names(one: str, other: str) -> NameMatch:
    """Compare two names and say what was bridged or what differs. An empty name is the same as none."""
    left, right = normalized_name(one), normalized_name(other)
    if not left or not right:
        return NameMatch(False, differs=Differs.EMPTY)
    if left == right:
        return NameMatch(True, bridged=frozenset(kind for kind in Bridged if not _same_without(kind, one, other)))
    words, others = left.split(), right.split()
    if len(words) != len(others):
        return NameMatch(False, differs=Differs.NUMBER_OF_WORDS)
    places = tuple(n for n, (a, b) in enumerate(zip(words, others, strict=True), start=1) if a != b)
    differs = Differs.DIACRITICS if _bare(left) == _bare(right) else Differs.LETTERS
    return NameMatch(False, differs=differs, words=places)


def same_name(one: str, other: str) -> bool:
    """Tell whether two names are the same person's name."""
    return compare_names(one, other).same


def _same_without(kind: Bridged, one: str, other: str) -> bool:
    """Whether the names are equal even when one kind of normalising is left out: then that kind bridged nothing."""
    for stage, normalise in _STAGES.items():
        if stage is not kind:
            one, other = normalise(one), normalise(other)
    return one == other


def _bare(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.replace("đ", "d"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
