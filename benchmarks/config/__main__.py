"""Every config of ../shared/configs: is it understood, and does every edit of it hold?

    python -m benchmarks.config [FOLDER]

FOLDER holds an `index.yaml` with the expected values (default: ../shared/configs). Each hyperparameter that the file
has, or that its dialect allows to be added, is set once. An edit holds when PyYAML, ruamel.yaml and OmegaConf (or json)
give the new value with its type and every other value unchanged, and when the same edit again changes nothing.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from diagnose.config import Config, parse_config, read_config
from diagnose.config.hyperparameters import HYPERPARAMETERS, Kind
from diagnose.errors import ConfigError
from tests.config.readers import faults, written
from tests.config.test_shared_configs import NEW_VALUES, equal

SAMPLES = 5000


def main(folder: Path) -> int:
    """Print the tables; 1 where an edit does not hold."""
    entries = yaml.load((folder / "index.yaml").read_text("utf-8"), yaml.CSafeLoader)["configs"]
    configs = list(_read(folder, entries))
    _understanding(configs, len(entries))
    outcomes, bad = Counter[str](), []
    for config, _ in configs:
        for name in HYPERPARAMETERS:
            outcome, found = _edit(config, name)
            outcomes[outcome] += outcome != ""
            bad += [f"{config.source}: {name}: {fault}" for fault in found]
    print(f"edits made {outcomes['made']}, refused with a reason {outcomes['refused']}, already so {outcomes['same']}")
    print("\n".join(bad) or "every edit holds")
    return int(bool(bad))


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
    dialects = sum(config.dialect == entry["dialect"] for config, entry in configs)
    pairs = [(config.values.get(name), value) for config, entry in configs for name, value in entry["expected"].items()]
    right = sum(setting is not None and equal(setting.value, value) for setting, value in pairs)
    invented = sum(name in config.values for config, entry in configs for name in entry["absent"])
    absent = sum(len(entry["absent"]) for _, entry in configs)
    print(f"files {files}, read {len(configs)}, dialect right {dialects}")
    print(f"expected values {len(pairs)}, right {right}; absent values {absent}, invented {invented}")


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
    found = faults(config.text, result.text, config.document.syntax, *written(result.text, config.source, name))
    again = parse_config(result.text, config.source).rewrite({name: value}, samples=SAMPLES)
    return "made", found + ([] if again.text == result.text else ["a second time it changes more"])


if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    raise SystemExit(main(Path(sys.argv[1]) if sys.argv[1:] else ROOT.parent / "shared" / "configs"))
