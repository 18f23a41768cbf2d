"""What the page shows is harmless, whatever a log is called."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

pytest.importorskip("plotly")

from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import Diagnosis
from diagnose.run import Curve, Role
from diagnose.ui import views
from tests import curves

HOSTILE = "x<img src=x onerror=alert(1)> [a](javascript:alert(1)) \x1b[2J"


@pytest.fixture
def hostile() -> Diagnosis:
    values = curves.turned(curves.noisy(curves.descent()))
    curve = Curve(HOSTILE, curves.curve(Role.TRAIN_LOSS, values).steps, values, role=Role.TRAIN_LOSS)
    return examine(Facts(replace(curves.run(curve), name=HOSTILE, source=HOSTILE)))


def test_no_markup_of_a_log_reaches_the_page(hostile: Diagnosis) -> None:
    texts = [
        views.answer_text(hostile),
        views.findings_text(hostile),
        views.progress_text(hostile, running=True),
        views.report_text(hostile),
    ]
    assert any("onerror" in text for text in texts)
    for text in texts:
        assert not re.search(r"(?<!\\)(<img|\]\()", text)
        assert "\x1b" not in text


def test_each_chart_is_a_figure_with_the_findings_marked(hostile: Diagnosis) -> None:
    drawn = views.figures(hostile)
    assert drawn
    assert drawn[0].layout.shapes
    assert "<img" not in drawn[0].to_json()


def test_nothing_logged_is_said_plainly() -> None:
    assert "Nothing is logged yet" in views.answer_text(None)
    assert views.figures(None) == []
    assert views.fix_of(None, unsafe=True) == "Nothing is logged yet."


def test_a_run_without_a_config_has_no_fix_and_says_so(hostile: Diagnosis) -> None:
    said = views.fix_of(hostile, unsafe=False)
    assert isinstance(said, str)
    assert "config" in said


def test_what_a_trainer_prints_cannot_act(hostile: Diagnosis) -> None:
    shown = views.console_text("10%\r100%\n\x1b[31mred\x1b[0m\n" + "line\n" * 100)
    assert "\x1b" not in shown
    assert shown.count("\n") < views.MOST_LINES
