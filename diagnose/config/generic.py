"""How the config of an unknown framework is read: by the usual names, in the usual sections."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any

from diagnose.config.dialect import Candidate, Place, Synonyms, Word
from diagnose.config.hyperparameters import AN_UPDATE, ENVIRONMENT_STEPS, HYPERPARAMETERS, is_written_number, number_of
from diagnose.config.node import MAX_NODES, Array, Document, Node, Scalar, Table, children, resolved
from diagnose.numbers import is_number

MAX_SECTIONS = 6
"""Sections inside one another that are searched; the public configs measured nest hyperparameters four deep."""
MANY = 100
"""From here on an interval whose key names no unit is taken to count steps."""
MOST_PLACES = 50
"""Places of one hyperparameter that are looked at; with as many as that, none of them is rewritten."""
MOST_MEMBERS = 8
"""The longest list that may be a setting, or hold sections: the rates of groups, the jobs of a run. Longer ones are
what was logged."""
_ENDING = re.compile(
    r"[_-]?(?:configs?|(?<!^h)params?|(?<!^hyper)parameters?|arg(?:ument)?s|kwargs|settings?|options|opts|cfg|conf)$"
)
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ONE_WORD = ((frozenset({"learning", "rate"}), "lr"), (frozenset({"warm", "up"}), "warmup"))


_ROLLOUT = frozenset(
    {"ent_coef", "vf_coef", "entropy_coef", "value_coef", "entropy_coeff", "value_loss_coef", "gae_lambda", "lambd"}
    | {"clip_range", "cliprange", "clip_eps", "clip_epsilon", "clip_param", "clip_coef", "time_horizon"}
    | {"num_envs", "n_envs"}
)
"""Keys of an agent that learns from rollouts."""


class _Beside(dict[str, Any]):
    """The keys of a section, in lower case, and their values; None for what is no scalar."""

    @cached_property
    def prefixes(self) -> Counter[str]:
        """How many keys begin with a word and `_`."""
        return Counter(key.partition("_")[0] for key in self)

    @cached_property
    def of_agent(self) -> bool:
        """Whether it is reinforcement learning: `n_epochs` counts passes over one rollout, steps are the agent's."""
        return not _ROLLOUT.isdisjoint(self) or "ppo" in {str(value).lower() for value in self.values()}


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A scalar and the way to it."""

    place: str
    """As a path of the file."""
    path: tuple[str, ...]
    """The names on the way."""
    value: Any
    beside: _Beside

    @property
    def key(self) -> str:
        return self.path[-1].lower().replace("-", "_")

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections around it, in lower case, without endings such as `_config`; one that is no more is left out."""
        names = (_ENDING.sub("", name.lower()) for name in self.path[:-1])
        return tuple(name for name in names if name not in {"", "init"})


def guesses(document: Document, synonyms: Synonyms) -> dict[str, tuple[Candidate, ...]]:
    """Canonical name -> the places in this document that a person would call by that name, best first."""
    found: dict[str, list[tuple[tuple[int, int, int], _Leaf]]] = defaultdict(list)
    for leaf in islice(_leaves(document.root, "", (), _Beside()), MAX_NODES) if document.root is not None else ():
        unknown = (section for section in leaf.sections if section not in synonyms.sections)
        if any(section in synonyms.never or _parts(section) & synonyms.never for section in unknown):
            continue  # about something other than training (`inference`, `hydra`)
        for word in _meant(leaf, synonyms):
            found[word.name].append((_rank(word, leaf, synonyms), leaf))
    return {name: tuple(_ranked(name, matches)) for name, matches in found.items()}


OF_TRAINING = 3
"""Words of training that make a section of any name one about training (`classifier: {lr, batch_size, ...}`)."""
BY_PHRASE = 1000
"""The number of a word that is none of the list: any that is comes before it."""


def _meant(leaf: _Leaf, synonyms: Synonyms) -> Iterator[Word]:
    """What the key is a word for; else what its words mean; else what they mean with those of the sections around."""
    trains = len(synonyms.anywhere.intersection(leaf.beside)) >= OF_TRAINING
    known = not leaf.sections or trains or any(section in synonyms.sections for section in leaf.sections)
    listed = [
        word for word in synonyms.words.get(leaf.key, ()) if known or word.around or leaf.key in synonyms.anywhere
    ]
    own = _parts(leaf.path[-1])
    for number, around in enumerate(((), leaf.sections[-1:], leaf.sections[-2:])):
        said = own.union(*map(_parts, around))
        able = own and "[" not in leaf.path[-1] and (known or len(said) > 1)
        phrases = (phrase for word in said if able for phrase in synonyms.phrases.get(word, ()))
        names = dict.fromkeys(phrase.name for phrase in phrases if phrase.means(said))
        for found in (listed, [Word(name, BY_PHRASE + number) for name in names]):
            meant = [word for word in found if _is_there(word, leaf, synonyms) and _says(word.name, leaf)]
            yield from meant
            if meant:
                return
    prefix, _, rest = leaf.path[-1].partition("_")
    if rest and leaf.beside.prefixes[prefix.lower()] >= OF_ONE_PART:
        parted = replace(leaf, path=(*leaf.path[:-1], prefix, rest))
        yield from (replace(word, number=word.number + BY_PREFIX) for word in _meant(parted, synonyms))


