"""`ttsdoc compare`: which run is better, and is the difference more than noise."""

from __future__ import annotations

import sys
from enum import Enum
from typing import Annotated

import typer

from diagnose.cli.options import MeasuredNoise


class AlignBy(str, Enum):
    """What runs are aligned by."""

    STEP = "step"
    SAMPLE = "sample"
    EPOCH = "epoch"
    TIME = "time"


class CompareFormat(str, Enum):
    """What a comparison can be written as."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN RUN...", help="Logs or folders; a folder may hold several runs.")
    ],
    by: Annotated[AlignBy, typer.Option(help="What to align by.")] = AlignBy.STEP,
    reference: Annotated[
        list[str] | None, typer.Option(help="A healthy run, or a folder of some: where do the others leave their band?")
    ] = None,
    noise: MeasuredNoise = None,
    form: Annotated[CompareFormat, typer.Option("--format", help="Output format.")] = CompareFormat.TEXT,
) -> None:
    """Say which of two runs is better, and whether that is noise.

    Compares losses, findings and settings.
    """
    from diagnose.live.compare import By, against_band, compare_runs, facts_at
    from diagnose.live.verdict import Noise
    from diagnose.report import comparison
    from diagnose.report.as_json import dumps, envelope

    facts, healthy = facts_at(runs), facts_at(reference or ())
    side_by_side = facts if len(facts) > 1 else [*healthy, *facts]  # one run is compared with the healthy ones
    measured = None if noise is None else Noise(noise, "measured")
    found = compare_runs(side_by_side, by=By(by.value), noise=measured)
    left = against_band(facts, healthy, by=By(by.value)) if healthy else ()
    written = {
        CompareFormat.JSON: lambda: dumps(envelope(**comparison.as_plain(found, left))),
        CompareFormat.MARKDOWN: lambda: comparison.as_markdown(found, left),
        CompareFormat.TEXT: lambda: comparison.as_text(found, left),
    }
    sys.stdout.write(written[form]())
