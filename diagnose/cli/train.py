"""`ttsdoc train` and `ttsdoc say`."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.clean import plain
from diagnose.cli.completion import presets, runs
from diagnose.cli.options import FailOn, TextOrJson

if TYPE_CHECKING:
    from diagnose.trainer.folder import RunFolder
    from diagnose.trainer.loop import Outcome


class Emit(str, Enum):
    """What to print instead of training."""

    SLURM = "slurm"


Config = Annotated[
    str | None,
    typer.Argument(
        help="A config file, or the name of a preset. Nothing: `stable`, on a synthesised demo data set.",
        autocompletion=presets,
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", help="The run folder. [default: the config's name below logging.log_dir]")
]
ResumeFrom = Annotated[
    str | None,
    typer.Option(
        "--resume-from",
        metavar="best|last|STEP|FILE",
        help="Continue from this checkpoint, with the values that the config has now; what came after it is dropped.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the trainer's commands."""
    app.command()(train)
    app.command()(say)


def train(
    config: Config = None,
    out: Out = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the last checkpoint.")] = False,
    resume_from: ResumeFrom = None,
    heal: Annotated[
        bool, typer.Option("--heal", help="Watch the run, stop it at a confirmed error, and train on with the fix.")
    ] = False,
    attempts: Annotated[int, typer.Option(min=1, help="With --heal: trainings at most.")] = 3,
    try_rates: Annotated[
        bool, typer.Option("--try-rates", help="With --heal: try other rates after a run without a fault.")
    ] = False,
    devices: Annotated[int, typer.Option(min=1, help="Processes on this machine, one a GPU.")] = 1,
    emit: Annotated[Emit | None, typer.Option(help="Print a job script instead of training.")] = None,
    form: Annotated[TextOrJson, typer.Option("--format", help="How to report the end: in words, or JSON.")] = (
        TextOrJson.TEXT
    ),
    fail_on: Annotated[
        FailOn | None, typer.Option("--fail-on", help="Exit with 1 where a finding is as severe as this.")
    ] = None,
) -> None:
    """Train a small voice and say whether the run is healthy."""
    if emit is Emit.SLURM:
        _emit(config or "stable", out, devices)
        return
    _make_ready_for_torch()
    path = _config_path(config, out, resume)
    if heal:
        from diagnose.cli.heal import heal_bundled

        raise typer.Exit(heal_bundled(path, out, attempts=attempts, try_rates=try_rates, devices=devices, form=form))
    start = resume_from or ("latest" if resume else None)
    raise typer.Exit(_train(path, out, start, devices, form, fail_on))


def say(
    text: Annotated[str, typer.Argument(help="What to say, in the letters that the model has learned.")],
    checkpoint: Annotated[str, typer.Option(help="A file, or `best`, `last`, `step-N` of a run.")] = "best",
    run: Annotated[
        Path | None, typer.Option(help="The run folder. [default: the newest in runs/]", autocompletion=runs)
    ] = None,
    out: Annotated[Path, typer.Option(help="The wav file to write.")] = Path("hello.wav"),
) -> None:
    """Speak a text with a trained model."""
    if out.suffix.lower() != ".wav":
        raise typer.BadParameter(f"--out {out}: wav is what is written; name it {out.with_suffix('.wav')}")
    _make_ready_for_torch()
    from diagnose.data.audio import write
    from diagnose.trainer.speak import find_checkpoint, load_speaker

    path = find_checkpoint(checkpoint, run, Path("runs"))
    sound = load_speaker(path).say(text)
    out.parent.mkdir(parents=True, exist_ok=True)
    write(out, sound)
    typer.echo(plain(f"{out}: {sound.seconds:.1f} s, spoken by {path}"), err=True)


def calm_threads() -> None:
    """Keep torch from fighting over a busy machine; must come before torch is first imported.

    With OpenMP's busy waiting, two threads were 14 times slower than one on a shared machine of two cores
    (benchmarks/trainer/threads.py). One thread adds up in one order, so that a resumed run is the same bit
    for bit. OMP_NUM_THREADS and OMP_WAIT_POLICY override.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _make_ready_for_torch() -> None:
    """Raise TrainerError where the libraries of the extra `train` are not installed."""
    from importlib.util import find_spec

    from diagnose.errors import TrainerError

    missing = [name for name in ("torch", "safetensors") if find_spec(name) is None]
    if missing:
        raise TrainerError(f"training needs {' and '.join(missing)}: pip install 'ttsdoc[train]'")
    calm_threads()


def _train(
    path: Path, out: Path | None, resume: str | None, devices: int, form: TextOrJson, fail_on: FailOn | None
) -> int:
    from diagnose.trainer.distributed import from_environment, launch
    from diagnose.trainer.folder import RunFolder, run_folder
    from diagnose.trainer.loop import train as run
    from diagnose.trainer.options import load
    from diagnose.trainer.summary import write_summary

    options, world = load(path), from_environment(os.environ)
    folder = RunFolder(out) if out else run_folder(options, path.stem, resume=resume is not None)
    if devices > 1 and world.size == 1:
        folder.refuse_a_second_run(resume=resume is not None)
        going_on = [] if resume is None else ["--resume"] if resume == "latest" else ["--resume-from", resume]
        failing = [] if fail_on is None else ["--fail-on", fail_on.value]
        options_of_each = ["--out", str(folder.path), "--format", form.value, *going_on, *failing]
        return launch(devices, [str(path), *options_of_each])
    outcome = run(options, folder, world, resume=resume)
    if not world.is_main:
        return 0
    write_summary(outcome, folder)
    return _after(outcome, folder, form, fail_on)


def _emit(config: str, out: Path | None, devices: int) -> None:
    """Print a job script for a config that can be trained."""
    from diagnose.trainer.folder import run_folder
    from diagnose.trainer.options import load
    from diagnose.trainer.slurm import job_script

    path = _config_path(config, None, False)
    folder = out or run_folder(load(path), path.stem, resume=False).path
    typer.echo(job_script(config, folder, devices), nl=False)


def _config_path(config: str | None, out: Path | None, resume: bool) -> Path:
    """The file that the user means: theirs, the resumed run's own, or a preset."""
    from diagnose.project import config_file

    if config is None and resume and out and (out / "config.yaml").exists():
        return out / "config.yaml"
    return config_file(config or "stable")


def _after(outcome: Outcome, folder: RunFolder, form: TextOrJson, fail_on: FailOn | None) -> int:
    """Judge the run that has ended, and say how to listen to it; the exit status."""
    if form is TextOrJson.JSON:
        sys.stdout.write(folder.summary.read_text(encoding="utf-8"))
        sys.stdout.flush()
    if outcome.signal is not None:
        return 128 + outcome.signal
    judge = [sys.executable, "-m", "diagnose", "analyze", str(folder.path)]
    judge += ["--exit-zero"] if fail_on is None else ["--fail-on", fail_on.value]
    silent = subprocess.DEVNULL if form is TextOrJson.JSON else None
    status = subprocess.run(judge, check=False, stdout=silent).returncode
    if outcome.sample_text and not outcome.broken:
        say = ["ttsdoc", "say", outcome.sample_text, "--run", str(folder.path)]
        typer.echo("\n" + plain(f"hear it: {folder.samples}, or {shlex.join(say)}"), err=True)
    return 1 if outcome.broken else status
