"""usage: python -m benchmarks.real.forecasts --raw ../shared/corpus/raw: does the forecast's interval hold?

Every run of `first` and `opened` is cut where 60 and where 80 % of its points were logged, and asked for its end. What
came is the median loss of its last twentieth, three points at least. Runs of fewer than 40 points and runs that do not
end in a finite loss are left out; sick runs are not.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.real.corpus import Labelled, load
from diagnose.facts import Facts
from diagnose.finding import Forecast
from diagnose.forecast import forecast
from diagnose.run import Role

CUTS = (0.6, 0.8)
SHORTEST = 40
"""Points of a run that has an end to speak of."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One forecast, and what came."""

    id: str
    cut: float
    came: float
    told: Forecast | None
    lowest: float
    """The lowest loss that was known when it was asked."""

    @property
    def held(self) -> bool:
        """Whether what came lies in the interval."""
        return self.told is not None and self.told.low <= self.came <= self.told.high


def asked(logs: Sequence[Labelled]) -> Iterator[Asked]:
    """Every run of every log, at each cut."""
    for log in logs:
        for facts in log.facts:
            for cut in CUTS:
                yield from _ask(log.id, facts, cut)


def _ask(name: str, facts: Facts, cut: float) -> Iterator[Asked]:
    curve = facts.curve(Role.TRAIN_LOSS)
    if curve is None or len(curve) < SHORTEST:
        return
    tail = curve.values[-max(3, len(curve) // 20) :]
    seen = curve.where(np.arange(len(curve)) < round(cut * len(curve)))
    if not np.isfinite(tail).all() or not len(seen.finite):
        return
    known = replace(facts.until(int(seen.steps[-1])), horizon=int(curve.steps[-1]))
    yield Asked(name, cut, float(np.median(tail)), forecast(known), float(seen.finite.values.min()))


def main() -> int:
    """Print one line for each cut, and the totals."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real.forecasts", description=__doc__)
    parser.add_argument("--raw", type=Path, required=True, help="folder of the logs, one folder for each label")
    parser.add_argument("--sets", nargs="+", default=["first", "opened"])
    parser.add_argument("--each", action="store_true", help="a line for each forecast too")
    wanted = parser.parse_args()
    found = list(asked(load(wanted.raw, wanted.sets)))
    print("| real runs cut at | answered | 80 % interval holds | below it | above it | median error |")
    print("| --- | --- | --- | --- | --- | --- |")
    for cut in CUTS:
        print(_row(f"{cut:.0%}", [one for one in found if one.cut == cut]))
    print(_row("both", found))
    if wanted.each:
        for one in found:
            print(one.id, one.cut, f"{one.came:.6g}", f"{one.lowest:.6g}", one.told)
    return 0


def _row(title: str, asked_for: Sequence[Asked]) -> str:
    told = [(one, one.told) for one in asked_for if one.told is not None]
    below = sum(one.came < forecast.low for one, forecast in told)
    above = sum(one.came > forecast.high for one, forecast in told)
    missed = [abs(forecast.median - one.came) / (abs(one.came) + 1e-12) for one, forecast in told]
    held = len(told) - below - above
    cells = [
        title,
        f"{len(told)} of {len(asked_for)}",
        f"{held} of {len(told)} ({held / max(len(told), 1):.1%})",
        str(below),
        str(above),
        f"{np.median(missed):.1%}" if missed else "-",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    raise SystemExit(main())
