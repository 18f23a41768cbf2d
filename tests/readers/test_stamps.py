"""The time at which a line was written."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import diagnose
from diagnose.readers import runs
from diagnose.readers.text.stamps import seconds_at, stamp_in
from diagnose.run import Curve, Role

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31), timezones=st.just(timezone.utc))


def read(path: Path, lines: list[str]) -> Curve:
    """The training loss of a log of these lines."""
    path.write_text("\n".join(lines) + "\n")
    (run,) = runs(path)
    curve = run.curve(Role.TRAIN_LOSS)
    assert curve is not None
    return curve


@pytest.mark.parametrize("form", ["%Y-%m-%d %H:%M:%S INFO", "[%Y/%m/%d %H:%M:%S.%f]", "INFO %Y-%m-%dT%H:%M:%S,%f -"])
def test_the_stamps_of_lines_become_wall_times(tmp_path: Path, form: str) -> None:
    """Over midnight and the end of a month."""
    first = datetime(2026, 1, 31, 23, 59, 58, tzinfo=timezone.utc).timestamp()
    stamps = [datetime.fromtimestamp(first + second, timezone.utc).strftime(form) for second in range(20)]
    curve = read(tmp_path / "a.log", [f"{stamp} step {n} loss {3 - n / 20:.3f}" for n, stamp in enumerate(stamps, 1)])
    assert curve.wall_times is not None
    assert curve.wall_times.tolist() == [first + second for second in range(20)]


def test_a_log_without_stamps_has_no_wall_times(tmp_path: Path) -> None:
    """A time of day alone gives no date."""
    lines = [f"[12:00:{n:02d}] step {n} loss {3 - n / 20:.3f}" for n in range(20)]
    assert read(tmp_path / "a.log", lines).wall_times is None


def test_dates_that_no_calendar_has_are_not_known(tmp_path: Path) -> None:
    """Month 13."""
    lines = [f"2026-13-01 12:00:{n:02d} step {n} loss {3 - n / 20:.3f}" for n in range(20)]
    walls = read(tmp_path / "a.log", lines).wall_times
    assert walls is not None
    assert np.isnan(walls).all()


@given(MOMENTS)
def test_a_stamp_is_the_moment_that_the_calendar_of_python_gives(moment: datetime) -> None:
    """To the second."""
    line = moment.strftime("INFO %Y-%m-%d %H:%M:%S loss 3").replace(f" {moment.year}-", f" {moment.year:04d}-")
    start = stamp_in(line)
    assert start is not None
    text = np.frombuffer(line.encode(), np.uint8)
    assert seconds_at(text, np.array([start])).tolist() == [moment.timestamp() // 1]


def test_a_run_that_slows_down_is_found_by_the_stamps_of_its_log(tmp_path: Path) -> None:
    """Five steps a second, from two thirds on one in two seconds: stamps in whole seconds repeat at first."""
    pace = np.where(np.arange(3000) < 2000, 0.2, 2.0)
    seconds = 1_769_900_000 + np.cumsum(pace)
    with (tmp_path / "a.log").open("w") as log:
        for step, second in enumerate(seconds.tolist(), 1):
            stamp = datetime.fromtimestamp(second, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
            log.write(f"{stamp} step {step} loss {0.3 + (1 + step / 75) ** -0.9:.4f}\n")
    (diagnosis,) = diagnose.analyze(str(tmp_path / "a.log"))
    assert [finding.name for finding in diagnosis.findings if finding.alarming] == ["stalled-run"]
