"""ttsdoc: finds what is wrong with a training run, proves it, and writes the corrected config.

The library, each a pure function of its inputs:

- ``read(path)``: one run; ``runs(path)``: every run below a folder.
- ``analyze(what)``: one diagnosis a run; ``what`` is a path, a run, a frame or a dict of lists.
- ``watch(place)``: typed events of a run that is still being written; ``compare(paths)``: runs side by side.
- ``fix(config_path)``: the plan of edits, and the config's text before and after.
- ``Doctor(...)``: the same beside a training loop: ``doctor.log(step, loss=...)``.
- ``examine(facts)``: the engine behind both; ``Check`` is the shape of its rules.

``str(diagnosis)`` is the report, ``repr`` one line, and a notebook shows the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from diagnose.api import analyze, fix
    from diagnose.checks.base import About, Check
    from diagnose.engine import examine
    from diagnose.errors import ConfigError, DataError, LogError, SourceError, TrainerError, TtsdocError
    from diagnose.facts import Facts, Hints
    from diagnose.finding import (
        Confidence,
        Diagnoses,
        Diagnosis,
        Edit,
        Evidence,
        Finding,
        Operation,
        Prescription,
        Recommendation,
        Safety,
        Severity,
        StopAdvice,
        Verdict,
    )
    from diagnose.integrations.loop import Doctor
    from diagnose.live.compare import compare
    from diagnose.live.watch import watch
    from diagnose.plan import Plan
    from diagnose.readers import read, runs
    from diagnose.readers.sources import Reader, Source
    from diagnose.run import Axis, Curve, Role, Run

_HOME_OF = {
    name: f"diagnose.{home}"
    for home, names in {
        "api": "analyze fix",
        "checks.base": "About Check",
        "engine": "examine",
        "errors": "ConfigError DataError LogError SourceError TrainerError TtsdocError",
        "facts": "Facts Hints",
        "finding": "Confidence Diagnoses Diagnosis Edit Evidence Finding Operation Prescription Recommendation Safety "
        "Severity StopAdvice Verdict",
        "integrations.loop": "Doctor",
        "live.compare": "compare",
        "live.watch": "watch",
        "plan": "Plan",
        "readers": "read runs",
        "readers.sources": "Reader Source",
        "run": "Axis Curve Role Run",
    }.items()
    for name in names.split()
}
__all__ = [
    "About",
    "Axis",
    "Check",
    "Confidence",
    "ConfigError",
    "Curve",
    "DataError",
    "Diagnoses",
    "Diagnosis",
    "Doctor",
    "Edit",
    "Evidence",
    "Facts",
    "Finding",
    "Hints",
    "LogError",
    "Operation",
    "Plan",
    "Prescription",
    "Reader",
    "Recommendation",
    "Role",
    "Run",
    "Safety",
    "Severity",
    "Source",
    "SourceError",
    "StopAdvice",
    "TrainerError",
    "TtsdocError",
    "Verdict",
    "analyze",
    "compare",
    "examine",
    "fix",
    "read",
    "runs",
    "watch",
]


def __getattr__(name: str) -> Any:
    """Import each public name on first use, so that ``ttsdoc --help`` never pays for numpy."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'diagnose' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
