"""Where the training loss will be at the end of the run."""

from __future__ import annotations

from diagnose.finding import Forecast
from diagnose.run import Run


def forecast(run: Run, horizon: int | None = None) -> Forecast | None:
    """None: there is too little to say."""
    return None
