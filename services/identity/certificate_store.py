"""Registered certificates: their collection, indexes and queries."""

from __future__ import annotations

from services.common.store import Document, Index, Store

CERTIFICATES = "certificates"

INDEXES = [
    # One certificate is one account's at a time; what was removed stays in the list of what was.
    Index(
        CERTIFICATES,
        [("fingerprint", 1)],
        {"name": "one_account_per_certificate", "unique": True, "partialFilterExpression": {"active": True}},
    ),
    Index(CERTIFICATES, [("account_id", 1), ("registered_at", -1)], {"name": "of_account"}),
]


def active(store: Store, fingerprint: str) -> Document | None:
    """The registration of a certificate that holds now."""
    return store.find_one(CERTIFICATES, {"fingerprint": fingerprint, "active": True})


def of_account(store: Store, account_id: str) -> list[Document]:
    """What an account registered and did not remove, newest first."""
    return list(store.find(CERTIFICATES, {"account_id": account_id, "active": True}, sort=[("registered_at", -1)]))
