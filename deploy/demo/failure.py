"""What is told of a demo that failed: the step, what was expected, what came. One paragraph, no traceback."""

from __future__ import annotations

import ast
import linecache
from types import FrameType, TracebackType
from typing import Any

from deploy.demo.story import StepFailed

_LONGEST = 400  # characters of a value that is shown


def paragraph(exc: BaseException) -> str:
    """The failure of a run in words, Vietnamese first."""
    cause = exc.__cause__ or exc
    lines = [f"✗ KHÔNG ĐẠT / FAILED: {exc}"]
    if isinstance(exc, StepFailed):
        lines += [f"  {exc.step.vi}", f"  {exc.step.en}"]
    expected, came = _asserted(cause)
    if expected:
        lines.append(f"  mong đợi / expected: {expected}")
    lines.append(f"  nhận được / what came: {came}")
    return "\n".join(lines)


def _asserted(cause: BaseException) -> tuple[str, str]:
    """The condition that did not hold, as it stands in the story, and the values of its names at that moment."""
    said = f"{type(cause).__name__}: {cause}"[:_LONGEST] if str(cause) else ""
    frame, number = _last(cause.__traceback__)
    if not isinstance(cause, AssertionError) or frame is None:
        return "", said or type(cause).__name__
    condition = _condition(frame.f_code.co_filename, number)
    if condition is None:
        return "", said or "AssertionError"
    shown = [f"{name} = {_short(value)}" for name, value in _values(condition, frame).items()]
    return ast.unparse(condition), "; ".join(shown) or said or "it does not hold"


def _last(trace: TracebackType | None) -> tuple[FrameType | None, int]:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (trace.tb_frame, trace.tb_lineno) if trace is not None else (None, 0)


def _condition(filename: str, number: int) -> ast.expr | None:
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and node.lineno <= number <= (node.end_lineno or node.lineno):
            return node.test
    return None


def _values(condition: ast.expr, frame: FrameType) -> dict[str, Any]:
    # names only: a call would act a second time
    names = {node.id for node in ast.walk(condition) if isinstance(node, ast.Name)}
    return {name: frame.f_locals[name] for name in sorted(names) if name in frame.f_locals and name != "story"}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
