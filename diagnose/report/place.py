"""The line of a file that a finding is about: where CI and code scanning show it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diagnose.config import Config
from diagnose.finding import Diagnosis, Finding


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, as someone in the current folder would name it."""

    file: str
    line: int = 1
    """1-based."""


def place_of(diagnosis: Diagnosis, finding: Finding) -> Place | None:
    """The line of the config to change, else the config, else the log; None for standard input and memory."""
    config = diagnosis.facts.config
    if config is not None:
        return Place(shown(config.source), _line(config, finding))
    source = diagnosis.run.source
    return Place(shown(source)) if source not in ("", "-") else None


def _line(config: Config, finding: Finding) -> int:
    """The line that the finding is about, else that of the first value to change, else the first."""
    if finding.line is not None:
        return finding.line
    edits = [edit for prescription in finding.prescriptions for edit in prescription.edits]
    parameters = [edit.parameter for edit in edits] + (["dataset"] if finding.metric == "dataset" else [])
    lines = [config.values[name].line for name in parameters if name in config.values]
    return max(1, lines[0]) if lines else 1


def shown(file: str) -> str:
    """The path below the current folder, with `/` on every system; unchanged where it is elsewhere."""
    if "://" in file:
        return file
    path = Path(file)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.as_posix()
