"""Who is trusted: python -m deploy.operate.trust COMMAND

  show                          what is in force, who signed it, and the next version where one is being made
  check                         exit status 0 where what is in force is whole and signed by two people
  key OUT                       a key for somebody who may sign; prints what MOTCUA_TRUST_KEYS needs of it
  add FILE --as KIND            put a root (public, government, timestamp) or an intermediate into the next version
      [--role signer|timestamp]… [--from TIME] [--until TIME] [--list URL]… [--answers URL]…
  retire SHA256 --until TIME    the root is believed for what was signed until then
  remove SHA256                 our copy of an intermediate; files that bring theirs still lead to the root
  addresses SHA256 [--list URL]… [--answers URL]…      where that authority's lists and answers are fetched from
  renew                         the same once more, for other people to sign
  sign --key FILE               sign the next version; with the second person's signature it comes into force
  drop                          forget the next version

A version is a file (DIR/next/manifest.json) until two people have signed the same bytes; any change in between takes
their signatures off. Nothing needs to run, and nothing is restarted: the room, its workers and the fetcher follow.
"""

from __future__ import annotations

import argparse
import dataclasses
import getpass
import os
import shutil
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from cryptography import x509

from deploy.operate.trust_versions import NEXT, Configuration, Refused, der_of, public_text, read_key, write_key
from services.common.calendar import VIETNAM
from services.signing import trust
from services.signing.trust_configuration import (
    KINDS,
    MANIFEST,
    ROLES,
    SIGNER,
    SIGNERS_NEEDED,
    STAMPER,
    Anchor,
    Authority,
    Manifest,
    TrustError,
    digest_of,
    is_address,
    read_keys,
    signatures_of,
    signers_of,
    verified,
)

_TIME = "write 2024-03-12T08:01 or 2024-03-12T08:01:00+07:00; Vietnamese time where no zone is given"


def describe(manifest: Manifest, folder: Path) -> list[str]:
    """A manifest as people read it: of each authority the whole fingerprint, to be compared, and what is said of it."""
    lines = [f"số / number {manifest.number}, made {manifest.made_at.isoformat()}"]
    for item in manifest.authorities:
        name = _subject(item, folder / NEXT) or _subject(item, folder) or "không có / not there"
        if isinstance(item, Anchor):
            until = item.until.isoformat() if item.until else "…"
            about = f"{item.kind:10} {'+'.join(item.roles):16} {item.since.isoformat()} – {until}"
        else:
            about = "intermediate"
        lines += [f"  {item.sha256}", f"{'':4}{about}  {name}"]
        lines += [f"{'':20}list {address}" for address in item.lists]
        lines += [f"{'':20}answers {address}" for address in item.answers]
    return lines


def _subject(item: Authority, folder: Path) -> str:
    """The name in the very certificate that a manifest names; another one under its file's name is called wrong."""
    try:
        der = der_of((folder / item.file).read_bytes())
        if digest_of(der) != item.sha256:
            return f"SAI TỆP / WRONG FILE: {folder / item.file}"
        return x509.load_der_x509_certificate(der).subject.rfc4514_string()
    except (OSError, ValueError):
        return ""


def show(configuration: Configuration) -> None:
    """Prints what is in force and what is being made."""
    current, proposed, folder = configuration.in_force, configuration.proposed, configuration.folder
    print(f"thư mục / folder {folder}")
    if current is None:
        print("chưa có cấu hình nào có hiệu lực / no version is in force")
    else:
        raw = (folder / MANIFEST).read_bytes()
        names = signers_of(raw, signatures_of(folder, current.number), configuration.keys)
        print(f"đang có hiệu lực / in force, signed by {', '.join(names)}")
        print("\n".join(describe(current, folder)))
    if proposed is not None:
        raw = configuration.proposal()
        names = signers_of(raw, {p.stem: p.read_bytes() for p in configuration.next.glob("*.sig")}, configuration.keys)
        print("đang chuẩn bị / being made, signed by " + (", ".join(names) or "nobody"))
        before = set(describe(current, folder)) if current else set()
        after = describe(proposed, folder)
        print("\n".join(f"{'+' if line not in before else ' '} {line}" for line in after))
        print("\n".join(f"- {line}" for line in sorted(before - set(after))))


def check(configuration: Configuration) -> int:
    """Says whether what is in force can be used as a production room uses it."""
    verified(configuration.folder, configuration.keys)
    found = trust.load(configuration.folder, configuration.keys)
    print(f"tốt / good: number {found.number}, version {found.version}, {len(found.lists)} lists")
    named = {a.sha256 for a in configuration.in_force.authorities} if configuration.in_force else set()
    for part, files in trust.files_of(configuration.folder).items():
        for file in files:
            if part not in ("crls", "ocsps") and file.sha256 not in named:
                print(f"không được tin / not believed, no manifest names it: {file.path}")
    return 0


