"""FIT001: the loss stopped improving too early."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import log

import numpy as np

from diagnose import remedies
from diagnose.checks.base import Check
from diagnose.checks.run._say import at, silent, sure, tail_only
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Severity
from diagnose.run import Role
from diagnose.signals import Course, signals

CLASSES = (2, 3, 4, 5, 10, 20, 50, 100, 1000)


@dataclass(frozen=True)
class Plateau(Check):
    """The loss stopped improving, while it is neither converged nor at the end of its learning-rate schedule.

    ## Why it matters
    A flat loss at full learning rate buys nothing: the rest of the night is better spent with another setting.

    ## How it is detected
    The loss never fell: the upper bound of its fall is small and it does not fall in the second half. Or it fell a
    little, came near its best early, and the rest of the run brought next to nothing. Not where the logged
    learning rate had decayed by then, nor where validation still improves.

    ## What to do
    If it never fell: check labels, tokenizer and frozen weights, then the learning rate. If it fell first: lower the
    learning rate and see whether it falls again; else the model or the data is at its limit.

    ## Blind spots
    Some losses saturate while the audio still improves for days (Tacotron 2 at 0.2, flow matching at 0.6): listen
    before stopping.
    """

    code = "FIT001"
    name = "plateau"
    explained_by = ("dead-schedule", "learning-rate-too-low", "vanishing-gradients", "learning-rate-too-high")
    part_of = ("divergence", "oscillation", "impossible-loss", "non-finite-loss", "past-best", "overfitting")

    never: float = 0.08
    """Fall in ln that is none. Source: the mean answer, learned at once; real runs."""
    still: float = 0.45
    """Order of the second half beyond which it still falls. Source: half of all pairs in order."""
    early: float = 0.4
    """Share of the run by which all was won. Source: most of the budget must be spent before it counts as in vain."""
    tail: float = 0.08
    """Share of the fall that the second half may bring. Source: real runs."""
    little: float = 0.6
    """Fall in ln above which a flat end is convergence: nearly half of the loss. Source: real runs."""
    loud: float = 0.1
    """Noise in ln above which no trend beyond three standard errors counts as none. Source: real runs."""

    def skip_reason(self, facts: Facts) -> str | None:
        """No loss, or too few points."""
        return silent(signals(facts))

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for a flat run, else for a flat rest."""
        measured = signals(facts)
        course = measured.main
        if course is None or self._excused(facts, course):
            return
        if self._never_fell(course):
            moved = course.fell_z > 8 and course.first - course.end > self.never / 4
            began = float(course.level[:3].max()) - course.end > self.never  # by a burst before the first level
            since = max(course.near_best_from, 1 / len(course)) if moved or began else 0.0
            yield self._told(facts, course, since, "The loss never fell")
        elif self._stopped(facts, course):
            yield self._told(facts, course, course.near_best_from, "The loss stopped falling")

    def _certain(self, course: Course) -> bool:
        """Whether so many points are there, or such good ones, that a fall would be seen."""
        return len(course) >= 25 or (len(course) >= 14 and 4 * course.net_error <= self.never / 2)

    def _never_fell(self, course: Course) -> bool:
        if not self._certain(course):
            return False
        still = course.late_order > -self.still or course.fell_at_most < self.never / 4
        # In a loud curve a fall that nobody can tell from none, after so many points, is none.
        lost_in_noise = course.fell_z < 3 and abs(course.order) < 0.35 and course.noise > self.loud
        return (course.fell_at_most < self.never and still) or lost_in_noise

    def _stopped(self, facts: Facts, course: Course) -> bool:
        gap, measured = signals(facts).gap, signals(facts)
        val_done = gap is None or gap.evaluations < 8 or course is measured.val or gap.near_at < self.early
        gained = course.at(1 / 2) - course.end
        flat = gained < max(self.tail * course.fall, course.error) and (
            course.late_order > -self.still or gained < self.tail * self.never
        )
        little = float(course.level[:3].max()) - course.best < self.little
        little = little or _nothing_right(facts) or self._stuck_at_chance(facts, course)
        early = course.near_best_from <= self.early and little
        return len(course) >= 25 and flat and early and val_done

    def _stuck_at_chance(self, facts: Facts, course: Course) -> bool:
        """Whether the second half does not move at all, and stands where guessing would."""
        later = course.level[len(course) // 2 :]
        dead = float(np.quantile(later, 0.9) - np.quantile(later, 0.1)) < self.tail * self.never
        return dead and not course.signed and _chance(facts, course.loss(course.end)) is not None

    def _excused(self, facts: Facts, course: Course) -> bool:
        rate = signals(facts).rate
        if tail_only(signals(facts)):
            return True  # what came before is not known
        if facts.target is not None and course.loss(course.end) <= facts.target.high:
            return True
        flat_for = min(course.near_best_from + 3 * self.early / 4, 1.0)  # so long it had lain flat while the rate stood
        late = float(course.curve.steps[int(flat_for * (len(course) - 1))])
        return rate is not None and rate.past_peak(late) and rate.share(late) < 1 / 2 and course.fall > self.never

    def _told(self, facts: Facts, course: Course, since: float, what: str) -> Finding:
        curve = course.curve
        start, end = course.loss(course.start), course.loss(course.end)
        first = int(curve.steps[int(since * (len(curve) - 1))])
        chance = _chance(facts, end)
        if since == 0:
            message = f"{what}: {start:.4g} at the start, {end:.4g} at the end"
            advice = "Check labels, tokenizer and frozen weights; then try another learning rate."
        else:
            message = f"The loss has stood near {end:.4g} since {at(curve, first)}, most of the run"
            advice = "Halve the learning rate; if the loss does not move, the model or the data is at its limit."
        message += f"; that is chance level, ln {chance:,}." if chance else "."
        tuned = bool(facts.settings.get("init_checkpoint")) and not _nothing_right(facts)
        if tuned:
            advice = "Fine-tuned models often plateau early: listen, or compare with the model that it began from."
        return self.finding(
            Severity.INFO if tuned else Severity.WARNING,
            Confidence.LOW if tuned else sure(signals(facts), course, clear=since == 0),
            curve.role.value if curve.role else curve.tag,
            message,
            steps=(first, curve.steps[-1]),
            evidence=(
                Evidence("fall", course.net, self.never if since == 0 else self.little),
                Evidence("late_share", course.late_share, self.tail),
                *([Evidence("chance_level", log(chance))] if chance else []),
            ),
            prescriptions=() if tuned else remedies.trial_lower_rate(facts),
            advice=advice,
        )


def _nothing_right(facts: Facts) -> bool:
    """Whether a logged error rate of words or letters says at the end that hardly one was right: blanks, in CTC."""
    for curve in facts.run.played_by(Role.ERROR_RATE):
        values = curve.finite.values
        whole = 100 if len(values) and values.max() > 2 else 1
        if len(values) > 2 and np.median(values[-len(values) // 3 :]) >= 0.95 * whole:
            return True
    return False


def _chance(facts: Facts, loss: float) -> int | None:
    """The number of classes whose uniform guess costs this loss, within 1 %, if there is one."""
    known = [facts.tokens, facts.settings.get("vocabulary_size")]
    sizes = [size for size in known if isinstance(size, int) and size > 1] + list(CLASSES)
    return next((size for size in sizes if abs(loss / log(size) - 1) < 0.01), None)
