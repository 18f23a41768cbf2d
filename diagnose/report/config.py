"""A config and its pre-flight for the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from diagnose.clean import plain
from diagnose.config import Config, Setting
from diagnose.config.effective import Effective, effective
from diagnose.config.memory import Estimate, estimate
from diagnose.config.ranges import first_learning_rate
from diagnose.finding import Diagnosis, Finding, Severity
from diagnose.report.as_json import finding_json
from diagnose.report.keys import keys_json
from diagnose.report.screen import Screen, finding_body, finding_head, printed

NOT_TRAINING = "no training hyperparameters here that ttsdoc knows"
WIDEST_VALUE = 18


def config_text(config: Config, derived: Effective, screen: Screen) -> str:
    """What a config says in canonical names, where each value is, and what it amounts to."""
    parts: list[RenderableType] = [_heading(config)]
    if not config.training:
        parts.append(Text(f"  {_untrained(config)}"))
    parts += [Padding(Text(plain(note), "dim"), (0, 0, 0, 2)) for note in config.notes]
    if config.values:
        parts += [Padding(_settings(config), (1, 0, 1, 2)), *_remarks(config)]
    if config.training and derived.known():
        parts += [Text("\nWhat it amounts to", "bold"), Padding(_derived(derived), (0, 0, 0, 2))]
    if config.problems:
        parts.append(Text("\nProblems", "bold"))
        parts += [Padding(Text(f"{p.code} line {p.line}: {plain(p.message)}"), (0, 0, 0, 2)) for p in config.problems]
    return printed(Group(*parts), screen)


def config_json(config: Config, derived: Effective) -> dict[str, Any]:
    """The contract of `ttsdoc config show --format json`, without the envelope."""
    return {
        "source": config.source,
        "dialect": config.dialect,
        "training": config.training,
        "values": {name: _setting_json(setting) for name, setting in config.values.items()},
        "effective": derived.known() if config.training else {},
        "problems": [asdict(problem) for problem in config.problems],
    }


def _setting_json(setting: Setting) -> dict[str, Any]:
    """A setting; lock and file only where there is one."""
    return {key: value for key, value in asdict(setting).items() if key not in {"file", "locked"} or value}


def check_text(diagnosis: Diagnosis, screen: Screen, gpu: float | None = None) -> str:
    """What is known before a run: what the config amounts to, then what is wrong, worst first. `gpu`: its GB."""
    config = checked(diagnosis)
    parts: list[RenderableType] = [_heading(config)]
    if not config.training:
        parts.append(Text(f"  {_untrained(config)}"))
    notes = (*config.notes, *diagnosis.facts.notes)
    parts += [Padding(Text(plain(note), "dim"), (0, 0, 0, 2)) for note in notes]
    amounts = effective(config, diagnosis.facts.train_samples)
    if config.training and amounts.known():
        parts.append(Padding(_derived(amounts), (1, 0, 0, 2)))
    if config.training:
        parts += [Padding(Text(line), (0, 0, 0, 2)) for line in _forecasts(diagnosis, config, gpu)]
    for finding in diagnosis.findings:
        parts += [Text(), Padding(finding_head(finding), (0, 0, 0, 2)), Padding(finding_body(finding), (0, 0, 0, 4))]
    if config.training or diagnosis.findings:
        parts.append(Text(f"\n{_count(diagnosis.findings)}", "bold"))
    return printed(Group(*parts), screen)


def _untrained(config: Config) -> str:
    """What a file is in which nothing to train with was found."""
    kind = "" if config.definition.synonyms is not None else f" ({plain(config.definition.title)})"
    return f"{NOT_TRAINING}{kind}; --dialect FILE names those of another trainer"


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
    batch = f"{memory.batch:g} {memory.unit}"
    largest = (
        f"up to {memory.largest_batch} {memory.unit} should fit" if memory.largest_batch else "no batch should fit"
    )
    return (
        f"{memory.gigabytes:g} GB GPU: a batch of {batch} {memory.verdict}: about {memory.needed:.3g} GB "
        f"({memory.least:.3g} to {memory.most:.3g}); {largest}\n"
        f"  GB = {memory.formula}, {memory.title}; {memory.source}"
    )


def check_json(diagnosis: Diagnosis, gpu: float | None = None) -> dict[str, Any]:
    """The contract of `ttsdoc check --format json`, without the envelope. `gpu`: its GB."""
    config = checked(diagnosis)
    shown = [finding_json(finding) for finding in diagnosis.findings]
    amounts = effective(config, diagnosis.facts.train_samples)
    keys = diagnosis.facts.keys
    used = {} if keys is None else {"keys": keys_json(keys)}
    first = first_learning_rate(config, diagnosis.facts.family) if config.training else None
    ahead = {} if first is None else {"first_learning_rate": {"value": first[0], "source": first[1].source}}
    memory = None if gpu is None else estimate(config, diagnosis.facts.family, gpu)
    needed = None if memory is None else {**asdict(memory), "verdict": memory.verdict}
    fits = {} if gpu is None else {"gpu": needed}
    notes = [*config.notes, *diagnosis.facts.notes]
    return {**config_json(config, amounts), **used, **ahead, **fits, "findings": shown, "notes": notes}


def checked(diagnosis: Diagnosis) -> Config:
    """The config that was checked. Raises LookupError where there was none."""
    config = diagnosis.facts.config
    if config is None:
        raise LookupError("a check of a config needs one")
    return config


def _heading(config: Config) -> Text:
    return Text("ttsdoc  ").append(plain(config.source), "bold").append(f"  ({plain(config.dialect)})", "dim")


def _settings(config: Config) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("parameter", header_style="bold", no_wrap=True)
    table.add_column("value", header_style="bold", no_wrap=True)
    table.add_column("line", header_style="bold", justify="right")
    table.add_column("where", header_style="bold", overflow="fold")
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
        yield Padding(line, (0, 0, 0, 2))


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
    table.add_column()
    for name, value in derived.known().items():
        shown = (
            f"{value:.1%}" if name == "warmup_share" else f"{value:,.6g}" if isinstance(value, float) else f"{value:,}"
        )
        table.add_row(shown, WORDS[name])
    return table


def _count(findings: Sequence[Finding]) -> str:
    counts = [(level, sum(finding.severity is level for finding in findings)) for level in reversed(Severity)]
    shown = ", ".join(f"{count} {level.value}{'s' * (count > 1)}" for level, count in counts if count)
    return shown or "nothing wrong found"
