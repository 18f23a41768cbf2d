"""FIT005: the loss is high for its family, data set size and progress."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks.base import Check
from diagnose.facts import Facts, TargetBand
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.run import Axis, Curve, Role

STILL_FALLS = "Let it run on and look again: it still falls. Compare only the loss that the target is about."
STANDS = (
    "Cure first what the other findings name: the level follows. Without one, listen, and compare with the model that "
    "it began from; see that this is the loss that the target is about, divided by the accumulation steps."
)


@dataclass(frozen=True)
class LossAboveTarget(Check):
    """The loss is high for its model family, its data set size and its progress, by the loss-target table.

    ## Why it matters
    "Is 3.5 good?" has no answer without the model: a T3 that ends at 3.5 ignores its text, a VITS at 15 sounds fine.
    A run that stands above the band of its family will not sound good, however smooth its curve looks.

    ## How it is detected
    The last loss (median of the last tenth of the points, at least one) is compared with the band that
    `presets/targets/` gives for the family and the number of clips. Above the band is told as information while the
    loss is still falling or where the band is of low confidence, and as a warning once the loss no longer falls, or
    when it is higher than the healthy path at this epoch by more than `path_margin`.

    ## What to do
    While the loss still falls: wait, and compare with the expected path. Once it no longer falls: cure what the
    other findings name first; the level follows.

    ## Blind spots
    A loss that the trainer weights, sums or divides otherwise than its family does cannot be compared, and
    the log does not show that. Divide a loss that is summed over accumulation steps before you compare.
    The bands are only as good as their sources, which the finding names.
    """

    code = "FIT005"
    name = "loss-above-target"
    needs = (Role.TRAIN_LOSS,)
    explained_by = ("non-finite-loss", "learning-rate-too-high", "divergence", "learning-rate-too-low", "plateau")

    path_margin: float = 0.25
    """Share above the healthy path that still counts as on it. Source: the guide's own story stands within
    18 % of its path in every epoch before the loss turned."""
    tail: float = 0.1
    """Share of the points that make the last loss. Source: one tenth, as for the plateau check."""

    def skip_reason(self, facts: Facts) -> str | None:
        """No target is known, or there is no loss to compare with it."""
        if facts.family is None:
            return "the model family is not known: name it with --family"
        if facts.target is None:
            return f"no table of targets for {facts.family}"
        return super().skip_reason(facts)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the last loss with the band, and with the path where the epoch is known."""
        band, curve = facts.target, self.curve(facts, Role.TRAIN_LOSS).finite
        assert band is not None
        last = float(np.median(curve.values[-max(1, round(self.tail * len(curve))) :]))
        if last <= band.high:
            return
        expected = _expected(band, curve)
        behind = expected is not None and last > (1 + self.path_margin) * expected
        falling = last <= float(curve.values.min()) or (len(curve) >= 10 and _still_falling(curve))
        sure = band.confidence is not Confidence.LOW
        told = Severity.WARNING if sure and (behind or not falling) else Severity.INFO
        yield self.finding(
            told,
            band.confidence,
            Role.TRAIN_LOSS.value,
            _message(band, facts, last, expected, falling),
            steps=(curve.steps[-1], curve.steps[-1]),
            evidence=tuple(_evidence(band, last, expected)),
            advice=STILL_FALLS if falling and not behind else STANDS,
        )


def _evidence(band: TargetBand, last: float, expected: float | None) -> Iterator[Evidence]:
    """The loss beside the band, where the band comes from, and the healthy path."""
    told = f"the loss is {last:.4g} (target {band.low:g} to {band.high:g}, from {band.source})"
    yield Evidence("loss", last, band.high, band.loss, told)
    yield Evidence("target_low", band.low, None, band.loss, f"target from {band.low:g}")
    if expected is not None:
        yield Evidence("healthy_path", expected, None, band.loss, f"a healthy run stands near {expected:.3g} here")


def _expected(band: TargetBand, curve: Curve) -> float | None:
    if curve.epochs is not None:
        return band.expected(float(curve.epochs[-1]))
    return band.expected(float(curve.steps[-1])) if curve.axis is Axis.EPOCH else None


def _still_falling(curve: Curve) -> bool:
    """Whether the last third lies lower than the third before it."""
    third = len(curve) // 3
    return float(np.median(curve.values[-third:])) < float(np.median(curve.values[-2 * third : -third]))


def _message(band: TargetBand, facts: Facts, last: float, expected: float | None, falling: bool) -> str:
    clips = "" if facts.samples is None else f" with {facts.samples:,} clips"
    size = clips if band.sized else ", whatever the number of clips,"
    path = "" if expected is None else f"; a healthy run stands near {expected:.3g} at this epoch"
    course = "still falling" if falling else "no longer falling"
    aim = f"{band.family}{size} should end between {band.low:g} and {band.high:g}"
    return f"The loss is {last:.4g}, {course}; {aim}{path}."
