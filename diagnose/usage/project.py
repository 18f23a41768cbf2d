"""The modules of a trainer's project, found by following imports; nothing is executed."""

from __future__ import annotations

import ast
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from diagnose.errors import SourceError
from diagnose.usage.files import LEVELS_UP, file_of, python_files, root_of
from diagnose.usage.libraries import is_familiar
from diagnose.usage.references import config_strings
from diagnose.usage.syntax import (
    DEFINITIONS,
    constant,
    defaults_of,
    drop_unreachable,
    is_main_block,
    key_pattern,
    last_name,
)
from diagnose.usage.values import Module, Outside, Scope, Variable

MOST_BYTES = 2_000_000  # a larger file was not written by hand
DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
PACKAGE = re.compile(r"\w+(\\\.\w+)*\\\.")  # what a pattern begins with
Bindings = tuple[Variable | Scope | Module | Outside, ...]
"""What a name may be bound to: several where several imports bind it."""


class Project:
    """The trainer's module and all that it imports, each with its scopes."""

    def __init__(self, trainer: Path, config_file: Path | None, config: Mapping[str, Any]) -> None:
        self.trainer = trainer.resolve()
        self.root = root_of(self.trainer, config_file)
        self.notes: list[str] = []
        """One line for each file that could not be read."""
        self.by_name: dict[str, list[Scope]] = defaultdict(list)
        """Every function and class of the project by its name."""
        self.computed_imports: list[str] = []
        """Where modules are imported by names that only the run knows, and that no text of the config gives."""
        self.plugins: list[Module] = []
        """Those that are imported by a name of which only the package is known."""
        self._found: dict[Path, Module | None] = {}
        self._unlinked: list[Module] = []
        self.main = self._open(self.trainer)
        """None where the trainer itself is no Python; `notes` says so."""
        for text in filter(DOTTED.fullmatch, config_strings(config)):  # `_target_`, registries
            self._find_named(text.split("."))
        named_by_config = len(self._found) > 1
        self._link_all()
        if config_file and config_file.suffix == ".py" and self.imports("ml_collections"):
            self._open(config_file)  # the command line names it
            self._link_all()
        self.computed_imports *= not named_by_config
        self.config_module = self._found.get(config_file.resolve()) if config_file else None
        """The config itself, where it is a Python file that the trainer imports: its variables are the keys."""
        for scope in [scope for module in self.modules for scope in module.scopes.values()]:
            if scope.kind == "class":
                self._link_bases(scope)

    @property
    def modules(self) -> list[Module]:
        """Those that could be read, in the order in which they were found."""
        return [module for module in self._found.values() if module is not None]

    # --- files

    def _open(self, path: Path) -> Module | None:
        path = path.resolve()
        if path not in self._found:
            shown = str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)
            tree = self._parse(path, shown)
            self._found[path] = None if tree is None else Module(path, tree, shown)
            module = self._found[path]
            if module is not None:
                self._bind(module.tree.body, module.scope)
                self._unlinked.append(module)
        return self._found[path]

    def _parse(self, path: Path, shown: str) -> ast.Module | None:
        try:
            if path.stat().st_size > MOST_BYTES:
                raise SourceError(f"{path.stat().st_size} bytes, more than a hand-written module has")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(path.read_bytes())
            if path != self.trainer:
                tree.body = [one for one in tree.body if not is_main_block(one)]
            drop_unreachable(tree)
            return tree
        except OSError as error:
            self.notes.append(f"{shown}: {error.strerror or error}")
        except SyntaxError as error:
            self.notes.append(f"{shown}:{error.lineno or 1}: not valid Python ({error.msg})")
        except (SourceError, ValueError, RecursionError, MemoryError) as error:
            self.notes.append(f"{shown}: cannot be read ({error})")
        return None

    def _bind(self, body: Iterable[ast.AST], scope: Scope) -> None:
        """Make the scopes below, and note the names that are bound in this one."""
        waiting = list(body)
        while waiting:
            node = waiting.pop()
            if isinstance(node, DEFINITIONS):
                waiting += self._define(node, scope)
                continue
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
                scope.names.setdefault(node.id, None)
            elif isinstance(node, ast.Global | ast.Nonlocal):
                scope.outer_names |= set(node.names)
            elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
                scope.names.setdefault(node.name, None)
            waiting += ast.iter_child_nodes(node)

    def _define(self, node: Any, scope: Scope) -> list[ast.AST]:
        """The scope of a definition; the expressions of it that belong to the scope around."""
        inner = Scope("class" if isinstance(node, ast.ClassDef) else "function", node, scope.module, scope)
        scope.module.scopes[node] = inner
        if not isinstance(node, ast.Lambda):
            later = scope.names.get(node.name)
            if later is None or scope.kind != "class" or later.decorators & {"setter", "deleter"}:
                scope.names[node.name] = inner  # the last is seen first; of a property, the getter counts
            if later is not None and scope.kind != "class":
                inner.alternatives = [later, *later.alternatives]
            self.by_name[node.name].append(inner)
        self._bind(inner.body, inner)
        outer = [] if inner.kind == "class" else list(defaults_of(node).values())
        return [*outer, *getattr(node, "decorator_list", [])]

    # --- imports

    def _link_all(self) -> None:
        while self._unlinked:
            self._link(self._unlinked.pop())

    def _link(self, module: Module) -> None:
        lazy = "__getattr__" in module.scope.names  # a package that opens a module when a name of it is asked for
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                self._link_import(node, module)
            elif isinstance(node, ast.ImportFrom):
                self._link_from(node, module)
            elif isinstance(node, ast.Call) and node.args and last_name(node) in {"import_module", "__import__"}:
                name = constant(node.args[0])
                if isinstance(name, str):
                    self._find(name.strip(".").split("."), module.path.parent)
                elif not self._link_plugins(node.args[0], module):
                    self.computed_imports.append(f"{module.shown}:{node.lineno}")
            elif lazy and isinstance(node, ast.Constant) and isinstance(node.value, str):
                parts = node.value.strip(".").split(".")
                found = self._find(parts, module.path.parent) if all(map(str.isidentifier, parts)) else None
                module.stars += [found] if found else []

    def _link_plugins(self, name: ast.AST, module: Module) -> bool:
        """Open what `import_module(f"models.{name}_model")` may mean; False if nothing is known of it."""
        nodes = (node for node in ast.walk(module.tree) if isinstance(node, ast.Assign))
        assigned = nodes if isinstance(name, ast.Name) else ()
        texts = [name, *(node.value for node in assigned if last_name(node.targets[0]) == last_name(name))]
        home = module.path.parent
        here = re.escape(".".join(home.relative_to(self.root).parts)) if home.is_relative_to(self.root) else ""
        patterns = [here * one.startswith(r"\.") + one for one in map(key_pattern, texts)]
        patterns = [one for one in patterns if PACKAGE.match(one)]
        for folder in {self.root, self.trainer.parent} if patterns else ():
            for path in python_files(folder):
                dotted = ".".join(path.relative_to(folder).with_suffix("").parts)
                found = self._open(path) if any(re.fullmatch(one, dotted) for one in patterns) else None
                self.plugins += [found] if found else []
        return bool(patterns and self.plugins)

    def _link_import(self, node: ast.Import, module: Module) -> None:
        for alias in node.names:
            first = alias.name.partition(".")[0]
            found = self._find(alias.name.split("."), module.path.parent)
            if not alias.asname and found:
                found = self._find([first], module.path.parent) or found
            home = found or (alias.name if alias.asname else first)
            module.imports.setdefault(alias.asname or first, []).append([(home, None)])

    def _link_from(self, node: ast.ImportFrom, module: Module) -> None:
        folder = module.path.parent
        for _ in range(node.level - 1):
            folder = folder.parent
        find = self._at if node.level else lambda folder, parts: self._find(parts, folder)
        parts = node.module.split(".") if node.module else []
        home = find(folder, parts) if parts or node.level else None
        for alias in node.names:
            sub = find(folder, [*parts, alias.name])
            if alias.name == "*" and home:
                module.stars.append(home)
            else:  # what the package itself binds to the name comes before its module of that name
                homes: list[tuple[Module | str, str | None]] = [(home, alias.name)] if home else []
                homes.append((sub, None) if sub else (".".join(parts), alias.name))
                module.imports.setdefault(alias.asname or alias.name, []).append(homes)

    def _find(self, parts: list[str], near: Path) -> Module | None:
        found = next(filter(None, (self._at(folder, parts) for folder in self._search_path(parts[0], near))), None)
        if found is not None or is_familiar(parts[0]):
            return found
        homes = [home for home in self._packages.get(parts[0], ()) if file_of(home, parts)]
        outer = [home for home in homes if not (home / "__init__.py").is_file()] or homes  # no part of a package
        outer = [home for home in outer if home.is_relative_to(self.trainer.parent)] or outer
        return self._at(outer[0], parts) if len(outer) == 1 else None

    @cached_property
    def _packages(self) -> Mapping[str, dict[Path, None]]:
        """The folders that hold a package, or a module, of this name: installed, or put on the path by the run."""
        found: dict[str, dict[Path, None]] = defaultdict(dict)
        for path in python_files(self.root):
            for home in (path.with_suffix(""), path.parent):
                found[home.name][home.parent] = None
        return found

    def _search_path(self, package: str, near: Path) -> dict[Path, None]:
        folders = [self.trainer.parent, near]
        for start in (self.trainer.parent, near):
            inside = [one for one in (start, *start.parents) if one.is_relative_to(self.root)]
            folders += [folder for one in inside for folder in (one, one / "src")]
        folders += [
            one.parent for one in list(self.trainer.parents)[:LEVELS_UP] if one.name == package
        ]  # src/pkg/train/
        return dict.fromkeys(folders)

    @cached_property
    def words_elsewhere(self) -> frozenset[str]:
        """Every word in those files of the project that no followed import opens."""
        files = (path for path in python_files(self.root) if path.resolve() not in self._found)
        texts = (path.read_text("utf-8", "replace") for path in files if path.stat().st_size <= MOST_BYTES)
        return frozenset(word for text in texts for word in re.findall(r"\w+", text))

    def _find_named(self, parts: list[str]) -> None:
        folders = self._search_path(parts[0], self.trainer.parent)
        for end in range(len(parts), 0, -1):
            if any(self._at(folder, parts[:end]) for folder in folders):
                return

    def _at(self, folder: Path, parts: list[str]) -> Module | None:
        file = file_of(folder, parts)
        if file or folder.joinpath(*parts).is_dir():
            for depth in range(1, len(parts)):  # packages run their __init__
                package = folder.joinpath(*parts[:depth]) / "__init__.py"
                if package.is_file():
                    self._open(package)
        return self._open(file) if file else None

    def _link_bases(self, scope: Scope) -> None:
        for node in scope.node.bases:
            found = self.resolve(node, scope.parent or scope)
            own = [one for one in found if isinstance(one, Scope) and one.kind == "class" and one is not scope]
            scope.bases += own
            if (not found or len(own) < len(found)) and last_name(node) != "object":
                outside = [one for one in found if isinstance(one, Outside)]
                scope.outer_bases.append(outside[0].name.rpartition(".")[2] if outside else last_name(node))
                scope.strange_bases += [one.name for one in outside if not is_familiar(one.top)]

    def imports(self, library: str) -> bool:
        """Whether any module imports a library."""
        found = (one for module in self.modules for listed in module.imports.values() for one in listed)
        return any(str(home).partition(".")[0] == library for homes in found for home, _ in homes)

    # --- names

    @property
    def plugged_in(self) -> list[Scope]:
        """What the modules define that are imported by a name of which only the package is known."""
        return [one for module in self.plugins for one in module.scope.names.values() if one]

    def named(self, texts: list[str]) -> list[Scope]:
        """The functions and classes that texts side by side name: `pkg.module.Class`, or a module and a class."""
        found = []
        for text in texts:
            home, _, name = text.rpartition(".")
            scopes = [one for one in self.by_name.get(name, ()) if one.parent is one.module.scope]
            homes = [one for one in [home, *texts] if one]
            placed = [one for one in scopes if any(one.module.is_at(its) for its in homes)]
            found += placed or ([] if is_familiar(home.partition(".")[0]) else scopes)
        return found

    def evaluated(self, call: ast.Call, scope: Scope) -> list[Scope]:
        """The functions and classes that `eval("models." + name)` may be."""
        pattern = key_pattern(call.args[0]) if call.args and last_name(call) == "eval" else ""
        home, name = (pattern.split(r"\.")[at] for at in (0, -1))
        if name.isidentifier() and name != home:
            return [one for one in self.by_name[name] if one.parent is one.module.scope]
        modules = [one for one in self.lookup(home, scope) if isinstance(one, Module)]
        found = [self.in_module(one, module) for module in modules for one in {*module.scope.names, *module.imports}]
        return [one for bindings in found for one in bindings if isinstance(one, Scope)]

    def lookup(self, name: str, scope: Scope) -> Bindings:
        """What a name may be bound to, seen from `scope`."""
        at: Scope | None = scope
        while at is not None:
            if name in at.names and name not in at.outer_names and (at.kind != "class" or at is scope):
                return (at.names[name] or Variable(at, name),)
            at = at.parent
        return self.in_module(name, scope.module)

    def in_module(self, name: str, module: Module, seen: frozenset[Module] = frozenset()) -> Bindings:
        """What a module has under `name`, imported names included."""
        if module in seen:
            return ()
        if name in module.scope.names:
            return (module.scope.names[name] or Variable(module.scope, name),)
        starred = (self.in_module(name, star, seen | {module}) for star in module.stars)
        return self.imported(name, module, seen) or next(filter(None, starred), ())

    def imported(self, name: str, module: Module, seen: frozenset[Module] = frozenset()) -> Bindings:
        """What the imports of a module bind to `name`, whatever is assigned to it later."""
        found = [self._imported(homes, seen | {module}) for homes in module.imports.get(name, ())]
        return tuple(dict.fromkeys(one for bindings in found for one in bindings))

    def _imported(self, homes: list[tuple[Module | str, str | None]], seen: frozenset[Module]) -> Bindings:
        for home, attribute in homes:
            if isinstance(home, str):
                return (Outside(f"{home}.{attribute}" if attribute else home),)
            found = self.in_module(attribute, home, seen) if attribute else (home,)
            if found:
                return found
        return ()

    def resolve(self, node: ast.AST, scope: Scope) -> Bindings:
        """What a (dotted) name may be bound to, as far as it needs no values."""
        if isinstance(node, ast.Name):
            return self.lookup(node.id, scope)
        if not isinstance(node, ast.Attribute):
            return ()
        return tuple(found for base in self.resolve(node.value, scope) for found in self.attribute(base, node.attr))

    def attribute(self, base: Variable | Scope | Module | Outside, name: str) -> Bindings:
        """What a name of a module, a class or a library may be bound to."""
        if isinstance(base, Module):
            beside = self._found.get((base.path.parent / f"{name}.py").resolve())
            return self.in_module(name, base) or ((beside,) if beside else ())
        if isinstance(base, Outside):
            return (Outside(f"{base.name}.{name}"),)
        found = base.names.get(name) if isinstance(base, Scope) and base.kind == "class" else None
        return (found,) if found else ()
