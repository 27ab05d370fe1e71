"""`./motcua seed ROOM FILE`: first officers, agencies, procedures … of a system, put where they are missing.

Each room reads such a file itself, when it starts: so a second process of the room is started beside the running
one, with the file, and ended when it is ready. What is there already stays as it is; nothing is kept of the file.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from deploy.local.children import http_ready
from deploy.local.paths import ROOT
from deploy.local.processes import end_with_parent
from deploy.local.system import System
from deploy.local.trouble import Trouble, say
from services.common import roles

#: What each room's file holds: parts of it, and the fields of each row. `*` stands for any key (of a unit).
SHAPES: dict[str, dict[str, tuple[str, ...]]] = {
    "identity": {
        "officers": (
            "account_id", "person_id", "username", "password", "full_name", "birth_date", "phone", "grants",
        ),
        "citizens": ("account_id", "person_id", "password", "full_name", "birth_date", "phone"),
    },
    "intake": {
        "agencies": ("_id", "name_vi", "name_en", "tax_number"),
        "desks": ("_id", "agency", "name_vi", "name_en", "calendar", "active"),
        "procedures": ("_id", "code", "version"),
    },
    "processing": {"agencies": ("_id", "name", "identities")},
    "payment": {
        "merchants": ("_id", "tmn_code", "account"),
        "receipt_series": ("_id", "template", "series", "name", "tax_number"),
        "fee_items": ("_id", "kind", "kind_vi"),
    },
    "postal": {"senders": ("customer_code", "post_office", "name", "address", "province", "district", "phone")},
    "exchange": {"national_portal": ()},
    "oversight": {"centres": ()},
}  # fmt: skip
_WAIT = 60.0


def seed(system: System, room: str, file: Path) -> int:
    """Puts what is missing; 0 when the room has taken the file. Raises Trouble, then nothing or a part was taken."""
    about = check(room, file)
    say(f"{room}: {about}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    row = system.process(room)
    env = {**system.env(room), "MOTCUA_SEED": str(file), "MOTCUA_HEALTH_PORT": str(port)}
    log = system.state.logs / f"{room}-seed.log"
    with open(log, "wb") as out:
        extra = subprocess.Popen(
            row.argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            preexec_fn=end_with_parent,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + _WAIT
        while not http_ready(port):
            if extra.poll() is not None or time.monotonic() > deadline:
                raise Trouble(
                    f"{room} did not take {file.name}: {_last_words(log)}", f"mend the file; all of it: {log}"
                )
            time.sleep(0.1)
    finally:
        if extra.poll() is None:
            extra.send_signal(signal.SIGTERM)
        try:
            extra.wait(20)
        except subprocess.TimeoutExpired:
            extra.kill()
            extra.wait()
    if room == "exchange":  # it reads its account once, when it starts
        system.hold(room)
        system.release(room)
    say(f"{room} has it: what was missing is there, what was there is as it was")
    return 0


def check(room: str, file: Path) -> str:
    """What a file holds, in a line. Raises Trouble naming what is wrong with it, before any room sees it."""
    if room not in SHAPES:
        raise Trouble(f"{room} takes no such file", f"these do: {', '.join(SHAPES)}")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise Trouble(f"{file} cannot be read as JSON: {exc}", "name a JSON file in UTF-8") from None
    example = f"deploy/rehearsal/seeds/{room}.json shows every field"
    wrong = [*_faults(room, content)] if isinstance(content, dict) else ["it is no object"]
    if wrong:
        raise Trouble(f"{file.name}: {'; '.join(wrong[:5])}", example)
    return ", ".join(f"{len(content[part])} {part}" for part in SHAPES[room])


def _faults(room: str, content: dict[str, Any]) -> list[str]:
    found = []
    for part, fields in SHAPES[room].items():
        given = content.get(part)
        if not isinstance(given, dict if room in ("postal", "exchange", "oversight") else list):
            found.append(f"{part} is missing, or of the wrong kind")
            continue
        rows = list(given.values()) if isinstance(given, dict) else given
        for number, row in enumerate(rows if fields else [], 1):
            missing = [name for name in fields if not isinstance(row, dict) or name not in row]
            if missing:
                found.append(f"{part} {number}: {', '.join(missing)} missing")
            elif part == "officers":
                found += [f"{part} {number}: {text}" for text in _officer(row)]
    if room == "exchange" and not found and set(content["national_portal"]) != {"agency", "username", "password"}:
        found.append("national_portal holds agency, username, password")
    return found


def _officer(row: dict[str, Any]) -> list[str]:
    wrong = [] if row["username"] and len(row["password"]) >= 12 else ["a username, and a password of 12 signs or more"]
    grants = row["grants"] if isinstance(row["grants"], list) else []
    if not grants or not all(
        isinstance(g, list) and len(g) == 2 and g[0] in roles.OFFICERS and g[1] and g[1] != "*" for g in grants
    ):
        wrong.append('grants are pairs of a role and a unit, e.g. [["desk_officer", "000.05.07.H57"]]')
    return wrong


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
    # a fault is told with the name of its class: that says nothing to who wrote the file
    return re.sub(r"^[\w.]+(?:Error|Exception|Refused): ", "", lines[-1])[:300]
