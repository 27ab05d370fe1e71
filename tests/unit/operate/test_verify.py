"""./motcua verify: reports of files without any system; what is a verdict, what is misuse, and what it prints."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from deploy.local import verifying
from deploy.local.trouble import Trouble
from deploy.operate import verify, verify_words
from deploy.rehearsal import authority, papers
from services.common.workers import WorkerFault, WorkerLost
from services.signing.structure import LIMITS
from tests.architecture.source import ROOT

pytestmark = pytest.mark.req("SG-07")

SIGNED = datetime(2025, 5, 5, 3, 0, tzinfo=UTC)
TIMES = ("--received", "2025-05-05T11:00:00", "--now", "2025-05-05T05:00:00Z")
#: Stands before the modules of Python: whatever asks the network ends.
_NO_NETWORK = """
import sys
def hook(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise SystemExit(f"network: {event} {arguments}")
sys.addaudithook(hook)
"""


@dataclass
class House:
    """A certification authority that no rehearsal knows, its trust folder, and a folder of papers."""

    folder: Path
    trust: Path
    keys: authority.Authority

    def signed(self, name: str, by: str = "somebody", **options: Any) -> Path:
        path = self.folder / name
        paper = papers.paper("Đơn đề nghị", ["kiểm tra"])
        path.write_bytes(papers.sign(paper, authority.token(self.keys.folder, by), at=SIGNED, **options))
        return path

    def write(self, name: str | bytes, content: bytes) -> Path:
        path = Path(os.fsdecode(os.path.join(os.fsencode(self.folder), os.fsencode(name))))
        path.write_bytes(content)
        return path


def _der(certificate: Any) -> bytes:
    return bytes(certificate.public_bytes(serialization.Encoding.DER))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    top = tmp_path_factory.mktemp("verify")
    keys = authority.Authority(top / "keys")
    root = keys.found("own-root", "Own Root")
    keys.found("other-root", "Other Root")
    issuing = keys.found("own-ca", "Own CA", parent="own-root")
    keys.found("other-ca", "Own CA", parent="other-root")
    named = authority.subject("Lê Thử", user_id="CCCD:001099000777")
    keys.issue("somebody", named, issuer="own-ca")
    keys.issue("short", named, issuer="own-ca", not_after=SIGNED + timedelta(days=10))
    keys.issue("stranger", named, issuer="other-ca")
    trust = top / "trust"
    for part in ("anchors/public", "anchors/government", "anchors/timestamp", "intermediates", "crls", "ocsps"):
        (trust / part).mkdir(parents=True)
    (trust / "anchors/public/root.cer").write_bytes(_der(root.certificate))
    (trust / "intermediates/ca.pem").write_bytes(issuing.certificate.public_bytes(serialization.Encoding.PEM))
    for issuer in ("own-root", "own-ca"):
        keys.write_list(issuer, trust / "crls")
    papers_folder = top / "papers"
    papers_folder.mkdir()
    return House(papers_folder, trust, keys)


@pytest.fixture(scope="module")
def run(house: House, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    guard = tmp_path_factory.mktemp("guard")
    (guard / "sitecustomize.py").write_text(_NO_NETWORK)

    def call(*arguments: str | Path, trust: Path | None = None, **options: Any) -> subprocess.CompletedProcess[bytes]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MOTCUA_")}
        environment["PYTHONPATH"] = f"{guard}:{ROOT}"
        command = [sys.executable, "-P", "-W", "ignore", "-m", "deploy.operate.verify", "--trust"]
        return subprocess.run(
            [*command, str(trust or house.trust), *arguments], cwd=house.folder, env=environment, timeout=120,
            capture_output=True, **options,
        )  # fmt: skip

    return call


def test_all_passed_is_0_and_the_list_keeps_the_order(house, run):
    first, second = house.signed("b.pdf"), house.signed("a.pdf", reason="khác")
    done = run("--json", *TIMES, "b.pdf", first, second)
    assert (done.returncode, done.stderr) == (0, b"")
    items = json.loads(done.stdout)
    assert [item["file"] for item in items] == ["b.pdf", str(first), str(second)]
    assert {item["verdict"] for item in items} == {"TOTAL_PASSED"}
    assert items[0]["sub_indication"] is None
    assert items[0]["reason"] == "Chữ ký số hợp lệ tại thời điểm ký."
    [signature] = items[0]["signatures"]
    assert signature["signer"]["common_name"] == "Lê Thử"
    assert signature["signer"]["personal_number"] == "001099000777"
    assert signature["signing_time"] == SIGNED.isoformat()
    assert {check["outcome"] for check in signature["checks"]} == {"passed"}


def test_any_other_verdict_is_1_and_nothing_is_a_crash(house, run):
    good = house.signed("good.pdf")
    paper = papers.paper("Không ký")
    files = {
        "good.pdf": "TOTAL_PASSED",
        house.write("tampered.pdf", papers.tampered(good.read_bytes())).name: "TOTAL_FAILED",
        house.write("appended.pdf", papers.appended(good.read_bytes(), "zip")).name: "TOTAL_FAILED",
        house.write("plain.pdf", paper).name: "NO_SIGNATURE",
        house.signed("stranger.pdf", "stranger").name: "INDETERMINATE",
        house.write("empty", b"").name: "NO_SIGNATURE",
        house.write("cut.pdf", good.read_bytes()[:5000]).name: "TOTAL_FAILED",
        house.write("unknown.bin", b"\x00\x01 and so on").name: "INDETERMINATE",
        house.write("two\nlines \x1b[2J.pdf", good.read_bytes()).name: "TOTAL_PASSED",
        house.write(b"latin-\xe9.pdf", good.read_bytes()).name: "TOTAL_PASSED",
    }
    # modules of the checkout are meant, not what lies beside the papers
    house.write("json.py", b"raise SystemExit('not this one')")
    house.write("orjson.py", b"raise SystemExit('not this one')")
    done = run("--json", *TIMES, *files)
    assert (done.returncode, done.stderr) == (1, b"")
    items = json.loads(done.stdout)
    assert {item["file"]: item["verdict"] for item in items} == files
    reasons = {item["file"]: (item["sub_indication"], item["reason_en"]) for item in items}
    assert reasons["stranger.pdf"][0] == "NO_CERTIFICATE_CHAIN_FOUND"
    assert reasons["tampered.pdf"] == ("HASH_FAILURE", "The content was changed after signing.")

    told = run(*TIMES, *files)
    assert (told.returncode, told.stderr) == (1, b"")
    text = told.stdout.decode()
    assert "KHÔNG HỢP LỆ / not valid [TOTAL_FAILED / HASH_FAILURE, hash]" in text
    assert "[Không đạt / failed] Nội dung không bị sửa sau khi ký" in text
    assert "********0777" in text and "001099000777" not in text
    assert "two\\u000alines \\u001b[2J.pdf\n" in text and "\x1b" not in text
    assert text.count("\n\n") == len(files)


def test_the_times_decide(house, run):
    house.signed("short.pdf", "short")
    later = "2026-01-01T00:00:00Z"
    before = run("--json", "--received", "2025-05-06", "--now", later, "short.pdf")
    after = run("--json", "--received", "2025-06-06", "--now", later, "short.pdf")
    early = run("--json", "--now", "2025-05-05T09:00:00", "short.pdf")
    assert [done.returncode for done in (before, after, early)] == [0, 1, 1]
    [held], [future] = json.loads(after.stdout), json.loads(early.stdout)
    assert (held["verdict"], held["sub_indication"]) == ("INDETERMINATE", "OUT_OF_BOUNDS_NO_POE")
    assert (future["verdict"], future["sub_indication"]) == ("INDETERMINATE", "SIG_CONSTRAINTS_FAILURE")
    contradiction = run("--json", "--received", "2099-01-01", "--now", "2025-05-05T05:00:00Z", "short.pdf")
    assert contradiction.returncode == 0
    said = contradiction.stderr.decode()
    assert said == "motcua verify: --received sau --now, tính như --now / lies after --now and counts as --now\n"
    assert json.loads(contradiction.stdout)[0]["verdict"] == "TOTAL_PASSED"


@pytest.mark.parametrize(
    ("arguments", "trust", "word"),
    [
        (("good.pdf", "missing.pdf", "gone.pdf"), "trust", "missing.pdf: không mở được / No such file or directory"),
        (("good.pdf", "."), "trust", "Is a directory"),
        (("pipe",), "trust", "Not an ordinary file"),
        (("good.pdf",), "no-anchor", "no trust anchor"),
        (("good.pdf",), "broken", "x.pem"),
        (("good.pdf",), "good.pdf", "no trust anchor"),
        ((), "trust", "FILE"),
        (("--received", "yesterday", "good.pdf"), "trust", "ISO 8601"),
        (("--now", "0001-01-01T00:00:00", "good.pdf"), "trust", "1980"),
        (("--jso", "good.pdf"), "trust", "--jso"),
    ],
)
def test_misuse_is_2_names_what_is_wrong_and_checks_nothing(
    house, tmp_path, monkeypatch, capsys, arguments, trust, word
):
    (tmp_path / "good.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "trust").symlink_to(house.trust)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "no-anchor").mkdir()
    (tmp_path / "broken/anchors/public").mkdir(parents=True)
    (tmp_path / "broken/anchors/public/x.pem").write_text("no certificate")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verify, "reports", None)
    try:
        status = verify.main(["--json", "--trust", trust, *arguments])
    except SystemExit as end:  # argparse's own
        status = end.code
    said = capsys.readouterr()
    assert (status, said.out) == (2, "")
    assert word in said.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_must_not_be_read_is_misuse(house, run):
    shut = house.write("shut.pdf", b"%PDF-1.7")
    shut.chmod(0)
    done = run("shut.pdf")
    assert (done.returncode, done.stdout) == (2, b"")
    assert "Permission denied" in done.stderr.decode()


def test_too_large_a_file_is_undecided(house, run):
    with open(house.folder / "large.pdf", "wb") as large:
        large.write(b"%PDF-1.7\n")
        large.truncate(LIMITS.file_bytes + 1)
    done = run("--json", "large.pdf")
    assert (done.returncode, done.stderr) == (1, b"")
    [item] = json.loads(done.stdout)
    assert (item["verdict"], item["code"], item["size"]) == ("INDETERMINATE", "limit", LIMITS.file_bytes + 1)


def test_who_reads_may_read_as_much_as_he_wants(house, run):
    good = house.signed("piped.pdf")
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-W", "ignore", "-m", "deploy.operate.verify", "--trust", house.trust, good]
    done = subprocess.run(command, env=environment, stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


class _Pool:
    """Answers with what it was given, one outcome after the other."""

    def __init__(self, *outcomes: Exception | dict[str, Any]) -> None:
        self.outcomes = list(outcomes)

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        assert Path(job["path"]).read_bytes() == b"%PDF-"
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


QUESTION = verify.Question(SIGNED, SIGNED, "t1")


@pytest.mark.parametrize(
    "outcomes",
    [
        [WorkerLost("deadline")],
        [WorkerLost("died"), WorkerLost("died")],
        [WorkerFault("MemoryError", "")],
        [WorkerFault("too_large", "")],
    ],
)
def test_a_file_that_costs_a_worker_its_life_is_undecided(tmp_path, outcomes):
    path = tmp_path / "bomb.pdf"
    path.write_bytes(b"%PDF-")
    pool = _Pool(*outcomes)
    report = verify.check(pool, str(path), QUESTION)  # type: ignore[arg-type]
    assert pool.outcomes == []
    assert (report["verdict"], report["code"], report["size"]) == ("INDETERMINATE", "limit", 5)
    assert verify_words.plain("bomb.pdf", report)["sha256"] == report["sha256"] != ""


def test_a_worker_that_was_hit_by_something_else_does_not_decide(tmp_path):
    path = tmp_path / "paper.pdf"
    path.write_bytes(b"%PDF-")
    pool = _Pool(WorkerLost("died"), {"report": {"verdict": "TOTAL_PASSED"}})
    assert verify.check(pool, str(path), QUESTION) == {"verdict": "TOTAL_PASSED"}  # type: ignore[arg-type]


def test_a_file_that_goes_away_meanwhile_is_undecided(tmp_path):
    report = verify.check(_Pool(), str(tmp_path / "gone.pdf"), QUESTION)  # type: ignore[arg-type]
    assert (report["verdict"], report["reason_en"]) == (
        "INDETERMINATE",
        "The file can no longer be read (No such file or directory).",
    )
    assert verify_words.plain("gone.pdf", report)["sha256"] is None


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-03-11T09:00:00+07:00", "2024-03-11T02:00:00+00:00"),
        ("2024-03-11T02:00:00Z", "2024-03-11T02:00:00+00:00"),
        ("2024-03-11T09:00", "2024-03-11T02:00:00+00:00"),
        ("2024-03-11", "2024-03-11T16:59:59+00:00"),
        ("20240311T020000Z", "2024-03-11T02:00:00+00:00"),
    ],
)
def test_times_are_vietnams_unless_they_say_otherwise(text, utc):
    assert verify.moment(text).astimezone(UTC).isoformat() == utc


@pytest.mark.parametrize("text", ["", "now", "11/03/2024", "2024-13-01", "1970-01-01", "9999-12-31T23:59:59-12:00"])
def test_other_times_are_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        verify.moment(text)


@contextmanager
def _set_up(monkeypatch: pytest.MonkeyPatch, fault: Trouble | None = None) -> Iterator[list[dict[str, Any]]]:
    calls: list[dict[str, Any]] = []

    def set_up(**options: Any) -> None:
        calls.append(options)
        if fault:
            raise fault

    monkeypatch.setattr(verifying, "set_up", set_up)
    yield calls


@pytest.mark.parametrize(("arguments", "authority_made"), [(["--trust", "/x", "a"], False), (["--help"], True)])
def test_the_demos_trust_is_made_only_for_who_names_none(monkeypatch, arguments, authority_made, tmp_path):
    with _set_up(monkeypatch) as calls:
        verifying.verify(arguments, tmp_path)
    assert calls == [{"fonts_too": False, "authority": authority_made}]


def test_what_cannot_be_set_up_is_no_verdict(monkeypatch, tmp_path, capsys):
    with _set_up(monkeypatch, Trouble("no index", "reach one")):
        assert verifying.verify(["a.pdf"], tmp_path) == 2
    assert "no index" in capsys.readouterr().err


@pytest.mark.full
def test_a_bomb_is_undecided_and_its_neighbours_are_judged(house, run):
    from tests.service.signing_worker.test_signing_worker import field_tree

    house.write("bomb.pdf", field_tree())
    good = house.signed("beside.pdf")
    done = run("--json", *TIMES, "bomb.pdf", good)
    assert (done.returncode, done.stderr) == (1, b"")
    assert [item["code"] for item in json.loads(done.stdout)] == ["limit", "passed"]
