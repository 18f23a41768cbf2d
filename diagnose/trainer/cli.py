"""`ttsdoc train` and `ttsdoc say`."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, Optional

import typer

if TYPE_CHECKING:
    from diagnose.trainer.folder import RunFolder
    from diagnose.trainer.loop import Outcome
    from diagnose.trainer.options import Options


class Emit(str, Enum):
    """What to print instead of training."""

    SLURM = "slurm"


Config = Annotated[
    Optional[str],  # noqa: UP045 - Typer reads it on Python 3.10
    typer.Argument(help="A config file, or the name of a preset. Nothing: `stable`, on sentences spoken on the spot."),
]
Out = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--out", help="The run folder. [default: the config's name below logging.log_dir]"),
]


def register(app: typer.Typer) -> None:
    """Add the trainer's commands."""
    app.command()(train)
    app.command()(say)


def train(
    config: Config = None,
    out: Out = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    devices: Annotated[int, typer.Option(min=1, help="Processes on this machine, one a GPU.")] = 1,
    emit: Annotated[Optional[Emit], typer.Option(help="Print a job script instead of training.")] = None,  # noqa: UP045
) -> None:
    """Train a small text-to-speech model, and say whether the run is healthy."""
    calm_threads()
    from diagnose.trainer.options import ConfigError

    try:
        raise typer.Exit(_train(config, out, resume, devices, emit))
    except ConfigError as error:
        _refuse(str(error))
    except OSError as error:
        _refuse(
            f"{error.filename or out or 'the run folder'}: {error.strerror}; "
            "what was saved before is whole: make room, or choose another --out, and go on with --resume"
        )


def say(
    text: Annotated[str, typer.Argument(help="What to say, in the letters that the model has learnt.")],
    checkpoint: Annotated[str, typer.Option(help="A file, or `best`, `last`, `step-N` of a run.")] = "best",
    run: Annotated[Optional[Path], typer.Option(help="The run folder. [default: the newest in runs/]")] = None,  # noqa: UP045
    out: Annotated[Path, typer.Option(help="The wav file to write.")] = Path("hello.wav"),
) -> None:
    """Speak a text with a trained model."""
    calm_threads()
    from diagnose.trainer.options import ConfigError

    try:
        _say(text, checkpoint, run, out)
    except (ConfigError, ValueError) as error:
        _refuse(str(error))
    except OSError as error:
        _refuse(f"{error.filename or out}: {error.strerror}")


def calm_threads() -> None:
    """Keep torch from fighting over a busy machine; must come before torch is first imported.

    Measured (benchmarks/trainer): for models of this size a second thread gains nothing, and with OpenMP's
    busy waiting it makes a shared machine five times slower. OMP_NUM_THREADS overrides.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _train(config: str | None, out: Path | None, resume: bool, devices: int, emit: Emit | None) -> int:
    from diagnose.trainer.distributed import from_environment, launch, slurm_script
    from diagnose.trainer.folder import RunFolder, run_folder
    from diagnose.trainer.loop import train as run

    path = _config_path(config, out, resume)
    options, world = _load(path), from_environment(os.environ)
    folder = RunFolder(out) if out else run_folder(options, path.stem, resume=resume)
    if emit is Emit.SLURM:
        typer.echo(slurm_script(str(path), folder.path, devices), nl=False)
        return 0
    if devices > 1 and world.size == 1:
        return launch(devices, [str(path), "--out", str(folder.path), *["--resume"] * resume])
    outcome = run(options, folder, world, resume=resume)
    return _after(outcome, folder) if world.leads else 0


def _load(path: Path) -> Options:
    from diagnose.trainer.options import load

    return load(path)


def _config_path(config: str | None, out: Path | None, resume: bool) -> Path:
    """The file that the user means: theirs, the resumed run's own, or a preset."""
    from importlib.resources import files

    if config is None and resume and out and (out / "config.yaml").exists():
        return out / "config.yaml"
    preset = files("diagnose.presets") / f"{config or 'stable'}.yaml"
    if (config is None or not Path(config).exists()) and preset.is_file():
        return Path(str(preset))
    return Path(config or "stable")


def _after(outcome: Outcome, folder: RunFolder) -> int:
    """Judge the run that has ended; the exit status."""
    typer.echo(f"{folder.path}", err=True)
    if outcome.signal is not None:
        return 128 + outcome.signal
    return 1 if outcome.broken else 0


def _say(text: str, checkpoint: str, run: Path | None, out: Path) -> None:
    from diagnose.audio import write
    from diagnose.trainer.speak import find_checkpoint, load_speaker

    path = find_checkpoint(checkpoint, run, Path("runs"))
    sound = load_speaker(path).say(text)
    write(out, sound)
    typer.echo(f"{out}: {sound.seconds:.1f} s, spoken by {path}", err=True)


def _refuse(message: str) -> NoReturn:
    typer.echo(f"ttsdoc: {message}", err=True)
    raise typer.Exit(2)
