"""From the numbers of a text log to its series: sections, tables, pairs, bars, epoch means, echoes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from diagnose.readers.columns import COUNTERS, EPOCH, ITERATION, PER_EPOCH, REDRAWN, STEP, Column, changes, trained_at
from diagnose.readers.roles import losses_in, read_tag
from diagnose.readers.text.counts import ANNOUNCED, BAR, BAR_TOTAL, PERHAPS, PERHAPS_INNER, PERHAPS_TOTAL
from diagnose.readers.text.formats import GUESS, Format
from diagnose.readers.text.guess import BARE, HEADING, PAIRED, RECAP
from diagnose.readers.text.table_rows import HEADER, merged, with_headers, without_header
from diagnose.run import Axis, IntArray

# A name is a series from this many values on, where the format is not known.
_FEWEST = 2
# A column of which no more than this share is new is an echo of the last value; of a bar, several times an epoch.
_ECHOED, _ECHOED_IN_BAR = 0.2, 0.6
# Numbers of which more than this share rise count something; a new launch begins them again.
_COUNTS = 0.5
# Bare numbers are losses where there are so many, on so many of the lines. Source: our choice.
_FEWEST_BARE, _BARE_SHARE = 5, 0.5
# Lines that the results of one evaluation take, one a line, at most. Source: our choice.
_LONGEST_BLOCK = 40
# Evaluations are no more than this share of the values. Source: our choice.
_MOST_EVALUATIONS = 0.6
# Steps that are announced on lines without metrics count from so many to one value on: fewer are words in prose.
_ANNOUNCED_SHARE = 0.05


def series_of(columns: Mapping[str, Column], form: Format, titles: Sequence[str] = ()) -> dict[str, Column]:
    """The columns that repeat, with the names that sections and table headers, or the user, give them."""
    titles = titles or form.titles
    if titles:  # as if they were above the first row
        columns = {**columns, HEADER + "\t".join(titles): Column(np.array([-1]), np.ones(1))}
    tabled = with_headers(columns)
    if form is GUESS and not losses_in(tabled):
        tabled = {**tabled, **without_header(columns)}
    named = _with_bar(_with_pairs(form.with_sections(by_heading(with_bare_numbers(tabled)))))
    if form.axis is Axis.EPOCH and _is_first_bar(named):
        named = {name: replace(column, axis=None) for name, column in named.items() if name != EPOCH}
    elif form.axis is Axis.EPOCH and EPOCH in named:
        named.pop(ITERATION, None)  # the place in the bar means nothing
    named = _with_unnamed_counts(named)
    announced = named.pop(ANNOUNCED, None)
    longest = max(map(_length, named.values()), default=1)
    if announced is not None and len(announced.values) >= _ANNOUNCED_SHARE * longest:
        named.setdefault(STEP, announced)
    if form is GUESS:
        named = _with_epoch_means(_without_counts_of_evaluations(_with_evaluation_bars(named)))
    if not any(read_tag(name).lossy and not name.startswith(RECAP) for name in named):
        named = {name.removeprefix(RECAP): column for name, column in named.items()}
    if form is GUESS or form.keep_last:
        bars = named.get(EPOCH) if form.keep_last or REDRAWN in named else None
        named = {name: _without_echoes(name, column, bars) for name, column in named.items()}
    return _series(named, tabled.keys() - columns.keys()) if form is GUESS else named


def _series(named: Mapping[str, Column], headed: Collection[str]) -> dict[str, Column]:
    """The names that are series: `Epoch [1/9], Step [5/90]:` counts the losses on the next line too.

    `[batch=1/9]:` counts a block of them, where there is nothing else.
    """
    beside = [name for name in named if name in {STEP, EPOCH, ITERATION} or read_tag(name).held_out]
    losses = [column for name, column in named.items() if read_tag(name).lossy and not read_tag(name).no_loss]
    lost = [column.places[~np.isfinite(column.values)] for column in losses]
    if any(len(column.values) >= _FEWEST_BARE for column in losses):
        # What is said once beside a curve (`global_step = 2940, average loss = 4.47`, `I got loss nan`) sums it up.
        beside, lost = [], []
    counted = np.concatenate([np.zeros(0, np.int64), *(named[name].places for name in beside), *lost])
    found: dict[str, Column] = {}
    for below in (1, _LONGEST_BLOCK):
        near = (counted[:, None] + np.arange(below + 1)).ravel()
        found = {name: column for name, column in named.items() if _repeats(name, column, headed, near)}
        if any(read_tag(name).lossy for name in found):
            break
    return found


def _is_first_bar(columns: Mapping[str, Column]) -> bool:
    """Whether all there is of the training is an unfinished bar in which a loss stops to be finite: where, it shows.

    Otherwise a bar is one epoch: it shows running means, which are no course.
    """
    if not {ITERATION, PER_EPOCH} <= columns.keys() or (EPOCH in columns and len(columns[EPOCH].values) > 1):
        return False
    iteration = columns[ITERATION].values
    if all(np.isfinite(column.values).all() for name, column in columns.items() if read_tag(name).lossy):
        return False
    return len(np.unique(iteration)) > 1 and bool((iteration < columns[PER_EPOCH].values[-1]).all())


def with_bare_numbers(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns, with numbers on lines of their own as the loss where next to nothing else is in the log."""
    named = {name: column for name, column in columns.items() if name != BARE}
    bare = columns.get(BARE)
    if bare is None or len(bare.values) < _FEWEST_BARE or any(read_tag(name).lossy for name in named):
        return named
    lines = bare.places[-1] - bare.places[0] + 1
    return named | ({"loss": bare} if len(bare.values) >= _BARE_SHARE * lines else {})


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
        named = _moved(named, RECAP, logged[np.minimum(np.searchsorted(logged, marks["best"]), len(logged) - 1)])
    if "results" in marks and len(logged):
        named = _moved(named, "val/", _results(named, logged, marks["results"]), most=1.0)
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
        return _moved(named, "val/", logged[(above >= 0) & evaluates[above]])
    return _moved(named, "val/", _evaluations(named, logged, held_out))


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
        for place in logged[first : first + _LONGEST_BLOCK].tolist():
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


