"""The library: pure functions of their inputs, importable from `diagnose`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from diagnose.engine import examine
from diagnose.facts import Hints
from diagnose.finding import Diagnosis
from diagnose.gather import facts_of_config, facts_of_run
from diagnose.plan import Plan, plan_of_config
from diagnose.readers import runs


def analyze(path: str | Path, hints: Hints = Hints()) -> list[Diagnosis]:
    """Diagnose every run at `path` (a log, a folder, a tree). Pure: maps over any pool.

    Raises LogError or ConfigError, in one line, where nothing can be read.
    """
    return [examine(facts_of_run(run, hints)) for run in runs(path)]


def fix(
    config_path: str | Path,
    *,
    logs: Iterable[str | Path] = (),
    hints: Hints = Hints(),
    only: Collection[str] | None = None,
    unsafe: bool = False,
    trainer: str | Path | None = None,
    dialect: str | Path | None = None,
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
    return plan_of_config(examine(facts), only=only, unsafe=unsafe)
