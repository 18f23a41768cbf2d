"""Many runs: counts, a table that no pipe cuts, sorted, filtered, as CSV and as Markdown."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from diagnose.finding import Diagnosis
from diagnose.report.order import Order
from diagnose.report.screen import Screen
from diagnose.report.summary import as_csv, as_markdown, as_table, cell, counts, in_order, names
from diagnose.run import Role
from tests.report.diagnoses import curve, diagnosis, finding, overfit, run

LONG = "fastspeech2/lr1e-3/seed00_a_name_that_is_longer_than_any_terminal_is_wide_and_must_be_found_again/version_0"


def many() -> list[Diagnosis]:
    without = run(curve("loss", Role.TRAIN_LOSS, [1, 2], [2.0, float("nan")]), name="b")
    return [
        diagnosis(run(*overfit(rise=0.5).curves.values(), name=LONG), finding()),
        diagnosis(without),
        diagnosis(run(*overfit(best=40).curves.values(), name="a")),
    ]


def test_the_counts_come_first() -> None:
    assert as_table(many(), Screen()).startswith("ttsdoc: 3 runs: 1 unhealthy, 2 healthy\n")
    assert counts(many()[:1]) == "1 run: 1 unhealthy"


def test_a_name_in_a_file_stays_whole_on_one_line() -> None:
    text = as_table(many(), Screen(width=80, terminal=False))
    assert sum(LONG in line for line in text.split("\n")) == 1


def test_best_validation_loss_and_its_step_are_columns_of_their_own() -> None:
    head, row = as_table(many()[2:], Screen(width=120)).split("\n")[1:3]
    assert "best val. loss" in head
    assert "epoch 40" in row


@pytest.mark.parametrize(
    ("order", "names"),
    [(Order.VERDICT, [LONG, "b", "a"]), (Order.NAME, ["a", "b", LONG]), (Order.BEST, ["a", LONG, "b"])],
)
def test_runs_are_sorted_and_what_has_no_number_comes_last(order: Order, names: list[str]) -> None:
    assert [one.run.name for one in in_order(many(), order)] == names


def test_csv_is_read_back_with_numbers_as_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(many()))))
    assert [row["run"] for row in rows] == [LONG, "b", "a"]
    assert float(rows[0]["best_val_loss"]) == pytest.approx(1.5, abs=0.1)
    assert rows[0]["findings"] == "overfitting"
    assert rows[1]["last_train_loss"] == ""


def test_runs_of_one_name_are_distinguished_by_their_folders() -> None:
    twins = [diagnosis(replace(overfit(), name="log.csv", source=f"/sweep/{seed}/a/log.csv")) for seed in (1, 2)]
    assert names([*twins, *many()[2:]]) == ["1/a/log.csv", "2/a/log.csv", "a"]


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+cmd", "-2"])
def test_no_spreadsheet_takes_a_name_for_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"


def test_markdown_of_many_runs_is_a_table() -> None:
    text = as_markdown(many() * 100)
    assert text.startswith("# ttsdoc: 300 runs: 100 unhealthy, 200 healthy\n")
    assert len(text.split("\n")) < 310
