"""Tables in HTML: what a notebook keeps of a progress callback or of pandas."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any


def cells_of_tables(html: str) -> list[list[str]]:
    """The cells of all tables, row by row."""
    parser = _Tables()
    parser.feed(html)
    return parser.rows


class _Tables(HTMLParser):
    """The cells of all tables, row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "tr":
            self.rows.append([])
        self._inside = tag in {"td", "th"} and bool(self.rows)
        if self._inside:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in {"td", "th", "tr", "table"}

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] += data.strip()
