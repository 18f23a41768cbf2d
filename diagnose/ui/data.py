"""The tab "Data": subtitles in, data sets merged and counted."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import gradio as gr

from diagnose.clean import markdown
from diagnose.files import inside
from diagnose.ui.views import with_reasons


def imported(root: Path, subtitles: str, out: str) -> str:
    """Cut the recordings beside subtitle files into clips; the result in words. Raises TtsdocError."""
    from diagnose.data.import_srt import import_srt

    files = [inside(root, line) for line in subtitles.splitlines() if line.strip()]
    made = import_srt(files, inside(root, out))
    left = f", {len(made.rejected):,} rejected (see rejected.txt)" if made.rejected else ""
    return f"{made.clips:,} clips, {made.minutes:.1f} minutes in {markdown(out)}{left}"


def merged(root: Path, sets: str, out: str) -> str:
    """Make one data set of several; the result in words. Raises TtsdocError."""
    from diagnose.data.merge import merge

    made = merge([inside(root, line) for line in sets.splitlines() if line.strip()], inside(root, out))
    return f"{made.clips:,} clips, {made.minutes:.1f} minutes at {made.rate:,} Hz in {markdown(out)}"


def counted(root: Path, folder: str) -> str:
    """What a data set holds and what is wrong with it, as `ttsdoc data stats` prints it. Raises TtsdocError."""
    from diagnose.data.inspect import survey
    from diagnose.engine import examine
    from diagnose.facts import Facts
    from diagnose.report.dataset import as_text
    from diagnose.report.screen import Screen

    return as_text(examine(Facts(survey=survey(inside(root, folder)))), Screen(width=100))


def data_tab(root: Path) -> None:
    """Make the tab and connect it. Must be called inside a `gr.Tabs`."""
    with gr.Tab("Data"):
        with gr.Accordion("Import subtitles (SRT, VTT): one clip a sentence", open=True):
            subtitles = gr.Textbox(
                label="Subtitle files, one a line, each beside its recording", lines=2, elem_id="srt"
            )
            cut = gr.Textbox("data/imported", label="New data set", elem_id="srt-out")
            take = gr.Button("Import", variant="primary", elem_id="import")
            taken = gr.Markdown(elem_id="imported")
        with gr.Accordion("Merge data sets", open=False):
            sets = gr.Textbox(label="Data sets, one a line", lines=2, elem_id="sets")
            joined = gr.Textbox("data/merged", label="New data set", elem_id="merge-out")
            join = gr.Button("Merge", variant="primary", elem_id="merge")
            made = gr.Markdown(elem_id="merged")
        with gr.Accordion("Statistics", open=False):
            folder = gr.Textbox("data/imported", label="Data set", elem_id="set")
            count = gr.Button("Look", variant="primary", elem_id="stats")
            report = gr.Code(label="What it holds, and what is wrong with it", interactive=False, elem_id="counted")
        take.click(with_reasons(partial(imported, root)), [subtitles, cut], taken)
        join.click(with_reasons(partial(merged, root)), [sets, joined], made)
        count.click(with_reasons(partial(counted, root)), [folder], report)
