"""What counts on a line of a log: steps, epochs, batches, and the place of a progress bar."""

from __future__ import annotations

import re
from collections.abc import Iterator

from diagnose.readers.columns import EPOCH, EPOCHS, ITERATION, PER_EPOCH, REDRAWN, STEP, STEPS
from diagnose.readers.text.kinds import Meaning
from diagnose.readers.text.patterns import COUNTS_ON, LOGGERS, ROUNDED, evaluated_in
from diagnose.regex import regex

COUNTER = regex(
    # `words/batch` counts nothing.
    r"(?<![A-Za-z0-9_.])(?<![^c]s/)(?<!sec/)(?P<name>global[_ ]?step|num_updates|results@"
    r"|(?:batch|iter(?:ation)?|step)_?(?:idx|index|id|no|num|in_epoch)|(?:mini_?)?batch"
    r"|steps?|iter(?:ation)?s?|it|updates?|episodes?|rounds?|epochs?|ep|pass"
    r"|epoche|[eé]poque|[eé]poca|epok|epoka|epocha|эпоха|епоха|エポック|에포크|에폭"
    r"|轮次?|第|步数?|迭代|ステップ|스텝|schritt|шаг|крок|paso|passo|ad\u0131m|krok)"
    r"(?:(?<=[^\x00-\x7f])|\b)(?:\(\w+\))?"
    r"(?P<sep>\.{0,3}(?:[ \t][nN](?:[or]\.?|um(?:ber)?\.?|°))?['\")]?"
    r"(?:-(?=\d)|[ \t]*(?:[:=#\uff1a][ \t]*)?(?:[\[(][ \t]*)?))"
    rf"(?P<number>{ROUNDED}|\d{{1,3}}(?:,\d{{3}})+(?!\d|,\d)|\d+)(?!\d|\.\d)(?:(?:st|nd|rd|th)\b|(?!\.*[A-Za-z%]))"
    r"(?:[ \t]*(?:/|of)[ \t]*(?P<total>\d+))?"
    # `[12800/60000 (21%)]`, `(989/1180)`, `, 50/1234;`, `: 1/25:`, `, 1/188 0.5%`, ` | 143/573 |`, `  10 / 82 loss`:
    # place in the epoch.
    r"(?:\]?(?:[ \t]*[\[(|]|[,:]|[ \t]+(?=\d+[ \t]*/[ \t]*\d+[ \t]))[ \t]*"
    r"(?P<inner>\d+)[ \t]*/[ \t]*(?P<per>\d+)(?:[^]\n]{0,20}\]|[);,:]| \||(?=\s)))?",
    re.IGNORECASE,
)
# `i=12/530`: the iteration of an epoch.
_LETTER_I = regex(r"(?<![\w.])i[ \t]*[:=][ \t]*(?P<inner>\d+)[ \t]*/[ \t]*(?P<per>\d+)")
# `E1/3 S10/200`, `e00 s0050`, `Ep3 B10/40`: epoch and step.
LETTERS = regex(
    r"[ \t]*(?<!\w)(?:Ep? ?|ep? ?(?=\d+[/ ]+[sib]\d+/)|e(?=\d+[ ,|:]+[sib]\d))(?P<epoch>\d+)(?:/\d+)?[ ,|:]+"
    r"[SIBsib] ?(?P<inner>\d+)(?:/(?P<per>\d+))?(?![\w.])"
)
# `after 100 batches`, `1m 4s (100 10%)`: what was done so far.
_DONE = regex(
    r"\((?P<share>\d+) \d{1,3}%\)"
    r"|\bafter[ \t]+(?P<number>\d+)[ \t]+(?P<name>batches|steps|iter(?:ation)?s|epochs|updates|samples|examples)\b",
    re.IGNORECASE,
)
# `[3/30][200/500]`, `[3, 2000]`, `Train: 3 [200/500]`: epoch and iteration in brackets, without their names.
_BRACKETS = regex(
    r"^(?!.{0,50}\]<std)(?:.*?\b(?:train(?:ing)?|epoch)[ \t]*:?)?[ \t]*"
    r"(?:\[[ \t]*(?P<epoch>\d+)(?:[ \t]*(?:/[ \t]*\d+[ \t]*)?\][ \t,:|-]{0,4}\[[ \t]*|,[ \t]*)"
    r"|(?P<bare>\d+)[ \t]*\[[ \t]*)"
    r"(?P<inner>\d+)(?:[ \t]*/[ \t]*(?P<per>\d+))?\b",
    re.IGNORECASE,
)
# `[50/5000] loss`, `[50] train-rmse`, `(50/5000) loss`, `#50 loss`, `E50 loss`, `TRAIN @ 50 |`,
# `logging_writer.py:48] [50] loss`, `50/5000 (epoch 0.2), train_loss`
_COUNTED_FIRST = regex(
    r"(?:.{0,99}\.py:\d+\])?[ \t]*(?:(?:#|[A-Za-z]* ?@ ?)(?P<hash>\d+)[ \t:|]|[eE](?P<epoch>\d+)[ \t:|,]"
    r"|\((?P<of>\d+)[ \t]*/[ \t]*\d+\)|(?P<place>\d+)/\d+ \(epoch "
    r"|\[[ \t]*(?P<step>\d+)(?:[ \t]*/[ \t]*(?P<total>\d+))?[ \t]*\](?!\[))"
)
# `[1/30] iter: 100/520`: the epoch, in brackets before what counts within it.
_EPOCH_FIRST = regex(
    r"[^\w[]*\[(?P<number>\d+)[ \t]*/[ \t]*(?P<total>\d+)\]"
    r"(?=[ \t,:|-]*(?:iter\w*|step|batch|it)\b[ \t:]*[\[(]?\d+[ \t]*/)",
    re.IGNORECASE,
)
# `[1500/50000] loss 0.3`: the step of all steps, in front.
_OF_A_WHOLE = regex(r"[ \t]*\[[ \t]*\d+[ \t]*/[ \t]*\d+[ \t]*\](?!\[)")
# `iteration:1 step:100/1687`: what counts the epochs, in front of what counts within them.
_OUTER = regex(r"\w+[ \t]*[:=]?[ \t]*\d+[ \t,;|]+(?:step|iter\w*)[ \t]*[:=]?[ \t]*\d+[ \t]*/[ \t]*\d", re.IGNORECASE)
_FRACTION = regex(r"(?<![\w.])['\"]?epoch['\"]?[ \t]*[:=][ \t]*['\"]?(?P<number>\d+\.\d+)", re.IGNORECASE)
_BAR = regex(r"\|[ \t]*(?P<done>\d+)/(?P<total>\d+|\?) \[[\d?:]")
# ` [=====>...]  Tot: 1s20ms | Loss: 2.3 | Acc: 30.0% (1500/5000) 40/391`: a bar whose count is last.
_BAR_OF_SIGNS = regex(r"[ \t]*\[=*>?\.*\].*[ \t](?P<done>\d+)/(?P<total>\d+)[ \t]*$")
# `steps:  38%|███▊      | 36/96 [`: a bar over the whole training.
_STEPS_BAR = regex(r"\bsteps?:[^|]*\|[^|]*$", re.IGNORECASE)
# `[fold_0] 001/200:  25%|█████ | 1/4 [`: the epoch, called by nothing, in front of the bar over its batches.
_EPOCH_OF_BAR = regex(r"(?<![\w./:])(?P<number>\d+)[ \t]*/[ \t]*(?P<total>\d+)[\])]?[ \t]*:?[ \t]*\d+%\|")
# A line that only announces a step or an epoch is no longer than this, its time stamp included.
_SHORT = 72
# A step on a line without metrics (`saving checkpoint at step 100`) may come late: it counts where no other does.
ANNOUNCED = "@announced step"
# A number that may count lines, and one that may count them within what is behind it.
PERHAPS, PERHAPS_INNER, PERHAPS_TOTAL = "@perhaps", "@perhaps inner", "@perhaps total"
# What is in front of a count that is set, or still to come: `accumulation steps 4`, `next evaluation at step 500`.
_AHEAD = re.compile(
    r"\b(?:(?:accum\w*|warm-?up|max|logging|decay)[ _-]|(?:next|until|till)\b[^,;|]{0,30})$", re.IGNORECASE
)
# What counts within an epoch.
_INNER = regex(r"batch|(?:idx|index|id|no|num|in_epoch)$")
_COUNTERS = dict.fromkeys(
    [
        *("epoch", "epochs", "ep", "epoche", "époque", "época", "epoque", "epoca", "epok", "epoka", "epocha"),
        *("round", "rounds", "pass"),
        *("эпоха", "епоха", "エポック", "에포크", "에폭", "轮", "轮次", "第"),
    ],
    EPOCH,
)
# Where a progress bar without metrics was.
BAR, BAR_TOTAL = "@bar", "@bar total"


