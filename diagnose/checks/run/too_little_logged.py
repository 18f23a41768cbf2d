from dataclasses import replace

from diagnose.checks.base import Check, Confidence, Facts, Findings, Severity
from diagnose.checks.run._loss import LONG, MANY
from diagnose.readers.roles import ADVERSARIAL
from diagnose.signals import EDGE, signals


class TooLittleLogged(Check):
    """What is logged proves nothing, neither that the run is healthy nor that it is not.

    ## Why it matters
    Silence about a run is only good news where a fault would have been seen.

    ## How it is detected
    There is no loss, or it has too few points to show a course, or few points without a clear order. Two networks
    whose losses stay within bounds are healthy as far as losses show.

    ## What to do
    Log more often, log a validation loss, or name the loss with `--train-tag`.

    ## Blind spots
    A run that learned nothing under much noise looks like one that has not been seen.
    """

    code = "RUN004"

    fewest: int = 9
    """Points below which nothing is proved. Source: real runs, where fewer are called too short."""
    few: int = MANY
    """Points below which a course without order proves nothing. Source: as for a plateau."""
    order: float = 0.35
    """Kendall's tau of a clear course. Source: two thirds of all pairs in order."""

    def check(self, facts: Facts) -> Findings:
        reason, aim = self._reason(facts), signals(facts).aim
        if reason:
            said = f"{reason[0].upper()}{reason[1:]}."
            found = self.finding(Severity.INFO, Confidence.HIGH, "run", said)
            yield replace(found, inconclusive=signals(facts).rivals is None)
        elif aim is not None:
            said = f"No loss says how training went: judged is {aim[0].tag} alone."
            yield self.finding(Severity.INFO, Confidence.HIGH, "run", said)

    def _reason(self, facts: Facts) -> str | None:
        measured = signals(facts)
        curve, trend = measured.aim or (facts.run.loss, measured.main)
        if curve is None:
            return _no_loss(facts)
        if measured.reinforced and measured.aim is None:
            return "the loss of reinforcement learning moves with its own targets: log the reward"
        name = "the loss" if measured.aim is None else curve.tag
        points = len(curve.finite) if trend is None else len(trend)
        if trend is None or points < self.fewest:
            return f"{points} point{'s' * (points != 1)} of {name}: too few to judge; log at least {self.few}"
        if facts.run.beginning and len(trend) < LONG:
            return f"the log begins at {facts.run.first_place(curve)}: what came before is unknown"
        if points < self.few and (abs(trend.order) < self.order or abs(trend.net) < EDGE):
            return f"{points} points without a clear course are too few to judge; log more often"
        return None


def _no_loss(facts: Facts) -> str:
    if signals(facts).rivalled:
        return f"what is logged {ADVERSARIAL}"
    tags = ", ".join(list(facts.run.curves)[: TooLittleLogged.fewest])
    return f"no loss is logged under a name that ttsdoc knows (seen: {tags}); name it with --train-tag"
