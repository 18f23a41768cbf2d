"""One file per output format. A format is registered by being here: its `render(diagnoses)` gives the whole text.

The report for a terminal (`text`) is not among them: it depends on the screen.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diagnose.finding import Diagnosis

TEXT = "text"


def names() -> tuple[str, ...]:
    """What `--format` can be: the report for a terminal, then the modules here."""
    return (TEXT, *sorted(info.name for info in pkgutil.iter_modules(__path__)))


def rendered(diagnoses: Sequence[Diagnosis], form: str) -> str:
    """The diagnoses in one format, ending with a newline. Raises ModuleNotFoundError for one that there is not."""
    text: str = import_module(f"{__name__}.{form}").render(diagnoses)
    return text
