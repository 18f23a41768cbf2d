"""The parts of the loop: placeholders, noise, the child that is asked once, the record that is read again."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.cli.heal import summary
from diagnose.config import read_config
from diagnose.engine import examine
from diagnose.errors import LogError, TrainerError
from diagnose.facts import Checkpoint, Facts, Hints
from diagnose.finding import Confidence, Finding, Severity
from diagnose.interrupt import Asked
from diagnose.live.child import start
from diagnose.live.command import filled, parameters_in
from diagnose.live.history import memorises
from diagnose.live.order import Order
from diagnose.live.places import Places
from diagnose.live.record import Attempt, Change, Record, Seen, read_record
from diagnose.live.stops import alarms, last_good, with_fault, worth_a_stop
from diagnose.live.supervise import _Healing, heal
from diagnose.live.trainings import Trainings
from diagnose.live.trials import RateTrials, Tried
from diagnose.live.verdict import Noise, compare, estimated, score
from diagnose.plan import AppliedEdit, Plan
from diagnose.remedies import speed_up
from diagnose.run import Axis, Curve, Role, Run


def run(val: list[float], train: list[float] | None = None, **settings: object) -> Facts:
    """Evaluations every 10 steps, training points every step."""
    steps = np.arange(1, len(val) + 1) * 10
    loss = np.repeat(val, 10) if train is None else np.array(train)
    curves = {
        "loss": Curve("loss", np.arange(1, len(loss) + 1), loss, role=Role.TRAIN_LOSS),
        "val": Curve("val", steps, np.array(val), role=Role.VAL_LOSS),
    }
    return Facts(Run("r", "", "test", curves), settings=settings)


def test_what_asks_for_a_checkpoint_is_left_out_where_there_is_none() -> None:
    command = ["python", "t.py", "--config={config}", "--resume", "{resume}", "--out", "{log_dir}"]
    assert filled(command, Path("c.yaml"), Path("l"), None) == ("python", "t.py", "--config=c.yaml", "--out", "l")
    assert filled(command, Path("c.yaml"), Path("l"), "x.pt")[3:5] == ("--resume", "x.pt")
    assert filled(["t", "{config}", "--resume={resume}"], Path("c"), Path("l"), None) == ("t", "c")


def test_a_command_that_never_sees_the_config_is_refused() -> None:
    with pytest.raises(TrainerError, match=r"no \{config\}"):
        filled(["python", "train.py"], Path("c"), Path("l"), None)
    with pytest.raises(TrainerError, match=r"no \{config\}"):
        filled(["python", "train.py", "--out", "{log_dir}"], Path("c"), Path("l"), None)


def test_a_key_of_the_config_in_braces_becomes_its_value(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("train: {lr: 2.0e-4, amp: on}\nbatch-size: 16\n")
    command = ["t", "--lr={train.lr}", "-b", "{batch-size}", "--name", "{run}_{epoch:02d}", "--amp", "{train.amp}"]
    found = filled(command, config, Path("l"), None)
    assert found == ("t", "--lr=0.0002", "-b", "16", "--name", "{run}_{epoch:02d}", "--amp", "True")
    assert parameters_in(command, read_config(config)) == frozenset({"learning_rate", "batch_size", "mixed_precision"})
    assert parameters_in([*command, "{config}"], read_config(config)) is None


@given(st.text(min_size=1, max_size=20).filter(lambda text: "\0" not in text))
def test_no_word_of_the_command_is_split_or_interpreted(word: str) -> None:
    plain = word.replace("{", "").replace("}", "")
    assert filled(["t", plain, "{config}"], Path("a b;c"), Path("l"), None) == ("t", plain, "a b;c")


def test_a_place_with_far_more_points_counts_before_a_surer_one(tmp_path: Path) -> None:
    """Some trainers write events once per evaluation, and print every tenth step."""
    surer, console = tmp_path / "metrics.jsonl", tmp_path / "console.log"
    surer.write_text("".join(f'{{"step": {step}, "loss": {9 - step / 100}}}\n' for step in (100, 200, 300)))
    console.write_text("".join(f"step {step} | loss {9 - step / 100:.4f}\n" for step in range(0, 300, 10)))
    places = Places([surer, console], Hints())
    found = places.look()
    assert found is not None
    assert found.run.source == str(console)
    assert places.look() is None
    surer.write_text("".join(f'{{"step": {step}, "loss": {9 - step / 100}}}\n' for step in range(0, 300, 10)))
    found = Places([surer, console], Hints()).look()
    assert found is not None
    assert found.run.source == str(surer)


@pytest.mark.parametrize("how", ["overwritten", "appended", "another file"])
def test_what_lay_in_the_place_before_the_run_is_not_judged_as_its_log(how: str, tmp_path: Path) -> None:
    """Neither before the trainer writes anything nor when it has written no more than that it starts."""
    log = tmp_path / "train.log"
    log.write_text("".join(f"step {step} loss {step:.1f}\n" for step in range(1, 6)), encoding="utf-8")
    places = Places([tmp_path], Hints())
    places.pass_over()
    assert places.look() is None
    if how == "appended":
        with log.open("a", encoding="utf-8") as file:
            file.write("starting, 8 workers\n")
        assert places.look() is None
    path = tmp_path / "later.log" if how == "another file" else log
    with path.open("a" if how == "appended" else "w", encoding="utf-8") as file:
        file.write("".join(f"step {step} loss {5 - step / 10:.1f}\n" for step in range(1, 6)))
    found = places.look()
    assert found is not None
    loss = found.run.curve(Role.TRAIN_LOSS)
    assert loss is not None
    assert loss.values.tolist() == [4.9, 4.8, 4.7, 4.6, 4.5]


def test_what_a_run_was_stopped_for_is_not_lost_when_its_last_points_no_longer_show_it() -> None:
    healthy = examine(run([5.0, 4.0, 3.5, 3.3]))
    fault = Finding("FIT001", "plateau", Severity.WARNING, Confidence.MEDIUM, "train_loss", "it is flat")
    assert alarms(with_fault(healthy, fault)) - alarms(healthy) == {"plateau"}
    assert with_fault(with_fault(healthy, fault), fault).findings.count(fault) == 1
    assert with_fault(healthy, None) is healthy


def test_better_by_less_than_noise_is_not_better() -> None:
    before = run([5.0, 4.0, 3.5, 3.30, 3.32, 3.31])
    after = run([5.0, 4.0, 3.5, 3.27, 3.29, 3.28])
    assert not compare(before, after).improved
    assert "the same within noise" in compare(before, after).sentence
    assert compare(before, after, noise=Noise(0.01, "measured")).improved
    assert compare(before, run([5.0, 4.0, 3.0, 2.5, 2.4, 2.4])).improved


def test_runs_are_compared_at_equal_samples() -> None:
    """The second is better only because it went on for longer."""
    before, after = run([5.0, 4.0, 3.5, 3.4], batch_size=16), run([5.0, 4.0, 3.5, 3.4, 2.5, 2.0], batch_size=16)
    assert not compare(before, after).improved
    halved = run([5.0, 4.0, 3.5, 3.4, 2.5, 2.0], batch_size=8)  # as many samples in twice the steps
    assert compare(before, halved).improved


def test_a_loss_that_was_never_finite_is_beaten_by_any() -> None:
    assert compare(run([np.nan, np.nan]), run([3.0, 2.0])).improved


def test_a_cure_of_a_run_that_died_before_its_first_validation_is_compared_on_the_training_loss() -> None:
    """NaN after three points, or thrown up: neither has a validation loss that the cure could be better than."""
    cure = run([3.0, 2.0, 1.0, 0.9, 0.8, 0.7])
    for lost in ([9.0, float("nan"), float("nan")], [9.0, 5.0, 400.0]):
        loss = Curve("loss", np.arange(1, 4) * 5, np.array(lost), role=Role.TRAIN_LOSS)
        found = compare(Facts(Run("r", "", "test", {"loss": loss})), cure, stopped=True)
        assert found.improved
        assert found.sentence.startswith("best train_loss ")
    validated = Facts(Run("r", "", "test", {"val": run([9.0, 8.0]).run.curves["val"]}))
    trained = Facts(Run("r", "", "test", {"loss": cure.run.curves["loss"]}))
    assert not compare(validated, trained).improved


def test_without_validation_the_smoothed_training_loss_is_compared_and_said() -> None:
    loss = Curve("loss", np.arange(40), np.linspace(5, 3, 40), role=Role.TRAIN_LOSS)
    found = score(Facts(Run("r", "", "test", {"loss": loss})))
    assert found is not None
    assert found.metric == "train_loss"


def test_a_run_that_swings_cannot_hide_in_its_own_swings_that_another_is_better() -> None:
    """Its best evaluation is a lucky one; what the other gained by luck shows in the scatter of the other."""
    calm, swinging = [4.0, 3.6, 3.4, 3.2, 3.1, 3.05, 3.0, 2.98], [4.0, 9.0, 5.0, 8.0, 4.2, 7.0, 3.6, 3.5]
    assert compare(run(swinging), run(calm)).improved
    assert not compare(run([3.8] * 8), run(swinging)).improved


def test_noise_grows_with_the_scatter_of_the_evaluations() -> None:
    draw = np.random.default_rng(0)
    quiet, loud = (run(list(3 + level * draw.normal(size=40))) for level in (0.01, 0.3))
    assert estimated(loud).value > 5 * estimated(quiet).value


def test_the_noise_of_a_run_in_epochs_is_estimated_too() -> None:
    val = Curve("val", np.arange(8), np.linspace(3, 2, 8), role=Role.VAL_LOSS, axis=Axis.EPOCH)
    assert estimated(Facts(Run("r", "", "test", {"val": val}))).value == pytest.approx(0.04)


def test_a_collapse_is_no_memorisation() -> None:
    assert not memorises(run([8.0, 9.0, 10.0, 10.0, 10.0]))
    assert memorises(run([8.0, 5.0, 4.0, 4.5, 5.0], train=list(np.linspace(9, 1, 50))))


CHILD = """
import signal, sys, time
asked = []
def note(number, frame):
    asked.append(number)
