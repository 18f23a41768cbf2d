"""The course of a run in a dozen rows: training and validation loss and the error rate side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diagnose.finding import Diagnosis
from diagnose.report.panels import marks, places
from diagnose.run import Curve, FloatArray, Role, Run

# Rows that fit on a screen beside the findings.
MOST_ROWS = 12
# A rise beyond this factor shows in the two losses; as a share it is only a long number.
MOST = 1e4


@dataclass(frozen=True, slots=True)
class Cell:
    """A loss, and how it changed since the row before."""

    value: float
    """NaN where nothing finite was logged."""
    change: float | None = None
    """Relative; None in the first row and where the loss crosses zero."""


@dataclass(frozen=True, slots=True)
class Row:
    """One epoch, one evaluation, or one stretch of steps."""

    label: str
    cells: tuple[Cell | None, ...]
    """One a column; None where nothing was logged."""
    note: str = ""
    """What happened here: the best step, the first step of a finding, numbers that are no numbers."""


@dataclass(frozen=True, slots=True)
class LossTable:
    """Column headings and rows, in order."""

    headings: tuple[str, ...]
    better: tuple[int, ...]
    """For each column -1 where lower is better, 1 where higher is."""
    rows: tuple[Row, ...]
    means: bool
    """Whether a row is the mean of several points."""


def loss_table(diagnosis: Diagnosis) -> LossTable | None:
    """Rows of the losses and the error rate on one clock; None where fewer than two rows can be made."""
    run, reference = diagnosis.run, diagnosis.run.shown
    if reference is None or not len(reference):
        return None
    columns = [(heading, curve, places(curve, reference)) for heading, curve in _columns(run)]
    edges = _edges([(curve, place) for _, curve, place in columns])
    if len(edges) < 2:
        return None
    cells = [_cells(curve.values, place, edges) for _, curve, place in columns]
    notes = _notes(diagnosis, reference, edges, [(curve.values, place) for _, curve, place in columns])
    means = any(len(curve) > len(edges) for _, curve, _ in columns)
    rows = tuple(
        Row(reference.place(edge), row, note)
        for edge, row, note in zip(edges, zip(*cells, strict=True), notes, strict=True)
    )
    better = tuple(1 if curve.role is Role.SCORE else -1 for _, curve, _ in columns)
    return LossTable(tuple(heading for heading, _, _ in columns), better, rows, means)


def _columns(run: Run) -> list[tuple[str, Curve]]:
    """The losses, then the error rate, else the score, of held-out data where there is one."""
    known = [curve for role in (Role.ERROR_RATE, Role.SCORE) for curve in run.played_by(role) if len(curve)]
    other = next((curve for curve in known if curve.held_out), next(iter(known), None))
    found = [("training loss", run.curve(Role.TRAIN_LOSS)), ("validation loss", run.curve(Role.VAL_LOSS))]
    found += [] if other is None else [(other.tag, other)]
    return [(heading, curve) for heading, curve in found if curve is not None and len(curve)]


def _edges(columns: list[tuple[Curve, FloatArray]]) -> FloatArray:
    """Where each row ends: at the evaluations where they are few, else after equal shares of the training loss."""
    (_, first), *others = columns
    for _, place in others:
        ends = np.unique(place)
        if 3 <= len(ends) <= MOST_ROWS and len(np.unique(first)) > MOST_ROWS:
            return np.unique([*ends, first[-1]]) if first[-1] > ends[-1] else ends
    ends = np.unique(first)
    groups = np.array_split(ends, min(len(ends), MOST_ROWS))
    return np.array([group[-1] for group in groups])


def _cells(values: FloatArray, place: FloatArray, edges: FloatArray) -> list[Cell | None]:
    cells: list[Cell | None] = []
    before = np.nan
    for inside in _rows(place, edges):
        part = values[inside]
        finite = part[np.isfinite(part)]
        if not len(part):
            cells.append(None)
            continue
        value = float(
            np.sum(finite / len(finite)) if len(finite) else part.max()
        )  # sums of the largest floats are none
        change = (value - before) / before if before > 0 and 0 < value < MOST * before else None
        cells.append(Cell(value, change))
        before = value if np.isfinite(value) else before
    return cells


def _rows(place: FloatArray, edges: FloatArray) -> list[FloatArray]:
    """For each row, which points are in it: up to its edge, the last with all that follow."""
    row = np.minimum(np.searchsorted(edges, place), len(edges) - 1)
    return [row == index for index in range(len(edges))]


def _notes(
    diagnosis: Diagnosis, reference: Curve, edges: FloatArray, columns: list[tuple[FloatArray, FloatArray]]
) -> list[str]:
    notes: list[list[str]] = [[] for _ in edges]
    for mark in marks(diagnosis, reference):
        index = min(int(np.searchsorted(edges, mark.first)), len(edges) - 1)
        notes[index].append(mark.label)
    for values, place in columns:
        for index, inside in enumerate(_rows(place, edges)):
            lost = int((~np.isfinite(values[inside])).sum())
            notes[index] += [f"{lost:,} NaN or inf"] if lost else []
    return [", ".join(note) for note in notes]
