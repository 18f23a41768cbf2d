"""Tables inside text logs: rows of numbers get the names of the header above them.

A table is in Markdown (`| Epoch | Loss |`), in a notebook or a terminal (columns parted by spaces or tabs), or as
comma-separated lines among others. A cell without a number (`No log`, `02:40`, `best`) is no point.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

import numpy as np

from diagnose.readers.columns import LAUNCH, Column
from diagnose.readers.columns.placeholders import without_placeholders
from diagnose.readers.columns.tables import counters_in, is_whole, names_without_header, split_named
from diagnose.readers.roles import HELD_OUT, in_english, losses_in, read_tag
from diagnose.readers.text.patterns import NUMBER
from diagnose.regex import regex
from diagnose.run import IntArray

# Rows of numbers that are a table although they have no header. Source: our choice.
_FEWEST_ROWS = 4
# Numbers in a row behind which a cell of words is a remark, and where bars part the cells. Source: our choice.
_FEWEST_CELLS = (1, 3)
# What is below may be a learning rate: such rows need names. Source: our choice.
_RATE = 0.1
HEADER, CELL, PADDED, NAMED = "@header ", "@cell ", "@padded ", "@named "
# A line of so many names that is no header of a log: `id,y_true,y_pred`.
TITLED = "@titled "
_CELLS = (CELL, PADDED, NAMED, TITLED)
# A row that may have a blank cell: Chainer pads its columns to 10 at least.
_WIDE_GAP = 10 * " "
# `[2.5, 2.3, 17.6]`, `(1, 3.6, 3.8)`: a row in brackets.
_LIST = regex(rf"\s*[\[(]\s*(?:{NUMBER})(?:\s*,\s*(?:{NUMBER}))+\s*[\])]\s*")
# `[loss_disc, loss_mel, global_step, lr]`: the names of such rows.
_NAMES = regex(r"^\[([^\W\d][^\[\]=:]*)\]$")
_ALIGNED = regex(r"\t[ \t]*\t")
# The progress bar behind a row: `0/99  4.58  3.15: 100% 4/4 [00:13<00:00]`.
BEHIND = regex(r":[ \t]+\d+%[ \t|].*\[\d+:\d\d.*$")
_BRACKETS = str.maketrans("[]()", "    ")
Span = tuple[int, int]

# Boxes drawn around tables, one character for one: places in the line stay.
_BOXES = str.maketrans("│┃║", "|||")
_CLOCK = r"\d+:\d+(?::\d+)*(?:\.\d+)?|(?:\d+[dhm] ?)+\d+(?:\.\d+)?s"
_BLANK = r"no log|none|null|n/?a|#na#|[-\u2013\u2014.]{0,3}"
_VALUED = regex(rf":[ \t]*(?:{NUMBER})$")  # `Total Loss: 0.0821`: a value with its name is no title
_WORD_CELL = regex(rf"(?P<blank>{_BLANK}|{_CLOCK})|(?P<number>{NUMBER})(?:(?<=\d)[%a-z]|/\d+)?", re.IGNORECASE)
_WORDS = regex(rf"no log|{_CLOCK}(?!\S)|\S+", re.IGNORECASE)
_MARKS = " \t*`_"
# A remark behind the number or behind the row: `← best`, `*`.
_REMARK = regex(r"(?<![ \t])[ \t][^\d|]*$")
# `| Loss | 0.52 | 0.61 |`: a row that is named, maybe behind the name of its logger.
_LABEL = regex(r"(?:[^|]* - )?[\s|]*(?P<label>[^\W\d][\w ()/-]{0,40}?)[ \t]*[|]")
_TITLE = regex(r"[^\W\d]|[#@(%]")
_LONGEST_TITLE = 40
# `| loss: 8.99 |`: a name and its number, which is no title of a column.
_ITEM = regex(r":[ \t]*[-+]?\d")
_COUNTED = regex(
    r"(?:^|[\s_])(?:epochs?|steps?|episodes?|iter(?:ation)?s?|ep|batch|updates?|e|#)(?:$|[\s_])", re.IGNORECASE
)
_SPLIT_LOSS = regex(r"\b(train\w*|val\w*|test|eval\w*) +(loss)\b", re.IGNORECASE)


def header_in(line: str) -> Iterator[str]:
    """The header that the line may be, once for each way in which spaces may part its names."""
    line = _NAMES.sub(r" \1 ", line)
    separator = _separator(line)
    if "=" in line or (":" in line and separator != "|") or not line.strip() or _ITEM.search(line):
        return
    if separator == "|":
        line = line.translate(_BOXES).strip()
        cells = [cell.strip(_MARKS) for cell in line.removeprefix("|").removesuffix("|").split("|")]
        titles = [cell for cell in cells if cell]
        if len(titles) > 1 and all(map(_is_title, titles)):
            yield HEADER + "\t".join(cells)
        return
    for cells in _splits(line, separator):
        named = all(map(_is_title, cells)) and any(_COUNTED.search(in_english(cell)) for cell in cells)
        losses = losses_in(cells)
        if len(cells) > 1 and named and (losses or separator):
            # `box obj cls` of YOLOv5: losses by their company, and weights in a line of settings.
            titles = [
                f"{cell}_loss" if cell in losses and read_tag(cell).lossy < losses[cell].lossy else cell
                for cell in cells
            ]
            yield HEADER + "\t".join(titles) + _starts(line, cells)
        elif separator and all(map(_is_title, cells)):
            yield f"{TITLED}{len(cells)}"


def _starts(line: str, cells: list[str]) -> str:
    """Where the names of a header begin and end, behind a line feed: by this a padded table's blank cells are known."""
    starts, end = [], 0
    for cell in cells:
        starts.append(line.index(cell, end))
        end = starts[-1] + len(cell)
    return "\n" + " ".join(f"{start},{-start - len(cell)}" for start, cell in zip(starts, cells, strict=True))


