"""Sections and keys that are named late, held elsewhere, flattened, or in files of groups."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from diagnose.config import read_config
from diagnose.usage.report import KeyState
from diagnose.usage.source import keys_read
from tests.usage.conftest import read

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
    "an item of something of a library": "import click\n@click.group()\n@click.pass_context\ndef main(ctx):\n"
    "    ctx.obj['all'] = cfg\n@main.command()\n@click.pass_context\ndef train(ctx):\n"
    "    c = ctx.obj['all']\n    print(c['a']['rate'])\nmain()\n",
    "another module": "import parts\nparts.cfg = cfg\nparts.show()\n",
    "a wrapped network": "import torch\nclass Net(torch.nn.Module):\n    def __init__(self, c):\n        self.c = c\n"
    "    def show(self):\n        print(self.c['a']['rate'])\ntorch.nn.DataParallel(Net(cfg)).module.show()\n",
}


@pytest.mark.parametrize("where", HELD_ELSEWHERE)
def test_a_config_is_followed_to_where_it_is_held(tmp_path: Path, where: str) -> None:
    parts = "cfg = None\ndef show():\n    print(cfg['a']['rate'])\n"
    report = read(tmp_path, LOAD + HELD_ELSEWHERE[where], "{a: {rate: 1, width: 2}}", parts=parts)
    assert (report.live, report.dead) == (("a.rate",), ("a.width",))


@pytest.mark.parametrize(
    ("more", "state"),
    [
        pytest.param("", KeyState.LIVE, id="a parser that refuses what is no field"),
        pytest.param(", allow_extra_keys=True", KeyState.UNKNOWN, id="one that takes other keys"),
    ],
)
def test_a_key_that_no_class_of_the_project_declares_is_a_field_of_the_base(
    more: str, state: KeyState, tmp_path: Path
) -> None:
    source = f"""
        from dataclasses import dataclass
        from transformers import HfArgumentParser, TrainingArguments

        @dataclass
        class Mine(TrainingArguments):
            extra: int = 1
            spare: int = 1

        args, = HfArgumentParser((Mine,)).parse_yaml_file("c.yaml"{more})
        print(args.extra)
    """
    report = read(tmp_path, source, "{extra: 1, spare: 2, warmup_ratio: 0.1}")
    assert (report["extra"].state, report["spare"].state) == (KeyState.LIVE, KeyState.DEAD)
    assert report["warmup_ratio"].state is state


OF_A_LIBRARY = {
    "alone": "args, = HfArgumentParser(TrainingArguments).parse_json_file(sys.argv[1])",
    "by keyword": "args, = HfArgumentParser(dataclass_types=TrainingArguments).parse_json_file(sys.argv[1])",
    "in a list": "args, = HfArgumentParser([TrainingArguments]).parse_json_file(json_file=sys.argv[1])",
    "of a parser that has a name": "parser = TrlParser(TrainingArguments)\n"
    "args = parser.parse_yaml_file(sys.argv[1])[0]",
    "made in a function": "def parser():\n    return HfArgumentParser(TrainingArguments)\n"
    "args = parser().parse_json_file(sys.argv[1])[0]",
}


@pytest.mark.parametrize("how", OF_A_LIBRARY)
def test_a_file_that_a_library_parses_into_its_own_class_is_not_accused(tmp_path: Path, how: str) -> None:
    names = (
        "import sys\nfrom transformers import HfArgumentParser, Trainer, TrainingArguments\nfrom trl import TrlParser\n"
    )
    source = f"{names}{OF_A_LIBRARY[how]}\nprint(args.seed)\nTrainer(args=args).train()\n"
    report = read(tmp_path, source, "{seed: 1, warmup_ratio: 0.1}")
    assert report.live == ("seed", "warmup_ratio")


def test_a_key_of_which_hasattr_asks_alone_is_live(tmp_path: Path) -> None:
    source = """
        from omegaconf import OmegaConf
        cfg = OmegaConf.load("c.yaml")
        if hasattr(cfg, "resume"):
            print(cfg.lr)
    """
    report = read(tmp_path, source, "{lr: 1, resume: 2, spare: 3}")
    assert (report.live, report.dead) == (("lr", "resume"), ("spare",))
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


FACADES = {
    "with a loader of its own": """
        def __getitem__(self, name):
            return self.conf[name]
        def __setitem__(self, name, value):
            pass
    """,
    "with a default": """
        def __getitem__(self, name, default=None):
            return self.conf.get(name, default)
        def save(self):
            setattr(self, "saved", True)
    """,
    "by a method get": """
        def __getitem__(self, name):
            return self.conf[name]
        def get(self, name, default=None):
            return self.conf.get(name, default)
    """,
    "by a method get alone": """
        def get(self, name, default=None):
            return self.conf.get(name, default)
    """,
    "by a method of another name": """
        def section(self, name):
            return self.conf[name]
    """,
}


@pytest.mark.parametrize("how", FACADES)
def test_an_object_that_holds_the_config_gives_each_section_by_its_name(tmp_path: Path, how: str) -> None:
    source = """
        import yaml

        class Config:
            def __init__(self, path):
                self.conf = {}
                with open(path) as file:
                    self.conf = yaml.safe_load(file)
    """
    use = {"by a method get": ".get('{}')", "by a method get alone": ".get('{}')"}.get(how, "['{}']")
    use = ".section('{}')" if "another" in how else use
    train, decoder = use.format("train"), use.format("decoder")
    source = textwrap.dedent(source) + textwrap.indent(textwrap.dedent(FACADES[how]), "    ")
    source += f"\nconf = Config('c.yaml')\nnet = conf{decoder}\nprint(conf{train}['lr'], net['width'])\n"
    report = read(tmp_path, source, "{train: {lr: 1, spare: 2, width: 3}, decoder: {width: 4, lr: 5}}")
    assert set(report.live) == {"train.lr", "decoder.width"}
    assert {use.path for use in report.idle} == {"train.spare", "train.width", "decoder.lr"}
