"""The trainer behind a config: named by a command line, or by a document beside the config."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from diagnose.errors import SourceError

MOST_PARENTS = 4  # a project's README is at most this far above its configs
MOST_CHARACTERS = 200_000
USUAL_NAMES = (
    "train.py",
    "trainer.py",
    "*train*.py",
    "main.py",
    "run.py",
    "*/train.py",
    "*/*/train.py",
    "*/*train*.py",
)
MOST_NAMED = 5
DOCUMENTS = ("README*", "[Mm]akefile", "*.sh")
SCRIPT = re.compile(r"[\w./\\-]+\.py\b")
FILE = re.compile(r"[\w./\\-]+")
LAUNCHERS = re.compile(r"\b(?:python[\d.]*|torchrun|accelerate|deepspeed|fabric|uv)\b")


def script_of(command: Sequence[str]) -> Path | None:
    """The Python file that the command runs, if it names one."""
    words = list(command)
    for index, word in enumerate(words):
        if word == "-m" and index + 1 < len(words):
            path = Path(*words[index + 1].split("."))
            return next((p for p in (path.with_suffix(".py"), path / "__main__.py") if p.is_file()), None)
        if word.endswith(".py") and Path(word).is_file():
            return Path(word)
    return None


def trainer_in(folder: Path, config_file: Path | None) -> Path:
    """The Python file of a folder that starts the training. Raises SourceError where none, or several, may do so."""
    named = command_beside(config_file) if config_file else None
    if named is not None and named.resolve().is_relative_to(folder.resolve()):
        return named
    for pattern in USUAL_NAMES:
        found = sorted(folder.glob(pattern))
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(str(path.relative_to(folder)) for path in found[:MOST_NAMED])
            raise SourceError(f"{folder}: which of {names} starts the training? Name that file")
    raise SourceError(f"{folder}: no Python file is named like a trainer; name the file that starts the training")


def command_beside(config_file: Path) -> Path | None:
    """The trainer that a README, a Makefile or a shell script near the config starts with it; None if none does.

    Only a command that names this very config counts: another one may belong to another trainer.
    """
    for folder in list(config_file.absolute().parents)[:MOST_PARENTS]:
        documents = (path for pattern in DOCUMENTS for path in sorted(folder.glob(pattern)) if path.is_file())
        for document in documents:
            found = _started_with(config_file, document, folder)
            if found is not None:
                return found
    return None


def _started_with(config_file: Path, document: Path, folder: Path) -> Path | None:
    try:
        with document.open(encoding="utf-8", errors="replace") as file:
            text = file.read(MOST_CHARACTERS).replace("\\\n", " ")
    except OSError:
        return None
    lines = [line for line in text.splitlines() if LAUNCHERS.search(line) and _names(line, config_file, folder)]
    scripts = [folder / str(word) for line in lines for word in SCRIPT.findall(line)]
    return next((path for path in sorted(scripts, key=lambda path: "train" not in path.stem) if path.is_file()), None)


def _names(line: str, config_file: Path, folder: Path) -> bool:
    """Whether a command names this very file: another project has a `config.yaml` too."""
    words = [word for word in FILE.findall(line) if word.endswith(config_file.name)]
    places = [folder, *((folder / script).parent for script in SCRIPT.findall(line))]
    return any((place / word).resolve() == config_file.resolve() for place in places for word in words)
