"""Every rule that ttsdoc knows. A check is registered by lying in one of the folders here.

`run/` judges logs, `config/` a config before anyone trains, `dataset/` the clips, `trainer/` what a trainer reads.
Another package brings its own through the entry point `ttsdoc.checks`: a check, or a module that holds some.
"""

from __future__ import annotations

import inspect
import pkgutil
from abc import ABCMeta
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from types import ModuleType

from diagnose.checks.base import About, Check
from diagnose.errors import ConfigError, did_you_mean
from diagnose.facts import Facts
from diagnose.project import plugins

PLUGINS = "ttsdoc.checks"


@cache
def every_check() -> tuple[Check, ...]:
    """All checks with their default thresholds, ordered by code. Raises ConfigError for a plug-in that is none."""
    shipped = [check for about in About for check in _shipped(about)]
    return tuple(sorted([*shipped, *_plugged_in({check.code for check in shipped})], key=lambda check: check.code))


def checks_for(facts: Facts) -> tuple[Check, ...]:
    """Those of `every_check()` that apply. What judges a config, data set or trainer is imported where there is one."""
    if plugins(PLUGINS):
        return tuple(check for check in every_check() if check.applies(facts))
    known = [about for about in About if about is About.RUN or about.is_known(facts)]
    shipped = [check for about in known for check in _shipped(about)]
    return tuple(sorted((check for check in shipped if check.applies(facts)), key=lambda check: check.code))


@cache
def _shipped(about: About) -> tuple[Check, ...]:
    """The checks in the folder of this name."""
    package = import_module(f"{__name__}.{about.value}")
    names = [info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_")]
    return tuple(check for name in names for check in _in_module(import_module(f"{package.__name__}.{name}")))


def _in_module(module: ModuleType) -> Iterator[Check]:
    for _, member in inspect.getmembers(module):
        if _is_check(member) and member.__module__ == module.__name__:
            yield member()


def _is_check(member: object) -> bool:
    # Python 3.10 takes `tuple[int, int]` for a class; an abstract base class's kind is only a class's.
    return isinstance(member, ABCMeta) and issubclass(member, Check) and not inspect.isabstract(member)


def _plugged_in(taken: set[str]) -> Iterator[Check]:
    """The checks of other packages."""
    for entry in plugins(PLUGINS):
        try:
            found = entry.load()
            checks = list(_in_module(found)) if isinstance(found, ModuleType) else [found()] if _is_check(found) else []
        except Exception as error:  # another package's fault: said, with its name
            raise ConfigError(f"plug-in {entry.name} ({entry.value}): {type(error).__name__}: {error}") from None
        if not checks or taken & {check.code for check in checks}:
            reason = "no check in it" if not checks else f"code {checks[0].code} is taken"
            raise ConfigError(f"plug-in {entry.name} ({entry.value}): {reason}")
        taken |= {check.code for check in checks}
        yield from checks


def chosen_checks(
    select: Collection[str] = (), ignore: Collection[str] = (), thresholds: Mapping[str, Mapping[str, float]] = {}
) -> tuple[Check, ...]:
    """The checks to ask: codes, names or beginnings of codes; with thresholds by code or name.

    Raises ConfigError for a name that fits no check and a threshold that a check does not have.
    """
    wanted = [check for check in every_check() if not select or _fits(check, select)]
    for name in (*select, *ignore, *thresholds):
        if not any(_fits(check, [name]) for check in every_check()):
            raise ConfigError(f"no check is called {name!r}{did_you_mean(name, _names())}")
    kept = [check for check in wanted if not _fits(check, ignore)]
    return tuple(_tuned(check, thresholds) for check in kept)


def _fits(check: Check, names: Iterable[str]) -> bool:
    return any(check.name == name.lower() or check.code.startswith(name.upper()) for name in names)


def _names() -> list[str]:
    return [name for check in every_check() for name in (check.code, check.name)]


def _tuned(check: Check, thresholds: Mapping[str, Mapping[str, float]]) -> Check:
    own = {key: value for name in (check.code, check.name) for key, value in thresholds.get(name, {}).items()}
    known = check.thresholds()
    for key in own:
        if key not in known:
            raise ConfigError(f"{check.name} has no threshold {key!r}; it has {', '.join(known) or 'none'}")
    return check.tuned({key: type(known[key])(value) for key, value in own.items()})
