"""What a training run logged: its curves, and the health of its files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure


class Axis(str, Enum):
    """What the step numbers of a curve count."""

    STEP = "step"
    EPOCH = "epoch"
    TIME = "second"


@dataclass(frozen=True, eq=False)
class Attachment:
    """A sound or a text that the log holds, read only when it is asked for."""

    kind: str
    """`audio` (an encoded sound, most often wav) or `text` (UTF-8)."""
    tag: str
    step: int
    wall_time: float
    """Seconds since 1970."""
    load: Callable[[], bytes]
    """Reads it. Raises OSError where the file is gone."""


@dataclass(frozen=True, slots=True)
class InputHealth:
    """How much of the input was read, and how much of it was damaged."""

    files: int = 0
    records: int = 0
    bad_records: int = 0
    bytes_skipped: int = 0
    metric_lines: int = 0
    """Lines of text that name a metric and hold a number."""
    unread_lines: int = 0
    """Those of them of which no number was taken."""
    unread_example: str = ""
    """The first of these lines."""

    @property
    def unread_share(self) -> float:
        """The share of the metric lines of which nothing was taken."""
        return self.unread_lines / self.metric_lines if self.metric_lines else 0.0

    def __add__(self, other: InputHealth) -> InputHealth:
        sums = {field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)}
        return InputHealth(**sums | {"unread_example": self.unread_example or other.unread_example})


class EndingKind(str, Enum):
    """How a log ended, where it says so."""

    FINISHED = "finished"
    """The trainer said that it was done, or stopped early on purpose."""
    DIED = "died"
    """A traceback or a fatal signal."""
    OUT_OF_MEMORY = "out of memory"
    KILLED = "killed"
    """From outside: a scheduler, its time limit, the operating system."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The last thing that a log says of the training."""

    kind: EndingKind
    line: str
    """The line that says so, as it is."""
    step: int | None = None
    """The last step (or epoch) that was logged before it."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a log begins, if not with the training."""

    at: int
    """The first step (or epoch) in it."""
    axis: Axis
    line: str = ""
    """The line that reports a resumed training; empty where only the count does."""

    @property
    def place(self) -> str:
        """Where it begins, as people say it: `epoch 18`."""
        return f"{self.axis.value} {self.at:,}"


IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


class Role(str, Enum):
    """What a curve means, whatever the framework calls it."""

    TRAIN_LOSS = "train_loss"
    VAL_LOSS = "val_loss"
    LEARNING_RATE = "learning_rate"
    GRAD_NORM = "grad_norm"
    CLIPPED_SHARE = "clipped_share"
    STEP_TIME = "step_time"
    LOADER_TIME = "loader_time"
    GPU_UTIL = "gpu_util"
    MEMORY = "memory"
    ERROR_RATE = "error_rate"
    """Falls as the model gets better: WER, CER, an error in per cent. Several curves may play it."""
    SCORE = "score"
    """Rises as the model gets better: accuracy, BLEU, F1, PESQ. Several curves may play it."""
    EPOCH = "epoch"
    TRAIN_COMPONENT = "train_component"
    """A part of the training loss, or another loss beside the headline. Several curves may play it."""
    VAL_COMPONENT = "val_component"


SHARED_ROLES = {
    Role.ERROR_RATE: "error_rate",
    Role.SCORE: "score",
    Role.TRAIN_COMPONENT: "train_loss",
    Role.VAL_COMPONENT: "val_loss",
}
"""Roles that several curves of one run may play, and what their labels begin with."""


