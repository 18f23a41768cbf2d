"""What a chart shows: the losses on one clock, and the part of them that a finding is about, large enough to see.

Terminal, page and notebook draw the same panels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from diagnose.finding import Diagnosis, Finding
from diagnose.report.words import causes, curve_of, metric_words, nothing_gained
from diagnose.run import Axis, Curve, FloatArray, Role, Run

# A loss that spans more than this factor is drawn on a logarithmic scale.
LOG_RATIO = 30.0
# Numbers beyond this overflow in drawing libraries and are left out; those as near to zero are drawn as zero.
DRAWABLE = 1e100
# A validation loss that moves over less of the panel's height since its best gets a panel of its own.
DWARFED = 0.25
# Share of its level that a panel of its own spans at least: what is flat must look flat.
LEAST_SPAN = 0.05
MOST_MARKS = 5


@dataclass(frozen=True, eq=False, slots=True)
class Series:
    """One line of a chart. Finite points only, in order."""

    metric: str
    """A role's value, or a tag."""
    label: str
    x: FloatArray
    """Shape (n,), in the units of the panel's axis."""
    y: FloatArray
    """Shape (n,)."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the x axis that the eye should find."""

    label: str
    """A code, or `best`."""
    name: str
    first: float
    last: float
    finding: bool = True


@dataclass(frozen=True, eq=False, slots=True)
class Panel:
    """One chart: its lines and marks share an x axis."""

    title: str
    unit: str
    """What the x axis counts: `step`, `epoch`, `point`."""
    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()
    logarithmic: bool = False

    @property
    def x_range(self) -> tuple[float, float]:
        """First and last place."""
        return min(float(line.x[0]) for line in self.series), max(float(line.x[-1]) for line in self.series)

    @property
    def y_range(self) -> tuple[float, float]:
        """Lowest and highest value."""
        return min(float(line.y.min()) for line in self.series), max(float(line.y.max()) for line in self.series)

    def height_of(self, values: FloatArray) -> float:
        """The share of the panel's height that `values` span."""
        low, high = self.y_range
        if self.logarithmic:
            low, high, values = np.log(low), np.log(high), np.log(values)
        return float(np.ptp(values) / (high - low)) if high > low else 1.0


def panels(diagnosis: Diagnosis) -> list[Panel]:
    """The losses, else a score; before them the curve that is judged instead, or after them that of what was found."""
    run, reference = diagnosis.run, clock(diagnosis.run)
    if reference is None:
        return []
    lines = [line for role in (Role.TRAIN_LOSS, Role.VAL_LOSS) if (line := series(run, role.value, reference))]
    name = "Loss"
    if reference.adversarial:
        lines = [line for rival in rivals(run) if (line := series(run, rival.tag, reference))]
    elif not lines and (line := series(run, reference.tag, reference)):
        lines, name = [line], f"{line.label[:1].upper()}{line.label[1:]}"
    if all(len(line.x) < 2 for line in lines):
        return []
    main = _scaled(Panel(f"{name} by {reference.unit}", reference.unit, tuple(lines)))
    main = replace(main, marks=tuple(marks(diagnosis, reference)))
    first, detail = _judged(diagnosis, main, reference), _detail(diagnosis, main, reference)
    return [panel for panel in (first, main, detail if first is None else None) if panel is not None]


def clock(run: Run) -> Curve | None:
    """The curve by whose clock all is drawn: the one that is shown, else one of two networks against each other."""
    return run.shown or next(iter(rivals(run)), None)


def rivals(run: Run) -> list[Curve]:
    """The losses of two networks against each other: those of the shortest names, one a network where names tell."""
    known = [curve for curve in run.curves.values() if curve.adversarial and not curve.held_out and len(curve) > 1]
    return sorted(known, key=lambda curve: len(curve.tag))[:2]


def series(run: Run, metric: str, reference: Curve) -> Series | None:
    """The finite points of a curve on the clock of `reference`; None where there is nothing to draw."""
    curve = curve_of(run, metric)
    if curve is None:
        return None
    y = curve.values
    with np.errstate(invalid="ignore"):
        keep = np.isfinite(y) & (np.abs(y) < DRAWABLE)
        y = np.where(np.abs(y) > 1 / DRAWABLE, y, 0.0)
    if not keep.any():
        return None
    return Series(metric, metric_words(metric), places(curve, reference)[keep], y[keep])


