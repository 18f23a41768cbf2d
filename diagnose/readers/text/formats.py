"""Text formats as data: `presets/formats/*.yaml` says how a trainer writes its lines and which curve is which."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import numpy as np

from diagnose.project import preset_texts, safe_yaml
from diagnose.readers.columns import (
    END,
    EPOCH,
    EPOCHS,
    INTERVAL,
    ITERATION,
    OMITTED,
    PER_EPOCH,
    RANK,
    STEP,
    STEPS,
    Column,
)
from diagnose.readers.roles.tags import ADVERSARY, read_tag
from diagnose.readers.text.guess import PAIR, meaning_of
from diagnose.readers.text.kinds import Meaning
from diagnose.readers.text.lines import first_of_each_kind
from diagnose.readers.text.patterns import METRIC, NUMBER, OMISSION
from diagnose.readers.text.table_rows import CELL
from diagnose.regex import regex
from diagnose.run import Axis, Curve, Role

_COUNTERS = {
    "step": STEP,
    "epoch": EPOCH,
    "iteration": ITERATION,
    "per_epoch": PER_EPOCH,
    "epochs": EPOCHS,
    "steps": STEPS,
    "interval": INTERVAL,
    "rank": RANK,
}
# A tag of fewer points leaves its role to the next of its format that has them. Source: our choice.
_ENOUGH_POINTS = 10
# Evaluations from which one curve of them shows a course. Source: as for the signals of validation.
_ENOUGH_EVALUATIONS = 4
_SECTION = "@section "
_NUMBERS = regex(NUMBER)
_PAIRS = "pairs"
# Groups that are no metric: what they hold is read further.
_INNER = frozenset({"key", "value", "split", "set"})
_LIST = "list"
_CELLS = "cell_"
_MARKER = regex(r"^marker: (\[\".*\"\])$", re.MULTILINE)
# In a pattern `{n}` is a number as trainers print it.
_ANY_NUMBER = r"(?:[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf(?:inity)?|NaN|Inf(?:inity)?))"


@dataclass(frozen=True)
class Format:
    """How one trainer prints its progress."""

    name: str
    about: str = ""
    marker: tuple[str, ...] = ()
    """Texts one of which every log of this format holds: looked for before the patterns, because that is fast."""
    lines: tuple[re.Pattern[str], ...] = ()
    """One pattern a kind of line, `{n}` in it any number.

    Groups `step`, `epoch`, `iteration`, `per_epoch` count, `epochs` and `steps` are announced ends, `interval` is the
    number of steps between two rows, `rank` the process; `pairs` holds `name separator number` items (`pairs_x` the
    same, their tags under `x/`), `list` and `list_x` bare numbers, `key` and `value` one item; any other group is a
    metric, of the data that `set` holds.
    """
    tags: Mapping[str, str] = field(default_factory=dict)
    """Group -> the name of its curve, where the log has another."""
    counters: Mapping[str, str] = field(default_factory=dict)
    """Name of an item -> what it counts."""
    lists: Mapping[str, Mapping[int, tuple[str, ...]]] = field(default_factory=dict)
    """Group (`list`, `list_x`) and length of a list -> the names of its items; numbered where it is not there."""
    splits: Mapping[str, str] = field(default_factory=dict)
    """What the group `split` may hold -> what the tags of the line get in front."""
    sections: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    """What tags get in front -> the line from which on they get it."""
    end: re.Pattern[str] | None = None
    """The line with which a training is over; what another one logs after it is not the same run."""
    roles: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)
    """The tags that play each role, or shell patterns of them, best first."""
    axis: Axis | None = None
    """What all steps count, where the lines do not show it."""
    axes: Mapping[str, Axis] = field(default_factory=dict)
    """Tag -> what its steps count, where that is not what the others count."""
    negated: frozenset[str] = frozenset()
    """Tags of what rises as a model gets better, by which its negative is a loss."""
    family: str | None = None
    keep_last: bool = False
    """Whether the last of several values at one step counts (redraws of a progress bar)."""
    guess: bool = False
    """Whether lines that no pattern knows are read as `name separator number`."""
    titles: tuple[str, ...] = ()
    """The header of its table, where the log has lost it: groups `cell_0`, `cell_1`, ... are the cells of a row."""
    notes: tuple[str, ...] = ()

    @property
    def losses(self) -> frozenset[str]:
        """Tags that are a loss although their name does not say so."""
        return frozenset(self.roles.get(Role.TRAIN_LOSS, ())) | frozenset(self.roles.get(Role.VAL_LOSS, ()))

    def parse(self, line: str) -> Iterator[Meaning]:
        """What the numbers of one line mean."""
        for prefix, pattern in self.sections.items():
            if pattern.search(line):
                yield _SECTION + prefix, 1.0
        if self.end is not None and self.end.search(line):
            yield END, 1.0
        if OMISSION.fullmatch(line):
            yield OMITTED, 1.0
        known = False
        for pattern in self.lines:
            match = pattern.search(line)
            if match:
                known = True
                yield from self._items(match)
        if self.guess and not known:
            yield from meaning_of(line)

    def knows(self, line: str) -> bool:
        """Whether the line is of this format."""
        return any(marker in line for marker in self.marker) and any(pattern.search(line) for pattern in self.lines)

    def _items(self, match: re.Match[str]) -> Iterator[Meaning]:
        groups = {group: text for group, text in match.groupdict().items() if text is not None}
        split = self.splits.get(groups.get("split", ""), "")
        for group in groups:
            if group.startswith(_PAIRS):
                prefix = group.removeprefix(_PAIRS).removeprefix("_")
                yield from self._pairs(match.string, match.span(group), split + (f"{prefix}/" if prefix else ""))
            elif group.startswith(_LIST):
                yield from self._listed(group, match.string, match.span(group), split)
            elif group.startswith(_CELLS):
                yield f"{CELL}{group.removeprefix(_CELLS)}/{len(self.titles)}", match.span(group)
            elif group not in _INNER:
                name = self._named(group, split)
                yield f"{name} ({groups['set']})" if "set" in groups and name[0] != "@" else name, match.span(group)
        if "key" in groups:
            yield self._named(groups["key"], split), match.span("value")

    def _named(self, name: str, split: str) -> str:
        counter = _COUNTERS.get(self.counters.get(name, name))
        return counter or split + self.tags.get(name, name)

    def _pairs(self, line: str, span: tuple[int, int], split: str) -> Iterator[Meaning]:
        for match in PAIR.finditer(line, *span):
            if not match["sep"].strip() and not METRIC.search(match["name"]):
                continue
            yield self._named(match["name"], split), match.span("number")

    def _listed(self, group: str, line: str, span: tuple[int, int], split: str) -> Iterator[Meaning]:
        spans = [match.span() for match in _NUMBERS.finditer(line, *span)]
        numbered = [f"{group.removeprefix(_LIST).strip('_') or _LIST}/{number}" for number in range(1, len(spans) + 1)]
        for name, where in zip(self.lists.get(group, {}).get(len(spans), numbered), spans, strict=True):
            yield self._named(name, split), where

    def with_sections(self, columns: Mapping[str, Column]) -> dict[str, Column]:
        """The columns split by the section in which their lines were."""
        marks = {name.removeprefix(_SECTION): column for name, column in columns.items() if name.startswith(_SECTION)}
        rest = {name: column for name, column in columns.items() if not name.startswith(_SECTION)}
        if not self.sections:
            return {name: self._on_axis(name, column) for name, column in rest.items()}
        named: dict[str, Column] = {}
        for name, column in rest.items():
            for prefix, part in [("", column)] if name.startswith("@") else _by_section(column, marks):
                named[prefix + name] = self._on_axis(prefix + name, part)
        for name in rest.keys() & named.keys():  # above the first heading, which a paste has lost
            sections = [prefix + name for prefix in self.sections if prefix + name in named]
            if len(sections) == 1:
                first, later = named.pop(name), named[sections[0]]
                places = np.concatenate([first.places, later.places])
                named[sections[0]] = Column(places, np.concatenate([first.values, later.values]), later.axis)
        return named

    def _on_axis(self, name: str, column: Column) -> Column:
        values = -column.values if name in self.negated else column.values
        return Column(column.places, values, self.axes.get(name, self.axis))

    def with_roles(self, curves: Mapping[str, Curve]) -> dict[str, Curve]:
        """The curves, the first of each role's tags that has enough points playing it."""
        chosen = {}
        for role, tags in self.roles.items():
            there = [tag for pattern in tags for tag in curves if fnmatchcase(tag, pattern)]
            there = [tag for tag in there if not _of_adversary(tag, curves)]
            wanted = _ENOUGH_EVALUATIONS if role is Role.VAL_LOSS else _ENOUGH_POINTS
            enough = min(wanted, max((len(curves[tag]) for tag in there), default=0))
            for tag in [tag for tag in there if len(curves[tag]) >= enough][:1]:
                chosen[tag] = role
        return {tag: replace(curve, role=chosen.get(tag)) for tag, curve in curves.items()}


