"""What is around the text of a log: colours, redraws, window titles, marks of a quotation."""

from __future__ import annotations

import re

# Colours and cursor moves, window titles, and colours whose escape byte was lost on the way.
_ANSI = (
    (b"\x1b[", rb"\x1b\[[0-9;?]*[A-Za-z]"),
    (b"\x1b]", rb"\x1b\][^\x07\n]*\x07"),
    (b"[0m", rb"\[\d{1,2}(?:;\d+)*m"),
)
# A Keras bar, and the epoch before it, that follow others on one line: pasted from a notebook, carriage returns lost.
_GLUED = re.compile(
    rb"(?<=[^\n])(?=Epoch \d+/\d+\s+\d+/\d+ \[[=>.]{3})|(?<=[^\n\d])(?=\d+/\d+ \[[=>.]{3})",
)
# `step_78540: loss_-4.06`: the underscore parts a name from its number.
_UNDERSCORE = re.compile(rb"(?<![^\W_])(loss_(?=-?\d+\.\d\d)|(?:step|iter|epoch)_(?=\d+:))")
# A quoted log in a mail or a forum.
_QUOTED = re.compile(rb"^(?:> ?)+", re.MULTILINE)


def last_break(text: bytes) -> int:
    """Behind the last line end. A carriage return at the very end may be half of one."""
    return max(text.rfind(b"\n"), text.rfind(b"\r", 0, max(len(text) - 1, 0))) + 1


def cleaned(text: bytes) -> bytes:
    """Each redraw of a progress bar on a line of its own, without colours."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\x08" in text:
        text = re.sub(b"\x08+", b"\n", text)
    if b"\0" in text:
        text = text.replace(b"\0", b"")
    if b"\n> " in text or text.startswith(b"> "):
        text = _QUOTED.sub(b"", text)
    for mark, pattern in _ANSI:
        if mark in text:
            text = re.sub(pattern, b"", text)
    if _UNDERSCORE.search(text):
        text = _UNDERSCORE.sub(lambda match: match[0][:-1] + b" ", text)
    return _GLUED.sub(b"\n", text) if b" [=" in text or b" [>" in text else text
