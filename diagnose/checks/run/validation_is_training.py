"""DAT002: the validation curve is the training curve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from diagnose.checks.base import Check
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Role

if TYPE_CHECKING:
    from diagnose.data.inspect import Survey


@dataclass(frozen=True)
class ValidationIsTraining(Check):
    """The two curves are the same: validation is computed on the training clips, or is a copy of the training loss.

    ## Why it matters
    Overfitting cannot be seen then, and early stopping never stops.

    ## How it is detected
    At the steps that both curves have, the values are equal to within `near`, at `fewest` points or more.

    ## What to do
    Keep clips out of training and evaluate on them; compare the two file lists.

    ## Blind spots
    Validation on the training clips with dropout switched off differs from the training loss and is not seen here:
    compare the file lists with `ttsdoc data`.
    """

    code = "DAT002"
    name = "validation-is-training"
    needs = (Role.VAL_LOSS, Role.TRAIN_LOSS)
    min_points = 4

    near: float = 1e-4
    """Median relative difference. Source: our choice: two data sets never agree so well."""
    fewest: int = 4
    """Common steps. Source: our choice: fewer may agree by rounding."""

    def applies(self, facts: Facts) -> bool:
        """The lists of a data set show it as well as the curves of a run."""
        return facts.survey is not None or super().applies(facts)

    def skip_reason(self, facts: Facts) -> str | None:
        """Lists need no curves."""
        return None if facts.survey is not None else super().skip_reason(facts)

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Compare the lists of the data set, and the two curves at their common steps."""
        if facts.survey is not None:
            yield from self._in_the_lists(facts.survey)
        if super().skip_reason(facts) is None:
            yield from self._in_the_curves(facts)

    def _in_the_lists(self, survey: Survey) -> Iterator[Finding]:
        from diagnose.checks.dataset._fault import EXAMPLES, place
        from diagnose.data.manifest import Split
        from diagnose.data.speech import spoken

        train = survey.parts.get(Split.TRAIN, ())
        held_out = [clip for split, clips in survey.parts.items() if split is not Split.TRAIN for clip in clips]
        recordings = {clip.audio for clip in train}
        texts = {spoken(clip.text) for clip in train} - {""}
        leaked = [clip for clip in held_out if clip.audio in recordings or spoken(clip.text) in texts]
        if leaked:
            both = "trained on as well, as the same recording or the same text"
            found = self.finding(
                Severity.ERROR,
                Confidence.HIGH,
                "dataset",
                f"{len(leaked)} of {len(held_out)} held-out clips: {both}",
                evidence={"validation_is_training": len(leaked), "clips": len(held_out)},
                advice="split again, so that no text stands on both sides: ttsdoc data split DIR --force",
            )
            yield replace(found, examples=tuple(place(clip, clip.text) for clip in leaked[:EXAMPLES]))

    def _in_the_curves(self, facts: Facts) -> Iterator[Finding]:
        train, val = self.curve(facts, Role.TRAIN_LOSS).finite, self.curve(facts, Role.VAL_LOSS).finite
        if train.axis is not val.axis:
            return
        steps, here, there = np.intersect1d(train.steps, val.steps, return_indices=True)
        first, second = train.values[here], val.values[there]
        if len(steps) < self.fewest or np.ptp(second) == 0:
            return
        apart = float(np.median(np.abs(first - second) / np.maximum(np.abs(second), 1e-300)))
        if apart > self.near:
            return
        yield self.finding(
            Severity.WARNING,
            Confidence.HIGH,
            Role.VAL_LOSS.value,
            f"Training and validation loss are the same at {len(steps)} common steps: one is a copy of the other.",
            steps=(steps[0], steps[-1]),
            evidence={"median_difference": apart, "threshold": self.near, "common_steps": len(steps)},
            advice="Evaluate on clips that are not trained on; compare the two file lists.",
        )
