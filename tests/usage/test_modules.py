"""Configs that are Python files which the trainer imports, or runs by their path."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnose.config import read_config
from diagnose.usage.report import KeyState
from diagnose.usage.source import keys_read

KEYS = {"lr": 0.001, "batch_size": 16, "warm": 7, "hop": 256}
LINES = [f"{key} = {value}" for key, value in KEYS.items()]
GIVEN = ", ".join(f"{key}={value}" for key, value in KEYS.items())
MODULE = "\n".join(LINES)
CLASS = "class Config:\n    " + "\n    ".join(LINES)
FIELDS = "from dataclasses import dataclass\n\n@dataclass\nclass Config:\n    " + "\n    ".join(
    f"{key}: float = {value}" for key, value in KEYS.items()
)
IN_A_FUNCTION = f"""
import tensorflow as tf

def create_hparams(text=None, verbose=False):
    hparams = tf.contrib.training.HParams(
        {GIVEN},
    )
    if text:
        hparams.parse(text)
    if verbose:
        tf.logging.info("Final hparams: %s", hparams.values())
    return hparams
"""
PRINTED = f"""
from compat import HParams
hparams = HParams({GIVEN})

def shown():
    values = hparams.values()
    return "\\n".join("%s: %s" % (name, values[name]) for name in sorted(values))
"""
BY_PATH = """
import re
from importlib.util import module_from_spec, spec_from_file_location

class Settings:
    def configure(self, path):
        spec = spec_from_file_location("settings", path)
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, value in module.__dict__.items():
            if not re.match("^__.+__$", name):
                SET

hp = Settings()
"""
COMPAT = """
class HParams:
    def __init__(self, **given):
        self._known = {}
        for name, value in given.items():
            setattr(self, name, value)
            self._known[name] = value

    def values(self):
        return self._known
"""
TRAIN = """
import torch
HEAD
net = torch.nn.Linear(hp.hop, 3)
optimizer = torch.optim.Adam(net.parameters(), lr=hp.lr)
for batch in range(hp.batch_size):
    optimizer.step()
"""


def states(folder: Path, config: str, head: str, train: str = TRAIN) -> dict[str, KeyState]:
    (folder / "settings.py").write_text(config, "utf-8")
    (folder / "compat.py").write_text(COMPAT, "utf-8")
    (folder / "train.py").write_text(train.replace("HEAD", head), "utf-8")
    tree = read_config(folder / "settings.py").tree()
    report = keys_read(folder / "train.py", tree, folder / "settings.py")
    return {use.path.rpartition(".")[2]: use.state for use in report.keys}


@pytest.mark.parametrize(
    ("config", "head"),
    [
        (MODULE, "import settings as hp"),
        (MODULE, "import settings\nhp = vars(settings)\nhp = type('Space', (), hp)"),
        (MODULE, "import settings\n\ndef same(given):\n    return given\n\nhp = same(settings)"),
        (CLASS, "from settings import Config as hp"),
        (CLASS, "from settings import Config\nhp = Config()"),
        (FIELDS, "from settings import Config\nhp = Config()"),
        (IN_A_FUNCTION, "from settings import create_hparams\nhp = create_hparams('')"),
        (PRINTED, "from settings import hparams as hp, shown\nprint(shown())"),
        (
            f"hp = dict({GIVEN})",
            "from types import SimpleNamespace\nimport settings\nhp = SimpleNamespace(**settings.hp)",
        ),
    ],
    ids=["module", "vars", "given on", "class", "object", "fields", "in a function", "printed", "dict"],
)
def test_keys_of_a_module_that_the_trainer_imports_are_told(tmp_path: Path, config: str, head: str) -> None:
    found = states(tmp_path, config, head)
    assert found == {**dict.fromkeys(KEYS, KeyState.LIVE), "warm": KeyState.DEAD}


def test_names_that_a_star_imports_are_read(tmp_path: Path) -> None:
    found = states(tmp_path, MODULE, "from settings import *", TRAIN.replace("hp.", ""))
    assert found == {**dict.fromkeys(KEYS, KeyState.LIVE), "warm": KeyState.DEAD}


@pytest.mark.parametrize(
    "setting", ["setattr(self, name, value)", "self.__setattr__(name, value)", "object.__setattr__(self, name, value)"]
)
def test_a_module_that_is_run_by_its_path_and_copied_is_the_config(tmp_path: Path, setting: str) -> None:
    (tmp_path / "tools.py").write_text(BY_PATH.replace("SET", setting), "utf-8")
    found = states(tmp_path, MODULE, "import sys\nfrom tools import hp\nhp.configure(sys.argv[1])")
    assert found == {**dict.fromkeys(KEYS, KeyState.LIVE), "warm": KeyState.DEAD}


@pytest.mark.parametrize(
    ("config", "head"),
    [
        (MODULE, "import sys, settings\nhp = settings\nfor name in sys.argv:\n    print(getattr(settings, name) + 1)"),
        (
            MODULE + "\n\ndef get(name):\n    return globals()[name]\n",
            "import settings as hp\nprint(hp.get('warm') + 1)",
        ),
        (MODULE + "\nscale = warm * 2", "import settings as hp\nprint(hp.scale + 1)"),
        (CLASS + "\n    scale = int(lr * warm)", "from settings import Config as hp\nprint(hp.scale + 1)"),
        (CLASS + "\n    layers = [warm] * 3\n    alias = warm", "from settings import Config as hp\nprint(hp.layers)"),
        (FIELDS + "\n    half: float = warm // 2", "from settings import Config\nhp = Config()\nprint(hp.half + 1)"),
        (
            CLASS + "\n    def far(self, by=warm):\n        return by",
            "from settings import Config\nhp = Config()\nhp.far()",
        ),
    ],
    ids=[
        "named by the run",
        "in its own globals",
        "another key is made of it",
        "another key of its class",
        "a list in its class",
        "another field",
        "a default of a method",
    ],
)
def test_a_key_that_may_be_read_is_not_called_dead(tmp_path: Path, config: str, head: str) -> None:
    assert states(tmp_path, config, head)["warm"] is not KeyState.DEAD