BY_PREFIX = 10 * BY_PHRASE
"""Added where the beginning of the key was read as a section: such a key counts only where there is no other."""
OF_ONE_PART = 5
"""Keys that begin alike from which on the beginning is read as a section (`voc_lr`, `voc_batch_size`, ...)."""


@lru_cache(maxsize=4096)
def _parts(key: str) -> frozenset[str]:
    """The words of `saveEveryNEpochs` and of `save_every_n_epochs`; `learning_rate` is one, `lr`."""
    words = frozenset(part.lower() for part in _PART.findall(key))
    for several, one in _ONE_WORD:
        words = words - several | {one} if several <= words else words
    return words


def _is_there(word: Word, leaf: _Leaf, synonyms: Synonyms) -> bool:
    """Whether the sections around the leaf leave the word its meaning."""
    around = frozenset(leaf.sections).union(*map(_parts, leaf.sections))
    if synonyms.elsewhere.get(word.name, frozenset()) & around:
        return False
    return not word.around or word.around == leaf.sections[len(leaf.sections) - len(word.around) :]


def _leaves(node: Node, place: str, path: tuple[str, ...], beside: _Beside) -> Iterator[_Leaf]:
    inside = resolved(node)
    if isinstance(inside, Table) and len(path) <= MAX_SECTIONS:
        known = _Beside((str(key).lower(), getattr(resolved(child), "value", None)) for key, child in children(inside))
        for key, child in children(inside):
            parts = str(key).split(".")
            if all(parts) and "[" not in str(key):
                name = () if parts == ["value"] and path else tuple(parts)  # wandb's `lr: {desc: null, value: 0.1}`
                around = beside if parts == ["value"] else known
                yield from _leaves(child, f"{place}.{key}" if place else str(key), (*path, *name), around)
    elif isinstance(inside, Scalar) and path:
        yield _Leaf(place, path, inside.value, beside)
    elif isinstance(inside, Array) and path and len(inside.items) <= MOST_MEMBERS:
        yield _Leaf(place, path, [getattr(resolved(item), "value", None) for item in inside.items], beside)
        for number, item in enumerate(inside.items):
            names = path if isinstance(item, Table) else (*path[:-1], f"{path[-1]}[{number}]")
            if isinstance(item, Scalar | Table):
                yield from _leaves(item, f"{place}[{number}]", names, beside)


def _ranked(name: str, matches: list[tuple[tuple[int, int, int], _Leaf]]) -> Iterator[Candidate]:
    matches.sort(key=lambda match: match[0])
    whole = [match for match in matches if match[0][1] < BY_PREFIX]
    for _, leaf in (whole or matches)[:MOST_PLACES]:
        first = name == "betas" and leaf.path[-1].endswith("1") and f"{leaf.path[-1][:-1]}2".lower() in leaf.beside
        pair = Place(re.sub(r"1(\.value)?$", r"2\1", leaf.place)) if first else None
        nothing = (0,) if name == "learning_rate" else ()  # it is worked out from another key
        yield Candidate(Place(leaf.place), unit=_unit(name, leaf), pair=pair, neutral=nothing)


def _rank(word: Word, leaf: _Leaf, synonyms: Synonyms) -> tuple[int, int, int]:
    """Lower is better: section, word, depth."""
    known = [synonyms.sections.index(section) for section in leaf.sections if section in synonyms.sections]
    top = synonyms.sections.index("") if not leaf.sections else len(synonyms.sections)
    return known[0] if known else top, word.number, len(leaf.sections)


def _says(name: str, leaf: _Leaf) -> bool:
    """Whether the value and the keys beside it agree with the name."""
    if isinstance(leaf.value, str) and "${" in leaf.value:
        return True
    word = name in _WORDS and leaf.value is not None and not isinstance(leaf.value, str)
    agrees = _AGREES.get(name)
    return HYPERPARAMETERS[name].kind.accepts(leaf.value) and not word and (agrees is None or agrees(name, leaf))


_WORDS = frozenset({"optimizer", "lr_scheduler"})
_OF_OPTIMIZER = r"(?:.*\.)?(?:betas|beta1|lr|learning_rate|weight_decay)"


