"""A Python file of plain assignments (nanoGPT's configs): parsed, never run."""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from diagnose.config.node import Document, Scalar, Table
from diagnose.errors import ConfigError

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_FOLDED: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Mult: operator.mul,
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}


def read_python(text: str, source: str) -> Document:
    """The module's `name = number, text or truth` lines as one table. Raises ConfigError where it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        reason = error.args[0] if error.args else "nested too deeply"
        raise ConfigError(f"{source}:{line}: not valid Python: {reason}; correct this line") from None
    entries = tuple(_assignments(module, _Lines(text)))
    return Document(source, text, "python", (Table(0, len(text), 1, entries),))


class _Lines:
    """Turns Python's (line, byte in the line) into an index of the text."""

    def __init__(self, text: str) -> None:
        self.lines = _LINE.findall(text)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def index(self, line: int, column: int) -> int:
        """Index of byte `column` of the 1-based `line`."""
        text = self.lines[line - 1]
        bom = 1 if line == 1 and text.startswith("\ufeff") else 0
        return self.starts[line - 1] + bom + len(text[bom:].encode()[:column].decode(errors="ignore"))

    def scalar(self, node: ast.expr, value: Any) -> Scalar:
        """The scalar that `node` writes."""
        start = self.index(node.lineno, node.col_offset)
        end = self.index(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
        style = '"' if isinstance(value, str) else ""
        return Scalar(start, end, node.lineno, value, style)


def _assignments(module: ast.Module, lines: _Lines) -> Iterator[tuple[Scalar, Scalar]]:
    for statement in module.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target, value = statement.target, statement.value
        else:
            continue
        if isinstance(target, ast.Name) and (constant := _constant(value)) is not _UNKNOWN:
            yield lines.scalar(target, target.id), lines.scalar(value, constant)


_UNKNOWN = object()


def _constant(node: ast.expr) -> Any:
    """The value of a literal, or of arithmetic on number literals (`5 * 8`); `_UNKNOWN` for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, bool | int | float | str | None) else _UNKNOWN
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _constant(node.operand)
        return -value if isinstance(value, int | float) else _UNKNOWN
    if isinstance(node, ast.BinOp) and type(node.op) in _FOLDED:
        left, right = _constant(node.left), _constant(node.right)
        if isinstance(left, int | float) and isinstance(right, int | float):
            return _FOLDED[type(node.op)](left, right) if right or not _divides(node.op) else _UNKNOWN
    return _UNKNOWN


def _divides(sign: ast.operator) -> bool:
    return isinstance(sign, ast.Div | ast.FloorDiv)
