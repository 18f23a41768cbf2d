"""A run, and the exact set of findings that all checks together must report for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import Diagnosis, Severity
from diagnose.run import Run


@dataclass(frozen=True, eq=False)
class Case:
    """A run and what is to be said of it."""

    title: str
    """A claim, in plain words."""
    facts: Facts
    expect: frozenset[str] = field(default_factory=frozenset)
    """Codes at warning or above that ALL checks report, no more and no fewer."""

    @cached_property
    def diagnosis(self) -> Diagnosis:
        return examine(self.facts)

    @property
    def run(self) -> Run:
        """What was logged."""
        return self.facts.run


def facts_of(run: Run, *, config: Mapping[str, Any] | None = None, samples: int | None = None) -> Facts:
    """The facts of a run: its hyperparameters by their canonical names, the clips of its data set."""
    return Facts(run, settings=config or {}, samples=samples, family=run.family)


def case(title: str, known: Run | Facts, *expect: str) -> Case:
    """A case that expects these codes."""
    return Case(title, known if isinstance(known, Facts) else facts_of(known), frozenset(expect))


def cases_of(module: ModuleType) -> list[Case]:
    """The cases of the tests of one check: faulty ones first."""
    return [one for group in ("FAULTY", "HEALTHY", "EDGE") for one in getattr(module, group, ())]


def table(*groups: Sequence[Case]) -> Iterable[ParameterSet]:
    """The cases as parameters of one test, named by their titles."""
    return [pytest.param(one, id=one.title) for group in groups for one in group]


def assert_findings(one: Case) -> None:
    """Exactly the expected codes are reported, and no check broke."""
    diagnosis = one.diagnosis
    assert diagnosis.crashed == ()
    reported = {
        finding.code: finding.message for finding in diagnosis.findings if finding.severity is not Severity.INFO
    }
    assert reported.keys() == one.expect, reported
