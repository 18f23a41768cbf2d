"""What people paste: short, cut off, without headers, from trainers that nobody has a format for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from diagnose.readers import read_source
from diagnose.readers.sources import Source
from diagnose.run import Role, Run

Expected = tuple[Sequence[float], Sequence[int]] | None
"""Values and steps."""


def read_text(text: str) -> Run:
    return read_source(Source("paste.txt", content=text.encode()))


def series(run: Run, role: Role) -> Expected:
    curve = run.curve(role)
    return None if curve is None else (curve.values.tolist(), curve.steps.tolist() if curve.counted else [])


PASTES: dict[str, tuple[str, Expected, Expected]] = {
    "a shorter bar within the one epoch that was pasted evaluates it": (
        """
        Epoch 3 [0/40] loss 2.3 (2.3) lr 0.001
        Epoch 3 [10/40] loss 2.1 (2.2) lr 0.001
        Epoch 3 [20/40] loss 1.9 (2.1) lr 0.001
        Epoch 3 [0/8] loss 1.8 (1.8)
        """,
        ([2.3, 2.1, 1.9], [80, 90, 100]),
        ([1.8], [3]),
    ),
    "a shorter bar that a line sums up as the validation's": (
        """
        Epoch: [0]  [  0/300]  eta: 0:03:48  loss: 5.1 (5.1)  lr: 0.0001  time: 0.5  data: 0.1
        Epoch: [0]  [200/300]  eta: 0:01:48  loss: 4.2 (4.5)  lr: 0.0001  time: 0.5  data: 0.1
        Epoch: [0] Total time: 0:02:30 (0.5 s / it)
        [Train] averaged stats: loss: 4.2 (4.5)  lr: 0.0001
        Epoch: [0]  [ 0/30]  eta: 0:00:08  loss: 4.4 (4.4)  time: 0.3  data: 0.1
        Epoch: [0] Total time: 0:00:09 (0.3 s / it)
        [Val] averaged stats: loss: 4.4 (4.4)
        """,
        ([5.1, 4.2], [0, 200]),
        ([4.4], [0]),
    ),
    "an epoch that follows with as many batches is no evaluation": (
        """
        Epoch 3 [0/40] loss 2.3
        Epoch 3 [20/40] loss 2.1
        Epoch 4 [0/40] loss 1.9
        Epoch 4 [20/40] loss 1.7
        """,
        ([2.3, 2.1, 1.9, 1.7], [80, 100, 120, 140]),
        None,
    ),
    "sections": (
        """
        === Epoch 1 ===
        [Train]
          loss: 1.2  acc: 0.5
        [Validation]
          loss: 1.1  acc: 0.6
        === Epoch 2 ===
        [Train]
          loss: 1.0  acc: 0.6
        [Validation]
          loss: 1.3  acc: 0.6
        """,
        ([1.2, 1.0], [1, 2]),
        ([1.1, 1.3], [1, 2]),
    ),
    "an announced evaluation repeats the epoch": (
        """
        epoch: 0,  loss is: 0.63, acc is: 0.78
        testing in eval mode ...
        epoch: 0,  loss is: 0.49, acc is: 0.84
        epoch: 1,  loss is: 0.37, acc is: 0.87
        testing in eval mode ...
        epoch: 1,  loss is: 0.58, acc is: 0.80
        """,
        ([0.63, 0.37], [0, 1]),
        ([0.49, 0.58], [0, 1]),
    ),
    "an announced evaluation that prints nothing": (
        """
        epoch 1 step 10 loss 2.5
        Evaluating ...
        epoch 1 step 20 loss 2.4
        Evaluating ...
        epoch 2 step 30 loss 2.2
        """,
        ([2.5, 2.4, 2.2], [10, 20, 30]),
        None,
    ),
    "the best round again": (
        """
        [100]\ttraining's binary_logloss: 0.43\tvalid_1's binary_logloss: 0.45
        [200]\ttraining's binary_logloss: 0.38\tvalid_1's binary_logloss: 0.42
        [300]\ttraining's binary_logloss: 0.34\tvalid_1's binary_logloss: 0.44
        Early stopping, best iteration is:
        [200]\ttraining's binary_logloss: 0.38\tvalid_1's binary_logloss: 0.42
        """,
        ([0.43, 0.38, 0.34], [100, 200, 300]),
        ([0.45, 0.42, 0.44], [100, 200, 300]),
    ),
    "numbers on lines of their own": (
        """
        Epoch 0
        11.64
        9.66
        8.57
        7.51
        3.9e-1
        Done!
        """,
        ([11.64, 9.66, 8.57, 7.51, 0.39], []),
        None,
    ),
    "step and value": (
        "100:\t-4.0655\n200:\t-4.4902\n300:\tnan\n",
        ([-4.0655, -4.4902, math.nan], [100, 200, 300]),
        None,
    ),
    "underscores between names and numbers": (
        """
        step_100:\tloss_-4.06
        step_200:\tloss_-4.49
        step_300:\tloss_4191.68
        """,
        ([-4.06, -4.49, 4191.68], [100, 200, 300]),
        None,
    ),
    "ordinal steps": (
        """
        current step: 1th step
        batch loss: 4.0
        current step: 2th step
        batch loss: 3.9
        """,
        ([4.0, 3.9], [1, 2]),
        None,
    ),
    "i of an epoch": (
        """
        epoch=0 i=0/530 total_loss=3.7 mel_loss=0.9
        epoch=0 i=1/530 total_loss=3.3 mel_loss=0.8
        """,
        ([3.7, 3.3], [0, 1]),
        None,
    ),
    "the place in the epoch in brackets": (
        """
        {| Epoch: 1/3 (10/1180) | Loss: 0.90 | 0.8 steps/s | Step: 0k | }
        {| Epoch: 1/3 (20/1180) | Loss: 0.84 | 0.8 steps/s | Step: 0k | }
        """,
        ([0.90, 0.84], [10, 20]),
        None,
    ),
    "a single line that is nan": ("{| Epoch: 1 (989/1180) | Loss: nan | 2.3 steps/s | }", ([math.nan], [989]), None),
    "one length for all episodes": (
        "\n".join(f"Loss: {1000 - 10 * n}, Last reward: {n % 2}, Total steps: 200" for n in range(12)),
        ([1000.0 - 10 * n for n in range(12)], []),
        None,
    ),
    "a tested checkpoint replaces no training": (
        "\n".join(
            [
                *(f"epoch: {n} done, acc: 0.8, loss: {0.5 - n / 100:.2f}" for n in range(8)),
                "load model epoch 5",
                "epoch: 5 done, acc: 0.9",
                "epoch: 6 done, acc: 0.9",
            ]
        ),
        ([round(0.5 - n / 100, 2) for n in range(8)], list(range(8))),
        None,
    ),
    "the first lines of two long epochs": (
        """
        Train Epoch: 1 [0/60000 (0%)]\tLoss: 2.30
        Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.21
        Train Epoch: 2 [0/60000 (0%)]\tLoss: 0.30
        Train Epoch: 2 [640/60000 (1%)]\tLoss: 0.21
        """,
        ([2.30, 2.21, 0.30, 0.21], [0, 640, 60000, 60640]),
        None,
    ),
    "one bar from each epoch": (
        """
        Epoch 7:  97%|####| 35/36 [00:10<00:00,  3.2it/s, loss=25.1, v_num=2]
        Epoch 8:  50%|##  | 18/36 [00:05<00:05,  3.2it/s, loss=25.0, v_num=2]
        Epoch 9:  50%|##  | 18/36 [00:05<00:05,  3.2it/s, loss=24.9, v_num=2]
        """,
        ([25.1, 25.0, 24.9], [251, 270, 306]),
        None,
    ),
    "the first bar of Keras, where the loss explodes": (
        """
        Epoch 1/10
          1/100 [..............................] - ETA: 10s - loss: 3.1
         50/100 [==============>...............] - ETA: 5s - loss: inf
        """,
        ([3.1, math.inf], [1, 50]),
        None,
    ),
    "the first bar of Keras, unfinished": (
        """
        Epoch 1/10
          1/100 [..............................] - ETA: 10s - loss: 3.1
         50/100 [==============>...............] - ETA: 5s - loss: 2.8
        """,
        ([2.8], [1]),
        None,
    ),
    "YOLO version 5": (
        """
             Epoch    GPU_mem   box_loss   obj_loss   cls_loss  Instances       Size
               0/99      3.74G     0.115    0.069    0.042         27        640: 100%|###| 8/8 [00:05<00:00,  1.45it/s]
               1/99      4.46G     0.105    0.067    0.039         35        640: 100%|###| 8/8 [00:05<00:00,  1.45it/s]
        """,
        ([0.042, 0.039], [0, 1]),
        None,
    ),
    "epochs that only their bars name": (
        """
        Epoch 1/3: 100%|####| 500/500 [25:30<00:00]
          train_loss: 2.1
          val_loss: 1.8
        New best validation loss: 1.8
        Epoch 2/3: 100%|####| 500/500 [25:28<00:00]
          train_loss: 1.6
          val_loss: 1.9
        """,
        ([2.1, 1.6], [1, 2]),
        ([1.8, 1.9], [1, 2]),
    ),
    "an error rate is no loss": (
        """
        epoch: 0 time: 59.2s train_error: 72.9 test_error: 68.4 train_loss: 2.94
        epoch: 1 time: 57.5s train_error: 67.1 test_error: 66.0 train_loss: 2.75
        epoch: 2 time: 57.6s train_error: 65.6 test_error: 65.0 train_loss: 2.70
        """,
        ([2.94, 2.75, 2.70], [0, 1, 2]),
        None,
    ),
    "Coqui without its first heading": (
        """
             | > loss_mel: 19.0  (18.7)
             | > loss: 32.9  (31.5)
           --> STEP: 50/100 -- GLOBAL_STEP: 1050
             | > loss_mel: 18.0  (18.7)
             | > loss: 31.9  (31.5)
        """,
        ([32.9, 31.9], [0, 1050]),
        None,
    ),
    "names and numbers in turn": (
        """
        Step, 0, Loss, 0.114, PSNR, 9.42, StepTime, 5.42,
        Step, 1, Loss, 0.117, PSNR, 9.31, StepTime, 3.96,
        """,
        ([0.114, 0.117], [0, 1]),
        None,
    ),
    "nothing but a total": (
        """
        [epoch: 0/200, iter: 0/448] total: 1.93
        [epoch: 0/200, iter: 25/448] total: 1.91
        """,
        ([1.93, 1.91], [0, 25]),
        None,
    ),
    "the function that logs is no split": (
        """
        2024-10-26 01:09:49.519 | INFO     | __main__:train:58 - [1.52%] batch_index=1600 loss=8.43
        2024-10-26 01:10:09.577 | INFO     | __main__:train:58 - [1.58%] batch_index=1664 loss=8.40
        """,
        ([8.43, 8.40], [1600, 1664]),
        None,
    ),
    "a slip of the pen": (
        """
        [epoch1] trian_loss=0.52 valid_loss=0.61
        [epoch2] trian_loss=0.41 valid_loss=0.60
        """,
        ([0.52, 0.41], [1, 2]),
        ([0.61, 0.60], [1, 2]),
    ),
    "lost line ends": (
        "Epoch: 1 Loss: 2.31 Val: 2.40Epoch: 2 Loss: 2.01 Val: 2.20Epoch: 3 Loss: 1.81 Val: 2.10",
        ([2.31, 2.01, 1.81], [1, 2, 3]),
        ([2.40, 2.20, 2.10], [1, 2, 3]),
    ),
    "a bar of unknown length": (
        """
        Epoch 0: | | 100/? [01:00<00:00,  1.6it/s, v_num=0, train/loss=6.12]
        Epoch 0: | | 200/? [02:00<00:00,  1.6it/s, v_num=0, train/loss=5.62]
        """,
        ([6.12, 5.62], [100, 200]),
        None,
    ),
    "remains of a cursor": (
        """
        epoch       main/loss   validation/main/loss  elapsed_time
        [J1           0.19        0.08                  8.82
        [J2           0.07        0.07                  16.64
        """,
        ([0.19, 0.07], [1, 2]),
        ([0.08, 0.07], [1, 2]),
    ),
    "epoch and iteration in brackets of their own": (
        """
        INFO - Epoch: [0][50] Time 2.3 (1.9) Loss 4.20 (4.23)
        INFO - Epoch: [0][100] Time 2.3 (1.9) Loss 4.10 (4.23)
        INFO - Epoch: [1][50] Time 2.3 (1.9) Loss 4.00 (4.03)
        """,
        ([4.20, 4.10, 4.00], [50, 100, 150]),
        None,
    ),
    "a last launch that is too short to judge": (
        "\n".join(f"Epoch {n} loss: {9 - n}" for n in (*range(9), 0, 1)),
        ([9.0 - n for n in range(9)], list(range(9))),
        None,
    ),
    "a mean now and then beside another loss": (
        "\n".join(
            f"step {n} grpo_loss: {1 - n / 100:.2f}" + (f"\nstep {n} avg_loss: 0.5" if n % 20 == 0 else "")
            for n in range(90)
        ),
        ([round(1 - n / 100, 2) for n in range(90)], list(range(90))),
        None,
    ),
    "numbers as numpy 2 prints them": (
        """
        {'loss': np.float64(2.0), 'learning_rate': 1e-05, 'step': 5}
        {'loss': np.float64(1.9), 'learning_rate': 1e-05, 'step': 10}
        """,
        ([2.0, 1.9], [5, 10]),
        None,
    ),
    "a history behind a prompt": (
        "In [9]: print(hist.history)\n{'loss': [np.float64(2.0), np.float64(1.9)], 'val_loss': [2.1, 2.2]}\n",
        ([2.0, 1.9], [1, 2]),
        ([2.1, 2.2], [1, 2]),
    ),
    "losses by a letter": (
        "epoch 3   L_train 1.2   L_val 1.3\nepoch 4   L_train 1.1   L_val 1.4\n",
        ([1.2, 1.1], [3, 4]),
        ([1.3, 1.4], [3, 4]),
    ),
    "Darknet": (
        "\n".join(f" {n}: {5 - n}.21, 4.09 avg loss, 0.001 rate, 4.1 seconds, 64 images" for n in (1, 2)),
        ([4.21, 3.21], [1, 2]),
        None,
    ),
    "a table with a rule below its header": (
        """
        E    #       LOSS TOK2VEC  LOSS NER  SCORE
        ---  ------  ------------  --------  ------
          0       0         40.20    401.95   50.00
          0     200         38.36    383.60   51.46
        """,
        ([401.95, 383.60], [0, 200]),
        None,
    ),
    "ranks that print each line": (
        "\n".join(
            f"[rank{rank}]: epoch {n} train_loss {3 - n + rank / 10:.1f} val_loss {4 - n + rank / 10:.1f}"
            for n in (1, 2)
            for rank in (0, 1)
        ),
        ([2.05, 1.05], [1, 2]),
        ([3.05, 2.05], [1, 2]),
    ),
    "rows that count for themselves": (
        "epoch,step,train_loss,val_loss_epoch,val_loss_step\n"
        + "".join(
            f"{n},{50 * n + 24},{2 - n / 10:.1f},,\n{n},0,,,1.9\n{n},1,,,1.8\n{n},{50 * n + 49},,{2.1 - n / 10:.1f},\n"
            for n in range(3)
        ),
        ([2.0, 1.9, 1.8], [24, 74, 124]),
        ([2.1, 2.0, 1.9], [49, 99, 149]),
    ),
    "objects over many lines each": (
        '{\n  "step": 10,\n  "loss": 2.0\n}\n{\n  "step": 20,\n  "loss": 1.9\n}\n',
        ([2.0, 1.9], [10, 20]),
        None,
    ),
    "rows with marks and remarks behind them": (
        (
            "**Summary of this run:**\n\nEpoch\ttrain/loss\tval/loss\t\n0\t0.4\t0.5\t\n"
            "1\t**0.3**\t0.6\tval goes UP\n2\t0.2\t**0.45**\t**best val**\n"
        ),
        ([0.4, 0.3, 0.2], [0, 1, 2]),
        ([0.5, 0.6, 0.45], [0, 1, 2]),
    ),
    "the same loss again and again while the epoch is rounded": (
        "\n".join("{'loss': 0.0, 'grad_norm': nan, 'learning_rate': 1e-07, 'epoch': 0.0}" for _ in range(5)),
        ([0.0] * 5, []),
        None,
    ),
    "a loss without the word": (
        "\n".join(f"Epoch[{n}] Batch [20]\tSpeed: 36.2 samples/sec\tTrain-SmoothL1={40 - n}.25" for n in range(3)),
        ([40.25, 39.25, 38.25], [20, 40, 60]),
        None,
    ),
}


@pytest.mark.parametrize("name", PASTES)
def test_a_pasted_log_gives_its_series(name: str) -> None:
    text, train, val = PASTES[name]
    run = read_text(text)
    for role, expected in ((Role.TRAIN_LOSS, train), (Role.VAL_LOSS, val)):
        found = series(run, role)
        assert (found is None) == (expected is None), role
        if found and expected:
            assert found[0] == pytest.approx(expected[0], nan_ok=True)
            assert list(found[1]) == list(expected[1])


def test_chinese_logs_in_the_encoding_of_windows_are_read() -> None:
    lines = [f"当前Batch：{n}/600 | 当前epoch:0/50 | 当前损失值：{10 - n / 100:.2f}" for n in (10, 20, 30)]  # noqa: RUF001 - as they write it
    for encoding in ("utf-8", "gbk", "utf-16"):
        run = read_source(Source("x.log", content="\n".join(["模型训练开始", *lines, ""]).encode(encoding)))
        assert series(run, Role.TRAIN_LOSS) == ([9.9, 9.8, 9.7], [10, 20, 30]), encoding


def test_the_launch_that_holds_the_training_is_judged_not_a_longer_evaluation() -> None:
    training = [f"Iter: {n} | Train Loss: {9 - n / 10:.1f} | Dev Loss: {8 - n / 10:.1f}" for n in range(20)]
    evaluation = [f"Iter: {n} | Dev Loss: {5 - n / 100:.2f}" for n in range(40)]
    run = read_text("\n".join(training + evaluation))
    assert series(run, Role.TRAIN_LOSS) == ([round(9 - n / 10, 1) for n in range(20)], list(range(20)))


def test_launches_with_fewer_batches_in_the_first_epoch_are_no_evaluations() -> None:
    first = "epoch: 1, 1/188 0.5%, lr: 0.0001 loss: 9.1\n"
    launch = "".join(f"epoch: 1, {n}/125 0.8%, lr: 0.0001 loss: {9.2 - n / 50}\n" for n in (1, 51, 101))
    assert read_text(first + 3 * launch).curve(Role.VAL_LOSS) is None
