"""What we ask of the payment provider: what became of an attempt (VNPAY `querydr`), and where its payment page is.

The question and its answer are signed over their values joined by "|", in the provider's fixed order. The answer is
turned into the same `Notice` as a provider message, so both enter one `confirm` (X-25). A provider that does not
answer, or answers with something unsigned, has said nothing: no state changes. The fields of `querydr` are recalled
from the provider's public manual and not covered by a vector.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from services.common import logs
from services.common.calendar import local
from services.payment import vnpay

PAY_PATH = "/paymentv2/vpcpay.html"
QUERY_PATH = "/merchant_webapi/api/transaction"
TIMEOUT = 4.0  # seconds for the connection, and again for each read
LARGEST_ANSWER = 64 * 1024  # bytes

_QUESTION = (
    "vnp_RequestId", "vnp_Version", "vnp_Command", "vnp_TmnCode", "vnp_TxnRef", "vnp_TransactionDate", "vnp_CreateDate",
    "vnp_IpAddr", "vnp_OrderInfo",
)  # fmt: skip
_ANSWER = (
    "vnp_ResponseId", "vnp_Command", "vnp_ResponseCode", "vnp_Message", "vnp_TmnCode", "vnp_TxnRef", "vnp_Amount",
    "vnp_BankCode", "vnp_PayDate", "vnp_TransactionNo", "vnp_TransactionType", "vnp_TransactionStatus", "vnp_OrderInfo",
    "vnp_PromotionCode", "vnp_PromotionAmount",
)  # fmt: skip
#: vnp_TransactionStatus of an answer: not ended yet, nothing to be learnt.
_PENDING = frozenset({"", "01"})
_NO_SUCH = "91"


class ProviderUnavailable(Exception):
    """The provider cannot be reached."""


class UnreadableAnswer(Exception):
    """What came back to one question is not an answer of the provider."""


def joined_hash(fields: tuple[str, ...], values: Mapping[str, str], secret: bytes) -> str:
    """HMAC-SHA512 of the values joined by "|", missing ones empty."""
    text = "|".join(values.get(name, "") for name in fields)
    return hmac.new(secret, text.encode(), hashlib.sha512).hexdigest()


def question_hash(values: Mapping[str, str], secret: bytes) -> str:
    """Signature of a question."""
    return joined_hash(_QUESTION, values, secret)


def answer_hash(values: Mapping[str, str], secret: bytes) -> str:
    """Signature of an answer."""
    return joined_hash(_ANSWER, values, secret)


def question(
    txn_ref: str, *, begun: datetime, request_id: str, tmn_code: str, secret: bytes, now: datetime
) -> dict[str, str]:
    """The signed question about one attempt, begun at that moment."""
    stamp = "%Y%m%d%H%M%S"
    values = {
        "vnp_RequestId": request_id,
        "vnp_Version": vnpay.VERSION,
        "vnp_Command": "querydr",
        "vnp_TmnCode": tmn_code,
        "vnp_TxnRef": txn_ref,
        "vnp_TransactionDate": local(begun).strftime(stamp),
        "vnp_CreateDate": local(now).strftime(stamp),
        "vnp_IpAddr": "127.0.0.1",
        "vnp_OrderInfo": f"Truy van {txn_ref}",
    }
    return {**values, "vnp_SecureHash": question_hash(values, secret)}


class NoTransaction(Exception):
    """The provider says, signed, that nothing was ever paid or tried under this reference."""


def read_answer(values: Mapping[str, str], txn_ref: str, secret: bytes) -> vnpay.Notice | None:
    """The outcome that an answer states; None where the provider knows none yet.

    Raises UnreadableAnswer, or NoTransaction.
    """
    given = values.get("vnp_SecureHash", "").lower().encode("utf-8", "replace")
    if not hmac.compare_digest(given, answer_hash(values, secret).encode()):
        raise UnreadableAnswer("the answer is not signed by the provider")
    status = values.get("vnp_TransactionStatus", "")
    if values.get("vnp_ResponseCode") == _NO_SUCH and values.get("vnp_TxnRef") == txn_ref:
        raise NoTransaction(txn_ref)
    if values.get("vnp_ResponseCode") != "00" or values.get("vnp_TxnRef") != txn_ref or status in _PENDING:
        return None
    # vnp_ResponseCode is that of the question here; the money's is the status alone.
    params = {name: value for name, value in values.items() if name != "vnp_SecureHash" and value}
    params["vnp_ResponseCode"] = status if status in ("00", "07") else "99"
    return vnpay.read_notice({**params, "vnp_SecureHash": vnpay.sign(params, secret)}, secret)


class Provider:
    """Client of one provider's address."""

    def __init__(self, url: str, tmn_code: str, secret: bytes) -> None:
        self._url = urlsplit(url)
        self.page = url.rstrip("/") + PAY_PATH
        self.tmn_code = tmn_code
        self.secret = secret

    def query(self, txn_ref: str, *, begun: datetime, request_id: str, now: datetime) -> vnpay.Notice | None:
        """What became of an attempt; None while the provider knows no outcome.

        Raises ProviderUnavailable, which holds for every question now, or UnreadableAnswer or NoTransaction, which
        hold for this one.
        """
        asked = question(
            txn_ref, begun=begun, request_id=request_id, tmn_code=self.tmn_code, secret=self.secret, now=now
        )
        started = time.monotonic()
        outcome = "unreachable"
        try:
            notice = read_answer(self._post(asked), txn_ref, self.secret)
            outcome = notice.outcome.value if notice else "none"
            return notice
        except NoTransaction:
            outcome = "no transaction"
            raise
        except OSError as exc:
            raise ProviderUnavailable(type(exc).__name__) from None
        except (http.client.HTTPException, ValueError, RecursionError) as exc:
            raise UnreadableAnswer(type(exc).__name__) from None
        finally:
            milliseconds = int((time.monotonic() - started) * 1000)
            logs.info("provider_asked", outcome=outcome, milliseconds=milliseconds)

    def _post(self, asked: dict[str, str]) -> dict[str, str]:
        if not self._url.hostname:
            raise OSError("no address of the provider")
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.hostname, self._url.port, timeout=TIMEOUT)
        try:
            path = self._url.path.rstrip("/") + QUERY_PATH
            connection.request("POST", path, orjson.dumps(asked), {"Content-Type": "application/json"})
            response = connection.getresponse()
            body = response.read(LARGEST_ANSWER)
            if response.status != 200:
                raise ValueError(f"status {response.status}")
        finally:
            connection.close()
        answer: Any = orjson.loads(body)
        if not isinstance(answer, dict):
            raise ValueError("not an object")
        return {str(name): str(value) for name, value in answer.items() if value is not None}
