"""The table of who may call what: default no, and no role that nobody holds."""

from __future__ import annotations

import pytest

from services.common import permissions
from services.common.actors import ANONYMOUS, Actor, Grant
from services.common.problems import Problem
from services.common.roles import HOLDERS


def actor(*roles: str) -> Actor:
    return Actor("acc-1", "per-1", tuple(Grant(role, "*") for role in roles))


def status(who: Actor, method: str) -> int:
    try:
        permissions.check(who, method)
    except Problem as problem:
        return problem.status
    return 200


def test_a_method_without_a_row_is_closed_to_everybody():
    for role in sorted(HOLDERS | permissions.EVERY_SERVICE | {"operator"}):
        assert status(actor(role), "intake.drop_everything") == 403
    assert status(ANONYMOUS, "intake.drop_everything") == 401


def test_nobody_is_asked_to_sign_in_somebody_is_refused():
    assert status(ANONYMOUS, "intake.file") == 401
    assert status(actor("desk_officer"), "intake.file") == 403
    assert status(actor("citizen"), "intake.file") == 200


def test_what_anybody_may_do_a_signed_in_person_may_do_too():
    for method, roles in permissions.ALLOWED.items():
        if permissions.ANYBODY in roles:
            assert status(ANONYMOUS, method) == 200
            assert status(actor("specialist"), method) == 200


def test_one_of_several_roles_is_enough():
    assert status(actor("citizen", "ioc"), "oversight.decide") == 200


@pytest.mark.parametrize("room", sorted(r.removeprefix("service:") for r in permissions.EVERY_SERVICE))
def test_describe_and_replay_are_the_operators(room):
    assert status(actor("operator"), f"{room}.describe") == 200
    assert status(actor("ioc"), f"{room}.replay") == 403
    assert status(actor(f"service:{room}"), f"{room}.replay") == 403


def test_every_role_in_the_table_exists():
    known = HOLDERS | permissions.EVERY_SERVICE | {permissions.ANYBODY, "operator", "service:gateway"}
    for method, roles in permissions.ALLOWED.items():
        assert roles, method
        assert roles <= known, method


def test_persons_are_read_by_rooms_alone():
    for method in ("identity.person", "identity.resolve_person", "intake.delivery", "notifier.send_code"):
        assert permissions.ALLOWED[method] <= permissions.EVERY_SERVICE


def test_the_gateway_acts_for_people_and_for_itself_only_where_it_must():
    own = {method for method, roles in permissions.ALLOWED.items() if "service:gateway" in roles}
    assert own == {"identity.revoked_sessions", "oversight.clock"}


def test_files_cases_and_facts_are_read_by_the_rooms_that_work_with_them():
    rooms = {
        method: {role.removeprefix("service:") for role in permissions.ALLOWED[method] if role.startswith("service:")}
        for method in ("vault.file", "vault.open_upload", "vault.open_download", "intake.brief", "processing.case")
    }
    assert rooms == {
        "vault.file": {"identity", "intake", "processing", "signing"},
        "vault.open_upload": {"intake", "payment", "signing"},
        "vault.open_download": {"identity", "intake", "payment", "signing"},
        "intake.brief": {"processing", "notifier"},
        "processing.case": {"intake"},
    }


def test_no_person_asks_signing_about_any_file():
    """Officers ask the room that knows whose file it is."""
    assert permissions.ALLOWED["signing.report"] <= permissions.EVERY_SERVICE
