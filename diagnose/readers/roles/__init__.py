"""Which curve is which: the one training loss, the one validation loss, the learning rate among all tags of a log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np

from diagnose.errors import LogError
from diagnose.run import Axis, Curve, IntArray, Role, Run

HELD_OUT = frozenset({"val", "test"})
"""Splits that are not trained on."""
NOTE = "curves: "
"""How the note on what was taken begins."""

ADVERSARIAL = (
    "is adversarial, so its level and course say nothing of health: "
    "log the generator's reconstruction loss (mel, L1, cycle) to have the training judged"
)
"""What the note says of a GAN without a loss that can be judged."""

MOST_OTHERS = 8
# Epoch means are judged instead of single steps from this many epochs on: fewer hide the course inside an epoch,
# more are the same course with less noise.
ENOUGH_EPOCHS = 20


@dataclass(frozen=True, slots=True)
class Family:
    """How the logs of one model family or trainer name their curves. Tags may be shell patterns."""

    name: str
    known_by: tuple[str, ...]
    """Tags that together are found in no other family's logs."""
    pairs: tuple[tuple[str, str | None], ...]
    """Training loss and the validation loss in the same units, best first; None: no validation can be compared."""
    model: str | None = None
    """The model family of the loss-target tables, where the tags tell it."""
    val_axis: Axis | None = None
    """What the steps of the validation loss count, where that is not what the training loss counts."""


# Sources: the trainers' own `add_scalar` calls and logs, listed in the notes on log formats. Where a family trains
# adversarially the pair is its mel loss: the generator's total rises and falls with the discriminator's strength.
FAMILIES: tuple[Family, ...] = (
    Family("gpt_sovits_s2", ("loss/g/total", "loss/g/kl_ssl"), (("loss/g/mel", None),), "vits"),
    Family("so_vits_svc", ("loss/g/total", "loss/g/lf0"), (("loss/g/mel", None),), "vits"),
    Family("vits", ("loss/g/total", "loss/g/mel"), (("loss/g/mel", None),), "vits"),
    Family("so_vits_diffusion", ("train/loss", "validation/loss", "train/lr"), (("train/loss", "validation/loss"),)),
    Family("gpt_sovits_s1", ("total_loss_step", "top_3_acc_step"), (("total_loss_epoch", None),)),
    # XTTS divides its training loss by the accumulation steps, its evaluation loss not: only the parts compare.
    Family(
        "xtts",
        ("TrainEpochStats/avg_loss_mel_ce",),
        (("TrainEpochStats/avg_loss_mel_ce", "EvalStats/avg_loss_mel_ce"),),
        "xtts",
    ),
    Family(
        "coqui_gan",
        ("TrainIterStats/loss_1", "TrainIterStats/loss_0"),
        (("TrainEpochStats/avg_loss_1", "EvalStats/avg_loss_1"), ("TrainIterStats/loss_1", "EvalStats/avg_loss_1")),
    ),
    Family(
        "coqui",
        ("TrainIterStats/loss",),
        (("TrainEpochStats/avg_loss", "EvalStats/avg_loss"), ("TrainIterStats/loss", "EvalStats/avg_loss")),
    ),
    Family("piper", ("train_mel", "val_mel"), (("train_mel", "val_mel"),), "vits"),
    Family("nemo_vits", ("loss_gen_all", "loss_mel"), (("loss_mel", None),), "vits"),
    Family("piper_old", ("loss_gen_all", "loss_disc_all"), (("loss_gen_all", None),)),
    Family(
        "styletts2",
        ("train/mel_loss", "train/gen_loss", "train/d_loss"),
        (("train/mel_loss", "eval/mel_loss"),),
        val_axis=Axis.EPOCH,
    ),
    Family("matcha", ("sub_loss/train_dur_loss",), (("loss/train_epoch", "loss/val_epoch"),)),
    # The duration loss may rise and the diffusion loss is noise about its level from the first epochs on:
    # the prior loss is the part whose course shows learning.
    Family("grad_tts", ("training/prior_loss", "training/diffusion_loss"), (("training/prior_loss", None),)),
    Family("grad_tts", ("prior loss", "diffusion loss"), (("prior loss", None),)),
    # t_loss holds the alignment losses, val_loss does not: their gap means nothing.
    Family("nemo_fastpitch", ("t_loss", "t_mel_loss"), (("t_mel_loss", "val_mel_loss"), ("t_loss", None))),
    Family("nemo_hifigan", ("g_loss", "g_l1_loss"), (("g_l1_loss", "val_loss"),)),
    Family(
        "espnet_gan",
        ("train/generator_loss", "train/generator_mel_loss"),
        (("train/generator_mel_loss", "valid/generator_mel_loss"),),
    ),
    Family("pwg", ("train/mel_loss", "train/adversarial_loss"), (("train/mel_loss", "eval/mel_loss"),)),
    Family("pwg", ("train/generator_loss", "train/*"), (("train/spectral_convergence_loss", None),)),
    Family(
        "hifigan",
        ("training/gen_loss_total", "training/mel_spec_error"),
        (("training/mel_spec_error", "validation/mel_spec_error"),),
    ),
    Family(
        "tacotron2",
        ("training.loss", "grad.norm"),
        (("training.loss", "validation.loss"),),
        "tacotron2",
    ),
    Family(
        "finetune_hf_vits", ("train_summed_losses", "train_loss_mel"), (("train_loss_mel", "val_loss_mel"),), "vits"
    ),
    Family("chatterbox", ("Loss/train_total",), (("Loss/train_total", "Loss/validation"),), "t3"),
    Family("chatterbox", ("Loss/train_epoch_avg",), (("Loss/train_epoch_avg", "Loss/val_epoch_avg"),), "t3"),
    # Pitch and energy make the validation total of FastSpeech 2 rise in healthy runs: the mel loss is judged.
    Family(
        "fastspeech2",
        ("*Loss/mel_postnet_loss", "*Loss/total_loss"),
        (("train/Loss/mel_postnet_loss", "val/Loss/mel_postnet_loss"), ("*Loss/total_loss", None)),
    ),
    # The box loss of detectors has a floor: what is learned, and learned by heart, shows in the class loss.
    Family("ultralytics", ("train/box_loss", "train/cls_loss"), (("train/cls_loss", "val/cls_loss"),)),
    Family("cyclegan", ("cycle_A", "cycle_B"), (("cycle_A", None),)),
)

