"""What well-known tools print: PyTorch Geometric, Megatron, YOLO, scikit-learn, AllenNLP, tables with named rows."""

from __future__ import annotations

from collections.abc import Callable
from math import exp
from pathlib import Path

import numpy as np
import pytest

from diagnose.engine import examine
from diagnose.errors import LogError
from diagnose.facts import Facts
from diagnose.finding import Verdict
from diagnose.readers import read_source, runs
from diagnose.readers.sources import Source
from diagnose.run import Curve, Role, Run
from tests.readers.events import scalar, write


def loss(n: int, first: float = 1.9, last: float = 0.4) -> float:
    return last + (first - last) * exp(-n / 30) + 0.004 * (n * 37 % 11 - 5)


def share(n: int, first: float, last: float, pace: float = 20) -> float:
    return last - (last - first) * exp(-n / pace) + 0.001 * (n * 23 % 7 - 3)


def text_run(text: str) -> Run:
    return read_source(Source("x.log", content=text.encode()))


def curve_of(run: Run, role: Role) -> Curve:
    curve = run.curve(role)
    assert curve is not None, run.notes
    return curve


def logged(line: Callable[[int], str], count: int = 100) -> Run:
    return text_run("\n".join(line(n) for n in range(1, count + 1)) + "\n")


SCORES = {
    "node classification": lambda n: (
        f"Epoch: {n:03d}, Loss: {loss(n):.4f}, Train: {share(n, 0.14, 1):.4f}, Val: {share(n, 0.12, 0.79):.4f}, "
        f"Test: {share(n, 0.13, 0.81):.4f}"
    ),
    "link prediction": lambda n: (
        f"Epoch: {n:03d}, Loss: {loss(n, 0.7):.4f}, Val: {share(n, 0.6, 0.92):.4f}, Test: {share(n, 0.6, 0.91):.4f}"
    ),
    "validation alone": lambda n: f"epoch {n} loss {loss(n, 0.65):.4f} val {share(n, 0.55, 0.9):.4f}",
    "percent": lambda n: (
        f"Run: 01, Epoch: {n:02d}, Loss: {loss(n, 3.2):.4f}, Train: {100 * share(n, 0.2, 0.78):.2f}%, "
        f"Valid: {100 * share(n, 0.2, 0.73):.2f}% Test: {100 * share(n, 0.2, 0.71):.2f}%"
    ),
}


@pytest.mark.parametrize("name", SCORES)
def test_shares_called_after_their_split_that_rise_beside_a_loss_are_scores(name: str) -> None:
    run = logged(SCORES[name])
    assert curve_of(run, Role.TRAIN_LOSS).tag.casefold() == "loss"
    assert run.curve(Role.VAL_LOSS) is None
    bare = {"train", "val", "test"}
    assert {curve.role for tag, curve in run.curves.items() if tag.casefold().split()[0] in bare} == {Role.SCORE}
    assert examine(Facts(run)).verdict is Verdict.HEALTHY


ACCURACIES = {
    "shares": lambda n: f"Epoch {n}: Train {share(n, 0.3, 0.95):.4f}, Val {share(n, 0.3, 0.85):.4f}",
    "percent": lambda n: f"Epoch {n}: Train {share(n, 30, 95):.2f}%, Val: {share(n, 30, 85):.2f}%",
}


@pytest.mark.parametrize("name", ACCURACIES)
def test_accuracies_alone_are_no_losses_and_are_judged(name: str) -> None:
    run = logged(ACCURACIES[name])
    assert {curve.role for curve in run.curves.values()} == {Role.SCORE}
    diagnosis = examine(Facts(run))
    assert diagnosis.verdict is Verdict.HEALTHY
    assert any("judged is Val" in finding.message for finding in diagnosis.findings)


def test_a_score_called_after_its_split_that_falls_again_is_said() -> None:
    fades = logged(lambda n: f"Epoch: {n:03d}, Loss: {loss(n, last=0.01):.4f}, Train: {share(n, 0.1, 1):.4f}, "
                             f"Val: {share(n, 0.1, 0.8, 8) - 0.0015 * n:.4f}")  # fmt: skip
    assert "worsening-metric" in {finding.name for finding in examine(Facts(fades)).findings}


