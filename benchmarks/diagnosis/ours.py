"""ttsdoc's answers, from its command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.diagnosis.cases import Case
from benchmarks.diagnosis.files import FORMATS, write
from benchmarks.diagnosis.judged import Answer, from_report

UNREAD = Answer(frozenset(), frozenset(), problem="not read")


def write_all(cases: Sequence[Case], folder: Path) -> None:
    """Every case as a log below `folder`, the formats in turn."""
    for index, case in enumerate(cases):
        # The classes come round every five, so the formats change after five.
        log = write(case.run, folder / case.name, case.form or FORMATS[index // 5 % len(FORMATS)])
        if case.lines:
            _say(log, dict(case.lines))
        if case.idle:
            os.utime(log, (time.time() - case.idle,) * 2)
        for name, text in case.beside.items():
            path = folder / case.name / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)


def _say(log: Path, lines: Mapping[int, str]) -> None:
    """The text log with these lines behind those of the points."""
    told = [f"{line}\n{lines.get(point, '')}".rstrip("\n") for point, line in enumerate(log.read_text().splitlines())]
    log.write_text("\n".join(told) + "\n")


def ask(cases: Sequence[Case], folder: Path) -> tuple[Mapping[str, Answer], float]:
    """Answers by the name of the case, and the seconds of `ttsdoc analyze` on all of them."""
    command = [sys.executable, "-m", "diagnose", "analyze", str(folder), "--format", "json", "--exit-zero"]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        raise RuntimeError(f"ttsdoc analyze failed with status {done.returncode}: {done.stderr[-2000:]}")
    known = {case.name for case in cases}
    answers = dict.fromkeys(known, UNREAD)
    for run in json.loads(done.stdout)["runs"]:
        names = known.intersection(Path(run["source"]).parts)
        answers.update({name: from_report(run) for name in names})
    return answers, seconds
