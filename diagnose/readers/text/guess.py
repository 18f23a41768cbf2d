"""What the numbers of a line mean where the format of the log is not known: `name separator number`, read with care."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from diagnose.readers.columns import EPOCH, FOLD, ITERATION, LAUNCH, RANK, REDRAWN, STEP
from diagnose.readers.roles import in_english, read_tag
from diagnose.readers.text.counts import COUNTER, LETTERS, PERHAPS, counter_of, counts_in
from diagnose.readers.text.kinds import Meaning
from diagnose.readers.text.patterns import (
    BARE_SPLIT,
    BOTH,
    DECIMAL,
    EVALUATED,
    FOLDS,
    HEADINGS,
    LOGGERS,
    LONGEST_HEADING,
    METRIC,
    NUMBER,
    ON_SET,
    PARTS,
    PROCESS,
    PROSE,
    SET,
    TWO_METRICS,
    changes_in,
    evaluated_in,
    metric_name,
    times_in,
    without_verb,
)
from diagnose.readers.text.table_rows import BEHIND, header_in, row_in
from diagnose.regex import regex

# A number may be quoted, in brackets, or printed as a tensor of PyTorch, TensorFlow or JAX.
_TENSOR = r"(?:(?:tf\.)?[tT]ensor|Array)\("
_OPEN = rf"['\"\[(]{{0,3}}(?:{_TENSOR}\[?)?"
# A letter beyond ASCII, as of languages that are written without blanks: `第3轮损失0.53`.
_BEYOND_ASCII = r"[^\W\d_A-Za-z]"
# Up to four words of one sentence (`val. loss` is one); the French elide before a vowel: `perte d'apprentissage`.
_ENDS = rf"(?!(?<={_BEYOND_ASCII})\d+(?:\.\d|{_BEYOND_ASCII}))"
_NAME = (
    rf"(?:(?<![\w@./])(?<![\w@./-]-)|(?<=\d)(?={_BEYOND_ASCII}))"
    rf"(?P<name>(?!(?:[nN]a[nN]|[iI]nf) )(?:\dD )?[^\W\d](?:{_ENDS}[\w./@%-]){{0,60}}(?:'s|\(\))?"
    rf"(?:(?<![a-z]{{6}}\.) (?:d['\u2019])?[^\W\d(](?:{_ENDS}[\w./()-]){{0,40}}| \([\w./()-]{{0,40}}){{0,3}}?)"
    r"['\")\]]{0,2}"
)
# `number of nan iterations: 0` is a name.
_STRONG = (
    r"[ \t]*(?:::?|=|->|:=|\u2248|\u2192|\uff1a|\uff1d)[ \t]*|[ \t]+(?:is|was|(?<!umber )of)[ \t]+"
    r"|(?<=loss),[ \t]*(?=-?\d+\.\d)|(?:(?<=[lL]oss)|(?<=[sS]core)) - (?=\d)"
)
# `loss: 44.4110Batch 3`: what follows without a blank begins another message.
_GLUED = "(?!Batch|Epoch|Train|Val|Step)"
PAIR = regex(
    rf"{_NAME}(?P<sep>{_STRONG}|[ \t]+|(?<={_BEYOND_ASCII})(?=-?\d+\.)){_OPEN}"
    rf"(?P<number>{NUMBER})(?!{_GLUED}[\w.]*[A-Za-z_])(?!\d*:\d)(?![\d.]*%\|)"
    r"(?!\d* ?/ ?\d+\])"  # `EVAL: [0/30]`
    rf"(?: +\((?P<mean>{NUMBER})\))?"
)
# What is counted in front of what was measured: `mean loss over 100 batches = 3.4`.
_UNITS = r"batch(?:es)?|(?:step|iter(?:ation)?|epoch|update|sample|example|file|clip|utterance|token|image)s?"
# Lines of which nothing is left: `Epoch 3: 0.5`, `epoch3\t0.5`, `78540:\t-4.0655` (WaveGlow, Flowtron),
# `print(loss.item())` and `print(loss)`.
_WHOLE_LINES = (
    regex(
        rf"^[^\w\n]*epoch[ \t:#]*(?P<epoch>\d+)(?:[ \t]*/[ \t]*\d+)?(?:[ \t]*[:|=,-]+[ \t]*|\t)(?P<loss>{NUMBER})"
        r"(?=[ \t]|$)(?![ \t]*(?:[%/|]|[A-Za-z]+[ \t]*\|))(?!.*loss\w*[ \t:=]+-?\d)",
        re.IGNORECASE,
    ),
    regex(r"^[ \t]*(?P<step>\d+)(?:[ \t]*[:_][ \t]*|-)(?P<loss>-?\d+\.\d{4,}|nan|inf)[ \t]*$"),
    regex(
        r"^[^\w\n]*(?:iter(?:ation)?|step|it|batch|update)[ \t:#]*\[?(?P<step>\d+)(?:[ \t]*/[ \t]*\d+)?\]?"
        rf"(?:[ \t]*[:|=,>-]+[ \t]*|\t|(?<=\])[ \t]+)(?P<loss>{DECIMAL})[ \t]*$",
        re.IGNORECASE,
    ),
    regex(rf"^[ \t]*\[[ \t]*(?P<epoch>\d+),[ \t]*(?P<iteration>\d+)\][ \t]*:?[ \t]*(?P<loss>{DECIMAL})[ \t]*$"),
    regex(rf"^[ \t]*\[[ \t]*(?P<step>\d+)[ \t]*/[ \t]*\d+\][ \t]*:?[ \t]*(?P<loss>{DECIMAL})[ \t]*$"),
    regex(rf"^[ \t]*(?P<bare>(?=-?\d+\.\d|\d[eE]-|nan|inf)(?:{NUMBER}))[ \t]*,?[ \t]*$"),
    regex(
        rf"^[ \t]*(?:(?:epoch[ \t:=]+(?P<epoch>\d+)|(?:(?:step|iter\w*|batch)[ \t:=]+)?(?P<step>\d+))[ \t:,]+)?"
        rf"\[?{_TENSOR}[ \t]*(?P<loss>{NUMBER})[ \t]*[,)]"
    ),
)
# `val loss at step 100: 2.3`, `Val loss 100: 2.3`, `loss at the end of training: 2.1`,
# `Loss at epoch 0 and iteration 500 is 0.25`
_AT = regex(
    r"[ \t](?:at|after|for|in|of|on|over)[ \t]+(?:the end of [a-z]+[ \t]*"
    r"|(?:(?:and|,)?[ \t]*(?:step|epoch|iteration|iter|batch)[ \t:#]*\d+[ \t]*){1,3}"
    rf"|\d+[ \t]+(?:{_UNITS})[ \t]*)"
    rf"(?:is[ \t]*:?|:|=|-)[ \t]*(?P<number>{NUMBER})"
    rf"|(?<=loss)[ \t]+\d+:[ \t]+(?P<behind>{NUMBER})",
    re.IGNORECASE,
)
_LAST_WORDS = regex(r"[A-Za-z_][\w/]*(?: [A-Za-z_][\w/]*){0,3}$")
# `loss: (7, 2.5)`: a step and its value, or two values.
_PAIRED = regex(rf"{_NAME}(?:{_STRONG})\([ \t]*(?P<first>\d[\d.]*),[ \t]*(?P<number>{NUMBER})[ \t]*\)")
_TRAIN = regex(r"(?<![A-Za-z])(?:train|training|trn)(?![A-Za-z])", re.IGNORECASE)
# `[TRAIN] 3/24`, `Val   50/143 (0:12) | Loss: 2.7`: where it is in that set.
_PLACE = regex(r"\]?[ \t]*:?[ \t]*\d+[ \t]*/[ \t]*\d+(?![.\d])")
_VALUED = regex(rf"[ \t]*[:=][ \t]*(?:{NUMBER})(?![\d.]*[ \t]*%)")  # `Validation: 100%|██` is a bar
# A line that looks back: what it counts and measures was reported before. It begins so, before its own counters.
_RECAP = regex(
    r"\b(?:best|better|melhor|mejor|meilleur\w*|beste[rsn]?|лучш\w+|restor\w+|restaur\w+"
    r"|re-?load\w*|load(?:ed|ing)|early[ -]?stop\w*|resum\w+|roll\w* back|scores? for fold)\b"
    r"|最[佳好优]|ベスト|최고"
    r"|\btest\w*\b.{0,20}\b(?:checkpoint|best)\b|\b(?P<was>(?:epoch|step) \d+ (?:was|is)) (?:the )?best\b",
    re.IGNORECASE,
)
RECAP = "best/"
"""What the tags of a line that looks back get in front: they are kept, and judged by nobody."""
_HEADING = regex(HEADINGS, re.IGNORECASE)
# `***** Eval results *****`: the next line with numbers holds them.
_RESULTS = regex(r"[ \t]*(?:results?|metrics)\b", re.IGNORECASE)
HEADING = "@heading "
# `|    loss   | 0.53   |`: one name and its number in a box.
_BOXED = regex(rf"^[ \t]*[|│┃][ \t]*(?P<name>[^\W\d][\w/ .-]*?)[ \t]*[|│┃][ \t]*(?P<number>{NUMBER})[ \t]*[|│┃][ \t]*$")
_NUMBERED = regex(rf"(?<![\w.])(?P<name>[A-Za-z]\w*)[ \t]+(?P<number>{DECIMAL})(?![\w.%:/])")
# `Step, 5, Loss, 0.114, PSNR, 9.4`: names and numbers in turn.
_IN_TURN = regex(rf"[ \t]*(?:[A-Za-z]\w*[ \t]*,[ \t]*(?:{NUMBER})[ \t]*(?:,[ \t]*|$)){{2,}}")
_TURN = regex(rf"(?P<name>[A-Za-z]\w*)[ \t]*,[ \t]*(?P<number>{NUMBER})")
# The first of two numbers in brackets.
PAIRED = "@paired "
_Spanned = tuple[str, tuple[int, int]]
_EACH = (("one", "first"), ("two", "second"))
# A number on a line of its own.
BARE = "@bare"
_GROUPS = {"epoch": EPOCH, "step": STEP, "iteration": ITERATION, "loss": "loss", "bare": BARE}


def meaning_of(line: str) -> Iterator[Meaning]:
    """The counters and metrics of one line."""
    fold = FOLDS.match(line)
    if fold:
        yield (FOLD, fold.span("fold")) if fold["fold"] else (LAUNCH, 1.0)
    rank = PROCESS.match(line)
    if rank:
        yield RANK, rank.span(str(rank.lastgroup))
    whole = next(filter(None, (pattern.match(line) for pattern in _WHOLE_LINES)), None)
    if whole:
        yield from ((_GROUPS[group], whole.span(group)) for group, text in whole.groupdict().items() if text)
        return
    if _IN_TURN.fullmatch(line):
        yield from ((_plain_name(turn["name"]), turn.span("number")) for turn in _TURN.finditer(line))
        return
    starts = dict.fromkeys([0, *(logger.end() for one in LOGGERS if (logger := one.match(line)))])
    for start in starts:
        row = row_in(line[start:])
        if row:
            yield from ((name, (span[0] + start, span[1] + start)) for name, span in row)
            yield from ([(REDRAWN, 1.0)] if BEHIND.search(line) else ())
            return
    headers = next(filter(None, ([*header_in(line[start:])] for start in starts)), [])
    yield from ((header, 1.0) for header in headers)
    boxed = _BOXED.match(line)
    if boxed:
        yield _plain_name(boxed["name"]), boxed.span("number")
        return
    metrics = list(_metrics(line))
    reports = any(read_tag(name).lossy for name, _ in metrics)
    counters = list(counts_in(line, bool(metrics), reports=reports))
    if {span for _, span in metrics} <= {span for _, span in counters}:
        yield from _heading(line)
    if _looks_back(line, metrics, counters):
        yield from _of_before(metrics, counters)
        return
    losses = {span for name, span in metrics if read_tag(name).lossy}
    # `Average loss over epoch: 3.4` counts no epochs.
    counters = [(name, span) for name, span in counters if span not in losses or "." not in line[slice(*span)]]
    taken = {span for name, span in counters if not name.startswith(PERHAPS)}
    yield from counters
    yield from (metric for metric in metrics if metric[1] not in taken)


def _of_before(metrics: Sequence[Meaning], counters: Sequence[Meaning]) -> Iterator[Meaning]:
    """What a line that looks back holds, and when it was."""
    counted = [meaning for meaning in counters if metrics and meaning[0] in {EPOCH, STEP}]
    yield from ((RECAP + name, span) for name, span in (*counted, *metrics))


def numbers_in(line: str) -> Iterator[Meaning]:
    """The counters of a line and every number that has any word in front of it."""
    yield from counts_in(line, with_metrics=True, reports=False)
    yield from ((match["name"], match.span("number")) for match in _NUMBERED.finditer(line))


def _plain_name(name: str) -> str:
    return counter_of(name.casefold(), STEP) if COUNTER.fullmatch(f"{name} 1") else name


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


def _metrics(line: str) -> Iterator[tuple[str, tuple[int, int]]]:
    behind_counts = list(_behind_counts(line))
    yield from behind_counts
    begin = behind_counts[-1][1][1] if behind_counts else letters.end() if (letters := LETTERS.match(line)) else 0
    yield from times_in(line)
    splits = [*evaluated_in(line), *_TRAIN.finditer(line)]
    composed = list(_composed(line, splits))
    for _, found in composed:
        yield from found
    paired = {match.start(): match for match in _PAIRED.finditer(line)} if "(" in line else {}
    count = COUNTER.search(line)
    changes = changes_in(line)
    listed, bare = PARTS.search(line) is not None, _has_bare_splits(line)
    behind = len(line)
    for match in PAIR.finditer(line, begin):
        name = metric_name(line, match)
        measure = METRIC.search(in_english(name))
        unsigned = not match["sep"].strip() and not measure and not _is_behind(match, count)
        # `loss 0.08 charb 0.05 msssim 0.21`: names and numbers in turn, once the loss begins them.
        in_turn = " " not in name and "." in match["number"] and not (line[behind : match.start()] or "?").strip(" ,|")
        if unsigned and not listed and not in_turn and not (bare and BARE_SPLIT.fullmatch(match["name"])):
            continue
        behind = match.end()
        if any(other.start() < match.end() and match.start() < other.end() for other, _ in composed):
            continue
        if (
            (PROSE.search(name) and not _is_behind(match, count))
            or COUNTER.fullmatch(f"{name} 1")
            or _is_place(line, match, name)
            or _is_function(line, match)
        ):
            continue
        measured = SET.search(line, 0, match.start()) if name.casefold().startswith("eval") else None
        if measured:
            name = f"train {name[4:].strip('_/ ')}" if _TRAIN.fullmatch(measured[1]) else f"{measured[1]} {name}"
        yield from _values(name, _split_of(line, match, splits), match, changes, paired.get(match.start()))


def _composed(line: str, splits: Sequence[re.Match[str]]) -> Iterator[tuple[re.Match[str], list[_Spanned]]]:
    """Numbers whose names are made of several words around them, and the part of the line that is so read."""
    for match in BOTH.finditer(line):
        what = (match["behind"] or match["before"] or " loss").strip(" _")
        yield match, [(f"{match[name]} {what}", match.span(number)) for name, number in _EACH]
    for match in ON_SET.finditer(line):
        yield match, [(f"{match['split']} {match['what']}", match.span("number"))]
    for match in TWO_METRICS.finditer(line):
        if all(METRIC.search(in_english(match[name])) for name, _ in _EACH):
            prefix = _split_of(line, match, splits) + match["name"]
            yield match, [(prefix + match[name], match.span(number)) for name, number in _EACH]


def _behind_counts(line: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Names that a count parts from their numbers: `val loss at step 100: 2.3`, `loss over 100 batches = 3.4`."""
    begin = 0
    for at in _AT.finditer(line):
        words = _LAST_WORDS.search(line, begin, at.start())
        if words:
            yield words[0], at.span(at.lastgroup or 0)
            begin = at.end()


