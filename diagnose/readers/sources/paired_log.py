"""A validation log in a file of its own beside the training log, and the two read as one run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from diagnose.errors import LogError
from diagnose.readers.roles import HELD_OUT, measured_in, read_tag
from diagnose.readers.sources import Source
from diagnose.regex import regex
from diagnose.run import Curve, Role, Run

_TRAIN = regex(r"(?<![a-z])train(?:ing)?(?![a-z])", re.IGNORECASE)
_VAL = regex(r"(?<![a-z])(?:val|valid|validation|eval|dev|test)(?![a-z])", re.IGNORECASE)
_WORDS = ("val", "valid", "validation", "eval", "dev")
# What stands in place of `train`: many call their validation a test. `test_log.txt` beside `log.txt` is a trial.
_PAIRED = (*_WORDS, "test")

Reading = Callable[[Source], Run]


def with_paired_log(source: Source, read: Reading) -> Run:
    """The run of `source`, with the curves of the validation log beside it.

    A validation log found in a folder is left to its training log (LogError, which the walk passes over);
    one that was asked for by name gives a run without a training loss. Without a training log beside it the name of
    a file says nothing (`dev-machine.csv`, `cross-validation-fold1.csv`) unless it is that of the loss: `val_loss.txt`.
    """
    if source.path is None:
        return read(source)
    train = _train_of(source.path)
    if train is not None and not source.asked:
        raise LogError(f"{source.name}: read together with {train}")
    run = read(source)
    named = read_tag(measured_in(source.path.stem)[0])
    alone = named.held_out and named.lossy and not any(read_tag(tag).split for tag in run.curves)
    if alone or (train is not None and not _holds_both(run)):
        return replace(run, curves=_as_validation(run.curves))
    val = _val_of(source.path)
    if val is None:
        return run
    try:
        return _joined(run, read(Source(str(val), val, label=source.label)), val)
    except LogError as error:
        return replace(run, notes=(*run.notes, f"the validation log beside it was not read: {error}"))


def _joined(run: Run, other: Run, val: Path) -> Run:
    note = f"the validation losses are from {val.name} beside it"
    return replace(
        run,
        curves={**run.curves, **_as_validation(other.curves)},
        sources=run.sources + other.sources,
        health=run.health + other.health,
        notes=(*run.notes, *other.notes, note),
    )


def _as_validation(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """The curves of a validation log, under `val/` where the tags do not say so; none plays a training role."""
    named = {tag if read_tag(tag).split in HELD_OUT else f"val/{tag}": curve for tag, curve in curves.items()}
    role = Role.VAL_LOSS
    return {tag: replace(curve, tag=tag, role=role if curve.role is role else None) for tag, curve in named.items()}


def _holds_both(run: Run) -> bool:
    """Whether the log distinguishes its held-out losses by itself: then its place says nothing of them."""
    losses = [reading for reading in map(read_tag, run.curves) if reading.lossy]
    return len({reading.split in HELD_OUT for reading in losses}) > 1


def _val_of(path: Path) -> Path | None:
    """`val_loss.csv` beside `train_loss.csv`, `val_log.txt` beside `log.txt`, `val/log.txt` beside `train/log.txt`."""
    stems = [_TRAIN.sub(word, path.stem) for word in _PAIRED if _TRAIN.search(path.stem)]
    names = [path.with_name(stem + path.suffix) for stem in stems]
    if not stems:
        names = [path.with_name(f"{word}_{path.name}") for word in _WORDS]
    if _TRAIN.fullmatch(path.parent.name):
        names += [path.parent.parent / word / path.name for word in _PAIRED]
    return next((name for name in names if name.is_file()), None)


def _train_of(path: Path) -> Path | None:
    """The training log that this validation log belongs to."""
    name = re.sub(r"^(?:val|valid|validation|eval|dev)_", "", path.name)
    names = [
        path.with_name(_VAL.sub(word, path.stem) + path.suffix)
        for word in ("train", "training")
        if _VAL.search(path.stem)
    ]
    names += [path.with_name(name)] if name != path.name else []
    if _VAL.fullmatch(path.parent.name):
        names += [path.parent.parent / word / path.name for word in ("train", "training")]
    return next((other for other in names if other.is_file() and other != path and _val_of(other) == path), None)
