"""Real processes: killed, asked to stop, refused, out of space, and two at once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from diagnose.errors import ConfigError
from diagnose.trainer import checkpoint
from diagnose.trainer.distributed import from_environment
from diagnose.trainer.options import dump
from diagnose.trainer.slurm import job_script
from tests.trainer.tiny import options

LONG = {"max_epochs": 20, "save_interval": 3, "early_stopping": False}


def start(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """`ttsdoc train` with these arguments."""
    return subprocess.Popen(
        [sys.executable, "-m", "diagnose", "train", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", **environment},
    )


def finished(*arguments: object, **environment: str) -> tuple[int, str]:
    """Its exit status and what it wrote to standard error."""
    process = start(*arguments, **environment)
    _, errors = process.communicate()
    return process.returncode, errors


def config(folder: Path, data: Path, **changes: Any) -> Path:
    path = folder / "config.yaml"
    path.write_text(dump(options(data, **changes)), encoding="utf-8")
    return path


def wait_for(path: Path, process: subprocess.Popen[str], *, lines: int = 1) -> None:
    """Until the file has so many lines."""
    while not (path.exists() and path.read_bytes().count(b"\n") >= lines):
        if process.poll() is not None:
            raise AssertionError(process.communicate())
        time.sleep(0.005)


def last(run: Path) -> dict[str, torch.Tensor]:
    return checkpoint.load(run / "checkpoints" / "last.safetensors").weights


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory, data: Path) -> tuple[Path, Path]:
    """A config, and its run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("straight")
    path = config(folder, data, training=LONG)
    status, errors = finished(path, "--out", folder / "run")
    assert status == 0, errors
    return path, folder / "run"


def test_killed_at_any_moment_it_goes_on_to_the_same_weights(straight: tuple[Path, Path], tmp_path: Path) -> None:
    """kill -9 three times: at the start, in the middle and while it goes on; no lock stays behind."""
    path, whole = straight
    run, draw = tmp_path / "run", random.Random(0)
    for lines in (1, 20, 50):
        process = start(path, "--out", run, "--resume")
        wait_for(run / "metrics.jsonl", process, lines=lines)
        time.sleep(draw.random() * 0.05)
        process.kill()
        process.communicate()
    status, errors = finished(path, "--out", run, "--resume")
    assert status == 0, errors
    assert last(run).keys() == last(whole).keys()
    for name, weight in last(whole).items():
        assert torch.equal(weight, last(run)[name]), name


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_saves_and_leaves(data: Path, tmp_path: Path, number: signal.Signals) -> None:
    path = config(tmp_path, data, training={"max_epochs": 10_000, "save_interval": 50_000, "early_stopping": False})
    process = start(path, "--out", tmp_path / "run")
    wait_for(tmp_path / "run" / "metrics.jsonl", process, lines=3)
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == 128 + number
    assert "go on with --resume" in errors
    assert checkpoint.load(tmp_path / "run/checkpoints/last.safetensors").progress.step > 0


def test_a_second_trainer_on_one_run_folder_is_refused(data: Path, tmp_path: Path) -> None:
    path = config(tmp_path, data, training={"max_epochs": 10_000, "early_stopping": False})
    first = start(path, "--out", tmp_path / "run")
    wait_for(tmp_path / "run" / "metrics.jsonl", first)
    status, errors = finished(path, "--out", tmp_path / "run", "--resume")
    assert (status, errors.count("\n")) == (2, 1)
    assert f"another trainer (process {first.pid}) works here" in errors
    assert first.poll() is None, "the first goes on"
    first.kill()
    first.communicate()


