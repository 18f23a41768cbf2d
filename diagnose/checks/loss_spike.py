"""STB001: a sudden rise of the loss, then recovery."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks._base import Check
from diagnose.checks._cures import tighter_clipping
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Curve, Role, Run
from diagnose.stats import FloatArray, IntArray


@dataclass(frozen=True)
class LossSpike(Check):
    """The loss rises suddenly, far outside its own noise, and comes back.

    ## Why it matters
    A spike costs the steps that it takes to recover, and it is the first sign of an unstable run: the next one may not come
    back.

    ## How it is detected
    Each point is compared with a running median, on the logarithm of the loss (a share of its range where it can be negative).
    A spike stands more than `z` robust standard deviations and more than `factor` times above it, higher than
    `tail` times the deepest downward outlier, above the points before it, and it matters against the
    progress of the run (`weight`).

    ## What to do
    Resume from a checkpoint before the spike with another data order, or clip the gradients harder. If spikes repeat,
    look at warm-up and learning rate. If they come at the same place of each epoch, look at the clips of that batch.

    ## Blind spots
    A log that averages over many steps hides spikes. A jump at a restart or when a loss term is switched on looks the same.
    """

    code = "STB001"
    name = "loss-spike"
    needs = (Role.TRAIN_LOSS,)
    min_points = 20
    explained_by = ("learning-rate-too-high",)
    part_of = ("oscillation",)

    z: float = 8.0
    """Robust standard deviations. Source: an operator's rule on log loss, calibrated on six healthy runs of 130M to 1.2B
    parameters whose largest z was 4.5."""
    factor: float = 1.5
    """Times the trend. Source: the gate of the quietest rival (0 to 2 % false alarms on 330 healthy runs)."""
    tail: float = 2.0
    """Times the deepest downward outlier. Source: noise in log loss is as wide below as above; our choice of margin."""
    weight: float = 0.05
    """Share of the run's progress that a spike must undo. Source: our choice: less than that nobody would act on."""

    def check(self, run: Run) -> Iterator[Finding]:
        """One finding for all spikes of the training loss."""
        curve = self.curve(run, Role.TRAIN_LOSS).finite
        spikes = self._spikes(curve)
        if not len(spikes):
            return
        worst = spikes[np.argmax(curve.trend.residuals[spikes])]
        height, z = _height(curve, worst)
        yield self.finding(
            Severity.WARNING,
            Confidence.HIGH if z > 2 * self.z else Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            f"The loss jumps to {curve.values[worst]:.4g}, {height:.3g} times its course, at step "
            f"{int(curve.steps[worst]):,} and comes back"
            + (f" ({_episodes(spikes)} such spikes)." if _episodes(spikes) > 1 else "."),
            steps=(curve.steps[spikes[0]], curve.steps[spikes[-1]]),
            evidence={"spikes": _episodes(spikes), "height": height, "z": z, "z_threshold": self.z},
            prescriptions=tighter_clipping(run, f"the loss jumped to {height:.3g} times its course"),
            advice="Resume from a checkpoint before the spike; if it returns at the same place of the data, look at those clips.",
        )

    def _spikes(self, curve: Curve) -> IntArray:
        """Indices of the finite points that stand out, shape (k,)."""
        trend = curve.trend
        residuals = trend.residuals
        low = -float(residuals.min())
        bar = max(self.z * trend.noise, self.tail * low)
        if trend.logarithmic:
            bar = max(bar, float(np.log(self.factor)))
        candidates = np.flatnonzero(residuals > bar)
        candidates = candidates[candidates >= 2][:10_000]
        gain = max(float(curve.values[:5].max()) - trend.best, 0.0)
        return np.array([i for i in candidates if self._sudden(curve.values, int(i), gain)], dtype=np.int64)

    def _sudden(self, values: FloatArray, index: int, gain: float) -> bool:
        """Whether the point stands above what came before and after it."""
        before, after = values[max(0, index - 10) : index], values[index + 1 : index + 1 + max(10, len(values) // 10)]
        if not len(after):
            return False
        rise = values[index] - max(np.median(before), np.quantile(after, 0.25))
        return bool(rise > self.weight * gain and values[index] > before.min() and rise > 0)


def _height(curve: Curve, index: int) -> tuple[float, float]:
    trend = curve.trend
    residual = float(trend.residuals[index])
    noise = max(trend.noise, np.finfo(np.float64).eps)
    return float(np.exp(residual)) if trend.logarithmic else residual, residual / noise


def _episodes(spikes: IntArray, apart: int = 5) -> int:
    """Spikes that stand less than `apart` points from one another are one."""
    return int(np.sum(np.diff(spikes) > apart)) + 1
