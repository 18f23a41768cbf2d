"""How the config of an unknown framework is read: by the usual names, in the usual sections."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from diagnose.config.dialect import Candidate, Synonyms
from diagnose.config.hyperparameters import HYPERPARAMETERS
from diagnose.config.node import Array, Document, Node, Scalar, Table, children, resolved
from diagnose.config.place import Place
from diagnose.numbers import is_number

MAX_SECTIONS = 4
"""Sections inside one another that are searched; the public configs measured nest hyperparameters three deep."""
MANY = 100
"""From here on an interval whose key names no unit is taken to count steps."""
MOST_PLACES = 50
"""Places of one hyperparameter that are looked at; with as many as that, none of them is rewritten."""
_ENDING = re.compile(r"[_-]?(?:config|configs|params|parameters|args|arguments|settings|options|opts|cfg|conf)$")


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A scalar and the way to it."""

    path: tuple[str, ...]
    value: Any
    siblings: frozenset[str]
    """The keys beside it, in lower case."""

    @property
    def key(self) -> str:
        return self.path[-1].lower()

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections around it, in lower case, without endings such as `_config`."""
        return tuple(_ENDING.sub("", part.lower()) or part.lower() for part in self.path[:-1])


def guesses(document: Document, synonyms: Synonyms) -> dict[str, tuple[Candidate, ...]]:
    """Canonical name -> the places in this document that a person would call by that name, best first."""
    words = _words(synonyms)
    found: dict[str, dict[tuple[str, ...], tuple[tuple[int, int, int], _Leaf]]] = defaultdict(dict)
    for leaf in [] if document.root is None else _leaves(document.root, (), frozenset()):
        if synonyms.never.intersection(leaf.sections):
            continue
        for word in words[leaf.key] if leaf.key in words else _by_phrase(leaf, synonyms):
            rank = _rank(word, leaf, synonyms)
            if rank is not None and _means(word.name, leaf):
                found[word.name].setdefault(leaf.path, (rank, leaf))
    return {name: tuple(_ranked(name, list(matches.values()))) for name, matches in found.items()}


@dataclass(frozen=True, slots=True)
class _Word:
    """One of the words for a hyperparameter."""

    name: str
    number: int
    """0 is the best word."""
    around: tuple[str, ...]
    """Sections that the word asks for."""


def _words(synonyms: Synonyms) -> dict[str, list[_Word]]:
    """Last key -> the words that end in it, the best of each name first."""
    found: dict[str, list[_Word]] = defaultdict(list)
    for name, words in synonyms.names.items():
        for number, word in enumerate(words):
            *around, key = word.lower().split(".")
            found[key].append(_Word(name, number, tuple(around)))
    return found


BY_PHRASE = 1000
"""The number of a word that is none of the list: any that is comes before it."""
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
INTERVALS = frozenset({"every", "each", "freq", "frequency", "interval", "period"})


def _by_phrase(leaf: _Leaf, synonyms: Synonyms) -> Iterator[_Word]:
    """What the words mean that the key is made of; a key that only says how often is read with what is around it."""
    if "[" in leaf.path[-1] or any(_parts(section) & synonyms.never for section in leaf.sections):
        return
    words = _parts(leaf.path[-1])
    if words and words <= INTERVALS:
        words = words.union(*map(_parts, leaf.sections[-2:]))
    for name, phrases in synonyms.phrases.items():
        if any(phrase.means(words) for phrase in phrases):
            yield _Word(name, BY_PHRASE, ())


def _parts(key: str) -> frozenset[str]:
    """The words of `saveEveryNEpochs` and of `save_every_n_epochs`."""
    return frozenset(part.lower() for part in _PART.findall(key))


def _leaves(node: Node, path: tuple[str, ...], siblings: frozenset[str]) -> Iterator[_Leaf]:
    inside = resolved(node)
    if isinstance(inside, Table) and len(path) <= MAX_SECTIONS:
        keys = frozenset(str(key).lower() for key, _ in children(inside))
        for key, child in children(inside):
            parts = str(key).split(".")
            if all(parts) and "[" not in str(key):
                yield from _leaves(child, (*path, *parts), keys)
    elif isinstance(inside, Scalar) and path:
        yield _Leaf(path, inside.value, siblings)
    elif isinstance(inside, Array) and path:
        yield _Leaf(path, [None], siblings)
        for number, item in enumerate(inside.items):
            if isinstance(item, Scalar):
                yield _Leaf((*path[:-1], f"{path[-1]}[{number}]"), item.value, siblings)


def _ranked(name: str, matches: list[tuple[tuple[int, int, int], _Leaf]]) -> Iterator[Candidate]:
    for _, leaf in sorted(matches, key=lambda match: match[0])[:MOST_PLACES]:
        path = ".".join(leaf.path)
        pair = Place(path[:-1] + "2") if _is_first_beta(name, leaf) else None
        yield Candidate(Place(path), unit=_unit(name, leaf), pair=pair)


def _rank(word: _Word, leaf: _Leaf, synonyms: Synonyms) -> tuple[int, int, int] | None:
    """Lower is better: section, word, depth. None where the sections around the leaf give it another meaning."""
    sections = leaf.sections
    if synonyms.elsewhere.get(word.name, frozenset()).intersection(sections):
        return None
    if word.around and word.around != sections[len(sections) - len(word.around) :]:
        return None
    first = sections[0] if sections else ""
    if first in synonyms.sections:
        return synonyms.sections.index(first), word.number, len(sections)
    return (len(synonyms.sections), word.number, len(sections)) if leaf.key in synonyms.anywhere else None


def _means(name: str, leaf: _Leaf) -> bool:
    """Whether the value and the keys beside it agree with the name."""
    if isinstance(leaf.value, list) and name == "max_steps":
        return False  # milestones, not a length
    if name == "early_stopping_patience" and leaf.key == "patience":
        of_scheduler = any(key.endswith("factor") for key in leaf.siblings)
        return not of_scheduler or any(key.endswith("_patience") or "early_stop" in key for key in leaf.siblings)
    if leaf.key == "warmup" and is_number(leaf.value):
        return (0 < leaf.value < 1) == (name == "warmup_ratio")
    return True


def _is_first_beta(name: str, leaf: _Leaf) -> bool:
    return name == "betas" and leaf.key.endswith("1") and leaf.key[:-1] + "2" in leaf.siblings


def _unit(name: str, leaf: _Leaf) -> str | None:
    """The unit that follows from the key or the size of the value; None where neither says it."""
    unit = HYPERPARAMETERS[name].unit
    if unit != "steps" or name in {"max_steps", "warmup_steps"}:
        return unit
    if "epoch" in leaf.key:
        return "epochs"
    if re.search("step|iter|update|batch", leaf.key):
        return "steps"
    many = isinstance(leaf.value, int) and leaf.value >= MANY
    return "steps" if many else None
