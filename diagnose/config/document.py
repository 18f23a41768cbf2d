"""From a path to the tree of a config, with the files that it builds on.

Those are Hydra's groups, mmengine's `_base_`, detectron2's `_BASE_`, argbind's `$include`. They are read in place,
never searched for elsewhere and never written. What is missing is named.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from diagnose.config._json import GAP, read_json
from diagnose.config._python import read_python
from diagnose.config._toml import read_toml
from diagnose.config._yaml import read_yaml
from diagnose.config.node import (
    MAX_BYTES,
    Array,
    Document,
    Inherited,
    Node,
    Scalar,
    Table,
    children,
    key_text,
    resolved,
)
from diagnose.errors import ConfigError

_OPENS_JSON = re.compile(r"\{\s*(?:\"|//|/\*)")


def read_text(path: Path) -> str:
    """The exact text of a file: a BOM and the line ends stay. Raises ConfigError where it is no text or too large."""
    if path.exists() and not path.is_file():
        raise ConfigError(f"{path}: a folder or device, not a config; give the file itself")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}; check the path") from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES // 2**20} MB: not a training config")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise ConfigError(f"{path}:{line}: a NUL byte: a binary or damaged file, not a config")
    return text


def parse_document(text: str, source: str) -> Document:
    """The tree of `text`; the ending of `source` says how it is written, else its first characters do.

    Raises ConfigError, in one line, where the text does not parse or is out of all proportion.
    """
    ending = source.rpartition(".")[2].lower()
    if ending == "py":
        return read_python(text, source)
    if ending == "toml":
        return read_toml(text, source)
    if ending in {"json", "jsonc"}:
        return read_json(text, source)
    gap = GAP.match(text)  # on its own: one pattern for both would try every way to divide the blanks
    if ending in {"yaml", "yml"} or not _OPENS_JSON.match(text, gap.end() if gap else 0):
        return read_yaml(text, source)
    return read_json(text, source)


BASES = ("_base_", "_BASE_", "$include", "base_config", "__base__")
"""Keys that name whole files: mmengine, detectron2, argbind (descript-audio-codec), DiffSinger, Paddle."""
DEEPEST = 8
"""Files that name one another; a longer chain is a circle."""
MOST_FILES = 64
LEVELS_UP = 6
"""Folders above the config where a path counted from the project's root may start."""
_PACKAGE = re.compile(r"\A(?:\s*#[^\n]*\n)*?\s*#\s*@package\s+(\S+)")


def with_inherited(document: Document, path: Path) -> tuple[Document, tuple[str, ...]]:
    """The document with the files that it builds on, and one line on each of them that is not there."""
    search = _Search(path.resolve().parent)
    search.seen.add(path.resolve())
    under, over = search.layers(document, path.resolve(), "", 0)
    return replace(document, under=tuple(under), over=tuple(over)), tuple(search.missing)


