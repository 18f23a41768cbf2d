"""The report for the terminal: the answer first, at any width, and nothing that contradicts it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnose.facts import Checkpoint
from diagnose.finding import (
    Confidence,
    Diagnosis,
    Edit,
    Moment,
    Operation,
    Prescription,
    Recommendation,
    Safety,
    Severity,
    Skipped,
)
from diagnose.numbers import Value
from diagnose.plan import AppliedEdit, Plan
from diagnose.report.line import one_line
from diagnose.report.screen import Screen
from diagnose.report.shown import written
from diagnose.report.table import loss_table
from diagnose.report.terminal import render
from diagnose.run import Axis, Role
from tests.report.diagnoses import curve, diagnosis, finding, overfit, run, stop


def report(found: Diagnosis, *, verbose: bool = False, **options: Any) -> list[str]:
    return render(found, Screen(**options), verbose=verbose).split("\n")


def test_problem_action_and_checkpoint_are_in_the_first_lines() -> None:
    saved = "/logs/run/checkpoint-10"
    of = diagnosis(overfit(), finding(), advice=stop(file=saved), checkpoints=(Checkpoint(10, saved),))
    first = "\n".join(report(of, width=100)[:5])
    assert "UNHEALTHY" in first
    assert "Problem  The validation loss rose by 28 %." in first
    assert "Do now   Stop: 30 evaluations without a new best." in first
    assert f"Keep     {saved}: epoch 10, the lowest validation loss (1.5)." in first


def test_where_nothing_was_gained_no_checkpoint_is_called_the_best() -> None:
    flat = run(curve("loss", Role.TRAIN_LOSS, [1, 2, 3], [1.1, 1.09, 1.1]))
    lowest = replace(stop(2), metric="train_loss", equally_good=(1, 3))
    assert "No checkpoint in particular" in "\n".join(report(diagnosis(flat, advice=lowest)))
    assert "The checkpoint of step 2" in "\n".join(report(diagnosis(flat, advice=replace(lowest, equally_good=(2, 3)))))


def test_the_lowest_of_a_loss_that_is_none_is_not_to_be_kept() -> None:
    assert "Keep" not in "\n".join(report(diagnosis(overfit(), finding(name="impossible-loss"), advice=stop())))


def test_a_place_within_one_epoch_is_no_stretch_of_epochs() -> None:
    steps = [1, 2, 3, 4]
    logged = curve("loss", Role.TRAIN_LOSS, steps, [3, 2, 3, 2], counted=False, epochs=np.ones(4))
    found = finding(metric="train_loss", first_step=1, last_step=4)
    assert "epoch 1, confidence" in "\n".join(report(diagnosis(run(logged), found)))


def test_a_message_that_the_answer_gave_with_a_capital_is_not_repeated() -> None:
    text = "\n".join(report(diagnosis(overfit(), finding(message="reward never improved."), advice=stop())))
    assert text.lower().count("reward never improved") == 1


@pytest.mark.parametrize(
    ("was", "now", "shown"),
    [(0.999875, 0.99999968, ["0.999875", "0.99999968"]), ("5e-5", 5e-5, ["5e-5", "5.0e-05"]), (2e-4, 5e-5, ["5e-05"])],
)
def test_a_value_is_shown_as_the_config_holds_it(was: Value, now: Value, shown: list[str]) -> None:
    made = AppliedEdit("learning_rate", "lr", 1, was, now, "", "because", ())
    row = written(Plan("c.yaml", "", "", (made,), (), diagnosis(overfit())))[0]
    assert set(shown) <= {row.was, row.now}


def test_a_checkpoint_that_is_not_on_disk_is_not_named() -> None:
    text = "\n".join(report(diagnosis(overfit(), finding(), advice=stop())))
    assert "none was found" in " ".join(text.split())


def test_evidence_is_given_in_its_own_sentence() -> None:
    text = "\n".join(report(diagnosis(overfit(), finding())))
    assert "evidence: rose by 28 % (alarm from 3 %)" in text
    assert "28.0" not in text


def test_evidence_comes_before_the_chart_and_the_chart_before_the_table() -> None:
    text = "\n".join(report(diagnosis(overfit(), finding(), advice=stop())))
    assert text.index("Problem") < text.index("Evidence") < text.index("Loss by epoch") < text.index("mean up to")


def test_a_healthy_run_gets_a_sentence_and_a_chart_and_no_table() -> None:
    lines = report(diagnosis(overfit(best=40), advice=stop(40, since=0)))
    assert "Keep training: the last evaluation is the best so far." in lines[1]
    assert "mean up to" not in "\n".join(lines)
    assert len(lines) < 25


def test_no_word_calls_an_overfitting_run_better() -> None:
    text = "\n".join(report(diagnosis(overfit(), finding(), advice=stop())))
    assert "better" not in text
    assert "validation loss" in text


def test_both_losses_and_the_error_rate_are_in_the_table() -> None:
    rate = curve("eval_wer", Role.ERROR_RATE, [10, 20, 30], [0.5, 0.4, 0.3])
    train = curve("loss", Role.TRAIN_LOSS, list(range(1, 31)), [30 / step for step in range(1, 31)])
    val = curve("eval_loss", Role.VAL_LOSS, [10, 20, 30], [3, 2, 2.5])
    table = loss_table(diagnosis(run(train, val, rate)))
    assert table is not None
    assert table.headings == ("training loss", "validation loss", "eval_wer")
    assert [row.label for row in table.rows] == ["step 10", "step 20", "step 30"]
    assert [row.cells[2].value for row in table.rows if row.cells[2]] == [0.5, 0.4, 0.3]


@pytest.mark.parametrize("tag", ["val_accuracy", "eval/character_error_rate", "score/mos_predicted"])
def test_a_heading_is_broken_between_its_words(tag: str) -> None:
    val = curve("eval_loss", Role.VAL_LOSS, [10, 20, 30], [3, 2, 2.5])
    train = curve("loss", Role.TRAIN_LOSS, list(range(1, 31)), [30 / step for step in range(1, 31)])
    of = diagnosis(run(train, val, curve(tag, Role.SCORE, [10, 20, 30], [0.5, 0.4, 0.3])), finding())
    assert set(tag.replace("/", "/ ").replace("_", "_ ").split()) <= set(" ".join(report(of, width=60)).split())


def test_what_is_no_number_is_counted_in_its_row() -> None:
    train = curve("loss", Role.TRAIN_LOSS, [1, 2, 3], [2.0, float("nan"), 1.0])
    table = loss_table(diagnosis(run(train)))
    assert table is not None
    assert [row.note for row in table.rows] == ["", "1 NaN or inf", ""]


def test_a_loss_that_is_infinite_is_no_nan_in_the_table() -> None:
    infinite = curve("loss", Role.TRAIN_LOSS, [1, 2, 3], [2.0, float("inf"), float("nan")])
    table = loss_table(diagnosis(run(infinite)))
    assert table is not None
    assert [str(row.cells[0].value) for row in table.rows if row.cells[0]] == ["2.0", "inf", "nan"]


def test_what_was_not_judged_takes_one_line_and_all_of_it_with_verbose() -> None:
    skipped = tuple(Skipped(f"GRD00{n}", f"check-{n}", "no gradient norm is logged") for n in range(1, 6))
    of = diagnosis(overfit(), finding())
    of = type(of)(of.facts, of.verdict, of.findings, skipped=skipped)
    brief = [line for line in report(of, width=120) if "not possible" in line]
    assert brief == ["5 checks not possible, most often because no gradient norm is logged (--verbose lists them)."]
    assert "check-3" in "\n".join(report(of, verbose=True))


def test_what_only_informs_takes_one_line() -> None:
    hint = finding(
        name="hint", severity=Severity.INFO, message="No validation loss is logged.", advice="Keep 25 clips."
    )
    assert "Keep 25 clips" not in "\n".join(report(diagnosis(overfit(), hint)))
    assert "Keep 25 clips" in "\n".join(report(diagnosis(overfit(), hint), verbose=True))


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    of = diagnosis(overfit(), finding(), advice=stop())
    assert max(map(len, report(of, width=width))) <= width


def test_nothing_is_coloured_where_no_colour_is_wanted() -> None:
    of = diagnosis(overfit(), finding(), advice=stop())
    assert "\x1b" not in "".join(report(of))
    assert "\x1b[" in "".join(report(of, colour=True))


def test_text_from_a_log_reaches_no_terminal_as_a_control() -> None:
    hostile = finding(message="\x1b]0;owned\x07 rose", evidence=())
    text = "\n".join(report(diagnosis(run(*overfit().curves.values(), name="a\x1b[2Jb"), hostile), colour=False))
    assert "\x1b" not in text
    assert "\x07" not in text


def test_one_line_names_verdict_run_and_causes() -> None:
    assert (
        one_line(diagnosis(overfit(), finding()), Screen()) == "✗ unhealthy run: FIT002 overfitting (epochs 10 to 40)\n"
    )
    assert one_line(diagnosis(overfit()), Screen()) == "✓ healthy run\n"


def test_the_learning_rate_that_was_logged_is_the_one_it_was() -> None:
    edit = Edit("learning_rate", Operation.SCALE, 0.25, "the loss rose")
    cure = Prescription("lower the rate", "it rose", (edit,), Safety.SAFE)
    rate = curve("lr", Role.LEARNING_RATE, [1, 2], [2e-4, 1e-4])
    of = diagnosis(run(*overfit().curves.values(), rate), finding(prescriptions=(cure,)))
    of = type(of)(of.facts, of.verdict, of.findings, prescriptions=(cure,))
    row = next(line for line in report(of) if line.lstrip().startswith("learning_rate"))
    assert row.split()[1:3] == ["0.0002", "5e-05"]


def test_a_warning_at_low_confidence_is_no_problem() -> None:
    of = diagnosis(overfit(), finding(confidence=Confidence.LOW))
    assert "Problem" not in "\n".join(report(of))


def test_the_real_case_says_what_to_keep_without_a_checkpoint(shared: Path) -> None:
    from diagnose import analyze

    (found,) = analyze(shared / "field" / "look-trend-table" / "log.csv")
    first = render(found, Screen(width=100)).split("\n")[:9]
    assert [word for word in ("Problem", "Do now", "Keep") if any(line.startswith(f"  {word}") for line in first)] == [
        "Problem",
        "Do now",
        "Keep",
    ]


def test_a_command_is_code_in_markdown_and_the_text_around_it_is_escaped() -> None:
    from diagnose.report import as_markdown

    noted = run(*overfit().curves.values(), notes=("the loss is `train_loss` *here*",))
    assert "- the loss is `train_loss` \\*here\\*" in as_markdown.render(diagnosis(noted)).split("\n")


def test_where_nothing_shows_whether_to_stop_the_advice_on_the_fault_comes_first() -> None:
    unsure = replace(stop(), recommendation=Recommendation.CANNOT_TELL, reasons=("no validation loss is logged",))
    lines = "\n".join(report(diagnosis(overfit(), finding(), advice=unsure), width=100))
    assert "Do now   Use the checkpoint of epoch 10." in lines
    assert "no validation loss is logged" not in lines


def test_a_checkpoint_far_from_the_best_step_is_not_the_one_to_keep() -> None:
    why = "none kept near it (nearest: checkpoint-200, 8,800 steps before)"
    far = replace(stop(9000), axis=Axis.STEP, listen=(Moment(9000, f"lowest loss; {why}"),))
    of = diagnosis(overfit(), finding(), advice=far, checkpoints=(Checkpoint(200, "/logs/run/checkpoint-200"),))
    said = " ".join(" ".join(report(of, width=100)).split())
    assert f"the lowest validation loss (1.5); {why}." in said
    assert "/logs/run/checkpoint-200" not in said


def test_the_name_of_a_run_is_whole_however_long_it_is() -> None:
    name = "experiments_of_the_summer/conformer_medium_librispeech_100h_accumulate_8_no_specaugment.log"
    first, *_ = report(diagnosis(replace(overfit(), name=name)), width=60)
    assert name in first


@pytest.mark.parametrize(("saved", "words"), [(1200, ": step 1,200, the"), (1000, ": nearest to step 1,200, the")])
def test_a_file_of_another_step_is_said_to_be_the_nearest(saved: int, words: str) -> None:
    file = f"/logs/run/model-{saved}.pt"
    epochs = overfit()
    steps = run(*(replace(curve, axis=Axis.STEP, steps=curve.steps * 100) for curve in epochs.curves.values()))
    near = replace(stop(1200, file=file), axis=Axis.STEP)
    of = diagnosis(steps, finding(), advice=near, checkpoints=(Checkpoint(saved, file),))
    assert f"model-{saved}.pt{words}" in " ".join(" ".join(report(of, width=100)).split())
