"""What people paste of their consoles: quirks of the trainers themselves, and what a forum makes of the text."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.readers import read_source
from diagnose.readers.sources import Source
from diagnose.run import Axis, Role, Run

Expected = tuple[Sequence[float], Sequence[int]] | None
"""Values and steps."""

PASTES: dict[str, tuple[str, Expected, Expected]] = {
    "Keras calls each evaluation a first epoch": (
        """
        Epoch 61/90
        39/40 [============================>.] - ETA: 1s - loss: 0.71Epoch 1/90
        40/40 [==============================] - 31s 1s/step - loss: 0.70 - val_loss: 0.82
        Epoch 62/90
        39/40 [============================>.] - ETA: 1s - loss: nanEpoch 1/90
        40/40 [==============================] - 31s 1s/step - loss: nan - val_loss: nan
        """,
        ([0.70, math.nan], [61, 62]),
        ([0.82, math.nan], [61, 62]),
    ),
    "a bar of Keras behind which the line end is lost": (
        "".join(f"Epoch {n}/2 40/40 [====] - 3s - loss: 0.{9 - n} - val_loss: 0.{8 - n}" for n in (1, 2)),
        ([0.8, 0.7], [1, 2]),
        ([0.7, 0.6], [1, 2]),
    ),
    "Paddle fills nan up to six letters": (
        """
        [2024/01/02 03:04:05] ppocr INFO: epoch: [3/9], global_step: 410, loss: 2.310000, avg_batch_cost: 0.30 s
        [2024/01/02 03:04:09] ppocr INFO: epoch: [3/9], global_step: 420, loss: nanxxx, avg_batch_cost: 0.31 s
        [2024/01/02 03:04:13] ppocr INFO: epoch: [3/9], global_step: 430, loss: infxxx, avg_batch_cost: 0.31 s
        """,
        ([2.31, math.nan, math.inf], [410, 420, 430]),
        None,
    ),
    "seconds that a step costs": (
        "step 10 cost: 3.1 s loss: 2.0\nstep 20 cost: 3.2 s loss: 1.9\nstep 30 cost: 3.0 s loss: 1.8\n",
        ([2.0, 1.9, 1.8], [10, 20, 30]),
        None,
    ),
    "a cross-validation has a training loss": (
        """
        [30]    cv-test-rmse:0.52+0.02    cv-train-rmse:0.41+0.01
        [40]    cv-test-rmse:0.50+0.02    cv-train-rmse:0.38+0.01
        [50]    cv-test-rmse:nan+nan cv-train-rmse:nan+nan
        """,
        ([0.41, 0.38, math.nan], [30, 40, 50]),
        ([0.52, 0.50, math.nan], [30, 40, 50]),
    ),
    "tensors of one number": (
        "\n".join(f"step {n} {{'mel_loss': tensor([{40 - n}.5], device='cuda:1'), 'n': 3}}" for n in (1, 2, 3)),
        ([39.5, 38.5, 37.5], [1, 2, 3]),
        None,
    ),
    "an evaluation of Coqui and nothing else": (
        """
           --> STEP: 3
             | > decoder_loss: 1.61  (1.72)
             | > loss: 2.97  (2.46)
          --> EVAL PERFORMANCE
             | > avg_decoder_loss: 1.72 (+0.00)
             | > avg_loss: 2.46 (+0.00)
        """,
        None,
        ([2.46], []),
    ),
    "Caffe repeats the loss of each output": (
        """
        I0102 03:04:05.0 77 solver.cpp:266] Iteration 900, Testing net (#0)
        I0102 03:04:05.1 77 solver.cpp:315]     Test net output #0: loss = 5.5 (* 1 = 5.5 loss)
        I0102 03:04:05.2 77 solver.cpp:189] Iteration 900, loss = 4.1
        I0102 03:04:05.2 77 solver.cpp:204]     Train net output #0: loss_a = 4.2 (* 1 = 4.2 loss)
        I0102 03:04:05.3 77 solver.cpp:189] Iteration 1000, loss = 4.0
        I0102 03:04:05.3 77 solver.cpp:204]     Train net output #0: loss_a = 3.9 (* 1 = 3.9 loss)
        """,
        ([4.1, 4.0], [900, 1000]),
        ([5.5], [900]),
    ),
    "one record whose losses are on the line below its counters": (
        "my log:\nEpoch [4/10], Step [310/900]:\nTotal Loss: 7.125, Mel Loss: 0.5, F0 Loss: 6.5;\n",
        ([7.125], [4]),
        None,
    ),
    "ranks of icefall": (
        "\n".join(
            f"2022-10-23 14:53:29,35{rank} INFO [train.py:907] ({rank}/2) Epoch 3, batch {batch}, "
            f"loss[loss={batch + rank / 2}, over 9.00 frames.], tot_loss[loss=0.3], batch size: 9, lr: 3.41e-04"
            for batch in (50, 100)
            for rank in (0, 1)
        ),
        ([50.25, 100.25], [250, 300]),
        None,
    ),
    "batches of one evaluation, as WeNet prints them": (
        "".join(f"2026-01-02 03:04:0{n},1 DEBUG CV Batch 7/{n}0 loss 2{n}.5 history loss 1.5\n" for n in (1, 2, 3)),
        None,
        ([21.5, 22.5, 23.5], [190, 200, 210]),
    ),
    "a scale that is set again and again beside one epoch": (
        "| epoch 027 | loss 6.34 | num_updates 10198 |\n| epoch 027 | valid on 'valid' subset | valid_loss 8.30 |\n"
        + "".join(f"| WARNING: overflow detected, setting loss scale to: 0.{n}5\n" for n in range(9)),
        ([6.34], [10198]),
        ([8.30], [27]),
    ),
    "heads of a detector in turn, and nothing that counts": (
        "".join(
            f"Region {head} Avg (IOU: 0.1), count: 9, class_loss = 1.0, iou_loss = 1.0, total_loss = {n}{x}.0\n"
            for n in (5, 4, 3)
            for head, x in ((139, 0), (150, 3), (161, 6))
        ),
        ([53.0, 43.0, 33.0], []),
        None,
    ),
    "processes that print a loss and count nothing": (
        "".join(f"[rank{rank}] loss: {n}.{rank}\n" for n in (5, 4, 3) for rank in (1, 0, 2)),
        ([5.1, 4.1, 3.1], []),
        None,
    ),
    "an evaluation of Coqui that was cut before the total of the generator": (
        (
            " > EVALUATION\n\n  --> EVAL PERFORMANCE\n     | > avg_loss_disc: 2.728 (+0)\n"
            "     | > avg_loss_0: 2.728 (+0)\n     | > avg_loss_kl: 174.0 (+0)\n     | > avg_loss_mel: 27.186 (+0)\n"
        ),
        None,
        ([27.186], []),
    ),
    "a step and its loss behind a bar": (
        "Num Epochs = 1\nTotal steps = 312\n"
        + "".join(f" {n}%|▎   | {n}1/312 [02:27<1:00:48, 12.12s/it]{n}0, 2.{9 - n}\n" for n in range(5))
        + " 16%|▎   | 51/312 [02:27<1:00:48, 12.12s/it",
        ([2.9, 2.8, 2.7, 2.6, 2.5], [0, 10, 20, 30, 40]),
        None,
    ),
    "a NaN of which the text around a curve tells": (
        "I got loss nan after about 5000 steps, before the loss was nan\n"
        + "".join(f"step: {n}0, training_loss: {9 - n}.5\n" for n in range(6)),
        ([9.5, 8.5, 7.5, 6.5, 5.5, 4.5], [0, 10, 20, 30, 40, 50]),
        None,
    ),
    "signal to noise ratios whose negatives are trained on": (
        "".join(f"epoch: {n}, lr: 1e-4 - train si-snr: -{n}.5e+00 - valid si-snr: -{n}.2e+00\n" for n in (5, 6, 7)),
        ([-5.5, -6.5, -7.5], [5, 6, 7]),
        ([-5.2, -6.2, -7.2], [5, 6, 7]),
    ),
    "a name behind `and`": (
        "Val epoch 1 has acc 0.2 and loss 1.38\nVal epoch 2 has acc 0.3 and loss 1.36\n",
        None,
        ([1.38, 1.36], [1, 2]),
    ),
}


@pytest.mark.parametrize("name", PASTES)
def test_a_pasted_console_gives_its_series(name: str) -> None:
    """Values and steps of both losses."""
    text, train, val = PASTES[name]
    run = read_source(Source("paste.txt", content=text.encode()))
    for role, expected in ((Role.TRAIN_LOSS, train), (Role.VAL_LOSS, val)):
        curve = run.curve(role)
        assert (curve is None) == (expected is None), role
        if curve and expected:
            assert curve.values.tolist() == pytest.approx(expected[0], nan_ok=True)
            assert (curve.steps.tolist() if curve.counted else []) == list(expected[1])


def slice_of(epoch: int, heading: str) -> Run:
    lines = [f"loss: {0.7 + (7 * n % 5) / 50:.2f} step took 6.{n}" for n in range(24)]
    text = "\n".join([*lines[:9], heading.format(epoch), *lines[9:]])
    return read_source(Source("paste.txt", content=text.encode()))


@pytest.mark.parametrize("heading", ["ep:{{}} {}", "Epoch {}", "====> epoch {}:"])
def test_an_epoch_named_between_losses_that_nothing_counts_tells_where_the_log_begins(heading: str) -> None:
    """A flat slice from the middle of a training is accused of nothing; one of the first epochs begins with it."""
    late = slice_of(18, heading)
    assert late.beginning is not None
    assert (late.beginning.at, late.beginning.axis) == (18, Axis.EPOCH)
    said = [finding.message for finding in examine(Facts(late)).findings]
    assert any("begins at epoch 18" in message for message in said)
    assert slice_of(1, heading).beginning is None
