"""The shape of a check: one file, one class, one pure method."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from enum import Enum
from inspect import get_annotations
from typing import TYPE_CHECKING, ClassVar

from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Prescription, Severity
from diagnose.numbers import Number
from diagnose.run import SHARED_ROLES, Curve, Role

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "About",
    "Check",
    "Confidence",
    "Curve",
    "Evidence",
    "Facts",
    "Finding",
    "Findings",
    "Prescription",
    "Role",
    "Severity",
]
"""What a file with a check needs beside numpy."""

Findings = Iterator[Finding]
"""What `check` yields."""


class About(str, Enum):
    """What a check is about: without it there is nothing to examine, and nothing to report as skipped."""

    RUN = "run"
    CONFIG = "config"
    DATASET = "dataset"
    TRAINER = "trainer"

    def is_known(self, facts: Facts) -> bool:
        """Whether the facts hold it."""
        return {
            About.RUN: bool(facts.run.curves),
            About.CONFIG: facts.config is not None,
            About.DATASET: facts.survey is not None,
            About.TRAINER: facts.config is not None,
        }[self]


class Check(ABC):
    """A question put to the facts of one training.

    The annotated attributes of a subclass are its thresholds (each a number with a comment that names the source);
    its docstring is its documentation, under the headings
    `## Why it matters`, `## How it is detected`, `## What to do`, `## Blind spots`, in this order.
    It is found by being in a folder of `checks/`; the file is named like the check, with underscores.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    """Kebab-case, states the problem; by default that of the class: `IdleGpu` is `idle-gpu`, in `idle_gpu.py`."""
    about: ClassVar[About] = About.RUN
    needs: ClassVar[tuple[Role, ...]] = ()
    """Roles without which there is nothing to ask; the check is then skipped, with the reason."""
    min_points: ClassVar[int] = 1
    """Finite points that the first needed curve must have."""
    explained_by: ClassVar[tuple[str, ...]] = ()
    """Names of checks whose finding, when there, is the cause of this one: it is then shown under that cause."""
    part_of: ClassVar[tuple[str, ...]] = ()
    """Names of checks whose finding, when there, is the same event seen better: this one is then dropped."""

    def __init_subclass__(cls) -> None:
        cls.name = vars(cls).get("name", re.sub("(?<!^)(?=[A-Z])", "-", cls.__name__).lower())

    @classmethod
    def thresholds(cls) -> dict[str, Number]:
        """The thresholds of the class, each with its default."""
        bases = [base for base in reversed(cls.__mro__) if issubclass(base, Check) and base is not Check]
        declared = (pair for base in bases for pair in get_annotations(base).items())
        return {name: getattr(cls, name) for name, kind in declared if "ClassVar" not in str(kind)}

    def tuned(self, thresholds: Mapping[str, Number]) -> Self:
        """The same check with these thresholds."""
        check = copy(self)
        vars(check).update(thresholds)
        return check

    def applies(self, facts: Facts) -> bool:
        """Whether what this check is about is known at all."""
        return self.about.is_known(facts)

    def skip_reason(self, facts: Facts) -> str | None:
        """Why `check` cannot judge these facts, or None when it can."""
        for role in self.needs:
            curve = facts.run.curve(role)
            if curve is None or not len(curve):
                return f"no {MEANING[role]} is logged"
        if self.needs:
            points = len(self.curve(facts, self.needs[0]).finite)
            if points < self.min_points:
                return f"{points} of the {self.min_points} points needed"
        return None

    @abstractmethod
    def check(self, facts: Facts) -> Findings:
        """Findings of this check. Pure: no files, no clock, no randomness, no change to `facts`."""

    def curve(self, facts: Facts, role: Role) -> Curve:
        """The curve with `role`, which `needs` has promised."""
        curve = facts.run.curve(role)
        if curve is None:
            raise LookupError(f"{self.name} asked for {role.value} without declaring it in `needs`")
        return curve

    def report(
        self,
        curve: Curve,
        message: str,
        *evidence: Evidence,
        first: int = 0,
        last: int = -1,
        severity: Severity = Severity.WARNING,
        confidence: Confidence = Confidence.MEDIUM,
        prescriptions: tuple[Prescription, ...] = (),
        advice: str | None = None,
    ) -> Finding:
        """A finding about a curve, from its point `first` to its point `last`; the advice is that of the docstring."""
        return self.finding(
            severity,
            confidence,
            curve.tag if curve.role is None or curve.role in SHARED_ROLES else curve.role.value,
            message,
            steps=(curve.steps[first], curve.steps[last]),
            evidence=evidence,
            prescriptions=prescriptions,
            advice=self.what_to_do() if advice is None else advice,
        )

    @classmethod
    def what_to_do(cls) -> str:
        """The section of the docstring, as one line."""
        section = (cls.__doc__ or "").partition("## What to do")[2].partition("##")[0]
        return " ".join(section.split())

    def finding(
        self,
        severity: Severity,
        confidence: Confidence,
        metric: str,
        message: str,
        *,
        steps: tuple[int, int] | None = None,
        evidence: Mapping[str, Number] | Iterable[Evidence] = (),
        prescriptions: tuple[Prescription, ...] = (),
        advice: str = "",
    ) -> Finding:
        """A finding that carries this check's code and name. A mapping is evidence without thresholds."""
        if isinstance(evidence, Mapping):
            evidence = (Evidence(name, value) for name, value in evidence.items())
        return Finding(
            self.code,
            self.name,
            severity,
            confidence,
            metric,
            message,
            first_step=None if steps is None else int(steps[0]),
            last_step=None if steps is None else int(steps[1]),
            evidence=tuple(evidence),
            prescriptions=prescriptions,
            advice=advice,
        )


MEANING: Mapping[Role, str] = {
    Role.TRAIN_LOSS: "training loss",
    Role.VAL_LOSS: "validation loss",
    Role.LEARNING_RATE: "learning rate",
    Role.GRAD_NORM: "gradient norm",
    Role.CLIPPED_SHARE: "share of clipped updates",
    Role.STEP_TIME: "step time",
    Role.LOADER_TIME: "time spent waiting for data",
    Role.GPU_UTIL: "use of the GPU",
    Role.MEMORY: "memory",
    Role.ERROR_RATE: "error rate",
    Role.SCORE: "score",
    Role.TRAIN_COMPONENT: "part of the training loss",
    Role.VAL_COMPONENT: "part of the validation loss",
    Role.EPOCH: "epoch",
}
