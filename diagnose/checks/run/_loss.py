"""What the checks of a loss share: whether it says anything of health, how sure one may be, how a change is worded."""

from collections.abc import Iterator
from math import exp
from typing import ClassVar

import numpy as np

from diagnose.checks.base import Check, Confidence, Evidence, Facts, Role
from diagnose.signals import EDGE, FEW, Signals, Trend, signals

MANY = 20
"""Points from which a curve may be judged with high confidence. Source: measured on real runs, benchmarks/real."""
KNOWN_NOISE = 16
"""Points from which standard errors are stated. Source: of 16 the standard deviation is known to a fifth; of four,
differences that happen to be equal give any number of standard errors."""
SURE = 8.0
"""Standard errors that nobody doubts. Source: operators' rule for spikes on log loss; healthy runs reach 4.5."""
PLENTY = 100
"""Standard errors beyond which the number says nothing more."""
LONG = 200
"""Points from which a log that begins in the middle of a run is judged by itself. Source: real runs."""


class LossCheck(Check):
    """A check of the judged loss, whose level must say something of health."""

    fewest: ClassVar[int] = FEW
    """Points of it; below twelve it has no trend but the points themselves."""

    def skip_reason(self, facts: Facts) -> str | None:
        """No loss, too few points, or one that says nothing."""
        measured = signals(facts)
        if measured.main is None or len(measured.main) < self.fewest:
            return f"no loss of {self.fewest} points is logged"
        return super().skip_reason(facts) or moving_target(measured)


def moving_target(measured: Signals) -> str | None:
    """Why the level of the loss says nothing of health, or None where it does."""
    if measured.main is not None and measured.main.curve.adversarial:
        return "the loss of one network against another says nothing of health"
    if measured.reinforced:
        return "the loss of reinforcement learning moves with its own targets"
    return None


def improves(measured: Signals) -> bool:
    """Whether validation, on the same data each time, gained beyond its noise and is at its best."""
    gap = measured.whole
    return (
        gap is not None and measured.train is not None and gap.gain > 2 * gap.noise and gap.rise < gap.gain * EDGE / 2
    )


def confidence(measured: Signals, trend: Trend, *, clear: bool = True) -> Confidence:
    """High for a plain, positive loss of many points that shows the fault clearly; else medium."""
    plain = not (measured.reinforced or measured.rivalled or trend.signed)
    return Confidence.HIGH if clear and plain and len(trend) >= MANY else Confidence.MEDIUM


def above(levels: float) -> str:
    """A rise of the level as a reader says it, before `its start`: `38% above`, or `4.2 times` from the double on."""
    factor = exp(min(levels, 2 * PLENTY))
    return f"{factor - 1:.0%} above" if factor < 2 else f"{factor:.3g} times"


def beyond_noise(z: float, points: int, bar: float | None = None) -> tuple[Evidence, ...]:
    """How many standard errors an effect is; nothing where too few points show the noise."""
    if points < KNOWN_NOISE:
        return ()
    times = f"over {PLENTY}" if z > PLENTY else f"{z:.1f}"
    return (Evidence("z", z, bar, "", f"{times} standard errors"),)


def onset(facts: Facts, step: int) -> Iterator[Evidence]:
    """The best state before a fault, and the learning rate and gradient norm then: supervisors start from these."""
    rate, norms, trend = signals(facts).rate, facts.curve(Role.GRAD_NORM), signals(facts).main
    place = f"step {step:,}" if trend is None else trend.curve.place(step)
    yield Evidence("best_step_before", step, sentence=f"it was at its best before, near {place}")
    if rate is not None:
        then = float(np.interp(step, rate.steps, rate.values))
        yield Evidence("rate_then", then, sentence=f"the learning rate was {then:.3g} then")
    before = np.zeros(0) if norms is None else norms.finite.until(step).values[-KNOWN_NOISE:]
    if len(before):
        norm = float(np.median(before))
        yield Evidence("grad_norm_then", norm, sentence=f"the usual gradient norm was {norm:.3g} then")
