"""What a notebook shows, in a notebook that is really executed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from diagnose import analyze, fix, read
from diagnose.finding import Diagnoses
from diagnose.report.notebook import svg
from diagnose.report.panels import panels
from diagnose.run import Run
from tests.report.diagnoses import diagnosis, finding, overfit, run, stop

HOSTILE = "<script>alert(1)</script>\u202e"


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::PendingDeprecationWarning"
)
def test_the_shipped_notebook_runs_and_shows_runs_diagnoses_lists_and_plans(root: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("plotly")
    notebook = nbformat.read(root / "examples" / "notebook.ipynb", as_version=4)
    with mock.patch.dict(os.environ, {"PYTHONPATH": str(root)}):
        nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(root / "examples")}}).execute()
    shown = [_html(cell) for cell in notebook.cells if cell.cell_type == "code"]
    assert "val_loss" in shown[0]
    assert "unhealthy" in shown[1]
    assert "<svg" in shown[1]
    assert "2 runs: 1 unhealthy, 1 healthy" in shown[2]
    assert "learning_rate" in shown[4]


def _html(cell: Any) -> str:
    return "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)


def test_text_from_a_log_is_escaped(root: Path) -> None:
    named = Run(HOSTILE, HOSTILE, "csv", dict(overfit().curves), notes=(HOSTILE,))
    of = diagnosis(named, finding(message=HOSTILE, advice=HOSTILE), advice=stop())
    for shown in (of._repr_html_(), named._repr_html_(), Diagnoses([of])._repr_html_()):
        assert "<script" not in shown
        assert "\u202e" not in shown
        assert "&lt;script&gt;" in shown


def test_a_picture_says_in_words_what_it_shows() -> None:
    picture = svg(panels(diagnosis(overfit(), finding(), advice=stop()))[0])
    assert 'role="img" aria-label="Training loss starts at' in picture
    assert picture.count("<polyline") == 2
    assert ">FIT002<" in picture


def test_a_run_that_was_not_judged_can_be_plotted(root: Path) -> None:
    pytest.importorskip("plotly")
    figure = read(root / "examples" / "overfitting").plot()
    assert [trace.name for trace in figure.data][:2] == ["training loss", "validation loss"]
    assert len(run().plot().data) == 0


def test_analyze_gives_a_list_that_is_a_table_in_a_notebook(root: Path) -> None:
    found = analyze(root / "examples" / "healthy")
    assert isinstance(found, list)
    assert "<table>" in found._repr_html_()


def test_a_plan_shows_the_difference(root: Path) -> None:
    shown = fix(root / "examples" / "amharic" / "config.yaml")._repr_html_()
    assert "<pre>" in shown
    assert "learning_rate" in shown
