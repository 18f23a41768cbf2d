"""`ttsdoc config show` and `ttsdoc check`, as a newcomer types them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from diagnose.cli import app

STORY = """\
model: {p_dropout: 0.1, n_vocab: 2535}
data: {batch_size: 16}
training:
  learning_rate: 2e-4
  grad_clip_thresh: 1.0
  grad_accumulation_steps: 2
  max_epochs: 1000
  eval_interval: 1000
  use_amp: true
"""


@pytest.fixture
def story(tmp_path: Path) -> str:
    path = tmp_path / "config.yaml"
    path.write_text(STORY)
    return str(path)


def status_and_output(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout


def answer(*arguments: str) -> Any:
    return json.loads(status_and_output(*arguments, "--format", "json")[1])


def test_show_says_where_each_value_is_and_what_it_amounts_to(story: str) -> None:
    status, text = status_and_output("config", "show", story, "--samples", "525")
    assert status == 0
    for word in (
        "amharic_chatterbox",
        "learning_rate",
        "0.0002",
        "training.learning_rate",
        "28",  # 446 of the 525 clips are trained on, in batches of 16: as `check` and `fix` count
        "1000 epochs",
        "7.838",
    ):
        assert word in text


def test_show_keeps_its_json_contract(story: str) -> None:
    shown = answer("config", "show", story)
    assert {"schema_version", "source", "dialect", "training", "values", "effective", "problems"} <= shown.keys()
    assert shown["values"]["grad_accumulation_steps"] == {
        "value": 2,
        "path": "training.grad_accumulation_steps",
        "line": 6,
        "unit": None,
        "dead": True,
        "note": "neither train.py nor train_enhanced.py accumulates",
    }
    assert shown["effective"]["batch_size"] == 16  # the accumulation is not read
    assert shown["problems"][0]["code"] == "CFG002"


def test_check_exits_with_1_on_findings_and_0_without(story: str) -> None:
    assert status_and_output("check", story, "--samples", "525")[0] == 1
    assert status_and_output("check", story, "--samples", "525", "--exit-zero")[0] == 0
    Path(story).write_text("lr: 0.001\nbatch_size: 8\nepochs: 10\n")
    assert status_and_output("check", story, "--samples", "525")[0] == 0


def test_check_names_each_contradiction_once(story: str) -> None:
    codes = [finding["code"] for finding in answer("check", story, "--samples", "525")["findings"]]
    assert codes == ["CFG002", "CFG003", "CFG001"]


def test_what_is_no_training_config_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "compose.yaml"
    path.write_text("services: {}\n")
    for command in (["config", "show"], ["check"]):
        status, text = status_and_output(*command, str(path))
        assert (status, "no training hyperparameters here" in text) == (0, True)
    assert answer("config", "show", str(path))["training"] is False


def test_a_terminal_is_not_at_the_mercy_of_a_config(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"lr": 0.1, "epochs": 3, "output_dir": "\\u001b]0;pwned\\u0007\\u202e"}')
    for command in (["config", "show"], ["check"]):
        _, text = status_and_output(*command, str(path))
        assert not set("\x1b\x07\u202e") & set(text)


def test_a_finding_is_never_hidden_behind_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "preprocess.yaml").write_text("paths: {raw: there, ready: here}\nsound: {rate: 22050, loudest: 9}\n")
    (tmp_path / "train.py").write_text(
        "import yaml\nwith open('preprocess.yaml') as file:\n    prep = yaml.safe_load(file)\n"
        "print(prep['paths']['ready'], prep['sound']['rate'])\n"
    )
    status, text = status_and_output(
        "check", str(tmp_path / "preprocess.yaml"), "--trainer", str(tmp_path / "train.py")
    )
    assert status == 1
    assert "CFG001" in text
    assert "sound.loudest" in text


def test_both_rates_of_a_gan_are_written(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("lr_g: 0.002\nlr_d: 0.004\nbatch_size: 16\nepochs: 50\n")
    rows = [
        (step, 3 * 2.718 ** (-step / 800) + 0.5 if step < 1500 else 0.9 + (step - 1500) / 300)
        for step in range(0, 3000, 10)
    ]
    (tmp_path / "log.csv").write_text("step,loss,lr\n" + "".join(f"{step},{loss},0.002\n" for step, loss in rows))
    _, text = status_and_output("fix", str(tmp_path / "config.yaml"), "--logs", str(tmp_path / "log.csv"))
    written = dict(line.split(": ") for line in text.splitlines() if line.startswith("lr_"))
    assert float(written["lr_d"]) == 2 * float(written["lr_g"])
    assert float(written["lr_g"]) < 0.002
