"""Files of numbers without a header are named after the measure in their name, and those of one run are one run."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnose.errors import LogError
from diagnose.readers import read, runs
from diagnose.run import Role, Run

TRAIN = [round(3.0 * 0.93**n + 0.4, 6) for n in range(30)]
VAL = [round(value + 0.2, 6) for value in TRAIN]


def values(run: Run, role: Role) -> list[float]:
    curve = run.curve(role)
    return [] if curve is None else curve.values.tolist()


def write(path: Path, numbers: list[float], row: str = "{x}\n") -> None:
    path.write_text("".join(row.format(n=n, x=x) for n, x in enumerate(numbers, 1)))


@pytest.mark.parametrize(
    ("train", "val"),
    [
        ("run7_hd50lr0.0025train_loss.txt", "run7_hd50lr0.0025test_loss.txt"),
        ("resnet18.cifar.trainloss.csv", "resnet18.cifar.valloss.csv"),
        ("loss_train_fold3.txt", "loss_valid_fold3.txt"),
        ("TrainLoss_adam_lr1e-3.log", "ValLoss_adam_lr1e-3.log"),
        ("train_unet_lr0.01_loss.csv", "val_unet_lr0.01_loss.csv"),
        ("loss_32_DL_train.txt", "loss_32_DL_test.txt"),
        ("loss/fourier_train.txt", "loss/fourier_test.txt"),
        ("train/loss.txt", "val/loss.txt"),
    ],
)
@pytest.mark.parametrize("row", ["{x}\n", "{n}_{x}\n", "{n}:{x}\n", "{n} {x}\n", "{n}={x}\n"])
def test_the_measure_in_a_name_says_which_file_is_which(tmp_path: Path, train: str, val: str, row: str) -> None:
    for name in (train, val):
        (tmp_path / name).parent.mkdir(exist_ok=True)
    write(tmp_path / train, TRAIN, row)
    write(tmp_path / val, VAL, row)
    (run,) = runs(tmp_path)
    assert values(run, Role.TRAIN_LOSS) == TRAIN
    assert values(run, Role.VAL_LOSS) == VAL
    assert any("read together" in note for note in run.notes)


@pytest.mark.parametrize("names", [("d_loss", "g_loss"), ("loss_D", "loss_G"), ("disc_loss", "gen_loss")])
def test_the_losses_of_two_networks_are_one_run(tmp_path: Path, names: tuple[str, str]) -> None:
    for name in names:
        write(tmp_path / f"{name}.txt", TRAIN)
    (run,) = runs(tmp_path)
    assert set(run.curves) == set(names)


def test_another_run_in_the_folder_is_another_run(tmp_path: Path) -> None:
    for name in ("lr0.1_train_loss", "lr0.1_val_loss", "lr0.2_train_loss"):
        write(tmp_path / f"{name}.txt", TRAIN)
    assert [sorted(run.curves) for run in runs(tmp_path)] == [["train_loss", "val_loss"], ["train_loss"]]


@pytest.mark.parametrize("name", ["losses_lr1e-3.txt", "out_hd50lr0.0025.csv", "model3.csv", "loss_best_lr.txt"])
def test_a_single_column_is_the_loss_where_its_name_does_not_say_otherwise(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, TRAIN)
    expected = [] if name.endswith("_lr.txt") else TRAIN
    assert values(read(tmp_path / name), Role.TRAIN_LOSS) == expected


@pytest.mark.parametrize("name", ["dev-machine_loss.txt", "dev/loss.txt", "test1_loss.txt", "loss_of_test_run.txt"])
def test_the_word_of_a_set_counts_only_where_another_set_is_beside_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    write(tmp_path / name, TRAIN)
    assert values(read(tmp_path / name), Role.TRAIN_LOSS) == TRAIN


@pytest.mark.parametrize("name", ["acc.txt", "val_accuracy.txt", "test_accuracies_c10.txt", "rewards.txt"])
def test_a_column_of_scores_is_no_loss(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, TRAIN)
    assert [values(run, Role.TRAIN_LOSS) for run in runs(tmp_path)] == [[]]


def test_a_score_beside_the_loss_is_no_loss(tmp_path: Path) -> None:
    write(tmp_path / "train_loss.csv", TRAIN)
    write(tmp_path / "val_acc.csv", [1 - value / 4 for value in TRAIN])
    (run,) = runs(tmp_path)
    assert values(run, Role.TRAIN_LOSS) == TRAIN
    assert run.curves["val_acc"].role is Role.SCORE


@pytest.mark.parametrize("parted", [" ", ", ", "\t"])
def test_a_few_long_rows_are_a_series_each(tmp_path: Path, parted: str) -> None:
    path = tmp_path / "losses.txt"
    path.write_text(parted.join(map(str, TRAIN)) + "\n" + parted.join(map(str, VAL)) + "\n")
    run = read(path)
    assert values(run, Role.TRAIN_LOSS) == TRAIN
    assert values(run, Role.VAL_LOSS) == VAL


@pytest.mark.parametrize("name", ["shapes.txt", "embedding.txt", "predictions.dat"])
@pytest.mark.parametrize("row", ["{n}_{x}\n", "{x} " * 40 + "\n"])
def test_numbers_that_are_called_nothing_of_the_kind_are_no_log(tmp_path: Path, name: str, row: str) -> None:
    write(tmp_path / name, TRAIN[:6], row)
    with pytest.raises(LogError):
        read(tmp_path / name)
