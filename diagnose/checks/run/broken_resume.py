import numpy as np

from diagnose.checks.base import Check, Evidence, Facts, Findings, Role
from diagnose.checks.run._loss import SURE, above
from diagnose.signals import ODD_ONE_OUT, first_level, last_level, signals


class BrokenResume(Check):
    """The run was resumed without the state of its optimiser or schedule: the rate starts again, and the loss jumps.

    ## Why it matters
    Warm-up and momentum are paid for twice, and the schedule ends elsewhere than planned.

    ## How it is detected
    The logged learning rate falls at once to less than half and then climbs again, and at the same step the loss
    jumps by `jump` and `z` standard errors; or a decayed rate is at once back near its peak, and the loss lost half of
    its progress. Not where it happens again and again: that is a schedule of warm restarts.

    ## What to do
    Resume from the checkpoint with optimiser, scheduler and step, not from the weights alone.

    ## Blind spots
    Where no rate is logged, a jump at a restart looks like a spike.
    """

    code = "OPT006"
    needs = (Role.TRAIN_LOSS, Role.LEARNING_RATE)
    min_points = 20
    part_of = ("non-finite-loss",)

    jump: float = 0.2
    """Rise of the loss in ln: 20 %. Source: the jump of a healthy second stage is smaller or takes longer."""
    z: float = SURE
    """Noise of a point."""

    def check(self, facts: Facts) -> Findings:
        measured = signals(facts)
        trend, rate = measured.train, measured.rate
        if trend is None or rate is None:
            return
        values, steps, peak = rate.values, rate.steps, int(np.argmax(rate.values))
        halved = np.flatnonzero(2 * values[1:] < values[:-1]) + 1
        again = [i for i in halved if values[i:].max() > 2 * values[i]]
        doubled = np.flatnonzero(values[1:] > 2 * values[:-1]) + 1
        anew = [i for i in doubled if 2 * values[i] > values[peak] and i > peak]
        places = again or anew
        first = int(np.searchsorted(trend.curve.steps, steps[places[0]])) if len(places) == 1 else 0
        if not ODD_ONE_OUT <= first <= len(trend) - ODD_ONE_OUT:
            return
        low, high = last_level(trend.level[:first]), first_level(trend.level[first:])
        jump = high - low
        if jump < max(self.jump, self.z * trend.noise) or (not again and 2 * trend.lost(high, low) < 1):
            return
        before, after = values[places[0] - 1], values[places[0]]
        yield self.report(
            trend.curve,
            f"At {trend.curve.place(steps[places[0]])} the learning rate goes from {before:.3g} to {after:.3g}"
            f"{' and climbs again' if again else ' at once'}, and the loss jumps to {above(jump)} its level: it was "
            "resumed without the state of its optimiser and schedule.",
            Evidence("jump", jump, self.jump, "", f"the loss jumps to {above(jump)} its level"),
            Evidence("rate_before", float(before), None, "", f"the learning rate was {before:.3g} before"),
            first=first,
        )
