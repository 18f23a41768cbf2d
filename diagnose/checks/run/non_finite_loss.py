import numpy as np

from diagnose import remedies
from diagnose.checks.base import Check, Confidence, Curve, Evidence, Facts, Finding, Findings, Role, Severity
from diagnose.checks.run._loss import onset
from diagnose.finding import Prescription
from diagnose.run import IntArray, Run

EXAMPLES = "look at the examples of that batch: empty or corrupt files; in speech, text longer than its audio."
CALLED = {Role.TRAIN_LOSS: "The loss", Role.VAL_LOSS: "The validation loss"}


class NonFiniteLoss(Check):
    """The loss is NaN or infinite.

    ## Why it matters
    After one NaN update all weights are NaN: every further hour is lost, and every checkpoint saved.

    ## How it is detected
    Any NaN or infinite value of a loss, or of one of its components. It is an error when the curve ends so, and a
    warning when it recovered. A loss of exactly zero, or one that repeats itself, while the gradient norm is not
    finite counts too: a filter hides the NaN. What came before says which cause is likely: NaN from the first point
    on is data or precision, a climb is the rate, a single point out of nothing a clip or an overflow.

    ## What to do
    What the finding advises: it follows what the log shows.

    ## Blind spots
    The Trainer of Hugging Face replaces NaN by an older mean before it logs (`logging_nan_inf_filter`, on by
    default): such a loss looks flat and finite. Set it to false.
    """

    code = "NUM001"

    climb: float = 2.0
    """Factor over the best level that counts as a climb before. Source: a rival looks for 3; it only changes advice."""
    single: int = 1000
    """Points of which one may be lost without harm. Source: loss scalers skip one step in thousands."""

    def skip_reason(self, facts: Facts) -> str | None:
        return None if _losses(facts.run) else "no loss is logged"

    def check(self, facts: Facts) -> Findings:
        for curve in _losses(facts.run):
            bad = np.flatnonzero(~np.isfinite(curve.values))
            if len(bad):
                yield self._lost(facts, curve, bad)
                return
        yield from self._filtered(facts)

    def _lost(self, facts: Facts, curve: Curve, bad: IntArray) -> Finding:
        ends_so = not np.isfinite(curve.values[-1])
        before, data = curve.values[: bad[0]][np.isfinite(curve.values[: bad[0]])], _weights_are_fine(facts, curve, bad)
        factor = float(before[-2:].max() / before.min()) if len(before) > 1 and before.min() > 0 else 1.0
        harmless = len(bad) == 1 and len(curve) >= self.single and not ends_so
        what = "infinite" if np.isinf(curve.values[bad]).all() else "not a number"
        climbed = f", after a climb to {factor:.3g} times its best" if factor >= self.climb else ""
        called = CALLED.get(curve.role or Role.EPOCH, f"The component {curve.tag}")
        return self.report(
            curve,
            f"{called} is {what} at {len(bad):,} of {len(curve):,} points, first at "
            f"{curve.place(curve.steps[bad[0]])}{climbed}.",
            Evidence("points", len(bad), sentence=f"{len(bad):,} points are {what}"),
            Evidence("share", len(bad) / len(curve)),
            Evidence("climb_before", factor, self.climb),
            *(onset(facts, int(curve.steps[bad[0] - 1])) if bad[0] else ()),
            first=bad[0],
            last=bad[-1],
            severity=Severity.INFO if harmless else Severity.ERROR if ends_so and not data else Severity.WARNING,
            confidence=Confidence.HIGH,
            prescriptions=() if harmless or data else _cures(facts, curve, bad[0]),
            advice=data or self._advice(facts, curve, bad, factor),
        )

    def _advice(self, facts: Facts, curve: Curve, bad: IntArray, factor: float) -> str:
        """By cause, the likeliest first."""
        half = bool(remedies.leave_half_precision(facts))
        if bad[0] == 0:
            return (
                "No point of it was ever finite, so there is nothing to go back to: "
                f"{'turn half precision off, ' if half else ''}look for NaN in the data, empty targets and logarithms "
                "of zero, then start anew."
            )
        back = f"Restart from a checkpoint from before {curve.place(curve.steps[bad[0]])}"
        if factor >= self.climb:
            return f"{back} at a lower learning rate with clipping: the loss had climbed before it was lost."
        cause = "fp16 overflows so" if half else "half precision (fp16) overflows so, where it is used"
        norms = facts.curve(Role.GRAD_NORM)
        if norms is not None and len(lost := norms.where(~np.isfinite(norms.values)).until(int(curve.steps[bad[0]]))):
            first = lost.place(lost.steps[0])
            return f"{back}. Gradients overflowed first, at {first}: {cause}, cured by bf16, clipping or a lower rate."
        return f"{back}. It came out of nothing: {cause}, cured by bf16 or full precision; else {EXAMPLES}"

    def _filtered(self, facts: Facts) -> Findings:
        """A loss that is zero, or repeats itself, exactly while the gradient norm is not finite."""
        train, norms = facts.curve(Role.TRAIN_LOSS), facts.curve(Role.GRAD_NORM)
        if train is None or norms is None or not len(train):
            return
        lost = np.isin(train.steps, norms.steps[~np.isfinite(norms.values)])
        hidden = np.flatnonzero(lost & ((np.diff(train.values, prepend=np.inf) == 0) | (train.values == 0)))
        if len(hidden) <= 1:
            return
        yield self.report(
            train,
            f"The gradient norm is NaN or inf from {train.place(train.steps[hidden[0]])} while the log shows a loss of "
            f"exactly {train.values[hidden[0]]:g}: a filter hides that the loss is not a number.",
            Evidence("points", len(hidden)),
            Evidence("logged_loss", float(train.values[hidden[0]])),
            first=hidden[0],
            last=hidden[-1],
            severity=Severity.ERROR,
            confidence=Confidence.HIGH,
            prescriptions=_cures(facts, train, hidden[0]),
            advice="Set logging_nan_inf_filter to false (Hugging Face Trainer); restart from a checkpoint from before.",
        )


def _losses(run: Run) -> list[Curve]:
    """The two losses, then every other loss, adversarial ones too: NaN is a fault in any of them."""
    roles = (Role.TRAIN_LOSS, Role.VAL_LOSS, Role.TRAIN_COMPONENT, Role.VAL_COMPONENT)
    return [curve for role in roles for curve in run.played_by(role) if len(curve)]


def _weights_are_fine(facts: Facts, curve: Curve, bad: IntArray) -> str:
    """Why, and where to look: the evaluation alone is lost, or single examples are; empty where nothing says so."""
    train, val = facts.curve(Role.TRAIN_LOSS), facts.curve(Role.VAL_LOSS)
    if curve is val and train is not None and np.isfinite(train.values).all():
        return "Training stays finite, so the weights are fine. Look at the evaluation: an empty set, half precision."
    improved = val is not None and len(val) > 2 and float(val.values[-2:].mean()) < float(val.values[0])
    single = improved and bool(np.isinf(curve.values[bad]).all())
    said = "Validation still improves, so the weights are fine: single examples give an infinite loss;"
    return f"{said} {EXAMPLES}" if single else ""


def _cures(facts: Facts, curve: Curve, first: int) -> tuple[Prescription, ...]:
    """Less rate and more clipping, where the loss was ever finite; full precision before all."""
    calmer = remedies.calm(facts, int(curve.steps[first]), non_finite=True) if first else ()
    return (*remedies.leave_half_precision(facts), *calmer)