def _values(
    name: str, split: str, match: re.Match[str], changes: Mapping[int, tuple[int, int]], two: re.Match[str] | None
) -> Iterator[tuple[str, tuple[int, int]]]:
    """The number of a name: what is, where another was; of two in brackets both."""
    now, plain = changes.get(match.start("number")), without_verb(name)
    if now is not None:
        yield (RECAP if plain != name else "") + split + plain, now
    elif two:
        yield PAIRED + split + name, two.span("first")
        yield split + name, two.span("number")
    else:  # `Loss 2.27 (3.10)`: an evaluation is judged by its mean, a training step by its own value
        yield split + name, match.span("mean" if split and match["mean"] else "number")


def _is_behind(match: re.Match[str], count: re.Match[str] | None) -> bool:
    """`epoch 5 objective 3.4`: a loss behind a count needs no sign; in prose both are rare together."""
    return count is not None and count.start() < match.start() and bool(read_tag(match["name"]).lossy)


def _is_place(line: str, match: re.Match[str], name: str) -> bool:
    """`train loss at epoch`, `[TRAIN] 3/24`: the number behind it counts."""
    words = name.rsplit(" ", 2)
    if BARE_SPLIT.fullmatch(match["name"]) and _PLACE.match(line, match.end("name")):
        return True
    return len(words) > 2 and words[1] in {"at", "in", "for", "after"} and bool(COUNTER.fullmatch(f"{words[2]} 1"))


