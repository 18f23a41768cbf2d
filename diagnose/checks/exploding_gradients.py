"""GRD001: the gradient norm leaves its own range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks._base import Check
from diagnose.checks._cures import tighter_clipping
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Curve, Role, Run


@dataclass(frozen=True)
class ExplodingGradients(Check):
    """The gradient norm leaves its own usual range by a large factor.

    ## Why it matters
    One huge gradient throws the weights out of the valley in which they were: the loss jumps at the next step, or turns NaN.

    ## How it is detected
    After the first `warmup` of the run the norm exceeds `ratio` times its median, at least `times` times, or it ends there, or it is
    not finite.

    ## What to do
    Clip at the 90th percentile of the logged norm. If it grows steadily, lower the learning rate too.

    ## Blind spots
    A norm that is logged after clipping can never exceed the threshold.
    """

    code = "GRD001"
    name = "exploding-gradients"
    needs = (Role.GRAD_NORM,)
    min_points = 20
    explained_by = ("non-finite-loss", "learning-rate-too-high")
    part_of = ("loss-spike",)

    ratio: float = 10.0
    """Times the median norm. Source: the quietest rival's gate; healthy norms in the guide's logs stay within a factor of 5."""
    times: int = 3
    """Source: as above: single outliers are what clipping is for."""
    warmup: float = 0.05
    """Share of the run that is left out: norms are large at the start. Source: as above."""

    def check(self, run: Run) -> Iterator[Finding]:
        """Look for norms far above the median."""
        curve = self.curve(run, Role.GRAD_NORM)
        judged = curve.where(np.arange(len(curve)) >= self.warmup * len(curve))
        usual = float(np.median(judged.finite.values)) if len(judged.finite) else 0.0
        high = np.flatnonzero(~(judged.values <= self.ratio * usual)) if usual > 0 else np.array([], dtype=np.int64)
        if len(high) and (len(high) >= self.times or high[-1] == len(judged) - 1):
            yield self._told(run, judged, high, usual)

    def _told(self, run: Run, judged: Curve, high: np.ndarray, usual: float) -> Finding:
        worst = float(np.nanmax(np.where(np.isfinite(judged.values), judged.values, np.nan)))
        return self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.GRAD_NORM.value,
            f"The gradient norm reaches {worst:.3g}, {worst / usual:.0f} times its median, at {len(high)} points.",
            steps=(judged.steps[high[0]], judged.steps[high[-1]]),
            evidence={"median": usual, "highest": worst, "ratio_threshold": self.ratio, "points": len(high)},
            prescriptions=tighter_clipping(run, f"gradient norms reach {worst / usual:.0f} times their median"),
        )
