"""The roles of domain.md §2.6, under the names that grants, tokens and permissions use."""

from __future__ import annotations

CITIZEN = "citizen"
#: Who signs in with a local account that is not normalized, since only e-ID accounts act (X-8): may become a citizen.
NEWCOMER = "newcomer"
OFFICERS = frozenset(
    {
        "desk_officer",
        "specialist",
        "leader",
        "control_officer",
        "office",
        "ioc",
        "support",
        "postal_officer",
        "police",
    }
)
SIGNED_IN = OFFICERS | {CITIZEN}
#: Everybody with a token, whatever it allows.
HOLDERS = SIGNED_IN | {NEWCOMER}
