"""One request at a time: who asks, what with, what comes back. Whatever cannot be read is a problem document."""

from __future__ import annotations

import dataclasses
import json

import pytest

from services.common import problems, wire
from services.gateway import app
from services.gateway.config import HEAD_LIMIT, JSON_LIMIT
from services.gateway.routes import ROUTES, Audience
from tests.unit.gateway.asgi import ask

FILE = "/api/v1/dossiers"
KEY = "abcdefgh-1"


def json_headers(house, **more: str) -> dict[str, str]:
    return house.signed_in(**{"Content-Type": "application/json", "Idempotency-Key": KEY, **more})


def is_problem(answer, status: int, kind: str = "") -> None:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json
    assert document["status"] == status
    assert document["title_vi"]
    assert document["title_en"]
    if kind:
        assert document["type"] == f"/problems/{kind}"


class TestWhoAsks:
    @pytest.mark.parametrize("route", [r for r in ROUTES if r.audience is Audience.SIGNED_IN], ids=lambda r: r.path)
    def test_without_a_token_nothing_is_called(self, house, route):
        headers = {"Content-Type": "application/json", "Idempotency-Key": KEY}
        body = b"{}" if route.has_body else b""
        answer = ask(
            house.app, route.method, route.pattern.replace("{", "").replace("}", ""), headers=headers, body=body
        )
        is_problem(answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert house.bus.calls == []

    def test_the_token_goes_on_as_it_is(self, house):
        house.bus.answers["intake.mine"] = {"items": [], "next_cursor": None}
        token = house.token()
        answer = ask(house.app, "GET", FILE, headers={"Authorization": f"Bearer {token}", "X-Channel": "hue-s"})
        assert answer.status == 200
        method, kwargs, headers, repeatable = house.bus.calls[0]
        assert (method, kwargs, repeatable) == ("intake.mine", {}, True)
        assert headers[wire.H_ACTOR] == token
        assert headers[wire.H_CHANNEL] == "hue-s"

    @pytest.mark.parametrize("kid", ["intake-1", "operator-1"])
    def test_keys_of_rooms_and_operator_do_not_open_this_door(self, house, kid):
        subject = "operator" if kid == "operator-1" else "service:intake"
        token = house.token(kid, sub=subject, grants=[[subject, "*"]], sid="")
        is_problem(ask(house.app, "GET", FILE, headers={"Authorization": f"Bearer {token}"}), 401)
        assert house.bus.calls == []

    def test_a_session_that_has_ended_is_refused_at_once(self, house, soon):
        assert ask(house.app, "GET", FILE, headers=house.signed_in()).status == 404  # the fake room's answer
        house.verifier.revoke_session("ses-1", soon)
        is_problem(ask(house.app, "GET", FILE, headers=house.signed_in()), 401)

    def test_public_routes_are_called_as_nobody_even_with_a_token(self, house):
        house.bus.answers["intake.procedures"] = {"items": [], "next_cursor": None}
        assert ask(house.app, "GET", "/api/v1/procedures", headers=house.signed_in()).status == 200
        assert wire.H_ACTOR not in house.bus.calls[0][2]

    def test_another_channel_is_refused(self, house):
        is_problem(ask(house.app, "GET", FILE, headers=house.signed_in(**{"X-Channel": "desk"})), 400, "malformed")


class TestKeys:
    @pytest.mark.parametrize("route", [r for r in ROUTES if r.idempotent], ids=lambda r: r.path)
    def test_a_command_that_needs_a_key_is_refused_without(self, house, route):
        headers = house.signed_in(**{"Content-Type": "application/json"})
        path = route.pattern.replace("{", "").replace("}", "")
        answer = ask(house.app, "POST", path, headers=headers, body=b"{}")
        is_problem(answer, 400, "idempotency-key-missing")
        assert "8 to 128" in answer.json["detail"]
        assert house.bus.calls == []

    @pytest.mark.parametrize("key", ["short", "a" * 129, "with space in", "colon:colon", "khóa-của-tôi"])
    def test_keys_are_well_formed(self, house, key):
        answer = ask(house.app, "POST", FILE, headers=json_headers(house, **{"Idempotency-Key": key}), body=b"{}")
        is_problem(answer, 400, "malformed")

    def test_the_key_goes_to_the_room(self, house):
        house.bus.answers["intake.file"] = {"code": "H57-1"}
        answer = ask(house.app, "POST", FILE, headers=json_headers(house), body=b'{"procedure":"9.000001"}')
        assert answer.status == 201
        assert answer.headers["location"] == "/api/v1/dossiers/H57-1"
        _, kwargs, headers, repeatable = house.bus.calls[0]
        assert kwargs == {"procedure": "9.000001"}
        assert headers[wire.H_COMMAND] == KEY
        assert repeatable

    def test_a_command_without_key_is_not_repeated_by_us(self, house):
        house.bus.answers["identity.sign_in"] = {}
        ask(house.app, "POST", "/api/v1/sessions", headers={"Content-Type": "application/json"}, body=b"{}")
        assert house.bus.calls[0][3] is False


class TestSlips:
    PATH = "/api/v1/slips/s-1"

    def test_a_guidance_is_found_at_intake_alone(self, house):
        house.bus.answers["intake.slip"] = {"slip_id": "s-1", "text": "hướng dẫn"}
        assert ask(house.app, "GET", self.PATH, headers=house.signed_in()).json["text"] == "hướng dẫn"
        assert [call[0] for call in house.bus.calls] == ["intake.slip"]

    def test_a_supplement_request_is_found_too(self, house):
        house.bus.answers["processing.slip"] = {"slip_id": "s-1", "text": "bổ sung"}
        assert ask(house.app, "GET", self.PATH, headers=house.signed_in()).json["text"] == "bổ sung"
        assert [call[0] for call in house.bus.calls] == ["intake.slip", "processing.slip"]

    def test_what_neither_room_knows_is_not_found_and_a_refusal_stays_one(self, house):
        is_problem(ask(house.app, "GET", self.PATH, headers=house.signed_in()), 404)
        house.bus.calls.clear()
        house.bus.answers["intake.slip"] = problems.forbidden("không phải đơn vị của bạn / not your unit")
        is_problem(ask(house.app, "GET", self.PATH, headers=house.signed_in()), 403)
        assert [call[0] for call in house.bus.calls] == ["intake.slip"]


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"{", 400),
            (b"[]", 400),
            (b'"text"', 400),
            (b"null", 400),
            (b"\xff\xfe{\x00}\x00", 400),
            (b'{"a": "\xc3"}', 400),
            (b'{"a": NaN}', 400),
            (b'{"a":' + b"[" * 400 + b"]" * 400 + b"}", 400),
            (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
            (b'{"a": "\\ud800"}', 400),
            (b'{"a": "' + b"x" * JSON_LIMIT + b'"}', 413),
        ],
        ids=["open", "list", "text", "null", "utf-16", "cut", "nan", "deep", "deeper", "surrogate", "large"],
    )
    def test_what_cannot_be_read_is_refused(self, house, body, status):
        is_problem(ask(house.app, "POST", FILE, headers=json_headers(house), body=body), status)
        assert house.bus.calls == []

    def test_a_large_body_without_a_stated_length_is_refused_on_the_way(self, house):
        pieces = [b'{"a":"'] + [b"x" * 65536] * 20
        headers = json_headers(house, **{"Transfer-Encoding": "chunked"})
        is_problem(ask(house.app, "POST", FILE, headers=headers, body=pieces), 413, "too-large")

    @pytest.mark.parametrize(
        "headers",
        [
            {"Content-Type": "text/plain"},
            {"Content-Type": "application/x-www-form-urlencoded"},
            {"Content-Type": ""},
            {"Content-Type": "application/json; charset=utf-16"},
            {"Content-Encoding": "gzip"},
        ],
    )
    def test_other_kinds_of_content_are_refused(self, house, headers):
        answer = ask(house.app, "POST", FILE, headers=json_headers(house, **headers), body=b"{}")
        is_problem(answer, 415, "unsupported-media-type")
        assert "send " in answer.json["detail"]

    def test_a_command_without_input_needs_no_body(self, house):
        house.bus.answers["payment.pay"] = {"order_id": "o-1"}
        headers = house.signed_in(**{"Idempotency-Key": KEY})
        assert ask(house.app, "POST", "/api/v1/orders/o-1/payment", headers=headers).status == 201
        assert house.bus.calls[0][1] == {"order_id": "o-1"}

    def test_what_the_address_says_the_body_may_not_say_again(self, house):
        answer = ask(
            house.app,
            "POST",
            "/api/v1/dossiers/H57-1/acceptance",
            headers=json_headers(house),
            body=b'{"code":"other"}',
        )
        is_problem(answer, 422, "invalid")
        assert answer.json["errors"][0]["field"] == "code"

    def test_inputs_for_rooms_are_no_inputs_for_people(self, make_house, monkeypatch):
        paying = next(route for route in ROUTES if route.rpc == "payment.pay")
        with_one = dataclasses.replace(paying, hidden=("locale",))
        monkeypatch.setattr(app, "ROUTES", [with_one if route is paying else route for route in ROUTES])
        own = make_house()
        body = b'{"locale":"en"}'
        answer = ask(own.app, "POST", "/api/v1/orders/o/payment", headers=json_headers(own), body=body)
        is_problem(answer, 422, "invalid")
        assert own.bus.calls == []


