"""Which edits a plan makes: one a parameter, the most pressing, each with its value or the reason why it is left."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from diagnose.facts import Facts
from diagnose.finding import Diagnosis, Edit, Operation, Prescription, Safety, Support
from diagnose.numbers import Value, is_number, round_count, round_to

if TYPE_CHECKING:
    from diagnose.config import Config

BATCH = ("batch_size", "grad_accumulation_steps")
"""What decides how many updates an epoch has."""
SCHEDULE = ("learning_rate", "lr_decay")
"""What the logged learning rate shows, whether above or below that of the config."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """An edit that is to be made."""

    edit: Edit
    prescription: Prescription
    value: Value | None
    """In the parameter's own unit; None where it depends on an old value that is not known."""
    why: str

    @property
    def asked(self) -> str:
        """What is wanted where the value is not known."""
        return "" if self.value is not None else in_words(self.edit)

    @property
    def shown(self) -> Value:
        """The value, else the wish in words."""
        return in_words(self.edit) if self.value is None else self.value


@dataclass(frozen=True, slots=True)
class DeferredEdit:
    """One edit that is not made, what was wanted, and why not."""

    parameter: str
    value: Value
    """The value it would have; in words (`times 0.25`) where the old one is not known."""
    reason: str


@dataclass(frozen=True, eq=False)
class Choice:
    """One edit a parameter, and those that are left."""

    settings: Mapping[str, Any]
    """Canonical name -> what the config says."""
    only: Collection[str] | None
    chosen: Mapping[str, Chosen]
    """In the order of their weight."""
    deferred: tuple[DeferredEdit, ...]

    def without(self, parameter: str, reason: str) -> Choice:
        """The choice with one edit left, for this reason."""
        left = DeferredEdit(parameter, self.chosen[parameter].shown, reason)
        return replace(self.dropping(parameter), deferred=(*self.deferred, left))

    def dropping(self, parameter: str) -> Choice:
        """The choice without an edit that would change nothing."""
        return replace(self, chosen={name: chosen for name, chosen in self.chosen.items() if name != parameter})

    def following(self, edit: Edit, cure: Prescription) -> Choice:
        """The choice with an edit that follows from the others; itself where that is not to be made."""
        left = {one.parameter for one in self.deferred}
        if edit.parameter in self.chosen or edit.parameter in left or not self.allows(edit.parameter):
            return self
        value = new_value(edit, self.settings.get(edit.parameter))
        if value is None or value == self.settings.get(edit.parameter):
            return self
        return replace(self, chosen={**self.chosen, edit.parameter: Chosen(edit, cure, value, edit.why)})

    def allows(self, parameter: str) -> bool:
        """Whether the user lets it change."""
        return self.only is None or parameter in self.only


def choose(diagnosis: Diagnosis, *, only: Collection[str] | None, unsafe: bool, minimal: bool = False) -> Choice:
    """The edits that a diagnosis asks for, before anything is written. `minimal`: none of the guide alone."""
    facts, logged = diagnosis.facts, diagnosis.run.peak_logged_rate
    config, dead, settings = facts.config, _never_read(facts), facts.settings
    if config is None and logged is not None:  # without a config the learning rate was the highest that was logged
        settings = {"learning_rate": logged, **settings}
    choice = Choice(settings, only, {}, ())
    for prescription, edit in _in_order(diagnosis.prescriptions):
        value = new_value(edit, settings.get(edit.parameter))
        doubt = _doubt(edit, value, diagnosis)
        if _changes_nothing(edit, value, facts, choice) and not doubt:
            continue
        reason = doubt or _objection(edit, prescription, choice, unsafe=unsafe, minimal=minimal)
        reason = reason or dead.get(edit.parameter) or (_by_hand(edit, value) if config and config.training else None)
        wanted = Chosen(edit, prescription, value, edit.why)
        made = choice.chosen.get(edit.parameter)
        if made is not None and (made.shown == wanted.shown or _within(edit, made)):
            continue
        if reason:
            choice = replace(choice, deferred=(*choice.deferred, DeferredEdit(edit.parameter, wanted.shown, reason)))
        else:
            choice = replace(choice, chosen={**choice.chosen, edit.parameter: wanted})
    return choice


