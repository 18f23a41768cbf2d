"""A run in its surroundings: the config that made it, the data set it learnt from, the logs that a config names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from diagnose.config import Config, ConfigError, read_config
from diagnose.examine import examine
from diagnose.finding import Diagnosis
from diagnose.metadata import samples_of
from diagnose.names import FAMILIES, assign_roles
from diagnose.prescribe import Plan, plan
from diagnose.readers import runs
from diagnose.run import Axis, Dataset, LogError, Run
from diagnose.targets import tables

CONFIG_SUFFIXES = (".yaml", ".yml", ".json")
# A training config is a few kilobytes; tokenizers, manifests and model indexes with the same suffix are larger.
LARGEST_CONFIG = 262_144
# Folders above a log in which its config may stand: run/version_0/checkpoints/.. is as deep as trainers go.
LEVELS_UP = 2
MOST_CONFIGS = 20
# The names that trainers give to the log of the run whose folder it lies in.
LOG_FILE = re.compile(r"events\.out\.tfevents\.|metrics\.(?:csv|jsonl)$|trainer_state\.json$|trainer_0_log\.txt$")


@dataclass(frozen=True, slots=True)
class Known:
    """What the user told about a run; None: find out."""

    config: Path | None = None
    samples: int | None = None
    family: str | None = None
    train_tag: str | None = None
    val_tag: str | None = None
    horizon: int | None = None
    axis: Axis | None = None
    """What to count by, where the log tells more than one."""

    def __post_init__(self) -> None:
        """Refuse a family that nothing here knows: it would silently have no target. Raises LogError."""
        if self.family is not None and self.family not in families():
            raise LogError(f"no model family is called {self.family!r}; there are: {', '.join(families())}")


def families() -> list[str]:
    """The names by which a user can tell a model family."""
    named = {name for family in FAMILIES for name in (family.name, family.model) if name}
    return sorted(named | tables().keys())


def analyze(path: str | Path, known: Known = Known()) -> list[Diagnosis]:
    """Diagnose every run at `path` (a log, a folder, a tree). Pure: maps over any pool.

    Raises LogError or ConfigError, in one line, where nothing can be read.
    """
    return [judge(run, known) for run in runs(path)]


def judge(run: Run, known: Known) -> Diagnosis:
    """The diagnosis of one run in its surroundings."""
    config = read_config(known.config) if known.config else config_near(run)
    return examine(furnish(run, known, config), horizon=known.horizon)


def furnish(run: Run, known: Known, config: Config | None) -> Run:
    """The run with its family, hyperparameters and data set, where the user or the config tells them."""
    if config is not None:
        values = {name: setting.value for name, setting in config.values.items()}
        notes = (*run.notes, f"config: {config.source} ({config.dialect})")
        run = replace(run, config=values, notes=notes, family=run.family or config.family)
    samples = known.samples or run.dataset.samples or (samples_named_by(config) if config else None)
    run = replace(run, family=known.family or run.family, dataset=Dataset(samples, run.dataset.minutes))
    if known.axis is not None:
        run = replace(run, curves={tag: curve.along(known.axis) for tag, curve in run.curves.items()})
    if known.train_tag or known.val_tag or known.family:
        return assign_roles(run, train_tag=known.train_tag, val_tag=known.val_tag)
    return run


def config_near(run: Run) -> Config | None:
    """The training config that stands beside a log, or above it and names the log's folder as its `log_dir`.

    Of several (the config, and the corrected one) it is the one whose learning rate was logged; else none.
    """
    source = Path(run.source)
    folder = (source if source.is_dir() else source.parent).resolve()
    if not source.exists():
        return None
    for level, place in enumerate([folder, *folder.parents[:LEVELS_UP]]):
        found = [config for config in _configs_in(place) if level == 0 or _logs_to(config, folder)]
        if len(found) > 1:
            found = [config for config in found if _rate_was_logged(config, run)]
        if len(found) == 1:
            return found[0]
    return None


def _rate_was_logged(config: Config, run: Run) -> bool:
    """Whether the highest learning rate in the log is the config's, within what rounding in a log loses."""
    logged, rate = run.peak_logged_rate, config.value("learning_rate")
    return logged is not None and isinstance(rate, float) and abs(logged - rate) <= 0.01 * rate


def _configs_in(folder: Path) -> Iterator[Config]:
    files = sorted(path for path in folder.iterdir() if path.suffix in CONFIG_SUFFIXES and path.is_file())
    for path in files[:MOST_CONFIGS]:
        if path.stat().st_size > LARGEST_CONFIG:
            continue
        try:
            config = read_config(_shown(path))
        except ConfigError:
            continue
        if config.training:
            yield config


