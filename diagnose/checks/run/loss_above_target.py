from diagnose.checks.base import Check, Confidence, Evidence, Facts, Findings, Role, Severity
from diagnose.run import Axis
from diagnose.signals import signals


class LossAboveTarget(Check):
    """The loss is high for its model family, its data set size and its progress, by the loss-target table.

    ## Why it matters
    "Is 3.5 good?" has no answer without the model: a T3 that ends at 3.5 ignores its text, a VITS at 15 sounds fine.
    A run above the band of its family will not sound good, however smooth its curve looks.

    ## How it is detected
    The last level of the loss is compared with the band that `presets/targets/` gives for the family and the number of
    clips. Above the band is information while the loss is still falling or where the band is of low confidence, and a
    warning once the loss no longer falls, or when it is above the healthy path at this epoch by `path_margin`.

    ## What to do
    Cure first what the other findings name: the level follows. Without one, compare with the model that
    it began from; see that this is the loss that the target is about, divided by the accumulation steps.

    ## Blind spots
    A loss that the trainer weights, sums or divides otherwise than its family does cannot be compared, and
    the log does not show that. The bands are only as good as their sources, which the finding names.
    """

    code = "FIT005"
    needs = (Role.TRAIN_LOSS,)
    explained_by = ("non-finite-loss", "learning-rate-too-high", "divergence", "learning-rate-too-low", "plateau")

    path_margin: float = 0.25
    """Share above the healthy path that still counts as on it. Source: the guide's own story is within
    18 % of its path in every epoch before the loss turned."""

    def skip_reason(self, facts: Facts) -> str | None:
        if facts.family is None:
            return "the model family is not known: name it with --family"
        if facts.target is None:
            return f"no table of targets for {facts.family}"
        return super().skip_reason(facts)

    def check(self, facts: Facts) -> Findings:
        band, curve, trend = facts.target, self.curve(facts, Role.TRAIN_LOSS).finite, signals(facts).train
        last = float(curve.values[-1]) if trend is None else trend.loss(trend.end)
        if band is None or last <= band.high:
            return
        epochs = curve.epochs if curve.epochs is not None else curve.steps if curve.axis is Axis.EPOCH else None
        expected = None if epochs is None else band.expected(float(epochs[-1]))
        behind = expected is not None and last > (1 + self.path_margin) * expected
        falling = trend is None or trend.half > trend.end
        course = "" if trend is None else ", still falling" if falling else ", no longer falling"
        sure = band.confidence is not Confidence.LOW
        aim = f"target {band.low:g} to {band.high:g}, from {band.source}"
        path = f"a healthy run is near {expected:.3g} at this epoch" if behind else ""
        clips = "" if facts.samples is None else f" with {facts.samples:,} clips"
        end = f"{band.family}{clips if band.sized else ', whatever the number of clips,'} should end between"
        yield self.report(
            curve,
            f"The loss is {last:.4g}{course}; {end} {band.low:g} and {band.high:g}{path and '; '}{path}.",
            Evidence("loss", last, band.high, band.loss, f"the loss is {last:.4g} ({aim})"),
            Evidence("target_low", band.low, None, band.loss, f"target from {band.low:g}"),
            *([Evidence("healthy_path", expected, None, band.loss, path)] if expected and behind else []),
            first=-1,
            severity=Severity.WARNING if sure and (behind or not falling) else Severity.INFO,
            confidence=band.confidence,
            advice="Let it run on and look again: it still falls. Compare only the loss that the target is about."
            if falling and not behind
            else None,
        )
