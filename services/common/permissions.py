"""Who may call what: one table, default no.

The gateway asks who you are; this table says whether a role may use a method at all; the room that owns the data
then decides about this dossier, this unit, this account. Roles are those of domain.md §2.6. A service may act for
itself (`service:<room>`) where another room's work needs it.
"""

from __future__ import annotations

from services.common import problems
from services.common.actors import Actor
from services.common.eid import CITES, EID_ONLY_SINCE
from services.common.problems import Problem
from services.common.roles import HOLDERS, NEWCOMER, OFFICERS, SIGNED_IN
from services.common.rules import rule

ANYBODY = "anonymous"


def _services(*rooms: str) -> frozenset[str]:
    return frozenset(f"service:{room}" for room in rooms)


#: The rooms with a database; the gateway calls with people's own tokens, and as itself where it is named.
EVERY_SERVICE = _services(
    "identity",
    "intake",
    "processing",
    "vault",
    "signing",
    "payment",
    "notifier",
    "oversight",
    "postal",
    "exchange",
)
_PUBLIC = frozenset({ANYBODY})
_CITIZEN = frozenset({"citizen"})
#: The owner of an account that is not an officer's, normalized or not yet, on every day.
_OWNER = frozenset({"citizen", NEWCOMER})
_DESK = frozenset({"desk_officer"})
_SPECIALIST = frozenset({"specialist"})
_LEADER = frozenset({"leader"})
_IOC = frozenset({"ioc"})
_POLICE = frozenset({"police"})
_SUPPORT = frozenset({"support"})
_WATCHERS = frozenset({"ioc", "control_officer", "office"})
_HANDLERS = frozenset({"desk_officer", "specialist", "leader"})
_AGENCY = _HANDLERS | {"control_officer"}

