"""The events of a watched run as lines: for people, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diagnose.finding import Diagnosis, Finding
from diagnose.report.as_json import finding_json
from diagnose.report.words import number
from diagnose.run import Role

if TYPE_CHECKING:
    from diagnose.facts import Facts


def progress_line(
    diagnosis: Diagnosis, step: int, planned: int | None, speed: float | None, seconds_left: float | None
) -> str:
    """`step 1,200 of 5,000  loss 3.21  val 3.5 (best 3.4)  2.3 steps/s  27 min left`, and what to expect."""
    facts = diagnosis.facts
    parts = [f"step {step:,}" + ("" if planned is None else f" of {planned:,}")]
    parts += [f"loss {number(loss)}" for loss in _last(facts, Role.TRAIN_LOSS)]
    parts += [f"val {number(loss)} (best {number(_best(facts))})" for loss in _last(facts, Role.VAL_LOSS)]
    if speed is not None:
        parts.append(f"{speed:.3g} steps/s" if speed >= 1 else f"{1 / speed:.3g} s/step")
    if seconds_left is not None:
        parts.append(f"{duration(seconds_left)} left")
    if diagnosis.forecast is not None:
        parts.append(f"expected at the end {number(diagnosis.forecast.low)} to {number(diagnosis.forecast.high)}")
    return "  ".join(parts)


def progress_json(diagnosis: Diagnosis, step: int, planned: int | None, speed: float | None) -> dict[str, Any]:
    """The numbers of `progress_line`."""
    facts = diagnosis.facts
    return {
        "event": "progress",
        "run": facts.run.name,
        "step": step,
        "planned": planned,
        "steps_per_second": speed,
        "verdict": diagnosis.verdict.value,
        "train_loss": next(iter(_last(facts, Role.TRAIN_LOSS)), None),
        "val_loss": next(iter(_last(facts, Role.VAL_LOSS)), None),
        "best_val_loss": _best(facts),
        "forecast": None if diagnosis.forecast is None else [diagnosis.forecast.low, diagnosis.forecast.high],
    }


def finding_event(diagnosis: Diagnosis, finding: Finding, step: int) -> dict[str, Any]:
    """A new finding as an event."""
    seen = {"first_seen": finding.first_seen, "confirmed": finding.confirmed}
    return {"event": "finding", "run": diagnosis.run.name, "step": step, **finding_json(finding), **seen}


def duration(seconds: float) -> str:
    """`40 s`, `27 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _last(facts: Facts, role: Role) -> list[float]:
    curve = facts.curve(role)
    return [] if curve is None or not len(curve) else [float(curve.values[-1])]


def _best(facts: Facts) -> float | None:
    curve = facts.curve(Role.VAL_LOSS)
    return None if curve is None or not len(curve.finite) else float(curve.finite.values.min())
