"""What numbers and headings look like where a regular expression must find them, and what is in front of a message."""

from __future__ import annotations

import re
from collections.abc import Iterator

from diagnose.regex import regex

# `1,234.5` has thousands; `0,53`, `12,5` and `5,0613` have decimal commas.
NUMBER = (
    r"[-+]?(?:0,\d+|\d+,(?:\d{1,2}|\d{4,})(?![.,]?\d)|\d+(?:,\d{3}(?!\d))*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
    r"|[-+]?(?:[nN]a[nN]|NAN|[iI]nf(?:inity)?|INF)"
)

# One that cannot be a count.
DECIMAL = r"-?\d+\.\d+(?:[eE][-+]?\d+)?|[nN]a[nN]|-?inf"

# `1.5k`, `2M`: steps in thousands or millions.
ROUNDED = r"\d+(?:\.\d+)?[kKM](?![A-Za-z\d])"

# `[Validation]`, `Testing in eval mode ...`, `Best iteration is:`: what the numbers on the next lines are.
HEADINGS = (
    r"(?:^|: ?|\] ?|- )[\W_]{0,60}(?:(?:start|begin|now|run|do)\w* )?(?:the |on |in )?"
    r"(?:(?P<val>val|valid|validat\w+|eval|evaluat\w+|dev)|(?P<test>test\w*)|(?P<train>train\w*))\b"
)
LONGEST_HEADING = 60
# `finished eval of train-set: eval_loss=0.31`: the set on which it was measured.
SET = regex(r"\b([a-z]+)[- _]set\b", re.IGNORECASE)

# `Loss on the validation set: 0.31`
ON_SET = regex(
    rf"\b(?P<what>\w*(?:loss|error|perplexity|ppl))[ \t]+(?:on|over|for|of)[ \t]+(?:the[ \t]+)?"
    rf"(?P<split>train\w*|val\w*|test\w*|dev\w*|held[ -]?out)[ -]?(?:set|data|split|examples)?(?:[ \t]+(?:is|was))?"
    rf"[ \t]*[:=]?[ \t]*(?P<number>{NUMBER})",
    re.IGNORECASE,
)

# What is said of data that is not trained on.
EVALUATED = regex(
    r"(?<![A-Za-z])(?:val(?:i|id(?:at\w+)?)?|vld|eval(?:uation(?! metric\b)|uating)?|dev|cv(?![\w-])|test(?:ing)?"
    r"|saving dict)(?![a-z])",
    re.IGNORECASE,
)

# `...`, `[…]`: lines that were left out.
OMISSION = regex(r"[ \t\[(<>]*(?:\.{2,}|\u2026)[.\u2026 \t\])<>]*")
# `exp/tts-test`: a name with parts; `Eval-Epoch-0/80` counts.
_PATH = regex(r"[\w.-]*(?:[\\/](?!\d)|(?<!\d)/)[\w.\\/-]*")

