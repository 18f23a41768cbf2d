"""The Python files of a trainer's project: found, parsed and resolved by import name; nothing is executed."""

from __future__ import annotations

import ast
import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from diagnose.errors import SourceError
from diagnose.keyflow._known import is_familiar

MOST_BYTES = 2_000_000  # the largest hand-written modules known (sympy, torch) stay below 1 MB
MOST_FILES = 20_000  # names looked at below the project's folder; parsed are only those imported
MOST_PARENTS = 4  # examples/x/recipes/train.py: deeper nests are not known
MARKS = (".git", "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "README.md")
SKIPPED_FOLDERS = {".git", ".venv", "venv", "env", "node_modules", "__pycache__", "site-packages", ".tox", "build"}


@dataclass(frozen=True, eq=False)
class SourceFile:
    """One parsed module."""

    path: Path
    shown: str
    """Its name for people, relative to the project where it can be."""
    tree: ast.Module
    package: tuple[str, ...] = ()
    """The dotted name of the package that it lies in, for relative imports."""


@dataclass
class Project:
    """Where the trainer's modules lie, and those parsed so far."""

    trainer: Path
    config_file: Path | None = None
    root: Path = field(init=False)
    notes: list[str] = field(default_factory=list)
    _files: dict[str, list[Path]] = field(default_factory=dict)
    _parsed: dict[Path, SourceFile | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.trainer = self.trainer.absolute()
        self.root = _project_root(self.trainer.parent, self.config_file)

    @property
    def sources(self) -> list[SourceFile]:
        """Every module parsed so far."""
        return [source for source in self._parsed.values() if source is not None]

    def seed(self, source: SourceFile) -> None:
        """Count a file that was parsed elsewhere among those of the project."""
        self._parsed[source.path] = source

    def open(self, path: Path) -> SourceFile | None:
        """The parsed file, or None (with a note) if it is no Python that can be parsed."""
        if path not in self._parsed:
            try:
                self._parsed[path] = self.parse(path)
            except SourceError as error:
                self._parsed[path] = None
                self.notes.append(str(error))
        return self._parsed[path]

    def parse(self, path: Path) -> SourceFile:
        """The parsed file. Raises SourceError, in one line."""
        shown = self.show(path)
        try:
            if path.stat().st_size > MOST_BYTES:
                raise SourceError(f"{shown}: {path.stat().st_size} bytes are more than a hand-written module has")
            text = path.read_bytes()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(text, filename=shown)
        except OSError as error:
            raise SourceError(f"{shown}: {error.strerror or error}") from None
        except SyntaxError as error:
            raise SourceError(f"{shown}:{error.lineno or 1}: not valid Python ({error.msg})") from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise SourceError(f"{shown}: cannot be parsed ({type(error).__name__})") from None
        return SourceFile(path, shown, tree, self._package(path))

    def show(self, path: Path) -> str:
        """The path as people see it."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)

    def find(self, name: str, near: SourceFile, level: int = 0) -> Path | None:
        """The file of the module `name` as imported in `near` (`level` dots before it), or None if it is not ours."""
        parts = [part for part in name.split(".") if part]
        if level:
            folder = near.path.parent
            for _ in range(level - 1):
                folder = folder.parent
            return _module_file(folder, parts)
        if not parts:
            return None
        for folder in self._search_path(near, parts[0]):
            found = _module_file(folder, parts)
            if found is not None:
                return found
        return self._by_suffix(parts)

    def _search_path(self, near: SourceFile, package: str) -> list[Path]:
        folders = [self.trainer.parent]
        folders += [folder.parent for folder in near.path.parents if folder.name == package]
        for start in (self.trainer.parent, near.path.parent):
            folder = start
            while folder.is_relative_to(self.root):
                folders += [folder, folder / "src"]
                if folder == self.root:
                    break
                folder = folder.parent
        return list(dict.fromkeys(folders))

    def _by_suffix(self, parts: list[str]) -> Path | None:
        """A module that `sys.path` tricks make importable: the only file of the project with that ending."""
        if is_familiar(parts[0]):
            return None
        if not self._files:
            self._files = _python_files(self.root)
        tail = "/".join(parts)
        ends = (f"/{tail}.py", f"/{tail}/__init__.py")
        names = [path for key in (parts[-1], "__init__") for path in self._files.get(key, [])]
        found = [path for path in names if f"/{path.as_posix()}".endswith(ends)]
        return found[0] if len(found) == 1 else None

    def _package(self, path: Path) -> tuple[str, ...]:
        folder = path.parent
        return folder.relative_to(self.root).parts if folder.is_relative_to(self.root) else ()


def _project_root(folder: Path, config_file: Path | None) -> Path:
    """The nearest folder that looks like a project's; else the nearest that holds trainer and config; else `folder`."""
    above = [folder, *folder.parents][: MOST_PARENTS + 1]
    marked = (parent for parent in above if any((parent / mark).exists() for mark in MARKS))
    config = folder if config_file is None else config_file.absolute()
    shared = (parent for parent in above if parent != Path(parent.anchor) and config.is_relative_to(parent))
    return next(marked, None) or next(shared, folder)


def _module_file(folder: Path, parts: list[str]) -> Path | None:
    target = folder.joinpath(*parts)
    for path in (target.with_name(f"{target.name}.py"), target / "__init__.py") if parts else (target / "__init__.py",):
        if path.is_file():
            return path
    return target if parts and target.is_dir() and any(target.glob("*.py")) else None


def _python_files(root: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    count = 0
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS and not name.startswith(".")]
        for name in names:
            if name.endswith(".py"):
                found.setdefault(name[:-3], []).append(Path(folder) / name)
        count += len(names)
        if count > MOST_FILES:
            break
    return found