def counts_in(line: str, with_metrics: bool, *, reports: bool) -> Iterator[Meaning]:
    """Step, epoch and batch; those of a progress bar only where it shows metrics, and training metrics."""
    fraction = _FRACTION.search(line)
    if fraction:
        yield EPOCH, fraction.span("number")
    bar = _BAR.search(line) or _BAR_OF_SIGNS.match(line)
    if bar and next(evaluated_in(line, bar.start()), None):
        return
    if bar and not with_metrics:
        named_before = [
            match for match in COUNTER.finditer(line, 0, bar.start()) if match["name"].casefold() in _COUNTERS
        ]
        yield from ((EPOCH, match.span("number")) for match in named_before)
        yield BAR, bar.span("done")
        yield from _total(bar, BAR_TOTAL)
        return
    if bar:
        yield REDRAWN, bar.span("done")
    named = False
    # In prose (a generated sample, a config) a `step 2` counts nothing: alone it must begin a short line.
    for match in COUNTER.finditer(line, 0, len(line) if with_metrics else _SHORT):
        if _AHEAD.search(line, 0, match.start()) or (named and not match["number"][-1].isdigit()):
            continue  # `(12/500) | Step: 102k`
        counter = counter_of(match["name"].casefold(), STEP if with_metrics else ANNOUNCED, reports=reports)
        if _is_size(line, match, counter):
            continue
        counter = EPOCH if counter is STEP and _OUTER.match(line, match.start()) else counter
        named |= counter is not EPOCH
        yield counter, match.span("number")
        if match["total"]:
            yield EPOCHS if counter is EPOCH else PER_EPOCH, match.span("total")
        if counter is EPOCH and match["inner"]:
            named = True
            yield ITERATION, match.span("inner")
            yield PER_EPOCH, match.span("per")
    yield from (
        _epoch_first(line, with_metrics=with_metrics) if named else _unnamed(line, bar, with_metrics=with_metrics)
    )