def places(curve: Curve, reference: Curve) -> FloatArray:
    """Where the points of `curve` are on the clock of `reference`: by epoch, else by time, else evenly.

    Shape (n,), not decreasing. An evaluation of an epoch is where that epoch ends.
    """
    if _one_clock(curve, reference):
        return curve.steps.astype(float)
    if not len(curve) or not len(reference):
        return np.zeros(len(curve))
    if reference.axis is Axis.EPOCH and curve.epochs is not None:
        return _rising(curve.epochs)
    ends = reference.steps.astype(float)
    if reference.epochs is not None and (curve.axis is Axis.EPOCH or curve.epochs is not None):
        epochs = curve.steps if curve.epochs is None else curve.epochs
        index = np.searchsorted(_rising(reference.epochs), epochs, side="right") - 1
        return ends[np.clip(index, 0, len(ends) - 1)]
    if curve.wall_times is not None and reference.wall_times is not None:
        return np.asarray(np.interp(_rising(curve.wall_times), _rising(reference.wall_times), ends))
    index = np.round((np.arange(len(curve)) + 1) / len(curve) * len(ends)).astype(int) - 1
    return ends[np.clip(index, 0, len(ends) - 1)]


def _one_clock(curve: Curve, reference: Curve) -> bool:
    """Whether their steps count the same; the order of the points of one says nothing of another of more points."""
    counted = curve.counted and reference.counted
    return curve.axis is reference.axis and (counted or len(curve) == len(reference))


def _rising(values: FloatArray) -> FloatArray:
    return np.asarray(np.maximum.accumulate(np.nan_to_num(values, nan=0.0)), dtype=float)


def marks(diagnosis: Diagnosis, reference: Curve) -> list[Mark]:
    """The causes that have a place, and the best step, in the order of the x axis."""
    placed = [finding for finding in causes(diagnosis) if finding.first_step is not None][:MOST_MARKS]
    found = [_mark(finding, diagnosis.run, reference) for finding in placed]
    stop = diagnosis.stop
    if stop is not None and not nothing_gained(diagnosis.run, stop):
        best = _place(diagnosis.run, stop.metric, stop.best_step, reference)
        found.append(Mark("best", f"best {metric_words(stop.metric)}", best, best, finding=False))
    return sorted(found, key=lambda mark: mark.first)


def _mark(finding: Finding, run: Run, reference: Curve) -> Mark:
    assert finding.first_step is not None
    last = finding.first_step if finding.last_step is None else finding.last_step
    first = _place(run, finding.metric, finding.first_step, reference)
    return Mark(finding.code, finding.name, first, _place(run, finding.metric, last, reference))


def _place(run: Run, metric: str, step: int, reference: Curve) -> float:
    """Where a step of a metric's own clock is on that of `reference`."""
    curve = curve_of(run, metric)
    if curve is None or not len(curve) or _one_clock(curve, reference):
        return float(step)
    index = min(int(np.searchsorted(curve.steps, step)), len(curve) - 1)
    return float(places(curve, reference)[index])


def _detail(diagnosis: Diagnosis, main: Panel, reference: Curve) -> Panel | None:
    """The curve of the worst finding that the main panel does not show, or shows too small."""
    drawn = {line.metric: line for line in main.series}
    for finding in causes(diagnosis):
        if finding.first_step is None:
            continue
        if finding.metric in drawn:
            zoomed = _zoomed(finding, drawn[finding.metric], main, diagnosis, reference)
            if zoomed is not None:
                return zoomed
            continue
        line = series(diagnosis.run, finding.metric, reference)
        if line is not None and len(line.x) > 1:
            title = f"{line.label[:1].upper()}{line.label[1:]} by {main.unit}"
            return _scaled(Panel(title, main.unit, (line,), (_mark(finding, diagnosis.run, reference),)))
    return None


