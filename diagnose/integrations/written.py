"""The report that a watched training leaves behind, in the form that its file name asks for."""

from __future__ import annotations

from pathlib import Path

from diagnose.files import write_whole
from diagnose.finding import Diagnosis
from diagnose.report.formats import rendered


def write_report(diagnosis: Diagnosis, path: Path) -> None:
    """Write the diagnosis to `path`, whole or not at all. Raises OSError where that cannot be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, _render(diagnosis, path.suffix.lower()).encode("utf-8"))


def _render(diagnosis: Diagnosis, ending: str) -> str:
    form = {".json": "json", ".md": "markdown"}.get(ending)
    if form is not None:
        return rendered([diagnosis], form)
    if ending in (".html", ".htm"):
        from diagnose.report.html.page import page

        return page([diagnosis])
    from diagnose.report.screen import Screen
    from diagnose.report.terminal import render

    return render(diagnosis, Screen(width=100, colour=False))