LOSSES = {
    "loss and val": lambda n: f"epoch {n} loss {loss(n):.4f} val {loss(n, 1.9, 0.6):.4f}",
    "errors": lambda n: f"Epoch {n}, Loss {loss(n):.4f}, Train {loss(n, 1.5, 0.8):.4f}, Val {loss(n, 1.6, 0.9):.4f}",
    "overfitting": lambda n: f"epoch {n} loss {loss(n, 0.69, 0.01):.4f} val {0.69 * exp(-n / 8) + 0.3 + 0.004 * n:.4f}",
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_what_falls_beside_a_loss_is_a_validation_loss(name: str) -> None:
    assert curve_of(logged(LOSSES[name]), Role.VAL_LOSS).tag.casefold() == "val"


LETTERS = {
    "accuracies beside": "epoch {n} | TL {t} VL {v} TA 0.5{n:02d} VA 0.4{n:02d}",
    "glued": "epoch {n} | loss {t} | vloss {v} | dt 12.3s",
    "a sentence before": "Finished epoch {n} in 12 seconds. Mean training loss {t}. Mean validation loss {v}.",
    "a dash, as segmentation_models prints": (
        "train: 100%|█████| 46/46 [00:10<00:00,  4.5it/s, dice_loss - {t}, iou_score - 0.5{n:02d}]\n"
        "valid: 100%|█████| 101/101 [00:05<00:00, 19.1it/s, dice_loss - {v}, iou_score - 0.4{n:02d}]"
    ),
    "an abbreviation": "Epoch {n}. Loss: {t}. Val. loss: {v}.",
}


@pytest.mark.parametrize("name", LETTERS)
def test_training_and_validation_are_told_by_a_letter_and_by_the_sentence(name: str) -> None:
    run = logged(lambda n: LETTERS[name].format(n=n, t=f"{loss(n):.4f}", v=f"{loss(n, 2, 0.6):.4f}"), 30)
    assert curve_of(run, Role.TRAIN_LOSS).values == pytest.approx([loss(n) for n in range(1, 31)], abs=1e-4)
    assert curve_of(run, Role.VAL_LOSS).values == pytest.approx([loss(n, 2, 0.6) for n in range(1, 31)], abs=1e-4)


def test_the_number_of_nan_iterations_is_no_nan() -> None:
    run = logged(
        lambda n: (
            f" iteration {n * 10:8d}/  500000 | consumed samples: {2560 * n:12d} | elapsed time per iteration (ms): "
            f"1234.5 | lm loss: {loss(n):.6E} | grad norm: 5.1 | number of skipped iterations:   0 | "
            "number of nan iterations:   0 |"
        )
    )
    assert curve_of(run, Role.TRAIN_LOSS).tag == "lm loss"
    assert all(np.isfinite(curve.values).all() for curve in run.curves.values())


def test_the_map_of_a_yolo_console_is_a_held_out_score() -> None:
    run = logged(
        lambda n: (
            "      Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size\n"
            f"     {n:2d}/100      2.51G      {loss(n):.3f}      {loss(n, 2.9):.3f}      1.1         23        640: "
            "100%|██████████| 125/125 [00:12<00:00, 10.1it/s]\n"
            "                 Class     Images  Instances      Box(P          R      mAP50  mAP50-95): 100%|█| 10/10\n"
            f"               all    128    929   0.61   0.52   {share(n, 0.1, 0.7):.4f}   {share(n, 0, 0.4):.4f}\n"
        ),
        20,
    )
    score = run.curves["val/mAP50-95"]
    assert (score.role, score.held_out, len(score)) == (Role.SCORE, True, 20)
    assert score.values == pytest.approx([share(n, 0, 0.4) for n in range(1, 21)], abs=1e-4)


def test_a_row_without_a_blank_cell_is_read_under_one_way_to_part_its_header() -> None:
    rows = "".join(f"{n:10d} {loss(n):16.4f} {100 - n:15.2f}s\n" for n in range(1, 101))
    run = text_run("      Iter       Train Loss   Remaining Time \n" + rows)
    assert set(run.curves) == {"Train Loss", "Remaining Time"}
    assert not any("values a step" in note for note in run.notes)


LOGGER = "2020-01-01 10:00:10,123 - INFO - allennlp.training.callbacks.console_logger - "
TABLES = {
    "Markdown": "Epoch {n}/20\n| Metric | Train | Val |\n|---|---|---|\n| Loss | {t} | {v} |\n"
    "| Accuracy | 0.5{n:02d} | 0.4{n:02d} |\n",
    "a box": "Epoch {n}\n┃      ┃ train ┃ valid ┃\n┡━━━━━━╇━━━━━━━╇━━━━━━━┩\n│ loss │ {t} │ {v} │\n"
    "│ acc  │ 0.5{n:02d} │ 0.4{n:02d} │\n",
    "splits in rows": "Epoch {n}:\n| split | loss | acc |\n"
    "| train | {t} | 0.5{n:02d} |\n| valid | {v} | 0.4{n:02d} |\n",
    "AllenNLP": "2020-01-01 10:00:00,123 - INFO - allennlp.training.trainer - Epoch {n}/19\n"
    + LOGGER + "            Training |  Validation\n"
    + LOGGER + "accuracy  |     0.5{n:02d}  |     0.4{n:02d}\n"
    + LOGGER + "loss      |     {t}  |     {v}\n",
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_splits_above_the_columns_and_metrics_in_front_of_the_rows_name_a_cell_together(name: str) -> None:
    texts = (TABLES[name].format(n=n, t=f"{loss(n):.4f}", v=f"{loss(n, 2, 0.6):.4f}") for n in range(20))
    run = text_run("".join(texts))
    train, val = curve_of(run, Role.TRAIN_LOSS), curve_of(run, Role.VAL_LOSS)
    assert train.values == pytest.approx([loss(n) for n in range(20)], abs=1e-4)
    assert val.values == pytest.approx([loss(n, 2, 0.6) for n in range(20)], abs=1e-4)
    assert train.steps.tolist() == list(range(20))


def test_a_table_of_predictions_is_no_training() -> None:
    rows = "".join(f"{n},{loss(n):.4f},{loss(n, 2, 0.6):.4f}\n" for n in range(30))
    with pytest.raises(LogError):
        read_source(Source("predictions.csv", content=("id,y_true,y_pred\n" + rows).encode()))


def test_what_keras_writes_into_a_table_and_into_event_files_is_one_training(tmp_path: Path) -> None:
    rows = "".join(f"{n},0.5,{loss(n):.5f},0.4,{loss(n, 2, 0.6):.5f}\n" for n in range(30))
    (tmp_path / "training.log").write_text("epoch,accuracy,loss,val_accuracy,val_loss\n" + rows, encoding="utf-8")
    for split, last in (("train", 0.4), ("validation", 0.6)):
        first = 1.9 if split == "train" else 2
        write(tmp_path / "logs" / split, [scalar("epoch_loss", n, loss(n, first, last)) for n in range(30)])
    (run,) = runs(tmp_path)
    assert any(note.startswith("one training: ") for note in run.notes)
