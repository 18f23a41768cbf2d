"""Numbers, steps and evidence as people write them."""

from __future__ import annotations

import math
from pathlib import Path

from diagnose.finding import Diagnosis, Evidence, Finding, StopAdvice
from diagnose.numbers import Value
from diagnose.run import Curve, Role, Run

METRIC_WORDS = {"train_loss": "training loss", "val_loss": "validation loss", "grad_norm": "gradient norm"}


def number(value: Value | None) -> str:
    """At most four significant digits; booleans and text as they are; `-` for nothing."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, int):
        return str(value)
    return "NaN" if math.isnan(value) else f"{value:.4g}"


def counted(count: int, noun: str) -> str:
    """`1 run`, `3 runs`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def title(run: Run) -> str:
    """The run's name; for the folder or the file that was asked for itself, which TensorBoard calls `.`, its own."""
    return run.name if run.name != "." else Path(run.source).absolute().name or run.source


def metric_words(metric: str) -> str:
    """`validation loss` for `val_loss`; a tag as it is."""
    return METRIC_WORDS.get(metric, metric.replace("_", " "))


def curve_of(run: Run, metric: str) -> Curve | None:
    """The curve that `metric`, a role or a tag, names."""
    for curve in run.curves.values():
        if (curve.role is not None and curve.role.value == metric) or curve.tag == metric:
            return curve
    return None


def place_of(run: Run, metric: str, step: float) -> str:
    """Where a step of `metric` (a role or a tag) is: `step 1,200`, `epoch 4`, `point 7`."""
    curve = curve_of(run, metric) or next(iter(run.curves.values()), None)
    return curve.place(step) if curve is not None else f"step {step:,.0f}"


def best_words(run: Run, stop: StopAdvice) -> str:
    """`step 1,200, the lowest validation loss (0.31)`; `epoch 7, where the smoothed training loss is lowest (0.4)`."""
    where, name, curve = (
        place_of(run, stop.metric, stop.best_step),
        metric_words(stop.metric),
        curve_of(run, stop.metric),
    )
    extreme = "highest" if curve is not None and curve.role is Role.SCORE else "lowest"
    if not stop.smoothed:
        return f"{where}, the {extreme} {name} ({number(stop.best_value)})"
    logged = curve is not None and stop.best_value in curve.values[curve.steps == stop.best_step]
    about = "" if logged else "about "
    return f"{where}, where the smoothed {name} is {extreme} ({about}{number(stop.best_value)})"


def nothing_gained(run: Run, stop: StopAdvice) -> bool:
    """Whether, within its noise, what was judged is as good at its first point as at its last and at its best."""
    curve = curve_of(run, stop.metric)
    return curve is not None and len(curve) > 1 and stop.equally_good == (int(curve.steps[0]), int(curve.steps[-1]))


def span(run: Run, finding: Finding) -> str:
    """`epoch 4`, `steps 1,200 to 1,450`; empty where the finding has no place."""
    if finding.first_step is None:
        return ""
    first = place_of(run, finding.metric, finding.first_step)
    last = first if finding.last_step is None else place_of(run, finding.metric, finding.last_step)
    if last == first:
        return first
    word, begin = first.split(" ", 1)
    return f"{word}s {begin} to {last.split(' ', 1)[1]}"


def evidence_words(evidence: Evidence) -> str:
    """The sentence of the evidence, or its name, number, unit and threshold."""
    if evidence.sentence:
        return evidence.sentence
    unit = f" {evidence.unit}" if evidence.unit else ""
    bar = "" if evidence.threshold is None else f" (threshold {number(evidence.threshold)}{unit})"
    return f"{evidence.name.replace('_', ' ')} {number(evidence.value)}{unit}{bar}"


def proof(finding: Finding) -> str:
    """All evidence of a finding in one line; empty where it has none."""
    return "; ".join(evidence_words(evidence) for evidence in finding.evidence)


def causes(diagnosis: Diagnosis) -> list[Finding]:
    """The alarming findings that no other explains, worst first."""
    return [finding for finding in diagnosis.findings if finding.alarming and finding.explained_by is None]
