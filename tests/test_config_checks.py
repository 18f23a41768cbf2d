"""What cannot be meant is found before the first step; what is merely unusual is left in peace."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diagnose.config import Config, parse_config
from diagnose.config.effective import effective
from diagnose.config.tokenizer import embedding_rows, read_tokenizer
from diagnose.engine import examine
from diagnose.errors import ConfigError
from diagnose.facts import Facts, Hints
from diagnose.finding import Diagnosis, Finding, Severity
from diagnose.gather import facts_before_training
from diagnose.plan import plan

SAMPLES = 1000
KNOWN = Facts(listed_for_training=SAMPLES)
SOUND = "lr: 1.0e-3\nbatch_size: 10\ngrad_accum: 2\nepochs: 20\nwarmup_steps: 50\neval_steps: 50\nsave_steps: 100\n"


def config(extra: str = "", base: str = SOUND, source: str = "config.yaml") -> Any:
    """`base` with the lines of `extra` in place of those of the same key."""
    keys = {line.partition(":")[0] for line in extra.splitlines()}
    kept = [line for line in base.splitlines() if line.partition(":")[0] not in keys]
    return parse_config("\n".join([*kept, extra, ""]), source)


def preflight(config: Config, around: Facts = Facts()) -> list[Finding]:
    settings = {name: setting.value for name, setting in config.values.items()}
    return list(examine(replace(around, config=config, settings=settings)).findings)


def diagnosed(config: Config) -> Diagnosis:
    settings = {name: setting.value for name, setting in config.values.items()}
    return examine(Facts(config=config, settings=settings))


def messages(extra: str, around: Facts = KNOWN) -> str:
    return "\n".join(finding.message for finding in preflight(config(extra), around))


def test_a_sound_config_is_left_in_peace() -> None:
    assert preflight(config(), KNOWN) == []


def test_what_a_config_amounts_to() -> None:
    sums = effective(config("vocab_size: 2535\n"), SAMPLES)
    assert (sums.batch_size, sums.steps_per_epoch, sums.total_steps) == (20, 50, 1000)
    assert (sums.samples_seen, sums.warmup_share, sums.epochs) == (20_000, 0.05, 20)
    assert sums.first_loss == pytest.approx(math.log(2535), abs=1e-3)


def test_the_first_end_of_a_run_counts_and_minus_one_is_none() -> None:
    assert effective(config("max_steps: 300\n"), SAMPLES).total_steps == 300
    assert effective(config("max_steps: -1\n"), SAMPLES).total_steps == 1000


def test_without_the_data_set_nothing_is_guessed() -> None:
    assert set(effective(config()).known()) == {
        "batch_size",
        "epochs",
        "warmup_steps",
        "eval_interval",
        "save_interval",
    }


CONTRADICTIONS = [
    pytest.param("warmup_steps: 1000\n", "would not end within the 1,000 steps", id="warm-up beyond the run"),
    pytest.param("warmup_steps: 600\n", "is 60% of the 1,000 steps", id="warm-up of half a run"),
    pytest.param("warmup_ratio: 0.1\n", "both ask for a warm-up", id="two warm-ups"),
    pytest.param("eval_steps: 1001\n", "never evaluated", id="evaluation beyond the run"),
    pytest.param("eval_steps: 500\n", "one evaluation in 10 epochs", id="evaluation once in ten epochs"),
    pytest.param("save_steps: 5000\n", "before the first checkpoint", id="nothing saved"),
    pytest.param("early_stopping_patience: 20\n", "needs 1000 steps without progress", id="patience out of reach"),
    pytest.param("batch_size: 600\n", "the data set has 1000", id="an update beyond the data set"),
    pytest.param("min_lr: 0.01\n", "above the learning rate itself", id="a floor above the top"),
    pytest.param("fp16: true\nbf16: true\n", "both switched on", id="two kinds of half precision"),
    pytest.param(
        "load_best_model_at_end: true\neval_steps: 30\n", "is no multiple of", id="saved elsewhere than judged"
    ),
    pytest.param("lr: 0.2\nlr: 0.1\n", "appears twice", id="a key twice"),
]


@pytest.mark.parametrize(("extra", "message"), CONTRADICTIONS)
def test_a_contradiction_is_found(extra: str, message: str) -> None:
    assert message in messages(extra)


HARMLESS = [
    pytest.param("warmup_steps: 100\n", id="a tenth of warm-up"),
    pytest.param("eval_steps: 100\n", id="an evaluation every other epoch"),
    pytest.param("early_stopping_patience: 5\n", id="a patience within reach"),
    pytest.param("early_stopping: false\nearly_stopping_patience: 500\n", id="a patience that is switched off"),
    pytest.param("bf16: true\nfp16: false\n", id="bf16 alone"),
    pytest.param("load_best_model_at_end: true\n", id="saved where judged"),
    pytest.param("save_steps: -1\n", id="saving switched off"),
]


@pytest.mark.parametrize("extra", HARMLESS)
def test_what_is_merely_unusual_is_left_in_peace(extra: str) -> None:
    assert messages(extra) == ""


VITS = """{"train": {"learning_rate": 2e-4, "c_mel": 45, "batch_size": 4, "epochs": %d, "lr_decay": %s},
"data": {"sampling_rate": 22050}}"""


def test_a_decay_that_ends_the_run_early_is_found() -> None:
    fading = preflight(parse_config(VITS % (20_000, "0.999"), "config.json"))
    assert [finding.numbers["faded_at"] for finding in fading] == [6904]  # ln(1e-3) / ln(0.999)
    assert preflight(parse_config(VITS % (20_000, "0.999875"), "config.json")) == []


COQUI = """{"audio": {}, "run_name": "glow", "batch_size": 32, "epochs": 1000, "lr": 1e-3, "lr_scheduler": "NoamLR",
"lr_scheduler_params": {"warmup_steps": 4000}, "scheduler_after_epoch": %s}"""


def test_a_noam_schedule_that_counts_epochs_is_found_and_cured() -> None:
    faulty = parse_config(COQUI % "true", "config.json")
    [finding] = preflight(faulty)
    [edit] = finding.prescriptions[0].edits
    cured = faulty.rewrite({edit.parameter: edit.value}).text
    assert preflight(parse_config(cured, "config.json")) == []


def test_a_number_that_is_text_is_found_with_its_cure() -> None:
    [finding] = preflight(config("lr: 1e-3\n"), KNOWN)
    assert (finding.code, finding.severity) == ("CFG002", Severity.WARNING)  # which loader is called is not known
    edits = {edit.parameter: edit.value for edit in finding.prescriptions[0].edits}
    cured = config("lr: 1e-3\n").rewrite(edits)
    assert "lr: 0.001" in cured.text
    assert preflight(parse_config(cured.text, "config.yaml"), KNOWN) == []


def test_a_vocabulary_that_fits_neither_tokenizer_nor_checkpoint_is_found() -> None:
    around = replace(KNOWN, tokens=2559, embedding_rows=2454)
    found = messages("vocab_size: 2535\n", around)
    assert "the tokenizer has 2559 tokens" in found
    assert "the checkpoint has 2454 embedding rows" in found
    assert messages("vocab_size: 2535\n", replace(KNOWN, tokens=2535, embedding_rows=2535)) == ""


TOKENIZERS = [
    pytest.param(
        "tokenizer.json",
        {"model": {"vocab": {"a": 0, "b": 5}}, "added_tokens": [{"id": 9, "content": "c"}]},
        10,
        id="hf",
    ),
    pytest.param("vocab.json", {"a": 0, "b": 1}, 2, id="a plain mapping"),
    pytest.param("tokenizer.json", {"model": {"vocab": [["a", -1.0], ["b", -2.0]]}}, 2, id="unigram"),
]


@pytest.mark.parametrize(("name", "content", "size"), TOKENIZERS)
def test_a_tokenizer_is_counted_by_its_highest_number(tmp_path: Path, name: str, content: Any, size: int) -> None:
    (tmp_path / name).write_text(json.dumps(content))
    tokenizer = read_tokenizer(tmp_path)
    assert tokenizer is not None
    assert tokenizer.size == size
    assert tokenizer.alphabet is not None
    assert "a" in tokenizer.alphabet


def test_a_damaged_tokenizer_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "vocab.json").write_text("{")
    with pytest.raises(ConfigError, match="not a tokenizer"):
        read_tokenizer(tmp_path / "vocab.json")


def test_embedding_rows_are_read_from_the_header_that_safetensors_writes(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy", reason="safetensors is in the train extra")
    tensors = {"t3.text_emb.weight": np.zeros((704, 4)), "t3.head.weight": np.zeros((9, 4))}
    safetensors.save_file(tensors, tmp_path / "model.safetensors")
    assert embedding_rows(tmp_path / "model.safetensors") == 704


DAMAGE = [
    pytest.param(b"\xff" * 8, id="a header of 2**64 bytes"),
    pytest.param((10).to_bytes(8, "little") + b"{'a': 1}  ", id="no JSON"),
    pytest.param(b"", id="nothing"),
]


@pytest.mark.parametrize("content", DAMAGE)
def test_a_damaged_checkpoint_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ConfigError, match="damaged checkpoint"):
        embedding_rows(tmp_path / "model.safetensors")


def test_a_trainer_is_read_for_the_keys_that_it_ignores(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("lr: 0.1\nepochs: 3\nunused: 4\n")
    trainer = tmp_path / "train.py"
    trainer.write_text("import yaml\nc = yaml.safe_load(open('config.yaml'))\nprint(c['lr'], c['epochs'])\n")
    seen = examine(facts_before_training(tmp_path / "config.yaml", hints=Hints(), trainer=trainer))
    assert [(finding.code, "unused" in finding.message) for finding in seen.findings] == [("CFG001", True)]


def test_what_is_no_training_config_has_nothing_to_check() -> None:
    assert preflight(parse_config("a: 1\n", "config.yaml")) == []


def test_a_healthy_run_gets_its_text_numbers_repaired_and_nothing_else() -> None:
    faulty = config("lr: 1e-3\n")
    repaired = plan(diagnosed(faulty))
    assert repaired.after == faulty.text.replace("1e-3", "0.001")
    assert plan(diagnosed(parse_config(repaired.after, "config.yaml"))).after == repaired.after


def test_a_warmup_beyond_the_epochs_of_the_run_needs_no_samples() -> None:
    longer = parse_config("lr: 0.001\nmax_epochs: 10\nwarmup_epochs: 25\n", "config.yaml")
    found = [finding for finding in examine(Facts(config=longer)).findings if finding.alarming]
    assert [finding.code for finding in found] == ["OPT005"]
    assert "25 epochs would not end within the 10 epochs" in found[0].message
