"""What was found while a run grew: since when, whether it was confirmed, and what a finished log has forgotten.

A divergence is plain when it happens and looks like a plateau at the end. So a finished run is also judged on its
prefixes, as someone who watched it would have, and what was confirmed then, and from which it never recovered, is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from diagnose.checks import every_check
from diagnose.checks.base import About, Check
from diagnose.engine import examine, prescriptions_of
from diagnose.facts import Facts
from diagnose.finding import Confidence, Diagnosis, Finding, Severity, Verdict
from diagnose.run import Role

PERSISTENT = 0.5
"""Share of the looks with an alarm from which it belongs to the run, whatever its last points show. Source: our
choice: what was there for half of the run decided what came of it."""
REMEMBERED = ("divergence", "learning-rate-too-high", "non-finite-loss")
"""Findings that a plateau or a slow recovery hides at the end."""
NOT_OF_THE_RUN = frozenset({"config", "dataset", "trainer"})
"""Metrics of findings that no curve shows: they are in the first report; no training is stopped or changed
for them."""
LOOKS = 40
"""Prefixes of a run that are judged. Source: our choice: a fault that lasts a fortieth of the run is seen twice."""
COSTLY = 0.25
"""Share of the run after which coming back counts no more. Source: as for the progress that a divergence loses."""
FEWEST = 4
"""Points of the training loss before anything is said. Source: the checks of instability need as many."""
MORE = 0.05
"""By how much a log must have grown between two states that confirm each other. Source: our choice: two states of
nearly the same points see the same noise."""
PATIENCE = 4
"""Evaluations in a row without a new best that confirm overfitting by themselves. Source: 132 strangers' runs with
validation, looked at 40 times: 39 would be named while they memorise, none that is healthy, 8.2 evaluations after the
best; with the second look alone 38, after 9.5. With three, one that groks is named at its beginning."""
RECOVERED = 0.25
"""Share of what was lost that may still be missing where a run counts as recovered. Source: the divergence check."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One finding over the course of a run."""

    finding: Finding
    """As it was last said when it was at its worst."""
    first_seen: int
    """Step of the training loss at which it was said first, in the stretch that lasts or was confirmed."""
    last_seen: int
    confirmed: int | None = None
    """Step at which it was said for the second time in a row; None: not yet."""
    looks: int = 1
    """At how many looks it was said."""


@dataclass(frozen=True, slots=True)
class History:
    """The findings of a growing run, by name."""

    sightings: tuple[Sighting, ...] = ()
    looked: int | None = None
    """The step of the last look."""
    looks: int = 0
    """How many looks there were."""

    def after(self, step: int, findings: Iterable[Finding]) -> History:
        """With what was said at `step`. A look at which nothing was new confirms nothing."""
        if self.looked is not None and step <= self.looked:
            return self
        said = {finding.name: finding for finding in findings if finding.alarming}
        known = {sighting.finding.name: sighting for sighting in self.sightings}
        kept = [_seen_again(sighting, said, step, self.looked) for sighting in self.sightings]
        new = [Sighting(finding, step, step) for name, finding in said.items() if name not in known]
        return History((*(sighting for sighting in kept if sighting is not None), *new), step, self.looks + 1)

    @property
    def confirmed(self) -> tuple[Sighting, ...]:
        """What was said at two looks in a row."""
        return tuple(sighting for sighting in self.sightings if sighting.confirmed is not None)


def _seen_again(sighting: Sighting, said: dict[str, Finding], step: int, looked: int | None) -> Sighting | None:
    finding = said.get(sighting.finding.name)
    if finding is None:
        return sighting if sighting.confirmed is not None else None
    worst = sighting.finding if sighting.finding.severity.rank > finding.severity.rank else finding
    again = replace(sighting, finding=worst, last_seen=step, looks=sighting.looks + 1)
    if sighting.confirmed is None and sighting.last_seen == looked:
        return replace(again, confirmed=step)
    return again


def replay(facts: Facts, *, checks: Iterable[Check] | None = None, looks: int = LOOKS) -> History:
    """What someone who watched the run would have noted.

    The looks fall on logged points, evenly over the run; of a short run, on each.
    """
    asked = tuple(_remembering() if checks is None else checks)
    history = History()
    for step in _moments(facts, looks):
        history = history.after(step, examine(facts.until(step), checks=asked).findings)
    return history


def remember(diagnosis: Diagnosis) -> Diagnosis:
    """The diagnosis with the instability that was confirmed while the run lasted, if it came back late or never.

    Where nothing else is wrong at the end, with what was found at most looks, too.
    """
    facts = diagnosis.facts
    if any(finding.alarming and finding.name in REMEMBERED for finding in diagnosis.findings):
        return diagnosis
    past = replay(facts)
    lost = [kept for kept in past.confirmed if _grave(kept.finding) and not recovered(facts, kept)]
    if not any(finding.alarming and finding.metric not in NOT_OF_THE_RUN for finding in diagnosis.findings):
        lost += [kept for kept in past.confirmed if kept not in lost and kept.looks >= PERSISTENT * past.looks]
    if not lost:
        return diagnosis
    kept = [_as_remembered(facts, sighting) for sighting in lost]
    names = {finding.name for finding in kept}
    others = [replace(finding, explained_by=_cause(finding, names)) for finding in diagnosis.findings]
    findings = (*kept, *others)
    return replace(diagnosis, verdict=Verdict.UNHEALTHY, findings=findings, prescriptions=prescriptions_of(findings))


