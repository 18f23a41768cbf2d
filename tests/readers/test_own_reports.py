"""A report saved beside the logs is not a log: judging one's own words would double every run."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnose import runs
from diagnose.engine import examine
from diagnose.errors import LogError
from diagnose.facts import Facts
from diagnose.readers import read
from diagnose.report import as_json, as_markdown, summary
from diagnose.report import terminal as text
from diagnose.report.screen import Screen


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "train.log"
    path.write_text("".join(f"Epoch {n}: {9 - n / 10:.2f}\n" for n in range(1, 41)), "utf-8")
    return path


@pytest.mark.parametrize("form", ["text", "markdown", "json", "summary"])
def test_a_saved_report_is_passed_over_in_a_folder_and_refused_by_name(log: Path, form: str) -> None:
    diagnosis = examine(Facts(read(log)))
    report = {
        "text": lambda: text.render(diagnosis, Screen()),
        "markdown": lambda: as_markdown.render(diagnosis),
        "json": lambda: as_json.dumps(as_json.diagnoses([diagnosis])),
        "summary": lambda: summary.as_table([diagnosis] * 4, Screen()),
    }[form]()
    saved = log.with_name("report.txt")
    saved.write_text(report, "utf-8")
    assert [run.source for run in runs(log.parent)] == [str(log)]
    with pytest.raises(LogError, match=r"report\.txt"):
        read(saved)
