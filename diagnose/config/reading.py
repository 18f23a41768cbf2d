"""The canonical hyperparameters of a config: where each is and what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from diagnose.config.dialect import Candidate, Dialect, follow
from diagnose.config.dialect_files import dialects
from diagnose.config.generic import guesses
from diagnose.config.hyperparameters import HYPERPARAMETERS, NOTHING, Kind, is_written_number, number_of, numbers_in
from diagnose.config.node import COMPUTED, MERGE, Alias, Array, Document, Node, Path, Scalar, Table, children, resolved


@dataclass(frozen=True, eq=False)
class Site:
    """One place in the file where a hyperparameter is written."""

    candidate: Candidate
    path: Path
    node: Node
    """What is at `path`: the value itself, an alias, or a reference such as `${trainer.max_steps}`."""
    source: Scalar | Array | Table | None
    """The value once aliases and references are followed; None where they lead out of the file."""
    value: Any
    """As a plain Python value, text that is a number read as that number."""

    @property
    def unit(self) -> str | None:
        """The unit in which the file counts: a fraction is a share where the framework takes one."""
        share = self.candidate.share and isinstance(self.value, float) and self.value <= 1
        return f"share of the {self.candidate.share}" if share else self.candidate.unit

    @property
    def follows(self) -> bool:
        """Whether the value is written elsewhere."""
        return self.node is not self.source


Sites: TypeAlias = Mapping[str, tuple[Site, ...]]
"""Canonical name -> the places that hold it, the one that counts first."""


def sites(document: Document, dialect: Dialect) -> dict[str, tuple[Site, ...]]:
    """Canonical name -> the places that hold it, the one that counts first. Names that are not there are left out."""
    candidates = dict(dialect.keys)
    if dialect.synonyms is not None:
        candidates = guesses(document, dialect.synonyms) | candidates
    found = {name: tuple(_sites(document, name, entries)) for name, entries in candidates.items()}
    known = {name: _counting_first(name, places) for name, places in found.items() if places}
    if dialect.usual_names - set(known):
        usual = sites(document, dialects()[-1])
        known |= {name: usual[name] for name in sorted(dialect.usual_names) if name in usual and name not in known}
    return known


def _sites(document: Document, name: str, candidates: tuple[Candidate, ...]) -> Iterator[Site]:
    seen: set[Path] = set()
    for candidate in candidates:
        if not candidate.when.hold(document):
            continue
        for path, node in candidate.place.find(document):
            source = follow(document, node)
            value = plain(source) if candidate.pair is None else [plain(source), candidate.pair.scalar(document)]
            kind = HYPERPARAMETERS[name].kind
            holds = kind is Kind.TEXT if isinstance(source, Table) else kind.accepts(value)
            if path not in seen and holds:
                seen.add(path)
                yield Site(candidate, path, node, source, as_number(kind, value))


def _counting_first(name: str, places: tuple[Site, ...]) -> tuple[Site, ...]:
    """A place with a value counts before one that is there but empty, a live one before a dead one.

    A learning rate of 0 means one that the trainer computes (DINO's `lr: 0.` beside `base_lr`); of two switches of half
    precision the one that is on counts.
    """

    def rank(site: Site) -> tuple[bool, bool]:
        nothing = {"learning_rate": 0, "mixed_precision": False}
        empty = site.value is None or (name in nothing and site.value == nothing[name])
        return empty, bool(site.candidate.dead)

    return tuple(sorted(places, key=rank))


def plain(node: Node | None) -> Any:
    """The Python value of a node; a tagged or referring scalar gives None."""
    node = None if node is None else resolved(node)
    if node is None:
        return None
    if isinstance(node, Scalar):
        foreign = node.tag not in {None, "!", COMPUTED} and not str(node.tag).startswith("tag:yaml.org,2002:")
        referring = isinstance(node.value, str) and "${" in node.value
        return None if foreign or referring else node.value
    if isinstance(node, Array):
        return [plain(item) for item in node.items]
    found = {key: plain(child) for key, child in children(node)}
    below = found.pop(MERGE, {})
    for one in below if isinstance(below, list) else [below]:  # the first of several has precedence
        found = {**(one if isinstance(one, dict) else {}), **found}
    return found


def as_number(kind: Kind, value: Any) -> Any:
    """Text that is a number as that number; words for nothing as None."""
    if isinstance(value, str) and value in NOTHING:
        return None
    if kind is Kind.LIST and isinstance(value, str):
        return numbers_in(value) or value
    if kind in {Kind.TEXT, Kind.CHOICE, Kind.SWITCH}:
        return value
    if isinstance(value, list):
        return [as_number(kind, item) for item in value]
    return number_of(value) if isinstance(value, str) and is_written_number(value) else value


def text_numbers(document: Document) -> Iterator[tuple[Path, Scalar]]:
    """Plain YAML scalars that are written like numbers and read as text by PyYAML (`5e-5`, `1e6`)."""
    for path, node in document.scalars() if document.syntax == "yaml" else ():
        if not isinstance(node, Scalar) or node.style or node.tag is not None or not isinstance(node.value, str):
            continue
        if "e" in node.value.lower() and is_written_number(node.value):
            yield path, node


def duplicates(document: Document) -> Iterator[tuple[Path, Scalar]]:
    """Keys that appear twice in one mapping, as (path, the later key): the last one counts. In Python that is usual."""
    for root in () if document.syntax == "python" else document.roots:
        yield from _duplicates((), root)


def _duplicates(path: Path, node: Node) -> Iterator[tuple[Path, Scalar]]:
    seen: set[str] = set()
    for key, _ in node.entries if isinstance(node, Table) else ():
        if str(key.value) in seen:
            yield (*path, str(key.value)), key
        seen.add(str(key.value))
    for name, child in () if isinstance(node, Alias) else children(node):
        yield from _duplicates((*path, name), child)