def row_in(line: str) -> list[tuple[str, Span]]:
    """The numbers of a row of a table, named by their place in it; nothing where the line is no row."""
    if _LIST.fullmatch(line):
        line = line.translate(_BRACKETS)
    bar = BEHIND.search(line)
    line = line[: bar.start()] if bar else line
    separator = _separator(line)
    spans = _row_of_words(line) if separator is None else _row_of_cells(line, separator)
    if separator == "\t" and _ALIGNED.search(line.strip()):  # tabs only align: there may be more than one
        spans = [span for span in spans if span is not None]
    cells = [(f"{CELL}{number}/{len(spans)}", span) for number, span in enumerate(spans) if span is not None]
    if separator is None and _WIDE_GAP in line.rstrip():
        edges = [(edge, span) for span in spans if span is not None for edge in (span[0], -span[1])]
        cells += [(f"{PADDED}{edge}/{len(spans)}", span) for edge, span in edges]
    label = _LABEL.match(line.translate(_BOXES)) if separator == "|" else None
    if label:
        cells += [(f"{NAMED}{name.removeprefix(CELL)} {label['label']}", span) for name, span in cells]
    return cells


def _separator(line: str) -> str | None:
    if any(box in line for box in "|│┃║"):
        return "|"
    return next((separator for separator in "\t,;" if separator in line.strip()), None)


def _is_title(cell: str) -> bool:
    return bool(_TITLE.match(cell)) and len(cell) <= _LONGEST_TITLE and not _VALUED.search(cell)


def _splits(line: str, separator: str | None) -> list[list[str]]:
    line = line.strip(" \t#")
    if separator is not None:
        cells = [cell.strip() for cell in line.split(separator)]
        return [[cell for cell in cells if cell]] if separator == "\t" else [cells]
    if re.search(r"(?<![^\W\d])\d", line):
        return []
    joined = _SPLIT_LOSS.sub(r"\1\0\2", line).split()
    ways = [line.split(), re.split(r" {2,}|\t", line), [word.replace("\0", " ") for word in joined]]
    return [cells for number, cells in enumerate(ways) if cells not in ways[:number]]


def _row_of_words(line: str) -> list[Span | None]:
    """A row parted by spaces: it begins with a number, and only a remark follows the last one."""
    spans: list[Span | None] = []
    for word in _WORDS.finditer(line.rstrip()):
        cell = _WORD_CELL.fullmatch(word[0])
        if cell is None or (not spans and cell["number"] is None):
            remark = bool(spans) and not re.search(r"\d", line[word.start() :])
            return spans if remark and len(spans) > 1 else []
        spans.append(None if cell["number"] is None else _at(word.start(), cell.span("number")))
    return spans if len(spans) > 1 else []


