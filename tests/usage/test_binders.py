"""Libraries that fill the parameters of functions from a config: a key that no bound function uses is dead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.usage.conftest import read

DECORATED = """
    import argbind

    @argbind.bind("train", "val")
    def loader(folder: str = "x", workers: int = 2, spare: int = 1):
        return open(folder), workers

    @argbind.bind(without_prefix=True)
    def train(args, steps: int = 10):
        with argbind.scope(args, "train"):
            loader()
        print(steps)

    args = argbind.parse_args()
    with argbind.scope(args):
        train(args)
"""
CLASSES = """
    import argbind
    from parts import Net
    from torch.optim import Adam

    Net = argbind.bind(Net)
    Adam = argbind.bind(Adam, "g", "d")

    @argbind.bind()
    class Data:
        def __init__(self, rate: int = 1):
            self.rate = rate

        @argbind.bind("eval")
        def draw(self, n: int = 1):
            return n

    def main():
        args = argbind.parse_args()
        with argbind.scope(args, "g"):
            Adam(Net().parameters())
        Data().draw()

    main()
"""
PARTS = """
    class Net:
        def __init__(self, width: int = 4, depth: int = 2):
            self.width = width
"""
MODULE = """
    import argbind
    import parts
    from audio import transforms

    nets = argbind.bind_module(parts)
    tfm = argbind.bind_module(transforms, "train", filter_fn=lambda fn: True)
    options = argbind.parse_args()
    with argbind.scope(args=options, pattern="train"):
        nets.Net()
"""
CASES: dict[str, tuple[str, dict[str, Any], set[str], set[str]]] = {
    "decorated functions": (
        DECORATED,
        {"loader.folder": "a", "train/loader.workers": 1, "steps": 5, "loader.spare": 1, "test/loader.folder": "b"},
        {"loader.spare", "test/loader.folder"},
        set(),
    ),
    "classes and methods": (
        CLASSES,
        {"Net.width": 1, "Net.depth": 1, "g/Adam.lr": 0.1, "Data.rate": 1, "Data.draw.n": 1, "Date.rate": 1, "lr": 1},
        {"Net.depth", "Date.rate", "lr"},
        set(),
    ),
    "whole modules": (
        MODULE,
        {"Net.width": 1, "Net.heads": 2, "train/Gain.db": 3, "$include": ["x.yml"]},
        set(),
        {"Net.heads", "train/Gain.db", "$include"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_key_lives_if_a_bound_function_uses_its_parameter(tmp_path: Path, name: str) -> None:
    source, config, dead, unknown = CASES[name]
    report = read(tmp_path, source, config, parts=PARTS)
    assert (set(report.dead), set(report.unknown)) == (dead, unknown)


def test_a_scope_that_only_the_run_knows_is_not_accused(tmp_path: Path) -> None:
    source = DECORATED.replace('"train"):', "stage):").replace("def train(args,", "def train(args, stage=None,")
    report = read(tmp_path, source, {"val/loader.folder": "a", "val/loader.spare": 1})
    assert (report.live, report.dead) == (("val/loader.folder",), ("val/loader.spare",))
