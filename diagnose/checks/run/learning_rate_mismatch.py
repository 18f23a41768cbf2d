import numpy as np

from diagnose.checks.base import Check, Confidence, Evidence, Facts, Findings, Role
from diagnose.remedies.evidence import number
from diagnose.run import FloatArray
from diagnose.signals import signals


class LearningRateMismatch(Check):
    """The learning rate that was logged is not the one that the config asks for.

    ## Why it matters
    Whatever is changed in the config then changes nothing: the key is not read, or something overrides it.

    ## How it is detected
    The highest logged rate is compared with the configured one. Above it by more than `tolerance` (and the digits
    of the log) is a mismatch; below it only where the logged rate never changes.

    ## What to do
    Find out what sets the rate (another config, an option, a resumed optimizer, a rule that scales it with the batch
    size or the GPUs) before tuning it.

    ## Blind spots
    A schedule whose configured rate is its lowest (one-cycle), or several parameter groups, differ by intention.
    """

    code = "OPT004"
    needs = (Role.LEARNING_RATE,)

    tolerance: float = 0.01
    """Relative difference. Source: the aim of the benchmark: found within 1 %."""

    def skip_reason(self, facts: Facts) -> str | None:
        if number(facts, "learning_rate") is None:
            return "no configured learning rate is known"
        return super().skip_reason(facts)

    def check(self, facts: Facts) -> Findings:
        rate, asked = signals(facts).rate, number(facts, "learning_rate")
        if rate is None or asked is None:
            return
        values, peak = rate.values, float(rate.values.max())
        margin = self.tolerance * asked + _half_digit(values)
        constant = bool(np.ptp(values) <= self.tolerance * peak)
        resumed = abs(float(values[-1]) - asked) <= margin  # it ends at what the config says now
        if not resumed and (peak > asked + margin or (constant and peak < asked - margin)):
            yield self.report(
                rate,
                f"The config asks for a learning rate of {asked:g}, the log shows {peak:g}: the key does not set it.",
                Evidence("logged", peak, asked, "", f"the log shows {peak:g}"),
                confidence=Confidence.HIGH if constant else Confidence.MEDIUM,
            )


def _half_digit(values: FloatArray) -> float:
    """Half of the last decimal that the log prints: 0.0002 may be anything from 0.00015 to 0.00025."""
    printed = [repr(float(value)) for value in (values.min(), values.max(), values[-1])]
    decimals = max(len(text.partition(".")[2]) for text in printed)
    return 0.0 if any("e" in text for text in printed) else float(10.0**-decimals / 2)