class TestAddresses:
    def test_numbers_and_unknown_names_in_the_query(self, house):
        answer = ask(house.app, "GET", "/api/v1/procedures?limit=ten&x=1&q=a&q=b")
        is_problem(answer, 422, "invalid")
        assert {error["field"] for error in answer.json["errors"]} == {"limit", "x", "q"}

    def test_numbers_go_on_as_numbers(self, house):
        house.bus.answers["intake.procedures"] = {"items": [], "next_cursor": None}
        ask(house.app, "GET", "/api/v1/procedures?limit=7&q=khai%20sinh")
        assert house.bus.calls[0][1] == {"limit": 7, "q": "khai sinh"}

    @pytest.mark.parametrize("query", ["q=%ff%fe", "q=%c3", "&".join(f"a{n}=1" for n in range(80))])
    def test_a_query_that_cannot_be_read(self, house, query):
        is_problem(ask(house.app, "GET", f"/api/v1/procedures?{query}"), 400, "malformed")

    def test_unknown_addresses_and_methods(self, house):
        is_problem(ask(house.app, "GET", "/api/v1/nothing"), 404, "not-found")
        is_problem(ask(house.app, "GET", "/api/v1/dossiers/"), 404)
        answer = ask(house.app, "PATCH", FILE)
        is_problem(answer, 405, "method-not-allowed")
        assert answer.headers["allow"] == "GET, HEAD, POST"

    @pytest.mark.parametrize("value", ["a%00b", "x" * 300, "a%0ab"])
    def test_what_can_be_no_id(self, house, value):
        is_problem(ask(house.app, "GET", f"/api/v1/procedures/{value}"), 404)
        assert house.bus.calls == []

    def test_long_addresses_and_headers(self, house):
        is_problem(ask(house.app, "GET", "/api/v1/procedures?q=" + "a" * HEAD_LIMIT), 414)
        is_problem(ask(house.app, "GET", "/api/v1/clock", headers={"X-A": "b" * HEAD_LIMIT}), 431)

    def test_a_look_at_the_headers_of_a_file_draws_no_ticket(self, house):
        is_problem(ask(house.app, "HEAD", "/api/v1/files/f/content", headers=house.signed_in()), 405)


