"""What loads a config, what holds it, what its values name, and where the modules are that read it."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from diagnose.config import read_config
from diagnose.usage.report import KeyReport
from diagnose.usage.source import keys_read
from tests.usage.conftest import read


def written(tmp_path: Path, files: dict[str, str], config: str = "config.yaml", trainer: str = "train.py") -> KeyReport:
    """The report on a project whose files are given by their paths."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text), "utf-8")
    file = tmp_path / config
    return keys_read(tmp_path / trainer, read_config(file).tree(), file)


LOOP = "def run(opt):\n    print(opt['rate'], opt['net']['width'])\n"
STARTS = "import yaml\nimport _paths\n\nopt = yaml.safe_load(open('config.yaml'))\n"
ON_THE_PATH = {
    "a folder without `__init__.py`": {
        "tools/train.py": STARTS + "from engine.loop import run\nrun(opt)\n",
        "lib/engine/loop.py": LOOP,
    },
    "a package that holds a module of its name": {
        "tools/train.py": STARTS + "from steps.steps import run\nrun(opt)\n",
        "lib/steps/__init__.py": "",
        "lib/steps/steps.py": LOOP,
    },
    "a package whose name a module of another one has": {
        "tools/train.py": STARTS + "import steps\nsteps.run(opt)\n",
        "lib/steps/__init__.py": LOOP,
        "lib/setup/__init__.py": "",
        "lib/setup/steps.py": "STEPS = 3\n",
    },
}


@pytest.mark.parametrize("way", ON_THE_PATH)
def test_a_folder_that_the_run_puts_on_the_path_is_found(tmp_path: Path, way: str) -> None:
    beside = {"README.md": "", "tools/_paths.py": "import sys\nsys.path.insert(0, 'lib')\n"}
    config = {"config.yaml": "rate: 1\nnet: {width: 2, depth: 3}\nspare: 4\n"}
    report = written(tmp_path, {**ON_THE_PATH[way], **beside, **config}, trainer="tools/train.py")
    assert (report.live, report.dead) == (("rate", "net.width"), ("net.depth", "spare"))


def test_a_key_that_one_of_two_modules_of_a_name_may_read_is_not_accused(tmp_path: Path) -> None:
    files = {
        "README.md": "",
        "tools/train.py": STARTS + "print(opt['rate'])\nfrom steps import run\nrun(opt)\n",
        "a/steps.py": "def run(opt):\n    print(opt['width'])\n",
        "b/steps.py": "def run(opt):\n    print(opt['depth'])\n",
        "config.yaml": "rate: 1\nwidth: 2\ndepth: 3\nspare: 4\n",
    }
    report = written(tmp_path, files, trainer="tools/train.py")
    assert (report.live, report.dead) == (("rate",), ())


EVALUATED = {
    "a module and a class": "eval('nets.' + cfg['net'])(cfg)\n",
    "a function of a module": "eval('nets.' + cfg['net'] + '.made')(cfg)\n",
    "a formatted text": "eval(f\"nets.{cfg['net']}.made\")(cfg)\n",
    "a class under another name": "eval('nets.%s' % cfg['net'])(cfg)\neval('nets.' + cfg['net'])(cfg)\n",
}


@pytest.mark.parametrize("way", EVALUATED)
def test_what_eval_picks_from_a_module_is_given_the_config(tmp_path: Path, way: str) -> None:
    source = "import yaml\nimport nets\n\ncfg = yaml.safe_load(open('config.yaml'))\n"
    files = {
        "train.py": source + EVALUATED[way],
        "nets/__init__.py": "import nets.flat\nfrom nets.flat import Flat as flat\n",
        "nets/flat.py": """
            class Flat:
                def __init__(self, cfg):
                    self.width = cfg["width"]

            def made(cfg):
                return Flat(cfg)
        """,
        "config.yaml": "net: flat\nwidth: 2\nspare: 4\n",
    }
    report = written(tmp_path, files)
    assert (report.live, report.dead) == (("net", "width"), ("spare",))


HYDRA = """
    import hydra

    @hydra.main(config_path="conf/all.yaml")
    def main(cfg):
        print(cfg.training.rate, cfg.training.steps.warm)

    main()
"""


