"""Promise 6: NaN, inf, huge, tiny, negative, constant, one or no point: an answer, and JSON in the strict sense."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from diagnose.api import analyze
from diagnose.errors import LogError
from diagnose.report import as_json, as_markdown
from diagnose.report.screen import Screen
from diagnose.report.terminal import render
from tests.promises.commands import error_lines, in_this_process

ODD = [float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 5e-324, 1.8e308, -1.8e308, 1e-300, 2.0**63, -1.0, 1e16]
VALUES = st.lists(st.sampled_from(ODD) | st.floats() | st.floats(0.1, 9), max_size=60)


def refuse(word: str) -> Any:
    raise AssertionError(f"{word} is no JSON")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES, VALUES, st.sampled_from([1, 7, 10**9, 2**62]))
@example([0.0] * 6 + [2.0**63, 1e16, 1.0, 5e-324], [], 1)  # a rate whose fall is beyond every quotient
def test_every_report_of_any_series_is_made(tmp_path: Path, train: list[float], val: list[float], stride: int) -> None:
    path = tmp_path / "metrics.jsonl"
    rows = [{"step": n * stride, "loss": v, "lr": v} for n, v in enumerate(train)]
    rows += [{"step": n * stride, "val_loss": v} for n, v in enumerate(val)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    try:
        found = analyze(path)
    except LogError:
        return
    json.loads(as_json.dumps(as_json.diagnoses(found)), parse_constant=refuse)
    for diagnosis in found:
        assert not diagnosis.crashed, diagnosis.crashed
        assert render(diagnosis, Screen(80))
        assert as_markdown.render(diagnosis)


@pytest.mark.parametrize(
    "text", ["nan", "NaN", "inf", "-Infinity", "1e999", "-1e-999", "None", "null", "1,5", "١٢٣", "½"]
)
@pytest.mark.parametrize("name", ["train.log", "metrics.csv", "metrics.jsonl"])
def test_odd_spellings_of_numbers_are_no_crash(tmp_path: Path, name: str, text: str) -> None:
    lines = [str(3 / (1 + n / 9)) if n % 5 else text for n in range(60)]
    form = {"train.log": "step {} loss {}\n", "metrics.csv": "{},{}\n", "metrics.jsonl": '{{"step": {}, "loss": {}}}\n'}
    head = "step,loss\n" if name.endswith("csv") else ""
    (tmp_path / name).write_text(head + "".join(form[name].format(n, value) for n, value in enumerate(lines)))
    result = in_this_process("analyze", tmp_path / name, "--format", "json")
    assert "an error in ttsdoc" not in " ".join(error_lines(result))
    if result.returncode < 2:
        json.loads(result.stdout, parse_constant=refuse)
