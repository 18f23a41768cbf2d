import numpy as np

from diagnose import remedies
from diagnose.checks.base import Check, Evidence, Facts, Findings, Role
from diagnose.checks.run._loss import KNOWN_NOISE, above, beyond_noise, moving_target
from diagnose.signals import EDGE, ODD_ONE_OUT, OUTLIER, signals
from diagnose.signals.robust import running_median


class MissingWarmup(Check):
    """The first updates use the full learning rate and throw the loss up.

    ## Why it matters
    The statistics of Adam and the norms of the layers are not settled in the first updates: full steps then throw the
    weights to where it takes long to come back from, if at all.

    ## How it is detected
    The loss rises above the first value by `height`, and by `z` times the noise there, within the first tenth of the
    run, and the logged rate starts at `peak` of its peak, or, where none is logged, the config asks for no warm-up.

    ## What to do
    Warm up over a twentieth of the run; if the loss is still thrown up, lower the learning rate.

    ## Blind spots
    A log that averages over the first hundreds of steps hides the throw.
    """

    code = "OPT003"
    needs = (Role.TRAIN_LOSS,)
    min_points = KNOWN_NOISE
    explained_by = ("learning-rate-too-high",)
    part_of = ("non-finite-loss",)

    height: float = 0.33
    """Rise above the first level in ln: 1.4 times. Source: warm-up humps of healthy runs (Applio#113)."""
    z: float = OUTLIER
    """Times the noise of a point: the first is only one. Source: one in a billion for normal noise."""
    peak: float = 1 - EDGE
    """First rate over the highest. Source: a rival's rule for a missing warm-up."""

    def check(self, facts: Facts) -> Findings:
        course, rate = signals(facts).train, signals(facts).rate
        warmed = rate.values[0] < self.peak * rate.values.max() if rate else facts.settings.get("warmup_steps") != 0
        if course is None or warmed or moving_target(signals(facts)) or not course.curve.values[0]:
            return  # nothing is thrown up from 0
        tenth = max(ODD_ONE_OUT + 1, int(EDGE * len(course)))
        early = running_median(course.level[:tenth], max(ODD_ONE_OUT, int(EDGE * tenth) | 1))
        rise, noise = float(early.max() - course.level[0]), float(course.noise_at[:tenth].max())
        if rise < self.height or rise < self.z * noise:
            return
        top = int(np.argmax(early))
        yield self.report(
            course.curve,
            f"The run starts at its full learning rate, and the loss is thrown from {course.curve.values[0]:.4g} to "
            f"about {course.loss(float(early.max())):.4g} by {course.curve.place(course.curve.steps[top])}.",
            Evidence("rise", rise, self.height, "", f"thrown to {above(rise)} its first level"),
            *beyond_noise(rise / noise, len(course), self.z),
            last=top,
            prescriptions=remedies.warm_up(facts),
        )