def _of_adversary(tag: str, curves: Mapping[str, Curve]) -> bool:
    """Whether it repeats what the discriminator loses: Coqui 0.2 numbers its two optimizers the other way round."""
    others = (curve for other, curve in curves.items() if other != tag and ADVERSARY & {*read_tag(other).words})
    return any(_repeats(curves[tag], curve) for curve in others)


def _repeats(one: Curve, other: Curve) -> bool:
    """Whether both have the same values where both have one."""
    both, here, there = np.intersect1d(one.steps, other.steps, return_indices=True)
    return len(both) > 0 and np.array_equal(one.values[here], other.values[there])


GUESS = Format(
    "text",
    lines=(regex("(?!)"),),
    guess=True,
    notes=("the format is not known: series of `name number` were taken as they are",),
)
"""The format of a log that no preset knows."""


@cache
def every_format() -> tuple[Format, ...]:
    """All formats in `presets/formats`, by file name."""
    return tuple(_loaded(text) for _, text in preset_texts("formats"))


@cache
def _loaded(text: str) -> Format:
    return load_format(safe_yaml(text))


@cache
def _markers() -> tuple[tuple[tuple[bytes, ...], str], ...]:
    """The markers of each format, and its text: only a format of which one is in a log needs to be understood."""
    return tuple((tuple(marker.encode() for marker in _markers_in(text)), text) for _, text in preset_texts("formats"))


