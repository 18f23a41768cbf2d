"""Which kind of loss is logged: some curves say less of health than others."""

from __future__ import annotations

import re
from enum import Enum

from diagnose.run import Run


class Kind(str, Enum):
    """What the course of a loss means."""

    PLAIN = "plain"
    ADVERSARIAL = "adversarial"
    """Two networks against each other: a total may rise while all is well."""
    REINFORCEMENT = "reinforcement"
    """The targets move with the policy."""


# Whole words: `rewards/chosen` is logged by DPO, whose data are fixed, and a policy loss may be one of many heads.
POLICY = (
    r"(?<![a-z])(?:reward|returns?|ep_?re[tw]|critic|actor|q_?loss|td_error|value_loss|approx_kl|rollout|ppo)(?![a-z])"
)


def kind_of(run: Run) -> Kind:
    """By the names of the curves and of the run."""
    if re.search(POLICY, " ".join([*run.curves, run.name]).casefold()):
        return Kind.REINFORCEMENT
    return Kind.ADVERSARIAL if any(curve.adversarial for curve in run.curves.values()) else Kind.PLAIN
