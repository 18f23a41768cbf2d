"""A config dialect: how a framework's file is recognised and where each hyperparameter lives in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from diagnose.config.node import Document
from diagnose.config.place import ALWAYS, Conditions, Place


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
    text: tuple[str, ...] = ()
    """Regular expressions; one of them must be found in the raw text."""

    def fits(self, document: Document) -> bool:
        """Whether `document` looks like this."""

        def there(place: Place) -> bool:
            return next(place.find(document), None) is not None

        return (
            all(map(there, self.every))
            and (not self.any or any(map(there, self.any)))
            and not any(map(there, self.none))
            and self.value.hold(document)
            and (not self.text or any(re.search(pattern, document.text) for pattern in self.text))
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
