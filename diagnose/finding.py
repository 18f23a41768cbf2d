"""What ttsdoc says of a run: findings with their evidence, and what to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from diagnose.run import Run

Number = int | float
Scalar = str | int | float | bool


class Severity(str, Enum):
    """How bad it is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for info, 1 for warning, 2 for error."""
        return list(Severity).index(self)


class Confidence(str, Enum):
    """How sure we are."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 for low, 1 for medium, 2 for high."""
        return list(Confidence).index(self)


class Safety(str, Enum):
    """Whether a prescription may be applied without asking."""

    SAFE = "safe"
    UNSAFE = "unsafe"


class Operation(str, Enum):
    """How an edit turns the old value into the new."""

    SET = "set"
    SCALE = "scale"
    CAP = "cap"


class Verdict(str, Enum):
    """The one word for a run."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Edit:
    """One change to one canonical hyperparameter."""

    parameter: str
    """Canonical name (`learning_rate`, `grad_clip_norm`, ...), whatever the config calls it."""
    operation: Operation
    value: Scalar
    """The new value (set), the factor (scale) or the largest allowed value (cap)."""
    why: str
    """Half a sentence with the number that led to it."""


@dataclass(frozen=True, slots=True)
class Prescription:
    """What to change, and why."""

    title: str
    why: str
    edits: tuple[Edit, ...]
    safety: Safety = Safety.UNSAFE
    answers: tuple[str, ...] = ()
    """Codes of the findings that it answers."""
    expected: str = ""
    """The effect to expect and where that figure comes from."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, where it is, how bad, how sure, and the numbers that prove it."""

    code: str
    name: str
    severity: Severity
    confidence: Confidence
    metric: str
    """The role or tag of the curve that shows it; `config` or `dataset` where no curve does."""
    message: str
    """One sentence, with its numbers, that a non-expert understands."""
    first_step: int | None = None
    last_step: int | None = None
    evidence: Mapping[str, Number] = field(default_factory=dict)
    """Measured numbers and the thresholds that they crossed, by name."""
    prescriptions: tuple[Prescription, ...] = ()
    advice: str = ""
    """What to do in words, for what no config edit can do."""
    explained_by: str | None = None
    """Name of the finding that is the cause of this one; told under it, not beside it."""

    @property
    def alarming(self) -> bool:
        """A warning or an error at medium or high confidence: what makes a run unhealthy."""
        return self.severity is not Severity.INFO and self.confidence is not Confidence.LOW


@dataclass(frozen=True, slots=True)
class Skipped:
    """A check that could not judge, and why."""

    code: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """A check that broke. Our fault, never the run's; the other checks go on."""

    code: str
    name: str
    error: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where the training loss will be at the horizon."""

    horizon_step: int
    low: float
    median: float
    high: float
    coverage: float = 0.8
    """The share of runs whose loss falls between `low` and `high`."""
    note: str = ""
    """What follows from it (`target not reachable with this schedule`)."""


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Everything that ttsdoc has to say of one run."""

    run: Run
    verdict: Verdict
    findings: tuple[Finding, ...]
    """Worst first; consequences of another finding are folded under it."""
    prescriptions: tuple[Prescription, ...] = ()
    forecast: Forecast | None = None
    skipped: tuple[Skipped, ...] = ()
    crashed: tuple[Crashed, ...] = ()
    reasons: tuple[str, ...] = ()
    """What keeps the curves from being judged, and what to log: why a verdict is `inconclusive`."""
