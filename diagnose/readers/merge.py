"""Several logs of one training as one run: each curve from the log that has more of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

import numpy as np

from diagnose.readers.roles import read_tag
from diagnose.run import Curve, Role, Run

# The second log's curve is taken where it has this many times the points.
MORE = 1.1

Meaning = tuple[bool, frozenset[str], int, tuple[str, ...]]


def merged(run: Run, others: Sequence[Run]) -> Run:
    """The run with what only the other logs hold: curves, how the training ended, where it began, its planned end."""
    for other in others:
        run = _with(run, other)
    names = " and ".join([PurePath(run.source).name, *(PurePath(other.source).name for other in others)])
    folder = next((other.name for other in others if other.format == "trainer-state"), run.name)
    run = replace(run, name=folder if run.name == "." else run.name)
    return replace(run, notes=(*run.notes, f"one training: {names} were read together") if others else run.notes)


def _with(run: Run, other: Run) -> Run:
    curves = dict(run.curves)
    known = {_meaning(tag): tag for tag in curves}
    for tag, curve in other.curves.items():
        own = known.get(_meaning(tag))
        if own is None:
            curves[tag if tag not in curves else f"{tag} ({PurePath(other.source).name})"] = curve
        elif curve.counted and (len(curve) > MORE * len(curves[own]) or _has_lost(curve) > _has_lost(curves[own])):
            curves[own] = replace(curve, tag=own, role=curves[own].role)
        elif curve.counted and not curves[own].counted and len(curve) > 1:
            curves[own] = _counted_as(curves[own], curve)
    roles = {curve.role for curve in run.curves.values()}
    curves = {tag: _without_second_role(tag, curve, run, roles) for tag, curve in curves.items()}
    return replace(
        run,
        curves=curves,
        family=run.family or other.family,
        sources=(*run.sources, *(name for name in other.sources if name not in run.sources)),
        health=run.health + other.health,
        notes=(*run.notes, *(note for note in other.notes if note not in run.notes)),
        hparams={**other.hparams, **run.hparams},
        beginning=run.beginning or other.beginning,
        ending=run.ending or other.ending,
        planned=run.planned or other.planned,
    )


def _has_lost(curve: Curve) -> bool:
    """Whether it became NaN or infinite: what one process, or one log, shows and the others hide."""
    return not np.isfinite(curve.values).all()


def _counted_as(own: Curve, other: Curve) -> Curve:
    """The curve with the steps of the other log, which counts the same points; behind its last one they go on."""
    gap = int(np.median(np.diff(other.steps)))
    steps = np.append(other.steps, other.steps[-1] + gap * np.arange(1, len(own) + 1))[: len(own)]
    return replace(own, steps=steps, axis=other.axis, counted=True)


def _without_second_role(tag: str, curve: Curve, run: Run, roles: set[Role | None]) -> Curve:
    """A curve of the other log loses a role that a curve of the first one plays."""
    if tag in run.curves or curve.role is None or curve.role not in roles:
        return replace(curve, tag=tag)
    return replace(curve, tag=tag, role=None)


def _meaning(tag: str) -> Meaning:
    """What makes two tags of two logs the same curve: the split, the part and the unit."""
    reading = read_tag(tag)
    words = () if reading.lossy else tuple(word for word in reading.words if word not in {"train", "training"})
    return reading.held_out, reading.parts if reading.lossy else frozenset(), reading.lossy, words
