"""A config dialect: how a framework's file is recognised and where each hyperparameter lives in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile
from typing import Any

from diagnose.config.node import Array, Document, Node, Path, Scalar, Table, resolved

_REFERENCE = re.compile(r"\$\{([\w.\-]+)\}|<([\w.\-\[\]]+)>")
MAX_HOPS = 10
"""References followed from one to the next; a longer chain is a circle."""
_STEP = re.compile(r"\[(?:(\d+)|(\*)|([^\]~]+)~([^\]]+))\]|([^.\[\]]+)")


@dataclass(frozen=True, slots=True)
class Place:
    """A way through the tree: `trainer.max_epochs`, `betas[0]`, `callbacks[*].x`, `callbacks[class_path~Early].x`."""

    text: str

    def find(self, document: Document) -> Iterator[tuple[Path, Node]]:
        """Every path that exists, with what is there."""
        if document.root is not None:
            yield from _follow(document.root, _steps(self.text), ())

    def scalar(self, document: Document) -> Any:
        """The first scalar there, references followed; None where there is none."""
        nodes = (follow(document, found) for _, found in self.find(document))
        return next((node.value for node in nodes if isinstance(node, Scalar)), None)


def follow(document: Document, node: Node) -> Scalar | Array | Table | None:
    """What `node` refers to: aliases, `${a.b}` and `!ref <a>` are followed inside the file."""
    for _ in range(MAX_HOPS):
        inside = resolved(node)
        reference = _reference(inside)
        if reference is None:
            return inside
        target = next(Place(reference).find(document), None)
        if target is None or target[1] is node:
            return None
        node = target[1]
    return None


def _reference(node: Scalar | Array | Table) -> str | None:
    """The path that a scalar refers to, where it is a reference and nothing else."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        return None
    match = _REFERENCE.fullmatch(node.value.strip())
    if match is None or (match[2] and node.tag != "!ref"):
        return None
    return match[1] or match[2]


@lru_cache(maxsize=4096)
def _steps(text: str) -> tuple[re.Match[str], ...]:
    return tuple(_STEP.finditer(text))


def _follow(node: Node, steps: tuple[re.Match[str], ...], path: Path) -> Iterator[tuple[Path, Node]]:
    if not steps:
        yield path, node
        return
    index, every, key, pattern, name = steps[0].groups()
    inside = resolved(node)
    if name is not None and isinstance(inside, Table):
        for length, joined in _names(inside, steps):
            child = inside.get(joined)
            if child is not None:
                yield from _follow(child, steps[length:], (*path, joined))
    elif name is None and isinstance(inside, Array):
        for number, item in enumerate(inside.items):
            if every or (index and int(index) == number) or (key and _has(item, key, pattern)):
                yield from _follow(item, steps[1:], (*path, number))


def _names(table: Table, steps: tuple[re.Match[str], ...]) -> Iterator[tuple[int, str]]:
    """The next name, and the longer ones that a key with dots in it may hold (`AdamW.lr`), with their lengths."""
    yield 1, steps[0][5]
    if table.has_dotted_keys:
        names = [name for step in takewhile(lambda step: step[5], steps) if (name := step[5])]
        yield from ((length, ".".join(names[:length])) for length in range(2, len(names) + 1))


def _has(item: Node, key: str, pattern: str) -> bool:
    item = resolved(item)
    child = item.inside(key) if isinstance(item, Table) else None
    return isinstance(child, Scalar) and re.search(pattern, str(child.value)) is not None


@dataclass(frozen=True, slots=True)
class Conditions:
    """`path: regex` pairs that must all match; `''` as the regex asks for nothing but the path."""

    pairs: tuple[tuple[Place, str], ...] = ()

    def hold(self, document: Document) -> bool:
        """Whether every pair matches in `document`; a path that is not there reads as the empty text."""
        return all(_matches(place, pattern, document) for place, pattern in self.pairs)


ALWAYS = Conditions()
"""No condition."""


