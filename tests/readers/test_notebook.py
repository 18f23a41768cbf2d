"""What the cells of a notebook printed is a log; their source is none, and nothing of it is executed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from diagnose.errors import LogError
from diagnose.readers import read, runs
from diagnose.run import Role, Run

TRAIN = [round(3.0 * 0.93**n + 0.4, 4) for n in range(30)]
VAL = [round(value + 0.2, 4) for value in TRAIN]
LINES = [f"Epoch {n}: train loss {t}, val loss {v}\n" for n, (t, v) in enumerate(zip(TRAIN, VAL, strict=True))]
Output = dict[str, Any]


def stream(lines: list[str]) -> Output:
    return {"output_type": "stream", "name": "stdout", "text": lines}


def shown(**data: str | list[str]) -> Output:
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {f"text/{kind}": text for kind, text in data.items()},
    }


def notebook(path: Path, *cells: list[Output], source: str = "train()") -> Path:
    made = [{"cell_type": "code", "source": [source], "metadata": {}, "outputs": outputs} for outputs in cells]
    note = {"cell_type": "markdown", "metadata": {}, "source": ["epoch 1 loss 9.5\n", "epoch 2 loss 9.1\n"]}
    path.write_text(json.dumps({"cells": [note, *made], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1))
    return path


def values(run: Run, role: Role) -> list[float]:
    curve = run.curve(role)
    return [] if curve is None else curve.values.tolist()


def table(header: str, rows: list[str]) -> str:
    cells = "".join(f"<th>{title}</th>" for title in header.split("|"))
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row.split("|")) + "</tr>\n" for row in rows)
    return (
        f'<div><progress value="3"></progress>[30/30 00:12]</div><table border="1">\n<tr>{cells}</tr>\n{body}</table>'
    )


ROWS = [f"{n}|{t}|{v}|00:12" for n, (t, v) in enumerate(zip(TRAIN, VAL, strict=True))]
OUTPUTS = {
    "stream": [stream(LINES)],
    "one string": [stream(["".join(LINES)])],
    "a stream a line": [stream([line]) for line in LINES],
    "half a line": [stream([part]) for line in LINES for part in (line[:14], line[14:])],
    "fastai": [shown(html=table("epoch|train_loss|valid_loss|time", ROWS), plain="<IPython.core.display.HTML object>")],
    "trainer": [shown(html=[table("Epoch|Training Loss|Validation Loss|Time", ROWS)])],
    "history": [{"output_type": "execute_result", "data": {"text/plain": [str({"loss": TRAIN, "val_loss": VAL})]}}],
}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_the_outputs_of_a_cell_are_read(tmp_path: Path, kind: str) -> None:
    run = read(notebook(tmp_path / "train.ipynb", [stream(["Using GPU 0\n"])], OUTPUTS[kind]))
    assert values(run, Role.TRAIN_LOSS) == TRAIN
    assert values(run, Role.VAL_LOSS) == VAL
    assert run.format == "notebook"


def test_the_notebooks_of_2014_are_read(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "input": ["train()"], "outputs": [{"output_type": "stream", "text": LINES}]}
    (tmp_path / "old.ipynb").write_text(json.dumps({"nbformat": 3, "worksheets": [{"cells": [cell]}]}))
    assert values(read(tmp_path), Role.TRAIN_LOSS) == TRAIN


def test_cells_that_train_from_the_first_epoch_on_are_runs_of_their_names(tmp_path: Path) -> None:
    """What is printed before and behind them belongs to the nearest one above."""
    tested, died = [stream(["Test loss: 0.9\n"])], {"output_type": "error", "ename": "KeyError", "evalue": "'model'"}
    path = notebook(tmp_path / "a.ipynb", [stream(["GPU 0\n"])], [stream(LINES[:20])], tested, [stream(LINES), died])
    first, second = runs(path)
    assert (first.name, second.name) == ("cell 3", "cell 5")
    assert values(first, Role.TRAIN_LOSS) == TRAIN[:20]
    assert values(second, Role.TRAIN_LOSS) == TRAIN
    assert first.ending is None
    assert second.ending is not None
    (tmp_path / "b").mkdir()
    path.rename(tmp_path / "b" / "a.ipynb")
    assert [run.name for run in runs(tmp_path)] == ["b/a.ipynb/cell 3", "b/a.ipynb/cell 5"]


@pytest.mark.parametrize(
    "cells",
    [
        ([stream(LINES[:12])], [stream(["saved\n"])], [stream(LINES[12:])]),
        ([stream(LINES[:3])], [stream(LINES)]),
        ([shown(html=table("count|loss", [f"{v}|{v}" for v in VAL]))], [stream(LINES)]),
    ],
    ids=["goes on", "tries out", "shows a table"],
)
def test_a_cell_that_goes_on_or_shows_something_is_no_training_of_its_own(
    tmp_path: Path, cells: tuple[list[Output], ...]
) -> None:
    assert values(read(notebook(tmp_path / "train.ipynb", *cells)), Role.TRAIN_LOSS) == TRAIN


def test_a_cell_that_died_says_so_and_its_source_is_no_log(tmp_path: Path) -> None:
    frames = ["Traceback (most recent call last)", *(f"---> {n} loss = {t}" for n, t in enumerate(VAL))]
    error = {"output_type": "error", "ename": "RuntimeError", "evalue": "CUDA out of memory", "traceback": frames}
    run = read(notebook(tmp_path / "train.ipynb", [stream(LINES), error]))
    assert run.ending is not None
    assert values(run, Role.TRAIN_LOSS) == TRAIN


def test_the_values_of_cells_are_no_losses(tmp_path: Path) -> None:
    cells = [[{"output_type": "execute_result", "data": {"text/plain": [str(value)]}}] for value in TRAIN]
    with pytest.raises(LogError):
        read(notebook(tmp_path / "eda.ipynb", *cells))


def test_source_and_prose_are_never_read_as_a_log(tmp_path: Path) -> None:
    source = "".join(f"# epoch {n} loss {t}\n" for n, t in enumerate(TRAIN))
    path = notebook(
        tmp_path / "eda.ipynb", [shown(html=table("age|height", ["12|1.40", "13|1.52"] * 9))], source=source
    )
    for place in (path, tmp_path):
        with pytest.raises(LogError, match="no training output is saved in this notebook"):
            read(place)


def test_in_a_folder_a_real_log_comes_first(tmp_path: Path) -> None:
    notebook(tmp_path / "train.ipynb", [stream(LINES)])
    assert [run.format for run in runs(tmp_path)] == ["notebook"]
    (tmp_path / "train.log").write_text("".join(LINES))
    assert [run.format for run in runs(tmp_path)] == ["text"]


@pytest.mark.parametrize(
    "content", ["{", '{"cells": 3}', '{"cells": [3, {"outputs": [4, {"data": 5, "text": 6}]}]}', "{}"]
)
def test_a_damaged_notebook_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.ipynb").write_text(content)
    with pytest.raises(LogError):
        read(tmp_path / "x.ipynb")
