"""Checkpoints that a crash cannot spoil: one safetensors file each, written aside, synced, then renamed.

The weights, the optimiser's state and the codebook are the tensors; everything else is JSON in the file's
own header, so that no part can be newer than another.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from diagnose.errors import TrainerError
from diagnose.files import write_whole
from diagnose.trainer.log import say

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far training is. Order of clips, dropout and token replacement follow from `step` and the seed."""

    step: int = 0
    """Updates done."""
    best_loss: float | None = None
    best_step: int = 0
    waited: int = 0
    """Evaluations since the last improvement that counted."""
    bar: float | None = None
    """The loss that the next improvement must undercut by min_delta."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """All that is needed to go on training, or to speak."""

    weights: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    """`parameter name/state name` -> tensor."""
    codebook: Tensor
    progress: Progress
    options: dict[str, dict[str, Any]]
    """The effective config: section -> key -> value."""
    characters: str
    """The vocabulary."""
    longest: int
    """Speech tokens of the longest clip that was trained on."""

    def save(self, path: Path) -> None:
        """Write the file whole or not at all. Raises OSError."""
        tensors = {
            **{f"weights/{name}": value for name, value in self.weights.items()},
            **{f"optimizer/{name}": value for name, value in self.optimizer.items()},
            "codebook": self.codebook,
        }
        facts = {
            "schema": SCHEMA,
            "progress": asdict(self.progress),
            "options": self.options,
            "characters": self.characters,
            "longest": self.longest,
        }
        held = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        write_whole(path, save(held, {"ttsdoc": json.dumps(facts)}))


def load(path: Path) -> Checkpoint:
    """What `Checkpoint.save` wrote; nothing in it is executed. Raises TrainerError where it cannot be read."""
    if not path.is_file():
        raise TrainerError(f"{path}: there is no such checkpoint")
    try:
        with safe_open(path, "pt") as file:
            facts = _checked(json.loads((file.metadata() or {})["ttsdoc"]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        if facts["schema"] != SCHEMA:
            raise TrainerError(f"{path}: written by another version of ttsdoc (schema {facts['schema']})")
        return Checkpoint(
            _below("weights/", tensors),
            _below("optimizer/", tensors),
            tensors["codebook"],
            Progress(**facts["progress"]),
            facts["options"],
            facts["characters"],
            facts["longest"],
        )
    except (SafetensorError, OSError, LookupError, ValueError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise TrainerError(f"{path}: not a checkpoint of this trainer, or damaged ({reason})") from error


def _checked(facts: dict[str, Any]) -> dict[str, Any]:
    """The same facts. Raises KeyError, TypeError or ValueError where one is not what `save` writes."""
    for name, kind in (("progress", dict), ("options", dict), ("characters", str), ("longest", int)):
        if type(facts[name]) is not kind:
            raise ValueError(f"{name} is no {kind.__name__}")
    if not all(isinstance(section, dict) for section in facts["options"].values()):
        raise ValueError("options are no sections")
    for name, value in facts["progress"].items():
        number = type(value) is float or (type(value) is int and 0 <= value < 2**53)
        if not number and not (value is None and name in ("best_loss", "bar")):
            raise ValueError(f"{name} is no number of updates or loss")
    if not 0 < facts["longest"] < 2**31:
        raise ValueError(f"{facts['longest']} is no length")
    return facts


def named(folder: Path, name: str) -> Path:
    """The file that `best`, `last`, a step or a path means. Raises TrainerError where there is none."""
    if name.isdigit():
        name = f"step-{name}"
    path = Path(name) if Path(name).is_file() else folder / f"{name}.safetensors"
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in folder.glob("*.safetensors"))) or "none"
        raise TrainerError(f"{name}: no such checkpoint in {folder}; there are: {there}")
    return path


def forget_after(folder: Path, step: int) -> None:
    """Delete what was saved after `step`, from which training goes on otherwise."""
    for path in folder.glob("*.safetensors"):
        try:
            later = load(path).progress.step > step
        except TrainerError:  # damaged: nobody can go on from it
            later = True
        if later:
            path.unlink()


def newest(folder: Path) -> Checkpoint | None:
    """The latest checkpoint that is whole; None where there is none at all. Says so where later ones are damaged.

    Raises TrainerError where there are some and all are damaged.
    """
    numbered = sorted(folder.glob("step-*.safetensors"), key=_step_of, reverse=True)
    problem: TrainerError | None = None
    for path in filter(Path.is_file, [folder / "last.safetensors", *numbered]):
        try:
            whole = load(path)
        except TrainerError as error:  # noqa: PERF203 - as many as there are checkpoints
            problem = problem or error
        else:
            if problem:
                say(f"{problem}; going on from {path}, saved after step {whole.progress.step}")
            return whole
    if problem:
        raise problem
    return None


def prune(folder: Path, keep: int) -> None:
    """Delete all but the `keep` latest of the `step-N` checkpoints."""
    for path in sorted(folder.glob("step-*.safetensors"), key=_step_of, reverse=True)[keep:]:
        path.unlink(missing_ok=True)


def optimizer_tensors(optimizer: torch.optim.Optimizer, model: nn.Module) -> dict[str, Tensor]:
    """The optimiser's state by parameter name, so that it does not depend on the order of parameters."""
    return {
        f"{name}/{key}": value
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
        if value is not None  # SGD's momentum before its first update
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Put back what `optimizer_tensors` took out. Raises LookupError or ValueError where it is of another model."""
    parameters = dict(model.named_parameters())
    kept: dict[str, set[str]] = {}
    for label in tensors:
        name, _, key = label.rpartition("/")
        kept.setdefault(name, set()).add(key)
    if any(keys != next(iter(kept.values())) for keys in kept.values()):
        raise ValueError("the optimiser's state is not the same kind for all parameters")
    for label, value in tensors.items():
        name, _, key = label.rpartition("/")
        parameter = parameters[name]
        if value.dim() and value.shape != parameter.shape:
            raise ValueError(f"{label} has shape {tuple(value.shape)}, its parameter {tuple(parameter.shape)}")
        # AdamW keeps its step count on the CPU, where it is read every update.
        optimizer.state[parameter][key] = value if value.dim() == 0 else value.to(parameter.device)


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _step_of(path: Path) -> int:
    digits = path.stem.removeprefix("step-")
    return int(digits) if digits.isdigit() else -1
