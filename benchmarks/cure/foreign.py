"""The rate faults on two small trainers that are not ours, as child processes of `ttsdoc heal`.

    python -m benchmarks.cure.foreign OUT --makemore FOLDER --language-model FOLDER [--seeds 0,1] [--arms heal,tried]

FOLDER holds karpathy/makemore, and word_language_model of pytorch/examples, as their authors published them. Neither
logs a learning rate; the first has no validation loss but every 500 steps, the second lowers its rate by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from benchmarks.cure.arms import named
from diagnose.facts import Hints
from diagnose.gather import facts_of_config
from diagnose.live.record import read_record
from diagnose.live.verdict import score

FACTORS = {"rate x5": 5.0, "rate x10": 10.0, "rate x30": 30.0, "rate /20": 0.05, "rate /100": 0.01}
CLOSED = 0.8
NOISE = 0.03
"""Share of the loss that two seeds differ by. Source: two seeds of each reference."""


@dataclass(frozen=True)
class Foreign:
    """A trainer, and a healthy config of it, chosen before the runs."""

    name: str
    script: Path
    rate: str
    values: dict[str, Any]
    arguments: tuple[str, ...]


def trainers(makemore: Path | None, language_model: Path | None, out: Path) -> list[Foreign]:
    """Those whose folders are given. The language model reads a small part of its own data."""
    found = []
    if makemore is not None:
        small = {"learning_rate": 4e-3, "batch_size": 32, "max_steps": 2001, "n_layer": 2, "n_head": 2, "n_embd": 32}
        rest = ("--work-dir", "{log_dir}", "--input-file", str(makemore / "names.txt"), "--num-workers", "0")
        found.append(Foreign("makemore", makemore / "makemore.py", "learning_rate", small, rest))
    if language_model is not None:
        small = {"lr": 20.0, "clip": 0.25, "batch_size": 20, "epochs": 8, "emsize": 64, "nhid": 64, "nlayers": 1}
        rest = ("--data", str(_part(language_model, out)), "--save", "{log_dir}/model.pt", "--log-interval", "10")
        found.append(Foreign("language model", language_model / "main.py", "lr", small, rest))
    return found


def _part(folder: Path, out: Path) -> Path:
    lines = (folder / "data/wikitext-2/valid.txt").read_text("utf-8").splitlines(keepends=True)
    part = out / "text"
    part.mkdir(parents=True, exist_ok=True)
    for name, first, last in (("train", 0, 900), ("valid", 900, 1150), ("test", 1150, 1250)):
        (part / f"{name}.txt").write_text("".join(lines[first:last]), encoding="utf-8")
    return part


def command(one: Foreign) -> list[str]:
    """With the placeholders of `ttsdoc heal`."""
    return [sys.executable, "-m", "benchmarks.cure.call", "{config}", str(one.script), *one.arguments]


def config(one: Foreign, factor: float, seed: int, folder: Path) -> Path:
    """The healthy config at a multiple of its rate."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    values = {**one.values, one.rate: one.values[one.rate] * factor, "seed": 1000 + seed}
    path.write_text(yaml.safe_dump({"training": values}, sort_keys=False), encoding="utf-8")
    return path


def untreated(one: Foreign, factor: float, seed: int, folder: Path) -> dict[str, Any]:
    """As it was: the best validation loss, and what is named at the end."""
    path, logs = config(one, factor, seed, folder), folder / "logs"
    logs.mkdir(exist_ok=True)
    words = [word.replace("{config}", str(path)).replace("{log_dir}", str(logs)) for word in command(one)]
    with (folder / "console.log").open("w") as console:
        subprocess.run(words, stdout=console, stderr=console, check=False)
    facts = facts_of_config(path, logs=[folder], hints=Hints(config=path))
    found = score(facts)
    return {"best": None if found is None else found.loss, "last_step": _length(folder), "named": named(facts)}


