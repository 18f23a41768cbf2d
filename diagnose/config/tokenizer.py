"""How many tokens a tokenizer has, and how many rows the embedding of a checkpoint."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diagnose.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """What the text becomes."""

    size: int
    """One more than the highest token number."""
    alphabet: frozenset[str] | None
    """The characters that its tokens are made of; None where they stand for bytes."""


def read_tokenizer(path: Path) -> Tokenizer | None:
    """A tokenizer: Hugging Face `tokenizer.json`, a `vocab.json`, or a list with one token a line.

    A folder is searched for these. None where there is nothing of the kind. Raises ConfigError for a file
    that cannot be read.
    """
    if path.is_dir():
        names = ("tokenizer.json", "vocab.json", "vocab.txt")
        path = next((path / name for name in names if (path / name).is_file()), path)
    if path.suffix not in {".json", ".txt"} or not path.is_file():
        return None
    if path.stat().st_size > MAX_TOKENIZER:
        raise ConfigError(f"{path}: larger than {MAX_TOKENIZER // 2**20} MB: no tokenizer")
    try:
        text = path.read_text("utf-8")
        numbers = dict.fromkeys(text.splitlines(), 0) if path.suffix == ".txt" else _numbered(json.loads(text))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not a tokenizer: {' '.join(str(error).split()):.200}") from None
    if not numbers:
        return None
    size = len(numbers) if path.suffix == ".txt" else max(numbers.values()) + 1
    return Tokenizer(size, None if "ByteLevel" in text else frozenset("".join(numbers)))


MAX_TOKENIZER = 256 * 2**20
"""A generous limit: tokenizers of 250,000 entries with their merges have some 20 MB."""


def _numbered(data: Any) -> dict[str, int]:
    """Token -> number, added tokens included; empty where the file holds none."""
    if not isinstance(data, dict):
        return {}
    model = data.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else data.get("vocab", data)
    if isinstance(vocabulary, list):  # Unigram: a list of [token, score]
        tokens = [entry[0] if isinstance(entry, list) and entry else entry for entry in vocabulary]
        vocabulary = {str(token): number for number, token in enumerate(tokens)}
    added = data.get("added_tokens", [])
    extra = {str(token.get("content")): token.get("id") for token in added if isinstance(token, dict)}
    known = {**(vocabulary if isinstance(vocabulary, dict) else {}), **extra}
    return {token: number for token, number in known.items() if isinstance(number, int) and number is not True}


def embedding_rows(path: Path) -> int | None:
    """Rows of the text embedding in a safetensors checkpoint, from its header alone.

    None where no tensor is called like one. Raises ConfigError where the header is damaged.
    Source of the layout: the safetensors format (8 bytes little-endian length, then JSON).
    """
    if path.suffix != ".safetensors" or not path.is_file():
        return None
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(MAX_HEADER, path.stat().st_size):
            raise ConfigError(f"{path}: the header claims {length} bytes: a damaged checkpoint")
        content = file.read(length)
    try:
        header = json.loads(content)
        shapes = {name: tensor["shape"] for name, tensor in header.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ConfigError(f"{path}: the header is no JSON: a damaged checkpoint") from None
    for pattern in EMBEDDINGS:
        for name, shape in shapes.items():
            if re.search(pattern, name) and isinstance(shape, list) and len(shape) == 2 and isinstance(shape[0], int):
                return shape[0]
    return None


MAX_HEADER = 100_000_000
"""The limit of the safetensors library."""
EMBEDDINGS = (
    r"(^|\.)text_?emb(ed(ding)?s?)?(\.\w+)?\.weight$",
    r"(^|\.)(token|symbol|phoneme|word)s?_?emb(ed(ding)?s?)?(\.\w+)?\.weight$",
    r"(^|\.)(embed_tokens|wte|emb|embedding|enc_p\.emb)\.weight$",
)
"""What text embeddings are called, the surest first: Chatterbox T3 and F5-TTS, Tacotron 2 and its kin, GPT and VITS."""
