"""The labelled logs, what ttsdoc says of each, and whether that is right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from diagnose.checks.base import Check
from diagnose.engine import examine
from diagnose.errors import TtsdocError
from diagnose.facts import Facts
from diagnose.finding import Diagnosis, Severity, Verdict
from diagnose.gather import facts_of_run
from diagnose.readers import runs

LABELS = Path(__file__).with_name("labels.yaml")
MEANS = {
    "loss-spike": "spike",
    "divergence": "divergence",
    "non-finite-loss": "nan",
    "plateau": "plateau",
    "overfitting": "overfitting",
    "memorisation": "overfitting",
    "worsening-metric": "overfitting",
    "oscillation": "oscillation",
    "slow-learning": "underfit",
    "learning-rate-too-low": "underfit",
}
"""Finding -> label that it stands for."""
STRICT = frozenset(MEANS.values())
JUDGED = ("NUM", "STB", "GRD", "FIT", "OPT")
"""Families that speak of the curves: any other alarm of theirs denies `healthy`."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One log, and what may be said of it."""

    id: str
    repo: str
    set: str
    confidence: str
    must: frozenset[str]
    some: frozenset[str]
    may: frozenset[str]
    facts: tuple[Facts, ...]
    """Of each run in the log; none where it could not be read."""

    @property
    def demanded(self) -> bool:
        """Whether an answer is asked for."""
        return bool(self.must or self.some)

    @property
    def sick(self) -> bool:
        """Whether a fault is asked for."""
        return bool((self.must | self.some) & STRICT) and "healthy" not in self.must | self.some


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of one log."""

    found: frozenset[str]
    names: tuple[tuple[str, str], ...]
    """(finding, confidence) at warning or above that stand for a label."""
    right: bool
    false: bool
    abstained: bool


def load(raw: Path, sets: Iterable[str]) -> list[Labelled]:
    """Read every log of these sets below `raw`, a folder for each.

    Raises ValueError where a file is not the one that was labelled.
    """
    rows = yaml.load(LABELS.read_text("utf-8"), yaml.CSafeLoader)
    wanted = set(sets)
    return [_labelled(row, raw / row["id"]) for row in rows if row["set"] in wanted and (raw / row["id"]).is_dir()]


def _labelled(row: Mapping[str, Any], folder: Path) -> Labelled:
    names = list(row["files"])
    for name in names:
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != row["files"][name]["sha256"]:
            raise ValueError(f"{folder / name}: not the bytes that were labelled")
    try:
        facts = tuple(facts_of_run(run) for run in runs(folder / names[0] if len(names) == 1 else folder))
    except TtsdocError:
        facts = ()
    must, some, may = (frozenset(row[key]) for key in ("must", "must_any", "may"))
    return Labelled(row["id"], row["repo"], row["set"], str(row["confidence"]), must, some, may, facts)


def answer(one: Labelled, checks: Sequence[Check] | None = None) -> Answer:
    """Judge every run of the log."""
    diagnoses = [examine(facts, checks=checks) for facts in one.facts]
    alarms = [f for d in diagnoses for f in d.findings if f.severity is not Severity.INFO]
    names = tuple((f.name, f.confidence.value) for f in alarms if f.name in MEANS)
    found = frozenset(MEANS[name] for name, _ in names) or _without_fault(diagnoses)
    right = bool(diagnoses) and one.must <= found and (not one.some or bool(one.some & found))
    false = bool(one.may and (found & (STRICT | {"other"})) - one.may)
    abstained = found == {"too-short"} and not right
    return Answer(found, names, right, false, abstained)


def _without_fault(diagnoses: Sequence[Diagnosis]) -> frozenset[str]:
    """What a log is called of which no fault of the list was found: silence that proves nothing is no `healthy`."""
    if not diagnoses:
        return frozenset()
    alarms = [f for d in diagnoses for f in d.findings if f.severity is not Severity.INFO]
    if any(f.code.startswith(JUDGED) for f in alarms):
        return frozenset({"other"})
    silent = all(d.verdict is Verdict.INCONCLUSIVE for d in diagnoses)
    return frozenset({"too-short"}) if silent else frozenset({"healthy"})
