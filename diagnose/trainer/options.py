"""What a training config may say, and the strict reader that refuses everything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_type_hints

import yaml

from diagnose.config._yaml import read_yaml
from diagnose.config.document import read_text
from diagnose.errors import ConfigError
from diagnose.trainer.strict import above, at, at_least, compose, entries, read_section, share


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """The decoder over text and speech tokens. The defaults make 0.5 million parameters."""

    hidden_channels: int = above(0, 96)
    filter_channels: int = above(0, 384)
    """Width inside the feed-forward layers."""
    n_heads: int = above(0, 4)
    n_layers: int = above(0, 3)
    p_dropout: float = share(0.1)
    norm: Literal["post", "pre", "none"] = "post"
    """Where LayerNorm is; `post` follows the text best here, `none` is for showing what goes wrong."""
    n_vocab: int = above(1, 512)
    """Rows of the text embedding: those of the characters found, and spare ones for another language."""
    n_speech_tokens: int = above(1, 512)
    """Size of the k-means codebook."""
    max_text_tokens: int = above(0, 256)
    """Characters of the longest text; each position has an embedding of its own."""
    max_speech_tokens: int = above(0, 512)
    """Tokens of the longest utterance: 18 s at the default sampling rate, hop length and frames per token."""
    original_vocab_size: int | None = above(0, None)
    """Rows that the pretrained model must have; checked when fine-tuning."""
    freeze_original_embeddings: bool = False
    """Keep the text embedding rows that came from the pretrained model as they are."""


@dataclass(frozen=True, slots=True)
class DataOptions:
    """The clips, and how sound becomes tokens."""

    dataset_path: str | None = None
    """A folder in the LJSpeech layout; None: sentences are spoken into data/demo-N."""
    metadata_file: str = "metadata.csv"
    demo_clips: int = at_least(8, 525)
    """How many sentences to speak when there is no `dataset_path`."""
    sampling_rate: int = above(0, 22_050)
    filter_length: int = above(0, 1024)
    """Samples in the Fourier transform."""
    hop_length: int = above(0, 256)
    win_length: int = above(0, 1024)
    n_mel_channels: int = above(0, 80)
    mel_fmin: float = at_least(0, 0.0)
    mel_fmax: float = above(0, 8000.0)
    frames_per_token: int = above(0, 3)
    """Consecutive mel frames behind one speech token."""
    val_ratio: float = share(0.1)
    """Texts set aside to validate on; what neither this nor `test_ratio` takes is trained on."""
    test_ratio: float = share(0.0)
    """Texts set aside and never looked at."""
    batch_size: int = above(0, 16)
    """Clips per device and micro-batch."""


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """The optimiser, its schedule, and how often to do what. Intervals count optimiser updates."""

    learning_rate: float = above(0, 1.0e-3)
    optimizer: Literal["adamw", "sgd"] = "adamw"
    momentum: float = share(0.9)
    """Of SGD."""
    weight_decay: float = at_least(0, 0.01)
    betas: tuple[float, float] = (0.9, 0.99)
    eps: float = above(0, 1.0e-8)
    lr_scheduler: Literal["constant", "cosine", "exponential", "inverse_sqrt"] = "cosine"
    lr_decay: float = above(0, 0.999)
    """Factor per update of the exponential schedule."""
    warmup_steps: int = at_least(0, 40)
    max_epochs: int = above(0, 16)
    max_steps: int | None = above(0, None)
    save_interval: int = above(0, 200)
    keep_checkpoints: int = at_least(0, 3)
    """How many of the `step-N` checkpoints to keep beside `best` and `last`."""
    eval_interval: int = above(0, 30)
    log_interval: int = above(0, 5)
    sample_interval: int = above(0, 240)
    grad_clip_thresh: float | None = above(0, 5.0)
    """Largest gradient norm, twice that of a healthy run here; None: no clipping."""
    grad_accumulation_steps: int = above(0, 1)
    use_amp: bool = False
    """bfloat16 autocast on GPUs that have it; on a CPU it gains nothing and is left off."""
    seed: int = at_least(0, 0)
    token_replacement: float = share(0.5)
    """Share of the input speech tokens replaced by random ones; without it the speech ignores the text."""
    outlier_share: float = share(0.0)
    """Share of the updates whose gradient is multiplied by a hundred: for showing what broken clips do."""
    early_stopping: bool = True
    patience: int = above(0, 10)
    """Evaluations without improvement before training stops."""
    min_delta: float = at_least(0, 0.0)
    min_epochs: int = at_least(0, 0)


@dataclass(frozen=True, slots=True)
class FinetuningOptions:
    """Starting from a trained model instead of from nothing."""

    enabled: bool = False
    pretrained_model: str | None = None
    """A checkpoint (.safetensors) of this trainer."""


@dataclass(frozen=True, slots=True)
class LoggingOptions:
    """What is written besides metrics.jsonl and train.log."""

    log_dir: str = "runs"
    """The folder of the run folders."""
    use_tensorboard: bool = True
    log_audio: bool = True
    log_spectrograms: bool = True


@dataclass(frozen=True, slots=True)
class ValidationOptions:
    """What to speak while training."""

    n_samples: int = at_least(0, 2)
    sample_texts: tuple[str, ...] = ()
    """Empty: texts of the validation clips."""


@dataclass(frozen=True, slots=True)
class Options:
    """A whole config: every key is here, and every key is read."""

    model: ModelOptions = ModelOptions()
    data: DataOptions = DataOptions()
    training: TrainingOptions = TrainingOptions()
    finetuning: FinetuningOptions = FinetuningOptions()
    logging: LoggingOptions = LoggingOptions()
    validation: ValidationOptions = ValidationOptions()
    source: str = field(default="defaults", compare=False)
    """The file that it was read from."""
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    """`section.key` -> line, for the keys that the file gives."""

    def error(self, key: str, problem: str) -> ConfigError:
        """The exception for a wrong value of `key`, with its line where the file gives the key."""
        line = self.lines.get(key)
        where = self.source if line is None else f"{self.source}:{line}"
        return ConfigError(f"{where}: {key}: {problem}")


SECTIONS: Mapping[str, Any] = {
    name: hint for name, hint in get_type_hints(Options).items() if name not in ("source", "lines")
}


def load(path: Path) -> Options:
    """The config in `path`. Raises ConfigError for whatever is unknown, mistyped or contradictory."""
    if not path.exists():
        raise ConfigError(f"{path}: No such file or directory; name a config file or a preset")
    text = read_text(path)
    read_yaml(text, str(path))  # refuses what is out of all proportion before PyYAML works on it
    return parse(text, str(path))


def parse(text: str, source: str) -> Options:
    """The config in `text`; `source` is its name in messages. Raises ConfigError."""
    lines: dict[str, int] = {}
    sections: dict[str, Any] = {}
    for section, node in entries(compose(text, source, SECTIONS), source, ""):
        if section not in SECTIONS:
            raise ConfigError(f"{at(source, node)}: unknown section {section!r}; there are {', '.join(SECTIONS)}")
        sections[section] = read_section(SECTIONS[section], node, source, section, lines)
    return checked(replace(Options(**sections), source=source, lines=lines))


def checked(options: Options) -> Options:
    """The same options. Raises ConfigError where two of them contradict each other."""
    for key, problem in _contradictions(options):
        raise options.error(key, problem)
    for key, reason in _unread(options).items():
        if key in options.lines:
            raise options.error(key, f"is not read, since {reason}; remove one of the two")
    return options


def dump(options: Options) -> str:
    """The effective config as YAML that `parse` and any YAML 1.1 or 1.2 reader understand alike."""
    unread = _unread(options)
    tree = {
        section: {key: _plain(value) for key, value in values.items() if f"{section}.{key}" not in unread}
        for section, values in as_tree(options).items()
    }
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, default_flow_style=None)


def as_tree(options: Options) -> dict[str, dict[str, Any]]:
    """Section -> key -> value."""
    return {section: asdict(getattr(options, section)) for section in SECTIONS}


def _contradictions(options: Options) -> Iterator[tuple[str, str]]:
    """(key, problem) for values that cannot go together."""
    model, data, training = options.model, options.data, options.training
    if model.hidden_channels % model.n_heads:
        yield "model.n_heads", f"{model.n_heads} does not divide hidden_channels ({model.hidden_channels})"
    if data.val_ratio + data.test_ratio >= 1:
        yield "data.val_ratio", "val_ratio and test_ratio leave nothing to train on"
    if data.mel_fmax > data.sampling_rate / 2:
        yield "data.mel_fmax", f"{data.mel_fmax:g} Hz is above half of sampling_rate ({data.sampling_rate})"
    if data.mel_fmin >= data.mel_fmax:
        yield "data.mel_fmin", f"{data.mel_fmin:g} Hz is not below mel_fmax ({data.mel_fmax:g})"
    if not data.hop_length <= data.win_length <= data.filter_length:
        yield "data.win_length", "hop_length <= win_length <= filter_length must hold"
    if not all(0 <= beta < 1 for beta in training.betas):
        yield "training.betas", "must be from 0 to below 1"
    if training.early_stopping and training.min_epochs > training.max_epochs:
        yield "training.min_epochs", f"{training.min_epochs} is more than max_epochs ({training.max_epochs})"
    if training.early_stopping and not data.val_ratio:
        yield "training.early_stopping", "needs a validation set, and data.val_ratio is 0"
    if options.finetuning.enabled and not options.finetuning.pretrained_model:
        yield "finetuning.enabled", "needs finetuning.pretrained_model, the checkpoint to start from"


def _unread(options: Options) -> dict[str, str]:
    """Keys that have no effect beside the others -> why. A config that gives one means something else."""
    idle = {
        "finetuning.enabled is false": not options.finetuning.enabled
        and ["finetuning.pretrained_model", "model.original_vocab_size", "model.freeze_original_embeddings"],
        "training.early_stopping is false": not options.training.early_stopping
        and ["training.patience", "training.min_delta", "training.min_epochs"],
        "training.optimizer is not sgd": options.training.optimizer != "sgd" and ["training.momentum"],
        "training.optimizer is sgd": options.training.optimizer == "sgd" and ["training.betas", "training.eps"],
        "training.lr_scheduler is not exponential": options.training.lr_scheduler != "exponential"
        and ["training.lr_decay"],
        "data.dataset_path is given": options.data.dataset_path is not None and ["data.demo_clips"],
        "data.dataset_path is missing": options.data.dataset_path is None and ["data.metadata_file"],
        "logging.use_tensorboard is false": not options.logging.use_tensorboard
        and ["logging.log_audio", "logging.log_spectrograms"],
    }
    return {key: reason for reason, keys in idle.items() for key in keys or ()}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
