"""The same config with other values: each change is made at its place and proved, or refused with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from diagnose.config import edit
from diagnose.config.dialect import Dialect, first_rule
from diagnose.config.edit import EditError, in_unit, plain_value, says, share_of, typed, unwritable
from diagnose.config.generic import MOST_PLACES
from diagnose.config.hyperparameters import HYPERPARAMETERS, Clock, Kind, UnitError, clips_per_update, steps_per_epoch
from diagnose.config.node import Array, Document, Key, Path, Scalar, dotted, resolved, same
from diagnose.config.reading import Site, sites
from diagnose.numbers import PlainValue, is_number

Value: TypeAlias = PlainValue | Sequence[PlainValue]
"""A scalar, or the members of a list (`betas`)."""
PARTNERS = (
    ("learning_rate", "learning_rate_generator"),
    ("learning_rate", "learning_rate_discriminator"),
    ("learning_rate_generator", "learning_rate_discriminator"),
    ("learning_rate", "min_learning_rate"),
)
"""Rates that are balanced against each other: the two of a GAN, the top of a schedule and its end. When the one
changes, the other follows by the same factor."""
LEAST_END = 0.01
"""Share of the top from which a floor is the end of a schedule, and no guard of a plateau's. Schedules end by factors
of 10 to 100 (cosine to 10 %: Hoffmann et al. 2022)."""


_OBJECT = re.compile("python/(?:object|name|module)")


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
    document: Document, dialect: Dialect, changes: Mapping[str, Value], samples: int | None = None
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
    """The config as it is after some of the changes."""

    document: Document
    dialect: Dialect
    sites: Mapping[str, tuple[Site, ...]]
    done: Mapping[Path, str]
    """The places already changed, and by which name."""

    def changed(self, name: str, value: Value, clock: Clock) -> tuple[_Draft, Any, Any]:
        """The draft with one change made, the old value and the new. Raises EditError, UnitError with the reason."""
        self.permit(name)
        if name not in self.sites:
            return self.added(name, value, clock)
        edits = dict(self.edits(name, value, clock))
        written = {scalar: new for scalar, new in edits.items() if not says(scalar, new)}
        splices = [edit.replacement(self.document, scalar, new) for scalar, new in written.items()]
        text = edit.spliced(self.document.text, splices)
        after = edit.verified(self.document, text, {id(scalar): new for scalar, new in written.items()}, None)
        done = {**self.done, **{self.document.origins[id(scalar)]: name for scalar in edits}}
        draft = _Draft(after, self.dialect, sites(after, self.dialect), done)
        changed = next((site for site in self.sites[name] if any(s in written for s in self.scalars(site))), None)
        if changed is None:
            return draft, self.value(name), self.value(name)
        members = self.scalars(changed)
        was, now = [each.value for each in members], [edits.get(each, each.value) for each in members]
        return draft, *((was, now) if len(members) > 1 else (was[0], now[0]))

    def permit(self, name: str) -> None:
        """Raise EditError where this name must not be written into this file at all."""
        hyperparameter = HYPERPARAMETERS.get(name)
        if hyperparameter is None:
            raise EditError("ttsdoc knows no hyperparameter of this name")
        record = first_rule(self.dialect.read_only, self.document)
        if record is not None:
            raise EditError(record)
        if any(_OBJECT.search(tag) for tag in self.document.foreign_tags):
            raise EditError("the file is a dump of Python objects that no trainer reads back")
        forbidden = first_rule(self.dialect.forbid.get(name, ()), self.document)
        if forbidden is not None:
            raise EditError(f"{self.dialect.name} does not take it from the config: {forbidden}")
        if hyperparameter.kind is Kind.TEXT:
            raise EditError("it is a name or a path, which ttsdoc does not rewrite")

    def edits(self, name: str, value: Value, clock: Clock) -> Iterator[tuple[Scalar, PlainValue]]:
        """Every scalar to change and the value that it gets, in the unit and type of the file."""
        first = self.sites[name][0]
        for site in self.copies(name):
            for scalar, new in _members(self.editable(name, site), value, site):
                yield scalar, typed(name, share_of(name, new, site, first), clock, site, scalar)

    def scalars(self, site: Site) -> list[Scalar]:
        """What is written at a place: one scalar, the members of a list, or the two keys of a pair."""
        sources = [site.source]
        if site.candidate.pair is not None:
            sources += [resolved(node) for _, node in site.candidate.pair.find(self.document)][:1]
        found: list[Scalar] = []
        for source in sources:
            members = map(resolved, source.items) if isinstance(source, Array) else [source]
            found += [member for member in members if isinstance(member, Scalar)]
        return found

    def copies(self, name: str) -> Iterator[Site]:
        """The places that must change together. Raises EditError where some of them cannot."""
        first, *others = self.sites[name]
        if len(others) + 1 >= MOST_PLACES:
            raise EditError(f"it is in {MOST_PLACES} places or more; change them by hand")
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

    def editable(self, name: str, site: Site) -> list[Scalar]:
        """The scalars behind one place. Raises EditError where they must be left alone."""
        where = f"{dotted(site.path)} (line {site.node.line})"
        if site.candidate.dead and not site.candidate.doubtful:
            raise EditError(f"{where} is never read: {site.candidate.dead}")
        if site.candidate.locked:
            raise EditError(f"{where}: {site.candidate.locked}")
        scalars = self.scalars(site)
        if not scalars or (isinstance(site.source, Array) and len(scalars) != len(site.source.items)):
            raise EditError(f"{where} holds a list" if site.source else f"{where} refers to what is not in this file")
        for scalar in scalars:
            if file := self.document.elsewhere.get(id(scalar)):
                raise EditError(f"it is in {file} (line {scalar.line}): change it there")
            if objection := unwritable(scalar):
                raise EditError(f"{where} {objection}")
            self.unshared(name, site, scalar, where)
        return scalars

    def unshared(self, name: str, site: Site, scalar: Scalar, where: str) -> None:
        """Raise EditError where the change would reach a value that nobody asked to change."""
        origin = self.document.origins[id(scalar)]
        others = (other for other, places in self.sites.items() if any(place.source is scalar for place in places))
        other = next((other for other in others if other != name), None) if site.follows else None
        if other is not None:
            raise EditError(f"{where} follows {dotted(origin)}, which is {other}: change that")
        if origin in self.done:
            raise EditError(f"{dotted(origin)} is also {self.done[origin]}, which has just been set")
        sections = (self.document.node(origin[:depth]) for depth in range(1, len(origin)))
        own = 0 if site.path == origin else 1  # the alias by which this place itself is reached
        if any(self.document.uses.get(id(section), 0) > own for section in sections):
            raise EditError(f"{where} is shared by several sections through an anchor; change it by hand")

    def added(self, name: str, value: Value, clock: Clock) -> tuple[_Draft, Any, Any]:
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
        if isinstance(value, Sequence) and not isinstance(value, str):
            raise EditError("no such key, and a list is not added")
        new = in_unit(name, plain_value(name, value), unit, clock)
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

    def clock(self, changes: Mapping[str, Value], samples: int | None) -> Clock:
        """How long an epoch is once the changes are made; `samples`: clips in the training set."""
        accumulation = changes.get("grad_accumulation_steps", self.value("grad_accumulation_steps"))
        places = [(site.value, site.unit) for site in self.sites.get("batch_size", ()) if not site.candidate.dead]
        if places and is_number(new := changes.get("batch_size")) and is_number(old := places[0][0]) and old > 0:
            places = [(value * new / old if is_number(value) else value, unit) for value, unit in places]
        batch = clips_per_update(places, accumulation)
        steps = steps_per_epoch(samples, batch) if samples and batch else None
        evals = self.sites.get("eval_interval")
        each = evals[0].value if evals and evals[0].unit == "epochs" and is_number(evals[0].value) else None
        return Clock(steps, each)


def _members(scalars: list[Scalar], value: Value, site: Site) -> Iterator[tuple[Scalar, PlainValue]]:
    """Each scalar with what it gets: one value for all of a list whose members are equal, or one for each."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != len(scalars):
            raise EditError(f"{dotted(site.path)} holds {len(scalars)} values, {len(value)} are given")
        yield from zip(scalars, value, strict=True)
        return
    if len({str(scalar.value) for scalar in scalars}) > 1:
        raise EditError(f"{dotted(site.path)} (line {site.node.line}) holds a list of different values")
    yield from ((scalar, value) for scalar in scalars)


def companions(
    found: Mapping[str, tuple[Site, ...]], changes: Mapping[str, Value]
) -> Iterator[tuple[str, str, PlainValue]]:
    """(name that changes, name that must follow, its new value) for rates that are balanced against each other."""
    for name, partner in PARTNERS:
        if name not in changes or partner in changes or name not in found or partner not in found:
            continue
        mine, its, new = found[name][0], found[partner][0], changes[name]
        if mine.source is its.source or its.candidate.dead or not (is_number(mine.value) and is_number(its.value)):
            continue
        guards = partner == "min_learning_rate" and its.value < LEAST_END * mine.value
        if is_number(new) and mine.value and its.value and not guards:
            yield name, partner, float(f"{its.value * new / mine.value:.4g}")
