"""Checks digital signatures: ./motcua verify FILE… [--trust DIR] [--received TIME] [--now TIME] [--json]

Works without a system: no broker, no database, no services, nothing is fetched. Engine, policy and limits are those of
the room `signing`: each file is checked by a worker process that is killed where the file costs too much.

TIME is ISO 8601: 2024-03-11T09:00:00+07:00, 2024-03-11T02:00:00Z; without a zone it is Vietnam's (+07:00), and a date
alone means its last second. --received is when we got the file, --now when it is checked; both are this moment unless
said otherwise, and what was received after --now counts as received then.

Exit status: 0 every file is TOTAL_PASSED, 1 one is not, 2 wrong use (then nothing was checked): an argument, a trust
folder that cannot be used, a file that cannot be opened. A broken or hostile file is a verdict.

./motcua kiểm tra chữ ký số của các tệp ngay trên máy này, không cần hệ thống đang chạy.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import json
import os
import signal
import stat
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from time import monotonic
from typing import Any

import eventlet

from deploy.local.paths import ROOT, TRUST
from deploy.operate import verify_words
from services.common import logs
from services.common.calendar import VIETNAM
from services.common.workers import WorkerFault, WorkerLost, WorkerPool
from services.signing import structure, trust
from services.signing.lanes import PATIENT_DEADLINE, cores
from services.signing.verdict import Verdict, killed_report

#: More workers than cores gain nothing, and each takes up to 1 GiB.
MOST_WORKERS = 4
_EARLY_DEATH = 5.0  # seconds
_OLDEST, _NEWEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class Misuse(Exception):
    """What the caller can mend; one line for each thing that is wrong."""


@dataclass(frozen=True, slots=True)
class Question:
    """What all files of one call are asked."""

    received: datetime
    now: datetime
    trust_version: str


def moment(text: str) -> datetime:
    """A time of the command line, aware. Raises ArgumentTypeError."""
    try:
        when = datetime.combine(date.fromisoformat(text), time(23, 59, 59))
    except ValueError:
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{text!r} không phải thời điểm ISO 8601 / is no ISO 8601 time, as 2024-03-11T09:00:00+07:00"
            ) from None
    if when.utcoffset() is None:
        when = when.replace(tzinfo=VIETNAM)
    if not _OLDEST <= when <= _NEWEST:
        raise argparse.ArgumentTypeError(f"{text!r} ngoài các năm 1980–8999 / lies outside of the years 1980 to 8999")
    return when


def parser() -> argparse.ArgumentParser:
    """What the command understands."""
    made = argparse.ArgumentParser(
        prog="motcua verify", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    made.add_argument("files", nargs="+", metavar="FILE")
    made.add_argument(
        "--trust", type=Path, metavar="DIR",
        help="folder with anchors/{public,government,timestamp}/, intermediates/, crls/, ocsps/ (PEM or DER); "
        "without it the demo's",
    )  # fmt: skip
    made.add_argument("--received", type=moment, metavar="TIME", help="when we got the files (default: --now)")
    made.add_argument("--now", type=moment, metavar="TIME", help="the moment of the check (default: this one)")
    made.add_argument("--json", action="store_true", help="a list of reports in the order given, and nothing else")
    return made


@contextmanager
def opened(name: str) -> Iterator[int]:
    """A descriptor of an ordinary file. Raises OSError; never waits for a pipe or a device."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "Not an ordinary file", name)
        yield descriptor
    finally:
        os.close(descriptor)


def refuse_unreadable(names: list[str]) -> None:
    """Raises Misuse naming every file that cannot be opened: then none is checked."""
    wrong = []
    for name in names:
        try:
            with opened(name):
                pass
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            wrong.append(f"{verify_words.printable(name)}: không mở được / {why}")
    if wrong:
        raise Misuse(
            "\n".join(
                f"{line}; chưa kiểm tra tệp nào / nothing was checked" if len(wrong) == 1 else line for line in wrong
            )
        )


