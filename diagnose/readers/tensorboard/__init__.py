"""TensorBoard event files: one file, or all of a run in the order in which they were written."""

from __future__ import annotations

from diagnose.readers.sources import Part, Source
from diagnose.readers.tensorboard.crc import masked
from diagnose.readers.tensorboard.event_file import EventFile
from diagnose.readers.tensorboard.event_run import Written, run_of
from diagnose.readers.tensorboard.frames import HEADER
from diagnose.run import Run


def sniff(source: Source) -> int:
    """Certain for a folder with event files, and for a file that starts with a record of the right checksum.

    A file with a usual name whose first record is damaged is taken, too: others may follow.
    """
    if source.parts:
        return 100
    head = source.head()[:HEADER]
    if len(head) == HEADER and masked(head[:8]) == int.from_bytes(head[8:], "little"):
        return 100
    return 60 if "tfevents" in source.name else 0


def read(source: Source) -> Run:
    """The run whose event files these are. Raises LogError if no file holds an intact record."""
    written = []
    for part in source.parts or (Part("", source.name),):
        file = EventFile()
        with source.open(part) as stream:
            file.poll(stream)
        written.append(Written(part, file))
    return run_of(source, written)
