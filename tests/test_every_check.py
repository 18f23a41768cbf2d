"""What holds for every check, because it is a check."""

from __future__ import annotations

import dataclasses
import importlib
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from benchmarks.real.folds import tunable, with_factors
from diagnose.checks import checks_for, every_check
from diagnose.checks.base import About, Check
from diagnose.config import parse_config
from diagnose.config.hyperparameters import HYPERPARAMETERS
from diagnose.engine import examine
from diagnose.facts import NOTHING_LOGGED, Facts
from diagnose.finding import Diagnosis, Severity
from diagnose.numbers import is_number
from diagnose.run import Curve, Role, Run
from tests.cases import Case, cases_of, facts_of
from tests.curves import curve, run
from tests.findings import CASES, file_of_tests, stored_in

CHECKS = every_check()
CODES = re.compile(r"^(NUM|STB|GRD|FIT|OPT|DAT|CFG|AUD|SPD|RUN|CKP)\d{3}$")
HEADINGS = ["## Why it matters", "## How it is detected", "## What to do", "## Blind spots"]
FOLDER = Path(__file__).parent / "checks"

each_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)


def cases() -> list[Case]:
    """All cases of all test files of the checks."""
    modules = [importlib.import_module(f"tests.checks.{path.stem}") for path in sorted(FOLDER.glob("test_*.py"))]
    return [one for module in modules for one in cases_of(module)]


ALL = cases()
each_case = pytest.mark.parametrize("one", ALL, ids=lambda one: one.title)


def test_codes_and_names_are_unique() -> None:
    assert len({check.code for check in CHECKS}) == len({check.name for check in CHECKS}) == len(CHECKS)


@each_check
def test_code_name_and_file_agree(check: Check) -> None:
    assert CODES.match(check.code)
    assert re.match(r"^[a-z]+(-[a-z]+)*$", check.name)
    assert type(check).__module__.rpartition(".")[2] == check.name.replace("-", "_")
    assert type(check).__name__ == "".join(word.capitalize() for word in check.name.split("-"))


@each_check
def test_a_check_is_in_the_folder_of_its_subject(check: Check) -> None:
    assert type(check).__module__.split(".")[2] == check.about.value


@each_check
def test_a_check_of_something_else_than_the_run_applies_only_where_that_is_known(check: Check) -> None:
    """`checks_for` does not import it elsewhere."""
    assert check.about is About.RUN or type(check).applies is Check.applies


@pytest.mark.parametrize("logged", [True, False])
@pytest.mark.parametrize("configured", [True, False])
def test_the_checks_of_some_facts_are_all_that_apply(logged: bool, configured: bool) -> None:
    config = parse_config("learning_rate: 0.1\nepochs: 3\n", "config.yaml") if configured else None
    facts = Facts(run(curve(Role.TRAIN_LOSS, [3.0, 2.0])) if logged else NOTHING_LOGGED, config)
    assert checks_for(facts) == tuple(check for check in CHECKS if check.applies(facts))


@each_check
def test_the_documentation_has_its_headings_in_order(check: Check) -> None:
    text = type(check).__doc__ or ""
    assert re.findall(r"^ *(## .*)$", text, re.MULTILINE) == HEADINGS
    assert not text.strip().startswith("#")


@each_check
def test_every_threshold_has_a_default_and_a_source(check: Check) -> None:
    source = Path(importlib.import_module(type(check).__module__).__file__ or "").read_text(encoding="utf-8")
    for name, default in check.thresholds().items():
        assert is_number(default), name
        comment = re.search(rf"^    {name}: .*?\n    \"\"\"(.*?)\"\"\"", source, re.MULTILINE | re.DOTALL)
        assert comment, f"{name} has no comment"


@each_check
def test_every_check_has_its_tests(check: Check) -> None:
    """A check of runs has a file with tables; what speaks of configs or data sets is named where these are tested."""
    if file_of_tests(check).exists():
        return
    together = {About.CONFIG: "test_config_checks.py", About.DATASET: "data/test_inspect.py"}
    assert check.about in together, f"{file_of_tests(check).name} is missing"
    text = (FOLDER.parent / together[check.about]).read_text("utf-8")
    assert check.code in text or check.name in text


@each_check
def test_what_every_check_says_is_stored(check: Check) -> None:
    assert check.code in CASES, f"{check.code} has no case in tests/findings.py"
    assert (FOLDER.parent.parent / stored_in(check.code)).exists(), "run `make golden`"


@each_check
def test_causes_are_names_of_checks(check: Check) -> None:
    assert {*check.explained_by, *check.part_of} <= {other.name for other in CHECKS} - {check.name}


@pytest.mark.parametrize("values", [[], [1.0], [np.nan] * 5, [np.inf, -np.inf, np.nan, 1.0], [0.0] * 40], ids=repr)
def test_no_check_breaks_on_odd_curves(values: list[float]) -> None:
    """All roles at once: nothing, one point, nothing finite, a constant."""
    assert examine(facts_of(run(*(curve(role, values) for role in Role)))).crashed == ()


