"""What the words of a tag say of a curve: whether it is a loss, on which split, of which part, in which unit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

from diagnose.readers.roles.languages import in_english
from diagnose.regex import regex

HELD_OUT = frozenset({"val", "test"})
"""Splits that are not trained on."""

# Any word that is in none of these sets names a part of the loss.
_LOSS = frozenset({"loss", "losses", "cost", "nll", "logloss"})
# A loss that is called by its formula; the word stays a part, because it is a unit.
_FORMULA = frozenset({"ce", "bce", "xent", "crossentropy", "mse", "rmse", "mae", "huber"})
_FORMULAS = (frozenset({"cross", "entropy"}), frozenset({"cross", "ent"}), frozenset({"smooth", "l"}))
_PERPLEXITY = frozenset({"perplexity", "ppl"})
_LOSSLIKE = frozenset({"energy", "error", "err", "obj", "objective", "elbo", "bpb", "bpc"})
_TRAIN = frozenset({"train", "training", "trainset", "trian", "trn", "tr", "inner", "learn", "fit"})
_VAL = frozenset(
    {"val", "vali", "valid", "validation", "eval", "evaluation", "va", "vld", "cv", "dev", "heldout", "held", "out"}
    | {"hold", "crossval", "holdout", "validate", "validating", "evaluate", "evaluating", "valset", "validset"}
    | {"devset"}
)
_TEST = frozenset({"test", "testing", "tst", "testset"})
_WHOLE = frozenset({"total", "all", "sum", "summed", "full", "overall"})
_KIND = frozenset(
    {"avg", "average", "mean", "running", "smooth", "smoothed", "ema", "epoch", "step", "iter", "iteration", "batch"}
    | {"reduced", "lm", "model", "main", "global", "per", "so", "far", "current", "results", "value", "stats", "train"}
    | {"of", "over", "on", "at", "after", "for", "summaries", "metrics", "scalars", "log", "logs", "default", "raw"}
    | {"unscaled", "set", "the", "is", "meta", "dataloader", "idx", "iters", "item", "and", "with", "has", "finished"}
    | {"in", "sample", "mini", "minibatch", "column", "row", "cur", "curr"}
)
_CURRENT = frozenset({"cur", "curr", "current"})
# Parts of a loss (of `l1` and `f0` the letter): any other word beside a held-out loss may name its set, as in
# `eval_clean_loss`.
PARTS = frozenset(
    {"mel", "dur", "duration", "pitch", "f", "energy", "stop", "gate", "ctc", "att", "attention", "align", "alignment"}
    | _FORMULA
    | {"kl", "kld", "l", "cls", "box", "dfl", "obj", "prior", "diffusion", "postnet"}
    | {"commit", "commitment", "codebook", "vq", "rec", "recon", "reconstruction", "stft", "spectral", "text", "audio"}
    | {"speech", "semantic", "acoustic", "phone", "phoneme", "aux", "reg", "contrastive", "perceptual", "style"}
    | {"decoder", "encoder", "bits", "byte", "char", "word", "token"}
)
# The heads of a detector: one match to an object, and many.
_HEADS = frozenset({"om", "oo"})
# Parts that are losses without the word where two of them are side by side: `total 3.7 | mel 1.7 | stop 0.3`.
_SURE_PARTS = frozenset(
    {"mel", "dur", "duration", "pitch", "kl", "kld", "stop", "gate", "ctc", "postnet", "commit", "vq", "recon", "stft"}
    | {"recons", "prior", "diffusion", "box", "obj", "cls"}
)
# Parts that keep a model in shape beside what it learns: none is a headline while another loss is there.
_SECONDARY = frozenset(
    {"diversity", "aux", "auxiliary", "reg", "regularization", "regularisation", "kl", "kld", "commit", "commitment"}
    | {"codebook", "vq", "balance", "balancing", "router", "penalty", "gp", "orthogonal", "sparsity", "guide", "guided"}
    | {"entropy", "smoothness", "perceptual", "style", "identity", "idt"}
    | {"policy", "pi", "surrogate"}  # of reinforcement learning: what is optimised is another one at each step
)
# Of an autoencoder with quantized codes.
_CODEBOOK = frozenset({"commit", "commitment", "codebook", "vq"})
GENERATOR = frozenset({"g", "gen", "generator"})
ADVERSARY = frozenset({"d", "disc", "discriminator", "dis", "critic"})
# What two networks that play against each other log.
_AGAINST = ADVERSARY | {"adv", "adversarial", "gan", "fake", "real", "fool", "feat", "fm", "fmaps"}
# `valid_loss_step/epoch_3`, as Lightning 1.0 logs the batches of one evaluation: no course of the training.
_BATCHES = regex(r"_step/epoch_\d+$")
# Numbers beside a loss that are none: timers, counters, scalers, records.
_NO_LOSS = frozenset(
    {"scale", "scaler", "amp", "time", "timing", "runtime", "seconds", "sec", "samples", "flos", "flops", "weight"}
    | {"grad", "gnorm", "norm", "lr", "acc", "accuracy", "best", "min", "max", "count", "tokens", "ntokens", "hp"}
    | {"nsentences", "wps", "ups", "patience", "reward", "rewards", "std", "var", "change", "delta", "gap", "metric"}
    | {"packet"}  # of a network
)
# One word each, whatever its capitals: `mIoU`, `val_IoU`, `mAP50`.
_ACRONYM = regex(r"[mM]?IoU|mAP")
# Error rates fall and scores rise as a model gets better.
_ERROR_RATES = frozenset({"wer", "cer", "ter", "eer", "fid", "fad", "mcd", "uer", "der"})
_SCORES = frozenset(
    {"acc", "accs", "accuracy", "accuracies", "bleu", "chrf", "rouge", "f1", "precision", "recall", "map", "auc"}
    | {"iou", "miou", "dice", "pesq", "stoi", "mos", "utmos", "dnsmos", "snr", "sdr", "psnr", "ssim", "score", "scores"}
    | {"auroc", "top", "mrr", "mcc", "ndcg", "hits", "meteor", "cider"}
)
_REWARDS = frozenset({"reward", "rew", "return"})
_SPREADS = frozenset({"std", "var", "min", "max", "norm", "baseline", "margin"})
_SINGLE = frozenset({"step", "batch", "iter", "iteration"})
_MEAN = frozenset({"avg", "average", "mean"})
_RUNNING = frozenset({"running", "smooth", "smoothed", "ema", "far"})
# `L: 9.5, L_crf: 4.5`, `l_g_pix`: how papers write a loss and its parts.
_LETTER = regex(r"(?:^|/|^(?:train|val|valid|test)_)(?:L[12]?|[Ll]_(?!r(?:ate)?$)[A-Za-z]\w*)$")
# The part of a generator's loss that measures how near its output is to the data: alone it has a level.
RECONSTRUCTION = regex(
    r"(?<![a-z])(?:l[12]|mel|spec(?:trogram)?|rec(?:on\w*)?|cyc(?:le)?|idt|stft|mse|mae|pix(?:el)?|content|vgg|percep(?:tual)?)(?![a-z])",
    re.IGNORECASE,
)
_GENERATED = regex(r"^(?:g|gen|generator)[_/. -]", re.IGNORECASE)
# `training's l2`, `valid_1's l1`: squared and absolute errors of LightGBM.
_LIGHTGBM = regex(r"'s l[12]$")
# Short names of two splits, which only side by side are that: `loss_t` and `loss_v`, `tr_loss` and `te_loss`.
_TWINS = (("t", "v", "val"), ("tr", "vl", "val"), ("tr", "te", "test"), ("tr", "ts", "test"))
_WEIGHT = regex(r"[_ /](?:w|weight|lambda|coeff?)$", re.IGNORECASE)
# A perplexity or an error is a unit of its own, so its word stays a part.
_NO_PART = _LOSS | _TRAIN | _VAL | _TEST | _WHOLE | _KIND | GENERATOR | {"t"}
# What files of numbers are named after: a measure, and whose it is.
MEASURES = _LOSS | _FORMULA | _PERPLEXITY | _LOSSLIKE | _ERROR_RATES | _SCORES | _REWARDS | {"rewards", "returns"}
SIDES = _TRAIN | _VAL | _TEST | GENERATOR | ADVERSARY | _WHOLE | _MEAN | PARTS
# `trainloss`, `closs`, `lossp`, `lossvalue`, `RMSE_Etrain`: two words in one.
GLUED = regex(
    r"(train|val|valid|dev|eval|test)(ppl|err(?:or)?)(?![a-z])|(?<=[a-z])(?=loss(?:es)?\b)"
    r"|(?<=loss)(?=(?:[a-z]|value|total|mean|avg|sum|train|valid)\b)"
    r"|(?<=(?<![A-Za-z])(?-i:[A-Z]))(?=(?:train|val|test)(?![a-z]))",
    re.IGNORECASE,
)
WORD = regex(r"F1|f1|\d[dD](?![a-z])|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the words of a tag say."""

    tag: str
    words: tuple[str, ...]
    lossy: int
    """0 not a loss, 1 something that falls like one (energy, error), 2 a perplexity, 3 a loss."""
    split: str
    """`train`, `val`, `test`, or nothing where the tag does not say."""
    parts: frozenset[str]
    """Words that name a part of the loss (`mel`, `duration`), or its unit."""
    adversarial: bool
    """Whether two networks play against each other in it."""
    no_loss: bool
    """Whether it is a number beside a loss: its scale, its time, its record."""

    @property
    def never(self) -> bool:
        """Whether its level and its trend say nothing of health."""
        return self.adversarial or self.no_loss

    @property
    def held_out(self) -> bool:
        """Whether it was measured on data that is not trained on."""
        return self.split in HELD_OUT

    @property
    def bare(self) -> bool:
        """Whether it is called after its split and nothing else."""
        return frozenset(self.words) <= _TRAIN | _VAL | _TEST

    @property
    def whole(self) -> bool:
        """Whether it is called a total, or the current value, of which a total beside it is the running mean."""
        return bool((_WHOLE | _CURRENT).intersection(self.words))

    @property
    def secondary(self) -> bool:
        """Whether it is a part that keeps a model in shape beside what it learns."""
        return bool(_SECONDARY & self.parts) and "cross" not in self.parts  # cross entropy

    @property
    def sure_part(self) -> bool:
        """Whether it is called after a part of a loss and nothing else: `kl`, `train_dur`."""
        rest = frozenset(self.words) - _TRAIN - _VAL - _TEST - _SINGLE - {"epoch"}
        return bool(rest) and rest <= _SURE_PARTS

    @property
    def plainness(self) -> int:
        """Of a training the values say more than their means, of an evaluation its mean; running means say least."""
        if _RUNNING.intersection(self.words):
            return 0
        if _CURRENT.intersection(self.words):
            return 3
        return 2 if bool(_MEAN.intersection(self.words)) is self.held_out else 1

    @property
    def single(self) -> bool:
        """Whether it is the value of one step or batch."""
        return bool(_SINGLE.intersection(self.words))

    @property
    def of_generator(self) -> bool:
        """Whether it is a generator's loss whose name mentions no part that measures nearness to the data."""
        return bool(GENERATOR.intersection(self.words)) and not RECONSTRUCTION.search(self.tag)

    @property
    def component(self) -> str:
        """The tag without what all losses are called: `mel` of `loss/g/mel`, `wer` of `eval_wer`."""
        plain = [word for word in self.words if word not in _LOSS | _TRAIN | _VAL | _TEST | {"metrics", "avg", "epoch"}]
        part = [word for word in plain if word not in _WHOLE | {"g"}]
        return "_".join(part or plain) or self.tag


