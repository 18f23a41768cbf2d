"""Lines of a text log are read by their kinds; how the bytes come makes no difference."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from diagnose.readers.columns import STEP
from diagnose.readers.text.guess import meaning_of
from diagnose.readers.text.lines import LONGEST_LINE, LineColumns, in_utf8

PIECES = [
    "step 3 loss 2.5\n",
    "step 4 loss 2.25 lr 1e-4\r\n",
    "step 5 loss nan\r",
    "Epoch 2: 7.71\n",
    "\x1b[92mstep 6\x1b[0m loss -0.5\n",
    "  9%|█▏ | 9/99 [00:01<00:09, 2.7it/s, loss=0.7]\r",
    "loss: 1,234.5 step: 7\n",
    "loss=.5, step=8\n",
    "prose without any numbers\n",
    "\0\x08\n",
    "损失 3 \n",
    "\r\n",
]


def columns_of(chunks: Sequence[bytes]) -> dict[str, tuple[list[int], list[float]]]:
    log = LineColumns(meaning_of)
    for chunk in chunks:
        log.feed(chunk)
    log.finish()
    return {name: (list(column.places), list(column.values)) for name, column in log.columns().items()}


def test_lines_of_one_kind_are_columns() -> None:
    log = LineColumns(meaning_of)
    log.feed(b"".join(b"step %d loss %d.5\n" % (number, number) for number in range(1000)))
    columns = log.columns()
    np.testing.assert_array_equal(columns[STEP].values, np.arange(1000))
    np.testing.assert_array_equal(columns["loss"].values, np.arange(1000) + 0.5)
    np.testing.assert_array_equal(columns["loss"].places, columns[STEP].places)


def test_signs_nan_thousands_and_bare_fractions_are_read() -> None:
    lines = ["loss: -2.5", "loss: nan", "loss: 1,234.5", "loss: .5", "loss: -inf", "loss: +3e-2"]
    _, values = columns_of(["\n".join(lines).encode()])["loss"]
    np.testing.assert_array_equal(values, [-2.5, np.nan, 1234.5, 0.5, -np.inf, 0.03])


@given(st.lists(st.sampled_from(PIECES), max_size=30), st.randoms(use_true_random=False))
def test_any_chunking_gives_the_same_columns(pieces: list[str], chance: random.Random) -> None:
    data = "".join(pieces).encode()
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(6)) if data else []
    chunks = [data[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    np.testing.assert_equal(columns_of(chunks), columns_of([data]))


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_no_bytes_break_the_reading_whatever_their_chunks(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)
    found, expected = columns_of(chunks), columns_of([whole])
    assume(all(in_utf8(data) == data for data in (whole, *chunks)))  # the first bytes tell which encoding it is
    np.testing.assert_equal(found, expected)


@given(st.integers(-2, 2), st.integers(1, 3))
def test_a_line_without_end_is_skipped_and_counted_whatever_its_chunks(more: int, chunk_count: int) -> None:
    size = LONGEST_LINE + more
    data = b"loss 1\n" + b"x" * size + b"\nloss 2\n"
    chunk = len(data) // chunk_count
    log = LineColumns(meaning_of)
    for start in range(0, len(data), chunk):
        log.feed(data[start : start + chunk])
    log.finish()
    assert list(log.columns()["loss"].values) == [1, 2]
    assert log.bytes_skipped == (size if more > 0 else 0)


def test_what_powershell_redirects_is_read() -> None:
    data = "step 1 loss 2.5\r\nstep 2 loss 1.5\r\n".encode("utf-16")
    assert columns_of([data[:7], data[7:]])["loss"][1] == [2.5, 1.5]


def test_backspaces_of_a_redrawn_bar_end_a_line() -> None:
    assert columns_of([b"loss: 3\x08\x08\x08\x08loss: 2\n"])["loss"][1] == [3, 2]