def _markers_in(text: str) -> tuple[str, ...]:
    """Those of one format. A line `marker: ["...", ...]` is read as JSON, which YAML holds: that is fast."""
    line = _MARKER.search(text)
    try:
        return tuple(json.loads(line[1])) if line else _loaded(text).marker
    except ValueError:
        return _loaded(text).marker


def load_format(data: Mapping[str, Any]) -> Format:
    """A format from its YAML document."""
    known = dict(data)
    lines = tuple(regex(pattern.replace("{n}", _ANY_NUMBER)) for pattern in known.pop("lines"))
    return Format(
        lines=lines,
        marker=tuple(known.pop("marker")),
        lists={group: {len(names): tuple(names) for names in lists} for group, lists in known.pop("lists", {}).items()},
        sections={prefix: regex(pattern) for prefix, pattern in known.pop("sections", {}).items()},
        end=regex(known.pop("end")) if "end" in known else None,
        roles={Role(role): tuple(tags) for role, tags in known.pop("roles", {}).items()},
        axis=Axis(known.pop("axis")) if "axis" in known else None,
        axes={tag: Axis(axis) for tag, axis in known.pop("axes", {}).items()},
        titles=tuple(known.pop("titles", ())),
        negated=frozenset(known.pop("negated", ())),
        notes=tuple(known.pop("notes", ())),
        **{name: value for name, value in known.items() if name != "examples"},
    )


def format_of(text: bytes) -> Format:
    """The format of which a line comes first in `text`; GUESS if there is none."""
    present = [_loaded(preset) for markers, preset in _markers() if any(marker in text for marker in markers)]
    if not present:
        return GUESS
    found = (form for line in first_of_each_kind(text) for form in present if form.knows(line))
    return next(found, GUESS)


def _by_section(column: Column, marks: Mapping[str, Column]) -> Iterator[tuple[str, Column]]:
    """The parts of a column, each with the prefix of the section that began last before it."""
    places = np.concatenate([mark.places for mark in marks.values()]) if marks else np.zeros(0, np.int64)
    number = np.concatenate([np.full(len(mark.places), which) for which, mark in enumerate(marks.values())] or [places])
    order = np.argsort(places, kind="stable")
    index = np.searchsorted(places[order], column.places, side="right") - 1
    section = np.where(index < 0, -1, number[order][np.maximum(index, 0)]) if len(places) else np.full(len(index), -1)
    for which, prefix in [(-1, ""), *enumerate(marks)]:
        keep = section == which
        if keep.any():
            yield prefix, Column(column.places[keep], column.values[keep])
