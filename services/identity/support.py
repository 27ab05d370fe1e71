"""What the hotline does: finds an account by what the caller says, and leads a support case to its end.

Everything here is for role `support`, and every step, look-ups too, is a row of the account log with its reason.
"""

from __future__ import annotations

import uuid
from typing import Any

from services.common import problems
from services.common.context import Context
from services.common.crypto import DataKey
from services.common.problems import field_error
from services.common.rules import rule
from services.common.store import Document
from services.identity import (
    account_states,
    accounts,
    audit,
    challenges,
    lifecycle,
    numbers,
    phones,
    secrecy,
    store,
    tokens,
)
from services.identity import support_case as cases
from services.identity.account_states import Command, Who
from services.identity.codes import Purpose
from services.identity.names import same_name
from services.identity.support_case import By, Outcome, Verification


@rule("ID-20", title="Mỗi lần tra cứu, xác minh, kết luận đều ghi nhật ký", cites="CV 2740/STTTT-IOC §2")
@rule("ID-12", title="Cán bộ chỉ thấy dữ liệu đã che, không thấy mật khẩu, mã", cites="TB 94/TB-UBND §5")
def find(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Accounts of a phone or personal number, masked; what the caller says of name and birth date is compared here.

    Raises Problem 422.
    """
    key = secrecy.key_of(ctx.kernel)
    if (data["phone"] is None) == (data["id_number"] is None):
        raise problems.invalid(
            field_error("phone", "Cần đúng một: số điện thoại hoặc số định danh.", "Give either phone or id_number.")
        )
    if data["phone"] is not None:
        phone = challenges.read_phone(data["phone"])
        found = store.accounts_ever_of_phone(ctx.store, key.blind(phone, secrecy.PHONE))
    else:
        try:
            number = numbers.normalized_number(data["id_number"])
        except numbers.NumberError as error:
            raise problems.invalid(numbers.error_of(error.fault, "id_number")) from None
        found = store.accounts_ever_of_number(ctx.store, key.blind(number, secrecy.NUMBER))
    unit = ctx.unit()
    for account_id in [account["_id"] for account in found] or [None]:
        audit.record(ctx, unit, "look_up", account_id, reason=data["reason"], case=data["case"])
    items = []
    for account in found:
        person = store.person(ctx.store, account["person_id"]) or {}
        compared = _compared(key, person, data["full_name"], data["birth_date"])
        items.append(_masked(key, account, person) | compared)
    ctx.commit(unit)
    return {"items": items, "hotline": accounts.HOTLINE}


def brief(ctx: Context, key: DataKey, account: Document) -> dict[str, Any]:
    """An account as support sees it: masked."""
    return _masked(key, account, store.person(ctx.store, account["person_id"]) or {})


def _masked(key: DataKey, account: Document, person: Document) -> dict[str, Any]:
    phone = secrecy.opened(key, account["phone"], secrecy.PHONE)
    name = secrecy.opened(key, person.get("full_name"), secrecy.NAME)
    return {
        "account_id": account["_id"],
        "state": account["state"],
        "kind": account["kind"],
        "full_name": accounts.masked_name(name) if name else None,
        "phone": phones.masked(phone) if phone else None,
        "id_number": accounts.masked_number(secrecy.opened(key, person.get("number"), secrecy.NUMBER)),
        "normalized": account["normalized"],
        "lacks": account["lacks"],
        "registered_at": account["registered_at"],
        "last_sign_in_at": account["last_sign_in_at"],
        "lock_reason": account["lock"]["reason"] if account["lock"] else None,
    }


def _compared(key: DataKey, person: Document, name: str | None, birth_date: Any) -> dict[str, Any]:
    kept_name = secrecy.opened(key, person.get("full_name"), secrecy.NAME)
    kept_date = secrecy.opened(key, person.get("birth_date"), secrecy.BIRTH_DATE)
    return {
        "same_name": None if name is None or kept_name is None else same_name(kept_name, name),
        "same_birth_date": None if birth_date is None or kept_date is None else kept_date == birth_date.isoformat(),
    }


def incomplete(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Normalized accounts that lack phone or birth date (case 5), masked. Raises Problem 422 for a strange cursor."""
    key = secrecy.key_of(ctx.kernel)
    rows, following = store.incomplete_accounts(ctx.store, data["cursor"], data["limit"])
    return {"items": [brief(ctx, key, account) for account in rows], "next_cursor": following}


def open_case(ctx: Context, number: int, account_id: str, reason: str) -> dict[str, Any]:
    """Opens a case about a citizen's account. Raises Problem 403 (an officer's or one's own), 404."""
    account = ctx.store.get("accounts", account_id)
    if account is None:
        raise accounts.unknown()
    if account["kind"] == "officer":
        raise problems.forbidden(rule="ID-20", citation="CV 2740/STTTT-IOC §2")
    _not_own(ctx, account)
    case = cases.opened(f"sup-{uuid.uuid4().hex}", number, account_id, by=ctx.actor.subject, now=ctx.now)
    unit = ctx.unit()
    unit.insert("support_cases", case)
    unit.tell(case, "support.opened", {"case_id": case["_id"], "case": number, "account_id": account_id})
    _log(ctx, unit, case, "open_case", reason)
    answer: dict[str, Any] = ctx.commit(unit, _brief_case(case, account))
    return answer


def read_case(ctx: Context, case_id: str) -> dict[str, Any]:
    """A case with its account, masked, and what the officer is to do. Raises Problem 404."""
    case, account = _case(ctx, case_id)
    return _view(ctx, case, account)


def list_cases(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Cases, oldest first, by state, number or account."""
    asked = {name: data[name] for name in ("state", "case", "account_id") if data[name] is not None}
    rows, following = store.support_cases(ctx.store, asked, data["cursor"], data["limit"])
    return {"items": [_summary(case) for case in rows], "next_cursor": following}


def contact(ctx: Context, case_id: str, reason: str) -> dict[str, Any]:
    """The account's phone, to call it: the only datum that support sees in clear, and each time logged.

    Raises Problem 404 or 409 (the case is over, or none to call).
    """
    case, account = _case(ctx, case_id)
    if case["state"] not in (cases.State.OPENED, cases.State.VERIFIED) or account["phone"] is None:
        raise problems.conflict(rule=cases.TROUBLES[case["case"]].rule, extra={"state": case["state"]})
    unit = ctx.unit()
    _log(ctx, unit, case, "read_phone", reason)
    ctx.commit(unit)
    return {"phone": phones.national_form(secrecy.key_of(ctx.kernel).open(account["phone"], secrecy.PHONE))}


def verify(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Records what verifying came to. Raises Problem 404, 409 or 422."""
    case, account = _case(ctx, data["case_id"])
    ctx.check_version(case, data["version"])
    outcome = Verification(data["outcome"])
    row = cases.verify(case, account, outcome, By(data["by"]), ctx.actor.subject, ctx.now)
    unit = ctx.unit()
    unit.save("support_cases", case)
    unit.tell(case, row.event, _event(case, outcome))
    _log(ctx, unit, case, "verify_case", data["evidence"], outcome)
    answer: dict[str, Any] = ctx.commit(unit, _brief_case(case, account, saved=True))
    return answer


def decide(ctx: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Decides a case and carries the decision out, in one write. Raises Problem 404, 409 or 429."""
    case, account = _case(ctx, data["case_id"])
    ctx.check_version(case, data["version"])
    outcome = Outcome(data["outcome"])
    row = cases.decide(case, account, outcome, ctx.actor.subject, ctx.now)
    unit = ctx.unit()
    unit.save("support_cases", case)
    unit.tell(case, row.event, _event(case, outcome))
    _log(ctx, unit, case, "decide_case", data["reason"], outcome)
    ended: list[Document] = []
    about: dict[str, Any] = {"text": data["reason"], "case": case["case"], "case_id": case["_id"]}
    if outcome is Outcome.CANCEL:
        word = account_states.CASES[case["case"]]
        ended = lifecycle.change(ctx, unit, account, Command.CANCEL, Who.SUPPORT, reason=word, **about)
    elif outcome is Outcome.UNLOCK:
        word = account_states.VERIFIED
        ended = lifecycle.change(ctx, unit, account, Command.UNLOCK, Who.SUPPORT, reason=word, **about)
    elif outcome is Outcome.RESTORE:
        # A code to the account's own phone, sent by the timer: who decides reads neither code nor password.
        key = secrecy.key_of(ctx.kernel)
        phone = key.open(account["phone"], secrecy.PHONE)
        challenge, code = challenges.issue(ctx, unit, Purpose.RECOVERY, phone, account_id=account["_id"])
        challenge |= {"waiting": True, "code": key.seal(code, secrecy.CODE)}
    answer: dict[str, Any] = ctx.commit(unit, _brief_case(case, account, saved=True))
    tokens.tell(ctx.kernel, ended)
    return answer


def close(ctx: Context, case_id: str, version: int, reason: str) -> dict[str, Any]:
    """Closes a case, decided or given up. Raises Problem 404 or 409."""
    case, account = _case(ctx, case_id)
    ctx.check_version(case, version)
    row = cases.close(case, ctx.actor.subject, ctx.now)
    unit = ctx.unit()
    unit.save("support_cases", case)
    unit.tell(case, row.event, {"case_id": case["_id"], "case": case["case"]})
    _log(ctx, unit, case, "close_case", reason)
    answer: dict[str, Any] = ctx.commit(unit, _brief_case(case, account, saved=True))
    return answer


def _case(ctx: Context, case_id: str) -> tuple[Document, Document]:
    """A case and its account. Raises Problem 404, or 403 for a case about the officer's own person."""
    case = ctx.store.get("support_cases", case_id)
    account = ctx.store.get("accounts", case["account_id"]) if case is not None else None
    if case is None or account is None:
        raise problems.not_found()
    _not_own(ctx, account)
    return case, account


def _not_own(ctx: Context, account: Document) -> None:
    if account["person_id"] == ctx.actor.person_id:
        raise problems.forbidden(rule="ID-20", citation="CV 2740/STTTT-IOC §2")


def _event(case: Document, outcome: Verification | Outcome) -> dict[str, Any]:
    return {"case_id": case["_id"], "case": case["case"], "outcome": str(outcome)}


def _log(ctx: Context, unit: Any, case: Document, action: str, reason: str, outcome: str | None = None) -> None:
    audit.record(
        ctx, unit, action, case["account_id"],
        reason=reason, case=case["case"], case_id=case["_id"], outcome=str(outcome) if outcome else None,
    )  # fmt: skip


def _brief_case(case: Document, account: Document, *, saved: bool = False) -> dict[str, Any]:
    """What a command answers, and what is kept for one that is repeated: ids and words."""
    return {
        "case_id": case["_id"],
        "case": case["case"],
        "state": case["state"],
        "version": case["version"] + 1 if saved else 1,
        "account_id": account["_id"],
        "account_state": str(account["state"]),
        "hotline": accounts.HOTLINE,
    }


def _summary(case: Document) -> dict[str, Any]:
    return {
        "case_id": case["_id"],
        "case": case["case"],
        "state": case["state"],
        "version": case["version"],
        "account_id": case["account_id"],
        "opened_by": case["opened_by"],
        "opened_at": case["opened_at"],
        "verification": case["verification"],
        "decision": case["decision"],
        "closed_at": case["closed_at"],
    }


@rule("ID-19", title="Mỗi trường hợp hỗ trợ nêu tổng đài 19001075", cites="CV 2740/STTTT-IOC §2")
def _view(ctx: Context, case: Document, account: Document) -> dict[str, Any]:
    trouble = cases.TROUBLES[case["case"]]
    return _summary(case) | {
        "account": brief(ctx, secrecy.key_of(ctx.kernel), account),
        "possible": [str(outcome) for outcome in cases.possible(case, account)],
        "met_vi": trouble.met_vi,
        "met_en": trouble.met_en,
        "evidence_vi": trouble.evidence_vi,
        "evidence_en": trouble.evidence_en,
        "guidance_vi": trouble.guidance_vi,
        "guidance_en": trouble.guidance_en,
        "citation": trouble.citation,
        "hotline": accounts.HOTLINE,
    }
