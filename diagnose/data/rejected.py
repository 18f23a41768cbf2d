"""What was not taken into a data set, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from diagnose.clean import plain


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something that was not taken, and why."""

    where: str
    """`file:line`."""
    reason: str
    """The same words for the same reason, so that they can be counted."""
    text: str
    """What was lost. Text from the data, not yet neutralised."""
    detail: str = ""
    """The numbers behind the reason."""


def listed(rejected: Iterable[Rejected]) -> str:
    """The content of `rejected.txt`: one line for each, `file:line: reason (detail): text`."""
    return "".join(f"{described(each)}: {plain(each.text)}\n" for each in rejected)


def described(each: Rejected) -> str:
    """Where and why, in one line."""
    return plain(f"{each.where}: {each.reason}" + (f" ({each.detail})" if each.detail else ""))


def reasons(rejected: Iterable[Rejected]) -> dict[str, int]:
    """Reason -> how many were rejected for it, most frequent first."""
    return dict(Counter(each.reason for each in rejected).most_common())
