"""What the numbers of a line mean where the format of the log is not known: `name separator number`, read with care."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from diagnose.readers.columns import EPOCH, EPOCHS, ITERATION, LAUNCH, PER_EPOCH, RANK, REDRAWN, STEP, STEPS
from diagnose.readers.roles import read_tag
from diagnose.readers.text.kinds import Meaning
from diagnose.readers.text.patterns import (
    BOTH,
    COUNTS_ON,
    FOLD,
    HEADINGS,
    LOGGERS,
    LONGEST_HEADING,
    METRIC,
    NUMBER,
    PARTS,
    PROCESS,
    PROSE,
    ROUNDED,
    SET,
    metric_name,
    times_in,
)
from diagnose.readers.text.table_rows import header_in, row_in

# A number may be quoted, in brackets, or printed as a tensor.
_OPEN = r"['\"\[(]{0,2}(?:tensor\(\[?)?"
# Up to four words; the French elide before a vowel: `perte d'apprentissage`.
_NAME = (
    r"(?<![\w@./-])(?P<name>(?!(?:[nN]a[nN]|[iI]nf) )(?:\dD )?[^\W\d][\w./@%-]{0,60}(?:'s|\(\))?"
    r"(?: (?:d['\u2019])?[^\W\d(][\w./()-]{0,40}| \([\w./()-]{0,40}){0,3}?)['\")\]]{0,2}"
)
_STRONG = r"[ \t]*(?:::?|=|->|:=|\u2192|\uff1a|\uff1d)[ \t]*|[ \t]+(?:is|was|of)[ \t]+|(?<=loss),[ \t]*(?=-?\d+\.\d)"
# `loss: 44.4110Batch 3`: what follows without a blank begins another message.
_GLUED = "(?!Batch|Epoch|Train|Val|Step)"
PAIR = re.compile(
    rf"{_NAME}(?P<sep>{_STRONG}|[ \t]+){_OPEN}(?P<number>{NUMBER})(?!{_GLUED}[\w.]*[A-Za-z_])(?!\d*:\d)(?![\d.]*%\|)"
    rf"(?: +\((?P<mean>{NUMBER})\))?"
)
_COUNTER = re.compile(
    r"(?<![A-Za-z0-9_.])(?P<name>global[_ ]?step|num_updates|results@"
    r"|(?:batch|iter(?:ation)?|step)_?(?:idx|index|id|no|num|in_epoch)|(?:mini_?)?batch"
    r"|steps?|iter(?:ation)?s?|it|updates?|epochs?|ep"
    r"|epoche|[eé]poque|[eé]poca|epok|epoka|epocha|эпоха|епоха|エポック|에포크|에폭"
    r"|轮次?|第|步数?|迭代|ステップ|스텝|schritt|шаг|крок|paso|passo|ad\u0131m|krok)"
    r"(?:(?<=[^\x00-\x7f])|\b)(?:\(\w+\))?"
    r"(?P<sep>(?:\.{3})?['\")]?(?:-(?=\d)|[ \t]*(?:[:=#\uff1a][ \t]*)?(?:[\[(][ \t]*)?))"
    rf"(?P<number>{ROUNDED}|\d{{1,3}}(?:,\d{{3}})+(?!\d|,\d)|\d+)(?!\d|\.\d)(?:(?:st|nd|rd|th)\b|(?!\.*[A-Za-z%]))"
    r"(?:[ \t]*(?:/|of)[ \t]*(?P<total>\d+))?"
    # `[12800/60000 (21%)]`, `(989/1180)`, `, 50/1234;`, `: 1/25:`, `, 1/188 0.5%`, ` | 143/573 |`, `  10 / 82 loss`:
    # place in the epoch.
    r"(?:\]?(?:[ \t]*[\[(|]|[,:]|[ \t]+(?=\d+[ \t]*/[ \t]*\d+[ \t]))[ \t]*"
    r"(?P<inner>\d+)[ \t]*/[ \t]*(?P<per>\d+)(?:[^]\n]{0,20}\]|[);,:]| \||(?=\s)))?",
    re.IGNORECASE,
)
# `i=12/530`: the iteration of an epoch.
_LETTER_I = re.compile(r"(?<![\w.])i[ \t]*[:=][ \t]*(?P<inner>\d+)[ \t]*/[ \t]*(?P<per>\d+)")
# `[3/30][200/500]`, `[3, 2000]`, `Train: 3 [200/500]`: epoch and iteration in brackets, without their names.
_BRACKETS = re.compile(
    r"^(?!.{0,50}\]<std)(?:.*?\b(?:train(?:ing)?|epoch)[ \t]*:?)?[ \t]*"
    r"(?:\[[ \t]*(?P<epoch>\d+)(?:[ \t]*(?:/[ \t]*\d+[ \t]*)?\][ \t]*\[[ \t]*|,[ \t]*)|(?P<bare>\d+)[ \t]*\[[ \t]*)"
    r"(?P<inner>\d+)(?:[ \t]*/[ \t]*(?P<per>\d+))?\b",
    re.IGNORECASE,
)
# `[50/5000] loss`, `[50] train-rmse`, `(50/5000) loss`, `#50 loss`, `TRAIN @ 50 |`, `logging_writer.py:48] [50] loss`
_COUNTED_FIRST = re.compile(
    r"^(?:.{0,99}\.py:\d+\])?[ \t]*(?:(?:#|[A-Za-z]* ?@ ?)(?P<hash>\d+)[ \t:|]|\((?P<of>\d+)[ \t]*/[ \t]*\d+\)"
    r"|\[[ \t]*(?P<step>\d+)(?:[ \t]*/[ \t]*(?P<total>\d+))?[ \t]*\](?!\[))"
)
_FRACTION = re.compile(r"(?<![\w.])['\"]?epoch['\"]?[ \t]*[:=][ \t]*['\"]?(?P<number>\d+\.\d+)", re.IGNORECASE)
# Lines of which nothing is left: `Epoch 3: 0.5`, `epoch3\t0.5`, `78540:\t-4.0655` (WaveGlow, Flowtron),
# `print(loss.item())` and `print(loss)`.
_WHOLE_LINES = (
    re.compile(
        rf"^[^\w\n]*epoch[ \t:#]*(?P<epoch>\d+)(?:[ \t]*/[ \t]*\d+)?(?:[ \t]*[:|=,-]+[ \t]*|\t)(?P<loss>{NUMBER})"
        r"(?=[ \t]|$)(?![ \t]*[%/|])",
        re.IGNORECASE,
    ),
    re.compile(r"^[ \t]*(?P<step>\d+)[:_][ \t]*(?P<loss>-?\d+\.\d{4,}|nan|inf)[ \t]*$"),
    re.compile(rf"^[ \t]*(?P<bare>(?=-?\d+\.\d|\d[eE]-|nan|inf)(?:{NUMBER}))[ \t]*,?[ \t]*$"),
    re.compile(rf"^[ \t]*tensor\([ \t]*(?P<loss>{NUMBER})[ \t]*[,)]"),
)
# `val loss at step 100: 2.3`, `loss at the end of training: 2.1`, `Loss at epoch 0 and iteration 500 is 0.25`
_AT = re.compile(
    r"[ \t](?:at|after|for|in|of)[ \t]+(?:the end of [a-z]+[ \t]*"
    r"|(?:(?:and|,)?[ \t]*(?:step|epoch|iteration|iter|batch)[ \t:#]*\d+[ \t]*){1,3})"
    rf"(?:is[ \t]*:?|:|=|-)[ \t]*(?P<number>{NUMBER})",
    re.IGNORECASE,
)
_LAST_WORDS = re.compile(r"[A-Za-z_][\w/]*(?: [A-Za-z_][\w/]*){0,3}$")
# `loss: (7, 2.5)`: a step and its value, or two values.
_PAIRED = re.compile(rf"{_NAME}(?:{_STRONG})\([ \t]*(?P<first>\d[\d.]*),[ \t]*(?P<number>{NUMBER})[ \t]*\)")
_BAR = re.compile(r"\|[ \t]*(?P<done>\d+)/(?P<total>\d+|\?) \[[\d?:]")
# `steps:  38%|███▊      | 36/96 [`: a bar over the whole training.
_STEPS_BAR = re.compile(r"\bsteps?:[^|]*\|[^|]*$", re.IGNORECASE)
_VAL = re.compile(
    r"(?<![A-Za-z])(?:val(?:i|id(?:ation|ating)?)?|vld|eval(?:uation(?! metric\b)|uating)?|dev|test(?:ing)?"
    r"|saving dict)(?![a-z])",
    re.IGNORECASE,
)
_TRAIN = re.compile(r"(?<![A-Za-z])(?:train|training|trn)(?![A-Za-z])", re.IGNORECASE)
_VALUED = re.compile(rf"[ \t]*[:=][ \t]*(?:{NUMBER})")
# `train 3.44 val 3.43`, `loss 2.4 val 2.9`: the name of the split is all that the loss is called.
_BARE_SPLIT = re.compile(r"train|trn|val|vld|valid|validation|dev|eval", re.IGNORECASE)
# A line that looks back: what it counts and measures was reported before. It begins so, before its own counters.
_RECAP = re.compile(
    r"\b(?:best|better|melhor|mejor|meilleur\w*|beste[rsn]?|лучш\w+|restor\w+|restaur\w+"
    r"|re-?load\w*|load(?:ed|ing)|early[ -]?stop\w*|resum\w+|roll\w* back)\b"
    r"|最[佳好优]|ベスト|최고"
    r"|\btest\w*\b.{0,20}\b(?:checkpoint|best)\b|\b(?P<was>(?:epoch|step) \d+ (?:was|is)) (?:the )?best\b",
    re.IGNORECASE,
)
RECAP = "best/"
"""What the tags of a line that looks back get in front: they are kept, and judged by nobody."""
_HEADING = re.compile(HEADINGS, re.IGNORECASE)
# `***** Eval results *****`: the next line with numbers holds them.
_RESULTS = re.compile(r"[ \t]*(?:results?|metrics)\b", re.IGNORECASE)
HEADING = "@heading "
# `|    loss   | 0.53   |`: one name and its number in a box.
_BOXED = re.compile(
    rf"^[ \t]*[|│┃][ \t]*(?P<name>[^\W\d][\w/ .-]*?)[ \t]*[|│┃][ \t]*(?P<number>{NUMBER})[ \t]*[|│┃][ \t]*$"
)
# `Step, 5, Loss, 0.114, PSNR, 9.4`: names and numbers in turn.
_IN_TURN = re.compile(rf"[ \t]*(?:[A-Za-z]\w*[ \t]*,[ \t]*(?:{NUMBER})[ \t]*(?:,[ \t]*|$)){{2,}}")
_TURN = re.compile(rf"(?P<name>[A-Za-z]\w*)[ \t]*,[ \t]*(?P<number>{NUMBER})")
# A line that only announces a step or an epoch is no longer than this, its time stamp included.
_SHORT = 72
# A step on a line without metrics (`saving checkpoint at step 100`) may come late: it counts where no other does.
ANNOUNCED = "@announced step"
# The first of two numbers in brackets; where a progress bar without metrics was.
PAIRED, BAR, BAR_TOTAL = "@paired ", "@bar", "@bar total"
# A number that may count lines, and one that may count them within what is behind it.
PERHAPS, PERHAPS_INNER, PERHAPS_TOTAL = "@perhaps", "@perhaps inner", "@perhaps total"
# A number on a line of its own.
BARE = "@bare"
_GROUPS = {"epoch": EPOCH, "step": STEP, "loss": "loss", "bare": BARE}
# What counts within an epoch.
_INNER = re.compile(r"batch|(?:idx|index|id|no|num|in_epoch)$")
_COUNTERS = dict.fromkeys(
    [
        *("epoch", "epochs", "ep", "epoche", "époque", "época", "epoque", "epoca", "epok", "epoka", "epocha"),
        *("эпоха", "епоха", "エポック", "에포크", "에폭", "轮", "轮次", "第"),
    ],
    EPOCH,
)


def meaning_of(line: str) -> Iterator[Meaning]:
    """The counters and metrics of one line."""
    if FOLD.match(line):
        yield LAUNCH, 1.0
    rank = PROCESS.match(line)
    if rank:
        yield RANK, rank.span(str(rank.lastgroup))
    whole = next(filter(None, (pattern.match(line) for pattern in _WHOLE_LINES)), None)
    if whole:
        yield from ((_GROUPS[group], whole.span(group)) for group in whole.groupdict())
        return
    if _IN_TURN.fullmatch(line):
        yield from ((_plain_name(turn["name"]), turn.span("number")) for turn in _TURN.finditer(line))
        return
    starts = dict.fromkeys([0, *(logger.end() for one in LOGGERS if (logger := one.match(line)))])
    for start in starts:
        row = row_in(line[start:])
        if row:
            yield from ((name, (span[0] + start, span[1] + start)) for name, span in row)
            return
    headers = next(filter(None, ([*header_in(line[start:])] for start in starts)), [])
    yield from ((header, 1.0) for header in headers)
    boxed = _BOXED.match(line)
    if boxed:
        yield _plain_name(boxed["name"]), boxed.span("number")
        return
    metrics = list(_metrics(line))
    if not metrics:
        yield from _heading(line)
    reports = any(read_tag(name).lossy for name, _ in metrics)
    counters = list(_counts(line, bool(metrics), reports=reports))
    if _looks_back(line, metrics, counters):
        yield from ((RECAP + name, span) for name, span in metrics)
        return
    taken = {span for name, span in counters if not name.startswith(PERHAPS)}
    yield from counters
    yield from (metric for metric in metrics if metric[1] not in taken)


def _plain_name(name: str) -> str:
    return _counter_of(name.casefold(), STEP) if _COUNTER.fullmatch(f"{name} 1") else name


def _heading(line: str) -> Iterator[Meaning]:
    found = _HEADING.search(line)
    if line.rstrip().endswith(":") and _RECAP.search(line):
        yield f"{HEADING}best", 1.0
    elif found and len(line) - found.start() <= LONGEST_HEADING:
        yield f"{HEADING}{found.lastgroup}", 1.0
        if found.lastgroup != "train" and _RESULTS.match(line, found.end()):
            yield f"{HEADING}results", 1.0


def _looks_back(line: str, metrics: Sequence[Meaning], counters: Sequence[Meaning]) -> bool:
    """Whether the line repeats what was reported before: `Best epoch: 12`, `Restored epoch 1 (val_loss=1.3)`."""
    if line.startswith("wandb:"):  # its summary
        return True
    recap = _RECAP.search(line)
    if recap is None:
        return False
    begins = [span[0] for _, span in (*metrics, *counters) if isinstance(span, tuple)]
    return all(recap.start() < begin for begin in begins) or recap["was"] is not None


def _counts(line: str, with_metrics: bool, *, reports: bool) -> Iterator[Meaning]:
    """Step, epoch and batch; those of a progress bar only where it shows metrics, and training metrics."""
    fraction = _FRACTION.search(line)
    if fraction:
        yield EPOCH, fraction.span("number")
    bar = _BAR.search(line)
    if bar and _VAL.search(line, 0, bar.start()):
        return
    if bar and not with_metrics:
        named_before = [
            match for match in _COUNTER.finditer(line, 0, bar.start()) if match["name"].casefold() in _COUNTERS
        ]
        yield from ((EPOCH, match.span("number")) for match in named_before)
        yield BAR, bar.span("done")
        yield from _total(bar, BAR_TOTAL)
        return
    if bar:
        yield REDRAWN, bar.span("done")
    named = False
    # In prose (a generated sample, a config) a `step 2` counts nothing: alone it must begin a short line.
    for match in _COUNTER.finditer(line, 0, len(line) if with_metrics else _SHORT):
        if named and not match["number"][-1].isdigit():  # `(12/500) | Step: 102k`
            continue
        counter = _counter_of(match["name"].casefold(), STEP if with_metrics else ANNOUNCED, reports=reports)
        named |= counter is not EPOCH
        yield counter, match.span("number")
        if match["total"]:
            yield EPOCHS if counter is EPOCH else PER_EPOCH, match.span("total")
        if counter is EPOCH and match["inner"]:
            named = True
            yield ITERATION, match.span("inner")
            yield PER_EPOCH, match.span("per")
    if not named:
        yield from _unnamed(line, bar, with_metrics=with_metrics)


def _total(bar: re.Match[str], name: str) -> Iterator[Meaning]:
    """The length of a bar, where it is known."""
    if bar["total"] != "?":
        yield name, bar.span("total")


def _unnamed(line: str, bar: re.Match[str] | None, *, with_metrics: bool) -> Iterator[Meaning]:
    """Counters that are in brackets or in a progress bar, without their names."""
    brackets = (_BRACKETS.match(line) or _LETTER_I.search(line)) if with_metrics else None
    first = _COUNTED_FIRST.match(line) if with_metrics else None
    if brackets:
        yield from ((EPOCH, brackets.span(name)) for name in ("epoch", "bare") if brackets.groupdict().get(name))
        yield ITERATION, brackets.span("inner")
        if brackets["per"]:
            yield PER_EPOCH, brackets.span("per")
    elif first:
        yield STEP, first.span("step" if first["step"] else "of" if first["of"] else "hash")
        if first["total"]:
            yield PER_EPOCH, first.span("total")
    elif bar:
        whole = _STEPS_BAR.search(line, 0, bar.start())
        yield STEP if whole else ITERATION, bar.span("done")
        yield from _total(bar, STEPS if whole else PER_EPOCH)
    elif with_metrics and (perhaps := COUNTS_ON.search(line)) and not _COUNTER.match(perhaps[0]):
        names = {"first": PERHAPS, "of": PERHAPS_INNER, "total": PERHAPS_TOTAL}
        yield from ((names[group], perhaps.span(group)) for group, text in perhaps.groupdict().items() if text)


def _counter_of(name: str, other: str, *, reports: bool = True) -> str:
    if name == "epochs" and not reports:  # `epochs: 200`: a setting
        return EPOCHS
    return _COUNTERS.get(name, ITERATION if _INNER.search(name) and name != "num_updates" else other)


def _metrics(line: str) -> Iterator[tuple[str, tuple[int, int]]]:
    at = _AT.search(line)
    words = _LAST_WORDS.search(line, 0, at.start()) if at else None
    if at and words:
        yield words[0], at.span("number")
        return
    yield from times_in(line)
    both = list(BOTH.finditer(line))
    for match in both:
        what = (match["behind"] or match["before"] or " loss").strip(" _")
        yield f"{match['one']} {what}", match.span("first")
        yield f"{match['two']} {what}", match.span("second")
    splits = [*_VAL.finditer(line), *_TRAIN.finditer(line)]
    paired = {match.start(): match for match in _PAIRED.finditer(line)} if "(" in line else {}
    listed, bare = PARTS.search(line) is not None, bool(splits) and _has_bare_splits(line)
    for match in PAIR.finditer(line):
        name = metric_name(line, match)
        unsigned = not match["sep"].strip() and not METRIC.search(name)
        if unsigned and not listed and not (bare and _BARE_SPLIT.fullmatch(match["name"])):
            continue
        if any(other.start() < match.end() and match.start() < other.end() for other in both):
            continue
        if PROSE.search(name) or _COUNTER.fullmatch(f"{name} 1") or _is_function(line, match):
            continue
        measured = SET.search(line, 0, match.start()) if name.casefold().startswith("eval") else None
        if measured:
            name = f"train {name[4:].strip('_/ ')}" if _TRAIN.fullmatch(measured[1]) else f"{measured[1]} {name}"
        split = _split_of(line, match, splits)
        two = paired.get(match.start())
        if two:
            yield PAIRED + split + name, two.span("first")
            yield split + name, two.span("number")
            continue
        # `Loss 2.27 (3.10)`: an evaluation is judged by its mean, a training step by its own value.
        yield split + name, match.span("mean" if split and match["mean"] else "number")


def _is_function(line: str, match: re.Match[str]) -> bool:
    """`__main__:train:58 -`: the function and the line from which a logger was called."""
    named = _BARE_SPLIT.fullmatch(match["name"]) is not None and line[: match.start()].endswith(":")
    return named and line[match.end() :].lstrip().startswith("-")


def _has_bare_splits(line: str) -> bool:
    """Whether a bare `val` before a number is its loss: another split, or a loss, is on the same line so."""
    names = rf"\b([A-Za-z_]*loss|{_BARE_SPLIT.pattern})\b[ \t]*(?:[:=][ \t]*)?(?:{NUMBER})"
    return len(re.findall(names, line, re.IGNORECASE)) > 1


def _split_of(line: str, match: re.Match[str], splits: Sequence[re.Match[str]]) -> str:
    """`val/` or `test/` for a metric that does not name its split, where the line did before it."""
    if _VAL.search(match["name"]) or _TRAIN.search(match["name"]):
        return ""
    # `val=0.7 loss=2.1`: what has a number of its own says nothing of the next.
    before = [split for split in splits if split.start() < match.start("name") and not _VALUED.match(line, split.end())]
    last = max(before, key=re.Match.start, default=None)
    if last is None or last.re is _TRAIN:
        return ""
    twin = rf"(?<![A-Za-z])(?:val|valid|validation|eval|dev|test)[_/]{re.escape(match['name'])}(?![\w/])"
    if last[0] != "Saving dict" and re.search(twin, line):  # `{'val_acc': 0.5, 'loss': 2.4, 'val_loss': 2.6}`
        return ""
    return "test/" if last[0].casefold().startswith("test") else "val/"
