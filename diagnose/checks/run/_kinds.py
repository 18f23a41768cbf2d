"""Whether batches of two kinds take turns in a loss: clean and noisy speech, two languages, short and long clips."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from diagnose.checks.run._once import once
from diagnose.run import Curve
from diagnose.signals.trend import FloatArray, robust_std

FEWEST = 60
"""Points that show two kinds. Source: our choice: at a share of an eighth, eight of the rarer one."""
FEWEST_RARE, RAREST = 8, 0.02
"""Points of the rarer kind, in number and as a share of all. Source: measured on benchmarks/diagnosis: the most spiky
faults have 1.4 %."""
APART = 4.0
"""Distance of the two levels over the scatter within each. Source: our choice: a thousandth of normal noise lies
beyond the middle between them."""
BETWEEN = 0.2
"""Points in the middle third between the levels, for each of the rarer kind. Source: our choice: a tail has more
there than beyond, two kinds hardly any."""
TOGETHER = 2.0
"""How much more often than by chance two of the rarer kind may follow one another. Source: our choice: they are drawn
by chance, where a rise that takes some points to heal is not."""
PARTS = 4
"""Parts of the run, in each of which both kinds must come. Source: our choice: a fault has a beginning or an end."""
BINS = 128
LOWER = 0.25
"""Share of the points below the edge of the lower kind; of the upper kind as many are above. Source: our choice: half
of the kind where both are as frequent."""
PLACES, AROUND = 2048, 15
"""Places at which the edge is taken, and points on either side of each. Source: our choice."""


def of_one_kind(curve: Curve) -> Curve:
    """The finite points of the more frequent kind of batches; all finite points where there are no two kinds."""
    kind = _more_frequent(curve.finite)
    return curve.finite if kind is None else kind


@once
def _more_frequent(curve: Curve) -> Curve | None:
    """The points of the more frequent of two kinds; None where there are no two."""
    if len(curve) < FEWEST:
        return None
    guessed = _rarer(curve.trend.residuals)
    if guessed is None:
        return None
    # Where both kinds are about as frequent, the course is now that of the one, now that of the other.
    above = bool(np.median(curve.trend.residuals[guessed]) > 0)
    rare = _rarer(curve.trend.scaled - _edge(curve.trend.scaled, LOWER if above else 1 - LOWER))
    return None if rare is None else curve.where(~rare)


def _rarer(residuals: FloatArray) -> npt.NDArray[np.bool_] | None:
    """Which of the points, shape (n,), are of the rarer kind."""
    high = residuals > _divide(residuals)
    rare = high if np.count_nonzero(high) <= len(high) / 2 else ~high
    if not rare.any():
        return None
    levels = [float(np.median(residuals[part])) for part in (rare, ~rare)]
    apart = abs(levels[0] - levels[1])
    rare &= np.abs(residuals - levels[0]) < apart  # what lies farther off is no kind, but a fault
    if not _drawn_by_chance(rare):
        return None
    scatter = max(robust_std(residuals[part] - level) for part, level in zip((rare, ~rare), levels, strict=True))
    middle = np.abs(residuals - np.mean(levels)) < apart / 6
    alone = np.count_nonzero(middle) <= BETWEEN * np.count_nonzero(rare)
    return rare if alone and apart >= APART * scatter else None


def _edge(scaled: FloatArray, share: float) -> FloatArray:
    """Shape (n,): what this share of the points around each lies below, at the level of one kind all along."""
    places = np.linspace(0, len(scaled) - 1, min(len(scaled), PLACES)).round().astype(np.int64)
    around = np.pad(scaled[places], AROUND, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(around, 2 * AROUND + 1)
    return np.asarray(np.interp(np.arange(len(scaled)), places, np.quantile(windows, share, axis=1)))


def _divide(residuals: FloatArray) -> float:
    """The value that parts the points best in two: where the variance between the parts is largest (Otsu, 1979)."""
    counts, edges = np.histogram(residuals, BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    below, sums = np.cumsum(counts), np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (sums[-1] * below / below[-1] - sums) ** 2 / (below * (below[-1] - below))
    return float(edges[1 + np.nanargmax(between[:-1])]) if np.isfinite(between[:-1]).any() else float(edges[-1])


def _drawn_by_chance(rare: npt.NDArray[np.bool_]) -> bool:
    """Whether they are enough, come in every part of the run, and do not come in groups."""
    count = int(np.count_nonzero(rare))
    if count < max(FEWEST_RARE, RAREST * len(rare)) or not all(part.any() for part in np.array_split(rare, PARTS)):
        return False
    followed = int(np.count_nonzero(rare[1:] & rare[:-1]))
    return followed <= TOGETHER * count * count / len(rare) + 1
