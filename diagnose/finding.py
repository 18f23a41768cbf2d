"""What ttsdoc says of a run: findings with their evidence, and what to change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from diagnose.numbers import Number, Value
from diagnose.run import Axis, Run

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from diagnose.facts import Facts
    from diagnose.plan import Plan


class _Ranked(str, Enum):
    @property
    def rank(self) -> int:
        """0 for the lowest, 1 for the next, ..."""
        return list(type(self)).index(self)


class Severity(_Ranked):
    """How bad it is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Confidence(_Ranked):
    """How sure we are."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Safety(str, Enum):
    """Whether a prescription may be applied without asking."""

    SAFE = "safe"
    UNSAFE = "unsafe"


class Support(str, Enum):
    """What a prescription rests on."""

    MEASURED = "measured"
    """`benchmarks/cure` ran it, and it cured."""
    CITED = "cited"
    """A paper or a document says so."""
    GUIDE = "guide"
    """The training guide says so, and nothing here has confirmed it."""


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
    value: Value
    """The new value (set), the factor (scale) or the largest allowed value (cap)."""
    why: str
    """Half a sentence with the number that led to it."""
    unit: str | None = None
    """`epochs` or `evaluations` of the config that is written; None: the parameter's own unit. `{updates}` in `why`
    becomes the steps of one of them."""
    needs: tuple[str, ...] = ()
    """Parameters that must be changed with this one: without them it is not made."""


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
    support: Support = Support.GUIDE
    """What it rests on; a rule that does not say has no more than the guide."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One measured number, the bar that it crossed, and the sentence that a person reads."""

    name: str
    """Snake case, stable: scripts use it (`share_lost`)."""
    value: Number
    threshold: Number | None = None
    """The bar, in the same unit; None where the number only informs."""
    unit: str = ""
    """`%`, `steps`, `clips`, `s`; empty for a plain number."""
    sentence: str = ""
    """`lost 47 % of its progress (alarm from 25 %)`; empty: name and value say it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem, where it is, how severe, how certain, and the numbers that prove it."""

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
    evidence: tuple[Evidence, ...] = ()
    """Measured numbers and the thresholds that they crossed."""
    examples: tuple[str, ...] = ()
    """A few places where it shows (`metadata.csv:3: clip_003`). Text from the input, not yet neutralised."""
    prescriptions: tuple[Prescription, ...] = ()
    advice: str = ""
    """What to do in words, for what no config edit can do."""
    line: int | None = None
    """1-based line of the config that it is about; None: of no line, or of none in particular."""
    explained_by: str | None = None
    """Name of the finding that is the cause of this one; shown under it, not beside it."""
    first_seen: int | None = None
    """The step at which someone who watched would have been alerted first; None: seen on the whole log."""
    confirmed: int | None = None
    """The step at which it was said for the second time in a row."""
    inconclusive: bool = False
    """Whether it says that silence of the other checks proves nothing."""
    launch: str = ""
    """The earlier launch in the same log that shows it (`epoch 0 to 117`); empty: the one that is judged."""

    @property
    def numbers(self) -> dict[str, Number]:
        """The evidence as name -> value."""
        return {evidence.name: evidence.value for evidence in self.evidence}

    @property
    def alarming(self) -> bool:
        """A warning or an error at medium or high confidence of the launch that is judged: the run is unhealthy."""
        return self.severity is not Severity.INFO and self.confidence is not Confidence.LOW and not self.launch


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
    axis: Axis = Axis.STEP
    """What `horizon_step` counts."""
    metric: str = ""
    """The tag of the curve; `low`, `median` and `high` are in its unit."""


class Recommendation(str, Enum):
    """Whether to go on training."""

    STOP = "stop"
    CONTINUE = "continue"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of the run worth listening to."""

    step: int
    why: str
    file: str | None = None
    """The checkpoint on disk nearest before that moment, where one was found."""


@dataclass(frozen=True, slots=True)
class StopAdvice:
    """Stop or go on, and why."""

    recommendation: Recommendation
    reasons: tuple[str, ...]
    metric: str
    """The curve that was judged: the validation loss where there is one."""
    axis: Axis
    best_step: int
    best_value: float
    evaluations_since_best: int
    listen: tuple[Moment, ...]
    equally_good: tuple[int, int] | None = None
    """First and last step of those that are as good, within the noise of the curve."""
    smoothed: bool = False
    """Whether `best_value` is a level (say "about"): single points are noise."""


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Everything that ttsdoc has to say of one training."""

    facts: Facts
    verdict: Verdict
    findings: tuple[Finding, ...]
    """Worst first; consequences of another finding are folded under it."""
    prescriptions: tuple[Prescription, ...] = ()
    forecast: Forecast | None = None
    stop: StopAdvice | None = None
    skipped: tuple[Skipped, ...] = ()
    crashed: tuple[Crashed, ...] = ()

    @property
    def run(self) -> Run:
        """What was logged."""
        return self.facts.run

    @property
    def reasons(self) -> tuple[str, ...]:
        """What keeps the curves from being judged, and what to log: why a verdict is `inconclusive`."""
        return tuple(finding.message for finding in self.findings if finding.inconclusive)

    @cached_property
    def plan(self) -> Plan:
        """What to change: the edits that `ttsdoc fix` makes without options."""
        from diagnose.plan import plan

        return plan(self)

    def __repr__(self) -> str:
        names = ", ".join(finding.name for finding in self.findings if finding.alarming)
        return f"<Diagnosis {self.run.name or 'config'}: {self.verdict.value}{f' ({names})' if names else ''}>"

    def __str__(self) -> str:
        """The report, as `ttsdoc analyze` prints it."""
        from diagnose.report.screen import Screen
        from diagnose.report.terminal import render

        return render(self, Screen())

    def _repr_html_(self) -> str:
        from diagnose.report.notebook import diagnosis_html

        return diagnosis_html(self)

    def plot(self) -> Figure:
        """The losses as a plotly figure, with the findings marked. Needs the extra `report`."""
        from diagnose.report.notebook import diagnosis_plot

        return diagnosis_plot(self)


class Diagnoses(list[Diagnosis]):
    """A list that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        from diagnose.report.notebook import diagnoses_html

        return diagnoses_html(self)
