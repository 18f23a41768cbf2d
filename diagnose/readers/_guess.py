"""What the numbers of a line mean where the format of the log is not known: `name separator number`, read with care."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from diagnose.readers._columns import EPOCH, ITERATION, PER_EPOCH, STEP
from diagnose.readers._lines import Meaning
from diagnose.readers._patterns import NUMBER
from diagnose.readers._table_rows import header_in, row_in
from diagnose.words import foreign, in_english

# A number may be quoted, in brackets, or printed as a tensor.
_OPEN = r"['\"\[(]{0,2}(?:tensor\()?"
_NAME = r"(?<![\w@./-])(?P<name>[^\W\d][\w./@%-]{0,60}(?: (?:[^\W\d]|\()[\w./()'-]{0,40}){0,3}?)['\")\]]{0,2}"
_STRONG = r"[ \t]*(?:::?|=|->|:=|\uff1a)[ \t]*|[ \t]+is[ \t]+"
PAIR = re.compile(
    rf"{_NAME}(?P<sep>{_STRONG}|[ \t]+){_OPEN}(?P<number>{NUMBER})(?![\w.]*[A-Za-z_])(?!\d*:\d)"
    rf"(?: +\((?P<mean>{NUMBER})\))?"
)
# Behind a number some languages say what it counts: `第 3 轮`.
_EPOCH_WORD = rf"epochs?|ep|{foreign('epoch')}"
_STEP_WORD = rf"steps?|iter(?:ation)?s?|updates?|{foreign('step', 'iteration')}"
_COUNTER = re.compile(
    r"(?<![\w.])(?P<name>global[_ ]?step|num_updates|(?:batch|iter(?:ation)?|step)_?(?:idx|index|id|no|num|in_epoch)"
    rf"|(?:mini_?)?batch|{_STEP_WORD}|{_EPOCH_WORD})(?![^\W\d])"
    r"(?P<sep>['\")]?[ \t]*[:=#\uff1a]?[ \t]*[\[(]?[ \t]*)(?P<number>\d+)(?!\d|\.\d)(?!\.*[A-Za-z%])"
    r"(?:[ \t]*(?:/|of)[ \t]*(?P<total>\d+))?"
    # `[12800/60000 (21%)]`: the place in the epoch.
    r"(?:\]?[ \t]*\[[ \t]*(?P<inner>\d+)[ \t]*/[ \t]*(?P<per>\d+)[^]\n]{0,20}\])?",
    re.IGNORECASE,
)
_ORDINAL = re.compile(rf"\u7b2c[ \t]*(?P<number>\d+)(?:/\d+)?[ \t]*(?:(?P<epoch>{foreign('epoch')})|{foreign('step')})")
_FRACTION = re.compile(r"(?<![\w.])['\"]?epoch['\"]?[ \t]*[:=][ \t]*['\"]?(?P<number>\d+\.\d+)", re.IGNORECASE)
_EPOCH_LOSS = re.compile(
    rf"^[^\w\n]*epoch[ \t:#]*(?P<epoch>\d+)(?:[ \t]*/[ \t]*\d+)?[ \t]*[:|=,-]+[ \t]*(?P<loss>{NUMBER})"
    r"(?=[ \t]|$)(?![ \t]*[%/|])",
    re.IGNORECASE,
)
# `val loss at step 100: 2.3`, `Loss at epoch 0 and iteration 500 is 0.25`
_AT = re.compile(
    r"[ \t](?:at|after|for|in)[ \t]+(?:(?:and|,)?[ \t]*(?:step|epoch|iteration|iter|batch)[ \t:#]*\d+[ \t]*){1,3}"
    rf"(?::|=|is|-)[ \t]*(?P<number>{NUMBER})",
    re.IGNORECASE,
)
_LAST_WORDS = re.compile(r"[A-Za-z_][\w/]*(?: [A-Za-z_][\w/]*){0,3}$")
# `[100/200000] Train loss: 0.5`: a step, or a batch where an epoch is told.
_BRACKET = re.compile(r"(?<![\w.\]])\[[ \t]*(?P<done>\d+)[ \t]*/[ \t]*(?P<total>\d+)[^]\n]{0,20}\]")
_EPOCH_BEFORE = re.compile(r"(?:epochs?|ep)[ \t:#]*$", re.IGNORECASE)
# `loss: (7, 2.5)`: a step and its value, or two values.
_PAIRED = re.compile(rf"{_NAME}(?:{_STRONG})\([ \t]*(?P<first>\d[\d.]*),[ \t]*(?P<number>{NUMBER})[ \t]*\)")
_BAR = re.compile(r"\|[ \t]*(?P<done>\d+)/(?P<total>\d+) \[[\d?:]")
_VAL = re.compile(
    r"(?<![A-Za-z])(?:valid|vali|val|validation|validating|eval|evaluation|evaluating|dev|test|testing)(?![A-Za-z])"
    rf"|{foreign('validation', 'test')}",
    re.IGNORECASE,
)
_TRAIN = re.compile(rf"(?<![A-Za-z])(?:train|training)(?![A-Za-z])|{foreign('train')}", re.IGNORECASE)
# Names that a number may follow without a sign between them (`loss  6.92`); other words before numbers are prose.
_METRIC = re.compile(
    r"(?:loss|lr|norm|ppl|perplexity|nll|cost|acc|accuracy|error|rate|mse|wer|cer|scale|mb|batch)$", re.IGNORECASE
)
_PROSE = re.compile(
    r"^(?:info|warning|debug|error|root|pid|rank|line|file|at|on|version|port|device|seed)$", re.IGNORECASE
)
# What a line must hold to be worth a look: a number (cut out: a zero byte) behind a sign, a counter or a metric's name,
# two numbers in a row, or words that can be the header of a table.
HINT = re.compile(
    rb"(?:[:=>#]|\xef\xbc\x9a)[ \t'\"\[(]{0,3}(?:tensor\()?[-+.]?(?:\0|nan|inf)|\bis[ \t]+[-+]?\0"
    rb"|^[\s|,;*]*\0[ \t|,;]+[-+]?\0"
    rb"|(?:step|iter|iteration|update|batch|epoch|ep|at)s?\b['\")]?[ \t\[(]*\0|[\x80-\xff][ \t]*\0"
    rb"|(?:loss|lr|norm|ppl|perplexity|nll|cost|acc|accuracy|error|rate|mse|wer|cer|scale|mb)['\")\]]*[ \t]+[-+]?"
    rb"(?:\0|nan|inf)"
    rb"|^[ \t]*(?:\||\xe2\x94[\x82\x83]|\xe2\x95\x91)|^[\s|,;#]*(?:epoch|step|iter|ep)[a-z]*[\s|,;]"
    rb"|(?:epoche|epoca|schritt|passo)[ \t]*\0|^[^\0:=]*(?:loss|ppl)[^\0:=]*$|no log|\|[ \t]*\0/\0 \[",
    re.IGNORECASE,
)
# A line that only announces a step or an epoch is no longer than this, its time stamp included.
_SHORT = 72
# A step on a line without metrics (`saving checkpoint at step 100`) may come late: it counts where no other does.
ANNOUNCED = "@announced step"
# The first of two numbers in brackets; where a progress bar without metrics stood.
PAIRED, BAR, BAR_TOTAL = "@paired ", "@bar", "@bar total"
_EPOCHS = re.compile(_EPOCH_WORD, re.IGNORECASE)
# What counts within an epoch.
_INNER = re.compile(r"batch|_?(?:idx|index|id|no|num|in_epoch)$")


def meaning_of(line: str) -> Iterator[Meaning]:
    """The counters and metrics of one line."""
    short = _EPOCH_LOSS.match(line)
    if short:
        yield EPOCH, short.span("epoch")
        yield "loss", short.span("loss")
        return
    row = row_in(line)
    if row:
        yield from row
        return
    yield from ((header, 1.0) for header in header_in(line))
    metrics = list(_metrics(line))
    counters = list(_counts(line, bool(metrics)))
    taken = {span for _, span in counters}
    yield from counters
    yield from (metric for metric in metrics if metric[1] not in taken)


def _counts(line: str, with_metrics: bool) -> Iterator[Meaning]:
    """Step, epoch and batch; those of a progress bar only where it shows metrics, and training metrics."""
    fraction = _FRACTION.search(line)
    if fraction:
        yield EPOCH, fraction.span("number")
    bar = _BAR.search(line)
    ordinal = _ORDINAL.search(line, 0, len(line) if with_metrics else _SHORT)
    if ordinal:
        yield EPOCH if ordinal["epoch"] else STEP if with_metrics else ANNOUNCED, ordinal.span("number")
    if bar and _VAL.search(line, 0, bar.start()):
        return
    if bar and not with_metrics:
        yield BAR, bar.span("done")
        yield BAR_TOTAL, bar.span("total")
        return
    named = False
    # In prose (a generated sample, a config) a `step 2` counts nothing: alone it must begin a short line.
    for match in _COUNTER.finditer(line, 0, len(line) if with_metrics else _SHORT):
        counter = _counter_of(match["name"].casefold(), STEP if with_metrics else ANNOUNCED)
        named |= counter is not EPOCH
        yield counter, match.span("number")
        if counter is not EPOCH and match["total"]:
            yield PER_EPOCH, match.span("total")
        if counter is EPOCH and match["inner"]:
            named = True
            yield ITERATION, match.span("inner")
            yield PER_EPOCH, match.span("per")
    bracket = _BRACKET.search(line) if with_metrics and not bar else None
    if bracket and (_VAL.search(line, 0, bracket.start()) or _EPOCH_BEFORE.search(line, 0, bracket.start())):
        bracket = None
    place = bar or bracket
    if place and not named:
        yield ITERATION, place.span("done")
        yield PER_EPOCH, place.span("total")


def _counter_of(name: str, other: str) -> str:
    return EPOCH if _EPOCHS.fullmatch(name) else ITERATION if _INNER.search(name) and name != "num_updates" else other


def _metrics(line: str) -> Iterator[tuple[str, tuple[int, int]]]:
    at = _AT.search(line)
    words = _LAST_WORDS.search(line, 0, at.start()) if at else None
    if at and words:
        yield words[0], at.span("number")
        return
    splits = [*_VAL.finditer(line), *_TRAIN.finditer(line)]
    paired = {match.start(): match for match in _PAIRED.finditer(line)}
    for match in PAIR.finditer(line):
        name = match["name"]
        if not match["sep"].strip() and not _METRIC.search(name):
            continue
        if _PROSE.match(name) or _COUNTER.fullmatch(f"{name} 1"):
            continue
        split = _split_of(match, splits)
        two = paired.get(match.start())
        if two:
            yield PAIRED + split + name, two.span("first")
            yield split + name, two.span("number")
            continue
        # `Loss 2.27 (3.10)`: an evaluation is judged by its mean, a training step by its own value.
        yield split + name, match.span("mean" if split and match["mean"] else "number")


def _split_of(match: re.Match[str], splits: Sequence[re.Match[str]]) -> str:
    """`val/` or `test/` for a metric that does not name its split, where the line did before it."""
    if _VAL.search(match["name"]) or _TRAIN.search(match["name"]):
        return ""
    before = [split for split in splits if split.start() < match.start("name")]
    last = max(before, key=re.Match.start, default=None)
    if last is None or last.re is _TRAIN:
        return ""
    return "test/" if in_english(last[0]).strip().casefold().startswith("test") else "val/"