#: method -> roles that may call it
ALLOWED: dict[str, frozenset[str]] = {
    # identity
    "identity.register": _PUBLIC,
    "identity.register_organisation": _PUBLIC,
    "identity.confirm_registration": _PUBLIC,
    "identity.sign_in": _PUBLIC,
    "identity.officer_sign_in": _PUBLIC,
    "identity.officer_confirm": _PUBLIC,
    "identity.vneid_sign_in": _PUBLIC,
    "identity.vneid_complete": _PUBLIC,
    "identity.announce_vneid": _IOC,
    "identity.refresh": _PUBLIC,
    "identity.request_recovery": _PUBLIC,
    "identity.recover": _PUBLIC,
    "identity.sign_out": HOLDERS,
    "identity.sign_out_everywhere": HOLDERS,
    "identity.sessions": HOLDERS,
    "identity.home": _OWNER,
    "identity.request_normalization_code": _OWNER,
    "identity.normalize": _OWNER,
    "identity.normalize_organisation": _OWNER,
    "identity.lock": _IOC | {"support"},
    "identity.block": _IOC,
    "identity.unblock": _IOC,
    "identity.account_log": _IOC | {"support"},
    "identity.open_eid_case": _DESK,
    "identity.eid_cases": _DESK,
    "identity.eid_case": _DESK,
    "identity.advance_eid_case": _DESK,
    "identity.find_accounts": _SUPPORT,
    "identity.incomplete_accounts": _SUPPORT,
    "identity.open_support_case": _SUPPORT,
    "identity.support_cases": _SUPPORT,
    "identity.support_case": _SUPPORT,
    "identity.support_contact": _SUPPORT,
    "identity.verify_support_case": _SUPPORT,
    "identity.decide_support_case": _SUPPORT,
    "identity.close_support_case": _SUPPORT,
    "identity.request_own_code": _OWNER,
    "identity.suspend": _OWNER,
    "identity.cancel": _OWNER,
    "identity.change_password": _OWNER,
    "identity.request_certificate": _CITIZEN,
    "identity.register_certificate": _CITIZEN,
    "identity.certificates": _CITIZEN,
    "identity.remove_certificate": _CITIZEN,
    "identity.request_resumption": _PUBLIC,
    "identity.resume": _PUBLIC,
    "identity.account_report": _WATCHERS,
    "identity.units": _PUBLIC | HOLDERS,
    "identity.unit": _PUBLIC | HOLDERS,
    "identity.open_unit": _IOC,
    "identity.change_unit": _IOC,
    "identity.officers": _IOC,
    "identity.open_officer": _IOC,
    "identity.grant": _IOC,
    "identity.ungrant": _IOC,
    "identity.population_queries": _POLICE,
    "identity.disclosures": HOLDERS,
    "identity.disclosure_report": _POLICE | _IOC,
    "identity.population_report": _POLICE,
    "identity.population_clients": _POLICE | _IOC,
    "identity.person": _services("intake", "notifier", "postal", "exchange", "payment"),
    "identity.resolve_person": _services("intake"),
    "identity.signers": _services("intake", "oversight", "vault"),
    "identity.revoked_sessions": _services("gateway"),
    # vault
    "vault.open_upload": SIGNED_IN | _services("intake", "payment", "signing"),
    "vault.open_download": SIGNED_IN | _services("intake", "payment", "signing", "identity"),
    "vault.file": _services("intake", "processing", "signing", "identity"),
    "vault.holdings": _CITIZEN,
    "vault.open_holding": _CITIZEN,
    "vault.add_own": _CITIZEN,
    "vault.own_data": _CITIZEN,
    "vault.access_log": _CITIZEN,
    # signing
    "signing.report": _services("intake", "processing", "oversight", "vault", "identity"),
    "signing.officers_report": _services("intake", "processing"),
    "signing.recheck": _services("intake", "processing"),
    "signing.checks": _services("intake", "processing"),
    "signing.printed_report": _services("intake", "processing"),
    # intake
    "intake.procedures": _PUBLIC | SIGNED_IN,
    "intake.procedure": _PUBLIC | SIGNED_IN,
    "intake.lookup": _PUBLIC | SIGNED_IN,
    "intake.file": _CITIZEN,
    "intake.file_at_desk": _DESK,
    "intake.file_by_post": frozenset({"postal_officer"}),
    "intake.mine": _CITIZEN,
    "intake.filed_for": _CITIZEN,
    "intake.dossier": _CITIZEN | _AGENCY | _WATCHERS,
    "intake.desk_queue": _DESK,
    "intake.agency_dossiers": _WATCHERS | _LEADER,
    "intake.ask_paper": _DESK,
    "intake.guide": _DESK,
    "intake.accept": _DESK,
    "intake.refuse": _DESK,
    "intake.return_result": _DESK,
    "intake.amend": _CITIZEN,
    "intake.withdraw": _CITIZEN,
    "intake.history": _CITIZEN | _AGENCY | _WATCHERS | _services("oversight"),
    "intake.versions": _CITIZEN | _AGENCY | _WATCHERS,
    "intake.slip": _CITIZEN | _AGENCY | _IOC | _services("oversight"),
    "intake.open_file": _CITIZEN | _AGENCY | _IOC,
    "intake.file_report": _AGENCY | _IOC,
    "intake.printed_file_report": _AGENCY | _IOC,
    "intake.file_checks": _AGENCY | _IOC,
    "intake.recheck_file": _HANDLERS | _IOC,
    "intake.receipt": _CITIZEN | _DESK,
    "intake.delivery": _services("postal"),
    "intake.brief": _services("processing", "notifier"),
    # processing
    "processing.case": _CITIZEN | _AGENCY | _WATCHERS | _services("intake"),
    "processing.file_report": _AGENCY | _IOC,
    "processing.printed_file_report": _AGENCY | _IOC,
    "processing.file_checks": _AGENCY | _IOC,
    "processing.recheck_file": _HANDLERS | _IOC,
    "processing.worklist": _SPECIALIST | _LEADER,
    "processing.start_step": _SPECIALIST | _LEADER,
    "processing.finish_step": _SPECIALIST | _LEADER,
    "processing.request_supplement": _SPECIALIST,
    "processing.reschedule": _LEADER,
    "processing.attach_result": _SPECIALIST | _LEADER,
    "processing.ask_signed_result": _DESK,
    "processing.stop": _LEADER,
    "processing.release": _DESK,
    "processing.accept_amendment": _CITIZEN,
    "processing.withdraw": _CITIZEN,
    "processing.slip": _CITIZEN | _AGENCY | _IOC | _services("oversight", "intake"),
    # payment
    "payment.orders": _CITIZEN | _DESK,
    "payment.pay": _CITIZEN,
    "payment.provider_message": _PUBLIC,
    "payment.cash": _DESK,
    "payment.due": _services("processing", "intake"),
    "payment.receipt": _CITIZEN | _DESK,
    # notifier
    "notifier.send_code": _services("identity"),
    "notifier.notices": _CITIZEN,
    "notifier.unit_notices": OFFICERS,
    # oversight
    "oversight.reviews": _IOC,
    "oversight.decide": _IOC,
    "oversight.unblock": _IOC,
    "oversight.violations": _WATCHERS,
    "oversight.recognition": _WATCHERS,
    "oversight.figures": _WATCHERS,
    "oversight.late": _WATCHERS | _DESK | _LEADER,
    "oversight.ledger": _IOC | {"operator"},
    "oversight.activity": HOLDERS,
    "oversight.account_activity": _IOC,
    "oversight.clock": EVERY_SERVICE | _services("gateway") | {"operator"},
    "oversight.move_clock": frozenset({"operator"}),
    # postal
    "postal.shipments": _CITIZEN | _DESK,
    "postal.orders": frozenset({"postal_officer"}),
    # exchange
    "exchange.state": _IOC | _DESK,
}
#: methods that every room answers for the operator
OF_EVERY_ROOM: dict[str, frozenset[str]] = {
    "describe": EVERY_SERVICE | {"operator"},
    "replay": frozenset({"operator"}),
}


