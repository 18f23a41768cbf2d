"""Which keys of a config a trainer reads, found by following its source. Nothing is executed.

A key is dead if its name is mentioned nowhere in the code that can run, or only on something that is known not to be
the key's section. Sections are followed without order: what a name is anywhere, it may be everywhere.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from diagnose.errors import SourceError
from diagnose.usage.command import trainer_in
from diagnose.usage.evaluate import EVALUATORS
from diagnose.usage.flow import Flow, TooMuchError
from diagnose.usage.frameworks import other_keys, package_of
from diagnose.usage.project import Project
from diagnose.usage.reachable import Reachable
from diagnose.usage.references import classes_of_tags
from diagnose.usage.report import KeyReport, KeyState, leaf_paths, unknown
from diagnose.usage.verdict import Judge

STACK_BYTES = 512 * 1024 * 1024  # address space, not memory: expressions in the source nest calls in here
DEEPEST_RECURSION = 20_000


def keys_read(trainer: Path, config: Mapping[str, Any], config_file: Path | None = None) -> KeyReport:
    """What `trainer` does with each key of `config`, by following its source across the project's modules.

    `trainer`: the Python file that starts the training, or the folder that it is in.
    `config_file` distinguishes the config from other files that the trainer loads. Where the config's way cannot be
    followed, keys are `unknown` with the reason. Raises SourceError where the trainer cannot be read.
    """
    trainer = trainer_in(trainer, config_file) if trainer.is_dir() else trainer
    config = nested(config) if config_file and config_file.suffix == ".py" else config
    _must_be_readable(trainer)
    named = {**config, "!": {"_target_": list(classes_of_tags(config_file).values())}}
    project = Project(trainer, config_file, named)
    if project.main is None:
        advice = "no key can be followed, none is protected; correct it or name another file"
        raise SourceError(f"{project.notes[0]}: {advice}")
    flow = Flow(project, Reachable(project, named), config, config_file.name if config_file else "", EVALUATORS)
    flow.package, flow.other_keys = package_of(project, config_file, config), other_keys(project, config_file)
    trouble = _in_deep_stack(flow.run)
    if trouble is not None:
        keys = tuple(unknown(".".join(path), trouble) for path in leaf_paths(config))
        return KeyReport(str(trainer), keys, notes=tuple(dict.fromkeys([*project.notes, trouble])))
    judge = Judge(flow, config, config_file)
    keys = tuple(judge.uses())
    reasons = {judge.lost} if judge.lost else {use.reason for use in keys}
    idle = [use for use in keys if use.state is not KeyState.UNKNOWN]
    lost = sorted(reasons) if judge.lost or (len(reasons) == 1 and not idle) else []
    return KeyReport(str(trainer), keys, judge.absent(), tuple(dict.fromkeys([*project.notes, *lost])))


def nested(config: Mapping[str, Any]) -> dict[str, Any]:
    """A flat config with `cfg.model.width` as keys, as Python files have it, in sections."""
    made: dict[str, Any] = {}
    for key, value in config.items():
        *above, name = key.split(".")
        section: Any = made
        for part in above:
            section = section.setdefault(part, {}) if isinstance(section, dict) else None
        if not isinstance(section, dict):  # below a value
            section, name = made, key
        section[name] = {**section.get(name, {}), **nested(value)} if isinstance(value, Mapping) else value
    return made


def _must_be_readable(trainer: Path) -> None:
    try:
        trainer.open("rb").close()
    except OSError as error:
        trouble = str(error.strerror or error).lower()
        raise SourceError(f"{trainer}: {trouble}; name the Python file that starts the training") from None
    if trainer.suffix not in {"", ".py"}:
        raise SourceError(f"{trainer}: not a Python file; name the one that starts the training")


def _in_deep_stack(work: Callable[[], None]) -> str | None:
    """Do the work where deep recursion is allowed; why it could not be done."""
    from concurrent.futures import ThreadPoolExecutor

    limit, size = sys.getrecursionlimit(), threading.stack_size(STACK_BYTES)
    sys.setrecursionlimit(max(limit, DEEPEST_RECURSION))
    try:
        with ThreadPoolExecutor(max_workers=1) as other:
            other.submit(work).result()
    except TooMuchError:
        return "the source is too large to follow"
    except RecursionError:
        return "the source is nested too deep to follow"
    finally:
        threading.stack_size(size)
        sys.setrecursionlimit(limit)
    return None
