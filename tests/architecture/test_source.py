"""What no file of the services may hold, whoever wrote it."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.source import ROOT, File, dotted, files

LONGEST = 420  # lines

#: Where a program says at the terminal why it does not start, or is a terminal program.
PRINTS = {
    "services/common/run.py": "settings at fault, before there is a log",
    "services/gateway/program.py": "settings at fault, before there is a log",
    "services/signing/fetcher/__main__.py": "settings at fault",
    "services/signing/worker.py": "trust store at fault, before there is a log",
}

#: Who reads the environment beside services/common/settings.py, and what.
READS_ENVIRONMENT = {
    "services/gateway/config.py": "the gateway's own limits, checked like the settings",
    "services/common/workers.py": "hands a worker the few variables it may see",
    "services/signing/fetcher/__main__.py": "a program of its own, without the room's settings",
    "services/signing/worker.py": "a worker is a program of its own, without the room's settings",
}


def where(file: File, node: ast.AST) -> str:
    return f"{file.name}:{getattr(node, 'lineno', 0)}"


def is_simulator(file: File) -> bool:
    return file.name.endswith("_simulator.py") and "adapters" in file.path.parts


def test_files_stay_small():
    found = {}
    for file in files():
        length = file.text.count("\n")
        if length > LONGEST:
            found[file.name] = length
    assert found == {}


def test_nothing_swallows_an_exception():
    found = []
    for file in files():
        for node in ast.walk(file.tree):
            if isinstance(node, ast.ExceptHandler):
                body = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
                if node.type is None or not [s for s in body if not isinstance(s, ast.Pass)]:
                    found.append(where(file, node))
            if isinstance(node, ast.Call) and dotted(node.func).endswith("suppress"):
                wide = {dotted(a) for a in node.args} & {"Exception", "BaseException"}
                found += [where(file, node)] if wide else []
    assert found == []


def test_nothing_prints():
    found = [
        where(file, call)
        for file in files()
        for name, call in file.calls()
        if name in ("print", "pprint", "pprint.pprint", "breakpoint")
        and file.name not in PRINTS
        and not is_simulator(file)
    ]
    assert found == []


def test_nothing_is_left_for_later_in_the_code():
    found = []
    for file in files():
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Raise) and node.exc is not None and "NotImplementedError" in ast.dump(node.exc):
                found.append(where(file, node))
        for number, line in enumerate(file.text.splitlines(), 1):
            if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
                found.append(f"{file.name}:{number}")
    assert found == []


def test_no_function_is_a_stub():
    """A body of `...` or `pass` alone; protocols and overloads say what, not how, and may have one."""
    found = []
    for file in files():
        protocols = {
            inner
            for node in ast.walk(file.tree)
            if isinstance(node, ast.ClassDef) and any("Protocol" in ast.dump(base) for base in node.bases)
            for inner in ast.walk(node)
        }
        for node in ast.walk(file.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node not in protocols:
                body = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
                empty = all(isinstance(s, ast.Pass) for s in body) if body else not _has_docstring_alone(node)
                found += [where(file, node)] if empty else []
    assert found == []


def _has_docstring_alone(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(
        isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant) and isinstance(s.value.value, str)
        for s in node.body
    )


def test_the_environment_is_read_in_settings_alone():
    found = []
    for file in files():
        if file.name == "services/common/settings.py" or file.name in READS_ENVIRONMENT or is_simulator(file):
            continue
        for node in ast.walk(file.tree):
            reads = isinstance(node, ast.Attribute) and dotted(node) in ("os.environ", "os.getenv", "os.environb")
            takes = (
                isinstance(node, ast.ImportFrom)
                and node.module == "os"
                and {alias.name for alias in node.names} & {"environ", "getenv", "environb"}
            )
            if reads or takes:
                found.append(where(file, node))
    assert found == []


@pytest.mark.parametrize("name", sorted({*PRINTS, *READS_ENVIRONMENT}))
def test_exceptions_are_needed(name):
    file = next((f for f in files() if f.name == name), None)
    assert file is not None, f"{name} is gone: take it off the list"
    if name in PRINTS:
        assert [call for called, call in file.calls() if called == "print"], f"{name} prints no more"
    if name in READS_ENVIRONMENT:
        assert "os.environ" in file.text, f"{name} reads no environment any more"


def test_no_personal_data_has_a_way_into_logs():
    """Field names of log calls: ids, counts and codes; what these words name is never written."""
    forbidden = re.compile(r"(^|_)(name|full_name|phone|number|password|otp|text|address|body|token|secret)$")
    found = [
        f"{where(file, call)} {keyword.arg}"
        for file in files()
        for name, call in file.calls()
        if name.startswith("logs.") and name.split(".")[-1] in ("info", "warning", "error", "fault", "log")
        for keyword in call.keywords
        if keyword.arg and forbidden.search(keyword.arg)
    ]
    assert found == []


def test_public_functions_and_classes_say_what_they_are():
    """Nearly all: a one-line helper whose name says it may go without."""
    bare, all_of_them = [], 0
    for file in files():
        for node in file.tree.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                all_of_them += 1
                if ast.get_docstring(node) is None and (node.end_lineno or 0) - node.lineno > 15:
                    bare.append(where(file, node))
    assert len(bare) <= all_of_them * 0.02, bare


def test_no_address_of_a_developers_machine():
    found = []
    for folder in ("services", "deploy", "docs", "tests", "contracts"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".md", ".json", ".txt", ".yaml", ".ini") and "__pycache__" not in path.parts:
                text = path.read_text(errors="replace")
                if re.search(r"(?<![\w.])/(home|Users|root)/\w|(?<![\w./])/wor" + r"k/", text):
                    found.append(str(path.relative_to(ROOT)))
    assert found == []


def test_no_module_names_a_constant_twice():
    # The second silently wins: so a merge once took a collection out of the relay.
    found = []
    for file in files():
        seen: set[str] = set()
        for node in file.tree.body:
            for target in node.targets if isinstance(node, ast.Assign) else ():
                if isinstance(target, ast.Name):
                    found += [where(file, node)] if target.id in seen else []
                    seen.add(target.id)
    assert found == []
