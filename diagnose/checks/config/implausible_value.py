from __future__ import annotations

from dataclasses import replace

from diagnose.checks.base import About, Check, Findings
from diagnose.config import Config
from diagnose.config.ranges import Range, first_learning_rate, is_multiplier, ranges
from diagnose.facts import Facts
from diagnose.finding import Confidence, Edit, Evidence, Operation, Prescription, Safety, Severity, Support
from diagnose.numbers import is_number


class ImplausibleValue(Check):
    """A hyperparameter is far outside what authors and users of this family and optimiser train with.

    ## Why it matters
    A rate of 0.05 for AdamW, 16 mel frames for a batch, a warm-up of 0.1 updates: slips of the hand or of the
    unit, which cost a run before any log shows them.

    ## How it is detected
    The value is compared with the lowest and highest one of real configs of the same family, else of the same
    optimiser (`presets/ranges.yaml`, each with its sources). Only what is beyond these by a factor is reported.

    ## What to do
    The message names the range and a value to start with.

    ## Blind spots
    Families and optimisers that the config does not name; a value that is right for a reason of its own.
    """

    code = "CFG004"
    about = About.CONFIG

    rate_above: float = 3.0
    """Times the highest rate in use. Rates are tuned in steps of 2 to 3 (Smith 2018), so that one step beyond what
    anybody uses is still silent."""
    rate_below: float = 10.0
    """Parts of the lowest rate in use. Too small a rate costs time, not the run: two steps more are allowed."""
    count_above: float = 5.0
    """Times the largest batch, warm-up or number of epochs in use. Source: our choice, tried on 199 public configs: it
    speaks of one (750 epochs of LoRA where all others have 10 or fewer)."""
    count_below: float = 2.0
    """Parts of the smallest. Source: our choice, tried on 199 public configs: none is below it."""
    clip_below: float = 10.0
    """Parts of the smallest bound on the norm in use (0.1): below 0.01 every update is cut to its direction."""

    surely: float = 3.0
    """Times these factors beyond which it is sure. Source: our choice: one step of tuning more (Smith 2018)."""

    def check(self, facts: Facts) -> Findings:
        config = facts.config
        if config is None or not config.training or config.record:
            return
        known = ranges(config, facts.family)
        yield from self._rate(config, known, facts.family)
        for name in ("batch_size", "grad_clip_norm", "warmup_steps", "warmup_ratio", "max_epochs"):
            value = _value(config, name)
            unit = config.values[name].unit if value is not None else None
            span = known.get("frames" if name == "batch_size" and unit == "frames" else name)
            if value is None or value <= 0 or span is None:
                continue
            if name == "batch_size" and unit not in {None, "samples", "frames"}:
                continue
            below = self.clip_below if name == "grad_clip_norm" else self.count_below
            above = 0.0 if name == "grad_clip_norm" else self.count_above  # a large bound is a way to switch it off
            yield from self._outside(config, name, value, span, (below, above))

    def _rate(self, config: Config, known: dict[str, Range], family: str | None) -> Findings:
        span = known.get("learning_rate")
        setting = config.values.get("learning_rate")
        if span is None or setting is None or setting.dead:
            return
        value = config.learning_rate_peak if config.learning_rate_peak is not None else _value(config, "learning_rate")
        if value is None or value <= 0 or (setting.locked and config.learning_rate_peak is None):
            return
        if config.learning_rate_peak is None and is_multiplier(config, value):
            return
        first = first_learning_rate(config, family)
        cures = (_start_with(first[0], span),) if first and not setting.locked else ()
        yield from self._outside(config, "learning_rate", value, span, (self.rate_below, self.rate_above), cures)

    def _outside(
        self,
        config: Config,
        name: str,
        value: float,
        span: Range,
        factors: tuple[float, float],
        cures: tuple[Prescription, ...] = (),
    ) -> Findings:
        below, above = factors
        high = above > 0 and value > span.highest * above
        if not high and value >= span.lowest / below:
            return
        setting = config.values[name]
        times = value / span.highest if high else span.lowest / value
        bound = span.highest * above if high else span.lowest / below
        side = f"{times:,.0f} times {'above the highest' if high else 'below the lowest'}"
        used = f"{span.lowest:g} to {span.highest:g}"
        first = f"start with {cures[0].edits[0].value:g}" if cures else f"use {used}, or say why not"
        found = self.finding(
            Severity.WARNING,
            Confidence.HIGH if times > self.surely * max(below, above) else Confidence.MEDIUM,
            "config",
            f"{setting.path}: {setting.value} ({setting.where}) is {side} in use for {span.title} ({used})",
            evidence=(
                Evidence(name, value, bound, sentence=f"{name} {value:g} (alarm from {bound:g}): {span.source}"),
            ),
            prescriptions=cures,
            advice=f"{first}; in use: {span.source}",
        )
        yield replace(found, line=None if setting.file else setting.line)


def _start_with(rate: float, span: Range) -> Prescription:
    edit = Edit("learning_rate", Operation.SET, rate, f"the first rate to try for {span.title}")
    why = f"nobody trains {span.title} with such a rate: {span.source}"
    return Prescription("Start with a rate that others use", why, (edit,), Safety.UNSAFE, support=Support.CITED)


def _value(config: Config, name: str) -> float | None:
    setting = config.values.get(name)
    return float(setting.value) if setting is not None and not setting.dead and is_number(setting.value) else None
