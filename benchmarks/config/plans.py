"""`check` before and after `fix`, on every config with a diverging and an overfitting log: is anything worse?"""

from __future__ import annotations

import math
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from diagnose.config import Config
from diagnose.engine import examine
from diagnose.facts import NOTHING_LOGGED, Hints
from diagnose.gather import facts_of
from diagnose.plan import plan
from diagnose.readers import runs
from diagnose.run import Run

HINTS = Hints(samples=400)
COURSES: dict[str, Callable[[int], tuple[float, float]]] = {
    "diverging": lambda step: (_fall(step) if step < 2500 else 0.9 + (step - 2500) / 800,) * 2,
    "overfitting": lambda step: (_fall(step), _fall(min(step, 2000)) + 0.1 + max(0, step - 2000) / 2500),
}


def report(configs: Iterable[Config]) -> bool:
    """Print what became of the plans; whether a config was made worse."""
    logs = [_log(course) for course in COURSES.values()]
    made = edits = 0
    worse = []
    for config in configs:
        for run in logs if config.training else ():
            made_plan = plan(examine(facts_of(run, HINTS, config)))
            made, edits = made + 1, edits + len(made_plan.applied)
            new = _alarms(config.edited(made_plan.after)) - _alarms(config) if made_plan.applied else Counter[str]()
            worse += [f"{config.source}: {', '.join(new)}"] if new else []
    print(f"plans {made}, edits {edits}, worse by `check` afterwards {len(worse)}")
    print("\n".join(worse), end="\n" if worse else "")
    return bool(worse)


def _fall(step: int) -> float:
    return 3 * math.exp(-step / 900) + 0.4


def _log(course: Callable[[int], tuple[float, float]]) -> Run:
    noise = random.Random(3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.csv"
        rows = []
        for step in range(0, 6000, 20):
            train, val = course(step)
            rows.append(f"{step},{train + noise.gauss(0, 0.02):.5f},{f'{val:.5f}' if step % 200 == 0 else ''}")
        path.write_text("\n".join(["step,train_loss,val_loss", *rows]))
        return next(iter(runs(path)))


def _alarms(config: Config) -> Counter[str]:
    findings = examine(facts_of(NOTHING_LOGGED, HINTS, config)).findings
    return Counter(f"{finding.code} {finding.severity.value}" for finding in findings if finding.alarming)
