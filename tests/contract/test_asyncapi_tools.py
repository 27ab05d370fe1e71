"""AsyncAPI's own tools: the parser behind `asyncapi validate` in every run, the command itself in the long one.

The parser takes 11 s and 55 MB to install, the command two minutes and 450 MB; both are locked beside this file and
installed once into .motcua. A machine without node and npm skips with that reason: the JSON schema of the official
package and the look for dangling references (test_asyncapi.py) need neither.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy.local.paths import SHARED

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "contracts" / "asyncapi.json"
INFORMATION = 2


def installed(name: str) -> Path:
    """The folder of a locked tool, installed where it is not yet. Skips where node or npm is missing."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not on this machine")
    source = HERE / name
    digest = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()[:12]
    target = SHARED / "node" / f"{name}-{digest}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / "installed").exists():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("node_modules"))
            # no scripts of packages: the tools run without them
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=target, capture_output=True, text=True)
            assert done.returncode == 0, f"npm ci: {done.stderr[-2000:]}"
            (target / "installed").touch()
    return target


def parsed(document: Path) -> list[dict[str, Any]]:
    folder = installed("asyncapi-parser")
    # a module is looked up from its own place, not from the working directory
    done = subprocess.run(
        ["node", str(folder / "validate.mjs"), str(document)], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_the_parser_has_nothing_to_say_but_that_there_is_a_newer_version():
    assert [row for row in parsed(DOCUMENT) if row["severity"] < INFORMATION] == []


def small(document: dict[str, Any], operation: str) -> dict[str, Any]:
    """The document of one operation and of what it refers to."""
    channel = document["operations"][operation]["channel"]["$ref"].rpartition("/")[2]
    kept = {
        **document, "components": {part: {} for part in document["components"]},
        "operations": {operation: document["operations"][operation]},
        "channels": {channel: document["channels"][channel]},
    }  # fmt: skip
    waiting = [json.dumps(kept)]
    while waiting:
        for part, name in re.findall(r'"#/components/(\w+)/([^"/]+)"', waiting.pop()):
            if name not in kept["components"][part]:
                kept["components"][part][name] = document["components"][part][name]
                waiting.append(json.dumps(kept["components"][part][name]))
    return kept


@pytest.mark.parametrize("fault", ["", "dangling", "action", "payload"])
def test_the_parser_would_see_a_fault(fault: str, tmp_path: Path):
    """In a document of one operation, with its control: the whole takes it ten seconds every time."""
    document = small(json.loads(DOCUMENT.read_text()), "intake.tells.dossier.filed")
    if fault == "dangling":
        document["operations"]["intake.tells.dossier.filed"]["channel"]["$ref"] = "#/channels/events.nobody"
    elif fault == "action":
        document["operations"]["intake.tells.dossier.filed"]["action"] = "shout"
    elif fault == "payload":
        document["components"]["schemas"]["CloudEvent"]["type"] = "thing"
    path = tmp_path / "asyncapi.json"
    path.write_text(json.dumps(document))
    assert bool([row for row in parsed(path) if row["severity"] < INFORMATION]) is bool(fault)


@pytest.mark.full
def test_the_official_command_finds_the_document_valid(tmp_path: Path):
    folder = installed("asyncapi-cli")
    config = tmp_path / "analytics.json"  # it would tell its makers that it was used
    config.write_text(json.dumps({"analyticsEnabled": "false", "infoMessageShown": "true", "userID": "none"}))
    env = {**os.environ, "ASYNCAPI_METRICS_CONFIG_PATH": str(config), "SUPPRESS_NO_CONFIG_WARNING": "1"}
    command = [str(folder / "node_modules" / ".bin" / "asyncapi"), "validate", str(DOCUMENT), "--fail-severity", "warn"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "is valid" in done.stdout
