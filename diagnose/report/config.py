"""A config, its pre-flight and the keys that its trainer reads, for the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from diagnose.clean import plain
from diagnose.config import Config
from diagnose.config.effective import Effective, effective
from diagnose.config.memory import Estimate, estimate
from diagnose.config.ranges import first_learning_rate
from diagnose.finding import Diagnosis, Severity
from diagnose.report.as_json import finding_json
from diagnose.report.screen import Screen, finding_body, finding_head, indented, printed
from diagnose.usage.report import KeyReport, KeyState, KeyUse

MOST_NAMED = 12


def keys_json(report: KeyReport) -> list[dict[str, Any]]:
    """Every key in the order of the file; a list is one key."""
    return [
        {
            **{key: getattr(use, key) for key in ("path", "state", "confidence")},
            "where": None if use.where is None else str(use.where),
            "reads": list(map(str, use.reads)),
            **{key: getattr(use, key) for key in ("reason", "instead", "default")},
            "place": None if use.place is None else str(use.place),
            "hard_coded": use.hard_coded,
        }
        for use in report.keys
    ]


def report_json(report: KeyReport) -> dict[str, Any]:
    """The contract of `ttsdoc trace --format json`, without the envelope."""
    absent = [{"path": key.path, "default": key.default, "reads": list(map(str, key.reads))} for key in report.absent]
    known = {"trainer": report.trainer, "method": report.method, "keys": keys_json(report)}
    return {**known, "absent": absent, "notes": list(report.notes)}


def lines(report: KeyReport) -> Iterator[str]:
    """The report as text, what is wrong first."""
    width = max((len(use.path) for use in report.idle), default=0)
    for use in report.idle:
        yield f"{use.state.value:<10} {use.path:<{width}}  {_in_short(use)}".rstrip()
    for key in report.absent:
        default = "no default" if key.default is None else f"default {key.default}"
        yield f"{'absent':<10} {key.path} is read at {key.reads[0]}; the file does not have it ({default})"
    unknown: dict[str, list[str]] = {}
    for use in report.keys:
        if use.state is KeyState.UNKNOWN:
            unknown.setdefault(use.reason, []).append(f"`{use.path}`")
    for reason, paths in unknown.items():
        more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
        yield f"{'unknown':<10} {', '.join(paths[:MOST_NAMED])}{more}: {reason}"
    yield (
        f"{len(report.keys)} keys: {len(report.live)} read, {len(report.dead)} never read, "
        f"{len(report.misplaced)} read under another path, {len(report.unknown)} cannot tell"
    )
    if report.idle:
        yield "Changing a dead or misplaced key has no effect."


def _in_short(use: KeyUse) -> str:
    if use.state is KeyState.MISPLACED:
        default = "" if use.default is None else f", {use.default} is used"
        return f"the trainer reads {use.instead} ({use.place}){default}"
    if use.hard_coded is not None:
        return f"{use.hard_coded} is written in the source at {use.place}"
    return use.reason or ("" if use.place is None else f"other keys of its section are read at {use.place}")


NOT_TRAINING = "no training hyperparameters here that ttsdoc knows"
WIDEST_VALUE = 18


def config_text(config: Config, derived: Effective, screen: Screen) -> str:
    """What a config says in canonical names, where each value is, and what it amounts to."""
    parts = list(_opening(config, config.notes))
    if config.values:
        parts += [Padding(_settings(config), (1, 0, 1, 2)), *_remarks(config)]
    if config.training and derived.known():
        parts += [Text("\nWhat it amounts to", "bold"), indented(_derived(derived))]
    if config.problems:
        parts.append(Text("\nProblems", "bold"))
        parts += [indented(Text(f"{p.code} line {p.line}: {plain(p.message)}")) for p in config.problems]
    return printed(Group(*parts), screen)


def config_json(config: Config, derived: Effective) -> dict[str, Any]:
    """The contract of `ttsdoc config show --format json`, without the envelope; lock and file only where they are."""
    values = {name: asdict(setting) for name, setting in config.values.items()}
    return {
        **{key: getattr(config, key) for key in ("source", "dialect", "training")},
        "values": {
            name: {key: value for key, value in setting.items() if value or key not in {"file", "locked"}}
            for name, setting in values.items()
        },
        "effective": derived.known() if config.training else {},
        "problems": [asdict(problem) for problem in config.problems],
    }


def check_text(diagnosis: Diagnosis, screen: Screen, gpu: float | None = None) -> str:
    """What is known before a run: what the config amounts to, then what is wrong, worst first. `gpu`: its GB."""
    config = checked(diagnosis)
    parts = list(_opening(config, (*config.notes, *diagnosis.facts.notes)))
    amounts = effective(config, diagnosis.facts.train_samples)
    if config.training and amounts.known():
        parts.append(indented(_derived(amounts), above=1))
    if config.training:
        parts += [indented(Text(line)) for line in _forecasts(diagnosis, config, gpu)]
    for finding in diagnosis.findings:
        parts += [Text(), indented(finding_head(finding)), indented(finding_body(finding), 4)]
    if config.training or diagnosis.findings:
        counts = [(level, sum(one.severity is level for one in diagnosis.findings)) for level in reversed(Severity)]
        shown = ", ".join(f"{count} {level.value}{'s' * (count > 1)}" for level, count in counts if count)
        parts.append(Text(f"\n{shown or 'nothing wrong found'}", "bold"))
    return printed(Group(*parts), screen)


def _opening(config: Config, notes: Iterable[str]) -> Iterator[RenderableType]:
    """The file and its dialect, what a file is that holds nothing to train with, and the notes."""
    yield Text("ttsdoc  ").append(plain(config.source), "bold").append(f"  ({plain(config.dialect)})", "dim")
    if not config.training:
        kind = "" if config.definition.synonyms is not None else f" ({plain(config.definition.title)})"
        yield indented(Text(f"{NOT_TRAINING}{kind}; --dialect FILE names those of another trainer"))
    yield from (indented(Text(plain(note), "dim")) for note in notes)


def _forecasts(diagnosis: Diagnosis, config: Config, gpu: float | None) -> Iterator[str]:
    """The first rate to try, and whether the training fits into a GPU."""
    first = first_learning_rate(config, diagnosis.facts.family)
    if first is not None:
        rate, span = first
        yield f"first learning rate to try: {rate:g} ({span.title}; {span.lowest:g} to {span.highest:g} are in use)"
    if gpu is not None:
        memory = estimate(config, diagnosis.facts.family, gpu)
        yield f"{gpu:g} GB GPU: {UNKNOWN_MEMORY}" if memory is None else _memory(memory)


UNKNOWN_MEMORY = "no estimate, for neither the size of this model nor a measurement of its family is known"


def _memory(memory: Estimate) -> str:
    fitting = f"up to {memory.largest_batch} {memory.unit}" if memory.largest_batch else "no batch"
    return (
        f"{memory.gigabytes:g} GB GPU: a batch of {memory.batch:g} {memory.unit} {memory.verdict}: about "
        f"{memory.needed:.3g} GB ({memory.least:.3g} to {memory.most:.3g}); {fitting} should fit\n"
        f"  GB = {memory.formula}, {memory.title}; {memory.source}"
    )


def check_json(diagnosis: Diagnosis, gpu: float | None = None) -> dict[str, Any]:
    """The contract of `ttsdoc check --format json`, without the envelope. `gpu`: its GB."""
    config, facts = checked(diagnosis), diagnosis.facts
    answer = config_json(config, effective(config, facts.train_samples))
    if facts.keys is not None:
        answer["keys"] = keys_json(facts.keys)
    if config.training and (first := first_learning_rate(config, facts.family)) is not None:
        answer["first_learning_rate"] = {"value": first[0], "source": first[1].source}
    if gpu is not None:
        memory = estimate(config, facts.family, gpu)
        answer["gpu"] = None if memory is None else {**asdict(memory), "verdict": memory.verdict}
    shown = [finding_json(finding) for finding in diagnosis.findings]
    return {**answer, "findings": shown, "notes": [*config.notes, *facts.notes]}


def checked(diagnosis: Diagnosis) -> Config:
    """The config that was checked. Raises LookupError where there was none."""
    config = diagnosis.facts.config
    if config is None:
        raise LookupError("a check of a config needs one")
    return config


def _settings(config: Config) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("parameter", overflow="fold")
    table.add_column("value", overflow="fold")
    table.add_column("line", justify="right", no_wrap=True)
    table.add_column("where", overflow="fold")
    for name, setting in config.values.items():
        style = "dim" if setting.dead else ""
        per = "per " if name == "lr_decay" and setting.unit else ""
        value = f"{_short(setting.value)} {per}{setting.unit or ''}".rstrip()
        cells = (name + ("*" if setting.note else ""), value, str(setting.line), plain(setting.path))
        table.add_row(*(Text(cell, style) for cell in cells))
    return table


def _remarks(config: Config) -> Iterator[RenderableType]:
    """What is to be known of single settings, those that are never read first."""
    noted = [(name, setting) for name, setting in config.values.items() if setting.note]
    for name, setting in sorted(noted, key=lambda entry: not entry[1].dead):
        word = "never read: " if setting.dead else ""
        line = Text(f"{name}* ").append(f"{word}{plain(setting.note)}", "dim")
        yield indented(line)


def _short(value: Any) -> str:
    text = "-" if value is None else str(value).lower() if isinstance(value, bool) else plain(str(value))
    return text if len(text) <= WIDEST_VALUE else "..." + text[3 - WIDEST_VALUE :]


WORDS = {
    "batch_size": "clips an update",
    "steps_per_epoch": "updates an epoch",
    "total_steps": "updates in all",
    "epochs": "epochs",
    "samples_seen": "clips seen, repetitions counted",
    "warmup_steps": "updates of warm-up",
    "warmup_share": "of the run is warm-up",
    "eval_interval": "updates between evaluations",
    "save_interval": "updates between checkpoints",
    "learning_rate_peak": "highest learning rate of the schedule",
    "first_loss": "expected first loss, if it is a cross-entropy over the vocabulary",
}


def _derived(derived: Effective) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right")
    for name, value in derived.known().items():
        form = ".1%" if name == "warmup_share" else ",.6g" if isinstance(value, float) else ","
        table.add_row(f"{value:{form}}", WORDS[name])
    return table
