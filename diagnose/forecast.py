"""Where the training loss will be at the end of the run, with an interval whose coverage is measured.

Loss falls with the learning rate spent rather than with the steps taken (Multi-Power Law, arXiv 2503.12811),
so the clock is the summed learning rate where that is logged, and the schedule is continued as it went.
Power laws of several bends are fitted to the course. Each is then asked, from an earlier point, for the
present: what that cost decides both its say in the forecast and how wide the interval must be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from diagnose.facts import Facts
from diagnose.finding import Forecast
from diagnose.run import Axis, Curve, FloatArray, Role

# Fewer points leave nothing to try a law on once the earlier part has been fitted.
FEWEST_POINTS = 12
# Farther ahead than this multiple of the run so far the coverage was not measured.
FARTHEST = 5.0
# A run that has less than this share still to go is all but over: the curve says more than any forecast.
NEAR_END = 0.1
# The course is fitted on this many medians, so that a long log costs no more than a short one.
BINS = 60
# Quantiles 0.1 and 0.9 of (loss - median) / width: losses fall below what was expected further than above it,
# for a decay of the learning rate that is not logged. Chosen on benchmarks/diagnosis, development seeds, before
# the exponentials were added; with them they cover 254 of 310 cuts (81.9 %) of real runs (benchmarks/real).
LOW, HIGH = -1.4, 0.75
COVERAGE = 0.8
# Share of the best law's say from which a law is believed for the floor; a clock at which every law has reached it.
BELIEVED = 0.1
FOR_EVER = 1e12
# No law may fall below the lowest median by more than this share of all that was gained so far.
REACH = 0.5


def forecast(facts: Facts) -> Forecast | None:
    """The smoothed training loss at `facts.horizon`, in units of its axis; None where there is too little to say.

    Without a horizon it is the end that the config asks for (`max_steps`, or `max_epochs` where the epochs are
    logged). None too when less than a tenth of the run is to come, when it ends in NaN, or when it has gone less than
    a sixth of the way. The interval never reaches below the floor towards which the curve falls.
    """
    run = facts.run
    curve = run.curve(Role.TRAIN_LOSS)
    if curve is None or len(curve.finite) < FEWEST_POINTS or not np.isfinite(curve.values[-1]):
        return None
    end = _end(facts, curve) if facts.horizon is None else facts.horizon
    now, first = int(curve.steps[-1]), int(curve.steps[0])
    if end is None or end - now < NEAR_END * (end - first) or end <= now or end - first > FARTHEST * (now - first):
        return None
    course = _course(curve.finite, run.curve(Role.LEARNING_RATE), end)
    if np.ptp(course.loss) == 0:
        return None
    median, width, floor = _ahead(course)
    if curve.finite.values.min() >= 0:  # a loss that was never below zero is not expected there
        floor = max(floor, 0.0)
    low, median, high = (max(floor, median + share * width) for share in (LOW, 0.0, HIGH))
    return Forecast(end, low, median, high, COVERAGE, _note(facts, low, high), curve.axis, curve.tag)


def _note(facts: Facts, low: float, high: float) -> str:
    if facts.target is None:
        return ""
    if facts.target.high < low:
        return "target not reachable with this schedule"
    return "target within reach" if facts.target.sized and high <= facts.target.high else ""


def _end(facts: Facts, curve: Curve) -> int | None:
    """The last step (or epoch) of the configured run, in units of the curve's axis."""
    asked = (facts.settings.get(name) for name in ("max_steps", "max_epochs"))
    steps, epochs = (int(n) if isinstance(n, int | float) and 0 < n < 2**53 else None for n in asked)
    if curve.axis is Axis.EPOCH:
        return epochs
    if steps is not None or epochs is None:
        return steps
    if curve.epochs is None or not curve.epochs[-1] > 0:
        return None
    return round(epochs * float(curve.steps[-1]) / float(curve.epochs[-1]))


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """The loss in medians, and the clock by which it falls. Arrays of shape (bins,)."""

    clock: FloatArray
    """Learning rate (or steps) spent, 1 at the last bin."""
    loss: FloatArray
    end: float
    """The clock at the horizon."""
    noise: float
    """Standard deviation of one median about the course."""
    span: float = 1.0
    """Of the whole course's clock, that this part of it has run: the time of an exponential is one for all parts."""

    def until(self, bins: int) -> _Course:
        """The first `bins`, with the last bin of all as the end to be forecast."""
        now = self.clock[bins - 1]
        return _Course(self.clock[:bins] / now, self.loss[:bins], float(self.clock[-1] / now), self.noise, float(now))


def _course(curve: Curve, rates: Curve | None, end: int) -> _Course:
    count = min(BINS, len(curve))
    edges = np.linspace(0, len(curve), count + 1).astype(int)
    loss = np.array([np.median(curve.values[a:b]) for a, b in pairwise(edges)])
    steps = np.array([np.mean(curve.steps[a:b]) for a, b in pairwise(edges)])
    grid = np.linspace(float(curve.steps[0]), float(end), 512)
    rate = _schedule(rates, curve.axis, grid, float(curve.steps[-1]))
    clock = np.concatenate([[0.0], np.cumsum((rate[1:] + rate[:-1]) / 2 * np.diff(grid))])
    spent = np.interp(steps, grid, clock)
    # A second difference of white noise has six times its variance.
    noise = 1.4826 * np.median(np.abs(np.diff(loss, n=2))) / np.sqrt(6) + 1e-6 * np.ptp(loss)
    return _Course(spent / spent[-1], loss, float(clock[-1] / spent[-1]), float(noise))


