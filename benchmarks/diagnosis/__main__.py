"""usage: python -m benchmarks.diagnosis --seeds 10000:11500 --trained 25 --rivals 200 --real DIR."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.diagnosis import (
    drafts,
    finetunes,
    forecasts,
    habits,
    ours,
    planted,
    properties,
    report,
    rivals,
    unfamiliar,
)
from benchmarks.diagnosis.cases import Case, synthetic_cases
from benchmarks.diagnosis.judged import Judged
from benchmarks.diagnosis.trainings import trained_cases
from benchmarks.real.__main__ import report as real
from benchmarks.real.corpus import load

# Sound trainings for each training with one given fault.
SOUND = 4
# The real logs are few, so each is cut at several places.
CUTS = 5
SETS = {"fine-tunes": finetunes.KINDS, "habits": habits.KINDS, "unfamiliar": unfamiliar.KINDS}


def main() -> int:
    """Run what is asked for, print the report, and write it where `--out` says."""
    asked = _arguments()
    wrong: list[Judged] = []
    text = "\n".join(_sections(asked, wrong))
    if asked.wrong is not None:
        asked.wrong.write_text("".join(f"{one.case.name}\t{one.case.label}\t{one.answer.label}\n" for one in wrong))
    print(text)
    if asked.out is not None:
        asked.out.write_text(text)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnosis", description=__doc__)
    parser.add_argument(
        "--seeds", type=_seeds, default=range(1000), help="FIRST:END or COUNT; reported seeds begin at 10000"
    )
    parser.add_argument(
        "--trained", type=int, default=25, help="real trainings a fault (and four times as many sound ones)"
    )
    parser.add_argument("--kinds", type=int, default=20, help="runs of each kind of the further sets")
    parser.add_argument(
        "--rivals", type=int, default=0, metavar="N", help="ask the peers on PyPI about N runs of each group"
    )
    parser.add_argument("--real", type=Path, metavar="RAW", help="the logs of benchmarks.real, whose tables come first")
    parser.add_argument("--out", type=Path, help="write the report to this Markdown file")
    parser.add_argument("--wrong", type=Path, help="write the runs that were judged wrongly to this file, one a line")
    parser.add_argument("--quick", action="store_true", help="80 synthetic runs, one training a fault, one run a kind")
    asked = parser.parse_args()
    if asked.quick:
        asked.seeds, asked.trained, asked.kinds = asked.seeds[:80], 1, 1
    return asked


def _seeds(text: str) -> range:
    first, _, end = text.rpartition(":")
    return range(int(first or 0), int(end))


def _sections(asked: argparse.Namespace, wrong: list[Judged]) -> Iterator[str]:
    """The parts of the report; what was judged wrongly is added to `wrong`."""
    command = "python -m benchmarks.diagnosis " + " ".join(sys.argv[1:])
    yield report.opening(command.strip(), asked.seeds[0], asked.seeds[-1])
    known = load(asked.real, ("first", "opened")) if asked.real else []
    if known:
        yield "## Real runs of strangers\n"
        yield from real(known, ("first", "opened"), quick=True, peers=bool(asked.rivals))
    groups = {
        "synthetic": list(synthetic_cases(asked.seeds)),
        "trained": list(trained_cases(asked.seeds[0], SOUND * asked.trained, asked.trained)),
    }
    judged: list[Judged] = []
    for group, cases in groups.items():
        answers, seconds = _asked(cases)
        judged += answers
        yield report.judgement(group, answers, seconds)
    asking = {report.TITLES[group]: forecasts.questions(case.run for case in cases) for group, cases in groups.items()}
    for group, kinds in SETS.items():
        answers, seconds = _asked(list(drafts.cases(group, kinds, asked.seeds[: asked.kinds])))
        wrong += [one for one in answers if not one.right]
        yield report.kinds(group, answers, seconds)
    answers, _ = _asked(list(drafts.cases("untold", finetunes.UNTOLD, asked.seeds[: asked.kinds])))
    yield report.untold(answers)
    answers, _ = _asked(list(drafts.cases("planted", planted.KINDS, asked.seeds[: asked.kinds])))
    yield report.planted(answers, planted.TWIN_OF)
    wrong += [one for one in judged if not one.right]
    if known:
        asking["Real logs"] = forecasts.questions((facts.run for log in known for facts in log.facts), cuts=CUTS)
    outcomes = {name: forecasts.outcome(them) for name, them in asking.items()}
    yield report.forecasts(outcomes)
    yield report.properties(
        properties.prefixes(groups["synthetic"]), properties.milliseconds(1_000), properties.milliseconds(1_000_000)
    )
    if asked.rivals:
        chosen = [
            one for group in groups for one in _thinned([j for j in judged if j.case.group == group], asked.rivals)
        ]
        yield report.peers(chosen, list(rivals.ask([one.case for one in chosen])))


def _asked(cases: Sequence[Case]) -> tuple[list[Judged], float]:
    with tempfile.TemporaryDirectory() as folder:
        ours.write_all(cases, Path(folder))
        answers, seconds = ours.ask(cases, Path(folder))
    return [Judged(case, answers[case.name]) for case in cases], seconds


def _thinned(judged: Sequence[Judged], count: int) -> list[Judged]:
    """`count` of them, in their order, drawn from all classes."""
    if count >= len(judged):
        return list(judged)
    # Drawn, not every so many-th: the classes come round by fives, and a step of fifteen would meet one of them only.
    chosen = np.sort(np.random.default_rng(count).choice(len(judged), count, replace=False))
    return [judged[index] for index in chosen.tolist()]


if __name__ == "__main__":
    raise SystemExit(main())
