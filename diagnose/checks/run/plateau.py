"""FIT001: the loss stopped improving too early."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from diagnose.checks.base import Check
from diagnose.checks.run._evaluations import LEARNED, Evaluations
from diagnose.checks.run._learning import LEAST_WAY, Learning, learning, reached, slow
from diagnose.checks.run._rate import GENTLE, trained_before
from diagnose.checks.run._wording import at
from diagnose.facts import Facts
from diagnose.finding import Confidence, Finding, Severity
from diagnose.run import Curve, Role, Run
from diagnose.signals.trend import FloatArray

ERROR_RATE = re.compile(r"(?:^|[^a-z])(?:wer|cer)(?:$|[^a-z])", re.IGNORECASE)
PERCENT = 2.0
"""Above this an error rate is in per cent: insertions bring a share over one, but hardly over two."""
NEVER_FELL = "Check labels, tokenizer and frozen weights; then try another learning rate."
FELL_FIRST = "Decay or halve the learning rate; if the loss does not move, the model or the data is at its limit."
NOTHING_RIGHT = (
    "By the logged error rate hardly a word is right yet: check texts and tokenizer, warm the rate up, begin with "
    "short clips; a model that answers nothing but blanks leaves this level late or never."
)
ADAPTED = "Trained weights adapt at once, if at all: listen, or compare with the model that it began from."


@dataclass(frozen=True)
class Plateau(Check):
    """The loss stopped improving, while it is neither converged nor at the end of its learning-rate schedule.

    ## Why it matters
    A flat loss at full learning rate buys nothing: the rest of the night is better spent with another setting.

    ## How it is detected
    In the last three fifths of the run the loss fell by less than `share` of what it fell in all, and by no more than
    noise can show. It is not reported where less than `remains` of the first loss is left (converged), nor where
    the logged learning rate has decayed below `kept` of its peak by the middle of that stretch, nor where the noise
    would hide a fall of `doubt`, nor where validation still falls. Where the rate is logged, the stretch is three
    fifths of the summed rate: a schedule cannot hide what never moved while the rate was high. Where an error rate of
    words or letters is logged and ends at `wrong` or above, the loss has not converged, however far it fell.

    After trained weights (named by the config, or known by a rate of at most 2e-5; of `gentlest` where the loss
    never fell) it is for information: a model that has adapted, or that knew such data before, looks so.

    ## What to do
    If the loss never fell: check labels, tokenizer and frozen weights, then raise the learning rate. If it fell
    first: lower the learning rate (a decay, a halving) and see whether it falls again; else the model or the data
    is at its limit.

    ## Blind spots
    Some losses saturate while the audio still improves for days (Tacotron 2 at 0.2, flow matching at 0.6): listen
    before stopping.
    """

    code = "FIT001"
    name = "plateau"
    needs = (Role.TRAIN_LOSS,)
    min_points = 14
    explained_by = ("dead-schedule", "learning-rate-too-low", "vanishing-gradients")
    part_of = ("divergence", "oscillation", "learning-rate-too-high", "impossible-loss")

    share: float = 0.12
    """Share of the fall that the stretch must bring. Source: courses that leave half of the loss (logarithms, power
    laws with small exponents) bring a fifth and more; measured on benchmarks/diagnosis."""
    never: float = 0.07
    """Share of the first loss: a loss that fell by less has learned nothing. Source: the mean answer, learned at
    once."""
    risen: float = 0.15
    """Rise over the first loss that is no plateau. Source: as for divergence."""
    doubt: float = 0.2
    """Share of the fall that the stretch may have brought for all that the noise lets us see. Source: our choice."""
    sure: float = 3.0
    """Standard errors beyond which a fall is no noise, however small. Source: one in 700 for normal noise."""
    trifle: float = 0.03
    """Share of the fall that is nothing, however sure. Source: our choice."""
    likely: float = 1.5
    """The same, where a quarter of the loss is learned. Source: one in 15 for normal noise."""
    slight: float = 0.08
    """Share of the fall that is something there. Source: measured on benchmarks/diagnosis: no stuck run that had
    learned as much has both."""
    nothing: float = 0.025
    """The same as a share of the first loss, where it never fell. Source: as above."""
    loud: float = 0.12
    """Noise of single points, as a share of the loss, of a loss that averages over random times (flow matching,
    diffusion): it learns below its noise. Source: F5-TTS#972, where the voice got better under such a loss."""
    learned: float = 0.38
    """Fall of such a loss that shows that it learned. Source: measured on benchmarks/diagnosis."""
    remains: float = 0.52
    """End over start above which the work is not done. Source: measured on benchmarks/diagnosis."""
    gentlest: float = 1e-5
    """Learning rate of a fine-tuning whose loss never fell. Source: our choice, far below all rates of training from
    scratch: there a loss that lies still is grave."""
    wrong: float = 0.95
    """Error rate of words or letters, as a share, at which a loss that stands has learned nothing, however far it
    fell. Source: a model that says only blanks has 1 and has lost most of its CTC loss by it; our choice of margin."""
    rates: int = 3
    """Error rates that tell. Source: our choice."""
    kept: float = 0.5
    """Share of the peak learning rate. Source: a rival's gate is 0.3; a rate that decays by an exponential to 0.3
    stands at 0.4."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Look for a flat end above the converged level."""
        run = facts.run
        curve = self.curve(facts, Role.TRAIN_LOSS).finite
        seen = learning(run, curve)
        never = seen.fall < self.never or (seen.fall < 2 * self.never and seen.early_fall < self.never)
        evaluations = Evaluations.of(run, curve, seen.tail_step)
        if (
            self._is_average(curve, seen)
            or seen.fall < -self.risen
            or slow(seen)
            or self._falls(seen, never, evaluations)
            or (evaluations is not None and evaluations.falls(seen.fall))
            or reached(run, seen.end)
        ):
            return
        wrong = self._answers_nothing(run)
        if not never and self._excused(seen) and not wrong:
            return
        adapted = trained_before(run, self.gentlest if never else GENTLE) and not wrong
        advice = ADAPTED if adapted else NEVER_FELL if never else NOTHING_RIGHT if wrong else FELL_FIRST
        yield self._told(curve, seen, advice, never=never, adapted=adapted)

    def _told(self, curve: Curve, seen: Learning, advice: str, *, never: bool, adapted: bool) -> Finding:
        sure = Confidence.HIGH if never or seen.rate_kept is not None else Confidence.MEDIUM
        return self.finding(
            Severity.INFO if adapted else Severity.WARNING,
            Confidence.LOW if adapted else sure,
            Role.TRAIN_LOSS.value,
            f"The loss never fell: {seen.start:.4g} at the start, {seen.end:.4g} at the end."
            if never
            else f"The loss has stood at {seen.end:.4g} since {at(curve, seen.tail_step)}, most of the run.",
            steps=(curve.steps[0] if never else seen.tail_step, curve.steps[-1]),
            evidence={"tail_share": seen.tail_share, "share_threshold": self.share, "fall": seen.fall},
            advice=advice,
        )

    def _is_average(self, curve: Curve, seen: Learning) -> bool:
        """Whether the noise and the fall look like a loss that averages over random times."""
        return curve.trend.noise >= self.loud and seen.fall >= self.learned

    def _falls(self, seen: Learning, never: bool, evaluations: Evaluations | None) -> bool:
        """Whether the end still gains something."""
        if seen.fall < LEAST_WAY or (never and seen.tail_share * seen.fall < self.nothing):
            return False
        if seen.tail_z > self.sure and seen.tail_share > self.trifle:
            return True
        if seen.fall > LEARNED and seen.tail_z > self.likely and seen.tail_share > self.slight:
            return True
        unclear = seen.tail_share + seen.tail_doubt / 2 > self.doubt or (
            seen.tail_share > self.share and seen.tail_z > 1
        )
        return not never and unclear and not (evaluations is not None and evaluations.lie_flat())

    def _answers_nothing(self, run: Run) -> bool:
        """Whether a logged error rate of words or letters says at the end that hardly one was right."""
        logged = (curve.finite.values for tag, curve in run.curves.items() if ERROR_RATE.search(tag))
        return any(len(rates) >= self.rates and self._all_wrong(rates) for rates in logged)

    def _all_wrong(self, rates: FloatArray) -> bool:
        whole = 1.0 if np.median(rates) <= PERCENT else 100.0
        return bool(np.median(rates[-len(rates) // 3 :]) >= self.wrong * whole)

    def _excused(self, seen: Learning) -> bool:
        return 1 - seen.fall < self.remains or (seen.rate_kept is not None and seen.rate_kept < self.kept)
