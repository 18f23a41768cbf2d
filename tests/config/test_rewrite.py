"""An edit touches the characters of the asked value and nothing else, or it is refused with the reason."""

from __future__ import annotations

import difflib
from typing import Any

import pytest
import yaml

from diagnose.config import Rewrite, parse_config
from tests.config.readers import faults

STORY = """\
# Amharic run
model:
  p_dropout: 0.1          # small set
  freeze_original_embeddings: true
data:
  batch_size: 16
training:
  optimizer: "AdamW"
  learning_rate: 2.0e-4  # too high?
  max_epochs: 1000
  save_interval: 5000
  eval_interval: 1000

  grad_clip_thresh: 1.0
  grad_accumulation_steps: 1
  use_amp: true
  gpu_ids: [0]

logging:
  log_dir: "logs"   # ሰላም
"""
EIGHT: dict[str, Any] = {
    "learning_rate": 5e-5,
    "batch_size": 8,
    "grad_accumulation_steps": 4,
    "grad_clip_norm": 0.5,
    "dropout": 0.2,
    "max_epochs": 200,
    "save_interval": 500,
    "eval_interval": 100,
}


def rewrite(text: str, source: str = "config.yaml", **changes: Any) -> Rewrite:
    return parse_config(text, source).rewrite(changes)


def changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line[2:].strip() for line in lines if line.startswith("+ ")]


def test_the_eight_values_of_the_story_are_written_and_nothing_else() -> None:
    result = rewrite(STORY, **EIGHT)
    assert (set(result.applied), result.refused) == (set(EIGHT), {})
    assert changed_lines(STORY, result.text) == [
        "p_dropout: 0.2          # small set",
        "batch_size: 8",
        "learning_rate: 5.0e-05  # too high?",
        "max_epochs: 200",
        "save_interval: 500",
        "eval_interval: 100",
        "grad_clip_thresh: 0.5",
        "grad_accumulation_steps: 4",
    ]


def test_a_change_of_a_key_that_one_trainer_ignores_is_made_with_a_note() -> None:
    assert "neither" in rewrite(STORY, grad_accumulation_steps=4).notes["grad_accumulation_steps"]


def test_the_same_changes_twice_change_nothing_more() -> None:
    once = rewrite(STORY, **EIGHT)
    twice = rewrite(once.text, **EIGHT)
    assert (twice.text, dict(twice.applied)) == (once.text, {})


def test_an_added_key_is_beside_its_siblings_in_their_indentation() -> None:
    result = rewrite(STORY, early_stopping=True, early_stopping_patience=20)
    assert result.applied["early_stopping_patience"] == (None, 20)
    assert changed_lines(STORY, result.text) == ["early_stopping: true", "patience: 20"]
    assert yaml.safe_load(result.text)["training"]["patience"] == 20
    assert rewrite(result.text, early_stopping=True, early_stopping_patience=20).text == result.text


LAYOUTS = [
    pytest.param(STORY.replace("\n", "\r\n"), id="CRLF"),
    pytest.param("\ufeff" + STORY, id="BOM"),
    pytest.param(STORY.rstrip("\n"), id="no final newline"),
    pytest.param("".join(f"  {line}\n" for line in STORY.splitlines()), id="the whole file is indented"),
    pytest.param("---\n" + STORY + "---\nsecond: {learning_rate: 1.0}\n", id="two documents"),
    pytest.param(STORY.replace("  batch_size: 16", "  batch_size: &bs 16\n  eval_batch: *bs"), id="an anchor"),
    pytest.param(STORY.replace("2.0e-4", "'2.0e-4'"), id="a quoted number"),
    pytest.param(STORY.replace("2.0e-4", "2e-4"), id="a number that PyYAML reads as text"),
    pytest.param(STORY.replace("  max_epochs: 1000", "  max_epochs: 1_000"), id="an underscore"),
    pytest.param(STORY.replace("  max_epochs: 1000", "  max_epochs:   # later"), id="an empty value"),
    pytest.param(STORY.replace("  max_epochs: 1000", "  max_epochs: 3\n  max_epochs: 1000"), id="a duplicate key"),
]


@pytest.mark.parametrize("text", LAYOUTS)
def test_every_layout_survives_every_edit(text: str) -> None:
    for name, value in EIGHT.items():
        result = rewrite(text, **{name: value})
        assert name in result.applied, result.refused
        assert faults(text, result.text, "yaml", value) == []
        assert rewrite(result.text, **{name: value}).text == result.text
        assert result.text.count("\r\n") == text.count("\r\n")


def test_of_a_duplicate_key_the_one_that_counts_is_edited() -> None:
    text = STORY.replace("  max_epochs: 1000", "  max_epochs: 3\n  max_epochs: 1000")
    assert changed_lines(text, rewrite(text, max_epochs=200).text) == ["max_epochs: 200"]
    assert "max_epochs: 3\n" in rewrite(text, max_epochs=200).text


