"""A training config: what it says in canonical names, and the same text with other values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diagnose.config.dialect import Dialect, first_rule, load_dialect, recognise
from diagnose.config.document import parse_document, read_text
from diagnose.config.edit import PlainValue, float_text
from diagnose.config.hyperparameters import TRAINING
from diagnose.config.node import Document, Table, dotted
from diagnose.config.reading import Site, duplicates, plain, sites, text_numbers
from diagnose.config.rewrite import Rewrite, rewritten
from diagnose.errors import ConfigError, unforeseen


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
    values: Mapping[str, Setting]
    """By canonical name; names that the file does not hold are left out."""
    problems: tuple[Problem, ...]
    document: Document = field(repr=False)
    definition: Dialect = field(repr=False)

    @property
    def family(self) -> str | None:
        """The model family of the loss-target tables, where the config tells it."""
        return first_rule(self.definition.families, self.document) if self.training else None

    @property
    def learning_rate_peak(self) -> float | None:
        """The highest learning rate that the schedule reaches, where it is not `learning_rate` itself."""
        peaks = (peak.value(self.document) for peak in self.definition.peaks) if self.training else ()
        return next((peak for peak in peaks if peak is not None), None)

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
        """One line on each key that stands twice."""
        return tuple(f"line {problem.line}: {problem.message}" for problem in self.problems if problem.code == "CFG003")

    def tree(self) -> dict[str, Any]:
        """The whole config as plain Python, aliases and merges written out, references to other keys as None."""
        tree = plain(self.document.root)
        return tree if isinstance(tree, dict) else {}

    def rewrite(self, changes: Mapping[str, PlainValue], *, samples: int | None = None) -> Rewrite:
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

    Raises ConfigError, in one line, for what cannot be read.
    """
    text = read_text(path)
    try:
        return parse_config(text, str(path), dialect=dialect)
    except ConfigError:
        raise
    except Exception as error:  # one strange config must not hide the logs beside it
        raise ConfigError(f"{path}: {unforeseen(error)}") from error


def parse_config(text: str, source: str, *, dialect: Path | None = None) -> Config:
    """The config that `text` holds; the ending of `source` says how it is written. Raises ConfigError."""
    document = parse_document(text, source)
    definition = load_dialect(dialect) if dialect is not None else recognise(document)
    found = sites(document, definition) if isinstance(document.root, Table) else {}
    training = definition.training and bool(found)
    if definition.synonyms is not None and not TRAINING & set(found):
        training, found = False, {}
    values = {name: _setting(places[0]) for name, places in found.items()}
    problems = tuple(_problems(document, definition)) if training else ()
    return Config(source, text, definition.name, training, values, problems, document, definition)


def _setting(site: Site) -> Setting:
    candidate = site.candidate
    path = dotted(site.path) + (f" + {candidate.pair.text}" if candidate.pair else "")
    note = "; ".join(filter(None, (candidate.dead, candidate.locked, candidate.note)))
    return Setting(site.value, path, site.node.line, site.unit, bool(candidate.dead), note)


def _problems(document: Document, dialect: Dialect) -> Iterator[Problem]:
    if not dialect.text_numbers:
        for path, scalar in text_numbers(document):
            message = f"{scalar.value} is text for PyYAML, not a number; write {float_text(float(scalar.value))}"
            yield Problem("CFG002", dotted(path), scalar.line, message)
    for path, key in duplicates(document):
        yield Problem("CFG003", dotted(path), key.line, f"{dotted(path)} stands twice; only the last one counts")