_LEARNING_RATE = re.compile(
    r"(?:^|[/_. :-])(?:lr|lrate|learning[_. ]?rate|current[_ ]lr|base[_ ]lr)"
    r"(?:[-_/ .]?(?:adamw?|sgd|group|pg|abs|step|epoch)?[-_]?\d*){0,3}$|^lr-\w+(?:/pg\d+)?$|^optim\d+_lr\d+$",
    re.IGNORECASE,
)
_GRAD_NORM = re.compile(
    r"grad(?:ient)?s?[_. /-]?(?:\d\.\d_)?(?:l2_?)?norm|^norm$|(?:^|[/_])gnorm$|^grad_(?:2\.0_norm_total|max|mean)$",
    re.IGNORECASE,
)
_STEP_TIME = re.compile(
    r"(?:^|/)(?:step_?time(?:_ms|_s)?|iter_?time|train_step_timing(?: in s)?|[sm]?s/(?:b|it|batch)|sec/step|dt|"
    r"seconds_per_step)$",
    re.IGNORECASE,
)
_CLIPPED = re.compile(r"(?:^|[/_])(?:clip(?:ped)?_?(?:share|frac(?:tion)?|ratio|pct)|clip)$", re.IGNORECASE)
_EPOCH = re.compile(r"^(?:train/)?epochs?$", re.IGNORECASE)

_PATTERNS: tuple[tuple[Role, re.Pattern[str]], ...] = (
    (Role.LEARNING_RATE, _LEARNING_RATE),
    (Role.GRAD_NORM, _GRAD_NORM),
    (Role.STEP_TIME, _STEP_TIME),
    (Role.CLIPPED_SHARE, _CLIPPED),
    (Role.EPOCH, _EPOCH),
)

