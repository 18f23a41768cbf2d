"""The same config with other values: each change is made at its place and proved, or refused with the reason."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from diagnose.config import edit
from diagnose.config.dialect import Dialect, first_rule
from diagnose.config.edit import EditError, PlainValue
from diagnose.config.generic import MOST_PLACES
from diagnose.config.hyperparameters import HYPERPARAMETERS, Kind
from diagnose.config.node import Document, Key, Path, Scalar, dotted, same
from diagnose.config.reading import Site, sharing, sites
from diagnose.config.units import SHARE_OF_EPOCH, SHARE_OF_RUN, Clock, UnitError, steps_per_epoch


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The text with its changes, and what became of each of them."""

    text: str
    applied: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """Canonical name -> (was, now), both in the unit of the file. What already had its value is not here."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Canonical name -> why it was left as it is."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """Canonical name -> what the user must know of a change that was made."""


def rewritten(
    document: Document, dialect: Dialect, changes: Mapping[str, PlainValue], samples: int | None = None
) -> Rewrite:
    """The text with each canonical name set to a value in its canonical unit; see `Config.rewrite`."""
    draft = _Draft(document, dialect, sites(document, dialect), {})
    applied: dict[str, tuple[Any, Any]] = {}
    refused: dict[str, str] = {}
    notes: dict[str, str] = {}
    for name, value in changes.items():
        try:
            draft, was, now = draft.changed(name, value, draft.clock(changes, samples))
        except (EditError, UnitError) as error:
            refused[name] = str(error)
            continue
        if not same(was, now):
            applied[name] = (was, now)
            notes |= draft.note(name)
    return Rewrite(draft.document.text, applied, refused, notes)


@dataclass(frozen=True, eq=False)
class _Draft:
    """The config as it stands after some of the changes."""

    document: Document
    dialect: Dialect
    sites: Mapping[str, tuple[Site, ...]]
    done: Mapping[Path, str]
    """The places already changed, and by which name."""

    def changed(self, name: str, value: PlainValue, clock: Clock) -> tuple[_Draft, Any, Any]:
        """The draft with one change made, the old value and the new. Raises EditError, UnitError with the reason."""
        self.permit(name)
        if name not in self.sites:
            return self.added(name, value, clock)
        edits = dict(self.edits(name, value, clock))
        written = {scalar: new for scalar, new in edits.items() if not _says(scalar, new)}
        splices = [edit.replacement(self.document, scalar, new) for scalar, new in written.items()]
        text = edit.spliced(self.document.text, splices)
        after = edit.verified(self.document, text, {id(scalar): new for scalar, new in written.items()}, None)
        done = {**self.done, **{self.document.origins[id(scalar)]: name for scalar in edits}}
        first = next(iter(written or edits))
        draft = _Draft(after, self.dialect, sites(after, self.dialect), done)
        return draft, first.value, edits[first] if written else first.value

    def permit(self, name: str) -> None:
        """Raise EditError where this name must not be written into this file at all."""
        hyperparameter = HYPERPARAMETERS.get(name)
        if hyperparameter is None:
            raise EditError("ttsdoc knows no hyperparameter of this name")
        record = first_rule(self.dialect.read_only, self.document)
        if record is not None:
            raise EditError(record)
        if any("python/" in tag for tag in self.document.foreign_tags):
            raise EditError("the file is a dump of Python objects that no trainer reads back")
        forbidden = first_rule(self.dialect.forbid.get(name, ()), self.document)
        if forbidden is not None:
            raise EditError(f"{self.dialect.name} does not take it from the config: {forbidden}")
        if hyperparameter.kind is Kind.TEXT:
            raise EditError("it is a name, a path or a list, which ttsdoc does not rewrite")

    def edits(self, name: str, value: PlainValue, clock: Clock) -> Iterator[tuple[Scalar, PlainValue]]:
        """Every scalar to change and the value that it gets, in the unit and type of the file."""
        first = self.sites[name][0]
        for site in self.copies(name):
            yield self.editable(name, site), _typed(name, _share_of(name, value, site, first), clock, site)

    def copies(self, name: str) -> Iterator[Site]:
        """The places that must change together. Raises EditError where some of them cannot."""
        first, *others = self.sites[name]
        if len(others) + 1 >= MOST_PLACES:
            raise EditError(f"it stands in {MOST_PLACES} places or more; change them by hand")
        yield first
        for site in others:
            if site.value is None or site.value in site.candidate.neutral or site.candidate.dead:
                continue
            if site.source is first.source:
                continue
            if HYPERPARAMETERS[name].equal_copies and site.value != first.value:
                continue
            guessed = self.dialect.synonyms is not None and not same(site.value, first.value)
            if guessed or HYPERPARAMETERS[name].kind is Kind.CHOICE:
                raise EditError(f"{dotted(first.path)} and {dotted(site.path)} both say it; change them by hand")
            yield site

    def editable(self, name: str, site: Site) -> Scalar:
        """The scalar behind one place. Raises EditError where it must be left alone."""
        where = f"{dotted(site.path)} (line {site.node.line})"
        if site.candidate.dead and not site.candidate.doubtful:
            raise EditError(f"{where} is never read: {site.candidate.dead}")
        if site.candidate.locked:
            raise EditError(f"{where}: {site.candidate.locked}")
        if not isinstance(site.source, Scalar):
            raise EditError(f"{where} holds a list" if site.source else f"{where} refers to what is not in this file")
        if objection := _unwritable(site.source):
            raise EditError(f"{where} {objection}")
        self.unshared(name, site, site.source, where)
        return site.source

    def unshared(self, name: str, site: Site, scalar: Scalar, where: str) -> None:
        """Raise EditError where the change would reach a value that nobody asked to change."""
        origin = self.document.origins[id(scalar)]
        other = next(sharing(self.sites, name, scalar), None) if site.follows else None
        if other is not None:
            raise EditError(f"{where} follows {dotted(origin)}, which is {other}: change that")
        if origin in self.done:
            raise EditError(f"{dotted(origin)} is also {self.done[origin]}, which has just been set")
        sections = (self.document.node(origin[:depth]) for depth in range(1, len(origin)))
        own = 0 if site.path == origin else 1  # the alias by which this place itself is reached
        if any(self.document.uses.get(id(section), 0) > own for section in sections):
            raise EditError(f"{where} is shared by several sections through an anchor; change it by hand")

    def added(self, name: str, value: PlainValue, clock: Clock) -> tuple[_Draft, Any, Any]:
        """The draft with a key that was not there. Raises EditError where none may be added."""
        way = first_rule(self.dialect.add.get(name, ()), self.document)
        if way is None:
            flag = self.dialect.command_line.get(name)
            raise EditError(f"the command line sets it: {flag}" if flag else "no such key, and none may be added here")
        *parents, key = way.split(".")
        path: tuple[Key, ...] = (*parents, key)
        table = edit.table_at(self.document, tuple(parents))
        if table.get(key) is not None:
            raise EditError(f"{dotted(path)} is there but holds something else")
        unit = next((place.unit for place in self.dialect.keys.get(name, ()) if place.place.text == way), None)
        new = _in_unit(name, _plain(name, value), unit, clock)
        text = edit.spliced(self.document.text, [edit.addition(self.document, table, key, new)])
        after = edit.verified(self.document, text, {}, path)
        draft = _Draft(after, self.dialect, sites(after, self.dialect), {**self.done, path: name})
        if not same(draft.value(name), new):
            raise EditError("the added key would not be read back as given")
        return draft, None, new

    def value(self, name: str) -> Any:
        """What the draft says of a canonical name."""
        return self.sites[name][0].value if name in self.sites else None

    def note(self, name: str) -> dict[str, str]:
        """What the user must know of a change of this name."""
        reasons = [site.candidate.dead or site.candidate.note for site in self.sites.get(name, ())]
        text = "; ".join(dict.fromkeys(filter(None, reasons)))
        return {name: text} if text else {}

    def clock(self, changes: Mapping[str, PlainValue], samples: int | None) -> Clock:
        """How long an epoch is once the changes are made; `samples`: clips in the training set."""
        batch = changes.get("batch_size", self.value("batch_size"))
        accumulation = changes.get("grad_accumulation_steps", self.value("grad_accumulation_steps")) or 1
        in_clips = "batch_size" in self.sites and self.sites["batch_size"][0].unit in {None, "samples"}
        counted = samples and batch and in_clips and _is_count(batch) and _is_count(accumulation)
        steps = steps_per_epoch(int(samples or 0), float(batch), float(accumulation)) if counted else None
        evals = self.sites.get("eval_interval")
        each = evals[0].value if evals and evals[0].unit == "epochs" and _is_count(evals[0].value) else None
        return Clock(steps, each)


def _share_of(name: str, value: PlainValue, site: Site, first: Site) -> PlainValue:
    """What a copy gets: the new value, or its share of it where the two differ on purpose (200 epochs and then 100)."""
    if site.value == first.value or site.unit != first.unit or not _is_count(value):
        return value
    if not _is_count(site.value) or not _is_count(first.value) or not first.value or not site.value:
        return value
    scaled: float = value * site.value / first.value
    return max(1, round(scaled)) if HYPERPARAMETERS[name].kind is Kind.COUNT else scaled


def _is_count(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unwritable(scalar: Scalar) -> str | None:
    """Why this scalar cannot be replaced by a plain value."""
    if scalar.value == "???":
        return "is `???`: the command line gives it"
    if scalar.tag is not None and not scalar.tag.startswith("tag:yaml.org,2002:"):
        return f"carries the tag {scalar.tag}"
    if isinstance(scalar.value, str) and "${" in scalar.value:
        return f"is computed from other keys: {scalar.value:.60}"
    return None


def _says(scalar: Scalar, value: PlainValue) -> bool:
    """Whether the trainer already gets this value from the file."""
    if isinstance(scalar.value, str) and not isinstance(value, str):
        return False
    return bool(scalar.value == value) and isinstance(scalar.value, bool) == isinstance(value, bool)


def _plain(name: str, value: PlainValue) -> PlainValue:
    """`value` in the type of the hyperparameter. Raises EditError where it has another."""
    kind = HYPERPARAMETERS[name].kind
    if kind is Kind.CHOICE:
        return value
    if kind is Kind.SWITCH and isinstance(value, bool):
        return value
    if isinstance(value, bool | str) or not math.isfinite(value):
        raise EditError(f"{value!r:.60} is not a number that can be written")
    if kind is Kind.RATE:
        return float(f"{value:.12g}")  # without the dust of binary arithmetic: 0.3 * 3e-4 is 9e-05
    if float(value) != int(value):
        raise EditError(f"{value} is not a whole number")
    return int(value)


def _in_unit(name: str, value: PlainValue, unit: str | None, clock: Clock) -> PlainValue:
    """`value`, given in the canonical unit, in the unit of the file. Raises UnitError."""
    hyperparameter = HYPERPARAMETERS[name]
    # A number of steps is as good to the frameworks that take a share of the run.
    if hyperparameter.unit is None or unit in {None, SHARE_OF_RUN}:
        return value
    converted = clock.convert(float(value), hyperparameter.unit, str(unit))
    return converted if unit == SHARE_OF_EPOCH or hyperparameter.kind is Kind.RATE else round(converted)


def _typed(name: str, value: PlainValue, clock: Clock, site: Site) -> PlainValue:
    """`value` in the unit and the type that the file uses. Raises EditError, UnitError."""
    hyperparameter = HYPERPARAMETERS[name]
    new = _plain(name, value)
    if hyperparameter.kind is Kind.CHOICE:
        if site.value is not None and type(value) is not type(site.value):
            raise EditError(f"the file says {site.value!r:.40}, which is another kind of value than {value!r:.40}")
        return new
    if hyperparameter.unit == "steps" and site.unit is None:
        raise EditError(f"whether {dotted(site.path)} counts steps or epochs cannot be told")
    new = _in_unit(name, new, site.unit, clock)
    was_float = isinstance(site.source, Scalar) and isinstance(site.source.value, float)
    return float(new) if was_float and site.unit != SHARE_OF_RUN else new
