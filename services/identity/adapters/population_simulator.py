"""Simulator of the population database, for rehearsals and tests: a program of its own on MOTCUA_HTTP_PORT.

    POST /dancu/xac-thuc {soDinhDanh, hoTen, ngaySinh[, ngayCap]}  -> {match, code[, gender, maDonVi]}
    POST /doanhnghiep/xac-thuc {maSoThue, ten, nguoiDaiDien, hoTen, ngaySinh}  -> {match, code[, maDonVi]}
    POST /control {"down": true} | {"delay": 5.0} | {"wrong": …} | {}   -> how it behaves from now on; {} heals it
    GET  /healthz/ready

Wrong in one of WRONG's ways, it answers what no client may take for an answer. The register has MOTCUA_POPULATION_SIZE
synthetic people beside those of the seed file. Standard library only; nothing that is asked is written anywhere.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from services.common.simulator_program import serve_until_told
from services.identity.adapters import organisation_register
from services.identity.adapters.population_register import SYNTHETIC, Register

LARGEST_BODY = 64 * 1024
LONGEST_DELAY = 60.0
#: Ways to be wrong: status and bytes of the answer; no status: the connection breaks in the middle of one.
WRONG: dict[str, tuple[int, bytes]] = {
    "garbage": (200, b"<html>bao tri</html>"),
    "shape": (200, b'["MATCH"]'),
    "no_code": (200, b'{"match": true}'),
    "contradiction": (200, b'{"match": true, "code": "NOT_FOUND"}'),
    "unknown_code": (200, b'{"match": true, "code": "PERHAPS"}'),
    "status": (500, b'{"match": true, "code": "MATCH"}'),
    "redirect": (302, b'{"match": true, "code": "MATCH"}'),
    "empty": (200, b""),
    "hang_up": (0, b'{"match": true, "co'),
}


class Simulator(ThreadingHTTPServer):
    """The register with its present behaviour."""

    daemon_threads = True

    def __init__(self, port: int, register: Register) -> None:
        super().__init__((os.environ.get("MOTCUA_HTTP_HOST") or "127.0.0.1", port), _Handler)
        self.register = register
        self.down = False
        self.delay = 0.0  # seconds
        self.wrong: str | None = None
        self.asked = 0
        self.lock = threading.Lock()

    def control(self, order: dict[str, Any]) -> dict[str, Any]:
        """Takes an order: what it does not name goes back to normal. Raises ValueError."""
        down, delay, wrong = order.get("down", False), order.get("delay", 0.0), order.get("wrong")
        if (
            not isinstance(down, bool)
            or not isinstance(delay, (int, float))
            or not 0 <= delay <= LONGEST_DELAY
            or (wrong is not None and wrong not in WRONG)
        ):
            raise ValueError(f"an order is {{down: bool, delay: seconds, wrong: one of {', '.join(WRONG)}}}")
        self.down, self.delay, self.wrong = down, float(delay), wrong
        return {
            "down": self.down,
            "delay": self.delay,
            "wrong": self.wrong,
            "asked": self.asked,
            "people": len(self.register),
        }

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no error of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Simulator

    def do_GET(self) -> None:
        if self.path == "/healthz/ready":
            self._answer(200, {"ready": True})
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 < length <= LARGEST_BODY:
            self._answer(413 if length else 400, {"error": "length"})
            return
        try:
            body = json.loads(self.rfile.read(length))
            if not isinstance(body, dict):
                raise ValueError("not an object")
            if self.path == "/control":
                self._answer(200, self.server.control(body))
            elif self.path == "/dancu/xac-thuc":
                self._judged(body, self._person)
            elif self.path == "/doanhnghiep/xac-thuc":
                self._judged(body, self._organisation)
            else:
                self._answer(404, {})
        except ValueError:
            self._answer(400, {"error": "body"})

    def _judged(self, body: dict[str, Any], judge: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Answers what the register says, or as it was ordered to behave. Raises ValueError."""
        with self.server.lock:
            self.server.asked += 1
        if self.server.delay:
            time.sleep(self.server.delay)
        if self.server.down:
            self._answer(503, {"error": "down"})
            return
        if self.server.wrong is not None:
            self._mislead(*WRONG[self.server.wrong])
            return
        self._answer(200, judge(body))

    def _person(self, body: dict[str, Any]) -> dict[str, Any]:
        number, name, born, issued = (body.get(field) for field in ("soDinhDanh", "hoTen", "ngaySinh", "ngayCap"))
        if not (isinstance(number, str) and isinstance(name, str) and isinstance(born, str)):
            raise ValueError("fields")
        if issued is not None and not isinstance(issued, str):
            raise ValueError("fields")
        code, entry = self.server.register.judge(number, name, born, issued)
        answer: dict[str, Any] = {"match": entry is not None, "code": code}
        if entry is not None:
            answer["gender"] = entry.sex
            answer["maDonVi"] = entry.unit
        return answer

    def _organisation(self, body: dict[str, Any]) -> dict[str, Any]:
        asked = [body.get(field) for field in ("maSoThue", "ten", "nguoiDaiDien", "hoTen", "ngaySinh")]
        texts = [value for value in asked if isinstance(value, str)]
        if len(texts) != len(asked):
            raise ValueError("fields")
        code, known = organisation_register.judge(*texts)
        return {"match": known is not None, "code": code} | ({"maDonVi": known.unit} if known else {})

    def _mislead(self, status: int, body: bytes) -> None:
        self.send_response(status or 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) + (0 if status else 100)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged: they are about people."""


def main() -> int:
    """Serves until SIGTERM or SIGINT."""
    seed = os.environ.get("MOTCUA_SEED")
    size = int(os.environ.get("MOTCUA_POPULATION_SIZE") or SYNTHETIC)
    server = Simulator(int(os.environ["MOTCUA_HTTP_PORT"]), Register(Path(seed) if seed else None, size))
    return serve_until_told(server)


if __name__ == "__main__":
    sys.exit(main())