@pytest.mark.parametrize(
    "section", ["training: {rate: 1, steps: {warm: 2, spare: 3}}", "rate: 1\nsteps: {warm: 2, spare: 3}"]
)
def test_a_hydra_file_may_begin_with_the_section_of_its_folder(tmp_path: Path, section: str) -> None:
    files = {"train.py": HYDRA, "conf/all.yaml": "defaults: [training: fast]\n", "conf/training/fast.yaml": section}
    report = written(tmp_path, files, config="conf/training/fast.yaml")
    assert [path.rpartition(".")[2] for path in report.dead] == ["spare"]
    assert len(report.live) == 2


HOLDERS = {
    "asked by the method's name": "return self._c.__getattr__(name)",
    "asked by `getattr`": "return getattr(self._c, name)",
    "asked by its item": "return self._c[name]",
}


@pytest.mark.parametrize("way", HOLDERS)
def test_an_object_that_asks_a_config_it_holds_for_its_attributes(tmp_path: Path, way: str) -> None:
    source = f"""
        from yacs.config import CfgNode

        class Options:
            def __init__(self, file):
                self._c = CfgNode()
                self._c.SPARE = False
                self._c.OPTIM = CfgNode()
                self._c.OPTIM.RATE = 1
                self._c.merge_from_file(file)

            def __getattr__(self, name):
                {HOLDERS[way]}

        opt = Options("training.yml")
        print(opt.OPTIM.RATE)
    """
    report = read(tmp_path, source, "{SPARE: true, OPTIM: {RATE: 2, DECAY: 3}}")
    assert (report.live, report.dead) == (("OPTIM.RATE",), ("SPARE", "OPTIM.DECAY"))


@pytest.mark.parametrize("way", HOLDERS)
def test_an_object_that_is_asked_for_any_attribute_of_its_config(tmp_path: Path, way: str) -> None:
    source = f"""
        import sys, yaml

        class Options:
            def __init__(self, file):
                self._c = yaml.safe_load(open(file))

            def __getattr__(self, name):
                {HOLDERS[way]}

        opt = Options("c.yaml")
        print(opt.rate, [getattr(opt, name) for name in sys.argv[1:]])
    """
    report = read(tmp_path, source, "{rate: 1, steps: 2}", other="steps = 3\n")
    assert report.dead == ()


def test_a_config_that_is_read_with_defaults_alone_is_no_other_file(tmp_path: Path) -> None:
    source = """
        import json, yaml

        cfg = yaml.safe_load(open("config.yaml"))
        names = json.load(open("names.json"))
        for name in names:
            print(names[name])
        print(cfg.get("rate", 1), cfg.get("steps", 2), cfg["only_in_another_file"])
    """
    assert read(tmp_path, source, "{rate: 1, steps: 2, spare: 3}").dead == ("spare",)


REFERRED = """
    rate: 1
    warm: 2
    idle: 3
    data: {width: 4, depth: 5}
    net:
      rate: ${mul:${rate},${scale}}
      size: ${data.width}
    scale: 6
    unread: ${idle}
    chain: ${unread}
"""


def test_a_key_that_others_refer_to_is_what_these_are(tmp_path: Path) -> None:
    files = {"train.py": "from omegaconf import OmegaConf\nprint(OmegaConf.load('config.yaml').net.rate)\n"}
    report = written(tmp_path, {**files, "config.yaml": REFERRED})
    assert report.live == ("rate", "net.rate", "scale")
    assert {"warm", "idle", "data.width", "data.depth", "net.size", "unread", "chain"} == set(report.dead)


TAGGED = """
    width: 4
    rate: 1
    folder: out
    spare: 2
    saves: !ref <folder>/saves
    net: !new:nets.Net
        width: !ref <width>
        unused: 3
    meter: !new:speechkit.Meter
        rate: !ref <rate>
    modules:
        net: !ref <net>
    seed: 5
    __seeded: !apply:torch.manual_seed [!ref <seed>]
    Opt: !name:torch.optim.Adam
        lr: !ref <steps.lr>
    steps: {lr: 6, unused: 7}
"""


def test_objects_are_made_of_the_sections_that_hyperpyyaml_tags(tmp_path: Path) -> None:
    files = {
        "train.py": """
            import sys
            from hyperpyyaml import load_hyperpyyaml

            hparams = load_hyperpyyaml(open(sys.argv[1]))
            print(hparams["saves"], hparams["modules"]["net"])
        """,
        "nets.py": """
            class Net:
                def __init__(self, width, unused=None):
                    self.layers = [width]
        """,
        "config.yaml": TAGGED,
    }
    report = written(tmp_path, files)
    made = ("seed", "__seeded", "Opt.lr", "steps.lr")
    assert report.live == ("width", "rate", "folder", "saves", "net.width", "meter.rate", "modules.net", *made)
    assert report.dead == ("spare", "net.unused", "steps.unused")