def _is_patience(name: str, leaf: _Leaf) -> bool:
    """Whether a bare `patience` is that of this name: of a schedule that lowers the rate, or of early stopping."""
    if leaf.key != "patience":
        return True
    named = frozenset[str]().union(*map(_parts, leaf.sections)) & {"scheduler", "schedule", "plateau"}
    factor = any(key.endswith("factor") for key in leaf.beside)
    # A text beside it, such as `early_stopping_metric: bleu`, chooses the best checkpoint and stops nothing.
    stops = any(
        (key.endswith("_patience") or "early_stop" in key) and not isinstance(value, str)
        for key, value in leaf.beside.items()
    )
    return (name == "plateau_patience") == (bool(named) or (factor and not stops))


def _is_length(name: str, leaf: _Leaf) -> bool:
    """Whether it is the length of the run: no milestones, and not that of an epoch or of an agent's rollout."""
    if name == "max_epochs":
        return not leaf.beside.of_agent or bool(_parts(leaf.key) & {"max", "total"})
    of_model = not frozenset({"model", "net", "network"}).isdisjoint(leaf.sections) and leaf.key == "steps"
    of_part = leaf.beside.of_agent or "gamma" in leaf.beside or any("epoch" in key for key in leaf.beside)
    return not isinstance(leaf.value, list) and not of_model and not (of_part and leaf.key in {"num_steps", "n_steps"})


def _is_warmup(name: str, leaf: _Leaf) -> bool:
    """Whether a number can be this part of a warm-up: `warmup` alone may be steps or a share, by its size.

    So may `warmup_steps` of transformers 5; elsewhere 0.1 steps are a slip.
    """
    text = isinstance(leaf.value, str) and is_written_number(leaf.value)
    value = number_of(leaf.value) if text else leaf.value
    if not is_number(value):
        return True
    if leaf.key == "warmup_steps" and "num_train_epochs" not in leaf.beside:
        return name == "warmup_steps"
    if leaf.key in {"warmup", "warm_up", "warmup_steps"}:
        return (0 < value < 1) == (name == "warmup_ratio")
    rate = _parts(leaf.key) >= {"lr", "warmup"} and not re.search("step|iter|update|epoch", leaf.key)
    return not rate or name == "warmup_ratio" or (value >= MANY if name == "warmup_steps" else value < 1)


_AGREES: Mapping[str, Callable[[str, _Leaf], bool]] = {
    "early_stopping_patience": _is_patience,
    "plateau_patience": _is_patience,
    # A `step_size` is how far a step goes: a schedule that goes down in stairs has one of steps or epochs.
    "learning_rate": lambda _, leaf: leaf.key not in {"step_size", "stepsize"} or isinstance(leaf.value, float),
    "max_steps": _is_length,
    "max_epochs": _is_length,
    # Adafactor has a `clip_threshold` of its own, which bounds no norm.
    "grad_clip_norm": lambda _, leaf: (
        "threshold" not in leaf.key or "adafactor" not in " ".join(map(str, leaf.beside.values())).lower()
    ),
    # A bare `eps` may be that of a layer, a bare `decay_rate` that of RMSprop or of a moving average.
    "eps": lambda _, leaf: leaf.key != "eps" or any(re.fullmatch(_OF_OPTIMIZER, key) for key in leaf.beside),
    "lr_decay": lambda _, leaf: (
        (leaf.key != "decay_rate" or any(re.search("decay_(step|epoch)", k) for k in leaf.beside))
        and not (is_number(leaf.value) and leaf.value > 1)
    ),
    # The folder that checkpoints are written to is often called their path.
    "resume": lambda _, leaf: (
        not leaf.key.endswith("_path")
        or not isinstance(leaf.value, str)
        or re.search(r"\.\w+$", leaf.value) is not None
    ),
    "warmup_steps": _is_warmup,
    "warmup_ratio": _is_warmup,
    "warmup_init_lr": _is_warmup,
}
"""What else must hold for a key to be this hyperparameter."""


def _unit(name: str, leaf: _Leaf) -> str | None:
    """The unit that follows from the key or the size of the value; None where neither says it."""
    unit = HYPERPARAMETERS[name].unit
    many = isinstance(leaf.value, int) and leaf.value >= MANY
    if name == "batch_size":
        counted = next((str(value) for key, value in leaf.beside.items() if re.fullmatch(r"batch\w*_type", key)), "")
        token = re.search("token|frame|bin", counted)
        return f"{token[0]}s" if token else AN_UPDATE if re.search("global|effective|total", leaf.key) else unit
    if name == "early_stopping_patience" and many:
        return None  # so many may be steps
    if name == "max_steps":
        agent = "timestep" in leaf.key or (leaf.beside.of_agent and "update" not in leaf.key)
        return ENVIRONMENT_STEPS if agent else unit
    if unit != "steps":
        return unit
    if "epoch" in leaf.key:
        return "epochs"
    step = re.search("step|iter|update|batch|print", leaf.key)
    known = step or name in {"decay_steps", "disc_start", "iters_per_epoch"}
    return "steps" if known or many or (name == "warmup_steps" and leaf.value == 0) else None
