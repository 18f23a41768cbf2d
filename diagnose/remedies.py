"""What to change, from the run's own evidence. (Replaced by the loop's file of the same names.)"""

from __future__ import annotations

from math import ceil, floor, log2, log10

import numpy as np

from diagnose.facts import Facts
from diagnose.finding import Edit, Operation, Prescription, Safety
from diagnose.run import Role

LOWEST_RATE = 1e-6


def _number(facts: Facts, parameter: str) -> float | None:
    value = facts.settings.get(parameter)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def _peak(facts: Facts) -> float | None:
    return facts.run.peak_logged_rate or _number(facts, "learning_rate")


def calm(facts: Facts, onset_step: int, *, non_finite: bool = False) -> tuple[Prescription, ...]:
    """A lower rate and clipping; full precision where the loss was lost."""
    why = "the loss became NaN" if non_finite else "the loss is unstable"
    first = _full_precision(facts) if non_finite else ()
    return (*first, *_lower(facts, 0.5 if non_finite else 0.25, why), *clip(facts, onset_step), *_batches(facts))


def trial_lower_rate(facts: Facts) -> tuple[Prescription, ...]:
    """A lower rate, to try, where the loss stood at chance from the start."""
    return _lower(facts, 0.25, "the loss stands at chance level")


def _lower(facts: Facts, factor: float, why: str) -> tuple[Prescription, ...]:
    rate = _peak(facts)
    if rate is not None and rate * factor < LOWEST_RATE:
        return ()
    logged = facts.run.peak_logged_rate
    edit = (
        Edit("learning_rate", Operation.CAP, float(f"{factor * logged:.3g}"), why)
        if logged
        else Edit("learning_rate", Operation.SCALE, factor, why)
    )
    return (Prescription(f"Lower the learning rate to {factor:g} of what it is", why, (edit,), Safety.SAFE),)


def clip(facts: Facts, onset_step: int) -> tuple[Prescription, ...]:
    """Clip at the 90th percentile of the norms before the onset, else at half of the threshold."""
    norms, limit = facts.run.curve(Role.GRAD_NORM), _number(facts, "grad_clip_norm")
    before = np.zeros(0) if norms is None else norms.finite.until(onset_step).values
    usual = float(f"{np.quantile(before, 0.9):.2g}") if len(before) >= 5 else None
    if usual and (limit is None or usual < limit):
        edit = Edit("grad_clip_norm", Operation.SET, usual, f"90 % of the norms before the fault are below {usual:g}")
    elif limit is not None and usual is None:
        edit = Edit("grad_clip_norm", Operation.SCALE, 0.5, "no gradient norm is logged to choose by: half of it")
    else:
        return ()
    return (Prescription("Clip the gradients harder", "the loss is unstable", (edit,), Safety.SAFE),)


def speed_up(facts: Facts) -> tuple[Prescription, ...]:
    """A higher rate."""
    rate = _peak(facts)
    if rate is None or rate > 2.5e-4:
        return ()
    why = "the loss creeps"
    edit = Edit("learning_rate", Operation.SCALE, 10.0, why)
    return (Prescription("Raise the learning rate 10 times", why, (edit,), Safety.SAFE),)


def warm_up(facts: Facts) -> tuple[Prescription, ...]:
    """Warm up over a twentieth of the run."""
    curve = facts.run.curve(Role.TRAIN_LOSS)
    last = float(curve.steps[-1]) if curve is not None and len(curve) else 0.0
    steps = max(1, round(0.05 * (_number(facts, "max_steps") or last)))
    if (_number(facts, "warmup_steps") or 0) >= steps:
        return ()
    edit = Edit("warmup_steps", Operation.SET, steps, "a twentieth of the run")
    return (Prescription("Warm the learning rate up", "the first full steps throw the loss up", (edit,), Safety.SAFE),)


