"""Find on disk what is known of one training: the config beside a log, the logs of a config, the data set."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from diagnose.checkpoints import checkpoints_of
from diagnose.errors import ConfigError, DataError, LogError, SourceError, did_you_mean
from diagnose.facts import NOTHING_LOGGED, Facts, Hints
from diagnose.project import config_file
from diagnose.readers import runs
from diagnose.readers.roles import FAMILIES, assign_roles
from diagnose.regex import regex
from diagnose.run import Run
from diagnose.targets import tables

if TYPE_CHECKING:
    from diagnose.config import Config
    from diagnose.config.tokenizer import Tokenizer

CONFIG_SUFFIXES = (".yaml", ".yml", ".json", ".toml")
# A training config is a few kilobytes; tokenizers, manifests and model indexes with the same suffix are larger.
LARGEST_CONFIG = 262_144
# What a file says that holds a hyperparameter, or names another file that does: others are not read as configs, which
# takes a fifth of the time for a small log. Of 455 configs and other files, none with a hyperparameter lacks it.
_OF_TRAINING = regex(
    rb"(?i)(?:lr|rate|batch|bs|epoch|step|iter|update|optim|drop|decay|warm|clip|seed)\w{0,40}[\"']?\s{0,9}[:=]"
    rb"|_base_|\$include|base_config|defaults"
)
# Folders above a log in which its config may be: run/version_0/checkpoints/.. is as deep as trainers go.
LEVELS_UP = 2
MOST_CONFIGS = 20
# The names that trainers give to the log in a run's own folder.
LOG_FILE = regex(r"events\.out\.tfevents\.|metrics\.(?:csv|jsonl)$|trainer_state\.json$|trainer_0_log\.txt$")


def families() -> list[str]:
    """The names by which a user can give a model family."""
    named = {name for family in FAMILIES for name in (family.name, family.model) if name}
    return sorted(named | tables().keys())


def facts_of_run(run: Run, hints: Hints = Hints()) -> Facts:
    """What is known of the training that wrote `run`. Raises ConfigError where a named config cannot be read."""
    near = [read_settings(hints.config)] if hints.config is not None else configs_near(run)
    facts = facts_of(run, hints, near[0] if len(near) == 1 else None)
    if len(near) < 2:
        here = bool(near) and [place.resolve() for place in logs_of(near[0])] == [Path(run.source).resolve()]
        return with_trainer(replace(facts, leads_here=here), None)
    names = ", ".join(config.source for config in near)
    return replace(facts, notes=(*facts.notes, f"{len(near)} configs fit: {names}; name one with --config"))


def read_settings(config: Path | Mapping[str, Any], dialect: Path | None = None) -> Config:
    """The config of a file, or of a mapping that a program holds. Raises ConfigError."""
    # Imported where there is a config: that takes longer than to read a small log.
    from diagnose.config import parse_config, read_config

    if isinstance(config, Mapping):
        return parse_config(json.dumps(dict(config), default=str), "settings.json")
    return read_config(config, dialect=dialect)


def facts_of(run: Run, hints: Hints, config: Config | None) -> Facts:
    """The run with its family, hyperparameters and data set, as the user or the config says. Raises LogError."""
    if hints.family is not None and hints.family not in (known := families()):  # it would silently have no target
        hint = did_you_mean(hints.family, known)
        raise LogError(f"no model family is called {hints.family!r}{hint}; there are: {', '.join(known)}")
    settings = config.in_force if config is not None else _settings_in_log(run)
    samples = hints.samples or (samples_named_by(config) if config else None)
    family = hints.family or run.family or (config.family if config else None)
    if config is not None:
        run = replace(run, notes=(*run.notes, f"config: {config.source} ({config.dialect})"))
    if hints.axis is not None:
        run = replace(run, curves={tag: curve.along(hints.axis) for tag, curve in run.curves.items()})
    if hints.train_tag or hints.val_tag or hints.family:
        run = assign_roles(replace(run, family=family), train_tag=hints.train_tag, val_tag=hints.val_tag)
    return Facts(
        run,
        config,
        checkpoints=checkpoints_of(Path(run.source)) if run.source else (),
        settings=settings,
        samples=samples,
        family=family,
        horizon=hints.horizon,
        hints=hints,
    )


def _settings_in_log(run: Run) -> dict[str, Any]:
    """Hyperparameters that the log itself holds, by their canonical names; none that it does not hold."""
    if not run.hparams:
        return {}
    from diagnose.config import parse_config

    try:
        config = parse_config(json.dumps(dict(run.hparams), default=str), f"{run.source} (hyperparameters)")
    except ConfigError:
        return {}
    return {name: setting.value for name, setting in config.values.items()} if config.training else {}


def configs_near(run: Run) -> list[Config]:
    """The training configs that are beside a log, in the folder that was asked for, or name its `log_dir`.

    Of several (the config, and the corrected one) those whose learning rate was logged.
    """
    source = Path(run.source)
    if not run.source or not _exists(source):
        return []
    folder = (source if source.is_dir() else source.parent).resolve()
    asked = 0 if source.is_file() or run.name == "." else len(Path(run.name).parts)
    for level, place in enumerate([folder, *folder.parents[:LEVELS_UP]]):
        found = [
            config
            for config in _configs_in(place)
            if level <= asked or any(folder.is_relative_to(logs.resolve()) for logs in places_of(config, "log_dir"))
        ]
        if len(found) > 1:
            found = [config for config in found if _rate_was_logged(config, run)] or found
        if found:
            return found
    return []


def _rate_was_logged(config: Config, run: Run) -> bool:
    """Whether the highest learning rate in the log is the config's, within what rounding in a log loses."""
    logged, rate = run.peak_logged_rate, config.value("learning_rate")
    return logged is not None and isinstance(rate, float) and abs(logged - rate) <= 0.01 * rate


