"""What can be measured of a run. Nothing here judges: no threshold that a verdict hangs on, no word to the user."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np

from diagnose.facts import Facts
from diagnose.run import Curve, Role, Run
from diagnose.signals.excursions import Excursion
from diagnose.signals.gap import WORTH, Gap, gap_of
from diagnose.signals.pace import SETTLED, paces, settled
from diagnose.signals.robust import ODD_ONE_OUT, as_share, first_level, last_level, order
from diagnose.signals.trend import EDGE, FEW, OUTLIER, Trend

OPPONENT = re.compile(r"(?i)dis|critic|error_?d|(?:^|[^a-z])d(?:[^a-z]|$)")
"""Names of the losses of a discriminator."""
POLICY = re.compile(
    r"(?i)(?<![a-z])(?:reward|returns?|ep_?re[tw]|critic|actor|q_?loss|td_error|value_loss|approx_kl|rollout|ppo)(?![a-z])"
)
"""Whole words: `rewards/chosen` is logged by DPO, whose data are fixed, and a policy loss may be one of many heads."""
DECIBELS = re.compile(r"(?i)(?:p?snr|sdr)\b")
"""Names of scores in dB."""

__all__ = ["Excursion", "Gap", "Signals", "Trend", "signals"]
__all__ += ["EDGE", "FEW", "ODD_ONE_OUT", "OUTLIER", "SETTLED", "WORTH"]
__all__ += ["as_share", "first_level", "last_level", "order", "paces", "settled"]


@dataclass(frozen=True, eq=False)
class Signals:
    """The measures of one run, each computed when it is first asked for."""

    run: Run

    @cached_property
    def train(self) -> Trend | None:
        """The training loss."""
        return Trend.of(self.run.curve(Role.TRAIN_LOSS))

    @cached_property
    def val(self) -> Trend | None:
        """The validation loss."""
        return Trend.of(self.run.curve(Role.VAL_LOSS))

    @cached_property
    def main(self) -> Trend | None:
        """The curve that is judged: the training loss, or validation where little else is logged."""
        train, val = self.train, self.val
        if train is None or (val is not None and len(train) < min(FEW, len(val) / 2)):
            return val or train
        return train

    @cached_property
    def gap(self) -> Gap | None:
        """What validation did since its best; None where too few evaluations are logged."""
        return None if self.val is None else gap_of(self.train, self.val)

    @cached_property
    def whole(self) -> Gap | None:
        """The gap of validation; without a total that of the sum of its parts, where they were logged together."""
        curves = [trend.curve for trend, _ in self.part_gaps]
        if self.gap is not None or len({len(one) for one in curves}) != 1:
            return self.gap
        total = Trend.of(replace(curves[0], values=np.sum([one.values for one in curves], axis=0)))
        return None if total is None else gap_of(self.train, total)

    @cached_property
    def rate(self) -> Curve | None:
        """The finite points of the logged learning rate; None where none is above zero."""
        curve = self.run.curve(Role.LEARNING_RATE)
        return None if curve is None or not (curve.finite.values > 0).any() else curve.finite

    def rate_share(self, step: float) -> float:
        """The logged rate at `step` over its peak; 1 where none is logged."""
        rate = self.rate
        return 1.0 if rate is None else float(np.interp(step, rate.steps, rate.values) / rate.values.max())

    @cached_property
    def at_high_rate(self) -> Trend | None:
        """The judged curve up to where the logged rate falls below half of its peak; all of it where none is logged."""
        if self.main is None or self.rate is None:
            return self.main
        high = 2 * self.rate.values >= self.rate.values.max()
        return Trend.of(self.main.curve.until(int(self.rate.steps[high][-1])))

    @cached_property
    def reinforced(self) -> bool:
        """Whether, by the names, the targets of the loss move with a policy."""
        return re.search(POLICY, " ".join([*self.run.curves, self.run.name])) is not None

    @property
    def rivalled(self) -> bool:
        """Whether two networks are trained against each other: a total may rise while all is well."""
        return any(curve.adversarial for curve in self.run.curves.values())

    @cached_property
    def parts(self) -> Mapping[str, Trend]:
        """Further losses of the training, by tag: components of the total, other heads."""
        curves = [curve for curve in self.run.played_by(Role.TRAIN_COMPONENT) if not curve.adversarial]
        return {trend.curve.tag: trend for trend in map(Trend.of, curves) if trend is not None}

    @cached_property
    def reward(self) -> Curve | None:
        """What reinforcement learning is for."""
        scores = self.run.played_by(Role.SCORE) if self.reinforced else ()
        return next((curve.finite for curve in scores if len(curve.finite) > 2), None)

    @cached_property
    def metrics(self) -> tuple[tuple[Curve, Trend], ...]:
        """The reward, else held-out error rates and scores, else where no loss is logged any: as logged, and described.

        A score is described by what it leaves to one, a reward turned over.
        """
        if self.reward is not None:
            known = [(self.reward, replace(self.reward, values=-self.reward.values))]
        else:
            curves = (*self.run.played_by(Role.ERROR_RATE), *self.run.played_by(Role.SCORE))
            judged = [one for one in curves if one.held_out] or [one for one in curves if self.run.loss is None]
            known = [(one.finite, _as_errors(one.finite)) for one in judged]
        return tuple((logged, trend) for logged, turned in known if (trend := Trend.of(turned)) is not None)

    @cached_property
    def aim(self) -> tuple[Curve, Trend] | None:
        """The first of the metrics, where no loss says how training went: none is logged, or its target moves."""
        loss = self.run.loss
        told = loss is not None and not loss.adversarial and not self.reinforced
        return None if told or not self.metrics else self.metrics[0]

    @cached_property
    def rivals(self) -> tuple[Trend, Trend] | None:
        """The losses of a generator and of its discriminator, those of the shortest names; None without both."""
        curves = [one for one in self.run.curves.values() if one.adversarial and not one.held_out]
        trends = map(Trend.of, sorted(curves, key=lambda one: len(one.tag)))
        known = [trend for trend in trends if trend is not None and len(trend) >= 2 * FEW]
        against = [trend for trend in known if OPPONENT.search(trend.curve.tag)]
        own = [trend for trend in known if trend not in against]
        return (own[0], against[0]) if own and against else None

    @cached_property
    def part_gaps(self) -> tuple[tuple[Trend, Gap], ...]:
        """Components of the validation loss, each with its gap to the same component of training.

        Where no validation loss is in the unit of the training loss, with its gap to that: a rise has no unit.
        """
        mine = {trend.curve.component: trend for trend in self.parts.values()}
        alone = self.train if self.run.curve(Role.VAL_LOSS) is None else None
        curves = [one for one in self.run.played_by(Role.VAL_COMPONENT) if not one.adversarial]
        named = [one for one in curves if alone is not None or "loss" in one.tag.casefold()]
        pairs = [(Trend.of(curve), mine.get(curve.component, alone)) for curve in named]
        gaps = [(val, gap_of(train, val)) for val, train in pairs if val is not None and train is not None]
        return tuple((val, gap) for val, gap in gaps if gap is not None)


def _as_errors(curve: Curve) -> Curve:
    values = 1 - as_share(curve.values) if curve.role is Role.SCORE else curve.values
    if DECIBELS.search(curve.tag):
        values = EDGE ** (EDGE * curve.values)  # the squared error beside the signal
    return replace(curve, values=values.clip(values[values > 0].min(initial=1.0)))  # no error among few is no rate of 0


_KNOWN: WeakKeyDictionary[Facts, Signals] = WeakKeyDictionary()


def signals(facts: Facts) -> Signals:
    """The measures of these facts, computed once however many checks ask."""
    found = _KNOWN.get(facts)
    if found is None:
        found = _KNOWN[facts] = Signals(facts.run)
    return found