@dataclass(frozen=True, eq=False)
class Curve:
    """One logged scalar. Arrays are read-only, of one length, ordered by step."""

    tag: str
    """The name in the log, byte for byte."""
    steps: IntArray
    """Shape (n,), not decreasing, in units of `axis`."""
    values: FloatArray
    """Shape (n,). NaN and inf are kept: they are evidence."""
    wall_times: FloatArray | None = None
    """Shape (n,), seconds since 1970, where the log has them."""
    epochs: FloatArray | None = None
    """Shape (n,), the epoch of each point (fractions allowed), where the log has it."""
    role: Role | None = None
    axis: Axis = Axis.STEP
    component: str = ""
    """Which one it is, where several curves play its role: `mel`, `kl`, `wer`."""
    held_out: bool = False
    """Whether it was measured on data that is not trained on."""
    adversarial: bool = False
    """Whether it is a loss of one network against another: NaN in it is a fault, its level and course say nothing."""
    counted: bool = True
    """Whether the log gives steps; else they are the order of the points and are shown to nobody as steps."""

    @property
    def label(self) -> str:
        """The name of its role: `train_loss`, `train_loss/mel`, `error_rate/wer`; nothing where it plays none."""
        if self.role is None:
            return ""
        start = SHARED_ROLES.get(self.role)
        return self.role.value if start is None else f"{start}/{self.component}"

    @property
    def unit(self) -> str:
        """What its steps are called to people: `step`, `epoch`, `second`; `point` where the log counts none."""
        return self.axis.value if self.counted else "point"

    def place(self, step: float) -> str:
        """Where a step is, as people say it: `step 1,200`; `epoch 2.1` where the log reports epochs only."""
        index = int(np.searchsorted(self.steps, step))
        if self.counted or self.epochs is None or index >= len(self) or not np.isfinite(self.epochs[index]):
            return f"{self.unit} {step:,.0f}"
        return f"epoch {self.epochs[index]:.4g}"

    def __post_init__(self) -> None:
        for name, dtype in _COLUMNS:
            column = getattr(self, name)
            if column is None:
                continue
            column = np.asarray(column, dtype=dtype).view()
            if column.shape != np.shape(self.steps) or column.ndim != 1:
                raise ValueError(f"{self.tag}: {name} has shape {column.shape}, steps {np.shape(self.steps)}")
            column.flags.writeable = False
            object.__setattr__(self, name, column)

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        role = f" as {self.role.value}" if self.role else ""
        return f"<Curve {self.tag}{role}: {len(self)} points>"

    @cached_property
    def finite(self) -> Curve:
        """The same curve without its NaN and infinite points."""
        keep = np.isfinite(self.values)
        return self if keep.all() else self.where(keep)

    def until(self, step: int) -> Curve:
        """The curve as it was when `step` (in units of `axis`) had been logged."""
        return self.where(self.steps <= step)

    def along(self, axis: Axis) -> Curve:
        """The same points counted in epochs or in seconds since the first; unchanged where the log does not say."""
        ticks = {Axis.EPOCH: self.epochs, Axis.TIME: self.wall_times}.get(axis)
        if ticks is None or not len(self) or not np.isfinite(ticks).all() or (np.diff(ticks) < 0).any():
            return self
        first = ticks[0] if axis is Axis.TIME else 0.0
        return replace(self, steps=np.floor(ticks - first).astype(np.int64), axis=axis)

    def where(self, keep: npt.NDArray[np.bool_]) -> Curve:
        """The points for which `keep`, shape (n,), is true."""
        return replace(
            self,
            steps=self.steps[keep],
            values=self.values[keep],
            wall_times=None if self.wall_times is None else self.wall_times[keep],
            epochs=None if self.epochs is None else self.epochs[keep],
        )


_COLUMNS: tuple[tuple[str, Any], ...] = (
    ("steps", np.int64),
    ("values", np.float64),
    ("wall_times", np.float64),
    ("epochs", np.float64),
)


