"""A Python file of plain assignments (nanoGPT's, mmengine's and ml_collections' configs): parsed, never run."""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from diagnose.config.node import COMPUTED, Alias, Array, Document, Limits, Node, Scalar, Table, resolved
from diagnose.errors import ConfigError

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_FOLDED: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Mult: operator.mul,
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}
_GIVES_CONFIG = re.compile(r"(?:get_|make_|build_|create_|default_)*(?:config|cfg|hparams)s?")
"""Functions whose assignments are the config (ml_collections' `get_config`)."""


def read_python(text: str, source: str) -> Document:
    """The module's `name = value` lines as one table; values are literals, calls by keywords, lists and known names.

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
        entries = tuple(_Reader(text, source).assignments(module.body))
    except RecursionError:  # a sum of thousands of terms
        raise ConfigError(f"{source}: nested too deeply; write the values out") from None
    return Document(source, text, "python", (Table(0, len(text), 1, entries),))


Entries = Iterator[tuple[Scalar, Node]]


class _Reader:
    """Turns expressions into nodes; Python's (line, byte in the line) becomes an index of the text."""

    def __init__(self, text: str, source: str) -> None:
        self.lines = _LINE.findall(text)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        self.known: dict[str, Node] = {}
        self.limits = Limits(source)

    def assignments(self, body: Iterable[ast.stmt]) -> Entries:
        """Each name with its value, those of a class under its name; what is no literal is left out."""
        for statement in body:
            if isinstance(statement, ast.ClassDef):
                if entries := tuple(self.assignments(statement.body)):  # else a helper
                    yield self.scalar(statement, statement.name), Table(*self.span(statement), entries, flow=True)
            elif isinstance(statement, ast.FunctionDef) and _GIVES_CONFIG.fullmatch(statement.name):
                yield from self.assignments(statement.body)
            elif isinstance(statement, ast.With) and "read_base" in ast.dump(statement.items[0]):
                yield from self.bases(statement)
            elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                if len(targets) != 1 or not (name := _dotted(targets[0])) or name.endswith("__"):  # `__author__`
                    continue
                node = self.node(statement.value, 1)
                self.known.pop(name, None)
                if node is not None:
                    self.known[name] = node
                    yield self.scalar(targets[0], name), node

    def bases(self, block: ast.With) -> Entries:
        """The `with read_base(): from .._base_.x import *` of mmengine as its older `_base_` list of paths."""
        imports = [line for line in block.body if isinstance(line, ast.ImportFrom) and line.level and line.module]
        files = ["../" * (line.level - 1) + (line.module or "").replace(".", "/") + ".py" for line in imports]
        items = tuple(self.scalar(line, file, COMPUTED) for line, file in zip(imports, files, strict=True))
        yield self.scalar(block, "_base_", COMPUTED), Array(*self.span(block), items)

    def node(self, expression: ast.expr, depth: int) -> Node | None:
        """What an expression says; None where that cannot be known without running it."""
        self.limits.take(expression.lineno, depth)
        if isinstance(expression, ast.Dict):
            pairs = zip(expression.keys, expression.values, strict=True)
            named = ((key, key.value, value) for key, value in pairs if isinstance(key, ast.Constant))
            entries = [(self.scalar(key, name), value) for key, name, value in named if isinstance(name, str)]
            return self.table(expression, entries, depth)
        if isinstance(expression, ast.Call) and len(expression.args) == 1 and isinstance(expression.args[0], ast.Dict):
            return self.node(expression.args[0], depth + 1)  # ConfigDict({...})
        if isinstance(expression, ast.Call):
            return self.table(expression, list(self.arguments(expression)), depth)
        if isinstance(expression, ast.List | ast.Tuple):
            items = tuple(self.node(item, depth + 1) or self.unknown(item) for item in expression.elts)
            return Array(*self.span(expression), items, flow=True)
        if isinstance(expression, ast.Name):
            known = self.known.get(expression.id)
            return None if known is None else Alias(*self.span(expression), resolved(known), 1)
        value = self.value(expression)
        computed = any(isinstance(part, ast.Name) for part in ast.walk(expression))
        return None if value is _UNKNOWN else self.scalar(expression, value, COMPUTED if computed else None)

    def table(self, at: ast.expr, entries: list[tuple[Scalar, ast.expr]], depth: int) -> Table | None:
        """`{"lr": 1}` or `dict(lr=1)`; None for a call without keywords."""
        if not entries and isinstance(at, ast.Call) and _dotted(at.func) != "dict":
            return None
        nodes = tuple((key, self.node(value, depth + 1) or self.unknown(value)) for key, value in entries)
        return Table(*self.span(at), nodes, flow=True)

    def arguments(self, call: ast.Call) -> Iterator[tuple[Scalar, ast.expr]]:
        """The keywords of `dict(lr=1)` and of `partial(AdamW, lr=1)`, whose class is `_target_`."""
        if call.keywords and call.args and _dotted(call.args[0]):
            yield self.scalar(call.args[0], "_target_", COMPUTED), call.args[0]
        for keyword in call.keywords:
            if keyword.arg is not None:
                start = self.index(keyword.lineno, keyword.col_offset)
                yield Scalar(start, start + len(keyword.arg), keyword.lineno, keyword.arg), keyword.value

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
        """Stands for an expression whose value only running it would show; a name says at least what it is called."""
        return self.scalar(expression, _dotted(expression) or None, COMPUTED)

    def scalar(self, node: ast.expr | ast.stmt, value: Any, tag: str | None = None) -> Scalar:
        """The scalar that `node` writes."""
        return Scalar(*self.span(node), value, '"' if isinstance(value, str) else "", tag)

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int, int]:
        """Start, end and line."""
        start = self.index(node.lineno, node.col_offset)
        return start, self.index(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset), node.lineno

    def index(self, line: int, column: int) -> int:
        """Index of byte `column` of the 1-based `line`."""
        text = self.lines[line - 1]
        bom = 1 if line == 1 and text.startswith("\ufeff") else 0
        return self.starts[line - 1] + bom + len(text[bom:].encode()[:column].decode(errors="ignore"))


_UNKNOWN = object()


def _dotted(expression: ast.expr) -> str:
    """`config.optim.lr`; empty for anything but names."""
    if isinstance(expression, ast.Attribute):
        return f"{inside}.{expression.attr}" if (inside := _dotted(expression.value)) else ""
    return expression.id if isinstance(expression, ast.Name) else ""


def _folded(sign: ast.operator, left: Any, right: Any) -> Any:
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return _UNKNOWN
    try:
        return _FOLDED[type(sign)](left, right)
    except (OverflowError, ZeroDivisionError):
        return _UNKNOWN