def _within(edit: Edit, made: Chosen) -> bool:
    """Whether a bound holds already: another cure has gone further."""
    capped = edit.operation is Operation.CAP and edit.unit == made.edit.unit
    return capped and is_number(edit.value) and is_number(made.value) and made.value <= edit.value


def _in_order(prescriptions: Iterable[Prescription]) -> Iterator[tuple[Prescription, Edit]]:
    return ((prescription, edit) for prescription in prescriptions for edit in prescription.edits)


def _changes_nothing(edit: Edit, value: Value | None, facts: Facts, choice: Choice) -> bool:
    old = choice.settings.get(edit.parameter)
    if edit.operation is Operation.CAP and edit.unit is None and value is None and is_number(old):
        return True
    rewritten = facts.config is not None and edit.parameter in facts.config.text_numbers
    return value is not None and value == old and not (rewritten and edit.parameter not in choice.chosen)


def _doubt(edit: Edit, value: Value | None, diagnosis: Diagnosis) -> str | None:
    """Why the log gives no ground to change this value of this config."""
    if _disputed(edit.parameter, diagnosis.prescriptions):
        return "the findings disagree whether it is too high or too low"
    asked, logged = diagnosis.facts.settings.get("learning_rate"), diagnosis.run.peak_logged_rate
    met = edit.operation is Operation.CAP and value is None and edit.parameter == "learning_rate"
    measured = edit.operation is Operation.SCALE or edit.parameter == "lr_decay"
    if not (met or measured) or logged is None or not is_number(asked):
        return None
    if asked < 0.99 * logged or (edit.parameter in SCHEDULE and asked > 1.01 * logged):
        return f"the log shows a learning rate of {logged:.4g}: the config was changed since, or did not make that run"
    return None


def _disputed(parameter: str, prescriptions: Iterable[Prescription]) -> bool:
    """Whether one finding asks for more of it and another for less."""
    asked = [edit for _, edit in _in_order(prescriptions) if edit.parameter == parameter]
    factors = [edit.value for edit in asked if edit.operation is Operation.SCALE and is_number(edit.value)]
    less = any(factor < 1 for factor in factors) or any(edit.operation is Operation.CAP for edit in asked)
    return less and any(factor > 1 for factor in factors)


def _objection(edit: Edit, prescription: Prescription, choice: Choice, *, unsafe: bool, minimal: bool) -> str | None:
    if not choice.allows(edit.parameter):
        return "not among the parameters given with --only"
    if minimal and prescription.support is Support.GUIDE:
        return "rests on the training guide alone, and --minimal leaves that out"
    made = choice.chosen.get(edit.parameter)
    respelled = made is not None and made.value == choice.settings.get(edit.parameter)  # a cure writes a number as well
    if made is not None and not respelled and not _follows(edit, made.edit):
        return f"already changed: {made.why}"
    if prescription.safety is Safety.UNSAFE and not unsafe:
        return f"unsafe ({prescription.why}): apply it with --unsafe"
    return None


def _follows(edit: Edit, made: Edit) -> bool:
    """Whether the edit is counted in epochs or evaluations, of the run as it will be, and the other in old steps."""
    return edit.unit is not None and made.unit is None


def _by_hand(edit: Edit, value: Value | None) -> str | None:
    """What to do where the config has no value to start from."""
    if value is not None or edit.unit is not None:
        return None
    name = edit.parameter.replace("_", " ")
    return f"the {name} was not found in this config: make it {in_words(edit)} by hand"


def _never_read(facts: Facts) -> dict[str, str]:
    """Canonical name -> the evidence that the trainer never reads its key."""
    if facts.config is None or facts.keys is None:
        return {}
    from diagnose.checks.trainer.dead_key import advice, sentence

    idle = {use.path: use for use in facts.keys.idle}
    found = {name: idle[setting.path] for name, setting in facts.config.values.items() if setting.path in idle}
    return {name: f"{sentence(use)}; {advice(use)}" for name, use in found.items()}


