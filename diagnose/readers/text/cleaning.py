"""What is around the text of a log: colours, redraws, window titles, marks of a quotation."""

from __future__ import annotations

import re
import sys

from diagnose.readers.text.sideways import upright
from diagnose.regex import regex

# Colours and cursor moves, window titles, colours whose escape byte was lost on the way, what NumPy and Python print
# around a number (`array(0.5, dtype=float32)`, `float('nan')`: a bracket stays), bold text, a place that was never
# filled in (`ep:{} 18`), what fills up `nan`, code in Markdown, and what Julia writes behind its numbers (`1.5f0`). A
# name in brackets (`<loss>=`), a power that is written by hand (`2.3 x 10^-3`) and what is no number for Microsoft's C
# library (`-1.#IND`) become plain.
_MARKS = (
    (b"\x1b[", rb"\x1b\[[0-9;?]*[A-Za-z]", b""),
    (b"\x1b]", rb"\x1b\][^\x07\n]*\x07", b""),
    (b"[0m", rb"\[\d{1,2}(?:;\d+)*m", b""),
    (b"np.", rb"\bnp\.(?:int\d+(?=\([-+\w.]+\))|(?=float\d+\(|array\(|nan|inf))", b""),
    (b"float", rb"float(?<!\wfloat)\d*(?=\(['\"]?[-+\w.]+['\"]?\))", b""),
    (b"array(", rb"array(?<!\warray)(?=\(\[?[-+]?(?:\d[\d.]*(?:e[-+]\d+)?|nan|inf)\]?[,)])", b""),
    (b"[J", rb"(?m)^[ \t]*\[J", b""),
    (b"**", rb"\*\*(?=[\w.-])|(?<=[\w.])\*\*", b""),
    (b"{}", rb"\{\} ?(?=[-+]?\d)", b""),
    (b"xx", rb"(?<=nan|inf)x+", b""),
    (b"`", rb"`(?=[-+]?\d|nan|inf)|(?<=\d)`|(?<=nan|inf)`", b""),
    (b"f0", rb"(?<=\d)f0(?!\w)", b""),
    (b"#", rb"1\.#(?:IND|[QS]?NAN)\d*", b"nan"),
    (b"#", rb"1\.#INF\d*", b"inf"),
    (b"<", rb"<(\w+)>(?==)", rb"\1"),
    (b"^", rb"(?<=\d) ?(?:\xc3\x97|x|\*) ?10\^\{?([-+]?\d+)\}?", rb"e\1"),
)
# A Keras bar, and the epoch before it, that follow others on one line: pasted from a notebook, carriage returns lost.
_GLUED = regex(
    rb"(?<=[^\n])(?=Epoch (?!1/\d+\n)\d+/\d+\s+\d+/\d+ \[[=>.]{3})|(?<=[^\n\d])(?<!Epoch )(?=\d+/\d+ \[[=>.]{3})",
)
_LOOKED_AT = 1 << 14
# What a program printed, in the record of what ran it (Docker, journald, Google Cloud).
_RECORD = regex(
    rb'^\{[^\n]*?"(?:log|message|MESSAGE|msg|textPayload)" ?: ?"((?:[^"\\\n]|\\.)*)"[^\n]*\}\r?$', re.MULTILINE
)
_ESCAPES = {b"n": b"\n", b"r": b"\n", b"t": b"\t"}
# `step_78540: loss_-4.06`, `[epoch12]`: names and numbers that one sign, or none, parts. Each pattern begins with plain
# letters, which are found fast.
_STUCK = tuple(
    (regex(found), parted, sys.maxsize)
    for found, parted in (
        (rb"loss_(?=-?\d+\.\d\d)", b"loss "),
        (rb"loss(?<=\dloss)(?=[:= ])", b" loss"),
        (rb"step_(?=\d+:)", b"step "),
        (rb"epoch_?(?=\d+[\]:\t ])", b"epoch "),
        (rb"Epoch_?(?=\d+[\]:\t ])", b"Epoch "),
        (rb"ep(?<!\wep)_?(?=\d+[\]:\t ])", b"ep "),
        (rb"iter(?<!\witer)_?(?=\d+[\]:\t ])", b"iter "),
        (rb"Iter_?(?=\d+[\]:\t ])", b"Iter "),
    )
)
# Seconds and the number of the line, as Kaggle writes them: `12.3s 45 Epoch 1`.
_NUMBERED = (regex(rb"^\d+\.\ds(?: \|)?[ \t]+\d+(?: \|)?[ \t]+(?=\S)", re.MULTILINE), b"", _LOOKED_AT)
# Records that follow one another on one line: a paste that has lost its line ends shows that at its beginning. Epochs
# (Keras begins an evaluation by a first epoch at the end of the line), those of prose, and
# `ips: 6.8 [2021/06/30 12:24:47] root INFO:`.
_JOINED = tuple(
    (regex(found, re.MULTILINE), b"\n", _LOOKED_AT)
    for found in (
        rb"(?<=\d)(?=[Ee]poch:? ?\[?\d)(?!Epoch 1/\d+[ \t]*$)",
        rb"(?<=\d)[,;.]? +(?:(?:and|[Tt]hen) )*(?=[Aa]fter epoch \d+,? (?:the|it|train|loss))",
        rb"(?<=\S) +(?=\[\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d[^\]\n]{0,8}\] [\w.]+ INFO\b)",
    )
)
# A bar of tqdm in front of a number that was printed: `12it [00:01, 3.1it/s]0.693`.
_GLUED_BAR = regex(rb"^[^\n]*(?:it/s|s/it)\](?=(?:\d+, )?-?\d+\.\d+(?:e-?\d+)?\s*$)", re.MULTILINE)
# The same in front of another message: `3.1it/s]Epoch 1 loss 0.7`.
_BAR_IN_FRONT = regex(rb"(?:it/s|s/it)\](?=[A-Za-z])")
# A quoted log in a mail or a forum.
_QUOTED = regex(rb"^(?:> ?)+", re.MULTILINE)


def last_break(text: bytes) -> int:
    """Behind the last line end. A carriage return at the very end may be half of one."""
    return max(text.rfind(b"\n"), text.rfind(b"\r", 0, max(len(text) - 1, 0))) + 1


def unwrapped(text: bytes) -> bytes:
    """The text with what programs printed in place of the records that hold it, where those report no loss beside."""
    return _RECORD.sub(_message, text) if b"{" in text else text


def _message(record: re.Match[bytes]) -> bytes:
    message = record[1]
    if b"loss" in record[0].replace(message, b"").lower():
        return record[0]
    plain = re.sub(rb"\\u00([01][0-9a-fA-F])", lambda code: bytes([int(code[1], 16)]), message)
    plain = re.sub(rb"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), plain)
    return plain.removesuffix(b"\n")


def cleaned(text: bytes) -> bytes:
    """Each redraw of a progress bar on a line of its own, without colours."""
    text = unwrapped(text)
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\x08" in text:
        text = re.sub(b"\x08+", b"\n", text)
    if b"\n> " in text or text.startswith(b"> "):
        text = _QUOTED.sub(b"", text)
    if b"/s]" in text or b"/it]" in text:
        text = _BAR_IN_FRONT.sub(rb"\g<0>\n", _GLUED_BAR.sub(b"", text))
    for mark, pattern, plain in _MARKS:
        if mark in text:
            text = re.sub(pattern, plain, text)
    for found, parted, until in (_NUMBERED, *_JOINED, *_STUCK):
        if found.search(text, 0, until):
            text = found.sub(parted, text)
    text = upright(text)
    return _GLUED.sub(b"\n", text) if b" [=" in text or b" [>" in text else text
