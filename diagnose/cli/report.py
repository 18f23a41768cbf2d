"""`ttsdoc report`: the diagnosis as one page, to look at, to keep, to send."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from diagnose.clean import plain
from diagnose.cli.options import Family, Samples, TrainTag, ValTag, tell

if TYPE_CHECKING:
    from diagnose.finding import Diagnosis
    from diagnose.report.html.page import Extras

# Larger is no history of a few attempts.
LARGEST_HISTORY = 10_000_000
PAGES = (".html", ".htm")


def report(
    paths: Annotated[list[str], typer.Argument(help="Logs, folders or trees of runs.")],
    out: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")] = Path("report.html"),
    config: Annotated[Path | None, typer.Option(help="The config of the run, where it is not beside the log.")] = None,
    samples: Samples = None,
    family: Family = None,
    train_tag: TrainTag = None,
    val_tag: ValTag = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes for many runs; as many as cores.")] = None,
) -> None:
    """Write one page to look at, to keep, to send.

    It needs no network: verdict, what to do, curves to zoom into, samples to listen to.
    """
    from diagnose.facts import Hints
    from diagnose.files import write_whole
    from diagnose.pool import find, judge_all
    from diagnose.report.html.page import page

    if out.is_file() and out.suffix.lower() not in PAGES:
        raise typer.BadParameter(f"{out}: is there, and no page; give a name that ends in {' or '.join(PAGES)}")
    hints = Hints(config, samples, family, train_tag, val_tag)
    fleet = judge_all(find(paths), hints, jobs=jobs or os.cpu_count() or 1)
    tell(*fleet.refused)
    found = list(fleet.diagnoses)
    text = page(found, {index: _extras(diagnosis) for index, diagnosis in enumerate(found)})
    write_whole(out, text.encode("utf-8"))
    print(f"{plain(str(out))} ({len(text) / 1e6:.1f} MB)", file=sys.stderr)


def _extras(diagnosis: Diagnosis) -> Extras:
    from diagnose.report.html.page import Extras, playable, wanted

    stop = diagnosis.stop
    sounds = tuple(playable(wanted(diagnosis.run, None if stop is None else stop.best_step)))
    return Extras(sounds, _history(Path(diagnosis.run.source)))


def _history(source: Path) -> Mapping[str, Any]:
    """The `heal.json` in the run's folder or in the one above; empty where there is none that can be read."""
    folder = source if source.is_dir() else source.parent
    found = next((path for path in (folder / "heal.json", folder.parent / "heal.json") if path.is_file()), None)
    if found is None or found.stat().st_size > LARGEST_HISTORY:
        return {}
    try:
        content = json.loads(found.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
