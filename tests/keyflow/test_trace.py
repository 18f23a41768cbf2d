"""Watching a run: what is read is seen, a copy is followed, and the run computes what it would have computed anyway."""

from __future__ import annotations

import json
import pickle
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

from diagnose.keyflow import _watch
from diagnose.keyflow.report import KeyReport, KeyState
from diagnose.keyflow.trace import TraceError, Watch, config_of, watch
from tests.keyflow.conftest import Planted

LIMITS = Watch(steps=1000, seconds=120)


def watched(command: list[str], config: Path, output: Path, limits: Watch = LIMITS) -> tuple[KeyReport, int | None]:
    """The report and the exit status; what the run prints goes to `output`."""
    with output.open("wb") as file:
        (report, _), (_, status) = watch(command, config, limits, file.fileno())
    assert report is not None
    return report, status


def run(tmp_path: Path, source: str, config: str, limits: Watch = LIMITS) -> tuple[KeyReport, int | None, str]:
    """Report, exit status and output of a trainer given as text."""
    (tmp_path / "train.py").write_text(textwrap.dedent(source), "utf-8")
    (tmp_path / "config.yaml").write_text(config, "utf-8")
    command = [sys.executable, str(tmp_path / "train.py"), str(tmp_path / "config.yaml")]
    report, status = watched(command, tmp_path / "config.yaml", tmp_path / "out", limits)
    return report, status, (tmp_path / "out").read_text("utf-8")