VALUES = arrays.arrays(
    np.float64, st.integers(0, 120), elements=st.floats(allow_nan=True, allow_infinity=True, width=32)
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(st.dictionaries(st.sampled_from(list(Role)), VALUES, max_size=4))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_check_breaks_on_random_curves(values: dict[Role, np.ndarray[tuple[int], np.dtype[np.float64]]]) -> None:
    """Whatever a log holds, the worst is a wrong finding, never a broken check."""
    diagnosis = examine(facts_of(run(*(curve(role, column) for role, column in values.items()))))
    assert diagnosis.crashed == ()


@each_case
def test_a_finding_is_inside_the_run_and_has_evidence(one: Case) -> None:
    for finding in one.diagnosis.findings:
        assert finding.message.endswith(".")
        if finding.severity is not Severity.INFO and finding.metric not in ("config", "dataset"):
            assert finding.evidence
        steps = [step for step in (finding.first_step, finding.last_step) if step is not None]
        assert steps == sorted(steps)
        assert all(_within(step, one.run) for step in steps)


def _within(step: int, run: Run) -> bool:
    return any(len(one) and one.steps[0] <= step <= one.steps[-1] for one in run.curves.values())


@each_case
def test_prescriptions_name_hyperparameters(one: Case) -> None:
    edits = [edit for prescription in one.diagnosis.prescriptions for edit in prescription.edits]
    assert {edit.parameter for edit in edits} <= set(HYPERPARAMETERS)
    assert all(edit.why for edit in edits)
    assert not [edit for edit in edits if isinstance(edit.value, np.generic)]  # for a plan these are no numbers


@each_case
def test_the_run_is_left_as_it_was(one: Case) -> None:
    before = {tag: (one_curve.steps.copy(), one_curve.values.copy()) for tag, one_curve in one.run.curves.items()}
    examine(one.facts)
    for tag, (steps, values) in before.items():
        np.testing.assert_array_equal(one.run.curves[tag].steps, steps)
        np.testing.assert_array_equal(one.run.curves[tag].values, values)


def alarms(one: Case, run: Run) -> list[tuple[str, Severity]]:
    """Codes and severities of what is reported at warning or above, in order, where another run was logged."""
    return alarms_in(examine(dataclasses.replace(one.facts, run=run)))


def alarms_in(diagnosis: Diagnosis) -> list[tuple[str, Severity]]:
    return [(f.code, f.severity) for f in diagnosis.findings if f.severity is not Severity.INFO]


def mapped(one: Run, change: object, roles: tuple[Role, ...] = (Role.TRAIN_LOSS, Role.VAL_LOSS)) -> Run:
    """The run with its losses changed by a function of a curve."""
    assert callable(change)
    curves = {tag: change(c) if c.role in roles else c for tag, c in one.curves.items()}
    return dataclasses.replace(one, curves=curves)


# Only the loss-target tables know absolute losses, by family.
SCALE_FREE = [one for one in ALL if one.run.family is None]


@pytest.mark.parametrize("factor", [1000.0, 0.001])
@pytest.mark.parametrize("one", SCALE_FREE, ids=lambda one: one.title)
def test_the_unit_of_the_loss_changes_nothing(one: Case, factor: float) -> None:
    """Nats, bits, sums or means: the verdict is the same."""
    scaled = mapped(one.run, lambda c: dataclasses.replace(c, values=factor * c.values))
    assert alarms(one, scaled) == alarms_in(one.diagnosis)


@each_case
def test_the_order_of_the_tags_changes_nothing(one: Case) -> None:
    backwards = dataclasses.replace(one.run, curves=dict(list(one.run.curves.items())[::-1]))
    assert alarms(one, backwards) == alarms_in(one.diagnosis)


# What a single point shows, or every fourth, is gone when every second point is.
SINGLE_POINTS = {"NUM001", "GRD001", "GRD004"}
THINNED = [
    one
    for one in ALL
    if len(one.run.curve(Role.TRAIN_LOSS) or ()) >= 200 and not one.expect & SINGLE_POINTS and "single" not in one.title
]


@pytest.mark.parametrize("one", THINNED, ids=lambda one: one.title)
def test_every_second_point_gives_the_same_verdict(one: Case) -> None:
    """A log that is half as dense shows the same faults."""

    def thin(c: Curve) -> Curve:
        return c.where(np.arange(len(c)) % 2 == 1)

    thinned = mapped(one.run, thin, tuple(role for role in Role if role is not Role.VAL_LOSS))
    assert {code for code, _ in alarms(one, thinned)} == {code for code, _ in alarms_in(one.diagnosis)}


@each_case
def test_a_longer_look_at_a_healthy_run_takes_no_error_back(one: Case) -> None:
    """What is reported as an error at 60, 80 and 90 % of a healthy run would have stopped it for nothing."""
    if one.expect:
        return
    clock = one.run.shown
    assert clock is not None
    for share in (0.6, 0.8, 0.9):
        prefix = one.run.until(int(clock.steps[int(share * (len(clock) - 1))])) if len(clock) else one.run
        assert [code for code, severity in alarms(one, prefix) if severity is Severity.ERROR] == []


def test_the_benchmark_tunes_thresholds_of_the_checks_that_stand_for_a_label() -> None:
    tunable_ones = list(tunable())
    doubled = {check.name: check.thresholds() | vars(check) for check in with_factors(dict.fromkeys(tunable_ones, 2.0))}
    assert tunable_ones
    assert all(
        doubled[check.name][name] == 2 * check.thresholds()[name]
        for check in every_check()
        for owner, name in tunable_ones
        if owner == check.name
    )
