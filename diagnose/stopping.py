"""When to stop, and which checkpoints to listen to: the guide's four rules as one recommendation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from diagnose.finding import Finding, Severity
from diagnose.run import Axis, Curve, Role, Run

# Evaluations without a new best after which it is time. Source: the guide, "Validation loss stops decreasing for
# 20+ evaluations".
PATIENCE = 20
# Findings after which more training only costs money; the last two where they are errors: what healed is none.
HOPELESS = ("divergence", "impossible-loss", "dead-schedule", "plateau", "non-finite-loss", "learning-rate-too-high")
IF_GRAVE = frozenset({"non-finite-loss", "learning-rate-too-high"})
# Files looked at for checkpoints: a run directory holds hundreds, a home directory millions.
MOST_FILES = 5000
CHECKPOINT = re.compile(r"(?:\.(?:pt|pth|ckpt|safetensors)|^checkpoint-\d+|^step-\d+)$")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A moment of the run worth listening to."""

    step: int
    why: str
    file: str | None = None
    """The checkpoint on disk nearest before that moment, where one was found."""


@dataclass(frozen=True, slots=True)
class StopAdvice:
    """Stop or go on, and why."""

    recommendation: str
    """`stop`, `continue` or `cannot tell`."""
    reasons: tuple[str, ...]
    metric: str
    """The curve that was judged: the validation loss where there is one."""
    axis: Axis
    best_step: int
    best_value: float
    evaluations_since_best: int
    listen: tuple[Checkpoint, ...]


def when_to_stop(run: Run, findings: tuple[Finding, ...]) -> StopAdvice | None:
    """One recommendation from the best step so far, the evaluations since, the target and the findings.

    None where no loss was logged.
    """
    curve = run.curve(Role.VAL_LOSS) or run.curve(Role.TRAIN_LOSS)
    if curve is None or not len(curve.finite):
        return None
    finite = curve.finite
    best = int(finite.values.argmin())
    since = len(finite) - 1 - best
    recommendation, reasons = _recommend(run, curve, findings, since)
    return StopAdvice(
        recommendation,
        tuple(reasons),
        (curve.role or Role.TRAIN_LOSS).value,
        curve.axis,
        int(finite.steps[best]),
        float(finite.values[best]),
        since,
        tuple(_listen(run, finite, best, findings)),
    )


def _recommend(run: Run, curve: Curve, findings: tuple[Finding, ...], since: int) -> tuple[str, list[str]]:
    alarming = {finding.name: finding for finding in findings if finding.alarming}
    lost = [
        name
        for name in HOPELESS
        if name in alarming and (name not in IF_GRAVE or alarming[name].severity is Severity.ERROR)
    ]
    if lost:
        return "stop", [f"more training only costs money ({lost[0]}): correct the config and start again"]
    reasons = []
    if "overfitting" in alarming or "memorisation" in alarming:
        reasons.append("the model is learning its clips by heart; the best checkpoint lies behind")
    if curve.role is Role.VAL_LOSS and since >= PATIENCE:
        reasons.append(f"{since} evaluations without a new best validation loss ({PATIENCE} are patience enough)")
    if run.target is not None and run.target.sized and float(curve.finite.values[-1]) <= run.target.high:
        reasons.append(
            f"the loss reached its target of {run.target.low:g} to {run.target.high:g}: listen before paying for more"
        )
    if reasons:
        return "stop", reasons
    if curve.role is not Role.VAL_LOSS:
        return "cannot tell", ["no validation loss is logged: only listening tells whether new sentences improve"]
    old = "the last one" if since == 0 else f"{since} evaluation{'s' if since > 1 else ''} old"
    return "continue", [f"the best validation loss is {old} (stop after {PATIENCE})"]


def _listen(run: Run, curve: Curve, best: int, findings: tuple[Finding, ...]) -> Iterator[Checkpoint]:
    """The best, the last and the moment before the first fault, each once."""
    wanted = {int(curve.steps[best]): "lowest loss", int(curve.steps[-1]): "last"}
    faults = [finding.first_step for finding in findings if finding.alarming and finding.first_step is not None]
    before = curve.steps[curve.steps < min(faults, default=curve.steps[0])]
    if len(before):
        wanted.setdefault(int(before[-1]), "before the first fault")
    on_disk = sorted(_checkpoints(Path(run.source)))
    for step, why in sorted(wanted.items()):
        file = next((name for number, name in reversed(on_disk) if number <= step), None)
        yield Checkpoint(step, why, file if curve.axis is Axis.STEP else None)


def _checkpoints(source: Path) -> Iterator[tuple[int, str]]:
    """(step, path) of the files below the run's folder that are named like checkpoints."""
    folder = source if source.is_dir() else source.parent
    if not folder.is_dir() or not run_folder(folder):
        return
    for path in islice(folder.rglob("*"), MOST_FILES):
        number = re.findall(r"\d+", path.stem)
        if number and CHECKPOINT.search(path.name):
            yield int(number[-1]), str(path)


def run_folder(folder: Path) -> bool:
    """Whether the folder is a run's own, not a home or root directory that happens to hold a log."""
    return folder.resolve() not in (Path.home(), Path("/"), Path("/tmp").resolve())  # noqa: S108 - never searched
