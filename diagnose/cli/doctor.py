"""`ttsdoc doctor`: what this machine has, and what is missing for what. Nothing optional is an error."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from diagnose import __version__
from diagnose.cli.options import TextOrJson, TextOrJsonFormat

if TYPE_CHECKING:
    from diagnose.report.screen import Screen

NEEDED_FOR = {
    "train": ("torch", "soundfile", "safetensors"),
    "data": ("soundfile",),
    "report": ("plotly", "jinja2"),
    "ui": ("gradio",),
    "alerts": ("apprise",),
    "agents": ("mcp",),
    "remote": ("fsspec",),
}
"""Extra -> packages; what each is for says `USES`."""
USES = {
    "train": "ttsdoc train, say",
    "data": "the data tools, for other sounds than wav",
    "report": "ttsdoc report, Run.plot()",
    "ui": "ttsdoc ui",
    "alerts": "ttsdoc watch --notify",
    "agents": "ttsdoc mcp",
    "remote": "logs at s3://, gs://, hf://",
}
PROGRAMS = {"espeak-ng": "clearer demo speech", "ffmpeg": "subtitles of videos", "nvidia-smi": "the state of the GPU"}
# Below this a run of checkpoints may fill the disk. Source: our choice: ten checkpoints of a small voice.
LITTLE_DISK = 5e9
ASKED_OF_TORCH = (
    "import torch; c = torch.cuda.is_available(); "
    "print(', '.join(f'{torch.cuda.get_device_name(i)} ({torch.cuda.get_device_properties(i).total_memory / 2**30:.0f}"
    " GiB)' for i in range(torch.cuda.device_count())) + (', bf16' if torch.cuda.is_bf16_supported() else '')"
    " if c else 'no GPU: training runs on the CPU')"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at."""

    what: str
    ok: bool
    found: str
    advice: str = ""


def doctor(form: TextOrJsonFormat = TextOrJson.TEXT) -> None:
    """Show what this machine has, and what is missing for what."""
    found = list(lines())
    if form is TextOrJson.JSON:
        from diagnose.report.as_json import dumps, envelope

        sys.stdout.write(dumps(envelope(lines=[asdict(line) for line in found])))
    else:
        from diagnose.report.screen import Screen

        sys.stdout.write(text(found, Screen.of_stdout()))


def text(found: list[Line], screen: Screen) -> str:
    """One line a thing, what to do under those that are missing."""
    from rich.table import Table
    from rich.text import Text

    from diagnose.clean import plain
    from diagnose.report.screen import AMBER, GREEN, printed

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for line in found:
        advice = f"\n→ {line.advice}" if line.advice else ""
        mark = Text("✓", GREEN) if line.ok else Text("-", AMBER)
        table.add_row(mark, line.what, Text(plain(line.found)).append(advice, "dim"))
    return printed(table, screen)


def lines() -> Iterator[Line]:
    """Everything that is looked at, in order."""
    system = f"{platform.system()} {platform.machine()}"
    yield Line("ttsdoc", True, f"{__version__}, Python {platform.python_version()}, {system}")
    yield _memory()
    yield _disk()
    yield from map(_extra, NEEDED_FOR)
    yield _gpu()
    yield from map(_program, PROGRAMS)
    yield _logs()


def _memory() -> Line:
    cores = f"{os.cpu_count() or 1} cores"
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return Line("processor", True, cores)
    return Line("processor", True, f"{cores}, {total / 2**30:.1f} GiB of memory, {free / 2**30:.1f} GiB unused")


def _disk() -> Line:
    free = shutil.disk_usage(".").free
    writable = os.access(".", os.W_OK)
    advice = "" if free >= LITTLE_DISK else "make room: checkpoints fill a disk within hours"
    advice = advice if writable else "this folder cannot be written to: ttsdoc fix and report need -o elsewhere"
    return Line("disk", free >= LITTLE_DISK and writable, f"{free / 1e9:.1f} GB free in {Path.cwd()}", advice)


def _extra(name: str) -> Line:
    versions = {package: _version(package) for package in NEEDED_FOR[name]}
    missing = [package for package, version in versions.items() if version is None]
    known = ", ".join(f"{package} {version}" for package, version in versions.items() if version is not None)
    found = known if not missing else f"missing: {', '.join(missing)}{f' (there is {known})' if known else ''}"
    return Line(USES[name], not missing, found, f"pip install 'ttsdoc[{name}]'" if missing else "")


def _version(package: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _gpu() -> Line:
    """What torch sees, asked in a process of its own: a broken installation must not break this report."""
    if _version("torch") is None:
        return Line("GPU", False, "not known without torch")
    seen = _answer([sys.executable, "-c", ASKED_OF_TORCH])
    if seen is None:
        return Line("GPU", False, "torch is installed but cannot be imported", "reinstall torch for this machine")
    return Line("GPU", "no GPU" not in seen, seen)


def _program(name: str) -> Line:
    place = shutil.which(name)
    return Line(name, place is not None, place or f"not installed ({PROGRAMS[name]})")


def _answer(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _logs() -> Line:
    from diagnose.cli.analyze import USUAL_PLACES

    places = [place for place in USUAL_PLACES[:-1] if Path(place).is_dir()]
    return Line("logs here", bool(places), ", ".join(places) or "none in the usual folders", "" if places else LOGS)


LOGS = "name the folder: ttsdoc analyze FOLDER"
