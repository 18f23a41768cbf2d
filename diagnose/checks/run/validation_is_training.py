import numpy as np

from diagnose.checks.base import Check, Confidence, Evidence, Facts, Findings, Role
from diagnose.signals.gap import FEWEST


class ValidationIsTraining(Check):
    """The two curves are the same: validation is computed on the training clips, or is a copy of the training loss.

    ## Why it matters
    Overfitting cannot be seen then, and early stopping never stops.

    ## How it is detected
    At the steps that both curves have, four at least, the values are equal to within `near`, and not for few digits.

    ## What to do
    Evaluate on clips that are not trained on; compare the two file lists.

    ## Blind spots
    Validation on the training clips with dropout switched off differs from the training loss and is not seen here:
    compare the file lists with `ttsdoc data`.
    """

    code = "DAT002"
    needs = (Role.VAL_LOSS, Role.TRAIN_LOSS)
    min_points = FEWEST

    near: float = 1e-4
    """Median relative difference. Source: our choice: two data sets never agree so well."""

    def applies(self, facts: Facts) -> bool:
        return facts.survey is not None or super().applies(facts)

    def skip_reason(self, facts: Facts) -> str | None:
        return None if facts.survey is not None else super().skip_reason(facts)

    def check(self, facts: Facts) -> Findings:
        if facts.survey is not None:
            from diagnose.checks.dataset._leak import leaked  # here: reading a data set is slow, most runs have none

            yield from leaked(self, facts.survey)
        if super().skip_reason(facts) is None:
            yield from self._in_the_curves(facts)

    def _in_the_curves(self, facts: Facts) -> Findings:
        train, val = self.curve(facts, Role.TRAIN_LOSS).finite, self.curve(facts, Role.VAL_LOSS).finite
        steps, here, there = np.intersect1d(train.steps, val.steps, return_indices=True)
        first, second = train.values[here], val.values[there]
        if train.axis is not val.axis or len(steps) < self.min_points or 2 * len(np.unique(second)) < len(steps):
            return
        apart = float(np.median(np.abs(first - second)) / np.median(np.abs(second)))
        if apart <= self.near:
            yield self.report(
                val,
                f"Training and validation loss are the same at {len(steps)} common steps: one is a copy of the other.",
                Evidence("median_difference", apart, self.near, "", f"{apart:.2%} apart as a rule"),
                Evidence("common_steps", len(steps), None, "steps", f"{len(steps)} common steps"),
                first=there[0],
                last=there[-1],
                confidence=Confidence.HIGH,
            )
