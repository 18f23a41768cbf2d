"""From the numbers of a text log to its series: sections, tables, pairs, bars, epoch means, echoes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from diagnose.readers.columns import COUNTERS, EPOCH, ITERATION, PER_EPOCH, REDRAWN, STEP, Column, changes, trained_at
from diagnose.readers.roles import losses_in, read_tag
from diagnose.readers.text.counts import ANNOUNCED, BAR, BAR_TOTAL, PERHAPS, PERHAPS_INNER, PERHAPS_TOTAL
from diagnose.readers.text.formats import GUESS, Format
from diagnose.readers.text.guess import BARE, PAIRED, RECAP
from diagnose.readers.text.headings import LONGEST_BLOCK, by_heading, moved
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
# Steps that are announced on lines without metrics count from so many to one value on: fewer are words in prose.
_ANNOUNCED_SHARE = 0.05


def series_of(columns: Mapping[str, Column], form: Format, titles: Sequence[str] = ()) -> dict[str, Column]:
    """The columns that repeat, with the names that sections and table headers, or the user, give them."""
    titles = titles or form.titles
    if titles:  # as if they were above the first row
        columns = {**columns, HEADER + "\t".join(titles): Column(np.array([-1]), np.ones(1))}
    tabled = with_headers(_with_news(columns))
    if form is GUESS and not losses_in(tabled):
        tabled = {**tabled, **without_header(columns)}
    named = _with_bar(_with_pairs(form.with_sections(by_heading(with_bare_numbers(tabled)))))
    if form.axis is Axis.EPOCH and _is_first_bar(named):
        named = {name: replace(column, axis=None) for name, column in named.items() if name != EPOCH}
    elif form.axis is Axis.EPOCH and EPOCH in named:
        named = _with_bars_behind(named)
        named.pop(ITERATION, None)  # the place in the bar means nothing
    named = _with_unnamed_counts(named)
    announced = named.pop(ANNOUNCED, None)
    longest = max(map(_length, named.values()), default=1)
    if announced is not None and len(announced.values) >= _ANNOUNCED_SHARE * longest:
        named.setdefault(STEP, announced)
    if form is GUESS:
        named = _with_epoch_means(_without_counts_of_evaluations(_with_evaluation_bars(named)))
    if not any(read_tag(name).lossy and not name.startswith(RECAP) for name in named):
        named = {name.removeprefix(RECAP): _where_known(name, column) for name, column in named.items()}
    if form is GUESS or form.keep_last:
        bars = named.get(EPOCH) if form.keep_last or REDRAWN in named else None
        trained = trained_at(named)
        named = {name: _without_echoes(name, column, bars, trained) for name, column in named.items()}
    return _series(named, tabled.keys() - columns.keys()) if form is GUESS else named


def _with_news(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns, with what lines that look back count first: `[NEW BEST] Epoch 3: loss 2.1`, and no other epoch 3."""
    named = {name: column for name, column in columns.items() if not name.startswith(f"{RECAP}@")}
    for counter in (EPOCH, STEP):
        counts = columns.get(RECAP + counter)
        if counts is None or counter not in named:
            continue
        others, place = named[counter].values, np.searchsorted(named[counter].places, counts.places)
        before, after = np.append(others, -np.inf)[place - 1], np.append(others, np.nan)[place]
        again = ~changes(counts.values) | (counts.values <= before) | (counts.values == after)
        if (~again).sum() < _FEWEST:
            continue
        named[counter] = merged([named[counter], counts.where(~again)])
        for plain in [name for name in named if RECAP + name in named]:
            told = named[RECAP + plain]
            new = np.isin(told.places, counts.places[~again])
            named |= {plain: merged([named[plain], told.where(new)]), RECAP + plain: told.where(~new)}
    return {name: column for name, column in named.items() if len(column.values)}


def _where_known(name: str, column: Column) -> Column:
    """What a line looks back at; `best loss: inf` says that there is none yet."""
    return column.where(np.isfinite(column.values)) if name.startswith(RECAP) else column


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
    for below in (1, LONGEST_BLOCK):
        near = (counted[:, None] + np.arange(below + 1)).ravel()
        found = {name: column for name, column in named.items() if _repeats(name, column, headed, near)}
        if any(read_tag(name).lossy for name in found):
            break
    return found


def _with_bars_behind(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns, with what bars of another length behind that of an epoch show under `val/`: they evaluate."""
    totals, epochs = columns.get(PER_EPOCH), columns[EPOCH]
    if totals is None:
        return dict(columns)
    epoch = np.searchsorted(epochs.places, totals.places, side="right")
    _, first = np.unique(epoch, return_index=True)
    own = totals.values[first][np.searchsorted(epoch[first], epoch)]
    return moved(columns, "val/", totals.places[(totals.values != own) & (epoch > 0)], most=1.0)


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
    return moved(columns, "val/", totals.places[short], most=1.0) | inner | epochs


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
    Beside the best score so far it is that of an evaluation.
    Where nothing but epochs is counted, such a line must follow one of an epoch (`Mixup: loss 1.4` after `epoch 3,
    loss 1.1`): a phase of its own goes on with the loss.
    """
    best = [column.places for name, column in columns.items() if "best" in read_tag(name).words]
    kept_by = np.concatenate([np.zeros(0, np.int64), *best])
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
            evaluated = np.isin(column.places[alone], kept_by).all()
            part, apart = f"{name} (other)", alone if 2 * alone.sum() <= len(alone) else ~alone
            part, apart = (f"val/{name}", alone) if evaluated else (part, apart)
        elif not alone.any() and mean.sum() <= step.sum() and changes(epoch.at(column.places[mean])).all():
            part, apart = f"{name} (epoch)", mean
        named |= {part: column.where(apart), name: column.where(~apart)} if part else {name: column}
    return named


def _without_echoes(name: str, column: Column, bars: Column | None, trained: IntArray) -> Column:
    """A validation loss that lines of the training show until the next one comes, only where it is new."""
    if name in COUNTERS or read_tag(name).split not in {"val", "test"} or not np.isin(column.places, trained).any():
        return column
    epochs = len(column.values) if bars is None else len(np.unique(bars.values[np.isin(bars.places, column.places)]))
    new = changes(column.values)
    if not 1 < new.sum() <= (_ECHOED_IN_BAR if 2 * epochs <= len(new) else _ECHOED) * len(new):
        return column
    return Column(column.places[new], column.values[new], column.axis)
