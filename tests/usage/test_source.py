"""Reading a trainer's source: every planted dead key is found, no live key is accused, nothing is executed."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

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
from tests.usage.conftest import Planted


def report_of(trainer: Planted) -> KeyReport:
    return keys_read(trainer.script, read_config(trainer.config).tree(), trainer.config)


def read(tmp_path: Path, source: str, config: str | dict[str, Any], **modules: str) -> KeyReport:
    """The report on a trainer given as text, with further modules by name."""
    for name, text in {"train": source, **modules}.items():
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text), "utf-8")
    mapping = yaml.safe_load(config) if isinstance(config, str) else config
    return keys_read(tmp_path / "train.py", mapping)


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
    "code made at run time": (
        "import yaml\ncfg = yaml.safe_load(open('c'))\nexec(open('more.py').read())\nprint(cfg['lr'])\n",
        "code is made and run at train.py:3",
    ),
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


def test_a_key_that_another_refers_to_is_not_accused(tmp_path: Path) -> None:
    source = "from omegaconf import OmegaConf\nprint(OmegaConf.load('c').rate)\n"
    report = read(tmp_path, source, "{rate: '${base.lr}', base: {lr: 1, warmup: 2}}")
    assert report.unknown == ("base.lr",)
    assert report.dead == ("base.warmup",)


def test_a_key_whose_presence_alone_is_tested_is_left_open(tmp_path: Path) -> None:
    source = "import yaml\ncfg = yaml.safe_load(open('c'))\nprint(cfg['lr'])\nif 'ema' in cfg:\n    print('ema')\n"
    report = read(tmp_path, source, "{lr: 1, ema: 0.9}")
    assert report["ema"].reason == "only its presence is tested (train.py:4)"


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


@pytest.mark.parametrize(
    "read_by",
    ["from settings import hparam as hp", "import settings as s\nhp = s.hparam", "from settings import *\nhp = hparam"],
)
def test_an_imported_variable_may_have_another_name(tmp_path: Path, read_by: str) -> None:
    settings = "import yaml\nhparam = yaml.safe_load(open('c'))\n"
    report = read(tmp_path, f"{read_by}\nprint(hp['lr'])\n", "{lr: 1, spare: 2}", settings=settings)
    assert (report.live, report.dead) == (("lr",), ("spare",))


@pytest.mark.parametrize("load", ["Config.load(path)", "Config.from_yaml(path)", "Config.parse_file(path)"])
def test_a_data_class_may_have_its_loader_from_a_library(tmp_path: Path, load: str) -> None:
    source = f"""
        import sys
        from dataclasses import dataclass
        from simple_parsing.helpers import Serializable

        @dataclass
        class Optim(Serializable):
            lr: float = 1.0
            spare: int = 2

        @dataclass
        class Config(Serializable):
            optim: Optim

        path = sys.argv[1]
        config = {load}
        print(config.optim.lr)
    """
    report = read(tmp_path, source, "{optim: {lr: 1, spare: 2}}")
    assert (report.live, report.dead) == (("optim.lr",), ("optim.spare",))


def test_a_package_that_is_imported_by_computed_names_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "__init__.py").write_text("", "utf-8")
    (tmp_path / "nets" / "big.py").write_text("def make(cfg):\n    return cfg['width']\n", "utf-8")
    source = """
        import importlib, sys, yaml
        cfg = yaml.safe_load(open("c"))
        print(cfg["lr"])
        importlib.import_module(f"nets.{sys.argv[1]}").make(cfg)
    """
    report = read(tmp_path, source, "{lr: 1, width: 2, spare: 3}")
    assert report["width"].state in {KeyState.LIVE, KeyState.UNKNOWN}
    assert report["spare"].state is not KeyState.LIVE


def test_a_module_that_only_the_run_names_may_read_what_it_mentions(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text("def make(cfg):\n    return cfg['width']\n", "utf-8")
    source = """
        import importlib, sys, yaml
        cfg = yaml.safe_load(open("c"))
        print(cfg["lr"])
        importlib.import_module(sys.argv[1]).make()
    """
    report = read(tmp_path, source, "{lr: 1, width: 2, spare: 3}")
    assert "only the run names" in report["width"].reason
    assert report.dead == ("spare",)


def test_a_class_that_the_config_names_runs(tmp_path: Path) -> None:
    source = """
        import sys, yaml

        class Wide:
            def __init__(self, opt):
                self.width = opt["width"]

        cfg = yaml.safe_load(open("c"))
        kind = getattr(sys.modules[__name__], cfg["type"])
        net = kind(cfg)
    """
    assert read(tmp_path, source, "{type: Wide, width: 2}").idle == ()


YACS = """
import sys
from yacs.config import CfgNode as CN
_C = CN()
_C.TRAIN = CN()
_C.TRAIN.LR = 1.0
_C.TRAIN.WARMUP = 5

def update(config):
    config.merge_from_file(sys.argv[1])

def get():
    config = _C.clone()
    update(config)
    return config

