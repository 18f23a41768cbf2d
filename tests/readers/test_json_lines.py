"""JSON lines become curves whatever their keys are called."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from diagnose.errors import LogError
from diagnose.readers import json_lines
from diagnose.readers.roles import assign_roles
from diagnose.readers.sources import Source
from diagnose.run import Axis, Curve, Role, Run


def read(*records: dict[str, Any] | str) -> Run:
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    source = Source("metrics.jsonl", content="\n".join(lines).encode())
    assert json_lines.sniff(source) >= 50
    return assign_roles(json_lines.read(source))


def curve(run: Run, role: Role) -> Curve:
    found = run.curve(role)
    assert found is not None
    return found


def test_llama_factory_counts_current_steps_and_nulls_are_no_points() -> None:
    run = read(
        {"current_steps": 5, "loss": 0.7, "eval_loss": None, "learning_rate": 5e-05, "epoch": 0.1},
        {"current_steps": 10, "loss": None, "eval_loss": 0.9, "epoch": 0.2},
        {"current_steps": 10, "loss": 0.6, "eval_loss": None, "learning_rate": 4e-05, "epoch": 0.2},
    )
    assert list(curve(run, Role.TRAIN_LOSS).steps) == [5, 10]
    assert list(curve(run, Role.VAL_LOSS).values) == [0.9]
    assert list(curve(run, Role.LEARNING_RATE).values) == [5e-05, 4e-05]


def test_detr_and_mae_count_epochs_and_test_on_held_out_data() -> None:
    run = read(
        *({"train_lr": 1e-4, "train_loss": 9 - n, "test_loss": 8 - n, "train_loss_ce": 1, "epoch": n} for n in range(3))
    )
    assert (curve(run, Role.TRAIN_LOSS).tag, curve(run, Role.VAL_LOSS).tag) == ("train_loss", "test_loss")
    assert curve(run, Role.TRAIN_LOSS).axis is Axis.EPOCH


def test_detectron2s_total_is_judged_and_its_last_launch() -> None:
    launches = [*range(19, 100, 20), *range(19, 60, 20)]
    run = read(*({"iteration": step, "total_loss": 9.5, "loss_cls": 1.5, "lr": 1e-5} for step in launches))
    assert list(curve(run, Role.TRAIN_LOSS).steps) == [19, 39, 59]
    assert curve(run, Role.TRAIN_LOSS).tag == "total_loss"


def test_dllogger_lines_count_epoch_and_iteration_in_a_list() -> None:
    run = read(
        'DLLL {"type": "LOG", "step": "PARAMETER", "data": {"epochs": 9}}',
        *(f'DLLL {{"step": [{e}, {i}], "data": {{"loss": {9 - e - i / 2}}}}}' for e in (1, 2) for i in (1, 2)),
        'DLLL {"step": [2], "data": {"val_loss": 5.5}}',
        'DLLL {"step": [], "data": {"loss": 99}}',
    )
    assert [(int(s), float(v)) for s, v in zip(run.curves["loss"].steps, run.curves["loss"].values, strict=True)] == [
        (1, 7.5),
        (2, 7.0),
        (3, 6.5),
        (4, 6.0),
    ]
    assert list(curve(run, Role.VAL_LOSS).values) == [5.5]


def test_nested_keys_are_joined_and_nan_and_quoted_numbers_are_read() -> None:
    run = read('{"step": 1, "train": {"loss": NaN}}', '{"step": 2, "train": {"loss": "2.5"}}')
    np.testing.assert_array_equal(run.curves["train/loss"].values, [np.nan, 2.5])


def test_times_are_kept() -> None:
    run = read({"_step": 0, "loss": 2.5, "_timestamp": 1.6e9}, {"_step": 1, "loss": 2.25, "_timestamp": 1.7e9})
    walls = curve(run, Role.TRAIN_LOSS).wall_times
    assert walls is not None
    assert list(walls) == [1.6e9, 1.7e9]


def test_a_damaged_line_is_counted_and_the_others_are_read() -> None:
    run = read({"step": 1, "loss": 3}, {"step": 2, "loss": 2}, '{"step": 3, "lo', {"step": 4, "loss": 1})
    assert list(curve(run, Role.TRAIN_LOSS).steps) == [1, 2, 4]
    assert run.health.bad_records == 1
    assert run.notes[0].startswith("1 lines are no JSON")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"step 1 loss 2\n", id="text"),
        pytest.param(b'["a", 1]\n["b", 2]\n', id="lists"),
        pytest.param(b'{"text": "a"}\n{"text": "b"}\n', id="a data set of words"),
        pytest.param(b'{"a": ' * 9999 + b"\n", id="nested without end"),
    ],
)
def test_other_lines_are_left_to_other_readers(text: bytes) -> None:
    assert json_lines.sniff(Source("x.jsonl", content=text)) == 0


def test_lines_without_numbers_are_refused_in_one_line() -> None:
    with pytest.raises(LogError, match="no numbers in its JSON lines"):
        json_lines.read(Source("x.jsonl", content=b'{"text": "a"}\n'))
