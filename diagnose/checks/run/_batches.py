"""How many clips a batch should hold. Shared by the checks that prescribe batches."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor, log2
from typing import Any

from diagnose.finding import Edit, Operation, Prescription, Safety
from diagnose.run import Run

# Clips behind one update. Source: the guide ("effective batch = 32"); threads Rayhane-mamah/Tacotron-2#32 and
# NVIDIA/tacotron2#254: no alignment below 32.
EFFECTIVE_BATCH = 32
# Batches that an epoch should have. Source: the guide's batch of 8 for 525 clips (65 batches; 16 would leave 32).
BATCHES_PER_EPOCH = 50
# Clips below which a batch wastes the device and its statistics mean nothing. Source: our choice.
SMALLEST = 4


def micro_batch(run: Run, samples: int) -> int:
    """The batch size that a set of `samples` clips bears: a power of two, never above the configured one."""
    bearable: int = 2 ** floor(log2(max(1, samples / BATCHES_PER_EPOCH)))
    configured = whole(run.config, "batch_size")
    return max(bearable, SMALLEST) if configured is None else min(max(bearable, SMALLEST), configured)


def steadier_batches(run: Run) -> Prescription | None:
    """Smaller batches, accumulated to a larger effective batch, for an unstable run on a data set of known size.

    None where the effective batch is large enough, or where the config or the data set size is not known.
    """
    batch, samples = whole(run.config, "batch_size"), run.dataset.samples
    accumulated = whole(run.config, "grad_accumulation_steps") or 1
    if batch is None or samples is None or batch * accumulated >= EFFECTIVE_BATCH:
        return None
    smaller = micro_batch(run, samples)
    return Prescription(
        "Average each update over more clips",
        f"an update sees {batch * accumulated} clips, and the loss is unstable",
        tuple(_edits(batch, smaller, accumulated, samples)),
        Safety.SAFE,
        expected="with accumulation to 32 the bundled trainer's spiking runs ended 0.36 lower (2 to 3 seeds)",
    )


def _edits(batch: int, smaller: int, accumulated: int, samples: int) -> list[Edit]:
    needed = ceil(EFFECTIVE_BATCH / smaller)
    edits = []
    if smaller < batch:
        why = f"{samples:,} clips: smaller batches leave {samples // smaller} of them in an epoch"
        edits.append(Edit("batch_size", Operation.SET, smaller, why, needs=("grad_accumulation_steps",)))
    if needed > accumulated:
        why = f"{needed} batches of {smaller} make an effective batch of {needed * smaller}, was {batch * accumulated}"
        edits.append(Edit("grad_accumulation_steps", Operation.SET, needed, why, needs=("batch_size",)))
    return edits


def whole(config: Mapping[str, Any], parameter: str) -> int | None:
    """The value of `parameter` if it is a positive whole number."""
    value = config.get(parameter)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
