"""Many runs: a line of counts, then one row a run, as a table, as CSV or as Markdown."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from rich.console import Group
from rich.table import Table
from rich.text import Text

from diagnose.clean import markdown, plain
from diagnose.finding import Diagnosis, Verdict
from diagnose.pool import badness
from diagnose.report.order import Order
from diagnose.report.screen import UNLIMITED, VERDICT_MARK, VERDICT_STYLE, Screen, printed
from diagnose.report.words import causes, counted, number, title
from diagnose.run import Curve, Role

# A spreadsheet takes a cell that begins with one of these for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# More runs than this are summarised in one line each, and the worst in full.
MANY_RUNS = 3
HEADINGS = ("run", "best val. loss", "at", "last train loss", "findings")


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run in a table of many."""

    name: str
    source: str
    verdict: Verdict
    best_loss: float | None
    """The lowest validation loss."""
    best_step: int | None
    axis: str
    """What the steps of the validation loss count; empty without one."""
    last_loss: float | None
    """The last training loss, finite or not; None where none was logged."""
    steps: int
    """The last step of the run."""
    findings: tuple[str, ...]
    """Names of the causes, worst first."""

    @property
    def best_at(self) -> str:
        """`epoch 12`; `-` without a validation loss."""
        return "-" if self.best_step is None else f"{self.axis} {self.best_step:,}"


def run_rows(diagnoses: Sequence[Diagnosis]) -> list[RunRow]:
    """One row a run, in the order given; runs of one name get as much of their path as distinguishes them."""
    return [_run_row(one, name) for one, name in zip(diagnoses, names(diagnoses), strict=True)]


def names(diagnoses: Sequence[Diagnosis]) -> list[str]:
    """What each run is called."""
    found = [title(one.run) for one in diagnoses]
    paths = [PurePath(one.run.source).parts for one in diagnoses]
    often = Counter(found)
    for depth in range(2, max(map(len, paths), default=0) + 1):
        repeated = {name for name, count in often.items() if count > 1}
        if not repeated:
            break
        found = ["/".join(path[-depth:]) if name in repeated else name for name, path in zip(found, paths, strict=True)]
        often = Counter(found)
    return found


def _run_row(diagnosis: Diagnosis, name: str) -> RunRow:
    run = diagnosis.run
    train, val = run.curve(Role.TRAIN_LOSS), run.curve(Role.VAL_LOSS)
    curve = train or val
    return RunRow(
        name,
        run.source,
        diagnosis.verdict,
        *_lowest(val),
        None if train is None or not len(train) else float(train.values[-1]),
        int(curve.steps[-1]) if curve is not None and len(curve) else 0,
        tuple(dict.fromkeys(finding.name for finding in causes(diagnosis))),
    )


def _lowest(curve: Curve | None) -> tuple[float | None, int | None, str]:
    """The value, its step and what that counts."""
    if curve is None or not len(curve.finite):
        return None, None, ""
    index = int(curve.finite.values.argmin())
    return float(curve.finite.values[index]), int(curve.finite.steps[index]), curve.unit


def in_order(diagnoses: Sequence[Diagnosis], order: Order) -> list[Diagnosis]:
    """The runs sorted, worst or best first; what has no number comes last."""
    if order is Order.VERDICT:
        return list(diagnoses)

    def key(pair: tuple[RunRow, Diagnosis]) -> tuple[bool, float, str]:
        row = pair[0]
        if order is Order.BEST:
            return row.best_loss is None, row.best_loss or 0.0, row.name
        return False, -row.steps if order is Order.STEPS else 0.0, row.name

    return [diagnosis for _, diagnosis in sorted(zip(run_rows(diagnoses), diagnoses, strict=True), key=key)]


def counts(diagnoses: Iterable[Diagnosis]) -> str:
    """`300 runs: 41 unhealthy, 3 inconclusive, 256 healthy`."""
    found = Counter(diagnosis.verdict for diagnosis in diagnoses)
    order = (Verdict.UNHEALTHY, Verdict.INCONCLUSIVE, Verdict.HEALTHY)
    parts = ", ".join(f"{found[verdict]:,} {verdict.value}" for verdict in order if found[verdict])
    return f"{counted(sum(found.values()), 'run')}: {parts}"


def as_table(diagnoses: Sequence[Diagnosis], screen: Screen) -> str:
    """The counts and one row a run, in the order given. No name is cut: where it is too long, the terminal wraps."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for heading in HEADINGS:
        right = "loss" in heading
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    for row in run_rows(diagnoses):
        table.add_row(
            Text(VERDICT_MARK[row.verdict], VERDICT_STYLE[row.verdict]),
            Text(plain(row.name)),
            number(row.best_loss),
            row.best_at,
            number(row.last_loss),
            Text(", ".join(row.findings) or row.verdict.value),
        )
    return printed(Group(Text(f"ttsdoc: {counts(diagnoses)}", "bold"), table), screen, UNLIMITED)


def as_csv(diagnoses: Sequence[Diagnosis]) -> str:
    """One row a run, with a header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    texts, best = ("run", "source", "verdict"), ("best_val_loss", "best_val_step", "step_unit")
    writer.writerow((*texts, *best, "last_train_loss", "last_step", "findings"))
    for row in run_rows(diagnoses):
        step = "" if row.best_step is None else row.best_step
        known = (cell(row.name), cell(row.source), row.verdict.value, _digits(row.best_loss), step, row.axis)
        writer.writerow((*known, _digits(row.last_loss), row.steps, " ".join(row.findings)))
    return out.getvalue()


def _digits(value: float | None) -> str:
    """Ten digits; empty for what is no finite number, so that a column stays a column of numbers."""
    return f"{value:.10g}" if value is not None and math.isfinite(value) else ""


def cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    text = plain(text)
    return f"'{text}" if text.startswith(FORMULA) else text


def as_markdown(diagnoses: Sequence[Diagnosis]) -> str:
    """The counts and one row a run."""
    lines = [f"# ttsdoc: {counts(diagnoses)}", "", f"| | {' | '.join(HEADINGS)} |", "|---|---|---:|---|---:|---|"]
    for row in run_rows(diagnoses):
        losses = f"{number(row.best_loss)} | {row.best_at} | {number(row.last_loss)}"
        found = ", ".join(row.findings) or row.verdict.value
        lines.append(f"| {VERDICT_MARK[row.verdict]} | {markdown(row.name)} | {losses} | {found} |")
    return "\n".join(lines) + "\n"


def worst(found: Sequence[Diagnosis]) -> list[Diagnosis]:
    """The worst run, where one is unhealthy."""
    first = max(found, key=badness)
    return [first] if first.verdict is Verdict.UNHEALTHY else []
