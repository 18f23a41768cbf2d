"""What of a growing run is reported, and when: what is confirmed, once each, and nothing of a beginning."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from diagnose.checks.base import Check
from diagnose.config.effective import effective
from diagnose.facts import Facts
from diagnose.finding import Diagnosis, Finding, Severity
from diagnose.live.history import FEWEST, NOT_OF_THE_RUN, confirmed_now
from diagnose.remedies.evidence import planned_end
from diagnose.run import Axis, Role

SLOWNESS = frozenset({"learning-rate-too-low", "plateau"})
"""Findings that only time can show: before `WORTH` of the planned run they are no news."""
OF_A_WHOLE_RUN = frozenset({"slow-learning", "loss-above-target"})
"""Findings on how far a run came: of one that goes on they are no news. Source: the language model of pytorch/examples,
healthy, falls in a straight line up to half of its run, when its trainer lowers the rate."""
WORTH = 0.45
"""Share of the planned run. Source: benchmarks/cure: healthy runs at a quarter of the best rate look slow up to a third
of the run, those at a twentieth to the end."""


@dataclass(eq=False)
class News:
    """The findings of one run that have been reported."""

    checks: tuple[Check, ...] | None = None
    """By which a finding must be confirmed; None: all."""
    _reported: dict[str, int] = field(default_factory=dict)
    """Name -> how severe it was."""

    def take(self, diagnosis: Diagnosis) -> list[Finding]:
        """The findings of a longer log to report now: confirmed, not of a beginning, and not reported as severe before.

        What one as severe explains is no news beside it.
        """
        facts = diagnosis.facts
        of_the_run = [finding for finding in diagnosis.findings if finding.metric not in NOT_OF_THE_RUN]
        fresh = [finding for finding in of_the_run if finding.severity.rank > self._reported.get(finding.name, -1)]
        confirmed = confirmed_now(facts, fresh, checks=self.checks)
        found = [finding for finding in confirmed if not _too_early(facts, finding)]
        self._reported.update((finding.name, finding.severity.rank) for finding in found)
        known = {finding.name: finding.severity.rank for finding in self.sure(diagnosis)}
        news = [finding for finding in found if known.get(finding.explained_by or "", -1) < finding.severity.rank]
        return [replace(finding, first_seen=finding.first_step, confirmed=last_step(facts)) for finding in news]

    def sure(self, diagnosis: Diagnosis) -> list[Finding]:
        """The findings of `diagnosis` that were news now or earlier."""
        return [finding for finding in diagnosis.findings if finding.name in self._reported]


def last_step(facts: Facts) -> int:
    """The newest step of the training loss, else of any curve."""
    train = facts.curve(Role.TRAIN_LOSS)
    curves = [train] if train is not None and len(train) else list(facts.run.curves.values())
    return max((int(curve.steps[-1]) for curve in curves if len(curve)), default=0)


def _too_early(facts: Facts, finding: Finding) -> bool:
    """Whether so little is known that only an error may be reported, or nothing at all."""
    train = facts.curve(Role.TRAIN_LOSS)
    if train is None or len(train) < FEWEST:
        return True
    planned = planned_end(facts)
    if finding.name in OF_A_WHOLE_RUN and (planned is None or last_step(facts) < planned):
        return True
    if finding.name in SLOWNESS and planned is not None and last_step(facts) < WORTH * planned:
        return True
    return finding.severity is not Severity.ERROR and warming_up(facts)


def warming_up(facts: Facts) -> bool:
    """Whether the configured warm-up is not over; else whether the logged rate still rises."""
    train = facts.curve(Role.TRAIN_LOSS)
    planned = None if facts.config is None else effective(facts.config, facts.samples).warmup_steps
    if planned is not None and train is not None and len(train) and train.axis is Axis.STEP:
        return bool(train.steps[-1] <= planned)
    rates = facts.curve(Role.LEARNING_RATE)
    return rates is not None and len(rates) > 1 and bool(rates.values[-1] > rates.values[:-1].max())