class TestAnswers:
    def test_a_rooms_problem_comes_through_with_its_rule(self, house):
        house.bus.answers["intake.mine"] = problems.conflict("Vi", "En", rule="IN-01", citation="QĐ 1")
        answer = ask(house.app, "GET", FILE, headers=house.signed_in())
        is_problem(answer, 409, "conflict")
        assert answer.json["rule"] == "IN-01"

    def test_a_room_that_is_away(self, house):
        house.bus.answers["intake.mine"] = problems.unavailable(retry_after=2)
        answer = ask(house.app, "GET", FILE, headers=house.signed_in())
        is_problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"] == "2"

    def test_a_fault_of_ours_shows_nothing(self, house):
        house.bus.answers["intake.mine"] = {"items": {1, 2}}  # no JSON
        answer = ask(house.app, "GET", FILE, headers=house.signed_in())
        is_problem(answer, 500, "internal")
        assert "detail" not in answer.json

    def test_headers_of_every_answer(self, house):
        for target in ("/api/v1/clock", "/api/v1/nothing", "/docs", "/"):
            headers = ask(house.app, "GET", target).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "default-src 'none'" in headers["content-security-policy"]
            assert headers["x-correlation-id"]
            assert "strict-transport-security" not in headers
        assert ask(house.app, "GET", "/api/v1/clock").headers["cache-control"] == "no-store"

    def test_https_is_insisted_on_where_it_is_the_address(self, make_house):
        answer = ask(make_house(https=True).app, "GET", "/api/v1/clock")
        assert answer.headers["strict-transport-security"].startswith("max-age=")

    def test_the_clock_is_the_business_clock(self, house):
        answer = ask(house.app, "GET", "/api/v1/clock").json
        assert answer["offset"] == 3600.0
        assert answer["rehearsal"] is True

    def test_a_page_comes_again_only_when_it_changed(self, house):
        first = ask(house.app, "GET", "/openapi.json")
        again = ask(house.app, "GET", "/openapi.json", headers={"If-None-Match": first.headers["etag"]})
        assert (first.status, again.status, again.body) == (200, 304, b"")


