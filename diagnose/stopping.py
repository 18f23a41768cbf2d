"""When to stop, and which checkpoints to compare: what is advised follows from the findings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import exp
from pathlib import Path

import numpy as np

from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Moment, Recommendation, Severity, StopAdvice
from diagnose.remedies.evidence import number, planned_end
from diagnose.run import SHARED_ROLES, Axis, Curve, Role
from diagnose.signals import signals
from diagnose.signals.best import Best, best_of

# Evaluations without a new best after which it is time. Source: the guide, "Validation loss stops decreasing for
# 20+ evaluations".
PATIENCE = 20
# Findings after which more training only costs money; the last two where they are errors: what healed is none.
HOPELESS = ("divergence", "impossible-loss", "dead-schedule", "plateau", "non-finite-loss", "learning-rate-too-high")
IF_GRAVE = frozenset({"non-finite-loss", "learning-rate-too-high"})
# Faults that heal: where only these were found, training may go on.
PAST = frozenset({"loss-spike", "missing-warmup", "broken-resume", "non-finite-loss", "non-finite-gradients"})
MEMORISED = ("overfitting", "memorisation")
# Evaluations, and points of a training loss, from which a quarter of the run says anything.
FEWEST, FEWEST_POINTS = 8, 12
# Share of the loss that a quarter of the run must bring to be worth another. Source: our choice; the share is stated.
LITTLE = 0.01
# Share of the run within which a checkpoint is near, where fewer than two tell how often one is saved.
NEAR = 0.05


def when_to_stop(facts: Facts, findings: tuple[Finding, ...]) -> StopAdvice | None:
    """One recommendation from the findings, the evaluations since the best, and the target.

    None where no loss was logged.
    """
    worse = next((finding.metric for finding in findings if finding.name == "overfitting" and finding.alarming), "")
    best = best_of(signals(_before_nan(facts, findings)), worse)
    if best is None:
        return None
    best = _kept_by_the_trainer(facts, best)
    recommendation, reasons = _recommend(facts, best, findings)
    return StopAdvice(
        recommendation,
        tuple(reasons),
        best.curve.tag if best.curve.role in SHARED_ROLES else (best.curve.role or Role.TRAIN_LOSS).value,
        best.curve.axis,
        best.step,
        best.value,
        best.since,
        tuple(_listen(facts, best, findings)),
        equally_good=(int(best.curve.steps[best.first]), int(best.curve.steps[best.last])),
        smoothed=best.smoothed,
    )


def _kept_by_the_trainer(facts: Facts, best: Best) -> Best:
    """The evaluation that the trainer kept as its best, where it is lower than that of the smoothed course."""
    curve = best.curve
    kept = [one.step for one in facts.checkpoints if "best" in Path(one.file).name.lower()]
    if curve.role is not Role.VAL_LOSS or curve.axis is not Axis.STEP or not kept:
        return best
    losses = np.where(np.isin(curve.steps, kept), curve.values, np.inf)
    lowest = int(np.argmin(losses))
    return replace(best, index=lowest, value=float(losses[lowest])) if losses[lowest] < best.value else best


def _before_nan(facts: Facts, findings: tuple[Finding, ...]) -> Facts:
    """What was known before the loss was lost: no state after it is worth keeping."""
    lost = [one.first_step for one in findings if one.name == "non-finite-loss" and one.severity is Severity.ERROR]
    known = facts.until(lost[0] - 1) if lost and lost[0] is not None else facts
    return known if any(len(curve.finite) for curve in known.run.played_by(Role.TRAIN_LOSS)) else facts


def _recommend(facts: Facts, best: Best, findings: tuple[Finding, ...]) -> tuple[Recommendation, list[str]]:
    stop = next(_reasons_to_stop(facts, best, findings), None)
    if stop:
        return Recommendation.STOP, [stop]
    open_ones = [finding.name for finding in findings if finding.alarming and finding.name not in PAST]
    if open_ones:
        return Recommendation.CANNOT_TELL, [f"look at {open_ones[0]} first"]
    if any(finding.inconclusive for finding in findings):
        missing = "give the log of what came before, too," if facts.run.beginning is not None else "log more often"
        return Recommendation.CANNOT_TELL, [f"{missing} or let it run on, then ask again"]
    if signals(facts).reward is not None:
        return Recommendation.CANNOT_TELL, ["the reward is that of training: evaluate the policy without exploration"]
    if not _evaluated(facts, best):
        unseen = f"{facts.no_validation}: only a try on new data (speech: by ear) tells whether it improves"
        return Recommendation.CANNOT_TELL, [*_late_gain(facts, best)[1], unseen]
    return _go_on(facts, best)


def _go_on(facts: Facts, best: Best) -> tuple[Recommendation, list[str]]:
    """Where nothing speaks against it: whether the last evaluations gained anything, and how long to wait for more."""
    count, name = len(best.curve), _name(best)
    if count == 1:
        return Recommendation.CANNOT_TELL, [f"only one {name} is logged: evaluate more often"]
    if best.since > best.index:
        vain = f"the last {best.since} of {count} evaluations brought no better {name}"
        return Recommendation.CANNOT_TELL, [f"{vain}: compare the best checkpoint with the last before paying for more"]
    newest = "the last evaluation is the best so far" if best.since == 0 else f"the best {name} is {_old(best.since)}"
    gain, words = _late_gain(facts, best)
    if gain is not None and gain < LITTLE:
        return Recommendation.CANNOT_TELL, [f"{newest}, and {words[0]}: more of the same brings little"]
    if _over(facts):
        return Recommendation.CANNOT_TELL, [f"{newest}, at the planned end: more needs a longer schedule", *words]
    patience = "" if best.since == 0 else f" (stop after {_patience(facts)} without a better one)"
    return Recommendation.CONTINUE, [newest + patience, *words]


def _old(evaluations: int) -> str:
    return f"{evaluations} evaluation{'s' if evaluations > 1 else ''} old"


def _late_gain(facts: Facts, best: Best) -> tuple[float | None, list[str]]:
    """The share of the loss that the last quarter of the run brought, and the words for it; of a short one none.

    Of evaluations the lowest so far is compared, of a training loss the level.
    """
    measured, validated = signals(facts), best.curve.role is Role.VAL_LOSS
    gap, trend = measured.gap, measured.val if validated else measured.train
    few = trend is None or len(trend) < (FEWEST if validated else FEWEST_POINTS)
    if few or trend is None or trend.signed or best.curve.role not in (Role.VAL_LOSS, Role.TRAIN_LOSS):
        return None, []
    level = trend.smooth if gap is None or not validated else np.minimum.accumulate(gap.smooth)
    fall = float(level[3 * len(level) // 4 - 1] - level[-1])
    gain, quarter = 1 - exp(-fall), f"the last quarter of the {'evaluations' if validated else 'run'}"
    if not validated and fall < 2 * trend.error:
        return gain, [f"{quarter} brought no fall of the training loss beyond its noise"]
    if gain < LITTLE**2:
        return gain, [f"{quarter} did not lower it"]
    share = f"{gain:.0%}" if gain >= LITTLE else f"{gain:.2%}"
    return gain, [f"{quarter} lowered {'it' if validated else 'the training loss'} by {share}"]


def _over(facts: Facts) -> bool:
    """Whether the run came to its planned end."""
    curve = facts.curve(Role.TRAIN_LOSS)
    end = None if curve is None else facts.run.planned or planned_end(facts, curve)
    return end is not None and curve is not None and len(curve) > 0 and curve.counted and curve.steps[-1] >= end


def _reasons_to_stop(facts: Facts, best: Best, findings: tuple[Finding, ...]) -> Iterator[str]:
    # What the cause of a consequence is may be past: then it is resumed from before, and not started again.
    alarming = {finding.name: finding for finding in findings if finding.alarming and finding.explained_by not in PAST}
    for name in HOPELESS:
        if name in alarming and (name not in IF_GRAVE or alarming[name].severity is Severity.ERROR):
            yield f"more training only costs money ({name}): correct the config and start again"
    for name in MEMORISED:
        if name in alarming:
            earlier = "the run is past its best ({}); the best checkpoint is an earlier one"
            yield (earlier if best.since else "it learns nothing more for new data ({})").format(name)
    whole = not any(finding.inconclusive for finding in findings)  # what came before may have been better
    if whole and _evaluated(facts, best) and best.since >= _patience(facts):
        yield f"{best.since} evaluations without a new best {_name(best)} ({_patience(facts)} are patience enough)"
    if facts.target is not None and _reached(facts, findings):
        target = f"{facts.target.low:g} to {facts.target.high:g}"
        yield f"the loss reached its target of {target}: try it before paying for more"


def _evaluated(facts: Facts, best: Best) -> bool:
    """Whether the best is one on held-out data; the reward of a policy is of the training."""
    trained = best.curve.role in SHARED_ROLES and not best.curve.held_out
    return best.curve.role is not Role.TRAIN_LOSS and not trained and signals(facts).reward is None


def _patience(facts: Facts) -> int:
    """The evaluations after which it is time: the trainer's own patience, where it is less."""
    own = number(facts, "early_stopping_patience") if facts.settings.get("early_stopping", True) else None
    return PATIENCE if own is None else min(int(own), PATIENCE)


