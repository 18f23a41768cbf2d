"""Tables and bars that people paste: headers of two lines or none, blank cells, rounded steps, torn documents."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.errors import LogError
from diagnose.readers import read_source
from diagnose.readers.sources import Source
from diagnose.run import Role, Run


def read_text(log: str, name: str = "x.log") -> Run:
    return read_source(Source(name, content=log.encode()))


def points(run: Run, role: Role = Role.TRAIN_LOSS) -> list[tuple[int, float]]:
    curve = run.curve(role)
    return [] if curve is None else [(int(s), float(v)) for s, v in zip(curve.steps, curve.values, strict=True)]


TWO_LINES = """
|==========================================================================|
| Epoch | Iteration | Time Elapsed | Mini-batch | Validation | Base Learning |
|       |           |  (hh:mm:ss)  |    Loss    |    Loss    |     Rate      |
|==========================================================================|
|     1 |         1 |     00:00:05 |     2.1250 |     2.5000 |        0.0100 |
|     1 |        40 |     00:00:31 |     1.5000 |            |        0.0100 |
|     2 |        80 |     00:00:57 |     0.7500 |     1.7500 |        0.0100 |
"""
RIGHT_ALIGNED = """
    Iteration    Epoch    TimeElapsed    LearnRate    TrainingLoss    ValidationLoss
    _________    _____    ___________    _________    ____________    ______________
            0        0       00:00:04        0.001                            2.5000
            1        1       00:00:04        0.001          2.1250
           40        1       00:00:20        0.001          1.5000
           80        2       00:00:37        0.001          0.7500            1.7500
