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
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from diagnose.keyflow.command import script_of
from diagnose.keyflow.report import CHOSEN_BY_THE_RUN, KeyReport, KeyState, KeyUse, Place, leaf_paths
from diagnose.keyflow.source import keys_read, load_config, mark_interpolated

POLL_SECONDS = 0.1
GRACE_SECONDS = 10.0  # between asking a run to stop and stopping it: what `docker stop` gives
CONFIG_SUFFIXES = {".yaml", ".yml", ".json"}
EXACT_TYPE = re.compile(rb"type\([^()]*\)\s+is\s+(?:not\s+)?dict\b")


class TraceError(Exception):
    """A command that cannot be watched. The message is one line: what is wrong, what to do."""


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

    started: bool = False
    loaded: bool = False
    complete: bool = False
    """The run came to its end while it was watched."""
    reads: dict[tuple[str, ...], set[Place]] = field(default_factory=dict)
    moved: dict[tuple[str, ...], Place | None] = field(default_factory=dict)
    """Keys and sections that were walked over, unpacked by `**` or pickled: used perhaps, perhaps only passed on."""
    failures: list[str] = field(default_factory=list)
    window_closed: bool = False


def config_of(command: Sequence[str]) -> Path:
    """The config that the command names. Raises TraceError if there is none, in one line."""
    words = [part.partition("=")[2] if part.startswith("--") and "=" in part else part for part in command]
    found = [Path(word) for word in words if Path(word).suffix in CONFIG_SUFFIXES and Path(word).is_file()]
    if not found:
        raise TraceError("the command names no config file: say which it reads with --config FILE before the `--`")
    return found[0]


def watch(
    command: Sequence[str], config_file: Path, limits: Watch = Watch(), output: IO[Any] | int | None = None
) -> Iterator[tuple[KeyReport | None, int | None]]:
    """Run `command` and watch its start. Yields the report once the start is over, then the exit status.

    The command runs as it would without being watched; `output` takes its standard output. The exit status is its
    own (128 + n after signal n), or None if it was stopped here. Raises TraceError if it cannot be started.
    """
    config = load_config(config_file)
    folder = Path(tempfile.mkdtemp(prefix="ttsdoc-trace-"))
    try:
        process = _start(command, _environment(folder, config_file, limits, script_of(command)), output, limits.stop)
        with _passed_on(process):
            sighting = _look(process, folder, limits)
            yield judge(command, config, config_file, sighting), None
            yield None, _end(process, limits.stop and not sighting.complete)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(folder: Path, config_file: Path, limits: Watch, script: Path | None) -> dict[str, str]:
    hook = folder / "hook"
    hook.mkdir()
    shutil.copyfile(Path(__file__).with_name("_watch.py"), hook / "sitecustomize.py")
    behind = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "PYTHONPATH": str(hook) if not behind else f"{hook}{os.pathsep}{behind}",
        "TTSDOC_TRACE_OUT": str(folder),
        "TTSDOC_TRACE_CONFIG": str(config_file.absolute()),
        "TTSDOC_TRACE_STEPS": str(limits.steps),
        "TTSDOC_TRACE_PLAIN_DICTS": "1" if script is not None and _asks_for_exact_dicts(script) else "0",
    }


def _asks_for_exact_dicts(script: Path) -> bool:
    """`type(x) is dict` is the one question to which a watched section would give another answer than a dict."""
    return any(
        EXACT_TYPE.search(path.read_bytes()) for path in script.absolute().parent.rglob("*.py") if path.is_file()
    )


