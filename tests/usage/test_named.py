"""Classes that texts of the config name, and other code that runs, or does not, without a call by its own name."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from diagnose.config import read_config
from diagnose.usage.report import KeyReport
from diagnose.usage.source import keys_read
from tests.usage.conftest import read

NETS = """
    class Net:
        def __init__(self, width, depth=2, spare=None):
            self.layers = [width] * depth

    def build(width, depth, spare):
        return [width] * depth
"""
CONFIG = "{net: {file: parts.nets, kind: Net, path: parts.nets.Net, args: {width: 4, depth: 2, spare: 1}}}"
BUILDS = {
    "a module and a class": """
        where = importlib.import_module(cfg["net"]["file"])
        getattr(where, cfg["net"]["kind"])(**cfg["net"]["args"])
    """,
    "a path, cut at its last dot": """
        def made(path, args):
            folder, name = path.rsplit(".", 1)
            return getattr(importlib.import_module(folder), name)(**args)

        made(cfg["net"]["path"], cfg["net"]["args"])
    """,
    "the parts of a path": """
        def found(path):
            parts = path.split(".")
            return getattr(importlib.import_module(".".join(parts[:-1])), parts[-1])

        make = found(cfg["net"]["path"])
        net = make(**cfg["net"]["args"])
    """,
    "a module that is imported by its name": """
        from parts import nets

        class Builder:
            def __init__(self, opt):
                self.opt, self.make = opt, getattr(nets, opt["kind"])

            def build(self):
                return self.make(**self.opt["args"])

        Builder(cfg["net"]).build()
    """,
}
START = "import importlib, yaml\n\ncfg = yaml.safe_load(open('c'))\n"


def packaged(tmp_path: Path, **modules: str) -> None:
    (tmp_path / "parts").mkdir()
    for name, text in modules.items():
        (tmp_path / "parts" / f"{name}.py").write_text(textwrap.dedent(text), "utf-8")


@pytest.mark.parametrize("kind", ["Net", "build"])
@pytest.mark.parametrize("how", BUILDS)
def test_an_argument_that_the_named_class_does_not_use_is_dead(tmp_path: Path, how: str, kind: str) -> None:
    packaged(tmp_path, nets=NETS)
    report = read(tmp_path, START + textwrap.dedent(BUILDS[how]), CONFIG.replace("Net", kind))
    assert report.dead[-1:] == ("net.args.spare",)
    assert {"net.args.width", "net.args.depth"} <= set(report.live)


LIVE = {
    "the class is of a library": (
        """
        import torch
        getattr(torch.optim, cfg["opt"]["kind"])([], **cfg["opt"]["args"])
        """,
        "{opt: {kind: Adam, args: {lr: 1, eps: 2}}}",
    ),
    "it has the name of one in the project": (
        """
        def make(path, args):
            where, name = path.rsplit(".", 1)
            return getattr(importlib.import_module(where), name)([], **args)

        make(cfg["opt"]["path"], cfg["opt"]["args"])
        class Adam:
            def __init__(self, params, lr, eps):
                self.lr = lr
        """,
        "{opt: {path: torch.optim.Adam, args: {lr: 1, eps: 2}}}",
    ),
    "two have the name": (
        """
        from parts import one, two
        getattr(two, cfg["data"]["kind"])(**cfg["data"]["args"])
        """,
        "{data: {kind: Data, args: {folder: a, size: 2}}}",
    ),
    "one of two that are beside each other": (
        """
        def make(opt):
            return getattr(importlib.import_module(opt["file"]), opt["kind"])(**opt["args"])

        make(cfg["data"]), make(cfg["test"])
        """,
        "{data: &d {file: parts.two, kind: Data, args: {folder: a, size: 2}}, test: *d}",
    ),
    "it hands on what it is given": (
        """
        def make(opt):
            return getattr(importlib.import_module(opt["file"]), opt["kind"])(**opt["args"])

        make(cfg["data"])
        """,
        "{data: {file: parts.two, kind: Small, args: {folder: a, size: 2}}}",
    ),
    "another one is given the section whole": (
        """
        def start(module, config):
            return getattr(importlib.import_module(module["file"]), module["kind"])(config=config)

        start(cfg["run"], cfg).go()
        """,
        "{run: {file: parts.two, kind: Run, steps: 2}, seed: 1}",
    ),
    "it comes from a plug-in that the run names": (
        """
        import sys
        def make(opt):
            return getattr(importlib.import_module(sys.argv[1]), opt["kind"])(**opt["args"])

        make(cfg["data"])
        class Other:
            def __init__(self, size):
                pass
        """,
        "{data: {kind: Unknown, args: {size: 2}}}",
    ),
}


@pytest.mark.parametrize("case", LIVE)
def test_what_a_named_class_is_given_is_not_accused(tmp_path: Path, case: str) -> None:
    source, config = LIVE[case]
    packaged(
        tmp_path,
        one="class Data:\n    def __init__(self, folder, size):\n        self.folder = folder\n",
        two=(
            "class Data:\n    def __init__(self, folder, size):\n        self.all = [folder] * size\n"
            "class Small(Data):\n    def __init__(self, **given):\n        super().__init__(**given)\n"
            "class Run:\n    def __init__(self, config):\n        self.config = config['run']\n"
            "        print(config['seed'] + 1)\n"
            "    def go(self):\n        return range(self.config['steps'])\n"
        ),
    )
    assert read(tmp_path, START + textwrap.dedent(source), config).idle == ()


SAVED = {
    "a class above": "class Net(Base):\n    def step(self):\n        return self.hparams.width\n",
    "a callback": (
        "class Show:\n    def on_step(self, module):\n        print(module.hparams['width'])\n"
        "CALLBACKS = [Show().on_step]\nclass Net(Base):\n    pass\n"
    ),
    "a function that takes them all": (
        "def layers(width=1):\n    return [width]\n"
        "class Net(Base):\n    def step(self):\n        return layers(**self.hparams)\n"
    ),
}


@pytest.mark.parametrize("who", SAVED)
def test_an_argument_that_is_saved_may_be_read_by_others(tmp_path: Path, who: str) -> None:
    source = "from lightning.pytorch.cli import LightningCLI\nimport nets\nLightningCLI()\n"
    base = """
        from lightning import LightningModule

        class Base(LightningModule):
            def __init__(self, width, spare):
                super().__init__()
                self.save_hyperparameters(ignore=["loss"])

    """
    nets = textwrap.dedent(base) + SAVED[who]
    config = "{model: {class_path: nets.Net, init_args: {width: 2, spare: 1}}}"
    report = read(tmp_path, source, config, nets=nets)
    assert (report.live[-1], report.dead) == ("model.init_args.width", ("model.init_args.spare",))


BEHIND = {
    "a return": "def total(a, b):\n    return a\n    return a + cfg['spare'] * b\n",
    "a raise": "def total(a, b):\n    if b:\n        raise ValueError(b)\n        a *= cfg['spare']\n    return a\n",
    "a continue": "def total(a, b):\n    for one in b:\n        continue\n        a *= cfg['spare']\n    return a\n",
}


@pytest.mark.parametrize("what", BEHIND)
def test_code_behind_the_end_of_its_block_reads_nothing(tmp_path: Path, what: str) -> None:
    source = f"{START}{BEHIND[what]}print(total(cfg['lr'], [cfg['seed']]))\n"
    assert read(tmp_path, source, "{lr: 1, seed: 2, spare: 3}").dead == ("spare",)


def test_code_behind_a_return_in_another_block_still_reads(tmp_path: Path) -> None:
    source = """
        import yaml
        cfg = yaml.safe_load(open("c"))

        def total(a):
            try:
                if a:
                    return a
                a += cfg["lr"]
            finally:
                print(cfg["seed"] + 1)
            while a:
                break
            else:
                a = cfg["width"]
            return a

        total(1)
    """
    assert read(tmp_path, source, "{lr: 1, seed: 2, width: 3}").idle == ()


HYDRA = """
    import hydra

    @hydra.main(version_base=None, config_path="conf", config_name="main")
    def main(cfg):
        print(cfg.seed, cfg.net.width, cfg.run.name, cfg.plan.steps.first)

    main()
