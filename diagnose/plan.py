"""From findings to a corrected config: gather the prescriptions, merge their edits, write them into the text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import unified_diff
from math import floor, isfinite, log10
from typing import TYPE_CHECKING, TypeGuard

from diagnose.config.hyperparameters import HYPERPARAMETERS, Kind
from diagnose.errors import ConfigError
from diagnose.finding import Diagnosis, Edit, Finding, Operation, Prescription, Safety, Scalar, Support

if TYPE_CHECKING:
    from diagnose.config import Config, Rewrite


@dataclass(frozen=True, slots=True)
class AppliedEdit:
    """One value that was changed in the config."""

    parameter: str
    path: str
    """Where it lives in the config (`training.learning_rate`)."""
    line: int
    was: Scalar | None
    now: Scalar
    why: str
    answers: tuple[str, ...]
    """Codes of the findings that it answers."""
    note: str = ""
    """What to know before trusting it (a trainer that ignores the key)."""


@dataclass(frozen=True, slots=True)
class DeferredEdit:
    """One edit that was not made, and the reason."""

    parameter: str
    value: Scalar
    reason: str


@dataclass(frozen=True, eq=False)
class Plan:
    """The edits of one round, and the config's text before and after."""

    source: str
    before: str
    after: str
    applied: tuple[AppliedEdit, ...]
    deferred: tuple[DeferredEdit, ...]
    diagnosis: Diagnosis | None = None
    doubled: tuple[str, ...] = ()
    """What to know of keys that stand twice in the config: edits go to the last."""

    def diff(self) -> str:
        """A unified diff; empty when nothing changes."""
        lines = unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), self.source, self.source
        )
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def gather(findings: Iterable[Finding]) -> tuple[Prescription, ...]:
    """The prescriptions of all findings, in their order; equal ones once, answering all that asked for them."""
    gathered: dict[str, Prescription] = {}
    for finding in findings:
        for prescription in finding.prescriptions:
            known = gathered.get(prescription.title)
            if known is None:
                gathered[prescription.title] = replace(prescription, answers=(finding.code,))
            elif finding.code not in known.answers:
                gathered[prescription.title] = replace(known, answers=(*known.answers, finding.code))
    return tuple(gathered.values())


def plan(
    diagnosis: Diagnosis, *, only: Collection[str] | None = None, unsafe: bool = False, minimal: bool = False
) -> Plan:
    """Turn the diagnosis' prescriptions into edits of the text of its config. Raises ConfigError where there is none.

    `only`: canonical names that may change; None: all. `unsafe`: whether unsafe prescriptions count.
    `minimal`: leave out what rests on the training guide alone.
    """
    config = diagnosis.facts.config
    if config is None or not config.training:
        where = config.source if config else "no config"
        raise ConfigError(f"{where}: no training hyperparameters here, nothing to fix")
    dead = _dead(diagnosis)

    chosen: dict[str, tuple[Scalar, Edit, Prescription]] = {}
    deferred: list[DeferredEdit] = []
    wanted = diagnosis.prescriptions
    for prescription, edit in _in_order(wanted):
        value = new_value(edit, config.value(edit.parameter))
        as_text = edit.parameter in config.text_numbers and edit.parameter not in chosen
        if value is None or (value == config.value(edit.parameter) and not as_text):
            continue
        reason = _doubt(edit, wanted, config, diagnosis)
        reason = reason or _objection(edit, prescription, chosen, only, unsafe, minimal, dead)
        if reason:
            deferred.append(DeferredEdit(edit.parameter, value, reason))
        else:
            chosen[edit.parameter] = (value, edit, prescription)
    changes = {parameter: value for parameter, (value, _, _) in chosen.items()}
    rewrite = config.rewrite(changes, samples=diagnosis.facts.samples)
    deferred += [DeferredEdit(parameter, chosen[parameter][0], reason) for parameter, reason in rewrite.refused.items()]
    applied = tuple(_applied(config, rewrite, chosen))
    return Plan(config.source, config.text, rewrite.text, applied, tuple(deferred), diagnosis, config.doubled)


def _dead(diagnosis: Diagnosis) -> dict[str, str]:
    """Canonical name -> the evidence that the trainer never reads its key."""
    from diagnose.keyflow.report import advice, sentence

    config, keys = diagnosis.facts.config, diagnosis.facts.keys
    if config is None or keys is None:
        return {}
    idle = {use.path: use for use in keys.idle}
    found = {name: idle[setting.path] for name, setting in config.values.items() if setting.path in idle}
    return {name: f"{sentence(use)}; {advice(use)}" for name, use in found.items()}


