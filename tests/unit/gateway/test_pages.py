"""The pages that a browser is shown: escaped, and in need of nothing from elsewhere."""

from __future__ import annotations

from services.gateway.routes import ROUTES, Kind
from tests.unit.gateway.asgi import ask


def test_look_up_shows_the_status_and_escapes_it(house):
    house.bus.answers["intake.lookup"] = {
        "code": "H57-1", "status_vi": "<b>Đang xử lý</b>", "status_en": "In progress", "progress_percent": 40,
    }  # fmt: skip
    answer = ask(house.app, "GET", "/tra-cuu/H57-1")
    page = answer.body.decode()
    assert answer.status == 200
    assert "&lt;b&gt;Đang xử lý" in page
    assert 'value="40"' in page
    assert '<html lang="vi">' in page


def test_an_unknown_code_is_a_page_too(house):
    answer = ask(house.app, "GET", "/tra-cuu/%3Cscript%3E")
    assert answer.status == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert b"<script" not in answer.body


def test_pages_need_nothing_from_elsewhere(house):
    for target in ("/", "/docs", "/tra-cuu/x"):
        page = ask(house.app, "GET", target).body.decode()
        assert "<script" not in page
        assert "src=" not in page
        assert "https://" not in page


def test_the_reference_shows_every_route(house):
    page = ask(house.app, "GET", "/docs").body.decode()
    for route in ROUTES:
        assert route.pattern in page, route.path
        assert route.kind is not Kind.JSON or route.summary_en.replace("'", "&#x27;") in page
