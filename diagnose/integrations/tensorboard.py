"""Findings written where the curves are looked at: into a sub-run `ttsdoc` beside the user's event files.

Each finding is a run of its own in the same chart, drawn over the stretch of the curve that it is about, and a text.
Nothing is added to the user's own files, and ttsdoc does not read back what it wrote.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from socket import gethostname
from typing import Any

import numpy as np

from diagnose.clean import markdown
from diagnose.errors import LogError
from diagnose.files import write_whole
from diagnose.finding import Diagnosis, Finding
from diagnose.report import as_markdown
from diagnose.report.line import what_to_do
from diagnose.report.words import curve_of, span
from diagnose.run import Run

FOLDER = "ttsdoc"
SUFFIX = ".ttsdoc"
"""Ending of the files: readers/sources/tree.py passes them over."""
MOST_POINTS = 500
"""Points of a stretch. Source: more than a chart is wide in pixels on half a screen."""


def write_back(diagnosis: Diagnosis) -> Path:
    """Write the diagnosis beside the event files of its run, over what was written before; returns the folder.

    Raises LogError where the run is none of TensorBoard's on this machine, OSError where it cannot be written.
    """
    run = diagnosis.run
    folder = _home(run) / FOLDER
    _clear(folder)
    last = max((int(curve.steps[-1]) for curve in run.curves.values() if len(curve)), default=0)
    with _writer(folder) as write:
        write(last, _text("ttsdoc/0 report", as_markdown.render(diagnosis)))
    for finding in diagnosis.findings:
        with _writer(folder / f"{finding.code} {finding.name}") as write:
            write(finding.first_step or 0, _text(f"ttsdoc/{finding.code} {finding.name}", _about(run, finding)))
            if finding.explained_by is None:  # a consequence would be drawn over its cause
                for step, value in _stretch(run, finding):
                    write(step, value)
    return folder


def _home(run: Run) -> Path:
    """The folder in which TensorBoard finds the run."""
    home = Path(run.source)
    home = home if home.is_dir() else home.parent
    if "://" in run.source or not home.is_dir() or run.format != "tensorboard":
        raise LogError(f"{run.source}: no event files on this machine, nothing is written for TensorBoard")
    return home


def _clear(folder: Path) -> None:
    """Remove what an earlier diagnosis left, and nothing else."""
    for file in sorted(folder.glob(f"**/events.out.tfevents.*{SUFFIX}")):
        file.unlink()
        if file.parent != folder and not any(file.parent.iterdir()):
            file.parent.rmdir()


@contextmanager
def _writer(folder: Path) -> Iterator[Callable[[int, Any], None]]:
    """Adds values to a new event file in `folder`, which is written whole at the end, or not at all."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    content, now = BytesIO(), time.time()
    records = RecordWriter(content)
    records.write(Event(wall_time=now, file_version="brain.Event:2").SerializeToString())

    def write(step: int, value: Any) -> None:
        event = Event(wall_time=time.time(), step=step, summary=Summary(value=[value]))
        records.write(event.SerializeToString())

    yield write
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"events.out.tfevents.{now:.0f}.{gethostname()}{SUFFIX}", content.getvalue())


def _text(tag: str, body: str) -> Any:
    """A value of the text plugin, as tensorboard/plugins/text/summary.py makes it."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    tensor = TensorProto(dtype=DT_STRING, string_val=[body.encode("utf-8")])
    return Summary.Value(tag=tag, tensor=tensor, metadata=metadata)


def _stretch(run: Run, finding: Finding) -> Iterator[tuple[int, Any]]:
    """The points of the curve that a finding is about, under the curve's own tag: TensorBoard draws them over it."""
    from tensorboard.compat.proto.summary_pb2 import Summary

    curve = curve_of(run, finding.metric)
    if curve is None or finding.first_step is None:
        return
    last = finding.last_step if finding.last_step is not None else finding.first_step
    inside = np.flatnonzero((curve.steps >= finding.first_step) & (curve.steps <= last) & np.isfinite(curve.values))
    if len(inside) > MOST_POINTS:
        inside = inside[np.linspace(0, len(inside) - 1, MOST_POINTS).round().astype(int)]
    for place in inside:
        yield int(curve.steps[place]), Summary.Value(tag=curve.tag, simple_value=float(curve.values[place]))


def _about(run: Run, finding: Finding) -> str:
    """What TensorBoard shows as Markdown: text from the log is escaped."""
    lines = [
        f"**{finding.severity.value} {finding.code} {finding.name}** {span(run, finding)}",
        markdown(finding.message),
        f"*What to do:* {markdown(todo)}" if (todo := what_to_do(finding)) else "",
        f"`ttsdoc explain {finding.code}`",
    ]
    return "\n\n".join(filter(None, lines))
