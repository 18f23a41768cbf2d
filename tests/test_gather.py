"""A run in its surroundings: which config made it, how many clips it learned from, which logs a config names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from diagnose import gather
from diagnose.api import analyze, fix
from diagnose.config import Config
from diagnose.engine import examine
from diagnose.errors import ConfigError, LogError
from diagnose.facts import Hints, TargetBand
from diagnose.finding import Confidence
from diagnose.gather import facts_before_training, facts_of_config, facts_of_run, read_settings
from diagnose.plan import plan
from diagnose.readers import runs

CONFIG = """\
model:
  p_dropout: 0.1
  freeze_original_embeddings: true
data:
  dataset_path: clips
  batch_size: 16
training:
  learning_rate: {rate}
  grad_clip_thresh: 1.0
  max_epochs: 1000
logging:
  log_dir: logs
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "train.log").write_text(log(2e-4), "utf-8")
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "metadata.csv").write_text("".join(f"c{n}|hello {n}\n" for n in range(321)), "utf-8")
    (tmp_path / "config.yaml").write_text(CONFIG.format(rate="2.0e-4"), "utf-8")
    return tmp_path


def log(rate: float) -> str:
    return "".join(f"Epoch {n} | Loss: {9 - n / 4:.2f} | LR: {rate:.6f}\n" for n in range(1, 21))


def test_the_config_above_the_log_names_hyperparameters_family_and_clips(project: Path) -> None:
    (diagnosis,) = analyze(project / "logs" / "train.log")
    assert diagnosis.facts.settings["learning_rate"] == 2e-4
    assert diagnosis.facts.samples == 321
    assert diagnosis.facts.family == "t3"


def test_a_program_gives_its_settings_as_a_mapping() -> None:
    settings = {"learning_rate": 0.0005, "batch_size": 8}
    (diagnosis,) = analyze({"loss": [9 - n / 4 for n in range(20)]}, Hints(config=settings, family="t3", samples=525))
    assert diagnosis.facts.settings["learning_rate"] == 5e-4
    assert diagnosis.facts.target is not None


def test_a_target_that_is_given_stays(project: Path) -> None:
    band = TargetBand("mine", 1.0, 2.0, Confidence.LOW, "our own runs")
    facts = replace(facts_of_config(project / "config.yaml"), target=band)
    assert examine(facts).facts.target == band


def test_of_two_configs_the_one_whose_rate_was_logged_made_the_run(project: Path) -> None:
    (project / "stable.yaml").write_text(CONFIG.format(rate="5.0e-05"), "utf-8")
    (diagnosis,) = analyze(project / "logs" / "train.log")
    assert diagnosis.facts.settings["learning_rate"] == 2e-4


def test_of_two_configs_that_fit_alike_none_is_guessed(project: Path) -> None:
    (project / "copy.yaml").write_text(CONFIG.format(rate="2.0e-4"), "utf-8")
    (diagnosis,) = analyze(project / "logs" / "train.log")
    assert dict(diagnosis.facts.settings) == {}
    assert [note for note in diagnosis.facts.notes if "2 configs fit" in note and "--config" in note]


def test_a_config_that_logs_elsewhere_is_not_taken(project: Path) -> None:
    text = CONFIG.format(rate="2.0e-4").replace("log_dir: logs", "log_dir: elsewhere")
    (project / "config.yaml").write_text(text, "utf-8")
    (diagnosis,) = analyze(project / "logs" / "train.log")
    assert dict(diagnosis.facts.settings) == {}


def test_what_the_user_says_comes_before_what_is_found(project: Path) -> None:
    (diagnosis,) = analyze(project / "logs" / "train.log", Hints(samples=99, family="vits"))
    assert diagnosis.facts.samples == 99
    assert diagnosis.facts.family == "vits"


def test_a_config_leads_to_its_logs(project: Path) -> None:
    assert len(facts_of_config(project / "config.yaml").run.curves) >= 1


def test_the_latest_of_several_runs_is_judged_and_that_is_said(project: Path) -> None:
    import os

    older = project / "logs" / "older.log"
    older.write_text(log(1e-3), "utf-8")
    os.utime(older, (1_000_000_000, 1_000_000_000))
    facts = facts_of_config(project / "config.yaml")
    assert Path(facts.run.source).name == "train.log"
    assert "the latest of 2 runs is judged" in facts.notes


