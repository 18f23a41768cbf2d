"""How often ttsdoc is right on this machine, as a table and as plain data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from diagnose.report.screen import Screen, printed
from diagnose.testing.selftest import Selftest


def render(outcome: Selftest, screen: Screen) -> str:
    """One row a class, then recall and false alarms, ending with a newline."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for word in ("class", "runs", "right", ""):
        table.add_column(word, justify="left" if word == "class" else "right")
    for tally in outcome.tallies:
        table.add_row(tally.fault.value, str(tally.runs), str(tally.right), f"{tally.right / tally.runs:.0%}")
    shown = Text(
        f"right fault named first: {outcome.recall:.1%}; healthy runs with an alarm: {outcome.false_alarms:.1%}"
    )
    return printed(Group(table, shown), screen)


def as_plain(outcome: Selftest) -> dict[str, Any]:
    """The outcome for `--format json`."""
    return {
        "recall": outcome.recall,
        "false_alarms": outcome.false_alarms,
        "classes": [{**asdict(tally), "fault": tally.fault.value} for tally in outcome.tallies],
        "mistakes": [{**asdict(mistake), "fault": mistake.fault.value} for mistake in outcome.mistakes],
    }
