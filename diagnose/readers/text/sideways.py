"""Tables on their side: each row is a metric, each column an epoch."""

from __future__ import annotations

import re
from itertools import pairwise

from diagnose.readers.roles import read_tag
from diagnose.regex import regex

# A longer text is no table of a few rows.
_LONGEST = 1 << 16
# `Metric | Epoch 1 | Epoch 2 | Epoch 3`, `epoch,1,2,3`, `step: 100 200 300`, and the rows below: a name and as many
# numbers.
_BETWEEN = rb"(?:[ \t]*[|,;\t][ \t]*|[ \t]+)"
_BLOCK = regex(
    rb"^(?P<head>[^\d\n]*\d+(?:" + _BETWEEN + rb"(?:[A-Za-z]+[ _#]*)?\d+){2,}[ \t|,;]*)\r?\n"
    rb"(?P<rows>(?:[ \t|:+=-]*\n)*(?:(?:[ \t|]*[A-Za-z][^\n]*\d[^\n]*|[ \t|:+=-]+)(?:\n|\Z))+)",
    re.MULTILINE,
)
_COUNT = regex(r"(?P<what>[A-Za-z]*)[ _#]*(?P<number>\d+)")
_VALUE = regex(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?%?|nan|-?inf|-*", re.IGNORECASE)
_STEPWISE = regex(r"step|iter|batch", re.IGNORECASE)


def upright(text: bytes) -> bytes:
    """The text, with the metrics of a table on its side above its columns; one of its rows is called a loss."""
    return text if len(text) > _LONGEST else _BLOCK.sub(_turned, text)


def _turned(block: re.Match[bytes]) -> bytes:
    lines = block[0].decode("utf-8", "replace").splitlines()
    (name, *counts), *rows = (_cells(line) for line in lines if re.search(r"\d", line))
    found = [count for cell in counts if (count := _COUNT.fullmatch(cell))]
    rise = all(int(one["number"]) < int(other["number"]) for one, other in pairwise(found))
    whole = all(len(row) == len(found) + 1 and all(map(_VALUE.fullmatch, row[1:])) for row in rows)
    if len(found) < len(counts) or not rise or not whole or not any(read_tag(row[0]).lossy for row in rows):
        return block[0]
    unit = "step" if _STEPWISE.search(name + found[0]["what"]) else "epoch"
    columns = [[unit, *(count["number"] for count in found)], *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in zip(*columns, strict=True)).encode()


def _cells(line: str) -> list[str]:
    """A name, and what is behind it."""
    separator = next((one for one in "|\t,;" if one in line.strip()), None)
    if separator is not None:
        if separator == "|":
            line = line.strip().removeprefix("|").removesuffix("|")
        return [cell.strip(" *`:\r") for cell in line.split(separator)]
    first = re.search(r"(?<!\S)(?:[-+.]?\d|nan|-(?!\S))", line)
    place = first.start() if first else len(line)
    return [line[:place].strip(" :"), *line[place:].split()]