def _schedule(rates: Curve | None, axis: Axis, grid: FloatArray, now: float) -> FloatArray:
    """The learning rate on `grid` as a share of its peak, continued beyond `now` as it went before.

    All 1, so that the clock counts steps, where the rate is not logged on `axis` or was nothing from the start.
    """
    known = None if rates is None or rates.axis is not axis else rates.finite
    if known is None or len(known) < FEWEST_POINTS or not known.values[:2].max() > 0:
        return np.ones(len(grid))
    past = np.interp(grid, known.steps.astype(float), np.maximum(known.values, 0.0)) / float(known.values.max())
    begin = int(np.argmax(past))
    seen = int(np.searchsorted(grid, now, side="right"))
    if seen - begin < 3:
        return past
    time = (grid[begin:] - grid[begin]) / max(grid[-1] - grid[begin], 1e-12)
    past[seen:] = _continued(past[begin:seen], time)[seen - begin :]
    return past


def _continued(seen: FloatArray, time: FloatArray) -> FloatArray:
    """The usual schedule that fits `seen`, the part after the peak, on all of `time` (0 at the peak, 1 at the end)."""
    falls = [time, 0.5 * (1 - np.cos(np.pi * time))]
    shapes = [np.full(len(time), seen[-1])]
    for fall in falls:
        part = fall[: len(seen)]
        shapes.append(1 - fall * float(np.clip(_slope(part, 1 - seen), 0.0, 1.0)))
    if (seen > 0).all():
        part = time[: len(seen)]
        shapes.append(np.exp(time * min(0.0, _slope(part, np.log(seen)))))
    worst = [float(np.abs(shape[: len(seen)] - seen).max()) for shape in shapes]
    best = int(np.argmin(worst))
    # 0.02 of the peak: the rounding of a logged rate and the step between a log and its schedule are less.
    return shapes[best] if worst[best] < 0.02 else shapes[0]


def _slope(across: FloatArray, up: FloatArray) -> float:
    """Of the line through the origin that fits best."""
    return float(np.dot(across, up) / max(float(np.dot(across, across)), 1e-12))


# Bends of the power law (clock + offset) ** -exponent; exponent 0 stands for the logarithm, an endless one for
# exp(-clock / offset), as of a fine-tune that has nothing more to learn.
_LAWS = (
    *((exponent, offset) for exponent in (0.0, 0.3, 0.7, 1.2, 2.5) for offset in (0.003, 0.05, 0.3)),
    *((np.inf, offset) for offset in (0.1, 0.2, 0.4)),
)


def _ahead(course: _Course) -> tuple[float, float, float]:
    """Median and width at the end of the course, and the floor that the course tends to."""
    # From where does the present lie as far ahead as the end does from here? And from half as far.
    ratio = np.clip(course.end, 1.05, 3.0)
    cuts = sorted({max(6, int(np.searchsorted(course.clock, share))) for share in (1 / ratio, 1 / np.sqrt(ratio))})
    present = float(np.median(course.loss[-3:]))
    trials = np.array([_answers(course.until(cut)) - present for cut in cuts if cut < len(course.loss)])
    missed = np.mean(trials**2, axis=0)
    answers = _answers(course)
    say = 1 / (missed + course.noise**2)
    say /= say.sum()
    median = float(say @ answers)
    spread = float(np.sqrt(say @ (answers - median) ** 2))
    # What the trials missed, how far the laws disagree, half of the change that is expected, a little noise: this
    # mix has the most even coverage over the three sets of the benchmark.
    parts = (float(np.mean(missed)), spread**2, (0.5 * (median - present)) ** 2, 0.1 * course.noise**2)
    return median, float(np.sqrt(sum(parts))), _floor(course, say) - 2 * course.noise


def _floor(course: _Course, say: FloatArray) -> float:
    """The lowest loss, for ever, by any law that has a tenth of the best one's say; the logarithm has no floor."""
    laws = [law for law, heard in zip(_LAWS, say, strict=False) if heard >= BELIEVED * say.max()]
    endless = replace(course, end=FOR_EVER)
    weight = (course.clock + 0.02) ** 2
    lowest = float(course.loss.min())
    # A curve that has turned up tends to nothing that was not seen.
    return min([lowest, *(_answer(endless, weight, *law) if law[0] > 0 else -np.inf for law in laws)])


def _answers(course: _Course) -> FloatArray:
    """What each law expects at the end of the course, the last entry being `as it is now`."""
    weight = (course.clock + 0.02) ** 2  # the late course says most of what is to come
    answers = [_answer(course, weight, exponent, offset) for exponent, offset in _LAWS]
    lowest, highest = float(course.loss.min()), float(course.loss.max())
    least = lowest - REACH * (highest - lowest)
    bounded = np.clip(answers, max(least, 0.0) if lowest >= 0 else least, highest)
    return np.array([*bounded, float(np.median(course.loss[-3:]))])


def _answer(course: _Course, weight: FloatArray, exponent: float, offset: float) -> float:
    fallen, ahead = (_law(np.asarray(clock), exponent, offset, course.span) for clock in (course.clock, course.end))
    table = np.stack([np.ones(len(fallen)), fallen], axis=1) * weight[:, None]
    floor, height = np.linalg.lstsq(table, course.loss * weight, rcond=None)[0]
    return float(floor + height * ahead)


def _law(clock: FloatArray, exponent: float, offset: float, span: float) -> FloatArray:
    if exponent == np.inf:
        return np.asarray(np.exp(-clock * span / offset))
    return -np.log(clock + offset) if exponent == 0 else np.asarray((clock + offset) ** -exponent)
