"""Where the names of keys appear in the code that can run, whatever they hang on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from diagnose.usage.reachable import Reachable
from diagnose.usage.report import Place
from diagnose.usage.syntax import constant, last_name
from diagnose.usage.values import Scope, Variable

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
        return any(
            one in part for one in (name, name.replace("-", "_")) for part in (self.names, self.strings, self.pieces)
        )

    def resembles(self, name: str) -> bool:
        """Whether the name is part of a longer one: a key that is put together at run time may be it."""
        return any(name.lower() in one.lower() for part in (self.names, self.strings) for one in part)


def mentions(reach: Reachable, followed: set[ast.AST]) -> Mentions:
    """Gather the names of all scopes that can run; docstrings do not count.

    `followed`: literals that are the key of a known reading; they count as names.
    """
    names: set[str] = set()
    texts: set[str] = set()
    for scope in reach.scopes:
        names |= scope.parameters
        docstring = _docstring(scope)
        for node in reach.code[scope]:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if node is not docstring:
                    (names if node in followed else texts).add(node.value)
            else:
                names |= _names_of(node, scope, reach)
    strings = {piece for text in texts if len(text) < LONGEST_PATH for piece in (text, *text.split("."))}
    pieces = {piece for text in texts for piece in re.findall(r"\w+", text)}
    return Mentions(frozenset(names), frozenset(strings), frozenset(pieces))


def _names_of(node: Any, scope: Scope, reach: Reachable) -> set[str]:
    if isinstance(node, ast.Attribute):
        return {node.attr}
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return set() if reach.project.lookup(node.id, scope) else {node.id}
    if isinstance(node, ast.keyword):
        return {node.arg} if node.arg else set()
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and scope.kind == "class":
        return {node.target.id}
    return set()


def _docstring(scope: Scope) -> ast.AST | None:
    first = scope.body[0] if scope.body else None
    return first.value if isinstance(first, ast.Expr) else None


def options(reach: Reachable) -> dict[str | None, tuple[str | None, Place]]:
    """The command line's `--options` by name, each with its default and where it is defined.

    Under None where one has an action of the project's own.
    """
    found: dict[str | None, tuple[str | None, Place]] = {}
    for scope, call in calls_named(reach, "add_argument"):
        default = next((ast.unparse(word.value) for word in call.keywords if word.arg == "default"), None)
        if any(word.arg == "action" and constant(word.value) is None for word in call.keywords):
            found[None] = (None, Place(scope.module.shown, call.lineno))
        for text in filter(None, map(constant, call.args)):
            if str(text).startswith("--"):
                found.setdefault(str(text)[2:].replace("-", "_"), (default, Place(scope.module.shown, call.lineno)))
    return found


def calls_named(reach: Reachable, name: str) -> Iterator[tuple[Scope, ast.Call]]:
    """The calls of functions or methods of this name."""
    return ((scope, call) for scope, call in _calls(reach) if last_name(call) == name)


def literal(reach: Reachable, name: str) -> tuple[Place, str] | None:
    """The line that gives this name a literal value: `p_dropout=0.1` in a call, an assignment, a default."""
    for scope in reach.scopes:
        candidates = [*map(_literal_of, reach.code[scope]), *_defaults(scope)]
        for one, value in filter(None, candidates):
            if one == name and isinstance(value, ast.Constant) and isinstance(value.value, int | float | str):
                return Place(scope.module.shown, value.lineno), f"{name}={value.value!r}"
    return None


def _literal_of(node: ast.AST) -> tuple[str | None, ast.AST] | None:
    match node:
        case ast.keyword(arg=arg, value=value):
            return arg, value
        case ast.Assign(targets=[ast.Name(id=target) | ast.Attribute(attr=target)], value=value):
            return target, value
    return None


def _defaults(scope: Scope) -> list[tuple[str | None, ast.AST] | None]:
    if scope.kind != "function":
        return []
    given = scope.node.args
    found = [*zip(reversed(scope.positional), reversed(given.defaults), strict=False)]
    return [
        *found,
        *((one.arg, value) for one, value in zip(given.kwonlyargs, given.kw_defaults, strict=True) if value),
    ]


def handed_to_a_process(reach: Reachable, loads: Iterator[tuple[Scope, Any]]) -> str | None:
    """Why other programs may read the config file too: a process is started with the same file name."""
    files = {_identity(reach, one, scope) for scope, load in loads for one in _file_expressions(reach, scope, load)}
    for scope, call in _calls(reach):
        if files and PROCESS_STARTERS.fullmatch(ast.unparse(call.func)):
            inside = (node for node in ast.walk(call) if isinstance(node, ast.Name | ast.Attribute))
            if any(_identity(reach, node, scope) in files for node in inside):
                place = Place(scope.module.shown, call.lineno)
                return f"the config file is also handed to {ast.unparse(call.func)} ({place})"
    return None


def _identity(reach: Reachable, node: ast.AST, scope: Scope) -> tuple[str, Scope | None]:
    """A variable with the scope that binds it; `args.config` is the same everywhere."""
    found = reach.project.lookup(node.id, scope) if isinstance(node, ast.Name) else None
    return ast.unparse(node), found.scope if isinstance(found, Variable) else None


def _file_expressions(reach: Reachable, scope: Scope, load: Any) -> Iterator[ast.AST]:
    """How the file is called where a load, or an `open` beside it, names it."""
    opened = [call for call in _calls_of(reach, scope) if last_name(call) == "open"]
    for call in [load, *opened] if isinstance(load, ast.Call) else []:
        yield from (one for one in call.args[:1] if isinstance(one, ast.Name | ast.Attribute))


def _calls_of(reach: Reachable, scope: Scope) -> list[ast.Call]:
    return [node for node in reach.code[scope] if isinstance(node, ast.Call)]


def _calls(reach: Reachable) -> Iterator[tuple[Scope, ast.Call]]:
    for scope in reach.scopes:
        yield from ((scope, call) for call in _calls_of(reach, scope))
