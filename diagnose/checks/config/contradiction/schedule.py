"""How long the warm-up and the decay are, beside the run."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from diagnose.checks.config._rule import Rule, at, contradiction, scalar
from diagnose.config import Config
from diagnose.config.effective import Effective, is_dead, number, positive
from diagnose.config.hyperparameters import STEPS
from diagnose.facts import Facts
from diagnose.finding import Edit, Finding, Operation, Prescription, Safety, Severity

FADED = 1e-3
"""Share of the learning rate at which nothing is learned any more: far below the factors of 10 to 100 by which
schedules end (cosine to 10 %: Hoffmann et al. 2022)."""


def two_warmups(config: Config, effective: Effective, _: Facts) -> Iterator[Finding]:
    """A warm-up given in steps and as a share: one of them is ignored or both are refused."""
    if positive(config, "warmup_steps") and positive(config, "warmup_ratio"):
        message = f"{at(config, 'warmup_steps')} and {at(config, 'warmup_ratio')} both ask for a warm-up"
        yield contradiction(Severity.WARNING, message, "keep one of them", line=config.values["warmup_steps"].line)


def decay_ends_run(config: Config, effective: Effective, _: Facts) -> Iterator[Finding]:
    """A decay so fast that the last part of the run is trained with no learning rate."""
    gamma = number(config, "lr_decay")
    setting = config.values.get("lr_decay")
    if gamma is None or setting is None or setting.dead:
        return
    if gamma > 1:
        message = f"{at(config, 'lr_decay')}: the learning rate grows"
        yield contradiction(Severity.ERROR, message, "use a factor below 1", line=setting.line)
    per_step = config.value("scheduler_after_epoch") is False or setting.unit in STEPS
    length = effective.total_steps if per_step else positive(config, "max_epochs")
    if 0 < gamma < 1 and length and gamma**length < FADED and (per_step or setting.unit == "epochs"):
        end = math.log(FADED) / math.log(gamma)
        unit = "steps" if per_step else "epochs"
        message = f"{at(config, 'lr_decay')}: after {end:.0f} of {length:g} {unit} the learning rate is a thousandth"
        advice = f"use a factor of {0.1 ** (1 / length):.6g} for a tenth at the end, or a shorter run"
        yield contradiction(Severity.WARNING, message, advice, line=setting.line, lr_decay=gamma, faded_at=round(end))


def noam_per_epoch(config: Config, effective: Effective, _: Facts) -> Iterator[Finding]:
    """Coqui's NoamLR counts its warm-up in scheduler steps, and the Trainer steps it once an epoch by default."""
    scheduler = str(config.value("lr_scheduler"))
    knows = "scheduler_after_epoch" in config.definition.keys
    if knows and re.search("(?i)noam", scheduler) and config.value("scheduler_after_epoch") is not False:
        length = config.value("warmup_steps")
        warmup = f"its warm-up of {length} steps lasts {length} epochs" if length else "its warm-up counts epochs"
        message = f"{at(config, 'lr_scheduler')} is stepped once an epoch: {warmup}"
        edit = Edit("scheduler_after_epoch", Operation.SET, False, "NoamLR counts steps, not epochs")
        cure = Prescription("Step NoamLR every step", message, (edit,), Safety.SAFE, ("CFG003",))
        advice = "set scheduler_after_epoch: false"
        yield contradiction(Severity.ERROR, message, advice, cure, line=config.values["lr_scheduler"].line)


def rates_crossed(config: Config, effective: Effective, _: Facts) -> Iterator[Finding]:
    """A floor of the learning rate above its top."""
    top, floor = effective.learning_rate_peak or number(config, "learning_rate"), number(config, "min_learning_rate")
    if top and floor and floor > top and not is_dead(config, "min_learning_rate"):
        message = f"{at(config, 'min_learning_rate')}: above the learning rate itself ({top:g})"
        line = config.values["min_learning_rate"].line
        yield contradiction(Severity.ERROR, message, "put it below", line=line, minimum=floor, learning_rate=top)


def phase_never_starts(config: Config, effective: Effective, _: Facts) -> Iterator[Finding]:
    """StyleTTS 2 starts its diffusion and its joint training at an epoch; behind the last one they never run."""
    epochs = positive(config, "max_epochs")
    if "phase_epochs" not in config.values or epochs is None:
        return
    for phase in ("loss_params.diff_epoch", "loss_params.joint_epoch"):
        start = scalar(config, phase)
        last = scalar(config, "epochs_2nd") or epochs
        if isinstance(start, int) and isinstance(last, int) and start >= last:
            message = f"{phase}: {start} never comes, the run has {last} epochs"
            yield contradiction(Severity.WARNING, message, "start it earlier or train longer", start=start, epochs=last)


RULES: tuple[Rule, ...] = (
    two_warmups,
    decay_ends_run,
    noam_per_epoch,
    rates_crossed,
    phase_never_starts,
)
