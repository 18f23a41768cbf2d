"""What can be measured of a run. Nothing here judges: no threshold that a verdict hangs on, no word to the user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np

from diagnose.facts import Facts
from diagnose.run import Axis, Curve, Role, Run
from diagnose.signals.course import Course
from diagnose.signals.episodes import Episode, episodes, peaks
from diagnose.signals.gap import Gap, gap_of
from diagnose.signals.kind import Kind, kind_of
from diagnose.signals.rate import Rate
from diagnose.signals.smooth import FloatArray
from diagnose.signals.stairs import Stairs, stairs
from diagnose.signals.throw import Throw, throw_of

__all__ = ["Course", "Episode", "Gap", "Kind", "Rate", "Signals", "Stairs", "Throw", "signals"]


@dataclass(frozen=True, eq=False)
class Signals:
    """The measures of one run, each computed when it is first asked for."""

    run: Run

    @cached_property
    def train(self) -> Course | None:
        """The training loss."""
        return self._course(self.run.curve(Role.TRAIN_LOSS))

    @cached_property
    def val(self) -> Course | None:
        """The validation loss."""
        return self._course(self.run.curve(Role.VAL_LOSS))

    @cached_property
    def main(self) -> Course | None:
        """The curve that is judged: the training loss, or validation where little else is logged."""
        train, val = self.train, self.val
        if train is None or (val is not None and len(train) < 6 and len(train) < len(val)):
            return val or train
        return train

    @cached_property
    def gap(self) -> Gap | None:
        """What validation did since its best; None below four evaluations."""
        return gap_of(self.train, self.val) if self.val is not None and len(self.val) >= 4 else None

    @cached_property
    def rate(self) -> Rate | None:
        """The logged learning rate."""
        return Rate.of(self.run)

    @cached_property
    def at_high_rate(self) -> Course | None:
        """The judged curve up to where the logged rate falls below half of its peak; all of it where none is logged."""
        if self.main is None or self.rate is None:
            return self.main
        curve, rates = self.main.curve, self.rate.curve
        last = rates.steps[np.flatnonzero(rates.values >= self.rate.peak / 2)[-1]]
        cut = curve.until(int(last))
        return self.main if len(cut) > len(curve) * 0.9 else Course.of(cut)

    @cached_property
    def kind(self) -> Kind:
        """Which kind of loss is logged."""
        return kind_of(self.run)

    @cached_property
    def straightness(self) -> float:
        """Share of the fall in the second half of the learning rate spent: 0.5 for a line, 0 without a fall."""
        course = self.train
        if course is None or len(course) < 10:
            return 0.0
        steps = course.curve.steps.astype(float)
        spent = np.linspace(0, 1, len(course)) if self.rate is None else self.rate.spent(steps)
        first, middle, last = (_level_at(course.level, spent, at) for at in (0.1, 1 / 2, 0.9))
        return (middle - last) / (first - last) if first > last else 0.0

    @cached_property
    def stairs(self) -> Stairs | None:
        """Steps of the training loss at the epochs."""
        return None if self.train is None else stairs(self.run, self.train)

    @cached_property
    def begins_late(self) -> bool:
        """Whether the log begins in the middle of a training: it says so, or its count begins beyond its own length."""
        curve = None if self.main is None else self.main.curve
        counted = curve is not None and curve.counted and curve.axis is Axis.EPOCH
        late = curve is not None and counted and bool(curve.steps[0] > curve.steps[-1] - curve.steps[0] + 2)
        return self.run.beginning is not None or late

    @cached_property
    def episodes(self) -> tuple[Episode, ...]:
        """Excursions of the trend of the judged curve."""
        return () if self.main is None else episodes(self.main)

    @cached_property
    def peaks(self) -> tuple[Episode, ...]:
        """Bursts of single points of the judged curve."""
        return () if self.main is None else peaks(self.main)

    @cached_property
    def throw(self) -> Throw | None:
        """The worst setback of the judged curve."""
        return None if self.main is None else throw_of(self.main)

    @cached_property
    def parts(self) -> Mapping[str, Course]:
        """Further losses of the training, by tag: components of the total, other heads."""
        found = {
            curve.tag: Course.of(curve) for curve in self.run.played_by(Role.TRAIN_COMPONENT) if not curve.adversarial
        }
        return {tag: course for tag, course in found.items() if course is not None}

    @cached_property
    def part_gaps(self) -> tuple[tuple[Course, Gap], ...]:
        """Components of validation beside the same of training, and how they part."""
        mine = {curve.component: Course.of(curve) for curve in self.run.played_by(Role.TRAIN_COMPONENT)}
        found = []
        for curve in self.run.played_by(Role.VAL_COMPONENT):
            val, train = Course.of(curve), mine.get(curve.component)
            judged = "loss" in curve.tag.casefold() and not curve.adversarial  # a perplexity of codes may rise
            if val is not None and train is not None and len(val) >= 4 and judged:
                found.append((val, gap_of(train, val)))
        return tuple(found)

    def _course(self, curve: Curve | None) -> Course | None:
        return None if curve is None else Course.of(curve)


def _level_at(level: FloatArray, spent: FloatArray, at: float) -> float:
    """The median level of the fifth of the spent rate around `at`."""
    near = np.abs(spent - at) <= 0.1
    return float(np.median(level[near])) if near.any() else float(np.interp(at, spent, level))


_KNOWN: WeakKeyDictionary[Facts, Signals] = WeakKeyDictionary()


def signals(facts: Facts) -> Signals:
    """The measures of these facts, computed once however many checks ask."""
    found = _KNOWN.get(facts)
    if found is None:
        found = _KNOWN[facts] = Signals(facts.run)
    return found
