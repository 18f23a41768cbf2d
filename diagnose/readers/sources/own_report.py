"""Reports of our own that someone saved beside the logs: they hold losses, but they are no logs."""

from __future__ import annotations

from diagnose.regex import regex

_REPORT = regex(
    rb"\A(?:ttsdoc: \d+ runs|ttsdoc \S+ (?:UNHEALTHY|HEALTHY|INCONCLUSIVE)|# ttsdoc: |"
    rb'\{\s*"schema_version": \d+,\s*"tool": \{\s*"name": "ttsdoc")'
)


def is_report(head: bytes) -> bool:
    """Whether a file that begins so was written by `ttsdoc analyze`, as text, Markdown or JSON."""
    return _REPORT.match(head) is not None
