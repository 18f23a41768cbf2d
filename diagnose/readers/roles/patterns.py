"""Curves beside the losses by their names: rates, norms, times, memory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from diagnose.readers.roles.languages import in_english
from diagnose.regex import regex
from diagnose.run import Role

_LEARNING_RATE = (
    r"(?:^|[/_. :-])(?:lr|lrate|learning[_. ]?rate|current[_ ]lr|base[_ ]lr)"
    r"(?:[-_/ .]?(?:adamw?|sgd|group|pg|abs|step|epoch)?[-_]?\d*){0,3}$|^lr-\w+(?:/pg\d+)?$|^optim\d+_lr\d+$"
)
_GRAD_NORM = (
    r"grad(?:ient)?s?[_. /-]?(?:\d\.\d_)?(?:l2_?)?norm|^norm$|(?:^|[/_])gnorm$|^grad_(?:2\.0_norm_total|max|mean)$"
)
_STEP_TIME = (
    r"(?:^|/)(?:(?:step|batch)_?time(?:_ms|_s)?|iter_?time|train_step_timing(?: in s)?|[sm]?s/(?:b|it|iter|batch)|"
    r"sec/step|dt|seconds_per_step)$"
)
_LOADER_TIME = (
    r"(?:^|[/_ ])(?:(?:data_?)?load(?:er|ing)?|dataload(?:er|ing)?|data|reader|batch_load)[_ ]?(?:wait[_ ]?)?"
    r"(?:time|timing|ms|sec|seconds|s)(?:[_ ](?:ms|s))?$|^data_wait$"
)
_GPU_UTIL = (
    r"(?:^|[/_ .])gpu[_ ./-]?\d*[_ ./-]?(?:util(?:i[sz]ation)?|usage|load)(?:[_ ]?\(?(?:pct|percent|%)\)?)?$"
    r"|^system[/.]gpu\.\d+\.gpu$"
)
_MEMORY = (
    r"(?:^|[/_ .])(?:(?:gpu|cuda|peak|max|vram)[_ ./-]?)*(?:mem(?:ory)?|vram)"
    r"(?:[_ ./-]?\(?(?:gib|gb|mib|mb|allocated|reserved|used|peak|usage|util)\)?)*$"
    r"|^system[/.]gpu\.\d+\.memoryAllocatedBytes$"
)
_CLIPPED = r"(?:^|[/_])(?:clip(?:ped)?_?(?:share|frac(?:tion)?|ratio|pct)|clip)$"
_EPOCH = r"^(?:train/)?epochs?$"

_PATTERNS: tuple[tuple[Role, re.Pattern[str]], ...] = tuple(
    (role, regex(pattern, re.IGNORECASE))
    for role, pattern in (
        (Role.LEARNING_RATE, _LEARNING_RATE),
        (Role.GRAD_NORM, _GRAD_NORM),
        (Role.STEP_TIME, _STEP_TIME),
        (Role.LOADER_TIME, _LOADER_TIME),
        (Role.GPU_UTIL, _GPU_UTIL),
        (Role.MEMORY, _MEMORY),
        (Role.CLIPPED_SHARE, _CLIPPED),
        (Role.EPOCH, _EPOCH),
    )
)


def beside_the_losses(tags: Iterable[str], taken: Iterable[Role]) -> dict[Role, str]:
    """Role -> the tag that plays it, for roles that are not taken yet."""
    english = {tag: in_english(tag) for tag in tags}
    found: dict[Role, str] = {}
    for role, pattern in _PATTERNS:
        named = [tag for tag, name in english.items() if pattern.search(name) and tag not in found.values()]
        if named and role not in taken:
            found[role] = _plainest(named)
    if Role.LOADER_TIME in found and "time" in english and Role.STEP_TIME not in {*found, *taken}:
        found[Role.STEP_TIME] = "time"  # MMEngine: of the iteration, beside `data_time`
    return found


def _plainest(tags: Sequence[str]) -> str:
    """The first tag, but the generator's before the discriminator's (Coqui: 1 before 0)."""
    generator = [tag for tag in tags if re.search(r"_1$|_g$|/g$", tag)]
    discriminator = [tag for tag in tags if re.search(r"_0$|_d$|/d$", tag)]
    return generator[0] if generator and discriminator else tags[0]