def words_of(tag: str) -> list[str]:
    """The words of a tag in English, in small letters."""
    english = _ACRONYM.sub(lambda found: f" {found[0].lower()}", in_english(tag))
    words = [word.casefold() for word in WORD.findall(GLUED.sub(r"\1 \2", english))]
    return ["perplexity" if word == "ppl" else word for word in words]


@lru_cache(maxsize=1 << 14)
def read_tag(tag: str) -> Reading:
    """What the words of a tag say of the curve."""
    words = words_of(tag)
    there = frozenset(words)
    alone = frozenset({"l"}) if _LETTER.search(tag) else frozenset()
    parts = frozenset(word for word in there - _NO_PART - alone if not word.isdigit())
    lossy = _lossy(tag, there, parts)
    lone = len(words) > 1 and words[0] in {"d", "g"} and lossy == 0
    return Reading(
        tag,
        tuple(words),
        lossy,
        _split(words, there),
        parts,
        adversarial=bool(there & _AGAINST) or lone,
        no_loss=bool(there & _NO_LOSS or _BATCHES.search(tag)) or (lossy == 0 and is_metric(words)),
    )


def _lossy(tag: str, there: frozenset[str], parts: frozenset[str]) -> int:
    if there & (_LOSS | _FORMULA) or any(words <= there for words in _FORMULAS) or _LIGHTGBM.search(tag):
        return 3
    if there & _PERPLEXITY:
        return 2
    bare = frozenset() if tag.endswith("_L") else there - {"l"}  # `val_L` beside `L`
    if bare and (bare <= _TRAIN or bare <= _VAL or (bare < there and bare <= _TEST)):  # `train 3.4 val 3.5`, `l_train`
        return 3
    # `generator_total`, `train total`: a sum of which nothing else is said is the loss.
    if there & _WHOLE and there & (GENERATOR | ADVERSARY | _TRAIN | _VAL) and not parts - ADVERSARY:
        return 3
    part = bool(_GENERATED.match(tag) and RECONSTRUCTION.search(tag) and not _WEIGHT.search(tag))
    alone = tag == "total"  # `[epoch: 0/200, iter: 25/448] total: 1.93`
    return int(bool(there & _LOSSLIKE) or part or alone or bool(_LETTER.search(tag)))


