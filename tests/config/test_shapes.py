"""A config is read whole, whatever its language and however many files and documents it is spread over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from diagnose.config import Config, parse_config, read_config
from diagnose.errors import ConfigError


def said(config: Config, *names: str) -> dict[str, Any]:
    return {name: config.value(name) for name in names}


DOCUMENTS = (
    "audio: {rate: 22050}\n---\ntrain:\n  batch_size: 12\n  adam:\n    lr: 0.0003\n---\nlog:\n  save_interval: 7\n"
)


def test_several_documents_are_one_config() -> None:
    config = parse_config(DOCUMENTS, "config.yaml")
    assert said(config, "learning_rate", "batch_size", "save_interval") == {
        "learning_rate": 0.0003,
        "batch_size": 12,
        "save_interval": 7,
    }
    assert config.values["save_interval"].line == 9
    assert config.rewrite({"batch_size": 6, "learning_rate": 1e-4}).text == DOCUMENTS.replace("12", "6").replace(
        "0.0003", "0.0001"
    )


def test_documents_with_the_same_keys_are_alternatives_and_the_first_is_the_config() -> None:
    config = parse_config("lr: 0.1\nepochs: 3\n---\nlr: 0.2\nepochs: 4\n", "config.yaml")
    assert said(config, "learning_rate", "max_epochs") == {"learning_rate": 0.1, "max_epochs": 3}
    assert config.rewrite({"learning_rate": 0.05}).text == "lr: 0.05\nepochs: 3\n---\nlr: 0.2\nepochs: 4\n"


def test_a_key_with_dots_is_a_way() -> None:
    text = "Net.dropout: 0.1\nAdamW.lr: 0.0002\nAdamW.betas: [0.8, 0.99]\nbatch_size: 24\nnum_iters: 90000\n"
    config = parse_config(text, "config.yml")
    assert said(config, "learning_rate", "betas", "max_steps") == {
        "learning_rate": 0.0002,
        "betas": [0.8, 0.99],
        "max_steps": 90000,
    }
    assert config.values["learning_rate"].path == "AdamW.lr"
    assert config.rewrite({"learning_rate": 1e-5}).text == text.replace("0.0002", "1.0e-05")


def test_dots_in_json_keys_of_an_unknown_trainer_are_a_way_too() -> None:
    config = parse_config('{"optim.lr": 0.001, "train.epochs": 5}', "config.json")
    assert said(config, "learning_rate", "max_epochs") == {"learning_rate": 0.001, "max_epochs": 5}


def test_hyperpyyaml_is_read_and_nothing_of_it_is_run(tmp_path: Path) -> None:
    text = (
        f"seed: !apply:os.mkdir ['{tmp_path}/made']\n"
        "width: 256\nnet: !new:voice.Net\n    width: !ref <width>\n"
        "learning_rate: 0.0008\nlr: !ref <learning_rate>\nnumber_of_epochs: 7\n"
    )
    config = parse_config(text, "train.yaml")
    assert said(config, "learning_rate", "max_epochs") == {"learning_rate": 0.0008, "max_epochs": 7}
    assert config.rewrite({"learning_rate": 1e-4}).text == text.replace("0.0008", "0.0001")
    assert list(tmp_path.iterdir()) == []


def test_capitals_are_the_same_names() -> None:
    config = parse_config("TRAIN:\n  BASE_LR: 0.03\n  BATCH_SIZE: 12\n  EPOCHS: 90\n", "config.yaml")
    assert said(config, "learning_rate", "batch_size", "max_epochs") == {
        "learning_rate": 0.03,
        "batch_size": 12,
        "max_epochs": 90,
    }


PYTHON = """\
_base_ = []
max_epochs = 36
base_lr = 0.01
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs, val_interval=2)
param_scheduler = [dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500), make()]
optim_wrapper = dict(optimizer=dict(type='SGD', lr=base_lr * 2, weight_decay=1e-4), clip_grad=dict(max_norm=35))
train_dataloader = {"batch_size": 4, "sampler": dict(**kwargs)}
"""


def test_a_python_config_is_parsed_as_far_as_it_says_something() -> None:
    config = parse_config(PYTHON, "config.py")
    assert config.dialect == "mmengine"
    assert said(config, "learning_rate", "max_epochs", "warmup_steps", "grad_clip_norm", "batch_size") == {
        "learning_rate": 0.02,
        "max_epochs": 36,
        "warmup_steps": 500,
        "grad_clip_norm": 35,
        "batch_size": 4,
    }


def test_in_a_python_config_a_literal_is_edited_and_what_is_calculated_is_refused() -> None:
    result = parse_config(PYTHON, "config.py").rewrite({"max_epochs": 12, "grad_clip_norm": 5.0, "learning_rate": 0.1})
    assert result.text == PYTHON.replace("max_epochs = 36", "max_epochs = 12").replace("max_norm=35", "max_norm=5.0")
    assert "calculated" in result.refused["learning_rate"]


PYTHON_SHAPES = [
    pytest.param("class Config:\n    lr: float = 0.1\n    batch_size = 4\n", id="a class"),
    pytest.param("_C = CN()\n_C.SOLVER = CN()\n_C.SOLVER.BASE_LR = 0.1\n_C.TRAIN.BATCH_SIZE = 4\n", id="yacs"),
    pytest.param(
        "def get_config():\n    c = ConfigDict()\n    c.lr = 0.1\n    c.batch_size = 4\n", id="ml_collections"
    ),
    pytest.param("BATCH_SIZE = 4\nOPTIMIZER = functools.partial(torch.optim.AdamW, lr=0.1)\n", id="a partial"),
    pytest.param("hparams = HParams(\n    learning_rate=0.1,\n    batch_size=4,\n)\n", id="a call"),
    pytest.param("params = AttrDict({'learning_rate': 0.1, 'batch_size': 4})\n", id="a mapping in a call"),
]


@pytest.mark.parametrize("text", PYTHON_SHAPES)
def test_a_python_config_has_many_shapes_and_is_edited_in_each(text: str) -> None:
    config = parse_config(text, "config.py")
    assert (config.value("learning_rate"), config.value("batch_size")) == (0.1, 4)
    assert config.rewrite({"learning_rate": 0.05}).text == text.replace("0.1", "0.05")


def test_what_is_calculated_from_an_edited_name_follows_it() -> None:
    text = "max_epochs = 3\nlr = 0.1\ntrain_cfg = dict(max_epochs=max_epochs)\nwarm = dict(end=0.1 * max_epochs)\n"
    assert parse_config(text, "config.py").rewrite({"max_epochs": 9}).text == text.replace("= 3", "= 9")


def test_a_python_config_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (tmp_path / "config.py").write_text(f"import pathlib\nlr = 0.1\nepochs = 3\npathlib.Path({str(mark)!r}).touch()\n")
    assert read_config(tmp_path / "config.py").value("learning_rate") == 0.1
    assert not mark.exists()


TOML = """\
# why
title = "a"
[train]
lr = 3e-4  # too high?
"batch_size" = 16
betas = [ 0.9,
  0.95 ]
