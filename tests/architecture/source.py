"""The source of services/ as the architecture tests read it: parsed once, nothing imported."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ROOT / "services"
DOMAIN_ROOMS = (
    "identity", "intake", "processing", "vault", "signing", "payment", "notifier", "oversight", "postal", "exchange",
)  # fmt: skip
ROOMS = (*DOMAIN_ROOMS, "gateway")


class File:
    """One Python file: `name` its path from the root, `module` its dotted name, `room` the folder under services/."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path.relative_to(ROOT))
        self.module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        parts = path.relative_to(SERVICES).parts
        self.room = parts[0] if len(parts) > 1 else ""
        self.text = path.read_text()
        self.tree = ast.parse(self.text, str(path))

    def __repr__(self) -> str:
        return self.name

    @functools.cache  # noqa: B019 - files live as long as the test run
    def imports(self, *, typing_too: bool = False) -> set[str]:
        """Dotted names that the file imports when it runs; `a.b` for both `import a.b` and `from a import b`."""
        found: set[str] = set()
        for node in self.walk(typing_too=typing_too):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.name}:{node.lineno} relative import"
                found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
        return found

    def walk(self, *, typing_too: bool = True) -> Iterator[ast.AST]:
        """All nodes; without those under `if TYPE_CHECKING:` unless asked for."""
        waiting: list[ast.AST] = [self.tree]
        while waiting:
            node = waiting.pop()
            yield node
            for child in ast.iter_child_nodes(node):
                under = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
                if typing_too or not under:
                    waiting.append(child)

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """Every call with the dotted name that is called (`logs.info`), as far as it has one."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield dotted(node.func), node


def dotted(expression: ast.AST) -> str:
    """`a.b.c` of nested attributes; what is no name becomes `?`."""
    if isinstance(expression, ast.Attribute):
        return f"{dotted(expression.value)}.{expression.attr}"
    return expression.id if isinstance(expression, ast.Name) else "?"


@functools.cache
def files() -> tuple[File, ...]:
    """Every Python file under services/."""
    return tuple(File(path) for path in sorted(SERVICES.rglob("*.py")) if "__pycache__" not in path.parts)


def of_rooms() -> Iterator[File]:
    return (file for file in files() if file.room in ROOMS)


def reaches(imported: set[str], packages: set[str]) -> set[str]:
    """Which of `packages` these imports reach (the package itself or anything inside it)."""
    return {package for package in packages if any(i == package or i.startswith(f"{package}.") for i in imported)}
