"""How a loss swings about its course, and how it is thrown up at the start. Shared by oscillation and its cause."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from diagnose.checks.run._once import once
from diagnose.checks.run._rate import HIGH_RATE, at_high_rate, logged_rate, reckless, share_of_peak, trained_before
from diagnose.checks.run._scatter import Scatter, scatter
from diagnose.finding import Number
from diagnose.run import Axis, Curve, IntArray, Role, Run
from diagnose.signals.trend import BLOCKS, SHORT, FloatArray, block_medians, point_noise, robust_std, running_median

SWING_BLOCKS = 120
"""Blocks in which swings are counted: a tenth of the run holds a dozen."""
FEWEST_ECHOES = 8
"""Evaluations that tell whether validation swings along. Source: our choice."""
ECHO = 0.6
"""Rank correlation of the moves of both losses from evaluation to evaluation. Source: one in 20 by chance with eight
evaluations; measured on benchmarks/diagnosis, where no healthy run both swings and is echoed."""
ECHO_SIZE = 0.5
"""Moves of validation over those of training, both as standard deviations of logarithms. Source: as above."""
ECHO_MOVES = 0.1
"""Moves of validation that are swings, as above. Source: our choice: few clips scatter by half of that."""
ECHO_SWING = 0.2
"""Median height of the swings of an oscillation that validation echoes. Source: as above."""
LOW_RATE = 0.25
"""Share of the peak learning rate below which the steps are small. Source: a quarter cured the bundled trainer's
spikes."""
FEWEST_CALM = 8
"""Differences that make a median. Source: our choice."""
CALM = 0.4
"""Mean climb between blocks at a low rate over that at a high rate. Source: measured on benchmarks/diagnosis: 0.5 or
more in 90 of 100 healthy runs, for the noise of batches does not depend on the rate; 0.4 or less in 95 of 100 whose
rate was too high at first."""
SMALLEST_SWING = float(np.log(1.2))
"""Rise and fall that count as a swing. Source: our choice, far above the noise of epoch means."""
SWING = 0.33
"""Median height of the swings of an oscillation. Source: white noise of 12 % swings by 0.3; measured on
benchmarks/diagnosis."""
ENOUGH = 0.3
"""Share of the run that must lie at a high rate to be judged. Source: our choice: before that the loss is still
falling fast."""
TURNS = 5
"""Turns of an oscillation. Source: as above: two spikes make four."""
UNREST = 0.09
"""Standard deviation of an oscillation. Source: measured on benchmarks/diagnosis: 0.05 in 95 of 100 healthy runs."""
MEANS_BELOW = 64
"""Points of a log below which a point is the mean of many batches and its noise small. Source: our choice."""
WIDE_UNREST = 0.14
"""The same, from which more progress is forgiven."""
LOUD_UNREST = 0.3
"""The same, from which half of the loss is forgiven."""
LOUD_PROGRESS = 0.4
"""Fall of the level that is progress in spite of swings by more than the level. Source: as above."""
LITTLE_PROGRESS = 0.18
"""Fall of the level that is progress in spite of modest swings. Source: as above."""
SPREAD = 1.2
"""Spread of white noise that is an oscillation. Source: noise of 20 % gives 0.51, of 40 % 1.04."""
IDLE_SPREAD = 0.6
"""The same, for a run that has gained nothing at all. Source: noise of 20 % gives 0.51."""
IDLE = 0.1
"""Fall of the loss that is nothing. Source: our choice."""
WILD = 0.22
"""Standard deviation of single points in an oscillation at their own scale. Source: as above: twice as much as in the
noisiest healthy runs whose neighbours are alike."""
SHARED = 0.07
"""What neighbouring points share of it. Source: our choice, beyond the error of the estimate for 200 points."""
THRASHING, THRASHING_SHARED = 0.25, 0.12
"""Standard deviation of single points, and what neighbours share of it, that is an oscillation whatever the loss fell
by from its first, exploded points. Source: as above: no healthy run has both without gaining by it."""
SWAYING, SWAYING_PROGRESS = 0.5, 0.2
"""Correlation of neighbours where swings are slower than the sixteen points over which scatter is measured, and the
fall of the level that is progress in spite of them. Source: as above: no healthy run turns so often so slowly."""
NOTHING_LEFT = 0.999
"""Fall of the level after which the loss wobbles near nothing. Source: our choice: a thousandth is left."""
WILD_PROGRESS = 0.4
"""Fall of the level that is progress in spite of it. Source: as for loud swings."""
NOISE = 0.28
"""Standard deviation of single points that speaks of steps that are too large though neighbours share nothing,
if it is large against all that was gained. Source: measured on benchmarks/diagnosis: losses that average over random
times scatter by 26 % at most."""
GAINED = 0.7
"""Such scatter over the fall of the loss, both in scaled units. Source: as above: at most 0.4 in healthy runs."""
MANY = 200
"""Points that would show what neighbours share. Source: as for `SHARED`."""
LEARNED = 0.28
"""Fall of the level that shows that a run learns below such scatter. Source: measured on benchmarks/diagnosis: steps
that are too large leave less in three of four runs, batches of one clip come this far in nine of ten."""
RECKLESS_NOISE = 0.15
"""As `NOISE`, at a rate that few optimisers bear, where nothing is gained after the first tenth. Source: as above."""
SUBDUED = 0.65
"""Scatter of single points at a low rate over that at a high rate. Source: the noise of batches does not depend on
the rate, and swings that go by its root come down to half below a quarter of it."""
PROGRESS = 0.3
"""Fall of the level over the judged part that is progress in spite of the swings. Source: our choice."""
TOTAL = 0.75
"""Fall from the first loss on that excuses all swings. Source: our choice: whoever learned so much need not mind
the bounces."""
THROW = 1.3
"""Top over start that is a throw. Source: our choice; a warm-up hump of 1.37 that fell again
(Applio#113) is excused by the fall."""
HUMP, BRIEF = 1.5, 0.1
"""Top over start up to which a rise that has healed is a hump of the warm-up if the loss is back at its start within
this share of the run. Source: as above, and usual warm-ups of at most a tenth."""
SURE, SURE_EARLY = 5.0, 3.0
"""Standard deviations of single points, of the whole run and of its beginning. Source: our choice: the highest of a
hundred medians of three stands two above the course, and a first point two below it."""
HEALED = 0.8
"""Share of the first loss below which a throw has healed. Source: our choice."""
THROW_TOTAL = 0.5
"""Fall at the end, as a share of the start, that excuses a throw: then the run has recovered. Source: our choice."""
RELAPSE = 1.8
"""Top over the best before it. Source: our choice, above the lift of a second stage in the synthetic runs of
benchmarks/diagnosis (1.5)."""
WEIGHT = 0.1
"""Share of the progress that the climb must undo. Source: our choice: what is learned by heart wobbles near zero."""
LASTING = 0.08
"""Share of the run. Source: measured on benchmarks/diagnosis, where bad batches heal sooner."""


@dataclass(frozen=True, slots=True)
class Bounces:
    """How a loss swings while the learning rate is high."""

    turns: int
    """Times that the course turned by more than a swing."""
    swing: float
    """Median height of the swings as a factor less one (0.3: up and down by 30 %)."""
    unrest: float
    """Standard deviation of the part of the swings that one point shares with the next, in scaled units: single
    spikes and the noise of single batches have none. Of all swings where the points are means of epochs."""
    spread: float
    """Spread of single points from the 10th to the 90th percentile, as a share of their level."""
    scatter: Scatter
    """How single points scatter, and what neighbours share of it, whatever the length of the log."""
    subdued: bool
    """Whether single points scatter far less once the logged rate has come down."""
    calmed: bool
    """Whether the swings died down as the schedule took the learning rate away."""
    echoed: bool
    """Whether validation swings along: then it is the weights that swing, not the difficulty of the batches."""
    progress: float
    """How much the level fell over the judged part, as a share of its level at the beginning of it."""
    learned: float
    """How much the level fell from the first block of the run to the end of the judged part, as a share."""
    total: float
    """How much the level fell from the first point to the end of the judged part, as a share of the first."""
    reckless: bool
    """Whether a rate was logged that few optimisers bear."""
    trained_before: bool
    """Whether it began from weights that knew much already, and have little left to gain."""
    first_step: int
    last_step: int

    @property
    def height(self) -> float:
        """What the loss goes up and down by, as a share of its level: by its turns, or by its single points."""
        return self.swing if self.turns >= TURNS and not self.wild else self.spread

    @property
    def told(self) -> str:
        """What it does, in words."""
        gain = f"gains {self.progress:.0%}" if self.progress > 0.005 else "gains nothing by it"
        if self.wild and self.scatter.by_more_than_chance:
            return f"the loss swings by {self.scatter.total:.0%} about its course, several points at a time, and {gain}"
        if self.wild:
            return f"single points scatter about the course by {self.scatter.total:.0%}, and the loss {gain}"
        often = f" ({self.turns} turns)" if self.turns >= TURNS else ""
        return f"the loss swings up and down by {self.height:.0%} of its level{often} and {gain}"

    @property
    def evidence(self) -> dict[str, Number]:
        """What was measured, to three digits."""
        measured = {"turns": self.turns, "swing": self.swing, "progress": self.progress}
        if self.wild:
            measured |= {"scatter": self.scatter.total, "alike": self.scatter.alike}
        return {name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in measured.items()}

    @property
    def oscillates(self) -> bool:
        """Whether the swings are wide and many, and nothing is gained by them."""
        if self.wild:
            return True
        unrest = WIDE_UNREST if self.trained_before else UNREST  # that nothing is gained says less there
        swings = self.turns >= TURNS and self.swing >= SWING and (self.unrest >= unrest or self.calmed)
        loud = self.unrest >= LOUD_UNREST or self.spread >= SPREAD
        least = LOUD_PROGRESS if loud else PROGRESS if self.calmed or self.unrest >= WIDE_UNREST else LITTLE_PROGRESS
        content = self.trained_before and not self.scatter.by_more_than_chance
        idle = max(self.progress, self.total) < IDLE and not content
        if self.spread >= IDLE_SPREAD and idle:
            return True
        if self.echoed and self.turns >= TURNS and self.swing >= ECHO_SWING and self.progress < LITTLE_PROGRESS:
            return min(self.total, self.learned) < TOTAL
        wide = self.spread >= SPREAD and not self._of_batches
        return (swings or wide) and self.progress < least and self.total < TOTAL

    @property
    def eased(self) -> bool:
        """Whether wide swings of single points died down with the rate: the difficulty of batches would not."""
        return self.wild and (self.calmed or self.subdued)

    @property
    def wild(self) -> bool:
        """Whether single points swing widely: together with their neighbours, with the rate, or beyond all gain."""
        if self._thrashes or self._sways:
            return True
        if self.progress >= WILD_PROGRESS or self.total >= TOTAL:
            return False
        together = self.scatter.total >= WILD and self.scatter.shared >= SHARED
        gain = -float(np.log1p(-min(max(self.progress, min(self.total, self.learned), 0.0), 1 - 1e-9)))
        content = self.trained_before or self.learned >= LEARNED
        large = self.scatter.total >= GAINED * gain and not (self._of_batches and content)
        if self.reckless and self.scatter.total >= RECKLESS_NOISE and self.progress < IDLE:
            return True
        return together or (self.scatter.total >= NOISE and (self.subdued or large))

    @property
    def _thrashes(self) -> bool:
        """Whether many points together swing so widely, and gain so little, that no earlier fall excuses it."""
        wide = self.scatter.total >= THRASHING and self.scatter.shared >= THRASHING_SHARED
        idle = min(self.progress, self.learned) < IDLE and self.learned < NOTHING_LEFT
        return wide and idle and self.turns >= 2 * TURNS

    @property
    def _sways(self) -> bool:
        """Whether it goes slowly up and down, many times and by much, every point like its neighbours."""
        many = self.turns >= 3 * TURNS and self.swing >= SWING and self.scatter.alike >= SWAYING
        return many and self.progress < SWAYING_PROGRESS and self.total < TOTAL

    @property
    def _of_batches(self) -> bool:
        """Whether the points are many and share nothing: then single hard clips may make all of the scatter."""
        return self.scatter.points >= MANY and not self.scatter.by_more_than_chance


@once
def bounces(run: Run, curve: Curve) -> Bounces | None:
    """The swings of a loss; None for one that is negative at times, and for fewer than 16 finite points."""
    part = at_high_rate(run, curve.finite)
    trend = curve.finite.trend
    few = len(part) < max(SHORT, ENOUGH * len(trend))
    if few or not trend.logarithmic or cycles(run) or contested(run, curve):
        return None
    begin = len(part) // 10
    course = trend.scale(block_medians(part.values[begin:], SWING_BLOCKS))
    legs = zigzag(course, SMALLEST_SWING)
    low, high = np.quantile(trend.residuals[begin : len(part)], [0.1, 0.9])
    first, last = _troughs(block_medians(part.values[begin:], BLOCKS))
    seen = scatter(trend.scaled[begin : len(part)])
    single = part.axis is Axis.STEP and len(curve) >= MEANS_BELOW
    return Bounces(
        max(0, len(legs) - 1),
        float(np.expm1(np.median(legs))) if len(legs) else 0.0,
        0.0 if single and seen.points and not seen.by_more_than_chance else _unrest(course, single=single),
        float(np.exp(high) - np.exp(low)),
        seen,
        _subdued(run, curve.finite),
        _calmed(run, curve.finite),
        _echoed(run, curve.finite),
        1 - last / first if first else 0.0,
        1 - last / float(trend.levels[0]) if trend.levels[0] else 0.0,
        1 - last / _first(curve.finite),
        reckless(run),
        trained_before(run),
        int(part.steps[begin]),
        int(part.steps[-1]),
    )


def _first(curve: Curve) -> float:
    """The first loss: a throw begins at the second point."""
    return float(curve.values[0]) or curve.trend.floor


def contested(run: Run, curve: Curve) -> bool:
    """Whether this is what a generator loses to a discriminator alone: it goes up and down with the other's skill."""
    ours = _words(curve.tag)
    rivals = any(_words(tag) & {"d", "disc", "discriminator"} for tag in run.curves if tag != curve.tag)
    return rivals and bool(ours & {"g", "gen", "generator"}) and not ours & {"total", "all", "sum"}


def _words(tag: str) -> set[str]:
    return set(re.split(r"[^a-z0-9]+", tag.lower()))


def cycles(run: Run) -> bool:
    """Whether the logged rate goes up and down by schedule, so that the loss has to breathe with it."""
    rates = logged_rate(run)
    return (
        rates is not None and len(zigzag(block_medians(rates.values / rates.values.max(), SWING_BLOCKS), HIGH_RATE)) > 2
    )


def _calmed(run: Run, curve: Curve) -> bool:
    """Whether the loss climbs far less from block to block once the logged rate has come down than while it was high.

    Climbs, not differences: the slow rise and the sudden fall of a bounce count alike, and falling counts as none.
    """
    rates = logged_rate(run)
    if rates is None:
        return False
    course = curve.trend.scale(block_medians(curve.values, SWING_BLOCKS))
    places = np.linspace(curve.steps[0], curve.steps[-1], len(course))
    rate = share_of_peak(rates, places)[1:]
    climbs = np.maximum(np.diff(course), 0.0)
    early, late = climbs[rate >= HIGH_RATE], climbs[(rate < LOW_RATE) & (np.arange(len(rate)) > np.argmax(rate))]
    if min(len(early), len(late)) < FEWEST_CALM:
        return False
    return bool(late.mean() < CALM * early.mean())


def _subdued(run: Run, curve: Curve) -> bool:
    """Whether the differences of neighbouring points are far smaller once the logged rate has come down."""
    rates = logged_rate(run)
    if rates is None:
        return False
    rate = share_of_peak(rates, curve.steps[1:])
    moves, place = np.abs(np.diff(curve.trend.scaled)), np.arange(1, len(curve))
    early = moves[(rate >= HIGH_RATE) & (place > len(curve) // 10)]
    late = moves[(rate < LOW_RATE) & (place > np.argmax(rate))]
    return min(len(early), len(late)) >= 2 * FEWEST_CALM and bool(np.median(late) < SUBDUED * np.median(early))


def _echoed(run: Run, curve: Curve) -> bool:
    """Whether the moves of the validation loss rank like those of the training loss, and are about as large."""
    val = run.curve(Role.VAL_LOSS)
    if val is None or val.axis is not curve.axis or len(val.finite) < FEWEST_ECHOES or val.finite.values.min() <= 0:
        return False
    level = curve.trend.scaled if len(curve) < 2 * len(val.finite) else running_median(curve.trend.scaled, 3)
    at = np.searchsorted(curve.steps, val.finite.steps, side="right") - 1
    ours, theirs = np.diff(level[np.maximum(at, 0)]), np.diff(np.log(val.finite.values))
    alike = np.corrcoef(_ranks(ours), _ranks(theirs))[0, 1]
    return bool(alike > ECHO and theirs.std() > max(ECHO_SIZE * ours.std(), ECHO_MOVES))


def _ranks(values: FloatArray) -> IntArray:
    """Shape (n,): the place of each value in their order."""
    return np.argsort(np.argsort(values, kind="stable"), kind="stable")


def _unrest(course: FloatArray, *, single: bool) -> float:
    """Deviation about a slow trend; for `single` batches only what neighbours share (their covariance)."""
    around = course - running_median(course, (len(course) // 4) | 1)
    bound = 3 * robust_std(around)
    around = np.clip(around, -bound, bound)
    variance = float(np.mean(around[1:] * around[:-1] if single else around**2))
    return float(np.sqrt(max(variance, 0.0)))


def _troughs(levels: FloatArray) -> tuple[float, float]:
    """The lower quartile of the levels in the first and in the last third: what is left when the bounces are down."""
    third = max(1, len(levels) // 3)
    return float(np.quantile(levels[:third], 0.25)), float(np.quantile(levels[-third:], 0.25))


def zigzag(course: FloatArray, size: float) -> FloatArray:
    """Heights of the legs of a course, shape (m,), between its turns: where it goes back by `size` or more."""
    legs, pivot, extreme, direction = [], float(course[0]), float(course[0]), 0
    for level in course.tolist():
        if (level - extreme) * direction > 0 or (direction == 0 and abs(level - pivot) >= size):
            direction = direction or (1 if level > pivot else -1)
            extreme = level
        elif direction and abs(level - extreme) >= size:
            legs.append(abs(extreme - pivot))
            pivot, extreme, direction = extreme, level, -direction
    if direction:
        legs.append(abs(extreme - pivot))
    return np.asarray(legs, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Throw:
    """The highest level early in the run. Levels in loss units."""

    start: float
    top: float
    end: float
    noise: float
    """Robust standard deviation of single points, as a share of the loss."""
    early_noise: float
    """The same in the first fifth of the run, where the throw adds to it."""
    above: float
    """Share of the run that the course spent above twice the start."""
    back: float
    """Share of the run after which the loss was back at its start; 1 where it was not within a fifth."""
    top_step: int
    last_step: int

    @property
    def lasting(self) -> bool:
        """Whether it stayed up for so long that making good for it in the end does not excuse it."""
        return self.above >= LASTING

    @property
    def factor(self) -> float:
        """Top over start."""
        return self.top / self.start

    @property
    def healed(self) -> bool:
        """Whether the loss has come well below its first value after all."""
        return self.end < HEALED * self.start

    @property
    def beyond_noise(self) -> bool:
        """Whether single points scatter by far less."""
        return self.factor >= float(np.exp(max(SURE * self.noise, SURE_EARLY * self.early_noise)))

    @property
    def thrown(self) -> bool:
        """Whether the loss left its first value upwards, beyond noise, and never made good for it, or not for long."""
        high = self.factor >= THROW and self.beyond_noise
        if self.factor < HUMP and self.healed and self.back <= BRIEF:
            return False
        return high and (self.end > (1 - THROW_TOTAL) * self.start or self.lasting)


@once
def throw(curve: Curve) -> Throw | None:
    """The highest level in the first fifth of the finite points; None where factors mean nothing."""
    curve = curve.finite
    trend = curve.trend
    if len(curve) < SHORT or not trend.logarithmic or _first(curve) <= 0:
        return None
    early = running_median(curve.values[: max(3, len(curve) // 5)], 3)
    top = int(np.argmax(early))
    start = _first(curve)
    return Throw(
        start,
        float(early[top]),
        trend.end,
        max(point_noise(trend.scaled), trend.noise),
        point_noise(trend.scaled[: len(early)]),
        float(np.mean(trend.course > 2 * start)),
        _back(early[top:], start, top, len(curve)),
        int(curve.steps[top]),
        int(curve.steps[-1]),
    )


def _back(rest: FloatArray, start: float, top: int, points: int) -> float:
    below = np.flatnonzero(rest <= start)
    return (top + int(below[0])) / points if len(below) else 1.0


@dataclass(frozen=True, slots=True)
class Relapse:
    """A loss that climbed far above its best for a good while. Levels in loss units."""

    start: float
    low: float
    top: float
    end: float
    error: float
    """Standard error of a level, in scaled units."""
    share: float
    """Share of the run that the loss spent above its best so far by at least half of the climb, in scaled units."""
    first_step: int
    last_step: int

    @property
    def factor(self) -> float:
        """Top over the best before it."""
        return self.top / self.low

    @property
    def healed(self) -> bool:
        """Whether the loss came back by half of the climb (as a factor)."""
        return self.end**2 < self.low * self.top

    @property
    def relapsed(self) -> bool:
        """Whether it climbed high beyond noise, and long enough to be no bad batch."""
        high = self.factor >= max(RELAPSE, float(np.exp(5 * self.error))) and self.share >= LASTING
        return high and self.top - self.low > WEIGHT * (self.start - self.low)


@once
def relapse(curve: Curve) -> Relapse | None:
    """The worst climb above the best level so far; None where factors mean nothing or the points are few."""
    curve = curve.finite
    trend = curve.trend
    if len(curve) < 2 * SHORT or not trend.logarithmic:
        return None
    course = trend.scaled_course
    best = np.minimum.accumulate(course)
    top = int(np.argmax(course - best))
    high = np.flatnonzero(course - best > 0.5 * (course[top] - best[top]))
    if not len(high):
        return None
    low, height = np.exp(best[top]), np.exp(course[top])
    return Relapse(
        trend.start,
        float(low),
        float(height),
        trend.end,
        trend.level_error,
        len(high) / len(course),
        trend.first_step(int(high[0])),
        trend.last_step(int(high[-1])),
    )
