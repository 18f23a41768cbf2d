"""What the model, its data and its arithmetic cannot do together."""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.checks.config._rule import Rule, at, beside, contradiction
from diagnose.config import Config
from diagnose.config.effective import Effective, number
from diagnose.facts import Facts
from diagnose.finding import Finding, Severity


def half_precision(config: Config, effective: Effective, _: Facts) -> Iterator[Finding]:
    """Two kinds of half precision at once; or the one that overflows where the other is at hand."""
    kinds = {name for name in ("fp16", "bf16") if _switched_on(config, name)}
    if kinds == {"fp16", "bf16"}:
        yield contradiction(Severity.ERROR, "bf16 and fp16 are both switched on", "keep one; bf16 where the GPU has it")
    elif "fp16" in kinds and "mixed_precision" in config.values:
        message = f"{at(config, 'mixed_precision')}: fp16 overflows above 65504 and needs loss scaling"
        advice = "on Ampere (2020) and newer GPUs bf16 needs neither"
        yield contradiction(Severity.INFO, message, advice, line=config.values["mixed_precision"].line)


def _switched_on(config: Config, kind: str) -> bool:
    setting = config.values.get("mixed_precision")
    if setting is None:
        return False
    word = str(setting.value).lower()
    named = kind in setting.path.lower() and setting.value is True
    return (
        beside(config, "mixed_precision", kind) is True
        or named
        or word in {kind, f"{kind}-mixed", "16-mixed" if kind == "fp16" else f"{kind}-true"}
    )


def batch_beyond_data(config: Config, effective: Effective, facts: Facts) -> Iterator[Finding]:
    """An update that wants more clips than there are."""
    clips, batch = facts.train_samples, effective.batch_size
    if clips is not None and batch is not None and batch > clips:
        message = f"{batch} clips go into one optimiser step, the data set has {clips} to train on"
        numbers, line = {"effective_batch": batch, "samples": clips}, config.values["batch_size"].line
        yield contradiction(Severity.ERROR, message, "lower the batch size or the accumulation", line=line, **numbers)


def vocabulary(config: Config, effective: Effective, facts: Facts) -> Iterator[Finding]:
    """Token numbers without an embedding row crash or corrupt; rows that do not fit are not loaded."""
    size = number(config, "vocabulary_size")
    if size is None:
        return
    line = config.values["vocabulary_size"].line
    if facts.tokens is not None and facts.tokens > size:
        message = f"{at(config, 'vocabulary_size')}: the tokenizer has {facts.tokens} tokens"
        numbers = {"vocabulary_size": size, "tokens": facts.tokens}
        yield contradiction(
            Severity.ERROR, message, "make the vocabulary as large as the tokenizer", line=line, **numbers
        )
    if facts.embedding_rows is not None and facts.embedding_rows != size:
        message = f"{at(config, 'vocabulary_size')}: the checkpoint has {facts.embedding_rows} embedding rows"
        advice = "extend the checkpoint's embedding first: rows of another number are dropped when it is loaded"
        numbers = {"vocabulary_size": size, "embedding_rows": facts.embedding_rows}
        yield contradiction(Severity.ERROR, message, advice, line=line, **numbers)


RULES: tuple[Rule, ...] = (
    half_precision,
    batch_beyond_data,
    vocabulary,
)