@dataclass(frozen=True, eq=False)
class Run:
    """One training run: what was logged."""

    name: str
    """The run's name as TensorBoard gives it: its folder below the one that was asked for."""
    source: str
    """The file or folder that it was read from."""
    format: str
    """The log format: the name of the reader or of the preset that knew it."""
    curves: Mapping[str, Curve]
    """By tag, in the order of the log."""
    family: str | None = None
    """The model family that the log's format or its tags show (`t3`, `vits`, ...)."""
    sources: tuple[str, ...] = ()
    """Every file that was read."""
    health: InputHealth = field(default_factory=InputHealth)
    notes: tuple[str, ...] = ()
    """What a user should know of the reading: guesses, damage, other launches in the same file."""
    hparams: Mapping[str, Any] = field(default_factory=dict)
    """Hyperparameters that the log holds, by the names that the trainer gave them."""
    attachments: tuple[Attachment, ...] = ()
    """Sounds and texts in the log, in its order."""
    beginning: Beginning | None = None
    """Where the log begins in the middle of the training; None where it has its beginning, or nothing says."""
    ending: Ending | None = None
    """How the log ended; None where it just stops."""
    planned: int | None = None
    """The last step (or epoch, as the training loss counts) that the log itself announces: `Step 400/2000`."""
    earlier: tuple[Run, ...] = ()
    """Other launches in the same log that hold a training, each named by where it went (`epoch 0 to 117`)."""
    idle_seconds: float | None = None
    """Seconds between the last write to the log and its reading; None where that is not known."""

    def __repr__(self) -> str:
        return f"<Run {self.name}: {len(self.curves)} curves, {self.format}>"

    def _repr_html_(self) -> str:
        from diagnose.report.notebook import run_html

        return run_html(self)

    def plot(self) -> Figure:
        """The losses as a plotly figure. Needs the extra `report`."""
        from diagnose.report.notebook import run_plot

        return run_plot(self)

    def first_place(self, curve: Curve) -> str:
        """Where the log begins, as people say it: by what it counts, else where the curve does."""
        return self.beginning.place if self.beginning else curve.place(curve.steps[0])

    def curve(self, role: Role) -> Curve | None:
        """The curve that plays `role`, if one was logged."""
        return next((curve for curve in self.curves.values() if curve.role is role), None)

    def played_by(self, role: Role) -> tuple[Curve, ...]:
        """All curves that play `role`, in the order of the log."""
        return tuple(curve for curve in self.curves.values() if curve.role is role)

    @property
    def loss(self) -> Curve | None:
        """The training loss, else the validation loss, whatever it says."""
        return self.curve(Role.TRAIN_LOSS) or self.curve(Role.VAL_LOSS)

    @property
    def shown(self) -> Curve | None:
        """The curve by whose clock the run is shown: a loss, else a score or an error rate, of held-out data first."""
        rates = (*self.played_by(Role.SCORE), *self.played_by(Role.ERROR_RATE))
        return self.loss or next((one for one in rates if one.held_out), next(iter(rates), None))

    @property
    def labelled(self) -> dict[str, Curve]:
        """Every curve with a role, by its label: `train_loss`, `train_loss/mel`, `val_loss`, ..."""
        return {curve.label: curve for curve in self.curves.values() if curve.role is not None}

    @property
    def peak_logged_rate(self) -> float | None:
        """The highest finite learning rate in the log; None where none was logged."""
        curve = self.curve(Role.LEARNING_RATE)
        return None if curve is None or not len(curve.finite) else float(curve.finite.values.max())

    def until(self, step: int) -> Run:
        """The run as its logs were after `step` of its training loss, or of the curve that is shown where it has none.

        Curves on another axis (validation in epochs, training in steps) are cut at the same share of their length.
        """
        clock = self.shown
        axis = Axis.STEP if clock is None else clock.axis
        share = 1.0 if clock is None or not len(clock) else float(np.mean(clock.steps <= step))
        cut = {tag: _cut(curve, step, axis, share) for tag, curve in self.curves.items()}
        return replace(self, curves=cut, earlier=())

    def to_frame(self) -> pd.DataFrame:
        """A tidy frame: one row a point, columns run, tag, step, value, wall_time."""
        import pandas as pd

        columns = ["run", "tag", "step", "value", "wall_time"]
        frames = [pd.DataFrame(columns=columns)] * (not self.curves)
        for tag, curve in self.curves.items():
            times = np.nan if curve.wall_times is None else curve.wall_times
            frames.append(
                pd.DataFrame(dict(zip(columns, (self.name, tag, curve.steps, curve.values, times), strict=True)))
            )
        frame: pd.DataFrame = pd.concat(frames, ignore_index=True)
        return frame


def _cut(curve: Curve, step: int, axis: Axis, share: float) -> Curve:
    cut = np.arange(len(curve)) < round(share * len(curve))
    return curve.until(step) if curve.axis is axis else curve.where(cut)
