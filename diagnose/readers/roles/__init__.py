"""Which curve is which: the headline losses, their components, rates, times and scores among all tags of a log.

By what the tags say, how many points they have and in which unit they are; never by the name of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

import numpy as np

from diagnose.errors import LogError
from diagnose.readers.roles.families import FAMILIES, Family, family_of, pair_of
from diagnose.readers.roles.file_names import measured_in
from diagnose.readers.roles.headline import ADVERSARIAL, Headline, alike, complete, why
from diagnose.readers.roles.languages import in_english
from diagnose.readers.roles.patterns import beside_the_losses
from diagnose.readers.roles.tags import (
    HELD_OUT,
    PARTS,
    Reading,
    letter_splits,
    losses_in,
    read_tag,
    rises,
)
from diagnose.run import SHARED_ROLES, Axis, Curve, IntArray, Role, Run

__all__ = (
    "ADVERSARIAL",
    "FAMILIES",
    "HELD_OUT",
    "NOTE",
    "assign_roles",
    "in_english",
    "losses_in",
    "measured_in",
    "read_tag",
    "rises",
    "some_of",
)

NOTE = "curves: "
"""How the note on what was taken begins."""
MOST_OTHERS = 8

_RATIOS = {"snr", "sdr"}
_LOSSES = {Role.TRAIN_LOSS, Role.VAL_LOSS}


def assign_roles(run: Run, *, train_tag: str | None = None, val_tag: str | None = None) -> Run:
    """The run with one headline curve for each role, its components, its family, and a note on what was taken.

    `train_tag` and `val_tag` are the user's own choice: a tag, or a shell pattern. Then the family decides, then
    the roles that the log's format has set, then the words of the tags. A validation loss in other units than
    the training loss (a part beside a total, bits per byte, divided by accumulation) gets no role.
    Raises LogError if a tag asked for is not there, or is asked for twice.
    """
    run = _with_bounds_negated(run)
    names = letter_splits(run.curves)
    readings = {tag: replace(read_tag(names[tag]), tag=tag) if tag in names else read_tag(tag) for tag in run.curves}
    together = losses_in(run.curves)
    readings |= {tag: one for tag, one in together.items() if not (one.lossy and readings[tag].lossy > 1)}
    readings |= {tag: replace(one, lossy=0) for tag, one in readings.items() if one.lossy == 2 and tag not in together}
    readings = _read_together(readings | _ratios_below_zero(readings, run.curves), run.curves)
    idle = [tag for tag in run.curves if _idle(readings[tag], run.curves, readings)]
    curves = {tag: curve for tag, curve in run.curves.items() if len(curve) and tag not in idle}
    family = family_of(run.family, curves)
    asked = _asked_for(run, {Role.TRAIN_LOSS: train_tag, Role.VAL_LOSS: val_tag})
    headline = _headline(curves, readings, family, asked)
    roles = {tag: role for role, tag in headline.chosen.items()}
    axis = family.val_axis if family else None
    epochs = _counted_in_epochs(curves, readings)
    settled = {tag: _settle(curve, roles.get(tag), axis, epochs) for tag, curve in run.curves.items()}
    settled = _with_components(settled, readings, idle)
    rule = _rule(headline, readings, curves, asked, family)
    note = "; ".join(filter(None, [_story(headline, rule, readings, curves), _idle_note(idle)]))
    notes = (*(text for text in run.notes if not text.startswith(NOTE)), *([NOTE + note] if note else []))
    return replace(
        run,
        curves=settled,
        family=run.family or (family.model if family else None),
        notes=notes,
        earlier=tuple(_alike(run.earlier, headline.chosen)),
    )


def _alike(launches: Sequence[Run], chosen: Mapping[Role, str]) -> Iterator[Run]:
    """Launches whose losses are those that were chosen."""
    train, val = (chosen.get(role) for role in (Role.TRAIN_LOSS, Role.VAL_LOSS))
    for one in launches:
        if train in one.curves:
            yield assign_roles(one, train_tag=train, val_tag=val if val in one.curves else None)


def _with_bounds_negated(run: Run) -> Run:
    """The run with evidence lower bounds as the losses that are their negatives: they rise as a model gets better."""
    bounds = [
        tag
        for tag, curve in run.curves.items()
        if "elbo" in read_tag(tag).words and len(curve.finite) and np.median(curve.finite.values) < 0
    ]
    if not bounds:
        return run
    negated = {tag: replace(run.curves[tag], values=-run.curves[tag].values) for tag in bounds}
    note = f"{some_of(bounds)}: a bound that rises as a model gets better; its negative, which is a loss, is shown"
    return replace(run, curves={**run.curves, **negated}, notes=(*run.notes, note))


def _ratios_below_zero(readings: Mapping[str, Reading], curves: Mapping[str, Curve]) -> dict[str, Reading]:
    """Signal to noise ratios that fall below 0 (`si-snr: -13.3`): their negatives, which are trained on, are logged."""
    ratios = {tag: curves[tag].finite.values for tag, reading in readings.items() if _RATIOS & {*reading.words}}
    fall = [tag for tag, values in ratios.items() if len(values) > 1 and values[-1] < values[0] and values.max() < 0]
    return {tag: replace(readings[tag], lossy=3, no_loss=False) for tag in fall}


def _read_together(readings: dict[str, Reading], curves: Mapping[str, Curve]) -> dict[str, Reading]:
    """The readings, `Train`, `Val` and `Test` scores where one rises, or differs from a training loss with a name.

    Without such a loss it must be `Train` that rises.
    """
    bare = {tag: reading for tag, reading in readings.items() if reading.bare}
    losses = [tag for tag, reading in readings.items() if reading.lossy == 3 and not reading.held_out]
    called = [curves[tag] for tag in losses if tag not in bare]
    plain = [curves[tag] for tag in losses if tag in bare]
    differ = called and plain and not any(alike(one, other) for one in called for other in plain)
    told = [curves[tag] for tag in bare] if called else plain
    if not differ and not any(_rises(curve, 1) for curve in told):
        return readings | _bare_tests(readings, curves, plain)
    kind = ("score",) if any(_rises(curves[tag], 100) for tag in bare) else ()
    return readings | {tag: replace(one, lossy=0, words=(*one.words, *kind)) for tag, one in bare.items()}


def _rises(curve: Curve, most: int) -> bool:
    """Whether this is a share of `most` that is lowest at its beginning: the accuracy of a model that learns."""
    values, steps = curve.finite.values, curve.finite.steps
    if len(values) < 2 or values.min() < 0 or values.max() > most:
        return False
    begins = max(int((steps == steps[0]).sum()), len(values) // 10)
    return bool(values.argmin() < begins and np.median(values[-begins:]) > values[:begins].max())


def _bare_tests(
    readings: Mapping[str, Reading], curves: Mapping[str, Curve], plain: Sequence[Curve]
) -> dict[str, Reading]:
    """`Test` as the loss that it is beside a `Train` that is one, where no other loss is held out."""
    if any(reading.lossy and reading.held_out for reading in readings.values()):
        return {}
    tests = [reading for reading in readings.values() if reading.bare and reading.split == "test"]
    near = [test for test in tests if any(alike(train, curves[test.tag]) for train in plain)]
    return {test.tag: replace(test, lossy=3) for test in near}


def _idle(reading: Reading, curves: Mapping[str, Curve], readings: Mapping[str, Reading]) -> bool:
    """Whether this is a loss of zeros that measures nothing: a held-out one, or one beside losses that are not 0."""
    curve = curves[reading.tag]
    if not reading.lossy or not len(curve) or curve.values.any():
        return False
    others = (curves[tag].values.any() for tag, other in readings.items() if other.lossy and not other.held_out)
    return reading.held_out or (len(curve) > 1 and any(others))


def _idle_note(idle: Sequence[str]) -> str:
    return f"all zeros, ignored: {some_of(idle)}" if idle else ""


def some_of(tags: Sequence[str]) -> str:
    """The first of the tags in a row, and how many more there are."""
    more = f" and {len(tags) - MOST_OTHERS} more" if len(tags) > MOST_OTHERS else ""
    return ", ".join(tags[:MOST_OTHERS]) + more


def _headline(
    curves: Mapping[str, Curve], readings: Mapping[str, Reading], family: Family | None, asked: Mapping[Role, str]
) -> Headline:
    """The tag of each role that one curve alone plays."""
    pair = pair_of(family, curves)
    headline = Headline({curve.role: tag for tag, curve in curves.items() if curve.role and _alone(curve.role)})
    if pair or asked:
        headline.chosen = {role: tag for role, tag in headline.chosen.items() if role not in _LOSSES}
    headline.chosen.update(asked or pair)
    taken = set(headline.chosen.values())
    free = {tag: reading for tag, reading in readings.items() if tag in curves and tag not in taken}
    headline.chosen |= beside_the_losses(free, headline.chosen)
    left = [reading for tag, reading in free.items() if tag not in headline.chosen.values()]
    complete(headline, left, curves, look_for_val=bool(asked) or not pair)
    return headline


def _alone(role: Role) -> bool:
    return role not in SHARED_ROLES


def _with_components(
    curves: Mapping[str, Curve], readings: Mapping[str, Reading], idle: Sequence[str]
) -> dict[str, Curve]:
    """The curves with every other loss a component, and error rates and scores with their roles."""
    labels: set[str] = set()
    named = {}
    for tag, curve in curves.items():
        reading = readings[tag]
        role = curve.role if curve.role and _alone(curve.role) else _shared_role(reading)
        known = replace(curve, role=role, component="", held_out=reading.held_out, adversarial=_adversarial(reading))
        if role in SHARED_ROLES:
            plain = replace(known, component=reading.component)
            known = plain if plain.label not in labels else replace(known, component=tag)
            known = replace(known, role=None, component="") if tag in idle else known
            labels.add(known.label)
        named[tag] = known
    return named


def _shared_role(reading: Reading) -> Role | None:
    if (reading.lossy and not reading.no_loss) or reading.sure_part:
        return Role.VAL_COMPONENT if reading.held_out else Role.TRAIN_COMPONENT
    rising = rises(reading)
    return None if rising is None else Role.SCORE if rising else Role.ERROR_RATE


def _adversarial(reading: Reading) -> bool:
    """A generator's KL or duration is a measure of its own, whoever it plays against.

    Of a part without the word loss (`duration`) no more is sure than that NaN in it is a fault.
    """
    total = reading.of_generator and not reading.parts & PARTS
    return (bool(reading.lossy) and (reading.adversarial or total)) or (not reading.lossy and reading.sure_part)


def _counted_in_epochs(curves: Mapping[str, Curve], readings: Mapping[str, Reading]) -> IntArray | None:
    """The steps 1, 2, 3, ... (or from 0) of a curve whose tag says that they are epochs: `Loss/train_epoch`."""
    for tag, curve in curves.items():
        steps = curve.steps
        if "epoch" not in readings[tag].words or readings[tag].single or len(steps) < 2:
            continue
        if steps[0] in {0, 1} and (np.diff(steps) == 1).all():
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
    there = some_of(list(run.curves)) or "none"
    raise LogError(f"{run.source}: no curve is called {pattern!r}; there are: {there}")


def _rule(
    headline: Headline,
    readings: Mapping[str, Reading],
    curves: Mapping[str, Curve],
    asked: Mapping[Role, str],
    family: Family | None,
) -> str:
    """Why this training loss represents the run."""
    tag = headline.chosen.get(Role.TRAIN_LOSS)
    if tag is None or Role.TRAIN_LOSS in asked:
        return "" if tag is None else "as you said"
    if family is not None and tag == pair_of(family, curves).get(Role.TRAIN_LOSS):
        return f"in which {family.name} shows that it learns"
    return why(readings[tag], [reading for other, reading in readings.items() if other in curves], curves)


def _story(headline: Headline, rule: str, readings: Mapping[str, Reading], curves: Mapping[str, Curve]) -> str:
    """One line: what was taken by which rule, what else was there."""
    parts = []
    chosen = headline.chosen
    if Role.TRAIN_LOSS in chosen:
        parts.append(f"training loss is `{chosen[Role.TRAIN_LOSS]}`" + (f" ({rule})" if rule else ""))
    if headline.unjudged is not None:
        parts.append(f"`{headline.unjudged}` {ADVERSARIAL}")
    if Role.VAL_LOSS in chosen:
        parts.append(f"validation loss is `{chosen[Role.VAL_LOSS]}`")
    elif headline.other_unit is not None:
        parts.append(f"`{headline.other_unit}` is in other units than the training loss and is not compared with it")
    taken = {*chosen.values(), headline.other_unit}
    others = [tag for tag in curves if readings[tag].lossy and tag not in taken]
    if others and parts:
        parts.append(f"also there: {some_of(others)}")
    return "; ".join(parts)
