"""What the trainers of strangers do with their configs, and where they keep their packages."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from diagnose.usage.source import keys_read
from tests.usage.conftest import read

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
    assert set(report.live) == {"folder", "width", "seed"}


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
    "a key that is written into another dict": (
        """
        import json, sys
        cfg = json.load(open("c.json"))
        row = json.loads(sys.argv[1])
        row["spare"] = cfg["lr"]
        print(row)
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


LAZY = {
    "a dict of names": """
        from importlib import import_module
        _HOMES = {"show": "pack.talk"}
        def __getattr__(name):
            return getattr(import_module(_HOMES[name]), name)
    """,
    "names of modules beside it": """
        import importlib
        _LAZY = {"talk": ["show", "tell"]}
        def __getattr__(name):
            for module, names in _LAZY.items():
                if name in names:
                    return getattr(importlib.import_module("." + module, __name__), name)
            raise AttributeError(name)
    """,
    "a library's loader": """
        import lazy_loader
        __getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"talk": ["show"]})
    """,
}


@pytest.mark.parametrize("how", LAZY)
def test_a_package_that_opens_its_modules_when_they_are_asked_for_is_followed(tmp_path: Path, how: str) -> None:
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").write_text(textwrap.dedent(LAZY[how]), "utf-8")
    (package / "talk.py").write_text("def show(cfg):\n    print(cfg['lr'])\n", "utf-8")
    source = "import yaml\nfrom pack import show\nshow(yaml.safe_load(open('c.yaml')))\n"
    report = read(tmp_path, source, "{lr: 1, spare: 2}")
    assert (report.live, report.dead) == (("lr",), ("spare",))


MESSAGES = {
    "raise": "    if type(new) is not type(old):\n        raise ValueError('{} is no {}'.format(new, old))\n",
    "raise of a text": "    if type(new) is not type(old):\n        raise TypeError(f'{new!r}: was {old!r}')\n",
    "assert": "    assert isinstance(new, type(old)), 'no {}'.format(old)\n",
}


@pytest.mark.parametrize("how", MESSAGES)
def test_what_an_error_would_show_of_overwritten_keys_is_no_reading(tmp_path: Path, how: str) -> None:
    source = f"""
import sys, yaml
def checked(new, old):
{MESSAGES[how]}    return new
def merged(cfg, given):
    for key, value in zip(given[0::2], given[1::2]):
        cfg[key] = checked(value, cfg[key])
    return cfg
cfg = merged(yaml.safe_load(open("c.yaml")), sys.argv[2:])
print(cfg["lr"])
"""
    report = read(tmp_path, source, "{lr: 1, spare: 2}")
    assert (report.live, report.dead) == (("lr",), ("spare",))


def test_a_key_that_an_error_alone_names_is_live(tmp_path: Path) -> None:
    source = """
        import yaml
        cfg = yaml.safe_load(open("c.yaml"))
        if cfg["lr"] > 1:
            raise ValueError(f"too high for {cfg['name']}")
    """
    assert read(tmp_path, source, "{lr: 1, name: x, spare: 2}").live == ("lr", "name")


FILLED = {
    "defaults of a data class": "cfg = asdict(Defaults())\nmerge(cfg, yaml.safe_load(open('c.yaml')))\n",
    "defaults of a library": "import kit\ncfg = kit.defaults()\nmerge(cfg, yaml.safe_load(open('c.yaml')))\n",
    "defaults in the source": "cfg = {'model': {'width': 1}}\nmerge(cfg, yaml.safe_load(open('c.yaml')))\n",
}


@pytest.mark.parametrize("how", FILLED)
def test_what_a_walk_merges_into_defaults_is_the_config(tmp_path: Path, how: str) -> None:
    source = f"""
import yaml
from dataclasses import asdict, dataclass
@dataclass
class Defaults:
    rate: float = 1.0
def merge(into, new):
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value
    return into
{FILLED[how]}
model = cfg.get("model", {{}}) or {{}}
print(float(cfg.get("rate", 1)), model.get("width", 4))
"""
    report = read(tmp_path, source, "{rate: 1, model: {width: 2}, spare: {more: 3}}")
    assert (report.live, report.dead) == (("rate", "model.width"), ("spare.more",))


def test_a_base_that_is_in_no_file_may_read_what_it_is_given(tmp_path: Path) -> None:
    source = """
        import yaml
        from lab.trainer import Base
        class Mine(Base):
            def __init__(self, cfg):
                super().__init__(cfg)
                print(cfg["lr"])
        Mine(yaml.safe_load(open("c.yaml")))
    """
    report = read(tmp_path, source, "{lr: 1, epochs: 2}")
    assert (report.live, report.unknown) == (("lr",), ("epochs",))


@pytest.mark.parametrize("end", ["", "\n\ndef other(args):\n    return args\n"])
def test_the_functions_of_a_file_that_another_program_starts_run(tmp_path: Path, end: str) -> None:
    source = "import yaml\n\ndef train(args):\n    cfg = yaml.safe_load(open(args.config))\n    print(cfg['lr'])\n"
    report = read(tmp_path, source + end, "{lr: 1, spare: 2}")
    assert (report.live, report.dead) == (("lr",), ("spare",))


def test_a_licence_marks_a_project_before_a_readme_does(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("free")
    for folder in ("recipes/one", "core"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "recipes/one/README.md").write_text("a recipe")
    (tmp_path / "core/base.py").write_text("class Base:\n    def __init__(self, cfg):\n        print(cfg['epochs'])\n")
    (tmp_path / "recipes/one/train.py").write_text(
        "import yaml\nfrom core.base import Base\nBase(yaml.safe_load(open('c.yaml')))\n"
    )
    (tmp_path / "recipes/one/c.yaml").write_text("epochs: 1\nspare: 2\n")
    report = keys_read(tmp_path / "recipes/one/train.py", {"epochs": 1, "spare": 2}, tmp_path / "recipes/one/c.yaml")
    assert (report.live, report.dead) == (("epochs",), ("spare",))


@pytest.mark.parametrize("name", ["fit", "run", "train_on"])
def test_a_section_that_an_inherited_method_takes_is_not_accused(tmp_path: Path, name: str) -> None:
    source = f"""
import yaml
import speechbrain as sb
class Mine(sb.Brain):
    def compute_forward(self, batch, stage):
        return batch
cfg = yaml.safe_load(open("c.yaml"))
brain = Mine(hparams=cfg)
cfg["loader"]["collate_fn"] = print
brain.{name}(cfg["data"], loader_kwargs=cfg["loader"])
"""
    config = "{data: x.csv, loader: {num_workers: 4}, eval_precision: fp16, spare: 1}"
    report = read(tmp_path, source, config)
    assert (report.live, report.unknown) == (("data", "eval_precision"), ("loader.num_workers",))
