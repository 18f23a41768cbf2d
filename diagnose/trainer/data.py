"""Clips as tokens: read once, kept in one file of the run folder, dealt out in an order that a seed decides."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from diagnose.data import audio
from diagnose.data.manifest import Split, read_clips, split_lists
from diagnose.errors import ConfigError
from diagnose.files import write_whole
from diagnose.trainer.checkpoint import Checkpoint
from diagnose.trainer.distributed import World
from diagnose.trainer.log import say
from diagnose.trainer.model import TEXT_START, Batch
from diagnose.trainer.options import Options
from diagnose.trainer.tokens import Codec, fit, log_mel

IntArray = npt.NDArray[np.int64]

WINDOW = 8
"""Batches that are cut from one stretch of clips sorted by length, so that little of them is padding."""


@dataclass(frozen=True)
class Clip:
    """One recording and what is said in it."""

    name: str
    text: str
    path: Path


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
    clips = list(read_metadata(folder / options.data.metadata_file, folder / "wavs"))
    mels = [_mel(clip, options) for clip in _track(clips)]
    codec = _codec(mels, options) if base is None else Codec(options.data, base.codebook)
    texts = tuple(clip.text for clip in clips)
    train, val, test = listed(folder, clips) or split(texts, options)
    minutes = sum(map(len, mels)) * options.data.hop_length / options.data.sampling_rate / 60
    return Corpus(
        tuple(clip.name for clip in clips),
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


def read_metadata(path: Path, wavs: Path) -> Iterator[Clip]:
    """The clips of an LJSpeech metadata file (`id|text` or `id|text|normalised text`). Raises ConfigError."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); `ttsdoc data` makes such a file") from error
    if not any(line.strip() for line in lines):
        raise ConfigError(f"{path}: no clips")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        columns = line.split("|")
        text = unicodedata.normalize("NFC", columns[min(2, len(columns) - 1)]).strip()
        if len(columns) < 2 or not text:
            raise ConfigError(f"{path}:{number}: `id|text` is needed, found {line[:60]!r}")
        name = columns[0].strip()
        if Path(name).name != name:
            raise ConfigError(f"{path}:{number}: the id {name[:60]!r} is not a file name")
        yield Clip(name, text, wavs / f"{name.removesuffix('.wav')}.wav")


Parts = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


def listed(folder: Path, clips: list[Clip]) -> Parts | None:
    """Indices as the lists of `ttsdoc data split` beside the metadata say; None where they are not there."""
    lists = split_lists(folder)
    if Split.TRAIN not in lists or Split.VALIDATION not in lists:
        return None
    part_of = {clip.id: part for part, path in lists.items() for clip in read_clips(path)}
    train, val, test = (
        tuple(index for index, clip in enumerate(clips) if part_of.get(clip.name) is part)
        for part in (Split.TRAIN, Split.VALIDATION, Split.TEST)
    )
    if not train or not val:
        raise ConfigError(f"{lists[Split.TRAIN]}: its clips are not those of the metadata; split the data again")
    return train, val, test


def split(texts: tuple[str, ...], options: Options) -> Parts:
    """Indices for training, validation and test; clips of one text stay together.

    The texts' own hashes decide, not their order or the seed, so that a clip that was held out stays held
    out when others are added. Raises ConfigError where a part that was asked for would be empty.
    """
    order = sorted(set(texts), key=lambda text: blake2b(text.encode(), digest_size=8).digest())
    n_val, n_test = (_part(len(order), ratio) for ratio in (options.data.val_ratio, options.data.test_ratio))
    if n_val + n_test >= len(order):
        raise options.error("data.val_ratio", f"{len(order)} different texts leave none to train on")
    held_out = dict.fromkeys(order[:n_val], "val") | dict.fromkeys(order[n_val : n_val + n_test], "test")
    parts = [held_out.get(text, "train") for text in texts]
    train, val, test = (
        tuple(index for index, part in enumerate(parts) if part == name) for name in ("train", "val", "test")
    )
    return train, val, test


@dataclass(frozen=True)
class Deal:
    """The clips of one update on one device, and the sums over all devices by which its loss is divided."""

    batches: tuple[Batch, ...]
    text_tokens: int
    speech_tokens: int


