"""The benchmark counts fairly: what it writes can be read back, and what it calls right is right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from benchmarks.diagnosis import (
    drafts,
    finetunes,
    forecasts,
    habits,
    one,
    operations,
    ours,
    planted,
    report,
    unfamiliar,
)
from benchmarks.diagnosis.cases import Case, synthetic_cases
from benchmarks.diagnosis.files import FORMATS, plain_names, write, write_table
from benchmarks.diagnosis.judged import (
    SILENT,
    Answer,
    Judged,
    beside_planted,
    by_class,
    by_finding,
    by_kind,
    by_planted,
    from_report,
)
from benchmarks.diagnosis.measured import measured
from benchmarks.diagnosis.networks import Network, loss_of, task
from benchmarks.diagnosis.rivals import PeerAnswer
from benchmarks.diagnosis.trainings import Recipe, train, trained_case
from diagnose.checks import every_check
from diagnose.checks.base import About
from diagnose.readers import read
from diagnose.report.explain import topics
from diagnose.run import Role
from diagnose.testing.synthetic import Fault, sample


def a_case(fault: Fault = Fault.SPIKE, accepted: tuple[str, ...] = ("loss-spike",)) -> Case:
    return Case("case", "synthetic", fault, "kind", 0, sample(fault, 0).run, frozenset(accepted))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("fault", [Fault.OVERFITTING, Fault.NAN])
def test_what_is_written_is_read_back(form: str, fault: Fault, tmp_path: Path) -> None:
    run = sample(fault, 4, points=50).run
    back = read(write(run, tmp_path / "run", form))
    for role in (Role.TRAIN_LOSS, Role.VAL_LOSS, Role.LEARNING_RATE):
        written, found = run.curve(role), back.curve(role)
        assert (written is None) == (found is None)
        if written is not None and found is not None:
            np.testing.assert_allclose(found.values, written.values, rtol=1e-5)


@pytest.mark.parametrize("form", FORMATS)
def test_a_gan_is_judged_by_its_mel_loss(form: str, tmp_path: Path) -> None:
    run = sample(Fault.HEALTHY, 4, "adversarial", points=80).run
    mel, back = run.curve(Role.TRAIN_LOSS), read(write(run, tmp_path / "run", form)).curve(Role.TRAIN_LOSS)
    assert mel is not None
    assert back is not None
    np.testing.assert_allclose(back.values, mel.values, rtol=1e-5)


def test_the_plain_table_names_the_loss_as_every_tool_does(tmp_path: Path) -> None:
    run = sample(Fault.OVERFITTING, 4, points=50).run
    write_table(run, tmp_path / "plain.csv", plain_names(run), dated=False)
    assert {"loss", "eval_loss"} < set((tmp_path / "plain.csv").read_text().splitlines()[0].split(","))


def test_the_first_finding_counts_with_its_consequences() -> None:
    alarm = {"severity": "error", "confidence": "high", "explained_by": None}
    findings = [
        {**alarm, "name": "missing-validation", "severity": "info"},
        {**alarm, "name": "learning-rate-too-high"},
        {**alarm, "name": "divergence", "explained_by": "learning-rate-too-high"},
        {**alarm, "name": "plateau"},
    ]
    answer = from_report({"verdict": "unhealthy", "findings": findings})
    assert answer.first == {"learning-rate-too-high", "divergence"}
    assert answer.named == {"learning-rate-too-high", "divergence", "plateau"}


def test_a_healthy_run_is_right_in_silence_only() -> None:
    healthy = a_case(Fault.HEALTHY, ())
    assert Judged(healthy, SILENT).right
    assert not Judged(healthy, Answer(frozenset({"plateau"}), frozenset({"plateau"}))).right


def test_no_verdict_is_right_only_where_none_can_be_given() -> None:
    unsure = from_report({"verdict": "inconclusive", "findings": []})
    healthy = a_case(Fault.HEALTHY, ())
    assert not Judged(healthy, unsure).right
    assert Judged(replace(healthy, judgeable=False), unsure).right


def test_a_run_that_was_not_read_is_never_right() -> None:
    assert not Judged(a_case(Fault.HEALTHY, ()), ours.UNREAD).right
    assert not Judged(a_case(), ours.UNREAD).right


def test_a_fault_named_second_is_named_but_not_right() -> None:
    judged = Judged(a_case(), Answer(frozenset({"plateau"}), frozenset({"plateau", "loss-spike"})))
    assert (judged.right, judged.named) == (False, True)
    assert by_class([judged])[1][1:3] == ["0.0 % of 1", "100.0 % of 1"]


def test_each_finding_is_counted_on_the_runs_that_it_fits() -> None:
    spike, other = a_case(), a_case(Fault.PLATEAU, ("plateau",))
    answer = Answer(frozenset({"loss-spike"}), frozenset({"loss-spike"}))
    rows = by_finding([Judged(spike, answer), Judged(other, answer)])
    assert rows[0] == ["loss-spike", "100.0 % of 1", "100.0 % of 1", "-"]
    assert rows[1] == ["plateau", "0.0 % of 1", "0.0 % of 1", "-"]


def test_a_peer_is_read_leniently() -> None:
    answer = PeerAnswer(a_case(), "trainspotter", ("spikes:Loss spike",), 0.1, None)
    assert answer.right
    assert not PeerAnswer(a_case(), "trainspotter", (), 0.1, None).right


def test_ttsdoc_answers_on_every_run_that_is_written(tmp_path: Path) -> None:
    cases = list(synthetic_cases(range(3)))
    ours.write_all(cases, tmp_path)
    answers, _ = ours.ask(cases, tmp_path)
    assert [answers[case.name].problem for case in cases] == [None, None, None]


def test_the_gradient_of_the_network_is_right() -> None:
    rng = np.random.default_rng(0)
    here = task("clusters", rng, noise=0.1)
    network = Network([20, 8, 10], rng)
    inputs, targets = here.draw(rng, 16)
    values = network.outputs(inputs)
    gradient = network.gradient(values, loss_of(values[-1], targets, classes=True)[1])
    for place in (3, 100, -1):
        losses = []
        for change in (1e-2, -2e-2):
            network.parameters[place] += change
            losses.append(loss_of(network.outputs(inputs)[-1], targets, classes=True)[0])
        network.parameters[place] += 1e-2
        assert gradient[place] == pytest.approx((losses[0] - losses[1]) / 2e-2, abs=2e-3)


def test_a_training_learns_and_is_the_same_again() -> None:
    recipe = Recipe(task("regression", np.random.default_rng(0), noise=0.1), steps=120)
    first, second = (train(recipe, 1).curves["train/loss"].values for _ in range(2))
    assert first[-20:].mean() < 0.5 * first[:5].mean()
    np.testing.assert_array_equal(first, second)


def test_a_fault_leaves_its_mark_on_a_training() -> None:
    case = trained_case(Fault.NAN, 3)
    assert case is not None
    assert np.isnan(case.run.curves["train/loss"].values).any()
    assert (case.group, case.fault, case.accepted) == ("trained", Fault.NAN, frozenset({"non-finite-loss"}))


def test_a_question_hides_what_came() -> None:
    run = sample(Fault.HEALTHY, 0, "steady", points=200).run
    asked = forecasts.question(run, 0)
    assert asked is not None
    hidden = asked.run.curve(Role.TRAIN_LOSS)
    assert hidden is not None
    assert len(hidden) <= 160
    assert asked.horizon > hidden.steps[-1]


def test_a_plain_power_law_continues_a_power_law() -> None:
    steps = np.arange(1, 101)
    curve = sample(Fault.HEALTHY, 0, "steady", points=100).run.curves["train/loss"]
    law = type(curve)("loss", steps, np.asarray(1 + steps.astype(np.float64) ** -0.5))
    assert forecasts.power_law(law, 400) == pytest.approx(1.05, abs=0.02)


@pytest.mark.parametrize("group", one.SETS)
def test_every_kind_gives_the_same_run_again_and_a_name_of_its_own(group: str) -> None:
    first, second = (list(drafts.cases(group, one.SETS[group], range(3))) for _ in range(2))
    assert len({case.name for case in first}) == len(first) == 3 * len(one.SETS[group])
    for case, again in zip(first, second, strict=True):
        assert case.run.curves.keys() == again.run.curves.keys()
        for tag, curve in case.run.curves.items():
            np.testing.assert_array_equal(curve.values, again.run.curves[tag].values)


def test_a_further_kind_changes_no_run_of_the_others() -> None:
    alone, *_ = drafts.cases("habits", habits.KINDS[3:4], [7])
    among = next(case for case in drafts.cases("habits", habits.KINDS, [7]) if case.kind == alone.kind)
    np.testing.assert_array_equal(alone.run.curves["train/loss"].values, among.run.curves["train/loss"].values)


@pytest.mark.parametrize("group", one.SETS)
def test_healthy_kinds_have_no_accepted_finding_and_faulty_ones_have(group: str) -> None:
    for kind in one.SETS[group]:
        assert bool(kind.accepted) == (kind.fault is not Fault.HEALTHY)


def test_only_a_nan_run_holds_what_is_not_finite() -> None:
    for case in drafts.cases("unfamiliar", unfamiliar.KINDS, range(5)):
        values = case.run.curves["train/loss"].values
        assert np.isfinite(values).all() == (case.fault is not Fault.NAN), case.name


def test_a_fine_tune_falls_at_once_and_a_restart_is_made_good() -> None:
    for case in drafts.cases("fine-tunes", finetunes.KINDS[:2], range(5)):
        thirds = np.array_split(case.run.curves["train/loss"].values, 3)
        assert np.mean(thirds[2]) > 0.85 * np.mean(thirds[1])


def test_every_check_of_runs_is_measured_by_a_class_or_by_a_plant() -> None:
    named = set().union(*(sample(fault, 0).accepted for fault in Fault if fault is not Fault.HEALTHY))
    assert {check.name for check in every_check() if check.about is About.RUN} <= named | planted.TWIN_OF.keys()


def test_a_check_that_judges_no_run_says_so_instead_of_figures() -> None:
    others = [check.code for check in every_check() if check.about is not About.RUN]
    pages = [topic.text for topic in topics() if topic.code in others]
    assert len(pages) == len(others) > 0
    assert all("It judges no run" in page and "Not measured yet" not in page for page in pages)


def test_each_planted_fault_of_machine_or_process_is_found_and_its_twin_has_none(tmp_path: Path) -> None:
    pairs = [[drafts.Kind(make) for make in pair] for pair in operations.PAIRS]
    cases = list(drafts.cases("planted", [kind for pair in pairs for kind in pair], [3]))
    ours.write_all(cases, tmp_path)
    answers, _ = ours.ask(cases, tmp_path)
    told = {case.kind: answers[case.name].told for case in cases}
    assert [faulty.name for faulty, _ in pairs if faulty.name not in told[faulty.name]] == []
    assert [faulty.name for faulty, sound in pairs if faulty.name in told[sound.name]] == []


def test_what_is_beside_a_log_is_found(tmp_path: Path) -> None:
    (faulty,) = drafts.cases("planted", [kind for kind in planted.KINDS if kind.name == "small-dataset"], [0])
    ours.write_all([faulty], tmp_path)
    answers, _ = ours.ask([faulty], tmp_path)
    assert "small-dataset" in answers[faulty.name].told


def test_sounds_are_read_back_from_event_files(tmp_path: Path) -> None:
    (faulty,) = drafts.cases("planted", [kind for kind in planted.KINDS if kind.name == "noise-audio"], [0])
    back = read(write(faulty.run, tmp_path / "run", "events"))
    assert [sound.load() for sound in back.attachments] == [sound.load() for sound in faulty.run.attachments]


def test_a_plant_is_counted_on_its_runs_and_on_its_twins() -> None:
    faulty = replace(a_case(), kind="noise-audio", accepted=frozenset({"noise-audio"}), fault=None)
    other, twin = replace(faulty, kind="stalled-run"), replace(faulty, kind="speech-audio", fault=Fault.HEALTHY)
    told = Answer(frozenset(), frozenset(), told=frozenset({"noise-audio"}))
    judged = [Judged(faulty, told), Judged(other, SILENT), Judged(twin, SILENT)]
    twins = {"noise-audio": "speech-audio"}
    assert by_planted(judged, twins) == [["noise-audio", "100.0 % of 1", "0.0 % of 1", "0.0 % of 1"]]
    assert beside_planted(judged, twins) == [["noise-audio", "0.0 % of 1", "-", "-"]]


def test_kinds_are_distinguished_by_what_is_logged() -> None:
    healthy = replace(a_case(Fault.HEALTHY, ()), kind="standing")
    rows = by_kind([Judged(healthy, Answer(frozenset({"plateau"}), frozenset({"plateau"}))), Judged(healthy, SILENT)])
    assert rows[0][:4] == ["standing", "healthy", "50.0 % of 2", "50.0 % of 2"]
    assert rows[0][-1] == "plateau (1)"
    assert rows[-1][0] == "**all healthy**"


def test_figures_of_every_set_are_taken_from_the_document() -> None:
    table = report.table(report.HEAD, [["noise-audio", "100.0 % of 6", "0.0 % of 84", "0.0 % of 6"]])
    figures = yaml.safe_load(measured(f"## {report.TITLES['planted']}\n\n{table}"))
    shares = {"fits": "100.0 % of 6", "other": "0.0 % of 84", "healthy": "0.0 % of 6"}
    assert figures == {"noise-audio": {"planted": shares}}


def test_figures_on_real_runs_are_those_of_the_known_sets() -> None:
    head = "| finding | high | medium | low |\n| --- | --- | --- | --- |\n"
    known = f"{head}| plateau | 8 of 8 | 9 of 9 | - |\n| all | 26 of 26 | 49 of 52 | - |\n"
    real = f"{known}\nBlind:\n\n{head}| all | 1 of 1 | - | - |"
    assert yaml.safe_load(measured("", real)) == {
        "plateau": {"real": {"high": "8 of 8", "medium": "9 of 9", "low": "-"}}
    }


def test_every_page_of_a_run_check_states_its_figures_on_real_runs_or_that_there_are_none() -> None:
    runs = {check.code for check in every_check() if check.about is About.RUN}
    pages = {topic.code: topic.text for topic in topics() if topic.code in runs}
    assert [code for code, page in pages.items() if "- Real runs" not in page] == []
    assert "the labels accept" in pages["FIT001"]
