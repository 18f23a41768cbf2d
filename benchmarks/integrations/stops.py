"""`python -m benchmarks.integrations.stops CORPUS`: would a doctor inside have stopped real runs, and rightly?

CORPUS holds `labels.yaml` and `raw/<id>/`. Each run is replayed: the doctor looks `LOOKS` times, as it would have when
the log had grown that far, and stops at a confirmed error. Runs of `set: second` are left out: nobody looks at them.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from diagnose import LogError, examine, read
from diagnose.facts import Facts
from diagnose.finding import Finding, Severity
from diagnose.gather import facts_of_run
from diagnose.integrations.loop import _checks, just_begun
from diagnose.live.news import News, warming_up
from diagnose.run import Role

LOOKS = 15


def main(corpus: Path) -> int:
    """Print how many runs of each label would have been stopped, and each healthy one that would have been."""
    entries = yaml.load((corpus / "labels.yaml").read_text("utf-8"), yaml.CSafeLoader)
    entries = entries["runs"] if isinstance(entries, dict) else entries
    runs, stopped = Counter[str](), Counter[str]()
    for entry in entries:
        facts = None if entry["set"] == "second" or entry.get("ambiguous") else _facts(corpus / "raw" / entry["id"])
        if facts is None:
            continue
        label = _label(entry)
        runs[label] += 1
        stop = stopped_at(facts)
        if stop is not None:
            stopped[label] += 1
            if label == "healthy":
                step, finding = stop
                print(
                    f"  healthy, stopped at {step:,}: {entry['id']} ({finding.code} {finding.name}) {finding.message}"
                )
    for label, count in sorted(runs.items()):
        print(f"{label}: {stopped[label]} of {count} stopped")
    return 0


def _facts(folder: Path) -> Facts | None:
    try:
        return facts_of_run(read(folder))
    except LogError:
        return None


def _label(entry: dict[str, Any]) -> str:
    wanted = entry["must"] or entry["must_any"] or ["healthy"]
    return "healthy" if wanted == ["healthy"] else " or ".join(sorted(wanted))


def stopped_at(facts: Facts) -> tuple[int, Finding] | None:
    """The step of the training loss at which a doctor inside stops the run, and for what; None: never."""
    train = facts.curve(Role.TRAIN_LOSS)
    if train is None or not len(train):
        return None
    places = np.unique(np.linspace(len(train) / LOOKS, len(train), LOOKS).astype(int)) - 1
    checks = _checks()
    news = News(checks)
    for step in train.steps[places[places >= 0]]:
        known = facts.until(int(step))
        diagnosis = examine(known, checks=checks)
        news.take(diagnosis)
        grave = [finding for finding in news.sure(diagnosis) if finding.severity is Severity.ERROR]
        if grave and not just_begun(known) and not warming_up(known):
            return int(step), grave[0]
    return None


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
