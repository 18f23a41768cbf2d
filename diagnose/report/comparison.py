"""A comparison of runs as text, Markdown and JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from diagnose.clean import markdown, plain
from diagnose.report.words import curve_of, number, place_of

if TYPE_CHECKING:
    from diagnose.live.compare import Compared, Left

Row = tuple[str, ...]


def as_text(found: Compared, left: Sequence[Left]) -> str:
    """Tables in columns, the answer first."""
    bands = "\n".join(band_line(one, unit_of(found)) for one in left)
    blocks = [_answer(found), *map(_columns, _tables(found)), bands]
    return plain_lines("\n\n".join(filter(None, blocks))) + "\n"


def as_markdown(found: Compared, left: Sequence[Left]) -> str:
    """The same for an issue or a wiki."""
    bands = "\n".join(f"- {markdown(band_line(one, unit_of(found)))}" for one in left)
    blocks = [markdown(_answer(found)), *map(_markdown_table, _tables(found)), bands]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _tables(found: Compared) -> list[list[Row]]:
    """The ranking, the course, and the settings in which the runs differ."""
    settings = [(name, *("-" if value is None else str(value) for value in values)) for name, values in found.settings]
    differing = [[("differs in", *(entry.name for entry in found.entries)), *settings]] if settings else []
    return [_ranking(found), _differences(found), _course(found), *differing]


def as_plain(found: Compared, left: Sequence[Left]) -> dict[str, Any]:
    """The same for scripts."""
    ranking = [
        {
            "run": entry.name,
            "verdict": entry.diagnosis.verdict,
            "best": None if entry.best is None else asdict(entry.best),
            "final": entry.final,
            "noise": entry.noise,
            "reached_first_best_at": entry.reached,
            "findings_gone": entry.gone,
            "findings_new": entry.new,
            "against_the_first": entry.sentence,
        }
        for entry in found.entries
    ]
    return {
        "by": found.by,
        "metric": found.metric,
        "noise": asdict(found.noise),
        "within": found.within,
        "ranking": ranking,
        "course": {"places": found.places.tolist(), "losses": found.losses.tolist()},
        "settings": [{"parameter": name, "values": values} for name, values in found.settings],
        "band": [asdict(one) for one in left],
    }


def band_line(left: Left, unit: str) -> str:
    """`run_b leaves the healthy band at step 900 (worse)`."""
    if left.place is None:
        return f"{left.name} stays in the healthy band"
    return f"{left.name} leaves the healthy band at {unit} {left.place:,.4g} ({'worse' if left.worse else 'better'})"


def unit_of(found: Compared) -> str:
    """What the runs are aligned by, as their logs count it: `step`, `epoch`, ..."""
    curves = [curve_of(entry.diagnosis.run, found.metric) for entry in found.entries]
    units = {curve.unit for curve in curves if curve is not None}
    return units.pop() if found.by.value == "step" and len(units) == 1 else found.by.value


def plain_lines(text: str) -> str:
    """Text of several lines, each of them safe for a terminal."""
    return "\n".join(plain(line) for line in text.split("\n"))


def _answer(found: Compared) -> str:
    """Which is best, and whether that is more than noise."""
    best, second = found.entries[:2]
    if best.best is None:
        return "none of these runs has a finite loss"
    within = f" {found.within}" if found.within else ""
    text = f"best{within}: {best.name}, {found.metric} {number(best.best.loss)}"
    if second.best is None:
        return text
    gap = second.best.loss - best.best.loss
    noise = f"({number(found.noise.value)}, {found.noise.how})"
    if gap <= found.noise.value:
        level = f"{best.name} and {second.name} differ by {number(gap)}: within noise {noise}"
        return f"no winner{within}: {found.metric} {number(best.best.loss)}, {level}"
    return f"{text}; {number(gap)} below {second.name}: more than noise {noise}"


def _ranking(found: Compared) -> list[Row]:
    rows: list[Row] = [("", "run", "best", "final", "noise", "as good as the first at")]
    for place, entry in enumerate(found.entries, 1):
        best = "-"
        if entry.best is not None:
            at = place_of(entry.diagnosis.run, entry.best.metric, entry.best.step)
            best = f"{number(entry.best.loss)} ({at})"
        reached = "-" if entry.reached is None else f"{entry.reached:,.4g}"
        final = "-" if entry.final is None else number(entry.final)
        rows.append((str(place), entry.name, best, final, f"±{number(entry.noise)}", reached))
    return rows


def _differences(found: Compared) -> list[Row]:
    """A table of its own: beside the ranking it would be wider than a terminal."""
    rows: list[Row] = [("run", "against the first", "findings")]
    for entry in found.entries:
        changes = [f"-{name}" for name in entry.gone] + [f"+{name}" for name in entry.new]
        rows.append((entry.name, entry.sentence or "-", " ".join(changes) or entry.diagnosis.verdict.value))
    return rows


def _course(found: Compared) -> list[Row]:
    rows: list[Row] = [(unit_of(found), *(entry.name for entry in found.entries))]
    for place, losses in zip(found.places, found.losses, strict=True):
        rows.append((f"{place:,.4g}", *("-" if math.isnan(loss) else number(float(loss)) for loss in losses)))
    return rows


def _columns(rows: list[Row]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _markdown_table(rows: list[Row]) -> str:
    lines = ["| " + " | ".join(markdown(cell) for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])