def settled(choice: Choice, facts: Facts, config: Config) -> Choice:
    """The choice with what counts in epochs or evaluations said in steps of the config that will be written."""
    from diagnose.config.effective import effective, in_steps

    batch = {name: chosen.value for name, chosen in choice.chosen.items() if name in BATCH and chosen.value is not None}
    after = config.edited(config.rewrite(batch, samples=facts.train_samples).text) if batch else config
    amounts = effective(after, facts.train_samples)
    steps: dict[str, float | None] = {"epochs": amounts.steps_per_epoch, "evaluations": amounts.eval_interval}
    for unit in ("epochs", "evaluations"):
        for parameter, chosen in choice.chosen.items():
            if chosen.edit.unit == unit:
                old = in_steps(config, parameter, amounts.steps_per_epoch, amounts.total_steps)
                choice = _settled(choice, parameter, steps[unit], old)
        evaluation = choice.chosen.get("eval_interval")
        if evaluation is not None and is_number(evaluation.value):
            steps["evaluations"] = evaluation.value
    return choice


def _settled(choice: Choice, parameter: str, steps: float | None, old: float | None) -> Choice:
    """One of these: `steps` are those of one unit, `old` is what the config says, in steps."""
    chosen = choice.chosen[parameter]
    edit = chosen.edit
    if steps is None or not is_number(edit.value):
        return choice.without(parameter, "the steps of an epoch are not known (--samples, and the batch size)")
    wanted = round_count(edit.value * steps) if parameter.endswith("interval") else round(edit.value * steps)
    if edit.operation is Operation.CAP and old is not None and old <= wanted:
        return choice.dropping(parameter)
    why = edit.why.replace("{updates}", f"{steps:,.0f} update{'' if round(steps) == 1 else 's'}")
    return replace(choice, chosen={**choice.chosen, parameter: replace(chosen, value=wanted, why=why)})


def half_cures(choice: Choice, refused: Mapping[str, str]) -> dict[str, str]:
    """Parameter -> why it is not changed: its cure needs another edit that cannot be made."""
    left = {one.parameter: one.reason for one in choice.deferred} | dict(refused)
    halves: dict[str, str] = {}
    for parameter, chosen in choice.chosen.items():
        lacking = next((need for need in chosen.edit.needs if need in left and need not in choice.chosen), None)
        lacking = lacking or next((need for need in chosen.edit.needs if need in refused), None)
        if lacking and parameter not in refused:
            halves[parameter] = f"only together with {lacking}, which is not changed: {left[lacking]}"
    return halves


def new_value(edit: Edit, old: object) -> Value | None:
    """The value that the edit asks for; None where it needs an old value that is not there, or changes nothing.

    What counts in epochs has no value before the plan knows the batch.
    """
    if edit.unit is not None:
        return None
    if edit.operation is Operation.SET:
        return edit.value
    if not is_number(old) or not is_number(edit.value):
        return None
    if edit.operation is Operation.CAP:
        return edit.value if edit.value < old else None
    scaled = old * edit.value
    if not isfinite(scaled) or scaled <= 0:
        return None
    from diagnose.config.hyperparameters import HYPERPARAMETERS, Kind

    counted = HYPERPARAMETERS[edit.parameter].kind is Kind.COUNT if edit.parameter in HYPERPARAMETERS else False
    return max(1, round(scaled)) if counted else round_to(scaled, 4)


def in_words(edit: Edit) -> str:
    """What an edit wants, whatever the old value: `times 0.25`, `at most 200`, `at most every 2 epochs`."""
    value = f"{edit.value:g}" if is_number(edit.value) else str(edit.value)
    unit = f" {edit.unit}" if edit.unit else ""
    word = {Operation.SET: "", Operation.SCALE: "times ", Operation.CAP: "at most "}[edit.operation]
    return f"{word}{value}{unit}"