def _split(words: list[str], there: frozenset[str]) -> str:
    if there & (_VAL - {"cv"} if there & (_TRAIN | _TEST) else _VAL):  # `cv-train-logloss`: of a cross-validation
        return "val"
    if there & _TEST:
        return "test"
    return "train" if there & _TRAIN or words[:1] == ["t"] else ""


def losses_in(names: Iterable[str]) -> dict[str, Reading]:
    """Those of the names of one log that are losses; parts of a loss without the word where there are two of them."""
    readings = {name: read_tag(name) for name in names}
    if any(_CODEBOOK.intersection(reading.words) for reading in readings.values()):  # whose perplexity may well rise
        readings = {name: one if one.lossy != 2 else replace(one, lossy=0) for name, one in readings.items()}
    found = {name: reading for name, reading in readings.items() if reading.lossy}
    parted = [reading for name, reading in found.items() if reading.lossy > 2]
    if len(parted) > 1 and all(reading.parts for reading in parted):  # `loss_cls=1.2 loss_reg=0.4 total=1.6`
        found |= {name: replace(reading, lossy=3) for name, reading in found.items() if name.casefold() == "total"}
    letters = _by_letters(readings)
    sure = [reading for name, reading in found.items() if reading.lossy > 1 and name not in letters]
    if all(reading.adversarial or GENERATOR & {*reading.words} for reading in sure):  # of two networks, or none
        found |= _of_two_networks(readings) | ({} if sure else letters)
        found = {name: reading for name, reading in found.items() if reading.lossy}
    words = _SURE_PARTS | _HEADS | _WHOLE | _TRAIN | _VAL | _TEST
    rests = {name: frozenset(one.words) - _SINGLE - {"epoch"} for name, one in readings.items()}
    plain = {name: one for name, one in readings.items() if rests[name] and rests[name] <= words and not one.bare}
    if len(plain) < 2 or any(reading.lossy > 1 for name, reading in found.items() if name not in plain):
        return found
    return found | {name: replace(reading, lossy=3) for name, reading in plain.items()}