def _shown(path: Path) -> Path:
    """The path as a person at the current folder would type it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _logs_to(config: Config, folder: Path) -> bool:
    """Whether the config's `log_dir` is the folder or holds it."""
    return any(folder.is_relative_to(place.resolve()) for place in places_of(config, "log_dir"))


def places_of(config: Config, parameter: str) -> list[Path]:
    """The file or folder that the config's value names: beside the config, else above it, else from here."""
    value = config.value(parameter)
    if not isinstance(value, str) or not value:
        return []
    value = str(Path(value).expanduser())
    here = Path(config.source).resolve().parent
    candidates = [here / value, here.parent / value, Path(value)]
    return [_shown(path.resolve()) for path in candidates if path.exists()][:1]


def samples_named_by(config: Config) -> int | None:
    """The clips in the data set that the config names, where it is on this machine."""
    for place in places_of(config, "dataset"):
        samples = samples_of(place)
        if samples:
            return samples
    return None


@dataclass(frozen=True, eq=False)
class Case:
    """A config, the run that it made, and the keys that its trainer never reads."""

    config: Config
    run: Run
    dead: dict[str, str]
    """Canonical name -> the evidence that its key is never read."""


def case_of(
    config_path: Path,
    *,
    logs: Iterable[Path] = (),
    known: Known = Known(),
    trainer: Path | None = None,
    dialect: Path | None = None,
) -> Case:
    """The case around a config. Logs: those given, else those beside it, else those that its `log_dir` names.

    Trainers put the config of a run beside its log; a `log_dir` may hold many runs.

    Raises ConfigError or LogError, in one line, for what the user can repair.
    """
    config = read_config(config_path, dialect=dialect)
    if not config.training:
        raise ConfigError(f"{config.source}: no training hyperparameters here, nothing to fix")
    places = list(logs) or _log_folder(config) or places_of(config, "log_dir")
    found = [run for place in places for run in _runs_or_none(place, must=bool(list(logs)))]
    made = [run for run in found if _rate_was_logged(config, run)]
    run = max(made or found, key=_last_moment) if found else Run(config_path.stem, config.source, "config", {})
    if len(found) > 1:
        run = replace(run, notes=(*run.notes, f"the latest of {len(found)} runs is judged"))
    return Case(config, furnish(run, known, config), _dead_keys(config, trainer))


def _log_folder(config: Config) -> list[Path]:
    """The config's own folder, where it is a run's: event files or a trainer's metrics lie in it."""
    folder = Path(config.source).resolve().parent
    return [_shown(folder)] if any(LOG_FILE.match(path.name) for path in folder.iterdir()) else []


def _runs_or_none(place: Path, *, must: bool) -> list[Run]:
    try:
        return list(runs(place))
    except LogError:
        if must:
            raise
        return []


def _last_moment(run: Run) -> float:
    """When the run last wrote, seconds since 1970: its wall times, else its files' times."""
    ends = [curve.wall_times[-1] for curve in run.curves.values() if curve.wall_times is not None and len(curve)]
    logged = [moment for moment in ends if np.isfinite(moment)]
    touched = [Path(file).stat().st_mtime for file in run.sources if Path(file).exists()]
    return float(max(logged or touched or [0.0]))


def _dead_keys(config: Config, trainer: Path | None) -> dict[str, str]:
    """Canonical name -> evidence, by reading the trainer's source; empty without a trainer.

    Where none is given, it is the one that a README, a Makefile or a script starts with this config.
    """
    from diagnose.keyflow.command import command_beside
    from diagnose.keyflow.report import advice, sentence
    from diagnose.keyflow.source import keys_read

    trainer = trainer or command_beside(Path(config.source))
    if trainer is None:
        return {}
    idle = {use.path: use for use in keys_read(trainer, config.tree(), Path(config.source)).idle}
    found = {name: idle[setting.path] for name, setting in config.values.items() if setting.path in idle}
    return {name: f"{sentence(use)}; {advice(use)}" for name, use in found.items()}


def fix(
    config_path: str | Path,
    *,
    logs: Iterable[str | Path] = (),
    known: Known = Known(),
    only: Collection[str] | None = None,
    unsafe: bool = False,
    trainer: str | Path | None = None,
    dialect: str | Path | None = None,
) -> Plan:
    """The plan that corrects a config in the light of its logs and data set.

    Raises ConfigError or LogError, in one line, for what the user can repair.
    """
    case = case_of(
        Path(config_path),
        logs=[Path(log) for log in logs],
        known=known,
        trainer=Path(trainer) if trainer else None,
        dialect=Path(dialect) if dialect else None,
    )
    return plan(case.config, examine(case.run, horizon=known.horizon), only=only, unsafe=unsafe, dead=case.dead)
