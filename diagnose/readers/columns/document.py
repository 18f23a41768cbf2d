"""One JSON document, read whole."""

from __future__ import annotations

import json
from typing import Any

from diagnose.errors import LogError
from diagnose.readers.sources import Source

# A document is held in memory whole, as objects of ten times its size; no history that a trainer writes comes near.
LARGEST = 1 << 26


def read_document(source: Source) -> Any:
    """The document. Raises LogError, in one line, where it is too large or not complete."""
    with source.open() as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise LogError(f"{source.name}: {LARGEST >> 20} MB is too much for one JSON document: write JSON lines")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LogError(f"{source.name}: no complete JSON document ({error}): copy the file again") from None
