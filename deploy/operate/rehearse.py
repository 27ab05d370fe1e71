"""Papers of a rehearsal: python -m deploy.operate.rehearse paper OUT | sign FILE… --as NAME | people

  paper OUT.pdf [--title TEXT]          a plain PDF, as somebody would scan or write it
  sign FILE.pdf… --as NAME              a signed copy of each (PAdES B-B), now in business time: FILE-signed.pdf
       [--timestamp] [--out OUT]        with the test authority's timestamp (B-T); OUT for one file
  people                                who can sign, and how each of the cast signs in

Only where rehearsal was switched on: the keys of the test authority stand for the hardware tokens of real people.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.local.advice import here
from deploy.operate.calls import Operator, explain
from deploy.rehearsal import authority, cast, papers
from services.common.problems import Problem

#: Tokens whose signatures must not pass, and why.
_NOT_TRUSTED = {
    "agency-revoked": "chứng thư bị thu hồi / certificate revoked",
    "foreign-quang-thai": "tổ chức chứng thực lạ / unknown authority",
}


def people(folder: Path) -> int:
    """Prints the cast, then the tokens of the test authority."""
    rows = [("key", "name", "signs in with", "phone", "personal number", "issued", "password")]
    rows += [
        (
            person.key, person.full_name, person.username or person.phone, person.phone, person.personal_number,
            str(person.issue_date), cast.rehearsal_password(person),
        )
        for person in cast.PEOPLE.values()
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    print("\ncó thể ký / tokens that can sign (rehearse sign FILE.pdf --as NAME):")
    print(textwrap.fill(", ".join(name for name in tokens(folder) if name not in _NOT_TRUSTED), 118))
    print("ký được nhưng không hợp lệ / sign, but must not pass:")
    for name, why in _NOT_TRUSTED.items():
        print(f"{name}: {why}")
    return 0


def tokens(folder: Path) -> list[str]:
    """Names of all soft tokens of people and agencies; the timestamp authority's signs no papers."""
    return sorted(file.stem for file in (folder / "tokens").glob("*.pem") if file.stem != "timestamp")


def business_now() -> datetime:
    """Business time of the running system. Raises Problem."""
    with Operator() as operator:
        offset = float(operator.call("oversight.clock")["offset"])
    return datetime.now(UTC) + timedelta(seconds=offset)


def sign(files: list[Path], name: str, out: Path | None, folder: Path, *, timestamp: bool) -> int:
    """Writes signed copies; 2, and none, where there is no such token or a file is no PDF."""
    if name not in tokens(folder):
        print(f"motcua rehearse: nobody signs as {name}; there are {', '.join(tokens(folder))}", file=sys.stderr)
        return 2
    if out is not None and len(files) > 1:
        print("motcua rehearse: --out is for one file", file=sys.stderr)
        return 2
    plain = {}
    for file in files:
        try:
            plain[file] = file.read_bytes()
        except OSError as exc:
            print(f"motcua rehearse: {file} cannot be read: {exc.strerror}", file=sys.stderr)
            return 2
        if not plain[file].startswith(b"%PDF-"):
            make = here(f"rehearse paper {shlex.quote(file.stem)}.pdf")
            print(f"motcua rehearse: {file} is no PDF; make one: {make}", file=sys.stderr)
            return 2
    at, token = business_now(), authority.token(folder, name)
    stamp = authority.token(folder, "timestamp") if timestamp else None
    for file, pdf in plain.items():
        signed = out or file.with_name(f"{file.stem}-signed.pdf")
        signed.write_bytes(papers.sign(pdf, token, at=at, timestamp=stamp, field=_free_field(pdf)))
        print(f"{name} đã ký / has signed: {signed}")
    return 0


def _free_field(pdf: bytes) -> str:
    """A name for a signature field that the paper does not have yet: several people may sign one after the other."""
    return f"ChuKySo{pdf.count(b'/ByteRange') + 1}"


def parser() -> argparse.ArgumentParser:
    """What the command understands."""
    made = argparse.ArgumentParser(
        prog="motcua rehearse", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser("people", help="who can sign, and how the cast signs in")
    paper = commands.add_parser("paper", help="write a plain PDF")
    paper.add_argument("out", type=Path, metavar="OUT.pdf")
    paper.add_argument("--title", default="Đơn đề nghị")
    signing = commands.add_parser("sign", help="write signed copies of PDFs")
    signing.add_argument("files", type=Path, nargs="+", metavar="FILE.pdf")
    signing.add_argument("--as", dest="name", required=True, metavar="NAME", help="see: ./motcua rehearse people")
    signing.add_argument("--timestamp", action="store_true", help="with the test authority's timestamp (B-T)")
    signing.add_argument("--out", type=Path)
    return made


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; 2 outside of a rehearsal."""
    given = parser().parse_args(arguments)
    if os.environ.get("MOTCUA_REHEARSAL") != "1":
        print("motcua rehearse: this system is production; only a rehearsal has a test authority", file=sys.stderr)
        return 2
    folder = Path(os.environ["MOTCUA_PKI"])
    try:
        if given.command == "people":
            return people(folder)
        if given.command == "paper":
            given.out.write_bytes(papers.paper(given.title, ["Giấy tờ diễn tập, không có giá trị / for a rehearsal"]))
            print(f"đã viết / written: {given.out}")
            return 0
        return sign(given.files, given.name, given.out, folder, timestamp=given.timestamp)
    except Problem as problem:
        print(explain(problem), file=sys.stderr)
        return 1
    except OSError as exc:
        print(
            f"motcua rehearse: {exc.filename}: {exc.strerror}\n"
            "  What to do: name a file in a folder that is there and that you may write to",
            file=sys.stderr,
        )
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
