"""The roles of domain.md §2.6, under the names that grants, tokens and permissions use."""

from __future__ import annotations

CITIZEN = "citizen"
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
