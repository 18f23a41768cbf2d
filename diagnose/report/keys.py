"""What a trainer does with each key of a config, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from diagnose.usage.report import KeyReport, KeyState, KeyUse

MOST_NAMED = 12


def keys_json(report: KeyReport) -> list[dict[str, Any]]:
    """Every key in the order of the file; a list is one key."""
    return [_use_json(use) for use in report.keys]


def report_json(report: KeyReport) -> dict[str, Any]:
    """The contract of `ttsdoc trace --format json`, without the envelope."""
    absent = [
        {"path": key.path, "default": key.default, "reads": [str(place) for place in key.reads]}
        for key in report.absent
    ]
    return {
        "trainer": report.trainer,
        "method": report.method,
        "keys": keys_json(report),
        "absent": absent,
        "notes": list(report.notes),
    }


def lines(report: KeyReport) -> Iterator[str]:
    """The report as text, what is wrong first."""
    width = max((len(use.path) for use in report.idle), default=0)
    for use in report.idle:
        yield f"{use.state.value:<10} {use.path:<{width}}  {_in_short(use)}".rstrip()
    for key in report.absent:
        default = "no default" if key.default is None else f"default {key.default}"
        yield f"{'absent':<10} {key.path} is read at {key.reads[0]}; the file does not have it ({default})"
    for reason, paths in _by_reason(report.keys).items():
        yield f"{'unknown':<10} {_some(paths)}: {reason}"
    yield (
        f"{len(report.keys)} keys: {len(report.live)} read, {len(report.dead)} never read, "
        f"{len(report.misplaced)} read under another path, {len(report.unknown)} cannot tell"
    )
    if report.idle:
        yield "Changing a dead or misplaced key has no effect."


def _in_short(use: KeyUse) -> str:
    if use.state is KeyState.MISPLACED:
        default = "" if use.default is None else f", {use.default} is used"
        return f"the trainer reads {use.instead} ({use.place}){default}"
    if use.hard_coded is not None:
        return f"{use.hard_coded} is written in the source at {use.place}"
    return use.reason or ("" if use.place is None else f"other keys of its section are read at {use.place}")


def _some(paths: Sequence[str]) -> str:
    named = ", ".join(f"`{path}`" for path in paths[:MOST_NAMED])
    return named if len(paths) <= MOST_NAMED else f"{named} and {len(paths) - MOST_NAMED} more"


def _by_reason(keys: Sequence[KeyUse]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for use in keys:
        if use.state is KeyState.UNKNOWN:
            reasons.setdefault(use.reason, []).append(use.path)
    return reasons


def _use_json(use: KeyUse) -> dict[str, Any]:
    return {
        "path": use.path,
        "state": use.state.value,
        "confidence": use.confidence.value,
        "where": None if use.where is None else str(use.where),
        "reads": [str(place) for place in use.reads],
        "reason": use.reason,
        "instead": use.instead,
        "default": use.default,
        "place": None if use.place is None else str(use.place),
        "hard_coded": use.hard_coded,
    }
