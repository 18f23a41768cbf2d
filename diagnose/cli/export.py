"""`ttsdoc export`: the scalars of any log as one tidy table, and the sounds that it holds as files."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.cli.options import Columns, TrainTag, ValTag, tell

if TYPE_CHECKING:
    import pandas as pd

    from diagnose.run import Run

SUFFIXES = (".csv", ".parquet", ".jsonl")
SOUNDS = {b"RIFF": ".wav", b"OggS": ".ogg", b"fLaC": ".flac", b"ID3": ".mp3"}
"""The first bytes of encoded sounds -> the endings of their files."""
_UNSAFE = re.compile(r"[^\w.-]+")


def export(
    paths: Annotated[list[str], typer.Argument(help="Logs, folders or trees of runs; - is standard input.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .csv, .parquet or .jsonl file; none: CSV on stdout.")
    ] = None,
    audio: Annotated[Path | None, typer.Option(help="A folder for the sounds that the logs hold.")] = None,
    columns: Columns = None,
    train_tag: TrainTag = None,
    val_tag: ValTag = None,
) -> None:
    """Write the scalars of any log as one tidy table."""
    if output is not None and output.suffix.lower() not in SUFFIXES:
        raise typer.BadParameter(f"{output}: give a name that ends in {', '.join(SUFFIXES)}")
    runs = list(_runs(paths, tuple(columns.split(",")) if columns else (), train_tag, val_tag))
    if output is not None and output.resolve() in {Path(name).resolve() for run in runs for name in run.sources}:
        raise typer.BadParameter(f"{output}: is one of the logs; give another name")
    if audio is not None:
        tell(f"{_write_sounds(runs, audio)} sounds in {audio}")
    if audio is None or output is not None:
        _write(_frame(runs), output)


def _runs(paths: Iterable[str], columns: tuple[str, ...], train_tag: str | None, val_tag: str | None) -> Iterator[Run]:
    """Every run below the paths, with its roles. Raises LogError where nothing is there."""
    from dataclasses import replace

    from diagnose.errors import LogError
    from diagnose.pool import find
    from diagnose.readers import read_source
    from diagnose.readers.roles import assign_roles

    refused: list[str] = []
    named = bool(train_tag or val_tag)
    for found in (sources := find(paths)):
        try:
            run = read_source(replace(found, columns=columns, tag_named=named or found.tag_named))
        except LogError as error:
            refused.append(str(error))
            continue
        yield assign_roles(run, train_tag=train_tag, val_tag=val_tag) if named else run
    if len(refused) == len(sources):
        raise LogError(refused[0] if refused else "no log to export")


def _frame(runs: Iterable[Run]) -> pd.DataFrame:
    """One row a point: run, tag, role, step, epoch, value, wall_time."""
    import numpy as np
    import pandas as pd

    parts = [
        pd.DataFrame(
            {
                "run": run.name,
                "tag": tag,
                "role": curve.label,
                "axis": curve.axis.value,
                "step": curve.steps,
                "epoch": curve.epochs if curve.epochs is not None else np.full(len(curve), np.nan),
                "value": curve.values,
                "wall_time": curve.wall_times if curve.wall_times is not None else np.full(len(curve), np.nan),
            }
        )
        for run in runs
        for tag, curve in run.curves.items()
    ]
    frame: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return frame


def _write(frame: pd.DataFrame, output: Path | None) -> None:
    """The table, whole or not at all. Text of a log never begins a formula in a cell."""
    from diagnose.errors import TtsdocError
    from diagnose.files import write_whole
    from diagnose.report.summary import cell

    suffix = ".csv" if output is None else output.suffix.lower()
    if suffix == ".csv":
        safe = frame.assign(run=frame["run"].map(cell), tag=frame["tag"].map(cell))
        data = safe.to_csv(index=False).encode("utf-8")
    elif suffix == ".jsonl":
        data = frame.to_json(orient="records", lines=True, force_ascii=False).encode("utf-8")
    else:
        try:
            data = frame.to_parquet(index=False)
        except ImportError:
            raise TtsdocError("parquet needs pyarrow: pip install 'ttsdoc[parquet]', or write .csv or .jsonl") from None
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        write_whole(output, data)


def _write_sounds(runs: Iterable[Run], folder: Path) -> int:
    """Each sound as a file `run/tag/step.wav`, its name made of letters that every system allows."""
    count = 0
    for run in runs:
        for sound in run.attachments:
            if sound.kind != "audio":
                continue
            place = folder / _safe(run.name) / _safe(sound.tag)
            place.mkdir(parents=True, exist_ok=True)
            data = sound.load()
            suffix = next((suffix for magic, suffix in SOUNDS.items() if data.startswith(magic)), ".bin")
            (place / f"{sound.step:09d}{suffix}").write_bytes(data)
            count += 1
    return count


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name).strip("._") or "run"
