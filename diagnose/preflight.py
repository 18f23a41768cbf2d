"""Before a GPU hour is spent: what a config amounts to, and what in it cannot be meant."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diagnose.config import Config, ConfigError, Problem
from diagnose.config.units import STEPS, steps_per_epoch
from diagnose.finding import Confidence, Edit, Finding, Number, Operation, Prescription, Safety, Severity

DEAD_KEY = ("CFG001", "dead-key")
TEXT_NUMBER = ("CFG002", "text-number")
CONTRADICTION = ("CFG003", "contradiction")
MOST_TOLD = 3
"""Places named in one message; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known beside the config. None: not known."""

    samples: int | None = None
    """Clips in the training set."""
    tokens: int | None = None
    """Entries of the tokenizer."""
    embedding_rows: int | None = None
    """Rows of the text embedding in the checkpoint that training starts from."""


@dataclass(frozen=True)
class Effective:
    """What the run will really do. Steps are optimizer updates; None: cannot be known."""

    batch_size: Number | None = None
    """Clips behind one update, on one device."""
    steps_per_epoch: int | None = None
    total_steps: int | None = None
    epochs: float | None = None
    samples_seen: int | None = None
    """Clips that pass through the model, repetitions counted."""
    warmup_steps: float | None = None
    warmup_share: float | None = None
    """Of the run."""
    eval_interval: float | None = None
    """In steps."""
    save_interval: float | None = None
    """In steps."""
    learning_rate_peak: float | None = None
    first_loss: float | None = None
    """ln of the vocabulary: the cross-entropy of a model that knows nothing yet."""

    def known(self) -> dict[str, Number]:
        """The fields that have a value."""
        return {name: value for name, value in vars(self).items() if value is not None}


def effective(config: Config, samples: int | None = None) -> Effective:
    """What the config amounts to with `samples` training clips."""
    batch = _effective_batch(config)
    per_epoch = steps_per_epoch(samples, batch) if samples and batch else None
    total = _total_steps(config, per_epoch)
    warmup = _warmup(config, per_epoch, total)
    vocabulary = _number(config, "vocabulary_size")
    return Effective(
        batch_size=batch,
        steps_per_epoch=per_epoch,
        total_steps=total,
        epochs=round(total / per_epoch, 2) if total and per_epoch else _positive(config, "max_epochs"),
        samples_seen=int(total * batch) if total and batch else None,
        warmup_steps=warmup,
        warmup_share=round(warmup / total, 4) if warmup is not None and total else None,
        eval_interval=_in_steps(config, "eval_interval", per_epoch, total),
        save_interval=_in_steps(config, "save_interval", per_epoch, total),
        learning_rate_peak=config.learning_rate_peak,
        first_loss=round(math.log(vocabulary), 3) if vocabulary and vocabulary > 1 else None,
    )


def _number(config: Config, name: str) -> Number | None:
    value = config.value(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _positive(config: Config, name: str) -> Number | None:
    """The value where it counts something; -1 and 0 mean `off` in most frameworks."""
    value = _number(config, name)
    return value if value is not None and value > 0 else None


def _effective_batch(config: Config) -> Number | None:
    setting = config.values.get("batch_size")
    batch = _positive(config, "batch_size")
    if setting is None or batch is None or setting.unit not in {None, "samples"}:
        return None
    ignored = "grad_accumulation_steps" in config.values and config.values["grad_accumulation_steps"].dead
    return batch * (1 if ignored else _positive(config, "grad_accumulation_steps") or 1)


def _total_steps(config: Config, per_epoch: int | None) -> int | None:
    """The first of the two ends that the run meets."""
    epochs, steps = _positive(config, "max_epochs"), _positive(config, "max_steps")
    setting = config.values.get("max_steps")
    ends = [steps] if steps is not None and setting is not None and setting.unit in {None, *STEPS} else []
    if epochs is not None and per_epoch is not None:
        ends.append(epochs * per_epoch)
    return int(min(ends)) if ends else None


def _in_steps(config: Config, name: str, per_epoch: int | None, total: int | None) -> float | None:
    """An interval in steps, whatever unit the file counts it in."""
    setting, value = config.values.get(name), _positive(config, name)
    if setting is None or value is None:
        return None
    if setting.unit in STEPS:
        return value
    whole = {"epochs": per_epoch, "share of the epoch": per_epoch, "share of the run": total}.get(str(setting.unit))
    return None if whole is None else value * whole


def _warmup(config: Config, per_epoch: int | None, total: int | None) -> float | None:
    epochs, ratio = _positive(config, "warmup_epochs"), _positive(config, "warmup_ratio")
    steps = None if _is_dead(config, "warmup_steps") else _in_steps(config, "warmup_steps", per_epoch, total)
    if steps is None and epochs is not None and per_epoch is not None and not _is_dead(config, "warmup_epochs"):
        return epochs * per_epoch
    if steps is None and ratio is not None and total is not None and not _is_dead(config, "warmup_ratio"):
        return ratio * total
    return steps


def _is_dead(config: Config, name: str) -> bool:
    return name in config.values and config.values[name].dead


def preflight(config: Config, around: Surroundings = Surroundings()) -> list[Finding]:
    """What is wrong with a config before it is trained with, worst first. Nothing for what is no training config."""
    if not config.training:
        return []
    sums = effective(config, around.samples)
    found = [*_text_numbers(config), *_duplicates(config.problems)]
    found += [finding for rule in RULES for finding in rule(config, sums, around)]
    return sorted(found, key=lambda finding: -finding.severity.rank)


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
    if trainer is None:
        return tuple(_known_dead(config))
    from diagnose.keyflow.source import keys_read

    report = keys_read(trainer, config.tree(), Path(config.source))
    notes.extend(report.notes)
    if report.unknown:
        notes.append(f"{len(report.unknown)} of {len(report.keys)} keys: cannot tell whether {trainer} reads them")
    return report.findings()


def _known_dead(config: Config) -> Iterator[Finding]:
    dead = [(name, setting) for name, setting in config.values.items() if setting.dead and setting.value]
    if dead:
        reasons = [f"{_at(config, name)}: {setting.note}" for name, setting in dead]
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
    places = {problem.path for problem in problems}
    edits = tuple(
        Edit(name, Operation.SET, setting.value, f"PyYAML reads line {setting.line} as text")
        for name, setting in config.values.items()
        if setting.path in places and isinstance(setting.value, int | float)
    )
    cure = Prescription("Write the numbers with a dot", "the trainer gets text", edits, Safety.SAFE, ("CFG002",))
    message = f"{_some([f'{p.path} (line {p.line})' for p in problems])}: {problems[0].message}"
    yield Finding(
        *TEXT_NUMBER,
        Severity.ERROR,
        Confidence.HIGH,
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
            yield _contradiction(Severity.WARNING, problem.message, advice, line=problem.line)


def _some(places: list[str]) -> str:
    more = f" and {len(places) - MOST_TOLD} more" if len(places) > MOST_TOLD else ""
    return ", ".join(places[:MOST_TOLD]) + more


def _contradiction(severity: Severity, message: str, advice: str, **evidence: Number) -> Finding:
    return Finding(*CONTRADICTION, severity, Confidence.HIGH, "config", message, evidence=evidence, advice=advice)


def _at(config: Config, name: str) -> str:
    """`training.warmup_steps: 4000 (line 60)`."""
    setting = config.values[name]
    return f"{setting.path}: {setting.value} (line {setting.line})"


def _warmup_beyond_run(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """A run that ends within its warm-up never reaches its learning rate."""
    name = next((name for name in ("warmup_steps", "warmup_epochs", "warmup_ratio") if config.value(name)), None)
    if name is None or sums.warmup_steps is None or sums.total_steps is None:
        return
    numbers = {"warmup_steps": sums.warmup_steps, "total_steps": sums.total_steps}
    if sums.warmup_steps >= sums.total_steps:
        message = f"{_at(config, name)}: the warm-up is as long as the run ({sums.total_steps} steps) or longer"
        yield _contradiction(Severity.ERROR, message, "warm up for 1 to 10 % of the run", **numbers)
    elif sums.warmup_steps > sums.total_steps / 2:
        message = f"{_at(config, name)}: more than half of the run ({sums.total_steps} steps) is warm-up"
        yield _contradiction(Severity.WARNING, message, "warm up for 1 to 10 % of the run", **numbers)


def _evaluation_out_of_reach(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """An interval longer than the run evaluates nothing; one of many epochs sees overfitting late."""
    if sums.eval_interval is None or _is_dead(config, "eval_interval"):
        return
    numbers = {"eval_interval": sums.eval_interval}
    if sums.total_steps is not None and sums.eval_interval > sums.total_steps:
        message = f"{_at(config, 'eval_interval')}: longer than the run ({sums.total_steps} steps): never evaluated"
        yield _contradiction(Severity.ERROR, message, "evaluate about once an epoch", **numbers)
    elif sums.steps_per_epoch is not None and sums.eval_interval > sums.steps_per_epoch * MANY_EPOCHS:
        epochs = sums.eval_interval / sums.steps_per_epoch
        message = f"{_at(config, 'eval_interval')}: one evaluation in {epochs:.0f} epochs"
        advice = f"evaluate about once an epoch: every {sums.steps_per_epoch} steps"
        yield _contradiction(Severity.WARNING, message, advice, **numbers, steps_per_epoch=sums.steps_per_epoch)


MANY_EPOCHS = 5
"""Epochs between two evaluations above which overfitting is seen late. A judgement, not a measurement: small sets
overfit within tens of epochs, so that ten looks or more remain."""


def _nothing_saved(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """A run that ends before its first checkpoint."""
    if sums.save_interval is None or sums.total_steps is None or _is_dead(config, "save_interval"):
        return
    if sums.save_interval > sums.total_steps:
        message = (
            f"{_at(config, 'save_interval')}: the run ends at step {sums.total_steps}, before the first checkpoint"
        )
        numbers = {"save_interval": sums.save_interval, "total_steps": sums.total_steps}
        yield _contradiction(Severity.ERROR, message, "save more often than the run is long", **numbers)


def _patience_out_of_reach(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """Early stopping that cannot happen before the run is over."""
    patience = _positive(config, "early_stopping_patience")
    if patience is None or config.value("early_stopping") is False or _is_dead(config, "early_stopping_patience"):
        return
    first, last = _positive(config, "early_stopping_min_epochs"), _positive(config, "max_epochs")
    if first is not None and last is not None and first >= last:
        message = f"{_at(config, 'early_stopping_min_epochs')}: not before the last epoch ({last:g})"
        yield _contradiction(Severity.WARNING, message, "lower it", min_epochs=first, max_epochs=last)
    if config.values["early_stopping_patience"].unit == "epochs":
        needed, length, unit = float(patience), last, "epochs"
    else:
        needed, length, unit = patience * (sums.eval_interval or 0), sums.total_steps, "steps"
    if needed and length and needed >= length:
        where = _at(config, "early_stopping_patience")
        message = f"{where}: needs {needed:g} {unit} without progress, the run has {length:g}"
        advice = "lower the patience or evaluate more often"
        yield _contradiction(Severity.WARNING, message, advice, needed=needed, available=length)


def _decay_ends_run(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """A decay so fast that the last part of the run is trained with no learning rate."""
    gamma = _number(config, "lr_decay")
    setting = config.values.get("lr_decay")
    if gamma is None or setting is None or setting.dead:
        return
    if gamma > 1:
        yield _contradiction(
            Severity.ERROR, f"{_at(config, 'lr_decay')}: the learning rate grows", "use a factor below 1"
        )
    per_step = config.value("scheduler_after_epoch") is False or setting.unit in STEPS
    length = sums.total_steps if per_step else _positive(config, "max_epochs")
    if 0 < gamma < 1 and length and gamma**length < FADED and (per_step or setting.unit == "epochs"):
        end = math.log(FADED) / math.log(gamma)
        unit = "steps" if per_step else "epochs"
        message = f"{_at(config, 'lr_decay')}: after {end:.0f} of {length:g} {unit} the learning rate is a thousandth"
        advice = f"use a factor of {0.1 ** (1 / length):.6g} for a tenth at the end, or a shorter run"
        yield _contradiction(Severity.WARNING, message, advice, lr_decay=gamma, faded_at=round(end))


FADED = 1e-3
"""Share of the learning rate at which nothing is learnt any more: far below the factors of 10 to 100 by which
schedules end (cosine to 10 %: Hoffmann et al. 2022)."""


def _noam_per_epoch(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """Coqui's NoamLR counts its warm-up in scheduler steps, and the Trainer steps it once an epoch by default."""
    scheduler = str(config.value("lr_scheduler"))
    knows = "scheduler_after_epoch" in config.definition.keys
    if knows and re.search("(?i)noam", scheduler) and config.value("scheduler_after_epoch") is not False:
        length = config.value("warmup_steps")
        warmup = f"its warm-up of {length} steps lasts {length} epochs" if length else "its warm-up counts epochs"
        message = f"{_at(config, 'lr_scheduler')} is stepped once an epoch: {warmup}"
        edit = Edit("scheduler_after_epoch", Operation.SET, False, "NoamLR counts steps, not epochs")
        cure = Prescription("Step NoamLR every step", message, (edit,), Safety.SAFE, ("CFG003",))
        advice = "set scheduler_after_epoch: false"
        yield Finding(
            *CONTRADICTION, Severity.ERROR, Confidence.HIGH, "config", message, prescriptions=(cure,), advice=advice
        )


