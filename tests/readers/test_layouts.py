"""Layouts of tables and lines: on their side, by split, two metrics to a name, several trainings in one file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from diagnose.errors import LogError
from diagnose.readers import read, read_source, runs
from diagnose.readers.sources import Source
from diagnose.run import Role, Run

TRAIN = [3.4, 2.9, 2.5, 2.2, 2.0, 1.9]
VAL = [3.6, 3.2, 2.9, 2.7, 2.6, 2.65]


def read_text(text: str, name: str = "x.log") -> Run:
    return read_source(Source(name, content=text.encode()))


def lines(row: str) -> str:
    rows = zip(TRAIN, VAL, strict=True)
    return "".join(row.format(e=n, t=t, v=v, a=0.1 * n, b=0.09 * n) + "\n" for n, (t, v) in enumerate(rows, 1))


def points(run: Run, role: Role) -> list[tuple[int, float]]:
    curve = run.curve(role)
    return [] if curve is None else [*zip(curve.steps.tolist(), curve.values.tolist(), strict=True)]


def assert_both(run: Run, steps: Sequence[int] = (1, 2, 3, 4, 5, 6)) -> None:
    assert points(run, Role.TRAIN_LOSS) == [*zip(steps, TRAIN, strict=True)]
    assert points(run, Role.VAL_LOSS) == [*zip(steps, VAL, strict=True)]


SIDEWAYS = {
    "in Markdown": (
        "| Metric | Epoch 1 | Epoch 2 | Epoch 3 | Epoch 4 | Epoch 5 | Epoch 6 |\n|---|---|---|---|---|---|---|\n"
        "| Train loss | 3.4 | 2.9 | 2.5 | 2.2 | 2.0 | 1.9 |\n| Acc | 11% | 15% | 21% | 30% | 35% | 36% |\n"
        "| **Val loss** | 3.6 | 3.2 | 2.9 | 2.7 | 2.6 | 2.65 |\n"
    ),
    "as CSV": "epoch,1,2,3,4,5,6\ntrain_loss,3.4,2.9,2.5,2.2,2.0,1.9\nval_loss,3.6,3.2,2.9,2.7,2.6,2.65\n",
    "parted by blanks": (
        "So far:\n\nEpoch         1    2    3    4    5    6\ntraining loss 3.4  2.9  2.5  2.2  2.0  1.9\n"
        "eval loss     3.6  3.2  2.9  2.7  2.6  2.65\n\nAny idea?\n"
    ),
    "without a name above the names": (
        "\t1\t2\t3\t4\t5\t6\nloss\t3.4\t2.9\t2.5\t2.2\t2.0\t1.9\nval_loss\t3.6\t3.2\t2.9\t2.7\t2.6\t2.65\n"
    ),
}


@pytest.mark.parametrize("layout", SIDEWAYS)
def test_a_table_on_its_side_has_a_series_in_each_row(layout: str) -> None:
    assert_both(read_text(SIDEWAYS[layout]))


def test_a_table_on_its_side_may_count_steps_and_have_blank_cells() -> None:
    run = read_text("step: 100 200 300 400\nloss: 3.4 2.9 2.5 2.2\nval loss: - 3.2 - 2.7\n")
    assert points(run, Role.TRAIN_LOSS) == [*zip((100, 200, 300, 400), TRAIN[:4], strict=True)]
    assert points(run, Role.VAL_LOSS) == [(200, 3.2), (400, 2.7)]


@pytest.mark.parametrize(
    "block",
    [
        "Train_Epoch\tLoss\tAcc\n{e}\t{t}\t{a}\nTest_Epoch\tLoss\tAcc\n{e}\t{v}\t{b}",
        "Train Epoch   Loss   Acc\n{e}   {t}   {a}\nVal Epoch   Loss   Acc\n{e}   {v}   {b}",
        "train_epoch,loss,acc\n{e},{t},{a}\nvalid_epoch,loss,acc\n{e},{v},{b}",
    ],
)
def test_a_header_whose_counter_is_that_of_a_split_names_the_split(block: str) -> None:
    assert_both(read_text(lines(block), "x.csv" if "," in block else "x.log"))


@pytest.mark.parametrize(
    "row",
    [
        "Epoch {e}: train accuracy/loss: {a:.2f}/{t}, val accuracy/loss: {b:.2f}/{v}",
        "[{e}/6] Train Loss/Acc: {t} / {a:.1%} | Valid Loss/Acc: {v} / {b:.1%}",
        "epoch {e} (train) acc/loss = {a:.2f}/{t}  (test) acc/loss = {b:.2f}/{v}",
        "Epoch {e}\nloss / acc: ({t} / {a:.2f})\nval_loss / val_acc: ({v} / {b:.2f})",
    ],
)
def test_two_metrics_and_two_numbers_belong_to_each_other_in_turn(row: str) -> None:
    assert_both(read_text(lines(row)))


@pytest.mark.parametrize(
    "row",
    [
        "Epoch {e} [TRAIN] loss: {t}\nEpoch {e} [CV] loss: {v}",
        "TRAIN epoch {e} avg_loss {t}\nCV epoch {e} avg_loss {v}",
        "[TRAIN] epoch {e}, loss {t}, [CV] loss {v}",
    ],
)
def test_what_is_measured_in_cross_validation_is_held_out(row: str) -> None:
    assert_both(read_text(lines(row)))


@pytest.mark.parametrize("parts", ["box", "giou  obj", "box  obj  cls"])
def test_a_total_beside_the_parts_of_a_detector_is_the_loss(parts: str) -> None:
    cells = "  ".join(["0.3"] * len(parts.split()))
    rows = lines(f"Epoch  gpu_mem  {parts}  total  labels  img_size\n{{e}}/6  3.1G  {cells}  {{t}}  88  640")
    assert points(read_text(rows), Role.TRAIN_LOSS) == [*zip(range(1, 7), TRAIN, strict=True)]


SEVERAL: dict[str, Any] = {
    "a section each": {f"seed_{n}": {"train_loss": [9.0 - n] * 5 + TRAIN[5:], "val_loss": VAL} for n in range(2)}
    | {"seed_2": {"train_loss": TRAIN, "val_loss": VAL}},
    "an item each": {
        "config": {"lr": 0.1},
        "runs": [{"seed": n, "train_loss": TRAIN, "val_loss": VAL, "best": 2.6} for n in range(3)],
    },
    "records each": {
        name: {
            "history": [{"epoch": n, "loss": t, "val_loss": v} for n, t, v in zip(range(1, 7), TRAIN, VAL, strict=True)]
        }
        for name in ("adam", "sgd", "lion")
    },
}


@pytest.mark.parametrize("layout", SEVERAL)
def test_trainings_side_by_side_in_one_document_are_kept_apart(layout: str) -> None:
    run = read_text(json.dumps(SEVERAL[layout]), "results.json")
    assert_both(run)
    assert any(note.startswith("3 launches") for note in run.notes)


@pytest.mark.parametrize(
    "document",
    [
        {"train": {"loss": TRAIN}, "val": {"loss": VAL}},
        {"losses": {"train": TRAIN, "valid": VAL}},
        {"metrics": {"training": {"loss": TRAIN, "acc": TRAIN}, "evaluation": {"loss": VAL, "acc": VAL}}},
    ],
)
def test_the_splits_of_one_training_are_no_trainings(document: dict[str, Any]) -> None:
    run = read_text(json.dumps(document), "history.json")
    assert_both(run)
    assert not any("launches" in note for note in run.notes)


@pytest.mark.parametrize("name", ["seed", "run", "fold"])
def test_rows_of_several_trainings_in_turn_are_those_of_each(name: str) -> None:
    rows = [f"{n},{e},{t},{v}" for e, (t, v) in enumerate(zip(TRAIN, VAL, strict=True), 1) for n in (1, 2, 3)]
    run = read_text("\n".join([f"{name},epoch,train_loss,val_loss", *rows]) + "\n", "results.csv")
    assert_both(run)
    assert any(note.startswith("3 launches") for note in run.notes)


def test_a_rotated_log_is_read_from_its_oldest_part_on(tmp_path: Path) -> None:
    text = lines("2026-01-01 10:00:00 INFO epoch {e} loss {t} val_loss {v}").splitlines(keepends=True)
    for name, part in (("train.log.2", text[:2]), ("train.log.1", text[2:4]), ("train.log", text[4:])):
        (tmp_path / name).write_text("".join(part))
    (run,) = runs(tmp_path)
    assert_both(run)
    assert points(read(tmp_path / "train.log"), Role.TRAIN_LOSS) == [(5, 2.0), (6, 1.9)]


@pytest.mark.parametrize(
    "row",
    [
        "[NEW BEST] Epoch #{e}: train_loss={t}, val_loss={v}",
        "Best so far | epoch {e} | train_loss {t} | val_loss {v}",
        "improved, saving the best: epoch={e} train_loss={t} val_loss={v}",
    ],
)
def test_a_line_that_announces_a_best_is_that_epoch_where_no_other_line_is(row: str) -> None:
    plain = lines("Epoch #{e}: train_loss={t}, val_loss={v}").splitlines(keepends=True)
    best = lines(row).splitlines(keepends=True)
    closing = "Loaded best model from epoch 5 (train_loss=2.0, val_loss=2.6)\n"
    assert_both(read_text("".join([*best[:2], *plain[2:4], *best[4:], closing])))
    assert_both(read_text("".join(line for both in zip(plain, best, strict=True) for line in both)))


@pytest.mark.parametrize("row", ["Eval  | loss {v}", "evaluation done: loss={v}", "[val] loss: {v}"])
def test_an_evaluation_that_stays_where_it_was_is_one_all_the_same(row: str) -> None:
    text = "".join(f"epoch {n} loss {TRAIN[n % 6]}\n" + row.format(v=2.5 + (n > 30)) + "\n" for n in range(40))
    assert len(points(read_text(text), Role.VAL_LOSS)) == 40


@pytest.mark.parametrize("best", ["Best_mIoU: 0.41", "best_score 0.41", "best acc: 0.41"])
def test_a_loss_beside_the_best_score_is_that_of_an_evaluation(best: str) -> None:
    text = "".join(
        f"Epoch: [{n}/6] Iter:[{i}/20], Loss: {t}\n" for n, t in enumerate(TRAIN) for i in (0, 10)
    ).splitlines(keepends=True)
    text = [line + (f"Loss: {VAL[n // 2]}, MeanIU: 0.4, {best}\n" if n % 2 else "") for n, line in enumerate(text)]
    run = read_text("".join(text))
    assert [value for _, value in points(run, Role.VAL_LOSS)] == VAL
    assert len(points(run, Role.TRAIN_LOSS)) == 12


def test_a_keras_bar_of_another_length_behind_the_last_epoch_evaluates() -> None:
    bar = "━" * 20
    text = lines(f"Epoch {{e}}/6\n40/40 {bar} 3s 9ms/step - loss: {{t}} - val_loss: {{v}}")
    assert_both(read_text(text + f"Evaluating on test set...\n7/7 {bar} 0s 23ms/step - loss: 9.5\n"))


def test_an_infinite_best_says_that_there_is_none_yet() -> None:
    run = read_text(lines("epoch {e} train_loss {t} val_loss {v}\nBest model so far: val_loss inf"))
    assert_both(run)
    with pytest.raises(LogError, match="no training metrics"):
        read_text("Parameters: 4,000,000\nBest model found at epoch 0, Val Loss: inf, AUC: 0.00%\n")


@pytest.mark.parametrize(
    "row", ["[{s:06d}/50000] VIMEO | loss {t} | batch 16", "iteration:{e} step:5/10, NER loss:{t}"]
)
def test_what_counts_the_whole_counts_whatever_else_is_counted_on_the_line(row: str) -> None:
    text = "".join(row.format(s=500 * n, e=n, t=t) + "\n" for n, t in enumerate(TRAIN, 1))
    steps = [500 * n if "{s" in row else 10 * n - 5 for n in range(1, 7)]
    assert points(read_text(text), Role.TRAIN_LOSS) == [*zip(steps, TRAIN, strict=True)]


def test_iterations_beyond_the_length_that_is_printed_go_on() -> None:
    rows = [(epoch, i) for epoch in range(2) for i in range(0, 90, 10)]
    text = "".join(f"epoch={epoch} i={i}/30 total loss={3 - 0.1 * n:.4f}\n" for n, (epoch, i) in enumerate(rows))
    assert [step for step, _ in points(read_text(text), Role.TRAIN_LOSS)] == [90 * epoch + i for epoch, i in rows]


def test_a_message_right_behind_a_bar_is_one_of_its_own() -> None:
    assert_both(read_text(lines("100%|████| 50/50 [00:24<00:00, 63.84it/s]epoch {e} | train_loss {t} | val_loss {v}")))


def of_epochs(values: list[float]) -> list[dict[str, float]]:
    return [{"epoch": n, "loss": value, "acc": 0.1 * n} for n, value in enumerate(values, 1)]


@pytest.mark.parametrize(
    "document",
    [
        {"train": of_epochs(TRAIN), "val": of_epochs(VAL)},
        {"config": {"lr": 0.1}, "history": {"training": of_epochs(TRAIN), "test": of_epochs(VAL)}},
        {"train": of_epochs(TRAIN), "valid": of_epochs(VAL), "dev": []},
    ],
)
def test_records_below_the_name_of_a_split_are_of_that_split(document: dict[str, Any]) -> None:
    document = {key: value for key, value in document.items() if value}
    run = read_text(json.dumps(document), "history.json")
    assert_both(run)
    assert not any("launches" in note for note in run.notes)


@pytest.mark.parametrize("level", ["data", "payload", "metrics"])
def test_counters_count_one_level_down_where_all_names_are(level: str) -> None:
    rows = [
        {level: {"epoch": n, "train_loss": t, "val_loss": v}} for n, t, v in zip(range(1, 7), TRAIN, VAL, strict=True)
    ]
    assert_both(read_text("".join(json.dumps(row) + "\n" for row in rows), "metrics.jsonl"))
    held_out = "".join(json.dumps({"val": {"epoch": n, "loss": v}}) + "\n" for n, v in enumerate(VAL, 1))
    assert [value for _, value in points(read_text(held_out, "val.jsonl"), Role.VAL_LOSS)] == VAL
