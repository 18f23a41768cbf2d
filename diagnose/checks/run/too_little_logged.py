"""RUN004: what is logged proves nothing, neither that the run is healthy nor that it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from diagnose.checks.base import MEANING, Check
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Severity
from diagnose.readers.roles import ADVERSARIAL
from diagnose.run import Curve, Role, Run
from diagnose.signals.trend import MEDIAN_COST

# A curve shorter than this is judged only if it moved clearly. Source: measured on benchmarks/diagnosis, where
# runs of fewer points and no net change are as often healthy warm-ups as stuck runs.
FEW_POINTS = 16
# Fewer finite points than this show neither a course nor a bend (a spike needs one point before and two after).
FEWEST_POINTS = 4
# Share of the first loss that must be gone before few points prove that the run learns. Source: the mean answer,
# learned at once; a run at chance level falls by less for ever.
MATERIAL = 0.07
# Standard errors by which a level must have fallen to be called lower. Source: one in 700 for normal noise.
SURE = 3.0


@dataclass(frozen=True)
class TooLittleLogged(Check):
    """What is logged proves nothing, neither that the run is healthy nor that it is not.

    ## Why it matters
    Silence about a run is only good news where a fault would have been seen.

    ## How it is detected
    There is no loss, or it has too few points, or its noise hides whether it fell at all.

    ## What to do
    Log more often, log a validation loss, or name the loss with `--train-tag`.

    ## Blind spots
    A run that learned nothing under much noise looks like one that has not been seen.
    """

    code = "RUN004"
    name = "too-little-logged"

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Say what is missing."""
        reason = _too_little(facts.run)
        if reason:
            yield replace(self.finding(Severity.INFO, Confidence.HIGH, "run", reason), inconclusive=True)


def _loss(run: Run) -> Curve | None:
    return run.curve(Role.TRAIN_LOSS) or run.curve(Role.VAL_LOSS)


def _too_little(run: Run) -> str | None:
    """Why silence about this run proves nothing, or None when it does."""
    curve = _loss(run)
    if curve is None:
        if any(ADVERSARIAL in note for note in run.notes):
            return f"what is logged {ADVERSARIAL}"
        tags = ", ".join(list(run.curves)[:5])
        return f"no loss is logged under a name that ttsdoc knows (seen: {tags}); name it with --train-tag"
    if curve.role is Role.VAL_LOSS:
        return "no training loss is logged, and most checks judge by it; name it with --train-tag"
    return _unclear(curve, run.curve(Role.VAL_LOSS))


def _unclear(curve: Curve, val: Curve | None) -> str | None:
    """Why the course of a training loss proves nothing, or None when it does."""
    points, meaning = len(curve.finite), MEANING[Role.TRAIN_LOSS]
    if points < FEWEST_POINTS:
        return f"{points} points of the {meaning} are too few to judge; log at least {FEW_POINTS}"
    if points < FEW_POINTS and not _fell(curve):
        return f"{points} points of the {meaning} without a clear course are too few to judge; log more often"
    if points >= FEW_POINTS and _hidden(curve) and not _improved(val):
        return f"the noise of the {meaning} hides whether it fell at all; log the mean of more steps"
    return None


def _fell(curve: Curve) -> bool:
    """Whether the loss went down by a good part, and by more than its own scatter from point to point.

    The net fall over n points is compared with the typical jump between neighbours once the fall is taken
    out: for pure noise it exceeds twice that jump in fewer than 1 of 20 curves (normal noise, two end points).
    """
    values = curve.finite.values
    fall = values[0] - values[-1]
    jumps = np.diff(values) + fall / (len(values) - 1)
    little = curve.finite.trend.logarithmic and fall < MATERIAL * values[0]
    return bool(fall > 2 * np.median(np.abs(jumps)) * 1.4826 and not little)


def _hidden(curve: Curve) -> bool:
    """Whether neither the first level nor that of the first quarter stands above the last quarter, beyond noise."""
    trend = curve.finite.trend
    levels = trend.scale(trend.levels)
    quarter = len(levels) // 4
    last = np.median(levels[-quarter:])
    error = trend.level_error * MEDIAN_COST / np.sqrt(quarter)
    early = np.median(levels[:quarter]) - last <= SURE * np.sqrt(2) * error
    return bool(early and levels[0] - last <= SURE * np.hypot(trend.level_error, error))


def _improved(curve: Curve | None) -> bool:
    """Whether the best evaluation but one is better than the first by a good part."""
    if curve is None or len(curve.finite) < FEWEST_POINTS or curve.finite.values.min() <= 0:
        return False
    values = curve.finite.values
    return bool(np.sort(values)[1] < (1 - MATERIAL) * values[0])