"""
FILES = {
    "main.yaml": "defaults: [plan: short]\nseed: 1\nrun: {name: x}\nwidth: 2\nname: y\nfirst: 3\n",
    "plan/short.yaml": "steps: {first: 3}\nname: z\n",
    "net/small.yaml": "width: 2\nname: x\n",
}


@pytest.mark.parametrize(
    ("file", "dead", "unknown"),
    [
        ("main.yaml", {"width", "name", "first"}, set()),
        ("plan/short.yaml", {"name"}, set()),
        ("net/small.yaml", {"name"}, set()),
    ],
)
def test_a_key_that_hydra_has_of_another_file_is_not_this_one(
    tmp_path: Path, file: str, dead: set[str], unknown: set[str]
) -> None:
    report = hydra(tmp_path, FILES, file)
    assert (set(report.dead), set(report.unknown)) == (dead, unknown)


def test_a_group_under_a_name_that_no_file_has_is_not_accused(tmp_path: Path) -> None:
    files = {"main.yaml": "defaults: [model@net: small]\nseed: 1\n", "model/small.yaml": "width: 2\n"}
    assert hydra(tmp_path, files, "model/small.yaml").idle == ()


def hydra(tmp_path: Path, files: dict[str, str], judged: str) -> KeyReport:
    for name, text in files.items():
        (tmp_path / "conf" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "conf" / name).write_text(text, "utf-8")
    (tmp_path / "train.py").write_text(textwrap.dedent(HYDRA), "utf-8")
    config = tmp_path / "conf" / judged
    return keys_read(tmp_path / "train.py", read_config(config).tree(), config)


RESTS = {
    "a base of a library": """
        class Net(torch.nn.Module):
            def __init__(self, enc, width, **rest):
                super().__init__(**rest)
                self.layers = [enc["depth"]] * width

        Net(**cfg["net"])
    """,
    "a function of a library": """
        def build(enc, width=1, **rest):
            return torch.nn.Linear(enc["depth"], width, **rest)

        build(**cfg["net"])
    """,
    "a class of a library, by way of another function": """
        def inner(width, **more):
            return torch.nn.Linear(width, **more)

        def outer(enc, **rest):
            return inner(**rest), enc["depth"] + 1

        outer(**cfg["net"])
    """,
}


@pytest.mark.parametrize("to", RESTS)
def test_what_a_parameter_takes_is_not_among_the_rest(tmp_path: Path, to: str) -> None:
    source = "import torch, yaml\ncfg = yaml.safe_load(open('c'))\n" + textwrap.dedent(RESTS[to])
    config = "{net: {enc: {depth: 1, spare: 2}, width: 3, bias: true, more: {lr: 1}}}"
    report = read(tmp_path, source, config)
    assert report.dead == ("net.enc.spare",)
    assert {"net.enc.depth", "net.width", "net.bias"} <= set(report.live)


EXECUTED = {
    "by the trainer": "exec(open(sys.argv[1]).read())\n",
    "by a file that it runs too": "exec(open('configurator.py').read())\n",
    "compiled first": "exec(compile(open(sys.argv[1]).read(), sys.argv[1], 'exec'), globals())\n",
}


@pytest.mark.parametrize("how", EXECUTED)
def test_a_config_in_python_sets_the_names_of_the_trainer(tmp_path: Path, how: str) -> None:
    (tmp_path / "small.py").write_text("lr = 1\nwidth = 2\nspare = 3\nother = 4\n", "utf-8")
    source = "import sys\nlr, spare = 0.1, 5\nwidth = 3\n" + EXECUTED[how] + "def step():\n    print(lr * 2)\nstep()\n"
    (tmp_path / "train.py").write_text(source + "print(width)\n", "utf-8")
    config = {"lr": 1, "width": 2, "spare": 3, "other": 4}
    report = keys_read(tmp_path / "train.py", config, tmp_path / "small.py")
    assert (report.live, report.dead) == (("lr", "width"), ("spare", "other"))


def test_a_text_that_is_evaluated_reads_the_keys_in_it(tmp_path: Path) -> None:
    source = """
        import yaml
        cfg = yaml.safe_load(open("c"))
        print(cfg["lr"], eval("cfg['width'] * cfg['depth']"), eval(cfg["rate"]))
    """
    report = read(tmp_path, source, "{lr: 1, width: 2, depth: 3, rate: '1e-3', spare: 4}")
    assert (report.unknown, report.dead) == (("width", "depth"), ("spare",))


STATE = {
    "by keys": "state = torch.load(sys.argv[1])\nopt.restore(state['spare'], state['model']['plan'])\n",
    "by get, in another function": (
        "def resume(path):\n    return torch.load(path, map_location='cpu')\n"
        "state = resume(sys.argv[1])\nopt.restore(state.get('spare'), state['plan'])\n"
    ),
    "by attributes": "state = np.load(sys.argv[1], allow_pickle=True)\nopt.restore(state.spare, state.plan)\n",
}


@pytest.mark.parametrize("how", STATE)
def test_what_was_saved_by_another_run_is_not_the_config(tmp_path: Path, how: str) -> None:
    before = """
        import sys, torch, kit, yaml
        import numpy as np
        cfg = yaml.safe_load(open("c"))
        opt = kit.Opt(cfg["lr"])
    """
    source = textwrap.dedent(before) + STATE[how]
    assert read(tmp_path, source, "{lr: 1, spare: 2, plan: 3}").dead == ("spare", "plan")


RELOADED = {
    "in a checkpoint": "torch.save({'model': 1, 'cfg': cfg}, 'x')\nprint(torch.load('x')['cfg']['lr'])\n",
    "with an object": (
        "class Box:\n    def __init__(self, given):\n        self.__dict__.update(given)\n"
        "torch.save(Box(cfg), 'x')\nprint(torch.load('x').lr)\n"
    ),
    "by Lightning": (
        "class Net(pl.LightningModule):\n    def __init__(self, **given):\n        self.save_hyperparameters()\n"
        "Net(**cfg)\nprint(torch.load(sys.argv[1])['hyper_parameters']['lr'])\n"
    ),
}


@pytest.mark.parametrize("how", RELOADED)
def test_what_the_trainer_saves_of_the_config_may_be_read_again(tmp_path: Path, how: str) -> None:
    source = f"import sys, torch, yaml\nimport lightning as pl\ncfg = yaml.safe_load(open('c'))\n{RELOADED[how]}"
    assert read(tmp_path, source, "{lr: 1}").idle == ()


RESUMED = {
    "the config or a saved one": (
        "if len(sys.argv) > 2:\n    cfg = torch.load(sys.argv[2])['cfg']\nprint(cfg['lr'] * 2)\n"
    ),
    "the config, with what was saved": "cfg.update(torch.load(sys.argv[2])['cfg'])\nprint(cfg['lr'] * 2)\n",
    "an object behind a wrapper of the library": (
        "class Net(torch.nn.Module):\n    def __init__(self, opt):\n        self.opt = opt\n"
        "net = torch.nn.DataParallel(Net(cfg))\nprint(net.module.opt['lr'] * 2)\n"
    ),
}


@pytest.mark.parametrize("what", RESUMED)
def test_a_config_beside_what_was_saved_is_read(tmp_path: Path, what: str) -> None:
    source = f"import sys, torch, yaml\ncfg = yaml.safe_load(open('c'))\n{RESUMED[what]}"
    assert read(tmp_path, source, "{lr: 1}").live == ("lr",)


@pytest.mark.parametrize("index", ["-1", "-2", "-(1 + 1)"])
def test_an_index_from_the_end_is_no_key(tmp_path: Path, index: str) -> None:
    source = f"""
        import yaml

        def load(cfg):
            name = cfg.split("/")[{index}]
            with open(cfg) as file:
                cfg = yaml.safe_load(file)
            return cfg, name, cfg[{index}]

        cfg, name, _ = load("a/b.yaml")
        data = make(name)
        print(cfg["lr"], data["spare"])
    """
    assert read(tmp_path, source, "{lr: 1, spare: 2}").live == ("lr",)


REGISTRIES = {
    "of mmengine": ("from mmengine import build_from_cfg, MODELS", "build_from_cfg(cfg.Net, MODELS)"),
    "of mmcv": ("import mmcv\nfrom reg import NETS", "mmcv.build_from_cfg(cfg['Net'], NETS)"),
    "by its runner": ("from mmengine.runner import Runner", "Runner.from_cfg(dict(model=cfg.Net))"),
}


@pytest.mark.parametrize("how", REGISTRIES)
def test_a_section_that_a_registry_makes_an_object_of_is_used(tmp_path: Path, how: str) -> None:
    imports, build = REGISTRIES[how]
    source = f"""
