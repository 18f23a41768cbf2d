"""Before a GPU hour is spent: what a config amounts to, and what in it cannot be meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from diagnose.config import Config, Problem
from diagnose.finding import Confidence, Edit, Finding, Operation, Prescription, Safety, Severity
from diagnose.preflight._contradictions import CONTRADICTION, NOTHING, RULES, Surroundings, at, contradiction
from diagnose.preflight._effective import Effective, effective
from diagnose.preflight._vocabulary import Tokenizer, embedding_rows, read_tokenizer

__all__ = [
    "Effective",
    "Preflight",
    "Surroundings",
    "Tokenizer",
    "cures",
    "effective",
    "embedding_rows",
    "fly",
    "preflight",
    "read_tokenizer",
]

DEAD_KEY = ("CFG001", "dead-key")
TEXT_NUMBER = ("CFG002", "text-number")
MOST_TOLD = 3
"""Places named in one message; the rest is counted."""


def preflight(config: Config, around: Surroundings = NOTHING) -> list[Finding]:
    """What is wrong with a config before it is trained with, worst first. Nothing for what is no training config."""
    if not config.training:
        return []
    sums = effective(config, around.samples)
    found = [*_text_numbers(config), *_duplicates(config.problems)]
    found += [finding for rule in RULES for finding in rule(config, sums, around)]
    return sorted(found, key=lambda finding: -finding.severity.rank)


def cures(config: Config) -> tuple[Prescription, ...]:
    """What to change in a config for its own sake, whatever its logs say."""
    return tuple(cure for finding in preflight(config) for cure in finding.prescriptions)


@dataclass(frozen=True)
class Preflight:
    """Everything that is known of a run before it starts."""

    config: Config
    effective: Effective
    findings: tuple[Finding, ...]
    """Worst first."""
    notes: tuple[str, ...]
    """What was looked at beside the config, and what could not be."""


def fly(
    config: Config, *, trainer: Path | None = None, data: Path | None = None, samples: int | None = None
) -> Preflight:
    """Look at a config, its data set, its tokenizer, its checkpoint and its trainer.

    `data`: the folder or list of the data set; without it the config's own is taken where it is on this machine.
    Raises ConfigError or DataError, in one line, for what cannot be read.
    """
    from diagnose.case import places_of

    notes: list[str] = []
    tokenizer = next(filter(None, map(read_tokenizer, places_of(config, "tokenizer"))), None)
    rows = next(filter(None, map(embedding_rows, places_of(config, "init_checkpoint"))), None)
    place = data or next(iter(places_of(config, "dataset")), None)
    heard, clips = _heard(place, tokenizer, must=data is not None, notes=notes) if config.training else ([], None)
    if config.training and not (samples or clips):
        notes.append("no data set found: give --data DIR or --samples N for epochs, steps and warm-up")
    around = Surroundings(samples or clips, tokenizer.size if tokenizer else None, rows)
    found = [*preflight(config, around), *_ignored(config, trainer, notes), *heard]
    found.sort(key=lambda finding: -finding.severity.rank)
    return Preflight(config, effective(config, around.samples), tuple(found), tuple(notes))


def _heard(
    place: Path | None, tokenizer: Tokenizer | None, *, must: bool, notes: list[str]
) -> tuple[list[Finding], int | None]:
    """What is wrong with the data set, and how many clips it has."""
    if place is None:
        return [], None
    from diagnose.dataset import DataError, findings, survey

    try:
        found = survey(place, alphabet=tokenizer.alphabet if tokenizer else None)
    except DataError as error:
        if must:
            raise
        notes.append(str(error))
        return [], None
    notes.append(f"data set: {place} ({found.clips} clips, {found.minutes:.1f} minutes)")
    return findings(found), found.clips


def _ignored(config: Config, trainer: Path | None, notes: list[str]) -> tuple[Finding, ...]:
    """The keys that the trainer never reads: by its source, else by what is known of the framework."""
    from diagnose.keyflow.command import command_beside
    from diagnose.keyflow.source import keys_read

    if trainer is None:
        trainer = command_beside(Path(config.source))
        if trainer is None:
            return tuple(_known_dead(config))
        notes.append(f"trainer: {trainer}, which a document beside the config starts with it")
    report = keys_read(trainer, config.tree(), Path(config.source))
    notes.extend(report.notes)
    if report.unknown:
        notes.append(f"{len(report.unknown)} of {len(report.keys)} keys: cannot tell whether {trainer} reads them")
    return report.findings()


def _known_dead(config: Config) -> Iterator[Finding]:
    dead = [(name, setting) for name, setting in config.values.items() if setting.dead and setting.value]
    if dead:
        reasons = [f"{at(config, name)}: {setting.note}" for name, setting in dead]
        yield Finding(
            *DEAD_KEY,
            Severity.INFO,
            Confidence.MEDIUM,
            "config",
            f"{config.dialect} does not read every key: {'; '.join(reasons[:MOST_TOLD])}",
            evidence={"dead_keys": len(dead)},
            advice="changing them changes nothing; --trainer FILE looks at the trainer itself",
        )


def _text_numbers(config: Config) -> Iterator[Finding]:
    problems = [problem for problem in config.problems if problem.code == TEXT_NUMBER[0]]
    if not problems:
        return
    numbers = {name: config.values[name] for name in sorted(config.text_numbers)}
    edits = tuple(
        Edit(name, Operation.SET, setting.value, f"PyYAML reads line {setting.line} as text, not as a number")
        for name, setting in numbers.items()
        if isinstance(setting.value, int | float)
    )
    cure = Prescription("Write the numbers with a dot", "the trainer gets text", edits, Safety.SAFE, ("CFG002",))
    message = f"{_some([f'{p.path} (line {p.line})' for p in problems])}: {problems[0].message}"
    guessed = config.definition.synonyms is not None  # a trainer of its own kind: which loader it calls is not known
    yield Finding(
        *TEXT_NUMBER,
        Severity.WARNING if guessed else Severity.ERROR,
        Confidence.MEDIUM if guessed else Confidence.HIGH,
        "config",
        message,
        evidence={"text_numbers": len(problems), "line": problems[0].line},
        prescriptions=(cure,) if edits else (),
        advice="write such numbers with a dot and a signed exponent: 5.0e-05",
    )


def _duplicates(problems: Iterable[Problem]) -> Iterator[Finding]:
    for problem in problems:
        if problem.code == CONTRADICTION[0]:
            advice = f"remove one of the two; line {problem.line} is the one that counts"
            yield contradiction(Severity.WARNING, problem.message, advice, line=problem.line)


def _some(places: list[str]) -> str:
    more = f" and {len(places) - MOST_TOLD} more" if len(places) > MOST_TOLD else ""
    return ", ".join(places[:MOST_TOLD]) + more