@dataclass(eq=False)
class Dealer:
    """Deals the training clips to updates. What an update gets follows from its number and the seed alone."""

    corpus: Corpus
    options: Options
    world: World
    _shuffled: tuple[int, list[list[int]]] = field(default=(-1, []), init=False)
    """The epoch that was dealt from last, and its order."""

    @property
    def clips_per_update(self) -> int:
        """The effective batch: over all devices and accumulated micro-batches."""
        return self.options.data.batch_size * self.options.training.grad_accumulation_steps * self.world.size

    @property
    def steps_per_epoch(self) -> int:
        """Updates an epoch; clips that do not fill the last one sit it out, others every epoch."""
        return len(self.corpus.train) // self.clips_per_update

    def deal(self, step: int) -> Deal:
        """What this device learns from in update `step`."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if self._shuffled[0] != epoch:
            self._shuffled = (epoch, self._order(epoch))
        chosen = self._shuffled[1][place]
        texts = {index: self.corpus.vocabulary.encode(self.corpus.texts[index]) for index in chosen}
        return Deal(
            tuple(self._batch(part, texts, epoch) for part in self._share(chosen)),
            sum(len(text) for text in texts.values()),
            sum(len(self.corpus.speech[index]) + 1 for index in chosen),
        )

    def _order(self, epoch: int) -> list[list[int]]:
        """The clips of each update of an epoch: shuffled, sorted by length within a window, shuffled again."""
        random = np.random.default_rng((self.options.training.seed, epoch))
        clips = random.permutation(np.array(self.corpus.train))[: self.steps_per_epoch * self.clips_per_update]
        lengths = np.array([len(self.corpus.speech[index]) for index in clips])
        stretch = WINDOW * self.clips_per_update
        clips = clips[np.lexsort((lengths, np.arange(len(clips)) // stretch))]
        updates = clips.reshape(self.steps_per_epoch, self.clips_per_update)
        return [list(map(int, updates[index])) for index in random.permutation(self.steps_per_epoch)]

    def _share(self, chosen: list[int]) -> Iterator[list[int]]:
        """Micro-batches of this device: neighbours in length, so that all devices work equally long."""
        size = self.options.data.batch_size * self.world.size
        for start in range(0, len(chosen), size):
            yield chosen[start : start + size][self.world.rank :: self.world.size]

    def _batch(self, part: list[int], texts: dict[int, list[int]], epoch: int) -> Batch:
        speech = [self.corpus.speech[index] for index in part]
        heard = [self._replaced(tokens, index, epoch) for tokens, index in zip(speech, part, strict=True)]
        return make_batch([texts[index] for index in part], speech, heard, self.options)

    def _replaced(self, tokens: IntArray, index: int, epoch: int) -> IntArray:
        """The tokens that the model is shown: some are random, so that it cannot lean on them alone."""
        if not self.options.training.token_replacement:
            return tokens
        random = np.random.default_rng((self.options.training.seed, epoch, index))
        wrong = random.random(len(tokens)) < self.options.training.token_replacement
        return np.where(wrong, random.integers(0, self.options.model.n_speech_tokens, len(tokens)), tokens)


def make_batch(texts: list[list[int]], speech: list[IntArray], heard: list[IntArray], options: Options) -> Batch:
    """Rows of text tokens and the `heard` speech tokens, padded, with the `speech` tokens as targets."""
    n_vocab, start = options.model.n_vocab, options.model.n_speech_tokens
    rows = [
        np.concatenate([[TEXT_START], text, [n_vocab + start], n_vocab + tokens])
        for text, tokens in zip(texts, heard, strict=True)
    ]
    length = max(map(len, rows))
    tokens = np.zeros((len(rows), length), np.int64)
    positions = np.zeros((len(rows), length), np.int64)
    text_at, speech_at = [], []
    for number, (row, text) in enumerate(zip(rows, texts, strict=True)):
        tokens[number, : len(row)] = row
        positions[number, : len(row)] = [*range(len(text) + 1), *range(len(row) - len(text) - 1)]
        text_at.append(np.arange(len(text)) + number * length)
        speech_at.append(np.arange(len(text) + 1, len(row)) + number * length)
    targets = [np.append(tokens_of_clip, start + 1) for tokens_of_clip in speech]
    joined = [tokens, positions, *(np.concatenate(parts) for parts in (text_at, texts, speech_at, targets))]
    return Batch(*(torch.from_numpy(np.asarray(part, np.int64)) for part in joined))


def fixed_batches(
    corpus: Corpus, clips: tuple[int, ...], options: Options, *, wrong_text: bool = False
) -> Iterator[Batch]:
    """The clips as they are, for evaluation, in batches of similar length; or each with the next one's text."""
    ordered = sorted(clips, key=lambda index: len(corpus.speech[index]))
    spoken = ordered[1:] + ordered[:1] if wrong_text else ordered
    for start in range(0, len(ordered), options.data.batch_size):
        part = slice(start, start + options.data.batch_size)
        speech = [corpus.speech[index] for index in ordered[part]]
        texts = [corpus.vocabulary.encode(corpus.texts[index]) for index in spoken[part]]
        yield make_batch(texts, speech, speech, options)


def _part(count: int, ratio: float) -> int:
    """At least one text where the ratio is not zero."""
    return max(1, round(count * ratio)) if ratio else 0


def _mel(clip: Clip, options: Options) -> Tensor:
    try:
        sound = audio.read(clip.path)
    except audio.AudioError as error:
        raise ConfigError(str(error)) from error
    wanted = options.data.sampling_rate
    if sound.rate != wanted:
        problem = f"{wanted} Hz, but {clip.path} has {sound.rate} Hz; set it to that or convert the clips"
        raise options.error("data.sampling_rate", problem)
    if not len(sound.samples):
        raise ConfigError(f"{clip.path}: no sound in it; remove it from the metadata file")
    return log_mel(sound.samples, options.data)


def _codec(mels: list[Tensor], options: Options) -> Codec:
    try:
        return fit(mels, options.data, options.model.n_speech_tokens, options.training.seed)
    except ValueError as error:
        raise options.error("model.n_speech_tokens", f"{error}; lower it or add clips") from error


def _track(clips: list[Clip]) -> Iterator[Clip]:
    from diagnose.data.progress import track

    return track(clips, len(clips), "listening")
