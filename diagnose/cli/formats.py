"""`ttsdoc formats`: which reader takes a file, why, and the first records as it reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.clean import plain

if TYPE_CHECKING:
    from diagnose.run import Run

FIRST = 3
MOST_TAGS = 20


def formats(
    path: Annotated[str | None, typer.Argument(help="A log or a folder of logs; none: list the known formats.")] = None,
) -> None:
    """Say which reader takes a log, why, and what it reads first."""
    if path is None:
        from diagnose.readers import every_reader, reader_name
        from diagnose.readers.text.formats import every_format

        files = [(reader_name(reader), (reader.__doc__ or "").strip().partition("\n")[0]) for reader in every_reader()]
        lines = [(form.name, form.about) for form in every_format()]
        width = max(len(name) for name, _ in files + lines)
        for title, known in (("Files:", files), ("Text logs that are known by their lines:", lines)):
            print(title)
            for name, about in known:
                print(f"  {name:{width}}  {about}")
        return
    from diagnose.errors import LogError
    from diagnose.readers import discover, read_source, scores_of

    for source in discover(path):
        print(plain(source.name))
        for name, score in scores_of(source):
            print(f"  {score:3}  {name}")
        try:
            _show(read_source(source))
        except LogError as error:
            print(f"  not read: {plain(str(error))}")


def _show(run: Run) -> None:
    """The format, each series with its first points, and the notes."""
    print(f"  read as {run.format}, {len(run.curves)} series")
    for tag, curve in list(run.curves.items())[:MOST_TAGS]:
        unit = curve.axis.value if curve.counted else "row"
        points = ", ".join(
            f"{unit} {step} {value:.6g}"
            for step, value in zip(curve.steps[:FIRST].tolist(), curve.values[:FIRST].tolist(), strict=True)
        )
        role = f" [{curve.label}]" if curve.label else ""
        print(f"  {plain(tag)}{plain(role)}: {len(curve)} points: {points}")
    if len(run.curves) > MOST_TAGS:
        print(f"  and {len(run.curves) - MOST_TAGS} more")
    for note in run.notes:
        print(f"  note: {plain(note)}")
