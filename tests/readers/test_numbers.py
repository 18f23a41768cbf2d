"""Numbers are found where `float()` would read them, and read as `float()` does, bit for bit."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.readers.columns.numbers import find_numbers


def read_numbers(text: str) -> list[tuple[str, float]]:
    data = f"\n{text}\n".encode()
    numbers = find_numbers(np.frombuffer(data, np.uint8))
    values = numbers.values(np.arange(len(numbers.starts)))
    spans = zip(numbers.starts, numbers.stops, strict=True)
    return [(data[start:stop].decode(), float(value)) for (start, stop), value in zip(spans, values, strict=True)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("Loss: 9.1 | LR: 0.000200", ["9.1", "0.000200"], id="plain"),
        pytest.param("lr=5e-05, eps=1E-8, big=2e+3", ["5e-05", "1E-8", "2e+3"], id="exponents"),
        pytest.param("loss_0: 3 mAP50: 4 v1.2: 5", ["3", "4", "5"], id="digits in words belong to the words"),
        pytest.param("12:34:56,789", ["12", "34", "56", "789"], id="a time is four numbers"),
        pytest.param("2.5it/s 416.19ms 7e", ["2.5", "416.19", "7"], id="units are not part of a number"),
        pytest.param("-3.5 +2", ["3.5", "2"], id="the sign is not part of a number"),
        pytest.param("1.2.3", ["1.2", "3"], id="a second point ends a number"),
        pytest.param("损失5 步数7", ["5", "7"], id="beside other alphabets"),
        pytest.param("", [], id="empty"),
    ],
)
def test_numbers_are_found_where_a_reader_would_see_them(text: str, words: list[str]) -> None:
    assert [word for word, _ in read_numbers(text)] == words


@given(st.floats(min_value=0, allow_nan=False, allow_infinity=False))
def test_every_float_that_python_prints_comes_back_bit_for_bit(value: float) -> None:
    assert read_numbers(f"x={value!r}") == [(repr(value), value)]


@given(st.from_regex(r"\d{1,25}(\.\d{1,25})?([eE][-+]?\d{1,5})?", fullmatch=True).filter(str.isascii))
def test_every_written_number_is_read_as_float_reads_it(word: str) -> None:
    assert read_numbers(f"loss {word} ") == [(word, float(word))]


@given(st.text("0123456789.eE+-_ax \n:", max_size=40))
def test_no_text_breaks_the_reading(text: str) -> None:
    for word, value in read_numbers(text):
        assert re.fullmatch(r"\d+(\.\d+)?([eE][-+]?\d+)?", word)
        assert value == float(word)
