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