def parser() -> argparse.ArgumentParser:
    """What the command understands."""
    made = argparse.ArgumentParser(
        prog="motcua trust", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    made.add_argument("--folder", type=Path, help="the trust folder (default: that of the system)")
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser("show", help="what is in force, and what is being made")
    commands.add_parser("check", help="whether what is in force is whole and signed by two people")
    commands.add_parser("drop", help="forget the next version")
    key = commands.add_parser("key", help="make a signer's key")
    key.add_argument("out", type=Path, metavar="OUT.pem")
    key.add_argument("--plain", action="store_true", help="without a password (rehearsals)")
    add = commands.add_parser("add", help="put a certificate into the next version")
    add.add_argument("file", type=Path)
    add.add_argument("--as", dest="kind", required=True, choices=(*KINDS, "intermediate"))
    add.add_argument("--role", dest="roles", action="append", choices=ROLES, help="what a root vouches for")
    add.add_argument("--from", dest="since", metavar="TIME", help="default: the certificate's own beginning")
    add.add_argument("--until", metavar="TIME")
    retire = commands.add_parser("retire", help="end the trust in a root")
    retire.add_argument("sha256")
    retire.add_argument("--until", required=True, metavar="TIME")
    remove = commands.add_parser("remove", help="take our copy of an intermediate out")
    remove.add_argument("sha256")
    commands.add_parser("renew", help="the same version once more, for other people to sign")
    addresses = commands.add_parser("addresses", help="where lists and answers are fetched from")
    addresses.add_argument("sha256")
    for one in (add, addresses):
        one.add_argument("--list", dest="lists", action="append", default=[], metavar="URL")
        one.add_argument("--answers", action="append", default=[], metavar="URL")
    sign = commands.add_parser("sign", help="sign the next version")
    sign.add_argument("--key", type=Path, required=True, metavar="FILE")
    return made


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"{text} is no time; {_TIME}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)


def _anchor_of(given: argparse.Namespace) -> Callable[[str, str], Authority]:
    def made(file: str, digest: str) -> Authority:
        lists, answers = tuple(given.lists), tuple(given.answers)
        if given.kind == "intermediate":
            return Authority(file, digest, lists, answers)
        roles = tuple(given.roles or (STAMPER if given.kind == "timestamp" else SIGNER,))
        begins = x509.load_der_x509_certificate(der_of(given.file.read_bytes())).not_valid_before_utc
        since, until = _moment(given.since) or begins, _moment(given.until)
        return Anchor(file, digest, lists, answers, given.kind, roles, since, until)

    return made


def _run(given: argparse.Namespace, configuration: Configuration) -> int:
    if given.command == "show":
        show(configuration)
        return 0
    if given.command == "check":
        return check(configuration)
    if given.command == "drop":
        shutil.rmtree(configuration.next, ignore_errors=True)
        return 0
    for address in (*getattr(given, "lists", ()), *getattr(given, "answers", ())):
        if not is_address(address):
            raise Refused(f"{address} is no address that would be asked: http:// or https:// and a host")
    if given.command == "add":
        configuration.add(given.file, given.kind, _anchor_of(given))
    elif given.command == "retire":
        until = _moment(given.until)
        configuration.change_one(given.sha256, lambda a: dataclasses.replace(_root(a), until=until))
    elif given.command == "remove":
        configuration.change_one(given.sha256, _taken_out)
    elif given.command == "renew":
        configuration.propose(lambda manifest: manifest)
    elif given.command == "addresses":
        lists, answers = tuple(given.lists), tuple(given.answers)
        configuration.change_one(given.sha256, lambda a: dataclasses.replace(a, lists=lists, answers=answers))
    else:
        raw = configuration.proposal()
        show(configuration)
        name, names = configuration.sign(read_key(given.key), raw)
        done = len(names) >= SIGNERS_NEEDED
        print(f"{name} đã ký / has signed; " + (
            f"có hiệu lực / in force, signed by {', '.join(names)}" if done
            else f"cần {SIGNERS_NEEDED} người / {SIGNERS_NEEDED} people are needed"
        ))  # fmt: skip
        return 0
    show(configuration)
    return 0


def _root(authority: Authority) -> Anchor:
    if not isinstance(authority, Anchor):
        raise Refused("that is an intermediate: its root revokes it, and remove takes our copy out")
    return authority


def _taken_out(authority: Authority) -> None:
    if isinstance(authority, Anchor):
        raise Refused("that is a root, and something was signed under it: retire says until when it counts")


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; 1 where it is refused."""
    given = parser().parse_args(arguments)
    try:
        if given.command == "key":
            password = None if given.plain else getpass.getpass("mật khẩu / password: ").encode()
            key = write_key(given.out, password or None)
            print(f"{given.out.stem}:{public_text(key.public_key())}")
            return 0
        folder = given.folder or Path(os.environ["MOTCUA_TRUST"])
        folder.mkdir(parents=True, exist_ok=True)
        return _run(given, Configuration(folder, read_keys(os.environ.get("MOTCUA_TRUST_KEYS", ""))))
    except (Refused, TrustError, ValueError) as refused:
        where = "; see docs/operations/runbooks/trust-refused.md" if isinstance(refused, TrustError) else ""
        print(f"motcua trust: {refused}{where}", file=sys.stderr)
        return 1
    except OSError as exc:
        print(f"motcua trust: {exc.filename}: {exc.strerror}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
