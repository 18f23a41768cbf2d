"""Where the names of keys appear in the code that can run, whatever they hang on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from diagnose.usage.reachable import Reachable
from diagnose.usage.report import Place
from diagnose.usage.syntax import constant, defaults_of, last_name
from diagnose.usage.values import Scope

LONGEST_PATH = 200  # longer strings are texts for people
PROCESS_STARTERS = re.compile(r"(subprocess\.\w+|os\.(system|popen|exec\w+|spawn\w+))")


@dataclass(frozen=True)
class Mentions:
    """Every name in the code that can run."""

    names: frozenset[str]
    """Attributes, keywords, parameters, fields, names that are bound nowhere."""
    strings: frozenset[str]
    """Whole strings, and the parts of dotted ones."""
    pieces: frozenset[str]
    """Words inside strings."""

    def has(self, name: str) -> bool:
        """Whether the name is mentioned in any way."""
        return any({name, name.replace("-", "_")} & part for part in (self.names, self.strings, self.pieces))

    def resembles(self, name: str) -> bool:
        """Whether the name is part of a longer one: a key that is put together at run time may be it."""
        return any(name.lower() in one.lower() for part in (self.names, self.strings) for one in part)


def mentions(reach: Reachable, followed: set[ast.AST]) -> Mentions:
    """Gather the names of all scopes that can run; docstrings do not count.

    `followed`: literals that are the key of a known reading; they count as names, as keys that the source writes do.
    """
    names: set[str] = set()
    texts: set[str] = set()
    for scope in reach.scopes:
        paths = (one for one in reach.code[scope] if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Div))
        joined = {part for one in paths for part in (one.left, one.right)}  # of a path, `folder / "logs"`
        stored = {key for node in reach.code[scope] if isinstance(node, ast.Dict) for key in node.keys}
        items = (one for one in reach.code[scope] if isinstance(one, ast.Subscript) and isinstance(one.ctx, ast.Store))
        stored |= {one.slice for one in items}
        names |= scope.parameters
        first = scope.body[0] if scope.body else None
        docstring = first.value if isinstance(first, ast.Expr) else None
        for node in reach.code[scope]:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if node is not docstring and node not in joined:
                    (names if node in followed | stored else texts).add(node.value)
            else:
                names |= _names_of(node, scope, reach)
    strings = {piece for text in texts if len(text) < LONGEST_PATH for piece in (text, *text.split("."))}
    pieces = {piece for text in texts for piece in re.findall(r"\w+", text)}
    evaluated = {str(constant(one)) for _, call in reach.calls_named("eval") for one in call.args}
    strings |= {piece for text in evaluated for piece in re.findall(r"\w+", text)}
    return Mentions(frozenset(names), frozenset(strings), frozenset(pieces))


def _names_of(node: Any, scope: Scope, reach: Reachable) -> set[str]:
    if isinstance(node, ast.Attribute):
        return {node.attr}
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return set() if reach.project.lookup(node.id, scope) else {node.id}
    if scope.module is reach.project.config_module:  # what it says of its own keys is no mention
        return set()
    if isinstance(node, ast.keyword):
        return {node.arg} if node.arg else set()
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and scope.kind == "class":
        return {node.target.id}
    return set()


def options(reach: Reachable) -> dict[str, tuple[str | None, Place]]:
    """The command line's `--options` by name, each with its default and where it is defined."""
    found: dict[str, tuple[str | None, Place]] = {}
    for scope, call in reach.calls_named("add_argument"):
        place = Place(scope.module.shown, call.lineno)
        default = next((ast.unparse(word.value) for word in call.keywords if word.arg == "default"), None)
        for text in filter(None, map(constant, call.args)):
            if str(text).startswith("--"):
                found.setdefault(str(text)[2:].replace("-", "_"), (default, place))
    return found


def literal(reach: Reachable, name: str) -> tuple[Place, str] | None:
    """The line that gives this name a literal value: `p_dropout=0.1` in a call, an assignment, a default."""
    for scope in (one for one in reach.scopes if one.module is not reach.project.config_module):
        defaults = defaults_of(scope.node) if scope.kind == "function" else {}
        for one, value in [*map(_literal_of, reach.code[scope]), *defaults.items()]:
            if one == name and isinstance(value, ast.Constant) and isinstance(value.value, int | float | str):
                return Place(scope.module.shown, value.lineno), f"{name}={value.value!r}"
    return None


def _literal_of(node: ast.AST) -> tuple[str | None, ast.AST | None]:
    match node:
        case ast.keyword(arg=arg, value=value):
            return arg, value
        case ast.Assign(targets=[ast.Name() | ast.Attribute() as target], value=value):
            return last_name(target), value
    return None, None


def handed_to_a_process(reach: Reachable, loads: Iterable[tuple[Scope, Any]]) -> str | None:
    """Why other programs may read the config file too: a process is started with the same file name."""
    files = set()
    for scope, load in loads:
        opened = [node for node in reach.code[scope] if isinstance(node, ast.Call) and last_name(node) == "open"]
        for call in [load, *opened] if isinstance(load, ast.Call) else []:
            files |= {_identity(one, scope) for one in call.args[:1] if isinstance(one, ast.Name | ast.Attribute)}
    for scope, call in reach.calls() if files else ():
        starter = ast.unparse(call.func)
        if PROCESS_STARTERS.fullmatch(starter) and files & {_identity(node, scope) for node in ast.walk(call)}:
            return f"the config file is also handed to {starter} ({Place(scope.module.shown, call.lineno)})"
    return None


def _identity(node: ast.AST, scope: Scope) -> tuple[str, Scope | None]:
    """A variable of its scope; `args.config` is the same everywhere."""
    return ast.unparse(node), scope if isinstance(node, ast.Name) else None