from mmengine import Config as Base
{imports}
from nets import Net

class Config(Base):
    def __init__(self, filename):
        found = super().fromfile(filename)._cfg_dict
        super(Config, self).__init__(cfg_dict=found, filename=filename)

cfg = Config("c.yaml")
{build}
print(cfg.lr)
"""
    net = "class Net:\n    def __init__(self, width, depth=1):\n        self.width = width\n"
    config = "{Net: {type: Net, width: 4, depth: 3}, Other: {type: Net, width: 5}, lr: 1, spare: 2}"
    report = read(tmp_path, source, config, nets=net, reg="NETS = {}\n")
    assert set(report.live) == {"Net.type", "Net.width", "lr"}
    assert {use.path for use in report.idle} == {"Net.depth", "Other.type", "Other.width", "spare"}


SHADOWS = {
    "a function of this name": "def eval(model):\n    return model\n",
    "an imported one": "from parts import eval\n",
    "under another name": "from parts import score as eval\n",
}


@pytest.mark.parametrize("how", SHADOWS)
def test_a_function_that_is_called_eval_evaluates_no_text(tmp_path: Path, how: str) -> None:
    source = "import yaml\n" + SHADOWS[how]
    source += """
cfg = yaml.safe_load(open("c.yaml"))

def nobody_calls_it():
    return cfg["spare"]

print(eval(cfg["lr"]))
"""
    parts = "def eval(model):\n    return model\nscore = eval\n"
    report = read(tmp_path, source, "{lr: 1, spare: 2}", parts=parts)
    assert (report.live, report.dead) == (("lr",), ("spare",))