def test_out_of_space_is_one_clear_line_and_nothing_is_lost(straight: tuple[Path, Path], tmp_path: Path) -> None:
    """The system refuses to let any file grow beyond 16 KB, as a full disk would."""
    path, whole = straight
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384));"
        "sys.argv[0] = 'ttsdoc'; from diagnose.cli import main; sys.exit(main())"
    )
    run = tmp_path / "run"
    done = subprocess.run(
        [sys.executable, "-c", limited, "train", str(path), "--out", str(run)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    complaint = done.stderr.strip().splitlines()[-1]
    assert "File too large" in complaint
    assert "go on with --resume" in complaint
    assert finished(path, "--out", run, "--resume")[0] == 0
    assert all(torch.equal(weight, last(run)[name]) for name, weight in last(whole).items())


def test_a_place_that_cannot_be_written_is_one_clear_line(data: Path, tmp_path: Path) -> None:
    status, errors = finished(config(tmp_path, data), "--out", "/proc/run")
    assert (status, errors.count("\n")) == (2, 1)
    assert errors.startswith("ttsdoc: /proc/run: ")


def test_two_processes_have_the_losses_of_one_with_their_batches_together(data: Path, tmp_path: Path) -> None:
    """torchrun and gloo, started by --devices; without dropout the sums are the same up to rounding."""
    still: dict[str, Any] = {"model": {"p_dropout": 0.0}, "training": {"max_steps": 10, "eval_interval": 3}}
    whole = config(tmp_path, data, **still)
    assert finished(whole, "--out", tmp_path / "one")[0] == 0
    half = tmp_path / "half.yaml"
    tree = yaml.safe_load(whole.read_text(encoding="utf-8"))
    tree["data"]["batch_size"] //= 2
    half.write_text(yaml.safe_dump(tree), encoding="utf-8")
    status, errors = finished(half, "--out", tmp_path / "two", "--devices", 2)
    assert status == 0, errors
    assert "2 clips x 2 processes = 4 clips an update" in errors
    rows = [
        [json.loads(line) for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        for name in ("one", "two")
    ]
    assert len(rows[0]) == len(rows[1])
    for one, two in zip(*rows, strict=True):
        for tag in one.keys() - {"wall_time", "step_time"}:
            assert two[tag] == pytest.approx(one[tag], rel=1e-4, abs=1e-5), tag


THREADS_THAT_STAY = """
import os
from pathlib import Path
from diagnose.cli import main

status = main()
names = {task.joinpath("comm").read_text().strip() for task in Path("/proc/self/task").iterdir()}
Path(f"threads-{os.environ['RANK']}").write_text("\\n".join(names))
raise SystemExit(status)
"""


@pytest.mark.integration  # the run before has shown that two processes train and end well
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted by Linux's /proc")
def test_processes_that_have_trained_together_end_with_no_thread_of_their_group_left(
    data: Path, tmp_path: Path
) -> None:
    """A thread that lets go of a tensor while Python shuts down would end a good training in SIGABRT."""
    path = config(tmp_path, data, training={"max_steps": 6, "eval_interval": 3})
    (tmp_path / "train.py").write_text(THREADS_THAT_STAY, encoding="utf-8")
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    command = [*torchrun, "train.py", "train", str(path), "--out", str(tmp_path / "run")]
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    for rank in range(2):
        threads = (tmp_path / f"threads-{rank}").read_text(encoding="utf-8")
        assert "python" in threads
        assert "gloo" not in threads


@pytest.mark.parametrize(
    ("environment", "world"),
    [
        pytest.param({}, (0, 1, 0), id="alone"),
        pytest.param({"RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "MASTER_ADDR": "a"}, (3, 8, 1), id="torchrun"),
        pytest.param(
            {"SLURM_STEP_ID": "0", "SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "6", "SLURM_LOCALID": "1",
             "MASTER_ADDR": "a"}, (5, 6, 1), id="srun",
        ),
        pytest.param({"SLURM_PROCID": "0", "SLURM_NTASKS": "8"}, (0, 1, 0), id="inside sbatch, but not under srun"),
    ],
)  # fmt: skip
def test_the_launcher_is_known_by_its_environment(environment: dict[str, str], world: tuple[int, int, int]) -> None:
    found = from_environment(environment)
    assert (found.rank, found.size, found.local_rank) == world


def test_many_processes_without_an_address_to_meet_at_are_refused() -> None:
    with pytest.raises(ConfigError, match="MASTER_ADDR is not set"):
        from_environment({"RANK": "0", "WORLD_SIZE": "2"})


def test_the_job_script_is_a_script_and_quotes_what_it_is_given(tmp_path: Path) -> None:
    script = job_script("my config.yaml", tmp_path / "a run; rm -rf x", 4)
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    assert "#SBATCH --gpus-per-node=4" in script
    assert "train 'my config.yaml' --out '" in script
