"""FIT006: training went on long after validation had stopped improving."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks.base import Check
from diagnose.checks.run._regularise import stop_and_regularise
from diagnose.checks.run._validation import fall_since, level_error
from diagnose.checks.run._wording import at
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Curve, Role
from diagnose.signals.trend import running_median


@dataclass(frozen=True)
class PastBest(Check):
    """Training went on long after the validation loss had come to its best, and halved the training loss for nothing.

    ## Why it matters
    The hours after the best checkpoint cost as much as those before it. What is learned in them is the training set.

    ## How it is detected
    From some evaluation in the first `latest` of the run on, the validation loss improved by less than `gain` and the
    noise between evaluations, over at least `patience` evaluations, while the training loss fell by `fall`, to below
    the validation loss.

    ## What to do
    Stop early; keep the best checkpoint and listen to it. More clips help more than more epochs.

    ## Blind spots
    Losses that saturate (Tacotron 2, flow matching) stay flat while the voice improves; there training does not
    halve either.
    """

    code = "FIT006"
    name = "past-best"
    needs = (Role.VAL_LOSS, Role.TRAIN_LOSS)
    min_points = 10
    part_of = ("overfitting", "divergence", "validation-is-training")

    latest: float = 0.5
    """Share of the evaluations. Source: our choice: half of the run for nothing."""
    gain: float = 0.03
    """Improvement of the validation level. Source: the corpus of real runs: 3.2 % over 48 epochs was called
    overfitting."""
    patience: int = 8
    """Evaluations. Source: the guide's patience is 20; early stopping defaults to 3."""
    fall: float = 0.45
    """Fall of the training loss meanwhile. Source: our choice: what halves in training must show in validation."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for the first evaluation after which only training improved."""
        run = facts.run
        train, val = self.curve(facts, Role.TRAIN_LOSS).finite, self.curve(facts, Role.VAL_LOSS).finite
        turn = self._turn(train, val)
        if turn is None:
            return
        fallen, since = fall_since(train, val, turn), len(val) - 1 - turn
        place = at(val, val.steps[turn])
        yield self.finding(
            Severity.WARNING,
            Confidence.MEDIUM,
            Role.VAL_LOSS.value,
            f"Since {place} ({since} evaluations) the validation loss has hardly improved, while the training "
            f"loss fell by {fallen:.0%}: the rest is learned by heart.",
            steps=(val.steps[turn], val.steps[-1]),
            evidence={"evaluations_since": since, "train_fall": fallen, "gain_threshold": self.gain},
            prescriptions=stop_and_regularise(run, f"validation has hardly improved since {place}"),
            advice=f"Stop here; listen to the checkpoints from {place} on and keep the best.",
        )

    def _turn(self, train: Curve, val: Curve) -> int | None:
        """The first evaluation from which on the level hardly fell while training halved; None where there is none."""
        if val.values.min() <= 0 or len(train) < self.min_points:
            return None
        width = max(3, len(val) // 10) | 1
        levels = running_median(val.values, width)
        error = level_error(val.values[len(val) // 2 :], width)  # the first descent is no noise
        flat = np.flatnonzero(levels * (1 - self.gain) < float(levels.min()) + error)
        last = min(int(self.latest * len(val)), len(val) - 1 - self.patience)
        turn = int(flat[0])
        by_heart = fall_since(train, val, turn) >= self.fall and levels[-1] > np.median(train.values[-width:])
        return turn if turn <= last and by_heart else None
