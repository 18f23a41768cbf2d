"""Clips as tokens: read once, kept in one file of the run folder."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from diagnose.data import audio
from diagnose.data.manifest import Clip, Split, read_clips, split_lists
from diagnose.data.split import Shares, divide
from diagnose.errors import ConfigError, DataError
from diagnose.files import write_whole
from diagnose.trainer.checkpoint import Checkpoint
from diagnose.trainer.log import say
from diagnose.trainer.options import Options
from diagnose.trainer.tokens import Codec, fit, log_mel

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Vocabulary:
    """The characters that the model knows; character `i` is text token `i + 1`, after TEXT_START."""

    characters: str

    @cached_property
    def _tokens(self) -> dict[str, int]:
        return {character: number for number, character in enumerate(self.characters, 1)}

    def __len__(self) -> int:
        return len(self.characters) + 1

    def encode(self, text: str) -> list[int]:
        """Text tokens. Raises ValueError naming the characters that the model has never seen."""
        text = unicodedata.normalize("NFC", text).strip()
        unknown = sorted(set(text) - self._tokens.keys())
        if unknown or not text:
            raise ValueError(f"the model knows no {' '.join(map(repr, unknown))}" if unknown else "there is no text")
        return [self._tokens[character] for character in text]

    def extended(self, texts: Iterable[str]) -> Vocabulary:
        """The same characters in their places, and behind them those of `texts` that are new."""
        found = set(unicodedata.normalize("NFC", "".join(texts)))
        return Vocabulary(self.characters + "".join(sorted(found - set(self.characters))))


@dataclass(frozen=True, eq=False)
class Corpus:
    """A data set as tokens, in three parts that share no text."""

    names: tuple[str, ...]
    texts: tuple[str, ...]
    speech: tuple[IntArray, ...]
    """Speech tokens of each clip, each of shape (n,)."""
    train: tuple[int, ...]
    """Indices of the clips to learn from."""
    val: tuple[int, ...]
    test: tuple[int, ...]
    vocabulary: Vocabulary
    codec: Codec
    minutes: float

    @property
    def longest(self) -> int:
        """Speech tokens of the longest clip."""
        return max(len(tokens) for tokens in self.speech)

    def save(self, path: Path) -> None:
        """Write everything into one file, whole or not at all. Raises OSError."""
        facts = {
            "names": self.names,
            "texts": self.texts,
            "train": self.train,
            "val": self.val,
            "test": self.test,
            "characters": self.vocabulary.characters,
            "minutes": self.minutes,
        }
        tensors = {
            "codebook": self.codec.codebook,
            "lengths": torch.tensor([len(tokens) for tokens in self.speech]),
            "speech": torch.from_numpy(np.concatenate(self.speech)),
        }
        write_whole(path, save(tensors, {"corpus": json.dumps(facts)}))


def load_corpus(path: Path, options: Options) -> Corpus:
    """What `Corpus.save` wrote. Raises ConfigError where the file is damaged."""
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()["corpus"])
            codebook, lengths, speech = (file.get_tensor(name) for name in ("codebook", "lengths", "speech"))
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ConfigError(f"{path}: damaged ({error}); delete it to read the data set again") from error
    ends = np.cumsum(lengths.numpy())
    return Corpus(
        tuple(facts["names"]),
        tuple(facts["texts"]),
        tuple(np.split(speech.numpy(), ends[:-1])),
        tuple(facts["train"]),
        tuple(facts["val"]),
        tuple(facts["test"]),
        Vocabulary(facts["characters"]),
        Codec(options.data, codebook),
        facts["minutes"],
    )


def prepare(options: Options, base: Checkpoint | None = None) -> Corpus:
    """Read the data set and turn it into tokens; with `base`, into the tokens of that model.

    Raises ConfigError for what is missing or does not fit the config.
    """
    folder = Path(options.data.dataset_path or "")
    clips = clips_in(folder, options)
    mels = [_mel(clip, options) for clip in _track(clips)]
    codec = _codec(mels, options) if base is None else Codec(options.data, base.codebook)
    texts = tuple(unicodedata.normalize("NFC", clip.text).strip() for clip in clips)
    train, val, test = listed(folder, clips) or split(clips, options)
    minutes = sum(map(len, mels)) * options.data.hop_length / options.data.sampling_rate / 60
    return Corpus(
        tuple(clip.id for clip in clips),
        texts,
        tuple(codec.encode(mel).numpy() for mel in mels),
        train,
        val,
        test,
        Vocabulary(base.characters if base else "").extended(texts),
        codec,
        minutes,
    )


def with_data(options: Options) -> Options:
    """The options with a data set: the one that they name, or one that is spoken now. Raises DataError."""
    if options.data.dataset_path is not None:
        return options
    from diagnose.data import demo

    folder = Path("data") / f"demo-{options.data.demo_clips}"
    if not (folder / options.data.metadata_file).exists():
        say(f"no data.dataset_path: speaking {options.data.demo_clips} sentences into {folder}")
        demo.make(folder, clips=options.data.demo_clips)
    return replace(options, data=replace(options.data, dataset_path=str(folder)))


def clips_in(folder: Path, options: Options) -> list[Clip]:
    """The clips of the data set. Raises ConfigError where the list cannot be read or a clip has no text."""
    path = folder / options.data.metadata_file
    try:
        clips = read_clips(path)
    except DataError as error:
        raise ConfigError(f"{error}; `ttsdoc data` makes such a file") from error
    if not clips:
        raise ConfigError(f"{path}: no clips")
    for clip in clips:
        if not clip.text.strip():
            raise ConfigError(f"{path}:{clip.line}: `id|text` is needed, the clip {clip.id[:60]!r} has no text")
    return clips


Parts = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


def listed(folder: Path, clips: list[Clip]) -> Parts | None:
    """Indices as the lists of `ttsdoc data split` beside the metadata say; None where they are not there."""
    lists = split_lists(folder)
    if Split.TRAIN not in lists or Split.VALIDATION not in lists:
        return None
    part_of = {clip.id: part for part, path in lists.items() for clip in read_clips(path)}
    train, val, test = (
        tuple(index for index, clip in enumerate(clips) if part_of.get(clip.id) is part)
        for part in (Split.TRAIN, Split.VALIDATION, Split.TEST)
    )
    if not train or not val:
        raise ConfigError(f"{lists[Split.TRAIN]}: its clips are not those of the metadata; split the data again")
    return train, val, test


def split(clips: list[Clip], options: Options) -> Parts:
    """Indices for training, validation and test, as `ttsdoc data split` would choose them.

    What a clip says decides, not its place or the seed, so that a clip that was held out stays held out when
    others are added. Raises ConfigError where nothing would be left to train on.
    """
    try:
        sides = divide(clips, Shares(options.data.val_ratio, options.data.test_ratio), mix_speakers=True)
    except DataError as error:
        raise options.error("data.val_ratio", str(error)) from error
    if not all(sides.values()):
        raise options.error("data.val_ratio", f"{len(clips)} clips are too few to hold some out and train on others")
    place = {id(clip): index for index, clip in enumerate(clips)}
    train, val, test = (
        tuple(place[id(clip)] for clip in sides.get(part, ())) for part in (Split.TRAIN, Split.VALIDATION, Split.TEST)
    )
    return train, val, test


def _mel(clip: Clip, options: Options) -> Tensor:
    try:
        sound = audio.read(clip.audio)
    except audio.AudioError as error:
        raise ConfigError(str(error)) from error
    wanted = options.data.sampling_rate
    if sound.rate != wanted:
        problem = f"{wanted} Hz, but {clip.audio} has {sound.rate} Hz; set it to that or convert the clips"
        raise options.error("data.sampling_rate", problem)
    if not len(sound.samples):
        raise ConfigError(f"{clip.audio}: no sound in it; remove it from the metadata file")
    return log_mel(sound.samples, options.data)


def _codec(mels: list[Tensor], options: Options) -> Codec:
    try:
        return fit(mels, options.data, options.model.n_speech_tokens, options.training.seed)
    except ValueError as error:
        raise options.error("model.n_speech_tokens", f"{error}; lower it or add clips") from error


def _track(clips: list[Clip]) -> Iterator[Clip]:
    from diagnose.data.progress import track

    return track(clips, len(clips), "listening")
