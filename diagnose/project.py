"""What a project says of itself in `ttsdoc.toml`, or under `[tool.ttsdoc]` of its `pyproject.toml`.

    select = ["STB", "FIT001"]          # only these checks: codes, names, or beginnings of codes
    presets = "ttsdoc-presets"          # a folder with dialects/, formats/, targets/ of your own

    [ignore]
    FIT005 = "our loss is a sum over mel bins"

    [thresholds.overfitting]
    rise = 0.1

The file is looked for in the current folder and above it; paths in it are relative to it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnose.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


FILE = "ttsdoc.toml"
FIELDS = {"select", "ignore", "thresholds", "presets"}


@dataclass(frozen=True, slots=True)
class Project:
    """What is asked for in one project."""

    source: str = ""
    """The file that says it; empty where there is none."""
    select: tuple[str, ...] = ()
    """Codes, names or beginnings of codes; empty: all checks."""
    ignore: Mapping[str, str] = field(default_factory=dict)
    """Code, name or beginning of a code -> the reason."""
    thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Code or name of a check -> its fields that are set."""
    presets: Path | None = None
    """A folder with dialects, formats and targets beside those that are shipped."""


@cache
def project(start: Path | None = None) -> Project:
    """The nearest project at or above `start` (None: the current folder). Raises ConfigError, in one line."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        own, shared = folder / FILE, folder / "pyproject.toml"
        if _is_file(own):
            return _project(own, _table(own))
        if _is_file(shared) and (table := _table(shared).get("tool", {}).get("ttsdoc")) is not None:
            return _project(shared, table)
    return Project()


def _is_file(path: Path) -> bool:
    """Whether it is, as far as this user may know. Path's own raises in a folder that may not be looked into."""
    return os.path.isfile(path)  # noqa: PTH113 - see above


def shipped_presets() -> Path:
    """The folder of the presets that come with ttsdoc: in an editable installation it is beside the package."""
    return Path(import_module("diagnose.presets").__path__[0])


def preset_texts(kind: str) -> Iterator[tuple[str, str]]:
    """(file name, text) of the YAML files of one kind (`dialects`, `formats`, `targets`), those of the project last."""
    own = project().presets
    for folder in (shipped_presets() / kind, own / kind if own else None):
        if folder is not None and folder.is_dir():
            found = [file for file in folder.iterdir() if file.name.endswith(".yaml")]
            yield from sorted((file.name, file.read_text("utf-8")) for file in found)


def safe_yaml(text: str) -> Any:
    """What a preset says: plain data, by the C parser where there is one."""
    import yaml  # here: most logs need no preset

    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe


@cache
def preset(name: str) -> Any:
    """What the shipped file of this name says (`ranges.yaml`)."""
    return safe_yaml((shipped_presets() / name).read_text("utf-8"))


def config_file(name: str | Path) -> Path:
    """The config that a user means: their own file where there is one, else the preset of that name (`stable`).

    Raises ConfigError for a name that is neither; a missing file with an ending is left to its reader.
    """
    path = Path(name)
    preset = shipped_presets() / f"{name}.yaml"
    shipped = not path.exists() and path.name == str(name) and preset.is_file()
    if not shipped and not path.exists() and not path.suffix:
        own = shipped_configs()
        hint = did_you_mean(str(name), own) or f"; presets: {', '.join(own)}"
        raise ConfigError(f"{name}: no such file, and no preset of this name{hint}")
    return preset if shipped else path


def shipped_configs() -> list[str]:
    """The names of the configs that are shipped: those of `presets/` that train something."""
    places = sorted(shipped_presets().iterdir())
    own = [place for place in places if place.name.endswith(".yaml")]
    return [place.name.removesuffix(".yaml") for place in own if "\ntraining:" in f"\n{place.read_text('utf-8')}"]


def _table(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return dict(tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from None


def _project(path: Path, table: Mapping[str, Any]) -> Project:
    if unknown := sorted(set(table) - FIELDS):
        raise ConfigError(f"{path}: unknown key {unknown[0]!r}; there are {', '.join(sorted(FIELDS))}")
    try:
        ignore = table.get("ignore", {})
        reasons = ignore if isinstance(ignore, Mapping) else dict.fromkeys(ignore, "")
        return Project(
            str(path),
            tuple(map(str, table.get("select", ()))),
            {str(name): str(reason) for name, reason in reasons.items()},
            {
                name: {key: float(value) for key, value in own.items()}
                for name, own in table.get("thresholds", {}).items()
            },
            path.parent / table["presets"] if "presets" in table else None,
        )
    except (TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}; see CONTRIBUTING.md for its shape") from None


_OURS = b"[ttsdoc."
"""With this begin the groups of our entry points."""


def plugins(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of one group (`ttsdoc.checks`), of all that is installed."""
    if not _installed():
        return ()
    from importlib.metadata import entry_points

    return tuple(entry_points(group=group))


@cache
def _installed() -> bool:
    """Whether any package may bring something: one does, or packages lie where only the library finds them.

    Python's own library for entry points takes longer to import than a small log to judge.
    """
    hidden = any(finder is not PathFinder and hasattr(finder, "find_distributions") for finder in sys.meta_path)
    return hidden or any(_may_bring(Path(place)) for place in sys.path)


def _may_bring(place: Path) -> bool:
    if place.suffix == ".egg" or _is_file(place):  # an archive
        return True
    try:
        names = os.listdir(place)  # noqa: PTH208 - paths of a thousand packages take ten times as long
    except OSError:
        return False
    for name in names:
        if name.endswith((".dist-info", ".egg-info")):
            with suppress(OSError):  # most have no entry points
                if _OURS in (place / name / "entry_points.txt").read_bytes():
                    return True
    return False
