"""Which findings of a training that we run inside of have lasted.

Stricter than `live.history`, which judges again one point earlier: that costs a second examination, inside the
training, and two looks at nearly the same points see the same noise. A stop from inside must not be wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from diagnose.config.effective import effective
from diagnose.facts import Facts
from diagnose.finding import Diagnosis, Finding
from diagnose.run import Axis, Curve, Role

BEGINNING = 50
BEGINNING_IN_EPOCHS = 8
"""Points of the loss before which its course says nothing. Source: Applio's overtraining detector was withdrawn
because it took the warm-up for the best epoch (IAHispano/Applio#356)."""
MORE = 0.05
"""By how much the log must have grown between two looks that confirm each other. Source: our choice, above one point
of an evaluation; two looks at nearly the same points see the same noise."""

Key = tuple[str, str]


class History:
    """The findings of one diagnosis after the other, in the order of the training."""

    def __init__(self) -> None:
        self._first: dict[Key, int] = {}
        """Finding -> points of its curve when it was first seen, as long as it is seen again each time."""
        self._confirmed: dict[Key, Finding] = {}

    def take(self, diagnosis: Diagnosis) -> tuple[Finding, ...]:
        """Note the findings of a longer log. Returns those that this look confirms for the first time."""
        facts = diagnosis.facts
        now = {(finding.code, finding.metric): finding for finding in diagnosis.findings if _speaks(facts, finding)}
        self._first = {key: self._first.get(key, _points(facts, key[1])) for key in now}
        lasting = {key: finding for key, finding in now.items() if self._lasts(facts, key)}
        new = tuple(finding for key, finding in lasting.items() if key not in self._confirmed)
        self._confirmed = lasting
        return new

    def _lasts(self, facts: Facts, key: Key) -> bool:
        first, points = self._first[key], _points(facts, key[1])
        needed = 1 if broken(facts, key[1]) else max(2, MORE * first)
        return key in self._confirmed or points >= first + needed

    @property
    def confirmed(self) -> Iterable[Finding]:
        """Findings of the last diagnosis that an earlier one had, with new points in between."""
        return self._confirmed.values()


def _speaks(facts: Facts, finding: Finding) -> bool:
    """Whether a finding is worth a word: an alarm, and not the course of a curve that has only begun."""
    return finding.alarming and (not just_begun(facts) or broken(facts, finding.metric))


def just_begun(facts: Facts) -> bool:
    """Whether too little is logged for a course."""
    loss = facts.curve(Role.TRAIN_LOSS) or facts.curve(Role.VAL_LOSS)
    return loss is None or len(loss) < (BEGINNING_IN_EPOCHS if loss.axis is Axis.EPOCH else BEGINNING)


def warming_up(facts: Facts) -> bool:
    """Whether the learning rate is still on its way up."""
    loss, rate = facts.curve(Role.TRAIN_LOSS), facts.curve(Role.LEARNING_RATE)
    if facts.config is not None and loss is not None and loss.axis is Axis.STEP:
        steps = effective(facts.config, facts.samples).known().get("warmup_steps")
        if steps is not None and loss.steps[-1] <= steps:
            return True
    return rate is not None and _rising(rate.finite)


def _rising(rate: Curve) -> bool:
    """Whether a learning rate has gone up to its last point, without a fall."""
    return len(rate) > 1 and bool(rate.values[-1] > rate.values[-2]) and bool((np.diff(rate.values) >= 0).all())


def broken(facts: Facts, metric: str) -> bool:
    """Whether the last two points of a curve are no numbers: that is noise of no kind."""
    curve = next(_curves(facts, metric), None)
    return curve is not None and len(curve) > 1 and not np.isfinite(curve.values[-2:]).any()


def _points(facts: Facts, metric: str) -> int:
    """Points of the curve that a finding is about; of the longest where it is none."""
    curves = list(_curves(facts, metric)) or list(facts.run.curves.values())
    return max((len(curve) for curve in curves), default=0)


def _curves(facts: Facts, metric: str) -> Iterator[Curve]:
    for curve in facts.run.curves.values():
        if metric == curve.tag or (curve.role is not None and metric == curve.role.value):
            yield curve
