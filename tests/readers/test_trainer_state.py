"""A trainer_state.json is read as its Trainer logged it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from diagnose.errors import LogError
from diagnose.readers import trainer_state
from diagnose.readers.roles import assign_roles
from diagnose.readers.sources import Source
from diagnose.run import Role, Run

HISTORY: list[dict[str, Any]] = [
    {"loss": 2.5, "grad_norm": float("nan"), "learning_rate": 5e-05, "epoch": 0.5, "step": 10},
    {"loss": "2.25", "grad_norm": "1.5", "learning_rate": "4e-05", "epoch": "1.0", "step": 20},
    {"eval_loss": 2.4, "eval_wer": 30.0, "eval_runtime": 9.9, "epoch": 1.0, "step": 20},
    {"train_loss": 9.9, "train_runtime": 31.0, "total_flos": 1e18, "epoch": 1.0, "step": 20},
]


def read(document: dict[str, Any]) -> Run:
    source = Source("trainer_state.json", content=json.dumps(document).encode())
    assert trainer_state.sniff(source) >= 95
    return assign_roles(trainer_state.read(source))


def test_losses_rate_and_norm_are_read_in_steps_nan_and_quoted_numbers_too() -> None:
    run = read({"log_history": HISTORY, "best_metric": 30.0, "best_model_checkpoint": "out/checkpoint-20"})
    for role, tag, values in (
        (Role.TRAIN_LOSS, "loss", [2.5, 2.25]),
        (Role.VAL_LOSS, "eval_loss", [2.4]),
        (Role.LEARNING_RATE, "learning_rate", [5e-05, 4e-05]),
        (Role.GRAD_NORM, "grad_norm", [np.nan, 1.5]),
    ):
        curve = run.curve(role)
        assert curve is not None
        assert curve.tag == tag
        np.testing.assert_array_equal(curve.values, values)
    assert list(run.curves["loss"].steps) == [10, 20]
    assert "out/checkpoint-20" in run.notes[0]


def test_the_mean_over_the_whole_run_is_no_point_of_a_curve() -> None:
    assert "train_loss" not in read({"log_history": HISTORY}).curves


def test_of_several_evaluation_sets_the_plain_one_is_taken_and_the_others_are_named() -> None:
    history = [{"eval_long_loss": 3.0, "eval_short_loss": 2.0, "step": 10}, {"loss": 2.5, "step": 10}]
    run = read({"log_history": history})
    val = run.curve(Role.VAL_LOSS)
    assert val is not None
    assert val.tag == "eval_long_loss"
    assert "eval_short_loss" in run.notes[-1]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b'{"log_history": [{"loss": 2.', "no complete JSON", id="cut off"),
        pytest.param(b'{"log_history": []}', "empty", id="nothing logged"),
        pytest.param(b'{"log_history": 3}', "no log_history", id="no list"),
        pytest.param(b'{"log_history": [1, "a", null]}', "empty", id="no records"),
    ],
)
def test_a_document_without_a_history_is_refused_in_one_line(content: bytes, reason: str) -> None:
    with pytest.raises(LogError, match=reason) as caught:
        trainer_state.read(Source("trainer_state.json", content=content))
    assert "\n" not in str(caught.value)


def test_another_json_document_is_left_to_other_readers() -> None:
    assert trainer_state.sniff(Source("config.json", content=b'{"loss": 3}')) == 0
