"""Put every check to a run, tell causes from consequences, and give the one-word verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from diagnose.checks import every_check
from diagnose.checks._base import MEANING, Check
from diagnose.finding import Crashed, Diagnosis, Finding, Skipped, Verdict
from diagnose.forecast import forecast
from diagnose.names import ADVERSARIAL
from diagnose.prescribe import gather
from diagnose.run import Curve, Role, Run
from diagnose.stats import MEDIAN_COST
from diagnose.targets import with_target

# A curve shorter than this is judged only if it moved clearly. Source: measured on benchmarks/diagnosis, where
# runs of fewer points and no net change are as often healthy warm-ups as stuck runs.
FEW_POINTS = 16
# Fewer finite points than this show neither a course nor a bend (a spike needs one point before and two after).
FEWEST_POINTS = 4
# Share of the first loss that must be gone before few points prove that the run learns. Source: the mean answer,
# learned at once; a run at chance level falls by less for ever.
MATERIAL = 0.07
# Standard errors by which a level must have fallen to be called lower. Source: one in 700 for normal noise.
SURE = 3.0


def examine(run: Run, *, horizon: int | None = None, checks: Iterable[Check] | None = None) -> Diagnosis:
    """The diagnosis of one run. The same function serves live runs: `examine(run.until(step))`.

    `horizon`: the step for which to forecast the training loss; None: the end that the config asks for.
    """
    run = with_target(run)
    findings: list[Finding] = []
    skipped: list[Skipped] = []
    crashed: list[Crashed] = []
    checks = tuple(every_check() if checks is None else checks)
    for check in checks:
        outcome = _ask(check, run)
        if isinstance(outcome, Skipped):
            skipped.append(outcome)
        elif isinstance(outcome, Crashed):
            crashed.append(outcome)
        else:
            findings.extend(outcome)
    ordered = tuple(_worst_first(_causes_and_consequences(findings, checks)))
    verdict, reasons = _verdict(run, ordered)
    return Diagnosis(
        run,
        verdict,
        ordered,
        gather(ordered),
        forecast(run, horizon),
        tuple(skipped),
        tuple(crashed),
        reasons,
    )


def _ask(check: Check, run: Run) -> list[Finding] | Skipped | Crashed:
    try:
        reason = check.skip_reason(run)
        return Skipped(check.code, check.name, reason) if reason else list(check.check(run))
    except Exception as error:  # one broken check must not hide what the others found
        return Crashed(check.code, check.name, f"{type(error).__name__}: {error}")


def _causes_and_consequences(findings: list[Finding], checks: tuple[Check, ...]) -> Iterator[Finding]:
    """Drop what another finding tells better; mark what another finding explains."""
    by_code = {check.code: check for check in checks}
    alarming = {finding.name for finding in findings if finding.alarming}
    for finding in findings:
        check = by_code[finding.code]
        if alarming.intersection(check.part_of):
            continue
        cause = next((name for name in check.explained_by if name in alarming), None)
        yield replace(finding, explained_by=cause)


def _worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Causes by severity and confidence, each followed by what it explains."""

    def weight(finding: Finding) -> tuple[int, int, int, str]:
        return (not finding.alarming, -finding.severity.rank, -finding.confidence.rank, finding.code)

    ranked = sorted(findings, key=weight)
    ordered: list[Finding] = []
    for cause in (finding for finding in ranked if finding.explained_by is None):
        ordered.append(cause)
        ordered.extend(finding for finding in ranked if finding.explained_by == cause.name and finding not in ordered)
    return ordered + [finding for finding in ranked if finding not in ordered]


def _verdict(run: Run, findings: tuple[Finding, ...]) -> tuple[Verdict, tuple[str, ...]]:
    reason = _too_little(run)
    reasons = (reason,) if reason else ()
    if any(finding.alarming for finding in findings):
        return Verdict.UNHEALTHY, () if _loss(run) else reasons
    return (Verdict.INCONCLUSIVE if reason else Verdict.HEALTHY), reasons


def _loss(run: Run) -> Curve | None:
    return run.curve(Role.TRAIN_LOSS) or run.curve(Role.VAL_LOSS)


def _too_little(run: Run) -> str | None:
    """Why silence about this run proves nothing, or None when it does."""
    curve = _loss(run)
    if curve is None:
        if any(ADVERSARIAL in note for note in run.notes):
            return f"what is logged {ADVERSARIAL}"
        tags = ", ".join(list(run.curves)[:5])
        return f"no loss is logged under a name that ttsdoc knows (seen: {tags}); name it with --train-tag"
    if curve.role is Role.VAL_LOSS:
        return "no training loss is logged, and most checks judge by it; name it with --train-tag"
    return _unclear(curve, run.curve(Role.VAL_LOSS))


def _unclear(curve: Curve, val: Curve | None) -> str | None:
    """Why the course of a training loss proves nothing, or None when it does."""
    points, meaning = len(curve.finite), MEANING[Role.TRAIN_LOSS]
    if points < FEWEST_POINTS:
        return f"{points} points of the {meaning} are too few to judge; log at least {FEW_POINTS}"
    if points < FEW_POINTS and not _fell(curve):
        return f"{points} points of the {meaning} without a clear course are too few to judge; log more often"
    if points >= FEW_POINTS and _hidden(curve) and not _improved(val):
        return f"the noise of the {meaning} hides whether it fell at all; log the mean of more steps"
    return None


def _fell(curve: Curve) -> bool:
    """Whether the loss went down by a good part, and by more than its own scatter from point to point.

    The net fall over n points is compared with the typical jump between neighbours once the fall is taken
    out: for pure noise it exceeds twice that jump in fewer than 1 of 20 curves (normal noise, two end points).
    """
    values = curve.finite.values
    fall = values[0] - values[-1]
    jumps = np.diff(values) + fall / (len(values) - 1)
    little = curve.finite.trend.logarithmic and fall < MATERIAL * values[0]
    return bool(fall > 2 * np.median(np.abs(jumps)) * 1.4826 and not little)


def _hidden(curve: Curve) -> bool:
    """Whether neither the first level nor that of the first quarter stands above the last quarter, beyond noise."""
    trend = curve.finite.trend
    levels = trend.scale(trend.levels)
    quarter = len(levels) // 4
    last = np.median(levels[-quarter:])
    error = trend.level_error * MEDIAN_COST / np.sqrt(quarter)
    early = np.median(levels[:quarter]) - last <= SURE * np.sqrt(2) * error
    return bool(early and levels[0] - last <= SURE * np.hypot(trend.level_error, error))


def _improved(curve: Curve | None) -> bool:
    """Whether the best evaluation but one is better than the first by a good part."""
    if curve is None or len(curve.finite) < FEWEST_POINTS or curve.finite.values.min() <= 0:
        return False
    values = curve.finite.values
    return bool(np.sort(values)[1] < (1 - MATERIAL) * values[0])