@pytest.fixture
def events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The watching code in this process, its notes in a folder."""
    monkeypatch.setattr(_watch, "OUT", str(tmp_path))
    monkeypatch.setattr(_watch, "_seen", set())
    return tmp_path


def noted(events: Path, kind: str) -> list[list[str]]:
    lines = [line for file in events.glob("events-*.jsonl") for line in file.read_text("utf-8").splitlines()]
    return [event["path"] for event in map(json.loads, lines) if event["kind"] == kind]


def test_a_watched_run_finds_what_was_planted_and_prints_what_it_always_prints(
    runnable: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runnable.folder)
    command = [sys.executable, *runnable.command]
    unwatched = subprocess.run(command, capture_output=True, check=False)
    report, status = watched(command, runnable.config, tmp_path / "out")
    assert set(report.dead) == runnable.dead
    assert {use.path: use.instead for use in report.keys if use.state is KeyState.MISPLACED} == runnable.misplaced
    assert (tmp_path / "out").read_bytes() == unwatched.stdout
    assert status == unwatched.returncode == 0


def test_a_live_key_says_which_line_was_seen_to_read_it(tmp_path: Path) -> None:
    source = """
        import sys, yaml
        cfg = yaml.safe_load(open(sys.argv[1]))
        print(cfg["train"]["lr"])
    """
    report, _, _ = run(tmp_path, source, "train: {lr: 1, warmup: 2}\n")
    assert [place.line for place in report["train.lr"].reads] == [4]
    assert report.dead == ("train.warmup",)


def test_a_key_that_the_source_reads_later_is_not_accused(tmp_path: Path) -> None:
    source = """
        import sys, yaml
        cfg = yaml.safe_load(open(sys.argv[1]))
        print(cfg["lr"])
        if cfg["lr"] > 10:
            print(cfg["warmup"])
    """
    report, _, _ = run(tmp_path, source, "lr: 1\nwarmup: 2\n")
    assert report.idle == ()
    assert "train.py:6 reads it" in report["warmup"].reason


def test_what_an_unknown_library_reads_is_seen(tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "kit.py").write_text("def fit(cfg):\n    return cfg['lr']\n", "utf-8")
    source = """
        import importlib.util, sys, yaml
        spec = importlib.util.spec_from_file_location("kit", sys.argv[1].replace("config.yaml", "hidden/kit.py"))
        kit = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(kit)
        print(kit.fit(yaml.safe_load(open(sys.argv[1]))))
    """
    report, _, _ = run(tmp_path, source, "lr: 1\nwarmup: 2\n")
    assert report.live == ("lr",)
    assert report.dead == ("warmup",)


def test_the_exit_status_is_that_of_the_command(tmp_path: Path) -> None:
    _, status, _ = run(tmp_path, "raise SystemExit(7)\n", "lr: 1\n")
    assert status == 7


def test_death_by_a_signal_is_passed_on_as_a_shell_does(tmp_path: Path) -> None:
    _, status, _ = run(tmp_path, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "lr: 1\n")
    assert status == 128 + signal.SIGKILL


def test_a_run_is_stopped_when_its_start_is_over(tmp_path: Path) -> None:
    source = """
        import sys, time, yaml
        print(yaml.safe_load(open(sys.argv[1]))["lr"], flush=True)
        time.sleep(600)
    """
    report, status, _ = run(tmp_path, source, "lr: 1\nwarmup: 2\n", Watch(seconds=3, stop=True))
    assert status is None
    assert report.live == ("lr",)
    assert report.dead == ("warmup",)  # the source says so too


def test_the_start_is_over_after_so_many_optimiser_steps(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the watched trainer steps an optimiser of torch")
    source = """
        import sys, torch, yaml
        cfg = yaml.safe_load(open(sys.argv[1]))
        w = torch.nn.Parameter(torch.ones(1))
        optimiser = torch.optim.SGD([w], lr=cfg["lr"])
        for step in range(4):
            w.sum().backward()
            optimiser.step()
        print(eval("cfg")["late"])
    """
    report, status, _ = run(tmp_path, source, "lr: 0.1\nlate: 2\n", Watch(steps=3, seconds=120))
    assert status == 0
    assert report.live == ("lr",)
    assert report.unknown == ("late",)  # read after the third step, when nobody watched any more


def test_a_command_without_python_runs_as_it_is_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("lr: 1\n", "utf-8")
    report, status = watched(["echo", "hello"], tmp_path / "config.yaml", tmp_path / "out")
    assert (tmp_path / "out").read_text("utf-8") == "hello\n"
    assert status == 0
    assert report.unknown == ("lr",)
    assert "starts no Python" in report.notes[0]


def test_an_isolated_python_runs_as_it_is_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("lr: 1\n", "utf-8")
    report, status = watched([sys.executable, "-I", "-c", "print(1)"], tmp_path / "config.yaml", tmp_path / "out")
    assert status == 0
    assert report.idle == ()


def test_a_command_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("lr: 1\n", "utf-8")
    with pytest.raises(TraceError, match="no-such-program: No such file"):
        list(watch(["no-such-program"], tmp_path / "config.yaml"))


def test_processes_that_the_command_starts_are_watched_too(tmp_path: Path) -> None:
    source = """
        import subprocess, sys
        code = "import sys, yaml; print(yaml.safe_load(open(sys.argv[1]))['lr'])"
        subprocess.run([sys.executable, "-c", code, sys.argv[1]], check=True)
    """
    report, _, output = run(tmp_path, source, "lr: 1\n")
    assert output == "1\n"
    assert report.live == ("lr",)


def test_the_sitecustomize_of_the_user_still_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sitecustomize.py").write_text("import builtins\nbuiltins.own_hook = 'ran'\n", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "own"))
    _, _, output = run(tmp_path, "print(own_hook)\n", "lr: 1\n")
    assert output == "ran\n"


def test_signals_reach_the_run(tmp_path: Path) -> None:
    source = """
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
        print("ready", flush=True)
        time.sleep(600)
    """
    (tmp_path / "train.py").write_text(textwrap.dedent(source), "utf-8")
    (tmp_path / "config.yaml").write_text("lr: 1\n", "utf-8")
    command = [sys.executable, "-m", "diagnose", "trace", "--", sys.executable, "train.py", "config.yaml"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 5


def test_the_door_tells_text_and_strict_json(tmp_path: Path) -> None:
    source = "import sys, yaml\nprint(yaml.safe_load(open(sys.argv[1]))['lr'])\n"
    (tmp_path / "train.py").write_text(source, "utf-8")
    (tmp_path / "config.yaml").write_text("lr: 1\nwarmup: 2\n", "utf-8")
    ttsdoc = [sys.executable, "-m", "diagnose", "trace"]
    command = ["--", sys.executable, "train.py", "config.yaml"]
    text = subprocess.run([*ttsdoc, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "dead       warmup  its neighbours are read at train.py:2" in text.stdout
    told = subprocess.run(
        [*ttsdoc, "--format", "json", *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    report = json.loads(told.stdout)
    assert report["schema_version"] == 1
    assert {key["path"]: key["state"] for key in report["keys"]} == {"lr": "live", "warmup": "dead"}
    assert told.stderr.startswith("1\n")


def test_a_command_without_a_config_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="--config FILE"):
        config_of(["python", "train.py"])


def test_the_config_is_found_in_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "c.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert config_of(["python", "train.py", "--config=c.yaml"]) == Path("c.yaml")


def test_a_watched_config_is_a_dict_in_every_way_that_trainers_ask_for(events: Path) -> None:
    plain = {"a": {"lr": 1.5, "names": ["x"]}, "b": None}
    config = _watch.tracked(plain)
    assert isinstance(config, dict)
    assert type(config) == dict  # noqa: E721 - the very question that VITS asks
    assert config == plain
    assert repr(config) == repr(plain)
    assert json.dumps(config) == json.dumps(plain)
    assert yaml.safe_dump(config) == yaml.safe_dump(plain)
    assert yaml.dump(config) == yaml.dump(plain)
    assert dict(**config) == plain
    assert {**config} == plain
    again = pickle.loads(pickle.dumps(config))
    assert again == plain
    assert type(again).__mro__ == dict.__mro__
    assert all(type(key).__mro__ == str.__mro__ for key in again)


def test_dumps_and_walks_are_no_reads(events: Path) -> None:
    config = _watch.tracked({"lr": 1, "warmup": 2})
    json.dumps(config)
    yaml.safe_dump(config)
    str(config)
    for key, value in config.items():
        str((key, value))
    assert noted(events, "read") == []
    assert noted(events, "walked") == [[]]


def test_a_copy_is_followed(events: Path) -> None:
    import argparse
    import copy

    config = _watch.tracked({"a": {"lr": 1}, "b": 2, "c": 3})
    options = argparse.Namespace(**dict(config.items()))
    assert copy.deepcopy(dict(config))["a"]["lr"] + options.b == 3
    assert noted(events, "read") == [["a"], ["a", "lr"], ["b"]]


def test_a_checkpoint_holds_plain_keys(events: Path) -> None:
    saved = _watch.plain({"config": _watch.tracked({"a": {"lr": 1}}), "step": 3})
    assert saved == {"config": {"a": {"lr": 1}}, "step": 3}
    assert type(saved["config"]["a"]) is dict
    assert all(type(key) is str for key in saved["config"]["a"])
