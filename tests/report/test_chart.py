"""The chart shows what was found: on one clock, at any width, with and without colour and Unicode."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from diagnose import analyze, read
from diagnose.finding import Diagnosis
from diagnose.report.chart import loss_chart
from diagnose.report.panels import panels, places, thinned
from diagnose.run import Axis, Role
from tests.report.diagnoses import curve, diagnosis, finding, overfit, run, stop

BRAILLE = re.compile("[\u2801-\u28ff]")


def drawn(of: Diagnosis, width: int = 80, *, unicode: bool = True) -> list[str]:
    chart = loss_chart(of, width, unicode=unicode)
    assert chart is not None
    return chart.plain.split("\n")


def test_training_is_a_line_and_validation_are_dots_so_that_no_colour_is_needed() -> None:
    lines = drawn(diagnosis(overfit()))
    canvas = [line for line in lines[1:] if "│" in line or "┤" in line]
    assert any(BRAILLE.search(line) for line in canvas)
    assert sum(line.count("o") for line in canvas) >= 20


def test_without_unicode_every_character_is_ascii_and_both_curves_differ() -> None:
    from diagnose.report.screen import Screen, printed

    chart = loss_chart(diagnosis(overfit(), finding(), advice=stop()), 80, unicode=False)
    text = printed(chart or Text(), Screen(unicode=False), 80)
    assert text.isascii()
    assert "?" not in text
    assert "vFIT002 best" in text


def test_the_legend_is_above_the_canvas_and_covers_no_point() -> None:
    lines = drawn(diagnosis(overfit()))
    assert "training" in lines[0]
    assert "validation" in lines[0]
    assert not any("training" in line for line in lines[1:])


@pytest.mark.parametrize("epochs", range(2, 41))
def test_ticks_below_the_chart_are_whole_numbers_evenly_apart(epochs: int) -> None:
    line = drawn(diagnosis(overfit(epochs, best=1)))[-1]
    ticks = [int(word.replace(",", "")) for word in line.split()]
    gaps = {after - before for before, after in pairwise(ticks[1:])}
    assert len(gaps) <= 1, line
    assert ticks[0] == 1


@given(
    st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=2, max_size=30),
    st.integers(40, 200),
)
def test_ticks_beside_the_chart_are_evenly_many_lines_apart(values: list[float], width: int) -> None:
    lines = drawn(diagnosis(run(curve("loss", Role.TRAIN_LOSS, list(range(len(values))), values))), width)
    rows = [index for index, line in enumerate(lines) if "┤" in line]
    assert len({after - before for before, after in pairwise(rows)}) == 1, "\n".join(lines)
    assert all(len(line) <= width for line in lines)


def test_a_rise_that_training_dwarfs_gets_a_panel_of_its_own() -> None:
    of = diagnosis(overfit(floor=0.003, rise=0.28), finding(), advice=stop())
    main, detail = panels(of)
    assert [line.metric for line in main.series] == ["train_loss", "val_loss"]
    assert [line.metric for line in detail.series] == ["val_loss"]
    since = detail.series[0].y[detail.series[0].x >= 10]
    assert detail.height_of(since) > 0.5


def test_a_rise_that_everyone_sees_needs_no_second_panel() -> None:
    assert len(panels(diagnosis(overfit(rise=1.0), finding(), advice=stop()))) == 1


def test_a_curve_beside_the_losses_is_drawn_where_a_finding_is_about_it() -> None:
    norm = curve("grad_norm", Role.GRAD_NORM, list(range(1, 41)), [1.0] * 30 + [40.0] * 10, axis=Axis.EPOCH)
    of = overfit()
    exploded = finding(code="GRD001", name="exploding-gradients", metric="grad_norm", first_step=31)
    seen = diagnosis(run(*of.curves.values(), norm), exploded)
    assert [panel.title for panel in panels(seen)] == ["Loss by epoch", "Gradient norm by epoch"]


def test_where_a_reward_is_judged_it_is_drawn_before_the_loss(tmp_path: Path) -> None:
    rows = [f"{step},{2 + step % 7},{step**0.5}" for step in range(1, 200)]
    (tmp_path / "loss.csv").write_text("\n".join(["step,loss,reward", *rows]))
    (found,) = analyze(tmp_path / "loss.csv")
    assert [panel.title for panel in panels(found)] == ["Reward by step", "Loss by step"]


def test_findings_are_above_their_place() -> None:
    lines = drawn(diagnosis(overfit(), finding(first_step=20), advice=stop(20)))
    label = next(line for line in lines if "FIT002" in line)
    ticks = lines[lines.index(label) :][-1] if len(lines) < 20 else next(line for line in lines if " 20 " in line)
    assert abs(label.index("▼") - ticks.index("20")) <= 1


def test_a_finding_at_the_right_edge_is_still_named() -> None:
    lines = drawn(diagnosis(overfit(), finding(first_step=40)), 60)
    assert any("FIT002▼" in line for line in lines)
    assert all(len(line) <= 60 for line in lines)


def test_evaluations_that_count_epochs_are_where_their_epoch_ends() -> None:
    steps = np.arange(280)
    train = curve("loss", Role.TRAIN_LOSS, steps.tolist(), (7 - steps / 50).tolist(), epochs=steps // 20 + 1)
    val = curve("val_loss", Role.VAL_LOSS, list(range(1, 15)), [5.0] * 14, axis=Axis.EPOCH)
    assert places(val, train).tolist() == [20 * epoch - 1 for epoch in range(1, 15)]


def test_evaluations_without_epochs_in_the_log_are_at_their_wall_time() -> None:
    train = curve("loss", Role.TRAIN_LOSS, [0, 100, 200], [3, 2, 1], wall_times=[0.0, 50.0, 100.0])
    val = curve("val_loss", Role.VAL_LOSS, [1, 2], [2, 1], axis=Axis.EPOCH, wall_times=[25.0, 100.0])
    assert places(val, train).tolist() == [50, 200]


def test_evaluations_that_nothing_places_are_spread_evenly() -> None:
    train = curve("loss", Role.TRAIN_LOSS, [10, 20, 30, 40], [4, 3, 2, 1])
    val = curve("val_loss", Role.VAL_LOSS, [1, 2], [2, 1], axis=Axis.EPOCH)
    assert places(val, train).tolist() == [20, 40]


@pytest.mark.parametrize(("evaluations", "spread"), [(4, True), (40, False)])
def test_points_that_no_log_counts_are_one_clock_only_where_they_are_as_many(evaluations: int, spread: bool) -> None:
    """Of 40 points and 4 evaluations the second evaluation is not beside the second point."""
    train = curve("loss", Role.TRAIN_LOSS, range(40), np.linspace(2, 1, 40).tolist(), counted=False)
    val = curve("val", Role.VAL_LOSS, range(evaluations), [1.0] * evaluations, counted=False)
    assert (places(val, train)[-1], places(val, train)[0]) == (39, 9 if spread else 0)


def test_the_two_networks_of_a_gan_are_drawn_where_nothing_else_is_logged() -> None:
    steps = list(range(1, 60))
    losses = {"loss_D": np.linspace(1.4, 0.2, 59), "loss_G": np.linspace(0.7, 3, 59), "loss_G_feature": np.ones(59)}
    curves = [curve(tag, None, steps, values.tolist(), adversarial=True) for tag, values in losses.items()]
    (panel,) = panels(diagnosis(run(*curves)))
    assert [line.label for line in panel.series] == ["loss D", "loss G"]
    lines = drawn(diagnosis(run(*curves)))
    assert "o loss G" in lines[0]


def test_where_nothing_was_gained_no_step_is_marked_as_the_best() -> None:
    flat = run(curve("loss", Role.TRAIN_LOSS, [1, 2, 3], [1.1, 1.09, 1.1]))
    best = replace(stop(2), metric="train_loss", equally_good=(1, 3))
    assert panels(diagnosis(flat, advice=best))[0].marks == ()


def test_the_validation_loss_of_a_real_log_is_drawn_and_its_finding_marked(shared: Path) -> None:
    (found,) = analyze(shared / "field" / "look-val-not-drawn" / "t.log")
    main = panels(found)[0]
    val = next(line for line in main.series if line.metric == "val_loss")
    assert len(val.x) == 14
    assert {round(mark.first, -1) for mark in main.marks} <= {80, 100, 120}


@pytest.mark.parametrize("values", [[1.0], [np.nan, np.nan], [1e200, 1e300], []])
def test_what_cannot_be_drawn_is_left_out(values: list[float]) -> None:
    of = diagnosis(run(curve("loss", Role.TRAIN_LOSS, list(range(len(values))), values)))
    assert loss_chart(of, 80) is None


def test_thinning_keeps_every_spike_and_both_ends() -> None:
    values = np.ones(100_000)
    values[77_777] = 50.0
    line = panels(diagnosis(run(curve("loss", Role.TRAIN_LOSS, list(range(100_000)), values.tolist()))))[0].series[0]
    few = thinned(line, 200)
    assert len(few.x) <= 200
    assert few.y.max() == 50.0
    assert (few.x[0], few.x[-1]) == (0, 99_999)


def test_the_chart_of_the_story_has_no_colour_of_its_own(root: Path) -> None:
    assert read(root / "examples" / "amharic" / "logs").curves
    (found,) = analyze(root / "examples" / "amharic")
    assert "\x1b" not in "\n".join(drawn(found))
