"""What `analyze` shows is what `fix` writes, and what `fix` writes passes `check`: on real and on generated configs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from diagnose.config import Config, parse_config, read_config
from diagnose.engine import examine
from diagnose.errors import ConfigError
from diagnose.facts import NOTHING_LOGGED, Facts, Hints
from diagnose.finding import Diagnosis
from diagnose.gather import facts_of
from diagnose.plan import Plan, plan
from diagnose.report.as_json import diagnoses
from diagnose.run import Run
from tests.curves import constant, descent, evaluations, noisy, training, turned

SHARED = Path(__file__).resolve().parents[2] / "shared" / "configs"
REAL = sorted(
    path
    for path in (SHARED.rglob("*") if SHARED.is_dir() else ())
    if path.suffix in (".yaml", ".yml", ".json", ".py", ".toml") and path.name not in ("index.yaml", "trainers.yaml")
)
KINDS = ("diverged", "overfitting", "no log")
# Every config with one kind of run, each kind with a third of the configs.
SHARED_OUT = [
    pytest.param(path, KINDS[number % len(KINDS)], id=f"{path.parent.name}/{path.name}-{KINDS[number % len(KINDS)]}")
    for number, path in enumerate(REAL)
]


def log_of(kind: str, config: Config) -> Run:
    """A run of 400 points at the rate of the config, with the fault."""
    rate = config.value("learning_rate")
    rate = rate if isinstance(rate, float) and 0 < rate < 1 else 1e-3
    if kind == "no log":
        return NOTHING_LOGGED
    if kind == "diverged":
        return training(turned(noisy(descent())), constant(rate))
    return training(noisy(descent()), evaluations(turned(descent(), 0.3), 40), constant(rate))


def diagnosed(config: Config, kind: str, samples: int) -> Diagnosis:
    return examine(facts_of(log_of(kind, config), Hints(samples=samples), config))


def alarms(text: str, source: str, facts: Facts) -> Counter[tuple[str, str]]:
    """What `ttsdoc check` says of a config's text, counted by code and severity."""
    config = parse_config(text, source)
    known = facts_of(NOTHING_LOGGED, Hints(samples=facts.samples), config)
    return Counter((finding.code, finding.severity.value) for finding in examine(known).findings if finding.alarming)


def assert_sound(made: Plan) -> None:
    config = made.diagnosis.facts.config
    assert config is not None
    before = alarms(made.before, config.source, made.diagnosis.facts)
    after = alarms(made.after, config.source, made.diagnosis.facts)
    assert after - before == Counter()
    touched = {edit.parameter for edit in made.applied}
    assert len(touched) == len(made.applied)  # one edit a parameter
    assert all(left.reason for left in made.deferred)
    assert parse_config(made.after, config.source).dialect == config.dialect


@pytest.mark.skipif(not REAL, reason="the real configs are not here")
@pytest.mark.parametrize(("path", "kind"), SHARED_OUT)
def test_what_fix_writes_passes_check_at_least_as_well(path: Path, kind: str) -> None:
    try:
        config = read_config(path)
    except ConfigError:
        return
    if config.training:
        assert_sound(plan(diagnosed(config, kind, samples=525)))


@pytest.mark.skipif(not REAL, reason="the real configs are not here")
@pytest.mark.parametrize("path", REAL[::5], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_analyze_shows_the_plan_that_fix_writes(path: Path) -> None:
    try:
        config = read_config(path)
    except ConfigError:
        return
    if not config.training:
        return
    diagnosis = diagnosed(config, "diverged", samples=525)
    shown = diagnoses([diagnosis])["runs"][0]["plan"]
    made = plan(diagnosis)
    assert [(edit["parameter"], edit["now"]) for edit in shown["applied"]] == [
        (edit.parameter, edit.now) for edit in made.applied
    ]
    assert [left["parameter"] for left in shown["deferred"]] == [left.parameter for left in made.deferred]


COUNTS = st.integers(1, 50_000)
CONFIGS = st.fixed_dictionaries(
    {"lr": st.floats(1e-6, 0.5), "batch_size": st.integers(1, 512), "epochs": st.integers(1, 5000)},
    optional={
        "warmup_steps": COUNTS,
        "eval_steps": COUNTS,
        "save_steps": COUNTS,
        "grad_accum": st.integers(1, 64),
        "early_stopping_patience": st.integers(1, 500),
        "dropout": st.floats(0, 0.6),
        "max_grad_norm": st.floats(0.01, 1000),
        "max_steps": COUNTS,
        "min_lr": st.floats(1e-8, 0.1),
        "lr_decay": st.floats(0.5, 0.99999),
    },
)


@given(CONFIGS, st.sampled_from(KINDS), st.sampled_from([None, 40, 525, 3000, 100_000]))
def test_what_fix_writes_of_any_config_is_sound(values: dict[str, float], kind: str, samples: int | None) -> None:
    text = yaml.safe_dump(
        {name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in values.items()}
    )
    config = parse_config(text, "config.yaml")
    facts = facts_of(log_of(kind, config), Hints(samples=samples), config)
    made = plan(examine(facts))
    assert_sound(made)
    again = parse_config(made.after, "config.yaml")
    for name, setting in config.values.items():  # nothing but the planned values has changed
        if name not in {edit.parameter for edit in made.applied}:
            assert again.value(name) == setting.value
    assert np.isfinite([value for value in (edit.now for edit in made.applied) if isinstance(value, float)]).all()
