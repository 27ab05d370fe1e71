"""Who signed: names and numbers that a certificate gives its holder, as Vietnamese authorities write them.

The personal number or tax number stands in the subject's UID (0.9.2342.19200300.100.1.1), or in serialNumber, with a
prefix: "CCCD:046190000123", "MST:3300100018". Only well-formed numbers are taken over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from services.signing.verdict import Signer

COMMON_NAME = "2.5.4.3"
ORGANIZATION = "2.5.4.10"
NUMBERED = ("0.9.2342.19200300.100.1.1", "2.5.4.5")

# CCCD: twelve digits. CMND: its older form, nine digits (twelve in some provinces).
_PERSONAL = re.compile(r"(?:CCCD|CMND)\s*:\s*(\d{12}|\d{9})", re.IGNORECASE | re.ASCII)
_TAX = re.compile(r"MST\s*:\s*(\d{10}(?:-\d{3})?)", re.IGNORECASE | re.ASCII)


def signer_of(attributes: Iterable[tuple[str, str]], kind: str) -> Signer:
    """Read a subject given as (dotted object id, text) pairs; `kind` is that of the anchor that vouches for it.

    Where an attribute stands twice with different values it names nobody: the first must not win by its place alone.
    """
    pairs = list(attributes)
    numbers = [value.strip() for oid, value in pairs if oid in NUMBERED]
    return Signer(
        common_name=_only(value for oid, value in pairs if oid == COMMON_NAME),
        organization=_only(value for oid, value in pairs if oid == ORGANIZATION),
        personal_number=_only(m.group(1) for m in map(_PERSONAL.fullmatch, numbers) if m),
        tax_number=_only(m.group(1) for m in map(_TAX.fullmatch, numbers) if m),
        kind=kind,
    )


def subject_attributes(name: Any) -> list[tuple[str, str]]:
    """The attributes of an asn1crypto Name as (dotted object id, text) pairs; what is not text is left out."""
    pairs = []
    for relative in name.chosen:
        for attribute in relative:
            value = attribute["value"].native
            if isinstance(value, str):
                pairs.append((attribute["type"].dotted, value))
    return pairs


def _only(values: Iterable[str]) -> str | None:
    distinct = set(values)
    return distinct.pop() if len(distinct) == 1 else None
