"""Losses that are not called so: counts and a number, letters, two networks, objectives, rows with times."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnose.errors import LogError
from diagnose.readers import read, read_source
from diagnose.readers.roles import assign_roles
from diagnose.readers.sources import Source
from diagnose.run import Role, Run

TRAIN = [round(3.0 * 0.93**n + 0.4, 4) for n in range(30)]
VAL = [round(value + 0.2, 4) for value in TRAIN]


def read_lines(row: str) -> Run:
    rows = (
        row.format(i=i, k=100 * (i + 1), t=t, v=v, h=round(t / 3, 4))
        for i, (t, v) in enumerate(zip(TRAIN, VAL, strict=True))
    )
    return read_source(Source("x.log", content="\n".join(rows).encode() + b"\n", asked=False))


def values(run: Run, role: Role) -> list[float]:
    curve = run.curve(role)
    return [] if curve is None else curve.values.tolist()


@pytest.mark.parametrize(
    "row",
    [
        "Iteration {i}/600: {t}",
        "Step {i} - {t}",
        "iter [{i}/40] {t}",
        "[1, {k:5d}] {t}",
        "[{i}, {k}]: {t}",
        "[{i}/40] {t}",
        "{i} : {t:.4f}",
        "{i} tensor({t}, grad_fn=<MseLossBackward0>)",
        "{i}: tensor({t}, device='cuda:0', grad_fn=<MseLossBackward0>)",
        "loss,{t:.4f}",
        "epochs:  {i}\ntrain: -loss: {t}  -F1: 0.5100  -recall: 0.4000",
        "Epoch #{i} Error:{t}",
        "Epoch = {i}, error = {t} ",
        "Loss on epoch {i} : {t} ",
        "Average loss over epoch: {t}",
        "Loss per epoch: {t}",
        "Train loss after {k} batches: {t}",
        "Loss after {k} iterations = {t}",
        "epoch {i} objective {t}",
        "ep{i} energy {t}",
        "{i}-{t:.4f}",
        "Loss after {k} samples: {t}",
        "train loss after {k} examples = {t}",
        "[{i}] TL={t} TA=0.61 3.2s",
        "[ Info: epoch = {i}  train_loss = {t}f0",
        "* **Epoch {i}**: loss `{t}`, lr `0.001`",
        "| {i} | {t} | {v} | 00:12 |",
        "{i}\t{t}\t{v}\t1m 12s",
        "D_A: {h}, G_A: {h}, cycle_A: {t}",
        "[{i}/60] D: {h} G: {h} rec: {t}",
        "iter{i} disc: {h}, gen: {h}, mel: {t}",
        "[Rank 0] (epoch: {i}, iters: 20, time: 0.087, data: 0.027) , D_A: {h}, G_A: {h}, cycle_A: {t}",
    ],
)
def test_a_loss_is_known_without_its_word(row: str) -> None:
    assert values(read_lines(row), Role.TRAIN_LOSS) == TRAIN


@pytest.mark.parametrize(
    "row",
    [
        "epoch{i} train {t} test {v}",
        "ep{i} train {t} val {v}",
        "Ep {i} L={t} VL={v}",
        "{i}: TL: {t}, VL: {v}",
        "Average loss over epoch: {t}\nAverage loss on dev: {v}",
        "E{i:02d} TL: {t} VL: {v} TA: 0.4",
        "エポック {i} | 訓練損失 {t} | 検証損失 {v}",
        "Época {i}: perda de treino {t}; perda de validação {v}",
        "Epoche {i}\n  Trainingsverlust {t}\n  Validierungsverlust {v}",
        "Epoca {i}/24\nperdita: {t} perdita_val: {v}",
        ">>> Ep.{i} | tr {t} | vl {v} | 12.3s",
        "Epoch no. {i}: tr {t} te {v}",
        '{{"it": {i}, "L": {t}, "val_L": {v}}}',
        "Minibatch loss at step {k}: {t}\nMinibatch accuracy: 45.3%\nValidation loss at step {k}: {v}",
        "Epoch {i}: mean loss over 100 batches = {t}; mean val loss over 10 batches = {v}",
        "Train loss over 64 clips: {t}, eval loss over 8 clips: {v}",
        "Ep {i}: tl {t} vl {v} ta 0.51 va 0.42",
        "epoch {i} TL={t} VL={v} VA=0.42",
        '{{"event": "train", "epoch": {i}, "loss": {t}}}\n{{"event": "valid", "epoch": {i}, "loss": {v}}}',
        '{{"msg": "training", "step": {i}, "loss": {t}}}\n{{"msg": "validation", "step": {i}, "loss": {v}}}',
        "epoch {i}, 30 total epochs, LR 0.000100, TRAINLOSS {t}, TESTLOSS {v}, testACC 87.37%",
        "Epoch {i}, 120 batches, loss {t}, val_loss {v}",
        "epoch {i} - 12s - train loss: {t} - dev loss: {v}",
        "Epoch {i}/30 [==============>] - 12s - loss: {t} / val: {v}",
        "Époque n°{i} : perte entraînement {t} / perte validation {v}",
        "Epoche {i}: Fehler (Training) = {t}, Fehler (Validierung) = {v}",
        "epoch {i} loss ≈ {t} val_loss ≈ {v}",
        "第{i}轮损失{t}\uff0c验证损失{v}",
        "第{i}轮训练损失{t}验证损失{v}",
        "エポック{i} 損失{t} 検証損失{v}",
        "에폭 {i}: 훈련손실{t}, 검증손실{v}",
        "Validation loss after {k} steps is {v}, training loss {t}",
    ],
)
def test_both_losses_are_known_without_their_words(row: str) -> None:
    run = read_lines(row)
    assert values(run, Role.TRAIN_LOSS) == TRAIN
    assert values(run, Role.VAL_LOSS) == VAL


def test_a_log_that_is_called_out_is_no_validation(tmp_path: Path) -> None:
    (tmp_path / "out.log").write_text("".join(f"epoch {i} loss {t}\n" for i, t in enumerate(TRAIN)))
    assert values(read(tmp_path / "out.log"), Role.TRAIN_LOSS) == TRAIN


@pytest.mark.parametrize(
    "text",
    [
        "Step 1: 2 cups of flour\nStep 2: 0.5 l of milk\nStep 3: 3 eggs\n",
        "Iteration 1/60 finished in 3.45 s\n" * 9,
        "[1, 100] cat.jpg 0.31\n[2, 100] dog.jpg 0.34\n",
        "[1/60] Building CXX object src/file1.o\n" * 9,
        "The objective 3.1 of this course\nThe objective 3.2 of this course\n",
        "Disk D: 120 GB free\nDisk E: 80 GB free\n" * 9,
    ],
)
def test_prose_with_numbers_is_no_log(text: str) -> None:
    with pytest.raises(LogError):
        read_source(Source("x.log", content=text.encode(), asked=False))


@pytest.mark.parametrize(
    "row", ["epoch {i} ELBO -{t}", "Epoch {i}: train_elbo = -{t}", "step {i} | elbo: -{t} | kl: 0.3"]
)
def test_a_bound_that_rises_is_judged_by_its_negative(row: str) -> None:
    run = read_lines(row)
    assert values(run, Role.TRAIN_LOSS) == TRAIN
    assert any("bound" in note for note in run.notes)
    assert values(assign_roles(run), Role.TRAIN_LOSS) == TRAIN


@pytest.mark.parametrize("row", ["epoch {i} elbo {t}", "epoch {i} neg_elbo {t}", "epoch {i} ELBO loss: {t}"])
def test_a_bound_that_is_logged_as_a_loss_stays_as_it_is(row: str) -> None:
    assert values(read_lines(row), Role.TRAIN_LOSS) == TRAIN


@pytest.mark.parametrize(
    "bar", ["{p:3d}% {k}/4 [00:13<00:00,  3.28s/it]", "{p:3d}%|###  | {k}/4 [00:13<00:00,  3.28s/it]"]
)
def test_a_row_in_front_of_a_bar_is_one_of_its_epoch(bar: str) -> None:
    half, whole = bar.format(p=50, k=2), bar.format(p=100, k=4)
    row = f"  Epoch  iou_loss  cls_loss\n  {{i}}/29  {{v}}  1.808: {half}\r  {{i}}/29  {{t}}  1.808: {whole}\n"
    run = read_lines(row)
    assert values(run, Role.TRAIN_LOSS) == TRAIN
    assert [curve.steps.tolist() for curve in run.curves.values()] == 2 * [list(range(30))]


@pytest.mark.parametrize("row", ["epoch {i} acc 0.{k}", "Epoch {i}: WER 12.{i} CER 4.{i}", "step {k} | eval/bleu: {t}"])
def test_a_log_of_scores_only_is_read_where_it_is_asked_for(row: str) -> None:
    rows = "".join(row.format(i=i, k=100 + i, t=t) + "\n" for i, t in enumerate(TRAIN))
    run = read_source(Source("x.log", content=rows.encode()))
    assert all(len(curve) == len(TRAIN) for curve in run.curves.values())
    assert run.curve(Role.TRAIN_LOSS) is None
    with pytest.raises(LogError):
        read_source(Source("x.log", content=rows.encode(), asked=False))