class TestChannel:
    """IN-20: where a client is, it says once."""

    @pytest.mark.req("IN-20")
    @pytest.mark.parametrize(("header", "body", "status"), [
        ("portal", "hue-s", 422), ("hue-s", "portal", 422), ("hue-s", "hue-s", 200), ("", "hue-s", 200),
        ("hue-s", None, 200),
    ])  # fmt: skip
    def test_two_stories_of_it_are_refused(self, house, header, body, status):
        headers = {"Content-Type": "application/json"} | ({"X-Channel": header} if header else {})
        given = {"phone": "0914000123", "password": "x"} | ({"channel": body} if body else {})
        house.bus.answers["identity.sign_in"] = {"session_id": "ses-1"}
        answer = ask(house.app, "POST", "/api/v1/sessions", headers=headers, body=json.dumps(given).encode())
        if status == 422:
            is_problem(answer, 422)
            assert [error["field"] for error in answer.json["errors"]] == ["channel"]
            assert not house.bus.calls
        else:
            assert answer.status < 300, answer.body


class TestCorrelation:
    @pytest.mark.parametrize("given", [
        "0123456789abcdef0123456789abcdef", "0123456789ABCDEF0123456789ABCDEF", "5e1f7a04-df71-11ee-9d3b-0242ac120002",
        "018e2b3c-5d4a-7000-8000-0123456789ab", "01234567-89ab-4def-8123-456789abcdef",
    ])  # fmt: skip
    def test_a_uuid_is_taken_over(self, house, given):
        answer = ask(house.app, "GET", "/api/v1/clock", headers={"X-Correlation-Id": given})
        assert answer.headers["x-correlation-id"] == given

    @pytest.mark.parametrize("given", [
        "0912345678", "079203001234", "x" * 65, "a b c d e f g h i j", "", "nguyen-thi-an-0914000123-046190000123",
        "NguyenThiAn0914000123", "09140001230461900001230000000000", "09140001-2304-6190-0001-230000000000",
        "0123456789abcdef0123456789abcdef0", "0123456789abcdef-0123456789abcdef", "g123456789abcdef0123456789abcdef",
    ])  # fmt: skip
    def test_anything_else_is_replaced(self, house, given):
        answer = ask(house.app, "GET", "/api/v1/clock", headers={"X-Correlation-Id": given})
        assert answer.headers["x-correlation-id"] != given


