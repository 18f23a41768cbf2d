"""What a report shows of a diagnosis: put together once, written by the formats as text, Markdown, page or cell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from shlex import quote

from diagnose.finding import Diagnosis, Finding, Recommendation, StopAdvice, Verdict
from diagnose.numbers import Value
from diagnose.plan import Plan
from diagnose.report.words import (
    best_words,
    causes,
    counted,
    curve_of,
    metric_words,
    nothing_gained,
    number,
    proof,
    span,
)


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
    rests = [f" [{', '.join(edit.answers)}; {edit.support.value}]" if edit.answers else "" for edit in made.applied]
    return [
        Change(edit.parameter, _set(edit.was), edit.asked or _set(edit.now, edit.was), edit.why + rest)
        for edit, rest in zip(made.applied, rests, strict=True)
    ]


def _set(value: Value | None, was: Value | None = None) -> str:
    """A value as a config holds it: a decay of 0.999875 is not 1; instead of text, as a parser reads a number."""
    if not isinstance(value, float):
        return number(value)
    if not isinstance(was, str):
        return f"{value:.8g}"
    from diagnose.config.edit import float_text

    return float_text(value)


def left(made: Plan) -> list[Change]:
    """What a plan does not change, and why not."""
    return [Change(edit.parameter, "", number(edit.value), "", edit.reason) for edit in made.deferred]


# Changes named in the answer; the table has all.
NAMED = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person must know first. Text may hold words from the log: renderers neutralise it."""

    problem: str
    action: str
    keep: str
    """Empty where no loss was logged."""

    def lines(self) -> list[tuple[str, str]]:
        """Label and sentence, in order, empty ones left out."""
        labelled = (("Problem", self.problem), ("Do now", self.action), ("Keep", self.keep))
        return [(label, text) for label, text in labelled if text]


def answer(diagnosis: Diagnosis, made: Plan) -> Answer:
    """The three lines on one run. `made`: its plan."""
    problem = full_sentence(found[0].message) if (found := causes(diagnosis)) else ""
    if diagnosis.verdict is Verdict.INCONCLUSIVE:
        problem = " ".join(diagnosis.reasons)
    return Answer(problem, _action(diagnosis, made), _keep(diagnosis))


def _action(diagnosis: Diagnosis, made: Plan) -> str:
    found, stop = causes(diagnosis), diagnosis.stop
    undecided = stop is None or (stop.recommendation is Recommendation.CANNOT_TELL and bool(found))
    parts = [] if undecided or stop is None else [_advice(stop)]
    wanted = written(made)
    if wanted:
        parts.append(full_sentence(f"Change {_named(wanted)}: `{command(made)}` writes the config"))
    elif found and found[0].advice:
        parts.append(full_sentence(found[0].advice))
    return " ".join(parts)


def _advice(stop: StopAdvice) -> str:
    word = {Recommendation.CONTINUE: "Keep training", Recommendation.STOP: "Stop"}.get(stop.recommendation)
    reasons = "; ".join(stop.reasons)
    return full_sentence(f"{word}: {reasons}" if word else reasons)


def _named(wanted: list[Change]) -> str:
    """`learning_rate to 0.0001 and batch_size to 0.5 times its value`."""
    values = [re.sub("^times (.*)", r"\1 times its value", change.now) for change in wanted[:NAMED]]
    named = [f"{change.parameter} to {value}" for change, value in zip(wanted, values, strict=False)]
    more = len(wanted) - NAMED
    return " and ".join(named) if more <= 0 else f"{', '.join(named)} and {counted(more, 'value')} more"


def command(made: Plan) -> str:
    """What writes the changes of this run, as a shell takes it."""
    facts, hints = made.diagnosis.facts, made.diagnosis.facts.hints
    log = facts.run.source if facts.run.source not in ("", "-") else "LOG"
    asked = {
        "logs": None if facts.leads_here else log,
        "samples": hints.samples,
        "family": hints.family,
        "train-tag": hints.train_tag,
        "val-tag": hints.val_tag,
    }
    options = (f" --{name} {quote(str(value))}" for name, value in asked.items() if value is not None)
    return f"ttsdoc fix {quote(made.source) if made.source else 'CONFIG'}{''.join(options)}"


def _keep(diagnosis: Diagnosis) -> str:
    stop = diagnosis.stop
    if stop is None or any(one.name == "impossible-loss" for one in diagnosis.findings):
        return ""  # a loss that is none says of no checkpoint that it is better
    judged = curve_of(diagnosis.run, stop.metric)
    if judged is not None and len(judged) < 2:
        return ""  # the only point is the best and the worst
    if nothing_gained(diagnosis.run, stop):
        return f"No checkpoint in particular: the {metric_words(stop.metric)} ends no better than it began."
    best = best_words(diagnosis.run, stop)
    file = next((moment.file for moment in stop.listen if moment.step == stop.best_step and moment.file), None)
    if file:
        saved = next((one.step for one in diagnosis.facts.checkpoints if one.file == file), stop.best_step)
        return f"{file}: {'' if saved == stop.best_step else 'nearest to '}{best}."
    why = next((moment.why for moment in stop.listen if moment.step == stop.best_step), "")
    missing = why.partition("; ")[2] if diagnosis.facts.checkpoints else "none was found on disk"
    return f"The checkpoint of {best}{missing and '; '}{missing}."


def full_sentence(words: str) -> str:
    """The words with a capital and a full stop; the name of a curve (`val/wer`) stays as it is."""
    words = words.strip()
    first = words.split(" ", 1)[0]
    begun = words if {"/", "_"} & {*first} else words[:1].upper() + words[1:]
    return begun + ("" if words.endswith((".", "!", "?")) else ".")


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding, without what the answer has said already. Text may hold words from the log."""

    finding: Finding
    place: str
    """`epochs 11 to 40`; empty where it has none."""
    message: str
    proof: str
    advice: str

    @property
    def name(self) -> str:
        """`FIT002 overfitting`."""
        return f"{self.finding.code} {self.finding.name}"


@dataclass(frozen=True, eq=False)
class Shown:
    """The parts of a report, in the order in which they are shown."""

    diagnosis: Diagnosis
    plan: Plan
    answer: list[tuple[str, str]]
    """Label and sentence."""
    findings: tuple[ShownFinding, ...]
    """What only says why the verdict is open is in the answer, and not here."""
    changed: list[Change]
    left: list[Change]
    """The changes that are not made, each with the reason."""


def shown(diagnosis: Diagnosis) -> Shown:
    """What a report shows of a diagnosis."""
    made = diagnosis.plan
    reply = answer(diagnosis, made).lines()
    said = " ".join(sentence for _, sentence in reply)

    def new(text: str) -> str:
        return "" if full_sentence(text) in said else text

    findings = tuple(
        ShownFinding(one, span(diagnosis.run, one), new(one.message), proof(one), new(one.advice))
        for one in diagnosis.findings
        if not one.inconclusive
    )
    return Shown(diagnosis, made, reply, findings, written(made), left(made))
