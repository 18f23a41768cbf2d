"""The answer in three lines: what is wrong, what to do now, which checkpoint to keep."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.finding import Diagnosis, Recommendation, StopAdvice, Verdict
from diagnose.plan import Plan
from diagnose.report.changes import Change, written
from diagnose.report.words import causes, counted, metric_words, number, place_of
from diagnose.run import Axis, Role

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
    return Answer(_problem(diagnosis), _action(diagnosis, made), _keep(diagnosis))


def _problem(diagnosis: Diagnosis) -> str:
    found = causes(diagnosis)
    if diagnosis.verdict is Verdict.INCONCLUSIVE:
        return " ".join(diagnosis.reasons)
    return full_sentence(found[0].message) if found else ""


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
    newest = stop.evaluations_since_best == 0 and stop.metric == "val_loss"
    if stop.recommendation is Recommendation.CONTINUE and newest:
        return "Keep training: the last evaluation is the best so far."
    word = {Recommendation.CONTINUE: "Keep training", Recommendation.STOP: "Stop"}.get(stop.recommendation)
    reasons = "; ".join(stop.reasons)
    return full_sentence(f"{word}: {reasons}" if word else reasons)


def _named(wanted: list[Change]) -> str:
    named = " and ".join(f"{change.parameter} to {_value(change.now)}" for change in wanted[:NAMED])
    more = len(wanted) - NAMED
    return named if more <= 0 else f"{named.replace(' and ', ', ')} and {counted(more, 'value')} more"


def _value(now: str) -> str:
    """`0.5 times its value` for `times 0.5`; a value as it is."""
    return f"{now.removeprefix('times ')} times its value" if now.startswith("times ") else now


def command(made: Plan) -> str:
    """What writes the changes."""
    return f"ttsdoc fix {made.source or 'CONFIG'}"


def _keep(diagnosis: Diagnosis) -> str:
    stop = diagnosis.stop
    if stop is None:
        return ""
    where = place_of(diagnosis.run, stop.metric, stop.best_step)
    lowest, about = ("lowest smoothed", "about ") if stop.smoothed else ("lowest", "")
    if stop.metric == Role.SCORE.value:
        lowest = "highest"
    best = f"{where}, the {lowest} {metric_words(stop.metric)} ({about}{number(stop.best_value)})"
    file = next((moment.file for moment in stop.listen if moment.step == stop.best_step and moment.file), None)
    if file:
        return f"{file}: {best}."
    return f"The checkpoint of {best}{_missing(diagnosis, stop)}."


def _missing(diagnosis: Diagnosis, stop: StopAdvice) -> str:
    """What is known of a checkpoint that is not there. Epochs say nothing of files that count steps."""
    if not diagnosis.facts.checkpoints:
        return "; none was found on disk"
    return "; none was kept near it" if stop.axis is Axis.STEP else ""


def full_sentence(words: str) -> str:
    """The words with a capital and a full stop."""
    words = words.strip()
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "!", "?")) else ".")
