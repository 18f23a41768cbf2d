"""From a diagnosis to a corrected config: choose the edits, make what belongs together, and check the result.

What `analyze` shows under "what to change" is this plan, and so is what `fix` writes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from difflib import unified_diff
from typing import TYPE_CHECKING

from diagnose.choice import Choice, Chosen, DeferredEdit, choose, half_cures, settled
from diagnose.engine import examine
from diagnose.errors import ConfigError
from diagnose.facts import NOTHING_LOGGED, Facts
from diagnose.finding import Diagnosis, Edit, Finding, Operation, Prescription, Safety, Support
from diagnose.numbers import Value, is_number, round_count
from diagnose.remedies.evidence import epoch_length
from diagnose.run import Role

if TYPE_CHECKING:
    from diagnose.config import Config, Rewrite

# Rounds in which what a change upsets is adjusted after it: warm-up, intervals, patience follow one another.
MOST_ROUNDS = 4
LONG_WARMUP = 0.1
"""Share of the run that may be warm-up, however small it was before. Source: the tuning playbook of Google Research."""


@dataclass(frozen=True, slots=True)
class AppliedEdit:
    """One value that is changed."""

    parameter: str
    path: str
    """Where it lives in the config (`training.learning_rate`); the parameter where there is no config."""
    line: int
    was: Value | None
    now: Value | None
    """None where it depends on an old value that is not known: `asked` says it then."""
    asked: str
    """`times 0.25`, `at most 200`; empty where `now` says it."""
    why: str
    answers: tuple[str, ...]
    """Codes of the findings that it answers."""
    note: str = ""
    """What to know before trusting it (a trainer that ignores the key)."""
    support: Support = Support.GUIDE
    """What it rests on."""


@dataclass(frozen=True, eq=False)
class Plan:
    """The edits of one round, and the config's text before and after."""

    source: str
    """The config; empty where there is none, and nothing can be written."""
    before: str
    after: str
    applied: tuple[AppliedEdit, ...]
    deferred: tuple[DeferredEdit, ...]
    diagnosis: Diagnosis
    problems: tuple[Finding, ...] = ()
    """What is wrong with the config that is written: never more than with the one before."""

    @property
    def doubled(self) -> tuple[str, ...]:
        """What to know of keys that appear twice in the config: edits go to the last."""
        config = self.diagnosis.facts.config
        return config.doubled if config else ()

    def _repr_html_(self) -> str:
        from diagnose.report.notebook import plan_html

        return plan_html(self)

    def diff(self) -> str:
        """A unified diff; empty when nothing changes."""
        lines = unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), self.source, self.source
        )
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def plan(
    diagnosis: Diagnosis, *, only: Collection[str] | None = None, unsafe: bool = False, minimal: bool = False
) -> Plan:
    """Turn the prescriptions of a diagnosis into edits of its config.

    `only`: canonical names that may change; None: all. `unsafe`: whether unsafe prescriptions count. `minimal`: leave
    out what rests on the training guide alone. Without a config the edits are planned and nothing is written. A cure is
    made whole or not at all, and what is written passes the checks of configs at least as well as before.
    """
    choice = choose(diagnosis, only=only, unsafe=unsafe, minimal=minimal)
    config = diagnosis.facts.config
    if config is None or not config.training:
        applied = tuple(_row(name, chosen, choice.settings.get(name)) for name, chosen in choice.chosen.items())
        return Plan("", "", "", applied, choice.deferred, diagnosis)
    drafted = _passing(_with_clips(diagnosis.facts, config), config, choice)
    return _written(diagnosis, config, drafted)


def plan_of_config(
    diagnosis: Diagnosis, *, only: Collection[str] | None = None, unsafe: bool = False, minimal: bool = False
) -> Plan:
    """The plan that can be written. Raises ConfigError where there is no training config to write."""
    config = diagnosis.facts.config
    if config is None or not config.training:
        raise ConfigError(f"{config.source if config else 'no config'}: no training hyperparameters here to fix")
    return plan(diagnosis, only=only, unsafe=unsafe, minimal=minimal)


def _with_clips(facts: Facts, config: Config) -> Facts:
    """The facts with as many clips as the epochs of the log hold, where nothing else counts them.

    Only without accumulation: a step of the log may be a batch or an update. And not where the log has more epochs than
    the config asks for: it is not of this config.
    """
    from diagnose.config.effective import effective

    train, batch = facts.curve(Role.TRAIN_LOSS), effective(config).batch_size
    each = None if train is None else epoch_length(train)
    if train is None or facts.train_samples is not None or each is None or batch is None:
        return facts
    planned, summed = config.value("max_epochs"), config.value("grad_accumulation_steps") or 1
    if summed != 1 or (is_number(planned) and 0 < planned < float(train.steps[-1]) / each - 1):
        return facts
    return replace(facts, listed_for_training=max(1, round(each) * int(batch)))


