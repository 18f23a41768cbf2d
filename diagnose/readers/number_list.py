"""A file that is one line of numbers and is named after them: `train_loss.txt` of `numpy.savetxt` or a printed list."""

from __future__ import annotations

import re
from pathlib import PurePath

import numpy as np

from diagnose.errors import LogError
from diagnose.readers.columns import Column, curves_of
from diagnose.readers.roles import read_tag
from diagnose.readers.sources import Source
from diagnose.readers.sources.paired_log import with_paired_log
from diagnose.run import InputHealth, Run

FEWEST = 5
"""Numbers that make a curve. Source: our choice: as for numbers on lines of their own."""
_NUMBERS = re.compile(rb"(?i)\s*(?:[-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|nan|inf)[,;\t ]+){%d}" % FEWEST)


def sniff(source: Source) -> int:
    """One line that begins with numbers, in a file that is called a loss."""
    head = source.head().rstrip()
    return 70 if read_tag(_tag(source)).lossy and b"\n" not in head and _NUMBERS.match(head) else 0


def read(source: Source) -> Run:
    """The numbers in their order, with those of a validation log beside it. Raises LogError for anything else."""
    return with_paired_log(source, _read)


def _read(source: Source) -> Run:
    with source.open() as file:
        found = re.split(rb"[,;\s]+", file.read().strip(b",; \t\r\n"))
    try:
        values = np.array(found, dtype=np.float64)
    except ValueError:
        raise LogError(f"{source.name}: a line of numbers with something else among them") from None
    story = curves_of({_tag(source): Column(np.arange(len(values)), values)})
    return story.run(source, "numbers", InputHealth(files=1, records=len(values)), empty="no numbers")


def _tag(source: Source) -> str:
    return PurePath(source.name).stem
