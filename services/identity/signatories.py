"""Whose certificates signatures were made with: numbers come in from a signature report, yes or no goes out.

A personal number counts for its person, with every number the person had before (an old CMND). A tax number counts for
an organisation where the certificate names nobody beside it. A certificate without any number counts for the account
that registered it (SG-06), and for nobody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.common.context import Context
from services.common.crypto import DataKey
from services.common.rules import rule
from services.common.store import Document, Store
from services.identity import certificate_store, grants, numbers, secrecy, store
from services.identity.account_states import State


def read(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """One item a signature: which of the asked persons it is, and whether it is the named officer or one of the units.
    Nothing about anybody else is said, and nothing of it is kept."""
    key = secrecy.key_of(ctx.kernel)
    persons = {person_id: store.person(ctx.store, person_id) for person_id in data["persons"]}
    items = []
    for signer in data["signers"]:
        blinds = _blinds(key, signer)
        registered = _registered(ctx.store, signer, blinds)
        items.append(
            {
                "persons": [
                    person_id
                    for person_id, person in persons.items()
                    if person is not None and (person["_id"] == registered or blinds & _known(key, person))
                ],
                "officer": _is_officer(ctx.store, blinds, data["officer"], data["units"], data["at"] or ctx.now),
            }
        )
    return {"items": items}


def is_number_of(key: DataKey, signature: Mapping[str, Any], person: Document) -> bool:
    """Whether a certificate bears a number of this person or organisation."""
    return bool(_blinds(key, signature["signer"]) & _known(key, person))


@rule("DF-05", title="CMND 9 số và số cũ vẫn là của người đó", cites="CV 2658/UBND-CNTT §3")
def _known(key: DataKey, person: Document) -> set[str]:
    """Blind indexes of the numbers that a person has and had; one that nobody confirmed as well."""
    known = {former["blind"] for former in person["former_numbers"]}
    number = secrecy.opened(key, person["number"], secrecy.NUMBER)
    if number is not None:
        known.add(key.blind(number, secrecy.NUMBER))
    tax_number = secrecy.opened(key, person["tax_number"], secrecy.TAX_NUMBER)
    if tax_number is not None:
        known.add(key.blind(tax_number, secrecy.TAX_NUMBER))
    return known


def _blinds(key: DataKey, signer: Mapping[str, Any]) -> set[str]:
    """The index of the number by which a certificate names its holder: an employee's before the organisation's."""
    if signer["personal_number"]:
        try:
            return {key.blind(numbers.normalized_number(signer["personal_number"]), secrecy.NUMBER)}
        except numbers.NumberError:
            return set()
    return {key.blind(signer["tax_number"], secrecy.TAX_NUMBER)} if signer["tax_number"] else set()


@rule("SG-06", title="Chứng thư không mang số định danh thuộc về tài khoản đã đăng ký nó", cites="TB 94/TB-UBND")
def _registered(found: Store, signer: Mapping[str, Any], blinds: set[str]) -> str | None:
    """The person whose account registered the certificate; one that names a number is judged by that alone."""
    if blinds or signer["personal_number"] or signer["tax_number"] or not signer["certificate_sha256"]:
        return None
    row = certificate_store.active(found, signer["certificate_sha256"])
    account = found.get("accounts", row["account_id"]) if row else None
    if row is None or account is None or account["state"] == State.CANCELLED:
        return None
    person = store.person(found, row["person_id"])
    return person["_id"] if person else None


def _is_officer(found: Store, blinds: set[str], account_id: str, units: list[str], at: datetime) -> bool:
    """Whether the holder has that account, or a grant in one of the units that holds at that moment."""
    for blind in blinds:
        person = store.person_of_number(found, blind)
        account = store.officer_of_person(found, person["_id"]) if person else None
        if account is None:
            continue
        if account["_id"] == account_id:
            return True
        held = grants.held(account["grants"], store.closed_units(found, account["grants"]), at)
        if any(row["unit"] in units for row in held):
            return True
    return False
