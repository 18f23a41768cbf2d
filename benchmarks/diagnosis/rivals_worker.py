# mypy: ignore-errors
"""Runs in the rivals' own environment: reads a list of CSV files, asks every rival, writes what each named.

usage: python rivals_worker.py TASKS.jsonl ANSWERS.jsonl
A task is {"name", "table"}; an answer {"name", "tool", "alarms", "seconds", "problem"}. Alarms are the names
of findings at warning level or above, in the rival's own words.
Only the standard library and the rivals are there, not ttsdoc, nor types for them.
"""

import contextlib
import csv
import io
import json
import math
import sys
import time
from pathlib import Path

# training-doctor walks back through the log at every step; beyond this it takes minutes a run.
LONGEST = 1000


def columns(path):
    with Path(path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    keys = [key for key in rows[0] if key not in ("step", "epoch")]
    steps = [int(row.get("step") or row["epoch"]) for row in rows]
    return steps, {key: [float(row[key]) if row[key] else None for row in rows] for key in keys}


def captured(main, arguments):
    """What a rival's command line prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main(arguments)
    return out.getvalue()


def runmedic(path):
    from runmedic.cli import main

    found = json.loads(captured(main, ["diagnose", path, "--json"]))
    return [one["check"] for run in found for one in run["findings"] if one["severity"] in ("critical", "warning")]


def trainspotter(path):
    from trainspotter.cli import main

    found = json.loads(captured(main, ["analyze", path, "--output", "json"]))
    return [one["detector"] + ":" + one["title"] for one in found["findings"] if one["severity"] != "info"]


def training_doctor(path):
    from training_doctor import Doctor

    steps, table = columns(path)
    if len(steps) > LONGEST:
        raise RuntimeError("longer than " + str(LONGEST) + " points")
    doctor = Doctor()
    with contextlib.redirect_stdout(io.StringIO()):
        for index, step in enumerate(steps):
            doctor.log(step, **{key: values[index] for key, values in table.items() if values[index] is not None})
    return [one.detector_name for one in doctor.diagnoses if one.severity.value != "info"]


def sk_autod(path):
    from sk_autod import diagnose

    _, table = columns(path)
    if "eval_loss" not in table:
        raise RuntimeError("needs a validation loss")
    train, validation = epoch_means(table["loss"], table["eval_loss"])
    return [one.detector_name for one in diagnose(train, validation).findings if one.severity.value != "INFO"]


def epoch_means(train, validation):
    """The mean training loss up to each evaluation, beside it: curves of one length, as sk-autod asks."""
    means, waiting, kept = [], [], []
    for loss, held_out in zip(train, validation, strict=True):
        if loss is not None and math.isfinite(loss):
            waiting.append(loss)
        if held_out is not None and math.isfinite(held_out) and waiting:
            means.append(sum(waiting) / len(waiting))
            kept.append(held_out)
            waiting = []
    return means, kept


def trainpulse(path):
    from trainpulse import Monitor

    steps, table = columns(path)
    monitor = Monitor()
    for index, step in enumerate(steps):
        for key in ("loss", "grad_norm", "learning_rate"):
            if key in table and table[key][index] is not None:
                monitor.log(key, step, table[key][index])
    alerts = monitor.report().alerts
    return [one.detector + ":" + one.message[:40] for one in alerts if one.severity.value != "info"]


def finetune_doctor(path):
    from finetune_doctor.diagnosis import diagnose
    from finetune_doctor.history import from_trainer_state

    steps, table = columns(path)
    rows = [
        {"step": step, key: values[index]}
        for index, step in enumerate(steps)
        for key, values in table.items()
        if values[index] is not None
    ]
    state = {"log_history": rows, "global_step": steps[-1], "max_steps": steps[-1]}
    return [
        one.check
        for one in diagnose(from_trainer_state(state)).findings
        if one.severity.name in ("WARNING", "CRITICAL")
    ]


def losslint(path):
    from losslint.cli import main

    found = json.loads(captured(main, ["check", path, "--format", "json"]))
    return [one["check"] for one in found["findings"]]


def gradsnitch(path):
    from gradsnitch import lint_csv

    return [one.name for one in lint_csv(path)]


TOOLS = {
    "runmedic": runmedic,
    "trainspotter": trainspotter,
    "training-doctor": training_doctor,
    "sk-autod": sk_autod,
    "trainpulse": trainpulse,
    "finetune-doctor": finetune_doctor,
    "losslint": losslint,
    "gradsnitch": gradsnitch,
}


def main(tasks, answers):
    with Path(tasks).open() as source, Path(answers).open("w") as sink:
        for task in map(json.loads, source):
            for tool, ask in TOOLS.items():
                began, alarms, problem = time.perf_counter(), [], None
                try:
                    alarms = sorted(set(ask(task["table"])))
                except Exception as error:
                    problem = f"{type(error).__name__}: {error}"[:200]
                seconds = time.perf_counter() - began
                sink.write(json.dumps([task["name"], tool, alarms, seconds, problem]) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