signal.signal(signal.SIGINT, note)
print("ready", flush=True)
while not asked:
    time.sleep(0.01)
time.sleep(0.3)
print("asked", len(asked), flush=True)
"""


def wait_for(console: Path, text: str) -> None:
    while text not in console.read_text("utf-8"):
        time.sleep(0.01)


def test_a_child_is_asked_once_and_given_time(tmp_path: Path) -> None:
    child = start([sys.executable, "-c", CHILD], tmp_path / "console.log")
    wait_for(tmp_path / "console.log", "ready")
    child.stop(signal.SIGINT)
    assert not child.running
    assert child.process.returncode == 0
    assert child.last_lines() == ["ready", "asked 1"]


def test_the_last_lines_of_a_child_that_dies_are_its_traceback(tmp_path: Path) -> None:
    child = start([sys.executable, "-c", "raise RuntimeError('CUDA out of memory')"], tmp_path / "console.log")
    child.wait(60)
    assert child.process.returncode == 1
    assert child.last_lines()[-1] == "RuntimeError: CUDA out of memory"


def test_a_program_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TrainerError, match="no-such-program: cannot be started"):
        start(["no-such-program"], tmp_path / "console.log")


def test_a_record_comes_back_from_its_file(tmp_path: Path) -> None:
    edit = Change("learning_rate", "training.lr", 0.1, 0.025, "a quarter")
    seen = Seen("OPT001", "learning-rate-too-high", "error", 20, 24, "too high")
    first = Attempt(1, "c.yaml", "logs", ("t", "c.yaml"), findings=(seen,), best_val_loss=float("nan"))
    record = Record("c.yaml", ("t", "{config}"), (first, Attempt(2, "d.yaml", "l", ("t", "d.yaml"), (edit,))))
    record.write(tmp_path / "heal.json")
    back = read_record(tmp_path / "heal.json")
    assert back.attempts[1] == record.attempts[1]
    assert back.attempts[0].best_val_loss is None
    assert (back.verdict, back.chosen) == ("unfinished", None)


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    Record("c.yaml", ("t", "{config}"), (Attempt(1, "c", "l", ("t",)),)).write(tmp_path / "heal.json")
    text = (tmp_path / "heal.json").read_text("utf-8").replace('"number": 1', '"number": 1, "colour": "red"')
    (tmp_path / "heal.json").write_text(text, encoding="utf-8")
    assert read_record(tmp_path / "heal.json").attempts[0].number == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"attempts": [{}]}', '{"config": 1}'])
def test_a_damaged_record_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "heal.json").write_text(text, encoding="utf-8")
    with pytest.raises(LogError, match="not the record of a healing"):
        read_record(tmp_path / "heal.json")


def test_without_instability_there_is_nothing_to_go_back_to() -> None:
    from diagnose.engine import examine

    assert last_good(examine(run([5.0, 4.0, 3.5, 3.4]))) is None


def test_a_state_from_the_update_of_a_huge_gradient_is_not_gone_on_from() -> None:
    """The point of step 40 shows a gradient of step 31 to 40: a state of step 35 may have it in its optimiser."""
    facts = run([5.0, 4.0, 3.5, 3.4])
    states = tuple(Checkpoint(step, f"step-{step}.pt") for step in (20, 35, 40))
    every_tenth = facts.run.curves["loss"].where(facts.run.curves["loss"].steps % 10 == 0)
    curves = {**facts.run.curves, "loss": every_tenth}
    facts = replace(facts, run=replace(facts.run, curves=curves), checkpoints=states)
    huge = Finding("GRD001", "exploding-gradients", Severity.WARNING, Confidence.MEDIUM, "grad_norm", "", first_step=40)
    assert last_good(with_fault(examine(facts), huge)) == "step-20.pt"


@pytest.mark.parametrize(("rate", "stopped"), [(2e-4, True), (20.0, False)])
def test_a_slow_run_is_stopped_only_for_a_cure_that_is_safe(rate: float, stopped: bool) -> None:
    """At a rate that only plain gradients bear, ten times as much is a trial, for after the run."""
    facts = run(list(np.linspace(7.0, 6.3, 10)), learning_rate=rate, max_steps=200)
    kind = ("OPT002", "learning-rate-too-low", Severity.WARNING, Confidence.MEDIUM, "train_loss", "it creeps")
    slow = Finding(*kind, first_step=1, prescriptions=speed_up(facts, 0.1))
    assert worth_a_stop(examine(facts), slow) is stopped


def test_swings_that_are_found_for_the_first_time_stop_no_run_however_far_they_reach_back() -> None:
    steps = np.arange(120)
    swings = 1.5 * np.maximum(0, np.sin(2 * np.pi * steps / 12)) * (steps > 8)
    noise = 0.05 * np.random.default_rng(0).normal(size=120)
    facts = run([5.0, 4.5] * 6, train=list(2.5 + 1.5 * np.exp(-steps / 15) + swings + noise), max_steps=150)
    said = [examine(facts.until(until)) for until in range(30, 121, 3)]
    named = [(each, one) for each in said for one in each.findings if one.name == "oscillation"]
    assert all(one.first_step == 1 and one.severity is Severity.WARNING for _, one in named)
    stops = [worth_a_stop(each, one) for each, one in named]
    assert (stops[0], stops[-1]) == (False, True)


def test_a_lower_rate_is_halved_with_the_floor_that_belongs_to_it(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("training:\n  learning_rate: 0.02\n  min_lr: 0.002\n  max_steps: 100\n", encoding="utf-8")
    runs = Trainings(Order(config, ("t", "{config}"), tmp_path), lambda _: None, Asked())
    runs.record = Record(str(config), ("t", "{config}"))
    runs.keep(first := runs.attempt(1, config, (), None))
    found = runs.at_rate(first, 0.01, "half", None)
    assert found is not None
    assert [(edit.path, edit.was, edit.now) for edit in found.edits] == [
        ("training.learning_rate", 0.02, 0.01),
        ("training.min_lr", 0.002, 0.001),
    ]


def test_a_lower_rate_that_trials_chose_is_not_halved(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("training:\n  learning_rate: 0.02\n", encoding="utf-8")
    runs = Trainings(Order(config, ("t", "{config}"), tmp_path), lambda _: None, Asked())
    runs.record = Record(str(config), ("t", "{config}"))
    lower = Change("learning_rate", "training.learning_rate", 0.02, 0.002, "a trial")
    runs.keep(chosen := runs.attempt(1, config, (lower,), None))
    halved = [_Healing(runs)._halved(replace(chosen, accepted=kept)) for kept in (None, True, False)]
    assert [one is None for one in halved] == [True, True, False]


@pytest.mark.parametrize("sure", [True, False])
def test_a_lead_that_is_not_sure_ends_no_run(sure: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are trained to their ends then."""
    config = tmp_path / "c.yaml"
    config.write_text("training:\n  learning_rate: 0.02\n", encoding="utf-8")
    runs = Trainings(Order(config, ("t", "{config}"), tmp_path), lambda _: None, Asked())
    runs.record = Record(str(config), ("t", "{config}"))
    runs.keep(own := replace(runs.attempt(1, config, (), None), trial=True))
    higher = replace(runs.attempt(2, tmp_path / "other.yaml", (), None), trial=True)
    best = Tried(higher, run([3.0, 2.0]), "9 % ahead", sure)
    monkeypatch.setattr(RateTrials, "run", lambda self: best)
    loop = _Healing(runs)
    first = loop._at_the_best_rate(own, examine(run([3.0, 2.5])))
    second = loop._still_unsure()
    assert [None if one is None else one.config for one in (first, second)] == (
        [str(tmp_path / "other.yaml"), None] if sure else [str(config), str(tmp_path / "other.yaml")]
    )


