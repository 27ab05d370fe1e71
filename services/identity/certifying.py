"""Registering, listing, replacing and removing the certificates of one's own account (SG-06)."""

from __future__ import annotations

import base64
import uuid
from typing import Any

from services.common import problems, signature_terms
from services.common.context import Context
from services.common.files import get_bytes
from services.common.problems import Problem, field_error
from services.common.store import Document
from services.common.unit import UnitOfWork
from services.common.writes import Duplicate, StaleVersion
from services.identity import (
    accounts,
    audit,
    certificate_store,
    certificates,
    challenges,
    lifecycle,
    secrecy,
    signatories,
    store,
)
from services.identity.account_states import State
from services.identity.certificate_store import CERTIFICATES
from services.identity.codes import Purpose

REPORT_WAIT = 15.0
FILE_WAIT = 4.0
REASON = "certificate registration"


def request(ctx: Context) -> dict[str, Any]:
    """A document to sign, and a code to the account's phone; both are good once. Raises Problem 409, 429 or 503."""
    account = _account(ctx)
    challenge_text = certificates.new_challenge()
    challenge = challenges.ask(
        ctx,
        Purpose.CERTIFICATE,
        lifecycle.phone_of(ctx, account),
        account_id=account["_id"],
        details=lambda: {"challenge": challenge_text},
    )
    return {
        "sent": True,
        "expires_at": challenge["expires_at"],
        "document": base64.b64encode(certificates.document(challenge_text)).decode(),
        "terms_vi": signature_terms.TERMS[signature_terms.CURRENT][0],
        "terms_en": signature_terms.TERMS[signature_terms.CURRENT][1],
    }


def register(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Registers the certificate with which the document was signed, in place of `replaces` where one is named.

    Raises Problem 422 (terms, code, file), 404 (nothing to replace), 409 (SG-06: no proof, somebody else's) or 503.
    """
    account = _account(ctx)
    terms = signature_terms.accepted(data["terms"])
    latest = store.latest_challenge(ctx.store, Purpose.CERTIFICATE, account["phone_blind"], account["_id"])
    challenge = challenges.enter(ctx, latest, data["code"])
    former = _own(ctx, account, data["replaces"]) if data["replaces"] else None
    _must_be_uploaded(ctx, data["file_id"])
    report = ctx.call("signing.report", as_service=True, timeout=REPORT_WAIT, file_id=data["file_id"])
    content = get_bytes(ctx, data["file_id"], REASON, on_behalf=ctx.actor.subject)
    signature = certificates.proven(report, content, str(challenge["details"].get("challenge")))
    person = store.person(ctx.store, account["person_id"])
    certificates.must_be_own(
        signature, is_own=person is not None and signatories.is_number_of(secrecy.key_of(ctx.kernel), signature, person)
    )
    unit = ctx.unit()
    known = certificate_store.active(ctx.store, signature["certificate_sha256"])
    if known is not None and known["account_id"] == account["_id"]:
        challenges.use(unit, challenge, ctx.now)
        return _commit(ctx, unit, _shown(known))
    if known is not None:
        _release(ctx, unit, known)
    name = signature["signer"].get("common_name")
    row = certificates.registration(
        uuid.uuid4().hex,
        signature,
        account=account,
        subject=secrecy.key_of(ctx.kernel).seal(name, secrecy.CERTIFICATE_NAME) if name else None,
        report_id=report["report_id"],
        terms=terms,
        now=ctx.now,
    )
    unit.insert(CERTIFICATES, row)
    if former is not None:
        certificates.end(former, ctx.now, replaced_by=row["_id"])
        unit.save(CERTIFICATES, former)
    challenges.use(unit, challenge, ctx.now)
    unit.save("accounts", account)
    told = _about(account, row) | {"replaced": former["_id"] if former else None}
    unit.tell(account, "account.certificate_registered", told)
    audit.record(ctx, unit, "register_certificate", account["_id"])
    return _commit(ctx, unit, _shown(row))


def remove(ctx: Context, certificate_id: str) -> dict[str, Any]:
    """From now on what is signed with the certificate is nobody's. Raises Problem 404."""
    account = accounts.must_be_active(ctx.store.get("accounts", ctx.actor.subject))
    row = _own(ctx, account, certificate_id)
    unit = ctx.unit()
    certificates.end(row, ctx.now)
    unit.save(CERTIFICATES, row)
    unit.save("accounts", account)
    unit.tell(account, "account.certificate_removed", _about(account, row))
    audit.record(ctx, unit, "remove_certificate", account["_id"])
    return _commit(ctx, unit, _shown(row))


def shown(ctx: Context) -> dict[str, Any]:
    """The certificates of one's own account, newest first."""
    key = secrecy.key_of(ctx.kernel)
    rows = certificate_store.of_account(ctx.store, ctx.actor.subject)
    return {
        "items": [
            {**_shown(row), "common_name": secrecy.opened(key, row["subject"], secrecy.CERTIFICATE_NAME)}
            for row in rows
        ]
    }


def _account(ctx: Context) -> Document:
    account = accounts.must_be_active(ctx.store.get("accounts", ctx.actor.subject))
    if not account["normalized"]:
        raise certificates.not_normalized()
    return account


def _own(ctx: Context, account: Document, certificate_id: str) -> Document:
    row: Document | None = ctx.store.get(CERTIFICATES, certificate_id)
    if row is None or row["account_id"] != account["_id"] or not row["active"]:
        raise problems.not_found()
    return row


def _must_be_uploaded(ctx: Context, file_id: str) -> None:
    """Raises Problem 422 for a file that this account did not send as data of its own."""
    try:
        file = ctx.call("vault.file", as_service=True, timeout=FILE_WAIT, file_id=file_id)
    except Problem as problem:
        if problem.status != 404:
            raise
        file = {}
    if file.get("uploader") != ctx.actor.subject or file.get("purpose") != "own":
        raise problems.invalid(
            field_error("file_id", "Không có tệp này trong các tệp bạn đã gửi", "Not among the files you sent", "SG-06")
        )


def _release(ctx: Context, unit: UnitOfWork, known: Document) -> None:
    """A cancelled account holds no certificate any more. Raises Problem 409 for one that does."""
    holder = ctx.store.get("accounts", known["account_id"])
    if holder is not None and holder["state"] != State.CANCELLED:
        raise certificates.taken()
    certificates.end(known, ctx.now)
    unit.save(CERTIFICATES, known)


def _commit(ctx: Context, unit: UnitOfWork, answer: dict[str, Any]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = ctx.commit(unit, answer)
    except Duplicate:
        raise StaleVersion(CERTIFICATES) from None  # registered by somebody else at this moment
    return found


def _about(account: Document, row: Document) -> dict[str, Any]:
    return {"account_id": account["_id"], "person_id": account["person_id"], "certificate_id": row["_id"]}


def _shown(row: Document) -> dict[str, Any]:
    """Without the name in it: this is kept for a repeated command."""
    named = ("issuer", "serial", "not_before", "not_after", "active")
    return {
        "certificate_id": row["_id"],
        "sha256": row["fingerprint"],
        "registered_at": row["registered_at"].isoformat(),
        **{name: row[name] for name in named},
    }