print(get().TRAIN.LR)
"""


def test_yacs_merges_the_file_into_the_defaults(tmp_path: Path) -> None:
    report = read(tmp_path, YACS, "TRAIN: {LR: 1, WARMUP: 2}")
    assert (report.live, report.dead) == (("TRAIN.LR",), ("TRAIN.WARMUP",))


def test_a_table_that_data_look_up_is_live(tmp_path: Path) -> None:
    source = """
        import yaml
        cfg = yaml.safe_load(open("c"))
        print(cfg["lr"])
        for line in open("list.txt"):
            print(cfg["speakers"][line.split("|")[1]])
    """
    report = read(tmp_path, source, "{lr: 1, speakers: {anna: 0, ben: 1}, warmup: 2}")
    assert report.live == ("lr", "speakers.anna", "speakers.ben")
    assert report.dead == ("warmup",)


UNREADABLE = {
    "broken syntax": (b"def (:\n", "train.py:1: not valid Python"),
    "null bytes": (b"x = 1\0\n", "train.py"),
    "too large to be written by hand": (b"#" * 2_000_001, "more than a hand-written module has"),
    "nested too deep": (b"x = " + b"(" * 5000 + b")" * 5000 + b"\n", "train.py"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_trainer_that_cannot_be_read_is_an_error_in_one_line(tmp_path: Path, kind: str) -> None:
    content, reason = UNREADABLE[kind]
    (tmp_path / "train.py").write_bytes(content)
    with pytest.raises(SourceError, match=f"(?s)^[^\n]*{reason}[^\n]*no key can be followed, none is protected[^\n]*$"):
        keys_read(tmp_path / "train.py", {"lr": 1})


SEVERAL_BINDINGS = {
    "imports": (
        "if cfg['kind'] == 'a':\n    from net_a import Net\nelse:\n    from net_b import Net\nNet(cfg)\n",
        {"net_a": "def Net(cfg):\n    return cfg['width']\n", "net_b": "def Net(cfg):\n    return cfg['depth']\n"},
    ),
    "modules": (
        "if cfg['kind'] == 'a':\n    import net_a as net\nelse:\n    import net_b as net\nnet.Net(cfg)\n",
        {"net_a": "def Net(cfg):\n    return cfg['width']\n", "net_b": "def Net(cfg):\n    return cfg['depth']\n"},
    ),
    "definitions": (
        (
            "if cfg['kind'] == 'a':\n    def net(c):\n        return c['width']\nelse:\n    def net(c):\n"
            "        return c['depth']\nnet(cfg)\n"
        ),
        {},
    ),
}


@pytest.mark.parametrize("kind", SEVERAL_BINDINGS)
def test_a_name_with_several_bindings_is_each_of_them(tmp_path: Path, kind: str) -> None:
    source, modules = SEVERAL_BINDINGS[kind]
    source = "import yaml\ncfg = yaml.safe_load(open('c'))\n" + source
    report = read(tmp_path, source, "{kind: a, width: 1, depth: 2, spare: 3}", **modules)
    assert report.live == ("kind", "width", "depth")
    assert report.dead == ("spare",)


def test_what_a_package_binds_comes_before_its_module_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "__init__.py").write_text("from .Net import Net\n", "utf-8")
    (tmp_path / "nets" / "Net.py").write_text("class Net:\n    def __init__(self, c):\n        self.w = c['width']\n")
    source = "import yaml\nfrom nets import Net\nNet(yaml.safe_load(open('c')))\n"
    report = read(tmp_path, source, "{width: 1, spare: 3}")
    assert (report.live, report.dead) == (("width",), ("spare",))


def test_the_keys_of_another_file_are_not_those_of_the_config(tmp_path: Path) -> None:
    source = """
        import json, sys, yaml
        cfg = yaml.safe_load(open(sys.argv[1]))
        print(cfg["a"], cfg["b"], cfg["c"])
        with open(cfg["data"] + "/speakers.json") as file:
            speakers = json.load(file)
        layout = json.loads(render())
        print(speakers[sys.argv[2]]["net"], layout["tiers"], layout["b"])
    """
    report = read(tmp_path, source, "{a: 1, b: 2, c: 3, data: d, net: {width: 2}}")
    assert report.dead == ("net.width",)


def test_a_library_of_which_nothing_is_known_may_read_what_its_subclass_is_given(tmp_path: Path) -> None:
    source = """
        import kit, yaml

        class Brain(kit.Brain):
            pass

        cfg = yaml.safe_load(open("c"))
        brain = Brain(cfg["model"])
        brain.fit(cfg["loader"])
        print(cfg["lr"])
    """
    report = read(tmp_path, source, "{lr: 1, model: {width: 2}, loader: {workers: 3}, spare: 4}")
    assert report.unknown == ("model.width", "loader.workers")
    assert report.dead == ("spare",)


def test_a_class_that_the_config_names_by_its_path_runs(tmp_path: Path) -> None:
    source = """
        import importlib, yaml
        cfg = yaml.safe_load(open("c"))
        package, _, name = cfg["task"].rpartition(".")
        getattr(importlib.import_module(package), name)().start()
    """
    tasks = (
        "import yaml\nhparams = yaml.safe_load(open('c'))\nclass Task:\n    def start(self):\n        hparams['lr']\n"
    )
    report = read(tmp_path, source, "{task: tasks.Task, lr: 1, spare: 2}", tasks=tasks)
    assert report["lr"].state is KeyState.LIVE


@pytest.mark.parametrize(
    "loads",
    [
        "def restore():\n    return load('temp-restore.yaml')\nprint(restore)\ncfg = load(sys.argv[1])",
        "def again(path='last-run.yaml'):\n    return load(path)\ncfg = again(sys.argv[1])",
        "for path in ('defaults-of-us.yaml', sys.argv[1]):\n    cfg = load(path)",
    ],
)
def test_a_load_that_other_files_go_through_too_is_the_config_if_none_else_is(tmp_path: Path, loads: str) -> None:
    source = f"import sys, yaml\ndef load(path):\n    return yaml.safe_load(open(path))\n{loads}\nprint(cfg['lr'])\n"
    report = read(tmp_path, source, "{lr: 1, spare: 2}")
    assert (report.live, report.dead) == (("lr",), ("spare",))


NAMED_CLASSES = {
    "under a key that nothing mentions": ("{task: tasks.Task, lr: 1, prepare: prep.Prepare, size: 2}", True),
    "under one of a section": ("{task: tasks.Task, lr: 1, run: {lr: 1, prepare: prep.Prepare}, size: 2}", True),
    "where no key beside it is mentioned": ("{task: tasks.Task, lr: 1, hooks: {a: prep.Prepare}, size: 2}", False),
}


@pytest.mark.parametrize("where", NAMED_CLASSES)
def test_a_class_that_the_config_names_for_another_program_does_not_run(tmp_path: Path, where: str) -> None:
    config, dead = NAMED_CLASSES[where]
    source = """
        import importlib
        from settings import hparams
        package, _, name = hparams["task"].rpartition(".")
        getattr(importlib.import_module(package), name)().start()
        print(hparams.get("run", {"lr": 1})["lr"])
    """
    modules = {
        "settings": "import yaml\nhparams = yaml.safe_load(open('c'))\n",
        "tasks": "from settings import hparams\nclass Task:\n    def start(self):\n        hparams['lr']\n",
        "prep": (
            "from settings import hparams\nclass Base:\n    def __init__(self):\n        hparams['size']\n"
            "class Prepare(Base):\n    pass\n"
        ),
    }
    assert read(tmp_path, source, config, **modules)["size"].state is (KeyState.DEAD if dead else KeyState.LIVE)


LIGHTNING = """
data: {class_path: parts.Data, init_args: {folder: x, unused: 1}}
trainer: {max_steps: 5}
"""


def test_the_command_line_of_lightning_reads_the_config_itself(tmp_path: Path) -> None:
    source = "from lightning.pytorch.cli import LightningCLI\nimport parts\nLightningCLI()\n"
    parts = "class Data:\n    def __init__(self, folder, unused):\n        self.folder = open(folder)\n"
    report = read(tmp_path, source, LIGHTNING, parts=parts)
    assert report.dead == ("data.init_args.unused",)
    assert report.unknown == ()


def test_hydra_reads_its_own_section(tmp_path: Path) -> None:
    source = """
        import hydra

        @hydra.main(config_path="conf/c.yaml")
        def main(cfg):
            print(cfg.lr)

        main()
    """
    report = read(tmp_path, source, "{lr: 1, hydra: {run: {dir: x}}, spare: 2}")
    assert (report.live, report.dead) == (("lr", "hydra.run.dir"), ("spare",))


def test_a_reference_may_be_inside_a_text(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("name: a\nfolder: !ref ./results/<name>/x\n", "utf-8")
    (tmp_path / "train.py").write_text("import yaml\nprint(yaml.safe_load(open('c.yaml'))['folder'])\n", "utf-8")
    report = keys_read(tmp_path / "train.py", {"name": "a", "folder": ""}, tmp_path / "c.yaml")
    assert report.dead == ()


def test_overriding_a_key_from_the_command_line_is_no_reading(tmp_path: Path) -> None:
    source = """
        import sys, yaml
        cfg = yaml.safe_load(open("c"))
        for word in sys.argv[2:]:
            node, (key, value) = cfg, word.split("=")
            for part in key.split(".")[:-1]:
                node = node[part]
            node[key] = type(node[key])(value)
        print(cfg["lr"])
    """
    assert read(tmp_path, source, "{lr: 1, spare: 2}").dead == ("spare",)


def test_overriding_by_a_function_that_calls_itself_is_no_reading(tmp_path: Path) -> None:
    source = """
        import sys, yaml

        def override(node, word):
            key, value = word.split("=")
            first, _, rest = key.partition(".")
            if rest:
                override(node[first], rest + "=" + value)
            else:
                node[first] = value

        cfg = yaml.safe_load(open("c"))
        override(cfg, sys.argv[2])
        print(cfg["net"]["width"])
    """
    assert read(tmp_path, source, "{net: {width: 1, spare: 2}}").dead == ("net.spare",)


def test_a_numbered_loop_binds_keys_and_values(tmp_path: Path) -> None:
    source = """
        import yaml
        cfg = yaml.safe_load(open("c"))
        for i, (name, part) in enumerate(sorted(cfg.items())):
            print(i, name)
        print(cfg["net"]["width"])
    """
    assert read(tmp_path, source, "{net: {width: 1, spare: 2}}").dead == ("net.spare",)


@pytest.mark.parametrize(
    "loop",
    [
        "for name, part in parts.items():",
        "for name, part in sorted(parts.items()):",
        "for i, (name, part) in enumerate(parts.items()):",
    ],
)
def test_the_keys_of_a_dict_are_none_of_its_values(tmp_path: Path, loop: str) -> None:
    source = f"""
        import yaml
        cfg = yaml.safe_load(open("c"))
        parts = {{"a": cfg["net"], "b": cfg["head"]}}
        {loop}
            print(name.upper(), part["width"])
    """
    report = read(tmp_path, source, "{net: {width: 1, upper: 2}, head: {width: 3}}")
    assert report.live == ("net.width", "head.width")


@pytest.mark.parametrize(
    "loop",
    [
        "for folder in cfg['path'].values(): os.makedirs(folder, exist_ok=True)",
        "for name, folder in cfg['path'].items(): Path(folder).mkdir()",
        "for name in cfg['path']: shutil.rmtree(cfg['path'][name])",
        "for folder in cfg['path'].values(): make(folder)",
        "for folder in cfg['path'].values(): Maker().make_in(folder)",
        "for folder in cfg['path'].values(): assert os.path.isdir(os.path.join('runs', folder))",
        "[os.makedirs(folder) for folder in cfg['path'].values()]",
    ],
)
def test_a_function_that_a_loop_gives_each_value_to_uses_it(tmp_path: Path, loop: str) -> None:
    source = f"""
        import os, shutil, yaml
        from pathlib import Path

        class Maker:
            def make_in(self, folder):
                os.makedirs(folder)

        def make(folder):
            os.makedirs(folder)

        cfg = yaml.safe_load(open("c"))
        {loop}
        print(cfg["path"]["log"])
    """
    assert read(tmp_path, source, "{path: {log: a, result: b}, spare: 1}").dead == ("spare",)


@pytest.mark.parametrize(
    "loop",
    [
        "for name, value in cfg['net'].items(): setattr(kept, name, value)",
        "for name, value in cfg['net'].items(): kept.__dict__[name] = copy.deepcopy(value)",
        "for name, value in cfg['net'].items(): print(name, str(value))",
        "for name, value in cfg['net'].items(): kept.__dict__[name] = wrap(value)",
    ],
)
def test_a_loop_that_stores_or_prints_each_value_does_not_use_it(tmp_path: Path, loop: str) -> None:
    source = f"""
        import copy, types, yaml

        def wrap(value):
            return {{k: wrap(v) for k, v in value.items()}} if isinstance(value, dict) else value

        kept = types.SimpleNamespace()
        cfg = yaml.safe_load(open("c"))
        {loop}
        print(cfg["net"]["width"])
    """
    assert read(tmp_path, source, "{net: {width: 1, spare: 2}}").dead == ("net.spare",)


def test_of_two_methods_of_a_name_the_last_one_runs(tmp_path: Path) -> None:
    source = """
        import yaml

        class Trainer:
            def __init__(self, cfg):
                self.cfg = cfg

            def step(self):
                raise NotImplementedError

            def step(self):
                print(self.cfg["lr"])

        Trainer(yaml.safe_load(open("c"))).step()
    """
    assert read(tmp_path, source, "{lr: 1, spare: 2}").live == ("lr",)


def test_keys_of_a_section_that_something_unknown_reads_are_not_accused(tmp_path: Path) -> None:
    source = """
        import kit, yaml
        cfg = yaml.safe_load(open("c"))
        print(cfg["lr"])
        kit.fit(**kit.options()["optim"])
    """
    report = read(tmp_path, source, "{lr: 1, optim: {betas: 2}, spare: 3}")
    assert report.unknown == ("optim.betas",)
    assert report.dead == ("spare",)


def test_what_a_function_chosen_by_the_run_is_given_is_not_accused(tmp_path: Path) -> None:
    source = """
        import sys, yaml
        cfg = yaml.safe_load(open("c"))
        print(cfg["lr"])
        maker = vars(sys.modules["nets"])[sys.argv[2]]
        maker(cfg["net"])
    """
    assert read(tmp_path, source, "{lr: 1, net: {width: 2}}").unknown == ("net.width",)


def test_a_keyword_that_something_not_followed_may_fill_is_not_accused(tmp_path: Path) -> None:
    source = """
        import torch, yaml
        cfg = yaml.safe_load(open("c"))
        torch.save({"args": cfg, "lr": cfg["lr"]}, "x")
        def build(width, depth=2):
            return width * depth
        build(**torch.load("x")["args"])
    """
    assert read(tmp_path, source, "{lr: 1, width: 2, depth: 3}").idle == ()


def test_a_section_whose_length_alone_is_taken_is_not_accused(tmp_path: Path) -> None:
    source = """
        import json

        class Params:
            def __init__(self, **values):
                for key, value in values.items():
                    setattr(self, key, Params(**value) if isinstance(value, dict) else value)

            def __len__(self):
                return len(self.__dict__)

        cfg = Params(**json.load(open("c")))
        print(len(cfg.speakers), cfg.lr)
    """
    report = read(tmp_path, source, "{lr: 1, speakers: {anna: 0}, spare: 2}")
    assert report.unknown == ("speakers.anna",)
    assert report.dead == ("spare",)


def test_a_json_file_is_not_the_yaml_config(tmp_path: Path) -> None:
    source = """
        import json, yaml
        cfg = yaml.safe_load(open("train.yaml"))
        with open(cfg["vocoder"] + "/config.json") as file:
            print(json.load(file)["rounds"])
    """
    (tmp_path / "train.yaml").write_text("{vocoder: x, rounds: 3}", "utf-8")
    (tmp_path / "train.py").write_text(textwrap.dedent(source), "utf-8")
    assert keys_read(tmp_path / "train.py", {"vocoder": "x", "rounds": 3}, tmp_path / "train.yaml").dead == ("rounds",)


GIVEN_BACK = {
    "a method that is given a function": """
        data = kit.load().map(lambda row: row["text"]).filter(keep)
        model = Net.from_pretrained("x")
        for batch in data:
            loss = model(**batch)
            kit.log(*loss)
    """,
    "a method of the base of the settings": """
        steps = args.warmup_steps_of(100) * 4
        schedule = kit.schedule(steps)
        for rate in schedule:
            kit.log(*rate)
    """,
    "an object made by the method of a class": """
        model = Net.from_pretrained(args.folder)
        made = model(args.folder)
        for name, value in kit.pairs(made):
            kit.log(name + value)
    """,
}


@pytest.mark.parametrize("how", GIVEN_BACK)
def test_what_a_library_makes_of_data_is_no_section(tmp_path: Path, how: str) -> None:
    before = """
        import sys
        from dataclasses import dataclass
        import torch as kit
        from transformers import HfArgumentParser, PreTrainedModel, TrainingArguments

        @dataclass
        class Settings(TrainingArguments):
            folder: str = "x"
            width: int = 4
            spare: int = 1

        class Net(PreTrainedModel):
            def forward(self, text=None, spare=None):
                return text

        def keep(row):
            return row["spare"]

        args, = HfArgumentParser(Settings).parse_json_file(sys.argv[1])
        print(args.folder, args.width)
    """
    source = textwrap.dedent(before) + textwrap.dedent(GIVEN_BACK[how])
    report = read(tmp_path, source, {"folder": "a", "width": 2, "spare": 3, "seed": 1})
    assert set(report.live) == {"folder", "width"}
    assert set(report.unknown) <= {"seed", "spare"}


FOUND_IN_STRANGERS = {
    "the main block of a module that is imported does not run": (
        """
        import yaml
        from parts import build
        cfg = yaml.safe_load(open("c.yaml"))
        build(cfg["model"])
        """,
        """
        def build(model):
            print(model["width"])

        if __name__ == "__main__":
            import yaml
            cfg = yaml.safe_load(open("c.yaml"))
            print(cfg["spare"], cfg["model"]["old"], cfg["model"]["older"])
        """,
        "{model: {width: 1, old: 2}, spare: 3}",
        {"model.old", "spare"},
    ),
    "nor does it where the comparison is turned": (
        "import parts, yaml\nprint(yaml.safe_load(open('c.yaml'))['lr'])\n",
        "import yaml\nif '__main__' == __name__:\n    print(yaml.safe_load(open('c.yaml'))['spare'])\n",
        "{lr: 1, spare: 2}",
        {"spare"},
    ),
    "a class made of the config has its keys": (
        """
        import yaml
        from parts import options
        args = options()
        print(args.lr)
        """,
        """
        import yaml
        def options():
            with open("c.yaml") as file:
                found = yaml.safe_load(file)
            return type("Options", (object,), found)()
        """,
        "{lr: 1, spare: 2}",
        {"spare"},
    ),
    "and where the class itself is used": (
        "import json\nc = type('C', (), json.load(open('c.json')))\nprint(c.lr, getattr(c, 'steps'))\n",
        "",
        "{lr: 1, steps: 2, spare: 3}",
        {"spare"},
    ),
    "sections are put together in one object": (
        """
        import yaml
        from parts import Node
        flat = {}
        loaded = yaml.safe_load(open("c.yaml"))
        for section in loaded:
            for key, value in loaded[section].items():
                flat[key] = value
        args = Node(flat)
        kit = __import__("unheard_of")
        kit.start(args.name)
        print(args.lr)
        """,
        """
        class Node(dict):
            def __init__(self, inner):
                for key, value in inner.items():
                    if type(value) is dict:
                        inner[key] = Node(value)
                super().__init__(inner)

            def __getattr__(self, name):
                return self[name]
        """,
        "{TRAIN: {lr: 1, name: x}, DATA: {spare: 3}}",
        {"DATA.spare"},
    ),
    "a loader of a library that an object is made from": (
        """
        from ruamel.yaml import YAML
        yaml = YAML(typ="safe")
        with open("c.yaml") as file:
            print(yaml.load(file)["lr"])
        """,
        "",
        "{lr: 1, spare: 2}",
        {"spare"},
    ),
    "a text that OmegaConf reads": (
        """
        from pathlib import Path
        from omegaconf import OmegaConf
        cfg = OmegaConf.create(Path("c.yaml").read_text())
        print(cfg.lr)
        """,
        "",
        "{lr: 1, spare: 2}",
        {"spare"},
    ),
    "a key that a dict of defaults has alone": (
        """
        import json
        DEFAULTS = {"lr": 2, "spare": 3}
        cfg = {**DEFAULTS, **json.load(open("c.json"))}
        print(cfg["lr"])
        """,
        "",
        "{lr: 1, spare: 2}",
        {"spare"},
    ),
    "a folder that has the name of a key": (
        """
        import json
        from pathlib import Path
        cfg = json.load(open("c.json"))
        print(Path(cfg["folder"]) / "spare")
        """,
        "",
        "{folder: a, spare: true}",
        {"spare"},
    ),
    "a base of a library under another name": (
        """
        import yaml
        from easydict import EasyDict as node
        def defaults():
            c = node()
            c.lr = 1
            return c
        def merge(old, new):
            for key, value in new.items():
                old[key] = value
        cfg = defaults()
        merge(cfg, node(yaml.safe_load(open("c.yaml"))))
        print(cfg.lr)
        """,
        "",
        "{lr: 1, spare: 2}",
        {"spare"},
    ),
    "an object that fills itself by its own update": (
        """
        from parts import Params
        params = Params("c.json")
        print(params.lr)
        """,
        """
        import json
        class Params:
            def __init__(self, path):
                self.update(path)
            def update(self, path):
                with open(path) as file:
                    self.__dict__.update(json.load(file))
        """,
        "{lr: 1, spare: 2}",
        {"spare"},
    ),
    "a library that calls what gives back the config": (
        """
        import yaml
        from fire import Fire
        def build(**words):
            cfg = yaml.safe_load(open("c.yaml"))
            for key, value in words.items():
                print(f"{key} = {value}")
                cfg.update({key: value})
            return cfg
        cfg = Fire(build)
        print(cfg["lr"])
        """,
        "",
        "{lr: 1, spare: 2}",
        {"spare"},
    ),
    "a walk through results is none through the config": (
        """
        import unheard_of, yaml
        from parts import plain
        cfg = plain(yaml.safe_load(open("c.yaml")))
        print(cfg["lr"])
        unheard_of.show(plain({"loss": 1.0}))
        """,
        """
        def plain(x):
            if isinstance(x, dict):
                return {k: plain(v) for k, v in x.items()}
            return x
        """,
        "{lr: 1, spare: 2}",
        {"spare"},
    ),
    "a function of a library has the name of a method": (
        """
        import torch, yaml
        from parts import Net
        cfg = yaml.safe_load(open("c.yaml"))
        torch.save({"config": cfg, "net": Net(cfg["width"])}, "x")
        torch.load("x")
        """,
        """
        import torch
        class Net:
            def __init__(self, width):
                self.width = width
            @classmethod
            def load(cls, path):
                return cls(torch.load(path)["config"]["spare"])
        """,
        "{width: 1, spare: 2}",
        {"spare"},
    ),
    "a package that shows a function does not run it": (
        "import yaml\nfrom parts import use\nuse(yaml.safe_load(open('c.yaml')))\n",
        """
        __all__ = ["use", "other"]
        def use(cfg):
            print(cfg["width"])
        def other(settings):
            print(settings["spare"])
        """,
        "{width: 1, spare: 2}",
        {"spare"},
    ),
}


@pytest.mark.parametrize("kind", FOUND_IN_STRANGERS)
def test_what_the_trainers_of_strangers_do(tmp_path: Path, kind: str) -> None:
    source, parts, config, dead = FOUND_IN_STRANGERS[kind]
    report = read(tmp_path, source, config, parts=parts)
    assert (set(report.dead), report.unknown) == (dead, ())


PLUGINS = {
    "by +": """
        def find(name):
            file = "models." + name + "_model"
            library = importlib.import_module(file)
            for key, cls in library.__dict__.items():
                if key.lower() == name:
                    return cls
    """,
    "by f-string": """
        def find(name):
            return getattr(importlib.import_module(f"models.{name}_model"), "Model")
    """,
    "by format": """
        def find(name):
            return vars(importlib.import_module("models.{}_model".format(name)))[name]
    """,
}


@pytest.mark.parametrize("how", PLUGINS)
def test_a_class_of_a_package_that_the_run_chooses_is_followed(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "gan_model.py").write_text(
        "class Model:\n    def __init__(self, c):\n        print(c['width'])\n", "utf-8"
    )
    source = "import importlib, yaml\n" + textwrap.dedent(PLUGINS[how])
    source += "cfg = yaml.safe_load(open('c'))\nmade = find(cfg['name'])\nmodel = made(cfg['model'])\n"
    report = read(tmp_path, source, "{name: gan, model: {width: 1, spare: 2}}")
    assert (report.live, report.dead) == (("name", "model.width"), ("model.spare",))


USED_ONE_BY_ONE = {
    "in a list": "readers = [Reader(files[name]) for name in files if name[:3] == 'spk']\n",
    "in a loop": "for name in files:\n    Reader(files[name])\n",
    "by value": "readers = {name: Reader(file) for name, file in files.items()}\n",
    "kept in a list first": "kept = []\nfor file in files.values():\n    kept.append(file)\nopen(kept[0])\n",
    "kept in an object first": "for file in files.values():\n    Reader.last = file\nopen(Reader.last)\n",
    "by a function that is handed on": "import kit\nfor file in files.values():\n    kit.run(lambda step: file)\n",
    "in a sum": "total = 0\nfor size in files.values():\n    total += size\n",
    "as the end of a part": "for size in files.values():\n    print([1, 2, 3][:size])\n",
    "as a key": "seen = {}\nfor file in files.values():\n    seen[file] = 1\n",
    "in a match": "for file in files.values():\n    match file:\n        case 'a':\n            print('a')\n",
    "given by a generator": "def all():\n    for v in files.values():\n        yield v\nfor v in all():\n    open(v)\n",
    "after sorting": "for name, file in sorted(list(files.items())):\n    open(file)\n",
    "by a name and a value at once": "for name, file in zip(files, files.values()):\n    open(file)\n",
    "in a text": "import os\nos.system(' '.join(f'--{k}={v}' for k, v in files.items()))\n",
}


@pytest.mark.parametrize("how", USED_ONE_BY_ONE)
def test_an_object_that_is_made_of_each_value_uses_it(tmp_path: Path, how: str) -> None:
    source = "import yaml\nfrom parts import Reader\nfiles = yaml.safe_load(open('c'))['files']\n"
    parts = "class Reader:\n    def __init__(self, file):\n        self.lines = open(file).readlines()\n"
    report = read(tmp_path, source + USED_ONE_BY_ONE[how], "{files: {spk1: a, spk2: b}}", parts=parts)
    assert report.idle == ()


TABLES = {
    "by a variable": "name = 'b'\nsettings = table[name]\n",
    "by a default": "def take(name='b'):\n    return table[name]\nsettings = take()\n",
    "by an option": "import sys\nsettings = table[sys.argv[1]]\n",
}


@pytest.mark.parametrize("how", TABLES)
def test_sections_beside_the_one_that_is_chosen_are_not_accused(tmp_path: Path, how: str) -> None:
    source = "import json\ntable = json.load(open('c.json'))\n" + TABLES[how] + "print(settings['size'])\n"
    report = read(tmp_path, source, "{a: {size: 1, spare: 2}, b: {size: 3}, c: {size: 4}}")
    assert not {"a.size", "b.size", "c.size"} & set(report.dead)


INSTALLED = {
    "source/deep/kit": "from kit.settings import width\n",
    "lib/kit": "import kit.settings\nwidth = kit.settings.width\n",
    "a/b/kit": "from kit import settings as other\nwidth = other.width\n",
}


@pytest.mark.parametrize("folder", INSTALLED)
def test_a_package_that_is_installed_from_another_folder_is_found(tmp_path: Path, folder: str) -> None:
    package = tmp_path / folder
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "settings.py").write_text("def width(c):\n    return c['width'] * 2\n", "utf-8")
    (tmp_path / "setup.py").touch()
    source = INSTALLED[folder] + "import yaml\nprint(width(yaml.safe_load(open('c'))['model']))\n"
    report = read(tmp_path, source, "{model: {width: 1, spare: 2}}")
    assert (report.live, report.dead) == (("model.width",), ("model.spare",))


def test_a_module_that_an_editor_puts_on_the_path_is_found(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "load_it.py").write_text("import yaml\ndef load():\n    return yaml.safe_load(open('c'))\n")
    (tmp_path / "setup.py").touch()
    report = read(tmp_path, "from load_it import *\nprint(load()['width'])\n", "{width: 1, spare: 2}")
    assert (report.live, report.dead) == (("width",), ("spare",))


def test_of_two_packages_of_one_name_none_is_taken(tmp_path: Path) -> None:
    for folder in ("one/kit", "two/kit"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "__init__.py").write_text("def width(c):\n    return c['width']\n", "utf-8")
    (tmp_path / "setup.py").touch()
    source = "from kit import width\nimport yaml\nprint(width(yaml.safe_load(open('c'))['model']))\n"
    assert read(tmp_path, source, "{model: {width: 1, spare: 2}}").dead == ()


@pytest.mark.parametrize("name", ["'.' + name", "f'.{name}'", "'.{}'.format(name)"])
def test_a_package_that_imports_its_own_parts_by_name(tmp_path: Path, name: str) -> None:
    package = tmp_path / "models"
    package.mkdir()
    load = """
        import importlib, os
        KNOWN = {}
        def register(cls):
            KNOWN[cls.__name__] = cls
        for file in os.listdir(os.path.dirname(__file__)):
            name = file[:-3]
            importlib.import_module(NAME, package="models")
    """
    (package / "__init__.py").write_text(textwrap.dedent(load).replace("NAME", name), "utf-8")
    net = "class Net:\n    def __init__(self, c):\n        print(c['width'])\n"
    (package / "net.py").write_text(f"from models import register\n{net}register(Net)\n", "utf-8")
    (tmp_path / "setup.py").touch()
    source = (
        "import yaml\nfrom models import KNOWN\ncfg = yaml.safe_load(open('c'))\nKNOWN[cfg['name']](cfg['model'])\n"
    )
    report = read(tmp_path, source, "{name: Net, model: {width: 1, spare: 2}}")
    assert (report.live, report.dead) == (("name", "model.width"), ("model.spare",))


LOAD = "import yaml\ncfg = yaml.safe_load(open('c.yaml'))\n"
READ_FOR_MANY = {
    "a function that asks for the key": """
        def need(section, key):
            if key not in section:
                raise KeyError(key)
            return section[key]
        model, train = need(cfg, "model"), need(cfg, "train")
        print(need(model, "width"), need(train, "lr"))
    """,
    "a function with a default": """
        def ask(section, name, default=None):
            return section.get(name, default)
        print(ask(ask(cfg, "model"), "width"), ask(ask(cfg, "train"), "lr", 1))
    """,
    "a method that asks for the key": """
        class Settings:
            def of(self, section, key):
                return cfg[section][key]
        print(Settings().of("model", "width"), Settings().of("train", key="lr"))
    """,
    "a function that makes records": """
        from dataclasses import dataclass

        @dataclass
        class Model:
            width: int
            spare: int

        @dataclass
        class Train:
            lr: float
            old: int

        @dataclass
        class All:
            model: Model
            train: Train

        def make(cls, section):
            return cls(**section)

        every = All(model=make(Model, cfg["model"]), train=make(Train, cfg["train"]))
        print(every.model.width, every.train.lr)
    """,
    "a class that takes its fields by position": """
        import flax.linen as nn

        class Net(nn.Module):
            model: dict
            train: dict

            def __call__(self):
                return self.model["width"] + self.train["lr"]

        Net(cfg["model"], cfg["train"])()
    """,
    "a class whose base has the first field": """
        import flax.linen as nn

        class Base(nn.Module):
            model: dict

        class Net(Base):
            train: dict

            def setup(self):
                print(self.model["width"], self.train["lr"])

        Net(cfg["model"], train=cfg["train"])
    """,
}


@pytest.mark.parametrize("how", READ_FOR_MANY)
def test_a_function_that_reads_for_many_sections_is_followed(tmp_path: Path, how: str) -> None:
    config = "{model: {width: 1, spare: 2}, train: {lr: 3, old: 4}}"
    report = read(tmp_path, LOAD + textwrap.dedent(READ_FOR_MANY[how]), config)
    assert set(report.live) == {"model.width", "train.lr"}
    assert set(report.dead) == {"model.spare", "train.old"}


CHOSEN_BY_NAME = {
    "by subscript": "class Data:\n    def __init__(self, c, part):\n        print(c[part])\n",
    "by getattr": "class Data:\n    def __init__(self, c, part):\n        print(getattr(c, part))\n",
    "by its method": "class Data:\n    def __init__(self, c, part):\n        print(c.__getitem__(part))\n",
    "by the class above": "class Base:\n    def __init__(self, c, part):\n        kept = c[part]\n        print(kept)\n"
    "class Data(Base):\n    def __init__(self, c, part):\n        super().__init__(c, part)\n",
}


@pytest.mark.parametrize("how", CHOSEN_BY_NAME)
def test_a_key_that_the_source_names_later_is_not_one_that_only_the_run_knows(tmp_path: Path, how: str) -> None:
    calls = "Data(cfg['data'], 'train')\nData(cfg['data'], 'dev')\n"
    report = read(tmp_path, LOAD + CHOSEN_BY_NAME[how] + calls, "{data: {train: a, dev: b, test: c}}")
    assert (report.live, report.dead) == (("data.train", "data.dev"), ("data.test",))


def test_a_key_that_only_the_command_line_knows_is_still_left_open(tmp_path: Path) -> None:
    source = LOAD + "import sys\ndef of(section, key):\n    return section[key]\nprint(of(cfg['data'], sys.argv[1]))\n"
    report = read(tmp_path, source, "{data: {train: a, dev: b}}")
    assert report.idle == ()


WRAPPERS = {
    "a value": "class Keys(dict):\n    def __getattr__(self, name):\n        return self[name]\n",
    "a section made anew": """
