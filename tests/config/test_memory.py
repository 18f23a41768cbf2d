"""`check --gpu` says roughly what a training needs, from what, and is silent where it cannot know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from diagnose.cli import app
from diagnose.config import parse_config
from diagnose.config.memory import Estimate, estimate


def of(text: str, gigabytes: float = 24, source: str = "config.yaml") -> Estimate | None:
    config = parse_config(text, source)
    return estimate(config, config.family, gigabytes)


VITS = '{"train": {"learning_rate": 0.0002, "batch_size": %d, "c_mel": 45}, "data": {"sampling_rate": 22050}}'


def test_what_was_measured_is_what_is_estimated() -> None:
    found = of(VITS % 32, source="config.json")
    assert found is not None
    assert found.needed == pytest.approx(21.6, abs=0.1)
    assert found.largest_batch == 32


@pytest.mark.parametrize(
    ("batch", "verdict"), [(8, "fits"), (32, "should fit"), (40, "may not fit"), (128, "does not fit")]
)
def test_the_verdict_is_as_sure_as_the_method(batch: int, verdict: str) -> None:
    found = of(VITS % batch, source="config.json")
    assert found is not None
    assert (found.verdict, found.least < found.needed < found.most) == (verdict, True)


def test_the_largest_batch_is_the_largest_that_should_fit() -> None:
    found = of(VITS % 64, 12, source="config.json")
    assert found is not None
    beyond = of(VITS % (found.largest_batch + 1), 12, source="config.json")
    within = of(VITS % found.largest_batch, 12, source="config.json")
    assert within is not None
    assert beyond is not None
    assert (within.verdict, beyond.verdict) == ("should fit", "may not fit")


LLM = "base_model: meta-llama/Llama-3-8B\nmicro_batch_size: 1\nsequence_len: 1024\nlearning_rate: 1.0e-5\n"
STATES = [
    pytest.param(LLM, 16 * 8.0, id="everything in 32 bits"),
    pytest.param(LLM + "optimizer: adamw_bnb_8bit\n", 6 * 8.0, id="moments in 8 bits"),
    pytest.param(LLM + "adapter: lora\nlora_r: 8\n", 2.2 * 8.0, id="LoRA"),
    pytest.param(LLM + "adapter: lora\nload_in_8bit: true\nlora_r: 8\n", 1.2 * 8.0, id="LoRA on 8 bits"),
    pytest.param(LLM + "adapter: qlora\nload_in_4bit: true\nlora_r: 8\n", 0.7 * 8.0, id="QLoRA"),
]


@pytest.mark.parametrize(("text", "state"), STATES)
def test_a_language_model_needs_its_bytes_for_each_parameter(text: str, state: float) -> None:
    found = of(text)
    assert found is not None
    assert state < found.needed < state + 8


@pytest.mark.parametrize(
    "text",
    ["lr: 0.1\nepochs: 3\nbatch_size: 4\n", "model: some-model\nlr: 0.1\nbatch_size: 4\n", LLM.replace("micro", "x")],
)
def test_without_a_size_or_a_batch_nothing_is_said(text: str) -> None:
    assert of(text) is None


def test_recomputed_activations_take_less() -> None:
    kept, recomputed = of(LLM), of(LLM + "gradient_checkpointing: true\n")
    assert kept is not None
    assert recomputed is not None
    assert recomputed.needed < kept.needed


def test_the_command_says_whether_it_fits_and_what_to_try_first(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(VITS % 128)
    answer = CliRunner().invoke(app, ["check", str(tmp_path / "config.json"), "--gpu", "24GB"])
    text = " ".join(answer.output.split())
    assert "24 GB GPU: a batch of 128 clips does not fit" in text
    assert "up to 32 clips should fit" in text
    assert "piper TRAINING.md" in text
    assert "first learning rate to try: 0.0002 (VITS" in text


def test_the_command_answers_in_json(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(VITS % 128)
    answer = CliRunner().invoke(app, ["check", str(tmp_path / "config.json"), "--gpu", "24", "--format", "json"])
    found = json.loads(answer.output)
    assert (found["gpu"]["verdict"], found["gpu"]["largest_batch"]) == ("does not fit", 32)
    assert found["first_learning_rate"]["value"] == 2e-4


@pytest.mark.parametrize("text", ["24x", "-3", "0", "a lot", "1e9"])
def test_what_is_no_memory_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(VITS % 128)
    assert CliRunner().invoke(app, ["check", str(tmp_path / "config.json"), "--gpu", text]).exit_code == 2
