"""One JSON document: a history of lists (`{"loss": [...]}`), a list of records, or NVIDIA's first `nvlog.json`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from diagnose.errors import LogError
from diagnose.numbers import is_number
from diagnose.readers.columns import EPOCH, FOLD, Column, curves_of
from diagnose.readers.columns.document import LARGEST, NAME, parse_document, read_document, records_within
from diagnose.readers.columns.point_lists import of_an_epoch, rows_of, values_by_number
from diagnose.readers.columns.tables import columns_of_rows, counters_in, split_named, spread, to_number
from diagnose.readers.roles import losses_in, read_tag
from diagnose.readers.roles.tags import GENERATOR
from diagnose.readers.sources import HEAD_BYTES, Source
from diagnose.readers.sources.file_per_series import series_named, with_series_beside
from diagnose.regex import regex
from diagnose.run import Axis, InputHealth, Role, Run

_DEEPEST = 3
_BEGIN = regex(rb"(?:\{\s*['\"]|\[\s*\{)")
# `[2.9, 2.5, ...]`, `train_losses = [2.9, 2.5, ...]`: a list of numbers and its name.
_LIST = regex(
    r"(?:(?P<name>[A-Za-z_][\w ./-]{0,40}?)['\"]?\s*[:=]\s*)?(?:array\(|tensor\()?\[(?P<items>[-+\w., \n]*)\]"
)
# The same in YAML, one number a line.
_BLOCK_LIST = regex(
    r"^ *(?P<name>[A-Za-z_][\w /-]{0,40}):[ ]*\n(?P<items>(?:[ ]*-[ ]+[-+.\w]+[ ]*(?:\n|\Z))+)", re.MULTILINE
)
_DASH = regex(r"^ *-", re.MULTILINE)
# Numbers in such a list, and the share of the file that lists take, from which on it is a file of lists.
_FEWEST, _MOSTLY = 5, 0.6
_PAIR = 2
# `[[1700000000.5, 10, 2.4], ...]`: what TensorBoard lets one download.
_DOWNLOADED = regex(rb"\s*\[\s*\[\s*\d{9,}\.\d*,\s*\d+,")
# `{"1": {"loss": 2.4}, "2": ...}`: records by their epoch.
_BY_NUMBER = regex(rb'\{\s*"\d+"\s*:\s*\{')
# A document without its beginning; one below some words, a key a line.
_TORN = regex(r"\s*(?:[\]}],?\s*)*(?:\{\s*)?\"[\w/]+\"\s*:")
_KEY_A_LINE = regex(r"^[ \t]*(?:\"[\w/]+\"[ \t]*:.*|[\[\]{}],?)$", re.MULTILINE)
_NVLOG = {"train_iteration_loss": Role.TRAIN_LOSS, "val_iter_loss": Role.VAL_LOSS}
# Words in the path of a list that say that its items are steps; other histories have one item an epoch.
_STEPWISE = ("iter", "step", "batch")


def sniff(source: Source) -> int:
    """A JSON document that spells a loss and is no JSON lines."""
    head = NAME.sub(b"", source.head()).lstrip()
    if _BEGIN.match(head) and b"loss" in head.lower():
        if b'"train_iteration_loss"' in head or (b'"cpu_info"' in head and b'"run"' in head):
            return 95
        if _is_document(head):
            return 90 if head[:1] == b"[" and _is_whole(source) else 70
    if _DOWNLOADED.match(head):
        return 90 if source.asked or losses_in([series_named(source)]) else 0
    text = source.head().decode("utf-8", "replace")
    if len(text) >= HEAD_BYTES and text.startswith("["):  # one list in a line that is longer than what is looked at
        text = text.rpartition(",")[0] + "]"
    if (_TORN.match(text) or _is_key_a_line(text)) and len(records_within(text)) > 1:
        return 70
    lists = _bare_lists(text) if "[" in text[:200] or _BLOCK_LIST.match(text) else {}
    return 65 if lists and ("[" in text[:200] or losses_in(lists)) else 0


def read(source: Source) -> Run:
    """Every list of numbers, or every number of a list of records. Raises LogError where there is none.

    A series that was downloaded from TensorBoard is read together with the others beside it.
    """
    return with_series_beside(source, _read) if _DOWNLOADED.match(source.head()) else _read(source)


def _read(source: Source) -> Run:
    columns = _columns(source)
    story = curves_of(columns, {tag: role for tag, role in _NVLOG.items() if tag in columns})
    health = InputHealth(files=1, records=max(map(len, story.curves.values()), default=0))
    empty = "no lists of numbers here (a summary has last values only): give the history"
    return story.run(source, "json", health, empty=empty)


def _columns(source: Source) -> dict[str, Column]:
    try:
        document = read_document(source)
    except LogError:
        with source.open() as file:
            text = file.read(LARGEST).decode("utf-8", "replace")
        lists, rows = _bare_lists(text), records_within(text)
        if not lists and len(rows) < 2:
            raise
        return _histories(lists) if lists else columns_of_rows(rows)
    named = series_named(source) or "loss"
    return _several(document, named) or _one(document, named)


def _one(document: Any, name: str) -> dict[str, Column]:
    """Columns of one training."""
    return _records(document, name) or _histories(document if isinstance(document, dict) else {"loss": document})


def _several(document: Any, name: str) -> dict[str, Column]:
    """Columns of the trainings that are side by side somewhere in the first levels: seeds, folds, models.

    Each has the same names, a loss among them; nothing where there are no two of them.
    """
    for part in _parts(document, _DEEPEST):
        items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        apart = [item for key, item in items if isinstance(item, dict) and _is_training(str(key), item)]
        found = [_one(item, name) for item in apart] if len(apart) > 1 else [{}]
        names = found[0].keys()
        if losses_in(names) and all(columns.keys() == names for columns in found):
            return _in_turn(found)
    return {}


def _is_training(key: str, item: Mapping[str, Any]) -> bool:
    """Whether a part may be a training by itself: no split of one, none of two networks, no epoch."""
    named = read_tag(key)
    within = named.split or named.adversarial or named.parts & GENERATOR or of_an_epoch(key)
    listed = any(isinstance(value, list | dict) for value in item.values())
    return listed and not within and not any(is_number(item[name]) for name in counters_in(item).values())


def _in_turn(found: Sequence[Mapping[str, Column]]) -> dict[str, Column]:
    """The columns of several trainings, one behind the other, and which of them it is."""
    lengths = [int(max(column.places[-1] for column in columns.values())) + 1 for columns in found]
    starts = np.cumsum([0, *lengths[:-1]])
    joined = {
        name: Column(
            np.concatenate([columns[name].places + start for columns, start in zip(found, starts, strict=True)]),
            np.concatenate([columns[name].values for columns in found]),
            column.axis,
        )
        for name, column in found[0].items()
    }
    return joined | {FOLD: Column(starts, np.arange(float(len(found))))}


def _is_key_a_line(text: str) -> bool:
    """Whether most lines are keys of a document that spells a loss."""
    return 'loss":' in text and len(_KEY_A_LINE.findall(text)) > _MOSTLY * len(text.splitlines())


def _is_whole(source: Source) -> bool:
    """Whether the first bytes are all of it, and a document; a longer file is judged by its beginning."""
    head = source.head()
    if len(head) >= HEAD_BYTES:
        return True
    try:
        return bool(parse_document(head))
    except (ValueError, RecursionError):
        return False


def _bare_lists(text: str) -> dict[str, list[float]]:
    """Name -> numbers of a file that is next to nothing but lists of numbers; one without a name is the loss.

    Whole numbers without a name are tokens or labels.
    """
    found = [(match, _numbers_in(match["items"])) for match in _LIST.finditer(text)]
    found += [(match, _numbers_in(_DASH.sub("", match["items"]))) for match in _BLOCK_LIST.finditer(text)]
    found = [(match, numbers) for match, numbers in found if match["name"] or any(number % 1 for number in numbers)]
    lists = [(match, numbers) for match, numbers in found if len(numbers) >= _FEWEST]
    if not lists or sum(len(match[0]) for match, _ in lists) < _MOSTLY * len(text.strip()):
        return {}
    if len(lists) > _PAIR and not any(match["name"] for match, _ in lists):  # written down piece by piece
        rest = _LIST.sub("", text)  # `27000 [2.2, 6.3] [1.4, 4.1]`: counts before them make them rows
        return {} if re.search(r"\d", rest) else {"loss": [number for _, numbers in lists for number in numbers]}
    names = [(match["name"] or "loss").strip() for match, _ in lists]
    return {
        name if names.count(name) == 1 else f"{name} {number}": numbers
        for number, (name, (_, numbers)) in enumerate(zip(names, lists, strict=True), 1)
    }


def _numbers_in(items: str) -> list[float]:
    numbers = list(map(to_number, items.replace(",", " ").split()))
    return [] if None in numbers else [number for number in numbers if number is not None]


def _is_document(head: bytes) -> bool:
    """Whether the first line is not a whole record by itself, as in JSON lines."""
    if b"}\n{" in head:  # one after the other, as `pprint` leaves them
        return False
    first = head.split(b"\n", 1)[0].strip()
    if head[:1] == b"[" or not first.endswith(b"}"):
        return True
    return (b"[" in first or _BY_NUMBER.match(first) is not None) and b"\n{" not in head


def _records(document: Any, name: str) -> dict[str, Column]:
    """Columns of the rows that are somewhere in the first levels of the document."""
    for part in _parts(document, _DEEPEST):
        rows = _rows_by_split(part, name) or rows_of(part, name)
        if len(rows) > 1:
            return columns_of_rows([spread(item) for item in rows])
    return {}


def _rows_by_split(part: Any, name: str) -> list[dict[str, Any]]:
    """The records of `{"train": [{...}, ...], "val": [{...}, ...]}` in the order of their counts."""
    named = (
        {key: rows_of(rows, name) for key, rows in part.items() if split_named(str(key))}
        if isinstance(part, dict)
        else {}
    )
    if len(named) < 2 or not all(named.values()):
        return []
    counter = next(iter(counters_in(next(iter(named.values()))[0]).values()), "")
    rows = [
        (row.get(counter, place), {"split": key, **row})
        for key, some in named.items()
        for place, row in enumerate(some)
    ]
    return [row for _, row in sorted(rows, key=lambda pair: to_number(pair[0]) or 0.0)]


def _parts(document: Any, depth: int) -> Iterator[Any]:
    yield document
    if isinstance(document, dict) and depth:
        for value in document.values():
            yield from _parts(value, depth - 1)


def _histories(document: Any) -> dict[str, Column]:
    """Columns of the lists of numbers; a list that counts (`epoch`, `step`) gives the steps of the others."""
    series = {name: values for name, values in _lists(document) if values}
    counters = _counters(series)
    columns = {}
    for path, values in series.items():
        name = path.rsplit("/", 1)[-1]
        axis = None if counters else _axis(path)
        places = np.arange(len(values))
        columns[counters.get(path, name if name not in columns else path)] = Column(places, np.asarray(values), axis)
    return columns if counters else columns | _epochs(columns)


def _counters(series: Mapping[str, list[float]]) -> dict[str, str]:
    """Path -> what the list counts. In a section it must be the only one of its name, and as long as the others."""
    leaves = [path.rpartition("/")[2] for path in series]
    longest = max(map(len, series.values()), default=0)
    sure = {
        leaf: path
        for leaf, path in zip(leaves, series, strict=True)
        if path == leaf or (leaves.count(leaf) == 1 and len(series[path]) == longest)
    }
    return {sure[leaf]: counter for counter, leaf in counters_in(sure).items()}


def _axis(path: str) -> Axis:
    """What the items of a list count: given by the section (`iter/loss`), else the name."""
    section = path.rpartition("/")[0] or path
    return Axis.STEP if any(word in section for word in _STEPWISE) else Axis.EPOCH


def _epochs(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Epochs from 1 for lists that have one item an epoch."""
    longest = max((len(column.values) for column in columns.values() if column.axis is Axis.EPOCH), default=0)
    return {EPOCH: Column(np.arange(longest), np.arange(1.0, longest + 1))} if longest else {}


def _lists(value: Any, path: str = "", depth: int = _DEEPEST) -> Iterator[tuple[str, list[float]]]:
    """Every list of numbers with its path. A list of lists (one an epoch) is one series."""
    plain = values_by_number(value) if isinstance(value, dict) else None
    value = value if plain is None else plain
    if isinstance(value, dict) and depth:
        for key, inner in value.items():
            if str(key) != "x":
                yield from _lists(inner, f"{path}/{key}" if path else str(key), depth - 1)
    elif isinstance(value, list):
        flat = [item for inner in value for item in (inner if isinstance(inner, list) else [inner])]
        numbers = [number for number in map(to_number, flat) if number is not None]
        if len(numbers) == len(flat):
            yield path, numbers
