"""A Python file of plain assignments (nanoGPT's and mmengine's configs): parsed, never run."""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from diagnose.config.node import COMPUTED, MAX_DEPTH, MAX_NODES, Alias, Array, Document, Node, Scalar, Table, resolved
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
    """The module's `name = value` lines as one table; values are literals, `dict(...)`, lists and names of the above.

    Raises ConfigError where it does not parse or asks for too much.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        reason = error.args[0] if error.args else "nested too deeply"
        raise ConfigError(f"{source}:{line}: not valid Python: {reason}; correct this line") from None
    try:
        entries = tuple(_Reader(text, source).assignments(module))
    except RecursionError:  # a sum of thousands of terms
        raise ConfigError(f"{source}: nested too deeply; write the values out") from None
    return Document(source, text, "python", (Table(0, len(text), 1, entries),))


class _Reader:
    """Turns expressions into nodes; Python's (line, byte in the line) becomes an index of the text."""

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self.lines = _LINE.findall(text)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        self.known: dict[str, Node] = {}
        self.count = 0

    def assignments(self, module: ast.Module) -> Iterator[tuple[Scalar, Node]]:
        """Each top-level name with its value; what is no literal is left out."""
        for statement in module.body:
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                target, value = statement.targets[0], statement.value
            elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
                target, value = statement.target, statement.value
            else:
                continue
            node = self.node(value, 1) if isinstance(target, ast.Name) else None
            if isinstance(target, ast.Name):
                self.known.pop(target.id, None)
                if node is not None:
                    self.known[target.id] = node
                    yield self.scalar(target, target.id), node

    def node(self, expression: ast.expr, depth: int) -> Node | None:
        """What an expression says; None where that cannot be known without running it."""
        self.count += 1
        if self.count > MAX_NODES:
            raise ConfigError(f"{self.source}: more than {MAX_NODES} values: not a training config")
        if depth > MAX_DEPTH:
            raise ConfigError(f"{self.source}: nested deeper than {MAX_DEPTH} levels: not a training config")
        if isinstance(expression, ast.Dict):
            return self.table(expression, zip(expression.keys, expression.values, strict=True), depth)
        if isinstance(expression, ast.Call) and isinstance(expression.func, ast.Name) and expression.func.id == "dict":
            return self.call(expression, depth)
        if isinstance(expression, ast.List | ast.Tuple):
            items = tuple(self.node(item, depth + 1) or self.unknown(item) for item in expression.elts)
            return Array(*self.span(expression), items, flow=True)
        if isinstance(expression, ast.Name):
            return self.named(expression)
        return self.constant(expression)

    def table(self, at: ast.expr, pairs: Any, depth: int) -> Table:
        """`{"lr": 1}`."""
        entries = []
        for key, value in pairs:
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                entries.append((self.scalar(key, key.value), self.node(value, depth + 1) or self.unknown(value)))
        return Table(*self.span(at), tuple(entries), flow=True)

    def call(self, call: ast.Call, depth: int) -> Table:
        """`dict(lr=1)`."""
        entries = []
        for keyword in call.keywords:
            if keyword.arg is not None:
                start = self.index(keyword.lineno, keyword.col_offset)
                key = Scalar(start, start + len(keyword.arg), keyword.lineno, keyword.arg)
                entries.append((key, self.node(keyword.value, depth + 1) or self.unknown(keyword.value)))
        return Table(*self.span(call), tuple(entries), flow=True)

    def named(self, name: ast.Name) -> Alias | None:
        """A name that was given a value above: the same value a second time."""
        node = self.known.get(name.id)
        return None if node is None else Alias(*self.span(name), resolved(node), 1)

    def constant(self, expression: ast.expr) -> Scalar | None:
        """A literal, or arithmetic on numbers."""
        value = self.value(expression)
        if value is _UNKNOWN:
            return None
        named = any(isinstance(part, ast.Name) for part in ast.walk(expression))
        return self.scalar(expression, value, COMPUTED if named else None)

    def value(self, expression: ast.expr) -> Any:
        """The value of a literal, or of arithmetic on numbers (`5 * 8`, `base * 2`); `_UNKNOWN` for anything else."""
        if isinstance(expression, ast.Constant):
            return expression.value if isinstance(expression.value, bool | int | float | str | None) else _UNKNOWN
        if isinstance(expression, ast.Name):
            node = self.known.get(expression.id)
            return node.value if isinstance(node, Scalar) else _UNKNOWN
        if isinstance(expression, ast.UnaryOp) and isinstance(expression.op, ast.USub):
            value = self.value(expression.operand)
            return -value if isinstance(value, int | float) else _UNKNOWN
        if isinstance(expression, ast.BinOp) and type(expression.op) in _FOLDED:
            return _folded(expression.op, self.value(expression.left), self.value(expression.right))
        return _UNKNOWN

    def unknown(self, expression: ast.expr) -> Scalar:
        """Stands for an expression whose value only running it would show."""
        return self.scalar(expression, None, COMPUTED)

    def scalar(self, node: ast.expr, value: Any, tag: str | None = None) -> Scalar:
        """The scalar that `node` writes."""
        return Scalar(*self.span(node), value, '"' if isinstance(value, str) else "", tag)

    def span(self, node: ast.expr) -> tuple[int, int, int]:
        """Start, end and line."""
        start = self.index(node.lineno, node.col_offset)
        return start, self.index(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset), node.lineno

    def index(self, line: int, column: int) -> int:
        """Index of byte `column` of the 1-based `line`."""
        text = self.lines[line - 1]
        bom = 1 if line == 1 and text.startswith("\ufeff") else 0
        return self.starts[line - 1] + bom + len(text[bom:].encode()[:column].decode(errors="ignore"))


_UNKNOWN = object()


def _folded(sign: ast.operator, left: Any, right: Any) -> Any:
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return _UNKNOWN
    if not right and isinstance(sign, ast.Div | ast.FloorDiv):
        return _UNKNOWN
    try:
        return _FOLDED[type(sign)](left, right)
    except OverflowError:
        return _UNKNOWN
