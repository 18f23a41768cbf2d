"""What is below a heading of an evaluation (`[Validation]`, `***** Eval results *****`) belongs to it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from diagnose.readers.columns import EPOCH, ITERATION, STEP, Column, changes
from diagnose.readers.roles import read_tag
from diagnose.readers.text.guess import HEADING, RECAP
from diagnose.readers.text.table_rows import merged
from diagnose.run import IntArray

# Lines that the results of one evaluation take, one a line, at most. Source: our choice.
LONGEST_BLOCK = 40
# Evaluations are no more than this share of the values. Source: our choice.
_MOST_EVALUATIONS = 0.6


def by_heading(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns without the headings, and what is below those of evaluations under `val/`.

    Below a heading is a whole section where headings of training alternate with them, else only the next line, which
    repeats the step or epoch of the training before it. What a heading calls the best is a repetition.
    """
    marks = {name.removeprefix(HEADING): column.places for name, column in columns.items() if name.startswith(HEADING)}
    named = {name: column for name, column in columns.items() if not name.startswith(HEADING)}
    if not marks:
        return named
    none = np.zeros(0, np.int64)
    logged = np.unique(np.concatenate([none, *(column.places for name, column in named.items() if name[0] != "@")]))
    if "best" in marks and len(logged):
        named = moved(named, RECAP, logged[np.minimum(np.searchsorted(logged, marks["best"]), len(logged) - 1)])
    if "results" in marks and len(logged):
        named = moved(named, "val/", _results(named, logged, marks["results"]), most=1.0)
    held_out = np.sort(np.concatenate([marks.get(word, none) for word in ("val", "test")]))
    if not len(held_out):
        return named
    train = np.sort(marks.get("train", none))
    train = train[max(np.searchsorted(train, held_out[0]) - 1, 0) :]  # `start training` comes before the first
    edges = np.sort(np.concatenate([train, held_out]))
    evaluates = np.isin(edges, held_out)
    again = evaluates & ~changes(evaluates.astype(float))  # a test behind a validation
    edges, evaluates = edges[~again], evaluates[~again]
    if len(edges) > 2 and (evaluates[1:] != evaluates[:-1]).all():
        above = np.searchsorted(edges, logged) - 1
        return moved(named, "val/", logged[(above >= 0) & evaluates[above]])
    return moved(named, "val/", _evaluations(named, logged, held_out))


def _results(columns: Mapping[str, Column], logged: IntArray, headings: IntArray) -> IntArray:
    """The line below each heading, and those behind it while each has one name, later in the alphabet than the last."""
    below = np.unique(np.searchsorted(logged, headings))
    there: dict[int, list[str]] = {}
    for name, column in columns.items():
        for place in np.unique(column.places).tolist() if name[0] != "@" else ():
            there.setdefault(place, []).append(name)
    found: list[int] = []
    for first in below[below < len(logged)].tolist():
        last = ""
        for place in logged[first : first + LONGEST_BLOCK].tolist():
            names = there[place]
            if last and (len(names) > 1 or names[0] <= last):
                break
            found.append(place)
            last = names[0]
            if len(names) > 1:
                break
    return np.array(found, np.int64)


def _evaluations(columns: Mapping[str, Column], logged: IntArray, headings: IntArray) -> IntArray:
    """The lines right below the headings, where they repeat the count of the line before."""
    below = np.unique(np.searchsorted(logged, headings))
    below = below[(below > 0) & (below < len(logged))]
    counters = [columns[name].at(logged) for name in (EPOCH, STEP, ITERATION) if name in columns]
    same = np.full(len(below), bool(counters))
    for counts in counters:
        same &= counts[below] == counts[below - 1]
    kept: IntArray = logged[below[same]]
    return kept


def moved(
    columns: Mapping[str, Column], prefix: str, places: IntArray, most: float = _MOST_EVALUATIONS
) -> dict[str, Column]:
    """The columns, with the values at some places in columns of their own, unless that is most of them.

    What is at none but these places is that of evaluations where another loss is at none of them.
    """
    named: dict[str, Column] = {}
    lossy = {name: read_tag(name) for name in columns if name[0] != "@"}
    if prefix != RECAP:  # a line that names its held-out losses needs no heading
        named_so = [columns[name].places for name, role in lossy.items() if role.held_out]
        places = places[~np.isin(places, np.concatenate([places[:0], *named_so]))]
    inside = {name: np.isin(column.places, places) for name, column in columns.items()}
    apart = any(role.lossy and not role.held_out and not inside[name].any() for name, role in lossy.items())
    below: dict[str, Column] = {}
    for name, column in columns.items():
        there = inside[name]
        named_split = name[0] != "@" and lossy[name].split and prefix != RECAP
        share = there.mean() if len(there) else 0.0
        if name[0] == "@" or named_split or not (0 < share <= most or (share == 1 and apart)):
            named[name] = column
        else:
            named[name], below[prefix + name] = column.where(~there), column.where(there)
    again = {name: merged([named[name], column]) for name, column in below.items() if name in named}
    return named | below | again
