"""Text from logs, made harmless for a terminal, a Markdown file and a CSV cell."""

from __future__ import annotations

import re

# C0 and C1 controls, DEL, line and paragraph separators, and the bidirectional controls that reorder what a reader
# sees (CVE-2021-42574).
_UNSEEN = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~&-])")


def plain(text: str) -> str:
    """One line that no terminal acts on: controls are shown as escapes."""
    return _UNSEEN.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)


def markdown(text: str) -> str:
    """One line of `plain` text in which Markdown and HTML see no markup."""
    return _MARKDOWN.sub(r"\\\1", plain(text))
