"""DAT001: too few clips for the goal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor, log10

from diagnose.checks.base import Check
from diagnose.checks.run._batches import micro_batch
from diagnose.facts import Facts
from diagnose.finding import Confidence, Edit, Finding, Operation, Prescription, Safety, Severity
from diagnose.run import Run


@dataclass(frozen=True)
class SmallDataset(Check):
    """The data set has too few clips for a voice that generalises.

    ## Why it matters
    A network with millions of weights learns a few hundred clips by heart: the training loss keeps falling while
    new sentences get worse. Plans made for big sets (1000 epochs, a checkpoint every 5000 steps) then waste the
    night and miss the best moment, which may lie between two checkpoints.

    ## How it is detected
    The number of clips (from the config's metadata file, or `--samples`) is compared with `small` and `enough`.
    It is a warning when the set is small and the config plans to show every clip far more often than the
    budget of `presentations` allows, and information otherwise.

    ## What to do
    Short term: fewer epochs, earlier evaluations and checkpoints, more dropout, early stopping, augmentation.
    Long term: more recordings, more subtitle files, merged data sets: 2000 clips help, 5000 make a good voice.

    ## Blind spots
    Clips are counted, not minutes: 525 clips of 10 s hold more than 1000 of 2 s. Fine-tuning a strong base
    model needs fewer clips than training from scratch.
    """

    code = "DAT001"
    name = "small-dataset"

    small: int = 1000
    """Clips below which the plan must be cut to size. Source: the guide's stable config, "for datasets with
    <1000 samples"."""
    enough: int = 5000
    """Clips that a good voice needs. Source: the guide, "5000+ samples for good TTS"."""
    presentations: int = 100_000
    """Clip presentations (clips x epochs) that a small set bears. Source: the guide's 200 epochs of 525 clips."""
    dropout: float = 0.2
    """Dropout for a small set. Source: the guide's table."""
    epochs_per_evaluation: int = 2
    """Source: the guide's 100 steps at 56 batches an epoch; overfitting set in within 7 epochs of 96 clips in
    the bundled trainer's overfitting experiment."""
    evaluations_per_checkpoint: int = 5
    """Source: the guide's table, 500 steps against 100."""
    excess: float = 2.0
    """How far beyond its cap a value must be before it is worth a change. Source: our choice: within a factor
    of two the plan is a matter of taste."""
    train_share: float = 0.85
    """Share of the clips that is trained on. Source: the story's config."""

    def skip_reason(self, facts: Facts) -> str | None:
        """The number of clips is not known."""
        run = facts.run
        if run.dataset.samples is None:
            return "the number of clips is not known: give it with --samples"
        return None

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the number of clips with what is needed, and the plan with what the set bears."""
        run = facts.run
        samples = run.dataset.samples
        if samples is None or samples >= self.enough:
            return
        edits = tuple(self._edits(run, samples)) if samples < self.small else ()
        overplanned = any(edit.parameter == "max_epochs" for edit in edits)
        yield self.finding(
            Severity.WARNING if overplanned else Severity.INFO,
            Confidence.HIGH if samples < self.small else Confidence.MEDIUM,
            "dataset",
            f"{samples:,} clips, {self.enough / samples:.2g} times fewer than the {self.enough:,} of a good voice: "
            "expect memorisation, and a ceiling on quality for new sentences and speakers.",
            evidence={"samples": samples, "small": self.small, "enough": self.enough},
            prescriptions=self._prescription(samples, edits),
            advice=_advice(samples),
        )

    def _prescription(self, samples: int, edits: tuple[Edit, ...]) -> tuple[Prescription, ...]:
        if not edits:
            return ()
        return (
            Prescription(
                "Cut the plan to the size of the data set",
                f"{samples:,} clips are learnt by heart long before the planned end",
                edits,
                Safety.SAFE,
                expected="the best checkpoint is evaluated and kept before the model overfits",
            ),
        )

    def _edits(self, run: Run, samples: int) -> Iterator[Edit]:
        epochs = _one_digit(self.presentations / samples)
        if self._exceeds(run, "max_epochs", epochs):
            why = f"{samples:,} clips x {epochs} epochs = {samples * epochs:,} presentations, enough to overfit"
            yield Edit("max_epochs", Operation.CAP, epochs, why)
            # A plan within the budget needs no more dropout: 0.2 cost the bundled trainer's healthy preset 0.1.
            yield from self._regularisation(run, samples)
        yield from self._intervals(run, samples)

    def _regularisation(self, run: Run, samples: int) -> Iterator[Edit]:
        dropout = run.config.get("dropout")
        if isinstance(dropout, int | float) and 0 < dropout < self.dropout:
            yield Edit("dropout", Operation.SET, self.dropout, f"{samples:,} clips are few: make memorising harder")

    def _intervals(self, run: Run, samples: int) -> Iterator[Edit]:
        batches = ceil(samples * self.train_share / micro_batch(run, samples))
        epochs = self.epochs_per_evaluation
        if self._exceeds(run, "save_interval", self.evaluations_per_checkpoint * epochs * batches):
            why = f"a checkpoint every {self.evaluations_per_checkpoint} evaluations keeps the best one"
            yield Edit("save_interval", Operation.CAP, self.evaluations_per_checkpoint * epochs, why, unit="epochs")
        if self._exceeds(run, "eval_interval", epochs * batches):
            why = "an epoch is {steps_per_epoch} updates: look at least every second epoch"
            yield Edit("eval_interval", Operation.CAP, epochs, why, unit="epochs")

    def _exceeds(self, run: Run, parameter: str, cap: int) -> bool:
        value = run.config.get(parameter)
        return isinstance(value, int | float) and value > self.excess * cap


def _one_digit(value: float) -> int:
    """The value rounded to one significant digit, at least 1: nobody wants 191 epochs."""
    magnitude: int = 10 ** floor(log10(max(value, 1)))
    return max(1, round(value / magnitude) * magnitude)


def _advice(samples: int) -> str:
    goal = 2000 if samples < 2000 else 5000
    return (
        f"Short term: stop at the best validation loss, use augmentation, listen to several checkpoints. "
        f"Long term: add {goal - samples:,} clips to reach {goal:,} (import more subtitle files, merge data sets, "
        f"record more)."
    )
