"""The config: what it may say, what it may not, and where it is wrong."""

from __future__ import annotations

import re
from dataclasses import fields
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from diagnose.errors import ConfigError
from diagnose.trainer.options import SECTIONS, Options, as_tree, dump, parse

PRESETS = ["stable", "small-data", "sick-spike", "sick-diverge", "sick-nan", "sick-slow", "sick-overfit", "gpu"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("training:\n  learning_rat: 1.0\n", "c.yaml:2: training.learning_rat: this", id="unknown key"),
        pytest.param("training:\n  learning_rat: 1.0\n", "did you mean learning_rate", id="the key that was meant"),
        pytest.param("trainer:\n  a: 1\n", "c.yaml:2: unknown section 'trainer'", id="unknown section"),
        pytest.param("training:\n  learning_rate: 5e-5\n", "reads 5e-5 as text", id="number that YAML reads as text"),
        pytest.param("training:\n  learning_rate: 5e-5\n", "write 5.0e-05", id="how to write it"),
        pytest.param("training:\n  max_epochs: 2.5\n", "2.5 is not a whole number", id="fraction for a count"),
        pytest.param("training:\n  max_epochs: true\n", "True is not a whole number", id="truth for a count"),
        pytest.param("training:\n  use_amp: 1\n", "1 is not true or false", id="count for truth"),
        pytest.param("training:\n  learning_rate: -1.0\n", "must be above 0", id="negative rate"),
        pytest.param("model:\n  p_dropout: 1.0\n", "below 1", id="dropout of everything"),
        pytest.param("training:\n  betas: [0.9]\n", "a list of 2 values", id="one beta"),
        pytest.param("model:\n  norm: middle\n", "one of post, pre, none", id="unknown choice"),
        pytest.param("model:\n  n_heads: 5\n", "does not divide", id="heads that do not fit"),
        pytest.param("training:\n  seed: 1\n  seed: 2\n", "c.yaml:3: training.seed is given twice", id="given twice"),
        pytest.param("data:\n  val_ratio: 0.5\n  test_ratio: 0.5\n", "nothing to train on", id="ratios"),
        pytest.param("data:\n  mel_fmax: 12000\n", "above half of sampling_rate", id="above Nyquist"),
        pytest.param("training:\n  lr_decay: 0.9\n", "is not read, since training.lr_scheduler", id="idle key"),
        pytest.param("finetuning:\n  enabled: true\n", "needs finetuning.pretrained_model", id="nothing to tune"),
        pytest.param("training: 5\n", "must hold `key: value` lines", id="a number for a section"),
        pytest.param("training:\n  seed: [\n", "not valid YAML", id="broken YAML"),
        pytest.param("training:\n  seed: !!python/object:os.system x\n", "plain values", id="code"),
        pytest.param("", "empty", id="nothing"),
    ],
)
def test_a_wrong_config_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        parse(text, "c.yaml")
    assert "\n" not in str(caught.value)


def test_a_whole_number_is_a_float_too_and_null_switches_off() -> None:
    training = parse("training: {learning_rate: 1, grad_clip_thresh: null}\n", "c.yaml").training
    assert training.learning_rate == 1.0
    assert training.grad_clip_thresh is None


def test_a_section_of_comments_alone_means_the_defaults() -> None:
    assert parse("training:\n  # nothing yet\n", "c.yaml") == Options()


@given(
    rate=st.floats(1e-9, 1.0),
    clip=st.none() | st.floats(1e-6, 1e6),
    scheduler=st.sampled_from(["constant", "cosine", "exponential", "inverse_sqrt"]),
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1), max_size=3),
)
def test_the_effective_config_says_what_it_was_made_from(
    rate: float, clip: float | None, scheduler: str, texts: list[str]
) -> None:
    """Whatever is written before the first update can be read and trained again."""
    tree = {
        "training": {"learning_rate": rate, "grad_clip_thresh": clip, "lr_scheduler": scheduler},
        "validation": {"sample_texts": texts},
    }
    options = parse(yaml.safe_dump(tree, allow_unicode=True), "c.yaml")
    assert parse(dump(options), "effective.yaml") == options


@given(
    text=st.text(st.sampled_from("training: learning_rate5e-\n {}[]&*!?|>'\"#,%@`~\t\0<"), max_size=80)
    | st.builds(
        lambda section, key, value: f"{section}:\n  {key}: {value}\n",
        st.sampled_from(sorted(SECTIONS)),
        st.sampled_from(["seed", "betas", "norm", "sample_texts", "learning_rate", "dataset_path", "? [a]"]),
        st.text(max_size=20),
    )
)
def test_no_text_at_all_brings_anything_but_a_config_or_one_line(text: str) -> None:
    complaint = ""
    try:
        parse(text, "c.yaml")
    except ConfigError as error:
        complaint = str(error)
    assert len(complaint.splitlines()) <= 1


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_valid_config_of_nothing_but_differences_with_their_reasons(name: str) -> None:
    path = files("diagnose.presets") / f"{name}.yaml"
    text = path.read_text("utf-8")
    preset = as_tree(parse(text, f"{name}.yaml"))
    for section, values in yaml.safe_load(text).items():
        for key in values:
            assert preset[section][key] != as_tree(Options())[section][key], f"{section}.{key} is the default"
    settings = [line for line in text.splitlines() if re.match(r"\s+\w+:", line)]
    assert all(" # " in line for line in settings), "each line has its reason"


def test_there_is_no_dead_key() -> None:
    """Every key of the config is read somewhere in the trainer, outside the file that declares it."""
    folder = Path(str(files("diagnose.trainer")))
    code = "".join(path.read_text("utf-8") for path in folder.glob("*.py") if path.name != "options.py")
    unread = {
        f"{section}.{item.name}"
        for section, kind in SECTIONS.items()
        for item in fields(kind)
        if not re.search(rf"\.{item.name}\b|\"{item.name}\"", code)
    }
    assert unread == set()
