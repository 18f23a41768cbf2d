"""Libraries that fill the parameters of functions from a config whose keys are `Function.parameter` (argbind)."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from diagnose.usage.libraries import names_of
from diagnose.usage.reachable import Reachable
from diagnose.usage.report import KeyState, KeyUse, Place, read_by, unknown
from diagnose.usage.syntax import constant, last_name
from diagnose.usage.values import Module, Outside, Scope, Variable


class Binders:
    """The functions and classes whose parameters are keys, and the prefixes `scope/` that the run goes into."""

    def __init__(self, reach: Reachable) -> None:
        self.reach = reach
        self.bound: dict[str, list[Scope | Outside]] = defaultdict(list)
        """By the prefix of their keys; empty for keys without one."""
        self.modules: list[Outside] = []
        """Libraries that are bound whole."""
        self.places: dict[str, Place] = {}
        """Where something is bound under a prefix."""
        self.entered: set[str | int | None] = {""}
        self.used = False
        for scope in reach.scopes:
            for one in getattr(scope.node, "decorator_list", []):
                self._note(one, scope.parent or scope, [scope])
        for scope, call in reach.calls():
            self._note(call, scope, [found for one in call.args[:1] for found in self._behind(one, scope)])

    def _note(self, node: ast.AST, scope: Scope, targets: list[object]) -> None:
        called = self.reach.project.resolve(node.func if isinstance(node, ast.Call) else node, scope)
        if not any(isinstance(one, Outside) and one.top in names_of("binders") for one in called):
            return
        self.used = True
        if last_name(node) == "scope" and isinstance(node, ast.Call):
            self.entered |= {constant(one) for one in [*node.args[1:], *(word.value for word in node.keywords)]}
        words = {word.arg: word.value for word in getattr(node, "keywords", [])}
        bare = isinstance(flag := words.get("without_prefix"), ast.Constant) and bool(flag.value)
        for target in targets:
            if isinstance(target, Module):
                for inner in filter(None, target.scope.names.values()):
                    self.bound["" if bare else inner.name].append(inner)
            elif isinstance(target, Outside) and last_name(node) == "bind_module":
                self.modules.append(target)
            elif isinstance(target, Scope | Outside):
                prefix = "" if bare else _prefix(target)
                self.bound[prefix].append(target)
                self.places[prefix] = Place(scope.module.shown, getattr(node, "lineno", 1))

    def _behind(self, node: ast.AST, scope: Scope) -> Iterator[object]:
        """What is bound: in `Adam = bind(Adam)`, what was imported under the name."""
        for one in self.reach.project.resolve(node, scope):
            if isinstance(one, Variable):
                yield from self.reach.project.imported(one.name, one.scope.module)
            else:
                yield one

    def use(self, path: tuple[str, ...]) -> KeyUse | None:
        """What becomes of a key; None where no such library is used."""
        if not self.used:
            return None
        dotted, (inside, _, name) = ".".join(path), path[0].rpartition("/")
        prefix, _, parameter = name.rpartition(".")
        if None not in self.entered and inside not in self.entered:
            return KeyUse(dotted, KeyState.DEAD, reason=f"nothing goes into the scope {inside!r}")
        for one in self._functions(prefix):
            if parameter in one.parameters and one.uses(parameter):
                return read_by(path, f"parameter of {one.name}", Place(one.module.shown, one.node.lineno))
        foreign = [one.name for one in [*self.bound[prefix], *self.modules] if isinstance(one, Outside)]
        if prefix in self.places and foreign:
            return read_by(path, f"handed to {foreign[0]}", self.places[prefix])
        if prefix == "args" or name.startswith("$"):
            foreign = ["the library that fills parameters"]
        if foreign:
            return unknown(dotted, f"it may be a parameter of {foreign[0]}")
        return KeyUse(dotted, KeyState.DEAD, reason=f"no function that is bound uses a parameter {name}")

    def _functions(self, prefix: str) -> Iterator[Scope]:
        for target in self.bound[prefix]:
            function = target.method("__init__") if isinstance(target, Scope) and target.kind == "class" else target
            if isinstance(function, Scope):
                yield function


def _prefix(target: Scope | Outside) -> str:
    """What Python calls the qualified name."""
    if isinstance(target, Outside):
        return target.name.rpartition(".")[2]
    return f"{target.owner.name}.{target.name}" if target.owner else target.name