def roles_of(method: str) -> frozenset[str]:
    """Roles that may call `room.method`; empty for a method without a row."""
    return ALLOWED.get(method) or OF_EVERY_ROOM.get(method.partition(".")[2], frozenset())


@rule("SE-02", title="Tham gia hệ thống theo đúng thẩm quyền, mặc định là không", cites="QĐ 08/2025/QĐ-UBND Đ21.3")
def check(actor: Actor, method: str) -> None:
    """Raises Problem 401 (nobody is signed in) or 403 unless one of the actor's roles may call the method."""
    allowed = roles_of(method)
    if allowed & actor.roles:
        return
    if ANYBODY in allowed:
        return  # what anybody may do, a signed-in person may do as well
    if actor.roles == {ANYBODY}:
        raise problems.unauthorized()
    if actor.roles == {NEWCOMER} and "citizen" in allowed:
        raise not_normalized()
    raise problems.forbidden()


@rule("ID-21", title="Người dùng thao tác bằng tài khoản định danh điện tử", cites=CITES, since=EID_ONLY_SINCE)
@rule("X-8", title="Tài khoản cục bộ chưa chuẩn hóa chỉ được chuẩn hóa", cites=CITES, since=EID_ONLY_SINCE)
def not_normalized() -> Problem:
    """403 for what a citizen may do and the holder of an account that is not normalized may not any more."""
    return Problem(
        "/problems/normalize-first",
        "Tài khoản chưa chuẩn hóa: hãy chuẩn hóa tài khoản theo thẻ căn cước trước",
        "The account is not normalized: normalize it with your identity card first",
        403,
        rule="X-8",
        citation=CITES,
        extra={"normalization": "/account/normalization"},
    )
