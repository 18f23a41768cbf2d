"""What a config says is found under the name that every framework has its own word for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from diagnose.config import parse_config, read_config
from diagnose.config.dialect_files import dialects
from diagnose.errors import ConfigError

GENERIC = [
    pytest.param("lr: 1e-4\nepochs: 3\n", {"learning_rate": 1e-4, "max_epochs": 3}, id="flat"),
    pytest.param("training:\n  optimizer:\n    lr: 0.1\n", {"learning_rate": 0.1}, id="a section in a section"),
    pytest.param("train_config: {lr: 0.1, bs: 4}\n", {"learning_rate": 0.1, "batch_size": 4}, id="a section's ending"),
    pytest.param(
        "training: {lr: 0.1, patience: 7}\nscheduler: {patience: 3}\n",
        {"early_stopping_patience": 7},
        id="the scheduler has a patience of its own",
    ),
    pytest.param(
        "training: {lr: 0.1, patience: 3, factor: 0.5}\n",
        {"early_stopping_patience": None},
        id="patience beside a factor is the scheduler's",
    ),
    pytest.param(
        "lr: 0.1\ngeneration: {early_stopping: true, max_steps: 5}\n",
        {"early_stopping": None, "max_steps": None},
        id="beam search stops early too",
    ),
    pytest.param("lr: 0.1\nearly_stop: 50\n", {"early_stopping": None, "early_stopping_patience": 50}, id="a patience"),
    pytest.param("lr: 0.1\nearly_stopping: {patience: 4}\n", {"early_stopping_patience": 4}, id="a mapping"),
    pytest.param("lr: 0.1\nwarmup: 0.1\n", {"warmup_ratio": 0.1, "warmup_steps": None}, id="warm-up as a share"),
    pytest.param("lr: 0.1\nwarmup: 100\n", {"warmup_ratio": None, "warmup_steps": 100}, id="warm-up in steps"),
    pytest.param(
        "optim: {step_size: 0.05, n_updates: 900}\n", {"learning_rate": 0.05, "max_steps": 900}, id="own names"
    ),
    pytest.param("eta0: 2e-3\nepochs: 9\n", {"learning_rate": 2e-3, "max_epochs": 9}, id="eta"),
    pytest.param(
        "lr: 0.1\nscheduler: {step_size: 30, gamma: 0.1}\n", {"learning_rate": 0.1}, id="the steps of a stair"
    ),
    pytest.param(
        "training: {lr: 0.1, batch_size: 4}\nvalidation: {batch_size: 9}\n",
        {"batch_size": 4, "eval_batch_size": 9},
        id="two batch sizes",
    ),
    pytest.param(
        "classifier: {learning_rate: 0.1, batch_size: 4, weight_decay: 0, epoch: 9, patience: 2, seed: 5}\n",
        {"max_epochs": 9, "early_stopping_patience": 2, "seed": 5},
        id="a section of any name that trains",
    ),
    pytest.param(
        "stage_one: {lr: 0.1, epochs: 4, dropout: 0.2, save_every: 500}\n",
        {"max_epochs": 4, "save_interval": 500},
        id="another that trains",
    ),
    pytest.param(
        "agent: {learning_rate: 0.1, gamma: 0.9, seed: 3}\n", {"seed": None, "lr_decay": None}, id="one that may not"
    ),
    pytest.param(
        "training: {lr: 0.1, num_train_epochs: 1, warmup_steps: 0.03}\n",
        {"warmup_ratio": 0.03, "warmup_steps": None},
        id="steps below 1 of transformers",
    ),
    pytest.param("lr: 0.1\nwarmup_steps: 0.1\n", {"warmup_ratio": None, "warmup_steps": 0.1}, id="of another trainer"),
    pytest.param("lr: 0.1\nwarmup_steps: 0\n", {"warmup_ratio": None, "warmup_steps": 0}, id="no steps at all"),
    pytest.param("lr: 0.1\nepochs: 3\nvalidation: {seed: 43}\n", {"seed": None}, id="the seed of the validation"),
    pytest.param(
        "opt: {type: adam, lr: 1.0e-3, gamma: 0.5}\n", {"optimizer": "adam", "lr_decay": 0.5}, id="opt for optimiser"
    ),
    pytest.param("lr: 0.1\nepochs: 9\npatience: 3\n", {"plateau_patience": None}, id="a patience at the top stops"),
    pytest.param(
        "lr: 0.1\nval_freq_iteration: 125\nckpting_save_iter: 900\ncosine_cycle_iters: 4500\n",
        {"eval_interval": 125, "save_interval": 900, "decay_steps": 4500},
        id="words in any order",
    ),
    pytest.param("lr: 0.1\nfp16: false\nbf16: true\n", {"mixed_precision": True}, id="the switch that is on"),
    pytest.param("agent: {learning_rate: 0.1}\n", {"learning_rate": 0.1}, id="a section of another name"),
    pytest.param(
        "train: {lr: 0.1}\nagent: {lr: 0.2}\nzoo: {epoch: 5, dropout: 0.3}\n",
        {"learning_rate": 0.1, "max_epochs": None, "dropout": 0.3},
        id="the usual section counts first",
    ),
    pytest.param("lr: 0.1\nadam_beta1: 0.8\nadam_beta2: 0.9\n", {"betas": [0.8, 0.9]}, id="a pair of keys"),
    pytest.param("lr: 0.1\nprenet: {dropout: true}\nmodel: {dropout: true}\n", {"dropout": None}, id="a switch"),
    pytest.param("learning_rate: ${lr}\nlr: 2e-4\nepochs: 1\n", {"learning_rate": 2e-4}, id="an interpolation"),
    pytest.param("learning_rate: ${learning_rate}\nepochs: 1\n", {"learning_rate": None}, id="a circle"),
    pytest.param(
        "lr: {desc: null, value: 0.1}\nbatch_size: {desc: null, value: 4}\nmax_value: 9\n",
        {"learning_rate": 0.1, "batch_size": 4},
        id="the values that wandb keeps",
    ),
    pytest.param(
        "job: x\nprocess:\n- train: {lr: 0.1, steps: 9}\n  save: {dtype: bf16, save_every: 3}\n  sample: {seed: 7}\n",
        {"learning_rate": 0.1, "max_steps": 9, "save_interval": 3, "seed": None, "mixed_precision": None},
        id="sections in a list",
    ),
    pytest.param(
        "OPTIM: {BASE_LR: 0.1, MAX_EPOCH: 9, WARMUP_START_LR: 0.01}\nTEST: {BATCH_SIZE: 8}\n",
        {"learning_rate": 0.1, "max_epochs": 9, "warmup_init_lr": 0.01, "batch_size": None},
        id="upper case",
    ),
    pytest.param("optim: {lr: 0.0, base_lr: 0.004}\n", {"learning_rate": 0.004}, id="a rate that is worked out"),
    pytest.param(
        "optimizer: {lr: 0.1, adam_betas: '(0.9, 0.98)', eps: 1.0e-8}\nmodel: {eps: 1.0e-5}\n",
        {"betas": [0.9, 0.98], "eps": 1e-8},
        id="a list as text",
    ),
    pytest.param(
        "voc_lr: 0.1\nvoc_batch_size: 4\nvoc_total_steps: 9\nvoc_clip_grad_norm: 4\nvoc_pad: 2\n",
        {"learning_rate": 0.1, "batch_size": 4, "max_steps": 9, "grad_clip_norm": 4},
        id="keys that begin alike",
    ),
    pytest.param(
        "lr: 0.1\nbatch_size: 4\nsync_lr: 0.2\nsync_batch_size: 64\nsync_a: 1\nsync_b: 1\nsync_c: 1\n",
        {"learning_rate": 0.1, "batch_size": 4},
        id="keys of a part",
    ),
    pytest.param(
        "gen_optim: {lr: 0.1, betas: [0.8, 0.9]}\ndisc_optim: {lr: 0.2}\n",
        {"learning_rate": 0.1, "learning_rate_discriminator": 0.2},
        id="the rates of a GAN",
    ),
    pytest.param(
        "optimization: {lr: [2.0e-5], max_update: 9}\nlr_scheduler: {_name: cosine, warmup_steps: 3}\n",
        {"learning_rate": [2e-5], "max_steps": 9, "lr_scheduler": "cosine", "warmup_steps": 3},
        id="fairseq",
    ),
    pytest.param("lr: 0.1\nlr_warmup: 10\n", {"warmup_steps": None, "warmup_ratio": None}, id="a warm-up of what?"),
    pytest.param("lr: 0.1\nepochs: 9\nnum_steps: 9\n", {"max_steps": None}, id="steps of an epoch"),
    pytest.param(
        "train: {lr: 0.1}\noptimizer: {name: Adafactor, clip_threshold: 1.0}\n",
        {"grad_clip_norm": None, "optimizer": "Adafactor"},
        id="Adafactor's own threshold",
    ),
    pytest.param(
        "train: {lr: 0.1, ema_decay: 0.99, caption_dropout_rate: 0.1}\nteacher: {warmup_teacher_temp_epochs: 30}\n",
        {"weight_decay": None, "dropout": None, "warmup_epochs": None},
        id="words that only look alike",
    ),
    pytest.param(
        "output_dir: x\ngradient_accumulation_steps: 2\nmicro_batch_size_per_gpu: 4\n"
        "optimizer: {lr: 0.1, weight_decay: 0.01}\ngradient_clipping: 1.0\nepochs: 9\n",
        {"learning_rate": 0.1, "batch_size": 4, "grad_clip_norm": 1.0, "max_epochs": 9},
        id="marks of a framework that it is not of",
    ),
]


@pytest.mark.parametrize(("text", "expected"), GENERIC)
def test_a_hand_written_config_is_read_by_its_usual_names(text: str, expected: dict[str, Any]) -> None:
    config = parse_config(text, "config.yaml")
    assert (config.dialect, config.training) == ("generic", True)
    assert {name: config.value(name) for name in expected} == expected


NOT_TRAINING = [
    pytest.param("services: {web: {image: nginx, batch_size: 3}}\n", id="a compose file"),
    pytest.param("- 1\n- 2\n", id="a list"),
    pytest.param("", id="nothing"),
    pytest.param('{"name": "x", "version": "1.0", "dependencies": {}}', id="a package"),
    pytest.param('{"architectures": ["T5"], "model_type": "t5", "dropout_rate": 0.1}', id="a model card"),
    pytest.param('{"epoch": 3.0, "train_runtime": 9.1, "train_loss": 0.2, "total_flos": 1e9}', id="results"),
    pytest.param(
        '{"global_step": 9, "max_steps": 9, "num_train_epochs": 3, "log_history": [{"learning_rate": 0.1, "step": 1}]}',
        id="the state of a Trainer",
    ),
    pytest.param('{"_runtime": 9, "_step": 3, "epoch": 3, "learning_rate": 0.1}', id="wandb's summary"),
    pytest.param('{"loss": [3, 2, 1], "learning_rate": [0.1, 0.1, 0.01]}', id="Keras' history"),
    pytest.param('{"phoneme_id_map": {}, "espeak": {"voice": "am"}, "audio": {}}', id="a voice"),
]


@pytest.mark.parametrize("text", NOT_TRAINING)
def test_what_is_no_training_config_is_said_to_be_none(text: str) -> None:
    config = parse_config(text, "config.json" if text.startswith("{") else "config.yaml")
    assert (config.training, config.values, config.problems) == (False, {}, ())


def test_a_setting_knows_its_place_unit_and_kind() -> None:
    text = "training:\n  learning_rate: 2e-4  # text for PyYAML\n  max_epochs: 5\n  warmup_steps: ~\n"
    config = parse_config(text, "config.yaml")
    rate, epochs = config.values["learning_rate"], config.values["max_epochs"]
    assert (rate.value, rate.path, rate.line) == (2e-4, "training.learning_rate", 2)
    assert (epochs.value, epochs.unit, config.values["warmup_steps"].value) == (5, "epochs", None)
    assert [(problem.code, problem.line) for problem in config.problems] == [("CFG002", 2)]


def test_a_number_that_the_framework_converts_itself_is_no_problem() -> None:
    assert parse_config("datasets: {batch_size_per_gpu: 8}\noptim: {learning_rate: 1e-4}\n", "x.yaml").problems == ()


def test_a_duplicate_key_is_a_problem() -> None:
    problems = parse_config("lr: 0.1\nepochs: 1\nlr: 0.2\n", "x.yaml").problems
    assert [(problem.code, problem.path, problem.line) for problem in problems] == [("CFG003", "lr", 3)]


@pytest.mark.parametrize("dialect", dialects(), ids=lambda dialect: dialect.name)
def test_a_shipped_dialect_is_whole(dialect: Any) -> None:
    assert dialect.title
    assert dialect.keys or dialect.synonyms or not dialect.training
    assert dialect.fingerprints
    assert all(rule.text for rules in dialect.forbid.values() for rule in rules)


def test_the_dialect_that_fits_everything_is_tried_last() -> None:
    assert dialects()[-1].name == "generic"
    assert max(dialect.order for dialect in dialects()[:-1]) < dialects()[-1].order


MINE = """\
title: the lab's own trainer
keys:
  learning_rate: [{path: deep.rate, note: of the encoder}]
  max_epochs: [{path: deep.rounds, unit: epochs}]
