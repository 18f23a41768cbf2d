"""Hugging Face `trainer_state.json`: the whole history of a Trainer run in one document."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from diagnose.errors import LogError
from diagnose.readers.columns import curves_of
from diagnose.readers.columns.document import LARGEST, read_document, records_within
from diagnose.readers.columns.tables import columns_of_rows
from diagnose.readers.sources import Source
from diagnose.regex import regex
from diagnose.run import InputHealth, Role, Run

_CHECKPOINT = regex(r"checkpoint-\d+")
# What the state says of the training itself.
_SETTINGS = ("train_batch_size", "num_train_epochs", "max_steps", "logging_steps", "eval_steps", "save_steps")
_LARGEST_CONFIG = 1 << 18
_ROLES = {"loss": Role.TRAIN_LOSS, "learning_rate": Role.LEARNING_RATE, "grad_norm": Role.GRAD_NORM}


def sniff(source: Source) -> int:
    """A JSON document with a `log_history`."""
    head = source.head()
    if not head.lstrip().startswith(b"{"):
        return 0
    if b'"log_history"' in head:
        return 100
    return 95 if source.name.endswith("trainer_state.json") else 0


def read(source: Source) -> Run:
    """The history as curves in steps. Raises LogError where the document is cut off or holds no history."""
    state, lost = _state(source)
    history = [entry for entry in state.get("log_history") or [] if isinstance(entry, dict)]
    columns = columns_of_rows(history)
    roles = {tag: role for tag, role in _ROLES.items() if tag in columns}
    evals = [tag for tag in columns if tag.startswith("eval_") and tag.endswith("loss")]
    if evals:
        roles[min(evals, key=lambda tag: (tag != "eval_loss", tag))] = Role.VAL_LOSS
    # A finished run ends with the mean over the whole run: no point of any curve.
    columns.pop("train_loss", None)
    steps = state.get("max_steps")
    return curves_of(columns, roles).run(
        source,
        "trainer-state",
        InputHealth(files=1, records=len(history)),
        (*_best(state), *lost),
        empty="its log_history is empty: nothing was logged yet",
        name=_name(source),
        hparams=_hyperparameters(source, state),
        planned=steps if isinstance(steps, int) and steps > 0 else None,
    )


def _name(source: Source) -> str:
    """The run is called as its folder, that of a checkpoint as the folder above."""
    if source.path is None or source.path.name != "trainer_state.json":
        return source.label
    folder = source.path.resolve().parent
    above = PurePosixPath(source.label).parent
    if _CHECKPOINT.fullmatch(folder.name):
        folder, above = folder.parent, above.parent
    return folder.name if str(above) == "." else str(above)


def _hyperparameters(source: Source, state: dict[str, Any]) -> dict[str, Any]:
    """What the state and the model's `config.json` beside it say of the model; `training_args.bin` is a pickle."""
    settings = {name: state[name] for name in _SETTINGS if isinstance(state.get(name), int | float)}
    beside = source.path.with_name("config.json") if source.path is not None else None
    if beside is None or not beside.is_file() or beside.stat().st_size > _LARGEST_CONFIG:
        return settings
    try:
        config = json.loads(beside.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return settings
    if not isinstance(config, dict):
        return settings
    return {name: value for name, value in config.items() if isinstance(value, str | int | float)} | settings


def _state(source: Source) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The state, and a note where only the records of a torn one are left."""
    try:
        state = read_document(source)
    except LogError:
        with source.open() as file:
            records = records_within(file.read(LARGEST).decode("utf-8", "replace"))
        if len(records) < 2:
            raise
        return {"log_history": records}, (f"the document is not complete: its {len(records)} records are read",)
    if not isinstance(state, dict) or not isinstance(state.get("log_history"), list):
        raise LogError(f"{source.name}: no log_history in it: is this a trainer_state.json?")
    return state, ()


def _best(state: dict[str, Any]) -> tuple[str, ...]:
    """Which metric chose the best checkpoint: it may fall while the loss rises."""
    metric, where = state.get("best_metric"), state.get("best_model_checkpoint")
    if not isinstance(metric, int | float) or not isinstance(where, str):
        return ()
    return (f"the trainer's best checkpoint is {where} with {metric:g} (its own metric, which need not be the loss)",)
