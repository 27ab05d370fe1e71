"""The signature worker: files by path and address, hostile files, the same verdict for every hash seed."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deploy.rehearsal import authority, papers

pytestmark = pytest.mark.req("SG-07")

MONDAY = datetime(2024, 3, 11, 9, 0, tzinfo=timezone(timedelta(hours=7)))
TIMES = {"received": (MONDAY + timedelta(hours=1)).isoformat(), "now": (MONDAY + timedelta(hours=2)).isoformat()}
TICKET = "ticket-for-the-vault"


def signed(folder: Path, by: str = "citizen-an") -> bytes:
    return papers.sign(papers.paper("Tờ khai"), authority.token(folder, by), at=MONDAY)


def field_tree(depth: int = 9, width: int = 10) -> bytes:
    """1.5 KB whose form fields make 10^9 paths: every node names the next one ten times."""
    objects = [b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[3 0 R]>>>>", b"<</Type/Pages/Kids[]/Count 0>>"]
    for level in range(depth):
        kids = b" ".join([b"%d 0 R" % (level + 4)] * width)
        objects.append(b"<</T(n)/Kids[%s]>>" % kids)
    objects.append(b"<</T(leaf)/FT/Tx>>")
    out, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1) + b"".join(b"%010d 00000 n \n" % p for p in places)
    return out + table + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, len(out))


@pytest.fixture
def worker(start: Callable[..., Any], folders: tuple[Path, Path]) -> Any:
    return start("-m", "services.signing.worker", "--trust", str(folders[1]), "--cpu-seconds", "3")


@pytest.fixture
def vault() -> Iterator[tuple[str, dict[str, bytes]]]:
    """A byte door that asks for a ticket; returns its address and the files that it has."""
    files: dict[str, bytes] = {}

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/")
            if name == "elsewhere":
                self.send_response(302)
                self.send_header("Location", "/paper")
                self.end_headers()
                return
            known = name in files and self.headers.get("Authorization") == TICKET
            self.send_response(200 if known else 403)
            self.end_headers()
            if known:
                try:
                    self.wfile.write(files[name])
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

        def log_message(self, *_: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", files
    server.shutdown()
    server.server_close()
    thread.join()


def test_file_by_path(worker: Any, folders: tuple[Path, Path], tmp_path: Path) -> None:
    file = tmp_path / "signed.pdf"
    file.write_bytes(signed(folders[0]))
    answer = worker.ask(id="job-1", path=str(file), **TIMES)
    assert answer["id"] == "job-1"
    assert (answer["report"]["verdict"], answer["report"]["verdict_vi"]) == ("TOTAL_PASSED", "HOP_LE")
    assert answer["report"]["received_at"] == TIMES["received"]
    file.write_bytes(papers.tampered(file.read_bytes()))
    assert worker.ask(id="job-2", path=str(file), **TIMES)["report"]["verdict"] == "TOTAL_FAILED"
    assert worker.finish() == (0, "")


def test_file_by_address_needs_its_ticket(
    worker: Any, folders: tuple[Path, Path], vault: tuple[str, dict[str, bytes]]
) -> None:
    address, files = vault
    files["paper"] = signed(folders[0])
    files["huge"] = b"\0" * (20 * 1024 * 1024 + 1)
    ticket = {"Authorization": TICKET}
    report = worker.ask(id=1, url=f"{address}/paper", headers=ticket, **TIMES)["report"]
    assert (report["verdict"], report["size"]) == ("TOTAL_PASSED", len(files["paper"]))
    for job, error in (
        ({"url": f"{address}/paper"}, "download_failed"),
        ({"url": f"{address}/elsewhere", "headers": ticket}, "download_failed"),
        ({"url": f"{address}/huge", "headers": ticket}, "too_large"),
        ({"url": "http://127.0.0.1:1/paper"}, "download_failed"),
        ({"url": "file:///etc/hostname"}, "bad_job"),
        ({"path": "/nowhere/at/all.pdf"}, "download_failed"),
        ({}, "bad_job"),
        ({"url": f"{address}/paper", "path": "/etc/hostname"}, "bad_job"),
    ):
        assert worker.ask(id=2, **job, **TIMES) == {"id": 2, "error": {"type": error, "detail": ""}}, job


@pytest.mark.parametrize("times", [{}, {"received": "yesterday", "now": "today"}, {**TIMES, "now": "2024-03-11"}])
def test_times_are_needed_with_zone(worker: Any, times: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    assert worker.ask(id=1, path=str(tmp_path / "x"), **times)["error"]["type"] == "bad_job"


def test_field_tree_bomb_is_ended_by_the_limit(worker: Any, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.pdf"
    bomb.write_bytes(field_tree())
    assert bomb.stat().st_size < 2_000
    worker.send(json.dumps({"id": 1, "path": str(bomb), **TIMES}).encode())
    assert worker.process.wait(25) == -signal.SIGPROF


def test_small_field_tree_is_the_control(worker: Any, tmp_path: Path) -> None:
    tree = tmp_path / "tree.pdf"
    tree.write_bytes(field_tree(depth=2))
    assert worker.ask(id=1, path=str(tree), **TIMES)["report"]["verdict"] == "NO_SIGNATURE"


def test_deep_nesting_is_a_verdict(worker: Any, tmp_path: Path) -> None:
    deep = tmp_path / "deep.pdf"
    deep.write_bytes(field_tree(1).replace(b"/Kids[]", b"/Kids" + b"[" * 200_000 + b"]" * 200_000))
    report = worker.ask(id=1, path=str(deep), **TIMES)["report"]
    assert report["verdict"] in {"INDETERMINATE", "TOTAL_FAILED"}


def test_bookmarks_do_not_exhaust_the_comparison(worker: Any, folders: tuple[Path, Path], tmp_path: Path) -> None:
    """Two signatures on a paper with 600 bookmarks: more than Python's default depth allows."""
    import io

    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(papers.paper("Tờ khai"))))
    for number in range(600):
        writer.add_outline_item(title=f"Mục {number}", page_number=0)
    out = io.BytesIO()
    writer.write(out)
    once = papers.sign(out.getvalue(), authority.token(folders[0], "citizen-an"), at=MONDAY)
    twice = papers.sign(once, authority.token(folders[0], "officer-desk"), at=MONDAY, field="CanBo")
    file = tmp_path / "bookmarks.pdf"
    file.write_bytes(twice)
    assert worker.ask(id=1, path=str(file), **TIMES)["report"]["verdict"] == "TOTAL_PASSED"


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_same_verdict_for_every_hash_seed(
    start: Callable[..., Any], folders: tuple[Path, Path], tmp_path: Path, seed: str
) -> None:
    """With a second government root of the same name in the store."""
    import shutil

    out, trusted = tmp_path / "out", tmp_path / "trust"
    shutil.copytree(folders[0], out)
    shutil.copytree(folders[1], trusted)
    twin = authority.Authority(out).found("twin-root", "Root chuyên dùng công vụ DIỄN TẬP")
    authority._write_certificate(trusted / "anchors" / "government" / "a-twin.pem", twin.certificate)
    worker = start("-m", "services.signing.worker", "--trust", str(trusted), PYTHONHASHSEED=seed)
    verdicts = {}
    for name in ("agency-quang-thai", "agency-revoked", "foreign-quang-thai"):
        file = tmp_path / f"{name}.pdf"
        file.write_bytes(signed(out, name))
        report = worker.ask(id=name, path=str(file), **TIMES)["report"]
        verdicts[name] = (report["verdict"], report["sub_indication"])
    assert verdicts == {
        "agency-quang-thai": ("TOTAL_PASSED", None),
        "agency-revoked": ("TOTAL_FAILED", "REVOKED"),
        "foreign-quang-thai": ("INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND"),
    }


def test_trust_that_cannot_be_used_is_said(start: Callable[..., Any], tmp_path: Path) -> None:
    code, errors = start("-m", "services.signing.worker", "--trust", str(tmp_path)).finish()
    assert code == 2
    assert "trust_unusable" in errors