def heal(one: Foreign, factor: float, seed: int, folder: Path, *options: str) -> dict[str, Any]:
    """`ttsdoc heal`: stopped, changed and started afresh."""
    path = config(one, factor, seed, folder)
    words = ["heal", str(path), "--out", str(folder / "healed"), "--interval", "0.3", "--quiet", *options]
    done = subprocess.run(
        [sys.executable, "-m", "diagnose", *words, "--", *command(one)], capture_output=True, text=True, check=False
    )
    record = read_record(folder / "healed" / "heal.json")
    kept = next((each for each in record.attempts if each.number == record.chosen), record.attempts[0])
    return {
        "best": kept.best_val_loss,
        "cost": sum(map(_length, {Path(each.log_dir).parent for each in record.attempts})),
        "relaunches": sum(not each.trial for each in record.attempts) - 1,
        "trials": sum(each.trial for each in record.attempts),
        "stopped": record.attempts[0].stopped_by,
        "verdict": record.verdict,
        "edits": [f"{edit.parameter} {edit.was} -> {edit.now}" for each in record.attempts for edit in each.edits],
        "said": done.stderr[-2000:],
    }


def tried(one: Foreign, factor: float, seed: int, folder: Path) -> dict[str, Any]:
    """The same with `--try-rates`."""
    return heal(one, factor, seed, folder, "--try-rates")


ARMS = {"heal": heal, "tried": tried}


def _length(folder: Path) -> int:
    """How much was trained, in lines that report a training loss."""
    text = (folder / "console.log").read_text("utf-8", errors="replace")
    return sum("| loss" in line for line in text.splitlines())


def main() -> int:
    """The missing cells, until the time is over; then the table of those that are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--makemore", type=Path)
    parser.add_argument("--language-model", type=Path)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--arms", default="heal", help="heal, tried")
    parser.add_argument("--kinds", default=",".join(FACTORS))
    parser.add_argument("--minutes", type=float, default=60.0)
    asked = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in `benchmarks.cure`
    until = time.monotonic() + 60 * asked.minutes
    for one in trainers(asked.makemore, asked.language_model, asked.out.resolve()):
        for seed in map(int, asked.seeds.split(",")):
            arms = [untreated, *(ARMS[name] for name in asked.arms.split(","))]
            for kind, arm in product(["reference", *asked.kinds.split(",")], arms):
                if time.monotonic() < until:
                    run(one, kind, seed, arm, asked.out.resolve())
    print(table(asked.out))
    return 0


def run(one: Foreign, kind: str, seed: int, arm: Any, out: Path) -> None:
    """One cell, if it is not there yet."""
    name = f"{one.name}, {kind}, {seed}, {arm.__name__}".replace("/", "÷")
    path = out / "foreign" / f"{name}.json"
    if path.exists():
        return
    folder = out / "runs" / name.replace(" ", "_").replace(",", "")
    shutil.rmtree(folder, ignore_errors=True)
    result = arm(one, FACTORS.get(kind, 1.0), seed, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"trainer": one.name, "kind": kind, "seed": seed, "arm": arm.__name__, **result}))
    print(f"{name}: {result}", file=sys.stderr, flush=True)


def table(out: Path) -> str:
    """By trainer and fault: whether it was one, what was named, what healing did."""
    cells = [json.loads(path.read_text("utf-8")) for path in sorted((out / "foreign").glob("*.json"))]
    known = {(one["trainer"], one["kind"], one["seed"], one["arm"]): one for one in cells}
    lines = [
        "| trainer | fault | reference | as it was | named at the end | healed | cured | relaunches | trials | cost |"
    ]
    lines.append("| --- " * 10 + "|")
    for (trainer, kind, seed, arm), found in known.items():
        reference, was = (known.get((trainer, one, seed, "untreated")) for one in ("reference", kind))
        if arm in ARMS and reference is not None and was is not None:
            lines.append(f"| {' | '.join(map(str, _row(reference, was, found)))} |")
    return "\n".join(lines)


def _row(reference: dict[str, Any], was: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    """The columns of one healing."""
    lost = was["best"] or float("inf")
    fault = lost > reference["best"] * (1 + NOISE)
    closed = (lost - found["best"]) / (lost - reference["best"]) if fault and lost < float("inf") else 1.0
    yield from (found["trainer"], f"{found['kind']}, seed {found['seed']}", f"{reference['best']:.3g}", f"{lost:.3g}")
    yield ", ".join(was["named"]) or "-"
    yield f"{found['best']:.3g}"
    yield "no fault" if not fault else "yes" if closed >= CLOSED else f"no ({closed:.0%})"
    yield str(found["relaunches"])
    yield str(found.get("trials", 0))
    yield f"{found['cost'] / reference['last_step']:.2f}"


if __name__ == "__main__":
    sys.exit(main())