def _row_of_cells(line: str, separator: str) -> list[Span | None]:
    """A row with signs between its cells. With `|` some cells may be words; else all are numbers or blank."""
    line = line.translate(_BOXES)
    spans: list[Span | None] = []
    words = 0
    for start, end in _between(line, separator):
        text = line[start:end].rstrip(_MARKS)
        inner = text.lstrip(_MARKS)
        cell = _WORD_CELL.fullmatch(inner) or (_WORD_CELL.fullmatch(_REMARK.sub("", inner)) if "|" in line else None)
        remark = separator == "|" or not re.search(r"\d", line[start:])
        if cell is None and remark and len(spans) - words > _FEWEST_CELLS[separator == "|"]:
            break  # a remark behind the row
        if cell is None and (separator != "|" or re.search(r"\d", inner)):
            return []
        words += cell is None
        number = None if cell is None or cell["number"] is None else cell.span("number")
        spans.append(None if number is None else _at(start + len(text) - len(inner), number))
    numbers = sum(span is not None for span in spans)
    return spans if numbers > 1 and words < len(spans) - words else []


def _between(line: str, separator: str) -> Iterator[Span]:
    """Where the cells are. A separator at either end of the line is its border; only `|` can be one in front."""
    start, stop = len(line) - len(line.lstrip(" ")), len(line.rstrip())
    start += separator == "|" and line.startswith("|", start)
    stop -= line.endswith(separator, start, stop)
    while start <= stop:
        end = line.find(separator, start, stop)
        end = stop if end < 0 else end
        yield start, end
        start = end + 1


def _at(start: int, span: Span) -> Span:
    return start + span[0], start + span[1]