class Keys(dict):
    def __getattr__(self, item):
        if item not in self:
            return None
        if type(self[item]) is dict:
            self[item] = Keys(self[item])
        return self[item]
""",
    "by the method": "class Keys(dict):\n    def __getattr__(self, item):\n        return self.__getitem__(item)\n",
}


@pytest.mark.parametrize("gives", WRAPPERS)
def test_what_a_wrapper_gives_for_a_key_is_read_by_whoever_asks(tmp_path: Path, gives: str) -> None:
    source = LOAD + WRAPPERS[gives] + "cfg = Keys(cfg)\nprint(cfg.model.width, cfg.data.__getattr__('train'))\n"
    report = read(tmp_path, source, "{model: {width: 1, spare: 2}, data: {train: a, test: b}, old: 3}")
    assert (report.live, report.dead) == (("model.width", "data.train"), ("model.spare", "data.test", "old"))


@pytest.mark.parametrize("index", ["[..., :size]", "[:, 0]", "[0, size]"])
def test_the_index_of_an_array_is_no_key_of_a_config(tmp_path: Path, index: str) -> None:
    source = LOAD + f"import kit\nsize = cfg['size']\nfor x in kit.load(cfg):\n    print(x{index})\n"
    report = read(tmp_path, source.replace("kit", "numpy"), "{size: 1, spare: 2}")
    assert (report.live, report.dead) == (("size",), ("spare",))


def test_a_section_that_is_made_a_record_of_which_nothing_is_read_is_dead(tmp_path: Path) -> None:
    source = """
        import yaml
        from dataclasses import dataclass

        @dataclass
        class Eval:
            beams: int = 1

        cfg = yaml.safe_load(open("c.yaml"))
        evaluation = Eval(**cfg["eval"])
        print(cfg["lr"])
    """
    report = read(tmp_path, source, "{lr: 1, eval: {beams: 2}}")
    assert (report.live, report.dead) == (("lr",), ("eval.beams",))


HYDRA = """
    import hydra

    @hydra.main(version_base=None, config_path="{folder}", config_name="config")
    def main(cfg):
        print(cfg.train.lr, cfg.seed, cfg.model.encoder.width, cfg.wandb.project)

    main()