# `Fold 2 of 5`, `>>> Cross-validation split 2`, `Running trial #2`
FOLDS = regex(
    r"^\W*(?:[A-Za-z][\w-]*[ \t]+)?(?:(?:k-?)?fold|split|trial|repeat)\b[ \t:#=]*(?P<fold>\d+)(?!\.?\d)"
    r"|^\W*(?:start|begin)\w* (?:a )?(?:new )?training",
    re.IGNORECASE,
)
# The process that prints, in front of its lines.
PROCESS = regex(
    r"^\W{0,2}(?:(?:rank|gpu|default)[ _:-]?(?P<rank>\d+)\W|(?P<first>\d+): (?=\W*(?:epoch|step|iter)))"
    r"|^\[\d+,(?:mpirank:)?(?P<mpi>\d+)[^]]{0,40}\]<std",
    re.IGNORECASE,
)
# What a logger writes before its message.
LOGGERS = (
    regex(r"^(?:INFO|DEBUG):[\w.]+:"),
    regex(r"^.{0,120}?\b(?:INFO|DEBUG)\t(?=\[)"),
    *(regex(rf"^.{{0,120}}?\b(?:INFO|DEBUG)\b[^\t|]{{0,80}}{lazy}(?::|\]| -)[ \t]+") for lazy in ("?", "")),
    regex(
        r"^\W?(?:(?:\d{4}[-/])?\d\d[-/]\d\d[-T ])?\d\d:\d\d:\d\d[\d.,]*Z?(?:[+-]\d\d:?\d\d)?[\])]?[ \t]*[-:|]?[ \t]+"
    ),
)
_LEVEL = regex(r"^(?:INFO|DEBUG|WARNING|ERROR|[AP]M|and|(?:[eE]|[eE]p(?:och)?|[iI]ter|[sS]tep)-?\d+)[ \t]+(?=\w)")
PROSE = regex(
    r"^(?:info|warning|debug|error|root|pid|rank|line|file|at|on|to|version|port|device|cuda|seed)$"
    r"|\.(?:py|pyx|cc|cpp|cu|h|hpp|lua)$",  # `trainer.py:118`
    re.IGNORECASE,
)
# `total 3.7 | mel 1.7 | stop 0.3`: parts of a loss, two of them at least.
PARTS = regex(
    r"\b(?:(?:total|mel|dur(?:ation)?|pitch|kld?|stop|gate|ctc|postnet|commit|vq|recon|stft|prior|diffusion|box|obj|cls)"
    rf"[ \t]+(?:{NUMBER})\W*){{2}}",
    re.IGNORECASE,
)
# `train/val loss: 3.4 / 3.5`, `Loss (train/val) 3.4/3.5`: two splits and two numbers.
BOTH = regex(
    rf"(?P<before>\b[A-Za-z]+ )?\(?\b(?P<one>train\w*|trn?)[ \t]*[/|,][ \t]*(?P<two>val\w*|va|dev|eval\w*|test)\b\)?"
    rf"(?P<behind>[ _][A-Za-z]+)?[ \t]*(?:[:=][ \t]*)?(?P<first>{NUMBER})[ \t]*[/|,][ \t]*(?P<second>{NUMBER})",
    re.IGNORECASE,
)
# `train loss/acc: 2.3 / 0.41`, `acc/loss = 0.41/2.3`: two metrics and two numbers.
TWO_METRICS = regex(
    r"(?P<name>(?:(?:train|val|test)[A-Za-z]*[ \t]+)?)(?P<one>\b[A-Za-z]\w*)[ \t]*[/|][ \t]*(?P<two>[A-Za-z]\w*)"
    rf"[ \t]*[:=]?[ \t]*\(?(?P<first>{NUMBER})[ \t%]*[/|][ \t]*(?P<second>{NUMBER})",
    re.IGNORECASE,
)
# `12 Image loss: 0.8`, `12: loss: 0.8`, `user: 12/960, total loss: 0.5`, `[INFO] 12 / 200 loss`: a number that
# counts, if it counts on from line to line.
COUNTS_ON = regex(
    r"^[ \t]*(?P<first>\d+)(?:[ \t]+(?:\|[ \t]*)?|:[ \t]+(?![eE]poch|[sS]tep|[iI]ter))(?=[A-Za-z])"
    r"|(?:(?<![\w.])[A-Za-z]\w*[ \t]*:[ \t]*|(?<![\w\]])\[[ \t]*|[A-Za-z]\][ \t]+|^[A-Za-z]+[ \t]+)"
    r"(?P<of>\d+)[ \t]*/[ \t]*(?P<total>\d+)(?![\w./])"
)
# `Time 2.21 ( 2.30)  Data 1.93 ( 1.90)`, as PyTorch's ImageNet example prints its meters.
_METERS = regex(
    rf"\bTime:?[ \t]+(?P<batch_time>{NUMBER})[ \t]+\([ \t\d.]+\)[ \t]+Data:?[ \t]+(?P<data_time>{NUMBER})[ \t]+\("
)
# `batch 2.8s data 2.5s`: what one step takes, and what of it the loader.
_TIMED = regex(
    r"\b(?:(?P<batch>batch|iter|step)|(?P<data>data|load(?:er|ing)?))(?:[ _]?time)?[ \t]*[:=]?[ \t]*"
    r"(?P<number>\d+\.\d+) ?m?s(?![\w/])",
    re.IGNORECASE,
)
# Names that a number may follow without a sign between them (`loss  6.92`); other words before numbers are prose.
METRIC = regex(
    r"(?:loss|lr|norm|ppl|perplexity|nll|cost|acc|accuracy|error|rate|mse|wer|cer|scale|mb|batch|util|mem|memory)$"
    r"|(?:data|load(?:er)?|step|batch|iter)_time$|\b(?:commit|recons?)$|\b(?:m?iou|dice|psnr|ssim|lpips|fid|bleu|f1|auc|pesq|stoi)$"
    r"|\bb?ce$|^[tv]l$|^L_[a-z]\w*$|^(?:train|valid|val|eval|test)_[a-z]\w{0,15}$|(?:^|[\W_])loss_?[A-Z0-9]\w{0,11}$",
    re.IGNORECASE,
)
# `val_loss improved from inf to 0.65`, `ppl: 7.4 --> 5.5`: what was, and what is; a verb says that it was reported.
_CHANGE = regex(rf"(?P<was>{NUMBER})[ \t]*(?:-+>|=>|\u2192|\bto\b)[ \t]*(?P<now>{NUMBER})")
_VERB = regex(r"[ \t]*(?:model is )?\b(?:improv|decreas|increas|reduc)\w*(?: from)?[ \t]*", re.IGNORECASE)
# `train loss: curr. 0.31 | avg. 0.27`: which of the values of one loss.
_WHICH = regex(r"curr?(?:ent)?|now|last|avg|ave|average|mean", re.IGNORECASE)
_OF_LOSS = regex(
    r"(?P<loss>(?:\b(?:train\w*|val\w*|test)[ _])?\w*loss)[ \t]*[:=][ \t]*"
    rf"(?:(?:{_WHICH.pattern})\.?[ \t:=]*(?:{NUMBER})[ \t|,/]*)*$",
    re.IGNORECASE,
)
_READER = regex(r"(?:reader|data)_cost\b")
_SECONDS = regex(r"[ \t]*m?s(?:ec(?:ond)?s?)?\b")
# `train 3.44 val 3.43`, `loss 2.4 val 2.9`: the name of the split is all that the loss is called.
BARE_SPLIT = regex(r"train|trn?|t[ael]|val?|vld?|valid|validation|dev|eval|test", re.IGNORECASE)


