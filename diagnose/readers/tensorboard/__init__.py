"""TensorBoard event files: one file, or all of a run in the order in which they were written.

What decodes them is imported where there is one: every log is sniffed at, and most are no event files.
"""

from __future__ import annotations

import io

from diagnose.readers.sources import Part, Source
from diagnose.readers.tensorboard.crc import masked
from diagnose.readers.tensorboard.frames import HEADER
from diagnose.run import FloatArray, Run


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
    from diagnose.readers.tensorboard.event_file import EventFile
    from diagnose.readers.tensorboard.event_run import Written, run_of

    written = []
    for part in source.parts or (Part("", source.name),):
        file = EventFile()
        with source.open(part) as stream:
            file.poll(stream)
        written.append(Written(part, file))
    return run_of(source, written)


def scalars_in(head: bytes) -> list[tuple[str, FloatArray]]:
    """The tags and values of the scalars in the first bytes of an event file."""
    from diagnose.readers.tensorboard.event_file import EventFile

    file = EventFile()
    file.poll(io.BytesIO(head))
    return [(tag, series.points.values) for tag, series in file.decoder.series.items()]
