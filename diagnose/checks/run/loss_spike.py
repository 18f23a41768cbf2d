"""STB001: a sudden rise of the loss, then recovery."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diagnose.checks.base import Check
from diagnose.checks.run._cures import tighter_clipping
from diagnose.checks.run._instability import Instability, by_the_clock, climb
from diagnose.checks.run._kinds import of_one_kind
from diagnose.checks.run._spikes import Spike, sharp_spikes, slow_spikes
from diagnose.checks.run._wording import at
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Curve, Role, Run


@dataclass(frozen=True)
class LossSpike(Check):
    """The loss rises suddenly, far outside its own noise, and comes back.

    ## Why it matters
    A spike costs the steps that it takes to recover, and it is the first sign of an unstable run: the next one may
    not come back.

    ## How it is detected
    Each point is compared with a running median, on the logarithm of the loss (a share of its range where it can be
    negative). A spike stands more than `z` robust standard deviations and more than `factor` times above it (or
    `low_z` and `tall`), higher than `tail` times the deepest downward outlier, above the points before and after it,
    and it matters against the progress of the run (`weight`). Where outliers of half that height are more than twice
    as many, all of them are the tail of the noise; where two kinds of batches take turns by chance, each with a level
    of its own, only the more frequent kind is judged. A rise of the course by `slow_factor` within a sixtieth
    of the run that heals later counts too, however long it takes.

    ## What to do
    Resume from a checkpoint before the spike with another data order, or clip the gradients harder. If spikes
    repeat, look at warm-up and learning rate. If they come at the same place of each epoch, look at those clips.

    ## Blind spots
    A log that averages over many steps hides spikes. Clips that do not fit their texts, when there are many, look like
    a second kind of batches. A jump at a restart looks the same.
    """

    code = "STB001"
    name = "loss-spike"
    needs = (Role.TRAIN_LOSS,)
    min_points = 20
    explained_by = ("learning-rate-too-high", "missing-warmup")
    part_of = ("divergence", "non-finite-loss")

    z: float = 8.0
    """Robust standard deviations. Source: an operator's rule on log loss, calibrated on six healthy runs of 130M to
    1.2B parameters whose largest z was 4.5."""
    low_z: float = 6.0
    """The same for a spike of `tall`, and for a rise of several points. Source: measured on benchmarks/diagnosis: no
    healthy run has either."""
    tall: float = 3.0
    """Times the trend, from which a spike in loud noise counts. Source: our choice: noise of 20 % reaches two."""
    factor: float = 1.5
    """Times the trend. Source: the gate of the quietest rival (0 to 2 % false alarms on 130 healthy runs)."""
    tail: float = 2.0
    """Times the deepest downward outlier. Source: noise in log loss is as wide below as above; our choice of margin."""
    weight: float = 0.05
    """Share of the run's progress that a spike must undo. Source: our choice: nobody would act on less."""
    slow_factor: float = 1.6
    """Times the course, for a rise that heals slowly. Source: our choice, above the lift of a second stage in the
    synthetic runs of benchmarks/diagnosis (1.5)."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """One finding for all spikes of the training loss."""
        run = facts.run
        curve = of_one_kind(self.curve(facts, Role.TRAIN_LOSS))
        spikes = sharp_spikes(curve, self.z, self.factor, self.tail, self.weight)
        spikes = spikes or sharp_spikes(curve, self.low_z, self.tall, self.tail, self.weight)
        spikes = spikes or slow_spikes(curve, self.low_z, self.slow_factor, self.weight)
        if spikes and not by_the_clock(run, curve):
            yield self._told(run, curve, spikes)
            return
        up = climb(run, curve)
        if up is not None and up.healed:
            yield self._climbed(run, up)

    def _told(self, run: Run, curve: Curve, spikes: list[Spike]) -> Finding:
        worst = max(spikes, key=lambda spike: spike.z)
        many = f", one of {len(spikes)} spikes" if len(spikes) > 1 else ""
        over = f"{worst.height:.3g} times its course" if curve.trend.logarithmic else f"{worst.height:.0%} of its range"
        place = at(curve, curve.steps[worst.first])
        return self.finding(
            Severity.WARNING,
            Confidence.HIGH if worst.z > 2 * self.z else Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            f"The loss jumps to {curve.values[worst.first]:.4g} at {place}, {over}, and comes back{many}.",
            steps=(curve.steps[spikes[0].first], curve.steps[spikes[-1].first]),
            evidence={"spikes": len(spikes), "height": worst.height, "z": worst.z, "z_threshold": self.z},
            prescriptions=tighter_clipping(run, f"the loss jumped to {over}"),
            advice=(
                "Resume from a checkpoint before the spike; if it returns at the same place of the data, look there."
            ),
        )

    def _climbed(self, run: Run, up: Instability) -> Finding:
        return self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            f"{up.told[0].upper()}{up.told[1:]}.",
            steps=(up.first_step, up.last_step),
            evidence=up.evidence,
            prescriptions=tighter_clipping(run, up.told),
            advice="Compare with a run at a lower learning rate or a longer warm-up.",
        )
