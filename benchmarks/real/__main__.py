"""usage: python -m benchmarks.real --raw ../shared/corpus/raw [--sets first opened] [--quick] [--out FILE]."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.real import rivals, tally
from benchmarks.real.corpus import Answer, Labelled, answer, load
from benchmarks.real.download import download
from benchmarks.real.folds import at_random, cross_validated

SETS = {
    "first": "known while the rules were written",
    "opened": "known while the rules were written",
    "second": "blind: never looked at while developing",
    "shown": "collected later; shown to the developers near the end",
    "fresh": "collected later, of repositories that no other set has: blind for eleven looks, developed on since",
    "late": "collected after those, mostly faulty: developed on",
    "late2": "collected after the rewrite, mostly faulty: developed on",
    "blind2": "collected with them, other repositories: blind for four looks, developed on since",
    "late3": "collected still later, many shapes: developed on",
    "blind3": "collected with them, other repositories: blind for five looks, developed on since",
    "late4": "half of the last, by a hash of the repository: opened after one look",
    "blind4": "the other half: blind for five looks, developed on since",
    "blind5": "collected after all of these, other repositories: blind, scored four times",
    "blind6": "collected after those, other repositories: blind for one look, developed on since",
    "blind7": "collected later, other repositories: blind for one look",
    "blind8": "collected last, other repositories: blind for one look",
}


def main() -> int:
    """Read the logs, judge them, print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real", description=__doc__)
    parser.add_argument("--raw", type=Path, required=True, help="folder of the logs, one folder for each label")
    parser.add_argument("--sets", nargs="+", default=["first", "opened"], choices=SETS)
    parser.add_argument("--quick", action="store_true", help="no cross-validation")
    parser.add_argument("--rivals", action="store_true", help="ask the peers on PyPI too")
    parser.add_argument("--out", type=Path, help="write the report here too")
    parser.add_argument("--download", action="store_true", help="fetch what is missing from the public repositories")
    asked = parser.parse_args()
    if asked.download:
        download(asked.raw)
    logs = load(asked.raw, asked.sets)
    text = "\n".join(report(logs, asked.sets, quick=asked.quick, peers=asked.rivals)) + "\n"
    print(text)
    if asked.out is not None:
        asked.out.write_text(text)
    return 0


def report(logs: Sequence[Labelled], sets: Sequence[str], *, quick: bool, peers: bool) -> Iterator[str]:
    """The tables, one after the other."""
    answers = [answer(log) for log in logs]
    rows = [tally.row(f"{name} ({SETS[name]})", *_of(logs, answers, name)) for name in sets]
    rows.append(tally.row("all, as shipped", logs, answers))
    if not quick:
        rows.append(tally.row("all, cross-validated by repository", logs, cross_validated(logs)))
        rows += [
            tally.row(f"all, thresholds halved or doubled at random, {n}", logs, at_random(logs, n)) for n in (1, 2, 3)
        ]
    yield tally.table(rows)
    yield f"\n{sum(not log.facts for log in logs)} of {len(logs)} logs could not be read; they count as wrong.\n"
    yield "Findings that the label of their log accepts, by confidence:\n"
    yield tally.reliability(logs, answers)
    yield "\nLogs that ask for a label (or for one of several), and were answered rightly:\n"
    yield tally.by_label(logs, answers)
    if peers:
        yield "\nOther tools on the same curves, their alarms read leniently (see below for which tools, and how):\n"
        yield rivals.table(logs, answers)


def _of(logs: Sequence[Labelled], answers: Sequence[Answer], name: str) -> tuple[list[Labelled], list[Answer]]:
    kept = [i for i, log in enumerate(logs) if log.set == name]
    return [logs[i] for i in kept], [answers[i] for i in kept]


if __name__ == "__main__":
    raise SystemExit(main())