@dataclass(frozen=True, eq=False)
class _Draft:
    """A choice of edits, written into the text."""

    choice: Choice
    rewrite: Rewrite
    problems: tuple[Finding, ...]


def _passing(facts: Facts, config: Config, choice: Choice) -> _Draft:
    """A draft that contradicts itself no more than the config did: adjusted, else without the edits at fault."""
    before = Counter(map(_key, _problems(facts, config)))
    draft = _draft(facts, config, choice)
    end = _end_within_warmup(facts, config, draft)
    if end is not None:
        reason = "the run would end within its warm-up, from which the highest rate of this schedule follows"
        draft = _draft(facts, config, draft.choice.without(end, reason))
    draft = _adjusted(facts, config, draft, before)
    while draft.choice.chosen and (new := _new(draft, before)):
        reason = f"with it the config would contradict itself: {new[0].message}"
        draft = _without_fault(facts, config, draft, before, reason)
    return draft


def _without_fault(
    facts: Facts, config: Config, draft: _Draft, before: Counter[tuple[str, ...]], reason: str
) -> _Draft:
    """The draft without the edits of the least pressing cure, else finding, that leaves no fault; else of the last."""
    tried = []
    for parameters in _parts(draft.choice):
        choice = draft.choice
        for parameter in parameters:
            choice = choice.without(parameter, reason)
        tried.append(_adjusted(facts, config, _draft(facts, config, choice), before))
        if not _new(tried[-1], before):
            return tried[-1]
    return tried[0]


def _parts(choice: Choice) -> Iterator[list[str]]:
    """The parameters of each cure, then of all cures of each finding, the least pressing first."""
    cures, findings = defaultdict[Prescription, list[str]](list), defaultdict[tuple[str, ...], list[str]](list)
    for parameter, chosen in reversed(list(choice.chosen.items())):
        cures[chosen.prescription].append(parameter)
        findings[chosen.prescription.answers].append(parameter)
    yield from (*cures.values(), *findings.values())


def _draft(facts: Facts, config: Config, choice: Choice) -> _Draft:
    """The choice as text, without the halves of cures whose other half cannot be written."""
    choice = settled(choice, facts, config)
    while True:
        values = {name: chosen.value for name, chosen in choice.chosen.items() if chosen.value is not None}
        rewrite = config.rewrite(values, samples=facts.train_samples)
        halves = half_cures(choice, rewrite.refused)
        if not halves:
            after = config.edited(rewrite.text) if rewrite.applied else config
            return _Draft(choice, rewrite, tuple(_problems(facts, after)))
        for parameter, reason in halves.items():
            choice = choice.without(parameter, reason)
        choice = settled(choice, facts, config)


def _adjusted(facts: Facts, config: Config, draft: _Draft, before: Counter[tuple[str, ...]]) -> _Draft:
    """The draft with what its changes upset set right: the warm-up keeps its share, intervals fit the new run."""
    choice, shorter = draft.choice, _warmup(facts, config, draft)
    for edit in (edit for cure in shorter for edit in cure.edits):
        choice = choice.dropping(edit.parameter)  # a tenth of the run, counted before the run became shorter
    draft = _draft(facts, config, _with(choice, [*shorter, *_partners(config, draft)]))
    for _ in range(MOST_ROUNDS):
        asked = (cure for finding in _new(draft, before) for cure in finding.prescriptions)
        cures = [cure for cure in asked if cure.safety is Safety.SAFE]
        longer = _with(draft.choice, cures)
        if longer is draft.choice:
            break
        draft = _draft(facts, config, longer)
    return draft


def _with(choice: Choice, cures: list[Prescription]) -> Choice:
    """The choice with edits that follow from it; itself where there are none."""
    if not choice.chosen:
        return choice
    for cure in cures:
        for edit in cure.edits:
            choice = choice.following(edit, cure)
    return choice


