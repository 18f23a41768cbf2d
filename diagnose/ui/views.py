"""What the page shows of a run, as text, charts and sounds. Text from logs and configs is escaped here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import gradio as gr

from diagnose.clean import markdown, plain
from diagnose.errors import TtsdocError
from diagnose.finding import Diagnosis
from diagnose.live.watch import progress
from diagnose.plan import Plan, plan_of_config
from diagnose.report import as_markdown
from diagnose.report.line import progress_line
from diagnose.report.screen import VERDICT_MARK
from diagnose.report.shown import shown
from diagnose.report.words import title
from diagnose.run import Attachment

P = ParamSpec("P")
T = TypeVar("T")
MOST_LINES = 40
CLEAR = "rgba(0,0,0,0)"
GROUND = {"paper_bgcolor": CLEAR, "plot_bgcolor": CLEAR, "font": {"color": "#7a7f87"}}
"""Charts for a light and a dark page alike: the page's own ground, and a grey with contrast 3.9 to white and black."""
GRID = "rgba(128,128,128,0.25)"


def with_reasons(work: Callable[P, T]) -> Callable[P, T]:
    """The work; what a user can repair comes back as a message on the page."""

    def answered(*given: P.args, **named: P.kwargs) -> T:
        try:
            return work(*given, **named)
        except (TtsdocError, OSError) as error:
            raise gr.Error(plain(str(error))) from error

    return answered


def answer_text(diagnosis: Diagnosis | None, trouble: str = "") -> str:
    """The verdict and the three lines that a person must know first, as Markdown."""
    if diagnosis is None:
        return f"Nothing is logged yet. {markdown(trouble)}".strip()
    verdict = f"{VERDICT_MARK[diagnosis.verdict]} {diagnosis.verdict.value}"
    lines = [f"### {verdict}: {markdown(title(diagnosis.run))}"]
    lines += [f"- **{label}**: {as_markdown.prose(sentence)}" for label, sentence in shown(diagnosis).answer]
    return "\n".join(lines)


def progress_text(diagnosis: Diagnosis | None, *, running: bool) -> str:
    """How far the run is, in one line of Markdown; speed and time left only while it runs."""
    if diagnosis is None:
        return ""
    at = progress(diagnosis)
    pace = (at.steps_per_second, at.seconds_left) if running else (None, None)
    return markdown(progress_line(diagnosis, at.step, at.planned, *pace).replace("  ", " · "))


def findings_text(diagnosis: Diagnosis | None) -> str:
    """Each finding with its place, as a Markdown list."""
    if diagnosis is None:
        return ""
    lines = [
        f"{'    ' if one.finding.explained_by else ''}- **{one.finding.severity.value} {one.name}**"
        f"{f' ({one.place})' if one.place else ''}: {markdown(one.finding.message)}"
        for one in shown(diagnosis).findings
    ]
    return "\n".join(lines) or "Nothing was found."


def report_text(diagnosis: Diagnosis) -> str:
    """The whole report as Markdown, without its heading."""
    return as_markdown.render(diagnosis).partition("\n")[2]


def figures(diagnosis: Diagnosis | None) -> list[Any]:
    """The charts of a run as plotly figures: the losses first, findings marked. Empty where nothing was logged."""
    if diagnosis is None:
        return []
    import plotly.graph_objects as go

    from diagnose.report.html.figures import run_figures

    drawn = []
    for figure in run_figures(diagnosis, "run"):
        made = go.Figure(figure.content["data"], figure.content["layout"])
        drawn.append(made.update_layout(height=figure.height, autosize=True, **GROUND))
        made.update_xaxes(gridcolor=GRID, zerolinecolor=GRID).update_yaxes(gridcolor=GRID, zerolinecolor=GRID)
    return drawn


def fix_of(diagnosis: Diagnosis | None, *, unsafe: bool) -> Plan | str:
    """The plan that corrects the run's config, or why there is none."""
    if diagnosis is None:
        return "Nothing is logged yet."
    try:
        made = plan_of_config(diagnosis, unsafe=unsafe)
    except TtsdocError as error:
        return plain(str(error))
    return made if made.after != made.before else "Nothing to change."


def diff_text(made: Plan | str) -> str:
    """The change as a diff, each line harmless."""
    if isinstance(made, str):
        return made
    return "\n".join(plain(line) for line in made.diff().splitlines())


def sound_name(sound: Attachment) -> str:
    """`step 200, sample/1`."""
    return plain(f"step {sound.step:,}, {sound.tag}")


def console_text(printed: str) -> str:
    """The last lines that a trainer printed, without what a terminal would act on."""
    lines = [plain(line) for line in printed.replace("\r", "\n").split("\n") if line.strip()]
    return "\n".join(lines[-MOST_LINES:])