NODES = {
    "a tree with a short name": ("_C", "from settings import _C as cfg", "cfg.NET.WIDTH"),
    "a tree that a function copies": ("_C", "from settings import current\ncfg = current()", "cfg.NET.WIDTH"),
    "a tree that is handed on": (
        "cfg",
        "import settings\ndef see(c):\n    return c\ncfg = see(settings.cfg)",
        "cfg.NET.WIDTH",
    ),
}


@pytest.mark.parametrize("way", NODES)
def test_a_tree_that_a_python_file_grows_key_by_key_is_a_config(tmp_path: Path, way: str) -> None:
    name, start, use = NODES[way]
    files = {
        "train.py": f"{start}\nprint({use}, cfg.RATE)\n",
        "settings.py": f"""
            from yacs.config import CfgNode as CN

            {name} = CN()
            {name}.RATE = 1
            {name}.SPARE = 2
            {name}.NET = CN()
            {name}.NET.WIDTH = 3
            {name}.NET.DEPTH = 4

            def current():
                return {name}.clone()
        """,
    }
    report = written(tmp_path, files, config="settings.py")
    assert report.live == (f"{name}.RATE", f"{name}.NET.WIDTH")
    assert report.dead == (f"{name}.SPARE", f"{name}.NET.DEPTH")


def test_what_a_python_file_says_of_itself_is_no_key(tmp_path: Path) -> None:
    files = {
        "train.py": "import settings\nprint(settings.rate, settings.net.width)\n",
        "settings.py": """
            __author__ = "me"

            class Box(dict):
                pass

            rate = 1
            net = Box()
            net.width = 2
            net.size = 3
            net.size.high = 4
        """,
    }
    report = written(tmp_path, files, config="settings.py")
    assert (report.live, report.dead) == (("rate", "net.width"), ("net.size", "net.size.high"))


def test_a_command_line_of_the_project_that_is_lightnings_takes_every_key(tmp_path: Path) -> None:
    source = """
        from lightning.pytorch.cli import LightningCLI

        class OurCLI(LightningCLI):
            def add_arguments_to_parser(self, parser):
                parser.set_defaults({"trainer.devices": 1})

        OurCLI()
    """
    report = read(tmp_path, source, "{trainer: {devices: 2}, model: {width: 3}}")
    assert report.live == ("trainer.devices", "model.width")


def test_the_fields_that_a_parser_of_the_command_line_and_a_file_takes(tmp_path: Path) -> None:
    source = """
        from dataclasses import dataclass
        from trl import SFTConfig, TrlParser

        @dataclass
        class Ours:
            folder: str = "x"
            spare: int = 1

        ours, theirs = TrlParser((Ours, SFTConfig)).parse_args_and_config()
        print(ours.folder, theirs.seed)
    """
    report = read(tmp_path, source, "{folder: a, spare: 2, learning_rate: 0.1}")
    assert (report.live, report.dead) == (("folder", "learning_rate"), ("spare",))


SACRED = {
    "the whole config": "@ex.automain\ndef main(_run, _config):\n    print(_config['rate'], _config['net']['width'])\n",
    "keys by name": "@ex.main\ndef main(rate, net, _log):\n    print(rate, net['width'])\n\nex.run_commandline()\n",
    "keys by name, further in": """
@ex.capture
def built(net):
    return net["width"]

@ex.automain
def main(rate):
    print(rate, built())
""",
}


@pytest.mark.parametrize("way", SACRED)
def test_sacred_gives_an_experiment_its_config(tmp_path: Path, way: str) -> None:
    source = "from sacred import Experiment\n\nex = Experiment()\nex.add_config('config.yaml')\n\n" + SACRED[way]
    report = read(tmp_path, source, "{rate: 1, net: {width: 2, depth: 3}, spare: 4}")
    assert (report.live, report.dead) == (("rate", "net.width"), ("net.depth", "spare"))


CONFIGS_OF_A_FLAG = {
    "a tree": "c = base(); c.rate = 1; c.spare = 2; c.net = ConfigDict(); c.net.width = 3; return c",
    "its parts": "c = base(); c.rate = 1; c.spare = 2; net = c.net; net.width = 3; return c",
}


