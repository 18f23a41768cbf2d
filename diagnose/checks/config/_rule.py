"""The shape of one contradiction: a function of the config, what it amounts to, and what is known beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from diagnose.config import Config
from diagnose.config.effective import Effective
from diagnose.facts import Facts
from diagnose.finding import Confidence, Evidence, Finding, Prescription, Severity
from diagnose.numbers import Number

Rule = Callable[[Config, Effective, Facts], Iterator[Finding]]


def contradiction(
    severity: Severity, message: str, advice: str, *cures: Prescription, line: int | None = None, **evidence: Number
) -> Finding:
    """A CFG003 finding; these rest on the text alone, so that they are certain. `line`: of the value at fault."""
    return Finding(
        "CFG003",
        "contradiction",
        severity,
        Confidence.HIGH,
        "config",
        message,
        evidence=tuple(Evidence(name, value) for name, value in evidence.items()),
        prescriptions=cures,
        advice=advice,
        line=line,
    )


def at(config: Config, name: str) -> str:
    """`training.warmup_steps: 4000 (line 60)`."""
    setting = config.values[name]
    return f"{setting.path}: {setting.value} ({setting.where})"


def scalar(config: Config, path: str) -> Any:
    """The plain value of a key that has no canonical name."""
    node = config.document.node(tuple(path.split(".")))
    return getattr(node, "value", None)


def beside(config: Config, name: str, key: str) -> Any:
    """The plain value of a key in the section where a hyperparameter is."""
    *section, _ = config.values[name].path.split(".")
    return scalar(config, ".".join([*section, key]))