def _judged(diagnosis: Diagnosis, main: Panel, reference: Curve) -> Panel | None:
    """The curve whose best is the best step, where it is none of the losses: the reward, an error rate."""
    metric = None if diagnosis.stop is None else diagnosis.stop.metric
    if metric is None or any(line.metric == metric for line in main.series):
        return None
    line = series(diagnosis.run, metric, reference)
    if line is None or len(line.x) < 2:
        return None
    title = f"{line.label[:1].upper()}{line.label[1:]} by {main.unit}"
    return _scaled(Panel(title, main.unit, (line,), tuple(mark for mark in main.marks if not mark.finding)))


def _zoomed(finding: Finding, line: Series, main: Panel, diagnosis: Diagnosis, reference: Curve) -> Panel | None:
    """The validation loss since shortly before its best, where the main panel hides how it moved since."""
    mark = _mark(finding, diagnosis.run, reference)
    since = int(np.searchsorted(line.x, mark.first))
    window = line.y[since:]
    if finding.metric != Role.VAL_LOSS.value or len(window) < 3 or main.height_of(window) >= DWARFED:
        return None
    first = max(0, since - max(2, len(window) // 6))
    part = replace(line, x=line.x[first:], y=line.y[first:])
    inside = tuple(other for other in main.marks if other.first >= part.x[0])
    title = f"{line.label[:1].upper()}{line.label[1:]} from {main.unit} {part.x[0]:,.0f} on, enlarged"
    return Panel(title, main.unit, (part,), inside)


def _scaled(panel: Panel) -> Panel:
    low, high = panel.y_range
    return replace(panel, logarithmic=low > 0 and high / low > LOG_RATIO)


def thinned(line: Series, most: int) -> Series:
    """At most `most` points: the lowest and the highest of each stretch, in order, so that no spike is lost."""
    count = len(line.x)
    if count <= most:
        return line
    keep = {0, count - 1}
    for group in np.array_split(np.arange(count), max(1, most // 2 - 1)):
        keep.add(int(group[np.argmin(line.y[group])]))
        keep.add(int(group[np.argmax(line.y[group])]))
    index = np.array(sorted(keep))
    return replace(line, x=line.x[index], y=line.y[index])


@dataclass(frozen=True, slots=True)
class Scale:
    """The y axis: round limits, and ticks an equal number of lines apart."""

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    lines: int

    def row(self, tick: float) -> int:
        """The line on which a tick is, from the top."""
        return round((self.high - tick) / (self.high - self.low) * (self.lines - 1))


def heights(panel: Panel, values: FloatArray) -> FloatArray:
    """What is drawn of values: themselves, or their logarithms."""
    return np.log10(values) if panel.logarithmic else values


def scale_of(panel: Panel, lines: int) -> Scale:
    """Limits that are round numbers, so that each tick falls on a line of its own."""
    low, high = (float(heights(panel, np.array(value))) for value in panel.y_range)
    level = max(abs(low), abs(high))
    if high - low < LEAST_SPAN * level and not panel.logarithmic:
        middle, half = (low + high) / 2, LEAST_SPAN * level / 2
        low, high = middle - half, middle + half
    elif high <= low:
        low, high = low - 0.5, high + 0.5
    step = round_step((high - low) / 4, panel.logarithmic)
    first, last = int(np.floor(low / step + 1e-9)), int(np.ceil(high / step - 1e-9))
    last = max(last, first + 1)
    each = max(1, round((lines - 1) / (last - first)))
    lines = (last - first) * each + 1
    ticks = [index * step for index in range(first, last + 1)]
    return Scale(ticks[0], ticks[-1], tuple(ticks), _labels_of(ticks, step, panel.logarithmic), lines)


def round_step(width: float, logarithmic: bool = False) -> float:
    """The next of 1, 2 and 5 times a power of ten; half or whole decades on a logarithmic scale."""
    if logarithmic:
        return 0.5 if width <= 0.5 else float(np.ceil(width))
    power = 10.0 ** np.floor(np.log10(width))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= width * (1 - 1e-9)))


def _labels_of(ticks: list[float], step: float, logarithmic: bool) -> tuple[str, ...]:
    if logarithmic:
        return tuple(f"{10**tick:.2g}" if abs(tick) < 4 else f"{10**tick:.1e}" for tick in ticks)
    if max(map(abs, ticks)) >= 1e6 or step < 1e-5:
        return tuple(f"{tick:.3g}" for tick in ticks)
    decimals = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    return tuple(f"{tick:,.{decimals}f}" for tick in ticks)
