"""Tables of numbers are read whatever wrote them: sparse rows, blanks, exports, damage."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.errors import LogError
from diagnose.readers import csv_table
from diagnose.readers.columns.cells import Rows
from diagnose.readers.roles import assign_roles
from diagnose.readers.sources import Source
from diagnose.run import Axis, Curve, Role, Run


def read(table: str | bytes, name: str = "metrics.csv") -> Run:
    content = table if isinstance(table, bytes) else table.encode()
    source = Source(name, content=content)
    assert csv_table.sniff(source) >= 50
    return assign_roles(csv_table.read(source))


def curve(run: Run, role: Role) -> Curve:
    found = run.curve(role)
    assert found is not None
    return found


@pytest.mark.parametrize("repeated", ["a", "a1", "1", ".", ".1", " ", "a=", "a=1", "_'"])
@pytest.mark.parametrize("start", ["", "loss: ", "loss=1"])
def test_a_long_name_is_looked_at_in_linear_time(start: str, repeated: str) -> None:
    source = Source("metrics.csv", content=f"{start}{repeated * 8_000}x,loss\n1,2\n2,3\n".encode())
    before = time.process_time()
    csv_table.sniff(source)
    assert time.process_time() - before < 1


def test_sparse_rows_of_lightning_become_curves_of_their_own() -> None:
    run = read("epoch,step,train_loss_step,val_loss\n0,49,7.6,\n0,99,7.5,\n0,120,,4.1\n1,149,7.4,\n1,240,,4.0\n")
    train, val = curve(run, Role.TRAIN_LOSS), curve(run, Role.VAL_LOSS)
    assert (list(train.steps), list(train.values)) == ([49, 99, 149], [7.6, 7.5, 7.4])
    assert (list(val.steps), list(val.values)) == ([120, 240], [4.1, 4.0])
    assert val.epochs is not None
    assert list(val.epochs) == [0, 1]


def test_a_column_of_folds_separates_trainings_however_short() -> None:
    rows = [f"{fold},{epoch},{2 / (epoch + 1)},{1 + epoch}" for fold in range(5) for epoch in range(3)]
    run = read("\n".join(["fold,epoch,train_loss,val_loss", *rows]))
    assert list(curve(run, Role.TRAIN_LOSS).steps) == [0, 1, 2]
    assert "5 launches" in run.notes[0]


def test_a_keras_table_counts_epochs_and_its_last_launch_is_judged() -> None:
    run = read("epoch,loss,val_loss,learning_rate\r\n0,3,4,0.1\r\n1,2,3,0.1\r\n0,9,9,0.1\r\n1,8,8,0.1\r\n2,7,7,0.1\r\n")
    train = curve(run, Role.TRAIN_LOSS)
    assert (train.axis, list(train.values)) == (Axis.EPOCH, [9, 8, 7])
    assert "2 launches" in run.notes[0]
    assert list(curve(run, Role.LEARNING_RATE).values) == [0.1] * 3


def test_nan_is_a_point_and_a_blank_is_none() -> None:
    run = read("step,loss\n1,3\n2,\n3,nan\n4,inf\n5,-Infinity\n")
    np.testing.assert_array_equal(curve(run, Role.TRAIN_LOSS).values, [3, np.nan, np.inf, -np.inf])


def test_padded_headers_of_ultralytics_are_trimmed() -> None:
    run = read("                  epoch,         train/box_loss,           val/box_loss\n 1, 2.5, 2.6\n 2, 2.25, 2.5\n")
    assert curve(run, Role.VAL_LOSS).tag == "val/box_loss"


@pytest.mark.parametrize("separator", ["\t", ";", "|", ","])
def test_any_separator_will_do(separator: str) -> None:
    run = read(f"step{separator}loss\n1{separator}2.5\n2{separator}2.25\n")
    assert list(curve(run, Role.TRAIN_LOSS).values) == [2.5, 2.25]


def test_a_tensorboard_export_has_its_tag_in_the_files_name_and_its_times() -> None:
    run = read("Wall time,Step,Value\n1600000000.5,10,2.5\n1600000009.5,20,2.25\n", "run-.-tag-train_loss.csv")
    train = curve(run, Role.TRAIN_LOSS)
    assert (train.tag, list(train.steps)) == ("train_loss", [10, 20])
    assert train.wall_times is not None
    assert list(train.wall_times) == [1600000000.5, 1600000009.5]


def test_a_wandb_export_loses_the_runs_name_and_the_extremes() -> None:
    header = '"Step","calm-lake-3 - train/loss","calm-lake-3 - train/loss__MIN","calm-lake-3 - train/loss__MAX"'
    run = read(f'{header}\n"1","2.5","2.5","2.5"\n"2","2.25","2.25","2.25"\n')
    assert list(run.curves) == ["train/loss"]


def test_rows_of_another_length_are_counted_and_left_out() -> None:
    run = read("step,loss\n1,3\n2,2\n" + "3,1\n" * 12 + "4,1,9\n5\n")
    assert (run.health.records, run.health.bad_records) == (14, 2)
    assert "2 rows" in run.notes[-2]


def test_a_table_without_counters_keeps_the_order_of_its_rows() -> None:
    assert list(curve(read("loss,accuracy\n3,0.1\n2,0.2\n1,0.3\n"), Role.TRAIN_LOSS).steps) == [0, 1, 2]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("step,loss\n", id="a header alone"),
        pytest.param("a,b\nx,y\n", id="words"),
        pytest.param('{"loss": 1, "step": 2}\n{"loss": 1, "step": 3}\n', id="JSON lines"),
        pytest.param("Epoch 1, loss 2.5\nEpoch 2, loss 2.25\n", id="a text log with commas"),
        pytest.param("id,name,duration\n1,clip_1,3.5\n2,clip_2,4.5\n", id="a manifest of clips"),
        pytest.param("\0\0\0", id="binary"),
    ],
)
def test_what_is_no_table_of_losses_is_left_to_other_readers(text: str) -> None:
    assert csv_table.sniff(Source("x.csv", content=text.encode())) < 50


def test_a_table_of_words_is_refused_in_one_line() -> None:
    with pytest.raises(LogError, match="no column of numbers"):
        csv_table.read(Source("x.csv", content=b"a,b\nx,y\n"))


@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=30))
def test_every_number_comes_back_bit_for_bit(values: list[float]) -> None:
    table = "step,loss\n" + "".join(f"{step},{value!r}\n" for step, value in enumerate(values))
    assert list(read(table).curves["loss"].values) == values


@given(st.binary(max_size=200))
def test_no_bytes_break_the_sniffing(data: bytes) -> None:
    assert 0 <= csv_table.sniff(Source("x.csv", content=data)) <= 100


def test_a_validation_table_beside_the_training_table_is_read_with_it(tmp_path: Path) -> None:
    for split, loss in (("train", 1), ("val", 2)):
        (tmp_path / f"{split}_loss.csv").write_text(f",epoch,total_loss\n0,0,{loss}.5\n1,1,{loss}.25\n", "utf-8")
    path = tmp_path / "train_loss.csv"
    run = assign_roles(csv_table.read(Source(str(path), path)))
    assert list(curve(run, Role.VAL_LOSS).values) == [2.5, 2.25]
    assert len(run.sources) == 2


@pytest.mark.parametrize(
    ("table", "values"),
    [
        pytest.param("epoch;loss\n1;0,53\n2;-1,5e-3\n3;nan\n", [0.53, -0.0015, np.nan], id="semicolons"),
        pytest.param("epoch\tloss\n1\t12,53\n2\t7\n3\t6,5\n", [12.53, 7, 6.5], id="tabs"),
    ],
)
def test_decimal_commas_are_read_and_reported(table: str, values: list[float]) -> None:
    run = read(table)
    np.testing.assert_array_equal(curve(run, Role.TRAIN_LOSS).values, values)
    assert "its numbers have decimal commas" in run.notes


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        pytest.param('"0.5"', 0.5, id="quoted"),
        pytest.param('  "0.5" ', 0.5, id="quoted and padded"),
        pytest.param('"1,234.5"', 1234.5, id="thousands"),
        pytest.param(".5", 0.5, id="no digit before the point"),
        pytest.param("-0.5", -0.5, id="negative"),
        pytest.param("+5e-1", 0.5, id="a plus sign"),
        pytest.param("-inf", -np.inf, id="infinite"),
        pytest.param(" " * 100 + "0.5", 0.5, id="padded far"),
    ],
)
def test_numbers_are_read_however_they_are_written(cell: str, value: float) -> None:
    assert list(read(f"step,loss\n1,2\n2,{cell}\n3,1\n").curves["loss"].values) == [2, value, 1]


@pytest.mark.parametrize("cell", ["0.5s", "1 2", "2024-01-31", "a0.5", "0.5.1", "--1", "n/a", '"a, b"', '"a\nb"', "5'"])
def test_what_only_begins_like_a_number_is_none(cell: str) -> None:
    run = read(f"step,loss\n1,2\n2,{cell}\n3,1\n")
    assert (list(run.curves["loss"].steps), run.health.bad_records) == ([1, 3], 0)


CELLS = st.sampled_from(["0.5", "", "nan", '"7"', '"a, b"', '"a\nb ""c"""', "word", " 3 ", "1e-3", "-4.25"])