FLOW = (
    "{training: {grad_clip_thresh: 1.0, learning_rate: 2e-4, use_amp: true}, "
    "model: {p_dropout: .1}, data: {batch_size: 16}}"
)
COQUI = """\
{
	"run_name": "glow",  // a run
	"audio": {"sample_rate": 22050, "url": "tcp:\\/\\/localhost"},
	/* sizes */
	"batch_size": 32,
	"epochs": 1000,
	"lr": 0.0001, // "lr": 5,
	"lr": 1e-3,
	"print_step": 25,
	"nan": NaN,
	"save_step": 10000, // last
}
"""


def test_a_config_on_one_line_is_edited_within_the_line() -> None:
    text = rewrite(FLOW, learning_rate=5e-5, batch_size=8, early_stopping=True).text
    assert text == FLOW.replace("2e-4", "5.0e-05").replace("16", "8").replace("true}", "true, early_stopping: true}")


def test_json_keeps_its_comments_tabs_duplicates_and_trailing_comma() -> None:
    result = rewrite(COQUI, "config.json", learning_rate=5e-5, batch_size=8, save_interval=500)
    expected = COQUI.replace('"lr": 1e-3', '"lr": 5.0e-05').replace('": 32,', '": 8,').replace("10000", "500")
    assert result.text == expected


def test_a_key_added_to_json_gets_a_line_of_its_own() -> None:
    result = rewrite(COQUI, "config.json", grad_clip_norm=1.0)
    assert changed_lines(COQUI, result.text) == ['"grad_clip": 1.0,']
    assert parse_config(result.text, "config.json").value("grad_clip_norm") == 1.0


def test_python_assignments_are_edited_without_running_them() -> None:
    text = "import os\nlearning_rate = 6e-4  # high\ngradient_accumulation_steps = 5 * 8\nmax_iters = 600000\n"
    result = rewrite(text, "train.py", learning_rate=3e-4, grad_accumulation_steps=4)
    assert result.applied == {"learning_rate": (6e-4, 3e-4), "grad_accumulation_steps": (40, 4)}
    assert result.text == text.replace("6e-4", "0.0003").replace("5 * 8", "4")


HYDRA = """\
defaults: [_self_]
optimizer: {_target_: torch.optim.AdamW, lr: 2e-4}
trainer:
  n_epochs: 80
  early_stop: ${trainer.n_epochs}
  max_grad_norm: ${clip}
  seed: ???
clip: 5.0
"""


def test_a_reference_is_edited_at_its_source() -> None:
    result = rewrite(HYDRA, grad_clip_norm=1.0)
    assert changed_lines(HYDRA, result.text) == ["clip: 1.0"]


def test_a_reference_to_another_hyperparameter_is_left_alone() -> None:
    result = rewrite(HYDRA, early_stopping_patience=10)
    assert result.text == HYDRA
    assert "follows trainer.n_epochs, which is max_epochs" in result.refused["early_stopping_patience"]


def test_a_mandatory_value_is_left_to_the_command_line() -> None:
    assert "command line" in rewrite(HYDRA, seed=1).refused["seed"]


MERGED = """\
base: &base {learning_rate: 1.0e-3, batch_size: 16}
training:
  <<: *base
  epochs: 10
"""


def test_a_merged_value_is_edited_where_it_is_written() -> None:
    assert rewrite(MERGED, learning_rate=1e-4).text == MERGED.replace("1.0e-3", "0.0001")


def test_a_merged_value_that_other_sections_share_is_refused() -> None:
    text = MERGED + "evaluation:\n  <<: *base\n"
    result = rewrite(text, learning_rate=1e-4)
    assert (result.text, "shared" in result.refused["learning_rate"]) == (text, True)


def test_a_section_that_another_repeats_is_left_alone() -> None:
    text = "training: &t {learning_rate: 1.0e-3, epochs: 10}\nfinetuning: *t\n"
    result = rewrite(text, learning_rate=1e-4)
    assert (result.text, "shared" in result.refused["learning_rate"]) == (text, True)


@pytest.mark.parametrize("odd", ["NaN", "Infinity", "-Infinity", "1e-320", "9" * 400])
@pytest.mark.parametrize("order", ["{odd}, 8", "8, {odd}"])
def test_copies_of_odd_numbers_are_edited_or_refused(order: str, odd: str) -> None:
    """What is no finite number has no share that the copy could keep."""
    batch, copy = order.format(odd=odd).split(", ")
    text = f'{{"learning_rate": 0.1, "train": {{"batch_size": {batch}}}, "finetune": {{"batch_size": {copy}}}}}'
    once = parse_config(text, "config.json").rewrite({"batch_size": 4})
    assert parse_config(once.text, "config.json").rewrite({"batch_size": 4}).text == once.text


