"""Watching a run: what is read is seen, a copy is followed, and the run computes what it would have computed anyway."""

from __future__ import annotations

import argparse
import json
import marshal
import os
import pickle
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

from diagnose.errors import SourceError
from diagnose.usage import _watch
from diagnose.usage.report import KeyReport, KeyState
from diagnose.usage.trace import Watch, config_of, watch
from tests.usage.conftest import Planted

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


def test_a_key_that_an_anchor_lends_to_one_that_is_read_is_not_dead(tmp_path: Path) -> None:
    report, status, _ = run(
        tmp_path,
        """
        import sys, yaml
        opt = yaml.safe_load(open(sys.argv[1]))["opt"]
        print(opt["bs"], opt["lr"])
        """,
        "x: &x {bs: 16, width: 4}\nopt: {<<: *x, lr: 0.1}\n",
    )
    assert status == 0
    assert "x.bs" not in {use.path for use in report.idle}
    assert {"x.width", "opt.width"} <= {use.path for use in report.idle}


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


def test_what_an_unknown_library_reads_is_seen_and_what_it_does_not_read_is_left_open(tmp_path: Path) -> None:
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
    assert report.idle == ()


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
    with pytest.raises(SourceError, match="no-such-program: No such file"):
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


def test_the_command_prints_text_and_strict_json(tmp_path: Path) -> None:
    source = "import sys, yaml\nprint(yaml.safe_load(open(sys.argv[1]))['lr'])\n"
    (tmp_path / "train.py").write_text(source, "utf-8")
    (tmp_path / "config.yaml").write_text("lr: 1\nwarmup: 2\n", "utf-8")
    ttsdoc = [sys.executable, "-m", "diagnose", "trace"]
    command = ["--", sys.executable, "train.py", "config.yaml"]
    text = subprocess.run([*ttsdoc, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "dead       warmup  other keys of its section are read at train.py:2" in text.stdout
    result = subprocess.run(
        [*ttsdoc, "--format", "json", *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    report = json.loads(result.stdout)
    assert report["schema_version"] == 1
    assert {key["path"]: key["state"] for key in report["keys"]} == {"lr": "live", "warmup": "dead"}
    assert result.stderr.startswith("1\n")


def test_a_command_without_a_config_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="--config FILE"):
        config_of(["python", "train.py"])


def test_the_config_is_found_in_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "c.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert config_of(["python", "train.py", "--config=c.yaml"]) == Path("c.yaml")


CONFIG = {"a": {"lr": 1.5, "names": ["x"]}, "b": None}


def test_a_watched_config_is_a_dict_in_every_way_that_trainers_ask_for(events: Path) -> None:
    config = _watch.tracked(CONFIG)
    assert isinstance(config, dict)
    assert type(config) == dict  # noqa: E721 - the very question that VITS asks
    assert config == CONFIG
    assert repr(config) == repr(CONFIG)
    assert json.dumps(config) == json.dumps(CONFIG)
    assert yaml.safe_dump(config) == yaml.safe_dump(CONFIG)
    assert yaml.dump(config) == yaml.dump(CONFIG)
    assert yaml.dump(config, Dumper=yaml.CSafeDumper) == yaml.dump(CONFIG, Dumper=yaml.CSafeDumper)
    assert dict(**config) == CONFIG
    assert {**config} == CONFIG
    assert config | {"c": 1} == {**CONFIG, "c": 1}
    assert vars(type("C", (), config))["b"] is None
    again = pickle.loads(pickle.dumps(config))
    assert again == CONFIG
    assert type(again).__mro__ == dict.__mro__


def test_keys_are_the_very_strings_that_the_file_has(events: Path) -> None:
    config = _watch.tracked(CONFIG)
    for key in [*config, *config["a"]]:
        assert type(key) is str
        assert sys.intern(key) == key
    assert marshal.loads(marshal.dumps(list(config))) == list(CONFIG)


def test_a_trainer_writes_the_same_bytes_watched_or_not(tmp_path: Path) -> None:
    source = """
        import json, marshal, os, sys, yaml
        cfg = yaml.safe_load(open(sys.argv[1]))
        print(marshal.loads(marshal.dumps(cfg)), json.dumps(cfg), yaml.dump(cfg, Dumper=yaml.CSafeDumper))
        print(sorted(os.environ), os.environ.get("PYTHONPATH"), sys.path)
        sys.stdout.flush()
        os.system("env | cut -d= -f1 | sort | grep -v ^_")
    """
    _, _, output = run(tmp_path, source, "a: {lr: 1.5}\nb: null\n")
    command = [sys.executable, str(tmp_path / "train.py"), str(tmp_path / "config.yaml")]
    unwatched = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    assert output == unwatched.stdout


def test_dumps_and_copies_are_no_reads(events: Path) -> None:
    config = _watch.tracked({"lr": 1, "warmup": 2})
    json.dumps(config)
    yaml.safe_dump(config)
    str(config)
    argparse.Namespace(**config)
    dict(config)
    assert noted(events, "read") == []
    for key, value in config.items():
        str((key, value))
    assert noted(events, "walked") == [[]] * len(noted(events, "walked"))
    assert noted(events, "read") == []


def test_a_copy_that_cannot_be_followed_accuses_nobody(tmp_path: Path) -> None:
    source = """
        import copy, sys, yaml
        cfg = copy.deepcopy(yaml.safe_load(open(sys.argv[1])))
        print(vars(sys.modules["__main__"])["c" + "fg"]["train"]["lr"])
    """
    report, _, _ = run(tmp_path, source, "train: {lr: 1}\n")
    assert report.idle == ()


def test_one_interrupt_is_one_sigint_to_the_run(tmp_path: Path) -> None:
    source = """
        import signal, sys, time
        count = []
        signal.signal(signal.SIGINT, lambda *_: count.append(1))
        print("ready", flush=True)
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            time.sleep(0.05)
        print(len(count))
    """
    (tmp_path / "train.py").write_text(textwrap.dedent(source), "utf-8")
    (tmp_path / "config.yaml").write_text("lr: 1\n", "utf-8")
    command = [sys.executable, "-m", "diagnose", "trace", "--", sys.executable, "train.py", "config.yaml"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the group
    output, _ = process.communicate(timeout=60)
    assert output.splitlines()[0] == "1"


EARLY = Path(__file__).resolve().parents[3] / "shared" / "field" / "deadkey-trace-early-exit"


@pytest.mark.parametrize("status", [0, 3])
def test_a_run_that_ends_before_it_trains_proves_nothing(tmp_path: Path, status: int) -> None:
    source = f"""
        import sys, yaml
        cfg = yaml.safe_load(open(sys.argv[1]))
        print(cfg["seed"])
        sys.exit({status})
        print(eval("cfg")["optim"]["rate"])
    """
    report, _, _ = run(tmp_path, source, "seed: 1\noptim: {rate: 0.1}\n")
    assert report.idle == ()
    assert report["optim.rate"].state is KeyState.UNKNOWN


@pytest.mark.skipif(not EARLY.is_dir(), reason="the cases from the field are not here")
def test_the_early_exit_from_the_field_accuses_nobody(tmp_path: Path) -> None:
    report, _ = watched(
        [sys.executable, str(EARLY / "train.py"), "--config", str(EARLY / "config.yaml")],
        EARLY / "config.yaml",
        tmp_path / "out",
    )
    assert report.idle == ()
