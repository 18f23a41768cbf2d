"""Whether a line can hold metrics or counters: the question that is asked of every kind of line, so a fast one."""

from __future__ import annotations

import re

from diagnose.readers.text.patterns import HEADINGS, LONGEST_HEADING
from diagnose.regex import regex

# What a line must hold to be worth a look: a number (cut out: a zero byte) behind a sign (an arrow, full-width ones),
# a counter or a metric's name, two numbers in a row, or words that can be the header of a table. The pattern looks
# from the number backwards, over the reversed line: it begins with a letter that prose has not, so prose costs little.
_WORDS = (
    *(
        "loss",
        "lr",
        "norm",
        "ppl",
        "perplexity",
        "nll",
        "cost",
        "acc",
        "accuracy",
        "error",
        "rate",
        "mse",
        "wer",
        "cer",
        "objective",
        "elbo",
    ),
    *("scale", "mb", "_l", "ce"),
)
# The last words of what a loss is called in languages that are written in these letters.
_ABROAD = ("verlust", "perte", "perda", "perdida", "treino", "entrenamiento", "apprentissage", "verlies", "strata")
_SPLITS = ("train", "trn", "tr", "val", "vld", "vl", "valid", "validation", "dev", "eval", "test")
_NAMES = (*_WORDS, *_SPLITS, *_ABROAD)
_COUNTED = ("step", "iter", "iteration", "update", "batch", "epoch", "ep", "at", "epoche", "epoque", "epoca", "epok")
_BEHIND = (
    r"(?:[ \t]*[-+.]?(?:\[?\((?:rosnet(?:\.ft)?|yarra))?"
    r"[ \t'\"\[(]{0,3}(?:[:=>#|]|\x92\x86\xe2|\x9a\xbc\xef|\x9d\xbc\xef)"
    r"|[-+]?(?:[ \t]+(?:si|saw|fo)\b|[ \t]*,ssol| - (?:ssol|erocs))"
    rf"|[ \t\[(]*['\")]?s?(?:{'|'.join(word[::-1] for word in _COUNTED)})\b"
    rf"|[-+]?[ \t]+['\")\]]*(?:\w{{1,12}}_?(?=ssol))?(?:{'|'.join(word[::-1] for word in _NAMES)}))"
    r"|[ \t]*[\x80-\xbf]"
)
_NUMBER_BEHIND = regex(rf"\0{_BEHIND}".encode("latin-1"), re.IGNORECASE)
_NAN_BEHIND = regex(rf"(?:nan|fni){_BEHIND}".encode(), re.IGNORECASE)
_ROW_BEGIN = regex(
    rb"(?:[\s|,;*\[(]|\xe2\x94[\x82\x83])*\0(?:/\0)?(?:[ \t|,;]|\xe2\x94[\x82\x83])+(?:[-+]?\0|nan|inf|no)"
    rb"|[ \t]*[a-z]\w*[ \t]*,[ \t]*[-+]?\0[ \t]*,|[ \t]+all[ \t]+\0[ \t]+\0[ \t]"
    rb"|[ \t]*(?:[a-z]+[ \t]*)?\[[ \t]*\0[ \t]*[/,][ \t]*\0\][ \t]*(?:-?\0|nan|inf)",
    re.IGNORECASE,
)
_HEADER_BEGIN = regex(rb"[\s|,;#]*(?:(?:epoch|step|iter|ep)[a-z]*|e)[\s|,;]", re.IGNORECASE)
# `id,y_true,y_pred`: the names above the rows of another table.
_TITLES = regex(rb"[a-z_]\w*(?:[,;\t][a-z_]\w*)+\s*$", re.IGNORECASE)
_ORDINAL = "第".encode()
_TABLE = (b"|", b"\t", "│".encode(), "┃".encode())
# Of a line that stands for those that were left out.
_DOTS = b" \t[(<.>)]" + "…".encode()
# A heading, or a number on a line of its own.
_HEADING = regex(rf"{HEADINGS}|is:\s*$|^\s*(?:\0-|-?)\0\s*,?\s*$".encode("latin-1"), re.IGNORECASE)


def worth_a_look(rest: bytes) -> bool:
    """Whether a line, its numbers replaced by zero bytes, can hold metrics or counters."""
    backwards = rest[::-1]
    if b"\0" in rest and (_NUMBER_BEHIND.search(backwards) or _ROW_BEGIN.match(rest)):
        return True
    lower = backwards.lower()
    if b"dlof" in lower or b"gniniart" in lower or b"(rosnet" in lower or b"(yarra" in lower:
        return True
    short = len(rest) <= 2 * LONGEST_HEADING and _HEADING.search(rest) is not None
    omission = len(rest.strip()) > 1 and not rest.strip(_DOTS)
    if short or omission or b"gol on" in lower or rest.lstrip().startswith(_TABLE) or _ORDINAL in rest:
        return True
    if (b"nan" in lower or b"fni" in lower) and _NAN_BEHIND.search(lower):
        return True
    if b"\0" in rest:
        return False
    lossy = b"ssol" in lower or b"tsoc" in lower or b"lpp" in lower
    named = _HEADER_BEGIN.match(rest) or _TITLES.match(rest)
    return named is not None or (lossy and any(sign in rest for sign in _TABLE))
