"""Reading a trainer's source: every planted dead key is found, no live key is accused, nothing is executed."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import yaml

from diagnose.checks.trainer.dead_key import DeadKey
from diagnose.config import read_config
from diagnose.errors import SourceError
from diagnose.finding import Confidence, Severity
from diagnose.gather import facts_before_training
from diagnose.usage import flow
from diagnose.usage.report import KeyReport, KeyState
from diagnose.usage.source import keys_read
from tests.usage.conftest import Planted, read


def report_of(trainer: Planted) -> KeyReport:
    return keys_read(trainer.script, read_config(trainer.config).tree(), trainer.config)


def test_every_planted_key_is_found_and_no_live_key_is_accused(trainer: Planted) -> None:
    report = report_of(trainer)
    assert set(report.dead) == trainer.dead
    assert {use.path: use.instead for use in report.keys if use.state is KeyState.MISPLACED} == trainer.misplaced
    assert set(report.unknown) == trainer.unknown


def test_the_default_that_is_used_instead_is_named(trainer: Planted) -> None:
    report = report_of(trainer)
    for path, default in (trainer.expected.get("defaults") or {}).items():
        assert report[path].default == default
    for path, literal in (trainer.expected.get("hard_coded") or {}).items():
        assert report[path].hard_coded == literal


def test_every_live_key_says_where_it_is_read(trainer: Planted) -> None:
    report = report_of(trainer)
    for path in report.live:
        assert all(place.line >= 1 and place.file.endswith(".py") for place in report[path].reads)
        assert report[path].reads


def test_two_readings_give_the_same_report(trainer: Planted) -> None:
    assert report_of(trainer) == report_of(trainer)


def test_the_story_is_reported_with_the_line_to_change(tmp_path: Path) -> None:
    source = """
        import yaml
        cfg = yaml.safe_load(open("config.yaml"))
        print(cfg["training"]["lr"], cfg["training"].get("batch_size", 16))
    """
    (tmp_path / "config.yaml").write_text("data: {batch_size: 8}\ntraining: {lr: 1, warmup_steps: 4000}\n", "utf-8")
    (tmp_path / "train.py").write_text(textwrap.dedent(source), "utf-8")
    facts = facts_before_training(tmp_path / "config.yaml", trainer=tmp_path / "train.py")
    misplaced, dead = DeadKey().check(facts)
    assert misplaced.code == dead.code == "CFG001"
    assert misplaced.severity is Severity.ERROR
    assert (misplaced.confidence, dead.confidence) == (Confidence.MEDIUM, Confidence.HIGH)
    assert "`training.batch_size` (train.py:4), so 16 is used" in misplaced.message
    assert "write it as `training.batch_size`" in misplaced.advice
    assert "`training.warmup_steps`" in dead.message


def test_keys_read_with_a_default_are_listed_as_absent(tmp_path: Path) -> None:
    source = """
        import json, sys
        cfg = json.load(open(sys.argv[1]))
        print(cfg["a"], cfg.get("seed", 1234), cfg["b"])
    """
    report = read(tmp_path, source, {"a": 1})
    assert [(key.path, key.default) for key in report.absent] == [("seed", "1234"), ("b", None)]


def test_nothing_of_the_trainer_is_executed(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    source = f"""
        from pathlib import Path
        import yaml
        Path({str(canary)!r}).write_text("ran")
        print(yaml.safe_load(open("config.yaml"))["lr"])
    """
    assert read(tmp_path, source, "{lr: 1}").live == ("lr",)
    assert not canary.exists()


CANNOT_TELL = {
    "no loader": ("print('hello')\n", "no place was found"),
    "another file": ("import yaml\nprint(yaml.safe_load(open('x'))['other'])\n", "has other keys"),
    "whole config handed over": (
        "import yaml\nimport kit\ncfg = yaml.safe_load(open('c'))\nkit.fit(cfg)\n",
        "the whole config is handed to kit.fit",
    ),
    "the file is read by another program": (
        (
            "import argparse, subprocess, yaml\np = argparse.ArgumentParser()\np.add_argument('--config')\n"
            "a = p.parse_args()\nprint(yaml.safe_load(open(a.config))['lr'])\nsubprocess.run(['x', a.config])\n"
        ),
        "also handed to subprocess.run",
    ),
}


@pytest.mark.parametrize("name", CANNOT_TELL)
def test_where_the_config_is_lost_nothing_is_accused(tmp_path: Path, name: str) -> None:
    source, reason = CANNOT_TELL[name]
    report = read(tmp_path, source, "{lr: 1, warmup: 2}")
    assert report.idle == ()
    assert any(reason in note for note in report.notes)
    assert all("\n" not in note for note in report.notes)


def test_a_trainer_that_is_not_there_is_an_error_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone.py: no such file"):
        keys_read(tmp_path / "gone.py", {"lr": 1})
    (tmp_path / "README.md").write_text("# Training", "utf-8")
    with pytest.raises(SourceError, match=r"README.md: not a Python file"):
        keys_read(tmp_path / "README.md", {"lr": 1})


def test_a_broken_module_is_named_and_what_it_may_read_is_not_accused(tmp_path: Path) -> None:
    source = """
        import yaml
        from helper import use
        cfg = yaml.safe_load(open("c"))
        print(cfg["lr"])
        use(cfg["model"])
    """
    report = read(tmp_path, source, "{lr: 1, warmup: 3, model: {width: 2}}", helper="def use(:\n")
    assert report.dead == ("warmup",)
    assert report.unknown == ("model.width",)
    assert report.notes == ("helper.py:1: not valid Python (invalid syntax)",)


LIVE = {
    "star import": ("from helper import *\nprint(cfg['lr'])\n", "import yaml\ncfg = yaml.safe_load(open('c'))\n"),
    "recursion": (
        "import yaml\nfrom helper import walk\nprint(walk(yaml.safe_load(open('c'))).lr)\n",
        (
            "class D(dict):\n    __getattr__ = dict.get\n\n"
            "def walk(x):\n    return D({k: walk(v) for k, v in x.items()}) if isinstance(x, dict) else x\n"
        ),
    ),
    "callback": (
        "import signal, yaml\nfrom helper import make\nsignal.signal(2, make(yaml.safe_load(open('c'))))\n",
        "def make(cfg):\n    def stop(number, frame):\n        print(cfg['lr'])\n    return stop\n",
    ),
    "generator": (
        "import yaml\nfrom helper import parts\nfor part in parts(yaml.safe_load(open('c'))):\n    print(part['lr'])\n",
        "def parts(cfg):\n    yield cfg\n",
    ),
    "property": (
        "import yaml\nfrom helper import Box\nprint(Box(yaml.safe_load(open('c'))).rate)\n",
        (
            "class Box:\n    def __init__(self, cfg):\n        self._cfg = cfg\n\n"
            "    @property\n    def rate(self):\n        return self._cfg['lr'] * 2\n"
        ),
    ),
    "checkpoint": (
        (
            "import torch, yaml\nfrom helper import restore\ncfg = yaml.safe_load(open('c'))\n"
            "torch.save({'cfg': cfg}, 'x')\nrestore()\n"
        ),
        "import torch\n\ndef restore():\n    print(torch.load('x')['cfg']['lr'])\n",
    ),
    "wandb": (
        "import wandb, yaml\nfrom helper import go\nwandb.init(config=yaml.safe_load(open('c')))\ngo()\n",
        "import wandb\n\ndef go():\n    print(wandb.config.lr)\n",
    ),
    "partial": (
        "import functools, yaml\nfrom helper import go\nfunctools.partial(go, yaml.safe_load(open('c')))(3)\n",
        "def go(cfg, n):\n    print(cfg['lr'] * n)\n",
    ),
    "spawn": (
        (
            "import torch.multiprocessing as mp, yaml\nfrom helper import go\n"
            "mp.spawn(go, nprocs=2, args=(2, yaml.safe_load(open('c'))))\n"
        ),
        "def go(rank, world, cfg):\n    print(cfg['lr'])\n",
    ),
    "wrapped model": (
        (
            "import yaml\nfrom torch.nn.parallel import DistributedDataParallel as DDP\nfrom helper import Net\n"
            "model = DDP(Net(yaml.safe_load(open('c'))))\nprint(model.module.cfg['lr'])\n"
        ),
        "from torch import nn\n\nclass Net(nn.Module):\n    def __init__(self, cfg):\n        self.cfg = cfg\n",
    ),
    "match": (
        "import yaml\nfrom helper import go\ngo(yaml.safe_load(open('c')))\n",
        "def go(cfg):\n    for key in cfg:\n        if key == 'lr':\n            print(float(cfg[key]) + 1)\n",
    ),
    "own accessor": (
        "import yaml\nfrom helper import Conf\nprint(Conf(yaml.safe_load(open('c'))).get('lr', 3))\n",
        (
            "class Conf:\n    def __init__(self, d):\n        self.__dict__.update(d)\n\n"
            "    def get(self, key, default=None):\n        return self.__dict__.get(key, default)\n"
        ),
    ),
    "wildcard weights": (
        "import yaml\nfrom helper import total\nprint(total(yaml.safe_load(open('c'))))\n",
        "def total(weights):\n    return sum(w * 2 for name, w in weights.items())\n",
    ),
}


@pytest.mark.parametrize("name", LIVE)
def test_a_live_key_is_never_accused(tmp_path: Path, name: str) -> None:
    source, helper = LIVE[name]
    assert "lr" not in {use.path for use in read(tmp_path, source, "{lr: 1}", helper=helper).idle}


WAYS = yaml.safe_load(Path(__file__).with_name("live.yaml").read_text("utf-8"))


@pytest.mark.parametrize("way", WAYS)
def test_however_a_key_is_read_it_is_never_accused(tmp_path: Path, way: str) -> None:
    source = WAYS[way] + "\nprint(yaml.safe_load(open('c'))['seed'])\n"
    report = read(tmp_path, source, {"lr": 1, "warmup": 2, "seed": 3})
    assert report["lr"].state in {KeyState.LIVE, KeyState.UNKNOWN}


NESTED = yaml.safe_load(Path(__file__).with_name("nested.yaml").read_text("utf-8"))
BESIDE = {
    "keys": "AUDIO = 'audio'\nRATE = 'rate'\n",
    "registry": """
        class Audio:
            def __init__(self, rate, x):
                print(rate)

        class Train:
            def __init__(self, lr, y):
                print(lr)

        def build(c):
            return (Audio if 'rate' in c else Train)(**c)
    """,
}


@pytest.mark.parametrize("way", NESTED)
def test_however_a_nested_key_is_read_it_is_never_accused(tmp_path: Path, way: str) -> None:
    report = read(tmp_path, NESTED[way], "{audio: {rate: 1, x: 2}, train: {lr: 3, y: 4}, seed: 5}", **BESIDE)
    assert {use.path for use in report.idle} <= {"audio.x", "train.y"}


def test_a_key_that_one_that_is_read_refers_to_is_read(tmp_path: Path) -> None:
    source = "from omegaconf import OmegaConf\nprint(OmegaConf.load('c').rate)\n"
    report = read(tmp_path, source, "{rate: '${base.lr}', base: {lr: 1, warmup: 2}}")
    assert report.live == ("rate", "base.lr")
    assert report.dead == ("base.warmup",)


def test_a_key_whose_presence_alone_is_tested_is_live(tmp_path: Path) -> None:
    source = "import yaml\ncfg = yaml.safe_load(open('c'))\nprint(cfg['lr'])\nif 'ema' in cfg:\n    print('ema')\n"
    assert read(tmp_path, source, "{lr: 1, ema: 0.9, spare: 2}").live == ("lr", "ema")


def test_a_function_that_nobody_calls_reads_nothing(tmp_path: Path) -> None:
    source = """
        import yaml

        def unused(cfg):
            return cfg["warmup"]

        cfg = yaml.safe_load(open("c"))
        print(cfg["lr"])
    """
    assert read(tmp_path, source, "{lr: 1, warmup: 2}").dead == ("warmup",)


def tangle(functions: int) -> str:
    """A trainer in which everything is handed to everything, in lists of dicts of lists."""
    lines = ["import yaml"]
    for i in range(functions):
        lines += [
            f"def f{i}(c, *a, **k):",
            f"    d = {{'x{i}': c, **k}}",
            "    e = [c, d, *a]",
            "    for x in e:",
            f"        f{(i * 7 + 1) % functions}(x, *e, **d)",
            f"    return [f{(i * 3 + 2) % functions}(d), f{(i * 13 + 5) % functions}(e, y{i}=d), c['k{i}'], e]",
        ]
    return "\n".join([*lines, "f0(yaml.safe_load(open('c')))\n"])


def test_a_source_too_large_to_follow_is_given_up_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "MOST_WORK", 100_000)
    report = read(tmp_path, tangle(200), {"lr": 1})
    assert report.unknown == ("lr",)
    assert report.notes == ("the source is too large to follow",)


def test_work_is_counted_wherever_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    run = flow.Flow.run
    monkeypatch.setattr(flow, "MOST_WORK", 400_000)

    def watched(self: flow.Flow) -> None:
        try:
            run(self)
        finally:
            counted.append(self.work)

    monkeypatch.setattr(flow.Flow, "run", watched)
    report = read(tmp_path, tangle(2000), {"lr": 1})
    assert report.unknown == ("lr",)
    assert 400_000 < counted[0] < 500_000