def regularise(facts: Facts, best_step: int | None) -> tuple[Prescription, ...]:
    """Early stopping where the config has it off, more dropout where it is low."""
    why = "training went on past the best validation" if best_step is not None else "the clips are learned by heart"
    edits = []
    if facts.settings.get("early_stopping") is False:
        edits.append(Edit("early_stopping", Operation.SET, True, why))
    dropout = facts.settings.get("dropout")
    if isinstance(dropout, int | float) and not isinstance(dropout, bool) and 0 <= dropout < 0.2:
        edits.append(Edit("dropout", Operation.SET, 0.2, "makes learning by heart harder"))
    return (Prescription("Stop early and regularise", why, tuple(edits), Safety.SAFE),) if edits else ()


def log_validation(facts: Facts) -> tuple[Prescription, ...]:
    """Nothing that an edit can do here."""
    return ()


def small_data(facts: Facts) -> tuple[Prescription, ...]:
    """Cut the plan to the size of the data set."""
    samples = facts.samples
    if samples is None:
        return ()
    edits = []
    epochs = _one_digit(100_000 / samples)
    if (_number(facts, "max_epochs") or 0) > 2 * epochs:
        edits.append(Edit("max_epochs", Operation.CAP, epochs, f"{samples:,} clips x {epochs} epochs overfit"))
        dropout = facts.settings.get("dropout")
        if isinstance(dropout, int | float) and 0 < dropout < 0.2:
            edits.append(Edit("dropout", Operation.SET, 0.2, f"{samples:,} clips are few: make memorising harder"))
    batches = ceil(samples * 0.85 / _micro_batch(facts, samples))
    evaluation = _one_digit(2 * batches)
    if (_number(facts, "save_interval") or 0) > 2 * 5 * evaluation:
        edits.append(Edit("save_interval", Operation.CAP, 5 * evaluation, "keeps the best checkpoint"))
    if (_number(facts, "eval_interval") or 0) > 2 * evaluation:
        edits.append(Edit("eval_interval", Operation.CAP, evaluation, f"an epoch is about {batches} batches"))
    title, why = "Cut the plan to the size of the data set", f"{samples:,} clips are learnt by heart long before the end"
    return (Prescription(title, why, tuple(edits), Safety.SAFE),) if edits else ()


def _one_digit(value: float) -> int:
    magnitude: int = 10 ** floor(log10(max(value, 1)))
    return max(1, round(value / magnitude) * magnitude)


def _micro_batch(facts: Facts, samples: int) -> int:
    bearable: int = max(4, 2 ** floor(log2(max(1, samples / 50))))
    batch = _number(facts, "batch_size")
    return bearable if batch is None else min(bearable, int(batch))


def _batches(facts: Facts) -> tuple[Prescription, ...]:
    batch, samples = _number(facts, "batch_size"), facts.samples
    accumulated = int(_number(facts, "grad_accumulation_steps") or 1)
    if batch is None or samples is None or batch * accumulated >= 32:
        return ()
    smaller = _micro_batch(facts, samples)
    needed, edits = ceil(32 / smaller), []
    if smaller < batch:
        edits.append(Edit("batch_size", Operation.SET, smaller, f"{samples:,} clips: smaller batches"))
    if needed > accumulated:
        edits.append(Edit("grad_accumulation_steps", Operation.SET, needed, f"{needed} batches of {smaller}"))
    title, why = "Average each update over more clips", f"an update sees {batch * accumulated:g} clips"
    return (Prescription(title, why, tuple(edits), Safety.SAFE),) if edits else ()


def _full_precision(facts: Facts) -> tuple[Prescription, ...]:
    mode = facts.settings.get("mixed_precision")
    if mode is True:
        edit = Edit("mixed_precision", Operation.SET, False, "half precision overflows first: rule it out first")
    elif mode in ("fp16", "16", "16-mixed"):
        bf16 = {"fp16": "bf16", "16": "bf16", "16-mixed": "bf16-mixed"}[mode]
        edit = Edit("mixed_precision", Operation.SET, bf16, "bf16 has the range of fp32: fp16 overflows at 65504")
    else:
        return ()
    return (Prescription("Leave half precision", "the loss became NaN", (edit,), Safety.SAFE),)