# Words of a tag, by what they say of it. Any word that stands in none of these names a part of the loss.
_LOSS = frozenset({"loss", "losses", "cost", "nll", "logloss"})
_PERPLEXITY = frozenset({"perplexity", "ppl"})
_LOSSLIKE = frozenset({"energy", "xent", "error", "objective", "mse", "rmse", "mae", "elbo", "bpb", "bpc"})
_TRAIN = frozenset({"train", "training", "trn", "tr", "inner"})
_VAL = frozenset(
    {"val", "vali", "valid", "validation", "eval", "evaluation", "va", "cv", "dev", "heldout", "held", "out"}
)
_TEST = frozenset({"test", "testing"})
_WHOLE = frozenset({"total", "all", "sum", "summed", "full", "overall"})
_KIND = frozenset(
    {"avg", "average", "mean", "running", "smooth", "smoothed", "ema", "epoch", "step", "iter", "iteration", "batch"}
    | {"reduced", "lm", "model", "main", "global", "per", "so", "far", "current", "results", "value", "stats", "train"}
    | {"of", "summaries", "metrics", "scalars", "log", "logs", "default", "raw", "unscaled", "set", "the", "is", "meta"}
    | {"dataloader", "idx"}
)
# Parts of a loss (of `l1` and `f0` the letter): any other word beside a held-out loss may name its set, as in
# `eval_clean_loss`.
_PART = frozenset(
    {"mel", "dur", "duration", "pitch", "f", "energy", "stop", "gate", "ctc", "att", "attention", "align", "alignment"}
    | {"kl", "kld", "l", "mse", "mae", "ce", "bce", "xent", "cls", "box", "dfl", "obj", "prior", "diffusion", "postnet"}
    | {"commit", "commitment", "codebook", "vq", "rec", "recon", "reconstruction", "stft", "spectral", "text", "audio"}
    | {"speech", "semantic", "acoustic", "phone", "phoneme", "aux", "reg", "contrastive", "perceptual", "style"}
    | {"decoder", "encoder", "bits", "byte", "char", "word", "token"}
)
ALIKE = 2.0
"""Factor within which the loss of a named set must agree with the training loss. Source: our choice: sets differ by
less at the same step, parts and units of a loss by more."""
_GENERATOR = frozenset({"g", "gen", "generator"})
# Never judged by level or trend: what adversaries, timers, counters and scalers log.
_NEVER = frozenset(
    {"d", "disc", "discriminator", "dis", "adv", "adversarial", "gan", "fake", "real", "critic", "fool", "feat", "fm"}
    | {"scale", "scaler", "amp", "time", "timing", "runtime", "seconds", "sec", "samples", "flos", "flops", "weight"}
    | {"grad", "gnorm", "norm", "lr", "acc", "accuracy", "best", "min", "max", "count", "tokens", "ntokens", "hp"}
    | {"nsentences", "wps", "ups", "patience", "reward", "rewards", "std", "var", "change", "delta", "metric"}
)
_SINGLE = frozenset({"step", "batch", "iter", "iteration"})
_SMOOTHED = frozenset({"avg", "average", "running", "smooth", "smoothed", "ema", "far"})
# `L: 9.5, L_crf: 4.5`: how papers write a loss and its parts.
_LETTER = re.compile(r"(?:^|/)L(?:_[A-Za-z]\w*)?$")
# The part of a generator's loss that measures how near its output is to the data: alone it has a level.
_RECONSTRUCTION = re.compile(
    r"(?<![a-z])(?:l[12]|mel|rec(?:on(?:str\w*)?)?|cyc(?:le)?|idt|stft|mse|mae|pixel|content|vgg|perceptual)(?![a-z])",
    re.IGNORECASE,
)
_GENERATED = re.compile(r"^(?:g|gen|generator)[_/. -]", re.IGNORECASE)
_ADVERSARY = frozenset({"d", "disc", "discriminator", "dis", "critic"})
_WEIGHT = re.compile(r"[_ /](?:w|weight|lambda|coeff?)$", re.IGNORECASE)
# A perplexity or an error is a unit of its own, so its word stays a part.
_NO_PART = _LOSS | _TRAIN | _VAL | _TEST | _WHOLE | _KIND | _GENERATOR | {"t"}
# The same words in other languages; in those without spaces they stand inside others. Longer ones first.
_FOREIGN = {
    "learning rate": "学习率|學習率|学習率|학습률|lernrate|скорость обучения|taux d'apprentissage|tasa de aprendizaje",
    "loss": r"损失|損失|손실|verlust|потер[иья]|pertes?\b|p[ée]rdidas?\b|perda\b|perdita\b",
    "train": r"训练集?|訓練|学習|훈련|학습|trainings|обучени[еяи]|d['\u2019]entra[iî]nement|entrenamiento|treino|"
    "treinamento",
    "val": "验证集?|驗證|検証|검증|validierungs?|валидаци[ияей]+|validaç[ãa]o|validaci[óo]n|validazione",
    "test": "测试集?|測試|テスト|테스트",
    "mean": r"平均|mittlerer?|средн\w+",
    "epoch": r"轮次?|輪|epoche\b|[eéÉ]po(?:ca|que)\b|эпоха|エポック|에포크|에폭",
    "step": r"步数?|ステップ|스텝|schritt\b|шаг|迭代|passo\b",
    "of": r"\bн\u0430\b|\bde\b|\bdi\b|的",
}
_TRANSLATED = re.compile("|".join(f"(?P<w{n}>{words})" for n, words in enumerate(_FOREIGN.values())), re.IGNORECASE)
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the words of a tag say."""

    tag: str
    whole: bool
    lossy: int
    """0 not a loss, 1 something that falls like one (energy, error), 2 a perplexity, 3 a loss."""
    split: str
    """`train`, `val`, `test`, or nothing where the tag does not say."""
    parts: frozenset[str]
    """Words that name a part of the loss (`mel`, `duration`), or its unit."""
    smoothed: bool
    never: bool


def assign_roles(run: Run, *, train_tag: str | None = None, val_tag: str | None = None) -> Run:
    """The run with one curve for each role, its family where the tags tell it, and a note on what was taken.

    `train_tag` and `val_tag` are the user's own choice: a tag, or a shell pattern. Then the family decides, then
    the roles that the log's format has set, then the words of the tags. A validation loss in other units than
    the training loss (a part beside a total, bits per byte, divided by accumulation) gets no role.
    Raises LogError if a tag asked for is not there, or is asked for twice.
    """
    idle = [tag for tag, curve in run.curves.items() if _never_evaluated(curve)]
    curves = {tag: curve for tag, curve in run.curves.items() if len(curve) and tag not in idle}
    family = _family_of(run.family, curves)
    asked = _asked_for(run, {Role.TRAIN_LOSS: train_tag, Role.VAL_LOSS: val_tag})
    chosen, note = _chosen(curves, _pair(family, curves), asked)
    roles = {tag: role for role, tag in chosen.items()}
    axis = family.val_axis if family else None
    epochs = _counted_in_epochs(curves)
    settled = {tag: _settle(curve, roles.get(tag), axis, epochs) for tag, curve in run.curves.items()}
    note = "; ".join(filter(None, [note, _told_of(idle)]))
    notes = (*(text for text in run.notes if not text.startswith(NOTE)), *([NOTE + note] if note else []))
    return replace(run, curves=settled, family=run.family or (family.model if family else None), notes=notes)


def _never_evaluated(curve: Curve) -> bool:
    """Whether this is a held-out loss of zeros, which trainers log where they evaluate nothing."""
    reading = read_tag(curve.tag)
    return bool(reading.lossy) and reading.split in HELD_OUT and len(curve) > 0 and not curve.values.any()


def _told_of(idle: Sequence[str]) -> str:
    return f"nothing but zeros, taken for not evaluated: {some_of(idle)}" if idle else ""


def some_of(tags: Sequence[str]) -> str:
    """The first of the tags in a row, and how many more there are."""
    more = f" and {len(tags) - MOST_OTHERS} more" if len(tags) > MOST_OTHERS else ""
    return ", ".join(tags[:MOST_OTHERS]) + more


def _chosen(
    curves: Mapping[str, Curve], pair: Mapping[Role, str], asked: Mapping[Role, str]
) -> tuple[dict[Role, str], str]:
    """Role -> tag, and the note on it."""
    losses = {Role.TRAIN_LOSS, Role.VAL_LOSS}
    chosen = {curve.role: tag for tag, curve in curves.items() if curve.role is not None}
    if pair or asked:
        chosen = {role: tag for role, tag in chosen.items() if role not in losses}
    chosen.update(asked or pair)
    for role, pattern in _PATTERNS:
        named = [tag for tag in curves if pattern.search(in_english(tag)) and tag not in chosen.values()]
        if role not in chosen and named:
            chosen[role] = _plainest(named)
    free = [read_tag(tag) for tag in curves if tag not in chosen.values()]
    unjudged = None
    if Role.TRAIN_LOSS not in chosen and (train := _best_train(free, curves)) is not None:
        train, unjudged = _reconstruction(train, free, curves)
        if train is not None:
            chosen[Role.TRAIN_LOSS] = train.tag
        else:
            free = [reading for reading in free if not _is_adversarial(reading)]
    rival = None
    if Role.VAL_LOSS not in chosen and (asked or not pair):
        rival = _take_val(chosen, free, curves)
    left = [reading for reading in free if reading.tag not in chosen.values()]
    return chosen, _story(chosen, left, rival, unjudged)


def _counted_in_epochs(curves: Mapping[str, Curve]) -> IntArray | None:
    """The steps 1, 2, 3, ... (or from 0) of a curve whose tag says that they are epochs: `Loss/train_epoch`."""
    for tag, curve in curves.items():
        words = {word.casefold() for word in _WORD.findall(tag)}
        steps = curve.steps
        if (
            "epoch" in words
            and not words & _SINGLE
            and len(steps) > 1
            and steps[0] in {0, 1}
            and (np.diff(steps) == 1).all()
        ):
            return steps
    return None


def _settle(curve: Curve, role: Role | None, val_axis: Axis | None, epochs: IntArray | None) -> Curve:
    axis = val_axis if role is Role.VAL_LOSS and val_axis is not None else curve.axis
    if epochs is not None and len(curve) > 1 and np.isin(curve.steps, epochs).all() and role is not Role.EPOCH:
        axis = Axis.EPOCH
    return curve if (role, axis) == (curve.role, curve.axis) else replace(curve, role=role, axis=axis)


def _asked_for(run: Run, patterns: Mapping[Role, str | None]) -> dict[Role, str]:
    """The tags that the user named, in full or by a shell pattern."""
    asked = {role: _found(run, pattern) for role, pattern in patterns.items() if pattern is not None}
    if len(set(asked.values())) < len(asked):
        raise LogError(
            f"{run.source}: {next(iter(asked.values()))!r} cannot be both the training and the validation loss"
        )
    return asked


def _found(run: Run, pattern: str) -> str:
    if pattern in run.curves:
        return pattern
    for tag in run.curves:
        if fnmatchcase(tag.casefold(), pattern.casefold()):
            return tag
    there = ", ".join(list(run.curves)[:MOST_OTHERS]) or "none"
    raise LogError(f"{run.source}: no curve is called {pattern!r}; there are: {there}")


def _family_of(known: str | None, curves: Mapping[str, Curve]) -> Family | None:
    """The family whose tags are all there; one that the user or the config named comes first."""
    there = [family for family in FAMILIES if all(_match(tag, curves) for tag in family.known_by)]
    named = [family for family in there if known in {family.name, family.model}]
    return next(iter(named or there), None)


def _match(pattern: str, curves: Mapping[str, Curve]) -> str | None:
    if pattern in curves:
        return pattern
    # Tables and text logs write loss_g_mel for TensorBoard's loss/g/mel.
    patterns = (pattern, pattern.replace("/", "_")) if "/" in pattern else (pattern,)
    return next((tag for tag in curves if any(fnmatchcase(tag, one) for one in patterns)), None)


def _pair(family: Family | None, curves: Mapping[str, Curve]) -> dict[Role, str]:
    """The first of the family's pairs that was logged whole and is long enough to show a course."""
    if family is None:
        return {}
    found = [(_match(train, curves), _match(val, curves) if val else None) for train, val in family.pairs]
    logged = [(train, val) for train, val in found if train is not None]
    whole = [pair for pair in logged if pair[1]] or logged
    enough = min(ENOUGH_EPOCHS, max((len(curves[train]) for train, _ in whole), default=0))
    for train, val in whole:
        if len(curves[train]) >= enough:
            return {Role.TRAIN_LOSS: train} | ({Role.VAL_LOSS: val} if val else {})
    return {}


