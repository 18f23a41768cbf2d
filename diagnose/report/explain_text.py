"""An explanation for the terminal: what it means and what to do first, the thresholds only when asked for."""

from __future__ import annotations

import re

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from diagnose.config.hyperparameters import HYPERPARAMETERS
from diagnose.report.explain import Topic, topics
from diagnose.report.glossary import Entry, entries, places, usual
from diagnose.report.screen import NARROWEST, UNLIMITED, Screen, printed

FIRST = ("What to do", "Why it matters")
"""The sections that everyone needs, in the order in which they are needed."""


def topic_text(topic: Topic, screen: Screen, *, long: bool = False) -> str:
    """The meaning, what to do, why; with `long` how it is detected, its blind spots, measured figures, thresholds."""
    sections = sections_of(topic.text)
    parts: list[RenderableType] = [Text(f"{topic.code} {topic.name}", "bold"), _body(sections.pop("", ""))]
    later = [heading for heading in sections if heading not in FIRST] if long else []
    for heading in (*(heading for heading in FIRST if heading in sections), *later):
        parts += [Text(f"\n{heading}", "bold underline"), _body(sections[heading])]
    if not long:
        parts.append(Text(f"\nHow it is detected, and its thresholds: ttsdoc explain {topic.code} --long", "dim"))
    return printed(Group(*parts), screen)


def entry_text(entry: Entry, screen: Screen) -> str:
    """What a hyperparameter does, which values are usual, where it is in each framework's config."""
    unit = HYPERPARAMETERS[entry.name].unit
    parts: list[RenderableType] = [
        Text(entry.name, "bold"),
        _indented(f"{entry.says}{f' Unit: {unit}.' if unit else ''}"),
    ]
    parts += [_indented(f"Too low: {entry.low}")] if entry.low else []
    parts += [_indented(f"Too high: {entry.high}")] if entry.high else []
    parts += [_indented(entry.note)] if entry.note else []
    for heading, column, rows in (
        ("Usual values", "values", usual(entry)),
        ("Where it is set", "key", places(entry.name)),
    ):
        found = list(rows)
        if found:
            parts += [Text(f"\n{heading}", "bold underline"), Padding(_framework_table(column, found), (0, 0, 0, 2))]
    return printed(Group(*parts), screen)


def _indented(sentence: str) -> RenderableType:
    return Padding(Text(sentence), (0, 0, 0, 2))


def _framework_table(column: str, rows: list[tuple[str, str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("framework", ratio=1, overflow="fold")
    table.add_column(column, overflow="fold", ratio=1)
    for title, value in rows:
        table.add_row(Text(title), Text(value))
    return table


def sections_of(text: str) -> dict[str, str]:
    """Heading -> text below it; what is before the first heading under the empty one."""
    first, *rest = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return {"": first.strip()} | {
        heading.strip(): body.strip() for heading, body in zip(rest[::2], rest[1::2], strict=True)
    }


def _body(text: str) -> RenderableType:
    return Padding(Markdown(text), (0, 0, 0, 2)) if text else Text()


def listing(screen: Screen) -> str:
    """One line a code, then the hyperparameters."""
    table = Table(box=None, pad_edge=False, show_header=False, expand=True)
    table.add_column(width=max(len(topic.code) for topic in topics()))
    table.add_column(width=max(len(topic.name) for topic in topics()))
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for topic in topics():
        table.add_row(topic.code, topic.name, Text(topic.summary.replace("`", "")))
    names = ", ".join(entries())
    return printed(
        Group(table, Text("\nHyperparameters: ", "bold").append(names), Text("\nttsdoc explain FIT002", "dim")),
        screen,
        max(screen.width, NARROWEST) if screen.terminal else UNLIMITED,
    )


def known_names() -> list[str]:
    """Everything that can be explained: codes, names of checks, hyperparameters."""
    return [*(name for topic in topics() for name in (topic.code, topic.name)), *entries()]
