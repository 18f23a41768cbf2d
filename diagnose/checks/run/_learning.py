"""Measures of how a loss falls over the run. Shared by plateau, slow learning and a rate that is too low."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.checks.run._once import once
from diagnose.checks.run._rate import highest_rate, logged_rate, share_of_peak, spent
from diagnose.run import Axis, Curve, Run
from diagnose.signals.trend import FloatArray, Trend, slope

# A straight line is a rate too low: half of its fall comes in the second half. A logarithm that bends after a third of
# the run, the straightest course of a healthy run, has 0.37 there, a power law less (arXiv 2503.12811). A loss that
# falls ever faster has only just begun. The bounds here and below are measured on benchmarks/diagnosis.
STRAIGHT = 0.33
BENT_DOWN = 0.7
# The same for a course that begins without any sudden fall: the line then accounts for all of it, and a schedule that
# is not logged bends it.
BENT, NO_BURST = 0.24, 1.0
# Share of the start that a crawling loss may have lost, and more if its line is nearly perfect.
SHORT_WAY = 0.22
LONGER_WAY = 0.42
# The farther it came, the straighter it must be: up to a quarter, if so much of the fall came in the second half.
QUARTER_WAY, RATHER_STRAIGHT = 0.245, 0.38
# A nearly perfect line: its share of the fall in the second half, of the whole fall, and its standard errors.
STRAIGHTER, EVENER, SURER = 0.42, 0.85, 9.0
# Share of the peak rate in the middle of the tail above which a schedule has not explained the course. Source: our
# choice; yolo and Tacotron logs whose rate decays, or is not logged, fall by a third in a straight line and are well.
KEPT = 0.8
# Below this it has not learned at all.
LEAST_WAY = 0.005
# Share of the whole fall that the straight line must account for: a sudden fall at the start is learning.
EVEN = 0.6
# Share of the fall that the tail must bring: 0.6 on a straight line. A rate that has decayed brings less.
STILL = 0.3
# A learning rate above this is too low for nothing. Source: three times Adam's default.
FAST = 3e-3
# Share of the planned steps up to which a run has only begun. Source: our choice: half of a loss is won in the first
# tenth of most runs, and nobody should stop a run for its first fifth.
BEGUN = 0.2
# Share of its peak down to which a rate has only begun to decay (a cosine stands at 0.95 after 14 % of its way), and
# from which on it decays at all. Source: our choice.
BARELY_DECAYED, HARDLY_DECAYED = 0.95, 0.9999
# Share of the run before its tail. Source: our choice: most of the budget must be spent before it counts as spent
# in vain.
EARLIER = 0.4
# Standard deviations by which the first points must stand above the first block to be a fast fall, not noise. Source:
# one in 700 for normal noise.
SURE_START = 3.0
# Standard errors by which a fall must exceed the noise to be called one.
SURE = 5.0


@dataclass(frozen=True, slots=True)
class Learning:
    """How far and how evenly a loss fell. Levels in loss units."""

    start: float
    end: float
    fall: float
    """What the loss fell by, as a share of its start (of the range of its course where it can be negative)."""
    early_fall: float
    """The same from the level of the first block, which single first points do not move."""
    line_z: float
    """The fall of a straight line through the whole run, in its standard errors."""
    tail_share: float
    """What it fell by in its tail, the last three fifths, as a share of the whole fall; 1 where there was none."""
    tail_z: float
    """The fall of the tail in its standard errors."""
    second_half: float
    """Share of the fall that came in the second half of the learning rate spent: 0.5 for a straight line."""
    even: float
    """Share of the whole fall that the straight line from the first to the last fifth accounts for."""
    tail_step: int
    rate_kept: float | None
    """Learning rate in the middle of the tail over its peak; None where it is not logged."""
    peak_rate: float | None
    """The highest logged learning rate."""
    tail_doubt: float
    """Standard error of `tail_share`."""


@once
def learning(run: Run, curve: Curve) -> Learning:
    """The fall of the finite points of `curve`, at least eight, over the learning rate spent where it is logged.

    What a loss can fall by follows the summed rate, not the steps: a schedule that decays bends every course in steps.
    """
    curve = curve.finite
    trend = curve.trend
    middles = np.array([(trend.first_step(n) + trend.last_step(n)) / 2 for n in range(len(trend.levels))])
    share = spent(run, middles)
    grid = np.linspace(0.0, 1.0, len(middles))
    levels = np.interp(grid, share, trend.scale(trend.levels))
    half = int(EARLIER * len(levels))
    tenth = max(1, len(levels) // 10)
    start, end = _start(trend), float(np.median(trend.levels[-tenth:]))
    fall = float(trend.scale(np.array([start]))[0] - trend.scale(np.array([end]))[0])
    tail = -slope(levels[half:]) * (len(levels) - half - 1)
    tail_error = float(trend.level_error * np.sqrt(12 / max(3, int(np.count_nonzero(share >= EARLIER)))))
    return Learning(
        start,
        end,
        _share(fall, trend),
        _share(float(levels[0] - levels[-1 - tenth // 2]), trend),
        _over(-slope(levels) * (len(levels) - 1), trend.level_error * np.sqrt(12 / len(levels))),
        tail / fall if fall > 0 else 1.0,
        _over(tail, tail_error),
        *_second_half(levels, grid, fall),
        int(np.interp(EARLIER, share, middles)),
        _rate_kept(run, np.interp((1 + EARLIER) / 2, share, middles)),
        highest_rate(run),
        tail_error / fall if fall > 0 else np.inf,
    )


def _start(trend: Trend) -> float:
    """The level of the first points; that of the first block, which more points share, unless noise cannot explain it.

    In loss units.
    """
    points = max(1, min(5, len(trend) // 40))
    first, block = trend.scale(np.array([trend.start, trend.levels[0]]))
    return trend.start if abs(first - block) > SURE_START * trend.noise / np.sqrt(points) else float(trend.levels[0])


def slow(seen: Learning) -> bool:
    """Whether the loss falls beyond doubt, in a straight line, and has come a short way only."""
    if seen.line_z < SURE or seen.tail_z < 1.5 or seen.fall < LEAST_WAY or seen.second_half > BENT_DOWN:
        return False
    if (seen.peak_rate or 0.0) > FAST or seen.tail_share < STILL:
        return False
    perfect = seen.second_half > STRAIGHTER and seen.even > EVENER and seen.line_z > SURER and _unabated(seen)
    bent = seen.second_half > BENT and seen.even > NO_BURST
    straight = seen.second_half > STRAIGHT and seen.even > EVEN
    short = QUARTER_WAY if seen.second_half > RATHER_STRAIGHT else SHORT_WAY
    return ((straight or bent) and seen.fall < short) or (perfect and seen.fall < LONGER_WAY)


def reached(run: Run, end: float) -> bool:
    """Whether the loss stands where finished models of its family stand."""
    return run.target is not None and end <= run.target.high


def just_begun(run: Run, curve: Curve) -> bool:
    """Whether the config plans far more steps, or the logged rate has only begun to decay: a run falls evenly then."""
    planned = run.config.get("max_epochs" if curve.axis is Axis.EPOCH else "max_steps")
    if isinstance(planned, (int, float)) and 0 < curve.steps[-1] < BEGUN * planned:
        return True
    rates = logged_rate(run)
    if rates is None:
        return False
    peak = rates.values.max()
    return bool(BARELY_DECAYED * peak <= rates.values[-1] < HARDLY_DECAYED * peak)


def _unabated(seen: Learning) -> bool:
    """Whether the log shows that the rate stayed up: only then is a longer way in a straight line for it to answer."""
    return seen.rate_kept is not None and seen.rate_kept >= KEPT


def _share(fall: float, trend: Trend) -> float:
    """A fall in scaled units as a share of where it began."""
    return 1 - float(np.exp(-fall)) if trend.logarithmic else fall


def _over(fall: float, error: float) -> float:
    """The fall in standard errors; a noiseless curve is certain of any fall."""
    return fall / error if error > 0 else float(np.sign(fall)) * 1e9


def _second_half(levels: FloatArray, share: FloatArray, fall: float) -> tuple[float, float]:
    """Share of the fall in the second half of the learning rate spent, and how much of `fall` a straight line makes.

    Compares the levels of the first, the middle and the last fifth.
    """
    first, middle, last = (_level_at(levels, share, at) for at in (0.1, 0.5, 0.9))
    if not first > last:
        return 0.0, 0.0
    return (middle - last) / (first - last), (first - last) / 0.8 / fall if fall > 0 else 0.0


def _level_at(levels: FloatArray, share: FloatArray, at: float) -> float:
    near = np.abs(share - at) <= 0.1
    return float(np.median(levels[near])) if near.any() else float(np.interp(at, share, levels))


def _rate_kept(run: Run, step: float) -> float | None:
    rates = logged_rate(run)
    return None if rates is None else float(share_of_peak(rates, step))