def _plainest(tags: Sequence[str]) -> str:
    """The first tag, but the generator's before the discriminator's (Coqui: 1 before 0)."""
    generator = [tag for tag in tags if re.search(r"_1$|_g$|/g$", tag)]
    discriminator = [tag for tag in tags if re.search(r"_0$|_d$|/d$", tag)]
    return generator[0] if generator and discriminator else tags[0]


def _words_of(tag: str) -> list[str]:
    words = [word.casefold() for word in _WORD.findall(in_english(tag))]
    return ["perplexity" if word == "ppl" else word for word in words]


def read_tag(tag: str) -> _Reading:
    """What the words of a tag say of the curve."""
    words = _words_of(tag)
    there = frozenset(words)
    part = bool(_GENERATED.match(tag) and _RECONSTRUCTION.search(tag) and not _WEIGHT.search(tag))
    like = bool(there & _LOSSLIKE) or part or bool(_LETTER.search(tag))
    lossy = 3 if there & _LOSS else 2 if there & _PERPLEXITY else 1 if like else 0
    split = "val" if there & _VAL else "test" if there & _TEST else "train" if there & _TRAIN else ""
    if not split and words[:1] == ["t"]:
        split = "train"
    alone = frozenset({"l"}) if _LETTER.search(tag) else frozenset()
    parts = frozenset(word for word in there - _NO_PART - alone if not word.isdigit())
    never = bool(there & _NEVER) or (len(words) > 1 and words[0] in {"d", "g"} and lossy == 0)
    return _Reading(tag, bool(there & _WHOLE), lossy, split, parts, bool(there & _SMOOTHED), never)


