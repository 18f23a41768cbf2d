"""A new value in the type and the unit in which the file has the old one."""

from __future__ import annotations

import math

from diagnose.config.edit import EditError
from diagnose.config.hyperparameters import HYPERPARAMETERS, Kind
from diagnose.config.node import COMPUTED, Scalar, dotted
from diagnose.config.reading import Site
from diagnose.config.units import SHARE_OF_EPOCH, SHARE_OF_RUN, Clock
from diagnose.numbers import PlainValue, is_number


def share_of(name: str, value: PlainValue, site: Site, first: Site) -> PlainValue:
    """What a copy gets: the new value, or its share of it where the two differ on purpose (200 epochs and then 100)."""
    if site.value == first.value or site.unit != first.unit or not is_number(value):
        return value
    if not is_number(site.value) or not is_number(first.value) or not first.value or not site.value:
        return value
    scaled: float = value * site.value / first.value
    return max(1, round(scaled)) if HYPERPARAMETERS[name].kind is Kind.COUNT else scaled


def unwritable(scalar: Scalar) -> str | None:
    """Why this scalar cannot be replaced by a plain value."""
    if scalar.value == "???":
        return "is `???`: the command line gives it"
    if scalar.tag == COMPUTED:
        return "is calculated from other names"
    if scalar.tag is not None and not scalar.tag.startswith("tag:yaml.org,2002:"):
        return f"carries the tag {scalar.tag}"
    if isinstance(scalar.value, str) and "${" in scalar.value:
        return f"is computed from other keys: {scalar.value:.60}"
    return None


def says(scalar: Scalar, value: PlainValue) -> bool:
    """Whether the trainer already gets this value from the file."""
    if isinstance(scalar.value, str) and not isinstance(value, str):
        return False
    return bool(scalar.value == value) and isinstance(scalar.value, bool) == isinstance(value, bool)


def plain_value(name: str, value: PlainValue) -> PlainValue:
    """`value`, or one member of a list, in the type of the hyperparameter. Raises EditError where it has another."""
    kind = HYPERPARAMETERS[name].kind
    if kind is Kind.CHOICE:
        return value
    if kind is Kind.SWITCH and isinstance(value, bool):
        return value
    if isinstance(value, bool | str) or not math.isfinite(value):
        raise EditError(f"{value!r:.60} is not a number that can be written")
    if kind in {Kind.RATE, Kind.LIST}:
        return float(f"{value:.12g}")  # without the dust of binary arithmetic: 0.3 * 3e-4 is 9e-05
    if float(value) != int(value):
        raise EditError(f"{value} is not a whole number")
    return int(value)


def in_unit(name: str, value: PlainValue, unit: str | None, clock: Clock) -> PlainValue:
    """`value`, given in the canonical unit, in the unit of the file. Raises UnitError."""
    hyperparameter = HYPERPARAMETERS[name]
    # A number of steps is as good to the frameworks that take a share of the run.
    if hyperparameter.unit is None or unit in {None, SHARE_OF_RUN}:
        return value
    converted = clock.convert(float(value), hyperparameter.unit, str(unit))
    return converted if unit == SHARE_OF_EPOCH or hyperparameter.kind is Kind.RATE else round(converted)


def typed(name: str, value: PlainValue, clock: Clock, site: Site, scalar: Scalar) -> PlainValue:
    """`value` in the unit of the place and the type of its scalar. Raises EditError, UnitError."""
    hyperparameter = HYPERPARAMETERS[name]
    new = plain_value(name, value)
    if hyperparameter.kind is Kind.CHOICE:
        if site.value is not None and type(value) is not type(site.value):
            raise EditError(f"the file says {site.value!r:.40}, which is another kind of value than {value!r:.40}")
        return new
    if hyperparameter.unit == "steps" and site.unit is None:
        raise EditError(f"whether {dotted(site.path)} counts steps or epochs is not known")
    new = in_unit(name, new, site.unit, clock)
    was_float = isinstance(scalar.value, float)
    return float(new) if was_float and site.unit != SHARE_OF_RUN else new