@pytest.mark.parametrize("name", ["config", "cfg"])
@pytest.mark.parametrize("way", CONFIGS_OF_A_FLAG)
def test_a_python_file_that_a_flag_names_is_the_config(tmp_path: Path, way: str, name: str) -> None:
    written_as = re.sub(r"\bc\b", name, CONFIGS_OF_A_FLAG[way])
    files = {
        "train.py": """
            from absl import app, flags
            from ml_collections import config_flags

            FLAGS = flags.FLAGS
            config_flags.DEFINE_config_file("settings", None, "what to train")

            def main(argv):
                show(FLAGS.settings)

            def show(config):
                print(config.rate, config.net.width)

            app.run(main)
        """,
        "configs/base.py": "from ml_collections import ConfigDict\n\ndef base():\n    return ConfigDict()\n",
        "configs/small.py": "from configs.base import *\n\ndef get_config():\n    "
        + written_as.replace("; ", "\n    "),
    }
    report = written(tmp_path, files, config="configs/small.py")
    assert [path.rpartition(".")[2] for path in report.live] == ["rate", "width"]
    assert [path.rpartition(".")[2] for path in report.dead] == ["spare"]


TABLES = {
    "a table of modules": "METHODS = {'flat': flat, 'deep': deep}\nMETHODS[cfg['method']].build(cfg)\n",
    "a table of packages": "METHODS = {'flat': nets}\nMETHODS[cfg['method']].flat.build(cfg)\n",
    "one of two modules": "(flat if cfg['method'] else deep).build(cfg)\n",
    "a module asked by name": "getattr({'a': flat, 'b': deep}[cfg['method']], 'build')(cfg)\n",
}


@pytest.mark.parametrize("way", TABLES)
def test_a_module_is_a_value_like_others(tmp_path: Path, way: str) -> None:
    start = "import yaml\nimport nets\nfrom nets import deep, flat\n\ncfg = yaml.safe_load(open('config.yaml'))\n"
    files = {
        "train.py": start + TABLES[way],
        "nets/__init__.py": "from nets import deep, flat\n",
        "nets/flat.py": "def build(cfg):\n    return [cfg['net']['width']]\n",
        "nets/deep.py": "def build(cfg):\n    return [cfg['net']['width']] * 2\n",
        "config.yaml": "method: flat\nnet: {width: 2, depth: 3}\nspare: 4\n",
    }
    report = written(tmp_path, files)
    assert (report.live, report.dead) == (("method", "net.width"), ("net.depth", "spare"))


REGISTRIES = {
    "its name is taken out": "made = getattr(module, net.pop('type'))(**net)\n",
    "its name is left out": "made = getattr(module, net['type'])(**{k: v for k, v in net.items() if k != 'type'})\n",
    "its name is deleted": "kind = net['type']\ndel net['type']\nmade = getattr(module, kind)(**net)\n",
}


@pytest.mark.parametrize("way", REGISTRIES)
def test_the_key_that_names_a_class_is_no_argument_of_it(tmp_path: Path, way: str) -> None:
    files = {
        "train.py": """
            import importlib, os, yaml

            names = [file[:-3] for file in os.listdir("nets") if file.endswith("_net.py")]
            modules = [importlib.import_module(f"nets.{name}") for name in names]
            opt = yaml.safe_load(open("config.yaml"))
            print(opt["rate"])
            net = opt["net"]
            for module in modules:
        """,
        "nets/__init__.py": "",
        "nets/flat_net.py": "class Flat:\n    def __init__(self, width, depth=1):\n        self.width = width\n",
        "nets/other_net.py": "class Other:\n    def __init__(self, opt):\n        print(opt['spare'])\n",
        "config.yaml": "rate: 1\nnet: {type: Flat, width: 2, depth: 3}\nspare: 4\n",
    }
    body = textwrap.dedent(files["train.py"]) + textwrap.indent(REGISTRIES[way], "    ")
    report = written(tmp_path, {**files, "train.py": body})
    assert set(report.live) == {"rate", "net.type", "net.width"}
    assert report.dead == ("net.depth",)


@pytest.mark.parametrize(
    "text", ["rate: 1\nnet: &a [*a]\n", "rate: 1\nnet: &a {deeper: *a}\n", "rate: 1\nnet: " + "[" * 3000 + "\n"]
)
def test_a_file_that_repeats_itself_is_looked_through_once(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(text, "utf-8")
    (tmp_path / "train.py").write_text("import yaml\nprint(yaml.safe_load(open('config.yaml'))['rate'])\n", "utf-8")
    assert keys_read(tmp_path / "train.py", {"rate": 1, "spare": 2}, tmp_path / "config.yaml").dead == ("spare",)
