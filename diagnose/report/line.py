"""A run, a finding or an event of a watched run in one line, and the line of a file that a finding is about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diagnose.clean import plain
from diagnose.finding import Diagnosis, Finding
from diagnose.report.as_json import finding_json
from diagnose.report.screen import VERDICT_MARK, VERDICT_STYLE, Screen, in_one_line
from diagnose.report.words import causes, number, span, title
from diagnose.run import Role, Run


def one_line(diagnosis: Diagnosis, screen: Screen) -> str:
    """Verdict, name and what was found, in one line (`-q`)."""
    verdict, run = diagnosis.verdict, diagnosis.run
    places = [(f"{finding.code} {finding.name}", span(run, finding)) for finding in causes(diagnosis)]
    names = ", ".join(f"{name} ({place})" if place else name for name, place in places)
    words = [
        (VERDICT_MARK[verdict], VERDICT_STYLE[verdict]),
        (f" {verdict.value}", ""),
        (f" {plain(title(run))}", "bold"),
        (f": {names}" if names else "", ""),
    ]
    return in_one_line(words, screen)


def what_to_do(finding: Finding) -> str:
    """The first thing to change, else what to do in words; empty where there is nothing."""
    return plain(finding.prescriptions[0].title if finding.prescriptions else finding.advice)


def message_in(diagnosis: Diagnosis, finding: Finding) -> str:
    """The message, behind the name of the run and the place in it."""
    run = diagnosis.run
    where = ", ".join(filter(None, (title(run) if run.curves else "", span(run, finding))))
    return plain(f"{where}: {finding.message}" if where else finding.message)


def finding_line(run: Run, finding: Finding) -> str:
    """`error NUM001 non-finite-loss (step 250): message -> what to do`."""
    place, todo = span(run, finding), what_to_do(finding)
    where = f" ({place})" if place else ""
    head = f"{finding.severity.value} {finding.code} {finding.name}{where}: {finding.message}"
    return plain(head) + (f" -> {todo}" if todo else "")


def progress_line(
    diagnosis: Diagnosis, step: int, planned: int | None, speed: float | None, seconds_left: float | None
) -> str:
    """`step 1,200 of 5,000  loss 3.21  val 3.5 (best 3.4)  2.3 steps/s  27 min left`, and what to expect."""
    train, val, best = _losses(diagnosis)
    parts = [f"step {step:,}" + ("" if planned is None else f" of {planned:,}")]
    parts += [] if train is None else [f"loss {number(train)}"]
    parts += [] if val is None else [f"val {number(val)} (best {number(best)})"]
    if speed is not None:
        parts.append(f"{speed:.3g} steps/s" if speed >= 1 else f"{1 / speed:.3g} s/step")
    if seconds_left is not None:
        parts.append(f"{duration(seconds_left)} left")
    if diagnosis.forecast is not None:
        parts.append(f"expected at the end {number(diagnosis.forecast.low)} to {number(diagnosis.forecast.high)}")
    return "  ".join(parts)


def progress_json(diagnosis: Diagnosis, step: int, planned: int | None, speed: float | None) -> dict[str, Any]:
    """The numbers of `progress_line`."""
    train, val, best = _losses(diagnosis)
    return {
        "event": "progress",
        "run": diagnosis.run.name,
        "step": step,
        "planned": planned,
        "steps_per_second": speed,
        "verdict": diagnosis.verdict.value,
        "train_loss": train,
        "val_loss": val,
        "best_val_loss": best,
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


def _losses(diagnosis: Diagnosis) -> tuple[float | None, float | None, float | None]:
    """The last training and validation loss, and the lowest of the latter."""
    train, val = (diagnosis.run.curve(role) for role in (Role.TRAIN_LOSS, Role.VAL_LOSS))
    last, last_val = (None if curve is None or not len(curve) else float(curve.values[-1]) for curve in (train, val))
    return last, last_val, None if val is None or not len(val.finite) else float(val.finite.values.min())


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, as someone in the current folder would name it."""

    file: str
    line: int = 1
    """1-based."""


def place_of(diagnosis: Diagnosis, finding: Finding) -> Place | None:
    """The line of the config to change, else the config, else the log; None for standard input and memory."""
    config, source = diagnosis.facts.config, diagnosis.run.source
    if config is None:
        return Place(shown(source)) if source not in ("", "-") else None
    edits = [edit for prescription in finding.prescriptions for edit in prescription.edits]
    parameters = [edit.parameter for edit in edits] + (["dataset"] if finding.metric == "dataset" else [])
    lines = [config.values[name].line for name in parameters if name in config.values]
    return Place(shown(config.source), finding.line if finding.line is not None else max(1, next(iter(lines), 1)))


def shown(file: str) -> str:
    """The path below the current folder, with `/` on every system; unchanged where it is elsewhere."""
    if "://" in file:
        return file
    path = Path(file)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.as_posix()
