"""Kinds of log files that strangers keep, each in several layouts: who counts, what was measured on which set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from diagnose.readers import read, read_source, runs
from diagnose.readers.sources import Source
from diagnose.run import Role, Run

EPOCHS, INNER = 8, 5
TRAIN = np.round(2.4 * 0.8 ** np.arange(EPOCHS) + 0.2, 4)
VAL = np.round(TRAIN + 0.31, 4)
BATCHES = np.round(np.repeat(TRAIN, INNER) - 0.01 * np.tile(np.arange(INNER), EPOCHS), 4)


def read_text(text: str) -> Run:
    return read_source(Source("x.log", content=text.encode()))


def values(run: Run, role: Role) -> list[float]:
    curve = run.curve(role)
    return [] if curve is None else curve.values.tolist()


def epochs_of(row: Callable[[int, int, float], str], end: Callable[[int, float, float], str]) -> str:
    """A row for each batch and one behind each epoch."""
    lines = []
    for e in range(EPOCHS):
        lines += [row(e, i, float(BATCHES[e * INNER + i])) for i in range(INNER)]
        lines.append(end(e, float(TRAIN[e]), float(VAL[e])))
    return "\n".join(lines) + "\n"


ALONE = {
    "segmentation": (
        lambda e, i, t: f"Epoch: [{e}/30] Iter:[{10 * i}/50], Time: 0.71, lr: [0.03], Loss: {t}, Acc:0.7",
        lambda e, t, v: f"Loss: {v}, MeanIU:  0.0649, Best_mIoU:  0.0701",
    ),
    "steps": (lambda e, i, t: f"step {50 * e + 10 * i} | loss {t}", lambda e, t, v: f"loss {v} | psnr 21.4"),
    "batches": (lambda e, i, t: f"Batch {i}/5 of epoch {e}: cost = {t}", lambda e, t, v: f"cost = {v}, wer = 0.4"),
}


@pytest.mark.parametrize("layout", ALONE)
def test_a_loss_on_lines_without_a_count_is_not_mixed_into_the_one_that_counts(layout: str) -> None:
    row, end = ALONE[layout]
    run = read_text(epochs_of(row, end))
    assert values(run, Role.TRAIN_LOSS) == BATCHES.tolist()


Row = Callable[[int, int, float], str]
EVALUATED: dict[str, tuple[Row, Row]] = {
    "MatConvNet": (
        lambda e, i, t: f"train: epoch {e + 1:02d}:  {i + 1}/  5: 120.5 (118.1) Hz objective: {t} top1err: 0.4",
        lambda e, i, v: f"val: epoch {e + 1:02d}:  {i + 1}/  3: 240.5 (238.1) Hz objective: {v} top1err: 0.5",
    ),
    "ImageNet example": (
        lambda e, i, t: f"Epoch: [{e}][{i}/5]\tTime 0.5 (0.5)\tData 0.1 (0.1)\tLoss {t} ({t})",
        lambda e, i, v: f"Test: [{i}/3]\tTime 0.6 (0.6)\tLoss 9.1 ({v})",
    ),
    "bars of batches": (
        lambda e, i, t: f"Train epoch {e} [{i}/5] loss={t}",
        lambda e, i, v: f"Valid epoch {e} [{i}/3] loss={v}",
    ),
}


@pytest.mark.parametrize("layout", EVALUATED)
def test_the_batches_of_an_evaluation_are_one_evaluation(layout: str) -> None:
    row, held_out = EVALUATED[layout]
    text = epochs_of(row, lambda e, _, v: "\n".join(held_out(e, i, round(v + 0.02 * (2 - i), 4)) for i in range(3)))
    run = read_text(text)
    assert values(run, Role.TRAIN_LOSS) == BATCHES.tolist()
    assert values(run, Role.VAL_LOSS) == VAL.tolist()


SIZES = ["Train:[5994], Val:[5794]", "train = 5,994 val = 512", "Dataset | Train: 880 | Val: 120 | Test: 77"]


@pytest.mark.parametrize("sizes", SIZES)
def test_the_size_of_a_split_is_no_loss_of_it(sizes: str) -> None:
    rows = [f"Epoch {e} train loss {t}\nTest: avg loss {v}" for e, (t, v) in enumerate(zip(TRAIN, VAL, strict=True))]
    run = read_text("\n".join([sizes, *rows]) + "\n")
    assert values(run, Role.TRAIN_LOSS) == TRAIN.tolist()
    assert values(run, Role.VAL_LOSS) == VAL.tolist()


SETS = {
    "behind a function": "10:0{e} - trainer.py : run [228] - finished eval of epoch-{e} of {name}-set \t eval_loss={x}",
    "in words": "epoch {e}: evaluated on the {name} set, eval_loss: {x}",
    "with a sign": "[epoch {e}] {name}_set | eval/loss {x}",
}


@pytest.mark.parametrize("layout", SETS)
def test_one_name_measured_on_several_sets_is_several_losses(layout: str) -> None:
    rows = [
        SETS[layout].format(e=e, name=name, x=x)
        for e, (t, v) in enumerate(zip(TRAIN, VAL, strict=True))
        for name, x in (("train", t), ("valid", v), ("later", round(v + 1, 4)))
    ]
    run = read_text("\n".join(rows) + "\n")
    assert values(run, Role.TRAIN_LOSS) == TRAIN.tolist()
    assert values(run, Role.VAL_LOSS) == VAL.tolist()


BARE = {
    "glued to its word": "epoch{e}\t{t:.6f}",
    "colon": "{step}:{t:.6f}",
    "translation tutorial": "{e}m 14s (- 9m 2s) ({step} {e}%) {t:.4f}",
    "sum over an epoch": "[{e}/251] running loss of epoch 0 is : {t:.4f}",
}


@pytest.mark.parametrize("layout", BARE)
def test_lines_of_a_count_and_a_loss_are_read(layout: str) -> None:
    run = read_text("".join(BARE[layout].format(e=e, step=100 * e, t=t) + "\n" for e, t in enumerate(BATCHES)))
    assert values(run, Role.TRAIN_LOSS) == BATCHES.tolist()


PLANS = {
    "steps of the whole": ("Epoch [{e}/20], Step [{step}/200]: loss {t}", 200),
    "steps of an epoch": ("Epoch [{e}/20], Step [{i}/10]: loss {t}", 200),
    "batches of an epoch": ("epoch {e}/20 batch {i}/10 loss {t}", 200),
}


@pytest.mark.parametrize("layout", PLANS)
def test_the_announced_end_is_that_of_the_whole_training(layout: str) -> None:
    row, end = PLANS[layout]
    places = [(e, i) for e in range(1, 5) for i in range(1, 11)]
    rows = [row.format(e=e, i=i, step=10 * (e - 1) + i, t=t) for (e, i), t in zip(places, BATCHES, strict=True)]
    assert read_text("\n".join(rows) + "\n").planned == end


@pytest.mark.parametrize("setting", ["epochs: 200", "epochs = 200", "  epochs: 200  # as in the paper"])
def test_a_setting_of_epochs_is_the_announced_end_and_no_epoch(setting: str) -> None:
    rows = [f"loss {t} val_loss {v}" for t, v in zip(TRAIN, VAL, strict=True)]
    run = read_text("\n".join([setting, *(f"Epoch {e}: {row}" for e, row in enumerate(rows))]) + "\n")
    curve = run.curve(Role.TRAIN_LOSS)
    assert curve is not None
    assert curve.steps.tolist() == list(range(EPOCHS))
    assert run.planned == 200


HEADINGS = {
    "tabs": ("\ttrain\n\ttime: \t44.3\n\tcross ent: \t{t}\n\taccu: \t4%", "\ttest\n\tcross ent: \t{v}\n\taccu: \t7%"),
    "plain": ("Training\nloss: {t}\naccuracy: 0.4", "Validation\nloss: {v}\naccuracy: 0.3"),
    "brackets": ("[Train]\n  time: 3.1\n  loss: {t}", "[Val]\n  time: 0.3\n  loss: {v}\n[Test]\n  time: 0.3"),
}


@pytest.mark.parametrize("layout", HEADINGS)
def test_sections_below_headings_are_told_apart_whatever_comes_before_the_first(layout: str) -> None:
    rows = [
        f"epoch: \t{e}\n" + "\n".join(HEADINGS[layout]).format(t=t, v=v)
        for e, (t, v) in enumerate(zip(TRAIN, VAL, strict=True))
    ]
    run = read_text("start training\n" + "\n".join(rows) + "\n")
    assert values(run, Role.TRAIN_LOSS) == TRAIN.tolist()
    assert values(run, Role.VAL_LOSS) == VAL.tolist()


@pytest.mark.parametrize("name", ["val_loss.txt", "val_loss_cnn.log", "validation_losses.txt"])
def test_a_file_called_after_the_validation_loss_alone_holds_that(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("".join(f"loss: {v}\n" for v in VAL))
    run = read(tmp_path / name)
    assert values(run, Role.VAL_LOSS) == VAL.tolist()
    assert run.curve(Role.TRAIN_LOSS) is None


def test_a_file_that_names_its_training_loss_holds_that_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "val_loss.txt").write_text("".join(f"epoch {e} train loss: {t}\n" for e, t in enumerate(TRAIN)))
    assert values(read(tmp_path / "val_loss.txt"), Role.TRAIN_LOSS) == TRAIN.tolist()


def test_a_known_format_in_which_no_training_loss_is_found_gives_way_to_the_lines_that_have_one() -> None:
    pairs = enumerate(zip(TRAIN, VAL, strict=True))
    rows = [f"Epoch {e} Update {e + 1} Cost {t} PD 0.4\nvalidation loss: {v}" for e, (t, v) in pairs]
    run = read_text("\n".join(rows) + "\n")
    assert values(run, Role.TRAIN_LOSS) == TRAIN.tolist()
    assert values(run, Role.VAL_LOSS) == VAL.tolist()


HEADLESS = {
    "loss and step": ("{t} {step}", ()),
    "step, loss, speed and rate, a row torn": ("{step},{t},4033.5,0.00003", ("1700,1700,0.4,4033.1,0.00003",)),
    "two launches": ("{step} {t}", ("0 2.7", "100 2.6", "200 2.5", "300 2.4", "400 2.3")),
}


@pytest.mark.parametrize("layout", HEADLESS)
def test_rows_without_a_header_are_read_where_one_column_counts(layout: str) -> None:
    row, more = HEADLESS[layout]
    rows = [row.format(step=100 * n, t=t) for n, t in enumerate(BATCHES)]
    run = read_text("\n".join([*rows[:17], *(more if "torn" in layout else ()), *rows[17:]]) + "\n")
    assert values(run, Role.TRAIN_LOSS)[-20:] == BATCHES[-20:].tolist()
    both = read_text("\n".join([*rows, *more]) + "\n")
    assert len(values(both, Role.TRAIN_LOSS)) >= (5 if more else len(BATCHES))


@pytest.mark.parametrize("separator", ["\n", ",\n", " ,\n"])
def test_numbers_on_lines_of_their_own_are_the_loss_with_or_without_a_comma(separator: str) -> None:
    assert values(read_text(separator.join(map(str, BATCHES)) + separator), Role.TRAIN_LOSS) == BATCHES.tolist()


def test_the_hole_of_an_emptied_file_hides_no_log() -> None:
    rows = [f"epoch {e} loss {t}" for e, t in enumerate(TRAIN)]
    text = "\n".join(rows[:4]) + "\n" + "\0" * 3000 + "\n" + "\n".join(rows[4:]) + "\n"
    assert values(read_text(text), Role.TRAIN_LOSS) == TRAIN.tolist()


CONFIGS = [
    "Running with {{'epochs': {n}, 'lr': 0.01, 'bs': 8}}",
    "epochs={n} lr=0.01",
    "config | lr: 0.01, epochs: {n}",
]


@pytest.mark.parametrize("config", CONFIGS)
def test_epochs_in_a_config_among_other_numbers_are_no_epoch(config: str) -> None:
    rows = [f"{config.format(n=10)}\nTraining Epoch: {e}, Loss: {t}." for e, t in enumerate(TRAIN)]
    curve = read_text("\n".join(rows) + "\n").curve(Role.TRAIN_LOSS)
    assert curve is not None
    assert curve.steps.tolist() == list(range(EPOCHS))


RESULTS = [
    "acc = 0.1\nINFO:tensorflow:Saving dict for global step {n}: accuracy = 0.4, global_step = {n}, loss = {v}",
    "loss = {v}",
    "eval_accuracy = 0.4\neval_loss = {v}\nglobal_step = {n}\nloss = {v}",
    "acc: 0.4 - loss: {v}",
]


@pytest.mark.parametrize("block", RESULTS)
def test_the_results_below_their_heading_are_no_training_loss(block: str) -> None:
    rows = [
        f"loss = {t}, step = {100 * n}\n***** Eval results *****\n{block.format(v=v, n=100 * n)}"
        for n, (t, v) in enumerate(zip(TRAIN, VAL, strict=True))
    ]
    run = read_text("\n".join(rows) + "\n")
    assert values(run, Role.TRAIN_LOSS) == TRAIN.tolist()
    assert values(run, Role.VAL_LOSS) == VAL.tolist()


@pytest.mark.parametrize("model", ["relu-conv2d", "unet3d", "2D_net"])
def test_a_number_of_dimensions_in_a_name_is_no_discriminator(tmp_path: Path, model: str) -> None:
    rows = [f"{n},{t}" for n, t in enumerate(TRAIN)]
    (tmp_path / "a.csv").write_text(f"Step,{model} - train/loss\n" + "\n".join(rows) + "\n")
    assert values(read(tmp_path / "a.csv"), Role.TRAIN_LOSS) == TRAIN.tolist()


TURNS = [
    "  step {n}/15000  loss {v:.5f}  charb {w:.5f}  msssim {w:.5f}  lr 4.0e-07  0.95 it/s",
    "iter {n} loss {v:.4f}, kl {w:.4f}, recon {w:.4f}",
    "[{n}] train_loss {v:.3f} | dur {w:.3f} | pitch {w:.3f}",
]


@pytest.mark.parametrize("line", TURNS)
def test_names_and_numbers_in_turn_behind_a_loss_are_all_read(line: str) -> None:
    rows = [line.format(n=100 * n, v=float(t), w=float(t) / 2) for n, t in enumerate(TRAIN, 1)]
    run = read_text("\n".join(rows) + "\n")
    found = [tag for tag, curve in run.curves.items() if np.allclose(curve.values, TRAIN / 2, atol=1e-3)]
    assert len(found) == 2


@pytest.mark.parametrize("score", ["PSNR 24.{n}  SSIM 0.5{n}", "F1 0.4{n} AUC 0.5{n}", "mIoU 0.3{n}, Dice 0.4{n}"])
def test_scores_of_an_evaluation_without_a_sign_are_read(score: str) -> None:
    rows = [f"step {n} loss {t}\n  VAL step {n}: {score.format(n=n)}" for n, t in enumerate(TRAIN, 1)]
    run = read_text("\n".join(rows) + "\n")
    assert [len(curve) for curve in run.played_by(Role.SCORE)] == [EPOCHS, EPOCHS]


@pytest.mark.parametrize("line", ["Epoch {n:03d} | Total Loss: {v}", "Round {n} | loss: {v}", "Phase A | loss: {v}"])
def test_a_line_of_values_is_no_header_of_the_table_below_it(line: str) -> None:
    table = "Metric     | Bad (0)    | Good (1)\n-----------\nPrecision  | 0.40 | 0.10\nRecall     | 1.00 | 0.00"
    rows = [f"{line.format(n=n, v=t)}\n{table}" for n, t in enumerate(TRAIN, 1)]
    run = read_text("\n".join(rows) + "\n")
    assert values(run, Role.TRAIN_LOSS) == TRAIN.tolist()
    assert not run.played_by(Role.TRAIN_COMPONENT)


BARS = ["Validation: 100%|██████████| 30/30 [00:02<00:00, 15it/s, loss={v}]", "Val: 50.0%|█████| 3/6 [00:01, loss={v}]"]


@pytest.mark.parametrize("bar", BARS)
def test_the_share_of_a_bar_is_no_value_of_its_split(bar: str) -> None:
    train = "Training Epoch {n}: 100%|██████████| 312/312 [01:02<00:00, 5.0it/s, loss={t}]"
    rows = [f"{train.format(n=n, t=t)}\n{bar.format(v=v)}" for n, (t, v) in enumerate(zip(TRAIN, VAL, strict=True))]
    run = read_text("\n".join(rows) + "\n")
    assert values(run, Role.TRAIN_LOSS) == TRAIN.tolist()
    assert values(run, Role.VAL_LOSS) == VAL.tolist()


@pytest.mark.parametrize(("train", "val"), [("训练损失", "验证损失"), ("훈련 손실", "검증 손실")])
def test_losses_in_another_language_need_no_sign(train: str, val: str) -> None:
    rows = [f"epoch {n} {train} {t} {val} {v}" for n, (t, v) in enumerate(zip(TRAIN, VAL, strict=True), 1)]
    run = read_text("\n".join(rows) + "\n")
    assert values(run, Role.TRAIN_LOSS) == TRAIN.tolist()
    assert values(run, Role.VAL_LOSS) == VAL.tolist()


@pytest.mark.parametrize("prose", ["it took 12.5 and more", "found 3.25 of them", "Python 3.11 and torch 2.4"])
def test_a_word_and_a_number_alone_are_no_series(prose: str) -> None:
    run = read_text("".join(f"epoch {n} loss {t}\n{prose}\n" for n, t in enumerate(TRAIN, 1)))
    assert {curve.tag for curve in run.curves.values()} == {"loss"}


@pytest.mark.parametrize("name", ["mel", "rec", "l1", "cycle", "stft"])
def test_beside_two_adversarial_losses_what_is_near_to_the_data_is_judged(name: str) -> None:
    rows = [f"gen_loss {2 + t % 1:.3f} disc_loss {t % 1:.3f} {name} {t} step {100 * n}" for n, t in enumerate(TRAIN)]
    assert values(read_text("\n".join(rows) + "\n"), Role.TRAIN_LOSS) == TRAIN.tolist()


@pytest.mark.parametrize(("epochs", "memory"), [(300, "1.81G"), (50, "12G"), (8, "0G")])
def test_a_results_file_of_yolov7_is_read_by_the_places_of_its_numbers(epochs: int, memory: str) -> None:
    row = "     {n}/{last}     {m}   {t}   0.03649         0    {t}        37       640  0.9 0.8 0.7 0.6   {v}   0.05 0"
    rows = [
        row.format(n=n, last=epochs - 1, m=memory, t=t, v=v) for n, (t, v) in enumerate(zip(TRAIN, VAL, strict=True))
    ]
    run = read_text("\n".join(rows) + "\n")
    assert values(run, Role.TRAIN_LOSS) == TRAIN.tolist()
    assert run.curves["val_box_loss"].values.tolist() == VAL.tolist()
    assert [len(curve) for curve in run.played_by(Role.SCORE)] == [EPOCHS] * 4


@pytest.mark.parametrize(
    "line", ["idx: {n}loss: tensor({t}, grad_fn=<NegBackward>)", "i={n}loss={t}", "it {n}loss: {t}"]
)
def test_a_loss_glued_to_the_number_before_it_is_read(line: str) -> None:
    run = read_text("".join(line.format(n=n, t=t) + "\n" for n, t in enumerate(TRAIN)))
    assert values(run, Role.TRAIN_LOSS) == TRAIN.tolist()


@pytest.mark.parametrize("count", [9_000, 40_000])
def test_a_list_in_one_line_longer_than_what_is_looked_at_is_read(tmp_path: Path, count: int) -> None:
    losses = [round(3 / (1 + n), 12) + 0.5 for n in range(count)]
    (tmp_path / "losses.json").write_text(str(losses))
    assert values(read(tmp_path / "losses.json"), Role.TRAIN_LOSS) == losses


@pytest.mark.parametrize("names", ["results_{}.csv", "{}-metrics.csv", "run_{}.csv"])
def test_a_table_of_the_test_beside_one_of_the_training_is_its_validation(tmp_path: Path, names: str) -> None:
    """They need not have the same columns; a trial of its own (`test_log.csv` beside `log.csv`) is another run."""
    tables = {"train": "epoch,loss,acc\n", "test": "epoch,loss,precision,recall\n"}
    for split, header in tables.items():
        losses, more = (TRAIN, "") if split == "train" else (VAL, ",0.4")
        rows = [f"{number},{loss},0.5{more}" for number, loss in enumerate(losses)]
        (tmp_path / names.format(split)).write_text(header + "\n".join(rows) + "\n")
    (run,) = runs(tmp_path)
    assert values(run, Role.TRAIN_LOSS) == TRAIN.tolist()
    assert values(run, Role.VAL_LOSS) == VAL.tolist()
    (tmp_path / "log.csv").write_text("epoch,loss\n1,3\n2,2\n3,1\n")
    (tmp_path / "test_log.csv").write_text("epoch,loss\n1,3\n2,2\n3,1\n")
    assert len([*runs(tmp_path)]) == 3
