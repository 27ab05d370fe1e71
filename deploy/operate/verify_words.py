"""What ./motcua verify prints of a report: a block for people, or plain values for programs."""

from __future__ import annotations

from typing import Any

from services.signing import report_words, steps
from services.signing.reports import masked

_WIDTH = 44
#: Control characters, and those that turn the direction of writing.
_UNPRINTABLE = {
    code: f"\\u{code:04x}"
    for code in (*range(0x20), *range(0x7F, 0xA0), 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
}


def printable(text: str) -> str:
    """Text on one line of a terminal: what would move the cursor or turn the direction of writing is escaped."""
    return text.translate(_UNPRINTABLE)


def gone(why: str) -> dict[str, str]:
    """What replaces code and reason where a file could be opened at first and cannot be read any more."""
    return {
        "code": "gone",
        "reason_vi": f"Không đọc được tệp nữa ({why}).",
        "reason_en": f"The file can no longer be read ({why}).",
    }


def plain(file: str, report: dict[str, Any]) -> dict[str, Any]:
    """One element of the list of --json. Personal numbers are whole: programs compare them."""
    first = ("verdict", "verdict_vi", "sub_indication", "code")
    rest = ("sha256", "size", "format", "parser", "policy", "trust_version", "received_at", "checked_at")
    return {
        "file": file,
        **{name: report[name] for name in first},
        "reason": report["reason_vi"],
        "reason_en": report["reason_en"],
        "signatures": [_signature(item) for item in report["signatures"]],
        "timestamps": [_signature(item) for item in report["timestamps"]],
        **{name: report[name] for name in rest},
        "sha256": report["sha256"] or None,
    }


def _signature(item: dict[str, Any]) -> dict[str, Any]:
    words = ("reason_vi", "reason_en")
    return {
        "reason": item["reason_vi"],
        "reason_en": item["reason_en"],
        **{name: value for name, value in item.items() if name not in words},
        "checks": steps.checks(item),
    }


def block(file: str, report: dict[str, Any]) -> str:
    """One file for a person's eyes; personal numbers with their last digits only."""
    lines = [printable(file), *_rows(report_words.about_file(report), 2)]
    for title, items in (("Chữ ký / Signature", report["signatures"]), ("Dấu thời gian / Stamp", report["timestamps"])):
        for number, item in enumerate(items, 1):
            signer = item["signer"]
            number_shown = masked(signer["personal_number"]) if signer.get("personal_number") else None
            shown = {**item, "signer": {**signer, "personal_number": number_shown}}
            lines += [f"  {title} {number}/{len(items)}", *_rows(report_words.about_signature(shown), 4)]
            lines += [f"      [{line.value}] {line.vi} / {line.en}" for line in report_words.about_checks(shown)]
    return "\n".join(lines) + "\n\n"


def _rows(lines: list[report_words.Line], indent: int) -> list[str]:
    return [f"{' ' * indent}{f'{line.vi} / {line.en}:':{_WIDTH - indent}} {printable(line.value)}" for line in lines]