def test_a_config_beside_its_log_is_judged_by_that_log(project: Path) -> None:
    own = project / "logs" / "run1"
    own.mkdir()
    (own / "config.yaml").write_text(CONFIG.format(rate="2.0e-4").replace("logs", str(project / "logs")), "utf-8")
    (own / "metrics.csv").write_text("step,loss\n" + "".join(f"{n},{9 - n / 10}\n" for n in range(40)), "utf-8")
    newer = project / "logs" / "run2"
    newer.mkdir()
    (newer / "metrics.csv").write_text("step,loss\n" + "".join(f"{n},{5 - n / 10}\n" for n in range(40)), "utf-8")
    assert Path(facts_of_config(own / "config.yaml").run.source).parent.name == "run1"


def test_a_config_without_logs_is_judged_by_itself(project: Path) -> None:
    (project / "logs" / "train.log").unlink()
    facts = facts_of_config(project / "config.yaml")
    assert dict(facts.run.curves) == {}
    assert facts.samples == 321


def test_logs_that_were_asked_for_must_be_there(project: Path) -> None:
    with pytest.raises(LogError, match="nowhere"):
        facts_of_config(project / "config.yaml", logs=[project / "nowhere"])


def test_a_file_that_is_no_training_config_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "compose.yaml"
    path.write_text("services:\n  web:\n    image: nginx\n", "utf-8")
    with pytest.raises(ConfigError, match="no training hyperparameters"):
        fix(path)


def test_the_trainer_that_a_document_names_counts_for_the_report_as_for_the_fix(project: Path) -> None:
    (project / "README.md").write_text("python train.py --config config.yaml\n", "utf-8")
    (project / "train.py").write_text(
        "import yaml\nc = yaml.safe_load(open('config.yaml'))\nprint(c['data'])\n", "utf-8"
    )
    (diagnosis,) = analyze(project / "logs" / "train.log")
    made = fix(project / "config.yaml")
    assert diagnosis.facts.keys is not None
    assert [edit.parameter for edit in plan(diagnosis).applied] == [edit.parameter for edit in made.applied]


def test_a_project_file_above_a_log_is_not_read_as_a_config(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "pyproject.toml").write_text('[project]\nname = "voice"\nversion = "1"\n')
    (project / "tokens.json").write_text('{"a": 1, "b": 2}')
    asked: list[str] = []

    def asking(config: Path, dialect: Path | None = None) -> Config:
        asked.append(config.name)
        return read_settings(config, dialect)

    monkeypatch.setattr(gather, "read_settings", asking)
    (run,) = runs(project / "logs")
    assert facts_of_run(run).config is not None
    assert asked == ["config.yaml"]


SHARED = [
    pytest.param("x: &x {bs: 16, dim: 4}\nopt: {<<: *x, lr: 0.1}\n", set(), id="merged"),
    pytest.param("x: &x {bs: 16, dim: 4}\nopt: {<<: *x, lr: 0.1, bs: 8}\n", {"x.bs"}, id="merged, one written over"),
    pytest.param("all: &n 16\nopt: {bs: *n, dim: 4, lr: 0.1}\n", set(), id="a single value"),
    pytest.param("x: &x {bs: 16, dim: 4}\nopt: {bs: 8, dim: 4, lr: 0.1}\n", {"x.bs", "x.dim"}, id="never used"),
]


@pytest.mark.parametrize(("text", "idle"), SHARED)
def test_what_an_anchor_lends_to_a_key_that_is_read_is_read(text: str, idle: set[str], tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(text)
    trainer = tmp_path / "train.py"
    trainer.write_text(
        "import sys, yaml\nopt = yaml.safe_load(open(sys.argv[1]))['opt']\nprint(opt['bs'], opt['dim'], opt['lr'])\n"
    )
    facts = facts_before_training(tmp_path / "config.yaml", trainer=trainer)
    assert facts.keys is not None
    assert {use.path for use in facts.keys.idle} == idle