def in_english(tag: str) -> str:
    """The tag with the words of other languages translated."""
    if tag.isascii() and not _TRANSLATED.search(tag):
        return tag
    english = tuple(_FOREIGN)
    return " ".join(_TRANSLATED.sub(lambda match: f" {english[int(str(match.lastgroup)[1:])]} ", tag).split())


def _losses(readings: Iterable[_Reading], curves: Mapping[str, Curve]) -> list[_Reading]:
    """Those that are losses; a lone last value (`train_loss` of a finished HF run) only where nothing else is."""
    losses = [reading for reading in readings if reading.lossy and not reading.never]
    most = max((len(curves[reading.tag]) for reading in losses), default=0)
    return [reading for reading in losses if len(curves[reading.tag]) > 1 or most < 5]


def _best_train(readings: Sequence[_Reading], curves: Mapping[str, Curve]) -> _Reading | None:
    return _best(_losses([reading for reading in readings if reading.split in {"", "train"}], curves), curves)


def _best(losses: Sequence[_Reading], curves: Mapping[str, Curve]) -> _Reading | None:
    """The one with the fewest foreign words; among equals the one whose course is easiest to judge."""
    if not losses:
        return None
    least = min((-reading.lossy, len(reading.parts)) for reading in losses)
    equals = [reading for reading in losses if (-reading.lossy, len(reading.parts)) == least]
    longest = max(len(curves[reading.tag]) for reading in equals)
    return max(equals, key=lambda reading: _worth(reading, curves[reading.tag], longest))


