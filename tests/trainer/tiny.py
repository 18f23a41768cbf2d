"""A data set and a config so small that a training run takes a second."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from diagnose.data.audio import Sound, write
from diagnose.trainer.options import Options, parse

RATE = 8000
LETTERS = "abcde"
CONFIG = """\
model: {hidden_channels: 16, filter_channels: 32, n_heads: 2, n_layers: 1, n_vocab: 16, n_speech_tokens: 32,
  max_text_tokens: 16, max_speech_tokens: 64}
data: {sampling_rate: 8000, filter_length: 256, hop_length: 128, win_length: 256, n_mel_channels: 20,
  mel_fmax: 4000.0, frames_per_token: 2, val_ratio: 0.2, batch_size: 4}
training: {learning_rate: 1.0e-02, warmup_steps: 4, max_epochs: 4, save_interval: 4, eval_interval: 5,
  log_interval: 2, sample_interval: 20}
logging: {use_tensorboard: false}
"""


def speak(text: str) -> Sound:
    """A tone a letter, 80 ms each."""
    time = np.arange(int(0.08 * RATE)) / RATE
    tones = [np.sin(2 * np.pi * (300 + 400 * LETTERS.index(letter)) * time) for letter in text]
    return Sound((0.5 * np.concatenate(tones)).astype(np.float32), RATE)


def data_set(folder: Path, clips: int = 30, letters: str = LETTERS) -> Path:
    """Different words of 3 to 6 letters, each spoken into a wav file."""
    draw = random.Random(0)
    words: dict[str, None] = {}
    while len(words) < clips:
        words.setdefault("".join(draw.choices(letters, k=draw.randint(3, 6))))
    (folder / "wavs").mkdir(parents=True)
    for number, word in enumerate(words):
        write(folder / "wavs" / f"clip{number:03d}.wav", speak(word))
    lines = [f"clip{number:03d}|{word}|{word}\n" for number, word in enumerate(words)]
    (folder / "metadata.csv").write_text("".join(lines), encoding="utf-8")
    return folder


def options(folder: Path, /, **changes: Any) -> Options:
    """The tiny config on this data set; `training={"max_steps": 7}` changes one section."""
    tiny = parse(CONFIG, "tiny.yaml")
    tiny = replace(tiny, data=replace(tiny.data, dataset_path=str(folder)))
    return replace(tiny, **{name: replace(getattr(tiny, name), **values) for name, values in changes.items()})
