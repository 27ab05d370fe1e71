"""The national portal, played: python -m services.exchange.adapters.national_portal_simulator (rehearsal only).

Speaks the portal's protocol on MOTCUA_HTTP_PORT. Messages are idempotent: the same record or step again changes
nothing. Beside it, for tests and the demo:
  GET  /dossiers/<code>    codes in the order of their steps, the record, how many messages came and were repeats
  GET  /healthz/ready
  POST /control            {"down": true|false}: 503 to everything else; {"refuse": N}: an error to the next N messages;
                           {"forget_sessions": true}
It remembers across restarts in a file of the state directory, as the real one would.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Document = dict[str, Any]
_MOST = 5 * 1024 * 1024  # bytes of a request's body


class Portal:
    """What the portal knows. Every method is called under the lock."""

    def __init__(self, journal: Path | None, accounts: dict[str, str]) -> None:
        self.lock = threading.Lock()
        self._accounts = accounts
        self._journal = journal
        self._sessions: set[str] = set()
        self.records: dict[str, Document] = {}
        self.steps: dict[str, list[Document]] = {}
        self.messages: dict[str, int] = {}
        self.repeats: dict[str, int] = {}
        self.down = False
        self.refuse = 0
        if journal is not None and journal.exists():
            for line in journal.read_text().splitlines():
                self._apply(json.loads(line))

    def login(self, body: Document) -> Document:
        known = self._accounts.get(str(body.get("username")))
        if self._accounts and known != body.get("password"):
            return {"error_code": "01", "error_message": "Sai tài khoản"}
        session = uuid.uuid4().hex
        self._sessions.add(session)
        return {"error_code": "00", "session": session}

    def forget_sessions(self) -> None:
        self._sessions.clear()

    def service(self, body: Document) -> Document:
        if self.refuse > 0:
            self.refuse -= 1
            return {"error_code": "99", "error_message": "Hệ thống bận"}
        if body.get("session") not in self._sessions:
            return {"error_code": "05", "error_message": "Phiên không hợp lệ"}
        data = body.get("data")
        if not isinstance(data, list) or not data or not all(isinstance(row, dict) for row in data):
            return {"error_code": "02", "error_message": "Thiếu data"}
        name = body.get("service")
        if name == "TraCuuHoSo":
            found = [self.records[row["MaHoSo"]] for row in data if row.get("MaHoSo") in self.records]
            return {"error_code": "00", "data": found}
        if name not in ("DongBoHoSoMC", "CapNhatTienDoHoSoMC"):
            return {"error_code": "03", "error_message": "Không có dịch vụ này"}
        for row in data:
            if not row.get("MaHoSo") or (name == "CapNhatTienDoHoSoMC" and row["MaHoSo"] not in self.records):
                return {"error_code": "04", "error_message": "Không có hồ sơ này"}
        for row in data:
            self._write({"service": name, "row": row})
        return {"error_code": "00", "error_message": ""}

    def _write(self, entry: Document) -> None:
        self._apply(entry)
        if self._journal is not None:
            self._journal.parent.mkdir(parents=True, exist_ok=True)
            with open(self._journal, "a") as out:
                out.write(json.dumps(entry, ensure_ascii=False) + "\n")

    def _apply(self, entry: Document) -> None:
        row = entry["row"]
        code = row["MaHoSo"]
        self.messages[code] = self.messages.get(code, 0) + 1
        if entry["service"] == "DongBoHoSoMC":
            repeated = self.records.get(code) == row
            self.records[code] = row
        else:
            steps = self.steps.setdefault(code, [])
            repeated = row in steps
            if not repeated:
                steps.append(row)
        if repeated:
            self.repeats[code] = self.repeats.get(code, 0) + 1

    def dossier(self, code: str) -> Document | None:
        if code not in self.records:
            return None
        steps = self.steps.get(code, [])
        return {
            "code": code,
            "codes": [int(step["TrangThai"]) for step in steps],
            "record": self.records[code],
            "steps": steps,
            "messages": self.messages[code],
            "repeats": self.repeats.get(code, 0),
        }


class Handler(BaseHTTPRequestHandler):
    """One request of ours, of a test or of the supervisor."""

    portal: Portal
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go out apart: on a kept connection the second would wait 40 ms

    def do_GET(self) -> None:
        if self.path == "/healthz/ready":
            self._answer(200, {"ready": True})
        elif self.path.startswith("/dossiers/"):
            with self.portal.lock:
                found = self.portal.dossier(self.path.removeprefix("/dossiers/"))
            self._answer(200 if found else 404, found or {"codes": []})
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            self._answer(400, {"error_code": "02"})
            return
        portal = self.portal
        with portal.lock:
            if self.path == "/control":
                status, answer = 200, self._control(body)
            elif portal.down:
                status, answer = 503, {}
            elif self.path.endswith("/login"):
                status, answer = 200, portal.login(body)
            elif self.path.endswith("/mapi/g"):
                status, answer = 200, portal.service(body)
            else:
                status, answer = 404, {}
        self._answer(status, answer)

    def _control(self, body: Document) -> Document:
        portal = self.portal
        portal.down = bool(body.get("down", portal.down))
        portal.refuse = int(body.get("refuse", portal.refuse))
        if body.get("forget_sessions"):
            portal.forget_sessions()
        return {"down": portal.down, "refuse": portal.refuse}

    def _body(self) -> Document | None:
        try:
            length = int(self.headers.get("Content-Length") or 0)
            document = json.loads(self.rfile.read(length)) if 0 < length <= _MOST else {}
        except ValueError:
            return None
        return document if isinstance(document, dict) else None

    def _answer(self, status: int, document: Document) -> None:
        body = json.dumps(document, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Records hold people's data: no log of requests."""


def main() -> int:
    state = os.environ.get("MOTCUA_STATE_DIR")
    journal = Path(state) / "data" / "simulators" / "national-portal.jsonl" if state else None
    seed = os.environ.get("MOTCUA_SEED")
    accounts = json.loads(Path(seed).read_text())["accounts"] if seed else {}
    Handler.portal = Portal(journal, accounts)
    host = os.environ.get("MOTCUA_HTTP_HOST") or "127.0.0.1"
    server = ThreadingHTTPServer((host, int(os.environ["MOTCUA_HTTP_PORT"])), Handler)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