def _start(
    command: Sequence[str], environment: Mapping[str, str], output: IO[Any] | int | None, own_group: bool
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(list(command), env=dict(environment), stdout=output, start_new_session=own_group)
    except OSError as error:
        raise TraceError(f"{command[0]}: {error.strerror or error}; give the command after `--`") from None


class _passed_on:  # noqa: N801 - a context manager, named for how it reads
    """Signals that reach ttsdoc while the run lasts are passed on to it, and the run decides."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.before: dict[int, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # Python delivers signals to the main thread only
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            self.before[number] = signal.signal(number, self._send)

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _send(self, number: int, _frame: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)


def _look(process: subprocess.Popen[bytes], folder: Path, limits: Watch) -> Sighting:
    deadline = time.monotonic() + limits.seconds
    while True:
        ended = process.poll() is not None
        sighting = read_events(folder)
        if ended or sighting.window_closed or time.monotonic() > deadline:
            sighting.complete = ended and not sighting.window_closed and process.returncode == 0
            return sighting
        time.sleep(POLL_SECONDS)


def _end(process: subprocess.Popen[bytes], stop: bool) -> int | None:
    if stop and process.poll() is None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            _signal_group(process, number)
            try:
                process.wait(GRACE_SECONDS)
                return None
            except subprocess.TimeoutExpired:
                continue
    status = process.wait()
    return status if status >= 0 else 128 - status


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def read_events(folder: Path) -> Sighting:
    """What the watched processes have noted so far."""
    sighting = Sighting()
    for file in sorted(folder.glob("events-*.jsonl")):
        text = file.read_text("utf-8", errors="replace")
        for line in text[: text.rfind("\n") + 1].splitlines():  # the last one may still be being written
            _take(sighting, json.loads(line))
    return sighting


def _take(sighting: Sighting, event: Mapping[str, Any]) -> None:
    path = tuple(event.get("path", ()))
    place = Place(_shown(event["file"]), int(event["line"])) if "line" in event else None
    match event["kind"]:
        case "started":
            sighting.started = True
        case "loaded":
            sighting.loaded = True
        case "steps":
            sighting.window_closed = True
        case "failed":
            sighting.failures.append(f"{event['module']} could not be watched ({event['error']})")
        case "read" if place is not None:
            sighting.reads.setdefault(path, set()).add(place)
        case "walked" | "unpacked" | "pickled":
            sighting.moved.setdefault(path, place)


def _shown(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def judge(command: Sequence[str], config: Mapping[str, Any], config_file: Path, seen: Sighting) -> KeyReport:
    """One word for each key: what was seen, and where that is not enough, what the source says."""
    name = " ".join(command)
    script = script_of(command)
    source = keys_read(script, config, config_file) if script is not None else None
    trouble = _trouble(seen)
    keys = tuple(_judge_key(path, seen, source, trouble) for path in leaf_paths(config))
    notes = (*seen.failures, *((trouble,) if trouble else ()), *(source.notes if source is not None else ()))
    absent = source.absent if source is not None else ()
    return KeyReport(
        name, mark_interpolated(keys, config, config_file), absent, tuple(dict.fromkeys(notes)), method="trace"
    )


def _trouble(seen: Sighting) -> str | None:
    if not seen.started:
        return "the command starts no Python that could be watched; it ran as it is"
    if not seen.loaded:
        return "the config was not loaded by PyYAML, json, OmegaConf or ruamel while the run was watched"
    return None


def _judge_key(path: str, seen: Sighting, source: KeyReport | None, trouble: str | None) -> KeyUse:  # noqa: PLR0911 - one case, one answer
    key = next((k for k in (*seen.reads, *seen.moved) if ".".join(k) == path), tuple(path.split(".")))
    if key in seen.reads:
        return KeyUse(path, KeyState.LIVE, tuple(sorted(seen.reads[key])), reason="seen")
    said = source[path] if source is not None else None
    if trouble is not None:
        return KeyUse(path, KeyState.UNKNOWN, reason=trouble)
    moved = next((part for n in range(len(key) + 1) if (part := key[:n]) in seen.moved), None)
    if said is not None and said.state in {KeyState.DEAD, KeyState.MISPLACED}:
        return said
    if said is not None and said.state is KeyState.LIVE:
        if moved is not None:
            return replace(said, reason="passed on with its section, and read according to the source")
        return KeyUse(path, KeyState.UNKNOWN, reason=f"not read so far, but {said.reads[0]} reads it")
    if moved is not None:
        what = ".".join(moved) or "the config"
        return KeyUse(
            path, KeyState.UNKNOWN, reason=f"{what} is passed on as a whole ({seen.moved[moved] or 'pickled'})"
        )
    if not seen.complete:
        return KeyUse(path, KeyState.UNKNOWN, reason="not read so far; the run was not watched to its end")
    if said is not None and CHOSEN_BY_THE_RUN in said.reason:
        return said
    return KeyUse(path, KeyState.DEAD, reason="nothing read it in this run, which was watched to its end")
