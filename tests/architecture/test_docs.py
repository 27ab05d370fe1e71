"""The documentation is true: links lead somewhere, commands and addresses exist, examples run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from deploy.demo.main_job import STEPS
from deploy.local import commands
from deploy.local.paths import VENV
from deploy.operate import dead_letters, migrate, verify
from services.gateway.routes import ROUTES
from tests.architecture.source import ROOMS, ROOT

DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "services").glob("*/README.md")])
OURS = [d for d in DOCUMENTS if d.parent.parent != ROOT / "services"]
#: Shell blocks that the tests do not run: they would start a second system.
NOT_RUN = {"./motcua demo", "./motcua test"}
_WALK = re.compile(r"^[A-Z]+=", re.MULTILINE)


@cache
def text(document: Path) -> str:
    return document.read_text()


def name(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_somewhere(document):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text(document), flags=re.DOTALL)):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        found = document if not path else (document.parent / path).resolve()
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(target)
    assert broken == []


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def shell_lines(document: Path) -> list[str]:
    """Commands of all ```sh blocks but walks, continued lines joined."""
    blocks = [block for block in _blocks(document) if not _WALK.search(block)]
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def walks(document: Path) -> list[str]:
    """Blocks in which a line hands something to the next one: they run whole, and end where a line fails."""
    return ["set -euo pipefail\n" + block for block in _blocks(document) if _WALK.search(block)]


def _blocks(document: Path) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", text(document), re.DOTALL)


def motcua_commands(document: Path) -> list[list[str]]:
    """Every ./motcua command that a document names, as arguments; placeholders in capitals stay."""
    found = []
    spans = re.findall(r"`(\./motcua [^`]+)`", text(document)) + [
        line for line in shell_lines(document) if line.startswith("./motcua")
    ]
    for command in spans:
        words = shlex.split(command.split("|")[0].split("\\")[0])[1:]
        found += [words] if words != ["--help"] else []
    return found


@pytest.mark.parametrize("document", OURS, ids=name)
def test_commands_exist(document):
    parser = commands._parser()
    for words in motcua_commands(document):
        given, unknown = parser.parse_known_args(words)  # exits where the command does not exist
        assert not unknown or given.command == "test", words
        if given.command == "dead-letters":
            dead_letters._parser().parse_args(given.arguments)
        if given.command == "migrate":
            migrate.parser().parse_args(given.arguments)
        if given.command == "verify":
            verify.parser().parse_args(given.arguments)


@pytest.mark.parametrize("document", OURS, ids=name)
def test_addresses_exist(document):
    known = {(route.method, route.pattern) for route in ROUTES}
    wrong = []
    for method, path in re.findall(r"\b(GET|POST|DELETE|PUT) (/api/v1[^\s`?,]*)", text(document)):
        if (method, path) not in known:
            wrong.append(f"{method} {path}")
    assert wrong == []


def test_every_route_is_in_a_guide():
    guides = "\n".join(text(d) for d in OURS if d.parent.name == "guide")
    missing = [f"{r.method} {r.pattern}" for r in ROUTES if r.pattern not in guides]
    assert missing == []


@pytest.mark.parametrize("document", OURS, ids=name)
def test_paths_in_code_spans_exist(document):
    missing = []
    for path in re.findall(r"`((?:services|deploy|tests|docs|contracts)/[\w./-]*)`", text(document)):
        if not (ROOT / path).exists():
            missing.append(path)
    assert missing == []


def test_the_readme_shows_what_the_demo_prints():
    shown = re.findall(r"^\s*(\d+)/(\d+)  (.+)$", text(ROOT / "README.md"), re.MULTILINE)
    assert len(shown) >= 5
    for number, total, title in shown:
        assert int(total) == len(STEPS)
        assert STEPS[int(number) - 1].vi.startswith(title[:100])


def test_the_readme_names_every_command():
    parser = commands._parser()
    [subcommands] = [action for action in parser._actions if action.choices]
    for command in subcommands.choices or ():
        assert f"./motcua {command}" in text(ROOT / "README.md"), command


DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))


@pytest.mark.parametrize("document", DECISIONS, ids=name)
def test_a_decision_is_dated_and_says_what_to_watch(document):
    lines = text(document).splitlines()
    assert re.fullmatch(r"# \d{4} .+", lines[0])
    assert lines[0].split()[1] == document.name[:4]
    assert re.match(r"20\d\d-\d\d-\d\d · ", lines[2])
    for part in ("## Context", "## Forces", "## Decision", "## Consequence to watch"):
        assert part in lines
    assert len(lines) < 60
    assert f"({document.name})" in text(ROOT / "docs/decisions/index.md")


def test_decisions_are_numbered_without_gaps():
    assert [d.name[:4] for d in DECISIONS] == [f"{n:04}" for n in range(1, len(DECISIONS) + 1)]


def test_the_readme_draws_every_room():
    for room in set(ROOMS):
        assert room in text(ROOT / "README.md"), room


@pytest.mark.parametrize("document", [d for d in OURS if _blocks(d)], ids=name)
def test_examples_run(system, document):
    """Every line of every ```sh block, against the running system; a walk as a whole."""
    if shutil.which("curl") is None and "curl" in "".join(_blocks(document)):
        pytest.skip("no curl on this machine")
    sms = system.process("sms-simulator").http_port
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("MOTCUA_")},
        "MOTCUA_STATE": str(system.state.top),
        "BASE": system.base_url,
        "SMS": f"http://127.0.0.1:{sms}",
        "PATH": f"{VENV / 'bin'}:{os.environ['PATH']}",
        "no_proxy": "127.0.0.1",
    }
    for line in walks(document) + [line for line in shell_lines(document) if line not in NOT_RUN]:
        command = line.replace("curl ", "curl --fail-with-body ")
        done = subprocess.run(
            ["bash", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        assert done.stdout.strip(), line