class TestBrowsers:
    def test_without_a_setting_no_origin_may_read(self, house):
        headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
        is_problem(ask(house.app, "OPTIONS", FILE, headers=headers), 403)
        answer = ask(house.app, "GET", "/api/v1/clock", headers={"Origin": "https://elsewhere.example"})
        assert "access-control-allow-origin" not in answer.headers

    def test_the_origin_of_the_setting_may(self, make_house):
        house = make_house(origins=("https://portal.example",))
        headers = {"Origin": "https://portal.example", "Access-Control-Request-Method": "POST"}
        answer = ask(house.app, "OPTIONS", FILE, headers=headers)
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == "https://portal.example"
        assert "idempotency-key" in answer.headers["access-control-allow-headers"]
        other = ask(house.app, "GET", "/api/v1/clock", headers={"Origin": "https://portal.example.evil"})
        assert "access-control-allow-origin" not in other.headers
        assert other.headers["vary"] == "origin"

    def test_a_refusal_may_be_read_too(self, make_house):
        house = make_house(origins=("https://portal.example",))
        answer = ask(house.app, "GET", FILE, headers={"Origin": "https://portal.example"})
        assert answer.status == 401
        assert answer.headers["access-control-allow-origin"] == "https://portal.example"


class TestProvider:
    PATH = "/api/v1/payments/vnpay/ipn"

    def test_parameters_go_on_and_its_own_answer_comes_back(self, house):
        house.bus.answers["payment.provider_message"] = {"RspCode": "00", "Message": "Confirm Success"}
        answer = ask(house.app, "GET", f"{self.PATH}?vnp_TxnRef=1&vnp_Amount=200&vnp_OrderInfo=a%20b")
        assert (answer.status, answer.json["RspCode"]) == (200, "00")
        assert house.bus.calls[0][1] == {"params": {"vnp_TxnRef": "1", "vnp_Amount": "200", "vnp_OrderInfo": "a b"}}

    def test_the_provider_asks_again_when_we_are_away(self, house):
        house.bus.answers["payment.provider_message"] = problems.unavailable()
        answer = ask(house.app, "GET", f"{self.PATH}?vnp_TxnRef=1")
        assert (answer.status, answer.json["RspCode"]) == (200, "99")

    def test_a_parameter_twice_is_nobodys_signature(self, house):
        is_problem(ask(house.app, "GET", f"{self.PATH}?vnp_Amount=1&vnp_Amount=2"), 400)
        assert house.bus.calls == []

    def test_the_page_after_payment_calls_nothing(self, house):
        answer = ask(house.app, "GET", "/api/v1/payments/vnpay/return?vnp_ResponseCode=00&vnp_Amount=1")
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/html")
        assert house.bus.calls == []


def test_nothing_of_a_request_but_its_pattern_is_logged(house, capsys):
    ask(house.app, "GET", "/api/v1/lookups/H57-0912345678?x=Nguyễn".replace("ễ", "%E1%BB%85"))
    ask(house.app, "POST", "/api/v1/sessions", headers={"Content-Type": "application/json"}, body=b'{"phone":"0912"}')
    lines = capsys.readouterr().err
    assert "/api/v1/lookups/{code}" in lines
    assert "0912" not in lines
    assert "Nguy" not in lines
    assert "192.0.2.1" not in lines
