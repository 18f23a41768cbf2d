"""What a report is written for, and how a rich renderable becomes text for it."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diagnose.clean import plain
from diagnose.finding import Finding, Severity, Verdict

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.padding import Padding
    from rich.text import Text

# Colours of the 256 that stand out from white and from black alike: contrast 3.5 to 5.9 with either (WCAG 2).
GREEN, RED, AMBER, BLUE, PURPLE = "color(28)", "color(196)", "color(166)", "color(33)", "color(133)"
VERDICT_STYLE = {
    Verdict.HEALTHY: f"bold {GREEN}",
    Verdict.UNHEALTHY: f"bold {RED}",
    Verdict.INCONCLUSIVE: f"bold {AMBER}",
}
VERDICT_MARK = {Verdict.HEALTHY: "✓", Verdict.UNHEALTHY: "✗", Verdict.INCONCLUSIVE: "?"}
SEVERITY_STYLE = {Severity.ERROR: f"bold {RED}", Severity.WARNING: f"bold {AMBER}", Severity.INFO: BLUE}

# Of Markdown: rich's own code is cyan on black, a dark bar on a light ground.
THEME = {"markdown.code": "bold", "markdown.table.header": "bold", "markdown.table.border": "dim"}

NARROWEST = 40
"""Columns: a narrower terminal wraps lines itself."""
WIDEST_TEXT = 100
"""Columns: longer lines of prose are hard to read."""
WIDEST_CHART = 160
UNLIMITED = 10_000
"""Columns of a table that no terminal cuts: a name in a file must stay whole."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What the text is written for."""

    width: int = 80
    """Columns."""
    colour: bool = False
    unicode: bool = True
    """Whether the output's encoding has more than ASCII."""
    terminal: bool = True
    """Whether a person sees it at once; a file or a pipe has no width."""

    @classmethod
    def of_stdout(cls) -> Screen:
        """The terminal behind standard output; NO_COLOR and FORCE_COLOR are honoured."""
        forced, terminal = os.environ.get("FORCE_COLOR"), sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        coloured = bool(forced or terminal) and not os.environ.get("NO_COLOR")
        encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
        width = shutil.get_terminal_size((80, 24)).columns
        return cls(width, coloured, encoding.startswith("utf"), sys.stdout.isatty())

    @property
    def text_width(self) -> int:
        """Columns for prose."""
        return min(max(self.width, NARROWEST), WIDEST_TEXT)

    @property
    def chart_width(self) -> int:
        """Columns for charts."""
        return min(max(self.width, NARROWEST), WIDEST_CHART)


def printed(content: RenderableType, screen: Screen, width: int | None = None) -> str:
    """A rich renderable as text for this screen, trailing blanks removed. `width`: None: that of prose."""
    from rich.console import Console
    from rich.theme import Theme

    out = io.StringIO()
    console = Console(
        file=out,
        theme=Theme(THEME),
        width=width or screen.text_width,
        force_terminal=screen.colour,
        no_color=not screen.colour,
        color_system="256" if screen.colour else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    console.print(content)
    text = "\n".join(line.rstrip() for line in out.getvalue().split("\n"))
    return _encoded(text, screen)


def heading(words: str) -> Text:
    """The heading of a section, below a blank line."""
    from rich.text import Text

    return Text(f"\n{words}", "bold underline")


def indented(content: RenderableType, columns: int = 2, *, above: int = 0) -> Padding:
    """The content below its heading; `above`: blank lines before it."""
    from rich.padding import Padding

    return Padding(content, (above, 0, 0, columns))


def finding_head(finding: Finding) -> Text:
    """`warning CFG003 contradiction`."""
    from rich.text import Text

    head = Text(f"{finding.severity.value} ", SEVERITY_STYLE[finding.severity])
    return head.append(f"{finding.code} {finding.name}", "bold")


def finding_body(finding: Finding) -> Text:
    """What is wrong, where, and what to do."""
    from rich.text import Text

    parts = [Text(plain(finding.message)), *(Text(plain(example), "dim") for example in finding.examples)]
    return Text("\n").join([*parts, *([Text(f"→ {plain(finding.advice)}")] if finding.advice else [])])


def in_one_line(words: Sequence[tuple[str, str]], screen: Screen) -> str:
    """Pairs of word and style as a line. Without colour rich is not loaded: it takes longer than to judge a run."""
    if not screen.colour:
        return _encoded("".join(word for word, _ in words).rstrip() + "\n", screen)
    from rich.text import Text

    return printed(Text.assemble(*words), screen, UNLIMITED)


def _encoded(text: str, screen: Screen) -> str:
    return text if screen.unicode else text.translate(ASCII).encode("ascii", "replace").decode("ascii")


ASCII = str.maketrans(
    {"✓": "+", "✗": "x", "→": ">", "─": "-", "│": "|", "●": "o", "├": "|", "└": "'", "·": "-", "▼": "v", "┊": ":"}
    | {"┤": "|", "┬": "+", "┌": "+", "┐": "+", "┘": "+", "…": "~", "≥": ">"}
)