def _configs_in(folder: Path) -> Iterator[Config]:
    files = [path for path in _files_in(folder) if path.suffix in CONFIG_SUFFIXES]
    for path in files[:MOST_CONFIGS]:
        try:
            if path.stat().st_size > LARGEST_CONFIG or not _OF_TRAINING.search(path.read_bytes()):
                continue
            config = read_settings(_shown(path))
        except (ConfigError, OSError):
            continue
        if config.training:
            yield config


def _shown(path: Path) -> Path:
    """The path as a person at the current folder would type it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def places_of(config: Config, parameter: str) -> list[Path]:
    """The file or folder that the config's value names: beside the config, else above it, else from here."""
    value = config.value(parameter)
    if not isinstance(value, str) or not value:
        return []
    value = os.path.expanduser(value)  # noqa: PTH111 - Path's raises for a user that is not known here
    here = Path(config.source).resolve().parent
    candidates = [here / value, here.parent / value, Path(value)]
    return [_shown(path.resolve()) for path in candidates if _exists(path)][:1]


def _exists(path: Path) -> bool:
    """Whether something is there, as far as this user may know. Path's own raises where it may not."""
    return os.path.exists(path)  # noqa: PTH110 - see above


def _files_in(folder: Path) -> list[Path]:
    """The files of a folder, by name; none where it cannot be listed: logs may lie below folders of other people."""
    try:
        with os.scandir(folder) as listing:
            return sorted(Path(entry.path) for entry in listing if entry.is_file())
    except OSError:
        return []


def samples_named_by(config: Config) -> int | None:
    """The clips in the data set that the config names, where it is on this machine."""
    from diagnose.data.manifest import samples_of

    return next(filter(None, map(samples_of, places_of(config, "dataset"))), None)


def logs_of(config: Config) -> list[Path]:
    """Where the logs of a config are: beside it, as in the folder of a run, else where its `log_dir` says."""
    home = Path(config.source).resolve().parent
    own = any(LOG_FILE.match(path.name) for path in _files_in(home))
    return [_shown(home)] if own else places_of(config, "log_dir")