"""
GROUP_FILES = {
    "train/default.yaml": ("lr: 1\nspare: 2\n", {"lr"}, {"spare"}),
    "train/long.yaml": ("# @package _group_\nlr: 1\nold: {lr: 2}\n", {"lr"}, {"old.lr"}),
    "model/encoder/big.yaml": ("width: 1\nspare: 2\n", {"width"}, {"spare"}),
    "experiment/one.yaml": (
        "# @package _global_\ntrain: {lr: 1, spare: 2}\nseed: 3\n",
        {"train.lr", "seed"},
        {"train.spare"},
    ),
    "other/one.yaml": ("# comment\n#@package train\nlr: 1\nspare: 2\n", {"lr"}, {"spare"}),
    "config.yaml": ("train: {lr: 1}\nseed: 3\nspare: 2\n", {"train.lr", "seed"}, {"spare"}),
}


@pytest.mark.parametrize("file", GROUP_FILES)
@pytest.mark.parametrize("folder", ["../conf", "conf"])
def test_a_file_of_a_group_of_hydra_is_judged_under_the_name_of_its_group(
    tmp_path: Path, file: str, folder: str
) -> None:
    text, live, dead = GROUP_FILES[file]
    script, config = tmp_path / "src" / "train.py", tmp_path / "src" / folder / file
    config.parent.mkdir(parents=True)
    script.parent.mkdir(exist_ok=True)
    config.write_text(text, "utf-8")
    script.write_text(textwrap.dedent(HYDRA.format(folder=folder)), "utf-8")
    report = keys_read(script, read_config(config).tree(), config)
    assert (set(report.live), set(report.dead)) == (live, dead)
    assert not {path for path in (one.path for one in report.absent) if path.startswith("train.train")}


def test_a_key_of_a_group_that_is_read_of_the_whole_config_is_dead_not_misplaced(tmp_path: Path) -> None:
    (tmp_path / "conf" / "train").mkdir(parents=True)
    config, script = tmp_path / "conf" / "train" / "base.yaml", tmp_path / "train.py"
    config.write_text("lr: 1\nseed: 2\n", "utf-8")
    script.write_text(textwrap.dedent(HYDRA.format(folder="conf")), "utf-8")
    use = keys_read(script, read_config(config).tree(), config)["seed"]
    assert use.state is KeyState.DEAD
    assert use.instead is None
    assert use.reason == "the name is read from something else (train.py:6)"


STORED_UNDER_ANOTHER_NAME = {
    "put together": "flat = {}\nfor k in cfg['a']:\n    flat['my_' + k] = cfg['a'][k]\nprint(flat['my_rate'])\n",
    "in capitals": "flat = {}\nfor k, v in cfg['a'].items():\n    flat[k.upper()] = v\nprint(flat['RATE'])\n",
    "by a table": "flat = {}\nfor k, v in cfg['a'].items():\n    flat[NAMES[k]] = v\nprint(flat['other'])\n",
    "in a new dict": "flat = {NAMES[k]: v for k, v in cfg['a'].items()}\nprint(flat['other'])\n",
    "of an object": "class A:\n    pass\nfor k, v in cfg['a'].items():\n    setattr(A, 'a' + k, v)\nprint(A.arate)\n",
    "of an object as well": "class A:\n    pass\nfor k, v in cfg['a'].items():\n    setattr(A, k.lower(), v)\n",
}


@pytest.mark.parametrize("how", STORED_UNDER_ANOTHER_NAME)
def test_a_key_that_a_loop_stores_under_another_name_is_left_open(tmp_path: Path, how: str) -> None:
    report = read(tmp_path, LOAD + STORED_UNDER_ANOTHER_NAME[how], "{a: {rate: 1, width: 2}}")
    assert report.unknown == ("a.rate", "a.width")


HELD_ELSEWHERE = {
    "the dict of an object": "class A:\n    pass\na = A()\na.__dict__ = cfg['a']\nprint(a.rate)\n",
    "the dict of a namespace": "import argparse\na = argparse.Namespace()\na.__dict__ = cfg['a']\nprint(a.rate)\n",
    "a class with its own subscript": "class Conf:\n    def __init__(self, c):\n        self.c = c\n"
    "    def __getitem__(self, name):\n        return self.c[name]\nprint(Conf(cfg)['a']['rate'])\n",
    "another module": "import parts\nparts.cfg = cfg\nparts.show()\n",
    "a wrapped network": "import torch\nclass Net(torch.nn.Module):\n    def __init__(self, c):\n        self.c = c\n"
    "    def show(self):\n        print(self.c['a']['rate'])\ntorch.nn.DataParallel(Net(cfg)).module.show()\n",
}


@pytest.mark.parametrize("where", HELD_ELSEWHERE)
def test_a_config_is_followed_to_where_it_is_held(tmp_path: Path, where: str) -> None:
    parts = "cfg = None\ndef show():\n    print(cfg['a']['rate'])\n"
    report = read(tmp_path, LOAD + HELD_ELSEWHERE[where], "{a: {rate: 1, width: 2}}", parts=parts)
    assert (report.live, report.dead) == (("a.rate",), ("a.width",))


def test_a_field_that_a_class_may_have_of_a_library_is_not_accused(tmp_path: Path) -> None:
    source = """
        from dataclasses import dataclass
        from transformers import HfArgumentParser, TrainingArguments

        @dataclass
        class Mine(TrainingArguments):
            extra: int = 1

        args, = HfArgumentParser((Mine,)).parse_yaml_file("c.yaml")
        print(args.extra)
    """
    report = read(tmp_path, source, "{extra: 1, warmup_ratio: 0.1}")
    assert (report.live, report.unknown) == (("extra",), ("warmup_ratio",))


def test_a_key_of_which_hasattr_asks_alone_is_left_open(tmp_path: Path) -> None:
    source = """
        from omegaconf import OmegaConf
        cfg = OmegaConf.load("c.yaml")
        if hasattr(cfg, "resume"):
            print(cfg.lr)
    """
    report = read(tmp_path, source, "{lr: 1, resume: 2, spare: 3}")
    assert (report.live, report.unknown, report.dead) == (("lr",), ("resume",), ("spare",))
    assert report.absent == ()


FLATTENED = {
    "by update": "            out.update(flat(v))\n        else:\n            out[k] = v\n    return out\n",
    "by extend": "            pairs = [*out.items()]\n            pairs.extend(flat(v).items())\n"
    "            out = dict(pairs)\n        else:\n            out[k] = v\n    return out\n",
    "by two stars": "            out = {**out, **flat(v)}\n        else:\n            out[k] = v\n    return out\n",
    "by a union": "            out |= flat(v)\n        else:\n            out[k] = v\n    return out\n",
    "into what is passed on": "            flat(v, out)\n        else:\n            out[k] = v\n    return out\n",
    "as a generator": "            yield from flat(v)\n        else:\n            yield k, v\n",
}


@pytest.mark.parametrize("how", FLATTENED)
def test_a_function_that_flattens_a_config_does_not_give_it_back_as_it_was(tmp_path: Path, how: str) -> None:
    head = "def flat(d, out=None):\n    out = {} if out is None else out\n    for k, v in d.items():\n"
    head += "        if isinstance(v, dict):\n"
    source = LOAD + head + FLATTENED[how] + "a = dict(flat(cfg))\nprint(cfg['seed'], a['rate'], a['lr'])\n"
    report = read(tmp_path, source, "{audio: {rate: 1, x: 2}, train: {lr: 3, y: 4}, seed: 5}")
    assert {"audio.rate", "train.lr"} <= set(report.live)
    assert set(report.idle) <= {report["audio.x"], report["train.y"]}


@pytest.mark.parametrize("given", ["wandb.init(config=cfg)\na = wandb.config\n", "a = wandb.init(config=cfg).config\n"])
def test_the_config_that_a_tracker_gives_back_may_be_read(tmp_path: Path, given: str) -> None:
    source = LOAD + "import wandb\n" + given + "print(cfg['seed'], a.rate, a['lr'])\n"
    report = read(tmp_path, source, "{rate: 1, lr: 2, spare: 3, seed: 4}")
    assert (report.dead, report.misplaced) == (("spare",), ())


def test_a_section_that_data_have_too_is_dead_below_one_that_nothing_mentions(tmp_path: Path) -> None:
    source = LOAD + "import batches\nprint(cfg['lr'])\nfor batch in batches.all():\n    print(batch['energy'])\n"
    report = read(tmp_path, source, "{lr: 1, preprocessing: {energy: {n_fft: 2}}, energy: {bins: 3}}")
    assert (report.dead, report.unknown) == (("preprocessing.energy.n_fft",), ("energy.bins",))


def test_an_array_of_which_a_part_is_taken_is_not_what_it_was_made_of(tmp_path: Path) -> None:
    source = """
        import yaml
        from dataclasses import dataclass

        @dataclass
        class Settings:
            lr: float = 1.0

        cfg = yaml.safe_load(open("c.yaml"))
        settings = Settings(**cfg)
        both = [settings if ready() else cfg]
        rows, columns = both[:, 0][0]
        print(settings.lr)
    """
    report = read(tmp_path, source, "{lr: 1, spare: 2}")
    assert (report.live, report.dead) == (("lr",), ("spare",))