def evaluated_in(line: str, stop: int | None = None) -> Iterator[re.Match[str]]:
    """The words that say that what is behind them was measured on other data; no piece of a part of a path is one."""
    paths = list(_PATH.finditer(line))
    for word in EVALUATED.finditer(line, 0, len(line) if stop is None else stop):
        path = next((path for path in paths if path.start() <= word.start() < path.end()), None)
        if path is None or word[0] in re.split(r"[\\/]", path[0]):
            yield word


def metric_name(line: str, match: re.Match[str]) -> str:
    """What a number is called, without the level of its logger.

    What costs seconds (`reader_cost: 8.9 s`), or is beside what a reader costs, is a time, and a split in percent
    (`Train: 91.2%`) an accuracy.
    """
    name = _LEVEL.sub("", match["name"]).rstrip(".")
    if _WHICH.fullmatch(name) and (loss := _OF_LOSS.search(line, 0, match.start())):
        return f"{name} {loss['loss']}"
    if BARE_SPLIT.fullmatch(name) and line.startswith("%", match.end("number")):
        return f"{name} accuracy"
    timed = name.endswith("cost") and (_SECONDS.match(line, match.end()) or (name != "cost" and _READER.search(line)))
    return name.removesuffix("cost") + "time" if timed else name


def times_in(line: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """What a step takes, and what of it the loader."""
    meters = _METERS.search(line)
    if meters:
        yield from ((name, meters.span(name)) for name in meters.groupdict())
    for timed in _TIMED.finditer(line):
        yield "batch_time" if timed["batch"] else "data_time", timed.span("number")


def changes_in(line: str) -> dict[int, tuple[int, int]]:
    """Where a number begins that another one has taken the place of, and where that is."""
    return {change.start("was"): change.span("now") for change in _CHANGE.finditer(line)}


def without_verb(name: str) -> str:
    """What changed, without the verb."""
    return _VERB.sub(" ", name).strip()
