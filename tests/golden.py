"""Everything that is generated, with what generates it. `make golden` rewrites it; test_golden.py compares."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from unittest import mock

from benchmarks.diagnosis.measured import DOCUMENT, REAL, measured
from diagnose import cli
from diagnose.report.explain import every_explanation
from tests.findings import CASES, findings_json, stored_in
from tests.reference import library_page

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ("amharic", "healthy", "overfitting")
# A terminal of this width wrote the reports.
ENVIRONMENT = {"COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}


def output_of(*arguments: str) -> str:
    """What `ttsdoc ARGUMENTS` prints on standard output, run in the root of the checkout."""
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
    before = Path.cwd()
    os.chdir(ROOT)
    _age_the_logs()
    try:
        with (
            redirect_stdout(out),
            mock.patch.object(sys, "argv", ["ttsdoc", *arguments]),
            mock.patch.dict(os.environ, ENVIRONMENT),
        ):
            cli.main()
    finally:
        os.chdir(before)
    return raw.getvalue().decode("utf-8")


def _age_the_logs() -> None:
    """Give the example logs the time of a run that is long over: a file just checked out may still be growing."""
    for path in (ROOT / "examples").rglob("*"):
        if path.is_file():
            os.utime(path, (1_700_000_000, 1_700_000_000))


def _reports() -> dict[str, Callable[[], str]]:
    made: dict[str, Callable[[], str]] = {}
    for name in EXAMPLES:
        for form, suffix in (("text", "txt"), ("json", "json"), ("markdown", "md")):
            made[f"examples/{name}/report.{suffix}"] = _analyze(name, form)
    return made


def _analyze(name: str, form: str) -> Callable[[], str]:
    return lambda: output_of("analyze", f"examples/{name}", "--format", form)


GOLDEN: Mapping[str, Callable[[], str]] = {
    "presets/measured.yaml": lambda: measured(DOCUMENT.read_text("utf-8"), REAL.read_text("utf-8")),
    "docs/checks.md": every_explanation,
    "docs/library.md": library_page,
    "examples/amharic/stable.yaml": lambda: output_of("fix", "examples/amharic/config.yaml"),
    **_reports(),
    **{stored_in(name): partial(findings_json, name) for name in CASES},
}


def rewrite() -> None:
    for name, make in GOLDEN.items():
        (ROOT / name).write_text(make(), "utf-8")
    for name in left_over():
        (ROOT / name).unlink()


def left_over() -> set[str]:
    """Stored findings of checks that are no more."""
    here = {path.relative_to(ROOT).as_posix() for path in (ROOT / stored_in("")).parent.glob("*.json")}
    return here - GOLDEN.keys()


if __name__ == "__main__":
    rewrite()
