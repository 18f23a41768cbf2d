"""From a path or a text to the tree of a config."""

from __future__ import annotations

import re
from pathlib import Path

from diagnose.config._json import GAP, read_json
from diagnose.config._python import read_python
from diagnose.config._toml import read_toml
from diagnose.config._yaml import read_yaml
from diagnose.config.limits import MAX_BYTES
from diagnose.config.node import Document
from diagnose.errors import ConfigError

_OPENS_JSON = re.compile(r"\{\s*(?:\"|//|/\*)")


def read_text(path: Path) -> str:
    """The exact text of a file: a BOM and the line ends stay. Raises ConfigError where it is no text or too large."""
    if path.exists() and not path.is_file():
        raise ConfigError(f"{path}: a folder or device, not a config; give the file itself")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}; check the path") from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES // 2**20} MB: not a training config")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise ConfigError(f"{path}:{line}: a NUL byte: a binary or damaged file, not a config")
    return text


def parse_document(text: str, source: str) -> Document:
    """The tree of `text`; the ending of `source` says how it is written, else its first characters do.

    Raises ConfigError, in one line, where the text does not parse or is out of all proportion.
    """
    ending = source.rpartition(".")[2].lower()
    if ending == "py":
        return read_python(text, source)
    if ending == "toml":
        return read_toml(text, source)
    if ending in {"json", "jsonc"}:
        return read_json(text, source)
    gap = GAP.match(text)  # on its own: one pattern for both would try every way to divide the blanks
    if ending in {"yaml", "yml"} or not _OPENS_JSON.match(text, gap.end() if gap else 0):
        return read_yaml(text, source)
    return read_json(text, source)
