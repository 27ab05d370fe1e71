"""Commands that are named as advice: copied as they stand, they are about the system that was meant."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from deploy.local import advice, paths
from deploy.local.memory import RESTORE_MARKER, refuse_half_restored
from deploy.local.paths import ROOT, State, write_json
from deploy.local.trouble import Trouble


@pytest.fixture
def states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MOTCUA_STATE", raising=False)
    monkeypatch.setattr(paths, "SHARED", tmp_path)
    return tmp_path / "state"


def made(top: Path, rehearsal: bool) -> State:
    state = State(top)
    state.make()
    write_json(state.system, {"rehearsal": rehearsal})
    return state


def test_the_system_is_named_unless_it_is_the_one_without_a_name(states, tmp_path, monkeypatch):
    main, other, far = (made(top, False) for top in (states / "main", states / "r2", tmp_path / "a b"))
    assert advice.command(main, "down") == "./motcua down"
    assert advice.command(other, "down") == "./motcua down --state r2"
    assert advice.command(far, "down") == f"./motcua down --state '{far.top}'"
    monkeypatch.setenv("MOTCUA_STATE", "r2")
    assert advice.command(main, "down") == "./motcua down --state main"
    assert advice.command(other, "down") == "./motcua down --state r2"


def test_a_start_is_of_the_kind_that_the_data_are_of(states):
    rehearsal, real = made(states / "main", True), made(states / "prod", False)
    assert advice.command(rehearsal, "up --fresh") == "./motcua up --rehearsal --fresh"
    assert advice.command(rehearsal, "up --rehearsal --fresh") == "./motcua up --rehearsal --fresh"
    assert advice.command(rehearsal, "status") == "./motcua status"
    assert advice.command(real, "up") == "./motcua up --state prod"


def test_a_program_of_the_operators_names_its_system_too(states, monkeypatch):
    monkeypatch.setenv("MOTCUA_STATE_DIR", str(made(states / "r2", True).top))
    assert advice.here("up --fresh") == "./motcua up --rehearsal --fresh --state r2"


@pytest.mark.parametrize("rehearsal", [True, False])
def test_what_half_a_restore_advises_touches_no_other_system(states, rehearsal):
    state = made(states / "r2", rehearsal)
    write_json(state.top / RESTORE_MARKER, {"folder": "/away/d 1"})
    with pytest.raises(Trouble) as refused:
        refuse_half_restored(state)
    assert "./motcua restore '/away/d 1' --state r2" in refused.value.advice
    assert ("./motcua up --rehearsal --fresh --state r2" in refused.value.advice) is rehearsal
    assert ("--fresh" in refused.value.advice) is rehearsal


def test_no_advice_names_a_command_without_its_system():
    """A command that stands in a text as it is cannot know the system: it is about another one there, or about none."""
    other = r"demo|--help|backup made|rehearse people|up or|down ends it$|.*--state "
    free = re.compile(rf"\./motcua ({other})|`\./motcua $|PORT_BASE")
    bare = []
    for file in [*(ROOT / "deploy/local").glob("*.py"), *(ROOT / "deploy/operate").glob("*.py")]:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        doc = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and id(node) not in doc and "./motcua " in str(node.value):
                bare += [f"{file.name}:{node.lineno} {node.value}"] if not free.search(str(node.value)) else []
    assert [line for line in bare if not line.startswith("advice.py:")] == []
