"""Kinds of logs under names, numbers and layouts of other trainers: what looks back, what is named, who counts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from diagnose.errors import LogError
from diagnose.readers import read, read_source
from diagnose.readers.sources import Source
from diagnose.run import Axis, Curve, Role, Run

COUNT = 30
TRAIN = np.round(3.1 * 0.9 ** np.arange(COUNT) + 0.2, 4).tolist()
VAL = [round(value + 0.4, 4) for value in TRAIN]


def read_text(text: str) -> Run:
    return read_source(Source("x.log", content=text.encode()))


def lines(row: str, count: int = COUNT) -> str:
    return "".join(row.format(n=n, e=n + 1, t=TRAIN[n], v=VAL[n]) + "\n" for n in range(count))


def losses(run: Run, role: Role = Role.TRAIN_LOSS) -> list[float]:
    return [*map(float, curve_of(run, role).values)]


def curve_of(run: Run, role: Role = Role.TRAIN_LOSS) -> Curve:
    curve = run.curve(role)
    assert curve is not None
    return curve


@pytest.mark.parametrize(
    "closing",
    [
        "Reverting to the weights of epoch 012 (val_loss 1.3)",
        "Chosen: epoch 9, val_loss=1.31",
        "=> epoch 17 is evaluated: val_loss: 0.9\ntest_loss: 1.2",
    ],
)
def test_a_last_line_that_counts_back_alone_looks_back_in_whatever_words(closing: str) -> None:
    run = read_text(lines("epoch {e:03d} train_loss {t} val_loss {v}") + closing + "\n")
    assert (losses(run), losses(run, Role.VAL_LOSS)) == (TRAIN, VAL)
    assert not any("resumed" in note or "launches" in note for note in run.notes)


def test_such_a_line_between_two_trainings_belongs_to_neither() -> None:
    training = lines("epoch {e} train_loss {t} val_loss {v}")
    run = read_text((training + "Chosen: epoch 9, val_loss=1.31\n") * 3)
    assert (losses(run), losses(run, Role.VAL_LOSS)) == (TRAIN, VAL)
    assert any(note.startswith("3 launches") for note in run.notes)


def test_the_score_of_a_fold_is_no_loss_of_its_training() -> None:
    fold = (
        lines("Epoch {e}/3\n12/12 - 4s - loss: {t} - val_loss: {v}", 3) + "Score for fold 1: loss of 1.7; acc of 50%\n"
    )
    run = read_text("".join(f"K-Fold {number} / 4\n{fold}" for number in range(1, 5)))
    assert losses(run) == TRAIN[:3]


@pytest.mark.parametrize(
    "prefix",
    [
        "step {n} tensor({t}, device='cuda:1')",
        "{n} Array({t}, dtype=float32)",
        "tf.Tensor({t}, shape=(), dtype=float32)",
    ],
)
def test_a_printed_tensor_is_the_loss_and_its_device_is_not(prefix: str) -> None:
    assert losses(read_text(lines(prefix))) == TRAIN


def test_a_list_of_names_above_each_list_of_numbers_names_them() -> None:
    names = "disc, disc_e2e, loss_gen, gen_e2e, loss_fm, loss_mel, loss_dur, loss_kl, kl_fwd, global_step, lr"
    log = "2026-01-02 03:04:05,678\tvoice\tINFO\t"
    head = f"{log}Train Epoch: 1 [0%]\n{log}[{names}]\n{log}"
    run = read_text(lines(head + "[2.{n}, 2.4, 2.1, 2.2, 5.1, {t}, 1.5, 1.4, 0.3, {n}00, 0.0002]"))
    curve = curve_of(run)
    assert (curve.tag, curve.values.tolist()) == ("loss_mel", TRAIN)
    assert curve.steps[-1] == 2900


def test_records_of_prose_follow_each_other_on_one_line() -> None:
    run = read_text(
        "It overfits. After epoch 1 the training loss was 2.41 and the validation loss 2.90, after epoch 2 the "
        "training loss was 1.7 and the validation loss 2.41. Then after epoch 3 the training loss was 1.1 and the "
        "validation loss 2.6.\n"
    )
    assert losses(run) == [2.41, 1.7, 1.1]
    assert losses(run, Role.VAL_LOSS) == [2.9, 2.41, 2.6]


def test_times_of_a_step_and_of_the_loader_need_no_sign() -> None:
    run = read_text(lines("step {n} loss {t} loader_time 1.9{n} step_time 2.1{n}"))
    assert curve_of(run, Role.LOADER_TIME).values[0] < curve_of(run, Role.STEP_TIME).values[0]


def test_thousands_in_a_line_of_text_make_no_table() -> None:
    run = read_text(lines("it {n:05d} loss {t} dt 210ms tok/s 31,{n:03d}"))
    assert (run.format, losses(run)) == ("text", TRAIN)


@pytest.mark.parametrize("row", ["{name},{numbers}", "{name}: {numbers}", '"{name}",{numbers}', "{name}\t{numbers}"])
def test_a_row_with_its_name_in_front_is_a_series(tmp_path: Path, row: str) -> None:
    parted = "\t" if "\t" in row else ", "
    series = {"epoch": range(10, 10 + COUNT), "train_loss": TRAIN, "val_loss": VAL}
    table = [row.format(name=name, numbers=parted.join(map(str, values))) for name, values in series.items()]
    (tmp_path / "curves.csv").write_text("\n".join(table) + "\n")
    run = read(tmp_path / "curves.csv")
    assert (losses(run), losses(run, Role.VAL_LOSS)) == (TRAIN, VAL)
    assert curve_of(run).steps.tolist() == [*series["epoch"]]


def test_one_part_by_step_and_by_epoch_is_a_loss_of_its_own(tmp_path: Path) -> None:
    rows = lines("{n}.5,,{t},,{e}00,{n}\n,0.5,,{t},{e}50,{n}")
    (tmp_path / "metrics.csv").write_text("wer_step,wer_epoch,train_ctc_step,train_ctc_epoch,step,epoch\n" + rows)
    run = read(tmp_path)
    assert (curve_of(run).tag, losses(run)) == ("train_ctc_epoch", TRAIN)


def test_the_loss_of_an_evaluation_is_of_the_only_loss_that_is_trained_on() -> None:
    run = read_text(lines("epoch {e} ctc_loss={t}\nvalidation loss={v}"))
    assert losses(run, Role.VAL_LOSS) == VAL


def test_steps_of_one_log_count_the_points_of_the_other(tmp_path: Path) -> None:
    """The console has epochs only, and goes on behind the last checkpoint."""
    rows = [{"loss": value, "epoch": round((n + 1) * 0.05, 2)} for n, value in enumerate(TRAIN)]
    (tmp_path / "console.txt").write_text("".join(f"{row}\n" for row in rows))
    history = [row | {"step": 20 * n} for n, row in enumerate(rows, 1)][:20]
    folder = tmp_path / "checkpoint-400"
    folder.mkdir()
    (folder / "trainer_state.json").write_text(
        json.dumps({"global_step": 400, "log_history": [*history, {"eval_loss": 0.9, "step": 400, "epoch": 1.0}]})
    )
    run = read(tmp_path)
    assert losses(run) == TRAIN
    assert curve_of(run).steps.tolist() == [20 * n for n in range(1, COUNT + 1)]
    assert curve_of(run).counted


def test_that_points_are_means_over_processes_is_mentioned() -> None:
    row = "".join(f"[rank{rank}]: step {{n}}/4000 loss={{t}} gnorm=1.{rank}\n" for rank in (1, 0))
    notes = read_text(lines(row.rstrip("\n"))).notes
    assert any("values a step in the mean" in note for note in notes)


def test_the_lines_of_a_fold_that_repeat_its_number_are_one_training() -> None:
    row = "[fold {f}] epoch {{e}} train: loss={{t}}\n[fold {f}] epoch {{e}} valid: loss={{v}}"
    run = read_text("".join(lines(row.format(f=fold)) for fold in range(3)))
    assert (losses(run), losses(run, Role.VAL_LOSS)) == (TRAIN, VAL)
    assert any(note.startswith("3 launches") for note in run.notes)


@pytest.mark.parametrize("head", [">>> Cross-validation split {} of 5", "Running trial #{}", "== k-fold {}/5 =="])
def test_short_trainings_below_numbered_headings_are_apart(head: str) -> None:
    run = read_text(
        "".join(head.format(n) + "\n" + lines("ep {n} loss_train {t} loss_valid {v}", 2) for n in range(1, 6))
    )
    assert losses(run) == TRAIN[:2]


def test_a_place_in_brackets_counts_behind_the_name_of_a_logger() -> None:
    run = read_text(lines("INFO:trainer:[{e:02d}/40] trn={t} val={v} *"))
    assert curve_of(run).steps.tolist() == [*range(1, COUNT + 1)]


@pytest.mark.parametrize(
    "words", ["Loss on the validation set: 0.231", "held-out examples: loss over test data is 0.231"]
)
def test_one_evaluation_in_a_sentence_is_one_point(words: str) -> None:
    run = read_text(lines("Iteration {e}, loss = {t}") + "Training loss did not improve. Stopping.\n" + words + "\n")
    assert (losses(run), losses(run, Role.VAL_LOSS)) == (TRAIN, [0.231])


def test_a_tensor_in_a_list_of_one_is_the_loss() -> None:
    assert losses(read_text(lines("epoch {e} [tensor({t}, device='cuda:0', grad_fn=<AddBackward0>)]"))) == TRAIN


@pytest.mark.parametrize("index", [",", ""])
def test_a_first_row_that_counts_is_the_index_of_the_other_rows(tmp_path: Path, index: str) -> None:
    names = [index and "loss,", index and "val_loss,"]
    rows = [f"{name}{','.join(map(str, values))}" for name, values in zip(names, (TRAIN, VAL), strict=True)]
    (tmp_path / "T.csv").write_text("\n".join([index + ",".join(map(str, range(COUNT))), *rows]) + "\n")
    run = read(tmp_path / "T.csv")
    assert (losses(run), losses(run, Role.VAL_LOSS)) == (TRAIN, VAL)


@pytest.mark.parametrize(
    "row",
    [
        "09:00:00 | I | (trainer) [{e}/4500] xent={t} gnorm=1.2",
        "subject A: round {e}/30: fit loss {t}, left-out loss {v}",
    ],
)
def test_a_place_in_the_middle_of_a_line_and_a_round_count(row: str) -> None:
    run = read_text(lines(row))
    assert losses(run) == TRAIN
    assert curve_of(run).steps.tolist() == [*range(1, COUNT + 1)]


def test_the_place_of_an_epoch_in_brackets_counts_epochs() -> None:
    assert curve_of(read_text(lines("Epoch [{e}/300] train_loss: {t} val_loss: {v}"))).axis is Axis.EPOCH


def test_the_place_in_an_evaluation_is_no_value_of_its_split() -> None:
    run = read_text(lines("Epoch: [{e}][0/240] Loss: {t}\nEVAL: [{n}/30] Loss: {v}"))
    assert "EVAL" not in run.curves
    assert losses(run, Role.VAL_LOSS) == VAL


def test_a_part_without_the_word_loss_is_a_component_of_which_only_nan_is_a_fault() -> None:
    run = read_text(lines("step {n} {{'loss': tensor({t}, device='cuda:0'), 'kl': tensor(1.{n}), 'lr': 0.1}}"))
    part = run.curves["kl"]
    assert (part.role, part.adversarial) == (Role.TRAIN_COMPONENT, True)
    assert run.curves["lr"].role is Role.LEARNING_RATE


def test_rows_below_words_that_number_them_are_series(tmp_path: Path) -> None:
    head = "metric;" + ";".join(f"epoch {n}" for n in range(COUNT))
    rows = [f"{name};" + ";".join(map(str, values)) for name, values in (("train_loss", TRAIN), ("val_loss", VAL))]
    (tmp_path / "T.csv").write_text("\n".join([head, *rows]) + "\n")
    run = read(tmp_path / "T.csv")
    assert (losses(run), losses(run, Role.VAL_LOSS)) == (TRAIN, VAL)


def test_numbers_of_any_name_are_named_by_the_refusal_and_read_where_the_user_says_so() -> None:
    source = Source("x.log", content=lines("gen {n} | fitness {t} | sigma 0.1{n}").encode())
    with pytest.raises(LogError, match="numbers are named `fitness`, `sigma`; if one is the loss, say so by --train"):
        read_source(source)
    assert read_source(replace(source, tag_named=True)).curves["fitness"].values.tolist() == TRAIN


def test_the_perplexity_of_a_codebook_is_no_loss() -> None:
    """It rises as more of the codes are used; `Recons.` ends with a dot and has no sign."""
    run = read_text(lines("Train. Iter {n}00 :  \t Commit. 0.1{n} \t PPL. 2{n:02d}.5 \t Recons.  {t}"))
    assert (curve_of(run).tag, losses(run)) == ("Recons", TRAIN)
    assert run.curves["PPL"].role is None


def test_headings_that_name_their_epoch_part_training_from_validation() -> None:
    row = "###{s} loss at epoch={{n}}0: \nmel_loss={{{x}}} gate_loss=0.1\n"
    run = read_text(lines(row.format(s="train", x="t") + "\n" + row.format(s="val", x="v")))
    assert (losses(run), losses(run, Role.VAL_LOSS)) == (TRAIN, VAL)
    assert curve_of(run).steps[-1] == 10 * (COUNT - 1)


def test_letters_count_epochs_and_steps() -> None:
    run = read_text(
        lines("E{e}/40 S10/20 | loss={t} acc=0.5\nE{e}/40 S20/20 | loss={t} acc=0.5\nEpoch {e} done | loss={v}")
    )
    assert len(losses(run)) in {COUNT, 2 * COUNT}
    assert not any("launches" in note for note in run.notes)


def test_a_letter_glued_to_a_loss_names_its_part() -> None:
    run = read_text(
        lines("epoch {n}\ntrain lossp: {t} top1: 0.3 lossv: 0.9\nvalidation lossp: {v} top1: 0.2 lossv: 1.1")
    )
    assert (losses(run), losses(run, Role.VAL_LOSS)) == (TRAIN, VAL)


def test_a_gap_is_no_loss_whatever_it_is_between() -> None:
    run = read_text(lines("tick {n}: energy_gap 0.{n}1 | residual {t}"))
    assert run.curve(Role.TRAIN_LOSS) is None
    assert {"energy_gap", "residual"} <= run.curves.keys()


def test_a_number_in_front_of_a_bar_counts_and_hold_is_a_split() -> None:
    run = read_text(lines("   {n}00 | fit={t} | hold={v} | 1.1 s"))
    assert (losses(run), losses(run, Role.VAL_LOSS)) == (TRAIN, VAL)
    assert curve_of(run).steps[-1] == 100 * (COUNT - 1)
