"""FIT004: a small set learned by heart, seen without any validation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks.base import Check
from diagnose.checks.run._passes import Fall, Passes, fall, passes
from diagnose.checks.run._regularise import stop_and_regularise
from diagnose.checks.run._stairs import Stairs, stairs
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Curve, Role, Run

ADVICE = "Keep 25 clips or more out of training, log their loss, and stop when it turns up."


@dataclass(frozen=True)
class Memorisation(Check):
    """The training loss falls in steps at each new epoch, or to nearly nothing: the clips are learned by heart.

    ## Why it matters
    A model that learns what its clips have in common gets better within the epoch, on clips that it has not seen
    yet. One that learns them by heart gets better only when they come round again. It will not speak other
    sentences.

    ## How it is detected
    Only where no validation loss is logged, by one of two signs.

    Steps: the jump of the loss at the epoch boundaries, beyond the slope within the epochs. It must reach `drop`
    on average, stand out of the scatter of the jumps (`z`) and of the noise (`noise_z`), happen at nearly all
    boundaries and make a good part (`coverage`) of the fall. Where the log has no epochs the period is found from
    the spectrum of the falls and by folding them; then more is asked (`hidden_*`). A loss that climbs within the
    epochs (`climb`) and falls back at the next is that of clips sorted by length.

    Nearly nothing left: the loss of fresh clips falls as a small power of the steps, and slower as it goes. One
    that comes down to `left` of its start, falling faster than one over the steps (`rate`) after the first
    quarter and on from the middle (`known_late`), in `passes` or more over few batches (`steps`), has them by
    heart; over very few (`few_*`) less speed will do. Where the log does not tell the passes, hardly anything may be
    left (`unknown_left`) and the loss must fall on to the end (`late_rate`), or steps that are not quite clear must
    be seen as well (`both_*`); with more left it is information, not a warning.

    ## What to do
    Keep clips out of training and log their loss; train fewer epochs with early stopping; add clips, dropout,
    augmentation.

    ## Blind spots
    A log of epoch means, or of fewer than six points an epoch, shows no steps. Clips that are learned by heart in
    the same order of length in each epoch hide them. A loss without noise at its bottom (an equation to be solved, a
    regression with exact answers) comes down as far on fresh data. Fine-tuned language models show the steps from the
    second epoch on and may still be useful after it.
    """

    code = "FIT004"
    name = "memorisation"
    needs = (Role.TRAIN_LOSS,)
    min_points = 16
    part_of = ("divergence", "impossible-loss")

    z: float = 3.5
    """Standard errors of the mean jump over the boundaries. Source: measured on benchmarks/diagnosis, as are those
    below without another source."""
    noise_z: float = 2.5
    """Standard errors of the noise, where the epochs are logged. Source: other runs with logged epochs reach 1.8."""
    falling: float = 0.65
    """Share of the boundaries at which the loss jumps down. Source: half of them would by chance."""
    drop: float = 0.035
    """Mean jump at a known boundary. Source: several passes over enough data jump by 1 to 3 %."""
    coverage: float = 0.4
    """Share of the fall over these epochs that happens at the boundaries."""
    climb: float = 0.4
    """What the loss may rise by within an epoch, as a share of the jump. Source: measured on benchmarks/diagnosis: 0.35
    at most in 300 sets learned by heart, 0.6 in the middle of 36 whose clips come sorted by length."""
    hidden_coverage: float = 0.5
    """The same at boundaries that were found. Source: curves whose noise wanders reach 0.47."""
    hidden_z: float = 4.8
    """As `z` and `noise_z`, at a boundary that was found. Source: the best of some hundred periods stands at 4.4 in
    one of 900 runs without stairs."""
    hidden_rate: float = 0.35
    """As `rate`, at boundaries that were found, unless no more than `left` is left. Source: the fastest of the
    powers on fresh data, below."""
    both_z: float = 3.7
    """The same where little is left (`left`) as well. Source: reached by chance in one run of 90."""
    both_rate: float = 0.7
    """As `rate`, beside such steps."""
    rate: float = 1.0
    """Power of the steps by which the loss falls after a quarter of the run. Source: on fresh data 0.07 to 0.35
    (Hestness et al. 2017), and by learning theory hardly more than 1."""
    left: float = 0.075
    """Last level over first, where the passes are known or steps are seen. Source: healthy trainings of 20 to 90
    passes end at 0.08 or more, or fall slower."""
    passes: float = 10.0
    """Passes after which a loss that still falls so fast falls by repetition. Source: our choice."""
    steps: float = 200.0
    """Steps in a pass, where known: more are not a tiny set. Source: our choice, 800 clips in batches of 4."""
    known_late: float = 0.35
    """As `rate`, from the middle of the run on. Source: the fastest of the powers on fresh data."""
    few_steps: float = 16.0
    """Steps in a pass that make the set tiny beyond doubt. Source: 1000 clips in batches of 64."""
    few_left: float = 0.1
    """As `left`, over so few steps. Source: our choice: the set is known to be tiny."""
    few_rate: float = 0.5
    """As `rate`, over so few steps. Source: our choice: it still falls faster than on fresh data."""
    unknown_left: float = 0.02
    """As `left`, where the passes are not known. Source: the first steps of healthy regressions, from a start far
    off, come to 0.028 as fast."""
    hardly_left: float = 0.004
    """The same, from which a loss may fall less steeply. Source: as above; healthy regressions come to 0.006."""
    steep: float = 1.5
    """As `rate`, where the passes are not known. Source: measured on benchmarks/diagnosis: healthy regressions without
    noise fall as one over the steps to the power 1.1 to 1.4."""
    late_rate: float = 0.5
    """As `rate`, from the middle of the run on, where the passes are not known. Source: above the powers of fresh
    data; a loss that has come to its floor has 0."""
    suspect_left: float = 0.06
    """Last level over first that is worth telling where the passes are not known. Source: our choice."""

    def skip_reason(self, facts: Facts) -> str | None:
        """A validation loss answers the question better."""
        run = facts.run
        validation = run.curve(Role.VAL_LOSS)
        if validation is not None and len(validation.finite):
            return "a validation loss is logged: overfitting is judged by it"
        return super().skip_reason(facts)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for a jump at each epoch and none between, or for a loss that repetition has used up."""
        run = facts.run
        curve = self.curve(facts, Role.TRAIN_LOSS).finite
        seen, fallen, known = stairs(run, curve), fall(curve), passes(run, curve)
        if seen is not None and self._clear(seen, fallen):
            yield self._stepped(run, seen)
        elif fallen is None:
            return
        elif self._worn_out(fallen, known, seen):
            yield self._used_up(run, curve, fallen, known)
        elif known is None and fallen.left <= self.suspect_left and self._unbroken(fallen):
            yield self._suspected(curve, fallen)

    def _clear(self, seen: Stairs, fallen: Fall | None) -> bool:
        if not self._regular(seen):
            return False
        if seen.known:
            return seen.drop_z >= self.z and seen.noise_z >= self.noise_z
        if fallen is None or (fallen.rate < self.hidden_rate and fallen.left > self.left):
            return False
        return min(seen.drop_z, seen.noise_z) >= self.hidden_z and seen.coverage >= self.hidden_coverage

    def _regular(self, seen: Stairs) -> bool:
        jumps = seen.falling >= self.falling and seen.coverage >= self.coverage and seen.drop >= self.drop
        return jumps and seen.climb <= self.climb

    def _stepped(self, run: Run, seen: Stairs) -> Finding:
        part = f"{-np.expm1(-seen.drop):.0%}"
        return self.finding(
            Severity.WARNING,
            Confidence.HIGH if seen.known else Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            f"At each new epoch (every {seen.points:.0f} points) the loss falls by {part}; "
            f"{min(1.0, seen.coverage):.0%} of its fall happens there: the clips are learned by heart.",
            steps=(seen.first_step, seen.last_step),
            evidence={"epochs": seen.epochs, "drop": seen.drop, "z": seen.drop_z, "coverage": seen.coverage},
            prescriptions=stop_and_regularise(run, f"the loss falls by {part} at each new epoch and hardly between"),
            advice=ADVICE,
        )

    def _worn_out(self, fallen: Fall, known: Passes | None, seen: Stairs | None) -> bool:
        """Whether so little is left that the clips must have come round, or are known to have."""
        if known is not None:
            return known.count >= self.passes and self._repetition_shows(fallen, known.steps)
        if seen is not None and min(seen.drop_z, seen.noise_z) >= self.both_z and self._regular(seen):
            return fallen.left <= self.left and fallen.rate >= self.both_rate
        spent = fallen.left <= self.hardly_left or (fallen.left <= self.unknown_left and fallen.rate >= self.steep)
        return spent and self._unbroken(fallen)

    def _unbroken(self, fallen: Fall) -> bool:
        """Whether a loss falls on and on, where that of fresh clips would come to its floor."""
        return fallen.rate >= self.rate and fallen.late >= self.late_rate

    def _repetition_shows(self, fallen: Fall, steps: float | None) -> bool:
        """Whether a loss fell as it does when passes of so many steps repeat the same clips."""
        if steps is not None and steps <= self.few_steps:
            return fallen.left <= self.few_left and fallen.rate >= self.few_rate
        few_enough = steps is None or steps <= self.steps
        return few_enough and fallen.left <= self.left and fallen.rate >= self.rate and fallen.late >= self.known_late

    def _used_up(self, run: Run, curve: Curve, fallen: Fall, known: Passes | None) -> Finding:
        left, evidence = (
            f"{fallen.left:.1%} of its start",
            {"left": fallen.left, "rate": fallen.rate, "late": fallen.late},
        )
        if known is None:
            said = f"The loss came down to {left}, faster than fresh clips let it"
        else:
            said = f"In {known.count:.0f} passes over the same clips the loss came down to {left}"
            evidence["passes"] = known.count
        return self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            f"{said}, and no validation loss is logged: the clips look learned by heart.",
            steps=(int(curve.steps[0]), int(curve.steps[-1])),
            evidence=evidence,
            prescriptions=stop_and_regularise(run, f"the training loss is at {left}, and nothing else is measured"),
            advice=ADVICE,
        )

    def _suspected(self, curve: Curve, fallen: Fall) -> Finding:
        return self.finding(
            Severity.INFO,
            Confidence.MEDIUM,
            Role.TRAIN_LOSS.value,
            f"The loss came down to {fallen.left:.1%} of its start; whether the clips were learned by heart cannot be "
            "told without a validation loss or the epochs.",
            steps=(int(curve.steps[0]), int(curve.steps[-1])),
            evidence={"left": fallen.left, "rate": fallen.rate, "late": fallen.late},
            advice=ADVICE,
        )
