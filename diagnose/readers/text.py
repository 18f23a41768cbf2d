"""Text logs: what a trainer printed, with progress bars, colours and noise around the numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from diagnose.readers._base import Source
from diagnose.readers._columns import EPOCH, ITERATION, PER_EPOCH, STEP, Column, Columns, curves_of
from diagnose.run import InputHealth, LogError, Run

_BLOCK = 8 << 20
# No line of a log is longer; a longer one is a document or binary data, and is skipped.
LONGEST_LINE = 1 << 16
# A name is a series from this many values on.
_FEWEST = 2
_MOST_NAMES = 2000

_NUMBER = r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:[nN]a[nN]|NAN|[iI]nf(?:inity)?)"
_PAIR = re.compile(
    r"([A-Za-z_][\w./@%-]*(?: [A-Za-z_(][\w./()-]*){0,3}?)"
    r"['\")\]]{0,2}(?:[ \t]*[:=]+[ \t]*|[ \t]+(?:is|of)[ \t]+|[ \t]+)['\"\[(]{0,2}"
    rf"({_NUMBER})(?![\w.]*[A-Za-z_:])(?:[ \t]*/[ \t]*(\d+))?"
)
_EPOCH_LOSS = re.compile(rf"^[^\n\w]*[Ee]poch[ \t:#]*(\d+)[ \t]*[:|=-]+[ \t]*(?:loss[ :=]*)?({_NUMBER})(?=[ \t\n]|$)(?!%)", re.M | re.I)
_BAR = re.compile(r"(\d+)/(\d+) \[\d[\d:]*<")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\n]*\x07|(?<!\w)\[(?:\d{1,2}(?:;\d+)*)m")
_LOSS = re.compile(r"loss|cost|perplexity|ppl|\bnll\b|\bepoch[ \t:]*\d+[ \t]*:", re.IGNORECASE)

_COUNTER_NAMES = {
    "epoch": EPOCH, "epochs": EPOCH, "ep": EPOCH,
    "step": STEP, "steps": STEP, "global_step": STEP, "global step": STEP, "iteration": STEP, "iter": STEP, "iters": STEP,
    "it": STEP, "update": STEP, "num_updates": STEP, "batch": ITERATION, "training step": STEP, "train step": STEP,
}  # fmt: skip


def sniff(source: Source) -> int:
    """Text in which a loss has a number."""
    head = source.head()
    if not _is_text(head):
        return 0
    text = clean(head)
    pairs = sum(1 for match in _PAIR.finditer(text) if _LOSS.search(match[1]))
    return 60 if pairs or _EPOCH_LOSS.search(text) else 5


def read(source: Source) -> Run:
    """Every `name number` series of the log as a curve. Raises LogError where there is none."""
    if not _is_text(source.head()):
        raise LogError(f"{source.name}: binary data, not a text log; give an event file, a CSV or a text log")
    log = TextLog()
    with source.open() as file:
        while block := file.read(_BLOCK):
            log.feed(block)
    log.finish()
    story = curves_of(log.columns())
    if not story.curves:
        raise LogError(f"{source.name}: no training metrics in this text: give a log with lines like `step 10 loss 2.3`")
    health = InputHealth(files=1, records=log.lines, bytes_skipped=log.bytes_skipped)
    notes = ("the format is not known: series of `name number` were taken as they stand", *story.notes)
    return Run(source.label, source.name, "text", story.curves, sources=(source.name,), health=health, notes=notes)


def clean(data: bytes) -> str:
    """Text with one line for each redraw, without colours."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return clean(data.decode("utf-16", errors="replace").encode())
    text = data.decode("utf-8", errors="replace")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _ANSI.sub("", text) if "\x1b" in text or "[0m" in text else text


def _is_text(head: bytes) -> bool:
    """Whether this can be a log: next to no control characters but those that terminals know."""
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return True
    strange = head.translate(None, bytes(range(32, 256)) + b"\t\n\r\x1b\x08\x0c\x07")
    return bool(head.strip()) and len(strange) <= 0.01 * len(head)


@dataclass
class TextLog:
    """A text log as it grows: fed with bytes in any chunks, it holds the same columns as one read at once."""

    lines: int = 0
    bytes_skipped: int = 0
    _rest: bytes = b""
    _cells: dict[str, tuple[list[int], list[float]]] = field(default_factory=dict)

    def feed(self, data: bytes) -> None:
        """Take more bytes; an unfinished last line waits for the rest of it."""
        data = self._rest + data
        cut = data.rfind(b"\n") + 1
        self._rest = data[cut:]
        self._take(data[:cut])

    def finish(self) -> None:
        """Take the last line, which ends without a line feed."""
        rest, self._rest = self._rest, b""
        self._take(rest)

    def columns(self) -> Columns:
        """What was found so far."""
        return {
            name: Column(np.asarray(places, np.int64), np.asarray(values))
            for name, (places, values) in self._cells.items()
            if len(values) >= _FEWEST or name.startswith("@")
        }

    def _take(self, data: bytes) -> None:
        for line in clean(data).split("\n"):
            self.lines += 1
            if len(line) <= LONGEST_LINE:
                for name, value in _pairs(line):
                    self._put(name, value)
            else:
                self.bytes_skipped += len(line)

    def _put(self, name: str, value: float) -> None:
        if name not in self._cells and len(self._cells) >= _MOST_NAMES:
            return
        places, values = self._cells.setdefault(name, ([], []))
        if not places or places[-1] != self.lines:
            places.append(self.lines)
            values.append(value)


def _pairs(line: str) -> Iterator[tuple[str, float]]:
    """The counters and metrics of one line."""
    short = _EPOCH_LOSS.match(line)
    if short:
        yield EPOCH, float(short[1])
        yield "loss", float(short[2].replace(",", ""))
        return
    bar = _BAR.search(line)
    if bar:
        yield ITERATION, float(bar[1])
        yield PER_EPOCH, float(bar[2])
    for name, number, total in _PAIR.findall(line):
        counter = _COUNTER_NAMES.get(name.casefold())
        value = _number(number)
        if value is None:
            continue
        yield counter or name, value
        if counter in {STEP, ITERATION} and total:
            yield PER_EPOCH, float(total)


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None