def _is_adversarial(reading: _Reading) -> bool:
    """Whether it is a generator's loss whose name tells no part that measures nearness to the data."""
    return bool(_GENERATOR & frozenset(_words_of(reading.tag))) and not _RECONSTRUCTION.search(reading.tag)


def _reconstruction(
    train: _Reading, free: Sequence[_Reading], curves: Mapping[str, Curve]
) -> tuple[_Reading | None, str | None]:
    """Of a GAN the reconstruction loss; without one nothing is judged, and the tag that is not is named.

    Generator and discriminator lose to each other: the level and the course of what they log say nothing of health
    (Goodfellow 2016, "NIPS 2016 Tutorial: Generative Adversarial Networks", section 7). NaN does.
    """
    rivals = any(reading.lossy and _ADVERSARY & frozenset(_words_of(reading.tag)) for reading in free)
    if not rivals or not _is_adversarial(train) or not np.isfinite(curves[train.tag].values).all():
        return train, None
    parts = [r for r in _losses(free, curves) if r.split in {"", "train"} and _RECONSTRUCTION.search(r.tag)]
    part = _best(parts, curves)
    return (part, None) if part is not None else (None, train.tag)


def _worth(reading: _Reading, curve: Curve, longest: int) -> tuple[int, bool, bool, bool, int]:
    """Long enough, epoch means before single steps, totals, no running means, named after the split, long."""
    words = set(_words_of(reading.tag))
    by_epoch = curve.axis is Axis.EPOCH or "epoch" in words
    course = (1 if words & _SINGLE else 3 if by_epoch else 2) if len(curve) >= min(ENOUGH_EPOCHS, longest) else 0
    return (course, reading.whole, not reading.smoothed, reading.split == "train", len(curve))