def facts_of_config(
    config_path: Path,
    *,
    logs: Iterable[Path] = (),
    hints: Hints = Hints(),
    trainer: Path | None = None,
    dialect: Path | None = None,
) -> Facts:
    """The facts around a config. Logs: those given, else those beside it, else those that its `log_dir` names.

    Trainers put the config of a run beside its log; a `log_dir` may hold many runs.

    Raises ConfigError, LogError or SourceError, in one line, for what the user can repair.
    """
    config = read_settings(config_file(config_path), dialect)
    given = list(logs)
    places = given or logs_of(config)
    found = [run for place in places for run in _runs_or_none(place, must=bool(given))]
    made = [run for run in found if _rate_was_logged(config, run)]
    run = max(made or found, key=_last_moment) if found else NOTHING_LOGGED
    facts = facts_of(run, hints, config)
    # The effective config that a trainer wrote beside its log has the defaults that the user's lacks.
    beside = configs_near(run)
    facts = replace(facts, settings={**(beside[0].in_force if len(beside) == 1 else {}), **facts.settings})
    notes = (f"the latest of {len(found)} runs is judged",) if len(found) > 1 else ()
    return with_trainer(replace(facts, notes=(*facts.notes, *notes)), trainer)


def facts_before_training(
    config_path: Path,
    *,
    hints: Hints = Hints(),
    trainer: Path | None = None,
    data: Path | None = None,
    dialect: Path | None = None,
) -> Facts:
    """What is known before a run starts: the config, its data set, tokenizer and checkpoint, its trainer.

    `data`: the folder or list of the data set; without it the config's own is taken where it is on this machine.
    Raises ConfigError, DataError or SourceError, in one line, for what cannot be read.
    """
    from diagnose.config.tokenizer import embedding_rows, read_tokenizer

    config = read_settings(config_file(config_path), dialect)
    facts = facts_of(NOTHING_LOGGED, hints, config)
    if not config.training:
        return with_trainer(facts, trainer) if trainer else facts
    tokenizer = next(filter(None, map(read_tokenizer, places_of(config, "tokenizer"))), None)
    rows = next(filter(None, map(embedding_rows, places_of(config, "init_checkpoint"))), None)
    facts = replace(facts, tokens=tokenizer.size if tokenizer else None, embedding_rows=rows)
    facts = with_trainer(facts, trainer)
    return _with_survey(facts, config, data, tokenizer)


def with_trainer(facts: Facts, trainer: Path | None) -> Facts:
    """The facts with what a trainer does with each key of the config, by reading its source.

    Where none is given, it is the one that a README, a Makefile or a script beside the config starts with it.
    """
    config = facts.config
    if config is None or not (config.training or trainer):
        return facts
    from diagnose.usage.command import command_beside

    notes, found = list(facts.notes), trainer or command_beside(Path(config.source))
    if found is None:
        return facts
    from diagnose.usage.anchors import read_as_one
    from diagnose.usage.source import keys_read

    if trainer is None:
        notes.append(f"trainer: {found}, named with this config in a document beside it")
    try:
        keys = read_as_one(keys_read(found, config.tree(), Path(config.source)), config)
    except SourceError as error:
        if trainer is not None:
            raise
        return replace(facts, notes=(*notes, str(error)))
    notes += keys.notes
    if keys.unknown:
        lost = [name for name, setting in config.values.items() if setting.path in keys.unknown]
        named = f" (among them {', '.join(lost)})" if lost else ""
        notes.append(f"{len(keys.unknown)} of {len(keys.keys)} keys: cannot tell whether {found} reads them{named}")
    return replace(facts, keys=keys, notes=tuple(notes))


def _with_survey(facts: Facts, config: Config, data: Path | None, tokenizer: Tokenizer | None) -> Facts:
    """The facts with every clip of the data set opened."""
    from diagnose.data.inspect import survey

    place = data or next(iter(places_of(config, "dataset")), None)
    notes = list(facts.notes)
    if place is not None:
        try:
            found = survey(place, alphabet=tokenizer.alphabet if tokenizer else None)
        except DataError as error:
            if data is not None:
                raise
            notes.append(str(error))
        else:
            notes.append(f"data set: {place} ({found.clips} clips, {found.minutes:.1f} minutes)")
            facts = replace(facts, survey=found, samples=facts.samples or found.clips)
    if facts.samples is None:
        notes.append("no data set found: give --data DIR or --samples N for epochs, steps and warm-up")
    return replace(facts, notes=tuple(notes))


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
    touched = [Path(file).stat().st_mtime for file in run.sources if _exists(Path(file))]
    return float(max(logged or touched or [0.0]))
