"""Logs as strangers print them: each layout is one row an epoch, and is read to the numbers that were put into it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from diagnose.errors import LogError
from diagnose.readers import read, read_source
from diagnose.readers.sources import Source
from diagnose.run import Role, Run

COUNT = 24
EPOCHS = list(range(1, COUNT + 1))
TRAIN = [round(3.2 * 0.93**n + 0.4, 4) for n in EPOCHS]
VAL = [round(3.3 * 0.94**n + 0.55, 4) for n in EPOCHS]


def filled(row: str, head: str = "") -> str:
    rows = [
        row.format(e=e, n=e - 1, t=t, v=v, tc=str(t).replace(".", ","), vc=str(v).replace(".", ","), neg=-t)
        for e, t, v in zip(EPOCHS, TRAIN, VAL, strict=True)
    ]
    return "\n".join([*([head] if head else []), *rows]) + "\n"


def text_run(text: str) -> Run:
    return read_source(Source("x.log", content=text.encode()))


def found(run: Run, role: Role) -> tuple[list[float], list[int]] | None:
    curve = run.curve(role)
    return None if curve is None else (curve.values.tolist(), curve.steps.tolist())


LINES = {
    "German, decimal commas": "Epoche {e}/24 - Trainingsverlust: {tc} - Validierungsverlust: {vc}",
    "Turkish": "Epok {e}/24 - E\u011fitim kayb\u0131: {t} - Do\u011frulama kayb\u0131: {v}",
    "Polish": "Epoka {e}: strata treningowa = {t}, strata walidacyjna = {v}",
    "Italian": "Epoca {e}: perdita addestramento = {t}, perdita validazione = {v}",
    "arrows": "epoch={e:03d} | train \u2192 {t} | val \u2192 {v}",
    "processes in front": "0: Epoch {e} train_loss={t} val_loss={v}\n1: Epoch {e} train_loss={t} val_loss={v}",
    "an evaluation below its heading": "Epoch {e}\n-----\nloss: {t} [ 64/60]\nTest Error: \nAcc: 4%, Avg loss: {v}",
    "loguru": "2025-03-04 10:00:12.345 | INFO | eng:fit:118 - Epoch [{e}/24] | train loss: {t} | valid loss: {v}",
    "absl, epochs in words": "I0304 10:00:00.1 140 train.py:155] epoch: {e}, train loss: {t}, eval loss: {v}",
    "bold cells": "| {e} | **{t}** | {v} |",
}
HEADS = {"bold cells": "| epoch | loss | val loss |\n|---|---|---|"}


@pytest.mark.parametrize("layout", LINES)
def test_one_row_an_epoch(layout: str) -> None:
    run = text_run(filled(LINES[layout], HEADS.get(layout, "")))
    assert found(run, Role.TRAIN_LOSS) == (TRAIN, EPOCHS)
    assert found(run, Role.VAL_LOSS) == (VAL, EPOCHS)


@pytest.mark.parametrize(
    "names",
    [
        *("tr_loss te_loss", "TrLoss TeLoss", "loss_tr loss_ts", "loss_trn loss_vld", "l_train l_test"),
        *("train_l valid_l", "Loss(train) Loss(held-out)"),
    ],
)
def test_short_names_of_a_pair(tmp_path: Path, names: str) -> None:
    path = tmp_path / "history.csv"
    path.write_text(filled("{e},{t},{v}", "epoch," + names.replace(" ", ",")))
    assert found(read(path), Role.TRAIN_LOSS) == (TRAIN, EPOCHS)
    assert found(read(path), Role.VAL_LOSS) == (VAL, EPOCHS)


@pytest.mark.parametrize(
    "row",
    ["{e},**{t}**,{v}*", "{e},`{t}`,[{v}]", "{e},\"tensor({t}, device='cuda:0')\",tensor({v})"],
    ids=["bold", "code and list", "tensors"],
)
def test_marks_around_a_number_in_a_cell(tmp_path: Path, row: str) -> None:
    path = tmp_path / "history.csv"
    path.write_text(filled(row, "epoch,loss,val_loss"))
    assert found(read(path), Role.TRAIN_LOSS) == (TRAIN, EPOCHS)
    assert found(read(path), Role.VAL_LOSS) == (VAL, EPOCHS)


def test_a_printed_data_frame_has_a_column_without_a_title() -> None:
    run = text_run(filled("{n:<3} {e:>5}  {t:>10}  {v:>8}", "    epoch  train_loss  val_loss"))
    assert found(run, Role.TRAIN_LOSS) == (TRAIN, EPOCHS)
    assert found(run, Role.VAL_LOSS) == (VAL, EPOCHS)


def test_a_blank_cell_of_a_padded_table_is_found_by_where_the_others_begin() -> None:
    """Chainer's PrintReport, ESPnet 1: evaluations are on every second row."""
    rows = [f"{'epoch':<12}{'main/loss':<14}{'validation/main/loss':<23}elapsed_time"]
    rows += [
        f"{e:<12}{t:<14}{v if e % 2 == 0 else '':<23}{7.5 * e}" for e, t, v in zip(EPOCHS, TRAIN, VAL, strict=True)
    ]
    run = text_run("\n".join(rows) + "\n")
    assert found(run, Role.TRAIN_LOSS) == (TRAIN, EPOCHS)
    assert found(run, Role.VAL_LOSS) == (VAL[1::2], EPOCHS[1::2])


def test_a_list_of_losses_with_one_an_item_is_read_whole() -> None:
    row = "(epoch: 1, iters: {e}00, time: 0.291) D: 0.111, 0.105 | G: 0.146, 0.150 | Cyc: {t}, {v} | "
    run = text_run(filled(row))
    assert run.curves["cycle/1"].values.tolist() == TRAIN
    assert run.curves["cycle/2"].values.tolist() == VAL
    assert run.curve(Role.TRAIN_LOSS) is run.curves["cycle/1"]


def test_a_fork_of_vits_with_more_losses_has_its_mel_loss_where_vits_has_it() -> None:
    row = "x\tINFO\t[2.5, 2.3, 5.1, {t}, 1.2, 1.5, 0.8, 0.4, {e}00, 0.0002]"
    run = text_run("x\tINFO\tTrain Epoch: 1 [0%]\n" + filled(row))
    assert found(run, Role.TRAIN_LOSS) == (TRAIN, [100 * e for e in EPOCHS])


def test_rows_in_brackets_are_refused_with_the_option_that_reads_them() -> None:
    source = Source("x.log", content=filled("({e}, {t}, {v})").encode())
    with pytest.raises(LogError, match="rows of 3 numbers without a header: name them, as in --columns"):
        read_source(source)
    run = read_source(
        Source("x.log", content=filled("({e}, {t}, {v})").encode(), columns=("epoch", "loss", "val_loss"))
    )
    assert np.allclose(run.curves["val_loss"].values, VAL)
