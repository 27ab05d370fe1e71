"""Requirement → code → tests, and what has none: python -m deploy.operate.trace [--json]

Code comes from `@rule("ID", …)` decorators under services/, tests from `pytest.mark.req("ID", …)` under tests/; both
are read from the source, nothing is imported or run. So ids stand as literals; one that is computed is reported.
Exit status 1 when a rule or a test names an id that docs/requirements-ids.txt does not have. Standard library only.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IDS = "docs/requirements-ids.txt"

#: Rows of the issues that are finished: each is carried by a journey (tests/architecture/test_requirements.py).
FINISHED: dict[str, tuple[str, ...]] = {
    "3": (
        "ID-01", "ID-03", "ID-04", "ID-16", "IN-01", "IN-02", "IN-03", "IN-15", "IN-19", "IN-20", "GU-02", "GU-07",
        "GU-10", "GU-12", "GU-13", "MO-01", "MO-02", "MO-03", "MO-11", "MO-16", "SG-03", "SG-04", "SG-05", "SG-07",
        "RT-01", "RT-02", "RT-04", "RT-10", "PY-03", "PY-11", "PO-02", "PO-05", "NT-01", "KO-04", "ST-04", "PR-06",
        "SY-02",
    ),
    "5": (
        "ID-01", "ID-02", "ID-03", "ID-04", "ID-05", "ID-06", "ID-07", "ID-08", "ID-09", "ID-10", "ID-11", "ID-12",
        "ID-13", "ID-14", "ID-15", "ID-16", "ID-17", "ID-18", "ID-19", "ID-20", "ID-21", "ID-22", "ID-23", "ID-24",
        "ID-25", "ID-26", "ID-27", "ID-28", "RO-01", "RO-02", "RO-03", "RO-04", "RO-05", "RO-06", "RO-07", "SE-01",
        "SE-02", "SE-03", "SE-04", "SE-05", "SE-06", "SE-07", "SE-08", "OP-03", "NT-03", "RP-07", "SY-04", "UX-01",
        "UX-02",
    ),
    "6": (
        "SG-01", "SG-02", "SG-03", "SG-04", "SG-05", "SG-06", "SG-07", "SG-08", "SG-09", "SG-10", "IN-03", "MO-03",
        "MO-06", "MO-08", "MO-10", "RT-02", "RT-04", "KO-08", "SE-04",
    ),
}  # fmt: skip


@dataclass
class Row:
    """Where one requirement stands. `code` holds "path:line function", `tests` "path::test"."""

    code: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)


@dataclass
class Trace:
    """All rows in the order of the list of ids, and what could not be placed ("place: what")."""

    rows: dict[str, Row]
    faults: list[str]


def known_ids(root: Path = ROOT) -> list[str]:
    """The ids of all requirements, in their order."""
    return [line.strip() for line in (root / IDS).read_text().splitlines() if line.strip()]


def trace(root: Path = ROOT) -> Trace:
    """Read services/ and tests/ under `root`. Raises SyntaxError for a file that Python cannot read."""
    result = Trace({name: Row() for name in known_ids(root)}, [])
    for path in sources(root / "services"):
        for id, place in rules_of(path, root):
            _put(result, id, place, "code")
    for path in sources(root / "tests"):
        for id, place in marks_of(path, root):
            _put(result, id, place, "tests")
    return result


def sources(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*.py")) if "__pycache__" not in path.parts)


def _put(result: Trace, id: str | None, place: str, where: str) -> None:
    if id is None:
        result.faults.append(f"{place}: an id is not written as a literal")
    elif id not in result.rows:
        result.faults.append(f"{place}: unknown id {id}")
    else:
        places: list[str] = getattr(result.rows[id], where)
        if place not in places:
            places.append(place)


def rules_of(path: Path, root: Path) -> Iterator[tuple[str | None, str]]:
    """(id, "path:line function") of each rule that a file enforces; id None where it is not a literal."""
    for qualified, node in _functions(ast.parse(path.read_text(), str(path)).body, ""):
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and _last_name(decorator.func) == "rule":
                first = decorator.args[0] if decorator.args else None
                yield _literal(first), f"{path.relative_to(root)}:{node.lineno} {qualified}"


def marks_of(path: Path, root: Path) -> Iterator[tuple[str | None, str]]:
    """(id, "path::test") of each mark of each test of a file: own marks, those of its class and of its module."""
    module = ast.parse(path.read_text(), str(path))
    shared = {
        node.targets[0].id: node.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    everywhere = list(_ids(shared.get("pytestmark"), shared))
    yield from _tests(module.body, str(path.relative_to(root)), everywhere, shared)


def _tests(
    body: list[ast.stmt], prefix: str, inherited: list[str | None], shared: dict[str, ast.expr]
) -> Iterator[tuple[str | None, str]]:
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            of_class = [id for decorator in node.decorator_list for id in _ids(decorator, shared)]
            for inner in node.body:
                if isinstance(inner, ast.Assign) and _last_name(inner.targets[0]) == "pytestmark":
                    of_class += _ids(inner.value, shared)
            yield from _tests(node.body, f"{prefix}::{node.name}", inherited + of_class, shared)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            own = [id for decorator in node.decorator_list for id in _ids(decorator, shared)]
            for id in inherited + own:
                yield id, f"{prefix}::{node.name}"


def _ids(
    expression: ast.expr | None, shared: dict[str, ast.expr], seen: frozenset[str] = frozenset()
) -> list[str | None]:
    """Ids of every `mark.req(…)` inside an expression (decorator, list, pytest.param), aliases followed."""
    if expression is None:
        return []
    found: list[str | None] = []
    for node in ast.walk(expression):
        if isinstance(node, ast.Call) and _is_req(node.func):
            found += [_literal(argument) for argument in node.args]
        elif isinstance(node, ast.Name) and node.id in shared and node.id not in seen:
            found += _ids(shared[node.id], shared, seen | {node.id})
    return found


def _is_req(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and function.attr == "req" and _last_name(function.value) == "mark"


def _last_name(expression: ast.expr) -> str:
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def _literal(expression: ast.expr | None) -> str | None:
    return expression.value if isinstance(expression, ast.Constant) and isinstance(expression.value, str) else None


def _functions(
    body: list[ast.stmt], prefix: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield prefix + node.name, node
            yield from _functions(node.body, f"{prefix}{node.name}.")


def _print_table(result: Trace) -> None:
    for id, row in result.rows.items():
        print(f"{id:6} {len(row.code):3} code {len(row.tests):3} tests")
        for place in row.code:
            print(f"         {place}")
        for place in row.tests:
            print(f"         {place}")
    rows = result.rows.values()
    print()
    print(f"requirements       {len(result.rows)}")
    print(f"with code          {sum(bool(row.code) for row in rows)}")
    print(f"with tests         {sum(bool(row.tests) for row in rows)}")
    print(f"with neither       {sum(not row.code and not row.tests for row in rows)}")
    for issue, ids in FINISHED.items():
        bare = [id for id in ids if not result.rows[id].tests]
        print(f"issue {issue}: {len(ids)} rows, without a test: {' '.join(bare) or 'none'}")
    print(f"nothing yet: {' '.join(id for id, row in result.rows.items() if not row.code and not row.tests) or 'none'}")


def main(arguments: list[str]) -> int:
    """Print the trace; 1 when an id is unknown or unreadable."""
    parser = argparse.ArgumentParser(prog="motcua trace", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help='{"IN-01": {"code": […], "tests": […]}, …}')
    given = parser.parse_args(arguments)
    result = trace()
    if given.json:
        print(json.dumps({id: {"code": row.code, "tests": row.tests} for id, row in result.rows.items()}, indent=1))
    else:
        _print_table(result)
    for fault in result.faults:
        print(f"motcua trace: {fault}", file=sys.stderr)
    return 1 if result.faults else 0


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)
