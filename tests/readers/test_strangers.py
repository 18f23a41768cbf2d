"""Logs as strangers print them: each layout is one row an epoch, and is read to the numbers that were put into it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from diagnose.errors import LogError
from diagnose.readers import read, read_source, runs
from diagnose.readers.roles import read_tag
from diagnose.readers.sources import Source
from diagnose.run import EndingKind, Role, Run
from tests.readers.events import scalar, write

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
    "a pair of names": "Epoch {e}: Loss (train/val): {t}/{v}",
    "a pair of names in front": "[INFO] epoch {e} train/val loss: {t} / {v}",
    "values of a method": "epoch={e} train_loss.item()={t} val_loss.item()={v}",
    "printed record": "{{'epoch': {e},\n 'train_loss': {t},\n 'val_loss': {v}}}",
    "record in any order": "epoch: {e} logs: {{'val_acc': 0.5, 'loss': {t}, 'acc': 0.4, 'val_loss': {v}}}",
    "mpirun": "[1,0]<stdout>:epoch {e} train_loss {t} val_loss {v}",
    "tabs that only align": "[2022/02/21 14:22:5{n}] - {e} \t 1.5 \t \t {t} \t \t {v}",
    "a score by the split alone": "Epoch: {e:03d}, Loss: {t}, val_loss: {v}, Train: 0.51, Val: 0.42, Test: 0.41",
    "bold cells": "| {e} | **{t}** | {v} |",
    "objectives of an architecture search": "12/10 01:00:05 PM epoch {e} lr 2.5e-02\n"
    "12/10 01:10:00 PM train_acc 71.5 | train_obj {t}\n12/10 01:12:00 PM valid_acc 60.2 | valid_obj {v}",
    "names of splits without a sign": "epoch {e}\ntrain_mae {t} ; valid_mae {v}",
    "splits in three letters": "ep {e} trn {t} | vld {v}",
    "losses in one letter": "epoch {e}  train_l {t}  test_l {v}",
    "two words in one": "epoch {e} trainloss {t} testloss {v}",
    "commas between names and numbers": "epoch {e}, user: 3/960, train loss, {t},val loss, {v}, mae, 0.61",
    "cross entropy without a sign": "epoch {e} | train ce {t} | valid ce {v}",
}
HEADS = {
    "bold cells": "| epoch | loss | val loss |\n|---|---|---|",
    "tabs that only align": "[2022/02/21 14:22:18] - Epoch \t Time \t Train Loss \t \t Test Loss",
}


def test_epoch_means_below_batch_losses_are_the_pair_although_the_batches_end_lower() -> None:
    batches = "\n".join(f"  [{10 * n:4d}/200] loss={{t}} (0.31 s/batch)" for n in range(20))
    run = text_run(filled(batches + "\n==> epoch {n:02d} finished in 62.4s, train={t}, valid={v}"))
    assert found(run, Role.VAL_LOSS) == (VAL, [n - 1 for n in EPOCHS])


def test_a_test_beside_a_train_that_is_a_loss_is_one_as_well() -> None:
    batches = "\n".join(f"batch {n + 1}/12 - loss {{t}}" for n in range(12))
    run = text_run(filled(batches + "\nEpoch {e}/24 - train: {t} - test: {v} - 31s"))
    assert found(run, Role.VAL_LOSS) == (VAL, EPOCHS)


def test_an_at_sign_counts_steps_of_training_and_of_evaluation() -> None:
    run = text_run(filled("EVAL @ {e}00 | trn {t} | vld {v}\nTRAIN @ {e}00 | loss {t} | tok/s 40,112"))
    assert found(run, Role.VAL_LOSS) == (VAL, [100 * e for e in EPOCHS])
    assert found(run, Role.TRAIN_LOSS) == (TRAIN, [100 * e for e in EPOCHS])


def test_an_evaluation_at_the_end_of_training_is_one_point() -> None:
    run = text_run(
        filled("iteration {e} / 24 | lm loss: {t}") + " validation loss at the end of training: 3.7710 | PPL: 43\n"
    )
    assert found(run, Role.VAL_LOSS) == ([3.771], [24])


def test_an_epoch_that_is_summed_up_below_its_steps_is_placed_at_its_end() -> None:
    rows = [
        line
        for e in range(6)
        for line in (
            *({"global_step": 20 * e + n, "train": {"loss": 3 - e / 3}} for n in range(20)),
            {"epoch": e, "eval": {"loss": 3.1}},
        )
    ]
    run = read_source(Source("x.jsonl", content="\n".join(map(json.dumps, rows)).encode()))
    train = run.curve(Role.TRAIN_LOSS)
    assert train is not None
    assert train.epochs is not None
    assert train.epochs[train.steps == 19] == 0
    assert train.epochs[train.steps == 20] == 1


def test_a_log_from_the_middle_says_where_it_begins() -> None:
    run = text_run("\n".join(f"epoch {150 + e} train_loss {t}" for e, t in zip(EPOCHS, TRAIN, strict=True)))
    assert "it begins at epoch 151: what came before is unknown" in run.notes


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
        *("loss_tr loss_vl", "fit_loss holdout_loss", "in_sample_loss out_of_sample_loss"),
    ],
)
def test_short_names_of_a_pair(tmp_path: Path, names: str) -> None:
    path = tmp_path / "history.csv"
    path.write_text(filled("{e},{t},{v}", "epoch," + names.replace(" ", ",")))
    assert found(read(path), Role.TRAIN_LOSS) == (TRAIN, EPOCHS)
    assert found(read(path), Role.VAL_LOSS) == (VAL, EPOCHS)


@pytest.mark.parametrize(
    "row",
    ["{e},{t},{v} (best)", "{e},**{t}**,{v}*", "{e},`{t}`,[{v}]", "{e},\"tensor({t}, device='cuda:0')\",tensor({v})"],
    ids=["remark", "bold", "code and list", "tensors"],
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


@pytest.mark.parametrize("row", ["({t}, {v}, {e})", "INFO:a:Train Epoch: {e} [0%]\nINFO:a:[{e}, {t}, {v}]"])
def test_rows_in_brackets_are_refused_with_the_option_that_reads_them(row: str) -> None:
    source = Source("x.log", content=filled(row).encode())
    with pytest.raises(LogError, match="rows of 3 numbers without a header: name them, as in --columns"):
        read_source(source)
    names = ("loss", "val_loss", "epoch") if row[1] == "{" else ("epoch", "loss", "val_loss")
    assert np.allclose(read_source(replace(source, columns=names)).curves["val_loss"].values, VAL)


SPREAD = {
    "csv": ("epoch,phase,loss,acc", "{e},train,{t},0.5\n{e},val,{v},0.5"),
    "tsv": ("split\tepoch\tloss", "train\t{e}\t{t}\nvalid\t{e}\t{v}"),
    "long csv": (
        "epoch,input_type,metric_name,layer,value",
        "{e},train,loss,,{t}\n{e},test,loss,,{v}\n{e},all,norm,a,1.5",
    ),
    "json lines": ("", '{{"mode": "train", "epoch": {e}, "loss": {t}}}\n{{"mode": "val", "epoch": {e}, "loss": {v}}}'),
    "nested": (
        "",
        '{{"phase": "train", "epoch": {e}, "m": {{"loss": {t}}}}}\n{{"phase": "eval", "epoch": {e}, "m/loss": {v}}}',
    ),
    "named values": (
        "",
        '{{"epoch": {e}, "name": "train_loss", "value": {t}}}\n{{"epoch": {e}, "name": "val_loss", "value": {v}}}',
    ),
}


@pytest.mark.parametrize("layout", SPREAD)
def test_a_cell_that_names_the_split_of_its_row_is_heard(tmp_path: Path, layout: str) -> None:
    head, row = SPREAD[layout]
    path = tmp_path / ("history.csv" if head else "history.jsonl")
    path.write_text(filled(row, head))
    assert found(read(path), Role.TRAIN_LOSS) == (TRAIN, EPOCHS)
    assert found(read(path), Role.VAL_LOSS) == (VAL, EPOCHS)


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("Epoch,Train,Train,Val,Val\n,Loss,Acc,Loss,Acc", "{e},{t},0.5,{v},0.5"),
        ("epoch,train_loss,val_loss", "Epoch {e},{t},{v}"),
        ("epoch,train_loss,val_loss", "{e}/24,{t},{v}"),
    ],
    ids=["names of two levels", "epoch in words", "epoch of how many"],
)
def test_a_table_of_another_make(tmp_path: Path, head: str, row: str) -> None:
    path = tmp_path / "history.csv"
    path.write_text(filled(row, head))
    assert found(read(path), Role.TRAIN_LOSS) == (TRAIN, EPOCHS)
    assert found(read(path), Role.VAL_LOSS) == (VAL, EPOCHS)


def test_records_by_their_epoch_are_read_in_order(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_text(
        json.dumps({str(e): {"loss": t, "val_loss": v} for e, t, v in zip(EPOCHS, TRAIN, VAL, strict=True)})
    )
    assert found(read(path), Role.TRAIN_LOSS) == (TRAIN, EPOCHS)
    assert found(read(path), Role.VAL_LOSS) == (VAL, EPOCHS)


@pytest.mark.parametrize("row", ["[{}/3] {}00), Loss: {}", "step {} ({}00) loss {}"])
def test_a_count_that_stands_still_over_many_lines_is_no_step(row: str) -> None:
    lines = [row.format(1 + n // 20, n % 20, round(3 - n / 100, 4)) for n in range(60)]
    run = text_run("\n".join(lines) + "\n")
    assert [len(curve) for curve in run.curves.values() if curve.role is Role.TRAIN_LOSS] == [60]


ENDS = {
    "RuntimeError: DataLoader worker (pid 123) is killed by signal: Killed.": EndingKind.KILLED,
    "ChildFailedError:\n exitcode  : -9 (pid: 3412)": EndingKind.KILLED,
    "command terminated with exit code 137": EndingKind.KILLED,
    "Process finished with exit code -1073740791": EndingKind.DIED,
    "thread 'main' panicked at src/main.rs:10": EndingKind.DIED,
    "ValueError: bad\nwandb: Run summary:\nwandb: train_loss 1.8\nwandb: Synced run": EndingKind.DIED,
    "训练完成": EndingKind.FINISHED,
    "Process finished with exit code 0": None,
}


@pytest.mark.parametrize("last", ENDS)
def test_how_a_process_says_that_it_is_over(last: str) -> None:
    run = text_run(filled("Epoch {e}: train_loss={t} val_loss={v}") + last + "\n")
    assert (run.ending and run.ending.kind) == ENDS[last]
    assert found(run, Role.TRAIN_LOSS) == (TRAIN, EPOCHS)


LAYOUTS = {
    "checkpoints below the run": ("runs/a", "checkpoint-120", "checkpoint-240"),
    "checkpoints beside the logs": ("logs", "results/checkpoint-120", "results/checkpoint-240"),
    "checkpoints beside the files": ("", "checkpoint-120", "checkpoint-240"),
    "an early checkpoint alone": ("logs/b", "out/checkpoint-120"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_checkpoints_of_a_run_are_no_second_run(tmp_path: Path, layout: str) -> None:
    events, *checkpoints = LAYOUTS[layout]
    (tmp_path / events).mkdir(parents=True, exist_ok=True)
    write(tmp_path / events, [scalar("train/loss", 10 * e, t) for e, t in zip(EPOCHS, TRAIN, strict=True)])
    for checkpoint in checkpoints:
        upto = int(checkpoint.rpartition("-")[2])
        history = [{"loss": t, "step": 10 * e} for e, t in zip(EPOCHS, TRAIN, strict=True) if 10 * e <= upto]
        (tmp_path / checkpoint).mkdir(parents=True)
        (tmp_path / checkpoint / "trainer_state.json").write_text(json.dumps({"log_history": history}))
    (run,) = runs(tmp_path)
    curve = run.curve(Role.TRAIN_LOSS)
    assert curve is not None
    assert curve.steps.tolist() == [10 * e for e in EPOCHS]


SENTENCES = {
    "prose": "Epoch {e} has train loss of {t} and validation loss of {v}.",
    "a logger's sentence": "[I 2024-01-01 10:00:01,123] Epoch {e} finished with train loss: {t} and val loss: {v}.",
    "a count of its own": "({e}/24) train loss {t} valid loss {v}",
    "parts without the word": "epoch {e} train total {t} mel 1.5 | val total {v} mel 1.4",
    "parts in brackets": "epoch {e} | total {t} (mel 1.5 dur 0.2) | val total {v} (mel 1.4 dur 0.2)",
    "parts by signs": "[{e}] mel: {t} kl: 1.2 dur: 0.9 val_mel: {v}",
    "a time in a table": "| {e} | **{t}** | {v} | 3m12s |",
    "Kaldi's first nets": "ITERATION {e:02d}: TRAIN AVG.LOSS {t}, (lrate0.008), CROSSVAL AVG.LOSS {v}, nnet accepted",
    "a hash": "#{e} train loss {t} valid loss {v}",
    "dots before the count": "Step... ({e} / 1000 | Loss: {t}, Learning Rate: 1e-05)\nstep {e} eval loss: {v}",
    "scores before the loss": "[Epoch {e}] train=0.71 val=0.70 loss={t} val_loss={v}",
    "results at a step": "train results@{e}: {{'total_loss': {t}}}\nvalidation results@{e}: {{'total_loss': {v}}}",
    "header behind a hash": "{e} {t} {v}",
    "cross entropy beside its exponential": "[step={e}/99]\n train/CrossEntropyLoss={t}\n train/Perplexity=9.5",
}


SENTENCE_HEADS = {
    "header behind a hash": "# epoch train valid",
    "a time in a table": "| Epoch | Loss | Val Loss | Time |\n|---|---|---|---|",
}


@pytest.mark.parametrize("layout", SENTENCES)
def test_numbers_in_words(layout: str) -> None:
    run = text_run(filled(SENTENCES[layout], SENTENCE_HEADS.get(layout, "")))
    assert found(run, Role.TRAIN_LOSS) == (TRAIN, EPOCHS)
    val = run.curve(Role.VAL_LOSS)
    assert layout.startswith("cross") or (val is not None and val.values.tolist() == VAL)


ONLY_EVALUATED = {
    "results below their heading": "*** Evaluation ***\n  Examples = 9\n***** Eval results **\n acc: 0.7 - loss: {v}",
    "one name": "Test set: Average loss: {v}, Accuracy: 90/100",
    "records": '{{"eval_loss": {v}, "eval_runtime": 1.5}}',
    "a last word on the epochs": "num_epochs = 30\nvalid loss: {v}",
}


@pytest.mark.parametrize("layout", ONLY_EVALUATED)
def test_a_log_of_evaluations_alone_keeps_each_of_them(layout: str) -> None:
    run = text_run(filled(ONLY_EVALUATED[layout]))
    assert run.curve(Role.TRAIN_LOSS) is None
    val = run.curve(Role.VAL_LOSS)
    assert val is not None
    assert val.values.tolist() == VAL


def test_the_layers_of_a_printed_model_count_nothing() -> None:
    model = "\n".join(f"  ({n}): Conv2d(3, 64, kernel_size=3, padding={n})" for n in range(9))
    rows = "\n".join(f"Epoch: [{n // 8}][{n % 8 * 50}/400]\tLoss {3 - n / 100:.4f} (3.0000)" for n in range(80))
    curve = text_run(f"{model}\n{rows}\n").curve(Role.TRAIN_LOSS)
    assert curve is not None
    assert curve.steps.tolist() == [50 * n for n in range(80)]


def test_an_evaluation_that_is_written_again_at_its_step_counts_once() -> None:
    rows = [
        "Validation Step 1000, Total Loss: 3.5",
        *(f"Validation Step {1000 * e}, Total Loss: {4 / e}" for e in EPOCHS),
    ]
    curve = text_run("\n".join(rows) + "\n").curve(Role.VAL_LOSS)
    assert curve is not None
    assert curve.steps.tolist() == [1000 * e for e in EPOCHS]


@pytest.mark.parametrize(
    "place",
    [
        "epoch: 1, {i}/{n} 0.5%, 0.3s per iter, lr: 0.0001",
        "Epoch 1, {i}/{n} loss_scale: 512",
        "epoch=1 ({i}/{n}), lr=3e-4",
    ],
)
def test_launches_within_one_epoch_are_told_apart_by_the_place_in_it(place: str) -> None:
    launch = "".join(
        place.format(i=1 + 10 * n, n=188) + f"\n    recon loss: {9 * 0.9**n:.4f}  ppl:{9000 * 0.8**n:.2f}\n\n"
        for n in range(14)
    )
    run = text_run(3 * launch)
    curve = run.curve(Role.TRAIN_LOSS)
    assert curve is not None
    assert len(curve) == 14
    assert curve.values[0] == 9.0
    assert any(note.startswith("3 launches") for note in run.notes)


@pytest.mark.parametrize(
    ("batch", "epoch"),
    [
        ("  [epoch:{e} iter:{i}] data:{t} phys:0.05", "[Train] epoch:{e}, lr:0.001, data:{t}, phys:0.05, total:{t}"),
        ("Epoch {e} step {i}: mel {t} kl 0.03", "=> epoch {e}: loss {t}"),
        ("epoch {e} | iteration {i} | kl {t} | pitch 0.2", "epoch {e} | train loss {t} | time 12s"),
    ],
)
def test_a_first_launch_without_batch_lines_is_told_from_the_second(batch: str, epoch: str) -> None:
    rows = [(e, t) for e, t in zip(EPOCHS[:14], TRAIN, strict=False)]
    first = "".join(epoch.format(e=e, t=t) + "\n" for e, t in rows)
    second = "".join(
        "".join(batch.format(e=e, i=50 * n, t=t + 0.1) + "\n" for n in (1, 2, 3)) + epoch.format(e=e, t=t) + "\n"
        for e, t in rows
    )
    run = text_run(first + second)
    assert any(note.startswith("2 launches") for note in run.notes)
    curve = run.curve(Role.TRAIN_LOSS)
    assert curve is not None
    assert (np.diff(curve.steps) > 0).all()


@pytest.mark.parametrize("hole", [1, 4_000, 70_000, 3_000_000])
def test_a_log_that_was_emptied_while_it_was_written_begins_with_a_hole(tmp_path: Path, hole: int) -> None:
    (tmp_path / "training.log").write_bytes(b"\0" * hole + filled("step {e} | loss {t} | lr 3e-4").encode())
    assert found(read(tmp_path), Role.TRAIN_LOSS) == (TRAIN, EPOCHS)


@pytest.mark.parametrize("bar", ["{n}it [00:01,  2.70it/s]{t}", " {e}%|#   | {n}/99 [00:01<00:30, 3.11s/it]{t}"])
def test_a_number_that_is_printed_behind_a_bar_is_the_loss(bar: str) -> None:
    curve = text_run(filled(bar)).curve(Role.TRAIN_LOSS)
    assert curve is not None
    assert curve.values.tolist() == TRAIN


@pytest.mark.parametrize(
    "closing",
    ["global_step = 2940, average loss = 4.47", "Finished at step 900: mean loss 0.91", "epoch 9 avg loss: 1.1"],
)
def test_a_closing_line_with_a_mean_loss_hides_no_evaluations(closing: str) -> None:
    evaluation = "***** Eval results  *****\n acc: 0.68 - loss: {v} \nSaving checkpoint-{e}"
    run = text_run(filled(evaluation) + closing + "\n")
    assert [curve.role for curve in run.curves.values() if read_tag(curve.tag).lossy] == [Role.VAL_LOSS]
    val = run.curve(Role.VAL_LOSS)
    assert val is not None
    assert val.values.tolist() == VAL


@pytest.mark.parametrize("row", ["epoch{e}\t{t}", "Epoch {e}\t{t}", "epoch_{e}\t{t}"])
def test_an_epoch_and_a_number_are_its_loss(row: str) -> None:
    assert found(text_run(filled(row)), Role.TRAIN_LOSS) == (TRAIN, EPOCHS)


@pytest.mark.parametrize("row", ["{n},{t},120333.5,0.000{e:02d}", "{n},{t},{v},", "{e};{t}"])
def test_rows_without_names_in_a_file_that_is_called_a_loss(tmp_path: Path, row: str) -> None:
    path = tmp_path / "loss_history.txt"
    path.write_text(filled(row))
    (loss,) = [curve for tag, curve in read(path).curves.items() if tag.startswith("loss")]
    assert loss.values.tolist() == TRAIN


def test_of_many_columns_without_names_none_is_taken_for_the_loss(tmp_path: Path) -> None:
    path = tmp_path / "losses.txt"
    path.write_text(filled("{e},80,0.5,0.6,{t},{v},\n{e},160,0.5,0.6,{t},{v},"))
    assert read(path).curve(Role.TRAIN_LOSS) is None


def test_a_column_of_numbers_is_called_as_its_file_where_that_says_whose_loss_it_is(tmp_path: Path) -> None:
    for name in ("D_loss.txt", "G_loss.txt"):
        (tmp_path / name).write_text(filled("{t}"))
    adversary = read(tmp_path / "D_loss.txt").curves["D_loss"]
    assert adversary.adversarial
    assert adversary.role is not Role.TRAIN_LOSS


@pytest.mark.parametrize("tag", ["run-conv2d - train/loss", "unet3D_loss", "resnet_2d/loss"])
def test_a_number_of_dimensions_is_no_discriminator(tag: str) -> None:
    assert not read_tag(tag).adversarial


def test_yolov5_on_the_console_beside_a_line_of_its_weights() -> None:
    head = "hyperparameters: lr0=0.01, box=0.05, cls=0.5, obj=1.0\n"
    rows = [
        "     Epoch   gpu_mem       box       obj       cls    labels  img_size\n"
        f"      {n}/23        0G   0.05812   0.02423   {t:.4g}        54       640: 100%|#| 4/4 [1:13<00:00, 9s/it]\n"
        for n, t in enumerate(TRAIN)
    ]
    assert found(text_run(head + "".join(rows)), Role.TRAIN_LOSS) == (
        [float(f"{t:.4g}") for t in TRAIN],
        list(range(24)),
    )
