"""Passwords: hashed and compared in worker processes; in this process they live for one call."""

from __future__ import annotations

from services.common import problems
from services.common.workers import WorkerFault, WorkerLost, WorkerPool
from services.identity.phones import national_form

SHORTEST = 8
LONGEST = 128
# Compared where there is no account, so that "no such account" takes as long as "wrong password".
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$bFuajKko5ibbttg3waCSmg$/+wG5smc7hRfbsdwx5tRhNJaupXlf5kbTJbG/uhouY8"


class Passwords:
    """The pool of hashing workers; they start at the first job."""

    def __init__(self) -> None:
        self._pool = WorkerPool("argon2", "services.identity.worker", size=2, deadline=6.0)

    def hash(self, password: str) -> str:
        """An Argon2id hash with its salt and parameters. Raises Problem 503 when no worker can answer."""
        return str(self._run({"do": "hash", "password": password})["hash"])

    def right(self, password: str, stored: str | None) -> bool:
        """Whether the password is that of the stored hash; never for None. Raises Problem 503."""
        answer = self._run({"do": "verify", "password": password, "hash": stored or _NOBODY})
        return bool(answer["right"]) and stored is not None

    def close(self) -> None:
        self._pool.close()

    def _run(self, job: dict[str, str]) -> dict[str, object]:
        try:
            answer: dict[str, object] = self._pool.run(job)
            return answer
        except (WorkerLost, WorkerFault):
            raise problems.unavailable(retry_after=2) from None


def refuse_weak(new_password: str, phone: str) -> None:
    """Raises Problem 422 for a new password that is too weak; `phone` in normal form."""
    weak = check_strength(new_password, phone)
    if weak is not None:
        raise problems.invalid({**weak, "field": "new_password"})


def check_strength(password: str, phone: str) -> problems.FieldError | None:
    """What is wrong with a new password, or None: length counts, and it may not be the phone (in normal form)."""
    if not SHORTEST <= len(password) <= LONGEST:
        return problems.field_error(
            "password",
            f"Mật khẩu dài từ {SHORTEST} đến {LONGEST} ký tự.",
            f"A password has {SHORTEST} to {LONGEST} characters.",
        )
    if password.strip() in (phone, national_form(phone)):
        return problems.field_error(
            "password", "Mật khẩu không được là số điện thoại.", "The password may not be the phone number."
        )
    return None
