"""One training in several logs: a console log beside event files, `trainer_state.json` beside `runs/`.

Two logs are of one training where the losses in their first bytes are the same numbers, as far as the rounder of the
two writes them. Names say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import PurePosixPath

import numpy as np

from diagnose.readers.roles.tags import read_tag
from diagnose.readers.sources import Source
from diagnose.readers.sources.storage import local, open_file
from diagnose.readers.tensorboard import scalars_in
from diagnose.regex import regex
from diagnose.run import FloatArray

# Bytes of each log that are compared, and losses in them.
_HEAD, _MOST = 1 << 19, 400
# Losses that must agree, and their share. Source: our choice: two losses of three decimals agree by chance once in
# a thousand.
_FEWEST, _SHARE = 3, 0.6
# The share of the losses of one of two logs of one form that must be in the other, in its order. Source: our choice.
_MOST_IN_ORDER = 0.9
# Logs of other forms in one folder that are compared with one another, event runs below a folder, event files of one.
_MOST_TEXTS, _MOST_RUNS, _MOST_FILES = 6, 12, 4
_CHECKPOINT = regex(r"checkpoint-\d+")
_RANK = regex(r"(?<![a-z])rank[ _.-]?(\d+)(?!\d)", re.IGNORECASE)
_EXACT = rb"([-+]?\d+\.(\d{3,}|\d\d(?=[eE]))(?:[eE]([-+]?\d+))?)"
_LOSS = regex(rb"loss[\w/.]*['\"]?\s{0,3}[:=|,]?\s{0,3}['\"\[(]?(?:tensor\()?" + _EXACT, re.IGNORECASE)
# Files whose numbers have all their digits.
_EXACT_FORMS = {".csv", ".json", ".jsonl"}
# A table, whatever its file is called: the names stand above the numbers.
_TABLE = regex(rb"[^\d\n]+[,;\t][^\d\n]+\n")
_CELL = regex(rb"(?<![\w.])" + _EXACT)


@dataclass(frozen=True, eq=False)
class _Losses:
    """Losses in the first bytes of a log, each with the error that its rounding leaves."""

    values: FloatArray
    errors: FloatArray

    def agree(self, other: _Losses) -> bool | None:
        """Whether both belong to one training; None where one holds too little to say."""
        few = min(len(self.values), len(other.values)) < _FEWEST
        return None if few else self._found_in(other) or other._found_in(self)

    def repeats(self, other: _Losses) -> bool | None:
        """Whether both report the same losses in the same order."""
        few = min(len(self.values), len(other.values)) < _FEWEST
        return None if few else self._in_order(other) or other._in_order(self)

    def _in_order(self, other: _Losses) -> bool:
        place, found = 0, 0
        for value, error in zip(self.values, self.errors, strict=True):
            near = np.abs(other.values[place:] - value) <= np.maximum(other.errors[place:], error)
            if near.any():
                place, found = place + int(near.argmax()) + 1, found + 1
        return found >= _MOST_IN_ORDER * len(self.values)

    def _found_in(self, other: _Losses) -> bool:
        values = np.sort(other.values)
        right = np.clip(np.searchsorted(values, self.values), 0, len(values) - 1)
        gaps = np.minimum(np.abs(values[right] - self.values), np.abs(values[np.maximum(right - 1, 0)] - self.values))
        coarse = max(float(np.median(self.errors)), float(np.median(other.errors)))
        same = gaps <= 1.01 * np.maximum(self.errors, coarse) + 1e-6 * np.abs(self.values)
        different = len(np.unique(self.values[same])) >= _FEWEST
        return different and float(same.mean()) >= _SHARE


def one_source_a_training(sources: Sequence[Source]) -> list[Source]:
    """The sources, those that belong to one training as one, named by the folder that holds them all."""
    sources = _one_of_all_ranks([one for source in sources for one in _with_its_texts(source)])
    losses: dict[int, _Losses] = {}
    taken: set[int] = set()
    joined: dict[int, list[int]] = {}
    for first, second in _candidates(sources):
        if first in taken or second in taken:
            continue
        for number in (first, second):
            if number not in losses:
                losses[number] = _losses_of(sources[number])
        same = losses[first].agree if _forms_differ(sources[first], sources[second]) else losses[first].repeats
        if same(losses[second]):
            joined.setdefault(first, []).append(second)
            taken.add(second)
    return [
        _together(source, [sources[other] for other in joined.get(number, ())])
        for number, source in enumerate(sources)
        if number not in taken
    ]


def _one_of_all_ranks(sources: Sequence[Source]) -> list[Source]:
    """The sources, those of the processes of one training as one: `rank_0.log` to `rank_3.log`.

    Their names differ in a number only, and it counts from 0 on: LoRA's `rank8.log` and `rank16.log` are two trainings.
    """
    ranks: dict[str, list[tuple[int, int]]] = {}
    for place, source in enumerate(sources):
        if rank := _RANK.search(source.label):
            ranks.setdefault(_RANK.sub("rank", source.label), []).append((int(rank[1]), place))
    found: list[Source | None] = list(sources)
    for there in map(sorted, ranks.values()):
        if len(there) > 1 and [rank for rank, _ in there] == [*range(len(there))]:
            (_, first), *others = there
            found[first] = _together(sources[first], [sources[place] for _, place in others])
            for _, place in others:
                found[place] = None
    return [source for source in found if source is not None]


def _together(source: Source, others: Sequence[Source]) -> Source:
    if not others:
        return source
    folder = min((_folder(one) for one in (source, *others)), key=len)
    return replace(source, label=folder, also=(*source.also, *others), asked=source.asked)


def _with_its_texts(source: Source) -> Iterator[Source]:
    """An event run with the texts beside it: those of the same training in it, those of another by themselves."""
    if not source.beside:
        yield source
        return
    own = _losses_of(source)
    agreement = {name: own.agree(_losses_in_text(name)) for name in source.beside}
    also = tuple(Source(name, local(name), label=source.label) for name, same in agreement.items() if same)
    yield replace(source, beside=tuple(name for name, same in agreement.items() if same is None), also=also)
    for name in (name for name, same in agreement.items() if same is False):
        label = PurePosixPath(source.label) / PurePosixPath(name).name
        yield Source(name, local(name), label=str(label), asked=False)


def _candidates(sources: Sequence[Source]) -> Iterator[tuple[int, int]]:
    """Pairs that may belong to one training: an event run and a text in its folder, above or beside, two texts in one.

    A text may also be in a folder below that of the other (`vis_data/` of MMEngine).
    A folder of event files beside the folder of checkpoints is how the Trainer's own example has it.
    """
    texts = [number for number, source in enumerate(sources) if not source.parts and not source.reason]
    runs = [number for number, source in enumerate(sources) if source.parts]
    folders: dict[str, list[int]] = {}
    for number in texts:
        folders.setdefault(_folder(sources[number]), []).append(number)
    below: dict[str, list[int]] = {}
    for folder in folders.keys() - {"."}:
        below.setdefault(str(PurePosixPath(folder).parent), []).extend(folders[folder])
    for folder, there in folders.items():
        if len(there) > _MOST_TEXTS:
            continue
        for text in there:
            yield from ((run, text) for run in _runs_near(sources, runs, folder, sources[text]))
        for place, first in enumerate(there):
            yield from ((first, second) for second in there[place + 1 :])
        deeper = below.get(folder, [])
        if len(there) + len(deeper) <= _MOST_TEXTS:
            yield from product(there, sorted(deeper))


def _runs_near(sources: Sequence[Source], runs: Sequence[int], folder: str, text: Source) -> Sequence[int]:
    """The event runs in the folder of a text or below, else those one level up; of a table, which is exact, two."""
    reach = 2 if PurePosixPath(text.name).suffix in _EXACT_FORMS else 1
    levels = (folder, *map(str, PurePosixPath(folder).parents[:reach]))
    below = next(filter(None, ([run for run in runs if _is_below(sources[run].label, one)] for one in levels)), [])
    return below if len(below) <= _MOST_RUNS else []


def _forms_differ(first: Source, second: Source) -> bool:
    """Whether the logs are of different forms: two of one form are two runs, unless one repeats the other."""
    return bool(first.parts) or PurePosixPath(first.name).suffix != PurePosixPath(second.name).suffix


def _folder(source: Source) -> str:
    """Where it is; a checkpoint is where its folder is."""
    if source.parts:
        return source.label
    folder = PurePosixPath(source.label).parent
    return str(folder.parent if _CHECKPOINT.fullmatch(folder.name) else folder)


def _is_below(label: str, folder: str) -> bool:
    return folder in {".", label} or label.startswith(f"{folder}/")


def _losses_of(source: Source) -> _Losses:
    if not source.parts:
        return _losses_in_text(source.name)
    found: list[float] = []
    for part in source.parts[:_MOST_FILES]:
        for tag, values in scalars_in(_head(part.name)):
            if read_tag(tag).lossy and not read_tag(tag).no_loss:
                found += values[:_MOST].tolist()
    return _losses((value, 1e-7 * abs(value)) for value in found)


def _losses_in_text(name: str) -> _Losses:
    head = _head(name)
    table = PurePosixPath(name).suffix.lower() in {".csv", ".tsv"} or _TABLE.match(head)
    numbers = (_CELL if table else _LOSS).findall(head)
    if len(numbers) < _FEWEST and name.endswith(".json"):  # the name of a list is far from its numbers
        numbers = _CELL.findall(head)
    return _losses((float(number), 0.5 * 10.0 ** (int(power or 0) - len(digits))) for number, digits, power in numbers)


def _losses(pairs: Iterable[tuple[float, float]]) -> _Losses:
    known = [pair for _, pair in zip(range(_MOST), (pair for pair in pairs if np.isfinite(pair[0])), strict=False)]
    values, errors = zip(*known, strict=True) if known else ((), ())
    return _Losses(np.array(values, np.float64), np.array(errors, np.float64))


def _head(name: str) -> bytes:
    """The first bytes; none of a file that cannot be opened, which its own reading reports."""
    try:
        with open_file(name) as file:
            return file.read(_HEAD)
    except OSError:
        return b""
