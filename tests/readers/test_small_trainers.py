"""Logs as small trainers print them: where the epoch, the split and the loss stand is theirs alone."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.readers import read_source
from diagnose.readers.roles import read_tag
from diagnose.readers.sources import Source
from diagnose.run import Axis, Role, Run

TRAIN = [round(2.7 * 0.88**n + 0.3, 4) for n in range(12)]
VAL = [round(2.9 * 0.90**n + 0.4, 4) for n in range(12)]


def read_text(text: str) -> Run:
    return read_source(Source("x.log", content=text.encode()))


def values(run: Run, role: Role = Role.TRAIN_LOSS) -> list[float]:
    curve = run.curve(role)
    return [] if curve is None else curve.values.tolist()


SPLIT_IN_FRONT = {
    "stars": "INFO - *Train-Epoch-{e}/12*, MeanLoss:{t}\nINFO - *Eval-Epoch-{e}/12*, MeanLoss:{v}",
    "brackets": "[train-epoch-{e}/12] loss: {t}\n[valid-epoch-{e}/12] loss: {v}",
    "dashes": "--Training-Ep-{e}/12-- loss={t}\n--Dev-Ep-{e}/12-- loss={v}",
}


@pytest.mark.parametrize("layout", SPLIT_IN_FRONT)
def test_a_split_glued_to_the_count_of_its_epoch_is_no_part_of_a_path(layout: str) -> None:
    rows = [SPLIT_IN_FRONT[layout].format(e=e, t=t, v=v) for e, (t, v) in enumerate(zip(TRAIN, VAL, strict=True))]
    run = read_text("\n".join(rows) + "\n")
    assert (values(run), values(run, Role.VAL_LOSS)) == (TRAIN, VAL)


SECTIONS = {
    "underscores": ("____TRAINING DATA____", "____TESTING DATA____", "BATCH {b} | Avg. Loss {x}"),
    "a count behind": (
        "start training from epoch: {e}",
        "start validating from epoch: {e}",
        "<epoch:{e}, iter:{b}, loss:{x}>",
    ),
    "equals signs": ("==== train set ====", "==== dev set ====", "batch {b}, loss {x}"),
}


@pytest.mark.parametrize("layout", SECTIONS)
def test_what_is_below_a_heading_of_a_split_is_of_that_split(layout: str) -> None:
    train, val, row = SECTIONS[layout]
    text = ""
    for e in range(6):
        for heading, losses in ((train, TRAIN), (val, VAL)):
            text += heading.format(e=e) + "\n"
            text += "".join(row.format(e=e, b=b + 1, x=losses[2 * e + b]) + "\n" for b in range(2))
    run = read_text(text)
    assert len(run.earlier) == 0
    assert set(values(run)) == set(TRAIN)
    assert {VAL[n] for n in range(1, 12, 2)} <= set(values(run, Role.VAL_LOSS)) <= set(VAL)  # of each the last, or both


DASHES = [
    "[{k}K] Tr stat | Loss - {t} | Norm - 4.9",
    "step {n}: Train Loss - {t}, Acc - 0.5",
    "{n} | loss - {t} | fw 4 %",
]


@pytest.mark.parametrize("layout", DASHES)
def test_a_dash_between_a_loss_and_its_number_is_a_sign(layout: str) -> None:
    rows = [layout.format(n=100 * n, k=n / 10, t=t) for n, t in enumerate(TRAIN, 1)]
    assert values(read_text("\n".join(rows) + "\n")) == TRAIN


@pytest.mark.parametrize(
    "layout", ["[{n}/1200]\t[L1: {t}]\t22.4s", "step {n} L2: {t}", "iter {n} | L1 = {t} | lr 1e-4"]
)
def test_a_norm_is_a_loss_where_no_other_is(layout: str) -> None:
    rows = [layout.format(n=100 * n, t=t) for n, t in enumerate(TRAIN, 1)]
    assert values(read_text("\n".join(rows) + "\n")) == TRAIN


def test_a_norm_beside_a_loss_is_no_headline() -> None:
    rows = [f"step {n} loss {t} L2: 0.01{n:02d}" for n, t in enumerate(TRAIN)]
    assert values(read_text("\n".join(rows) + "\n")) == TRAIN
    assert read_tag("L2").lossy < read_tag("loss").lossy


@pytest.mark.parametrize(
    "layout", ["{m}m 1s ({n} {p}%) loss = {t}", "0m {m}s ({n} {p}%) {t}", "({n} {p}%) train loss: {t}"]
)
def test_a_count_beside_its_share_is_the_step(layout: str) -> None:
    rows = [layout.format(m=n, n=100 * n, p=8 * n, t=t) for n, t in enumerate(TRAIN, 1)]
    run = read_text("\n".join([*rows, rows[-1]]) + "\n")
    curve = run.curve(Role.TRAIN_LOSS)
    assert curve is not None
    assert (curve.values.tolist(), curve.axis) == (TRAIN, Axis.STEP)
    assert curve.steps.tolist() == [100 * n for n in range(1, 13)]


@pytest.mark.parametrize(
    ("now", "mean"), [("cur_loss", "total_loss"), ("current loss", "avg loss"), ("curr_loss", "sum_loss")]
)
def test_the_current_loss_says_more_than_its_running_mean(now: str, mean: str) -> None:
    means = np.round(np.cumsum(TRAIN) / np.arange(1, 13), 4).tolist()
    rows = [
        f"Epoch = 1, step = {n}, {now} = {t}, {mean} = {m}"
        for n, (t, m) in enumerate(zip(TRAIN, means, strict=True), 1)
    ]
    assert values(read_text("\n".join(rows) + "\n")) == TRAIN


def test_what_a_model_gets_right_is_no_loss_though_it_is_logged_twice_at_its_first_step() -> None:
    rows = [f"Iteration {n}  loss = {t}  eval = {min(0.05 + 0.1 * n, 0.97):.2f}" for n, t in enumerate(TRAIN)]
    run = read_text("\n".join(["Iteration 0  loss = 3.1  eval = 0.08", *rows]) + "\n")
    assert run.curve(Role.VAL_LOSS) is None
