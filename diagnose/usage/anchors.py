"""Keys of a config that share one value: what an anchor lends to another key."""

from __future__ import annotations

from dataclasses import replace

from diagnose.config import Config
from diagnose.config.node import resolved
from diagnose.usage.report import KeyReport


def read_as_one(report: KeyReport, config: Config) -> KeyReport:
    """A value that stands under two keys (`*anchor`, `<<: *anchor`) is read where one of them is."""
    written = {use.path: config.document.node(tuple(use.path.split(".")), own=True) for use in report.keys}
    nodes = {path: id(resolved(node)) for path, node in written.items() if node is not None}
    idle = {use.path for use in report.idle}
    twins = {nodes[use.path]: use for use in report.keys if use.path in nodes and use.path not in idle}
    found = {path: twins[nodes[path]] for path in idle if nodes.get(path) in twins}
    uses = (
        replace(found[use.path], path=use.path, reason=f"as {found[use.path].path}") if use.path in found else use
        for use in report.keys
    )
    return replace(report, keys=tuple(uses))
