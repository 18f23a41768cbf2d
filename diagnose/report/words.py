"""Numbers and steps as people write them."""

from __future__ import annotations

from pathlib import Path

from diagnose.finding import Finding, Scalar
from diagnose.run import Axis, Run


def number(value: Scalar | None) -> str:
    """At most four significant digits; booleans and text as they are; `-` for nothing."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, int):
        return str(value)
    return f"{value:.4g}"


def title(run: Run) -> str:
    """The run's name; for the folder or the file that was asked for itself, which TensorBoard calls `.`, its own."""
    return run.name if run.name != "." else Path(run.source).resolve().name or run.source


def unit(run: Run, metric: str) -> Axis:
    """What the steps of `metric` (a role or a tag) count."""
    for curve in run.curves.values():
        if (curve.role is not None and curve.role.value == metric) or curve.tag == metric:
            return curve.axis
    return next((curve.axis for curve in run.curves.values()), Axis.STEP)


def span(run: Run, finding: Finding) -> str:
    """`epoch 4`, `steps 1,200 to 1,450`; empty where the finding has no place."""
    if finding.first_step is None:
        return ""
    word = unit(run, finding.metric).value
    if finding.last_step in (None, finding.first_step):
        return f"{word} {finding.first_step:,}"
    return f"{word}s {finding.first_step:,} to {finding.last_step:,}"