def _warmup(facts: Facts, config: Config, draft: _Draft) -> list[Prescription]:
    """A shorter run keeps the share of its warm-up, or a tenth."""
    from diagnose.config.effective import peak_follows_warmup, warmup_and_run

    if peak_follows_warmup(config):
        return []
    old = warmup_and_run(config, facts.train_samples)
    new = warmup_and_run(config.edited(draft.rewrite.text), facts.train_samples)
    if old is None or new is None or not old[0]:
        return []
    name = f"warmup_{old[2]}"
    share = LONG_WARMUP if name in draft.choice.chosen else max(old[0] / old[1], LONG_WARMUP)
    if new[0] / new[1] <= share:
        return []
    fixed = config.values.get(name)
    if fixed is None or fixed.value in (None, 0) or fixed.dead:
        return []
    before = ", as before" if share > LONG_WARMUP else ""
    why = f"the run is shorter now: a warm-up of about {share:.0%} of it{before}"
    edits = [Edit(name, Operation.SET, round_count(share * new[1], 2), why)]
    end = draft.choice.chosen.get("max_epochs") or draft.choice.chosen.get("max_steps")
    measured = end is not None and end.prescription.support is Support.MEASURED
    if measured and new[1] < old[0] and "learning_rate" not in draft.choice.chosen:
        if not is_number(config.value("learning_rate")):
            return []
        reached = "the rate that the run had come to there: its warm-up was not over"
        edits.append(Edit("learning_rate", Operation.SCALE, new[1] / old[0], reached))
    answers = end.prescription.answers if end else ()
    return [Prescription("Shorten the warm-up with the run", why, tuple(edits), Safety.SAFE, answers)]


def _end_within_warmup(facts: Facts, config: Config, draft: _Draft) -> str | None:
    """The cut of the run, by the guide alone, that leaves no more than a warm-up which cannot be shortened."""
    from diagnose.config.effective import peak_follows_warmup, warmup_and_run

    new = warmup_and_run(config.edited(draft.rewrite.text), facts.train_samples)
    if new is None or new[0] <= new[1] or not peak_follows_warmup(config):
        return None
    ends = (name for name in ("max_epochs", "max_steps") if name in draft.choice.chosen)
    guided = (name for name in ends if draft.choice.chosen[name].prescription.support is Support.GUIDE)
    return next(guided, None)


def _partners(config: Config, draft: _Draft) -> list[Prescription]:
    """The other rate of a GAN, and the end of a schedule, follow by the same factor."""
    values = {name: chosen.value for name, chosen in draft.choice.chosen.items() if chosen.value is not None}
    found = []
    for name, partner, value in config.companions(values):
        if name in draft.rewrite.applied:
            cause = draft.choice.chosen[name].prescription
            why = f"balanced against {name}, which changes by the same factor"
            edit = Edit(partner, Operation.SET, value, why)
            found.append(Prescription("Keep the rates in balance", why, (edit,), Safety.SAFE, cause.answers))
    return found


def _problems(facts: Facts, config: Config) -> list[Finding]:
    """What the checks of configs say of a text."""
    known = replace(facts, run=NOTHING_LOGGED, config=config, settings=config.in_force, survey=None, keys=None)
    return [finding for finding in examine(known).findings if finding.alarming]


def _key(finding: Finding) -> tuple[str, ...]:
    """What makes two findings of two texts the same: the rule, and how bad it is."""
    return (finding.code, finding.severity.value, *sorted(finding.numbers))


def _new(draft: _Draft, before: Counter[tuple[str, ...]]) -> list[Finding]:
    """What is wrong with the draft and was not wrong before, or not as often."""
    known = before.copy()
    found = []
    for finding in draft.problems:
        known[_key(finding)] -= 1
        if known[_key(finding)] < 0:
            found.append(finding)
    return found


def _row(parameter: str, chosen: Chosen, was: Value | None) -> AppliedEdit:
    cure = chosen.prescription
    rest = (chosen.value, chosen.asked, chosen.why, cure.answers)
    return AppliedEdit(parameter, parameter, 0, was, *rest, support=cure.support)


def _written(diagnosis: Diagnosis, config: Config, draft: _Draft) -> Plan:
    rewrite, choice = draft.rewrite, draft.choice
    applied = []
    for parameter, (was, now) in rewrite.applied.items():
        setting = config.values.get(parameter)
        row = _row(parameter, choice.chosen[parameter], was)
        note = rewrite.notes.get(parameter, "")
        path, line = (setting.path, setting.line) if setting else (parameter, 0)
        applied.append(replace(row, path=path, line=line, now=now, asked="", note=note))
    refused = tuple(DeferredEdit(name, choice.chosen[name].shown, reason) for name, reason in rewrite.refused.items())
    deferred = (*choice.deferred, *refused)
    return Plan(config.source, config.text, rewrite.text, tuple(applied), deferred, diagnosis, draft.problems)
