"""Signature fields that nobody signed.

A signer may find empty fields prepared for those who sign after. A field that appeared after the first signature and
is still empty was drawn by nobody: its appearance can lay any text over the page, and a further signature behind it
would take it for form filling (shadow and overlay attacks between two signatures).
"""

from __future__ import annotations

from collections.abc import Sequence

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature


def empty_field_added(reader: PdfFileReader, embedded: Sequence[EmbeddedPdfSignature]) -> bool:
    """Whether an empty signature field stands in the file that was not there when the first signature was made."""
    empty = {name for name, _, _ in enumerate_sig_fields(reader, filled_status=False)}
    if not embedded or not empty:
        return False
    first = min(signature.signed_revision for signature in embedded)
    before = reader.get_historical_resolver(first)
    return not empty <= {name for name, _, _ in enumerate_sig_fields(before)}
