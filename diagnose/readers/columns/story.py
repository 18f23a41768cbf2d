"""What the columns of one log tell: the curves of the launch that is judged, and of those before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from diagnose.errors import LogError
from diagnose.readers.sources import Source
from diagnose.readers.sources.launched import earlier_launch
from diagnose.run import Axis, Beginning, Curve, InputHealth, Run


@dataclass(frozen=True, eq=False)
class Story:
    """All that the columns of one log hold: the curves of the launch that is judged, and a note on the others."""

    curves: dict[str, Curve]
    notes: tuple[str, ...] = ()
    beginning: Beginning | None = None
    planned_epochs: int | None = None
    planned_steps: int | None = None
    earlier: tuple[tuple[str, dict[str, Curve]], ...] = ()
    """Where each launch before it went that holds a training, and its curves."""

    @property
    def planned(self) -> int | None:
        """The announced end, as the curve with the most points counts."""
        longest = max(self.curves.values(), key=len, default=None)
        if longest is None or not longest.counted:
            return None
        return self.planned_epochs if longest.axis is Axis.EPOCH else self.planned_steps

    def with_roles(self, settle: Callable[[Mapping[str, Curve]], dict[str, Curve]]) -> Story:
        """The same with the roles that a format knows."""
        earlier = tuple((way, settle(curves)) for way, curves in self.earlier)
        return replace(self, curves=settle(self.curves), earlier=earlier)

    def run(
        self, source: Source, form: str, health: InputHealth, notes: Iterable[str] = (), /, *, empty: str, **more: Any
    ) -> Run:
        """The run that a reader gives. Raises LogError without a curve: `empty` says what is missing."""
        if not self.curves:
            raise LogError(f"{source.name}: {empty}")
        run = Run(source.label, source.name, form, self.curves, sources=(source.name,), health=health)
        both = {"beginning": self.beginning, "planned": self.planned, "notes": (*self.notes, *notes)}
        run = replace(run, **both | more)
        return replace(run, earlier=tuple(earlier_launch(run, way, curves) for way, curves in self.earlier))
