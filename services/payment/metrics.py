"""Metrics of payment, beside the kernel's. Labels are words and codes that this file fixes, never data."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

QUESTIONS = ("answered", "unknown", "refused", "differs", "unavailable", "fault")
MESSAGES = ("00", "01", "02", "04", "97", "99")

_questions = Counter("motcua_payment_questions_total", "Questions to the payment provider, by outcome", ["outcome"])
_messages = Counter("motcua_payment_messages_total", "Messages of the payment provider, by our answer", ["answer"])
open_orders = Gauge("motcua_payment_open_orders", "Orders with a payment whose outcome the provider is asked for")
# from the first scrape on, so that the first one is an increase too
for _outcome in QUESTIONS:
    _questions.labels(_outcome)
for _answer in MESSAGES:
    _messages.labels(_answer)


def record_question(outcome: str) -> None:
    """`outcome` is answered, unknown (to the provider), refused (not signed, or not about this payment), differs
    (another amount), unavailable, or fault (of ours)."""
    _questions.labels(outcome).inc()


def record_message(answer: str) -> None:
    """`answer` is the code that the provider got: 00 taken, 01 unknown, 02 known, 04 amount differs, 97 unsigned,
    99 signed but no message."""
    _messages.labels(answer).inc()
