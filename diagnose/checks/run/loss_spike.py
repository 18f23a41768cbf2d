"""STB001: a sudden rise of the loss, then recovery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from diagnose import remedies
from diagnose.checks.base import Check
from diagnose.checks.run._onset import onset
from diagnose.checks.run._say import at, beyond_noise, change, silent, sure
from diagnose.facts import Facts
from diagnose.finding import Evidence, Finding, Severity
from diagnose.signals import Course, Episode, signals
from diagnose.signals.episodes import deepest_dip


@dataclass(frozen=True)
class LossSpike(Check):
    """The loss rises suddenly, far outside its own noise, and comes back.

    ## Why it matters
    A spike costs the steps that it takes to recover, and it is the first sign of an unstable run: the next one may
    not come back.

    ## How it is detected
    Single points far above the trend, and excursions of the trend that heal. One must be high in logarithms (a share
    of its range where the loss can be negative), undo a good part of the progress, stand out of the noise, and be
    higher than the deepest dip below the trend: noise is as wide below as above.

    ## What to do
    Resume from a checkpoint before the spike with another data order, or clip the gradients harder. One that healed
    long ago is past: it asks for nothing but a look at clipping.

    ## Blind spots
    A log that averages over many steps hides spikes. A jump at a restart looks the same.
    """

    code = "STB001"
    name = "loss-spike"
    explained_by = ("learning-rate-too-high", "missing-warmup", "broken-resume")
    part_of = ("divergence", "non-finite-loss", "oscillation")

    height: float = 0.4
    """Above the trend in ln: 1.5 times. Source: the gate of the quietest rival."""
    effect: float = 0.2
    """Height times the share of progress undone (at most 1): double for a third. Source: real runs."""
    z: float = 7.0
    """Standard errors or noise. Source: operators' rule on log loss, healthy runs reach 4.5; heavy tails more."""
    rare: float = 0.01
    """Share of points of half the height above which they are another kind of batch. Source: one in 100."""
    odd: float = 2.5
    """Times the deepest dip. Source: generated heavy tails alarm in a third of the runs without it."""
    longest: float = 0.45
    """Share of the run: longer is a climb. Source: half of the run is no spike."""

    def skip_reason(self, facts: Facts) -> str | None:
        """No loss, or too few points, or one that says nothing."""
        return silent(signals(facts))

    def check(self, facts: Facts) -> Iterator[Finding]:
        """One finding for all spikes."""
        measured = signals(facts)
        course = measured.main
        if course is None:
            return
        sharp = [one for one in measured.peaks if self._is_peak(course, one)]
        slow = [one for one in measured.episodes if self._is_spike(course, one)]
        spikes = [] if self._common(measured.peaks, course) else sharp
        spikes += [] if self._common(slow, course) else slow
        if spikes:
            yield self._told(facts, course, spikes)

    def _big(self, one: Episode) -> bool:
        high = one.height >= self.height and one.height * min(one.share, 1) >= self.effect
        return high and one.z >= self.z

    def _common(self, peaks: Sequence[Episode], course: Course) -> bool:
        """Whether so many peaks are half as high as the highest that they are the tail of the noise."""
        top = max((one.height for one in peaks), default=0.0)
        return sum(2 * one.height > top for one in peaks) >= max(6, self.rare * len(course))

    def _is_peak(self, course: Course, one: Episode) -> bool:
        return self._big(one) and one.last < len(course) - 1 and one.height >= self.odd * deepest_dip(course)

    def _is_spike(self, course: Course, one: Episode) -> bool:
        hump = one.first < len(course) / 25 and one.over_start < self.height
        over = one.last < len(course) - 1
        return self._big(one) and over and one.length <= self.longest and not hump

    def _told(self, facts: Facts, course: Course, spikes: list[Episode]) -> Finding:
        worst = max(spikes, key=lambda one: one.effect)
        curve, measured = course.curve, signals(facts)
        top = int(curve.steps[worst.peak])
        many = f", one of {len(spikes)} spikes" if len(spikes) > 1 else ""
        first, last = min(one.first for one in spikes), max(one.last for one in spikes)
        healed = "and comes back" if last < len(course) - 1 else "and is coming back"
        past = last < (1 - self.longest / 2) * len(course)
        return self.finding(
            Severity.WARNING,
            sure(measured, course, clear=worst.height > 3 * self.height),
            curve.role.value if curve.role else curve.tag,
            f"The loss jumps to {curve.values[worst.peak]:.4g} at {at(curve, top)}, {change(worst.height)} above its "
            f"course, {healed}{many}.",
            steps=(curve.steps[first], curve.steps[last]),
            evidence=(
                Evidence("spikes", len(spikes)),
                Evidence("height", worst.height, self.height, "", f"{change(worst.height)} above its course"),
                Evidence("share_lost", worst.share, None, "", f"undid {worst.share:.0%} of the progress"),
                *beyond_noise(worst.z, len(course), self.z),
                *onset(facts, int(curve.steps[max(first - 1, 0)])),
            ),
            prescriptions=remedies.clip(facts, int(curve.steps[first])),
            advice="It healed: no need to go back. If it returns at the same place of the data, look there."
            if past
            else "Resume from a checkpoint before the spike; if it returns at the same place of the data, look there.",
        )
