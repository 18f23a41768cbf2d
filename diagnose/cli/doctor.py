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
from diagnose.clean import plain
from diagnose.cli.analyze import USUAL_PLACES
from diagnose.cli.options import TextOrJson, TextOrJsonFormat, answer

if TYPE_CHECKING:
    from diagnose.report.screen import Screen

EXTRAS = {
    "train": ("ttsdoc train, say", "torch", "soundfile", "safetensors"),
    "data": ("the data tools, for other sounds than wav", "soundfile"),
    "report": ("ttsdoc report, Run.plot()", "plotly", "jinja2"),
    "ui": ("ttsdoc ui", "gradio"),
    "alerts": ("ttsdoc watch --notify", "apprise"),
    "agents": ("ttsdoc mcp", "mcp"),
    "remote": ("logs at s3://, gs://, hf://", "fsspec"),
}
"""Extra -> what it is for, then its packages."""
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
    answer(form, lambda: {"lines": [asdict(line) for line in found]}, lambda screen: text(found, screen))


def text(found: list[Line], screen: Screen) -> str:
    """One line a thing, what to do under those that are missing."""
    from rich.table import Table
    from rich.text import Text

    from diagnose.report.screen import AMBER, GREEN, printed

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
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
    yield from map(_extra, EXTRAS)
    yield _gpu()
    for name, use in PROGRAMS.items():
        place = shutil.which(name)
        yield Line(name, place is not None, place or f"not installed ({use})")
    places = [place for place in USUAL_PLACES[:-1] if Path(place).is_dir()]
    advice = "" if places else "name the folder: ttsdoc analyze FOLDER"
    yield Line("logs here", bool(places), ", ".join(places) or "none in the usual folders", advice)


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
    advice = advice if writable else "this folder cannot be written to: give ttsdoc report and export an -o elsewhere"
    return Line("disk", free >= LITTLE_DISK and writable, f"{free / 1e9:.1f} GB free in {Path.cwd()}", advice)


def _extra(name: str) -> Line:
    use, *packages = EXTRAS[name]
    versions = {package: _version(package) for package in packages}
    missing = [package for package, version in versions.items() if version is None]
    known = ", ".join(f"{package} {version}" for package, version in versions.items() if version is not None)
    found = known if not missing else f"missing: {', '.join(missing)}{f' (there is {known})' if known else ''}"
    return Line(use, not missing, found, f"pip install 'ttsdoc[{name}]'" if missing else "")


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
    command = [sys.executable, "-c", ASKED_OF_TORCH]
    try:
        seen = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return Line("GPU", False, "torch is installed but cannot be imported", "reinstall torch for this machine")
    return Line("GPU", "no GPU" not in seen, seen)