def _moved(
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
    moved: dict[str, Column] = {}
    for name, column in columns.items():
        there = inside[name]
        named_split = name[0] != "@" and lossy[name].split and prefix != RECAP
        share = there.mean() if len(there) else 0.0
        if name[0] == "@" or named_split or not (0 < share <= most or (share == 1 and apart)):
            named[name] = column
        else:
            named[name], moved[prefix + name] = column.where(~there), column.where(there)
    again = {name: merged([named[name], column]) for name, column in moved.items() if name in named}
    return named | moved | again


def _length(column: Column) -> int:
    return len(column.values)


def _repeats(name: str, column: Column, headed: Collection[str], counted: IntArray) -> bool:
    """Whether a name is a series: it comes again, or is a loss that may be reported once, as at a step."""
    if name in COUNTERS or len(column.values) >= _FEWEST or name in headed:
        return True
    reading = read_tag(name)
    known = reading.held_out or bool(np.isin(column.places, counted).any())
    return known and reading.lossy > 1 and not reading.no_loss


def _with_pairs(columns: Mapping[str, Column]) -> dict[str, Column]:
    """`loss: (7, 2.5)` is a loss at a step where the first numbers count on; else the first is the value."""
    named = {name: column for name, column in columns.items() if not name.startswith(PAIRED)}
    for name, first in columns.items():
        if name.startswith(PAIRED) and len(first.values) > 1:
            if not read_tag(name.removeprefix(PAIRED)).lossy:
                continue
            known = first.values[np.isfinite(first.values)]
            counts = not (known % 1).any() and np.mean(np.diff(known) > 0) > _COUNTS if len(known) > 1 else False
            named[STEP if counts else name.removeprefix(PAIRED)] = first
    return named


def _with_evaluation_bars(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns, with what bars of evaluations show under `val/`: they alternate with longer ones of the training.

    Their place in the bar counts nothing. Where no epoch is named, each evaluation ends one. Longer ones that name
    what is held out are no training.
    """
    totals = columns.get(PER_EPOCH)
    if totals is None or len(lengths := np.unique(totals.values)) != 2:
        return dict(columns)
    short = totals.values == lengths[0]
    named_so = [column.places for name, column in columns.items() if name[0] != "@" and read_tag(name).held_out]
    if named_so and np.isin(totals.places[~short], np.concatenate(named_so)).any():
        return dict(columns)
    begins = np.flatnonzero(changes(short.astype(float)))
    epoch = columns[EPOCH].where(np.isin(columns[EPOCH].places, totals.places)) if EPOCH in columns else None
    anew = begins[1:][short[begins[1:]]]
    # A training that goes on has the same bar: a shorter one within an epoch evaluates it, once is enough.
    within = epoch is not None and len(epoch.values) == len(short) and not changes(epoch.values)[anew].any()
    once = within and len(anew) > 0 and 2 * short.sum() < len(short)
    if len(begins) <= (2 if REDRAWN in columns else 3) and not once:
        return dict(columns)
    bars = {name: columns[name] for name in (ITERATION, PER_EPOCH, REDRAWN) if name in columns}
    inner = {name: bar.where(~np.isin(bar.places, totals.places[short])) for name, bar in bars.items()}
    ends = totals.places[begins[~short[begins]]]
    epochs = {} if EPOCH in columns else {EPOCH: Column(ends, np.arange(float(len(ends))))}
    return _moved(columns, "val/", totals.places[short], most=1.0) | inner | epochs


def _without_counts_of_evaluations(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns without the place in an evaluation, which has another number of batches than the training."""
    totals = columns.get(PER_EPOCH)
    if totals is None or not changes(totals.values)[1:].any() or not len(trained := trained_at(columns)):
        return dict(columns)
    named_so = (column.places for name, column in columns.items() if read_tag(name).held_out)
    held_out = np.concatenate([totals.places[:0], *named_so])
    own = totals.values[np.isin(totals.places, trained)]
    foreign = totals.places[~np.isin(totals.values, own) & np.isin(totals.places, held_out)]
    bars = {name: columns[name] for name in (ITERATION, PER_EPOCH) if name in columns}
    return dict(columns) | {name: bar.where(~np.isin(bar.places, foreign)) for name, bar in bars.items()}


def _with_bar(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns, with the bar of the training for a counter where there is no other.

    Bars of training and of evaluations differ in their totals: the one before most training losses is the training's.
    """
    named = {name: column for name, column in columns.items() if name not in {BAR, BAR_TOTAL}}
    trained = trained_at({name: column for name, column in named.items() if name not in COUNTERS})
    if not {BAR, BAR_TOTAL} <= columns.keys() or named.keys() & {STEP, ITERATION} or not len(trained):
        return named
    bar, totals = columns[BAR], columns[BAR_TOTAL]
    values, often = np.unique(totals.at(trained), return_counts=True)
    keep = totals.at(bar.places) == values[np.argmax(often)]
    return named | ({ITERATION: Column(bar.places[keep], bar.values[keep])} if keep.any() else {})


def _with_unnamed_counts(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns, with a number that counts on in equal steps as their counter where they have no other.

    What counts on with the epoch (`Patience: 3/10`) counts nothing within it.
    """
    names = {PERHAPS: STEP, PERHAPS_INNER: ITERATION, PERHAPS_TOTAL: PER_EPOCH}
    named = {name: column for name, column in columns.items() if name not in names}
    perhaps = next((name for name in (PERHAPS, PERHAPS_INNER) if name in columns), None)
    if perhaps is None or named.keys() & {STEP, ITERATION} or len(columns[perhaps].values) < _FEWEST_BARE:
        return named
    places, gaps = columns[perhaps].places, np.diff(columns[perhaps].values)
    rises, often = np.unique(gaps, return_counts=True)
    if rises[np.argmax(often)] <= 0 or often.max() <= _COUNTS * often.sum():
        return named
    if EPOCH in named and changes(named[EPOCH].at(places))[1:][gaps > 0].mean() > _COUNTS:
        return named
    total = columns.get(PERHAPS_TOTAL) if perhaps == PERHAPS_INNER else None
    return named | {names[perhaps]: columns[perhaps]} | ({} if total is None else {PER_EPOCH: total})


def _with_epoch_means(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns, with a name's values on lines that name no step in a column of their own where others name one.

    Those on lines that name an epoch are its means, once an epoch; a loss on lines that count nothing at all is
    another one (`Loss: 3.1, MeanIU: 0.06` after `Iter: [60/247], Loss: 1.4`): the more often logged keeps the name.
    Where nothing but epochs is counted, such a line must follow one of an epoch (`Mixup: loss 1.4` after `epoch 3,
    loss 1.1`): a phase of its own goes on with the loss.
    """
    clocks = [columns[name].places for name in (STEP, ITERATION) if name in columns]
    epochs_only = not clocks
    clocks = clocks or [columns[EPOCH].places] if EPOCH in columns else clocks
    if not clocks:
        return dict(columns)
    inside, epoch = np.unique(np.concatenate(clocks)), columns.get(EPOCH, Column(np.zeros(0, np.int64), np.zeros(0)))
    named: dict[str, Column] = {}
    for name, column in columns.items():
        step = np.isin(column.places, inside) if name not in COUNTERS else np.zeros(0, np.bool_)
        if not step.any() or step.all():
            named[name] = column
            continue
        mean = ~step & np.isin(column.places, epoch.places)
        alone = ~step & ~mean
        part = ""
        follows = not epochs_only or (step[:-1] & alone[1:]).sum() > _COUNTS * alone.sum()
        if alone.any() and read_tag(name).lossy and follows:
            part, apart = f"{name} (other)", alone if 2 * alone.sum() <= len(alone) else ~alone
        elif not alone.any() and mean.sum() < step.sum() and changes(epoch.at(column.places[mean])).all():
            part, apart = f"{name} (epoch)", mean
        named |= {part: column.where(apart), name: column.where(~apart)} if part else {name: column}
    return named


def _without_echoes(name: str, column: Column, bars: Column | None) -> Column:
    """A validation loss that a progress bar shows until the next one comes, only where it is new."""
    if name in COUNTERS or read_tag(name).split not in {"val", "test"}:
        return column
    epochs = len(column.values) if bars is None else len(np.unique(bars.values[np.isin(bars.places, column.places)]))
    new = changes(column.values)
    if not 1 < new.sum() <= (_ECHOED_IN_BAR if 2 * epochs <= len(new) else _ECHOED) * len(new):
        return column
    return Column(column.places[new], column.values[new], column.axis)
