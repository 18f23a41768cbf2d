"""How checks name a place in a run, and how sure they may be of what a curve shows."""

from __future__ import annotations

from math import exp

from diagnose.finding import Confidence, Evidence
from diagnose.run import Curve
from diagnose.signals import Course, Kind, Signals

MANY = 25
"""Points from which a curve may be judged with high confidence. Source: measured on real runs, benchmarks/real."""


KNOWN_NOISE = 16
"""Points from which the noise of a curve is known well enough to count in it. Source: of 16 the standard deviation is
known to a fifth; of four, differences that happen to be equal give any number of standard errors."""
PLENTY = 100
"""Standard errors beyond which the number says nothing more."""


def beyond_noise(z: float, points: int, bar: float | None = None) -> tuple[Evidence, ...]:
    """How many standard errors an effect is; nothing where too few points tell the noise."""
    if points < KNOWN_NOISE:
        return ()
    times = f"over {PLENTY}" if z > PLENTY else f"{z:.1f}"
    return (Evidence("z", z, bar, "", f"{times} standard errors"),)


def at(curve: Curve, step: float) -> str:
    """`step 3,000`, or `epoch 3` where the curve counts epochs."""
    return curve.place(int(step))


def sure(measured: Signals, course: Course, *, clear: bool = True) -> Confidence:
    """High for a plain, positive loss of many points that shows the fault clearly; else medium."""
    plain = measured.kind is Kind.PLAIN and not course.signed
    return Confidence.HIGH if clear and plain and len(course) >= MANY else Confidence.MEDIUM


def change(levels: float) -> str:
    """A rise of the level as a reader says it: `38 %`, or `4.2 times` where it is more than double."""
    factor = exp(min(levels, 700))
    return f"{factor - 1:.0%}" if factor < 2 else f"{factor:.3g} times"


def improves(measured: Signals) -> bool:
    """Whether validation, on the same data each time, gained beyond its noise and stands at its best."""
    gap = measured.gap
    return gap is not None and measured.train is not None and gap.gain > 3 * gap.noise and 20 * gap.rise < gap.gain


def silent(measured: Signals) -> str | None:
    """Why the course of the loss says nothing of health, or None where it does."""
    if measured.main is None or measured.main.width == 1:
        return "no loss of eight points is logged"
    return contested(measured)


TAIL = 200
"""Points from which a log that begins in the middle of a run is judged by itself. Source: real runs."""


def tail_only(measured: Signals) -> bool:
    """Whether the log is a short piece of a run whose beginning it does not show."""
    return measured.begins_late and measured.main is not None and len(measured.main) < TAIL


def contested(measured: Signals) -> str | None:
    """Why the level of the loss says nothing of health, however many points there are."""
    if measured.main is not None and measured.main.curve.adversarial:
        return "the loss of one network against another says nothing of health"
    if measured.kind is Kind.REINFORCEMENT:
        return "the loss of reinforcement learning moves with its own targets"
    return None
