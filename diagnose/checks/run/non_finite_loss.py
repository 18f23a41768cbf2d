"""NUM001: NaN or inf in the loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose import remedies
from diagnose.checks.base import Check
from diagnose.checks.run._onset import onset
from diagnose.checks.run._say import at
from diagnose.facts import Facts
from diagnose.finding import (
    Confidence,
    Edit,
    Evidence,
    Finding,
    Operation,
    Prescription,
    Safety,
    Severity,
    Support,
)
from diagnose.run import Curve, FloatArray, Role, Run

FP16 = (True, "fp16", "16", "16-mixed", "float16")


@dataclass(frozen=True)
class NonFiniteLoss(Check):
    """The loss is NaN or infinite.

    ## Why it matters
    After one NaN update all weights are NaN: every further hour of the run is lost, and so is a checkpoint that is
    saved from then on.

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
    name = "non-finite-loss"

    climb: float = 2.0
    """Factor over the best level that counts as a climb before. Source: a rival looks for 3; it only changes advice."""
    single: int = 1000
    """Points of which one may be lost without harm. Source: loss scalers skip one step in thousands."""

    def skip_reason(self, facts: Facts) -> str | None:
        """No loss is logged at all."""
        return None if _losses(facts.run) else "no loss is logged"

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Report the first curve that holds a value that is not finite, the training loss before others."""
        for name, curve in _losses(facts.run):
            bad = np.flatnonzero(~np.isfinite(curve.values))
            if len(bad):
                yield self._told(facts, name, curve, bad)
                return
        yield from self._filtered(facts)

    def _told(self, facts: Facts, name: str, curve: Curve, bad: np.ndarray) -> Finding:
        ends_so = not np.isfinite(curve.values[-1]) and (len(bad) > 1 or len(bad) == len(curve))
        first, last = int(curve.steps[bad[0]]), int(curve.steps[bad[-1]])
        factor = _climb_before(curve.values[: bad[0]])
        healed = len(bad) == 1 and len(curve) >= self.single and not ends_so and name == Role.TRAIN_LOSS.value
        lost = "infinite" if np.isinf(curve.values[bad]).all() else "not a number"
        climbed = f", after a climb to {factor:.3g} times its best." if factor >= self.climb else "."
        return self.finding(
            Severity.INFO if healed else Severity.ERROR if ends_so else Severity.WARNING,
            Confidence.HIGH,
            name,
            f"{_MEANING.get(name, name)} is {lost} at {len(bad):,} of {len(curve):,} points, first at "
            f"{at(curve, first)}{climbed}",
            steps=(first, last),
            evidence=(
                Evidence("points", len(bad), sentence=f"{len(bad):,} points are {lost}"),
                Evidence("share", len(bad) / len(curve)),
                Evidence("climb_before", factor, self.climb),
                *(onset(facts, int(curve.steps[bad[0] - 1])) if bad[0] else ()),
            ),
            prescriptions=() if healed or _is_data(facts, curve, bad) else _cures(facts, first if bad[0] else None),
            advice=self._advice(facts, curve, bad, factor),
        )

    def _advice(self, facts: Facts, curve: Curve, bad: np.ndarray, factor: float) -> str:
        """By cause, the likeliest first."""
        again = "Look at the clips of that batch: text longer than its audio, empty or corrupt files."
        if _is_data(facts, curve, bad):
            return f"Validation still improves, so the weights are fine: single clips give an infinite loss. {again}"
        if bad[0] == 0:
            half = "turn half precision off, " if facts.settings.get("mixed_precision") in FP16 else ""
            return (
                f"No point of it was ever finite, so there is nothing to go back to: {half}look for NaN in the data, "
                "empty targets and logarithms of zero, then start anew."
            )
        back = f"Restart from a checkpoint from before {at(curve, int(curve.steps[bad[0]]))}"
        if factor >= self.climb:
            return f"{back} at a lower learning rate with clipping: the loss had climbed before it was lost."
        if facts.settings.get("mixed_precision") in FP16:
            return f"{back} in bf16 or full precision: it came out of nothing, as fp16 overflows do. {again}"
        return f"{back}. It came out of nothing: {again[0].lower()}{again[1:]}"

    def _filtered(self, facts: Facts) -> Iterator[Finding]:
        """A loss that is zero, or repeats itself, exactly while the gradient norm is not finite."""
        train, norms = facts.curve(Role.TRAIN_LOSS), facts.curve(Role.GRAD_NORM)
        if train is None or norms is None or not len(train):
            return
        lost = np.isin(train.steps, norms.steps[~np.isfinite(norms.values)])
        hidden = np.flatnonzero(lost & ((np.diff(train.values, prepend=np.inf) == 0) | (train.values == 0)))
        if len(hidden) < max(2, len(train) // 50):
            return
        first, last = int(train.steps[hidden[0]]), int(train.steps[hidden[-1]])
        yield self.finding(
            Severity.ERROR,
            Confidence.HIGH,
            Role.TRAIN_LOSS.value,
            f"The gradient norm is NaN or inf from {at(train, first)} while the log shows a loss of exactly "
            f"{train.values[hidden[0]]:g}: a filter hides that the loss is not a number.",
            steps=(first, last),
            evidence=(Evidence("points", len(hidden)), Evidence("logged_loss", float(train.values[hidden[0]]))),
            prescriptions=_cures(facts, first),
            advice="Set logging_nan_inf_filter to false (Hugging Face Trainer); restart from a checkpoint from before.",
        )


_COMPONENTS = (Role.TRAIN_COMPONENT, Role.VAL_COMPONENT)
_MEANING = {Role.TRAIN_LOSS.value: "The loss", Role.VAL_LOSS.value: "The validation loss"}


def _losses(run: Run) -> list[tuple[str, Curve]]:
    """The two losses, then every other loss, adversarial ones too: NaN is a fault in any of them."""
    found = [(role.value, run.curve(role)) for role in (Role.TRAIN_LOSS, Role.VAL_LOSS)]
    parts = [(curve.tag, curve) for role in _COMPONENTS for curve in run.played_by(role)]
    return [(name, curve) for name, curve in (*found, *parts) if curve is not None and len(curve)]


def _is_data(facts: Facts, curve: Curve, bad: np.ndarray) -> bool:
    """Whether the training loss is infinite while validation goes on improving: the weights are fine."""
    val = facts.curve(Role.VAL_LOSS)
    if curve.role is not Role.TRAIN_LOSS or val is None or not np.isinf(curve.values[bad]).all():
        return False
    values = val.values
    return len(values) > 2 and bool(np.isfinite(values).all()) and float(values[-2:].mean()) < float(values[0])


def _cures(facts: Facts, first: int | None) -> tuple[Prescription, ...]:
    calmer = () if first is None else remedies.calm(facts, first, non_finite=True)
    return (*_full_precision(facts), *calmer)


def _full_precision(facts: Facts) -> Iterator[Prescription]:
    """Source: F5-TTS#341 and coqui-ai/TTS#755: fp16 overflows, cured by bf16 or full precision."""
    mode = facts.settings.get("mixed_precision")
    if mode is True:
        edit = Edit("mixed_precision", Operation.SET, False, "half precision overflows first: rule it out first")
    elif mode in ("fp16", "16", "16-mixed"):
        bf16 = {"fp16": "bf16", "16": "bf16", "16-mixed": "bf16-mixed"}[str(mode)]
        edit = Edit("mixed_precision", Operation.SET, bf16, "bf16 has the range of fp32: fp16 overflows at 65504")
    else:
        return
    yield Prescription("Leave half precision", "the loss became NaN", (edit,), Safety.SAFE, support=Support.CITED)


def _climb_before(before: FloatArray) -> float:
    """The last finite losses over the lowest before them; 1 where that means nothing."""
    before = before[np.isfinite(before)]
    return float(before[-3:].max() / before.min()) if len(before) > 1 and before.min() > 0 else 1.0
