"""Questions about single nodes of a syntax tree."""

from __future__ import annotations

import ast
import re
from typing import Any

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef, ast.Lambda)
LEAVE_THE_BLOCK = (ast.Return, ast.Raise, ast.Break, ast.Continue)


def last_name(node: Any) -> str:
    """`load` of `yaml.load(f)`, of `yaml.load` and of `load`; empty where there is no name."""
    while isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def constant(node: ast.AST) -> str | int | None:
    """The value of a literal that can be a key."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int) and not isinstance(node.value, bool):
        return node.value
    return None


def is_main_block(node: ast.AST) -> bool:
    """`if __name__ == "__main__":`, which runs only in the file that is started."""
    return isinstance(node, ast.If) and {"__name__", "__main__"} <= {
        getattr(one, "id", getattr(one, "value", None)) for one in ast.walk(node.test)
    }


def drop_unreachable(tree: ast.AST) -> None:
    """Take away the statements behind a `return`, `raise`, `break` or `continue` of their block: they never run."""
    for node in ast.walk(tree):
        for block in (getattr(node, "body", None), getattr(node, "orelse", None), getattr(node, "finalbody", None)):
            if isinstance(block, list):
                ends = [index for index, one in enumerate(block) if isinstance(one, LEAVE_THE_BLOCK)]
                del block[ends[0] + 1 if ends else len(block) :]


def defaults_of(node: Any) -> dict[str, ast.AST]:
    """The default values of a function's parameters, by their names."""
    positional = [one.arg for one in [*node.args.posonlyargs, *node.args.args]]
    found = dict(zip(reversed(positional), reversed(node.args.defaults), strict=False))
    named = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return found | {one.arg: value for one, value in named if value is not None}


def accessor(node: Any) -> tuple[ast.AST, str, str] | None:
    """Of a function that only gives what is under a key it is given, `return self.data[key]`: where, key, form."""
    parts = node.body if isinstance(node, FUNCTIONS) else []
    body = [one for one in parts if not isinstance(getattr(one, "value", None), ast.Constant)]
    given = body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None
    match given:
        case ast.Subscript(value=held, slice=ast.Name(id=key)):
            form = "subscript"
        case ast.Call(func=ast.Attribute(value=held, attr="get"), args=[ast.Name(id=key), *_]):
            form = "get"
        case ast.Call(func=ast.Name(id="getattr"), args=[held, ast.Name(id=key), *_]):
            form = "getattr"
        case ast.Call(func=ast.Attribute(value=held, attr="__getattr__"), args=[ast.Name(id=key)]):
            form = "getattr"
        case _:
            return None
    return (held, key, form) if key in {one.arg for one in node.args.args} else None


def merges(node: ast.AST) -> bool:
    """Whether a node puts mappings together: `x.update(y)`, `{**x, **y}`, `x | y`, `yield from x`."""
    if isinstance(node, ast.Call):
        return last_name(node) in {"update", "extend"}
    return isinstance(node, ast.BinOp | ast.AugAssign | ast.YieldFrom) or None in getattr(node, "keys", ())


def key_pattern(key: ast.AST) -> str:
    """A regular expression for a key that is computed, as far as its text is known."""
    if isinstance(key, ast.JoinedStr):
        return "".join(map(_literal_part, key.values))
    if isinstance(key, ast.BinOp) and isinstance(key.op, ast.Add):
        return key_pattern(key.left) + key_pattern(key.right)
    if isinstance(key, ast.Call) and isinstance(key.func, ast.Attribute) and last_name(key) == "format":
        return re.sub(r"\\\{[^}]*\}", ".*", _literal_part(key.func.value))
    return _literal_part(key)


def _literal_part(node: ast.AST) -> str:
    text = constant(node)
    return re.escape(text) if isinstance(text, str) else ".*"
