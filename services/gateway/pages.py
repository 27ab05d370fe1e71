"""The few pages that the gateway shows itself: landing, guides, reference of the interface, look-up, after payment.

Static HTML without scripts and without anything from elsewhere; the one style sheet is named by its hash in the
content security policy. Vietnamese first.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable
from html import escape
from typing import Any

import orjson

from services.common.problems import Problem
from services.gateway import answers, help, requests
from services.gateway.api import Api
from services.gateway.config import CONTRACTS
from services.gateway.reference import reference

STYLE = """
:root{--ink:#1c2733;--soft:#5b6b7a;--line:#d9e0e7;--paper:#fff;--ground:#f4f6f8;--mark:#9c1c1c;--link:#0b5394}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,"Noto Sans",Arial,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}
header{background:var(--mark);color:#fff}header>div{max-width:60rem;margin:0 auto;padding:1rem}
header a{color:#fff;text-decoration:none;font-weight:600}
h1{font-size:1.6rem;margin:.5rem 0 1rem}h2{font-size:1.2rem;margin:2.2rem 0 .6rem}h3{font-size:1rem;margin:0}
a{color:var(--link)}code{font:.92em/1.4 ui-monospace,Consolas,monospace;overflow-wrap:anywhere}
.en{color:var(--soft)}.card{background:var(--paper);border:1px solid var(--line);border-radius:6px;padding:1rem 1.2rem;
margin:.8rem 0}
table{border-collapse:collapse;width:100%;margin:.5rem 0;font-size:.94rem}
th,td{text-align:left;vertical-align:top;border-top:1px solid var(--line);padding:.3rem .6rem .3rem 0}
th{color:var(--soft);font-weight:600}
details{background:var(--paper);border:1px solid var(--line);border-radius:6px;margin:.5rem 0;padding:.5rem .9rem}
summary{cursor:pointer}.m{display:inline-block;min-width:4.2rem;font-weight:700;color:var(--mark)}
.bar{height:.8rem;background:var(--line);border-radius:4px}progress{width:100%;height:1rem;accent-color:var(--mark)}
@media (prefers-color-scheme:dark){:root{--ink:#e6ebf0;--soft:#9fb0bf;--line:#33414e;--paper:#1b2530;--ground:#121a22;
--link:#7db7f0}}
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
PAGE_CSP = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
).encode()
_HEADERS: answers.Headers = [(b"content-security-policy", PAGE_CSP)]

Page = Callable[[Any, Any, Any], Awaitable[None]]


def html(title: str, body: str) -> bytes:
    """A whole page. `body` is HTML, `title` text."""
    return (
        f'<!doctype html><html lang="vi"><head><meta charset="utf-8"><title>{escape(title)} – Một Cửa</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
        '<body><header><div><a href="/">Một Cửa</a></div></header>'
        f"<main>{body}</main></body></html>"
    ).encode()


class Pages:
    """Made once at start from the checked-in contract."""

    def __init__(self) -> None:
        self._openapi = (CONTRACTS / "openapi.json").read_bytes()
        self._reference = html("Giao diện lập trình", reference(orjson.loads(self._openapi)))
        self._landing = html("Cổng", _LANDING)
        self._guides = html("Hướng dẫn sử dụng", help.page())

    def table(self, api: Api) -> dict[str, Page]:
        """Addresses outside the API."""

        async def lookup(scope: Any, receive: Any, send: Any) -> None:
            await self._lookup(api, scope, send)

        return {
            "/": self._fixed(self._landing, answers.HTML),
            "/docs": self._fixed(self._reference, answers.HTML),
            "/huong-dan": self._fixed(self._guides, answers.HTML),
            "/openapi.json": self._fixed(self._openapi, b"application/json"),
            "/tra-cuu/{code}": lookup,
        }

    @staticmethod
    def _fixed(body: bytes, content_type: bytes) -> Page:
        etag = b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"'
        headers: answers.Headers = [*_HEADERS, (b"etag", etag), (b"cache-control", b"public, max-age=60")]

        async def page(scope: Any, receive: Any, send: Any) -> None:
            if requests.header(scope, b"if-none-match").encode("latin-1") == etag:
                await send({"type": "http.response.start", "status": 304, "headers": headers})
                await send({"type": "http.response.body", "body": b""})
                return
            await answers.send_bytes(send, 200, body, content_type, headers)

        return page

    async def _lookup(self, api: Api, scope: Any, send: Any) -> None:
        """The page that a receipt's QR code opens: the status, nothing about a person."""
        code = str(requests.path_parameters(scope)["code"])
        try:
            found = await api.lookup(code, scope)
        except Problem as problem:
            scope["motcua"].note = problem.rule or problem.type
            _, headers = answers.problem_parts(problem)
            body = html("Tra cứu hồ sơ", _refusal(problem))
            await answers.send_bytes(send, problem.status, body, answers.HTML, [*_HEADERS, *headers])
            return
        await answers.send_bytes(send, 200, html("Tra cứu hồ sơ", _status(found)), answers.HTML, _HEADERS)

    async def paid(self, scope: Any, receive: Any, send: Any) -> None:
        """Where the payment page sends the citizen back to. Its parameters are shown, never believed."""
        said = dict(requests.query_pairs(scope)).get("vnp_ResponseCode", "")
        await answers.send_bytes(send, 200, html("Thanh toán", _paid(said)), answers.HTML, _HEADERS)


_LANDING = """
<h1>Một Cửa <span class="en">– one-stop administrative services</span></h1>
<p>Nộp hồ sơ một lần, theo dõi một mã, nhận kết quả có chữ ký số trong kho dữ liệu của mình.<br>
<span class="en">File once, follow one code, find the signed result in your own store.</span></p>
<div class="card"><table>
<tr><td><a href="/docs">/docs</a></td><td>Giao diện lập trình, đọc được
<span class="en">– the interface, to be read</span></td></tr>
<tr><td><a href="/huong-dan">/huong-dan</a></td><td>Hướng dẫn cho công dân
<span class="en">– guides for citizens</span></td></tr>
<tr><td><a href="/openapi.json">/openapi.json</a></td><td>Hợp đồng OpenAPI 3.1
<span class="en">– the contract for machines</span></td></tr>
<tr><td><a href="/api/v1/procedures">/api/v1/procedures</a></td><td>Danh mục thủ tục
<span class="en">– catalogue of procedures</span></td></tr>
<tr><td><code>/tra-cuu/&lt;mã hồ sơ&gt;</code></td><td>Tra cứu trạng thái hồ sơ
<span class="en">– status of a dossier by its code</span></td></tr>
<tr><td><a href="/api/v1/clock">/api/v1/clock</a></td><td>Giờ hệ thống
<span class="en">– time of the system</span></td></tr>
</table></div>
<p>Hỗ trợ / Help: 19001075</p>
"""


def _status(found: dict[str, Any]) -> str:
    percent = int(found.get("progress_percent") or 0)
    return (
        f"<h1>Hồ sơ <code>{escape(str(found['code']))}</code></h1>"
        f'<div class="card"><h3>{escape(str(found["status_vi"]))}</h3>'
        f'<p class="en" lang="en">{escape(str(found["status_en"]))}</p>'
        f'<progress max="100" value="{percent}">{percent}%</progress>'
        f"<p>{percent}%</p></div>"
        "<p>Muốn xem chi tiết, hãy đăng nhập. "
        '<span class="en" lang="en">Sign in to see more.</span></p>'
    )


def _refusal(problem: Problem) -> str:
    return (
        f"<h1>{escape(problem.title_vi)}</h1>"
        f'<p class="en" lang="en">{escape(problem.title_en)}</p>'
        "<p>Hãy kiểm tra lại mã hồ sơ in trên giấy tiếp nhận. "
        '<span class="en" lang="en">Check the code printed on the receipt.</span></p>'
    )


def _paid(said: str) -> str:
    if said == "00":
        vi, en = "Cổng thanh toán báo giao dịch thành công.", "The payment page reports success."
    elif said:
        vi, en = "Cổng thanh toán báo giao dịch chưa thành công.", "The payment page reports that nothing was paid."
    else:
        vi, en = "Bạn đã quay lại từ cổng thanh toán.", "You are back from the payment page."
    return (
        f'<h1>{vi}</h1><p class="en" lang="en">{en}</p>'
        "<p>Việc nộp tiền chỉ được ghi nhận khi hệ thống nhận được xác nhận có chữ ký của cổng thanh toán; "
        "kết quả hiện trong hồ sơ của bạn. "
        '<span class="en" lang="en">A payment counts once the provider has confirmed it to us with its signature; '
        "your dossier shows it.</span></p>"
    )
