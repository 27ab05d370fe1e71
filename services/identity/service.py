"""Entrypoints of identity: accounts, sessions, one-time codes, normalization, and persons for other rooms."""

from __future__ import annotations

from typing import Any

from services.common.bus.entrypoints import command, every, query
from services.common.context import Context
from services.common.kernel import Kernel, RoomSpec
from services.common.run import KernelProvider
from services.identity import (
    announcing,
    audit,
    certificate_schemas,
    certificate_store,
    certifying,
    challenges,
    disclosure_schemas,
    disclosures,
    eid,
    eid_schemas,
    figures_schemas,
    lifecycle,
    matching,
    migrations,
    organisation_accounts,
    organisation_schemas,
    organising,
    own_sessions,
    people,
    population_log,
    population_schemas,
    registration,
    reporting,
    restored,
    schemas,
    seeds,
    session_schemas,
    signatories,
    signing_in,
    store,
    support,
    support_schemas,
    tokens,
    unit_schemas,
    vneid,
    vneid_schemas,
)
from services.identity import lifecycle_schemas as life
from services.identity.adapters.business_register import BusinessRegister
from services.identity.adapters.population import Population
from services.identity.passwords import Passwords

PASSWORDS = Passwords()


class IdentityService:
    """One door to who somebody is."""

    name = "identity"
    kernel = KernelProvider()

    @command(schemas.Register, schemas.Registration)
    def register(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return registration.register(ctx, PASSWORDS, data)

    @command(organisation_schemas.RegisterOrganisation, schemas.Registration)
    def register_organisation(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return organisation_accounts.register(ctx, PASSWORDS, data)

    @command(schemas.ConfirmRegistration, schemas.Registered, idempotent=True)
    def confirm_registration(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return registration.confirm(ctx, data["registration_id"], data["code"])

    @command(schemas.SignIn, schemas.Tokens)
    def sign_in(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return signing_in.sign_in(ctx, PASSWORDS, data)

    @command(schemas.OfficerSignIn, schemas.OfficerChallenge)
    def officer_sign_in(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return signing_in.officer_sign_in(ctx, PASSWORDS, data["username"], data["password"])

    @command(schemas.OfficerConfirm, schemas.Tokens)
    def officer_confirm(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return signing_in.officer_confirm(ctx, data["challenge_id"], data["code"])

    @command(vneid_schemas.VneidSignIn, vneid_schemas.VneidSignInBegun)
    def vneid_sign_in(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return vneid.begin(ctx, data["as"], data["channel"])

    @command(vneid_schemas.VneidCompletion, schemas.Tokens)
    def vneid_complete(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return vneid.complete(ctx, data)

    @command(schemas.Nothing, vneid_schemas.Announced, idempotent=True)
    def announce_vneid(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return announcing.announce(ctx)

    @command(schemas.Refresh, schemas.Tokens)
    def refresh(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return tokens.refresh(ctx, data["refresh_token"])

    @command(schemas.Nothing, schemas.SignedOut)
    def sign_out(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return own_sessions.sign_out(ctx)

    @command(schemas.Nothing, session_schemas.SignedOutEverywhere)
    def sign_out_everywhere(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return own_sessions.sign_out_everywhere(ctx)

    @query(schemas.Nothing, session_schemas.OwnSessions)
    def sessions(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return own_sessions.shown(ctx)

    @query(schemas.Nothing, schemas.Home)
    def home(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return matching.home(ctx)

    @command(schemas.RequestCode, schemas.CodeSent)
    def request_normalization_code(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return registration.request_normalization_code(ctx, data["phone"])

    @command(schemas.Normalize, schemas.Normalized, idempotent=True)
    def normalize(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return matching.normalize(ctx, Population(ctx.kernel.settings.population_url), data)

    @command(organisation_schemas.NormalizeOrganisation, schemas.Normalized, idempotent=True)
    def normalize_organisation(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return organisation_accounts.normalize(ctx, BusinessRegister(ctx.kernel.settings.population_url), data)

    @command(schemas.RequestCode, schemas.RecoveryAccepted)
    def request_recovery(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return registration.request_recovery(ctx, data["phone"])

    @command(schemas.Recover, schemas.Recovered)
    def recover(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return registration.recover(ctx, PASSWORDS, data)

    @command(schemas.Lock, schemas.Locked)
    def lock(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return lifecycle.lock(ctx, data["account_id"], data["reason"])

    @command(life.ChangeByOffice, life.AccountState, idempotent=True)
    def block(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return lifecycle.block(ctx, data["account_id"], data["reason"])

    @command(life.ChangeByOffice, life.AccountState, idempotent=True)
    def unblock(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return lifecycle.unblock(ctx, data["account_id"], data["reason"])

    @command(life.RequestOwnCode, schemas.CodeSent)
    def request_own_code(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return lifecycle.request_code(ctx, data["act"])

    @command(life.OwnCode, life.AccountState, idempotent=True)
    def suspend(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return lifecycle.suspend(ctx, data["code"])

    @command(life.OwnCode, life.AccountState, idempotent=True)
    def cancel(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return lifecycle.cancel(ctx, data["code"])

    @command(life.ChangePassword, life.PasswordChanged)
    def change_password(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return lifecycle.change_password(ctx, PASSWORDS, data["code"], data["new_password"])

    @command(life.RequestResumption, life.Resumption)
    def request_resumption(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return lifecycle.request_resumption(ctx, PASSWORDS, data["phone"], data["password"])

    @command(life.Resume, life.AccountState)
    def resume(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return lifecycle.resume(ctx, data["resumption_id"], data["code"])

    @command(support_schemas.FindAccounts, support_schemas.AccountsFound)
    def find_accounts(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return support.find(ctx, data)

    @query(support_schemas.IncompleteAccounts, support_schemas.AccountPage)
    def incomplete_accounts(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return support.incomplete(ctx, data)

    @command(support_schemas.OpenCase, support_schemas.CaseBrief, idempotent=True)
    def open_support_case(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return support.open_case(ctx, data["case"], data["account_id"], data["reason"])

    @query(support_schemas.ListCases, support_schemas.CasePage)
    def support_cases(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return support.list_cases(ctx, data)

    @query(support_schemas.ReadCase, support_schemas.CaseView)
    def support_case(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return support.read_case(ctx, data["case_id"])

    @command(support_schemas.Contact, support_schemas.Phone)
    def support_contact(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return support.contact(ctx, data["case_id"], data["reason"])

    @command(support_schemas.VerifyCase, support_schemas.CaseBrief, idempotent=True)
    def verify_support_case(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return support.verify(ctx, data)

    @command(support_schemas.DecideCase, support_schemas.CaseBrief, idempotent=True)
    def decide_support_case(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return support.decide(ctx, data)

    @command(support_schemas.CloseCase, support_schemas.CaseBrief, idempotent=True)
    def close_support_case(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return support.close(ctx, data["case_id"], data["version"], data["reason"])

    @command(eid_schemas.OpenEidCase, eid_schemas.EidCaseBrief, idempotent=True)
    def open_eid_case(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return eid.open_case(ctx, data)

    @query(eid_schemas.ListEidCases, eid_schemas.EidCasePage)
    def eid_cases(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return eid.list_cases(ctx, data)

    @query(eid_schemas.ReadEidCase, eid_schemas.EidCaseView)
    def eid_case(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return eid.read_case(ctx, data["unit"], data["case_id"])

    @command(eid_schemas.AdvanceEidCase, eid_schemas.EidCaseBrief, idempotent=True)
    def advance_eid_case(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return eid.advance(ctx, data)

    @query(life.ReadLog, life.AccountLog)
    def account_log(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return audit.page(ctx, data)

    @query(disclosure_schemas.AskDisclosures, disclosure_schemas.Disclosures)
    def disclosures(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return disclosures.page(ctx, data)

    @query(disclosure_schemas.AskDisclosureReport, disclosure_schemas.DisclosureReport)
    def disclosure_report(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return disclosures.report(ctx, data)

    @query(population_schemas.AskPopulationLog, population_schemas.PopulationLog)
    def population_queries(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return population_log.page(ctx, data)

    @query(population_schemas.AskPopulationReport, population_schemas.PopulationReport)
    def population_report(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return population_log.report(ctx, data)

    @query(schemas.Nothing, population_schemas.PopulationClients)
    def population_clients(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return population_log.clients(ctx)

    @query(unit_schemas.FindUnits, unit_schemas.Units)
    def units(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return organising.find_units(ctx, data)

    @query(unit_schemas.OfUnit, unit_schemas.UnitAnswer)
    def unit(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return organising.read_unit(ctx, data["unit"], data["on"])

    @command(unit_schemas.OpenUnit, unit_schemas.UnitAnswer, idempotent=True)
    def open_unit(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return organising.open_unit(ctx, data)

    @command(unit_schemas.ChangeUnit, unit_schemas.UnitAnswer, idempotent=True)
    def change_unit(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return organising.change_unit(ctx, data)

    @query(unit_schemas.FindOfficers, unit_schemas.Officers)
    def officers(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return organising.find_officers(ctx, data)

    @command(unit_schemas.OpenOfficer, unit_schemas.OfficerAnswer, idempotent=True)
    def open_officer(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return organising.open_officer(ctx, Population(ctx.kernel.settings.population_url), data)

    @command(unit_schemas.AddGrant, unit_schemas.OfficerAnswer, idempotent=True)
    def grant(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return organising.add_grant(ctx, data)

    @command(unit_schemas.RemoveGrant, unit_schemas.OfficerAnswer, idempotent=True)
    def ungrant(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return organising.remove_grant(ctx, data)

    @query(figures_schemas.AskFigures, figures_schemas.Figures)
    def account_report(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return reporting.report(ctx, data)

    @query(schemas.ReadPerson, schemas.Person)
    def person(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return people.read(ctx, data["person_id"], data["purpose"])

    @command(schemas.ResolvePerson, schemas.ResolvedPerson)
    def resolve_person(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return people.resolve(ctx, data)

    @command(schemas.Nothing, certificate_schemas.CertificateRequested)
    def request_certificate(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return certifying.request(ctx)

    @command(certificate_schemas.RegisterCertificate, certificate_schemas.Certificate, idempotent=True)
    def register_certificate(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return certifying.register(ctx, data)

    @query(schemas.Nothing, certificate_schemas.Certificates)
    def certificates(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return certifying.shown(ctx)

    @command(certificate_schemas.OfCertificate, certificate_schemas.Certificate, idempotent=True)
    def remove_certificate(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return certifying.remove(ctx, data["certificate_id"])

    @query(certificate_schemas.Signers, certificate_schemas.SignersKnown)
    def signers(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return signatories.read(ctx, data)

    @query(schemas.Nothing, schemas.Revocations)
    def revoked_sessions(self, ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
        return tokens.revoked(ctx.kernel)

    @every(2)
    def send_waiting_codes(self, ctx: Context) -> None:
        challenges.send_waiting(ctx)

    @every(5)
    def tell_of_vneid(self, ctx: Context) -> None:
        announcing.go_on(ctx)

    @every(30)
    def repeat_revocations(self, ctx: Context) -> None:
        """A process that was cut off from the broker when a session ended hears of it now."""
        tokens.tell(ctx.kernel, store.live_revocations(ctx.store))


def _on_start(kernel: Kernel) -> None:
    seeds.plant(kernel, PASSWORDS)


def _on_stop(kernel: Kernel) -> None:
    PASSWORDS.close()


SPEC = RoomSpec(
    name="identity",
    aggregates=store.AGGREGATES,
    indexes=[*store.INDEXES, *population_log.INDEXES, *certificate_store.INDEXES],
    events=schemas.EVENTS,
    migrations=migrations.MIGRATIONS,
    on_start=_on_start,
    on_stop=_on_stop,
    after_restore=restored.after_restore,
)