def _name(best: Best) -> str:
    return best.curve.tag if best.curve.role in SHARED_ROLES else "validation loss"


def _reached(facts: Facts, findings: tuple[Finding, ...]) -> bool:
    """Whether the training loss, which the band is about, stands in it; a band of low confidence stops nobody."""
    band, course = facts.target, signals(facts).train
    if band is None or course is None or not band.sized or band.confidence is Confidence.LOW:
        return False
    told = any(finding.name == "loss-above-target" or finding.alarming for finding in findings)
    return not told and course.loss(course.end) <= band.high


def _listen(facts: Facts, best: Best, findings: tuple[Finding, ...]) -> Iterator[Moment]:
    """The best, the last and the moment before the first fault, each once."""
    curve = best.curve
    lowest = "best" if curve.role in {Role.ERROR_RATE, Role.SCORE} else "lowest loss"
    wanted = {best.step: lowest, int(curve.steps[-1]): "last"}
    faults = [finding.first_step for finding in findings if finding.alarming and finding.first_step is not None]
    before = curve.steps[curve.steps < min(faults, default=curve.steps[0])]
    if len(before):
        wanted.setdefault(int(before[-1]), "before the first fault")
    for step, why in sorted(wanted.items()):
        file, doubt = _saved(facts, curve, step, why)
        yield Moment(step, f"{why}; {doubt}" if doubt else why, file)


def _saved(facts: Facts, curve: Curve, step: int, why: str) -> tuple[str | None, str]:
    """The file of this run nearest to `step`, or why none is named."""
    early = why == "before the first fault"
    saved = [one for one in facts.checkpoints if one.step <= step or not early]
    if curve.axis is not Axis.STEP or not saved:
        return None, ""
    nearest = min(saved, key=lambda one: abs(one.step - step))
    away = step - nearest.step
    gaps = np.diff(sorted({one.step for one in facts.checkpoints}))
    span = NEAR * float(curve.steps[-1] - curve.steps[0])
    if abs(away) <= max(span, float(np.median(gaps)) if len(gaps) else 0.0):
        return nearest.file, ""
    side = "before" if away > 0 else "after"
    return None, f"none kept near it (nearest: {Path(nearest.file).name}, {abs(away):,} steps {side})"