def _take_val(chosen: dict[Role, str], free: Sequence[_Reading], curves: Mapping[str, Curve]) -> str | None:
    """Put the validation loss that compares with the training loss into `chosen`; else name the one left out."""
    held_out = [reading for reading in free if reading.split in HELD_OUT]
    losses = _losses(held_out, curves)
    losses = [reading for reading in losses if reading.split == "val"] or losses
    train = read_tag(chosen[Role.TRAIN_LOSS]) if Role.TRAIN_LOSS in chosen else None
    same = [r for r in losses if train is None or (r.parts == train.parts and r.lossy == train.lossy)]
    if train is not None and not same:
        same = [r for r in losses if _of_a_set(r, train, free, curves)]
    best = _best(same or losses, curves)
    if best is not None and same:
        chosen[Role.VAL_LOSS] = best.tag
        return None
    return best.tag if best is not None else None


def _of_a_set(val: _Reading, train: _Reading, free: Sequence[_Reading], curves: Mapping[str, Curve]) -> bool:
    """Whether the words that the training loss lacks can only be the name of a held-out set: the losses are alike."""
    extra = val.parts - train.parts
    parts = _PART.union(*(other.parts for other in free if other.split not in HELD_OUT))
    if val.lossy != train.lossy or not train.parts <= val.parts or extra & parts:
        return False
    ours, theirs = curves[train.tag].finite, curves[val.tag].finite
    if not len(ours) or not len(theirs) or ours.values.min() <= 0 or theirs.values.min() <= 0:
        return False
    if ours.axis is theirs.axis:
        before = np.interp(theirs.steps, ours.steps, ours.values)
    else:
        before = np.full(len(theirs), np.median(ours.values))
    first = max(1, len(theirs) // 3)  # later on a model that overfits has them far apart
    return bool(abs(np.log(np.median(theirs.values[:first] / before[:first]))) <= np.log(ALIKE))


def _story(chosen: Mapping[Role, str], left: Sequence[_Reading], rival: str | None, unjudged: str | None) -> str:
    """One line: what was taken, what else was there."""
    told = []
    if Role.TRAIN_LOSS in chosen:
        told.append(f"training loss is `{chosen[Role.TRAIN_LOSS]}`")
    if unjudged is not None:
        told.append(f"`{unjudged}` {ADVERSARIAL}")
    if Role.VAL_LOSS in chosen:
        told.append(f"validation loss is `{chosen[Role.VAL_LOSS]}`")
    elif rival is not None:
        told.append(f"`{rival}` is in other units than the training loss and is not compared with it")
    others = [reading.tag for reading in left if reading.lossy and reading.tag != rival]
    if others and told:
        told.append(f"also there: {some_of(others)}")
    return "; ".join(told)
