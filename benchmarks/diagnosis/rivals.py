"""The peers on PyPI, asked by their documented interfaces in an environment of their own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.diagnosis.cases import Case
from benchmarks.diagnosis.files import plain_names, write_table
from diagnose.testing.synthetic import Fault

PACKAGES = (
    "runmedic==0.1.1",
    "trainspotter==0.2.6",
    "training-doctor==0.1.0",
    "sk-autod==0.1.1",
    "trainpulse==0.4.0",
    "finetune-doctor==0.2.2",
    "losslint==0.4.1",
    "gradsnitch==0.1.0",
)

_HIGH, _LOW = Fault.RATE_TOO_HIGH, Fault.RATE_TOO_LOW
# What each finding of a peer may stand for, read leniently: a symptom counts for each fault that shows it.
MEANING: Mapping[str, Mapping[str, frozenset[Fault]]] = {
    "runmedic": {
        "non_finite": frozenset({Fault.NAN}),
        "divergence": frozenset({Fault.DIVERGENCE, _HIGH}),
        "loss_spikes": frozenset({Fault.SPIKE, _HIGH}),
        "grad_spikes": frozenset({Fault.SPIKE, _HIGH}),
        "no_learning": frozenset({Fault.PLATEAU, _LOW}),
        "constant_lr_plateau": frozenset({Fault.PLATEAU}),
        "overfitting": frozenset({Fault.OVERFITTING, Fault.MEMORISATION}),
    },
    "trainspotter": {
        "divergence:Diverged (non-finite values)": frozenset({Fault.NAN}),
        "divergence": frozenset({Fault.DIVERGENCE, _HIGH}),
        "spikes": frozenset({Fault.SPIKE, _HIGH}),
        "grad_norm": frozenset({Fault.SPIKE, _HIGH}),
        "lr_schedule": frozenset({_HIGH}),
        "plateau": frozenset({Fault.PLATEAU, _LOW}),
        "overfitting": frozenset({Fault.OVERFITTING, Fault.MEMORISATION}),
        "loss_floor": frozenset({Fault.MEMORISATION}),
    },
    "training-doctor": {
        "lr_too_high": frozenset({_HIGH, Fault.SPIKE, Fault.DIVERGENCE, Fault.NAN}),
        "gradient_instability": frozenset({_HIGH, Fault.SPIKE, Fault.DIVERGENCE, Fault.NAN}),
        "mixed_precision_instability": frozenset({Fault.NAN}),
        "lr_too_low": frozenset({_LOW, Fault.PLATEAU}),
        "plateau": frozenset({_LOW, Fault.PLATEAU}),
        "early_plateau": frozenset({_LOW, Fault.PLATEAU}),
        "overfitting": frozenset({Fault.OVERFITTING, Fault.MEMORISATION}),
        "train_eval_mismatch": frozenset({Fault.OVERFITTING}),
    },
    "sk-autod": {
        "LR too high": frozenset({_HIGH, Fault.SPIKE, Fault.DIVERGENCE}),
        "Exploding gradient": frozenset({_HIGH, Fault.SPIKE, Fault.DIVERGENCE}),
        "Noisy training": frozenset({_HIGH, Fault.SPIKE}),
        "LR too low": frozenset({_LOW, Fault.PLATEAU}),
        "Underfitting": frozenset({_LOW, Fault.PLATEAU}),
        "Dying ReLU proxy": frozenset({Fault.PLATEAU}),
        "Label noise floor": frozenset({Fault.PLATEAU}),
        "Classic overfitting": frozenset({Fault.OVERFITTING, Fault.MEMORISATION}),
        "Missed early stopping": frozenset({Fault.OVERFITTING}),
    },
    "trainpulse": {
        "nan_detector": frozenset({Fault.NAN}),
        "loss_spike": frozenset({Fault.SPIKE, Fault.DIVERGENCE, _HIGH}),
        "gradient": frozenset({Fault.DIVERGENCE, _HIGH}),
        "learning_rate": frozenset({_HIGH}),
        "plateau": frozenset({Fault.PLATEAU, _LOW}),
    },
    "finetune-doctor": {
        "overfitting": frozenset({Fault.OVERFITTING, Fault.MEMORISATION}),
        "stopped_improving": frozenset({Fault.OVERFITTING, Fault.PLATEAU}),
        "loss_degenerate": frozenset({Fault.NAN}),
        "not_learning": frozenset({Fault.PLATEAU, Fault.DIVERGENCE, _LOW, _HIGH}),
        "loss_spikes": frozenset({Fault.SPIKE, _HIGH}),
        "gradients": frozenset({Fault.NAN, Fault.SPIKE, _HIGH}),
    },
    "losslint": {
        "nan_inf": frozenset({Fault.NAN}),
        "loss_spike": frozenset({Fault.SPIKE, _HIGH}),
        "divergence": frozenset({Fault.DIVERGENCE, _HIGH}),
        "overfit_onset": frozenset({Fault.OVERFITTING, Fault.MEMORISATION}),
        "stagnation": frozenset({Fault.PLATEAU, _LOW}),
    },
    "gradsnitch": {
        "Loss became NaN/Inf": frozenset({Fault.NAN}),
        "Gradient norm exploded (inf)": frozenset({Fault.NAN, _HIGH}),
        "Gradient-norm spike": frozenset({Fault.SPIKE, _HIGH}),
        "Train/val divergence (overfitting)": frozenset({Fault.OVERFITTING, Fault.MEMORISATION}),
        "Loss plateau (no early progress)": frozenset({Fault.PLATEAU, _LOW}),
        "Loss divergence (sustained rise)": frozenset({Fault.DIVERGENCE, _HIGH}),
        "Vanishing gradients": frozenset({Fault.PLATEAU}),
        "LR too high (update/weight ratio)": frozenset({_HIGH}),
        "Loss oscillation (growing amplitude)": frozenset({_HIGH}),
    },
}


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """What one peer said of one case."""

    case: Case
    tool: str
    alarms: tuple[str, ...]
    seconds: float
    problem: str | None

    @property
    def right(self) -> bool:
        """The fault among those that its alarms may stand for; for a healthy run, no alarm at all."""
        if self.problem is not None:
            return False
        if self.case.fault is Fault.HEALTHY:
            return not self.alarms
        return any(self.case.fault in meaning(self.tool, alarm) for alarm in self.alarms)


def meaning(tool: str, alarm: str) -> frozenset[Fault]:
    """The faults that an alarm of a peer may stand for."""
    known = MEANING[tool]
    return known.get(alarm, known.get(alarm.split(":", maxsplit=1)[0], frozenset()))


def environment() -> Path:
    """The Python of an environment that holds the peers, made where it is missing."""
    folder = Path(tempfile.gettempdir()) / "ttsdoc-benchmark-peers"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-I", "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        (folder / "ready").touch()
    return python


def ask(cases: Sequence[Case]) -> Iterator[PeerAnswer]:
    """Every peer on every case, each given a CSV with the plainest column names."""
    known = {case.name: case for case in cases}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with (folder / "tasks").open("w") as tasks:
            for case in cases:
                table = folder / f"{case.name}.csv"
                write_table(case.run, table, plain_names(case.run), dated=False)
                tasks.write(json.dumps({"name": case.name, "table": str(table)}) + "\n")
        worker = Path(__file__).with_name("rivals_worker.py")
        command = [str(environment()), "-I", str(worker), str(folder / "tasks"), str(folder / "answers")]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        for line in (folder / "answers").read_text().splitlines():
            name, tool, alarms, seconds, problem = json.loads(line)
            yield PeerAnswer(known[name], tool, tuple(alarms), seconds, problem)
