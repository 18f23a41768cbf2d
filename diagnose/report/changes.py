"""What to change, and why: the same table for a diagnosis that proposes and for a plan that has been made."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.plan import AppliedEdit, Plan
from diagnose.report.words import number


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the table."""

    parameter: str
    was: str
    now: str
    why: str
    blocked: str = ""
    """Why it is not made; empty where it is."""


def written(made: Plan) -> list[Change]:
    """What a plan changes."""
    return list(map(_written, made.applied))


def left(made: Plan) -> list[Change]:
    """What a plan does not change, and why not."""
    return [Change(edit.parameter, "", number(edit.value), "", edit.reason) for edit in made.deferred]


def _written(edit: AppliedEdit) -> Change:
    shown = edit.asked if edit.now is None else number(edit.now)
    why = f"{edit.why} [{', '.join(edit.answers)}; {edit.support.value}]" if edit.answers else edit.why
    return Change(edit.parameter, number(edit.was), shown, why)
