"""Whether a text says anything: what can be seen of it, once its blanks are gone. Pure.

Blank is more than white space: format characters, fillers and joiners have no glyph, and some blanks are letters to
Unicode (Hangul fillers) or symbols (the empty Braille pattern).
"""

from __future__ import annotations

import unicodedata

#: Characters without a glyph whose category does not tell: fillers, the empty Braille pattern, Khmer inherent vowels.
_GLYPHLESS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U0001d159")
_BLANK = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Cn", "Co", "Cs"})
_SELECTORS = ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))


def is_blank(text: str) -> bool:
    """Whether nothing of it can be seen."""
    return all(_blank(character) for character in text)


def has_words(text: str) -> bool:
    """Whether letters or digits are among what can be seen, in whatever form they are written (NFKC)."""
    seen = (character for character in unicodedata.normalize("NFKC", text) if not _blank(character))
    return any(unicodedata.category(character)[0] in "LN" for character in seen)


def _blank(character: str) -> bool:
    if character in _GLYPHLESS or unicodedata.category(character) in _BLANK:
        return True
    return any(first <= ord(character) <= last for first, last in _SELECTORS)
