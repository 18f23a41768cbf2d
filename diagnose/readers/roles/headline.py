"""The headline: the one training loss and the one validation loss that represent a run, by a rule that is reported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from diagnose.readers.roles.families import ENOUGH_EPOCHS
from diagnose.readers.roles.tags import ADVERSARY, PARTS, RECONSTRUCTION, Reading, read_tag
from diagnose.run import Axis, Curve, Role

ALIKE = 2.0
"""Factor within which the loss of a named set must agree with the training loss. Source: our choice: sets differ by
less at the same step, parts and units of a loss by more."""
ADVERSARIAL = (
    "is adversarial, so its level and course say nothing of health: "
    "log the generator's reconstruction loss (mel, L1, cycle) to have the training judged"
)
"""What the note says of a GAN without a loss that can be judged."""
SPEECH = frozenset({"mel", "spec", "spectrogram"})
"""Parts that say more of a model that speaks than its pitch, energy and durations do."""
# A loss of so few points is no course while another has so many, and while another has many more.
_TOO_FEW, _PLENTY = 4, 10
_NO_COURSE, _MANY = 8, 80
# Epoch means that are fewer than the single steps by less than this factor show as much, with less noise; some must be.
_FEWER, _FEW_EPOCHS = 2.5, 5

Curves = Mapping[str, Curve]


@dataclass
class Headline:
    """Which tags were taken, and why."""

    chosen: dict[Role, str] = field(default_factory=dict)
    unjudged: str | None = None
    """An adversarial loss that was not taken."""
    other_unit: str | None = None
    """A validation loss that compares with no training loss."""


def complete(headline: Headline, readings: Sequence[Reading], curves: Curves, *, look_for_val: bool) -> None:
    """Choose the losses that are not chosen yet. `readings`: of the tags that play no role."""
    free = list(readings)
    if Role.TRAIN_LOSS not in headline.chosen:
        train = best(_training(free, curves), curves)
        if train is not None:
            train, headline.unjudged = _reconstruction(train, free, curves)
            if train is None:
                free = [reading for reading in free if not reading.of_generator]
            else:
                headline.chosen[Role.TRAIN_LOSS] = train.tag
    if Role.VAL_LOSS not in headline.chosen and look_for_val:
        _pair_up(headline, free, curves)


def _training(readings: Iterable[Reading], curves: Curves) -> list[Reading]:
    return losses([reading for reading in readings if reading.split in {"", "train"}], curves)


def losses(readings: Iterable[Reading], curves: Curves) -> list[Reading]:
    """Those that are losses; one of a few points (the mean at the end of a HF run) only where nothing else is.

    Training and held-out losses each by themselves: `Val: 5794` once is no loss beside twenty evaluations.
    """
    found = [reading for reading in readings if reading.lossy and not reading.never and not _counts(reading, curves)]
    kept = []
    for held_out in (False, True):
        same = [reading for reading in found if reading.held_out is held_out]
        most = max((len(curves[reading.tag]) for reading in same), default=0)
        fewest = _NO_COURSE if most >= _MANY else _TOO_FEW if most >= _PLENTY else 2 if most >= 5 else 1
        kept += [reading for reading in same if len(curves[reading.tag]) >= fewest]
    return kept


def _counts(reading: Reading, curves: Curves) -> bool:
    """Whether it is how many there are: `epoch:7(total:2000)`."""
    values = curves[reading.tag].values
    return reading.words == ("total",) and bool(np.isfinite(values).all()) and not (values % 1).any()


def best(found: Sequence[Reading], curves: Curves) -> Reading | None:
    """A loss before a part that keeps the model in shape, a loss before a perplexity, few foreign words before many.

    Among equals the one whose course is easiest to judge.
    """
    if not found:
        return None
    least = min(_rank(reading, curves) for reading in found)
    equals = [reading for reading in found if _rank(reading, curves) == least]
    equals = _sums(equals, curves) or equals
    longest = max(len(curves[reading.tag]) for reading in equals)
    return max(equals, key=lambda reading: _worth(reading, curves[reading.tag], longest))


def _rank(reading: Reading, curves: Curves) -> tuple[bool, bool, int, int]:
    return reading.secondary, _is_constant(curves[reading.tag]), -reading.lossy, len(reading.parts)


def _sums(readings: Sequence[Reading], curves: Curves) -> list[Reading]:
    """Those that are the sum of all the others, whatever they are called: `joint`, `combined`."""
    values = [curves[reading.tag].values for reading in readings]
    if len(values) < 3 or len({*map(len, values)}) > 1:
        return []
    doubled = np.sum(values, axis=0)  # the sum, and its parts once more
    return [one for one, own in zip(readings, values, strict=True) if np.allclose(2 * own, doubled, rtol=5e-4, atol=0)]


def _is_constant(curve: Curve) -> bool:
    values = curve.values
    return len(values) >= _PLENTY and bool((values == values[0]).all()) and bool(values[0])


def _worth(reading: Reading, curve: Curve, longest: int) -> tuple[int, bool, bool, int, bool, int, bool]:
    """Long enough, epoch means before single steps, totals, speech, running means of evaluations alone, named so, long.

    What is called a validation loss before what is logged within an evaluation.
    """
    by_epoch = curve.axis is Axis.EPOCH or "epoch" in reading.words
    enough = min(ENOUGH_EPOCHS, longest, max(_FEW_EPOCHS, longest / _FEWER))
    course = (1 if reading.single else 3 if by_epoch else 2) if len(curve) >= enough else 0
    within = reading.tag.startswith("val/")
    speech = bool(SPEECH & reading.parts)
    return course, reading.whole, speech, reading.plainness, reading.split == "train", len(curve), not within


def why(train: Reading, readings: Sequence[Reading], curves: Curves) -> str:
    """The rule by which this training loss represents the run; empty where there was nothing to choose."""
    rivals = [reading for reading in _training(readings, curves) if reading.tag != train.tag]
    if not rivals:
        return ""
    if any(reading.of_generator for reading in readings) and RECONSTRUCTION.search(train.tag):
        return "of an adversarial model the reconstruction"
    better = best(rivals, curves)
    if better is not None and _rank(better, curves) < _rank(train, curves):
        held_out = any(reading.held_out and _same_unit(reading, train) for reading in readings)
        return f"it has a validation loss in its unit, `{better.tag}` has none" if held_out else ""
    alike = [rival for rival in rivals if _rank(rival, curves) == _rank(train, curves)]
    total = train.whole and any(not rival.whole for rival in rivals)
    if total or train in _sums([train, *alike], curves):
        return "the total" if total else "the sum of the others"
    if all(_rank(train, curves) < _rank(rival, curves) for rival in rivals):
        return "the others are parts of it or in other units"
    return "of losses alike the one whose course is easiest to judge"


def _reconstruction(train: Reading, free: Sequence[Reading], curves: Curves) -> tuple[Reading | None, str | None]:
    """Of a GAN the reconstruction loss; without one nothing is judged, and the tag that is not is named.

    Generator and discriminator lose to each other: the level and the course of what they log say nothing of health
    (Goodfellow 2016, "NIPS 2016 Tutorial: Generative Adversarial Networks", section 7). NaN does.
    """
    rivals = any(reading.lossy and ADVERSARY.intersection(reading.words) for reading in free)
    if not rivals or not train.of_generator or not np.isfinite(curves[train.tag].values).all():
        return train, None
    part = best([r for r in _training(free, curves) if RECONSTRUCTION.search(r.tag)], curves)
    return (part, None) if part is not None else (None, train.tag)


def _pair_up(headline: Headline, free: Sequence[Reading], curves: Curves) -> None:
    """Take the validation loss in the unit of the training loss; else the training loss that has one in its unit.

    A validation loss that compares with no training loss is named, and not taken.
    """
    held_out = losses([reading for reading in free if reading.held_out], curves)
    held_out = [reading for reading in held_out if reading.split == "val"] or held_out
    if not held_out:
        return
    tag = headline.chosen.get(Role.TRAIN_LOSS)
    train = next((reading for reading in free if reading.tag == tag), None)
    if tag is None:
        headline.chosen[Role.VAL_LOSS] = _first(best(held_out, curves))
        return
    named = train is None  # by the user, the family or the format
    train = train or read_tag(tag)
    same = [reading for reading in held_out if _same_unit(reading, train)]
    same = same or [reading for reading in held_out if _of_a_set(reading, train, free, curves)]
    if same:
        headline.chosen[Role.VAL_LOSS] = _first(best(same, curves))
        return
    pair = None if named else _other_pair(train, held_out, free, curves)
    if pair is None:
        headline.other_unit = _first(best(held_out, curves))
        return
    headline.chosen |= {Role.TRAIN_LOSS: pair[0].tag, Role.VAL_LOSS: pair[1].tag}


def _first(reading: Reading | None) -> str:
    assert reading is not None
    return reading.tag


def _same_unit(one: Reading, other: Reading) -> bool:
    return one.parts == other.parts and one.lossy == other.lossy


def _other_pair(
    train: Reading, held_out: Sequence[Reading], free: Sequence[Reading], curves: Curves
) -> tuple[Reading, Reading] | None:
    """A training loss and a validation loss in one unit, both long enough to be judged instead."""
    enough = min(ENOUGH_EPOCHS, len(curves[train.tag]))
    found = [
        (other, [val for val in held_out if _same_unit(val, other)])
        for other in _training(free, curves)
        if len(curves[other.tag]) >= enough and other.lossy >= min(train.lossy, 2)  # no error rate for a loss
    ]
    there = {other.tag: best(vals, curves) for other, vals in found if vals}
    chosen = best([other for other, vals in found if vals], curves)
    val = there.get(chosen.tag) if chosen is not None else None
    return (chosen, val) if chosen is not None and val is not None else None


def _of_a_set(val: Reading, train: Reading, free: Sequence[Reading], curves: Curves) -> bool:
    """Whether the words that the training loss lacks can only be the name of a held-out set: the losses are alike."""
    extra = val.parts - train.parts
    trained = [other for other in free if not other.held_out]
    parts = PARTS.union(*(other.parts for other in trained))
    # `loss` of an evaluation: of the one loss that is trained on.
    unnamed = not val.parts and all(other.tag == train.tag for other in trained if other.lossy)
    if val.lossy != train.lossy or not (train.parts <= val.parts or unnamed) or extra & parts:
        return False
    return alike(curves[train.tag], curves[val.tag])


def alike(train: Curve, val: Curve) -> bool:
    """Whether two losses agree while the training is young: later on a model that overfits has them far apart."""
    ours, theirs = train.finite, val.finite
    if not len(ours) or not len(theirs) or ours.values.min() <= 0 or theirs.values.min() <= 0:
        return False
    if ours.axis is theirs.axis:
        before = np.interp(theirs.steps, ours.steps, ours.values)
    else:  # both over the whole log
        before = np.interp(np.linspace(0, 1, len(theirs)), np.linspace(0, 1, len(ours)), ours.values)
    first = max(1, len(theirs) // 3)
    return bool(abs(np.log(np.median(theirs.values[:first] / before[:first]))) <= np.log(ALIKE))
