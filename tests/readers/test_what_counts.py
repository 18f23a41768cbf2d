"""What counts in a log: counters without a name, values that share a count, launches, losses that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from diagnose.errors import LogError
from diagnose.readers import read, read_source
from diagnose.readers.roles import read_tag
from diagnose.readers.sources import Source
from diagnose.readers.text.guess import meaning_of
from diagnose.readers.text.lines import LineColumns
from diagnose.readers.text.table_rows import HEADER
from diagnose.run import Axis, Curve, Role, Run

COUNT = 12
LOSS = np.round(2.4 * 0.8 ** np.arange(COUNT) + 0.2, 4).tolist()
VAL = [round(value + 0.31, 4) for value in LOSS]


def read_text(text: str, name: str = "x.log") -> Run:
    return read_source(Source(name, content=text.encode()))


def lines(row: str, count: int = COUNT, **more: object) -> str:
    return "".join(row.format(n=n, e=n + 1, t=LOSS[n], v=VAL[n], **more) + "\n" for n in range(count))


def curve_of(run: Run, role: Role = Role.TRAIN_LOSS) -> Curve:
    curve = run.curve(role)
    assert curve is not None
    return curve


@pytest.mark.parametrize(
    "row", ["{n} Image loss: {t} Fake loss: 1.5", "{n} loss={t} speed=12", "  {n} train loss {t} (best 0.1)"]
)
def test_a_number_in_front_that_counts_on_is_the_step_and_begins_a_launch_where_it_begins_anew(row: str) -> None:
    run = read_text(lines(row) + lines(row, 10))
    assert curve_of(run).steps.tolist() == list(range(10))
    assert "2 launches" in " ".join(run.notes)


@pytest.mark.parametrize(
    "row", ["user: {e}/40, total loss: {t}", "done file: {e}/40 (3 a second), loss = {t}", "clip: {e}/40 | loss {t}"]
)
def test_a_place_in_a_total_counts_whatever_it_is_called_and_a_pass_broken_off_is_a_launch(row: str) -> None:
    run = read_text(lines(row) + lines(row))
    assert curve_of(run).steps.tolist() == list(range(1, COUNT + 1))


def test_a_share_that_rises_in_other_steps_counts_nothing() -> None:
    rights = [3, 7, 4, 9, 13, 8, 20, 17, 30, 22, 31, 35]
    run = read_text("".join(f"Accuracy: {right}/40, loss: {loss}\n" for right, loss in zip(rights, LOSS, strict=True)))
    assert curve_of(run).values.tolist() == LOSS
    assert not curve_of(run).counted


@pytest.mark.parametrize("row", ["{0},{1}", "{0},{1},0.5", "{0},{1},"])
def test_rows_of_one_step_are_averaged_and_the_report_says_so(tmp_path: Path, row: str) -> None:
    file = tmp_path / "losses.csv"
    rows = [row.format(n, loss + part) for n, loss in enumerate(LOSS) for part in (-0.5, 0.0, 0.5)]
    file.write_text("\n".join(["step,loss" + ",x" * row.count("5") + "," * row.endswith(","), *rows]) + "\n")
    run = read(file)
    assert np.allclose(curve_of(run).values, LOSS)
    assert "3 values a step" in " ".join(run.notes)


@pytest.mark.parametrize(
    "row",
    [
        "Training loss: {t}, validation loss: {v}, best val loss: {v}",
        "loss={t} val_loss={v} best_loss={v}",
        "train cost {t} | dev cost {v} | best dev cost {v}",
    ],
)
def test_a_best_loss_that_is_worse_again_begins_a_launch_where_nothing_is_counted(row: str) -> None:
    run = read_text(lines(row) + "-----\n" + lines(row, 10))
    assert curve_of(run).values.tolist() == LOSS[:10]
    assert "12 points" in " ".join(run.notes)


def test_a_fit_of_one_epoch_that_is_called_again_counts_by_its_calls() -> None:
    bar = "512/512 [==============================] - 0s - loss: {t}"
    for row in (f"epoch: {{n}}\nEpoch 1/1\n{bar}\nEER: 20.4", f"Epoch 1/1\n{bar}", f"round {{n}}\nEpoch 1/1\n{bar}\n"):
        assert curve_of(read_text(lines(row))).values.tolist() == LOSS


@pytest.mark.parametrize("second", ["Mixup:\tloss:{v}", "  aux branch -> loss: {v}", "[ema] loss: {v}"])
def test_a_loss_on_a_line_below_that_of_the_epoch_is_another_one(second: str) -> None:
    run = read_text(lines(f"epoch:{{n}}/30\tloss:{{t}}\tseconds:3\n{second}"))
    assert curve_of(run).values.tolist() == LOSS


def test_a_phase_without_epochs_goes_on_with_the_loss() -> None:
    run = read_text(lines("Epoch {e} | loss: {t}") + "\n".join(f"L-BFGS {n} | loss: 0.{30 - n}" for n in range(20)))
    assert len(curve_of(run)) == COUNT + 20


@pytest.mark.parametrize("part", ["cos_loss 0.3", "loss_reg: 0.2", "rec loss 0.7"])
def test_the_parts_of_a_loss_that_an_evaluation_prints_do_not_divide_it(part: str) -> None:
    rows = []
    for n in range(COUNT):
        rows += [f"Epoch: [{n}][{i}/9] Loss {LOSS[n] + i}\n{part}" for i in (0, 4, 8)]
        rows += [f"Test: [{i}/5] Loss {9 - i} ({VAL[n] if i == 4 else 9})\n{part}" for i in (0, 2, 4)]
    assert curve_of(read_text("\n".join(rows) + "\n"), Role.VAL_LOSS).values.tolist() == VAL


def test_progress_within_an_evaluation_is_not_its_result() -> None:
    rows = (
        "| epoch {e:03d}  1000 / 8223 loss={t} (3.20), bsz=32\n"
        "| epoch {e:03d} | valid on 'valid' subset 9 / 13 loss=7\n"
        "| epoch {e:03d} | valid on 'valid' subset | valid loss {v} | valid ppl 12.9"
    )
    run = read_text(lines(rows))
    assert curve_of(run).values.tolist() == LOSS
    assert curve_of(run, Role.VAL_LOSS).values.tolist() == VAL


def test_several_development_sets_are_several_losses() -> None:
    row = (
        "Epoch {n} |   Training | Elapsed Time: 0:01:05 | Steps: 30 | Loss: {t}\n"
        "Epoch {n} | Validation | Elapsed Time: 0:00:05 | Steps: 30 | Loss: {v} | Dataset: /data/dev1.csv\n"
        "Epoch {n} | Validation | Elapsed Time: 0:00:05 | Steps: 30 | Loss: 9{v} | Dataset: /data/dev2.csv"
    )
    run = read_text(lines(row))
    assert curve_of(run, Role.VAL_LOSS).values.tolist() == VAL
    assert len(run.curves["val_loss (dev2.csv)"]) == COUNT


def test_seconds_glued_to_their_number_are_those_of_a_step_and_of_the_loader() -> None:
    for row in ("batch 2.8s data 2.5s", "Batch: 0.31 s, Data: 0.25 s", "step time 310.5ms | load 250.1ms"):
        run = read_text(lines(f"Epoch {{e}} loss {{t}} {row}"))
        step, loader = curve_of(run, Role.STEP_TIME), curve_of(run, Role.LOADER_TIME)
        assert 0 < loader.values[-1] < step.values[-1]


def test_records_that_follow_each_other_on_one_line_are_records() -> None:
    row = "[2021/06/30 12:2{n}:47] root INFO: epoch: [1/500], iter: {e}0, loss: {t}, ips: 46.57"
    run = read_text(lines(row, 9).replace("\n", " ") + "\n")
    assert curve_of(run).values.tolist() == LOSS[:9]


@pytest.mark.parametrize("head", ["[batch=366/48000]:", "Step 366:", "Epoch 3/9"])
def test_a_block_below_its_counter_is_read_though_it_comes_but_once(head: str) -> None:
    run = read_text(f"{head}\n  Train time/token: 382730240\n  Train loss/total: 10.375\n  Train metrics/wer: 0.5\n")
    assert curve_of(run).values.tolist() == [10.375]


def test_the_result_of_a_metric_is_no_evaluation() -> None:
    run = read_text(lines("2020 : INFO : Epoch[{n}] Evaluation metric 'epoch_loss'={t}"))
    assert curve_of(run).values.tolist() == LOSS


def test_a_header_that_names_no_loss_is_believed(tmp_path: Path) -> None:
    for name, row in (("a.csv", "{e},0.{n}5,0.5"), ("b.tsv", "{e}\t0.{n}5\t0.5")):
        (tmp_path / name).write_text(row.format(e="epoch", n="").replace("0.5", "reward") + "\n" + lines(row, 9))
        run = read(tmp_path / name)
        assert run.curve(Role.TRAIN_LOSS) is None
        assert "reward" in run.curves


@pytest.mark.parametrize("row", ["{e} -{t} 3", "00{e}7{n} {t}", "{t} 0.5 0.7"])
def test_rows_that_numpy_writes_are_a_table_of_which_only_a_likely_column_is_the_loss(tmp_path: Path, row: str) -> None:
    (tmp_path / "loss.txt").write_text(lines(row))
    run = read(tmp_path)
    loss = run.curve(Role.TRAIN_LOSS)
    assert "-" in row if loss is None else loss.values.tolist() == LOSS
    assert ("--columns" in " ".join(run.notes)) is any("column" in tag for tag in run.curves)


def test_a_document_below_some_words_is_read() -> None:
    rows = "".join(f'    {{\n      "loss": {loss},\n      "step": {n}00\n    }},\n' for n, loss in enumerate(LOSS, 1))
    run = read_text(f'But this arises, here it is:\n "epoch": 3,\n  "log_history": [\n{rows}')
    assert list(zip(curve_of(run).steps, curve_of(run).values, strict=True)) == [
        (100 * n, loss) for n, loss in enumerate(LOSS, 1)
    ]


def test_epochs_behind_their_word_and_a_place_in_them_are_no_other_count() -> None:
    run = read_text(lines("epoch: {e}/40, train_loss: {t}, test_loss: {v}"))
    assert curve_of(run).axis is Axis.EPOCH


def test_a_line_of_names_and_numbers_between_bars_is_no_header_and_its_thousands_are_read() -> None:
    row = "step 0{n}/16704 (0.03%) | loss: {t} | dt: 629.00ms | tok/sec: 83{n},525 | epoch: 1"
    log = LineColumns(meaning_of)
    log.feed(lines(row, 9).encode())
    found = log.columns()
    assert not [name for name in found if name.startswith(HEADER)]
    assert found["tok/sec"].values.tolist() == [830525.0 + 1000 * n for n in range(9)]
    assert found["loss"].values.tolist() == LOSS[:9]


@pytest.mark.parametrize(
    "row",
    [
        "{e:05d}: val_loss improved from {was} to {v}, saving model",
        "val loss: {was} -> {v}",
        "{e} improving val_ppl: {was} --> {v}.",
    ],
)
def test_of_what_was_and_what_is_the_second_is_the_value(row: str) -> None:
    before = ["inf", *VAL]
    text = "".join(f"Epoch {row.format(e=n, was=before[n], v=VAL[n])}\n" for n in range(COUNT))
    assert curve_of(read_text(text), Role.VAL_LOSS).values.tolist() == VAL


def test_a_best_value_that_was_reported_again_is_no_second_validation() -> None:
    run = read_text(lines("Step {e}0 ppl: {t}; lr: 0.1\nModel is improving ppl: inf --> {v}"))
    assert [tag for tag, curve in run.curves.items() if curve.role in {Role.VAL_LOSS, Role.VAL_COMPONENT}] == []
    assert all(np.isfinite(curve.values).all() for curve in run.curves.values())


def test_the_batches_of_one_evaluation_under_a_tag_of_their_own_are_no_validation_loss() -> None:
    assert read_tag("valid_loss_step/epoch_12").no_loss
    assert not read_tag("valid_loss_epoch").no_loss


def test_tokens_in_a_list_are_no_loss() -> None:
    with pytest.raises(LogError):
        read_text(f"[{[3, 17, 4, 250, 9, 4, 6] * 9}]", "stories.json")
    assert curve_of(read_text(f"{LOSS}", "history.json")).values.tolist() == LOSS


@pytest.mark.parametrize("row", ["{n},{t},2.5", "{n};{t};2.5", "{n}\t{t}\t2.5"])
def test_episodes_count_in_a_table(tmp_path: Path, row: str) -> None:
    (tmp_path / "log.csv").write_text(row.format(n="Episode", t="Loss").replace("2.5", "Return") + "\n" + lines(row))
    loss = curve_of(read(tmp_path / "log.csv"))
    assert loss.counted
    assert loss.steps.tolist() == list(range(COUNT))


def test_a_number_of_updates_between_bars_is_no_loss() -> None:
    run = read_text(
        lines("| epoch {e:03d} | 00{e}063 updates | path a.th7\n| epoch {e:03d} | trainloss     {t} | ppl 8")
    )
    assert curve_of(run).values.tolist() == LOSS


@pytest.mark.parametrize("name", ["Validate Loss", "validating_loss", "Evaluate loss", "devset loss", "testset_loss"])
def test_a_held_out_loss_is_known_by_any_form_of_the_word(name: str) -> None:
    run = read_text(lines(f"Train Loss: {{t}} {name} {{v}}"))
    assert curve_of(run, Role.VAL_LOSS).values.tolist() == VAL


def test_lines_of_mozilla_tts_before_it_had_blocks_are_read_by_their_names() -> None:
    block = (
        " | > Step:2{e}/78  GlobalStep:336{e:02d}  TotalLoss:{t}  LinearLoss:0.04  GradNorm:0.2  LR:0.000100\n"
        " > Validation\n | > TotalLoss: {v}   LinearLoss: 0.04  StopLoss: 0.02"
    )
    run = read_text(lines(block))
    assert curve_of(run).values.tolist() == LOSS
    assert curve_of(run, Role.VAL_LOSS).values.tolist() == VAL


@pytest.mark.parametrize(
    ("row", "steps"),
    [
        ("Trained {e}0 / 500 batches, loss {t}", range(10, 10 * COUNT + 1, 10)),
        ("[INFO] {e} / 24: Loss: {t} patience 0/3", range(1, COUNT + 1)),
        ("Epoch num {e} - loss: {t}", range(1, COUNT + 1)),
        ("Iter Num. {e}0, Total loss = {t}", range(10, 10 * COUNT + 1, 10)),
        ("{e} | {t} | {v} | 1e-3 | took 12.3s (3 min left)", range(1, COUNT + 1)),
        ("step {e}0 loss = current {t} / mean 2.5", range(10, 10 * COUNT + 1, 10)),
        ("epoch {e} train loss: avg {t}, last 2.5 val loss: avg {v}", range(1, COUNT + 1)),
    ],
)
def test_a_count_without_a_name_of_its_own_is_no_loss(row: str, steps: range) -> None:
    head = "epoch | train loss | val loss | lr\n" if "|" in row else ""
    loss = curve_of(read_text(head + lines(row)))
    assert (loss.values.tolist(), loss.steps.tolist()) == (LOSS, list(steps))


@pytest.mark.parametrize(
    "row", ["[{epoch}/3] step [{batch}/100] | loss={t}", "12:01 [{epoch}/3] - Batch: {batch}/100 - Loss: {t}"]
)
def test_an_epoch_in_brackets_before_the_batches_makes_steps_of_the_run(row: str) -> None:
    text = "".join(row.format(epoch=n // 4 + 1, batch=25 * (n % 4 + 1), t=t) + "\n" for n, t in enumerate(LOSS))
    assert curve_of(read_text(text)).steps.tolist() == list(range(25, 301, 25))


@pytest.mark.parametrize("name", ["[TRAIN] {e}/24,", "Train {e}/24", "Train: {e}/143 (0:00:12) |"])
def test_the_place_in_a_set_is_no_loss_of_that_set(name: str) -> None:
    run = read_text(lines(f"{name} loss: {{t}}"))
    assert curve_of(run).values.tolist() == LOSS
    assert [curve.tag for curve in run.curves.values() if curve.role is Role.TRAIN_COMPONENT] == []