@given(st.lists(st.tuples(CELLS, CELLS)), st.sampled_from(["\n", "\r\n", "\n\n"]), st.data())
def test_a_table_in_any_pieces_gives_the_same_columns(
    table: list[tuple[str, str]], end: str, data: st.DataObject
) -> None:
    text = "".join(f"{place},{a},{b}{end}" for place, (a, b) in enumerate([("a", "b"), *table])).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    once, often = Rows(3, ord(",")), Rows(3, ord(","))
    once.feed(text)
    for start, stop in pairwise([0, *cuts, len(text)]):
        often.feed(text[start:stop])
    for rows in (once, often):
        rows.finish()
        assert (rows.good, rows.bad) == (len(table) + 1, 0)
    for one, other in zip(once.columns(), often.columns(), strict=True):
        np.testing.assert_array_equal(one.places, other.places)
        np.testing.assert_array_equal(one.values, other.values)


def test_a_quote_that_never_closes_costs_no_more_than_its_rows() -> None:
    text = b'step,loss,note\n1,3,"\n' + b"2,2,\n" * 400_000
    rows = Rows(3, ord(","))
    for start in range(0, len(text), 1 << 19):
        rows.feed(text[start : start + (1 << 19)])
    rows.finish()
    assert rows.good + rows.bad == 400_002