TWINS = """\
gpt: {number_mel_codes: 8194}
training:
  learning_rate: 2.0e-5
  gradient_clip_val: 1.0
  max_grad_norm: 1.0
  gradient_accumulation_steps: 2
  save_every: 1000
output:
  save_every_n_epochs: 1
"""


def test_twins_change_together() -> None:
    result = rewrite(TWINS, grad_clip_norm=0.5)
    assert changed_lines(TWINS, result.text) == ["gradient_clip_val: 0.5", "max_grad_norm: 0.5"]


def test_twins_in_another_unit_change_together_or_not_at_all() -> None:
    assert rewrite(TWINS, save_interval=500).text == TWINS
    config = parse_config(TWINS.replace("save_every: 1000", "save_every: 1000\n  batch_size: 10"), "config.yaml")
    result = config.rewrite({"save_interval": 500}, samples=1000)
    assert changed_lines(config.text, result.text) == ["save_every: 500", "save_every_n_epochs: 10"]


VITS = (
    '{"train": {"learning_rate": 2e-4, "c_mel": 45, "batch_size": 4, "warmup_epochs": 0}, "data": {"sampling_rate": 1}}'
)
REFUSALS = [
    pytest.param(
        VITS,
        "grad_clip_norm",
        1.0,
        "clip_grad_value_",
        id="a forbidden key",
    ),
    pytest.param(
        VITS,
        "warmup_epochs",
        5,
        "never read",
        id="a dead key",
    ),
    pytest.param(
        "optim_conf: {lr: 1.0}\noptim: adam\nscheduler: noamlr\n",
        "learning_rate",
        1e-4,
        "multiplier",
        id="a value that looks wrong and is right",
    ),
    pytest.param(
        "optim_conf: {lr: 1.0}\noptim: adam\nbatch_type: numel\nbatch_bins: 3000000\n",
        "batch_size",
        8,
        "bins",
        id="another unit",
    ),
    pytest.param(
        "output_dir: x\nnum_train_epochs: 3\nlearning_rate: 5.0e-5\n",
        "early_stopping_patience",
        3,
        "callback",
        id="a key at which the loader crashes",
    ),
    pytest.param(
        "training: {learning_rate: 0.1, batch_size: [8, 4], epochs: 3}\n", "batch_size", 4, "list", id="a list"
    ),
    pytest.param("training: {learning_rate: 0.1, epochs: 3}\n", "max_epochs", 2.5, "whole number", id="half an epoch"),
    pytest.param(
        "training: {learning_rate: 0.1, epochs: 3}\n", "learning_rate", float("nan"), "not a number", id="NaN"
    ),
    pytest.param(
        "training: {learning_rate: 0.1, save_interval: 5}\n",
        "save_interval",
        500,
        "is not known",
        id="a unit that nothing states",
    ),
    pytest.param(
        "training: {learning_rate: 0.1, epochs: 3}\nstage: {learning_rate: 0.2}\n",
        "nonsense",
        1,
        "no hyperparameter",
        id="an unknown name",
    ),
    pytest.param(
        "training: {lr: 0.1, epochs: 3}\nfinetune: {lr: 0.2}\n",
        "learning_rate",
        1e-4,
        "both say it",
        id="two places that say different things",
    ),
    pytest.param(
        "services: {web: {image: nginx}}\n", "learning_rate", 1e-4, "no training config", id="no training config"
    ),
]


@pytest.mark.parametrize(("text", "name", "value", "reason"), REFUSALS)
def test_what_cannot_be_done_safely_is_refused_with_the_reason(text: str, name: str, value: Any, reason: str) -> None:
    result = rewrite(text, "config.json" if text.startswith("{") else "config.yaml", **{name: value})
    assert result.text == text
    assert reason in result.refused[name]


def test_intervals_are_turned_into_epochs_only_when_the_data_set_is_known() -> None:
    text = "training: {learning_rate: 0.1, batch_size: 8, grad_accum: 4, save_every_epochs: 50}\n"
    assert "--samples" in rewrite(text, save_interval=500).refused["save_interval"]
    result = parse_config(text, "config.yaml").rewrite({"save_interval": 100}, samples=525)
    assert result.applied["save_interval"] == (50, 6)  # ceil(525 / 32) = 17 updates an epoch


def test_two_names_of_one_key_do_not_overwrite_one_another() -> None:
    text = VITS.replace('"warmup_epochs": 0', '"eval_interval": 1000')
    result = rewrite(text, "config.json", save_interval=500, eval_interval=100)
    assert result.applied == {"save_interval": (1000, 500)}
    assert "also save_interval" in result.refused["eval_interval"]


