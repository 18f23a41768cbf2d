"""When to stop, and which checkpoints to listen to: the guide's four rules as one recommendation."""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.facts import Facts
from diagnose.finding import Finding, Moment, Recommendation, Severity, StopAdvice
from diagnose.run import Axis, Curve, Role

# Evaluations without a new best after which it is time. Source: the guide, "Validation loss stops decreasing for
# 20+ evaluations".
PATIENCE = 20
# Findings after which more training only costs money; the last two where they are errors: what healed is none.
HOPELESS = ("divergence", "impossible-loss", "dead-schedule", "plateau", "non-finite-loss", "learning-rate-too-high")
IF_GRAVE = frozenset({"non-finite-loss", "learning-rate-too-high"})


def when_to_stop(facts: Facts, findings: tuple[Finding, ...]) -> StopAdvice | None:
    """One recommendation from the best step so far, the evaluations since, the target and the findings.

    None where no loss was logged.
    """
    curve = facts.curve(Role.VAL_LOSS) or facts.curve(Role.TRAIN_LOSS)
    if curve is None or not len(curve.finite):
        return None
    finite = curve.finite
    best = int(finite.values.argmin())
    since = len(finite) - 1 - best
    recommendation, reasons = _recommend(facts, curve, findings, since)
    return StopAdvice(
        recommendation,
        tuple(reasons),
        (curve.role or Role.TRAIN_LOSS).value,
        curve.axis,
        int(finite.steps[best]),
        float(finite.values[best]),
        since,
        tuple(_listen(facts, finite, best, findings)),
    )


def _recommend(
    facts: Facts, curve: Curve, findings: tuple[Finding, ...], since: int
) -> tuple[Recommendation, list[str]]:
    alarming = {finding.name: finding for finding in findings if finding.alarming}
    lost = [
        name
        for name in HOPELESS
        if name in alarming and (name not in IF_GRAVE or alarming[name].severity is Severity.ERROR)
    ]
    if lost:
        return Recommendation.STOP, [f"more training only costs money ({lost[0]}): correct the config and start again"]
    reasons = []
    if "overfitting" in alarming or "memorisation" in alarming:
        reasons.append("the model memorises its clips; the best checkpoint lies behind")
    if curve.role is Role.VAL_LOSS and since >= PATIENCE:
        reasons.append(f"{since} evaluations without a new best validation loss ({PATIENCE} are patience enough)")
    if facts.target is not None and facts.target.sized and float(curve.finite.values[-1]) <= facts.target.high:
        target = f"{facts.target.low:g} to {facts.target.high:g}"
        reasons.append(f"the loss reached its target of {target}: listen before paying for more")
    if reasons:
        return Recommendation.STOP, reasons
    if curve.role is not Role.VAL_LOSS:
        return Recommendation.CANNOT_TELL, [
            "no validation loss is logged: only listening tells whether new sentences improve"
        ]
    old = "the last one" if since == 0 else f"{since} evaluation{'s' if since > 1 else ''} old"
    return Recommendation.CONTINUE, [f"the best validation loss is {old} (stop after {PATIENCE})"]


def _listen(facts: Facts, curve: Curve, best: int, findings: tuple[Finding, ...]) -> Iterator[Moment]:
    """The best, the last and the moment before the first fault, each once."""
    wanted = {int(curve.steps[best]): "lowest loss", int(curve.steps[-1]): "last"}
    faults = [finding.first_step for finding in findings if finding.alarming and finding.first_step is not None]
    before = curve.steps[curve.steps < min(faults, default=curve.steps[0])]
    if len(before):
        wanted.setdefault(int(before[-1]), "before the first fault")
    for step, why in sorted(wanted.items()):
        saved = [checkpoint.file for checkpoint in facts.checkpoints if checkpoint.step <= step]
        yield Moment(step, why, saved[-1] if saved and curve.axis is Axis.STEP else None)
