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


WORDS = (
    # Whole words: `rewards/chosen` is logged by DPO, whose data are fixed, and a policy loss may be one of many heads.
    (
        Kind.REINFORCEMENT,
        r"(?<![a-z])(?:reward|returns?|ep_?re[tw]|critic|actor|q_?loss|td_error|value_loss|approx_kl|rollout|ppo)(?![a-z])",
    ),
    (Kind.ADVERSARIAL, r"(?:^|[^a-z])(?:d|g)_?loss|loss_?(?:d|g)(?:$|[^a-z])|disc|adv|fake|generator|gan(?:$|[^a-z])"),
)


def kind_of(run: Run) -> Kind:
    """By the names of the curves and of the run."""
    text = " ".join([*run.curves, run.name]).casefold()
    named = next((kind for kind, words in WORDS if re.search(words, text)), Kind.PLAIN)
    rivals = any(curve.adversarial for curve in run.curves.values())
    return Kind.ADVERSARIAL if named is Kind.PLAIN and rivals else named
