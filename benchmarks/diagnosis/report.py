"""The benchmark's results as Markdown, the same text on the screen and in docs/."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version

import numpy as np

from benchmarks.diagnosis.forecasts import Outcome
from benchmarks.diagnosis.judged import (
    Judged,
    beside_planted,
    by_class,
    by_finding,
    by_kind,
    by_planted,
    confusion,
    share,
)
from benchmarks.diagnosis.properties import Prefixes
from benchmarks.diagnosis.rivals import PACKAGES, PeerAnswer
from diagnose import __version__
from diagnose.testing.synthetic import Fault

PEERS = """{}.

Each gets a CSV with the plainest column names through its documented interface. Its alarms are read leniently:
any alarm that may stand for the fault counts, while ttsdoc must name it first. A peer that gives no answer
(training-doctor is spared runs of more than 1000 points, sk-autod needs a validation loss) is counted on the
rest only; sk-autod refuses NaN and is given the finite points.
"""
TITLES = {
    "synthetic": "Synthetic runs",
    "trained": "Real small trainings",
    "fine-tunes": "Fine-tunes",
    "habits": "Healthy habits",
    "unfamiliar": "Unfamiliar faults",
    "planted": "Other checks",
}
STORIES = {
    "fine-tunes": (
        "From trained weights the loss falls at once and then lies flat, as that of a training that got stuck does.\n"
        "Each log here says which it is: by its rate, by its level in the unit of its family, or by a config."
    ),
    "habits": "Schedules, stages, logs and losses of practice that look like a fault and are none.",
    "unfamiliar": "The eight faults in other shapes than those on which the checks were developed.",
}
HEAD = ("finding", "runs that it fits", "other faulty runs", "healthy runs")
PLANTED = """Faults that none of the eight classes calls for, planted one at a time, and twins that log the same data
without the fault. `Healthy runs` are the check's own twins, `other faulty runs` those of the other rows (some of
which have no validation either, or few clips); findings count at any level, information included.
"""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def opening(command: str, first: int, last: int) -> str:
    """What was run, on what."""
    return (
        "# How often ttsdoc is right\n\n"
        f"Written by `{command}`; nothing here was edited by hand.\n"
        f"ttsdoc {__version__}, Python {platform.python_version()}, numpy {version('numpy')}, "
        f"tensorboard {version('tensorboard')}.\n"
        f"Seeds {first} to {last}. The checks were developed on seeds below 10000.\n\n"
        "The runs are written as event files, CSV tables and text logs, in turn, and given to `ttsdoc analyze` as one\n"
        "folder. A fault is named right when the first finding at warning level or above, with what ttsdoc tells as\n"
        "its consequences, names it; a healthy run is right when nothing at that level is said, and `inconclusive` is\n"
        "right only for the few runs of which no one could say more.\n"
    )


def judgement(group: str, judged: Sequence[Judged], seconds: float) -> str:
    """The tables of one group of runs."""
    head = ["class", "named first", "named at all", "with validation", "without"]
    healthy = [one for one in judged if one.case.fault is Fault.HEALTHY]
    wrong = confusion(judged)
    parts = [
        f"## {TITLES[group]}\n",
        table(head, by_class(judged)),
        f"Healthy runs with a false alarm: {share(healthy, lambda one: one.false_alarm)}.",
        f"Time: {1000 * seconds / max(len(judged), 1):.0f} ms a run, reading included.\n",
        "By what is logged and how long the run is:\n",
        table(["runs", "faults right", "healthy right"], _traits(judged)),
        "By finding (where several fit a fault, one of them is reported):\n",
        table(HEAD, by_finding(judged)),
        "What was said where it was wrong (`-`: nothing):\n" if wrong else "Nothing was wrong.\n",
        table(["class", "kind", "named first", "runs"], wrong) if wrong else "",
    ]
    return "\n".join(parts)


def kinds(group: str, judged: Sequence[Judged], seconds: float) -> str:
    """The tables of a set of runs of many kinds."""
    head = ["kind", "class", "right", "named at all", "rate logged", "not logged", "said where it was wrong"]
    parts = [
        f"## {TITLES[group]}\n",
        STORIES[group] + "\n",
        table(head, by_kind(judged)),
        f"Time: {1000 * seconds / max(len(judged), 1):.0f} ms a run, reading included.\n",
        "By finding (where several fit a fault, one of them is reported):\n",
        table(HEAD, by_finding(judged)),
    ]
    return "\n".join(parts)


def untold(judged: Sequence[Judged]) -> str:
    """What is said of fine-tunes that no one could know for such."""
    alarmed = share(judged, lambda one: bool(one.answer.named))
    return f"Of fine-tunes whose log says nothing of the kind, and which count in no table, {alarmed} are alarmed.\n"


def planted(judged: Sequence[Judged], twin_of: Mapping[str, str]) -> str:
    """The tables of the checks that have no class of their own."""
    head = ["check", "first alarm", "other alarms on the same runs", "alarms on the twins"]
    parts = [
        f"## {TITLES['planted']}\n",
        PLANTED,
        table(HEAD, by_planted(judged, twin_of)),
        "First alarm (a check that only informs is never one):\n",
        table(head, beside_planted(judged, twin_of)),
    ]
    return "\n".join(parts)


def _traits(judged: Sequence[Judged]) -> Iterator[list[str]]:
    bounds = [0, 16, 100, 1000, 10_000, 10**9]
    names = ["under 16 points", "16 to 99", "100 to 999", "1000 to 9999", "10,000 and more"]
    parts = [
        ("learning rate logged", [one for one in judged if one.case.has_rate]),
        ("learning rate not logged", [one for one in judged if not one.case.has_rate]),
        *(
            (name, [one for one in judged if low <= one.case.points < high])
            for name, low, high in zip(names, bounds, bounds[1:], strict=False)
        ),
    ]
    for name, part in parts:
        faulty = [one for one in part if one.case.fault is not Fault.HEALTHY]
        yield [name, share(faulty), share(one for one in part if one.case.fault is Fault.HEALTHY)]


def peers(judged: Sequence[Judged], answers: Sequence[PeerAnswer]) -> str:
    """ttsdoc and its peers on the same runs."""
    tools = list(dict.fromkeys(one.tool for one in answers))
    groups = list(dict.fromkeys(one.case.group for one in judged))
    parts = [
        "## Peers on the same runs\n",
        PEERS.format(", ".join(PACKAGES)),
    ]
    for group in groups:
        rows = _peer_rows(
            [j for j in judged if j.case.group == group], [a for a in answers if a.case.group == group], tools
        )
        parts += [f"### {TITLES[group]}\n", table(["class", "ttsdoc", *tools], rows)]
    return "\n".join(parts)


def _peer_rows(judged: Sequence[Judged], answers: Sequence[PeerAnswer], tools: Sequence[str]) -> Iterator[list[str]]:
    answered = [one for one in answers if one.problem is None]

    def row(name: str, ours: Iterable[Judged], theirs: Sequence[PeerAnswer]) -> list[str]:
        columns = [[one.right for one in theirs if one.tool == tool] for tool in tools]
        return [name, _percent([one.right for one in ours]), *(_percent(column) for column in columns)]

    for fault in Fault:
        ours = [one for one in judged if one.case.fault is fault]
        yield row(f"{fault.value} ({len(ours)} runs)", ours, [one for one in answered if one.case.fault is fault])
    faulty = [one for one in judged if one.case.fault is not Fault.HEALTHY]
    yield row("**all faults**", faulty, [one for one in answered if one.case.fault is not Fault.HEALTHY])
    unanswered = Counter(one.tool for one in answers if one.problem is not None)
    yield [
        "runs without an answer",
        str(sum(one.answer.problem is not None for one in judged)),
        *(str(unanswered[tool]) for tool in tools),
    ]
    times = [[one.seconds for one in answered if one.tool == tool] for tool in tools]
    yield ["ms a run, median", "see above", *(f"{1000 * np.median(each):.0f}" if each else "-" for each in times)]


def _percent(outcomes: Sequence[bool]) -> str:
    return f"{100 * sum(outcomes) / len(outcomes):.1f} %" if outcomes else "-"


def forecasts(outcomes: Mapping[str, Outcome]) -> str:
    """Coverage and errors of the forecast, and those of its peers."""
    rows = [
        [
            name,
            f"{one.answered} of {one.asked}",
            f"{100 * one.covered:.1f} %",
            f"{100 * one.error:.1f} %",
            f"{100 * one.last_value:.1f} %",
            f"{100 * one.power_law:.1f} %",
        ]
        for name, one in outcomes.items()
    ]
    return (
        "## Forecast\n\n"
        "Each run is cut at 30 to 80 % of its length (real logs at five places each); what came is the median loss of\n"
        "its last twentieth."
        " Faulty runs are included. Errors are medians of |forecast - came| / |came|.\n\n"
        + table(["runs", "answered", "80 % interval holds", "error", "last value", "power law"], rows)
    )


def properties(watched: Prefixes, thousand: float, million: float) -> str:
    """What must hold of every diagnosis."""
    return (
        "## Watched and timed\n\n"
        f"Healthy runs watched as they grew: in {watched.taken_back} of {watched.runs} an error was reported and\n"
        "was gone when the run had grown by a fifth.\n\n"
        f"One examination of a healthy run: {thousand:.1f} ms at 1,000 points, {million:.0f} ms at 1,000,000.\n"
    )