forbid: {dropout: hard-coded}
"""


def test_a_user_brings_a_dialect_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(MINE)
    (tmp_path / "config.yaml").write_text("deep: {rate: 0.1, rounds: 9}\n")
    config = read_config(tmp_path / "config.yaml", dialect=tmp_path / "mine.yaml")
    assert (config.dialect, config.value("learning_rate"), config.value("max_epochs")) == ("mine", 0.1, 9)
    assert "hard-coded" in config.rewrite({"dropout": 0.1}).refused["dropout"]


BAD_DIALECTS = [
    pytest.param("keys: {learning_rate: [a]}\n", "title", id="no title"),
    pytest.param("title: x\nkeyz: {}\n", "unknown field 'keyz'", id="a misspelt field"),
    pytest.param("title: x\nkeys: {learn_rate: [a]}\n", "'learn_rate' is no canonical", id="a misspelt name"),
    pytest.param("title: x\nrecognise: [{text: ['(']}]\n", "not a dialect", id="a broken pattern"),
    pytest.param("title: x\nkeys: {learning_rate: [{way: a}]}\n", "not a dialect", id="a misspelt property"),
    pytest.param("- 1\n", "not a dialect", id="a list"),
]


@pytest.mark.parametrize(("text", "reason"), BAD_DIALECTS)
def test_a_bad_dialect_is_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    (tmp_path / "config.yaml").write_text("a: 1\n")
    with pytest.raises(ConfigError, match=reason) as error:
        read_config(tmp_path / "config.yaml", dialect=tmp_path / "mine.yaml")
    assert "\n" not in str(error.value)


def test_python_that_is_no_nanogpt_config_is_read_by_its_usual_names() -> None:
    config = parse_config("import os\nlr = 3e-4\nepochs = 5 * 2\nname = os.getcwd()\n", "config.py")
    assert (config.dialect, config.value("learning_rate"), config.value("max_epochs")) == ("generic", 3e-4, 10)


def test_the_patience_of_a_guessed_config_has_no_unit_where_it_may_be_steps() -> None:
    config = parse_config("lr: 0.1\nepochs: 3\nearly_stopping: {patience: 4000}\n", "config.yaml")
    assert config.values["early_stopping_patience"].unit is None


def test_the_warmup_ratio_of_mmcv_is_no_share_of_the_run() -> None:
    text = "optimizer = dict(lr=0.02)\nlr_config = dict(policy='step', warmup_iters=500, warmup_ratio=0.001)\n"
    assert parse_config(text, "schedule.py").value("warmup_ratio") is None


def test_the_tree_has_what_a_yaml_loader_gives_for_merged_keys() -> None:
    text = "a: &a {lr: 0.1, batch: 4}\nb: &b {seed: 2, epochs: 3}\nc: {<<: *a, lr: 0.3}\nd: {<<: [*a, *b], e: {<<: *b}}"
    assert parse_config(text, "x.yaml").tree() == yaml.safe_load(text)


@pytest.mark.parametrize("begin", ["", "\ufeff", "# größer 学习率\r\n"], ids=["plain", "bom", "beyond ASCII"])
@pytest.mark.parametrize(
    ("line", "said"),
    [("\tlr: 1", "a tab, where YAML takes spaces"), ("by: @me", "no value begins with @ unless quoted")],
)
def test_a_character_that_yaml_does_not_take_is_named(begin: str, line: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_config(f"{begin}training:\n  {line}\n", "c.yaml")


def test_a_file_that_is_no_yaml_by_its_name_is_not_to_be_corrected_into_one() -> None:
    text = "[train]\nlearning_rate = 0.1\n"
    with pytest.raises(ConfigError, match="or give a config in YAML, JSON, TOML or Python"):
        parse_config(text, "train.ini")
    with pytest.raises(ConfigError, match=r"correct this line$"):
        parse_config(text, "train.yaml")