def _is_function(line: str, match: re.Match[str]) -> bool:
    """`__main__:train:58 -`: the function and the line from which a logger was called."""
    named = BARE_SPLIT.fullmatch(match["name"]) is not None and line[: match.start()].endswith(":")
    return named and line[match.end() :].lstrip().startswith("-")


def _has_bare_splits(line: str) -> bool:
    """Whether a bare `val` before a number is its loss: another split, or a loss, is on the same line so."""
    names = rf"\b([A-Za-z_]*loss|{BARE_SPLIT.pattern})\b(?!{_PLACE.pattern})[ \t]*(?:[:=][ \t]*)?(?:{NUMBER})"
    return len(re.findall(names, line, re.IGNORECASE)) > 1


def _split_of(line: str, match: re.Match[str], splits: Sequence[re.Match[str]]) -> str:
    """`val/` or `test/` for a metric that does not name its split, where the line did before it."""
    if EVALUATED.search(match["name"]) or _TRAIN.search(match["name"]):
        return ""
    # `val=0.7 loss=2.1`: what has a number of its own says nothing of the next.
    before = [split for split in splits if split.start() < match.start("name") and not _VALUED.match(line, split.end())]
    last = max(before, key=re.Match.start, default=None)
    if last is None or _TRAIN.fullmatch(last[0]):
        return ""
    twin = rf"(?<![A-Za-z])(?:val|valid|validation|eval|dev|test)[_/]{re.escape(match['name'])}(?![\w/])"
    if last[0] != "Saving dict" and re.search(twin, line):  # `{'val_acc': 0.5, 'loss': 2.4, 'val_loss': 2.6}`
        return ""
    return "test/" if last[0].casefold().startswith("test") else "val/"
