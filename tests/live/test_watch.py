"""A log that grows on disk, and what someone who watches it is shown."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from diagnose.errors import LogError
from diagnose.facts import Hints
from diagnose.finding import Severity
from diagnose.live.watch import End, Ended, Event, NewFinding, Progress, Watch, watch

CASES = Path(__file__).parent / "cases"


def growing(case: str, log: Path, *, at_a_time: int = 1) -> tuple[Callable[[float], None], Callable[[], bool]]:
    """(what appends the next lines to `log`, whether some are left)."""
    lines = (CASES / case / "metrics.jsonl").read_text("utf-8").splitlines(keepends=True)
    log.parent.mkdir(parents=True, exist_ok=True)

    def grow(_: float) -> None:
        with log.open("a", encoding="utf-8") as file:
            file.write("".join(lines[:at_a_time]))
        del lines[:at_a_time]

    return grow, lambda: bool(lines)


def events_of(case: str, folder: Path, *, at_a_time: int = 1, until: End = End.DONE) -> list[Event]:
    """Everything that is reported while the lines of a case come in one after another."""
    grow, left = growing(case, folder / "metrics.jsonl", at_a_time=at_a_time)
    hints = Hints(config=CASES / case / "config.yaml")
    return list(watch(folder, hints, interval=0.0, until=until, alive=left, wait=grow))


def found(events: list[Event]) -> dict[str, NewFinding]:
    return {event.finding.name: event for event in events if isinstance(event, NewFinding)}


@pytest.mark.parametrize(
    ("case", "name", "latest"),
    [("thrown-without-warmup", "learning-rate-too-high", 40), ("one-huge-gradient", "exploding-gradients", 90)],
)
def test_a_run_thrown_off_by_its_gradients_is_named_in_time(case: str, name: str, latest: int, tmp_path: Path) -> None:
    """At four times the rate from the first step: never below 10; one unclipped gradient of sixty times the usual."""
    assert found(events_of(case, tmp_path, at_a_time=2))[name].step <= latest


def test_a_divergence_is_reported_while_it_happens_once_and_with_its_step(tmp_path: Path) -> None:
    events = events_of("forgotten-divergence", tmp_path)
    errors = [event for event in events if isinstance(event, NewFinding) and event.finding.severity is Severity.ERROR]
    assert errors
    assert errors[0].step <= 60
    names = [event.finding.name for event in events if isinstance(event, NewFinding)]
    assert len(names) == len(set(names))
    assert errors[0].finding.confirmed == errors[0].step


@pytest.mark.parametrize("at_a_time", [1, 7, 40])
def test_how_often_one_looks_does_not_decide_what_is_sure(tmp_path: Path, at_a_time: int) -> None:
    """The last look sees the same log, however it was reached."""
    events = events_of("patience-beyond-the-end", tmp_path, at_a_time=at_a_time)
    assert "overfitting" in found(events)
    assert isinstance(events[-1], Ended)


def test_a_beginning_raises_no_alarm(tmp_path: Path) -> None:
    assert found(events_of("live-first-point", tmp_path)) == {}


def test_a_healthy_run_raises_no_alarm_at_any_of_its_points(tmp_path: Path) -> None:
    assert found(events_of("healthy", tmp_path)) == {}


def test_how_far_a_run_came_is_not_judged_while_it_goes_on(tmp_path: Path) -> None:
    """In a straight line up to half of the run: then its trainer lowers the rate. Epochs are those that run."""
    (tmp_path / "config.yaml").write_text("lr: 0.5\nepochs: 8\nbatch_size: 20\n", "utf-8")
    rows = []
    for number in range(48):
        epoch, batch = divmod(number, 6)
        loss = 7.1 - 0.05 * number if number < 26 else 5.5 - 0.01 * number
        rows.append(f"| epoch {epoch + 1:3d} | {10 * (batch + 1):5d}/   64 batches | lr 0.50 | loss {loss:5.2f} |\n")
    log, events, named = tmp_path / "train.log", [], set()

    def grow(_: float) -> None:
        with log.open("a", encoding="utf-8") as file:
            file.write(rows.pop(0))

    hints = Hints(config=tmp_path / "config.yaml")
    for event in watch(log, hints, interval=0.0, alive=lambda: bool(rows), wait=grow):
        events.append(event)
        if isinstance(event, Progress):
            named |= {finding.name for finding in event.diagnosis.findings if finding.alarming}
            assert event.planned in (None, 512)
    assert "slow-learning" in named
    assert "slow-learning" not in found(events)


def test_at_the_first_error_the_watch_ends_if_asked(tmp_path: Path) -> None:
    events = events_of("forgotten-divergence", tmp_path, until=End.ERROR)
    assert isinstance(events[-1], Ended)
    assert events[-1].end is End.ERROR
    assert max(event.step for event in events if isinstance(event, Progress)) <= 60


@pytest.mark.parametrize("slope", [0.05, 0.25, 4.0])
def test_what_becomes_an_error_is_said_again_and_what_it_explains_is_not(slope: float, tmp_path: Path) -> None:
    """Rising slowly, it is a warning at first: what `--on-error` is for would never be done."""
    losses = [3 * 0.8**n + 0.3 + 0.01 * (n % 3) for n in range(14)] + [0.4 + slope * n for n in range(1, 60)]
    rows = [f"epoch {n} loss {loss:.4f} lr 0.01\n" for n, loss in enumerate(losses, 1)]
    log = tmp_path / "train.log"

    def grow(_: float) -> None:
        with log.open("a", encoding="utf-8") as file:
            file.write(rows.pop(0))

    events = list(watch(log, interval=0.0, alive=lambda: bool(rows), wait=grow))
    said = [event.finding for event in events if isinstance(event, NewFinding)]
    assert [one.name for one in said if one.severity is Severity.ERROR] == ["learning-rate-too-high"]
    assert len({(one.name, one.severity) for one in said}) == len(said)


def test_where_another_run_begins_in_the_folder_the_screen_says_so(tmp_path: Path) -> None:
    lines = [f"epoch {n} loss {3 / n + 0.5:.4f}\n" for n in range(1, 31)]
    second = [f"epoch {n} loss {2 / n + 0.7:.4f}\n" for n in range(1, 31)]
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "train.log").write_text("".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "diagnose", "watch", str(tmp_path), "--interval", "0.1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
    assert process.stdout is not None
    for text in process.stdout:
        if text.startswith(("epoch 30", "step 30")):
            break
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "train.log").write_text("".join(second), encoding="utf-8")
    assert "another run is written to now: second/train.log" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate()


def test_a_folder_that_is_not_there_yet_is_waited_for_but_not_with_once(tmp_path: Path) -> None:
    late = tmp_path / "later" / "run"
    grow, left = growing("patience-beyond-the-end", tmp_path / "hidden.jsonl", at_a_time=200)
    looks: list[int] = []

    def appear(_: float) -> None:
        looks.append(1)
        if len(looks) == 3:
            grow(0.0)
            late.mkdir(parents=True)
            (tmp_path / "hidden.jsonl").rename(late / "metrics.jsonl")

    events = list(watch(late, interval=0.0, alive=lambda: left() or len(looks) < 4, wait=appear))
    assert any(isinstance(event, Progress) for event in events)
    with pytest.raises(LogError):
        list(watch(tmp_path / "never", once=True))


def test_where_it_is_and_how_long_it_takes_comes_from_the_times_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "metrics.jsonl"
    rows = [{"step": step, "loss": 5 - step / 100, "wall_time": 1e9 + step / 4} for step in range(0, 200, 2)]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "config.yaml").write_text("training: {learning_rate: 1.0e-3, max_steps: 398}\n", encoding="utf-8")
    (event,) = [event for event in watch(log, once=True) if isinstance(event, Progress)]
    assert event.steps_per_second == pytest.approx(4.0)
    assert event.planned == 398
    assert event.seconds_left == pytest.approx(50.0)


def test_only_new_bytes_are_read(tmp_path: Path) -> None:
    """A log of a million bytes of which the second look reads what was added."""
    log = tmp_path / "train.log"
    lines = [f"step {step} loss {5 - step / 20000:.5f} lr 0.001\n" for step in range(40_000)]
    log.write_text("".join(lines), encoding="utf-8")
    watched = Watch(log)
    assert watched.look() is not None
    assert watched.look() is None
    with log.open("a", encoding="utf-8") as file:
        file.write("step 40000 loss 3.0 lr 0.001\n")
    before = read_bytes()
    assert watched.look() is not None
    assert read_bytes() - before < 0.5 * log.stat().st_size


def read_bytes() -> int:
    """Bytes that this process has read, by the kernel's count."""
    counters = Path("/proc/self/io")
    if not counters.exists():
        pytest.skip("the kernel does not count what is read here")
    return int(next(line.split()[1] for line in counters.read_text().splitlines() if line.startswith("rchar")))


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits to be interrupted."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def test_the_command_line_runs_a_command_stops_the_trainer_and_exits_as_analyze(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    (tmp_path / "metrics.jsonl").write_bytes(
        b"".join((CASES / "forgotten-divergence" / "metrics.jsonl").read_bytes().splitlines(keepends=True)[:22])
    )
    written = tmp_path / "written.txt"
    command = [sys.executable, "-m", "diagnose", "watch", str(tmp_path), "--format", "jsonl", "--interval", "0.1"]
    command += ["--until", "error", "--on-error", f'printf "%s" "$TTSDOC_FINDING" >> {written}']
    command += ["--stop-pid", str(sleeper.pid), "--config", str(CASES / "forgotten-divergence" / "config.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1] == {"event": "ended", "end": "error", "verdict": "unhealthy"}
    assert "learning-rate-too-high" in written.read_text()
    assert sleeper.wait(20) in (-signal.SIGINT, 1)


def test_ctrl_c_ends_the_watch_with_130(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "loss": 5}\n{"step": 2, "loss": 4}\n', encoding="utf-8")
    command = [sys.executable, "-m", "diagnose", "watch", str(tmp_path), "--interval", "0.1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline()
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
