"""Every config of the index files: is it understood, and does every edit of it hold?

    python -m benchmarks.config [FOLDER ...]

Each FOLDER holds an `index.yaml` with the expected values (default: ../shared/configs and its second/). Each
hyperparameter that the file has, or that its dialect allows to be added, is set once. An edit holds when PyYAML,
ruamel.yaml and OmegaConf (or json, or tomllib) give the new value with its type and every other value unchanged, and
when the same edit again changes nothing. Then `check` before and after `fix` is compared with two kinds of log.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from benchmarks.config.plans import report
from diagnose.config import Config, read_config
from diagnose.config.hyperparameters import HYPERPARAMETERS, Kind
from diagnose.errors import ConfigError
from tests.config.readers import faults, loaded, written
from tests.config.test_shared_configs import NEW_VALUES, equal

SAMPLES = 5000


def main(folders: list[Path]) -> int:
    """Print the tables; 1 where an edit does not hold."""
    return max([_measure(folder) for folder in folders])


def _measure(folder: Path) -> int:
    entries = yaml.load((folder / "index.yaml").read_text("utf-8"), yaml.CSafeLoader)["configs"]
    print(f"== {folder}")
    configs = list(_read(folder, entries))
    _understanding(configs, len(entries))
    outcomes, bad, seen = Counter[str](), list[str](), Counter[str]()
    for config, _ in configs:
        seen.update(loaded(config.text, config.document.syntax).keys())
        for name in HYPERPARAMETERS:
            outcome, found = _edit(config, name)
            outcomes[outcome] += outcome != ""
            bad += [f"{config.source}: {name}: {fault}" for fault in found]
    made = f"edits made {outcomes['made']}, refused with a reason {outcomes['refused']}, already so {outcomes['same']}"
    print(f"{made}; misread by a loader {len(bad)}")
    print("files by loader: " + ", ".join(f"{name} {count}" for name, count in seen.most_common()))
    print("\n".join(bad) or "every edit holds")
    return int(report(config for config, _ in configs) or bool(bad))


def _read(folder: Path, entries: list[dict[str, Any]]) -> Iterator[tuple[Config, dict[str, Any]]]:
    for entry in entries:
        config = _config(folder / entry["file"])
        if config is not None:
            yield config, entry


def _config(path: Path) -> Config | None:
    try:
        return read_config(path)
    except ConfigError as error:
        print(f"refused: {error}")
        return None


def _understanding(configs: list[tuple[Config, dict[str, Any]]], files: int) -> None:
    """How much of what an index expects is found; a dialect that an index leaves open (null) is not counted."""
    named = [(config, entry) for config, entry in configs if entry["dialect"]]
    dialects = sum(config.dialect == entry["dialect"] for config, entry in named)
    pairs = [(config.values.get(name), value) for config, entry in configs for name, value in entry["expected"].items()]
    right = sum(setting is not None and equal(setting.value, value) for setting, value in pairs)
    units = [(config, name, unit) for config, entry in configs for name, unit in (entry.get("units") or {}).items()]
    same = sum(name in config.values and _same_unit(config.values[name].unit, unit) for config, name, unit in units)
    invented = sum(config.value(name) is not None for config, entry in configs for name in entry["absent"])
    absent = sum(len(entry["absent"]) for _, entry in configs)
    print(f"files {files}, read {len(configs)}, dialect right {dialects} of {len(named)}")
    print(f"expected values {len(pairs)}, right {right}; units {len(units)}, right {same}")
    print(f"absent values {absent}, invented {invented}")


def _same_unit(found: str | None, expected: str) -> bool:
    """The first index adds remarks to its units (`updates, or a fraction when < 1`)."""
    return expected.lower().startswith(str(found)) or (str(found).startswith("share") and "fraction" in expected)


def _edit(config: Config, name: str) -> tuple[str, list[str]]:
    """What became of the edit, and what is wrong with it."""
    kind = HYPERPARAMETERS[name].kind
    if kind is Kind.TEXT or (name not in config.values and name not in config.definition.add):
        return "", []
    value = NEW_VALUES[kind]
    result = config.rewrite({name: value}, samples=SAMPLES)
    if name not in result.applied:
        changed = [] if result.text == config.text else ["refused, and changed all the same"]
        return "refused" if name in result.refused else "same", changed
    found = faults(config.text, result.text, config.document.syntax, *written(config, result.text, name))
    again = config.edited(result.text).rewrite({name: value}, samples=SAMPLES)
    return "made", found + ([] if again.text == result.text else ["a second time it changes more"])


if __name__ == "__main__":
    CONFIGS = Path(__file__).resolve().parents[2].parent / "shared" / "configs"
    raise SystemExit(main([Path(folder) for folder in sys.argv[1:]] or [CONFIGS, CONFIGS / "second"]))
