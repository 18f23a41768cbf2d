"""Config dialects as data: how a framework's file is recognised and where each hyperparameter lives in it.

A dialect is one YAML file. Its fields:

- `title`: what it is. `order`: lower is tried first. `syntaxes`: of `yaml`, `json`, `python` (default: the first two).
- `recognise`: fingerprints, one of which must fit. `all`, `any`, `none`: paths; `value`: path -> pattern;
  `text`: patterns, one of which is found in the raw text.
- `keys`: canonical name -> places, best first. A place is a path, or `{path, unit, when, dead, locked, doubtful,
  note, neutral, share, pair}`, see `Candidate`.
- `add`: canonical name -> the path that may be inserted. `forbid`: canonical name -> why it must not be written.
  `read_only`: why the whole file must not. `command_line`: canonical name -> the flag that sets it instead.
  `family`: the model family. Each of them is a text, or a list of texts and of `{text, when: {path: pattern}}`.
- `peak`: `{rate, width, warmup, when}`, see `Peak`. `training: false`: no training config.
- `text_numbers: false`: the framework takes `5e-5` for text. `synonyms`: see `Synonyms`. `files`, `notes`: for people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path as FilePath
from typing import Any

import yaml

from diagnose.config.hyperparameters import HYPERPARAMETERS
from diagnose.config.node import Array, Document, Node, Path, Scalar, Table, resolved
from diagnose.errors import ConfigError
from diagnose.project import preset_texts

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STEP = re.compile(r"\[(?:(\d+)|(\*)|([^\]~]+)~([^\]]+))\]|([^.\[\]]+)")


@dataclass(frozen=True, slots=True)
class Place:
    """A way through the tree: `trainer.max_epochs`, `betas[0]`, `callbacks[*].x`, `callbacks[class_path~Early].x`."""

    text: str

    def find(self, document: Document) -> Iterator[tuple[Path, Node]]:
        """Every path that exists, with what stands there."""
        if document.root is not None:
            yield from _follow(document.root, _steps(self.text), ())

    def scalar(self, document: Document) -> Any:
        """The first scalar there; None where there is none."""
        return next(
            (node.value for _, found in self.find(document) if isinstance(node := resolved(found), Scalar)), None
        )


@cache
def _steps(text: str) -> tuple[re.Match[str], ...]:
    return tuple(_STEP.finditer(text))


def _follow(node: Node, steps: tuple[re.Match[str], ...], path: Path) -> Iterator[tuple[Path, Node]]:
    if not steps:
        yield path, node
        return
    index, every, key, pattern, name = steps[0].groups()
    inside = resolved(node)
    if name is not None and isinstance(inside, Table):
        child = inside.get(name)
        if child is not None:
            yield from _follow(child, steps[1:], (*path, name))
    elif name is None and isinstance(inside, Array):
        for number, item in enumerate(inside.items):
            if every or (index and int(index) == number) or (key and _has(item, key, pattern)):
                yield from _follow(item, steps[1:], (*path, number))


def _has(item: Node, key: str, pattern: str) -> bool:
    item = resolved(item)
    child = item.get(key) if isinstance(item, Table) else None
    child = None if child is None else resolved(child)
    return isinstance(child, Scalar) and re.search(pattern, str(child.value)) is not None


@dataclass(frozen=True, slots=True)
class Conditions:
    """`path: regex` pairs that must all match; `''` as the regex asks for nothing but the path."""

    pairs: tuple[tuple[Place, str], ...] = ()

    def hold(self, document: Document) -> bool:
        """Whether every pair matches in `document`; a path that is not there reads as the empty text."""
        return all(_matches(place, pattern, document) for place, pattern in self.pairs)


def _matches(place: Place, pattern: str, document: Document) -> bool:
    if not pattern:
        return next(place.find(document), None) is not None
    value = place.scalar(document)
    return re.search(pattern, "" if value is None else str(value)) is not None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One place where a hyperparameter may stand."""

    place: Place
    unit: str | None = None
    when: Conditions = Conditions()
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
    """Where the second number stands when a pair (`betas`) is written as two keys."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that holds for a file under conditions: a reason, a path, a family."""

    text: str
    when: Conditions = Conditions()


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
    when: Conditions = Conditions()

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
    value: Conditions = Conditions()
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
class Synonyms:
    """How a config of no known framework is read: by the usual names, in the usual sections."""

    names: Mapping[str, tuple[str, ...]]
    """Canonical name -> what people call it, best first; `optimizer.lr` asks for the section too."""
    sections: tuple[str, ...]
    """Sections whose keys are about training, best first; `""` is the top level."""
    never: frozenset[str]
    """Sections whose keys are about something else."""
    anywhere: frozenset[str]
    """Words that mean the same in sections of any other name too."""
    elsewhere: Mapping[str, frozenset[str]]
    """Canonical name -> sections in which its words mean something else (`patience` of a scheduler)."""


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

    def fits(self, document: Document) -> bool:
        """Whether `document` is written in this dialect."""
        return document.syntax in self.syntaxes and any(print_.fits(document) for print_ in self.fingerprints)


