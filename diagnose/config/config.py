"""A training config: what it says in canonical names, and the same text with other values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from diagnose.config.dialect import Dialect, first_rule
from diagnose.config.dialect_files import dialects, load_dialect, recognise
from diagnose.config.document import parse_document, read_text, with_inherited
from diagnose.config.edit import float_text
from diagnose.config.hyperparameters import HYPERPARAMETERS, TRAINING, Kind
from diagnose.config.node import Document, Table, dotted
from diagnose.config.reading import Site, Sites, duplicates, plain, sites, text_numbers
from diagnose.config.rewrite import Rewrite, Value, companions, rewritten
from diagnose.errors import ConfigError, unforeseen
from diagnose.numbers import PlainValue


@dataclass(frozen=True, slots=True)
class Setting:
    """One canonical hyperparameter as the file gives it."""

    value: Any
    """Plain Python: None where the key is there and empty."""
    path: str
    """Dotted, as in the file; two paths joined by ` + ` where two keys make one pair."""
    line: int
    """1-based."""
    unit: str | None = None
    dead: bool = False
    """The framework, or one of its trainers, never reads the key."""
    note: str = ""
    locked: bool = False
    """It is read and must not be rewritten (a multiplier of a schedule)."""
    file: str = ""
    """The other file in which it is, where the config takes it over (a Hydra group, a `_base_`)."""

    @property
    def where(self) -> str:
        """`line 60`, `line 18 of model/gan.yaml`."""
        return f"line {self.line} of {self.file}" if self.file else f"line {self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the text of the config itself."""

    code: str
    path: str
    line: int
    message: str


@dataclass(frozen=True, eq=False)
class Config:
    """A config file, read."""

    source: str
    text: str
    """Exact: BOM, line ends and comments as in the file."""
    dialect: str
    training: bool
    """False for a voice description, a model card, a compose file: nothing here is trained with."""
    places: Mapping[str, tuple[Setting, ...]]
    """By canonical name, every place that holds it, the one that counts first; what is not there is left out."""
    problems: tuple[Problem, ...]
    document: Document = field(repr=False)
    definition: Dialect = field(repr=False)
    notes: tuple[str, ...] = ()
    """What could not be read of the files that it builds on."""

    @cached_property
    def values(self) -> Mapping[str, Setting]:
        """By canonical name, the place that counts; names that the file does not hold are left out."""
        return {name: places[0] for name, places in self.places.items()}

    @property
    def never_read(self) -> tuple[tuple[str, Setting], ...]:
        """Every place of which the dialect knows that nothing reads it, copies of live ones included."""
        places = ((name, place) for name, found in self.places.items() for place in found)
        return tuple((name, place) for name, place in places if place.dead)

    @property
    def family(self) -> str | None:
        """The model family of the loss-target tables, where the config names it."""
        return first_rule(self.definition.families, self.document) if self.training else None

    @property
    def record(self) -> bool:
        """Whether the file is a record that no trainer reads back."""
        return first_rule(self.definition.read_only, self.document) is not None

    @property
    def learning_rate_peak(self) -> float | None:
        """The highest learning rate that the schedule reaches, where it is not `learning_rate` itself."""
        peaks = (peak.value(self.document) for peak in self.definition.peaks) if self.training else ()
        return next((peak for peak in peaks if peak is not None), None)

    @property
    def in_force(self) -> dict[str, Any]:
        """Canonical name -> the value that the trainer uses: the file's, else the framework's default."""
        places = self.definition.keys.items() if self.training else ()
        defaults = {name: candidate.default for name, found in places for candidate in found[:1]}
        given = {name: setting.value for name, setting in self.values.items()}
        return {**{name: value for name, value in defaults.items() if value is not None}, **given}

    def value(self, name: str) -> Any:
        """The plain value of a canonical hyperparameter; None where the file does not give one."""
        setting = self.values.get(name)
        return None if setting is None else setting.value

    @property
    def text_numbers(self) -> frozenset[str]:
        """Canonical names whose number the framework would get as text (`5e-5`)."""
        places = {problem.path for problem in self.problems if problem.code == "CFG002"}
        return frozenset(name for name, setting in self.values.items() if setting.path in places)

    @property
    def doubled(self) -> tuple[str, ...]:
        """One line on each key that appears twice."""
        return tuple(f"line {problem.line}: {problem.message}" for problem in self.problems if problem.code == "CFG003")

    def tree(self) -> dict[str, Any]:
        """The file itself as plain Python, aliases and merges written out, references to other keys as None."""
        tree = plain(self.document.own)
        return tree if isinstance(tree, dict) else {}

    def companions(self, changes: Mapping[str, Value]) -> tuple[tuple[str, str, PlainValue], ...]:
        """What else must change with `changes`: (why, canonical name, value) of the rates that follow."""
        return tuple(companions(sites(self.document, self.definition), changes))

    def edited(self, text: str) -> Config:
        """The config with another text, in the same dialect and over the same other files. Raises ConfigError."""
        document = replace(parse_document(text, self.source), under=self.document.under, over=self.document.over)
        return replace(_understood(document, self.definition), notes=self.notes)

    def rewrite(self, changes: Mapping[str, Value], *, samples: int | None = None) -> Rewrite:
        """The text with each canonical name set to a value, given in its canonical unit.

        `samples` is the number of training clips: with it, steps are turned into epochs where the file
        counts in epochs. A change that cannot be made safely is refused, with the reason; the others are
        made, in order. Only the characters of changed scalars differ.
        """
        if not self.training:
            return Rewrite(self.text, refused=dict.fromkeys(changes, "this file is no training config"))
        return rewritten(self.document, self.definition, changes, samples)


