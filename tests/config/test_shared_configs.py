"""On real configs of forty frameworks: the right dialect, the right values, none invented, every edit sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.config.plans import report
from diagnose.config import Config, read_config
from diagnose.config.hyperparameters import HYPERPARAMETERS, Kind
from diagnose.errors import ConfigError
from tests.config.readers import faults, written

NEW_VALUES: dict[Kind, Any] = {
    Kind.RATE: 3.7e-5,
    Kind.COUNT: 37,
    Kind.LIST: [0.37, 0.937],
    Kind.SWITCH: True,
    Kind.CHOICE: True,
}
EVERY = 8
"""One in so many (file, hyperparameter) pairs is tried here; `benchmarks/config` tries them all."""


@pytest.fixture(scope="module")
def index(shared: Path) -> list[dict[str, Any]]:
    entries = yaml.load((shared / "configs" / "index.yaml").read_text("utf-8"), yaml.CSafeLoader)["configs"]
    return [entry for entry in entries if entry["dialect"] != "broken"]


@pytest.fixture(scope="module")
def configs(shared: Path, index: list[dict[str, Any]]) -> list[tuple[Config, dict[str, Any]]]:
    return [(read_config(shared / "configs" / entry["file"]), entry) for entry in index]


def equal(found: Any, expected: Any) -> bool:
    """Whether a value is the expected one; `1e-5` in an index that PyYAML reads is text and means the number."""
    if isinstance(expected, str) and isinstance(found, int | float):
        expected = float(expected)
    if isinstance(found, bool) or isinstance(expected, bool | str | list | None):
        return bool(found == expected) and isinstance(found, bool) == isinstance(expected, bool)
    return isinstance(found, int | float) and bool(found == pytest.approx(expected, rel=1e-9))


def test_the_dialect_of_a_real_config_is_recognised(configs: list[tuple[Config, dict[str, Any]]]) -> None:
    right = [config.dialect == entry["dialect"] for config, entry in configs]
    assert sum(right) >= 0.98 * len(right)


def test_the_values_of_a_real_config_are_read(configs: list[tuple[Config, dict[str, Any]]]) -> None:
    pairs = [(config.values.get(name), value) for config, entry in configs for name, value in entry["expected"].items()]
    right = [setting is not None and equal(setting.value, value) for setting, value in pairs]
    assert sum(right) >= 0.98 * len(right)


def test_no_value_is_invented(configs: list[tuple[Config, dict[str, Any]]]) -> None:
    assert [
        (config.source, name) for config, entry in configs for name in entry["absent"] if name in config.values
    ] == []


def test_dead_keys_of_a_real_config_are_known(configs: list[tuple[Config, dict[str, Any]]]) -> None:
    missed = [
        (entry["file"], name)
        for config, entry in configs
        for name, path in entry.get("dead", {}).items()
        if not any(place.dead and place.path == path for place in config.places[name])
    ]
    assert missed == []


def test_a_damaged_config_is_refused_in_one_line_that_names_the_place(shared: Path) -> None:
    for path in (shared / "configs" / "broken").iterdir():
        with pytest.raises(ConfigError, match=r":\d+: not valid (JSON|YAML)"):
            read_config(path)


def attempts(configs: list[tuple[Config, dict[str, Any]]]) -> Iterator[tuple[Config, str, Any]]:
    pairs = [
        (config, name)
        for config, _ in configs
        for name in HYPERPARAMETERS
        if (name in config.values or name in config.definition.add) and HYPERPARAMETERS[name].kind in NEW_VALUES
    ]
    yield from ((config, name, NEW_VALUES[HYPERPARAMETERS[name].kind]) for config, name in pairs[::EVERY])


def test_every_edit_of_a_real_config_is_right_for_every_loader(configs: list[tuple[Config, dict[str, Any]]]) -> None:
    made = 0
    for config, name, value in attempts(configs):
        result = config.rewrite({name: value}, samples=5000)
        if name not in result.applied:
            assert result.text == config.text
            continue
        made += 1
        assert config.value(name) != config.edited(result.text).value(name)
        found = faults(config.text, result.text, config.document.syntax, *written(config, result.text, name))
        again = config.edited(result.text).rewrite({name: value}, samples=5000)
        assert (config.source, name, found, again.text == result.text) == (config.source, name, [], True)
    assert made > 60


@pytest.fixture(scope="module")
def second(shared: Path) -> list[tuple[Config, dict[str, Any]]]:
    folder = shared / "configs" / "second"
    entries = yaml.load((folder / "index.yaml").read_text("utf-8"), yaml.CSafeLoader)["configs"]
    return [(read_config(folder / entry["file"]), entry) for entry in entries]


def test_a_second_set_of_real_configs_is_read_right(second: list[tuple[Config, dict[str, Any]]]) -> None:
    wrong = [
        (entry["file"], name)
        for config, entry in second
        for name, value in entry["expected"].items()
        if name not in config.values or not equal(config.value(name), value)
    ]
    units = [
        (entry["file"], name, config.values[name].unit)
        for config, entry in second
        for name, unit in entry["units"].items()
        if config.values[name].unit != unit
    ]
    invented = [
        (entry["file"], name) for config, entry in second for name in entry["absent"] if config.value(name) is not None
    ]
    assert (wrong, units, invented) == ([], [], [])


def test_every_second_edit_is_right_for_every_loader(second: list[tuple[Config, dict[str, Any]]]) -> None:
    for config, name, value in attempts(second):
        result = config.rewrite({name: value}, samples=5000)
        found = (
            faults(config.text, result.text, config.document.syntax, *written(config, result.text, name))
            if name in result.applied
            else []
        )
        assert (config.source, name, found) == (config.source, name, [])
        assert name in result.applied or result.text == config.text


def test_no_plan_makes_a_real_config_worse_whether_its_run_diverges_or_overfits(
    configs: list[tuple[Config, dict[str, Any]]], second: list[tuple[Config, dict[str, Any]]]
) -> None:
    assert not report(config for config, _ in (*configs, *second))
