"""Measures that several checks ask for, worked out once for all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

P = ParamSpec("P")
T = TypeVar("T")


def once(measure: Callable[P, T]) -> Callable[P, T]:
    """The pure `measure` of runs and curves, which keeps each answer for as long as those it was asked about live."""
    known: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    @wraps(measure)
    def answer(*about: P.args, **no_others: P.kwargs) -> T:
        place = known
        for one in about[:-1]:
            place = place.setdefault(one, WeakKeyDictionary())
        if about[-1] not in place:
            place[about[-1]] = measure(*about, **no_others)
        told: T = place[about[-1]]
        return told

    return answer