class _Search:
    """One walk through the files that name one another."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.missing: list[str] = []
        self.seen: set[Path] = set()

    def layers(self, document: Document, path: Path, group: str, depth: int) -> tuple[list[Inherited], list[Inherited]]:
        """What holds under the document and what over it, the weakest first."""
        under = [layer for name in _bases(document.own) for layer in self.base(name, path, depth)]
        over: list[Inherited] = []
        into = under
        for entry in _defaults(document.own):
            if entry.name == "_self_":
                into = over
            else:
                into += self.grouped(entry, path, group, depth)
        return under, over

    def base(self, name: str, path: Path, depth: int) -> Iterator[Inherited]:
        """A whole file, named by its path."""
        for file, document in self.read(name, path, "", depth):
            yield from self.flat(document, file, "", depth)

    def grouped(self, entry: _Default, path: Path, group: str, depth: int) -> Iterator[Inherited]:
        """A file of a Hydra group, put where its package says."""
        home = entry.group.removeprefix("/") if entry.group.startswith("/") else _joined(group, entry.group)
        if any(one.startswith("hydra/") for one in (entry.group, home)):
            return  # of Hydra itself: how it logs and launches
        own = home.replace("/", ".")
        name = f"{_joined(home, entry.name.removesuffix('.yaml'))}.yaml"
        for file, document in self.read(name, path, group, depth, must=not entry.optional):
            header = _PACKAGE.match(document.text)
            named = entry.package or (header[1] if header else "") or own
            package = {"_global_": "", "__global__": "", "_group_": own}.get(named, named)
            for layer in self.flat(document, file, home, depth):
                yield replace(layer, root=_inside(package, layer.root))

    def flat(self, document: Document, file: Path, group: str, depth: int) -> list[Inherited]:
        """A file with all that it builds on."""
        under, over = self.layers(document, file, group, depth + 1)
        own = [] if document.own is None else [Inherited(self.shown(file), _without_lists(document.own))]
        return [*under, *own, *over]

    def read(
        self, name: str, path: Path, group: str, depth: int, *, must: bool = True
    ) -> Iterator[tuple[Path, Document]]:
        """The file of this name and its tree; none where it is not there, was read before or cannot be read.

        `must`: whether it is missing where it is not there.
        A file counts once, where it is named first: so do DiffSinger's and NATSpeech's own loaders.
        """
        file = self.found(name, path, group, must=must)
        if file is None or file in self.seen:
            return
        self.seen.add(file)
        if depth >= DEEPEST or len(self.seen) > MOST_FILES:
            self.missing.append(f"{self.shown(file)}, which it builds on, is not read: too many files name one another")
            return
        try:
            yield file, parse_document(read_text(file), self.shown(file))
        except ConfigError as error:
            self.missing.append(f"not read: {error}")

    def found(self, name: str, path: Path, above_group: str, *, must: bool) -> Path | None:
        """The file beside the one that names it, else below one of the folders above it."""
        name = name.removeprefix("./")
        if name.startswith(("/", "~")) or "://" in name or "::" in name or "${" in name or "{{" in name:
            self.missing.append(f"{name}, which it builds on, is not read")
            return None
        folder = path.parent
        for _ in PurePosixPath(above_group).parts:
            folder = folder.parent
        for place in (folder, path.parent, *list(folder.parents)[:LEVELS_UP]):
            for candidate in (place / name, place / f"{name}.py", place / f"{name}.yaml"):
                with suppress(OSError, ValueError):  # a name that no file can have, a folder that may not be listed
                    if candidate != path and candidate.is_file():
                        return candidate
        if must:
            self.missing.append(f"{name}, which it builds on, is not here: what it sets is not known")
        return None

    def shown(self, file: Path) -> str:
        """The path from the config's folder."""
        return os.path.relpath(file, self.home).replace(os.sep, "/")


@dataclass(frozen=True, slots=True)
class _Default:
    """One entry of a Hydra `defaults` list."""

    group: str
    name: str
    package: str = ""
    optional: bool = False


def _defaults(root: Node | None) -> Iterator[_Default]:
    listed = root.inside("defaults") if isinstance(root, Table) else None
    for item in map(resolved, listed.items) if isinstance(listed, Array) else ():
        if isinstance(item, Scalar) and isinstance(item.value, str):
            yield _Default("", item.value)
        elif isinstance(item, Table):
            for key, child in children(item):
                *flags, group = str(key).split() or [""]
                yield from _chosen(group, resolved(child), optional="optional" in flags)


def _chosen(group: str, choice: Node, *, optional: bool) -> Iterator[_Default]:
    group, _, package = group.partition("@")
    names = choice.items if isinstance(choice, Array) else (choice,)
    for name in map(resolved, names):
        if isinstance(name, Scalar) and isinstance(name.value, str):
            yield _Default(group, name.value, package, optional)


def _bases(root: Node | None) -> Iterator[str]:
    for key in BASES if isinstance(root, Table) else ():
        named = root.inside(key) if isinstance(root, Table) else None
        for name in map(resolved, named.items) if isinstance(named, Array) else (named,):
            if isinstance(name, Scalar) and isinstance(name.value, str) and name.value:
                yield name.value


def _joined(group: str, name: str) -> str:
    return "/".join(filter(None, (group, name)))


def _inside(package: str, root: Node) -> Node:
    """The node under the sections of `package`."""
    for name in reversed(package.split(".") if package else []):
        key = Scalar(root.start, root.start, root.line, name)
        root = Table(root.start, root.end, root.line, ((key, root),))
    return root


def _without_lists(root: Node) -> Node:
    """The tree without the keys that name other files: they are about the file that holds them."""
    if not isinstance(root, Table):
        return root
    kept = tuple(entry for entry in root.entries if key_text(entry[0]) not in {"defaults", *BASES})
    return Table(root.start, root.end, root.line, kept, root.flow)
