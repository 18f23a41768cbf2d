"""When a watched run is stopped, whether it died, what it can go on from: the decisions of the loop, pure."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from diagnose.engine import examine, prescriptions_of
from diagnose.facts import Facts
from diagnose.finding import Diagnosis, Finding, Safety, Severity, Verdict
from diagnose.live.history import NOT_OF_THE_RUN, memorises
from diagnose.live.news import WORTH, last_step
from diagnose.numbers import is_number
from diagnose.remedies.evidence import onset_of, planned_end
from diagnose.run import Role

UNSTABLE = frozenset({"divergence", "learning-rate-too-high", "non-finite-loss", "exploding-gradients", "oscillation"})
"""Faults after which a state from before them is worth going on from."""
KEPT = frozenset({"overfitting", "memorisation"})
"""Faults that cost nothing but time where the best checkpoint is kept: nothing is trained again for them."""
DEATHS = frozenset({"run-died", "out-of-memory"})
"""What a log says of a trainer that ends by itself, often before its process is gone."""
SLOW = "learning-rate-too-low"
"""A fault that is only a warning, and worth a stop once `WORTH` of the planned run is over. A plateau is none: noisy
batches of a healthy run look like one, and its second half is worth more than the time it takes."""
LASTED = 0.2
"""Share of the planned run for which an instability that is only a warning must have lasted, and of the log without
which it must be found, too. Source: our choice: a healthy run comes back from a swing sooner; the noise of single
batches, in a run of pytorch/examples, was found for a moment as swings from the beginning on."""
SAVED = 0.1
"""Share of the planned run. Source: a state of the bundled trainer after three updates at thirty times the rate never
got going at a tenth of that, where a fresh start did."""
SUMMARY = "summary.json"
"""Where a trainer may report the loss on a second validation set (`held_out_loss`)."""


def of_the_run(diagnosis: Diagnosis) -> Diagnosis:
    """The diagnosis with the findings that the curves show, and their prescriptions alone."""
    findings = tuple(one for one in diagnosis.findings if one.metric not in NOT_OF_THE_RUN)
    unhealthy = any(one.alarming for one in findings)
    verdict = Verdict.UNHEALTHY if unhealthy else Verdict.HEALTHY
    return replace(diagnosis, findings=findings, prescriptions=prescriptions_of(findings), verdict=verdict)


def with_fault(diagnosis: Diagnosis, fault: Finding | None) -> Diagnosis:
    """The diagnosis with what a run was stopped for, also where its very last points no longer show it."""
    if fault is None or fault.name in alarms(diagnosis):
        return diagnosis
    findings = (fault, *diagnosis.findings)
    return replace(diagnosis, findings=findings, prescriptions=prescriptions_of(findings), verdict=Verdict.UNHEALTHY)


def alarms(diagnosis: Diagnosis) -> set[str]:
    """Names of what is wrong with the run."""
    return {one.name for one in diagnosis.findings if one.alarming and one.metric not in NOT_OF_THE_RUN}


def worth_a_stop(diagnosis: Diagnosis, finding: Finding, *, last: bool = False) -> bool:
    """Whether a confirmed finding is worth ending the run for. `last`: no attempt follows that could do better."""
    if finding.metric in NOT_OF_THE_RUN or not finding.alarming:
        return False
    if finding.name in KEPT:
        return finding.name == "overfitting" and memorises(diagnosis.facts) and kept_best(diagnosis.facts) is not None
    return finding.severity is Severity.ERROR or _has_lasted(diagnosis.facts, finding, last=last)


def _has_lasted(facts: Facts, finding: Finding, *, last: bool) -> bool:
    """Whether a warning has lasted for so much of the planned run that it will not go by itself."""
    planned, now, since = planned_end(facts), last_step(facts), finding.first_step
    if planned is None or since is None:
        return False
    if finding.name in UNSTABLE:
        return now - since >= LASTED * planned and finding.name in alarms(examine(facts.until(int((1 - LASTED) * now))))
    safe = any(one.safety is Safety.SAFE for one in finding.prescriptions)
    if last or not safe or now < WORTH * planned:
        return False  # a slow run that nothing hastens for sure is better than half of it
    return finding.name == SLOW


def died(status: int | None, diagnosis: Diagnosis) -> bool:
    """Whether a trainer that nobody stopped ended with an error that its loss does not explain."""
    return bool(status) and "non-finite-loss" not in alarms(diagnosis)


def only_memorised(diagnosis: Diagnosis) -> bool:
    """Whether overfitting is all that is wrong, and its best state is on disk."""
    facts = diagnosis.facts
    return alarms(diagnosis) <= KEPT and memorises(facts) and kept_best(facts) is not None


def kept_best(facts: Facts) -> str | None:
    """The checkpoint at the best evaluation, where one is on disk."""
    val = facts.curve(Role.VAL_LOSS)
    if val is None or not len(val.finite):
        return None
    best = int(val.finite.steps[np.argmin(val.finite.values)])
    return next((one.file for one in reversed(facts.checkpoints) if one.step == best), None)


def last_good(diagnosis: Diagnosis) -> str | None:
    """The newest checkpoint that is not younger than the best point before the first instability.

    None where it would save less than `SAVED` of the planned run: to begin afresh is surer then.
    """
    facts = diagnosis.facts
    onsets = [_onset(facts, one.name, one.first_step) for one in diagnosis.findings if one.name in UNSTABLE]
    known_onsets = [onset for onset in onsets if onset is not None]
    train = facts.curve(Role.TRAIN_LOSS)
    if not known_onsets or train is None:
        return None
    before = train.finite.until(min(known_onsets))
    if not len(before):
        return None
    best = int(before.steps[np.argmin(before.values)])
    least = SAVED * (planned_end(facts) or 0)
    known = [one.file for one in facts.checkpoints if least <= one.step <= best]
    return known[-1] if known else None


def _onset(facts: Facts, name: str, first: int | None) -> int | None:
    """The last step that may be free of the fault. An outlier struck before the point that shows it."""
    if first is None or name == "exploding-gradients":
        return None if first is None else first - 1
    return onset_of(facts, first)


def held_out(logs: Path) -> float | None:
    """The loss on a second validation set, where the trainer reports one."""
    try:
        loss = json.loads((logs / SUMMARY).read_bytes()).get("held_out_loss")
    except (OSError, ValueError, AttributeError):
        return None
    return float(loss) if is_number(loss) else None
