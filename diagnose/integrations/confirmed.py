"""What of a diagnosis is reported from inside a training: what `ttsdoc watch` would confirm, and no beginning."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from diagnose.checks.base import Check
from diagnose.facts import Facts
from diagnose.finding import Diagnosis, Finding
from diagnose.live.history import confirmed_now
from diagnose.run import Axis, Role

BEGINNING = 50
BEGINNING_IN_EPOCHS = 8
"""Points of the loss before which its course says nothing. Source: Applio's overtraining detector was withdrawn
because it took the warm-up for the best epoch (IAHispano/Applio#356)."""


class Confirmed:
    """The confirmed findings of one diagnosis after the other, in the order of the training."""

    def __init__(self, checks: Iterable[Check]) -> None:
        self._checks = tuple(checks)
        self.findings: tuple[Finding, ...] = ()
        """Those of the last diagnosis."""

    def take(self, diagnosis: Diagnosis) -> tuple[Finding, ...]:
        """Note the findings of a longer log. Returns those that are confirmed for the first time."""
        known = {(finding.code, finding.metric) for finding in self.findings}
        facts = diagnosis.facts
        open_ones = [one for one in diagnosis.findings if _says_something(facts, one)]
        fresh = [one for one in open_ones if (one.code, one.metric) not in known]
        new = tuple(confirmed_now(facts, fresh, checks=self._checks))
        self.findings = tuple(one for one in open_ones if one in new or (one.code, one.metric) in known)
        return new


def _says_something(facts: Facts, finding: Finding) -> bool:
    """Whether it is an alarm, and not the course of a curve that has only begun."""
    return finding.alarming and (not just_begun(facts) or broken(facts, finding.metric))


def just_begun(facts: Facts) -> bool:
    """Whether too little is logged for a course."""
    loss = facts.curve(Role.TRAIN_LOSS) or facts.curve(Role.VAL_LOSS)
    return loss is None or len(loss) < (BEGINNING_IN_EPOCHS if loss.axis is Axis.EPOCH else BEGINNING)


def broken(facts: Facts, metric: str) -> bool:
    """Whether the last two points of a curve are no numbers: that is noise of no kind."""
    curves = facts.run.curves.values()
    curve = next((one for one in curves if metric == one.tag or (one.role and metric == one.role.value)), None)
    return curve is not None and len(curve) > 1 and not np.isfinite(curve.values[-2:]).any()
