"""Full precision where half of it overflows."""

from __future__ import annotations

from collections.abc import Mapping

from diagnose.facts import Facts
from diagnose.finding import Edit, Operation, Prescription, Safety, Support

FP16: Mapping[object, str | bool] = {
    True: False,
    "fp16": "bf16",
    "16": "bf16",
    "16-mixed": "bf16-mixed",
    "float16": "bfloat16",
}
"""Half precision that overflows at 65504, and what to set instead."""


def leave_half_precision(facts: Facts) -> tuple[Prescription, ...]:
    """What to set instead of the configured half precision; nothing where none is.

    Source: F5-TTS#341 and coqui-ai/TTS#755: fp16 overflows, cured by bf16 or full precision.
    """
    mode = facts.settings.get("mixed_precision")
    setting = None if facts.config is None else facts.config.values.get("mixed_precision")
    if mode not in FP16 or (setting is not None and "bf16" in setting.path):  # `bf16: true` has the range of fp32
        return ()
    edit = Edit("mixed_precision", Operation.SET, FP16[mode], "half precision overflows at 65504: rule it out first")
    cure = Prescription("Leave half precision", "the loss became NaN", (edit,), Safety.SAFE, support=Support.CITED)
    return (cure,)
