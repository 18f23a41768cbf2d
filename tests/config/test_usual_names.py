"""The same word means different things in different company: what decides is what stands beside it."""

from __future__ import annotations

from typing import Any

import pytest

from diagnose.config import parse_config

ROLLOUTS = (
    pytest.param("algo: PPO\nlr: 0.0003\nn_steps: 512\nn_epochs: 10\ntotal_timesteps: 400000\n", id="the algorithm"),
    pytest.param(
        "Walker:\n  trainer_type: ppo\n  max_steps: 3.0e+6\n  time_horizon: 900\n  hyperparameters:\n"
        "    learning_rate: 0.0003\n    batch_size: 512\n    lambd: 0.95\n    num_epoch: 3\n",
        id="the sections of ML-Agents",
    ),
    pytest.param(
        '{"lr": 0.001, "max_steps": 9000000, "gae_lambda": 0.9, "epochs": 8, "ent_coef": 0.02}', id="coefficients"
    ),
)


@pytest.mark.parametrize("text", ROLLOUTS)
def test_passes_over_a_rollout_are_no_epochs_and_steps_of_the_agent_are_no_updates(text: str) -> None:
    config = parse_config(text, "config.json" if text.startswith("{") else "config.yaml")
    assert "max_epochs" not in config.values
    assert config.values["max_steps"].unit == "environment steps"
    assert list(config.rewrite({"max_steps": 500}).refused) == ["max_steps"]


def test_the_epochs_of_the_run_are_found_beside_those_of_ppo() -> None:
    config = parse_config("train:\n  lr: 1.0e-5\n  epochs: 90\nppo:\n  epochs: 4\n  clip_range: 0.2\n", "config.yaml")
    assert config.values["max_epochs"].path == "train.epochs"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("lr: 0.002\nscheduling: plateau\npatience: 4\nreduce_factor: 0.7\nearly_stopping_metric: ppl\n", "plateau"),
        ("lr: 0.01\nlr_factor: 0.5\npatience: 8\nearly_stop_mode: max\nepochs: 60\n", "plateau"),
        ("lr: 0.01\nlr_factor: 0.5\npatience: 8\nearly_stop: true\nepochs: 60\n", "early_stopping"),
    ],
    ids=["a metric", "a mode", "a switch"],
)
def test_a_word_on_the_best_checkpoint_makes_no_patience_one_of_stopping(text: str, name: str) -> None:
    values = parse_config(text, "config.yaml").values
    assert [found for found in ("plateau", "early_stopping") if f"{found}_patience" in values] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "discriminate_optimizer_args: {lr: 3.0e-5}\ngenerator_optimizer_args: {lr: 2.0e-4}\nmax_updates: 90000\n",
        "discriminate_optim: {lr: 3.0e-5}\noptim: {lr: 2.0e-4}\n",
        "optimizer_g: {lr: 2.0e-4}\noptimizer_discriminate: {lr: 3.0e-5}\n",
    ],
)
def test_the_rate_of_what_discriminates_is_its_own(text: str) -> None:
    config = parse_config(text, "config.yaml")
    assert (config.value("learning_rate"), config.value("learning_rate_discriminator")) == (2e-4, 3e-5)


@pytest.mark.parametrize(
    ("text", "peak"),
    [
        (
            "model:\n  width: 400\n  optim: {lr: 4.0, sched: {name: NoamAnnealing, warmup_steps: 2500, d_model: %s}}\n",
            0.004,
        ),
        (
            "model:\n  width: 100\n  optim: {lr: 1.0, sched: {d_model: %s, name: NoamAnnealing, warmup_steps: 400}}\n",
            0.005,
        ),
    ],
)
def test_the_peak_of_a_schedule_is_worked_out_from_what_a_reference_leads_to(text: str, peak: float) -> None:
    config = parse_config(text.replace("%s", '"${model.width}"') + "exp_manager: {exp_dir: null}\n", "config.yaml")
    assert config.learning_rate_peak == pytest.approx(peak)


def test_a_condition_holds_for_what_a_reference_leads_to() -> None:
    text = "kind: noam\noptim: adam\nscheduler: ${kind}\noptim_conf: {lr: 2.0}\nscheduler_conf: {warmup_steps: 100}\n"
    found: Any = parse_config(text + "max_epoch: 3\n", "config.yaml").values["learning_rate"]
    assert found.locked


FAIRSEQ = """\
task: {_name: audio_finetuning, data: /d}
criterion: {_name: ctc}
dataset: {max_tokens: 2400000, validate_interval: 3}
checkpoint: {save_interval: 7, %s}
optimization: {max_update: 60000, lr: [0.00004], update_freq: [2]}
lr_scheduler: {_name: tri_stage, phase_ratio: [0.2, 0.3, 0.5]}
"""


@pytest.mark.parametrize(
    ("extra", "saved"),
    [
        ("save_interval_updates: 900", (900, "updates")),
        ("save_interval_updates: 0", (7, "epochs")),
        ("patience: 5", (7, "epochs")),
    ],
)
def test_fairseq_counts_tokens_epochs_and_updates_and_keeps_its_rate_in_a_list(extra: str, saved: Any) -> None:
    text = FAIRSEQ.replace("%s", extra)
    config = parse_config(text, "config.yaml")
    units = {name: (config.values[name].value, config.values[name].unit) for name in config.values}
    assert units["batch_size"] == (2400000, "tokens")
    assert units["eval_interval"] == (3, "epochs")
    assert units["save_interval"] == saved
    assert units["warmup_ratio"] == (0.2, "ratio")
    assert config.rewrite({"learning_rate": 1e-5}).text == text.replace("0.00004", "1.0e-05")


