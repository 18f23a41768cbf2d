"""The library: pure functions of their inputs, importable from `diagnose`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from diagnose.checks.base import Check
from diagnose.engine import examine
from diagnose.facts import Hints
from diagnose.finding import Diagnoses
from diagnose.gather import facts_of_config, facts_of_run
from diagnose.plan import Plan, plan_of_config
from diagnose.readers import runs
from diagnose.readers.in_memory import run_in_memory
from diagnose.run import Run

if TYPE_CHECKING:
    import pandas as pd


Logged = str | Path | Run | Mapping[str, Sequence[float]]
"""What can be analysed: a path, a run, a mapping of lists (or a frame of tag, step, value)."""


def analyze(what: Logged | pd.DataFrame, hints: Hints = Hints(), *, checks: Iterable[Check] | None = None) -> Diagnoses:
    """Diagnose every run in `what`: a path (a log, a folder, a tree), a run, a frame or a mapping of lists.

    A frame has columns tag, step, value; of lists by name one may be called `step` or `epoch`. `checks`: those to
    ask; None: all. Pure: maps over any pool. Raises LogError or ConfigError, in one line, where nothing can be read.
    """
    asked = None if checks is None else tuple(checks)
    found = runs(what) if isinstance(what, str | Path) else [what if isinstance(what, Run) else run_in_memory(what)]
    return Diagnoses(examine(facts_of_run(run, hints), checks=asked) for run in found)


def fix(  # noqa: PLR0913 - each is a keyword that a person gives
    config_path: str | Path,
    *,
    logs: Iterable[str | Path] = (),
    hints: Hints = Hints(),
    only: Collection[str] | None = None,
    unsafe: bool = False,
    minimal: bool = False,
    trainer: str | Path | None = None,
    dialect: str | Path | None = None,
    checks: Iterable[Check] | None = None,
) -> Plan:
    """The plan that corrects a config in the light of its logs and data set.

    Raises ConfigError or LogError, in one line, for what the user can repair.
    """
    facts = facts_of_config(
        Path(config_path),
        logs=[Path(log) for log in logs],
        hints=hints,
        trainer=Path(trainer) if trainer else None,
        dialect=Path(dialect) if dialect else None,
    )
    return plan_of_config(examine(facts, checks=checks), only=only, unsafe=unsafe, minimal=minimal)