def load_dialect(path: FilePath) -> Dialect:
    """A dialect that the user wrote. Raises ConfigError where it is none."""
    from diagnose.config.document import parse_document, read_text

    text = read_text(path)
    parse_document(
        text, f"{path}.yaml" if path.suffix not in {".yaml", ".yml"} else str(path)
    )  # refuses what is hostile
    return _dialect(text, str(path), path.stem)


@cache
def dialects() -> tuple[Dialect, ...]:
    """Every dialect, shipped or of the project, in the order in which they are tried."""
    known = (_dialect(text, name, name.removesuffix(".yaml")) for name, text in preset_texts("dialects"))
    return tuple(sorted(known, key=lambda dialect: dialect.order))


def recognise(document: Document) -> Dialect:
    """The first dialect whose fingerprint fits; the last one fits everything."""
    return next(dialect for dialect in dialects() if dialect.fits(document))


def _dialect(text: str, source: str, name: str) -> Dialect:
    try:
        return _build(yaml.load(text, _LOADER), name)  # noqa: S506 - the safe loader, in C where there is one
    except (TypeError, ValueError, KeyError, AttributeError, re.error, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{source}: not a dialect: {reason:.200}; see presets/dialects for examples") from None


def _build(data: Mapping[str, Any], name: str) -> Dialect:
    unknown = set(data) - _FIELDS
    if unknown:
        raise ValueError(f"unknown field {min(unknown)!r}; known are {', '.join(sorted(_FIELDS))}")
    strange = {*data.get("keys", {}), *data.get("add", {})} - set(HYPERPARAMETERS)
    if strange:
        raise ValueError(f"{min(strange)!r} is no canonical hyperparameter")
    return Dialect(
        name=name,
        title=str(data["title"]),
        order=int(data.get("order", 0)),
        syntaxes=tuple(data.get("syntaxes", ("yaml", "json"))),
        fingerprints=tuple(_fingerprint(entry) for entry in data.get("recognise", [{}])),
        keys={key: tuple(map(_candidate, entries)) for key, entries in data.get("keys", {}).items()},
        add={key: _rules(entries) for key, entries in data.get("add", {}).items()},
        forbid={key: _rules(entries) for key, entries in data.get("forbid", {}).items()},
        families=_rules(data.get("family", [])),
        peaks=tuple(map(_peak, data.get("peak", []))),
        command_line=data.get("command_line", {}),
        read_only=_rules(data.get("read_only", [])),
        training=bool(data.get("training", True)),
        text_numbers=bool(data.get("text_numbers", True)),
        synonyms=_synonyms(data["synonyms"]) if "synonyms" in data else None,
    )


_FIELDS = {
    *("title", "order", "syntaxes", "recognise", "keys", "add", "forbid", "command_line", "read_only", "training"),
    *("text_numbers", "synonyms", "files", "notes", "family", "peak"),
}


def _conditions(data: Mapping[str, Any] | None) -> Conditions:
    return Conditions(tuple((Place(path), str(pattern)) for path, pattern in (data or {}).items()))


def _rules(data: Any) -> tuple[Rule, ...]:
    """One text, or a list of texts and of `{text, when}`."""
    entries = data if isinstance(data, list) else [data]
    return tuple(
        Rule(entry) if isinstance(entry, str) else Rule(str(entry["text"]), _conditions(entry.get("when")))
        for entry in entries
    )


def first_rule(rules: tuple[Rule, ...], document: Document) -> str | None:
    """The text of the first rule whose conditions hold."""
    return next((rule.text for rule in rules if rule.when.hold(document)), None)


def _candidate(data: Mapping[str, Any] | str) -> Candidate:
    if isinstance(data, str):
        return Candidate(Place(data))
    rest = {key: value for key, value in data.items() if key not in {"path", "when", "neutral", "pair"}}
    pair = Place(data["pair"]) if "pair" in data else None
    return Candidate(
        Place(data["path"]),
        when=_conditions(data.get("when")),
        neutral=tuple(data.get("neutral", ())),
        pair=pair,
        **rest,
    )


def _peak(data: Mapping[str, Any]) -> Peak:
    def options(key: str) -> tuple[float | str, ...]:
        entry = data.get(key, 1.0)
        return tuple(entry) if isinstance(entry, list) else (entry,)

    return Peak(options("rate"), options("width"), options("warmup"), _conditions(data.get("when")))


def _fingerprint(data: Mapping[str, Any]) -> Fingerprint:
    places = {key: tuple(map(Place, data.get(key, ()))) for key in ("any", "none")}
    every = tuple(map(Place, data.get("all", ())))
    for pattern in data.get("text", ()):
        re.compile(pattern)
    return Fingerprint(every, value=_conditions(data.get("value")), text=tuple(data.get("text", ())), **places)


def _synonyms(data: Mapping[str, Any]) -> Synonyms:
    names = {key: tuple(map(str, words)) for key, words in data["names"].items()}
    elsewhere = {key: frozenset(sections) for key, sections in data.get("elsewhere", {}).items()}
    anywhere = frozenset(data.get("anywhere", ()))
    return Synonyms(names, tuple(data["sections"]), frozenset(data["never"]), anywhere, elsewhere)