def with_headers(columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns with every `cell 2/5` under the second name of the five-column header that came last before it.

    A header that comes again marks where a launch may begin, unless its rows are evaluations.
    """
    parts = {name: [column] for name, column in columns.items() if not name.startswith((HEADER, *_CELLS))}
    headers = {name.removeprefix(HEADER): column for name, column in columns.items() if name.startswith(HEADER)}
    headers = _joined(headers)
    again: list[IntArray] = []
    for header, where in headers.items():
        names, _, starts = header.partition("\n")
        titles = _by_split(names.split("\t"))
        if not any(read_tag(title).lossy for title in titles):
            continue
        rivals = np.concatenate([column.places for other, column in headers.items() if _alike(other, header)])
        same = [other for other, column in headers.items() if np.array_equal(column.places, where.places)]
        full = tuple(f"/{_width(other)}" for other in same)  # rows without a blank cell, however the line is parted
        counters = {name: counter for counter, name in counters_in(titles).items()}
        # A printed data frame has a column of row numbers without a title.
        ways = (_cells_of(columns, named, starts.split(), full, where, rivals) for named in (titles, ["", *titles]))
        cells = _named_cells(columns, titles, where, rivals) or next(filter(None, ways), {})
        for title, found in cells.items():
            parts.setdefault(counters.get(title, title), []).extend(found)
        if any(not read_tag(title).held_out for title in cells.keys() - counters):
            again.append(where.places[1:])
    marks = np.concatenate(again) if again else np.zeros(0, np.int64)
    if len(marks):
        parts.setdefault(LAUNCH, []).append(Column(marks, np.ones(len(marks))))
    return without_placeholders({name: merged(some) for name, some in parts.items()})


def without_header(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Rows with a count as the columns that they probably are, where next to nothing else is in the log.

    A row may have more cells than most.
    """
    widths = {name: int(name.rpartition("/")[2]) for name in columns if name.startswith(f"{CELL}0/")}
    rows = max((len(columns[name].values) for name in widths), default=0)
    others = {name: len(column.values) for name, column in columns.items() if not name.startswith(_CELLS)}
    often = 2 * max(others.values(), default=0) > rows  # settings and bars are next to nothing
    if rows < _FEWEST_ROWS or often or any(name.startswith(HEADER) for name in others):
        return {}
    width = widths[max(widths, key=lambda name: len(columns[name].values))]
    if f"{TITLED}{width}" in columns:
        return {}
    wide = [other for other in sorted(widths.values()) if other >= width]
    cells = [[columns.get(f"{CELL}{number}/{other}") for other in wide] for number in range(width)]
    cells = [same for same in cells if any(same)]  # a column of times has no numbers
    whole = [merged([cell for cell in same if cell is not None]) for same in cells if None not in same]
    if len(whole) < max(len(cells), 2) or len({len(column.values) for column in whole}) > 1:
        return {}
    names = names_without_header([column.values for column in whole])
    counters = {name: counter for counter, name in counters_in(names).items()}
    loss = next((column for name, column in zip(names, whole, strict=True) if name not in counters), whole[0])
    largest = float(np.max(loss.values, where=np.isfinite(loss.values), initial=0.0))
    if not counters or is_whole(loss.values) or largest < _RATE:
        return {}
    return {counters.get(name, name): column for name, column in zip(names, whole, strict=True)}


def _joined(headers: Mapping[str, Column]) -> dict[str, Column]:
    """The headers, those whose names go on in the line below (`Mini-batch` above `Loss`) as one."""
    joined = dict(headers)
    for (first, above), (second, below) in permutations(headers.items(), 2):
        upper, lower = first.split("\t"), second.split("\t")
        if len(upper) == len(lower) and "" in lower and np.isin(below.places - 1, above.places).all():
            joined["\t".join(" ".join(filter(None, both)) for both in zip(upper, lower, strict=True))] = below
            joined.pop(first, None)
            joined.pop(second, None)
    return joined


def _alike(one: str, other: str) -> bool:
    """Whether two headers have as many names."""
    return _width(one) == _width(other)


def _by_split(titles: list[str]) -> list[str]:
    """The titles, those of `Test_Epoch  Loss` under the split that their counter names."""
    for title in titles:
        split, _, counter = title.replace("_", " ").partition(" ")
        if (held := split_named(split)) and counters_in([counter]):
            prefix = f"{held} " if held in HELD_OUT else ""
            return [counter if one == title else prefix + one for one in titles]
    return titles


def _width(header: str) -> int:
    return header.count("\t") + 1


def _cells_of(
    columns: Mapping[str, Column],
    titles: list[str],
    starts: list[str],
    full: tuple[str, ...],
    where: Column,
    headers: IntArray,
) -> dict[str, list[Column]]:
    """Title -> the cells below it: in rows of as many cells, and in rows with blank ones that begin where it does."""
    found: dict[str, list[Column]] = {}
    for number, title in enumerate(titles):
        names = [f"{CELL}{number}/{len(titles)}"]
        if len(starts) == len(titles):
            edges = tuple(f"{PADDED}{edge}/" for edge in starts[number].split(","))
            names += [name for name in columns if name.startswith(edges) and not name.endswith(full)]
        below = [_below(columns.get(name), where.places, headers) for name in names]
        if title and any(below):
            found[title] = [column for column in below if column is not None]
    return found


def _named_cells(
    columns: Mapping[str, Column], titles: list[str], where: Column, headers: IntArray
) -> dict[str, list[Column]]:
    """Split and metric -> the cells, where one of them is above the column and the other in front of the row."""
    found: dict[str, list[Column]] = {}
    for name in (name for name in columns if name.startswith(NAMED)):
        place, _, label = name.removeprefix(NAMED).partition(" ")
        number, width = map(int, place.split("/"))
        title = ["", *titles][number + len(titles) + 1 - width] if width - len(titles) in {0, 1} else ""
        below = _below(columns[name], where.places, headers)
        if title and below and read_tag(title).bare is not read_tag(label).bare:
            named = f"{title} {label}" if read_tag(title).bare else f"{label} {title}"
            found.setdefault(named, []).append(below)
    return found


def _below(column: Column | None, own: IntArray, all_headers: IntArray) -> Column | None:
    """The cells above which a header of the table's own came last."""
    if column is None:
        return None
    headers = np.sort(all_headers)
    last = np.searchsorted(headers, column.places) - 1
    keep = (last >= 0) & np.isin(headers[np.maximum(last, 0)], own)
    return Column(column.places[keep], column.values[keep]) if np.any(keep) else None


def merged(parts: Sequence[Column]) -> Column:
    """Columns of one name as one, in the order of the log."""
    if len(parts) == 1 and not (np.diff(parts[0].places) < 0).any():
        return parts[0]
    places = np.concatenate([part.places for part in parts])
    order = np.argsort(places, kind="stable")
    return Column(places[order], np.concatenate([part.values for part in parts])[order])