@pytest.mark.parametrize(("also", "trained"), [({}, False), ({"learning_rate": 0.002}, True)])
def test_what_only_ends_a_run_sooner_is_advised_and_not_trained(
    also: dict[str, float], trained: bool, tmp_path: Path
) -> None:
    config, said = tmp_path / "c.yaml", list[str]()
    config.write_text("training:\n  learning_rate: 0.02\n  max_steps: 100\n", encoding="utf-8")
    runs = Trainings(Order(config, ("t", "{config}"), tmp_path), said.append, Asked())
    runs.record = Record(str(config), ("t", "{config}"))
    runs.keep(first := runs.attempt(1, config, (), None))
    values = {"max_steps": 40, **also}
    edits = tuple(AppliedEdit(name, f"training.{name}", 1, 100, now, "", "why", ()) for name, now in values.items())
    diagnosis = examine(run([3.0, 2.5]))
    made = Plan(str(config), config.read_text("utf-8"), read_config(config).rewrite(values).text, edits, (), diagnosis)
    found = _Healing(runs)._following(first, diagnosis, made)
    assert (found is not None) is trained
    assert any(line.startswith("advised") for line in said) is not trained


def test_a_trial_ends_at_its_step_wherever_the_last_evaluation_of_the_first_run_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, first = tmp_path / "c.yaml", run([5.0, 4.0, 3.5]).until(34)
    config.write_text("training:\n  learning_rate: 0.02\n  max_steps: 340\n", encoding="utf-8")
    runs = Trainings(Order(config, ("t", "{config}"), tmp_path), lambda _: None, Asked())
    runs.record = Record(str(config), ("t", "{config}"))
    runs.keep(own := replace(runs.attempt(1, config, (), None), trial=True))
    seen: list[bool] = []

    def trained(attempt: Attempt, enough: Callable[[Facts], bool]) -> tuple[Attempt, None]:
        seen.extend(enough(run([5.0] * 40).until(step)) for step in (33, 34))
        return attempt, None

    monkeypatch.setattr(runs, "trained", trained)
    RateTrials(runs, own, first)._trial(0.2, 34.0)
    assert seen == [False, True]


def test_the_summary_of_what_was_not_cured_says_of_what() -> None:
    fault = Seen("FIT002", "overfitting", "warning", 10, None, "it memorises")
    ended = Attempt(1, "c.yaml", "logs", ("train",), findings=(fault,), status=0)
    said = {
        verdict: summary(Record("c.yaml", ("train",), (one,), verdict), Path("out"))
        for verdict, one in (("not cured", ended), ("healthy", replace(ended, findings=())))
    }
    assert "no loss, found: overfitting" in said["not cured"]
    assert "found" not in said["healthy"]


def test_a_trainer_whose_log_is_nowhere_to_be_seen_is_reported_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diagnose.live.trainings.UNSEEN", 0.3)
    config, said = tmp_path / "c.yaml", list[str]()
    config.write_text("learning_rate: 0.1\n", encoding="utf-8")
    command = (sys.executable, "-c", "import time; time.sleep(1.5)", "{config}")
    record = heal(Order(config, command, tmp_path / "out", interval=0.1, echo=False), said.append)
    assert record.verdict == "failed"
    assert [text for text in said if "if the trainer logs elsewhere" in text] == [said[1]]
