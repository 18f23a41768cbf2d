"""Roughly how much GPU memory a training needs, and which batch fits.

    needed = context + bytes a parameter x parameters + batch x memory of one clip

Bytes a parameter: 16 for AdamW (weights, gradients and two moments in 32 bits: Rajbhandari et al. 2020, section 3.1),
6 with 8-bit moments (Dettmers et al. 2022) and the rest in bf16, for the frozen weights of a LoRA 2, 1 in 8 bits and
0.52 in 4 bits (Dettmers et al. 2023).
One clip: for text-to-speech what is left of a reported measurement (`presets/memory.yaml`); for language models the
activations of a transformer (Korthikanti et al. 2022: 34 s h bytes a layer, 2 s h where layers are recomputed) and the
logits. Lengths of clips, kernels and fragmentation are not known; `SPREAD` says how far off that is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diagnose.config import Config
from diagnose.config.dialect import Place
from diagnose.config.ranges import is_adapter
from diagnose.numbers import is_number
from diagnose.project import preset

CONTEXT = 1.0
"""GB that CUDA and its libraries take before anything is trained: 0.5 to 1.5 by GPU and version."""
FULL = 16.0
EIGHT_BIT = 6.0
ADAPTER = {4: 0.7, 8: 1.2, 16: 2.2}
"""By the bits of the frozen weights; with AdamW's 16 bytes for the 1 % that are trained."""
SPREAD = (0.4, 1.8)
"""Of what the batch takes, the least and the most that it may be. Of 12 published figures that are not in
`presets/memory.yaml` (piper issue 703, MeloTTS 233, F5-TTS 233 and 816, StyleTTS2 318, axolotl's and LLaMA-Factory's
tables) 9 are within these bounds and 8 within a third of the estimate; the worst, of very short clips in 16 bits, is a
third of it."""
USABLE = 0.92
"""Of a GPU's memory, what a training gets: the driver and the screen keep the rest."""
SEQUENCE = 2048
"""Tokens in a row where the config does not say."""
VOCABULARY = 128_000
"""Of Llama 3; Qwen has 152,000."""
ASPECT = 128
"""Width for each layer of decoder-only transformers: Llama 1B (2048 / 16), 7B (4096 / 32), 13B (5120 / 40)."""
_SIZE = re.compile(r"(?i)(?<![\w.])(\d+(?:[._]\d+)?)\s?(b|m)(?![a-z0-9])")
_SEQUENCES = (
    *("sequence_len", "cutoff_len", "max_seq_length", "max_seq_len"),
    *("training.max_seq_length", "tokenizer.max_seq_len"),
)
_MODELS = (
    *("base_model", "model_name_or_path", "model_name", "model", "model.name", "model._component_"),
    "tokenizer.path",
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """The memory of one GPU, in GB, and what it allows."""

    title: str
    gigabytes: float
    """Of the GPU."""
    batch: float
    unit: str
    needed: float
    least: float
    most: float
    largest_batch: int
    """The largest that is estimated to fit; 0 where none does."""
    formula: str
    source: str

    @property
    def verdict(self) -> str:
        """In words, as sure as the method is."""
        room = self.gigabytes * USABLE
        if self.most <= room:
            return "fits"
        if self.needed <= room:
            return "should fit"
        return "may not fit" if self.least <= room else "does not fit"


def estimate(config: Config, family: str | None, gigabytes: float) -> Estimate | None:
    """The estimate for a GPU; None where the size of the model is not known or the batch is not given."""
    setting = config.values.get("batch_size")
    batch = setting.value if setting is not None and setting.unit in {None, "samples", "frames"} else None
    if not is_number(batch) or batch <= 0 or setting is None:
        return None
    reports = preset("memory.yaml")["reports"]
    measured = (
        one for one in reports if family in one.get("families", ()) or config.dialect in one.get("dialects", ())
    )
    if (report := next(measured, None)) is not None:
        state, each, formula = _reported(report, config)
        unit, title, source = report.get("unit", "clips"), report["title"], report["source"]
        if unit == "frames" and setting.unit != "frames":
            return None
    else:
        size = _parameters(config)
        if size is None:
            return None
        state, each, formula = _transformer(size, config)
        unit, title = "sequences", f"{size / 1e9:g} B parameters"
        source = "Rajbhandari et al. 2020, Dettmers et al. 2023, Korthikanti et al. 2022"
    needed = CONTEXT + state + batch * each
    fitting = max(0, int((gigabytes * USABLE - CONTEXT - state) / each))
    least, most = (CONTEXT + state * max(part, 0.8) + batch * each * part for part in SPREAD)
    return Estimate(title, gigabytes, batch, unit, needed, least, most, fitting, formula, source)


def _reported(report: Mapping[str, Any], config: Config) -> tuple[float, float, str]:
    """GB of the state, GB of one clip, and the sum in words."""
    state = FULL * float(report["parameters"]) / 1e9
    each = (float(report["gigabytes"]) - CONTEXT - state) / report["batch"]
    length = report.get("length")
    found = Place(length["path"]).scalar(config.document) if length else None
    scaled = each * found / length["value"] if length and is_number(found) and found > 0 else each
    formula = f"{CONTEXT:g} + {state:.1f} (16 bytes x {report['parameters'] / 1e6:g} M) + batch x {scaled:.3g}"
    return state, scaled, formula


def _transformer(parameters: float, config: Config) -> tuple[float, float, str]:
    """The same for a decoder-only transformer of a known size."""
    per_parameter = _bytes_of_state(config)
    width = (parameters * ASPECT / 12) ** (1 / 3)  # 12 width^2 a layer, width / ASPECT layers
    layers = width / ASPECT
    tokens = next((n for path in _SEQUENCES if is_number(n := Place(path).scalar(config.document)) and n > 0), SEQUENCE)
    kept = 34 * width * layers if _keeps_activations(config) else (2 * layers + 34) * width
    each = tokens * (kept + 6 * VOCABULARY) / 1e9  # logits in 32 bits, and their gradient in 16
    state = per_parameter * parameters / 1e9
    fixed = f"{CONTEXT:g} + {state:.1f} ({per_parameter:g} bytes x {parameters / 1e9:g} B)"
    return state, each, f"{fixed} + batch x {each:.2g} ({tokens:g} tokens)"


def _bytes_of_state(config: Config) -> float:
    if is_adapter(config):
        bits = (Place(path).scalar(config.document) for path in ("quantization_bit", "training.quantization_bit"))
        four = _is_on(config, "load_in_4bit") or "qlora" in config.text.lower()
        given = next((bit for bit in bits if bit in ADAPTER), 8 if _is_on(config, "load_in_8bit") else 16)
        return ADAPTER[4 if four else given]
    return EIGHT_BIT if re.search("8.?bit", str(config.value("optimizer"))) else FULL


def _is_on(config: Config, key: str) -> bool:
    return any(Place(path).scalar(config.document) is True for path in (key, f"training.{key}"))


def _keeps_activations(config: Config) -> bool:
    if config.dialect in {"llamafactory", "unsloth"}:  # both recompute by default
        return False
    paths = ("gradient_checkpointing", "training.gradient_checkpointing", "enable_activation_checkpointing")
    return all(Place(path).scalar(config.document) in {None, False, "false", "none"} for path in paths)


def _parameters(config: Config) -> float | None:
    """The size in the name of a language model (`Qwen3-4B`, `lfm2-350m`)."""
    for path in _MODELS:
        name = Place(path).scalar(config.document)
        sizes = _SIZE.findall(name.replace("-", " ").replace("/", " ")) if isinstance(name, str) else []
        if sizes:
            number, unit = sizes[-1]
            return float(number.replace("_", ".")) * (1e9 if unit.lower() == "b" else 1e6)
    return None