@pytest.mark.parametrize("key", ["lr_whisper", "lr_wav2vec2", "lr_wav2vec"])
def test_the_rate_of_the_encoder_is_that_of_the_run_where_there_is_no_other(key: str) -> None:
    text = f"{key}: 3.0e-5\nnumber_of_epochs: 4\nbatch_size: 6\nopt: !name:torch.optim.Adam\n  lr: !ref <{key}>\n"
    assert parse_config(text, "train.yaml").value("learning_rate") == 3e-5
    both = parse_config("lr: 0.02\n" + text, "train.yaml")
    assert (both.value("learning_rate"), both.value("learning_rate_aux")) == (0.02, 3e-5)


HIFIGAN = "learning_rate: 0.0002\nadam_b1: 0.8\nadam_b2: 0.99\nupsample_rates: [8, 8]\nbatch_size: 8\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "weight_decay: 0.999\nepochs: 9\nsched: !name:ExponentialLR\n  gamma: !ref <weight_decay>\n",
            {"lr_decay": 0.999},
        ),
        ("gradient_accumulation: 3\nepochs: 9\nlr: 0.1\nm: !new:torch.nn.ReLU\n", {"grad_accumulation_steps": 3}),
        (
            "optim: adam\noptim_conf: {lr: 0.001}\nmax_epoch: 9\nencoder_conf: {dropout_rate: 0.15}\n",
            {"dropout": 0.15},
        ),
        ("model:\n  train_ds: {batch_size: 12}\n  optim: {lr: 0.001}\ntrainer: {max_epochs: 9}\n", {"batch_size": 12}),
        (
            HIFIGAN + "p_dropout: 0.2\ncheckpoint_interval: 700\n",
            {"dropout": 0.2, "save_interval": 700},
        ),
        (
            "[optimizer]\nunet_lr = 2e-4\n[training]\nmax_train_epochs = 9\n[others]\nseed = 77\n",
            {"learning_rate": 2e-4, "seed": 77},
        ),
    ],
    ids=["speechbrain", "speechbrain's batches", "espnet", "nemo", "hifigan", "sections of the rest"],
)
def test_what_forks_add_to_a_framework_is_found(text: str, expected: dict[str, Any]) -> None:
    config = parse_config(text, "config.toml" if text.startswith("[") else "config.yaml")
    assert {name: config.value(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[meta]\nseed = 7\n[optimizer]\nlr = 0.002\n", {"seed": 7}),
        ("project: {seed: 11}\ntraining: {epochs: 9}\n", {"seed": 11}),
        ("reproducibility: {seed: 23}\nlr: 0.1\n", {"seed": 23}),
        (
            "max_iter: 900\nlr_gen: 0.0002\nlr_dis: 0.0004\n",
            {"learning_rate": 2e-4, "learning_rate_discriminator": 4e-4},
        ),
        ("optim_gen: {lr: 0.0002}\noptim_dis: {lr: 0.0004}\nmax_iter: 9\n", {"learning_rate_discriminator": 4e-4}),
        ("max_iter: 900\nlr: 0.1\nsnapshot_save_iter: 70\nlog_iter: 3\n", {"save_interval": 70, "log_interval": 3}),
        (
            "trainer: {validate_after_iters: 40, log_after_iters: 8, max_num_epochs: 9}\n",
            {"eval_interval": 40, "log_interval": 8},
        ),
        ("train:\n  lr: 2.0e-5\n  bs: 64\n  warmup_length: 700\n", {"warmup_steps": 700}),
        ("buffer_size: 9000\nactor_lr: 0.0003\ncritic_lr: 0.001\nbatch_size: 128\n", {"learning_rate": 3e-4}),
    ],
)
def test_the_usual_names_are_more_than_one(text: str, expected: dict[str, Any]) -> None:
    config = parse_config(text, "config.toml" if text.startswith("[") else "config.yaml")
    assert {name: config.value(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("path", "resumed"),
    [("out/checkpoints/", False), ("models", False), ("runs/3/last.ckpt", True), ("a/b/G_900.pth", True)],
)
def test_the_folder_of_the_checkpoints_is_none_that_a_run_goes_on_from(path: str, resumed: bool) -> None:
    config = parse_config(f"lr: 0.1\nepochs: 3\ncheckpoint_path: {path}\n", "config.yaml")
    assert ("resume" in config.values) is resumed


@pytest.mark.parametrize(
    "text",
    [
        "train: {lr: 0.1, epochs: 9}\nmodel: {net: {steps: 12}}\n",
        "train: {lr: 0.1, epochs: 9}\nloss_params: {warmup_steps: 300, warmup_ratio: 0.2}\n",
        "train: {lr: 0.1, epochs: 9}\nflow: {schedule_gamma: 25.0}\nlr_decay: 40000\n",
        "train: {lr: 0.1, epochs: 9}\nexp_a: {convert: {batch_size: 3, lr: 0.7}}\n",
    ],
    ids=["steps of a model", "the warm-up of a loss", "what grows", "conversion"],
)
def test_what_belongs_to_something_else_is_none_of_the_training(text: str) -> None:
    found = parse_config(text, "config.yaml").places
    assert {(name, place.path) for name, places in found.items() for place in places} == {
        ("learning_rate", "train.lr"),
        ("max_epochs", "train.epochs"),
    }