def read_config(path: Path, *, dialect: Path | None = None) -> Config:
    """The config at `path`, in the dialect that it is recognised as or in the user's own.

    Values of the files that it builds on (Hydra groups, `_base_`) are read with it. Raises ConfigError, in one
    line, for what cannot be read.
    """
    text = read_text(path)
    try:
        document, notes = with_inherited(parse_document(text, str(path)), path)
        return replace(_config(document, dialect), notes=notes)
    except ConfigError:
        raise
    except Exception as error:  # one strange config must not hide the logs beside it
        raise ConfigError(f"{path}: {unforeseen(error)}") from error


def parse_config(text: str, source: str, *, dialect: Path | None = None) -> Config:
    """The config that `text` holds; the ending of `source` says how it is written. Raises ConfigError."""
    return _config(parse_document(text, source), dialect)


def _config(document: Document, dialect: Path | None) -> Config:
    if dialect is not None:
        return _understood(document, load_dialect(dialect))
    definition, usual = recognise(document), dialects()[-1]
    if isinstance(document.root, Table) and definition is not usual and definition.keys:
        found, guessed = sites(document, definition), sites(document, usual)
        surely = _trains(usual, guessed) if definition.training else "learning_rate" in guessed
        if surely and _knows_more(guessed, found, MARGIN if _trains(definition, found) else 1.0):
            definition = usual
    return _understood(document, definition)


MARGIN = 4 / 3
"""Times as many hyperparameters that the usual names must find where a dialect was recognised: the file is then of
another framework with the same marks. Of 201 public configs, those of the dialect itself stay below 1.3, seven others
are at 1.4 to 9."""


def _knows_more(usual: Sites, own: Sites, times: float) -> bool:
    """Whether the usual names find more than the dialect's own, names and paths aside."""
    numbers = [sum(HYPERPARAMETERS[name].kind is not Kind.TEXT for name in found) for found in (usual, own)]
    return numbers[0] > numbers[1] * times and (times == 1.0 or numbers[0] > numbers[1] + 2)


def _understood(document: Document, definition: Dialect) -> Config:
    found = sites(document, definition) if isinstance(document.root, Table) else {}
    training = definition.training and any(HYPERPARAMETERS[name].kind is not Kind.TEXT for name in found)
    if definition.synonyms is not None and not _trains(definition, found):
        training, found = False, {}
    settings = {name: tuple(_setting(document, site) for site in places) for name, places in found.items()}
    problems = tuple(_problems(document, definition)) if training else ()
    return Config(document.source, document.text, definition.name, training, settings, problems, document, definition)


def _trains(definition: Dialect, found: Sites) -> bool:
    """Whether these hyperparameters are those of a training."""
    sections = {str(site.path[0]).lower() for places in found.values() for site in places if len(site.path) > 1}
    in_training = "batch_size" in found and len(found) > 1 and any(re.match("train|optim|solver", s) for s in sections)
    return definition.training and (bool(TRAINING & set(found)) or in_training)


def _setting(document: Document, site: Site) -> Setting:
    candidate = site.candidate
    path = dotted(site.path) + (f" + {candidate.pair.text}" if candidate.pair else "")
    file = document.elsewhere.get(id(site.source), "")
    where = f"is in {file}" if file else ""
    note = "; ".join(filter(None, (candidate.dead, candidate.locked, candidate.note, where)))
    return Setting(
        site.value, path, site.node.line, site.unit, bool(candidate.dead), note, bool(candidate.locked), file
    )


def _problems(document: Document, dialect: Dialect) -> Iterator[Problem]:
    if not dialect.text_numbers:
        for path, scalar in text_numbers(document):
            message = f"{scalar.value} is text for PyYAML, not a number; write {float_text(float(scalar.value))}"
            yield Problem("CFG002", dotted(path), scalar.line, message)
    for path, key in duplicates(document):
        yield Problem("CFG003", dotted(path), key.line, f"{dotted(path)} appears twice; only the last one counts")