def _of_two_networks(readings: Mapping[str, Reading]) -> dict[str, Reading]:
    """`D: 0.8 G: 1.6 rec: 2.4`: beside the two what measures nearness to the data is a loss; without it they are."""
    own = {name: {*reading.words[:1], *reading.words[-1:]} for name, reading in readings.items() if not reading.no_loss}
    if not all(any(words & network for words in own.values()) for network in (GENERATOR, ADVERSARY)):
        return {}
    near = [name for name in own if RECONSTRUCTION.search(name)]
    networks = [name for name, words in own.items() if words & (GENERATOR | ADVERSARY)]
    return {name: replace(readings[name], lossy=3) for name in near or networks}


def _by_letters(readings: Mapping[str, Reading]) -> dict[str, Reading]:
    """`L=2.4 VL=2.6`, `TL 2.4 TA 0.7`: losses of training and validation, beside one another or their accuracies."""
    named = {name.casefold(): name for name in readings}
    train = named.get("l", named.get("tl"))
    if train is None or not named.keys() & {"vl", "ta", "va"}:
        return {}
    found = {
        name: replace(readings[name], lossy=3, split=split, parts=frozenset())
        for name, split in ((train, "train"), (named.get("vl"), "val"))
        if name
    }
    return found | ({named["va"]: replace(readings[named["va"]], lossy=0)} if "va" in named else {})


def is_metric(words: Iterable[str]) -> bool:
    """Whether the words name an error rate or a score."""
    return bool((_ERROR_RATES | _SCORES).intersection(words))


def rises(reading: Reading) -> bool | None:
    """True for a score, which rises as a model gets better; False for an error rate; None for neither."""
    if _ERROR_RATES.intersection(reading.words):
        return False
    rewarded = _REWARDS.intersection(reading.words) and not _SPREADS.intersection(reading.words)
    if (_SCORES.intersection(reading.words) or rewarded) and not reading.lossy:
        return True
    return None


def letter_splits(tags: Iterable[str]) -> dict[str, str]:
    """`loss_t` and `loss_v`, `loss` and `vloss` are the losses of training and validation: tag -> its name in full."""
    known = {read_tag(tag).words: tag for tag in tags}
    named = {}
    for (train, other, split), (words, tag) in product(_TWINS, known.items()):
        twin = tuple(train if word == other else word for word in words)
        if other in words and twin in known:
            named[tag] = f"{split} " + " ".join(word for word in words if word != other)
            named[known[twin]] = "train " + " ".join(word for word in twin if word != train)
    losses = {words: tag for words, tag in known.items() if "loss" in words}
    if losses.keys() == {("loss",), ("v", "loss")}:  # beside others it is the loss of a value
        named[losses["v", "loss"]] = "val loss"
    return named
