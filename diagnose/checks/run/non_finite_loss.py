"""NUM001: NaN or inf in the loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks.base import Check
from diagnose.checks.run._cures import HALF, lower_rate, tighter_clipping
from diagnose.checks.run._wording import at
from diagnose.facts import Facts
from diagnose.finding import Confidence, Edit, Finding, Operation, Prescription, Safety, Severity
from diagnose.run import Curve, Role, Run

# Points of a run of which one may be lost without harm. Source: our choice: GradScaler and skipped batches lose one in
# thousands in healthy fp16 runs.
SINGLE = 1000
# Points before and after it that show how it went on. Source: our choice.
BESIDE = 10


@dataclass(frozen=True)
class NonFiniteLoss(Check):
    """The loss is NaN or infinite.

    ## Why it matters
    After one NaN update all weights are NaN: every further hour of the run is lost, and so is a checkpoint
    that is saved from then on.

    ## How it is detected
    Any NaN or infinite value of the training or validation loss. It is an error when the curve ends so, and a
    warning when it recovered (a loss scaler that skips steps does this). What came before is measured: a
    loss that climbed first points at the learning rate, a single step out of nothing at precision or one sample.

    ## What to do
    In this order: turn mixed precision off (or use bf16), lower the learning rate, clip gradients, and look for
    the sample (text longer than audio, an empty clip) in the batch of that step. Restart from a checkpoint from before
    the first NaN.

    ## Blind spots
    The Trainer of Hugging Face replaces NaN by an older mean before it logs (`logging_nan_inf_filter`, on by
    default): such a loss looks flat and finite. Set it to false.
    """

    code = "NUM001"
    name = "non-finite-loss"

    climb: float = 2.0
    """Factor over the best level that counts as a climb before the NaN. Source: the quietest rival looks for 3; our
    choice of less, since here it only changes the advice."""

    def skip_reason(self, facts: Facts) -> str | None:
        """No loss is logged at all."""
        run = facts.run
        return None if _losses(run) else "no loss is logged"

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Report the first curve that holds a value that is not finite, the training loss before others."""
        run = facts.run
        for role, curve in _losses(run):
            bad = np.flatnonzero(~np.isfinite(curve.values))
            if len(bad):
                yield self._told(run, role, curve, bad)
                return
        yield from self._filtered(run)

    def _filtered(self, run: Run) -> Iterator[Finding]:
        """A loss that is zero, or repeats itself, exactly while the gradient norm is not finite: a filter hides NaN."""
        train, norms = run.curve(Role.TRAIN_LOSS), run.curve(Role.GRAD_NORM)
        if train is None or norms is None or not len(train):
            return
        lost = np.isin(train.steps, norms.steps[~np.isfinite(norms.values)])
        still = lost & (np.diff(train.values, prepend=np.inf) == 0) | lost & (train.values == 0)
        if np.count_nonzero(still) < max(2, len(train) // 50):
            return
        hidden = np.flatnonzero(still)
        first, last = int(train.steps[hidden[0]]), int(train.steps[hidden[-1]])
        yield self.finding(
            Severity.ERROR,
            Confidence.HIGH,
            Role.TRAIN_LOSS.value,
            f"The gradient norm is NaN or inf from {at(train, first)} while the log shows a loss of exactly "
            f"{train.values[hidden[0]]:g}: a filter hides that the loss is not a number.",
            steps=(first, last),
            evidence={"points": len(hidden), "logged_loss": float(train.values[hidden[0]])},
            prescriptions=self._cures(run, 1.0),
            advice=(
                "Set logging_nan_inf_filter to false (Hugging Face Trainer), and restart from a checkpoint from before."
            ),
        )

    def _told(self, run: Run, role: Role, curve: Curve, bad: np.ndarray) -> Finding:
        lasting = bool(len(bad) > 1 and bad[-1] == len(curve) - 1) or len(bad) == len(curve)
        ends_so = not np.isfinite(curve.values[-1])
        factor = _climb_before(curve, int(bad[0]))
        first = int(curve.steps[bad[0]])
        loss = "The loss" if role is Role.TRAIN_LOSS else "The validation loss"
        lost = "infinite" if np.isinf(curve.values[bad]).all() else "not a number"
        if _recovered(curve, bad):
            return self.finding(
                Severity.INFO,
                Confidence.HIGH,
                role.value,
                f"{loss} was {lost} once, at {at(curve, first)}, and went on falling.",
                steps=(first, int(curve.steps[bad[-1]])),
                evidence={"points": len(bad)},
                advice="Look at the clips of that batch: text longer than its audio, empty or corrupt files.",
            )
        return self.finding(
            Severity.ERROR if ends_so or lasting else Severity.WARNING,
            Confidence.HIGH,
            role.value,
            f"{loss} is {lost} at {len(bad):,} of {len(curve):,} points, first at {at(curve, first)}"
            + (f", after a climb to {factor:.3g} times its best." if factor >= self.climb else "."),
            steps=(first, int(curve.steps[bad[-1]])),
            evidence={"points": len(bad), "share": len(bad) / len(curve), "climb_before": factor},
            prescriptions=self._cures(run, factor),
            advice="Restart from a checkpoint from before this step. If it happens again at the same step, look at the "
            "clips of that batch: text longer than its audio, empty or corrupt files.",
        )

    def _cures(self, run: Run, factor: float) -> tuple[Prescription, ...]:
        why = "the loss became NaN"
        climbed = f"the loss climbed to {factor:.3g} times its best before it became NaN"
        rate = lower_rate(run, HALF, climbed if factor >= self.climb else why)
        return (*_full_precision(run), *rate, *tighter_clipping(run, why))


def _recovered(curve: Curve, bad: np.ndarray) -> bool:
    """Whether a single point was lost and the loss is now below what it was before it."""
    before, after = curve.values[: bad[0]], curve.values[bad[0] + 1 :]
    enough = len(bad) == 1 and len(curve) >= SINGLE and min(len(before), len(after)) >= BESIDE
    return enough and float(np.median(after[-BESIDE:])) <= float(np.median(before[-BESIDE:]))


def _losses(run: Run) -> list[tuple[Role, Curve]]:
    found = ((role, run.curve(role)) for role in (Role.TRAIN_LOSS, Role.VAL_LOSS))
    return [(role, curve) for role, curve in found if curve is not None and len(curve)]


def _climb_before(curve: Curve, first: int) -> float:
    """The last finite loss before point `first` over the lowest before it; 1 where that means nothing."""
    before = curve.values[:first]
    before = before[np.isfinite(before)]
    if len(before) < 2 or before.min() <= 0:
        return 1.0
    return float(before[-3:].max() / before.min())


def _full_precision(run: Run) -> tuple[Prescription, ...]:
    """Source: F5-TTS#341 and coqui-ai/TTS#755: fp16 overflows, cured by bf16 or full precision."""
    mode = run.config.get("mixed_precision")
    if mode is True:
        edit = Edit("mixed_precision", Operation.SET, False, "half precision overflows first: rule it out first")
    elif mode in ("fp16", "16", "16-mixed"):
        bf16 = {"fp16": "bf16", "16": "bf16", "16-mixed": "bf16-mixed"}[mode]
        edit = Edit("mixed_precision", Operation.SET, bf16, "bf16 has the range of fp32: fp16 overflows at 65504")
    else:
        return ()
    return (Prescription("Leave half precision", "the loss became NaN", (edit,), Safety.SAFE),)
