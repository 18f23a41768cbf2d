"""Promise 12: no number that `fix` writes is text to YAML 1.1, which reads `5e-5` as a word."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from diagnose.config import parse_config

YAML_1_1_FLOAT = re.compile(r"[-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?")
"""yaml.org/type/float.html, base 10, without the spellings that ttsdoc never writes."""


@given(st.floats(1e-300, 1e300) | st.floats(1e-12, 10) | st.integers(-12, 12).map(lambda power: 10.0**power))
def test_every_float_that_is_written_is_read_as_that_float(value: float) -> None:
    text = "train:\n  learning_rate: 2e-4\n  batch_size: 16\n  epochs: 9\n"
    rewrite = parse_config(text, "config.yaml").rewrite({"learning_rate": value})
    if not rewrite.applied:
        assert rewrite.text == text
        return
    written = rewrite.text.splitlines()[1].partition(": ")[2]
    assert YAML_1_1_FLOAT.fullmatch(written), written
    seen = yaml.safe_load(rewrite.text)["train"]["learning_rate"]
    assert isinstance(seen, float)
    assert seen == rewrite.applied["learning_rate"][1]
    assert seen == pytest.approx(value, rel=1e-11, abs=0)


@given(st.integers(1, 10**9))
def test_every_count_that_is_written_is_read_as_that_count(value: int) -> None:
    rewrite = parse_config("train: {lr: 0.1, batch_size: 16, epochs: 9}\n", "x.yaml").rewrite({"batch_size": value})
    assert yaml.safe_load(rewrite.text)["train"]["batch_size"] == value