def _is_size(line: str, match: re.Match[str], counter: str) -> bool:
    """`[500/50000] loss 0.3 | batch 16`: behind a place in the whole, how many samples a batch has."""
    return counter is ITERATION and not match["total"] and _OF_A_WHOLE.match(line) is not None


def _epoch_first(line: str, *, with_metrics: bool) -> Iterator[Meaning]:
    """The epoch in brackets before what counts within it."""
    epoch = _EPOCH_FIRST.match(line) if with_metrics else None
    if epoch:
        yield EPOCH, epoch.span("number")
        yield EPOCHS, epoch.span("total")


def _total(bar: re.Match[str], name: str) -> Iterator[Meaning]:
    """The length of a bar, where it is known."""
    if bar["total"] != "?":
        yield name, bar.span("total")


def _unnamed(line: str, bar: re.Match[str] | None, *, with_metrics: bool) -> Iterator[Meaning]:
    """Counters that are in brackets, in a progress bar or before their names."""
    done = _DONE.search(line)
    if done:
        epochs = (done["name"] or "").casefold() == "epochs"
        yield EPOCH if epochs else STEP, done.span("share" if done["share"] else "number")
        return
    brackets = (_BRACKETS.match(line) or LETTERS.search(line) or _LETTER_I.search(line)) if with_metrics else None
    sure = (LOGGERS[0], LOGGERS[-1])  # others may take `Epoch: ` for a part of their own
    starts = [0, *(logger.end() for one in sure if (logger := one.match(line)))] if with_metrics else []
    first = next(filter(None, (_COUNTED_FIRST.match(line, start) for start in starts)), None)
    if brackets:
        yield from ((EPOCH, brackets.span(name)) for name in ("epoch", "bare") if brackets.groupdict().get(name))
        yield ITERATION, brackets.span("inner")
        if brackets["per"]:
            yield PER_EPOCH, brackets.span("per")
    elif first:
        counted = next(name for name in ("step", "of", "place", "hash", "epoch") if first[name])
        yield EPOCH if counted == "epoch" else STEP, first.span(counted)
        if first["total"]:
            yield PER_EPOCH, first.span("total")
    elif bar:
        whole, epoch = _STEPS_BAR.search(line, 0, bar.start()), _EPOCH_OF_BAR.search(line, 0, bar.start() + 1)
        if epoch:
            yield EPOCH, epoch.span("number")
            yield EPOCHS, epoch.span("total")
        yield STEP if whole else ITERATION, bar.span("done")
        yield from _total(bar, STEPS if whole else PER_EPOCH)
    elif with_metrics and (perhaps := COUNTS_ON.search(line)):
        if any(match.start() < perhaps.end() and perhaps.start() < match.end() for match in COUNTER.finditer(line)):
            return  # `Epoch [3/300]`
        names = {"first": PERHAPS, "of": PERHAPS_INNER, "total": PERHAPS_TOTAL}
        yield from ((names[group], perhaps.span(group)) for group, text in perhaps.groupdict().items() if text)


def counter_of(name: str, other: str, *, reports: bool = True) -> str:
    """The counter of that name; `other` where it is none of epochs or batches."""
    if name == "epochs" and not reports:  # `epochs: 200`: a setting
        return EPOCHS
    return _COUNTERS.get(name, ITERATION if _INNER.search(name) and name != "num_updates" else other)
