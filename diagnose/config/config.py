"""A training config: what it says in canonical names, and the same text with other values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from diagnose.config import edit
from diagnose.config.dialect import Dialect, load_dialect, recognise
from diagnose.config.document import parse_document, read_text
from diagnose.config.edit import EditError, SafeScalar
from diagnose.config.hyperparameters import HYPERPARAMETERS, TRAINING, Kind
from diagnose.config.node import Document, Key, Path, Scalar, Table, dotted, same
from diagnose.config.reading import Site, duplicates, shared, sites, text_numbers
from diagnose.config.units import STEPS, Clock, UnitError, steps_per_epoch


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


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The text with its changes, and what became of each of them."""

    text: str
    applied: Mapping[str, tuple[Any, Any]]
    """Canonical name -> (was, now), both in the unit of the file."""
    refused: Mapping[str, str]
    """Canonical name -> why it was left as it is."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """Canonical name -> what the user must know of a change that was made."""


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
    sites: Mapping[str, tuple[Site, ...]] = field(repr=False)

    def value(self, name: str) -> Any:
        """The plain value of a canonical hyperparameter; None where the file does not give one."""
        setting = self.values.get(name)
        return None if setting is None else setting.value

    def rewrite(self, changes: Mapping[str, SafeScalar], *, samples: int | None = None) -> Rewrite:
        """The text with each canonical name set to a value, given in its canonical unit.

        `samples` is the number of training clips: with it, steps are turned into epochs where the file
        counts in epochs. A change that cannot be made safely is refused, with the reason; the others are made.
        """
        config, applied, refused, notes = self, {}, {}, {}
        done: dict[Path, str] = {}
        for name, value in changes.items():
            try:
                clock = config._clock(changes, samples)
                config, was, now = config._changed(name, value, clock, done)
            except (EditError, UnitError) as error:
                refused[name] = str(error)
                continue
            if not same(was, now):
                applied[name] = (was, now)
                if note := config._note(name):
                    notes[name] = note
        return Rewrite(config.text, applied, refused, notes)

    def _clock(self, changes: Mapping[str, SafeScalar], samples: int | None) -> Clock:
        """How long an epoch is once the changes are made."""
        batch = changes.get("batch_size", self.value("batch_size"))
        accumulation = changes.get("grad_accumulation_steps", self.value("grad_accumulation_steps")) or 1
        counted = isinstance(batch, int | float) and isinstance(accumulation, int | float)
        setting = self.values.get("batch_size")
        if setting is not None and setting.unit not in {None, "samples"}:
            counted = False
        steps = steps_per_epoch(samples, float(batch), float(accumulation)) if samples and counted and batch else None
        every = self.values.get("eval_interval")
        known = every is not None and every.unit == "epochs" and isinstance(every.value, int | float)
        return Clock(steps, float(every.value) if known and every is not None else None)

    def _note(self, name: str) -> str:
        places = self.sites.get(name, ())
        return " ".join(
            dict.fromkeys(reason for site in places if (reason := site.candidate.dead or site.candidate.note))
        )

    def _changed(self, name: str, value: SafeScalar, clock: Clock, done: dict[Path, str]) -> tuple[Config, Any, Any]:
        """The config with one change made, the old value and the new one. Raises EditError, UnitError with the reason."""
        self._permitted(name)
        if name not in self.sites:
            return self._added(name, value, clock)
        edits = [
            (scalar, new) for site in self._copies(name) for scalar, new in self._edit(name, site, value, clock, done)
        ]
        old, new = self.values[name].value, edits[0][1]
        written = [(scalar, now) for scalar, now in edits if not self._says(scalar, now)]
        splices = [edit.replacement(self.document, scalar, now) for scalar, now in written]
        text = edit.spliced(self.text, splices)
        after = edit.verified(self.document, text, {id(scalar): now for scalar, now in written}, None)
        config = _read(after, self.definition)
        done.update({self.document.origins[id(scalar)]: name for scalar, _ in edits})
        return config, edits[0][0].value if written else old, new if written else old

    def _says(self, scalar: Scalar, value: SafeScalar) -> bool:
        """Whether the trainer already gets this value from the file."""
        if isinstance(scalar.value, str) and not isinstance(value, str):
            return False
        return bool(scalar.value == value) and isinstance(scalar.value, bool) == isinstance(value, bool)

    def _permitted(self, name: str) -> None:
        hyperparameter = HYPERPARAMETERS.get(name)
        if hyperparameter is None:
            raise EditError(f"{name} is no hyperparameter that ttsdoc knows")
        if not self.training:
            raise EditError("this file is no training config")
        for conditions, reason in self.definition.read_only:
            if conditions.hold(self.document):
                raise EditError(reason)
        if any("python/" in tag for tag in self.document.foreign_tags):
            raise EditError("the file is a dump of Python objects that no trainer reads back")
        if name in self.definition.forbid:
            raise EditError(f"{self.definition.title.split(':')[0]}: {self.definition.forbid[name]}")
        if hyperparameter.kind is Kind.TEXT:
            raise EditError("it is a name, a path or a list, which ttsdoc does not rewrite")

    def _copies(self, name: str) -> list[Site]:
        """The places that must change together. Raises EditError where some of them cannot."""
        first, *others = self.sites[name]
        copies = [first]
        for site in others:
            if site.value is None or site.value in site.candidate.neutral or site.candidate.dead:
                continue
            if HYPERPARAMETERS[name].equal_copies and site.value != first.value:
                continue
            if HYPERPARAMETERS[name].kind is Kind.CHOICE and type(site.value) is not type(first.value):
                what = f"{dotted(first.path)} and {dotted(site.path)} say it in two ways"
                raise EditError(f"{what}; change both by hand")
            copies.append(site)
        return copies

    def _edit(
        self, name: str, site: Site, value: SafeScalar, clock: Clock, done: dict[Path, str]
    ) -> list[tuple[Scalar, SafeScalar]]:
        """The scalar behind one place and the value that it gets, in the unit and type of the file."""
        candidate = site.candidate
        where = f"{dotted(site.path)} (line {site.node.line})"
        if candidate.dead and not candidate.doubtful:
            raise EditError(f"{where} is never read: {candidate.dead}")
        if candidate.locked:
            raise EditError(f"{where}: {candidate.locked}")
        scalar = site.source
        if not isinstance(scalar, Scalar):
            raise EditError(
                f"{where} holds a list or refers to another file" if scalar else f"{where} refers out of the file"
            )
        self._unshared(name, site, scalar, done, where)
        return [(scalar, _typed(name, value, clock, site, scalar))]

    def _unshared(self, name: str, site: Site, scalar: Scalar, done: dict[Path, str], where: str) -> None:
        origin = self.document.origins[id(scalar)]
        if scalar.value == "???":
            raise EditError(f"{where} is `???`: the command line gives it")
        if scalar.tag is not None and not scalar.tag.startswith("tag:yaml.org,2002:"):
            raise EditError(f"{where} carries the tag {scalar.tag}")
        if isinstance(scalar.value, str) and "${" in scalar.value:
            raise EditError(f"{where} is computed from other keys: {scalar.value:.60}")
        other = next(shared(self.sites, name, scalar), None)
        if site.follows and other is not None:
            raise EditError(f"{where} follows {dotted(origin)}, which is {other}: change that")
        if origin in done:
            raise EditError(f"{dotted(origin)} is also {done[origin]}, which has just been changed")
        for depth in range(1, len(origin)):
            node = self.document.node(origin[:depth])
            if node is not None and self.document.uses.get(id(node), 0) > 1:
                raise EditError(f"{where} is shared by several sections through an anchor: change it by hand")

    def _added(self, name: str, value: SafeScalar, clock: Clock) -> tuple[Config, Any, Any]:
        if name not in self.definition.add:
            flag = self.definition.command_line.get(name)
            if flag:
                raise EditError(f"the command line sets it: {flag}")
            raise EditError("the file has no such key, and none may be added to this kind of config")
        *parents, key = self.definition.add[name].split(".")
        path: tuple[Key, ...] = (*parents, key)
        table = edit.table_at(self.document, tuple(parents))
        if table.get(key) is not None:
            raise EditError(f"{dotted(path)} is there but holds something else")
        new = _new_value(name, value)
        text = edit.spliced(self.text, [edit.addition(self.document, table, key, new)])
        after = edit.verified(self.document, text, {}, path)
        config = _read(after, self.definition)
        if not same(config.value(name), new):
            raise EditError("the added key would not be read back as given")
        return config, None, new


def _new_value(name: str, value: SafeScalar) -> SafeScalar:
    kind = HYPERPARAMETERS[name].kind
    if kind is Kind.CHOICE:
        return value
    if isinstance(value, bool | str):
        raise EditError(f"{value!r:.60} is not a number")
    if kind is Kind.RATE:
        return _rounded(float(value))
    if float(value) != int(value):
        raise EditError(f"{value} is not a whole number")
    return int(value)


def _rounded(value: float) -> float:
    """Without the dust of binary arithmetic: 0.3 * 3e-4 is 9e-05."""
    value = float(f"{value:.12g}")
    if value != value or value in {float("inf"), float("-inf")}:
        raise EditError("the value is not finite")
    return value


def _typed(name: str, value: SafeScalar, clock: Clock, site: Site, scalar: Scalar) -> SafeScalar:
    """`value` in the unit and the type that the file uses."""
    hyperparameter = HYPERPARAMETERS[name]
    if hyperparameter.kind is Kind.CHOICE:
        if site.value is not None and type(value) is not type(site.value):
            raise EditError(f"the file says {site.value!r:.40}, which is another kind of value than {value!r:.40}")
        return value
    new = _new_value(name, value)
    unit, target = hyperparameter.unit, site.candidate.unit
    if unit is not None and target is not None:
        converted = clock.convert(float(new), unit, target)
        if target == "epoch_share":
            return converted
        if hyperparameter.kind is Kind.COUNT:
            new = round(converted)
    if isinstance(scalar.value, float) and isinstance(new, int):
        return float(new)
    return new


def read_config(path: FilePath, *, dialect: FilePath | None = None) -> Config:
    """The config at `path`, in the dialect that it is recognised as or in the user's own.

    Raises ConfigError, in one line, for what cannot be read.
    """
    document = parse_document(read_text(path), str(path))
    return _read(document, load_dialect(dialect) if dialect is not None else recognise(document))


def parse_config(text: str, source: str, *, dialect: FilePath | None = None) -> Config:
    """The config that `text` holds; the ending of `source` says how it is written. Raises ConfigError."""
    document = parse_document(text, source)
    return _read(document, load_dialect(dialect) if dialect is not None else recognise(document))


def _read(document: Document, dialect: Dialect) -> Config:
    found = sites(document, dialect) if isinstance(document.root, Table) else {}
    training = dialect.training and bool(found)
    if dialect.synonyms is not None and not TRAINING & set(found):
        training, found = False, {}
    values = {name: _setting(places) for name, places in found.items()}
    problems = tuple(_problems(document, dialect)) if training else ()
    return Config(document.source, document.text, dialect.name, training, values, problems, document, dialect, found)


def _setting(places: tuple[Site, ...]) -> Setting:
    site = places[0]
    candidate = site.candidate
    path = dotted(site.path) + (f" + {candidate.pair.text}" if candidate.pair else "")
    note = " ".join(filter(None, (candidate.dead, candidate.locked, candidate.note)))
    return Setting(site.value, path, site.node.line, candidate.unit, bool(candidate.dead), note)


def _problems(document: Document, dialect: Dialect) -> list[Problem]:
    found = []
    if not dialect.text_numbers:
        for path, scalar in text_numbers(document):
            message = f"{scalar.value} is text for PyYAML, not a number; write {edit.float_text(float(scalar.value))}"
            found.append(Problem("CFG002", dotted(path), scalar.line, message))
    for path, key in duplicates(document):
        message = f"{dotted(path)} stands twice; only the last one counts"
        found.append(Problem("CFG003", dotted(path), key.line, message))
    return found


__all__ = ["STEPS", "Config", "Problem", "Rewrite", "Setting", "parse_config", "read_config"]
