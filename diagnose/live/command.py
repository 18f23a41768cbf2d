"""The trainer's command: `{config}`, `{log_dir}`, `{resume}` and keys of the config (`{train.lr}`) in their places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from diagnose.config import Config, read_config
from diagnose.errors import TrainerError

_PLACE = re.compile(r"\{([\w.-]+)\}")
_OURS = frozenset({"config", "log_dir", "resume"})


def filled(command: Sequence[str], config: Path, logs: Path, resume: str | None) -> tuple[str, ...]:
    """The command with its placeholders filled in. Without a checkpoint, what asks for one is left out.

    A key of the config in braces becomes its value, for trainers that take arguments; any other name in braces stays.
    Raises TrainerError where the trainer would see nothing of the config, ConfigError where it cannot be read.
    """
    asked = _asked(command)
    known = dict(_leaves(read_config(config).tree())) if asked - _OURS else {}
    if "config" not in asked and not asked & known.keys():
        raise TrainerError(
            "the command has no {config}, and no key of it in braces (--lr {lr}): the trainer would never see what is "
            "changed"
        )
    places = {**known, "config": str(config), "log_dir": str(logs), "resume": resume or ""}
    words: list[str] = []
    for word in command:
        if "{resume}" in word and resume is None:
            if word == "{resume}" and words and words[-1].startswith("-"):
                words.pop()  # the option that the checkpoint was for
            continue
        words.append(_PLACE.sub(lambda found: places.get(found[1], found[0]), word))
    return tuple(words)


def parameters_in(command: Sequence[str], config: Config) -> frozenset[str] | None:
    """Canonical names of the hyperparameters that the command passes one by one; None: it passes the whole config."""
    asked = _asked(command)
    if "config" in asked:
        return None
    return frozenset(name for name, setting in config.values.items() if setting.path in asked)


def _asked(command: Sequence[str]) -> frozenset[str]:
    """The names in braces."""
    return frozenset(name for word in command for name in _PLACE.findall(word))


def _leaves(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Dotted path and value of each single value."""
    for key, value in tree.items():
        path = f"{above}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}.")
        elif isinstance(value, str | int | float):
            yield path, str(value)
