"""Which code of a project can run: by name, from what its modules run when they are imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from diagnose.usage.project import Project
from diagnose.usage.references import config_strings
from diagnose.usage.syntax import DEFINITIONS, FUNCTIONS, defaults_of, last_name
from diagnose.usage.values import Outside, Scope

ONLY_BY_NAME = {"classmethod", "staticmethod", "property", "cached_property"}
"""Decorators that do not register what they decorate anywhere."""
MAKE_OBJECTS = {"_target_", "class_path"}  # keys of Hydra and Lightning, which no trainer mentions


class Reachable:
    """The scopes that may run.

    A function runs if its name is mentioned; a method, if its class is reached as well, or has a base outside of the
    project, which may call it. `globals()`, `eval` and `getattr(x, name)()` open the whole module.
    """

    def __init__(self, project: Project, config: Any = None) -> None:
        self.project = project
        self.scopes: list[Scope] = []
        self.code: dict[Scope, list[ast.AST]] = {}
        """The nodes of each, without those of the scopes inside it."""
        self.names: set[str] = set()
        """Every attribute and identifier-like string in code that runs."""
        self._waiting = [module.scope for module in project.modules]
        if project.main and isinstance(project.main.tree.body[-1], FUNCTIONS):  # another program starts it
            self.add(project.main.scope.names.values())
        self._named = list(_named_by(config))
        self.add(project.plugged_in)
        self._go()

    def add(self, found: Iterable[Any]) -> None:
        """Let scopes run, with whatever they mention."""
        for one in found:
            if isinstance(one, Scope) and not one.reached:
                self._waiting += [one, *one.alternatives]

    def calls(self) -> Iterator[tuple[Scope, ast.Call]]:
        """Every call in code that runs."""
        for scope in self.scopes:
            yield from ((scope, node) for node in self.code[scope] if isinstance(node, ast.Call))

    def calls_named(self, name: str) -> Iterator[tuple[Scope, ast.Call]]:
        """The calls of functions or methods of this name, and of the project's classes that have it as a base."""
        classes = (one for one in self.scopes if one.kind == "class")
        names = {name, *(one.name for one in classes if any(name in base.outer_bases for base in one.mro))}
        return ((scope, call) for scope, call in self.calls() if last_name(call) in names)

    def uses(self, func: Scope, parameter: str) -> bool:
        """Whether a function does anything with its parameter; what it saves, all code may read that mentions it."""
        nodes = (node for statement in func.body for node in ast.walk(statement))
        loaded = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        if loaded & {parameter, "locals", "vars"}:
            return True
        others = (one.parameters for one in self.scopes if one is not func)
        return "save_hyperparameters" in func.words and parameter in self.names.union(*others)

    def _go(self) -> None:
        while self._waiting:
            scope = self._waiting.pop()
            if not scope.reached:
                scope.reached = True
                self._visit(scope)
            if not self._waiting:
                self._say_named()

    def _say_named(self) -> None:
        """Classes that the config names are made, but not under a key that nothing mentions, unlike those beside it."""
        mentioned = self.names.union(*(scope.parameters for scope in self.scopes))
        for beside, key, text in self._named:
            if key in mentioned or key in MAKE_OBJECTS or ":" in text or not mentioned & beside:
                self._say(text.rpartition(".")[2])

    def _visit(self, scope: Scope) -> None:
        self.scopes.append(scope)
        if scope.kind == "class":
            self.add(scope.bases)
            open_ended = any(one.outer_bases for one in scope.mro)
            for inner in filter(None, scope.names.values()):
                called = inner.name in self.names or inner.name.startswith("__") or inner.decorators - ONLY_BY_NAME
                if open_ended or called:
                    self.add([inner])
        self.code[scope] = list(self._own_nodes(scope))
        for node in self.code[scope]:
            self._note(node, scope)

    def _own_nodes(self, scope: Scope) -> Iterator[ast.AST]:
        """The nodes that run with a scope; definitions in it are left out, but their decorators and defaults."""
        waiting: list[Any] = [*scope.body, *getattr(scope.node, "decorator_list", [])]
        if scope.kind == "function":
            waiting += defaults_of(scope.node).values()
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Assign) and last_name(node.targets[0]) == "__all__":
                continue  # a package that shows a name does not run it
            if isinstance(node, DEFINITIONS):
                inner = scope.module.scopes[node]
                if isinstance(node, ast.Lambda) or (inner.decorators and scope.kind != "class"):
                    self.add([inner])
                if not isinstance(node, ast.ClassDef):  # the bases of a class run if it does
                    waiting += defaults_of(node).values()
                continue
            yield node
            waiting += ast.iter_child_nodes(node)

    def _note(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, ast.Call):
            self.add(self.project.evaluated(node, scope))
            if isinstance(node.func, ast.Call) and last_name(node.func) == "getattr":  # a method by a computed name
                self.add(scope.module.scopes.values())
        elif isinstance(node, ast.Name):
            found = self.project.lookup(node.id, scope)
            self.add(found)
            if node.id in {"globals", "eval", "exec"} and not found:
                self.add(scope.module.scope.names.values())
        elif isinstance(node, ast.Attribute):
            found = self.project.resolve(node, scope)
            self.add(found)
            if not any(isinstance(one, Outside) for one in found):  # `torch.load` is no method of the project
                self._say(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            self._say(node.value)
            self.add([scope.module.scope.names.get(node.value)])

    def _say(self, name: str) -> None:
        """Whatever function, or method of a reached class, has this name may run."""
        if name not in self.names:
            self.names.add(name)
            self.add(scope for scope in self.project.by_name.get(name, ()) if not scope.owner or scope.owner.reached)


def _named_by(config: Any) -> Iterator[tuple[frozenset[str], str, str]]:
    """Every text of a config with its key, and the keys beside that one."""
    for key, value in config.items() if isinstance(config, Mapping) else ():
        yield from ((frozenset(config), key, text) for text in config_strings(value) if not isinstance(value, Mapping))
        yield from _named_by(value)
