"""Kinds of logs that people have, each in several layouts: the right series, whatever they are called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from diagnose.readers import read, read_source, runs
from diagnose.readers.sources import Source
from diagnose.run import EndingKind, Role, Run
from tests.readers.events import scalar, write

TRAIN = np.round(2.0 * 0.93 ** np.arange(40) + 0.1, 4)
VAL = np.round(np.concatenate([TRAIN[:14] + 0.1, TRAIN[13] + 0.1 + 0.02 * np.arange(26)]), 4)


def points(run: Run, role: Role = Role.TRAIN_LOSS) -> list[float]:
    curve = run.curve(role)
    return [] if curve is None else curve.values.tolist()


def read_lines(lines: Sequence[str]) -> Run:
    return read_source(Source("x.log", content="\n".join(lines).encode() + b"\n"))


EPOCHS = {
    "signs": [f"Epoch {n}: train_loss={t} val_loss={v}" for n, (t, v) in enumerate(zip(TRAIN, VAL, strict=True), 1)],
    "colons": [f"[epoch {n}/40] loss: {t} | val loss: {v}" for n, (t, v) in enumerate(zip(TRAIN, VAL, strict=True), 1)],
    "logger": [
        f"2026-01-01 10:00:00 INFO ep {n} train {t} valid {v}"
        for n, (t, v) in enumerate(zip(TRAIN, VAL, strict=True), 1)
    ],
}


@pytest.mark.parametrize("layout", EPOCHS)
@pytest.mark.parametrize(
    "closing",
    [
        "Best epoch: 12",
        "Loaded best model from epoch 12",
        "Restoring weights from epoch 12 (val_loss=0.8320)",
        "Early stopping at epoch 40 (best: epoch 12, val_loss=0.83)",
        "Epoch 12 was best, val_loss 0.83",
        "Melhor epoch: 12, val_loss=0.83",
        "Finished. Testing checkpoint of epoch 12",
        "Weights restored from epoch 3",
    ],
)
def test_a_closing_line_deletes_nothing(layout: str, closing: str) -> None:
    run = read_lines([*EPOCHS[layout], closing])
    assert points(run) == TRAIN.tolist()
    assert points(run, Role.VAL_LOSS) == VAL.tolist()


@pytest.mark.parametrize(
    "line",
    [
        "embedding:  36%|###6      | 45/125 [02:23<04:12,  3.15s/it]",
        "UserWarning: needs version 2021 update 6 or later",
        "Saved checkpoint to out/step_3.pt",
    ],
)
def test_a_stray_line_between_two_epochs_is_no_restart(line: str) -> None:
    run = read_lines([*EPOCHS["signs"][:20], line, *EPOCHS["signs"][20:]])
    assert points(run) == TRAIN.tolist()
    assert not any("resumed" in note or "launches" in note for note in run.notes)


@pytest.mark.parametrize(
    ("batch", "summary"),
    [
        pytest.param("Batch {b} loss: {x}", "Epoch {e}: train loss {x}, val loss {x}", id="heading behind"),
        pytest.param("12:00:00 - DEBUG - Batch {b} - Train error  {x}", "Training Epoch: {e}, Loss: {x}.", id="error"),
        pytest.param("iter {b}, loss={x}", "== epoch {e} done, mean loss={x}", id="signs"),
    ],
)
def test_batches_before_the_line_that_sums_up_their_epoch_are_one_launch(batch: str, summary: str) -> None:
    lines = []
    for epoch in range(1, 4):
        lines += [batch.format(b=b, x=round(3 / epoch - b / 200, 4)) for b in range(30)]
        lines.append(summary.format(e=epoch, x=round(3 / epoch, 4)))
    run = read_lines(lines)
    assert not any("launches" in note for note in run.notes)
    assert max(len(curve) for curve in run.curves.values()) == 90


def test_folds_are_launches_and_not_one_run() -> None:
    fold = ["Epoch 1: train_loss=1.9 val_loss=1.2", "Epoch 10: train_loss=0.4 val_loss=1.5", "Restored epoch 1"]
    run = read_lines([line for number in range(1, 6) for line in (f"--- Fold {number} of 5 ---", *fold)])
    assert points(run) == [1.9, 0.4]
    assert any(note.startswith("5 launches") for note in run.notes)


@pytest.mark.parametrize(
    "name", ["loss_G", "loss_gen", "total_loss_g", "lossG"], ids=["letter", "word", "behind", "glued"]
)
def test_a_loss_needs_no_sign_behind_its_name(name: str) -> None:
    run = read_lines([f"| step {10 * n} | {name} {value:.4f} | lr 1.0e-04 |" for n, value in enumerate(TRAIN)])
    assert points(run) == TRAIN.tolist()


def test_one_evaluation_is_a_validation_loss_of_one_point() -> None:
    lines = [f"step={100 * n} loss={value}" for n, value in enumerate(TRAIN)]
    assert points(read_lines([*lines, "INFO validation loss=4.2210"]), Role.VAL_LOSS) == [4.221]
    assert points(read_lines([*lines, "eval loss: nan"]), Role.VAL_LOSS) == pytest.approx([np.nan], nan_ok=True)


@pytest.mark.parametrize("count", [3, 5, 6])
def test_the_losses_of_a_vits_list_are_those_before_its_step(count: int) -> None:
    """And NaN in any of them is read: `nan` is as good a number."""
    lines = ["x\tINFO\tTrain Epoch: 1 [0%]"]
    for n in range(20):
        losses = ["nan" if n > 15 and item == 0 else f"{5 - item / 10 - n / 100:.6f}" for item in range(count)]
        lines.append(f"x\tINFO\t[{', '.join(losses)}, {200 * n}, 0.0002]")
    run = read_lines(lines)
    train = run.curve(Role.TRAIN_LOSS)
    assert train is not None
    assert train.steps.tolist() == [200 * n for n in range(20)]
    assert np.nanmax(train.values) < 10
    first = run.labelled["train_loss/d"]
    assert np.isnan(first.values[-4:]).all()
    assert np.isfinite(first.values[:-4]).all()


@pytest.mark.parametrize(
    "name", ["dev-machine.csv", "cross-validation-fold1.csv", "eval-split-0.1.csv", "no_validation.csv", "test.csv"]
)
def test_the_name_of_a_file_makes_no_validation(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("step,loss\n" + "".join(f"{n},{value}\n" for n, value in enumerate(TRAIN)))
    assert points(read(path)) == TRAIN.tolist()


@pytest.mark.parametrize(
    ("header", "train", "val"),
    [
        pytest.param(("train_loss", "train_ce", "val_ce"), "train_ce", "val_ce", id="the part has a validation loss"),
        pytest.param(("train_loss", "val_ce"), "train_loss", None, id="other units are no pair"),
        pytest.param(("ce", "diversity_loss"), "ce", None, id="a part that keeps in shape is no headline"),
        pytest.param(("loss_t", "loss_v"), "loss_t", "loss_v", id="letters for the splits"),
        pytest.param(("train", "val"), "train", "val", id="nothing but the splits"),
        pytest.param(("loss",), "loss", None, id="one column"),
    ],
)
def test_which_column_is_which(tmp_path: Path, header: tuple[str, ...], train: str, val: str | None) -> None:
    path = tmp_path / "history.csv"
    constant = {"diversity_loss": np.full(40, 0.2457), "val_ce": 3 * VAL}
    rows = zip(*(constant.get(name, TRAIN) for name in header), strict=True)
    path.write_text("\n".join([",".join(header), *(",".join(map(str, row)) for row in rows)]) + "\n")
    run = read(path)
    tags = [getattr(run.curve(role), "tag", None) for role in (Role.TRAIN_LOSS, Role.VAL_LOSS)]
    assert tags == [train, val]


def test_a_one_class_detector_is_judged_by_its_boxes(tmp_path: Path) -> None:
    losses = ("box_loss", "obj_loss", "cls_loss")
    log = [
        scalar(f"{split}/{loss}", step, 0.0 if loss == "cls_loss" else value)
        for step, value in enumerate(TRAIN)
        for split in ("train", "val")
        for loss in losses
    ]
    write(tmp_path, log)
    run = read(tmp_path)
    roles = {curve.role: tag for tag, curve in run.curves.items()}
    assert (roles[Role.TRAIN_LOSS], roles[Role.VAL_LOSS]) == ("train/box_loss", "val/box_loss")
    assert any("all zeros, ignored: train/cls_loss, val/cls_loss" in note for note in run.notes)


def test_rows_with_a_counter_of_their_own_begin_no_launch(tmp_path: Path) -> None:
    """Lightning: the rows of a metric count 0, 1, 2, ..., those of the epochs the steps of the run."""
    rows, batch = ["epoch,step,sdr_step,train_loss_epoch"], 0
    for epoch, value in enumerate(TRAIN[:18]):
        rows += [f",{batch + n},{-9 - n / 10}," for n in range(4)]
        batch += 4
        rows.append(f"{epoch},{13 * (epoch + 1)},,{value}")
    path = tmp_path / "metrics.csv"
    path.write_text("\n".join(rows) + "\n")
    run = read(path)
    assert points(run) == TRAIN[:18].tolist()
    assert not any("launches" in note for note in run.notes)


def test_a_last_launch_of_six_points_does_not_hold_the_training() -> None:
    long = [f"Step {n}, loss={2 - n / 1000:.4f}" for n in range(1, 1500)]
    run = read_lines([*long, *(f"Step {n}, loss={1.9 - n / 100:.4f}" for n in range(1, 7))])
    assert len(points(run)) == 1499
    assert any("which is longer, is judged" in note for note in run.notes)


def test_a_second_fit_of_the_same_model_goes_on() -> None:
    lines = EPOCHS["signs"][:20] + [
        f"Epoch {n}: train_loss={t} val_loss={v}" for n, (t, v) in enumerate(zip(TRAIN[20:], VAL[20:], strict=True), 1)
    ]
    assert points(read_lines(lines)) == TRAIN.tolist()


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        (["Traceback (most recent call last):", '  File "t.py", line 1', "ValueError: no"], EndingKind.DIED),
        (["torch.cuda.OutOfMemoryError: CUDA out of memory."], EndingKind.OUT_OF_MEMORY),
        (["Killed"], EndingKind.KILLED),
        (["slurmstepd: error: *** JOB 1 CANCELLED AT 2026 DUE TO TIME LIMIT ***"], EndingKind.KILLED),
        (["Training finished."], EndingKind.FINISHED),
        (["wandb: Synced 5 files"], None),
    ],
)
def test_how_a_log_ended_is_a_fact(lines: list[str], kind: EndingKind | None) -> None:
    ending = read_lines([*EPOCHS["signs"], *lines]).ending
    assert (ending and ending.kind) == kind
    assert ending is None or (ending.line == lines[-1] and ending.step == 40)


def test_a_traceback_after_which_training_goes_on_is_no_end() -> None:
    lines = [*EPOCHS["signs"][:20], "Traceback (most recent call last):", "OSError: disk", *EPOCHS["signs"][20:]]
    assert read_lines(lines).ending is None


def test_a_log_that_begins_in_the_middle_is_known_to() -> None:
    lines = [
        "Resuming from checkpoint out/step_2900.pt",
        *(f"step {2900 + 10 * n} loss {t}" for n, t in enumerate(TRAIN)),
    ]
    beginning = read_lines(lines).beginning
    assert beginning is not None
    assert (beginning.at, beginning.line) == (2900, lines[0])
    assert read_lines(EPOCHS["signs"]).beginning is None


def test_lines_that_report_a_loss_and_are_not_understood_are_counted_and_shown() -> None:
    lines = [f"(Steps: {n}) train/mel_loss = {t}." for n, t in enumerate(TRAIN)]
    run = read_lines([*lines, *["the loss = 12.5 of nothing"] * 4])
    assert run.health.unread_lines == 4
    assert run.health.unread_share > 0.05
    assert "the verdict rests on a part of the log" in " ".join(run.notes)


SHAPES = {
    "log_history": "[{'loss': 2.4, 'step': 1}, {'eval_loss': 2.9, 'step': 1}, {'loss': 2.0, 'step': 2}]",
    "named": "history = {'loss': [2.4, 2.0], 'val_loss': [2.9, nan], 'note': None}",
    "numpy": "{'loss': array([2.4, 2.0], dtype=float32), 'val_loss': array([2.9, 2.8])}",
    "lists": "train_losses = [2.4, 2.0, 1.9, 1.8, 1.7]\nval_losses = [2.9, 2.8, 2.7, 2.7, 2.6]\n",
    "tensors": "tensor(2.4, device='cuda:0', grad_fn=<NllLossBackward0>)\ntensor(2.0, device='cuda:0')\n",
    "headerless": "0,2.4,2.9\n1,2.0,2.8\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_what_python_prints_is_read(tmp_path: Path, shape: str) -> None:
    path = tmp_path / ("x.csv" if shape == "headerless" else "x.txt")
    path.write_text(SHAPES[shape])
    assert points(read(path))[:2] == pytest.approx([2.4, 2.0])


def test_one_training_in_two_logs_is_one_run(tmp_path: Path) -> None:
    write(tmp_path / "tb", [scalar("train/loss", step, value) for step, value in enumerate(TRAIN)])
    lines = [f"step {step} loss {value:.4f}" for step, value in enumerate(TRAIN)]
    (tmp_path / "console.txt").write_text("\n".join([*lines, "validation loss: 1.2345", "RuntimeError: boom"]) + "\n")
    (run,) = runs(tmp_path)
    assert len(points(run)) == 40
    assert points(run, Role.VAL_LOSS) == [1.2345]
    assert run.ending is not None
    assert any("were read together" in note for note in run.notes)


def test_another_training_beside_it_is_another_run(tmp_path: Path) -> None:
    write(tmp_path / "tb", [scalar("train/loss", step, value) for step, value in enumerate(TRAIN)])
    (tmp_path / "console.txt").write_text("".join(f"step {n} loss {3.3 - n / 37:.4f}\n" for n in range(40)))
    assert len(list(runs(tmp_path))) == 2


@pytest.mark.parametrize(
    "head",
    ["[fold_0] {epoch:03d}/20: ", "{epoch}/20 ", "Train [{epoch}/20]: "],
    ids=["a description", "alone", "in brackets"],
)
def test_an_epoch_called_by_nothing_in_front_of_the_bar_of_its_batches_counts(head: str) -> None:
    losses = iter(3 * 0.97 ** np.arange(80))
    speed = "[00:14<00:42, 1.4s/it"
    bars = [
        f"{head.format(epoch=epoch)}{25 * batch:3}%|{'█' * batch:4}| {batch}/4 {speed}, loss={next(losses):.4f}]"
        for epoch in range(1, 21)
        for batch in range(1, 5)
    ]
    loss = read_lines(bars).curve(Role.TRAIN_LOSS)
    assert loss is not None
    assert (len(loss), int(loss.steps[-1])) == (80, 80)
