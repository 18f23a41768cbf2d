"""Counters, launches and rewinds: one run is judged, the others are named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diagnose.readers.columns import EPOCH, ITERATION, PER_EPOCH, STEP, Column, Story, curves_of
from diagnose.run import Axis


def column(values: Sequence[float], places: Sequence[int] | None = None) -> Column:
    where = np.arange(len(values)) if places is None else np.asarray(places)
    return Column(where, np.asarray(values, np.float64))


def story(keep_last: bool = False, **columns: Any) -> Story:
    names = {"step": STEP, "epoch": EPOCH, "iteration": ITERATION, "per_epoch": PER_EPOCH}
    return curves_of({names.get(name, name): values for name, values in columns.items()}, keep_last=keep_last)


def test_steps_on_the_line_of_a_value_are_its_steps() -> None:
    loss = story(step=column([10, 20, 30]), loss=column([3, 2, 1])).curves["loss"]
    assert (loss.axis, list(loss.steps), list(loss.values)) == (Axis.STEP, [10, 20, 30], [3, 2, 1])


def test_a_value_without_a_step_takes_the_last_one_seen() -> None:
    val = story(step=column([10, 20, 30], [0, 2, 4]), val=column([5, 4], [3, 5])).curves["val"]
    assert list(val.steps) == [20, 30]


def test_one_value_an_epoch_is_counted_in_epochs() -> None:
    table = story(epoch=column([1, 2, 3], [0, 10, 20]), step=column(range(30)), val=column([5, 4, 3], [9, 19, 29]))
    epochs = column([1, 2, 3], [0, 10, 20])
    val = curves_of(
        {EPOCH: epochs, STEP: column(range(0, 60, 2), range(0, 60, 2)), "val": column([5, 4, 3], [9, 19, 29])}
    )
    assert table.curves["val"].axis is Axis.STEP
    assert (val.curves["val"].axis, list(val.curves["val"].steps)) == (Axis.EPOCH, [1, 2, 3])


def test_an_iteration_that_restarts_each_epoch_becomes_a_global_step() -> None:
    table = story(
        epoch=column([1, 1, 2, 2]),
        iteration=column([50, 100, 50, 100]),
        per_epoch=column([120] * 4),
        loss=column([4, 3, 2, 1]),
    )
    assert list(table.curves["loss"].steps) == [50, 100, 170, 220]
    assert not table.notes


def test_a_step_that_restarts_each_epoch_is_an_iteration() -> None:
    table = story(epoch=column([0, 0, 1, 1, 2, 2]), step=column([0, 10, 0, 10, 0, 10]), loss=column([6, 5, 4, 3, 2, 1]))
    assert list(table.curves["loss"].steps) == [0, 10, 20, 30, 40, 50]
    assert not table.notes


def test_of_appended_launches_the_last_is_judged_and_the_others_are_named() -> None:
    table = story(epoch=column([0, 1, 2, 3, 0, 1, 2]), loss=column([9, 8, 7, 6, 5, 4, 3]))
    assert list(table.curves["loss"].values) == [5, 4, 3]
    assert table.notes == ("2 launches in one log: the last is judged; the others went from epoch 0 to 3 (4 points)",)


def test_a_launch_that_died_before_its_second_point_is_not_judged() -> None:
    table = story(epoch=column([0, 1, 2, 3, 0]), loss=column([9, 8, 7, 6, 5]))
    assert list(table.curves["loss"].values) == [9, 8, 7, 6]


def test_a_resumed_run_is_one_run_and_what_was_trained_again_replaces_the_old() -> None:
    steps = [10, 20, 30, 40, 50, 60, 70, 80, 61, 71, 81, 91]
    table = story(step=column(steps), loss=column(range(12)))
    assert list(table.curves["loss"].steps) == [10, 20, 30, 40, 50, 60, 61, 71, 81, 91]
    assert list(table.curves["loss"].values) == [0, 1, 2, 3, 4, 5, 8, 9, 10, 11]
    assert "resumed" in table.notes[0]


def test_a_run_that_goes_on_after_a_pause_is_one_run() -> None:
    table = story(step=column([100, 200, 300, 400, 500]), loss=column([5, 4, 3, 2, 1]))
    assert len(table.curves["loss"]) == 5
    assert not table.notes


def test_a_leap_to_another_models_checkpoint_begins_a_launch() -> None:
    table = story(step=column([1, 2, 3, 75001, 75002, 75003]), loss=column([3, 2, 1, 0.1, 0.2, 0.3]))
    assert list(table.curves["loss"].steps) == [75001, 75002, 75003]


def test_several_values_at_each_step_are_their_mean_and_the_note_says_so() -> None:
    steps = [step for step in range(1, 21) for _ in range(2)]
    table = story(step=column(steps), loss=column(range(40)))
    assert list(table.curves["loss"].values) == [value + 0.5 for value in range(0, 40, 2)]
    assert "2 values a step" in " ".join(table.notes)


def test_ranks_out_of_step_are_no_launches() -> None:
    steps = [1, 2, 1, 3, 2, 4, 3, 5, 4, 6, 5, 7, 6, 8, 7, 8]
    table = story(step=column(steps), loss=column(steps))
    assert list(table.curves["loss"].steps) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert "launches" not in " ".join(table.notes)


def test_the_last_redraw_of_a_bar_counts() -> None:
    table = story(keep_last=True, step=column([1, 1, 2, 2, 2]), loss=column([9, 8, 7, 6, 5]))
    assert list(table.curves["loss"].values) == [8, 5]


def test_a_lone_number_taken_for_a_step_does_not_split_a_run() -> None:
    table = story(step=column([100, 200, 2, 300, 400]), loss=column([5, 4, 3, 2]), x=column([1, 1]))
    assert "launches" not in " ".join(table.notes)


def test_values_without_any_counter_keep_their_order() -> None:
    loss = story(loss=column([3, 2, 1], [4, 7, 9])).curves["loss"]
    assert list(loss.steps) == [0, 1, 2]


def test_fractions_of_an_epoch_are_no_steps() -> None:
    loss = story(epoch=column([0.25, 0.5, 0.75, 1.0]), loss=column([4, 3, 2, 1])).curves["loss"]
    assert (loss.axis, list(loss.steps)) == (Axis.STEP, [0, 1, 2, 3])
    assert loss.epochs is not None
    assert list(loss.epochs) == [0.25, 0.5, 0.75, 1.0]


def test_nan_is_kept_and_a_repeated_line_is_not() -> None:
    loss = story(step=column([1, 2, 2, 3]), loss=column([3, np.nan, 2, np.inf])).curves["loss"]
    np.testing.assert_array_equal(loss.values, [3, np.nan, np.inf])


def test_no_columns_give_no_curves() -> None:
    assert story().curves == {}
    assert story(step=column([])).curves == {}


def test_steps_that_are_far_apart_from_the_first_on_are_one_launch() -> None:
    table = story(step=column([0, 12800, 25600, 38400]), loss=column([4, 3, 2, 1]))
    assert len(table.curves["loss"]) == 4
    assert not table.notes


def test_no_value_of_an_epoch_is_dropped_for_want_of_a_step() -> None:
    loss = story(epoch=column([0, 0, 0, 1, 1, 1]), loss=column([6, 5, 4, 3, 2, 1])).curves["loss"]
    assert (loss.axis, list(loss.steps)) == (Axis.STEP, [0, 1, 2, 3, 4, 5])
    assert loss.epochs is not None
    assert list(loss.epochs) == [0, 0, 0, 1, 1, 1]


def test_a_line_repeated_word_for_word_is_one_value_of_its_epoch() -> None:
    loss = story(epoch=column([1, 1, 2, 2, 3, 3]), loss=column([3, 3, 2, 2, 1, 1])).curves["loss"]
    assert (loss.axis, list(loss.steps), list(loss.values)) == (Axis.EPOCH, [1, 2, 3], [3, 2, 1])


def test_lines_left_out_of_a_log_are_no_launch() -> None:
    table = story(
        step=column([1000, 1500, 2000, 34500, 35000]), epoch=column([4, 5, 7, 105, 107]), loss=column(range(5))
    )
    assert list(table.curves["loss"].steps) == [1000, 1500, 2000, 34500, 35000]
    assert not table.notes
