"""An explanation for the terminal: what it means and what to do first, the thresholds only when asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from diagnose.report.explain import Topic, topics
from diagnose.report.glossary import entries
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


def page_text(page: str, screen: Screen) -> str:
    """A page of Markdown with its heading."""
    title, _, rest = page.partition("\n")
    sections = sections_of(rest)
    parts: list[RenderableType] = [Text(title.lstrip("# "), "bold"), _body(sections.pop("", ""))]
    for heading, text in sections.items():
        parts += [Text(f"\n{heading}", "bold underline"), _body(text)]
    return printed(Group(*parts), screen)


def sections_of(text: str) -> dict[str, str]:
    """Heading -> text below it; what stands before the first heading under the empty one."""
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
    return [*_both(topics()), *entries()]


def _both(found: Iterable[Topic]) -> list[str]:
    return [name for topic in found for name in (topic.code, topic.name)]