def _matches(place: Place, pattern: str, document: Document) -> bool:
    if not pattern:
        return next(place.find(document), None) is not None
    value = place.scalar(document)
    return re.search(pattern, "" if value is None else str(value)) is not None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One place where a hyperparameter may be."""

    place: Place
    unit: str | None = None
    when: Conditions = ALWAYS
    """The candidate counts only where these hold."""
    dead: str = ""
    """Why the framework never reads it; empty where it does."""
    locked: str = ""
    """Why its value must not be rewritten although it is read; empty where it may be."""
    note: str = ""
    doubtful: bool = False
    """Dead in one trainer of the framework and read by another: an edit is made, with the reason shown."""
    neutral: tuple[Any, ...] = ()
    """Values, besides null, under which a second copy says nothing and may stay as it is."""
    share: str = ""
    """Of what a fraction is a share, where the framework takes a fraction too: `run` or `epoch`."""
    pair: Place | None = None
    """Where the second number is when a pair (`betas`) is written as two keys."""
    default: Any = None
    """What the framework uses where the file does not give it; None: not known."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that holds for a file under conditions: a reason, a path, a family."""

    text: str
    when: Conditions = ALWAYS


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest learning rate of a schedule that computes it: rate * width^-0.5 * warmup^-0.5 (Noam).

    Source of the formula: Vaswani et al. 2017, section 5.3, at step = warmup. Each part is a number, or the
    path of one.
    """

    rate: tuple[float | str, ...]
    """The first that the file gives counts."""
    width: tuple[float | str, ...] = (1.0,)
    warmup: tuple[float | str, ...] = (1.0,)
    when: Conditions = ALWAYS

    def value(self, document: Document) -> float | None:
        """The peak; None where the conditions do not hold or a number is missing."""
        parts = [_first_number(options, document) for options in (self.rate, self.width, self.warmup)]
        rate, width, warmup = parts
        if not self.when.hold(document) or rate is None or not width or not warmup or min(width, warmup) <= 0:
            return None
        return float(rate * (width * warmup) ** -0.5)


def _first_number(options: tuple[float | str, ...], document: Document) -> float | None:
    for option in options:
        value = Place(option).scalar(document) if isinstance(option, str) else option
        try:
            return float(value)
        except (TypeError, ValueError):
            continue
    return None


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a file of the dialect holds."""

    every: tuple[Place, ...] = ()
    any: tuple[Place, ...] = ()
    none: tuple[Place, ...] = ()
    value: Conditions = ALWAYS
    text: tuple[re.Pattern[str], ...] = ()
    """One of them must be found in the raw text."""

    def fits(self, document: Document) -> bool:
        """Whether `document` looks like this."""

        def there(place: Place) -> bool:
            return next(place.find(document), None) is not None

        return (
            all(map(there, self.every))
            and (not self.any or any(map(there, self.any)))
            and not any(map(there, self.none))
            and self.value.hold(document)
            and (not self.text or any(pattern.search(document.text) for pattern in self.text))
        )


@dataclass(frozen=True, slots=True)
class Phrase:
    """A hyperparameter by the words that its key is made of."""

    name: str
    """Canonical."""
    needs: tuple[frozenset[str], ...]
    """One word of each."""
    allowed: frozenset[str]
    """These and the words that change nothing."""

    def means(self, words: frozenset[str]) -> bool:
        """Whether the words say this and nothing else."""
        return words <= self.allowed and all(words & group for group in self.needs)


@dataclass(frozen=True, slots=True)
class Word:
    """One of the words for a hyperparameter."""

    name: str
    """Canonical."""
    number: int
    """0 is the best word."""
    around: tuple[str, ...] = ()
    """Sections that the word asks for."""


@dataclass(frozen=True, slots=True)
class Synonyms:
    """How a config of no known framework is read: by the usual names, in the usual sections."""

    words: Mapping[str, tuple[Word, ...]]
    """By the key that they end in: `optimizer.lr` asks for the section too."""
    sections: tuple[str, ...]
    """Sections whose keys are about training, best first; `""` is the top level."""
    never: frozenset[str]
    """Sections whose keys are about something else."""
    anywhere: frozenset[str]
    """Words that mean the same in sections of any other name too."""
    elsewhere: Mapping[str, frozenset[str]]
    """Canonical name -> sections in which its words mean something else (`patience` of a scheduler)."""
    phrases: Mapping[str, tuple[Phrase, ...]]
    """What a key may be made of where it is none of `words`, by each word of the first that it needs."""


@dataclass(frozen=True)
class Dialect:
    """How one framework writes its training config."""

    name: str
    title: str
    order: int
    """Lower is tried first: the specific before the general."""
    syntaxes: tuple[str, ...]
    fingerprints: tuple[Fingerprint, ...]
    keys: Mapping[str, tuple[Candidate, ...]]
    add: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    """Canonical name -> the path that the framework reads when it is written there."""
    forbid: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    """Canonical name -> why the config cannot set it."""
    command_line: Mapping[str, str] = field(default_factory=dict)
    """Canonical name -> the flag that sets it instead."""
    families: tuple[Rule, ...] = ()
    """The model family of the loss-target tables."""
    peaks: tuple[Peak, ...] = ()
    """How the schedule's highest learning rate follows from the file, where it is not the learning rate itself."""
    read_only: tuple[Rule, ...] = ()
    """Why a file of this dialect is a record that nothing reads back."""
    training: bool = True
    text_numbers: bool = True
    """Whether the framework itself turns the text `5e-5` into a number."""
    synonyms: Synonyms | None = None
    usual_names: frozenset[str] = frozenset()
    """Canonical names that the framework leaves to its users' own classes: looked up by the usual words too."""

    def fits(self, document: Document) -> bool:
        """Whether `document` is written in this dialect."""
        return document.syntax in self.syntaxes and any(print_.fits(document) for print_ in self.fingerprints)


def first_rule(rules: tuple[Rule, ...], document: Document) -> str | None:
    """The text of the first rule whose conditions hold."""
    return next((rule.text for rule in rules if rule.when.hold(document)), None)
