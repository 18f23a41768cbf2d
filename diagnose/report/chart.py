"""The loss in the terminal, with the findings marked on it."""

from __future__ import annotations

import numpy as np

from diagnose.finding import Diagnosis, Finding
from diagnose.run import Curve, FloatArray, Role, Run

# Points drawn per column of the terminal: the lowest and the highest of each stretch.
POINTS_PER_COLUMN = 2
# A loss that spans more than this is drawn on a log scale.
LOG_RATIO = 30.0
# Numbers beyond this, or as near to zero, overflow inside plotext.
DRAWABLE = 1e100


def loss_chart(diagnosis: Diagnosis, width: int, height: int, *, colour: bool) -> str:
    """The chart as text, `width` columns by `height` lines; empty where there is nothing to draw.

    `colour`: whether to keep the terminal's colour codes.
    """
    run = diagnosis.run
    curves = [(role, curve) for role in (Role.TRAIN_LOSS, Role.VAL_LOSS) if (curve := _drawable(run, role))]
    if not curves:
        return ""
    import plotext

    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)
    plotext.plot_size(width, height)
    low, high = _limits(curves)
    if max(abs(low), abs(high)) > DRAWABLE or 0 < max(abs(low), abs(high)) < 1 / DRAWABLE:
        return ""
    if low > 0 and high / low > LOG_RATIO:
        plotext.yscale("log")
    for index, (role, curve) in enumerate(curves):
        steps, values = _thinned(curve.steps.astype(float), curve.values, width * POINTS_PER_COLUMN)
        label = "training loss" if role is Role.TRAIN_LOSS else "validation loss"
        plotext.plot(steps.tolist(), values.tolist(), label=label, marker="braille", color=("blue+", "orange+")[index])
    for finding in _marked(diagnosis):
        _mark(dict(curves).get(_role(finding.metric), curves[0][1]), finding)
    _label_steps(curves[0][1])
    text = plotext.build()
    return str(text if colour else plotext.uncolorize(text))


def _label_steps(curve: Curve) -> None:
    """Whole numbers below the chart, never epoch 1.75."""
    import plotext

    first, last = int(curve.steps[0]), int(curve.steps[-1])
    ticks = sorted({round(step) for step in np.linspace(first, last, min(6, last - first + 1))})
    plotext.xticks(ticks, [f"{tick:,}" for tick in ticks])
    plotext.xlabel(curve.axis.value)


def _drawable(run: Run, role: Role) -> Curve | None:
    """The finite part of the role's curve; a validation loss only on the training loss' axis."""
    curve, train = run.curve(role), run.curve(Role.TRAIN_LOSS)
    if curve is None or len(curve.finite) < 2:
        return None
    return curve.finite if train is None or curve.axis is train.axis else None


def _limits(curves: list[tuple[Role, Curve]]) -> tuple[float, float]:
    return min(float(curve.values.min()) for _, curve in curves), max(float(curve.values.max()) for _, curve in curves)


def _thinned(steps: FloatArray, values: FloatArray, most: int) -> tuple[FloatArray, FloatArray]:
    """The lowest and the highest point of each stretch, in order, so that no spike is lost."""
    if len(values) <= most:
        return steps, values
    keep = {0, len(values) - 1}
    for group in np.array_split(np.arange(len(values)), most // 2):
        keep.add(int(group[np.argmin(values[group])]))
        keep.add(int(group[np.argmax(values[group])]))
    index = np.array(sorted(keep))
    return steps[index], values[index]


def _marked(diagnosis: Diagnosis) -> list[Finding]:
    """The findings that have a place on the training loss: alarming ones, one a step."""
    places: dict[int, Finding] = {}
    for finding in diagnosis.findings:
        if finding.alarming and finding.first_step is not None:
            places.setdefault(finding.first_step, finding)
    return list(places.values())[:5]


def _role(metric: str) -> Role:
    return next((role for role in Role if role.value == metric), Role.TRAIN_LOSS)


def _mark(curve: Curve, finding: Finding) -> None:
    """A red dot with the finding's code where it begins."""
    import plotext

    assert finding.first_step is not None
    index = min(int(np.searchsorted(curve.steps, finding.first_step)), len(curve) - 1)
    step, value = float(curve.steps[index]), float(curve.values[index])
    plotext.scatter([step], [value], marker="●", color="red+")
    plotext.text(finding.code, x=step, y=value, color="red+", alignment="right" if index > len(curve) / 2 else "left")
