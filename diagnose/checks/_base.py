"""The shape of a check: one file, one class, one pure method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from diagnose.finding import Confidence, Finding, Number, Prescription, Severity
from diagnose.run import Curve, Role, Run


class Check(ABC):
    """A question put to a run.

    A subclass is a frozen dataclass whose fields are its thresholds (each with a default and a comment
    that names the source) and whose docstring is its documentation, under the headings
    `## Why it matters`, `## How it is detected`, `## What to do`, `## Blind spots`, in this order.
    It is found by being in this folder; the file is named like the check, with underscores.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    """Kebab-case, states the problem, equals the file name."""
    needs: ClassVar[tuple[Role, ...]] = ()
    """Roles without which there is nothing to ask; the check is then skipped, with the reason."""
    min_points: ClassVar[int] = 1
    """Finite points that the first needed curve must have."""
    explained_by: ClassVar[tuple[str, ...]] = ()
    """Names of checks whose finding, when there, is the cause of this one: it is then told under that cause."""
    part_of: ClassVar[tuple[str, ...]] = ()
    """Names of checks whose finding, when there, is the same event seen better: this one is then dropped."""

    def skip_reason(self, run: Run) -> str | None:
        """Why `check` cannot judge this run, or None when it can."""
        for role in self.needs:
            curve = run.curve(role)
            if curve is None or not len(curve):
                return f"no {MEANING[role]} is logged"
        if self.needs:
            points = len(self.curve(run, self.needs[0]).finite)
            if points < self.min_points:
                return f"{points} of the {self.min_points} points needed"
        return None

    @abstractmethod
    def check(self, run: Run) -> Iterator[Finding]:
        """Findings of this check. Pure: no files, no clock, no randomness, no change to `run`."""

    def curve(self, run: Run, role: Role) -> Curve:
        """The curve with `role`, which `needs` has promised."""
        curve = run.curve(role)
        if curve is None:
            raise LookupError(f"{self.name} asked for {role.value} without declaring it in `needs`")
        return curve

    def finding(
        self,
        severity: Severity,
        confidence: Confidence,
        metric: str,
        message: str,
        *,
        steps: tuple[int, int] | None = None,
        evidence: Mapping[str, Number] | None = None,
        prescriptions: tuple[Prescription, ...] = (),
        advice: str = "",
    ) -> Finding:
        """A finding that carries this check's code and name."""
        details: dict[str, Any] = {} if steps is None else {"first_step": int(steps[0]), "last_step": int(steps[1])}
        return Finding(
            self.code,
            self.name,
            severity,
            confidence,
            metric,
            message,
            evidence=dict(evidence or {}),
            prescriptions=prescriptions,
            advice=advice,
            **details,
        )


MEANING: Mapping[Role, str] = {
    Role.TRAIN_LOSS: "training loss",
    Role.VAL_LOSS: "validation loss",
    Role.LEARNING_RATE: "learning rate",
    Role.GRAD_NORM: "gradient norm",
    Role.CLIPPED_SHARE: "share of clipped updates",
    Role.STEP_TIME: "step time",
    Role.EPOCH: "epoch",
}
