from math import exp, log

import numpy as np

from diagnose import remedies
from diagnose.checks.base import Confidence, Evidence, Facts, Finding, Findings, Severity
from diagnose.checks.run._loss import LONG, MANY, SURE, LossCheck, confidence
from diagnose.checks.run.worsening_metric import WorseningMetric
from diagnose.signals import ODD_ONE_OUT, Trend, as_share, last_level, order, signals

CLASSES = (2, 3, 10, 100, 1000)
"""Numbers of classes that a guess is often among, where the vocabulary is not known."""
NEAR = 0.01
"""Relative distance to what a guess costs. Source: the noise of a level."""


class Plateau(LossCheck):
    """The loss stopped improving, while it is neither converged nor at the end of its learning-rate schedule.

    ## Why it matters
    A flat loss at full learning rate buys nothing: the rest of the night is better spent with another setting.

    ## How it is detected
    The loss never fell: its fall is small and it does not fall in the second half. Or it fell a
    little, came near its best early, and the rest of the run brought next to nothing. Not where the logged
    learning rate had decayed in the end, nor where validation still improves. Where no loss says how training went
    (none is logged, or its target moves, as in reinforcement learning), the reward or a held-out score is judged so.

    ## What to do
    If it never fell: check labels, tokenizer and frozen weights, then the learning rate. If it fell first: lower the
    learning rate and see whether it falls again; else the model or the data is at its limit.

    ## Blind spots
    Some losses saturate while the audio still improves for days (Tacotron 2, flow matching): listen first.
    """

    code = "FIT001"
    explained_by = (
        *("dead-schedule", "learning-rate-too-low", "vanishing-gradients", "learning-rate-too-high"),
        *("missing-warmup", "impossible-loss"),
    )
    part_of = ("divergence", "oscillation", "non-finite-loss", "overfitting")

    never: float = 0.1
    """Fall in ln that is none. Source: the mean answer, learned at once; real runs."""
    still: float = 0.45
    """Order of the second half beyond which it still falls. Source: three of four pairs in order."""
    early: float = 0.25
    """Share of the run by which all was won. Source: most of the budget must be spent before it counts as in vain."""
    little: float = 0.6
    """Fall in ln above which a flat end is convergence: nearly half of the loss. Source: real runs."""

    def skip_reason(self, facts: Facts) -> str | None:
        return None if signals(facts).aim is not None else super().skip_reason(facts)

    def check(self, facts: Facts) -> Findings:
        aim = signals(facts).aim
        trend = signals(facts).main if aim is None else aim[1]
        if trend is None or self._excused(facts, trend) or (aim is not None and WorseningMetric().worsens(trend)):
            return
        if self._never_fell(trend):
            moved = trend.first - trend.end > 2 * trend.noise  # it fell at all, and stopped at once
            yield self._flat(facts, trend, max(trend.near_best_from, 1 / len(trend)) if moved else 0.0)
        elif self._stopped(facts, trend):
            yield self._flat(facts, trend, trend.near_best_from)

    def _never_fell(self, trend: Trend) -> bool:
        seen = len(trend) >= MANY or 2 * SURE * trend.fell[1] <= self.never
        still = order(trend.blocks[len(trend.blocks) // 2 :]) > -self.still or trend.fell[0] < self.never / 4
        still = still or trend.half - trend.end < self.never * trend.fall  # it creeps, however surely
        # A fall that nobody can tell from none, after so many points, is none.
        return seen and ((trend.fell[0] < self.never and still) or trend.fell_z <= 2)

    def _stopped(self, facts: Facts, trend: Trend) -> bool:
        flat = len(trend) >= MANY and trend.half - trend.end < max(self.never * trend.fall, trend.error)
        began = trend.start if signals(facts).aim else float(trend.level[:ODD_ONE_OUT].max()) + trend.noise
        little = began - trend.best < self.little or np.ptp(trend.blocks[len(trend.blocks) // 2 :]) < NEAR
        early = trend.near_best_from <= self.early
        if (gap := signals(facts).gap) is not None:  # validation gained since then
            won = gap.smooth[int(self.early * len(gap))] - gap.smooth.min()
            early = early and bool(won <= max(self.never * gap.gain, 2 * gap.noise))
        return bool(flat and early and little)

    def _excused(self, facts: Facts, trend: Trend) -> bool:
        piece = facts.run.beginning and len(trend) < LONG and np.ptp(trend.level)
        aim = signals(facts).aim
        score = None if aim is None or signals(facts).reward is not None else as_share(aim[0].values)
        full = score is not None and last_level(score) >= 1 - NEAR
        if piece or full or (aim is None and np.ptp(trend.level) and not trend.loss(trend.end)):
            return True  # what came before is not known, or there is nothing to be gained
        if aim is None and facts.target is not None and trend.loss(trend.end) <= facts.target.high:
            return True
        fell = trend.start - trend.held > self.never
        return fell and 2 * signals(facts).rate_share(float(trend.curve.steps[-1])) < 1

    def _flat(self, facts: Facts, trend: Trend, since: float) -> Finding:
        curve, measured, name, verb, fell = trend.curve, signals(facts), "The loss", "fall", "fell"
        if measured.aim is not None:
            curve, name, verb, fell = measured.aim[0], measured.aim[0].tag, "improve", "improved beyond its noise"
        began, end = (float(np.median(part)) for part in (curve.values[: trend.ends], curve.values[-trend.ends :]))
        first, chance = int(since * (len(curve) - 1)), None if measured.aim else _chance(facts, end)
        looked = "labels, tokenizer and frozen weights" if measured.reward is None else "reward and exploration"
        advice = f"Check {looked}; then try another learning rate."
        if since:
            share = f"{1 - first / (len(curve) - 1):.0%} of the run"
            message = f"{name} has been near {end:.4g} since {curve.place(curve.steps[first])}, {share}"
            halve = "Halve the learning rate; if that changes nothing, the model or the data is at its limit."
            advice = advice if chance else halve
        elif facts.run.beginning:
            message = f"{name} does not {verb}: near {began:.4g} where the log begins, near {end:.4g} at the end"
            advice = "What came before is not known: if it fell then, it has converged, or needs a lower learning rate."
        else:
            message = f"{name} never {fell}: near {began:.4g} at the start, near {end:.4g} at the end"
        much = f"moved by {trend.net:.0%} of its range" if trend.signed else f"fell by {1 - exp(-trend.net):.1%}"
        moved = much if trend.net > NEAR / 2 else f"did not {verb}"
        tuned = bool(facts.settings.get("init_checkpoint"))
        if tuned:
            advice = "Fine-tuned models often plateau early: compare with the model that it began from."
        return self.report(
            curve,
            message + (f"; that is chance level, ln {chance:,}." if chance else "."),
            Evidence("fall", trend.net, self.never if since == 0 else self.little, "", moved),
            *([Evidence("chance_level", log(chance), sentence=f"guessing costs {log(chance):.4g}")] if chance else []),
            first=first,
            severity=Severity.INFO if tuned else Severity.WARNING,
            confidence=Confidence.LOW if tuned else confidence(signals(facts), trend, clear=since == 0),
            prescriptions=() if tuned else remedies.trial_lower_rate(facts),
            advice=advice,
        )


def _chance(facts: Facts, loss: float) -> int | None:
    """The number of classes whose uniform guess costs this loss, if there is one."""
    known = [facts.tokens, facts.settings.get("vocabulary_size")]
    sizes = [size for size in known if isinstance(size, int) and size > 1] + list(CLASSES)
    return next((size for size in sizes if abs(loss / log(size) - 1) < NEAR), None)