def _half_precision(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """Two kinds of half precision at once; or the one that overflows where the other is at hand."""
    kinds = {name for name in ("fp16", "bf16") if _switched_on(config, name)}
    if kinds == {"fp16", "bf16"}:
        yield _contradiction(
            Severity.ERROR, "bf16 and fp16 are both switched on", "keep one; bf16 where the GPU has it"
        )
    elif "fp16" in kinds and "mixed_precision" in config.values:
        message = f"{_at(config, 'mixed_precision')}: fp16 overflows above 65504 and needs loss scaling"
        yield _contradiction(Severity.INFO, message, "on Ampere (2020) and newer GPUs bf16 needs neither")


def _switched_on(config: Config, kind: str) -> bool:
    setting = config.values.get("mixed_precision")
    if setting is None:
        return False
    word = str(setting.value).lower()
    named = kind in setting.path.lower() and setting.value is True
    return (
        _beside(config, "mixed_precision", kind) is True
        or named
        or word in {kind, f"{kind}-mixed", "16-mixed" if kind == "fp16" else f"{kind}-true"}
    )


def _scalar(config: Config, path: str) -> Any:
    """The plain value of a key that has no canonical name."""
    node = config.document.node(tuple(path.split(".")))
    return getattr(node, "value", None)


def _beside(config: Config, name: str, key: str) -> Any:
    """The plain value of a key in the section where a hyperparameter stands."""
    *section, _ = config.values[name].path.split(".")
    return _scalar(config, ".".join([*section, key]))


def _batch_beyond_data(config: Config, sums: Effective, around: Surroundings) -> Iterator[Finding]:
    """An update that wants more clips than there are."""
    if around.samples is not None and sums.batch_size is not None and sums.batch_size > around.samples:
        message = f"{sums.batch_size} clips go into one optimizer step, the data set has {around.samples}"
        numbers = {"effective_batch": sums.batch_size, "samples": around.samples}
        yield _contradiction(Severity.ERROR, message, "lower the batch size or the accumulation", **numbers)


def _rates_crossed(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """A floor of the learning rate above its top."""
    top, floor = sums.learning_rate_peak or _number(config, "learning_rate"), _number(config, "min_learning_rate")
    if top and floor and floor > top and not _is_dead(config, "min_learning_rate"):
        message = f"{_at(config, 'min_learning_rate')}: above the learning rate itself ({top:g})"
        yield _contradiction(Severity.ERROR, message, "put it below", minimum=floor, learning_rate=top)


def _best_model_needs_both(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """Hugging Face's `load_best_model_at_end` saves where it evaluates."""
    save, evaluate = _number(config, "save_interval"), _number(config, "eval_interval")
    if not save or not evaluate or _beside(config, "save_interval", "load_best_model_at_end") is not True:
        return
    if save >= 1 and evaluate >= 1 and save % evaluate:
        message = (
            f"load_best_model_at_end: {_at(config, 'save_interval')} is no multiple of {_at(config, 'eval_interval')}"
        )
        advice = "make the one a multiple of the other: the Trainer raises ValueError at the start"
        yield _contradiction(Severity.ERROR, message, advice, save_steps=save, eval_steps=evaluate)


def _two_warmups(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """A warm-up given in steps and as a share: one of them is ignored or both are refused."""
    if _positive(config, "warmup_steps") and _positive(config, "warmup_ratio"):
        message = f"{_at(config, 'warmup_steps')} and {_at(config, 'warmup_ratio')} both ask for a warm-up"
        yield _contradiction(Severity.WARNING, message, "keep one of them")


def _phase_never_starts(config: Config, sums: Effective, _: Surroundings) -> Iterator[Finding]:
    """StyleTTS 2 starts its diffusion and its joint training at an epoch; behind the last one they never run."""
    epochs = _positive(config, "max_epochs")
    if "phase_epochs" not in config.values or epochs is None:
        return
    for phase in ("loss_params.diff_epoch", "loss_params.joint_epoch"):
        start = _scalar(config, phase)
        last = _scalar(config, "epochs_2nd") or epochs
        if isinstance(start, int) and isinstance(last, int) and start >= last:
            message = f"{phase}: {start} never comes, the run has {last} epochs"
            yield _contradiction(
                Severity.WARNING, message, "start it earlier or train longer", start=start, epochs=last
            )


def _vocabulary(config: Config, sums: Effective, around: Surroundings) -> Iterator[Finding]:
    """Token numbers without an embedding row crash or corrupt; rows that do not fit are not loaded."""
    size = _number(config, "vocabulary_size")
    if size is None:
        return
    if around.tokens is not None and around.tokens > size:
        message = f"{_at(config, 'vocabulary_size')}: the tokenizer has {around.tokens} tokens"
        numbers = {"vocabulary_size": size, "tokens": around.tokens}
        yield _contradiction(Severity.ERROR, message, "make the vocabulary as large as the tokenizer", **numbers)
    if around.embedding_rows is not None and around.embedding_rows != size:
        message = f"{_at(config, 'vocabulary_size')}: the checkpoint has {around.embedding_rows} embedding rows"
        advice = "extend the checkpoint's embedding first: rows of another number are dropped when it is loaded"
        numbers = {"vocabulary_size": size, "embedding_rows": around.embedding_rows}
        yield _contradiction(Severity.ERROR, message, advice, **numbers)


Rule = Callable[[Config, Effective, Surroundings], Iterator[Finding]]
RULES: tuple[Rule, ...] = (
    _warmup_beyond_run,
    _evaluation_out_of_reach,
    _nothing_saved,
    _patience_out_of_reach,
    _decay_ends_run,
    _noam_per_epoch,
    _half_precision,
    _batch_beyond_data,
    _rates_crossed,
    _best_model_needs_both,
    _two_warmups,
    _phase_never_starts,
    _vocabulary,
)


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """What the text becomes."""

    size: int
    """One more than the highest token number."""
    alphabet: frozenset[str] | None
    """The characters that its tokens are made of; None where they stand for bytes."""


def read_tokenizer(path: Path) -> Tokenizer | None:
    """A tokenizer: Hugging Face `tokenizer.json`, a `vocab.json`, or a list with one token a line.

    A folder is searched for these. None where there is nothing of the kind. Raises ConfigError for a file
    that cannot be read.
    """
    if path.is_dir():
        names = ("tokenizer.json", "vocab.json", "vocab.txt")
        path = next((path / name for name in names if (path / name).is_file()), path)
    if path.suffix not in {".json", ".txt"} or not path.is_file():
        return None
    if path.stat().st_size > MAX_TOKENIZER:
        raise ConfigError(f"{path}: larger than {MAX_TOKENIZER // 2**20} MB: no tokenizer")
    try:
        text = path.read_text("utf-8")
        numbers = dict.fromkeys(text.splitlines(), 0) if path.suffix == ".txt" else _numbered(json.loads(text))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not a tokenizer: {' '.join(str(error).split()):.200}") from None
    if not numbers:
        return None
    size = len(numbers) if path.suffix == ".txt" else max(numbers.values()) + 1
    return Tokenizer(size, None if "ByteLevel" in text else frozenset("".join(numbers)))


MAX_TOKENIZER = 256 * 2**20
"""A generous limit: tokenizers of 250,000 entries with their merges have some 20 MB."""


def _numbered(data: Any) -> dict[str, int]:
    """Token -> number, added tokens included; empty where the file holds none."""
    if not isinstance(data, dict):
        return {}
    model = data.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else data.get("vocab", data)
    if isinstance(vocabulary, list):  # Unigram: a list of [token, score]
        tokens = [entry[0] if isinstance(entry, list) and entry else entry for entry in vocabulary]
        vocabulary = {str(token): number for number, token in enumerate(tokens)}
    added = data.get("added_tokens", [])
    extra = {str(token.get("content")): token.get("id") for token in added if isinstance(token, dict)}
    known = {**(vocabulary if isinstance(vocabulary, dict) else {}), **extra}
    return {token: number for token, number in known.items() if isinstance(number, int) and number is not True}


def embedding_rows(path: Path) -> int | None:
    """Rows of the text embedding in a safetensors checkpoint, from its header alone.

    None where no tensor is called like one. Raises ConfigError where the header is damaged.
    Source of the layout: the safetensors format (8 bytes little-endian length, then JSON).
    """
    if path.suffix != ".safetensors" or not path.is_file():
        return None
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(MAX_HEADER, path.stat().st_size):
            raise ConfigError(f"{path}: the header claims {length} bytes: a damaged checkpoint")
        content = file.read(length)
    try:
        header = json.loads(content)
        shapes = {name: tensor["shape"] for name, tensor in header.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ConfigError(f"{path}: the header is no JSON: a damaged checkpoint") from None
    for pattern in EMBEDDINGS:
        for name, shape in shapes.items():
            if re.search(pattern, name) and isinstance(shape, list) and len(shape) == 2 and isinstance(shape[0], int):
                return shape[0]
    return None


MAX_HEADER = 100_000_000
"""The limit of the safetensors library."""
EMBEDDINGS = (
    r"(^|\.)text_?emb(ed(ding)?s?)?(\.\w+)?\.weight$",
    r"(^|\.)(token|symbol|phoneme|word)s?_?emb(ed(ding)?s?)?(\.\w+)?\.weight$",
    r"(^|\.)(embed_tokens|wte|emb|embedding|enc_p\.emb)\.weight$",
)
"""What text embeddings are called, the surest first: Chatterbox T3 and F5-TTS, Tacotron 2 and its kin, GPT and VITS."""
