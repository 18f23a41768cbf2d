"""The ways to treat a faulty training. Each is a config in, trainings in a folder, and what came of them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from benchmarks.cure.faults import Tree
from diagnose.engine import examine
from diagnose.errors import LogError
from diagnose.facts import Facts
from diagnose.gather import facts_of_run
from diagnose.live.history import remember
from diagnose.live.news import News
from diagnose.live.record import read_record
from diagnose.live.stops import alarms, held_out
from diagnose.plan import plan
from diagnose.readers import read
from diagnose.run import Role

RELAUNCHES = 2


@dataclass
class Result:
    """What came of one cell."""

    best: float | None
    """Best validation loss."""
    last: float | None
    held_out: float | None
    best_step: int | None
    last_step: int
    eval_interval: int
    logs: str = ""
    """The folder of the run that it ended with."""
    relaunches: int = 0
    cost: float = 0.0
    """Updates of all trainings together."""
    verdict: str = ""
    edits: list[str] = field(default_factory=list)
    stopped: str | None = None


def train(tree: Tree, folder: Path) -> Facts:
    """Train in a process of its own, and read what it logged."""
    config = folder.with_suffix(".yaml")
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    if not (folder / "summary.json").exists():
        command = [sys.executable, "-m", "diagnose", "train", str(config), "--out", str(folder), "--format", "json"]
        subprocess.run([*command, *["--resume"] * folder.exists()], check=False, capture_output=True)
    return facts_of(folder)


def facts_of(folder: Path) -> Facts:
    """A finished run with its effective config."""
    return facts_of_run(read(folder / "metrics.jsonl"))


def outcome(facts: Facts, folder: Path) -> Result:
    """The measures of one run."""
    val, train_loss = facts.curve(Role.VAL_LOSS), facts.curve(Role.TRAIN_LOSS)
    finite = None if val is None else val.finite
    found = finite is not None and len(finite) > 0
    assert train_loss is not None
    return Result(
        best=float(finite.values.min()) if found and finite is not None else None,
        last=float(val.values[-1]) if val is not None and len(val) else None,
        held_out=held_out(folder),
        best_step=int(finite.steps[finite.values.argmin()]) if found and finite is not None else None,
        last_step=int(train_loss.steps[-1]),
        eval_interval=int(facts.settings.get("eval_interval") or 1),
        logs=str(folder),
        cost=float(train_loss.steps[-1]),
    )


def named(facts: Facts) -> list[str]:
    """What is wrong with a finished run, as its watcher would say it."""
    return sorted(alarms(remember(examine(facts))))


def live_alarms(facts: Facts) -> dict[str, int]:
    """What `ttsdoc watch` would have reported, and when, had it looked at every logged point."""
    curve, news, found = facts.curve(Role.TRAIN_LOSS), News(), {}
    for step in () if curve is None else curve.steps:
        for finding in news.take(examine(facts.until(int(step)))):
            found[finding.name] = int(step)
    return found


def as_it_was(tree: Tree, folder: Path) -> Result:
    """Nothing is done."""
    return outcome(train(tree, folder), folder)


def fix(tree: Tree, folder: Path) -> Result:
    """`ttsdoc fix` after the run, twice at most: what it writes is trained from the beginning."""
    facts, done, edits = train(tree, folder / "0"), 0, []
    spent = _steps(facts)
    while done < RELAUNCHES:
        made = plan(remember(examine(facts)), minimal=True)
        if not made.applied or made.after == made.before:
            break
        done += 1
        edits += [f"{edit.parameter} {edit.was} -> {edit.now}" for edit in made.applied]
        facts = train(yaml.safe_load(made.after), folder / str(done))
        spent += _steps(facts)
    result = outcome(facts, folder / str(done))
    result.relaunches, result.cost, result.edits = done, spent, edits
    return result


def heal(tree: Tree, folder: Path) -> Result:
    """`ttsdoc train CONFIG --heal`: stopped, changed and resumed while it runs."""
    config = folder.with_suffix(".yaml")
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    command = [sys.executable, "-m", "diagnose", "train", str(config), "--heal", "--out", str(folder)]
    done = subprocess.run([*command, "--format", "json"], check=False, capture_output=True, text=True)
    if not (folder / "heal.json").exists():
        raise LogError(f"{folder}: {done.stderr[-2000:]}")
    record = read_record(folder / "heal.json")
    kept = next((one for one in record.attempts if one.number == record.chosen), record.attempts[0])
    result = outcome(facts_of(Path(kept.log_dir)), Path(kept.log_dir))
    result.relaunches = len(record.attempts) - 1
    result.cost = sum(_trained(one.log_dir, one.resume) for one in record.attempts)
    result.verdict = record.verdict
    result.edits = [f"{edit.parameter} {edit.was} -> {edit.now}" for one in record.attempts for edit in one.edits]
    result.stopped = record.attempts[0].stopped_by
    return result


def quarter(tree: Tree, folder: Path) -> Result:
    """LR/4, whatever the fault."""
    return _once(_with(tree, {"training": {"learning_rate": tree["training"]["learning_rate"] / 4}}), folder)


def guide(tree: Tree, folder: Path) -> Result:
    """The training guide's table: a quarter of the rate, batch 8 x 4, half the clipping, dropout 0.2."""
    clip = tree["training"]["grad_clip_thresh"]
    changes: Tree = {
        "model": {"p_dropout": 0.2},
        "data": {"batch_size": 8},
        "training": {
            "learning_rate": tree["training"]["learning_rate"] / 4,
            "grad_accumulation_steps": 4,
            "grad_clip_thresh": 0.5 if clip is None else clip / 2,
        },
    }
    return _once(_with(tree, changes), folder)


def ladder(tree: Tree, folder: Path) -> Result:
    """AutoTrainer's rungs for Adam: 1e-3 x 0.1^j against oscillation, 1e-3 x 10^j against slow convergence.

    The second rung is taken where the first still raises an alarm.
    """
    slow = tree["training"]["learning_rate"] < 1e-3
    spent = float(_steps(train(tree, folder / "0")))
    result: Result | None = None
    for number in range(RELAUNCHES):
        value = 1e-3 * (10.0 if slow else 0.1) ** number
        result = _once(_with(tree, {"training": {"learning_rate": value}}), folder / str(number + 1))
        spent += result.cost
        result.relaunches, result.cost = number + 1, spent
        if not named(facts_of(folder / str(number + 1))):
            break
    assert result is not None
    return result


UNTREATED = "untreated"
ARMS = {UNTREATED: as_it_was, "heal": heal, "fix": fix, "LR/4": quarter, "guide": guide, "ladder": ladder}


def _once(tree: Tree, folder: Path) -> Result:
    result = outcome(train(tree, folder), folder)
    result.relaunches = 1
    return result


def _with(tree: Tree, changes: Tree) -> Tree:
    return {section: {**values, **changes.get(section, {})} for section, values in tree.items()}


def _steps(facts: Facts) -> float:
    curve = facts.curve(Role.TRAIN_LOSS)
    return 0.0 if curve is None else float(curve.steps[-1])


def _trained(log_dir: str, resume: str | None) -> float:
    """Updates that an attempt really made: without those that came along with its checkpoint."""
    summary = json.loads((Path(log_dir) / "summary.json").read_text("utf-8"))
    if resume is None:
        return float(summary["steps"])
    from diagnose.checkpoints import step_of

    return float(summary["steps"] - (step_of(Path(resume)) or 0))


def plain(result: Result) -> dict[str, Any]:
    """For a file."""
    return asdict(result)
