"""CFG004 speaks of values that nobody trains with, and is silent on what authors and users do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from diagnose.checks.config.implausible_value import ImplausibleValue
from diagnose.config import Config, parse_config, read_config
from diagnose.config.ranges import entries, first_learning_rate, spans
from diagnose.facts import Facts
from diagnose.finding import Finding, Safety


def findings(config: Config) -> list[Finding]:
    return list(ImplausibleValue().check(Facts(config=config, family=config.family)))


def said(text: str) -> list[tuple[str, str]]:
    return [
        (finding.severity.value, finding.evidence[0].name) for finding in findings(parse_config(text, "config.yaml"))
    ]


ODD = [
    pytest.param("optimizer: AdamW\nlr: 0.05\nepochs: 3\n", "learning_rate", id="a rate for SGD given to AdamW"),
    pytest.param("optimizer: adamw_torch\nlr: 1.0e-9\nepochs: 3\n", "learning_rate", id="a rate that moves nothing"),
    pytest.param("lr: 300.0\nepochs: 3\n", "learning_rate", id="a rate for no optimizer at all"),
    pytest.param("model: vits\ntrain: {learning_rate: 0.002, epochs: 9}\n", "learning_rate", id="ten times VITS"),
    pytest.param(
        "datasets: {batch_size_per_gpu: 16, batch_size_type: frame}\noptim: {learning_rate: 7.5e-5}\n",
        "batch_size",
        id="frames taken for clips",
    ),
    pytest.param("lr: 0.001\nepochs: 3\nwarmup_steps: 0.1\n", "warmup_steps", id="a share given as steps"),
    pytest.param("lr: 0.001\nepochs: 3\nwarmup_ratio: 10\n", "warmup_ratio", id="steps given as a share"),
    pytest.param("lr: 0.001\nepochs: 3\ngrad_clip: 0.0001\n", "grad_clip_norm", id="a bound that cuts everything"),
    pytest.param(
        "base_model: x\nadapter: lora\nlearning_rate: 2.0e-4\nnum_epochs: 300\n", "max_epochs", id="300 epochs"
    ),
]


@pytest.mark.parametrize(("text", "name"), ODD)
def test_a_value_that_nobody_trains_with_is_a_warning(text: str, name: str) -> None:
    assert said(text) == [("warning", name)]


SOUND = [
    pytest.param("optimizer: SGD\nlr: 0.05\nepochs: 3\n", id="the same rate for SGD"),
    pytest.param("lr: 0.05\nepochs: 3\n", id="the same rate for an optimizer that is not named"),
    pytest.param("optimizer: Prodigy\nlr: 1.0\nepochs: 3\n", id="an optimizer that finds the rate itself"),
    pytest.param("optimizer: AdamW\nlr: 0.002\nepochs: 3\n", id="a high rate that some use"),
    pytest.param("lr: 0.001\nepochs: 3\ngrad_clip: 1000.0\n", id="a bound that is switched off"),
    pytest.param("lr: 0.001\nepochs: 114514\nbatch_size: 512\n", id="a joke of a number of epochs"),
    pytest.param("train: {batch_size: 8}\nmodel: {learning_rate: 0.001}\nwarmup_steps: 0\n", id="no warm-up"),
    pytest.param("services: {web: {image: x, batch_size: 5000}}\n", id="no training config"),
]


@pytest.mark.parametrize("text", SOUND)
def test_what_is_in_use_passes(text: str) -> None:
    assert said(text) == []


def test_a_multiplier_is_no_rate() -> None:
    text = (
        "optim: adam\noptim_conf: {lr: 1.0}\nscheduler: noamlr\nscheduler_conf: {model_size: 384, warmup_steps: 4000}\n"
    )
    config = parse_config(text + "max_epoch: 3\nbatch_bins: 3000000\niterator_type: sequence\n", "train.yaml")
    assert findings(config) == []


FACTORS = [
    "{target: torch.optim.lr_scheduler.LambdaLR, lr_lambda: {target: x.warmup_cosine.LambdaWarmUpCosineScheduler}}",
    "{target: ldm.lr_scheduler.LambdaLinearScheduler, params: {f_max: [1.0e-4]}}",
    "LambdaLR",
]


@pytest.mark.parametrize("schedule", FACTORS)
def test_a_rate_of_one_under_a_lambda_is_a_factor_and_gets_no_first_rate_either(schedule: str) -> None:
    text = "optimizer: {target: torch.optim.AdamW, lr: 1.0}\nepochs: 3\nlr_scheduler: "
    config = parse_config(f"{text}{schedule}\n", "config.yaml")
    assert findings(config) == []
    assert first_learning_rate(config, None) is None
    assert [one.code for one in findings(parse_config(f"{text}StepLR\n", "config.yaml"))] == ["CFG004"]


def test_the_schedule_may_stand_in_another_file_than_the_config(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("defaults: [{optim: adam}]\nepochs: 3\n")
    (tmp_path / "optim").mkdir()
    optim = "optimizer: {_target_: torch.optim.AdamW, lr: 1}\nlr_scheduler: {_target_: torch.optim.lr_scheduler."
    (tmp_path / "optim" / "adam.yaml").write_text(f"{optim}LambdaLR}}\n")
    assert findings(read_config(tmp_path / "config.yaml")) == []
    (tmp_path / "optim" / "adam.yaml").write_text(f"{optim}StepLR}}\n")
    (finding,) = findings(read_config(tmp_path / "config.yaml"))
    assert "(line 1 of optim/adam.yaml)" in finding.message
    assert finding.line is None


def test_the_message_names_the_line_the_range_and_its_source() -> None:
    (finding,) = findings(parse_config("epochs: 3\noptimizer: AdamW\nlr: 0.05\n", "config.yaml"))
    assert "lr: 0.05 (line 3)" in finding.message
    assert "1e-06 to 0.01" in finding.message
    assert "Kingma and Ba 2015" in finding.advice
    assert finding.evidence[0].threshold == pytest.approx(0.03)


def test_the_first_rate_to_try_is_offered_and_never_written_unasked() -> None:
    (finding,) = findings(parse_config("epochs: 3\noptimizer: AdamW\nlr: 0.05\n", "config.yaml"))
    (cure,) = finding.prescriptions
    assert (cure.safety, cure.edits[0].value) == (Safety.UNSAFE, 2e-4)


FIRST = [
    pytest.param("optimizer: AdamW\nlr: 0.05\nepochs: 3\n", 2e-4, id="an optimizer"),
    pytest.param("model: xtts\nlr: 0.05\nepochs: 3\n", 5e-6, id="a family"),
    pytest.param("model: vits\nlr: 0.05\nepochs: 3\nrestore_path: G_0.pth\n", 2e-5, id="trained weights"),
    pytest.param("base_model: x\nadapter: qlora\nlearning_rate: 1.0e-4\n", 2e-4, id="an adapter"),
    pytest.param("base_model: x\nsequence_len: 9\nlearning_rate: 1.0e-4\n", 2e-5, id="the whole language model"),
    pytest.param("lr: 0.05\nepochs: 3\n", None, id="nothing known"),
]


@pytest.mark.parametrize(("text", "rate"), FIRST)
def test_the_first_rate_to_try_is_that_of_the_family_else_of_the_optimizer(text: str, rate: float | None) -> None:
    config = parse_config(text, "config.yaml")
    first = first_learning_rate(config, config.family)
    assert (first[0] if first else None) == rate


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry["title"])
def test_every_range_has_its_source_and_holds_what_it_recommends(entry: Any) -> None:
    assert spans(entry)
    for span in spans(entry).values():
        assert span.source
        assert all(first is None or span.lowest <= first <= span.highest for first in (span.first, span.fine_tuning))


def real(folder: Path) -> list[Config]:
    entries = [
        (place, entry)
        for place in (folder, folder / "second")
        for entry in yaml.load((place / "index.yaml").read_text("utf-8"), yaml.CSafeLoader)["configs"]
    ]
    return [read_config(place / entry["file"]) for place, entry in entries if entry["dialect"] != "broken"]


def test_of_two_hundred_real_configs_only_750_epochs_of_lora_are_odd(shared: Path) -> None:
    odd = [
        (Path(config.source).name, finding.message)
        for config in real(shared / "configs")
        for finding in findings(config)
    ]
    assert [(name, "750" in message) for name, message in odd] == [
        ("ardafincan__m3a-finetune__llama3_lora_sft.yaml", True)
    ]