def _in_order(prescriptions: Iterable[Prescription]) -> Iterator[tuple[Prescription, Edit]]:
    for prescription in prescriptions:
        for edit in prescription.edits:
            yield prescription, edit


def first_edits(prescriptions: Iterable[Prescription]) -> list[tuple[Prescription, Edit]]:
    """One edit a parameter, the most pressing: those that a plan would choose from."""
    prescriptions = tuple(prescriptions)
    first: dict[str, tuple[Prescription, Edit]] = {}
    for prescription, edit in _in_order(prescriptions):
        if _disputed(edit.parameter, prescriptions):
            continue
        first.setdefault(edit.parameter, (prescription, edit))
    return list(first.values())


def _disputed(parameter: str, prescriptions: Iterable[Prescription]) -> bool:
    """Whether one finding asks for more of it and another for less."""
    asked = [edit for _, edit in _in_order(prescriptions) if edit.parameter == parameter]
    factors = [edit.value for edit in asked if edit.operation is Operation.SCALE and _is_number(edit.value)]
    less = any(factor < 1 for factor in factors) or any(edit.operation is Operation.CAP for edit in asked)
    return less and any(factor > 1 for factor in factors)


def _doubt(edit: Edit, wanted: Iterable[Prescription], config: Config, diagnosis: Diagnosis) -> str | None:
    """Why the log gives no ground to change this value of this config."""
    if _disputed(edit.parameter, wanted):
        return "the findings disagree whether it is too high or too low"
    asked, logged = config.value("learning_rate"), diagnosis.run.peak_logged_rate
    if edit.operation is not Operation.SCALE or logged is None or not _is_number(asked):
        return None
    if asked < 0.99 * logged or (edit.parameter == "learning_rate" and asked > 1.01 * logged):
        return f"the log shows a learning rate of {logged:.4g}: the config was changed since, or did not make that run"
    return None


def _objection(
    edit: Edit,
    prescription: Prescription,
    chosen: dict[str, tuple[Scalar, Edit, Prescription]],
    only: Collection[str] | None,
    unsafe: bool,
    minimal: bool,
    dead: dict[str, str],
) -> str | None:
    if only is not None and edit.parameter not in only:
        return "not among the parameters given with --only"
    if minimal and prescription.support is Support.GUIDE:
        return "rests on the training guide alone, and --minimal leaves that out"
    if prescription.safety is Safety.UNSAFE and not unsafe:
        return f"unsafe ({prescription.why}): apply it with --unsafe"
    if edit.parameter in chosen:
        return f"already changed: {chosen[edit.parameter][1].why}"
    return dead.get(edit.parameter)


def new_value(edit: Edit, old: object) -> Scalar | None:
    """The value that the edit asks for; None where it needs an old value that is not there, or changes nothing."""
    if edit.operation is Operation.SET:
        return edit.value
    if not _is_number(old) or not _is_number(edit.value):
        return None
    if edit.operation is Operation.CAP:
        return edit.value if edit.value < old else None
    scaled = old * edit.value
    if not isfinite(scaled) or scaled <= 0:
        return None
    counted = HYPERPARAMETERS[edit.parameter].kind is Kind.COUNT if edit.parameter in HYPERPARAMETERS else False
    return max(1, round(scaled)) if counted else _four_digits(scaled)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _four_digits(value: float) -> float:
    """Rounded to four significant digits, so that 0.3 x 3e-4 is 9e-5 and not 8.999999999999999e-05."""
    return value if value == 0 else round(value, 3 - floor(log10(abs(value))))


def _applied(
    config: Config, rewrite: Rewrite, chosen: dict[str, tuple[Scalar, Edit, Prescription]]
) -> Iterator[AppliedEdit]:
    for parameter, (was, now) in rewrite.applied.items():
        _, edit, prescription = chosen[parameter]
        setting = config.values.get(parameter)
        yield AppliedEdit(
            parameter,
            setting.path if setting else parameter,
            setting.line if setting else 0,
            was,
            now,
            edit.why,
            prescription.answers,
            rewrite.notes.get(parameter, ""),
        )