schedule.warmup_steps = 1_000
started = 1979-05-27
[[train.stages]]
epochs = 3
text = '''
lr = 1'''
[log]
save_every = 500
"""


def test_toml_is_read_and_edited_in_place() -> None:
    config = parse_config(TOML, "config.toml")
    assert said(config, "learning_rate", "batch_size", "warmup_steps", "betas") == {
        "learning_rate": 3e-4,
        "batch_size": 16,
        "warmup_steps": 1000,
        "betas": [0.9, 0.95],
    }
    result = config.rewrite({"learning_rate": 5e-5, "batch_size": 8, "betas": [0.8, 0.99]})
    assert result.refused == {}
    assert result.text == TOML.replace("3e-4", "5.0e-05").replace("= 16", "= 8").replace("0.9,", "0.8,").replace(
        "0.95", "0.99"
    )


@pytest.mark.parametrize("text", ["lr = \n", "[a]\nb = 1\n[a]\n", "lr = 1\nlr = 2\n", "a = [1, 2\n"])
def test_toml_that_does_not_parse_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^config\.toml(:\d+)?: not valid TOML: ") as error:
        parse_config(text, "config.toml")
    assert "\n" not in str(error.value)


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    for name, text in {
        "config.yaml": "defaults: [{optim: adam}, {data: speech}, {absent: x}, _self_]\ntrainer: {max_epochs: 50}\n",
        "optim/adam.yaml": "defaults: [base]\nlr: 2e-4\n",
        "optim/base.yaml": "lr: 1.0\nweight_decay: 0.01\n",
        "data/speech.yaml": "# @package _global_\nloader:\n  batch_size: 16\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_values_of_hydra_groups_are_read_with_the_file_that_holds_them(groups: Path) -> None:
    config = read_config(groups / "config.yaml")
    assert said(config, "learning_rate", "weight_decay", "batch_size", "max_epochs") == {
        "learning_rate": 2e-4,
        "weight_decay": 0.01,
        "batch_size": 16,
        "max_epochs": 50,
    }
    assert (config.values["learning_rate"].file, config.values["learning_rate"].line) == ("optim/adam.yaml", 2)
    assert config.values["max_epochs"].file == ""
    assert any("absent/x.yaml" in note and "not here" in note for note in config.notes)


def test_neither_an_optional_group_nor_one_of_hydra_itself_is_missing(groups: Path) -> None:
    """As lightning-hydra-template, Matcha-TTS and fish-vocoder have it."""
    (groups / "config.yaml").write_text(
        "defaults:\n- optim: adam\n- optional local: default\n- hydra: default\n- override hydra/launcher: slurm\n"
        "epochs: 3\n"
    )
    (groups / "hydra").mkdir()
    (groups / "hydra" / "default.yaml").write_text("defaults:\n- override hydra_logging: colorlog\n")
    config = read_config(groups / "config.yaml")
    assert config.notes == ()
    assert config.values["learning_rate"].where == "line 2 of optim/adam.yaml"
    (groups / "local").mkdir()
    (groups / "local" / "default.yaml").write_text("# @package _global_\nepochs: 4\n")
    assert read_config(groups / "config.yaml").values["learning_rate"].value == 2e-4


MERGED = [
    pytest.param("x: &x {lr: 0.3}\nopt: {<<: *x, epochs: 3}\n", id="an anchor"),
    pytest.param("x: &x\n  lr: 0.3\nopt:\n  epochs: 3\n  <<: *x\n", id="an anchor in blocks"),
    pytest.param("opt: {lr: 0.3, epochs: 3}\n", id="no anchor"),
]


@pytest.mark.parametrize("text", MERGED)
def test_a_key_is_called_as_the_trainer_reads_it(text: str) -> None:
    assert parse_config(text, "config.yaml").values["learning_rate"].path == "opt.lr"


def test_a_value_of_another_file_is_refused_with_the_place_to_change(groups: Path) -> None:
    config = read_config(groups / "config.yaml")
    result = config.rewrite({"learning_rate": 1e-4, "max_epochs": 20})
    assert result.refused == {"learning_rate": "it is in optim/adam.yaml (line 2): change it there"}
    assert result.text == config.text.replace("50", "20")


BASES = [
    pytest.param("_base_.py", "lr_config = dict(policy='step')\noptimizer = dict(lr=0.02)\n", "c.py",
                 "_base_ = './_base_.py'\nrunner = dict(type='EpochBasedRunner', max_epochs=3)\n", id="mmengine"),
    pytest.param("x/base.py", "lr_config = dict(policy='step')\noptimizer = dict(lr=0.02)\n", "c.py",
                 "with read_base():\n    from .x.base import *\nrunner = dict(type='EpochBasedRunner', max_epochs=3)\n",
                 id="mmengine's imports"),
    pytest.param("base.yaml", "SOLVER: {BASE_LR: 0.02, MAX_ITER: 9}\n", "c.yaml",
                 "_BASE_: base.yaml\nSOLVER: {MAX_ITER: 7}\n", id="detectron2"),
    pytest.param("base.yml", "AdamW.lr: 0.02\nnum_iters: 9\n", "c.yml",
                 "$include: [base.yml]\nDAC.decoder_dim: 512\n", id="argbind"),
]  # fmt: skip


@pytest.mark.parametrize(("base", "below", "name", "text"), BASES)
def test_a_base_file_holds_where_the_config_says_nothing(
    tmp_path: Path, base: str, below: str, name: str, text: str
) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / base).write_text(below)
    (tmp_path / name).write_text(text)
    assert read_config(tmp_path / name).value("learning_rate") == 0.02


def test_files_that_name_one_another_end(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("_BASE_: b.yaml\nlr: 0.1\nepochs: 2\n")
    (tmp_path / "b.yaml").write_text("_BASE_: a.yaml\n")
    config = read_config(tmp_path / "a.yaml")
    assert config.value("learning_rate") == 0.1
    assert config.notes == ()


def test_what_a_framework_leaves_to_its_users_is_found_by_the_usual_words() -> None:
    text = (
        "seed_everything: 7\ntrainer: {max_steps: 40000}\nmodel:\n  class_path: voice.Model\n  init_args:\n"
        "    initial_learning_rate: 7.0e-4\ndata:\n  init_args:\n    train_params:\n      batch_size: 12\n"
    )
    config = parse_config(text, "config.yaml")
    assert (config.dialect, config.value("learning_rate"), config.value("batch_size")) == ("lightning_cli", 7e-4, 12)
    assert config.rewrite({"learning_rate": 1e-4}).text == text.replace("7.0e-4", "0.0001")


RECORD = (
    "accumulate_grad_batches: 1\nbatch_size: 4\nfast_dev_run: false\nlimit_train_batches: 1.0\nlimit_val_batches: 1.0\n"
    "lr: 3.0e-05\nmax_epochs: 100\nnum_sanity_val_steps: 2\n"
)


def test_what_lightning_writes_of_a_run_is_read_and_not_edited() -> None:
    config = parse_config(RECORD, "hparams.yaml")
    assert said(config, "learning_rate", "max_epochs") == {"learning_rate": 3e-5, "max_epochs": 100}
    assert "nothing reads back" in config.rewrite({"max_epochs": 9}).refused["max_epochs"]
    assert not parse_config(RECORD.replace("fast_dev_run: false\n", ""), "hparams.yaml").record


@pytest.mark.parametrize("mark", ["hydra: {run: {dir: x}}", "x: 1 # - override hydra/launcher: y", "x: 1 # - _self_"])
def test_hydra_reads_a_number_without_a_dot_as_one(mark: str) -> None:
    text = f"defaults:\n- agent: sac\nlr: 3e-6\nepochs: 9\n{mark}\n"
    config = parse_config(text, "config.yaml")
    assert (config.dialect, config.value("learning_rate"), config.problems) == ("hydra_generic", 3e-6, ())
    assert parse_config(text.replace(mark, "x: 1"), "config.yaml").problems


@pytest.mark.parametrize(
    ("written", "name"), [("0.03", "warmup_ratio"), (".1", "warmup_ratio"), ("300", "warmup_steps")]
)
def test_hugging_face_takes_warm_up_steps_below_one_as_a_share(written: str, name: str) -> None:
    text = f"output_dir: x\nlearning_rate: 0.1\nnum_train_epochs: 3\nwarmup_steps: {written}\n"
    config = parse_config(text, "train.yaml")
    assert (config.dialect, config.value(name)) == ("hf_training_args", float(written))
    assert ("warmup_steps" in config.values) == (name == "warmup_steps")


def test_the_end_of_hugging_faces_schedule_follows_its_top() -> None:
    text = "output_dir: x\nlearning_rate: 2.0e-4\nnum_train_epochs: 3\nlr_scheduler_kwargs: {min_lr: 2.0e-5}\n"
    config = parse_config(text, "train.yaml")
    assert config.companions({"learning_rate": 5e-5}) == (("learning_rate", "min_learning_rate", 5e-6),)


def test_the_optimizer_of_any_hydra_project_is_not_called_matcha() -> None:
    config = parse_config("_target_: torch.optim.Adam\nlr: 0.004\nweight_decay: 0.01\n", "conf/optimizer/adam.yaml")
    assert config.dialect == "generic"
    assert {name: setting.value for name, setting in config.values.items()} == {
        "learning_rate": 0.004,
        "weight_decay": 0.01,
    }
