from diagnose.checks.base import Check, Confidence, Facts, Findings, Role, Severity
from diagnose.signals import signals


class MissingValidation(Check):
    """No validation loss is logged, so that overfitting cannot be judged.

    ## Why it matters
    A training loss falls while a model memorises just as it does while it learns to speak.

    ## How it is detected
    A training loss is there and no curve plays the part of a validation loss.

    ## What to do
    Keep at least 25 examples out of training and log their loss each epoch as val_loss.

    ## Blind spots
    A validation loss under an unusual name is not recognised: name it with `--val-tag`.
    """

    code = "DAT003"
    needs = (Role.TRAIN_LOSS,)

    def check(self, facts: Facts) -> Findings:
        curve = facts.curve(Role.VAL_LOSS)
        if (curve is None or not len(curve)) and not signals(facts).part_gaps and signals(facts).reward is None:
            yield self.finding(
                Severity.INFO,
                Confidence.HIGH,
                Role.VAL_LOSS.value,
                f"{facts.no_validation.capitalize()}: overfitting cannot be judged. {self.what_to_do()}",
                advice=self.what_to_do(),
            )
