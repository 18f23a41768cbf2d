"""One document, read whole: JSON, or what Python prints of lists and dicts."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from diagnose.errors import LogError
from diagnose.readers.sources import Source
from diagnose.regex import regex

# A document is held in memory whole, as objects of ten times its size; no history that a trainer writes comes near.
LARGEST = 1 << 26
# `history = {`, `History: {`, and the prompts of a notebook above it
NAME = regex(rb"\A(?:\s*(?:In \[\d+\]:|>>>)[^\n]*\n)*\s*(?:Out ?\[\d+\]:\s*)?(?:[\w. ]{0,40}[=:]\s*)?(?=[\[{])")
# `array([2.9, 2.5], dtype=float32)`, `tensor(2.9, device='cuda:0')`, `np.float64(2.9)`
_WRAPPED = regex(r"\b(?:\w+\.)?(?:array|tensor|float\d*|int\d*)\(\s*(?P<inner>\[[^\[\]()]*\]|[-+\w.]+)[^()]*\)")
_PYTHON = regex(r"'(?P<text>[^'\\\n]*)'|(?<![\w\"])(?P<word>None|True|False|-?nan|-?inf)(?!\w)")
_INNERMOST = regex(r"\{[^{}]*\}?")
# A document that begins within an object, and the key without a value with which it ends within one.
_KEY = regex(r"\s*\"[\w/]+\"\s*:")
_CUT = regex(r",\s*\"[^\":]*(?:\"[\s:]*)?\Z")
_WORDS = {
    "None": "null",
    "True": "true",
    "False": "false",
    "nan": "NaN",
    "-nan": "NaN",
    "inf": "Infinity",
    "-inf": "-Infinity",
}


def read_document(source: Source) -> Any:
    """The document. Raises LogError, in one line, where it is too large or not complete."""
    with source.open() as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise LogError(f"{source.name}: {LARGEST >> 20} MB is too much for one JSON document: write JSON lines")
    try:
        return parse_document(text)
    except (ValueError, RecursionError) as error:
        raise LogError(f"{source.name}: no complete JSON document ({error}): copy the file again") from None


def parse_document(text: bytes) -> Any:
    """The document in JSON, else as Python prints it. Raises ValueError; nothing is evaluated."""
    try:
        return json.loads(text)
    except ValueError as error:
        if objects := _objects_in_a_row(text):
            return objects
        printed = NAME.sub(b"", text).decode("utf-8", "replace").strip()
        try:
            return json.loads(_as_json(printed))
        except ValueError:
            raise error from None


def records_within(text: str) -> list[dict[str, Any]]:
    """The innermost objects of a document of which the beginning, the end or a part between them is lost."""
    found = []
    begin = text.find("}")
    text = "{" + text if _KEY.match(text) and "{" not in text[: max(begin, 0)] else text
    for match in _INNERMOST.finditer(text):
        whole = match[0] if match[0].endswith("}") else _CUT.sub("", match[0]).rstrip(" \n,") + "}"
        with suppress(ValueError, RecursionError):
            found.append(json.loads(_as_json(whole)))
    return found


def _objects_in_a_row(text: bytes) -> list[Any]:
    """The objects of a file that holds several, each over many lines; nothing where it does not."""
    plain, place, found = text.decode("utf-8", "replace"), 0, []
    while plain[place:].strip():
        place += len(plain[place:]) - len(plain[place:].lstrip())
        try:
            item, place = json.JSONDecoder().raw_decode(plain, place)
        except ValueError:
            return []
        found.append(item)
    return found if len(found) > 1 and all(isinstance(item, dict) for item in found) else []


def _as_json(printed: str) -> str:
    """What Python prints of lists, dicts and arrays, written as JSON."""
    printed = _WRAPPED.sub(lambda match: match["inner"].replace("\n", " "), printed)
    return _PYTHON.sub(
        lambda match: _quoted(match["text"]) if match["word"] is None else _WORDS[match["word"]], printed
    )


def _quoted(text: str) -> str:
    return json.dumps(text)
