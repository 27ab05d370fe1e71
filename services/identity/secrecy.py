"""What identity keeps sealed, and how it finds it again: phones, personal numbers, names, birth dates.

One place for the contexts to which sealed values are bound; a value moved to another field does not open.
"""

from __future__ import annotations

from services.common.crypto import DataKey
from services.common.kernel import Kernel
from services.identity.names import normalized_name

PHONE = "phone"
NUMBER = "persons.number"
NAME = "persons.full_name"
BIRTH_DATE = "persons.birth_date"
ISSUE_DATE = "persons.issue_date"
TAX_NUMBER = "persons.tax_number"
REPRESENTATIVE_NAME = "persons.representative.full_name"
REPRESENTATIVE_BIRTH_DATE = "persons.representative.birth_date"
REPRESENTATIVE_NUMBER = "persons.representative.number"
CODE = "challenges.code"
CERTIFICATE_NAME = "certificates.subject"
NOTE = "accounts.lock.note"
VNEID_NONCE = "vneid_requests.nonce"
VNEID_VERIFIER = "vneid_requests.verifier"


def key_of(kernel: Kernel) -> DataKey:
    """The room's data key; the kernel starts no room without one."""
    return kernel.data_key


def opened(key: DataKey, sealed: str | None, context: str) -> str | None:
    """A sealed value in clear; None stays None."""
    return None if sealed is None else key.open(sealed, context)


def claim_blind(key: DataKey, number: str, full_name: str, birth_date: str) -> str:
    """The keyed digest of the three data by which a person is declared by somebody else; spellings that are the same
    name give the same."""
    return key.blind("\0".join((number, birth_date, normalized_name(full_name))), "persons.claim")


def code_digest(key: DataKey, challenge_id: str, code: str) -> str:
    """The keyed digest of a code: six digits alone would be guessed from any plain hash."""
    return key.blind(code, f"code/{challenge_id}")
