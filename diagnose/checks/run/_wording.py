"""How a message names a place in a run."""

from __future__ import annotations

from diagnose.run import Axis, Curve, IntArray


def at(curve: Curve, step: int | IntArray) -> str:
    """`step 3,000`, or `epoch 3` where the curve counts epochs."""
    return f"{'epoch' if curve.axis is Axis.EPOCH else 'step'} {int(step):,}"
