"""Ranges and the name under which a download is saved."""

from __future__ import annotations

import email.message
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.vault.transfer import Span, Unsatisfiable, content_disposition, wanted_span


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, None),
        ("", None),
        ("bytes=0-9", Span(0, 10)),
        ("bytes=90-", Span(90, 100)),
        ("bytes=90-500", Span(90, 100)),
        ("bytes=-10", Span(90, 100)),
        ("bytes=-500", Span(0, 100)),
        ("bytes=0-0", Span(0, 1)),
        ("bytes=0-1,5-6", None),
        ("bytes=9-2", None),
        ("bytes=-", None),
        ("lines=1-2", None),
        ("bytes=a-b", None),
        ("bytes=" + "9" * 40 + "-", None),
    ],
)
def test_one_range_is_understood(header: str | None, span: Span | None) -> None:
    assert wanted_span(header, 100) == span


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_ranges_outside_are_said_to_be(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        wanted_span(header, 100)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60))
def test_any_name_survives_the_header(name: str) -> None:
    header = content_disposition(name)
    assert header.isascii()
    assert "\r" not in header
    assert "\n" not in header
    fallback, _, extended = header.partition("; filename*=UTF-8''")
    assert urllib.parse.unquote(extended) == name
    assert fallback.count('"') == 2


def test_old_clients_get_a_readable_name() -> None:
    message = email.message.Message()
    message["Content-Disposition"] = content_disposition('Đơn "đề" nghị.pdf').partition("; filename*")[0]
    assert message.get_content_disposition() == "attachment"
    assert message.get_filename() == "Don _de_ nghi.pdf"
