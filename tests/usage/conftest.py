"""The trainers with planted dead keys, and what must be found in each."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from diagnose.usage.report import KeyReport
from diagnose.usage.source import keys_read

TRAINERS = Path(__file__).with_name("trainers")


@dataclass(frozen=True)
class Planted:
    """One trainer: a folder with its source, its config and `expected.yaml`."""

    folder: Path
    expected: Mapping[str, Any]

    @property
    def script(self) -> Path:
        return self.folder / (self.command[0] if self.command else "train.py")

    @property
    def command(self) -> list[str]:
        return list(self.expected["command"] or [])

    @property
    def config(self) -> Path:
        return next(path for path in sorted(self.folder.rglob("*config.*")) if path.suffix in {".yaml", ".json"})

    @property
    def dead(self) -> set[str]:
        return set(self.expected["dead"])

    @property
    def misplaced(self) -> dict[str, str]:
        return dict(self.expected.get("misplaced") or {})

    @property
    def unknown(self) -> set[str]:
        return set(self.expected.get("unknown") or [])


def planted() -> list[Planted]:
    files = sorted(TRAINERS.glob("*/expected.yaml"))
    return [Planted(file.parent, yaml.safe_load(file.read_text("utf-8"))) for file in files]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "trainer" in metafunc.fixturenames:
        metafunc.parametrize("trainer", planted(), ids=lambda trainer: trainer.folder.name)
    if "runnable" in metafunc.fixturenames:
        runnable = [trainer for trainer in planted() if trainer.command]
        metafunc.parametrize("runnable", runnable, ids=lambda trainer: trainer.folder.name)


def read(tmp_path: Path, source: str, config: str | dict[str, Any], **modules: str) -> KeyReport:
    """The report on a trainer given as text, with further modules by name."""
    for name, text in {"train": source, **modules}.items():
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text), "utf-8")
    mapping = yaml.safe_load(config) if isinstance(config, str) else config
    return keys_read(tmp_path / "train.py", mapping)
