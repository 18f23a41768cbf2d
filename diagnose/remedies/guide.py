"""What the training guide says of small data sets, where the run's own evidence says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor, log2

from diagnose.facts import Facts
from diagnose.finding import Edit, Operation, Prescription, Safety
from diagnose.numbers import is_number, round_count
from diagnose.remedies.evidence import number
from diagnose.remedies.overfitting import DROPOUT
from diagnose.run import Role

EFFECTIVE_BATCH = 32
"""Clips behind one update. Source: the guide ("effective batch = 32")."""
BATCHES_PER_EPOCH = 50
"""Source: the guide's batch of 8 for 525 clips."""
SMALLEST_BATCH = 4
SMALL = 1000
"""Clips below which the guide's plan holds. Source: its stable config, "for datasets with <1000 samples"."""
PRESENTATIONS = 100_000
"""Clips times epochs that a small set bears. Source: the guide's 200 epochs of 525 clips."""
EXCESS = 2.0
"""How far beyond its cap a planned value must be to be worth a change. Source: our choice: less is
a matter of taste."""


def small_data(facts: Facts) -> tuple[Prescription, ...]:
    """For a plan that shows a small data set far too often: fewer epochs, earlier looks, by the guide's table."""
    samples = facts.samples
    edits = () if samples is None or samples >= SMALL else tuple(_plan_edits(facts, samples))
    if not edits:
        return ()
    return (
        Prescription(
            "Cut the plan to the size of the data set",
            f"{samples:,} clips are memorised long before the planned end",
            edits,
            Safety.SAFE,
            expected="the best checkpoint is evaluated and kept before the model overfits",
        ),
    )


def steadier_batches(facts: Facts) -> Iterator[Prescription]:
    """The guide's batches, where no gradient norm says more; `benchmarks/cure` found no gain at equal samples."""
    batch, samples = number(facts, "batch_size"), facts.samples
    accumulated = int(number(facts, "grad_accumulation_steps") or 1)
    if batch is None or samples is None or samples >= SMALL or facts.curve(Role.GRAD_NORM) is not None:
        return
    if batch * accumulated >= EFFECTIVE_BATCH:
        return
    smaller = micro_batch(facts, samples)
    yield Prescription(
        "Average each update over more clips",
        f"an update sees {batch * accumulated:g} clips, and the loss is unstable",
        tuple(_batch_edits(int(batch), smaller, accumulated, samples)),
        Safety.SAFE,
    )


def micro_batch(facts: Facts, samples: int) -> int:
    """The batch size that a set of `samples` clips bears: a power of two, never above the configured one."""
    bearable: int = max(SMALLEST_BATCH, 2 ** floor(log2(max(1.0, samples / BATCHES_PER_EPOCH))))
    configured = number(facts, "batch_size")
    return bearable if configured is None else min(bearable, int(configured))


def _batch_edits(batch: int, smaller: int, accumulated: int, samples: int) -> Iterator[Edit]:
    if smaller < batch:
        why = f"{samples:,} clips are few: smaller batches leave more of them in an epoch"
        yield Edit("batch_size", Operation.SET, smaller, why, needs=("grad_accumulation_steps",))
    needed = ceil(EFFECTIVE_BATCH / smaller)
    if needed > accumulated:
        why = f"{needed} batches of {smaller} make an effective batch of {needed * smaller}, was {batch * accumulated}"
        yield Edit("grad_accumulation_steps", Operation.SET, needed, why, needs=("batch_size",))


def _plan_edits(facts: Facts, samples: int) -> Iterator[Edit]:
    epochs = round_count(PRESENTATIONS / samples)
    if _exceeds(facts, "max_epochs", epochs):
        why = f"{samples:,} clips x {epochs} epochs = {samples * epochs:,} presentations, enough to overfit"
        yield Edit("max_epochs", Operation.CAP, epochs, why)
        dropout = facts.settings.get("dropout")
        # A plan within the budget needs no more dropout: 0.2 cost the bundled trainer's healthy preset 0.1.
        if is_number(dropout) and 0 < dropout < DROPOUT:
            yield Edit("dropout", Operation.SET, DROPOUT, f"{samples:,} clips are few: make memorising harder")
    batches = ceil((facts.train_samples or samples) / micro_batch(facts, samples))
    if _exceeds(facts, "eval_interval", 2 * batches):  # first: the saves may be the same key
        why = "an epoch is {updates}: look at least every second epoch"
        yield Edit("eval_interval", Operation.CAP, 2, why, unit="epochs")
    if _exceeds(facts, "save_interval", 10 * batches):
        if is_number(facts.settings.get("eval_interval")):
            why = "a checkpoint about every 5 evaluations keeps the best one"
            yield Edit("save_interval", Operation.CAP, 5, why, unit="evaluations")
        else:
            why = "an epoch is {updates}: a checkpoint about every 10 epochs keeps the best one"
            yield Edit("save_interval", Operation.CAP, 10, why, unit="epochs")


def _exceeds(facts: Facts, parameter: str, cap: int) -> bool:
    value = facts.settings.get(parameter)
    return is_number(value) and value > EXCESS * cap