def confirmed_now(facts: Facts, findings: Iterable[Finding], *, checks: Iterable[Check] | None = None) -> list[Finding]:
    """Those of the alarming findings that an earlier state of the log shows, too.

    Earlier by `MORE` of the points of the curve that shows them, by one at least: so nothing rests on the last points
    alone, however often or seldom one looks. What has memorised for `PATIENCE` evaluations needs no earlier state.
    """
    asked = None if checks is None else tuple(checks)
    earlier: dict[Role, set[str]] = {}
    kept = []
    for finding in findings:
        if not finding.alarming:
            continue
        role = Role.VAL_LOSS if finding.metric == Role.VAL_LOSS.value else Role.TRAIN_LOSS
        if role not in earlier:
            before = _earlier(facts, role)
            known = () if before is None else examine(before, checks=asked).findings
            earlier[role] = {one.name for one in known if one.alarming}
        if finding.name in earlier[role] or (finding.name == "overfitting" and _past_its_best(facts)):
            kept.append(finding)
    return kept


def memorises(facts: Facts) -> bool:
    """Whether the training loss is below the best validation loss: a collapse raises both."""
    train, val = facts.curve(Role.TRAIN_LOSS), facts.curve(Role.VAL_LOSS)
    if train is None or val is None or not len(train.finite) or not len(val.finite):
        return False
    end = float(np.median(train.finite.values[-max(3, len(train) // 10) :]))
    return end < float(val.finite.values.min())


def _past_its_best(facts: Facts) -> bool:
    """Whether the run memorises, and none of the last `PATIENCE` evaluations was its best."""
    val = facts.curve(Role.VAL_LOSS)
    values = np.zeros(0) if val is None else val.finite.values
    return memorises(facts) and len(values) - 1 - int(np.argmin(values)) >= PATIENCE


def recovered(facts: Facts, sighting: Sighting) -> bool:
    """Whether the training loss came back to the best before the fault, soon enough, and ends about there or below."""
    train = facts.curve(Role.TRAIN_LOSS)
    if train is None or not len(train):
        return True
    if not np.isfinite(train.values[-1]):
        return False
    finite, began = train.finite, sighting.finding.first_step or sighting.first_seen
    before = finite.values[finite.steps <= began]
    after = finite.values[finite.steps <= sighting.last_seen]
    if not len(before) or not len(after):
        return True
    best, worst = float(before.min()), float(after[-max(1, len(after) // 4) :].max())
    end = float(np.median(finite.values[-max(3, len(finite) // 10) :]))
    if end > best + RECOVERED * max(0.0, worst - best):
        return False
    back = finite.steps[(finite.steps > sighting.last_seen) & (finite.values <= best)]
    return not len(back) or int(back[0]) - began < COSTLY * (int(finite.steps[-1]) - int(finite.steps[0]))


def _grave(finding: Finding) -> bool:
    sure = finding.confidence is not Confidence.LOW
    return finding.severity is Severity.ERROR and sure and finding.name in REMEMBERED


def _as_remembered(facts: Facts, sighting: Sighting) -> Finding:
    step = sighting.first_seen if sighting.confirmed is None else sighting.confirmed
    train = facts.curve(Role.TRAIN_LOSS)
    place = f"step {step:,}" if train is None else train.place(step)
    message = f"{sighting.finding.message} It was confirmed at {place}; the run came back late, or not at all."
    return replace(sighting.finding, message=message, first_seen=sighting.first_seen, confirmed=sighting.confirmed)


def _cause(finding: Finding, names: set[str]) -> str | None:
    if finding.explained_by is not None:
        return finding.explained_by
    consequences = {"plateau", "slow-learning", "loss-above-target", "learning-rate-too-low", "vanishing-gradients"}
    cause = next((name for name in ("learning-rate-too-high", "divergence", "non-finite-loss") if name in names), None)
    return cause if finding.name in consequences else None


def _remembering() -> Iterator[Check]:
    return (check for check in every_check() if check.about is About.RUN)


def _moments(facts: Facts, looks: int) -> list[int]:
    train = facts.curve(Role.TRAIN_LOSS)
    if train is None or len(train) < FEWEST:
        return []
    steps = np.unique(train.steps)
    if len(steps) > looks:
        steps = steps[np.unique(np.linspace(FEWEST - 1, len(steps) - 1, looks).round().astype(int))]
    return [int(step) for step in steps if np.count_nonzero(train.steps <= step) >= FEWEST]


def _earlier(facts: Facts, role: Role) -> Facts | None:
    """The facts without the newest points of a loss; None where nothing would be left."""
    train, curve = facts.curve(Role.TRAIN_LOSS), facts.curve(role)
    if train is None or curve is None or len(curve) < 2 or len(train) < FEWEST:
        return None
    lost = not np.isfinite(curve.values[-2:]).any()  # that is noise of no kind
    count = 1 if lost else max(1, int(MORE * len(curve)))
    if role is Role.TRAIN_LOSS:
        steps = train.steps[train.steps < train.steps[-count]]
        return facts.until(int(steps[-1])) if len(steps) else None
    shorter = curve.where(np.arange(len(curve)) < len(curve) - count)
    return replace(facts, run=replace(facts.run, curves={**facts.run.curves, curve.tag: shorter}))
