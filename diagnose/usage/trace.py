"""Which keys of a config a training run reads, found by watching it start."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from diagnose.config import read_config
from diagnose.errors import SourceError
from diagnose.finding import Confidence
from diagnose.usage.anchors import read_as_one
from diagnose.usage.command import script_of
from diagnose.usage.files import python_files
from diagnose.usage.report import KeyReport, KeyState, KeyUse, Place, leaf_paths, unknown
from diagnose.usage.source import keys_read
from diagnose.usage.verdict import PROBABLY

POLL_SECONDS = 0.1
GRACE_SECONDS = 10.0  # between asking a run to stop and stopping it: what `docker stop` gives
CONFIG_SUFFIXES = {".yaml", ".yml", ".json"}
PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
EXACT_TYPE = re.compile(rb"(?:type\([^()]*\)|__class__)\s+is\s+(?:not\s+)?dict\b")
NO_STEP = "no optimiser step was seen: what is called dead is so by the source alone"
Path_ = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Watch:
    """When to stop watching, and what then."""

    steps: int = 20
    """Optimiser steps (torch) after which the start is over."""
    seconds: float = 120.0
    """Seconds after which it is over, whatever happens."""
    stop: bool = False
    """Stop the run when the start is over, instead of letting it go on."""


@dataclass
class Sighting:
    """What was seen of one run."""

    kinds: set[str] = field(default_factory=set)
    """`started`, `loaded`, `stepped` (an optimiser), `closed` (steps enough)."""
    complete: bool = False
    """The run came to its end, with status 0, while it was watched."""
    reads: dict[Path_, set[Place]] = field(default_factory=dict)
    moved: dict[Path_, Place | None] = field(default_factory=dict)
    """Keys and sections that were gone through, copied or tested: used perhaps, perhaps only passed on."""
    failures: list[str] = field(default_factory=list)


def config_of(command: Sequence[str]) -> Path:
    """The config that the command names. Raises SourceError if there is none, in one line."""
    words = [part.partition("=")[2] if part.startswith("--") and "=" in part else part for part in command]
    found = [Path(word) for word in words if Path(word).suffix in CONFIG_SUFFIXES and Path(word).is_file()]
    if not found:
        raise SourceError("the command names no config file: say which it reads with --config FILE before the `--`")
    return found[0]


def watch(
    command: Sequence[str], config_file: Path, limits: Watch = Watch(), output: IO[Any] | int | None = None
) -> Iterator[tuple[KeyReport | None, int | None]]:
    """Run `command` and watch its start. Yields the report once the start is over, then the exit status.

    The command runs as it would without being watched; `output` takes its standard output. The exit status is its
    own (128 + n after signal n), or None if it was stopped here. Raises SourceError if it cannot be started.
    """
    config = read_config(config_file)
    folder = Path(tempfile.mkdtemp(prefix="ttsdoc-trace-"))
    try:
        with _running(command, _environment(folder, config_file, limits, script_of(command)), output) as process:
            sighting = _look(process, folder, limits)
            yield read_as_one(judge(command, config.tree(), config_file, sighting), config), None
            yield None, _end(process, limits.stop and process.poll() is None)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(folder: Path, config_file: Path, limits: Watch, script: Path | None) -> dict[str, str]:
    """Ours and two variables, which the watched process takes out again when it starts."""
    hook = folder / "hook"
    hook.mkdir()
    shutil.copyfile(Path(__file__).with_name("_watch.py"), hook / "sitecustomize.py")
    behind = os.environ.get("PYTHONPATH")
    settings = {
        "out": str(folder),
        "config": str(config_file.absolute()),
        "steps": limits.steps,
        "exact": script is not None and _asks_for_exact_dicts(script),
        "behind": behind,
    }
    path = str(hook) if not behind else f"{hook}{os.pathsep}{behind}"
    return {**os.environ, "PYTHONPATH": path, "TTSDOC_TRACE": json.dumps(settings)}


def _asks_for_exact_dicts(script: Path) -> bool:
    """`type(x) is dict` is the one question to which a watched section would give another answer than a dict."""
    files = (path for path in python_files(script.absolute().parent) if path.is_file())
    return any(EXACT_TYPE.search(path.read_bytes()) for path in files)


@contextmanager
def _running(
    command: Sequence[str], environment: Mapping[str, str], output: IO[Any] | int | None
) -> Iterator[subprocess.Popen[bytes]]:
    """The command in a session of its own, so that a Ctrl-C reaches it through us alone, and once."""
    try:
        process = subprocess.Popen(list(command), env=dict(environment), stdout=output, start_new_session=True)
    except OSError as error:
        raise SourceError(f"{command[0]}: {error.strerror or error}; give the command after `--`") from None

    def send(number: int, _frame: object) -> None:
        if process.poll() is None:
            process.send_signal(number)

    ours = threading.current_thread() is threading.main_thread()  # Python delivers signals to it only
    before = {number: signal.signal(number, send) for number in PASSED_ON} if ours else {}
    try:
        yield process
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _look(process: subprocess.Popen[bytes], folder: Path, limits: Watch) -> Sighting:
    deadline = time.monotonic() + limits.seconds
    while True:
        ended = process.poll() is not None
        sighting = read_events(folder)
        closed = "closed" in sighting.kinds
        if ended or closed or time.monotonic() > deadline:
            sighting.complete = not closed and process.returncode == 0
            return sighting
        time.sleep(POLL_SECONDS)


def _end(process: subprocess.Popen[bytes], stop: bool) -> int | None:
    for number in (signal.SIGTERM, signal.SIGKILL) if stop else ():
        try:
            os.killpg(process.pid, number)
            process.wait(GRACE_SECONDS)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
        return None
    status = process.wait()
    return status if status >= 0 else 128 - status


def read_events(folder: Path) -> Sighting:
    """What the watched processes have noted so far."""
    sighting = Sighting()
    for file in sorted(folder.glob("events-*.jsonl")):
        text = file.read_text("utf-8", errors="replace")
        for line in text[: text.rfind("\n") + 1].splitlines():  # the last one may still be being written
            _take(sighting, json.loads(line))
    return sighting


def _take(sighting: Sighting, event: Mapping[str, Any]) -> None:
    path, kind = tuple(event["path"]), event["kind"]
    place = Place(_shown(event["file"]), int(event["line"])) if "line" in event else None
    if kind == "read" and place is not None:
        sighting.reads.setdefault(path, set()).add(place)
    elif kind in {"walked", "tested"}:
        sighting.moved.setdefault(path, place)
    elif kind == "failed":
        sighting.failures.append(f"{event['module']} could not be watched ({event['error']})")
    else:
        sighting.kinds.add(kind)


def _shown(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def judge(command: Sequence[str], config: Mapping[str, Any], config_file: Path, seen: Sighting) -> KeyReport:
    """One word for each key: what was seen, and where that is not enough, what the source says."""
    script = script_of(command)
    trouble, source, unread = _trouble(seen), None, None
    try:
        source = keys_read(script, config, config_file) if script is not None else None
    except SourceError as error:
        unread = str(error)
    keys = tuple(_judge_key(path, seen, source, trouble) for path in leaf_paths(config))
    unproved = NO_STEP if trouble is None and "stepped" not in seen.kinds else None
    notes = (*seen.failures, *filter(None, [trouble, unproved, unread]), *(source.notes if source is not None else ()))
    absent = source.absent if source is not None else ()
    return KeyReport(" ".join(command), keys, absent, tuple(dict.fromkeys(notes)), method="trace")


def _trouble(seen: Sighting) -> str | None:
    if "started" not in seen.kinds:
        return "the command starts no Python that could be watched; it ran as it is"
    if "loaded" not in seen.kinds:
        return "the config was not loaded by PyYAML, json, OmegaConf or ruamel while the run was watched"
    return None


def _judge_key(path: Path_, seen: Sighting, source: KeyReport | None, trouble: str | None) -> KeyUse:  # noqa: PLR0911 - one case, one answer
    """A key that the run was not seen to read is dead only where the source says so, or nearly does."""
    dotted = ".".join(path)
    if path in seen.reads:
        return KeyUse(dotted, KeyState.LIVE, reads=tuple(sorted(seen.reads[path])), reason="seen")
    said = source[dotted] if source is not None else unknown(dotted, "the command runs no Python file")
    moved = next((path[:end] for end in range(len(path) + 1) if path[:end] in seen.moved), None)
    if said.state is KeyState.LIVE:
        if moved is not None:
            return replace(said, reason="passed on with its section, and read according to the source")
        return unknown(dotted, f"not read so far, but {said.where} reads it")
    if trouble is not None:
        return unknown(dotted, trouble)
    if said.state is not KeyState.UNKNOWN:
        return said
    if moved is not None:
        what = ".".join(moved) or "the config"
        return unknown(dotted, f"{what} is passed on as a whole ({seen.moved[moved] or 'to be copied'})")
    if "stepped" not in seen.kinds:
        return unknown(dotted, "not read so far, and no optimiser step was seen: the run proves nothing")
    if seen.complete and said.reason.startswith(PROBABLY):
        return KeyUse(dotted, KeyState.DEAD, Confidence.MEDIUM, reason="neither the run nor the source reads it")
    return replace(said, reason=f"not read so far; {said.reason}")
