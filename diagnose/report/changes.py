"""What to change, and why: the same table for a diagnosis that proposes and for a plan that has been made."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.choice import new_value
from diagnose.finding import Diagnosis
from diagnose.numbers import Value
from diagnose.plan import AppliedEdit, Plan
from diagnose.report.words import number


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the table."""

    parameter: str
    was: str
    now: str
    why: str
    blocked: str | None = None
    """Why it is not made; None where it is."""


def changes(made: Plan) -> list[Change]:
    """The rows of a plan: what is written, then what is not, and why not."""
    written = [_written(edit, made.diagnosis) for edit in made.applied]
    left = [Change(edit.parameter, "", number(edit.value), "", edit.reason) for edit in made.deferred]
    return written + left


def _written(edit: AppliedEdit, diagnosis: Diagnosis) -> Change:
    """One row; without a config the learning rate was the highest that was logged."""
    was, now, logged = edit.was, edit.now, diagnosis.run.peak_logged_rate
    if was is None and logged is not None and edit.parameter == "learning_rate":
        was = logged
        now = now if now is not None else _of_logged(edit, diagnosis)
    shown = edit.asked if now is None else number(now)
    why = f"{edit.why} [{', '.join(edit.answers)}; {edit.support.value}]" if edit.answers else edit.why
    return Change(edit.parameter, number(was), shown, why)


def _of_logged(edit: AppliedEdit, diagnosis: Diagnosis) -> Value | None:
    wanted = (
        one
        for prescription in diagnosis.prescriptions
        for one in prescription.edits
        if (one.parameter, one.why) == (edit.parameter, edit.why)
    )
    asked = next(wanted, None)
    return None if asked is None else new_value(asked, diagnosis.run.peak_logged_rate)
