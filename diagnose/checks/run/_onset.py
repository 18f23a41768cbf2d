"""What the log says of the moment at which a fault began: supervisors and prescriptions start from it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from diagnose.facts import Facts
from diagnose.finding import Evidence
from diagnose.run import Role
from diagnose.signals import signals


def onset(facts: Facts, step: int) -> Iterator[Evidence]:
    """The best state before a fault, and the learning rate and gradient norm then: supervisors start from these."""
    rate, norms = signals(facts).rate, facts.curve(Role.GRAD_NORM)
    yield Evidence("best_step_before", step)
    if rate is not None:
        then = float(rate.at(step))
        yield Evidence("rate_then", then, sentence=f"the learning rate was {then:.3g} then")
    before = np.zeros(0) if norms is None else norms.finite.until(step).values[-20:]
    if len(before):
        norm = float(np.median(before))
        yield Evidence("grad_norm_then", norm, sentence=f"the usual gradient norm was {norm:.3g} then")
