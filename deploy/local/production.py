"""Settings of an operator that outlive a terminal, and what a start without a rehearsal must say.

`settings.env` in the state directory holds lines NAME=VALUE (MOTCUA_… only); what stands in the environment goes first.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from deploy.local.advice import command
from deploy.local.bootstrap import clean_environment
from deploy.local.paths import ROOT, VENV_PYTHON, State
from deploy.local.processes import end_with_parent
from deploy.local.table import GATEWAY_ONLY, HANDED_ON, OUTSIDE, READ_HERE
from deploy.local.trouble import Trouble

SETTINGS = "settings.env"
#: What can be written down there: all but the name of the state directory itself.
KNOWN = frozenset({*HANDED_ON, *GATEWAY_ONLY, *OUTSIDE, *READ_HERE}) - {"MOTCUA_STATE", "MOTCUA_TEST_STATE"}

_MISSING = {
    "MOTCUA_PUBLIC_URL": "QR codes, links and the payment page's way back name this machine's loopback address",
    "MOTCUA_POPULATION_URL": "no account can be normalized, so nobody can file",
    "MOTCUA_SMS_URL": "no code and no notice reaches a phone: nobody can register, no officer can sign in",
    "MOTCUA_NATIONAL_URL": "status codes wait here and are not told to the national portal",
    "MOTCUA_PROVIDER_URL": "nobody can pay online; cash at the desk works",
    "MOTCUA_VNEID_URL": "nobody signs in through VNeID; passwords work",
}


def read_settings(state: State) -> None:
    """Take over what the state directory's settings.env says and the environment does not. Raises Trouble."""
    file = state.top / SETTINGS
    if not file.is_file():
        return
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or name.strip() not in KNOWN:
            raise Trouble(
                f"{file}, line {number}: {name.strip()[:60]} is no setting",
                f"write NAME=VALUE, one a line; known are {', '.join(sorted(KNOWN))}",
            )
        os.environ.setdefault(name.strip(), value.strip())


def check_settings(state: State, rehearsal: bool) -> None:
    """Raises Trouble where a setting is not what its reader takes, with its place: before anything is started."""
    folder = [] if rehearsal else [str(trust_of(state))]
    done = subprocess.run(
        [str(VENV_PYTHON), "-W", "ignore", "-m", "deploy.local.check_settings", *folder], cwd=ROOT,
        env=clean_environment(), capture_output=True, text=True, preexec_fn=end_with_parent,
    )  # fmt: skip
    if not done.returncode:
        return
    fault = done.stdout.strip() or done.stderr.strip()[-800:]
    name, _, rule = fault.partition(" ")
    value = os.environ.get(name, "")
    raise Trouble(f"{name}={value[:80]} {rule}" if value else fault, f"mend it in {_place_of(name, value, state)}")


def _place_of(name: str, value: str, state: State) -> str:
    file = state.top / SETTINGS
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines() if file.is_file() else [], 1):
        known, _, written = line.partition("=")
        if (known.strip(), written.strip()) == (name, value):
            return f"{file}, line {number}"
    return "the environment" if value else str(trust_of(state)) if name == "MOTCUA_TRUST" else str(file)


def trust_of(state: State) -> Path:
    """The folder of a production system's trust anchors."""
    return Path(os.environ.get("MOTCUA_TRUST") or state.top / "trust")


def place_heads(state: State, fresh: bool) -> None:
    """Keep the ledger's signed heads in the folder MOTCUA_LEDGER_HEADS: a link to it stands in the state directory.

    Raises Trouble where heads would be left behind, mixed with others, or lie in two places.
    """
    given, here = os.environ.get("MOTCUA_LEDGER_HEADS"), state.ledger_heads
    state.refuse_heads_away()
    if fresh and here.is_symlink() and any(here.iterdir()):
        raise Trouble(f"{here.resolve()} holds the signed heads of the data so far", "move them away first; then again")
    if not given or (here.is_symlink() and here.resolve() == Path(given).resolve()):
        return
    if here.is_symlink() or (here.is_dir() and any(here.iterdir())):
        raise Trouble(
            f"The ledger's signed heads lie in {here.resolve()}, not in {given}",
            f"{command(state, 'down')}, move its files to {given}, remove {here}, then start again",
        )
    target = Path(given).resolve()
    if not target.parent.is_dir():
        raise Trouble(
            f"MOTCUA_LEDGER_HEADS={given}: {target.parent} is not there",
            "see that its disk is mounted, or make that folder; only the last one of the path is made here",
        )
    try:
        target.mkdir(exist_ok=True, mode=0o700)
        if here.is_dir():
            here.rmdir()
        here.parent.mkdir(parents=True, exist_ok=True)
        here.symlink_to(target, target_is_directory=True)
    except OSError as exc:
        raise Trouble(
            f"{given} cannot hold the ledger's heads: {exc.strerror}", "give a folder that you may write"
        ) from None


def refuse_without_trust(state: State) -> None:
    """Raises Trouble where no trust anchor lies: signing would not start, and nothing goes without it."""
    trust = trust_of(state)
    if any(trust.glob("anchors/*/*")):
        return
    raise Trouble(
        f"A production system needs the roots whose signatures it believes; {trust}/anchors holds none",
        "see docs/operations/production.md, “Trust anchors”; to try the system out: "
        "./motcua up --rehearsal --state practice",
    )


def warnings() -> list[str]:
    """What is missing for a production system, each with what does not work without it."""
    found = [f"{name} is not given: {what}" for name, what in _MISSING.items() if not os.environ.get(name)]
    public = os.environ.get("MOTCUA_PUBLIC_URL", "")
    if public and not public.startswith("https://"):
        found.append("MOTCUA_PUBLIC_URL does not begin with https://: passwords would travel readable")
    return found