def check(pool: WorkerPool, name: str, question: Question) -> dict[str, Any]:
    """The report of one file, whatever it does to its worker."""
    try:
        with opened(name) as descriptor:
            size = os.fstat(descriptor).st_size
            # By descriptor: any name goes, and it is the file that was opened, whatever becomes of its name.
            return _ask(pool, f"/proc/{os.getpid()}/fd/{descriptor}", size, question)
    except OSError as error:  # it was there when the command began
        report = _killed("", 0, question)
        return {**report, **verify_words.gone(error.strerror or "")}


def _ask(pool: WorkerPool, path: str, size: int, question: Question) -> dict[str, Any]:
    job = {"path": path, "received": question.received.isoformat(), "now": question.now.isoformat()}
    if size > structure.LIMITS.file_bytes:
        return _killed("", size, question)
    for _ in range(2):
        started = monotonic()
        try:
            report: dict[str, Any] = pool.run(job)["report"]
            return report
        except WorkerFault:
            break
        except WorkerLost as lost:
            # As in the room: a worker that dies early was perhaps hit by something else.
            if lost.why != "died" or monotonic() - started > _EARLY_DEATH:
                break
    return _killed(_digest(path), size, question)


def _killed(sha256: str, size: int, question: Question) -> dict[str, Any]:
    return killed_report(
        sha256=sha256,
        size=size,
        trust_version=question.trust_version,
        now=question.now,
        received=question.received,
    )


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def reports(names: list[str], question: Question) -> Generator[tuple[str, dict[str, Any]], None, None]:
    """Each file with its report in the order given, as soon as it and those before it are known."""
    size = min(cores(), MOST_WORKERS, len(names))
    pool = WorkerPool("verify", "services.signing.worker", size=size, deadline=PATIENT_DEADLINE)
    with closing(pool):
        lane = eventlet.GreenPool(size)
        yield from zip(names, lane.imap(lambda name: check(pool, name, question), names), strict=True)


_OF_THE_REHEARSAL = (
    "Không có --trust: chỉ tin tổ chức chứng thực DIỄN TẬP; giấy tờ thật không thể hợp lệ ở đây. /\n"
    "Without --trust only the rehearsal's authority is trusted: no real paper can pass here.\n\n"
)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; the exit status says what its description says."""
    given = parser().parse_args(arguments)
    folder = (given.trust or TRUST).absolute()
    now = given.now or datetime.now(UTC)
    received = given.received or now
    names = [os.path.abspath(name) for name in given.files]
    try:
        refuse_unreadable(given.files)
        try:
            version = trust.load(folder).version
        except (trust.TrustError, OSError) as error:
            raise Misuse(f"--trust {folder}: không dùng được / {error}") from None
    except Misuse as misuse:
        for line in str(misuse).splitlines():
            print(f"motcua verify: {line}", file=sys.stderr)
        return 2
    if received > now:
        print(
            "motcua verify: --received sau --now, tính như --now / lies after --now and counts as --now",
            file=sys.stderr,
        )
    logs.configure("verify", "ERROR")
    os.environ["MOTCUA_TRUST"] = str(folder)
    os.chdir(ROOT)  # where the workers find their modules, whatever lies where the caller stands
    found = reports(names, Question(received, now, version))
    every = True
    try:
        if given.json:
            made = [verify_words.plain(shown, report) for shown, (_, report) in zip(given.files, found, strict=True)]
            every = all(item["verdict"] == Verdict.TOTAL_PASSED for item in made)
            _write(json.dumps(made, ensure_ascii=False, indent=1) + "\n")
        else:
            if given.trust is None:
                _write(_OF_THE_REHEARSAL)
            for shown, (_, report) in zip(given.files, found, strict=True):
                every = every and report["verdict"] == Verdict.TOTAL_PASSED
                _write(verify_words.block(shown, report))
    except BrokenPipeError:  # whoever read has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        found.close()
    return 0 if every else 1


def _write(text: str) -> None:
    # A name that is no UTF-8 becomes \udc.. escapes: in JSON that is the very escape that stands for it.
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
