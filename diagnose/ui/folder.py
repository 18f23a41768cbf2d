"""The tab "Judge a folder": any logs below the root, whoever wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from diagnose.clean import markdown, plain
from diagnose.errors import TtsdocError
from diagnose.facts import Hints
from diagnose.files import inside
from diagnose.finding import Diagnosis
from diagnose.pool import find, judge_all
from diagnose.report.words import title
from diagnose.ui.views import answer_text, figures, report_text

MOST_RUNS = 200
"""In the list of a folder."""


def judged(root: Path, folder: str) -> list[Diagnosis]:
    """The runs below a folder, worst first. Raises TtsdocError."""
    return list(judge_all(find([str(inside(root, folder))]), Hints()).diagnoses)


def folder_tab(root: Path) -> None:
    """Make the tab and connect it. Must be called inside a `gr.Tabs`."""

    def judge(folder: str) -> tuple[Any, ...]:
        try:
            found = judged(root, folder)
        except (TtsdocError, OSError) as error:  # in the place of the answer: that of another folder must not stay
            return [], gr.update(choices=[], value=None, visible=False), f"**{markdown(str(error))}**", None, ""
        names = [f"{number}. {plain(title(one.run))}: {one.verdict.value}" for number, one in enumerate(found, 1)]
        listed = gr.update(choices=names[:MOST_RUNS], value=names[0], visible=len(found) > 1)
        return found, listed, *show(found, names[0])

    def show(found: list[Diagnosis], name: str | None) -> tuple[str, Any, str]:
        if not found or not name:
            return "", None, ""
        diagnosis = found[int(name.partition(".")[0]) - 1]
        drawn = figures(diagnosis)
        return answer_text(diagnosis), drawn[0] if drawn else None, report_text(diagnosis)

    with gr.Tab("Judge a folder"):
        found = gr.State([])
        with gr.Row(equal_height=True):
            folder = gr.Textbox("runs", label="Folder or log", scale=4, elem_id="folder")
            button = gr.Button("Judge", variant="primary", elem_id="judge")
        run = gr.Dropdown(label="Run, worst first", choices=[], visible=False, elem_id="run")
        answer = gr.Markdown(elem_id="verdict")
        chart = gr.Plot(label="Loss")
        with gr.Accordion("The whole report", open=False):
            report = gr.Markdown(elem_id="report")
        gr.on([button.click, folder.submit], judge, [folder], [found, run, answer, chart, report])
        run.input(show, [found, run], [answer, chart, report])