"""


@pytest.mark.parametrize("table", [TWO_LINES, RIGHT_ALIGNED], ids=["a header of two lines", "blank cells"])
def test_matlabs_tables_have_two_losses_each_at_its_iterations(table: str) -> None:
    run = read_text(table)
    assert points(run) == [(1, 2.125), (40, 1.5), (80, 0.75)]
    assert [value for _, value in points(run, Role.VAL_LOSS)] == [2.5, 1.75]


@pytest.mark.parametrize(
    ("rows", "steps"),
    [
        pytest.param(["0 100 {}", "0 200 {}", "1 300 {}", "1 400 {}"], [100, 200, 300, 400], id="epoch and step"),
        pytest.param(["5, {}, 0.1", "6, {}, 0.2", "7, {}, 0.2", "8, {}, 0.3"], [5, 6, 7, 8], id="step, commas"),
    ],
)
def test_rows_without_a_header_count_in_front_and_the_next_column_is_the_loss(
    rows: list[str], steps: list[int]
) -> None:
    losses = [2.5, 2.25, 1.75, 1.5]
    run = read_text("\n".join(row.format(loss) for row, loss in zip(rows, losses, strict=True)) + "\n")
    assert points(run) == list(zip(steps, losses, strict=True))


def test_a_row_without_a_header_may_have_more_cells_than_most() -> None:
    rows = [f"{n}\t{3 - n / 4}\t8" + ("\t0.5\t1" if n == 3 else "") for n in range(1, 7)]
    assert points(read_text("\n".join(rows) + "\n")) == [(n, 3 - n / 4) for n in range(1, 7)]


@pytest.mark.parametrize("cell", ["{}", "0.0{}"], ids=["whole numbers", "maybe a learning rate"])
def test_rows_without_a_header_whose_loss_is_not_clear_are_refused(cell: str) -> None:
    with pytest.raises(LogError, match="without a header"):
        read_text("".join(f"{n} {n * 10} {cell.format(n % 3)} 2.5\n" for n in range(9)))


@pytest.mark.parametrize(
    ("line", "steps"),
    [
        pytest.param("step {} loss {}", [500, 1000, 1500], id="plain"),
        pytest.param("| loss {1} | Step: {0} |", [500, 1000, 1500], id="behind"),
        pytest.param("epoch 1 ({2}/900) | loss {1} | Step: {0}", [5, 10, 15], id="beside a finer count"),
    ],
)
def test_steps_in_thousands_count_where_no_finer_count_is_there(line: str, steps: list[int]) -> None:
    rows = [line.format(*row) for row in (("0.5k", 2.5, 5), ("1K", 2.25, 10), ("1.5k", 2.0, 15))]
    assert points(read_text("\n".join(rows) + "\n")) == list(zip(steps, [2.5, 2.25, 2.0], strict=True))


@pytest.mark.parametrize("epochs", [True, False], ids=["epochs named", "no epochs"])
def test_a_shorter_bar_after_each_bar_of_the_training_is_its_evaluation(epochs: bool) -> None:
    lines = []
    for n, (train, val) in enumerate([(2.5, 2.6), (2.0, 2.3), (1.5, 2.4)]):
        lines += [f"INFO - trainer - Epoch {n}/2"] if epochs else []
        lines += [f"acc: 0.5, loss: {train} ||: 100%|####| 40/40 [00:30<00:00,  5.11it/s]"]
        lines += [f"acc: 0.5, loss: {val} ||: 100%|####| 8/8 [00:01<00:00, 15.11it/s]"]
    run = read_text("\n".join(lines) + "\n")
    assert points(run) == [(40, 2.5), (80, 2.0), (120, 1.5)]
    assert points(run, Role.VAL_LOSS) == [(0, 2.6), (1, 2.3), (2, 2.4)]


@pytest.mark.parametrize("line", ["Epoch {}: Train: {}, Test: {}", "[Epoch {}] train={} test={}"])
def test_train_and_test_without_another_word_are_two_losses(line: str) -> None:
    rows = [(1, 2.5, 2.6), (2, 2.0, 2.3), (3, 1.5, 2.2)]
    run = read_text("\n".join(line.format(*row) for row in rows) + "\n")
    assert [value for _, value in points(run)] == [2.5, 2.0, 1.5]
    assert [value for _, value in points(run, Role.VAL_LOSS)] == [2.6, 2.3, 2.2]


@pytest.mark.parametrize("line", ["Epoch 12, train loss: 2.5", "| epoch 012 | loss 2.5", "Train: 3 [ 0/250] Loss: 2.5"])
def test_a_loss_at_a_step_is_a_curve_of_one_point(line: str) -> None:
    run = read_text(f"size: 3\nmean: 0.5\nOMP: Info #276\n{line}\nTraceback (most recent call last):\n")
    assert [value for _, value in points(run)] == [2.5]


RECORDS = """      "epoch": 1.0,
      "loss": 2.5,
      "step": 50
    },
    {
      "epoch": 2.0,
      "loss": 2.0,
      "step": 100
    },
    {
      "epoch": 2.0,
      "eval_loss": 2.25,
      "step": 100
    },
    {
      "epoch": 3.0,
      "loss": 1.5,
      "step": 150
"""


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        pytest.param('{\n  "log_history": [\n    {\n', "", id="the end is lost"),
        pytest.param('  "global_step": 150,\n  "logs": [\n    {\n', "    }\n  ]\n}\n", id="the beginning is lost"),
        pytest.param('  "log_history": [\n    {\n', "", id="both are lost"),
    ],
)
def test_the_records_of_a_torn_document_are_read(begin: str, end: str) -> None:
    run = read_text(begin + RECORDS + end, "state.txt")
    assert points(run) == [(50, 2.5), (100, 2.0), (150, 1.5)]
    assert points(run, Role.VAL_LOSS) == [(100, 2.25)]


@pytest.mark.parametrize(
    "line",
    [
        "LOG (nnet3-train:nnet.cc) Average objective function for 'output' for minibatches {}-{} is {} over 9 frames.",
        "LOG (rnnlm:cc:38) Average\nobjective function for 'output' for minibatches {}-{} is {} over 13564\nframes.",
        "Process {1}/999({0}%) global average objf: -9 over 6 frames, current batch average objf: {2} over 9, epoch 0",
    ],
    ids=["kaldi", "kaldi, wrapped by a mail", "its PyTorch trainer"],
)
def test_an_objective_function_that_rises_is_a_loss_that_falls(line: str) -> None:
    rows = [line.format(n - 9, n, value) for n, value in ((9, -2.5), (19, -2.0), (29, -1.5))]
    assert points(read_text("\n".join(rows) + "\n")) == [(9, 2.5), (19, 2.0), (29, 1.5)]


def test_what_begins_with_inf_is_no_infinite_number() -> None:
    lines = [f"2017-10-14 16:48:2{n},954 - INFO - trainer - Batch {n}/99: loss: {3 - n}.5 ||" for n in range(1, 4)]
    log = "\n".join(lines) + "\n"
    assert points(read_text(log)) == [(1, 2.5), (2, 1.5), (3, 0.5)]


def test_a_launch_that_ended_in_nan_is_mentioned_beside_the_judged_one() -> None:
    losses = [*(3 - n / 10 for n in range(9)), *[float("nan")] * 9]
    launches = [losses, [2.9 - n / 10 for n in range(12)]]
    log = "\n".join(f"step {10 * n} loss {loss}" for launch in launches for n, loss in enumerate(launch))
    run = read_text(log + "\n")
    assert len(points(run)) == 12
    assert any("not finite at the end" in note for note in run.notes)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("[epoch:{1}, iter: {0}] l_g_pix: {2}e-01 l_g_gan: 4.2e-02 l_d_real: 2.6e-04", id="l_"),
        pytest.param("[05:20:29.01] Epoch: [{1}]  [{0}/90]  lr: 0.1  closs: {2} (9.5)  time: 4.1", id="closs"),
        pytest.param("epoch {1} iteration {0} valloss=9.5 trainloss={2}", id="trainloss"),
        pytest.param("step {0} 'loss': **{2}**, 'lr': 0.1", id="bold"),
        pytest.param(
            "steps:  38%|##  | {0}/96 [13:09<21:55, 2s/it, avr_loss={2}]INFO:data:new epoch: 7", id="steps bar"
        ),
    ],
)
def test_a_loss_is_known_by_its_ending_and_its_letter(line: str) -> None:
    found = points(read_text("\n".join(line.format(10 * n, 1, 2.5 - n / 4) for n in range(1, 4)) + "\n"))
    scale = 0.1 if "l_g_pix" in line else 1.0
    np.testing.assert_allclose(found, [(10 * n, scale * (2.5 - n / 4)) for n in range(1, 4)])


@pytest.mark.parametrize(
    "stamp",
    [
        "02/18-02:5{n}:32.282 ",
        "10:2{n}:33 | ",
        "[2{n}:21:33]  ",
        "2024-03-05T1{n}:21:33.123456789Z ",
        "03-05 1{n}:21:33,120 - ",
    ],
)
def test_a_table_behind_the_times_at_which_its_rows_were_written_is_read(stamp: str) -> None:
    rows = ["E    #       LOSS TRANS  LOSS NER  SCORE", "---  ------  ----------  --------  -----"]
    rows += [f"  {n}    {n}00        {70 - n}.25     {9 - n}.50   0.{n}5" for n in range(3)]
    run = read_text("".join(stamp.format(n=n % 3) + row + "\n" for n, row in enumerate(rows)))
    assert points(run) == [(0, 70.25), (100, 69.25), (200, 68.25)]
    assert run.curves["LOSS NER"].values.tolist() == [9.5, 8.5, 7.5]
