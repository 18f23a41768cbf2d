"""What is followed: modules, classes, bindings, loaders, loops."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from diagnose.errors import SourceError
from diagnose.usage.report import KeyState
from diagnose.usage.source import keys_read
from tests.usage.conftest import read


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