def test_the_dust_of_binary_arithmetic_is_not_written() -> None:
    assert "learning_rate: 9.0e-05" in rewrite(STORY, learning_rate=0.3 * 3e-4).text


def test_a_key_is_never_added_behind_a_block_of_text() -> None:
    training = "training:\n  learning_rate: 0.1\n  grad_clip_thresh: 1.0\n  use_amp: true\n  why: |\n    words\n"
    text = training + "model:\n  p_dropout: 0.1\n"
    result = rewrite(text, early_stopping=True)
    assert yaml.safe_load(result.text)["training"]["early_stopping"] is True
    assert changed_lines(text, result.text) == ["early_stopping: true"]


def test_copies_that_differ_on_purpose_keep_their_proportion() -> None:
    text = (
        "optimizer_params: {lr: 1.0e-4}\nloss_params: {lambda_mel: 5}\nslmadv_params: {}\n"
        "epochs_1st: 200\nepochs_2nd: 100\n"
    )
    result = rewrite(text, max_epochs=50)
    assert changed_lines(text, result.text) == ["epochs_1st: 50", "epochs_2nd: 25"]
    assert rewrite(result.text, max_epochs=50).text == result.text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("optim_conf: {lr: 1.0e-4}\noptim: adamw\ngrad_clip: -1\n", id="off by a sign"),
        pytest.param("model: {train_ds: {}}\ntrainer: {gradient_clip_val: 1000.0}\n", id="off by size"),
    ],
)
def test_a_clip_that_is_switched_off_by_design_stays_off(text: str) -> None:
    result = rewrite(text, grad_clip_norm=1.0)
    assert (result.text, "is off" in result.refused["grad_clip_norm"]) == (text, True)


def test_an_added_interval_is_in_the_unit_of_its_key() -> None:
    text = "model: {learning_rate_d: 1.0e-4, c_mel: 45}\ndata: {batch_size: 10}\ntrainer:\n  max_epochs: 100\n"
    assert "--samples" in rewrite(text, eval_interval=100).refused["eval_interval"]
    result = parse_config(text, "config.yaml").rewrite({"eval_interval": 100}, samples=500)
    assert changed_lines(text, result.text) == ["check_val_every_n_epoch: 2"]


BETAS = [
    pytest.param("train: {lr: 0.1, betas: [0.8, 0.99]}\n", "train: {lr: 0.1, betas: [0.9, 0.999]}\n", id="a list"),
    pytest.param("lr: 0.1\nbetas:\n- 0.8  # why\n- 0.99\n", "lr: 0.1\nbetas:\n- 0.9  # why\n- 0.999\n", id="lines"),
    pytest.param("lr: 0.1\nbeta1: 0.8\nbeta2: 0.99\n", "lr: 0.1\nbeta1: 0.9\nbeta2: 0.999\n", id="a pair of keys"),
    pytest.param("lr: 0.1\nbetas: [0.9, 0.99]\n", "lr: 0.1\nbetas: [0.9, 0.999]\n", id="one of the two"),
]


@pytest.mark.parametrize(("text", "after"), BETAS)
def test_a_list_is_written_member_by_member(text: str, after: str) -> None:
    result = rewrite(text, betas=[0.9, 0.999])
    assert (result.text, result.refused) == (after, {})
    assert result.applied["betas"][1] == [0.9, 0.999]


def test_a_list_of_another_length_is_refused() -> None:
    assert "2 values, 3 are given" in rewrite("lr: 0.1\nbetas: [0.8, 0.99]\n", betas=[0.9, 0.9, 0.9]).refused["betas"]


def test_one_number_is_written_into_every_member_of_a_list_of_equals() -> None:
    assert rewrite("train: {lr: 0.1, grad_clip: [9, 9]}\n", grad_clip_norm=1.0).text.count("1.0") == 2


def test_the_other_rate_of_a_gan_follows_by_the_same_factor() -> None:
    config = parse_config("lr_g: 0.0002\nlr_d: 0.0004\nepochs: 3\n", "config.yaml")
    assert config.companions({"learning_rate": 0.0001}) == (("learning_rate", "learning_rate_discriminator", 0.0002),)
    assert config.companions({"learning_rate": 0.0001, "learning_rate_discriminator": 0.0004}) == ()
    assert parse_config("lr: 0.0002\nepochs: 3\n", "config.yaml").companions({"learning_rate": 0.0001}) == ()


@pytest.mark.parametrize("name", ["SGD", "lr", "base_lr"])
def test_an_empty_list_is_no_second_place_of_a_number(name: str) -> None:
    result = rewrite(f"training: {{learning_rate: 2e-4, other: {{{name}: []}}}}\n", learning_rate=5e-5)
    assert set(result.applied) == {"learning_rate"}
