"""Histories that a trainer wrote as one JSON document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from diagnose.errors import LogError
from diagnose.readers import json_document, json_lines, read_source, runs, text, trainer_state
from diagnose.readers.roles import assign_roles
from diagnose.readers.sources import Source
from diagnose.run import Axis, Role, Run


def read(document: Any) -> Run:
    source = Source("history.json", content=json.dumps(document, indent=1).encode())
    scores = [reader.sniff(source) for reader in (json_lines, text, trainer_state)]
    assert json_document.sniff(source) > max(scores)
    return assign_roles(json_document.read(source))


def pair(run: Run) -> list[tuple[str, Axis, list[int], list[float]]]:
    curves = [run.curve(role) for role in (Role.TRAIN_LOSS, Role.VAL_LOSS)]
    return [(c.tag, c.axis, c.steps.tolist(), c.values.tolist()) for c in curves if c is not None]


def test_a_history_of_lists_counts_epochs_from_one() -> None:
    run = read({"history": {"loss": [3.0, 2.0, 1.5], "val_loss": [3.1, 2.2, 1.9]}, "lr": 0.001})
    assert pair(run) == [
        ("loss", Axis.EPOCH, [1, 2, 3], [3.0, 2.0, 1.5]),
        ("val_loss", Axis.EPOCH, [1, 2, 3], [3.1, 2.2, 1.9]),
    ]


def test_a_list_that_counts_gives_the_steps_of_the_others() -> None:
    run = read({"step": [10, 20, 30], "train_loss": [3.0, 2.0, 1.5]})
    assert pair(run) == [("train_loss", Axis.STEP, [10, 20, 30], [3.0, 2.0, 1.5])]


def test_a_list_of_records_is_a_table() -> None:
    run = read([{"epoch": 1, "train_loss": 3, "val_loss": 4}, {"epoch": 2, "train_loss": 2, "val_loss": 3}])
    assert [values for _, _, _, values in pair(run)] == [[3, 2], [4, 3]]


def test_nvidias_first_log_has_iterations_in_lists_of_epochs() -> None:
    run = read(
        {
            "run": {"cpu_info": {"num": 64}},
            "epoch": {"x": [0, 1], "val_iter_loss": [1.5, 1.25]},
            "iter": {"x": [[0, 1], [2, 3]], "train_iteration_loss": [[4.0, 3.0], [2.0, 1.0]]},
        }
    )
    assert pair(run) == [
        ("train_iteration_loss", Axis.STEP, [0, 1, 2, 3], [4.0, 3.0, 2.0, 1.0]),
        ("val_iter_loss", Axis.EPOCH, [1, 2], [1.5, 1.25]),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b'{"loss": [1.0, 2.', "no complete JSON", id="cut off"),
        pytest.param(b'{"loss": "low"}', "no lists of numbers", id="no numbers"),
        pytest.param(b'{"loss": ' + b"[" * 100_000, "no complete JSON", id="nested without end"),
    ],
)
def test_another_document_is_refused_in_one_line(content: bytes, reason: str) -> None:
    with pytest.raises(LogError, match=reason) as caught:
        json_document.read(Source("x.json", content=content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"[iter 5] f_loss: 3.5\n[iter 10] f_loss: 3.25\n", id="a text log in brackets"),
        pytest.param(b'{"model": "vits", "lr": 0.1}', id="a config"),
        pytest.param(b"", id="empty"),
    ],
)
def test_what_is_no_history_is_left_to_other_readers(content: bytes) -> None:
    assert json_document.sniff(Source("x", content=content)) == 0


@pytest.mark.parametrize("dash", ["- ", "  - "])
def test_a_history_in_yaml_is_a_history(dash: str) -> None:
    losses = [round(3.0 * 0.9**n, 4) for n in range(9)]
    content = "".join(f"{name}:\n" + "".join(f"{dash}{x}\n" for x in losses) for name in ("loss", "val_loss"))
    run = read_source(Source("log.yaml", content=content.encode(), asked=False))
    assert [values for _, _, _, values in pair(run)] == [losses, losses]


@pytest.mark.parametrize("name", ["milestones", "anchors", "layers"])
def test_a_list_in_a_config_is_no_history(name: str) -> None:
    content = f"{name}:\n" + "".join(f"- {10 * n}\n" for n in range(1, 9)) + "lr: 0.1\n"
    with pytest.raises(LogError):
        read_source(Source("log.yaml", content=content.encode(), asked=False))


def test_a_list_that_was_written_piece_by_piece_is_one_curve() -> None:
    losses = [round(3.0 * 0.95**n, 4) for n in range(40)]
    content = "".join(f"{losses[n : n + 10]}\n" for n in range(0, 40, 10))
    run = read_source(Source("loss_lst.txt", content=content.encode(), asked=False))
    assert [values for _, _, _, values in pair(run)] == [losses]


POINTS = [(epoch, 0.4 + 2 / (epoch + 1), 0.5 + 2 / (epoch + 1)) for epoch in range(8)]
TABLES = {
    "rows by the name of their epoch": {f"epoch_{n}": {"train_loss": t, "val_loss": v} for n, t, v in POINTS},
    "columns by row, as pandas writes them": {
        "train_loss": {str(n): t for n, t, _ in POINTS},
        "val_loss": {str(n): v for n, _, v in POINTS},
    },
    "columns and data": {"columns": ["epoch", "train_loss", "val_loss"], "data": [list(row) for row in POINTS]},
    "steps beside values, as Sacred writes them": {
        "training.loss": {"steps": [n for n, _, _ in POINTS], "values": [t for _, t, _ in POINTS]},
        "validation.loss": {"steps": [n for n, _, _ in POINTS], "values": [v for _, _, v in POINTS]},
    },
    "points of step and value": {
        "train_losses": [[n, t] for n, t, _ in POINTS],
        "val_losses": [[n, v] for n, _, v in POINTS],
    },
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_in_a_document_are_read_whichever_way_they_lie(name: str) -> None:
    train, val = (series for _, _, _, series in pair(read(TABLES[name])))
    assert train == [t for _, t, _ in POINTS]
    assert val == [v for _, _, v in POINTS]


def test_series_downloaded_from_tensorboard_are_one_run(tmp_path: Path) -> None:
    for split, place in (("train", 1), ("val", 2)):
        points = [[1.7e9 + row[0], row[0] * 10, row[place]] for row in POINTS]
        (tmp_path / f"run-.-tag-Loss_{split}.json").write_text(json.dumps(points), encoding="utf-8")
    (run,) = runs(tmp_path)
    assert [(series[2], series[3]) for series in pair(run)] == [
        ([row[0] * 10 for row in POINTS], [row[place] for row in POINTS]) for place in (1, 2)
    ]
