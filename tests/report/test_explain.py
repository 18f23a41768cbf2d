"""Every code and every hyperparameter is explained, what to do first; every command shows what to type."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from diagnose.cli import app, completion
from diagnose.cli.examples import EXAMPLES, commands
from diagnose.config.dialect_files import dialects
from diagnose.config.hyperparameters import HYPERPARAMETERS
from diagnose.report.explain import Topic, entries, entry_text, find_topic, listing, sections_of, topic_text, topics
from diagnose.report.screen import Screen
from tests.test_cli import ttsdoc

PATHS = [path for path, _ in commands(app)]


@pytest.mark.parametrize("topic", topics(), ids=lambda topic: topic.code)
def test_what_to_do_comes_before_why_and_thresholds_only_when_asked_for(topic: Topic) -> None:
    found = find_topic(topic.code)
    assert found is not None
    brief, long = (topic_text(found, Screen(), long=wanted) for wanted in (False, True))
    assert brief.index("What to do") < brief.index("Why it matters")
    assert "How it is detected\n" not in brief
    assert "How it is detected\n" in long
    assert not re.search(r"^#|\*\*", brief, re.MULTILINE)
    assert max(map(len, brief.split("\n"))) <= 80


def test_no_section_is_lost_between_text_and_json() -> None:
    for topic in topics():
        long = topic_text(topic, Screen(width=200), long=True)
        assert all(heading in long for heading in sections_of(topic.text))


def test_the_list_gives_one_line_a_code_with_its_meaning() -> None:
    lines = listing(Screen(width=100)).split("\n")
    assert sum(line.startswith("FIT002  overfitting") and "validation loss" in line for line in lines) == 1
    assert max(map(len, lines)) <= 100


def test_every_hyperparameter_is_explained_and_is_in_no_unknown_framework() -> None:
    assert entries().keys() == HYPERPARAMETERS.keys()
    frameworks = {dialect.name for dialect in dialects()}
    assert {name for entry in entries().values() for name in entry.usual} <= frameworks


def test_a_hyperparameter_says_what_it_does_what_is_usual_and_where_it_is_set() -> None:
    page = entry_text(entries()["learning_rate"], Screen(width=100))
    assert "How far each update moves the weights" in page
    assert "Usual values" in page
    assert "optim.learning_rate" in page
    assert page.count("\n") > 30
    assert "…" not in entry_text(entries()["learning_rate"], Screen(width=60))


@pytest.mark.parametrize(
    ("typed", "meant"), [("overfiting", "overfitting"), ("fit02", "FIT002"), ("learnig_rate", "learning_rate")]
)
def test_a_slip_of_the_keyboard_is_answered_with_what_was_meant(typed: str, meant: str) -> None:
    done = ttsdoc("explain", typed)
    assert done.returncode == 2
    assert f"did you mean {meant}?" in done.stderr
    assert len(done.stderr.strip().split("\n")) == 1


def test_names_are_completed_whatever_their_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # `make demo` leaves a stable.yaml in the checkout
    assert "FIT002" in completion.topics("fit")
    assert "learning_rate" in completion.topics("learn")
    assert "vits" in completion.families("V")
    assert completion.presets("sta") == ["stable"]
    assert "learning_rate,max_epochs" in completion.parameters("learning_rate,max_e")
    (tmp_path / "runs" / "first").mkdir(parents=True)
    assert completion.runs("runs/f") == ["runs/first", "runs/first/"]


def test_the_shell_completes(tmp_path: Path) -> None:
    program = "import sys; sys.argv[0] = 'ttsdoc'; from diagnose.cli import main; sys.exit(main())"
    asked = {"_TTSDOC_COMPLETE": "complete_bash", "COMP_WORDS": "ttsdoc explain overf", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | asked, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["overfitting"]


def test_a_preset_that_is_misspelled_is_named(tmp_path: Path) -> None:
    done = ttsdoc("train", "stabel", "--out", tmp_path / "run")
    assert (done.returncode, "did you mean stable?" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("path", PATHS)
def test_every_help_has_an_example(path: str) -> None:
    assert path in EXAMPLES, "add it to diagnose/cli/examples.py"
    assert any(path.split(maxsplit=1)[0] in example for example in EXAMPLES[path])


@pytest.mark.parametrize("group", [[], ["data"], ["config"]], ids=" ".join)
def test_the_list_of_commands_cuts_no_summary(group: list[str]) -> None:
    """The first line of a command's docstring is its line in the list."""
    assert "..." not in ttsdoc(*group, "--help").stdout.split("Commands:")[1]


def test_examples_name_only_options_that_exist() -> None:
    for path, examples in EXAMPLES.items():
        if path in PATHS:
            helped = ttsdoc(*path.split(), "--help").stdout
            for example in examples:
                own = example.split(" -- ")[0]
                assert all(option in helped for option in re.findall(r"(?<= )--?[a-z-]+", own)), (path, example)


def test_the_doctor_names_versions_and_what_is_missing_and_never_fails(tmp_path: Path) -> None:
    done = ttsdoc("doctor", "--format", "json", cwd=tmp_path)
    assert done.returncode == 0
    lines = {line["what"]: line for line in json.loads(done.stdout)["lines"]}
    assert lines["ttsdoc"]["ok"]
    assert "GB free" in lines["disk"]["found"]
    assert lines["logs here"]["ok"] is False
    for line in lines.values():
        assert line["found"]
